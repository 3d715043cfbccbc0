"""A copy of a store for a bad day: made beside people's work, under a key of its own, checked before it counts.

The keys of persons lie in a file apart. Of those only the last thirty days are kept, so that an erased person's words
in older copies of the log open for nobody, however long the copies are kept.
"""

import hashlib
import io
import os
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import msgspec

from classtap_core.kernel.errors import BadInput, EnvironmentFault
from classtap_core.kernel.ids import Entropy
from classtap_core.kernel.operations import Registry
from classtap_core.store import blob_backup, container, late_keys, rotation
from classtap_core.store.blob_files import BlobFiles
from classtap_core.store.blob_rows import Kept
from classtap_core.store.check import check
from classtap_core.store.container import Label
from classtap_core.store.engine import KEY_BYTES, Connection, connect, faults
from classtap_core.store.folder import remove_database, write_fault
from classtap_core.store.reader import StoreReader
from classtap_core.store.rows import tables_of
from classtap_core.store.sealing import lock

KEYS_END = ".keys"
"""What the file of the persons' keys ends in, after the backup's own name."""

_PAGES_A_STEP = 256
_SOME_BACKUP = ("backup.cut", "backup.newer")
"""What is said of a file that is a backup all the same."""


class Source(NamedTuple):
    """The store to copy: its file and key, the owner's public key where there is one, and its blobs."""

    path: Path
    key: bytes
    public: bytes | None
    registry: Registry
    files: BlobFiles


class Made(NamedTuple):
    """A backup that was written and verified. `recovery` says whether the owner's key opens it; `blobs` how many of
    those that were here lie beside it, `blobs_left_out` how many do not, because they are damaged."""

    file: Path
    keys: Path
    label: Label
    entries: int
    recovery: bool
    blobs: int
    blobs_left_out: int


class Rule(NamedTuple):
    """How many backups stay: of the last days, ISO weeks and months that have one."""

    daily: int = 7
    weekly: int = 4
    monthly: int = 12


KEEP = Rule()


def to_keep(made: Iterable[datetime], rule: Rule = KEEP) -> frozenset[datetime]:
    """Which backups stay: the last of each of the latest days, weeks and months that have any; always the newest."""
    newest_first = sorted(made, reverse=True)
    kept: set[datetime] = set(newest_first[:1])
    periods: tuple[tuple[int, Callable[[datetime], object]], ...] = (
        (rule.daily, lambda at: at.date()),
        (rule.weekly, lambda at: at.isocalendar()[:2]),
        (rule.monthly, lambda at: (at.year, at.month)),
    )
    for most, period in periods:
        last_of: dict[object, datetime] = {}
        for at in newest_first:
            last_of.setdefault(period(at), at)
        kept.update(list(last_of.values())[:most])
    return frozenset(kept)


def back_up(
    source: Source,
    out: Path,
    *,
    now_ms: int,
    entropy: Entropy = os.urandom,
    going_on: Callable[[], None] = lambda: None,
) -> Made:
    """Copy a store that is in use, check the copy, write it to `out` (and `out` + `.keys`), and read it back.

    Its blobs are copied to `blobs` beside it, those that are not there yet. `going_on` is called every megabyte, and
    for each blob, and may raise to stop. Raises BadInput `backup.in_store`, `backup.there` (`out` is something else that
    would be lost); EnvironmentFault `disk_full`, `store.damaged` (nothing is written then), `store.read_only`, and as
    `engine.faults`.
    """
    _check_target(source, out)
    key, copy = entropy(KEY_BYTES), out.with_name(f".{out.name}.copy")
    try:
        with faults(copy):
            where = _copy(source, copy, key, going_on)
            entries, persons, blobs = _finish(source, copy, key)
        made = msgspec.structs.replace(
            where, made_ms=now_ms, size=copy.stat().st_size, digest=container.digest_of(copy)
        )
        keys = out.with_name(out.name + KEYS_END)
        _write_keys(source, keys, made, persons, entropy)
        there = blob_backup.keep(blobs, source.files, out, made, going_on=going_on)
        sealed = container.seals(key, made, entropy, public=source.public, store=source.key)
        with copy.open("rb") as body:
            container.write(out, made, sealed, body)
        verify(out, container.Opener(store=source.key))
    except OSError as error:
        raise write_fault(error, out.parent) from error
    finally:
        remove_database(copy)
    return Made(out, keys, made, entries, source.public is not None, there, len(blobs) - there)


def _check_target(source: Source, out: Path) -> None:
    """A backup replaces a backup and nothing else, and never lies with the store it is to outlive."""
    inside = source.path.parent.resolve()
    if inside in out.resolve().parents:
        raise BadInput("backup.in_store", file=str(out), folder=str(inside))
    for path, holds in ((out, "database"), (out.with_name(out.name + KEYS_END), "keys")):
        if path.exists():
            try:
                container.label_of(path, holds=holds)
            except (BadInput, EnvironmentFault) as error:
                if error.code not in _SOME_BACKUP:
                    raise BadInput("backup.there", file=str(path)) from error


def _copy(source: Source, copy: Path, key: bytes, going_on: Callable[[], None]) -> Label:
    """One instant of the store, however long the copying takes; the label says where the log stood."""
    reading = connect(source.path, source.key, read_only=True)
    try:
        reading.execute("BEGIN")
        head = StoreReader(reading, source.registry, tables_of(source.registry)).head()
        writing = rotation.blank(copy, key)
        try:
            _fill(reading, writing, copy, going_on)
        finally:
            writing.close()
    finally:
        reading.close()
    return Label(
        holds="database", made_ms=0, studio=head.studio, device=head.device, epoch=head.epoch,
        sequence=head.sequence, acked=head.acked, size=0, digest="",
    )  # fmt: skip


def _fill(reading: Connection, writing: Connection, copy: Path, going_on: Callable[[], None]) -> None:
    early = rotation.EarlyFlush(copy)

    def progress(_status: int, _remaining: int, _total: int) -> None:
        early.step()
        going_on()

    reading.backup(writing, pages=_PAGES_A_STEP, progress=progress, sleep=0)


def _finish(source: Source, copy: Path, key: bytes) -> tuple[int, bytes, list[Kept]]:
    """Check the copy, then take the persons' keys out of it; how many entries it has, the keys, the blobs it names."""
    conn = connect(copy, key, journal="MEMORY")
    try:
        reader = StoreReader(conn, source.registry, tables_of(source.registry))
        found = check(reader)
        if not found.ok:
            raise EnvironmentFault("store.damaged")
        blobs = list(reader.blobs.all("state = 'here'"))
        rows = conn.execute("SELECT number, subject, key FROM subject_key ORDER BY number").fetchall()
        own = {subject for _, subject, _ in rows}
        rows += [(one.number, who, one.key) for who, one in late_keys.held(reader).items() if who not in own]
        conn.execute("DELETE FROM subject_key WHERE key IS NOT NULL")  # secure_delete: overwritten, not only let go
        conn.execute("DELETE FROM meta WHERE name = ?", (late_keys.HELD,))
        return found.entries, msgspec.msgpack.encode(rows), blobs
    finally:
        conn.close()


def _write_keys(source: Source, out: Path, made: Label, persons: bytes, entropy: Entropy) -> None:
    """To the owner alone, where there is one; else to the store, since nobody else could open them."""
    key = entropy(KEY_BYTES)
    box = lock(persons, key, "subject keys", entropy)
    label = msgspec.structs.replace(made, holds="keys", size=len(box), digest=hashlib.sha256(box).hexdigest())
    store = source.key if source.public is None else None
    sealed = container.seals(key, label, entropy, public=source.public, store=store)
    container.write(out, label, sealed, io.BytesIO(box))


def verify(path: Path, opener: container.Opener) -> Label:
    """Read a backup back from the disk: its key opens, and every byte is what was checked.

    Raises as `container.reading`, `key_of` and `copy_body`.
    """
    with container.reading(path, "database") as (header, file):
        if hasattr(os, "posix_fadvise"):
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)  # from the disk, not from memory
        container.key_of(header, opener)
        container.copy_body(file, None, header.label)
        return header.label
