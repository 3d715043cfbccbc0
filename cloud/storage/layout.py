"""Bringing a database to the shape this program wants, by Alembic.

The books change by numbered steps (`migrations/versions`). A record's table follows from its declaration, so Alembic
compares the two and what lacks is added; a field that is indexed from now on is read out of every body once.
"""

import hashlib
from collections.abc import Iterable
from enum import Enum
from pathlib import Path
from typing import Any, cast

import msgspec
from alembic.autogenerate import produce_migrations
from alembic.config import Config
from alembic.operations import Operations, ops
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, bindparam, func, inspect, select, text, update
from sqlalchemy.exc import IntegrityError, ProgrammingError

from classtap_core.kernel.digests import row_number, signed
from classtap_core.kernel.errors import EnvironmentFault
from classtap_core.kernel.ids import Id
from cloud.storage import citus, wall
from cloud.storage.database import Database
from cloud.storage.sealing import open_part
from cloud.storage.tables import RecordTable, Tables

_SLICE = 2_000
_RECORDS = "records"
_SCRIPTS = Path(__file__).parent / "migrations"
FIRST = "0001"
"""What a database without a version is: the tables of the first release, which kept none."""


class State(Enum):
    EMPTY = "empty"
    OLDER = "older"
    CURRENT = "current"
    NEWER = "newer"


class Layout:
    """The shape of one database, compared with what this program wants."""

    def __init__(self, database: Database, tables: Tables) -> None:
        self._database, self._tables = database, tables
        config = Config()
        config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
        self._config, self._scripts = config, ScriptDirectory.from_config(config)

    @property
    def wanted(self) -> str:
        """The newest version."""
        return self._scripts.get_current_head() or FIRST

    def version(self, connection: Connection) -> str:
        """The version of the database; empty when nothing is there."""
        found = MigrationContext.configure(connection, opts=self._versions()).get_current_revision()
        if found is not None:
            return found
        return FIRST if inspect(connection).has_table("head") else ""

    def state(self) -> State:
        """How the database stands to this program. Raises EnvironmentFault `cloud.database`."""
        with self._database.administer() as connection:
            return self._state(connection)

    def _state(self, connection: Connection) -> State:
        found = self.version(connection)
        if not found:
            return State.EMPTY
        if found not in {step.revision for step in self._scripts.walk_revisions()}:
            return State.NEWER
        facts = self._tables.facts
        declared = connection.scalar(select(facts.c.value).where(facts.c.name == _RECORDS))
        if found == self.wanted and declared == self._declared():
            return State.CURRENT
        return State.NEWER if self._unknown_columns(connection) else State.OLDER

    def prepare(self, *, distributed: bool = False) -> State:
        """Make the tables, or bring them up; what was there before. Twice at once is fine: one of them waits or repeats.

        Raises EnvironmentFault `cloud.newer` when a newer program laid it out, `cloud.role`, `cloud.no_citus`, `cloud.machines`.
        """
        try:
            return self._prepare(distributed=distributed)
        except (IntegrityError, ProgrammingError):
            if self.state() is State.EMPTY:
                raise
            return self._prepare(distributed=distributed)  # another process made it just now

    def _prepare(self, *, distributed: bool) -> State:
        with self._database.administer() as connection:
            postgresql = self._database.dialect == "postgresql"
            found = self._state(connection)
            if found is State.NEWER:
                raise EnvironmentFault("cloud.newer", version=self.version(connection), known=self.wanted)
            spread = postgresql and (distributed or citus.is_distributed(connection))
            if found is State.CURRENT and not distributed:
                return found
            if postgresql:
                wall.make_role(connection, login=spread)
            if spread:
                citus.prepare(connection)
            if found is not State.CURRENT:
                before = self.version(connection)
                self._walk(connection)
                self._lay_out_records(connection)
                if before == FIRST:
                    self._fill_digests(connection)
            if postgresql:
                wall.put_up(connection, studio=self._tables.of_studios, directory=self._tables.directory)
        if spread:
            # One commit each: together, their shards would be more locks than a server has by default. Broken off, the
            # next `init --distributed` goes on.
            for table in citus.in_order(self._tables.of_studios):
                with self._database.administer() as connection:
                    citus.distribute(connection, table)
            self._see_all_machines()
        return found

    def _see_all_machines(self) -> None:
        """Ask every machine something as the role behind the wall, letting the coordinator in where it is not.

        Raises EnvironmentFault `cloud.machines`.
        """
        head = self._tables.head

        def asked() -> None:
            with self._database.administer() as connection:
                connection.exec_driver_sql(wall.behind(None))
                connection.scalar(select(func.count()).select_from(head))

        try:
            asked()
        except EnvironmentFault:
            try:
                with self._database.administer() as connection:
                    citus.let_in(connection, wall.ROLE)
                asked()
            except (EnvironmentFault, ProgrammingError) as fault:
                raise EnvironmentFault("cloud.machines", role=wall.ROLE) from fault

    def _walk(self, connection: Connection) -> None:
        if self._database.dialect == "postgresql":
            connection.execute(text('CREATE SCHEMA IF NOT EXISTS "directory"'))
        found = self.version(connection)

        def steps(current: Any, _context: Any) -> Any:
            # As Alembic's own commands do; the first version kept no number, so ours stands in for it.
            return self._scripts._upgrade_revs("head", current or cast(str, found or None))

        self._config.attributes["classtap"] = {"connection": connection, **self._versions()}
        with EnvironmentContext(self._config, self._scripts, fn=steps):
            self._scripts.run_env()

    def _versions(self) -> dict[str, Any]:
        """Where the version is kept."""
        if self._database.dialect == "postgresql":
            return {"version_table": "version", "version_table_schema": "directory"}
        return {"version_table": "directory_version"}

    def _lay_out_records(self, connection: Connection) -> None:
        records = {found.table.name: found for found in self._tables.records.values()}

        def ours(_object: Any, name: str | None, kind: str, reflected: bool, _to: Any) -> bool:
            if kind == "table":
                return name in records
            return kind == "index" or not reflected  # an index no longer declared goes; a column stays

        context = MigrationContext.configure(
            connection, opts={"include_object": ours, "target_metadata": self._tables.metadata}
        )
        wanted = produce_migrations(context, self._tables.metadata).upgrade_ops
        operations, grown = Operations(context), dict[str, RecordTable]()
        for step in _flat(wanted):
            operations.invoke(step)
            if isinstance(step, ops.AddColumnOp):
                grown[step.table_name] = records[step.table_name]
        for found in grown.values():
            _fill(found, connection)
        row = {"name": _RECORDS, "value": self._declared()}
        connection.execute(self._database.upsert(self._tables.facts), [row])

    def _fill_digests(self, connection: Connection) -> None:
        """The first version's change index had no digests: count every row where it lies."""
        change = self._tables.change
        statement = (
            update(change)
            .where(
                change.c.studio_id == bindparam("at_studio"), change.c.scope == bindparam("at_scope"),
                change.c.kind == bindparam("at_kind"), change.c.id == bindparam("at_id"),
            )
            .values(digest=bindparam("number"))
        )  # fmt: skip
        for kind, found in self._tables.records.items():
            columns = found.table.c
            rows = connection.execute(select(columns.studio_id, columns.scope, columns.id, columns.body)).all()
            for start in range(0, len(rows), _SLICE):
                connection.execute(
                    statement,
                    [
                        {
                            "at_studio": studio, "at_scope": scope, "at_kind": kind, "at_id": id,
                            "number": signed(row_number(kind, Id(id), scope, body)),
                        }
                        for studio, scope, id, body in rows[start : start + _SLICE]
                    ],
                )  # fmt: skip

    def _declared(self) -> str:
        """Changes with the record tables' columns and indexes."""
        said = [
            [
                str(table.name),
                sorted(map(str, table.columns.keys())),
                sorted(str(index.name) for index in table.indexes),
            ]
            for table in sorted((found.table for found in self._tables.records.values()), key=lambda one: one.name)
        ]
        return hashlib.sha256(msgspec.json.encode(said)).hexdigest()

    def _unknown_columns(self, connection: Connection) -> bool:
        """Whether a program indexed what this one does not know: it would let those columns go stale."""
        inspector = inspect(connection)
        for found in self._tables.records.values():
            if inspector.has_table(found.table.name):
                there = {column["name"] for column in inspector.get_columns(found.table.name)}
                if there - set(found.table.columns.keys()):
                    return True
        return False


def _flat(wanted: Any) -> Iterable[Any]:
    for step in wanted.ops:
        if isinstance(step, ops.OpContainer):
            yield from _flat(step)
        else:
            yield step


def _fill(found: RecordTable, connection: Connection) -> None:
    columns = found.table.c
    statement = (
        update(found.table)
        .where(columns.studio_id == bindparam("at_studio"), columns.id == bindparam("at_id"))
        .values({column: bindparam(column) for column in found.columns.values()})
    )
    rows = connection.execute(select(columns.studio_id, columns.id, columns.body)).all()
    for start in range(0, len(rows), _SLICE):
        connection.execute(
            statement,
            [
                {"at_studio": studio, "at_id": id, **found.values(open_part(body))}
                for studio, id, body in rows[start : start + _SLICE]
            ],
        )
