"""The database: one place that knows which SQL engine it is, and how a reader and a writer begin.

SQLite has one writer at a time: a lock here queues the threads of this process, `BEGIN IMMEDIATE` those of others.
Every commit is on the disk before it is acknowledged (`synchronous=FULL`).
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection as Connection
from sqlalchemy import Dialect, Engine, MetaData, Select, Table, create_engine, event, inspect, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import OperationalError
from sqlalchemy.sql.dml import Insert

from classtap_core.kernel.errors import EnvironmentFault
from cloud.storage.checkpoint import KEPT_BYTES, Checkpoints

_WRITES = "classtap_writes"
_BUSY_MS = 10_000


class Database:
    """An engine with readers and one writer. Close it when done.

    Attributes:
        dialect: `sqlite` or `postgresql`.
    """

    def __init__(self, url: str) -> None:
        # Parameters are people's data: no error may carry them into a log.
        self._engine = create_engine(url, pool_size=8, max_overflow=8, hide_parameters=True)
        self.dialect = self._engine.dialect.name
        self._writing = threading.Lock()
        self._checkpoints: Checkpoints | None = None
        if self.dialect == "sqlite":
            _tune_sqlite(self._engine)
            if self._engine.url.database:
                self._checkpoints = Checkpoints(self._engine, self._engine.url.database)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """One consistent view. Raises EnvironmentFault `cloud.database` when the database cannot be reached."""
        with _faults(), self._engine.connect() as connection:
            if self.dialect == "postgresql":
                connection = connection.execution_options(isolation_level="REPEATABLE READ")
            with connection.begin():
                yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction that may write: committed when left, rolled back when an error leaves it."""
        with self._lock(), _faults():
            with self._engine.connect() as connection:
                connection = connection.execution_options(**{_WRITES: True})
                with connection.begin():
                    yield connection
            if self._checkpoints is not None:
                self._checkpoints.committed()

    @contextmanager
    def _lock(self) -> Iterator[None]:
        if self.dialect != "sqlite":
            yield
            return
        with self._writing:
            yield

    def upsert(self, table: Table) -> Insert:
        """An insert that replaces the row with the same primary key."""
        key = [column.name for column in table.primary_key]
        rest = [column.name for column in table.columns if column.name not in key]
        made: Any = sqlite.insert(table) if self.dialect == "sqlite" else postgresql.insert(table)
        statement: Insert = made.on_conflict_do_update(
            index_elements=key, set_={name: made.excluded[name] for name in rest}
        )
        return statement

    def insert_new(self, table: Table) -> Insert:
        """An insert that leaves the row with the same primary key as it is."""
        made: Any = sqlite.insert(table) if self.dialect == "sqlite" else postgresql.insert(table)
        statement: Insert = made.on_conflict_do_nothing(index_elements=[column.name for column in table.primary_key])
        return statement

    def prepared(self, statement: Select[Any]) -> "Prepared":
        return Prepared(statement, self._engine.dialect)

    def create(self, metadata: MetaData, connection: Connection) -> None:
        """Make the tables, columns and indexes that are not there yet. Columns added to old tables start out empty."""
        for schema in sorted({table.schema for table in metadata.tables.values() if table.schema}):
            connection.execute(text(f'CREATE SCHEMA IF NOT EXISTS "{schema}"'))
        metadata.create_all(connection)
        inspector = inspect(connection)
        for table in metadata.sorted_tables:
            there = {column["name"] for column in inspector.get_columns(table.name, schema=table.schema)}
            for column in table.columns:
                if column.name not in there:
                    kind = column.type.compile(self._engine.dialect)
                    name = self._engine.dialect.identifier_preparer.format_table(table)
                    connection.execute(text(f'ALTER TABLE {name} ADD COLUMN "{column.name}" {kind}'))
            indexes = {index["name"] for index in inspector.get_indexes(table.name, schema=table.schema)}
            for index in table.indexes:
                if index.name not in indexes:
                    index.create(connection)

    def columns_of(self, table: Table, connection: Connection) -> set[str]:
        """The columns a table has now; none when it is not there."""
        inspector = inspect(connection)
        if not inspector.has_table(table.name, schema=table.schema):
            return set()
        return {column["name"] for column in inspector.get_columns(table.name, schema=table.schema)}

    def close(self) -> None:
        if self._checkpoints is not None:
            self._checkpoints.close()
        self._engine.dispose()


class Prepared:
    """A query compiled once, for what one push asks hundreds of times. Its parameters are named binds."""

    def __init__(self, statement: Select[Any], dialect: Dialect) -> None:
        compiled = statement.compile(dialect=dialect)
        self._sql = str(compiled)
        self._order: list[str] | None = getattr(compiled, "positiontup", None)

    def run(self, connection: Connection, parameters: dict[str, Any]) -> Sequence[Any]:
        given = parameters if self._order is None else tuple(parameters[name] for name in self._order)
        return connection.exec_driver_sql(self._sql, given).all()


@contextmanager
def _faults() -> Iterator[None]:
    try:
        yield
    except OperationalError as error:
        # Full disk, no server, a lock held too long: the surroundings, not the request. The message may hold values.
        raise EnvironmentFault("cloud.database", error=type(error.orig).__name__) from error


def _tune_sqlite(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def connected(connection: Any, _record: Any) -> None:
        # The driver must not begin transactions of its own: `begun` does, so that a writer takes its lock at once.
        connection.isolation_level = None
        cursor = connection.cursor()
        # secure_delete: what is erased is not left in the file's free pages (costs nothing measurable here).
        for pragma in (
            "journal_mode=WAL", "synchronous=FULL", f"busy_timeout={_BUSY_MS}", "foreign_keys=ON", "cache_size=-65536", "secure_delete=ON",
            "wal_autocheckpoint=0", f"journal_size_limit={KEPT_BYTES}",
        ):  # fmt: skip
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begun(connection: Connection) -> None:
        writes = connection.get_execution_options().get(_WRITES, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
