"""Another key for a store that is being used, and the way back to one whose keyring is lost.

The store is copied under the new key while people go on working, then swapped in by one rename. Whatever instant a
power cut picks, exactly one of the two keys opens the file that lies there, and `settled_key` finds out which.
"""

import os
from pathlib import Path
from typing import NamedTuple

from classtap_core.kernel.errors import ClassTapError, EnvironmentFault
from classtap_core.kernel.ids import Entropy
from classtap_core.store import credentials, keys, recovery
from classtap_core.store.engine import KEY_BYTES, Connection, connect, faults
from classtap_core.store.folder import (
    DATABASE,
    KEY_FILE,
    NEXT,
    RECOVERY_FILE,
    Ownership,
    prepare,
    remove_database,
    sync_folder,
)
from classtap_core.store.keys import KeyProtection, Ring, StoreKey

_STEPS_A_FLUSH = 8


class Staged(NamedTuple):
    """A new key, kept beside the one in force, and where the copy under it goes."""

    key: StoreKey
    copy: Path


def settled_key(folder: Path, ring: Ring | None) -> StoreKey:
    """The key of a folder's store; a change of keys that was cut short is finished, or undone.

    Raises as `keys.load`.
    """
    if not (folder / (KEY_FILE + NEXT)).exists():
        undo(folder, ring)
        return keys.load(folder, ring)
    try:
        current = keys.load(folder, ring)
    except EnvironmentFault:
        current = None
    if current is not None and opens(folder / DATABASE, current.key):
        undo(folder, ring)
        return current
    following = keys.load(folder, ring, name=KEY_FILE + NEXT)
    if opens(folder / DATABASE, following.key):
        finish(folder, ring)
        return following
    return current or following


def opens(path: Path, key: bytes) -> bool:
    """Whether a key opens a database. Raises EnvironmentFault `disk_full` where there is no room to find out."""
    try:
        connect(path, key, read_only=True).close()
    except ClassTapError as fault:
        if fault.code == "disk_full":
            raise
        return False
    return True


def stage(folder: Path, ring: Ring | None, current: KeyProtection, entropy: Entropy) -> Staged:
    """Make and keep a new key, also sealed to the owner where the old one is.

    Raises EnvironmentFault `store.keyring` or `store.credential` when the new key would be kept less well than the old.
    """
    undo(folder, ring)
    key = keys.keep(folder, entropy(KEY_BYTES), entropy, ring, name=KEY_FILE + NEXT)
    if key.protection is KeyProtection.FILE and current is not key.protection:
        undo(folder, ring)
        if current is KeyProtection.CREDENTIAL:
            raise EnvironmentFault("store.credential", name=credentials.NAME)
        raise EnvironmentFault("store.keyring")
    public = recovery.sealed_to(folder)
    if public is not None:
        recovery.seal_key(folder, key.key, public, entropy, name=RECOVERY_FILE + NEXT)
    return Staged(key, folder / (DATABASE + NEXT))


def blank(path: Path, key: bytes) -> Connection:
    """A new file for `Connection.backup` to fill, closed to others; durable when the backup has ended."""
    remove_database(path)
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    conn = connect(path, key, journal="MEMORY")
    conn.execute("PRAGMA cache_size = -4096")  # so that it is written as it comes, not all of it at the end
    return conn


class EarlyFlush:
    """Brings a growing copy to the disk little by little: a mark's own flush then never waits behind all of it."""

    def __init__(self, copy: Path) -> None:
        self._copy, self._steps = copy, 0

    def step(self) -> None:
        """After each megabyte or so."""
        self._steps += 1
        if self._steps % _STEPS_A_FLUSH == 0:
            with self._copy.open("rb") as file:
                os.fsync(file.fileno())


def same_end(one: Connection, other: Connection) -> bool:
    """Whether two copies are equally long and end with the same entry; cheap, because everybody waits for it."""
    with faults():
        return _measure(one) == _measure(other)


def _measure(conn: Connection) -> list[object]:
    pages = conn.execute("PRAGMA page_count").fetchone()
    last = conn.execute("SELECT position, hash FROM log ORDER BY position DESC LIMIT 1").fetchone()
    return [pages, last]


def put_in_place(staged: Staged, folder: Path, ring: Ring | None) -> None:
    """Swap the finished copy in. Nobody may have either file open; the rename is the instant that decides."""
    sync_folder(folder)
    os.replace(staged.copy, folder / DATABASE)
    sync_folder(folder)
    finish(folder, ring)


def finish(folder: Path, ring: Ring | None) -> None:
    """The next key is the key."""
    keys.forget(folder, ring)
    os.replace(folder / (KEY_FILE + NEXT), folder / KEY_FILE)
    if (folder / (RECOVERY_FILE + NEXT)).exists():
        os.replace(folder / (RECOVERY_FILE + NEXT), folder / RECOVERY_FILE)
    sync_folder(folder)


def undo(folder: Path, ring: Ring | None) -> None:
    """Leave nothing of a change of keys that came to nothing."""
    remove_database(folder / (DATABASE + NEXT))
    (folder / (RECOVERY_FILE + NEXT)).unlink(missing_ok=True)
    keys.forget(folder, ring, name=KEY_FILE + NEXT)


def recover(
    folder: Path, owner: recovery.RecoveryKey, *, program: str, ring: Ring | None, entropy: Entropy = os.urandom
) -> KeyProtection:
    """Open a store whose keyring or key file is lost with the owner's key, and keep its key anew. No row is touched.

    Raises EnvironmentFault `store.missing`, `store.no_recovery` (never sealed to an owner), `store.wrong_key`;
    BadInput `recovery.other` (another studio's key); Refused `store.in_use`, `store.folder_open`.
    """
    path = folder / DATABASE
    if not path.exists():
        raise EnvironmentFault("store.missing", folder=str(folder))
    prepare(folder)
    ownership = Ownership(folder, program)
    try:
        for key in recovery.unsealed_keys(folder, (RECOVERY_FILE, RECOVERY_FILE + NEXT), owner):
            if opens(path, key):
                kept = keys.keep(folder, key, entropy, ring)
                recovery.seal_key(folder, key, owner.public, entropy)
                undo(folder, ring)
                return kept.protection
        raise EnvironmentFault("store.wrong_key")
    finally:
        ownership.release()
