"""Bringing an older store to this program's schema: on a copy, in one transaction, checked, then swapped in."""

import errno
import os
import shutil
from pathlib import Path

from classtap_core.kernel.errors import EnvironmentFault
from classtap_core.kernel.operations import Registry
from classtap_core.store import schema
from classtap_core.store.check import Checked, check
from classtap_core.store.device import SqlDevice, connect_existing
from classtap_core.store.engine import Connection, connect, database, faults
from classtap_core.store.folder import remove_database, sync_folder


def upgrade(path: Path, key: bytes | None, registry: Registry) -> bool:
    """Upgrade a store file where it needs it; whether it did. Unsent work rides along.

    The file is untouched until the copy is whole, checked and durable. Raises EnvironmentFault `disk_full`,
    `store.upgrade` (with `why`, when the copy does not check), and what `connect_existing` raises.
    """
    copy = path.with_name(path.name + ".upgrade")
    remove_database(copy)
    conn = connect_existing(path, key)
    try:
        with faults():
            if schema.fits(conn, registry):
                return False
            conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            before = _counted(conn)
    finally:
        conn.close()
    try:
        shutil.copyfile(path, copy)
        os.chmod(copy, 0o600)
        _upgrade_copy(copy, key, registry, before)
        with copy.open("rb+") as file:
            os.fsync(file.fileno())
        os.replace(copy, path)
        sync_folder(path.parent)
    except OSError as error:
        raise EnvironmentFault("disk_full" if error.errno == errno.ENOSPC else "store.disk_error") from error
    finally:
        remove_database(copy)
    return True


def _upgrade_copy(copy: Path, key: bytes | None, registry: Registry, before: dict[str, int]) -> None:
    conn = connect(copy, key)
    try:
        db = database(conn)
        with faults(), db.atomic():
            schema.upgrade(db, registry)
            if _counted(conn) != before:
                raise EnvironmentFault("store.upgrade", why="rows")
        found = check(SqlDevice(conn, registry))
        if not found.ok:
            raise EnvironmentFault("store.upgrade", why=_why(found))
        with faults():
            conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    finally:
        conn.close()


def _counted(conn: Connection) -> dict[str, int]:
    """What an upgrade never adds to or takes from."""
    tables = ("log", "subject_key", "notice", "effect", "scope")
    return {name: conn.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in tables}


def _why(found: Checked) -> str:
    if found.file:
        return "file"
    return found.chain.why if found.chain is not None else "rows"
