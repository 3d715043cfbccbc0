"""Ten kiosks cut off from one another and from the cloud, a third of the children seen by two of them, healed in any order."""

import random
from typing import NamedTuple

import msgspec

from classtap_core.kernel.device import DeviceBus
from classtap_core.kernel.memory import MemoryDevice
from classtap_core.kernel.outcomes import Status
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

    def run(self) -> Healed:
        """Scan apart, heal in any order, and check what must hold. Raises AssertionError."""
        self._scan_apart()
        order = list(self.kiosks)
        self.rng.shuffle(order)
        for kiosk in order:
            kiosk.sync()
            if self.rng.random() < 0.3:
                self.rng.choice(order).sync()
        for kiosk in order:
            kiosk.sync()
        return self._check()

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
            kiosk = self.kiosks[at]
            payload = toy.MarkPresence(house="north", items=(toy.Item(child(number), "present", f"by {at}"),))
            receipt = kiosk.bus.submit(payload, STAFF)
            assert receipt.outcome.status is Status.ACCEPTED, "a scan was refused"
            self.true[kiosk.id, receipt.sequence or 0] = self.kiosks[0].clock.mono
        self.shared = shared

    def _check(self) -> Healed:
        rows = self.cloud.backend.state.all()
        for kiosk in self.kiosks:
            assert kiosk.backend.seen.all() == rows == kiosk.backend.base.all(), "a replica differs"
        presences = [msgspec.json.decode(row.body, type=toy.Presence) for row in rows.values()]
        assert len(presences) == len({presence.child for presence in presences}) == self.scans - self.shared
        assert sum(len(presence.marks) for presence in presences) == self.scans, "a scan is lost"
        losers = 0
        by_kiosk = {kiosk.id: kiosk for kiosk in self.kiosks}
        for presence in presences:
            for rank, mark in enumerate(presence.marks):
                _, device, sequence = mark.order
                backend = by_kiosk[device].backend  # type: ignore[index]
                told = backend.log[sequence - 1].told.items[0].status
                assert told is (Status.ACCEPTED if rank == 0 else Status.SUPERSEDED), "a kiosk believes otherwise"
                if rank:
                    losers += 1
                    assert backend.log[sequence - 1].id in backend.notices, "a loser was not told"
        return Healed(len(self.true), self.shared, losers)

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
