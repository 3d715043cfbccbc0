"""Entries for the tests of the audit."""

from collections.abc import Iterable

from classtap_core.kernel.clock import Timestamp
from classtap_core.kernel.envelope import Author, Envelope
from classtap_core.kernel.ids import Id

STUDIO, DEVICE, OWNER = Id("1" * 32), Id("2" * 32), Id("3" * 32)
AT_MS = 1_795_248_000_000


def envelope(
    kind: str, *, author: Author | None = None, subjects: Iterable[str] = ("",), sequence: int = 1, at_ms: int = AT_MS
) -> Envelope:  # fmt: skip
    return Envelope(
        v=1, kind=kind, version=1, studio=STUDIO, device=DEVICE, epoch=1, sequence=sequence, previous="0" * 64,
        id=Id(f"{sequence:032x}"), author=author or Author(type="staff", id=OWNER),
        at=Timestamp(wall=at_ms, mono=0, boot="b", offset=0, uncertainty=0),
        payload=tuple((subject, "c") for subject in subjects),
    )  # fmt: skip
