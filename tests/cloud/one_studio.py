"""Every query that a test runs on PostgreSQL, planned again without the wall: each must name the one studio itself.

Citus sends a query to one worker only where each of its tables is held to one `studio_id`; what is not, it spreads over
all of them, or refuses. The planner is asked, not the text: a condition counts wherever it was written.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from sqlalchemy import Connection, Engine, event

_OURS = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH)\b", re.IGNORECASE)
_FORBIDDEN = re.compile(r"pg_(try_)?advisory|\bNOTIFY\b|\bLISTEN\b", re.IGNORECASE)
_NOT_CARRIED = re.compile(r"\bset_config\(", re.IGNORECASE)
_VOLATILE = re.compile(
    r"\b((clock|statement|transaction)_timestamp|now|timeofday|random|gen_random_uuid|nextval)\(|\bCURRENT_(TIMESTAMP|DATE|TIME)\b",
    re.IGNORECASE,
)
_WRITES = re.compile(r"\s*(INSERT|UPDATE|DELETE)\b", re.IGNORECASE)
_CHANGES = re.compile(r"\s*(UPDATE|DELETE)\b", re.IGNORECASE)
_LOOKS_ELSEWHERE = re.compile(r"\b(SELECT|USING|SET\b.*\bFROM)\b", re.IGNORECASE | re.DOTALL)
_PARAMETER = re.compile(r"%\(\w+\)s")
_BARE = re.compile(r"\bstudio_id = (?:%s::TEXT|'[0-9a-f]*')(?! COLLATE|::)(?=\s|\)|$)", re.IGNORECASE)
_INSERTS_FOUND = re.compile(r"\s*INSERT\b.*\bSELECT\b", re.IGNORECASE | re.DOTALL)
_HELD = re.compile(r"studio_id\)?(?:::text)? = '([0-9a-f]*)'")
_DIRECTORY = "directory"


class Asked(NamedTuple):
    """A query as it was sent: its text, one set of its parameters, the studio its transaction was about."""

    statement: str
    parameters: Any
    studio: str


class Asking:
    """Collects queries of transactions behind the wall; the same text once."""

    def __init__(self) -> None:
        self.new: list[Asked] = []
        self.faults: list[str] = []
        self._seen: set[str] = set()

    @contextmanager
    def listening(self) -> Iterator[None]:
        event.listen(Engine, "before_cursor_execute", self._hear)
        try:
            yield
        finally:
            event.remove(Engine, "before_cursor_execute", self._hear)

    def _hear(
        self, connection: Connection, _cursor: Any, statement: str, parameters: Any, _context: Any, many: bool
    ) -> None:
        if connection.dialect.name != "postgresql" or "classtap_studio" not in connection.info:
            return
        if _FORBIDDEN.search(statement):
            self.faults.append(f"locks are rows, and nobody is notified: {statement}")
        if _NOT_CARRIED.search(statement):
            self.faults.append(f"Citus carries SET LOCAL to its machines, and no function: {statement}")
        if not _OURS.match(statement):
            return
        if _WRITES.match(statement) and not _reads_directory(statement):
            if _VOLATILE.search(statement):
                self.faults.append(f"each machine would make a value of its own: {statement}")
            if _INSERTS_FOUND.match(statement):
                self.faults.append(f"inserts what it finds: {statement}")
            if _CHANGES.match(statement) and not _planned_once(statement):
                self.faults.append(f"Citus plans it anew each time: {statement}")
        studio = connection.info["classtap_studio"] or ""
        sets: Sequence[Any] = parameters if many else [parameters]
        for one in sets:
            if isinstance(one, Mapping):
                named = {str(value) for name, value in one.items() if name.startswith("studio_id")}
                if named - {studio} and not _reads_directory(statement):
                    self.faults.append(f"names {named}, in a transaction about {studio or 'no studio'}: {statement}")
        if statement not in self._seen:
            self._seen.add(statement)
            self.new.append(Asked(statement, sets[0] if sets else (), studio))

    def check(self, connection: Connection) -> list[str]:
        """What is wrong with the queries since the last check, by the planner of a connection beyond the wall."""
        found, self.faults = self.faults, []
        asked, self.new = self.new, []
        for one in asked:
            found += faults_of(connection, one)
        return found


def faults_of(connection: Connection, asked: Asked) -> list[str]:
    """Why Citus could not send a query to the one worker of its studio; empty where it can."""
    with connection.begin_nested():
        plan = connection.exec_driver_sql(
            f"EXPLAIN (VERBOSE, FORMAT JSON) {asked.statement}", asked.parameters
        ).scalar_one()
    plan = plan if isinstance(plan, list) else json.loads(plan)
    if any(tasks > 1 for tasks in _tasks(plan)):  # none, where the planner sees that nothing can be found
        return [f"Citus spreads it over several machines: {asked.statement}"]
    nodes = list(_nodes(plan[0]["Plan"]))
    tables = {(node["Schema"], node["Relation Name"]) for node in nodes if "Relation Name" in node}
    apart = {table for table in tables if table[0] == _DIRECTORY}
    if apart and apart != tables:
        return [f"joins the directory with a studio's tables: {asked.statement}"]
    if apart or not tables:
        return []
    if not asked.studio:
        return [f"reads {sorted(tables)} in a transaction about no studio: {asked.statement}"]
    return [
        f"{node['Relation Name']} is not held to one studio ({_conditions(node) or 'no condition'}): {asked.statement}"
        for node in nodes
        if "Relation Name" in node and node["Node Type"] != "ModifyTable" and not _held(node, asked.studio)
    ]


def _held(node: dict[str, Any], studio: str) -> bool:
    return studio in _HELD.findall(_conditions(node))


def _conditions(node: dict[str, Any]) -> str:
    return " ".join(str(node[name]) for name in ("Index Cond", "Recheck Cond", "Filter") if name in node)


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("Plans", ()):
        yield from _nodes(child)


def _tasks(plan: Any) -> Iterator[int]:
    """On a Citus cluster: to how many shards a query, or a part of it, would go."""
    if isinstance(plan, Mapping):
        if "Task Count" in plan:
            yield plan["Task Count"]
        for value in plan.values():
            yield from _tasks(value)
    elif isinstance(plan, list):
        for value in plan:
            yield from _tasks(value)


def _planned_once(statement: str) -> bool:
    """Whether Citus plans a prepared write once for all studios (`FastPathRouterQuery`): of one table, its `studio_id`
    beside a bare parameter of the column's own type, one time."""
    bare = _PARAMETER.sub("%s", statement)
    return len(_BARE.findall(bare)) == bare.lower().count("studio_id") == 1 and not _LOOKS_ELSEWHERE.search(bare)


def _reads_directory(statement: str) -> bool:
    return f"{_DIRECTORY}." in statement
