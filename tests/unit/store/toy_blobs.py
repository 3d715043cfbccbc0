"""A room with papers: records and operations of the tests that name blobs, beside the kernel's toys."""

import io
import sys
from typing import Annotated, Any, ClassVar

import msgspec

from classtap_core.kernel import undo
from classtap_core.kernel.blobs import Blob
from classtap_core.kernel.bus import Bus
from classtap_core.kernel.clock import ManualClock
from classtap_core.kernel.device import DeviceBus
from classtap_core.kernel.device_store import DeviceBackend, Pulled
from classtap_core.kernel.ids import Id, derived
from classtap_core.kernel.operations import Key, Kind, Operation, Payload, Reads, Registry, handles, operation
from classtap_core.kernel.outcomes import ACCEPTED, Outcome
from classtap_core.kernel.records import Record, about
from classtap_core.kernel.tx import Tx
from classtap_core.store.blob_rows import BlobKind
from classtap_core.store.intake import About
from classtap_core.store.store import Store
from tests.unit.kernel import toy
from tests.unit.store.conftest import NOW, child_id

MARKER = b"Zebedee-the-marker "


class Paper(Record, frozen=True, kw_only=True):
    """A child's paper, in a dated scope where it has a day."""

    KIND: ClassVar[str] = "paper"
    PREFIX: ClassVar[str] = "papers"

    child: Id
    house: str
    day: str = ""
    scan: Annotated[Blob | None, about("child")] = None

    def scope(self) -> str:
        return f"papers/{self.house}/{self.day}" if self.day else f"papers/{self.house}"


@operation("toy.file", version=1, kind=Kind.FACT, needs="file")
class FilePaper(Payload, frozen=True, kw_only=True):
    child: Id
    scan: Annotated[Blob, about("child")]
    house: str = "north"
    day: str = ""

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield Key(Paper, derived("paper", self.child), "papers/*")


@handles(FilePaper)
def file_paper(tx: Tx, op: Operation[FilePaper]) -> Outcome:
    say = op.payload
    tx.put(Paper(id=derived("paper", say.child), child=say.child, house=say.house, day=say.day, scan=say.scan))
    return ACCEPTED


ALL = ("families/*", "roster/*", "schedule/*", "papers/*")


def registry() -> Registry:
    return Registry([toy, undo, sys.modules[__name__]])


def bus_over(backend: DeviceBackend, *, seed: int = 7) -> DeviceBus:
    import random

    bus = Bus(registry(), toy.AllowAll(), authority=False)
    return DeviceBus(backend, bus, ManualClock(NOW), random.Random(seed).randbytes)


def paper_row(number: int, scan: Blob, *, house: str = "north", day: str = "") -> Pulled:
    """A paper as the cloud sends it."""
    made = Paper(id=derived("paper", child_id(number)), child=child_id(number), house=house, day=day, scan=scan)
    return Pulled("paper", made.id, made.scope(), msgspec.json.encode(made))


def photo(number: int) -> About:
    return About(BlobKind.PHOTO, "image/jpeg", child_id(number), "papers/north")


def added(store: Store, number: int, size: int = 5_000, *, about: About | None = None, now_ms: int = NOW) -> Blob:
    """A photo of a child, full of a marker."""
    data = (MARKER * (size // len(MARKER) + 1))[:size]
    return store.blobs.add(io.BytesIO(data), about or photo(number), now_ms=now_ms)
