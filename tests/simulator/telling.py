"""The same partition with kiosks that hear each other in groups: runs in pieces, late, lost, repeated; authors that die.

Whoever finds the cloud brings what it was told before its own work, by the real `Forwarding`; or leaves what is fresh to
its author, and pulls rows that do not know of it.
"""

from collections import Counter
from collections.abc import Collection
from typing import NamedTuple

import msgspec

from classtap_core.kernel.batches import Batch, read_batch
from classtap_core.kernel.device import Receipt
from classtap_core.kernel.device_store import Answer, Notice
from classtap_core.kernel.errors import Refused
from classtap_core.kernel.ids import Id
from classtap_core.kernel.outcomes import Status
from sync.client.forwarding import Forwarding
from sync.client.transport import Rejected
from sync.protocol import Push, Pushed, batch_of, decode, encode
from tests.simulator.partitions import DEVICES, Healed, Partition
from tests.unit.kernel import toy
from tests.unit.kernel.rig import Cloud, Device, child

LOST, REPEATED, SLOWEST = 0.2, 0.15, 12
"""How often a message is lost, or comes again; how many scans later it comes at most."""
DIE, LOOK, PATIENT = 2, 0.03, 0.4
"""How many kiosks die for good; how often a scan is followed by somebody's moment of internet, or by other groups; how often
what was told is left to its author then."""


class Heard(NamedTuple):
    """What hearing each other came to.

    Attributes: door, losers that were told so at the door; ear, when the other was heard; cloud, by the cloud's word.
        dead, scans of kiosks that never came back, and are in the cloud; gone, those that nobody had heard.
    """

    healed: Healed
    door: int
    ear: int
    cloud: int
    dead: int
    gone: int


class Message(NamedTuple):
    """A run on its way: after which scan it arrives."""

    due: int
    author: Device
    listener: Device
    run: Batch


class Told(Partition):
    """One seed's partition, in groups. What a kiosk shows and has told is checked after all that reaches it."""

    _may_lose_at_once = True
    carries = True
    """For a control: nobody brings anything for others."""

    def __init__(self, seed: int, *, scans: int = 200, skews_ms: tuple[int, ...] = (), corrected: bool = True) -> None:
        super().__init__(seed, scans=scans, skews_ms=skews_ms, corrected=corrected)
        self.groups = self._grouped()
        self.dead: list[Device] = []
        self.knows: dict[str, dict[int, set[tuple[str, int]]]] = {kiosk.id: {} for kiosk in self.kiosks}
        """Of each kiosk, by child: the scans that it made or heard."""
        self.notices: Counter[tuple[str, Id]] = Counter()
        self.by: Counter[str] = Counter()
        self._on_the_way: list[Message] = []
        self._scans, self._together = 0, False
        self._deaths = sorted(self.rng.sample(range(scans), min(DIE, scans)))
        for kiosk in self.kiosks:
            kiosk.sync = lambda kiosk=kiosk: self._sync(kiosk)  # type: ignore[method-assign]

    def _grouped(self) -> list[list[Device]]:
        """Some of a kiosk alone, some of several."""
        order, groups = list(self.kiosks), list[list[Device]]()
        self.rng.shuffle(order)
        while order:
            size = self.rng.randint(1, 5)
            groups.append(order[:size])
            order = order[size:]
        return groups

    # --- apart

    def _scan(self, kiosk: Device, number: int) -> Receipt | None:  # type: ignore[override]
        self._scans += 1
        if kiosk in self.dead:
            return None
        receipt = super()._scan(kiosk, number)
        self._knows(kiosk, {(kiosk.id, receipt.sequence or 0)})
        self.by["door"] += receipt.outcome.items[0].status is Status.SUPERSEDED
        self._look(kiosk, {number})
        for author in self._beside(kiosk):
            self._tell(kiosk, author)
            self._tell(author, kiosk)
        self._arrive()
        while self._deaths and self._deaths[0] <= self._scans:
            self._deaths.pop(0)
            self.dead.append(self.rng.choice([one for one in self.kiosks if one not in self.dead]))
        if self.rng.random() < LOOK:
            self.rng.choice([one for one in self.kiosks if one not in self.dead]).sync()
        if self.rng.random() < LOOK:
            self.groups = self._grouped()
        return receipt

    def _beside(self, kiosk: Device) -> list[Device]:
        (group,) = [group for group in self.groups if kiosk in group]
        return [one for one in group if one is not kiosk and one not in self.dead]

    def _tell(self, author: Device, listener: Device) -> None:
        """As much as a piece holds, of what the other has not heard and the cloud not answered."""
        head = author.backend.head()
        first = max(head.acked, self._end(listener, author)) + 1
        if first > head.sequence or self.rng.random() < LOST:
            return
        run = author.batch(first, min(head.sequence, first + self.rng.choice((0, 1, 4, 400))))
        for _ in range(2 if self.rng.random() < REPEATED else 1):
            due = self._scans + self.rng.choice((0, 0, 1, SLOWEST))
            self._on_the_way.append(Message(due, author, listener, run))

    def _arrive(self) -> None:
        due = [one for one in self._on_the_way if one.due <= self._scans]
        self._on_the_way = [one for one in self._on_the_way if one.due > self._scans]
        self.rng.shuffle(due)
        for one in due:
            if one.listener not in self.dead:
                self._hear(one.listener, one.run)

    def _hear(self, listener: Device, run: Batch) -> None:
        sealed = read_batch(run)
        notices = listener.bus.hear(run, sealed, holds=lambda shape, scopes: True)
        came = {(item.envelope.device, item.envelope.sequence) for item in sealed}
        self._noted(listener, notices, "ear")
        self._look(listener, self._knows(listener, came))

    def _knows(self, kiosk: Device, places: set[tuple[str, int]]) -> set[int]:
        """Note what was made or heard here; the children."""
        for place in places:
            self.knows[kiosk.id].setdefault(self.scanned[place], set()).add(place)
        return {self.scanned[place] for place in places}

    # --- together again

    def _heal(self) -> None:
        while self._deaths:  # the last of them with their kiosk's own hands
            self._deaths.pop()
            self.dead.append(self.rng.choice([one for one in self.kiosks if one not in self.dead]))
        alive = [one for one in self.kiosks if one not in self.dead]
        self.rng.shuffle(alive)
        for kiosk in alive:
            for other in self._beside(kiosk):
                self._tell(kiosk, other)
            kiosk.sync()
            self._scans += 1
            self._arrive()
        self._scans += SLOWEST
        self._arrive()
        self._together = True
        for _ in range(2):
            for kiosk in alive:
                kiosk.sync()

    def _sync(self, kiosk: Device) -> list[Notice]:
        """A round of the engine: what others told, own work, and what is new."""
        if self.carries and (self._together or self.rng.random() > PATIENT):
            forwarding = Forwarding(_Ears(self, kiosk), _Way(self.cloud))  # type: ignore[arg-type]
            assert forwarding.forward_all(patient=False), "the cloud takes it otherwise"
        self._noted(kiosk, kiosk.push()[1], "cloud")
        self._noted(kiosk, kiosk.pull(), "cloud")
        self._look(kiosk, set(self.knows[kiosk.id]))
        return []

    def _noted(self, kiosk: Device, notices: list[Notice], by: str) -> None:
        for notice in notices:
            self.notices[kiosk.id, notice.operation] += 1
            self.by[by] += 1

    # --- what must hold

    def _look(self, kiosk: Device, numbers: set[int]) -> None:
        """All that was made or heard here is seen here, and whoever lost by what is seen has been told."""
        shown = self._shown(kiosk, numbers)
        acked = kiosk.backend.head().acked
        for number in numbers:
            for place in self.knows[kiosk.id][number]:
                assert place in shown[number], "a scan is not seen any more"
                if place[0] == kiosk.id and place[1] > acked:
                    (entry,) = kiosk.backend.entries([place[1]])
                    wanted = Status.ACCEPTED if shown[number][0] == place else Status.SUPERSEDED
                    assert entry.told.items[0].status is wanted, "who lost was not told when it was heard"

    def _shown(self, kiosk: Device, numbers: Collection[int]) -> dict[int, list[tuple[str, int]]]:
        """The scans of children as a kiosk shows them, the earliest first."""
        ids = {toy.presence_id(child(number)): number for number in numbers}
        shown: dict[int, list[tuple[str, int]]] = {number: [] for number in numbers}
        for id, row in kiosk.backend.rows(toy.Presence, list(ids)).items():
            shown[ids[id]] = [mark.order[1:] for mark in msgspec.json.decode(row.body, type=toy.Presence).marks]
        return shown

    def told(self) -> Heard:
        """Run; what it came to. Raises AssertionError."""
        healed = self.run()
        dead = {kiosk.id for kiosk in self.dead}
        from_dead = sum(device in dead for device, _ in self.scanned)
        return Heard(healed, self.by["door"], self.by["ear"], self.by["cloud"], from_dead, self.gone)

    def _check(self) -> Healed:
        """As without; of the dead counts what they told, and nothing that was told stays behind."""
        everyone, dead = self.kiosks, {kiosk.id for kiosk in self.dead}
        alive = [kiosk for kiosk in everyone if kiosk not in self.dead]
        known = {place for kiosk in alive for places in self.knows[kiosk.id].values() for place in places}
        in_cloud = {(link.device, link.device_sequence) for link in (one.link for one in self.cloud.backend.ledgers)}
        reached = {place for place in self.scanned if place[0] not in dead or place in known | in_cloud}
        self.gone = len(self.scanned) - len(reached)
        self.scanned = {place: number for place, number in self.scanned.items() if place in reached}
        self.kiosks = alive
        try:
            healed = super()._check()
        finally:
            self.kiosks = everyone
        for kiosk in alive:
            assert self._kept(kiosk) == 0, "what the cloud told is still kept from others"
        return healed

    def _check_notices(self, kiosk: Device, lost: set[Id]) -> None:
        """Who lost was told at the door, or once since."""
        notified = self._notified(kiosk)
        told = Counter({operation: times for (device, operation), times in self.notices.items() if device == kiosk.id})
        assert max(told.values(), default=1) == 1, "somebody was told twice"
        assert set(told) == set(notified) <= lost, "somebody was told, and it is not so"

    # --- the store

    def _end(self, listener: Device, author: Device) -> int:
        """How far an author's log was heard."""
        return max((at for device, _, at in listener.backend._told if device == author.id), default=0)

    def _kept(self, kiosk: Device) -> int:
        return len(kiosk.backend._told)

    def _runs(self, kiosk: Device, but: Collection[Id]) -> list[Batch]:
        return [run for run in kiosk.backend.told_runs() if run.device not in but]


class _Ears:
    """A kiosk's store as `Forwarding` needs it."""

    def __init__(self, place: Told, kiosk: Device) -> None:
        self._place, self._kiosk = place, kiosk

    def told_runs(self, *, but: Collection[Id], patient: bool) -> list[Batch]:
        return self._place._runs(self._kiosk, but)

    def brought(self, device: Id, epoch: int, answers: list[Answer]) -> bool:
        return self._kiosk.bus.brought(device, epoch, answers)

    def forget_told(self, device: Id) -> None:
        raise AssertionError("the cloud did not take what was told")


class _Way:
    """The way to the cloud, over the protocol's bytes."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    def push(self, push: Push) -> Pushed:
        try:
            done = self._cloud.authority.push(batch_of(decode(Push, encode(push))))
        except Refused as no:
            raise Rejected(409, no.code, no.params, None) from no
        return Pushed(answers=done.answers, acked=done.acked, cloud_ms=self._cloud.clock.wall)


assert DEVICES > DIE
