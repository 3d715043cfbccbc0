"""Ten kiosks cut off from one another and from the cloud, a third of the children seen by two of them, healed in any order."""

import random
from typing import NamedTuple

import msgspec

from classtap_core.kernel.device import DeviceBus, Receipt
from classtap_core.kernel.ids import Id
from classtap_core.kernel.memory import MemoryDevice
from classtap_core.kernel.outcomes import Status
from classtap_core.kernel.tx import Ref
from tests.unit.kernel import toy
from tests.unit.kernel.rig import NOW, STAFF, Cloud, Device, child, seeded

DEVICES, OVERLAP = 10, 0.3


class Healed(NamedTuple):
    """What a partition came to: scans made, children seen by two or more kiosks, scans that lost."""

    scans: int
    shared: int
    losers: int


class Partition:
    """One seed's partition. `skews_ms` are what the kiosks' clocks are wrong by, known to the cloud or not."""

    _may_lose_at_once = False
    """Whether a kiosk may know of an earlier scan elsewhere."""

    def __init__(self, seed: int, *, scans: int = 200, skews_ms: tuple[int, ...] = (), corrected: bool = True) -> None:
        self.rng = random.Random(seed)
        self.cloud = Cloud()
        self.scans = scans
        self.kiosks = [Device(f"kiosk {number}", self.cloud) for number in range(DEVICES)]
        for number, kiosk in enumerate(self.kiosks):
            kiosk.bus = DeviceBus(kiosk.backend, toy.bus(authority=False), kiosk.clock, seeded(f"{seed}/{number}"))
            skew = skews_ms[number % len(skews_ms)] if skews_ms else self.rng.randint(-120_000, 120_000)
            kiosk.clock.wall = NOW + skew
            if corrected:
                kiosk.clock.correction.offset, kiosk.clock.correction.uncertainty = -skew, 50
        self.true: dict[tuple[str, int], int] = {}
        """Device and sequence → the true time of the scan."""
        self.scanned: dict[tuple[str, int], int] = {}
        """Device and sequence → the child, of every scan that must come to the cloud."""

    def run(self) -> Healed:
        """Scan apart, heal in any order, and check what must hold. Raises AssertionError."""
        self._scan_apart()
        self._heal()
        return self._check()

    def _heal(self) -> None:
        order = list(self.kiosks)
        self.rng.shuffle(order)
        for kiosk in order:
            kiosk.sync()
            if self.rng.random() < 0.3:
                self.rng.choice(order).sync()
        for kiosk in order:
            kiosk.sync()

    def _scan_apart(self) -> None:
        shared = int(self.scans * OVERLAP / 2)
        alone = self.scans - 2 * shared
        visits = [(number, kiosk) for number in range(shared) for kiosk in self.rng.sample(range(DEVICES), 2)]
        visits += [(shared + number, self.rng.randrange(DEVICES)) for number in range(alone)]
        self.rng.shuffle(visits)
        for number, at in visits:
            passed = self.rng.randint(0, 4_000)
            for kiosk in self.kiosks:
                kiosk.clock.advance(passed)
            self._scan(self.kiosks[at], number)

    def _scan(self, kiosk: Device, number: int) -> Receipt:
        payload = toy.MarkPresence(house="north", items=(toy.Item(child(number), "present", f"by {kiosk.name}"),))
        receipt = kiosk.bus.submit(payload, STAFF)
        assert receipt.outcome.stands or self._may_lose_at_once, "a scan was refused"
        self.true[kiosk.id, receipt.sequence or 0] = self.kiosks[0].clock.mono
        self.scanned[kiosk.id, receipt.sequence or 0] = number
        return receipt

    def _check(self) -> Healed:
        rows = {ref: row.body for ref, row in self.cloud.backend.state.all().items()}
        presences = {one.child: one for one in (msgspec.json.decode(body, type=toy.Presence) for body in rows.values())}
        assert set(presences) == {child(number) for number in self.scanned.values()}, "a child is lost"
        assert len(rows) == len(presences), "a child was admitted twice"
        marks = [mark.order[1:] for presence in presences.values() for mark in presence.marks]
        assert sorted(marks) == sorted(self.scanned), "a scan is lost"
        first = {presence.marks[0].order[1:] for presence in presences.values()}
        losers = 0
        for kiosk in self.kiosks:
            base, seen = self._holds(kiosk)
            assert base == rows, "a replica differs"
            assert seen == rows, "it shows something else than it holds"
            log = kiosk.backend.entries(range(1, kiosk.backend.head().sequence + 1))
            for entry in log:
                lost = (kiosk.id, entry.sequence) not in first
                told = entry.told.items[0].status
                assert told is (Status.SUPERSEDED if lost else Status.ACCEPTED), "a kiosk believes otherwise"
                losers += lost
            self._check_notices(kiosk, {entry.id for entry in log if (kiosk.id, entry.sequence) not in first})
        return Healed(len(self.scanned), len(self.scanned) - len(presences), losers)

    def _holds(self, kiosk: Device) -> tuple[dict[Ref, bytes], dict[Ref, bytes]]:
        """The cloud's rows as they are at a kiosk, and what it shows."""
        return (
            {ref: row.body for ref, row in kiosk.backend.base.all().items()},
            {ref: row.body for ref, row in kiosk.backend.seen.all().items()},
        )

    def _notified(self, kiosk: Device) -> list[Id]:
        """The operations of which something was told anew."""
        return list(kiosk.backend.notices)

    def _check_notices(self, kiosk: Device, lost: set[Id]) -> None:
        """Here nobody can know of another before the cloud tells."""
        assert sorted(self._notified(kiosk)) == sorted(lost), "a loser was not told once"

    def misordered(self) -> int:
        """How many children's first scan is not the one that truly came first, beyond what the clocks were known to be."""
        wrong = 0
        for row in self.cloud.backend.state.all().values():
            marks = msgspec.json.decode(row.body, type=toy.Presence).marks
            times = [self.true[mark.order[1], mark.order[2]] for mark in marks]
            wrong += times[0] > min(times) + 100
        return wrong


class LastWriterWins(MemoryDevice):
    """For a control: a device that takes the cloud's row in place of a fold, and never runs its own work again."""

    def touching(self, refs: object, *, settled: bool) -> set[int]:
        return set()
