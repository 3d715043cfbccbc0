"""What leaves a device because it is long over: rows of dated scopes, and what old entries of the log said of persons.

Only what is settled: work the cloud has not answered, or whose rows have not come back, stays with all it rests on. The
chain stays whole, because an entry keeps its envelope and with it the commitments.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from classtap_core.kernel.ids import Id, derived
from classtap_core.kernel.records import Record
from classtap_core.kernel.scopes import last_day
from classtap_core.store.evictions import held
from classtap_core.store.log import LET_GO, position
from classtap_core.store.rows import RecordTable, column, id_list
from classtap_core.store.subjects import open_only
from classtap_core.store.writer import Slices

if TYPE_CHECKING:
    from classtap_core.store.device import SqlDevice
    from classtap_core.store.reader import StoreReader

DAYS = 90
"""How long what is settled stays on a device, where nobody has said otherwise."""
FEWEST_DAYS = 7
_DAY_MS = 86_400_000
_A_SLICE = 100


class Bound(NamedTuple):
    """A kind of record of which a device keeps so many, the newest by a field of a declared index that holds ms."""

    record: type[Record]
    field: str
    most: int


class Gone(NamedTuple):
    """What a round came to: scopes and rows that left, entries of the log that keep only their envelopes."""

    scopes: int
    rows: int
    entries: int


class Plan(NamedTuple):
    """What is old, as a reader finds it: the day from which on dated scopes stay, those that go, their rows by kind,
    and entries of the log by position."""

    floor: str
    scopes: frozenset[str]
    rows: tuple[tuple[str, list[Id]], ...]
    entries: list[int]


def plan(reader: "StoreReader", *, now_ms: int, days: int) -> Plan:
    """Find what ended so many days ago and is settled. It reads much, so that the writer need not."""
    before = (datetime.fromtimestamp(now_ms / 1_000, tz=UTC) - timedelta(days=days)).date()
    scopes = frozenset(_old_scopes(reader, before))
    rows = tuple(
        (table.kind, [id for (id,) in _rows_in(reader, table, scopes)]) for table in reader.tables.values() if scopes
    )
    return Plan(before.isoformat(), scopes, rows, _old_entries(reader, now_ms - days * _DAY_MS))


def let_go(device: "SqlDevice", plan: Plan) -> Slices[Gone]:
    """Let go of what was planned, a little at a time, looking again at each; on the writer, behind everything else."""
    rows = entries = 0
    if plan.scopes:
        device.raise_floor(plan.floor, plan.scopes)
        yield
    for kind, ids in plan.rows:
        for start in range(0, len(ids), _A_SLICE):
            rows += device.drop_rows(kind, ids[start : start + _A_SLICE], plan.scopes)
            yield
    for start in range(0, len(plan.entries), _A_SLICE):
        with device.atomic():
            entries += _empty(device, plan.entries[start : start + _A_SLICE])
        yield
    return Gone(len(plan.scopes), rows, entries)


def too_many(reader: "StoreReader", bound: Bound) -> list[tuple[Id, str]]:
    """Rows beyond a bound with their scopes, the oldest first. What is unsent or unsettled counts, and stays."""
    table = reader.tables[bound.record.KIND]
    count = held(reader, table.kind)
    if count <= bound.most:
        return []
    found: list[tuple[Id, str]] = reader.conn.execute(
        f'SELECT id, scope FROM "{table.name}" WHERE overlaid = 0'
        f" AND id NOT IN (SELECT id FROM touch WHERE kind = ? AND settled <> 1) ORDER BY {column(bound.field)}, id LIMIT ?",
        (table.kind, count - bound.most),
    ).fetchall()  # fmt: skip
    return found


def thin(device: "SqlDevice", kind: str, rows: Sequence[tuple[Id, str]]) -> Slices[int]:
    """Let go of single rows, a little at a time, and remember that their scopes are not whole any more; how many."""
    gone = 0
    if rows:
        device.thinned({scope for _, scope in rows})
        yield
    for start in range(0, len(rows), _A_SLICE):
        some = rows[start : start + _A_SLICE]
        gone += device.drop_rows(kind, [id for id, _ in some], {scope for _, scope in some})
        yield
    return gone


def _old_scopes(reader: "StoreReader", before: date) -> set[str]:
    """Dated scopes that ended before a day and in which nothing is unsettled."""
    names = {state.scope for state in reader.scopes()}
    busy: set[str] = set()
    for table in (*(f'"{one.name}"' for one in reader.tables.values()), "aside"):
        names |= {scope for (scope,) in reader.conn.execute(f"SELECT DISTINCT scope FROM {table}")}
    for one in reader.tables.values():
        busy |= set(_unsettled(reader, one))
    days = {scope: last_day(scope) for scope in names - busy}
    return {scope for scope, day in days.items() if day is not None and day < before}


def _unsettled(reader: "StoreReader", table: RecordTable) -> Iterator[str]:
    """Scopes with rows that unsent or unsettled work wrote, or rests on."""
    rows = reader.conn.execute(
        f'SELECT scope, base_scope FROM "{table.name}" WHERE overlaid = 1 UNION'
        f' SELECT scope, base_scope FROM "{table.name}" WHERE id IN'
        " (SELECT id FROM touch WHERE kind = ? AND settled <> 1)",
        (table.kind,),
    )
    for scopes in rows:
        yield from (scope for scope in scopes if scope)


def _rows_in(reader: "StoreReader", table: RecordTable, scopes: frozenset[str]) -> Iterator[tuple[Id]]:
    found: Iterator[tuple[Id]] = reader.conn.execute(
        f'SELECT id FROM "{table.name}" WHERE scope IN (SELECT value FROM json_each(?))', (id_list(scopes),)
    )
    return found


_MAY_GO = "(settled = 1 OR (folded = 0 AND settled = 0))"


def _old_entries(reader: "StoreReader", before_ms: int) -> list[int]:
    """Positions of entries older than an instant that may lose their words, in order.

    Answered, settled, not set aside by the cloud nor said again for that, and with nothing about them that somebody has
    still to be told.
    """
    aside = reader.conn.execute("SELECT id FROM log WHERE json_extract(answer, '$.status') = 'quarantined'")
    stay = {name for (id,) in aside for name in (id, derived("retry", id))}
    stay |= {notice.operation for notice in reader.notices()}
    return [
        at
        for epoch in reader.epochs()
        for at, id in reader.conn.execute(
            f"SELECT position, id FROM log WHERE position BETWEEN ? AND ? AND at_ms < ? AND {_MAY_GO} ORDER BY position",
            (position(epoch, 0), position(epoch, reader.acked(epoch)), before_ms),
        )
        if id not in stay
    ]


def _empty(device: "SqlDevice", positions: Sequence[int]) -> int:
    """Take the words out of entries: what they said of persons, and what they changed. Envelopes stay. How many."""
    found = device.conn.execute(
        f"SELECT position, payload FROM log WHERE position IN (SELECT value FROM json_each(?)) AND {_MAY_GO}"
        " AND id NOT IN (SELECT operation FROM notice)",
        (msgspec.json.encode(list(positions)).decode(),),
    ).fetchall()
    device.conn.executemany(
        "UPDATE log SET payload = ?, changes = x'', bodies = NULL, settled = ? WHERE position = ?",
        [(open_only(payload), LET_GO, at) for at, payload in found],
    )
    return len(found)
