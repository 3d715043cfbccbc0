"""A store made again from a backup: on this machine or another, under a new key, in a new epoch of its device."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple

import msgspec

from classtap_core.kernel.errors import BadInput, EnvironmentFault, Refused
from classtap_core.kernel.ids import Entropy
from classtap_core.kernel.operations import Registry
from classtap_core.store import container, keys, late_keys, recovery, rotation, schema
from classtap_core.store.backup import KEYS_END
from classtap_core.store.blob_backup import bring_back
from classtap_core.store.check import check
from classtap_core.store.device import SqlDevice, connect_existing
from classtap_core.store.engine import connect, database, faults
from classtap_core.store.folder import DATABASE, Ownership, prepare, remove_database, sync_folder, write_fault
from classtap_core.store.sealing import unlock
from classtap_core.store.subjects import subjects_in


class Restored(NamedTuple):
    """What a restore came to.

    Attributes:
        made_ms: when the backup was made. epoch: the device's new one. entries: of the log. unsent: operations that
        the cloud had not acknowledged then. erased: persons erased again. sealed: persons whose words in the log stay
        closed, because their keys did not come with it. held: whose keys wait until it is known who was erased. blobs, blobs_away, blobs_lost: those that came back, that the cloud
        has to be asked for, and that nobody has.
    """

    made_ms: int
    epoch: int
    entries: int
    unsent: int
    erased: int
    sealed: int
    held: int = 0
    blobs: int = 0
    blobs_away: int = 0
    blobs_lost: int = 0


class Persons(NamedTuple):
    """Keys of persons from one or several files: number and key by subject; who was erased by then."""

    keys: dict[str, tuple[int, bytes]]
    erased: frozenset[str]


def restore(
    file: Path, folder: Path, registry: Registry, *, opener: container.Opener, program: str,
    key_files: Sequence[Path] | None = None, erased: Iterable[str] | None = None, ring: keys.Ring | None = None,
    entropy: Entropy = os.urandom,
) -> Restored:  # fmt: skip
    """Make a store in a folder that has none. Whoever was erased since is erased before anything else.

    `key_files` are the files of persons' keys, the one that counts last; None takes all of this device beside the
    backup. `erased` are subjects the cloud names; without them (None) records open at once, and the log once that list
    has come with the first sync (`late_keys`). Raises Refused `store.exists`, `store.in_use`, `store.folder_open`, `store.newer`; BadInput as
    `container.reading`, `backup.other_key`, `backup.damaged`; EnvironmentFault `disk_full` and as `engine.faults`.
    """
    with container.reading(file, "database") as (header, body):
        key = container.key_of(header, opener)
        files = key_files_beside(file, header.label) if key_files is None else key_files
        persons = read_keys(files, opener, header.label)
        prepare(folder)
        ownership = Ownership(folder, program)
        path, came = folder / DATABASE, folder / (DATABASE + ".came")
        fresh = folder / (DATABASE + ".new")
        try:
            if path.exists():
                raise Refused("store.exists", folder=str(folder))
            _extract(body, came, header.label)
            kept = keys.make(folder, entropy, ring)
            _under_new_key(came, key, fresh, kept.key)
            found = _made_ours(fresh, kept.key, registry, persons, erased, entropy, beside=file.parent)
            if opener.owner is not None:
                recovery.seal_key(folder, kept.key, opener.owner.public, entropy)
            os.replace(fresh, path)
            sync_folder(folder)
            return found._replace(made_ms=header.label.made_ms)
        except OSError as error:
            raise write_fault(error, folder) from error
        finally:
            remove_database(came)
            remove_database(fresh)
            ownership.release()


def key_files_beside(file: Path, label: container.Label) -> list[Path]:
    """Files of persons' keys of the same device in a backup's folder, oldest first, the backup's own last."""
    found: list[tuple[bool, int, Path]] = []
    for path in file.parent.glob("*" + KEYS_END):
        try:
            other = container.label_of(path, holds="keys")
        except (BadInput, EnvironmentFault):
            continue
        if (other.studio, other.device) == (label.studio, label.device):
            found.append((path.name == file.name + KEYS_END, other.made_ms, path))
    return [path for _, _, path in sorted(found)]


def read_keys(files: Sequence[Path], opener: container.Opener, label: container.Label) -> Persons:
    """Keys of persons from files of one device, a later one before an earlier: what any of them calls erased stays erased.

    Raises BadInput `backup.other_store`, and as `container.reading`.
    """
    found: dict[str, tuple[int, bytes]] = {}
    gone: set[str] = set()
    for path in files:
        with container.reading(path, "keys") as (header, file):
            if (header.label.studio, header.label.device) != (label.studio, label.device):
                raise BadInput("backup.other_store", file=str(path))
            box = file.read()
            rows = msgspec.msgpack.decode(unlock(box, container.key_of(header, opener), "subject keys"))
        for number, subject, key in rows:
            if key is None:
                gone.add(subject)
            else:
                found[subject] = (number, key)
    return Persons({subject: one for subject, one in found.items() if subject not in gone}, frozenset(gone))


def _extract(body: BinaryIO, out: Path, label: container.Label) -> None:
    remove_database(out)
    handle = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(handle, "wb") as file:
        container.copy_body(body, file, label)


def _under_new_key(came: Path, old: bytes, fresh: Path, new: bytes) -> None:
    reading = connect(came, old, journal="MEMORY")
    try:
        with faults(fresh):
            writing = rotation.blank(fresh, new)
            try:
                reading.backup(writing)
            finally:
                writing.close()
    finally:
        reading.close()


def _made_ours(
    path: Path, key: bytes, registry: Registry, persons: Persons, erased: Iterable[str] | None, entropy: Entropy, *,
    beside: Path,
) -> Restored:  # fmt: skip
    """Upgrade, erase, give keys back or hold them, bring blobs back, begin a new epoch, check."""
    conn = connect_existing(path, key)
    try:
        with faults(path):
            db = database(conn)
            if not schema.fits(conn, registry):
                with db.atomic():
                    schema.upgrade(db, registry)
        device = SqlDevice(conn, registry, entropy=entropy)
        gone = {*(erased or ()), *persons.erased}
        for subject in sorted(gone):
            device.erase(subject)
        with device.atomic():
            late_keys.hold(device, {one: key for one, key in persons.keys.items() if one not in gone})
        if erased is not None:
            for _ in late_keys.give(device):
                pass
        held = late_keys.held(device)
        sealed = _without_key(device, gone | held.keys())
        head = device.head()
        unsent = head.sequence - head.acked
        with device.atomic():
            device.begin_epoch(head.epoch + 1)
            late_keys.wait(device)
        brought = bring_back(device, beside, path.parent)
        found = check(device)
        if not found.ok:
            raise EnvironmentFault("store.damaged")
        if not device.checkpoint(truncate=True):
            raise EnvironmentFault("store.locked")
        return Restored(0, head.epoch + 1, found.entries, unsent, len(gone), sealed, len(held), *brought)
    finally:
        conn.close()


def _without_key(device: SqlDevice, known: set[str]) -> int:
    """How many persons of the log have no key here, but for those that are known to."""
    named: set[str] = set()
    for payload, changes in device.conn.execute("SELECT payload, changes FROM log"):
        named |= subjects_in(payload)
        if changes:
            named |= subjects_in(changes)
    there = {subject for (subject,) in device.conn.execute("SELECT subject FROM subject_key")}
    return len(named - there - known)
