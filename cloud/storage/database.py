"""The database: one place that knows which SQL engine it is, and how a reader and a writer begin.

SQLite has one writer at a time: a lock here queues the threads of this process, `BEGIN IMMEDIATE` those of others.
Every commit is on the disk before it is acknowledged (`synchronous=FULL`). On PostgreSQL every transaction stands
behind the wall (`wall.py`): it works under a role that owns nothing and sees one studio.
"""

import logging
import sqlite3
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from enum import StrEnum
from typing import Any

from sqlalchemy import CompoundSelect, Dialect, Engine, Select, Table, Update, create_engine, event, make_url
from sqlalchemy import Connection as Connection
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql.base import PGTypeCompiler
from sqlalchemy.exc import (
    ArgumentError,
    DBAPIError,
    IntegrityError,
    InterfaceError,
    InternalError,
    OperationalError,
    ProgrammingError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.sql.dml import Insert

from classtap_core.kernel.errors import BadInput, EnvironmentFault
from classtap_core.kernel.ids import Id
from cloud.storage import wall
from cloud.storage.checkpoint import KEPT_BYTES, Checkpoints

_WRITES = "classtap_writes"
_STUDIO = "classtap_studio"
_MOVED = "cloud.moved"
_CONNECT_S = 5
_BUSY_MS = 10_000
_ALIVE = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 25_000}
"""How soon a machine that vanished without a word is noticed, of either side: in 25 seconds. Else a lost server's workers
would wait a quarter of an hour, and a lost worker would hold the studio it was writing for two hours."""


class How(StrEnum):
    """What becomes of a row whose primary key is there already: an error, nothing, or the new one in its place."""

    NEW = "new"
    KEEP = "keep"
    REPLACE = "replace"


class Database:
    """An engine with readers and one writer. Close it when done.

    Attributes:
        dialect: `sqlite` or `postgresql`.
    """

    def __init__(self, url: str) -> None:
        """Raises BadInput `cloud.url` when the address names no database we know. Connects to nothing yet."""
        self._engine = _engine(url)
        self.dialect = self._engine.dialect.name
        self._writing = InTurn()
        self._puts: dict[tuple[Table, How, tuple[str, ...]], Prepared] = {}
        self._checkpoints: Checkpoints | None = None
        if self.dialect == "sqlite":
            _tune_sqlite(self._engine)
            if self._engine.url.database:
                self._checkpoints = Checkpoints(self._engine, self._engine.url.database)

    @contextmanager
    def read(self, studio: Id | None = None) -> Iterator[Connection]:
        """One consistent view, of one studio's rows and the directory; without a studio, of the directory alone.

        Raises EnvironmentFault `cloud.database_unreachable`, `cloud.database_full`, `cloud.database_busy`,
        `cloud.database` for any other trouble of the database's own.
        """
        if self._checkpoints is not None:
            self._checkpoints.admit()
        with _faults(), self._engine.connect() as connection, connection.begin():
            self._walled(connection, studio, wall.behind(studio, one_view=True))
            yield connection

    @contextmanager
    def write(self, studio: Id | None = None) -> Iterator[Connection]:
        """One transaction that may write what `read` would see: committed when left, rolled back on an error."""
        with self._lock(), _faults():
            with self._engine.connect() as connection:
                connection = connection.execution_options(**{_WRITES: True})
                with connection.begin():
                    self._walled(connection, studio, wall.behind(studio))
                    yield connection
            if self._checkpoints is not None:
                self._checkpoints.committed()

    @contextmanager
    def administer(self) -> Iterator[Connection]:
        """A writing transaction as who logged in, beyond the wall: for laying out tables, copying and inspecting."""
        with self._lock(), _faults(), self._engine.connect() as connection:
            connection = connection.execution_options(**{_WRITES: True})
            connection.info.pop(_STUDIO, None)
            with connection.begin():
                yield connection

    @contextmanager
    def survey(self) -> Iterator[Connection]:
        """One consistent view as who logged in, beyond the wall."""
        with _faults(), self._engine.connect() as connection:
            connection.info.pop(_STUDIO, None)
            with connection.begin():
                if self.dialect == "postgresql":
                    connection.exec_driver_sql(wall.ONE_VIEW)
                yield connection

    def shut(self, tables: Iterable[Table]) -> None:
        """Have the database refuse every write to these tables from now on, whoever asks, with `cloud.moved`.

        Returns when no transaction that wrote before is open any more.
        """
        named = [self._engine.dialect.identifier_preparer.format_table(table) for table in tables]
        with self.administer() as connection:
            if self.dialect == "postgresql":
                for name in named:
                    connection.exec_driver_sql(f"REVOKE INSERT, UPDATE, DELETE ON {name} FROM {wall.ROLE}")
            else:
                for name in named:
                    for event in ("INSERT", "UPDATE", "DELETE"):
                        connection.exec_driver_sql(
                            f"CREATE TRIGGER IF NOT EXISTS {_shutter(name, event)} BEFORE {event} ON {name} "
                            f"BEGIN SELECT RAISE(ABORT, '{_MOVED}'); END"
                        )
        if self.dialect == "postgresql":
            with self.administer() as connection:
                connection.exec_driver_sql(f"LOCK TABLE {', '.join(named)} IN SHARE MODE")

    def reopen(self, tables: Iterable[Table]) -> None:
        """Take `shut` back."""
        named = [self._engine.dialect.identifier_preparer.format_table(table) for table in tables]
        with self.administer() as connection:
            if self.dialect == "postgresql":
                for name in named:
                    connection.exec_driver_sql(f"GRANT INSERT, UPDATE, DELETE ON {name} TO {wall.ROLE}")
            else:
                for name in named:
                    for event in ("INSERT", "UPDATE", "DELETE"):
                        connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {_shutter(name, event)}")

    def count_rows(self, tables: Iterable[Table]) -> None:
        """Have PostgreSQL count what lies in these tables, so that it plans well from the first question on."""
        if self.dialect != "postgresql":
            return
        for table in tables:
            with self.administer() as connection:
                connection.exec_driver_sql(f"ANALYZE {self._engine.dialect.identifier_preparer.format_table(table)}")

    def _walled(self, connection: Connection, studio: Id | None, said: str) -> None:
        if self.dialect == "postgresql":
            connection.exec_driver_sql(said)
            connection.info[_STUDIO] = studio

    def enter(self, connection: Connection, studio: Id) -> None:
        """From here on this transaction is about one studio: what the directory named."""
        if self.dialect == "postgresql" and connection.info.get(_STUDIO) != studio:
            self._walled(connection, studio, wall.studio_is(studio))

    @contextmanager
    def _lock(self) -> Iterator[None]:
        if self.dialect != "sqlite":
            yield
            return
        with self._writing:
            yield

    def inserted(self, table: Table) -> Any:
        """An insert that can say what becomes of a row that is there already (`on_conflict_do_update`)."""
        return sqlite.insert(table) if self.dialect == "sqlite" else postgresql.insert(table)

    def upsert(self, table: Table) -> Insert:
        """An insert that replaces the row with the same primary key."""
        key = [column.name for column in table.primary_key]
        rest = [column.name for column in table.columns if column.name not in key]
        made = self.inserted(table)
        statement: Insert = made.on_conflict_do_update(
            index_elements=key, set_={name: made.excluded[name] for name in rest}
        )
        return statement

    def insert_new(self, table: Table) -> Insert:
        """An insert that leaves the row with the same primary key as it is."""
        made = self.inserted(table)
        statement: Insert = made.on_conflict_do_nothing(index_elements=[column.name for column in table.primary_key])
        return statement

    def prepared(
        self, statement: Select[Any] | CompoundSelect[Any] | Insert | Update, columns: Sequence[str] | None = None
    ) -> "Prepared":
        """`columns`: of an insert or update, those that are given."""
        return Prepared(statement, self._engine.dialect, columns)

    def put(self, connection: Connection, table: Table, rows: Sequence[dict[str, Any]], how: How = How.NEW) -> None:
        """Insert many rows of the same columns; compiled once, for what a push writes hundreds of."""
        if not rows:
            return
        shape = (table, how, tuple(rows[0]))
        statement = self._puts.get(shape)
        if statement is None:
            made: Insert = table.insert()
            if how is not How.NEW:
                made = self.insert_new(table) if how is How.KEEP else self.upsert(table)
            statement = self._puts[shape] = Prepared(made, self._engine.dialect, columns=list(rows[0]))
        statement.do(connection, rows)

    def close(self) -> None:
        if self._checkpoints is not None:
            self._checkpoints.close()
        self._engine.dispose()


class InTurn:
    """A lock given in the order it was asked for. The language's own goes to whoever comes by: a job that writes again and
    again would keep a push waiting for as long as it goes on."""

    def __init__(self) -> None:
        self._lock, self._held = threading.Lock(), False
        self._waiting: deque[threading.Lock] = deque()

    def __len__(self) -> int:
        """How many wait."""
        return len(self._waiting)

    def __enter__(self) -> None:
        with self._lock:
            if not self._held:
                self._held = True
                return
            turn = threading.Lock()
            turn.acquire()
            self._waiting.append(turn)
        turn.acquire()

    def __exit__(self, *_: object) -> None:
        with self._lock:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._held = False


class Prepared:
    """A statement compiled once, for what every push asks. Its parameters are named binds.

    It goes to the driver's own cursor: what SQLAlchemy adds to a statement costs twice what the driver does, and a push
    runs twenty. Where somebody listens to statements (the tests' check of every query), it goes past them.
    """

    def __init__(
        self,
        statement: Select[Any] | CompoundSelect[Any] | Insert | Update,
        dialect: Dialect,
        columns: Sequence[str] | None = None,
    ) -> None:
        compiled = statement.compile(dialect=dialect, column_keys=columns)
        self._sql = str(compiled)
        self._order: list[str] | None = getattr(compiled, "positiontup", None)

    def run(self, connection: Connection, parameters: dict[str, Any]) -> Sequence[Any]:
        """The rows found, as tuples in the order of the statement's columns."""
        given = parameters if self._order is None else tuple([parameters[name] for name in self._order])
        if connection.engine.dispatch.before_cursor_execute:
            return connection.exec_driver_sql(self._sql, given).all()
        with self._faults(connection), closing(_cursor(connection)) as cursor:
            cursor.execute(self._sql, given)
            found: Sequence[Any] = cursor.fetchall()
            return found

    def do(self, connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
        """Run it once a row, without an answer."""
        if self._order is None:
            several: list[Any] = list(rows)
        else:
            several = [tuple([row[name] for name in self._order]) for row in rows]
        if connection.engine.dispatch.before_cursor_execute:
            connection.exec_driver_sql(self._sql, several)
            return
        with self._faults(connection), closing(_cursor(connection)) as cursor:
            if len(several) == 1:
                cursor.execute(self._sql, several[0])
            else:
                cursor.executemany(self._sql, several)

    @contextmanager
    def _faults(self, connection: Connection) -> Iterator[None]:
        """The driver's errors as SQLAlchemy's, as everything else raises them."""
        driver = connection.dialect.loaded_dbapi
        try:
            yield
        except driver.Error as error:
            raise DBAPIError.instance(
                self._sql, None, error, driver.Error, hide_parameters=True, dialect=connection.dialect
            ) from error


def _cursor(connection: Connection) -> Any:
    return connection.connection.cursor()


def _shutter(table: str, event: str) -> str:
    return f'"shut_{table.replace(chr(34), "")}_{event.lower()}"'


def _engine(url: str) -> Engine:
    try:
        address = make_url(url)
        if address.drivername in ("postgres", "postgresql"):
            address = address.set(drivername="postgresql+psycopg")
        if address.get_backend_name() not in ("sqlite", "postgresql"):
            raise BadInput("cloud.url")
        # What psycopg warns of, a refused row or a full disk ended its pipeline: told by the error it raises.
        logging.getLogger("psycopg").setLevel(logging.ERROR)
        served = address.get_backend_name() == "postgresql"
        more = {"connect_timeout": _CONNECT_S, **_ALIVE} if served else {}
        # Parameters are people's data: no error may carry them into a log.
        engine = create_engine(address, pool_size=8, max_overflow=8, hide_parameters=True, connect_args=more)
        if served:
            engine.dialect.type_compiler_instance = _BareText(engine.dialect)
            _tune_postgresql(engine)
        return engine
    except (ArgumentError, ImportError) as error:
        raise BadInput("cloud.url") from error


class _BareText(PGTypeCompiler):
    """Text values go as `$1::TEXT`, where SQLAlchemy writes `$1::VARCHAR COLLATE "C"`. Columns keep their collation.

    Citus plans a prepared statement once for all studios only where the distribution column stands beside a bare
    parameter (`FastPathRouterQuery` of Citus 11 to 13); any other goes through two planners each time it runs.
    """

    def visit_string(self, type_: Any, **more: Any) -> str:
        return "TEXT" if type_.length is None else super().visit_string(type_, **more)


@contextmanager
def _faults() -> Iterator[None]:
    try:
        yield
    except (IntegrityError, ProgrammingError) as error:
        # What `shut` left: SQLite's trigger, PostgreSQL's missing right (42501; the wall's own word is another).
        said = str(error.orig)
        if _MOVED in said or (getattr(error.orig, "sqlstate", "") == "42501" and "permission denied for table" in said):
            raise EnvironmentFault("cloud.moved") from error
        raise
    except (OperationalError, InterfaceError) as error:
        # Full disk, no server, a lock held too long: the surroundings, not the request. The message may hold values.
        raise EnvironmentFault(_code(error.orig), error=type(error.orig).__name__) from error
    except InternalError as error:
        # Class 25: a standby that takes no writes, a transaction that was ended for idling. No row of ours is to blame.
        if (getattr(error.orig, "sqlstate", "") or "").startswith("25"):
            raise EnvironmentFault(_OTHER, error=type(error.orig).__name__) from error
        raise
    except PoolTimeout as error:
        raise EnvironmentFault("cloud.database_busy", error="PoolTimeout") from error


_FULL, _BUSY, _AWAY, _OTHER = (
    "cloud.database_full", "cloud.database_busy", "cloud.database_unreachable", "cloud.database",
)  # fmt: skip
_SQLITE = {
    sqlite3.SQLITE_FULL: _FULL, sqlite3.SQLITE_BUSY: _BUSY, sqlite3.SQLITE_LOCKED: _BUSY,
    sqlite3.SQLITE_CANTOPEN: _AWAY,
}  # fmt: skip
_POSTGRESQL = {"53100": _FULL, "55P03": _BUSY, "40P01": _BUSY, "40001": _BUSY, "53300": _BUSY, "57014": _BUSY}


def _code(error: BaseException | None) -> str:
    """What became of the database, by SQLite's result codes and PostgreSQL's error codes (its Appendix A)."""
    if isinstance(error, sqlite3.Error):
        return _SQLITE.get(getattr(error, "sqlite_errorcode", 0) & 0xFF, _OTHER)
    state = getattr(error, "sqlstate", None)
    if state is None or state[:2] in ("08", "57"):
        return _POSTGRESQL.get(state or "", _AWAY)
    return _POSTGRESQL.get(state, _OTHER)


def _tune_postgresql(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def connected(connection: Any, _record: Any) -> None:
        # To the server the same as to us; not as options of the connection, which pgbouncer refuses.
        try:
            for name, value in _ALIVE.items():
                connection.execute(f"SET {name.replace('keepalives', 'tcp_keepalives')} = {value}")
            connection.commit()
        except BaseException:
            connection.close()  # nobody else knows of it yet
            raise


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
