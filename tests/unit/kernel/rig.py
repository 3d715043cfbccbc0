"""A device or two, a cloud, and a wire that is a function call: what the kernel's engine tests stand on."""

import hashlib
from collections.abc import Callable, Sequence

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from classtap_core.kernel.authority import Authority, Mark, Pushed
from classtap_core.kernel.batches import Batch, Received
from classtap_core.kernel.bus import Bus
from classtap_core.kernel.clock import ManualClock
from classtap_core.kernel.device import DeviceBus
from classtap_core.kernel.device_store import Notice
from classtap_core.kernel.envelope import GENESIS, Author, batch_statement
from classtap_core.kernel.ids import Id, derived
from classtap_core.kernel.memory import MemoryCloud, MemoryDevice
from tests.unit.kernel import toy

NOW = 1_790_000_000_000
STUDIO = derived("studio", "rig")
STAFF = Author(type="staff", id=derived("staff", "rig"))
ALL = ("families/*", "roster/*", "schedule/*")


def seeded(seed: str) -> Callable[[int], bytes]:
    """Bytes that are the same in every run: SHA-256 over the seed and a counter."""
    count = 0

    def entropy(size: int) -> bytes:
        nonlocal count
        made = b""
        while len(made) < size:
            count += 1
            made += hashlib.sha256(f"{seed}/{count}".encode()).digest()
        return made[:size]

    return entropy


def verify(public_key: bytes, signature: bytes, statement: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, statement)
    except InvalidSignature:
        return False
    return True


class Cloud:
    """One studio's authority over memory."""

    def __init__(self, clock: ManualClock | None = None, bus: Bus | None = None) -> None:
        self.clock = clock or ManualClock(NOW)
        bus = bus or toy.bus(authority=True)
        self.backend = MemoryCloud(bus.registry, STUDIO)
        self.authority = Authority(self.backend, bus, self.clock, seeded("cloud"), verify)
        self.own = derived("device", "cloud")
        self.backend.set_mark(Mark(device=self.own, epoch=1, sequence=0, hash=GENESIS, public_key=b""))


class Device:
    """One device; `sync` pushes what is unsent and pulls what is new."""

    def __init__(
        self, name: str, cloud: Cloud, *, scopes: Sequence[str] = ALL, clock: ManualClock | None = None,
        bus: Bus | None = None,
    ) -> None:  # fmt: skip
        self.name, self.cloud = name, cloud
        self.id = derived("device", name)
        self.key = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(name.encode()).digest())
        self.clock = clock or ManualClock(NOW)
        bus = bus or toy.bus(authority=False)
        self.backend = MemoryDevice(bus.registry, studio=STUDIO, device=self.id, scopes=scopes)
        self.bus = DeviceBus(self.backend, bus, self.clock, seeded(name))
        public = self.key.public_key().public_bytes_raw()
        cloud.backend.set_mark(Mark(device=self.id, epoch=1, sequence=0, hash=GENESIS, public_key=public))

    def held(self) -> Sequence[str]:
        """The scopes it pulls."""
        return self.backend.scopes

    def batch(self, first: int, last: int, *, epoch: int | None = None) -> Batch:
        """The device's own operations in a range of sequences, signed."""
        epoch = epoch or self.backend.head().epoch
        entries = self.backend.entries(range(first, last + 1), epoch=epoch)
        statement = batch_statement(
            studio=STUDIO, device=self.id, epoch=epoch, last_sequence=entries[-1].sequence, last_hash=entries[-1].hash
        )
        items = tuple(Received(entry.data, entry.parts) for entry in entries)
        return Batch(STUDIO, self.id, epoch, items, self.key.sign(statement))

    def unsent(self) -> Batch | None:
        head = self.backend.head()
        return self.batch(head.acked + 1, head.sequence) if head.acked < head.sequence else None

    def push(self) -> tuple[Pushed | None, list[Notice]]:
        batch = self.unsent()
        if batch is None:
            return None, []
        pushed = self.cloud.authority.push(batch)
        return pushed, self.bus.acknowledge(pushed.answers)

    def pull(self) -> list[Notice]:
        rows, cursor = self.cloud.backend.pull(self.held(), after=self.backend.head().cursor)
        return self.bus.apply(rows, cursor=cursor)

    def sync(self) -> list[Notice]:
        return self.push()[1] + self.pull()


def child(number: int) -> Id:
    return derived("child", str(number))


def mark(*children: int, house: str = "north", state: str = "present", note: str = "") -> toy.MarkPresence:
    return toy.MarkPresence(house=house, items=tuple(toy.Item(child(number), state, note) for number in children))


def enrol(number: int, *, house: str = "north", name: str = "Ana") -> toy.Enrol:
    return toy.Enrol(child=child(number), house=house, name=name)


SEATS = derived("seats", "rig")
