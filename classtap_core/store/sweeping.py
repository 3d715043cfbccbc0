"""Blobs that nobody names any more, and files that nobody knows: they leave, and nothing else does.

What unsent work cites stays, and so does what a row names, what came here within the last day, and what is being taken in.
"""

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from classtap_core.store import purge
from classtap_core.store.writer import Slices

if TYPE_CHECKING:
    from classtap_core.store.device import SqlDevice
    from classtap_core.store.reader import StoreReader
    from classtap_core.store.store import Store

_DAY_MS = 86_400_000
NEW_MS = _DAY_MS
"""How long a blob may wait for the operation that cites it."""
CUT_OFF_MS = 7 * _DAY_MS
"""How long what was cut off may wait to be gone on with."""


class Swept(NamedTuple):
    """How many blobs nobody named, how many files nobody knew, how many intakes nobody went on with."""

    blobs: int
    files: int
    intakes: int


def sweep(store: "Store", *, now_ms: int) -> Swept:
    """Sweep once, behind everything else; the caller waits. Raises Refused `store.closed`."""
    with store.reader() as reader:
        unnamed = _unnamed(reader, now_ms - NEW_MS)
        stale = reader.blobs.intakes(now_ms - CUT_OFF_MS)
    blobs = store.run_slices(_forget(store.device, unnamed)).result()
    for name in stale:
        store.blobs.change(lambda rows, name=name: rows.end_intake(name))  # type: ignore[misc]
    return Swept(blobs, _unknown_files(store), len(stale))


def _unnamed(reader: "StoreReader", before_ms: int) -> list[str]:
    named = purge.named_by_rows(reader)
    cited = "hash IN (SELECT hash FROM blob_cite)"
    alone = f"(of = '' AND NOT {cited}) OR (of <> '' AND of NOT IN (SELECT hash FROM blob))"
    return [
        kept.hash for kept in reader.blobs.all(f"made_ms < ? AND ({alone})", (before_ms,)) if kept.hash not in named
    ]


def _forget(device: "SqlDevice", unnamed: list[str]) -> Slices[int]:
    """Each is looked at again in the transaction that forgets it: it may have been named since."""
    count = 0
    for hash in unnamed:
        with device.atomic():
            if not device.blobs.cited(hash) and not purge.named_by_a_row(device, hash):
                device.forget_blobs([hash])
                count += 1
        yield
    return count


def _unknown_files(store: "Store") -> int:
    """Files without a row: of a power cut between the two, or whose removal failed."""
    files, count = store.blobs.files, 0
    for path in [*files.whole(), *files.parts()]:
        with files.moving:
            if not _known(store, path):
                path.unlink(missing_ok=True)
                count += 1
    return count


def _known(store: "Store", path: Path) -> bool:
    with store.reader() as reader:
        if len(path.name) == 32:
            return reader.blobs.intake(path.name) is not None
        kept = reader.blobs.get(path.name)
    if kept is None:
        return False
    return kept.state.value == ("coming" if path == store.blobs.files.coming(kept.hash) else "here")
