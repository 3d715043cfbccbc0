"""Blobs beside backups: each file once, however many backups have it, in a folder `blobs` that they share.

The files are copied as they lie, sealed; what opens them is in the database, under keys of persons that lie in a file
apart. A list beside each backup says which it has, so that those nobody needs any more can leave.
"""

import hashlib
import io
import logging
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from classtap_core.kernel.errors import BadInput, EnvironmentFault
from classtap_core.store import container
from classtap_core.store.blob_files import BlobFiles, copied
from classtap_core.store.blob_rows import Kept, State

if TYPE_CHECKING:
    from classtap_core.store.device import SqlDevice

log = logging.getLogger("classtap.store")

LIST_END = ".blobs"
"""What the list of a backup's blobs ends in, after the backup's own name."""
_HASH_BYTES = 32


class Brought(NamedTuple):
    """How many blobs came back, how many the cloud has to be asked for, how many nobody has."""

    here: int = 0
    away: int = 0
    lost: int = 0


def keep(
    rows: Iterable[Kept], files: BlobFiles, out: Path, label: container.Label, *, going_on: Callable[[], None]
) -> int:
    """Copy the blobs of a backup beside it, and write its list; how many it has.

    One that is damaged here, or gone since, is not among them. `going_on` may raise to stop. Raises OSError.
    """
    beside = BlobFiles(out.parent)
    there: list[str] = []
    for kept in rows:
        going_on()
        if _copied(files.path(kept.hash), beside, kept):
            there.append(kept.hash)
    _write_list(out.with_name(out.name + LIST_END), label, there)
    return len(there)


def _write_list(path: Path, label: container.Label, hashes: Iterable[str]) -> None:
    """A list of what is beside a backup; none where nothing is."""
    body = b"".join(bytes.fromhex(hash) for hash in sorted(hashes))
    if not body:
        path.unlink(missing_ok=True)
        return
    digest = hashlib.sha256(body).hexdigest()
    named = msgspec.structs.replace(label, holds="blobs", size=len(body), digest=digest)
    container.write(path, named, {}, io.BytesIO(body))


def _copied(source: Path, into: BlobFiles, kept: Kept) -> bool:
    target = into.path(kept.hash)
    if target.exists() and target.stat().st_size == kept.sealed:
        return True
    try:
        into.make_folder(target.parent)
        found = copied(source, target)
    except FileNotFoundError:
        found = ""
    if found != kept.hash:
        target.unlink(missing_ok=True)
        log.info("a blob could not be copied, because it is %s: %s", "damaged" if found else "not there", kept.hash)
    return found == kept.hash


def listed(backup: Path) -> set[str]:
    """The hashes of a backup's blobs; none for one without a list.

    Raises BadInput, EnvironmentFault as `container.reading`; BadInput `backup.damaged`.
    """
    path = backup.with_name(backup.name + LIST_END)
    if not path.exists():
        return set()
    with container.reading(path, "blobs") as (header, file):
        out = io.BytesIO()
        container.copy_body(file, out, header.label)
    body = out.getvalue()
    return {body[at : at + _HASH_BYTES].hex() for at in range(0, len(body), _HASH_BYTES)}


def thin(folder: Path, kept: Iterable[Path]) -> list[Path]:
    """Remove lists of backups that are gone, and blobs that no backup has; nothing where a list cannot be read."""
    backups = list(kept)
    names = {backup.name + LIST_END for backup in backups}
    try:
        needed = set().union(*(listed(backup) for backup in backups))
    except (BadInput, EnvironmentFault) as trouble:
        log.warning("no blob of a backup was removed: %s", trouble)
        return []
    gone = [path for path in folder.glob(f"*{LIST_END}") if path.name not in names]
    gone += [path for path in BlobFiles(folder).whole() if path.name not in needed]
    for path in gone:
        path.unlink(missing_ok=True)
    return gone


def bring_back(device: "SqlDevice", source: Path, folder: Path) -> Brought:
    """Copy the blobs of a restored database to its folder, each checked; what was not beside the backup is asked of the
    cloud later. Raises OSError."""
    there, files = BlobFiles(source), BlobFiles(folder)
    found = {State.HERE: 0, State.AWAY: 0}
    lost = 0
    rows = list(device.blobs.all("state <> 'away'"))
    for kept in rows:
        came = kept.state is State.HERE and _copied(there.path(kept.hash), files, kept)
        state = State.HERE if came else State.AWAY
        with device.atomic():
            device.blobs.set_state(kept.hash, state)
        found[state] += 1
        lost += not came and not kept.sent
    with device.atomic():
        for name in device.blobs.intakes():
            device.blobs.end_intake(name)
    return Brought(found[State.HERE], found[State.AWAY] - lost, lost)
