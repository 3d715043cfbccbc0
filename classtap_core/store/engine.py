"""Opening the encrypted database: SQLCipher under a raw 256-bit key, set for durability, its errors in our words."""

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlcipher3
from sqlcipher3 import dbapi2

from classtap_core.kernel.errors import ClassTapError, EnvironmentFault

# sqlite-utils takes a module called pysqlite3, where there is one, for its SQLite: so it knows this driver's errors.
sys.modules["pysqlite3"] = sqlcipher3
sys.modules["pysqlite3.dbapi2"] = dbapi2

from sqlite_utils import Database  # noqa: E402 - only after the lines above

Connection = Any
"""A connection of sqlcipher3, which publishes no types."""

KEY_BYTES = 32
PAGE_BYTES = 4096
_CACHE_KIB, _READER_CACHE_KIB = 65_536, 16_384
_BUSY_MS = 5_000
_LITTLE = 256 * 1024


def connect(path: Path, key: bytes | None, *, read_only: bool = False, journal: str = "WAL") -> Connection:
    """Open a database file under its raw key; a new file becomes a new database.

    `key` is 32 random bytes, never a passphrase; None opens a plain file, which only the benchmark does. `journal` is
    another than WAL only for a copy being made, which is thrown away when its making is cut short. The connection may move between threads, but never be used by two at once. Raises EnvironmentFault
    `store.unreadable` when the key is another or the file is no database, and as `faults` does.
    """
    if key is not None and len(key) != KEY_BYTES:
        raise ValueError("the key of a store is 32 bytes")
    with faults(path):
        conn = dbapi2.connect(str(path), isolation_level=None, check_same_thread=False, cached_statements=512)
    try:
        with faults(path):
            _settle(conn, key, read_only=read_only, journal=journal)
    except ClassTapError:
        conn.close()
        raise
    return conn


def _settle(conn: Connection, key: bytes | None, *, read_only: bool, journal: str) -> None:
    if key is not None:
        conn.execute("PRAGMA cipher_log_level = NONE")  # it would write its errors to stderr
        conn.execute(f"PRAGMA key = \"x'{key.hex()}'\"")
    conn.execute(f"PRAGMA busy_timeout = {_BUSY_MS}")
    conn.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if read_only:
        conn.execute("PRAGMA query_only = ON")
    else:
        (mode,) = conn.execute(f"PRAGMA journal_mode = {journal}").fetchone()
        if mode != journal.lower():
            raise EnvironmentFault("store.disk_error")
        conn.execute("PRAGMA synchronous = FULL")
        conn.execute("PRAGMA fullfsync = ON")
        conn.execute("PRAGMA foreign_keys = ON")
        conn.execute("PRAGMA secure_delete = ON")
    conn.execute("PRAGMA temp_store = MEMORY")
    conn.execute(f"PRAGMA cache_size = -{_READER_CACHE_KIB if read_only else _CACHE_KIB}")


@contextmanager
def waiting_no_longer_than(conn: Connection, ms: int) -> Iterator[None]:
    """Do not wait for other connections as long as usual."""
    conn.execute(f"PRAGMA busy_timeout = {ms}")
    try:
        yield
    finally:
        conn.execute(f"PRAGMA busy_timeout = {_BUSY_MS}")


def database(conn: Connection) -> Database:
    """The same connection with sqlite-utils' hands: schema, search, migrations, `atomic`."""
    return Database(conn, execute_plugins=False)


def whole(path: Path, key: bytes) -> bool:
    """Whether every page of a database file is there and its seal holds; its write-ahead log is left alone.

    It looks at no more than that, so it is quick, some 4 ms a megabyte, and meets no damage that it does not see.
    """
    try:
        with faults():
            conn = dbapi2.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True, isolation_level=None)
            try:
                _settle(conn, key, read_only=True, journal="")
                (pages,) = conn.execute("PRAGMA page_count").fetchone()
                if pages * PAGE_BYTES > path.stat().st_size:
                    return False
                return not conn.execute("PRAGMA cipher_integrity_check").fetchall()
            finally:
                conn.close()
    except (ClassTapError, OSError):
        return False


_ENVIRONMENT = {
    "SQLITE_FULL": "disk_full",
    "SQLITE_IOERR_SHMSIZE": "disk_full",  # no room for the index of the write-ahead log
    "SQLITE_READONLY": "store.read_only",
    "SQLITE_CANTOPEN": "store.cannot_open",
    "SQLITE_PERM": "store.cannot_open",
    "SQLITE_AUTH": "store.cannot_open",
    "SQLITE_BUSY": "store.locked",
    "SQLITE_LOCKED": "store.locked",
    "SQLITE_IOERR": "store.disk_error",
    "SQLITE_NOTADB": "store.unreadable",
    "SQLITE_CORRUPT": "store.damaged",
    "SQLITE_NOMEM": "out_of_memory",
}


_SAID = {
    "database or disk is full": "SQLITE_FULL",
    "disk I/O error": "SQLITE_IOERR",
    "attempt to write a readonly database": "SQLITE_READONLY",
    "unable to open database file": "SQLITE_CANTOPEN",
    "database is locked": "SQLITE_BUSY",
    "database disk image is malformed": "SQLITE_CORRUPT",
    "file is not a database": "SQLITE_NOTADB",
    "out of memory": "SQLITE_NOMEM",
}
"""What `Connection.backup` of sqlcipher3 0.6.4 raises has SQLite's words and no name (https://sqlite.org/rescode.html)."""


@contextmanager
def faults(path: Path | None = None) -> Iterator[None]:
    """Turn what the surroundings do to the database into a ClassTapError; our own mistakes pass as they are.

    `path` of the database tells a full disk from a broken one where SQLite cannot. Raises EnvironmentFault `disk_full`, `store.read_only`, `store.cannot_open`, `store.locked`, `store.disk_error`,
    `store.unreadable`, `store.damaged`, `out_of_memory`.
    """
    try:
        yield
    except dbapi2.Error as error:
        name = getattr(error, "sqlite_errorname", None) or _SAID.get(str(error), "")
        code = next((code for start, code in _ENVIRONMENT.items() if name.startswith(start)), None)
        if code is None:
            raise
        if code == "store.disk_error" and path is not None and _is_full(path):
            code = "disk_full"
        raise EnvironmentFault(code) from error


def _is_full(path: Path) -> bool:
    try:
        return shutil.disk_usage(path.parent).free < _LITTLE
    except OSError:
        return False


__all__ = [
    "KEY_BYTES",
    "PAGE_BYTES",
    "Connection",
    "Database",
    "connect",
    "database",
    "faults",
    "waiting_no_longer_than",
    "whole",
]
