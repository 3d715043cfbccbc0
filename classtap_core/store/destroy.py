"""Signing a device out: first what would be lost, then its keys, then everything else.

Whoever has the keys no longer needs the disk to forget: without them the file is noise, wherever copies of it lie.
"""

import contextlib
import hashlib
import os
import shutil
from pathlib import Path
from typing import NamedTuple

from classtap_core.kernel.errors import EnvironmentFault, Refused
from classtap_core.store import keys
from classtap_core.store.folder import DATABASE, KEY_FILE, LOCK, NEXT, RECOVERY_FILE, Ownership, prepare, sync_folder
from classtap_core.store.reader import StoreReader


class AtStake(NamedTuple):
    """What destroying a store now would lose.

    Attributes:
        unsent: operations that the cloud has not acknowledged, of earlier epochs too. oldest_ms: when the first of
        them was made; None without any. confirm: the word that says somebody has seen this; it fits as long as
        nothing more was done here. files: photos and documents that the cloud does not have.
    """

    unsent: int
    oldest_ms: int | None
    confirm: str
    files: int = 0


def at_stake(reader: StoreReader) -> AtStake:
    """Say what would be lost. Raises Refused `store.unpaired`."""
    head = reader.head()
    earlier = reader.unsent_before()
    oldest: int | None = None
    if head.sequence > head.acked:
        oldest = reader.entries([head.acked + 1])[0].at_ms
    files = len(reader.blobs.waiting())
    seen = f"{head.device}/{head.epoch}/{head.sequence}/{head.acked}/{len(earlier)}/{files}"
    word = hashlib.sha256(b"CTD1 destroy " + seen.encode()).hexdigest()[:8]
    return AtStake(head.sequence - head.acked + len(earlier), oldest, word, files)


def check_confirmed(reader: StoreReader, word: str) -> AtStake:
    """Raises Refused `store.not_confirmed` when the word is not the one for what would be lost now."""
    found = at_stake(reader)
    if word.strip().lower() != found.confirm:
        raise Refused("store.not_confirmed", unsent=found.unsent, confirm=found.confirm)
    return found


def destroy(folder: Path, *, program: str, ring: keys.Ring | None) -> None:
    """Destroy a closed store: keys first, so that being cut short leaves nothing that opens; then every other file.

    Also finishes one that was cut short. Raises Refused `store.in_use`, `store.folder_open`; EnvironmentFault
    `store.missing`, `store.read_only`.
    """
    if not folder.is_dir():
        raise EnvironmentFault("store.missing", folder=str(folder))
    prepare(folder)
    ownership = Ownership(folder, program)
    try:
        for name in (KEY_FILE, KEY_FILE + NEXT, RECOVERY_FILE, RECOVERY_FILE + NEXT):
            if name.startswith(KEY_FILE):
                keys.forget_secret(folder, ring, name=name)
            _overwrite(folder / name)
            (folder / name).unlink(missing_ok=True)
        sync_folder(folder)
        _overwrite(folder / DATABASE, most=4096)  # its salt: even the right key would now open nothing
        for path in folder.iterdir():
            if path.name != LOCK:
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink(missing_ok=True)
        sync_folder(folder)
    except OSError as error:
        raise EnvironmentFault("store.read_only", folder=str(folder)) from error
    finally:
        ownership.release()
        with contextlib.suppress(OSError):
            (folder / LOCK).unlink()


def _overwrite(path: Path, *, most: int | None = None) -> None:
    """Zeros over a file's bytes, on the disk before its name goes."""
    with contextlib.suppress(FileNotFoundError), path.open("r+b") as file:
        size = os.fstat(file.fileno()).st_size
        file.write(bytes(size if most is None else min(size, most)))
        file.flush()
        os.fsync(file.fileno())
