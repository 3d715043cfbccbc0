"""The real engine's rounds under a schedule of faults, in virtual time: it loses nothing, doubles nothing, never stalls.

A schedule is a seed. Calls are cut before or after the cloud has acted, delivered twice, or arrive long after they were
given up; the cloud dies at a commit, the device dies in one; operations are poison. When the faults end, the queue must
drain by itself: no new write, no restart.
"""

import math
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from typing import NamedTuple

from classtap_core.kernel.clock import ManualClock
from classtap_core.kernel.envelope import Author
from classtap_core.kernel.errors import Refused
from classtap_core.kernel.ids import Id, derived
from classtap_core.kernel.memory import MemoryCloud, MemoryDevice
from classtap_core.kernel.outcomes import ACCEPTED, Status
from sync.client.engine import State, SyncEngine
from sync.client.retry import Backoff
from sync.client.transport import Unreachable
from sync.protocol import Leaves, Page, Push, Pushed, SnapshotPage, batch_of
from tests.unit.kernel import toy
from tests.unit.sync.rig import Cloud, Device, Wire

ALLOWED = ("studio", "schedule/*", "families/*", "roster/*")
STAFF = Author(type="staff", id=derived("staff", "ines"))
DRAINED_S = 5.0
"""So long after the last fault nothing may wait any more, in virtual seconds; a call takes none."""


class Died(Exception):
    """A process ends here."""


class Faults:
    """What goes wrong, drawn from one seed. `on` ends it."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.on = True
        self.cut = self.rng.choice((0.05, 0.2, 0.5, 0.9))
        self.doubled = self.rng.choice((0.0, 0.1, 0.4))
        self.late = self.rng.choice((0.0, 0.1, 0.3))
        self.dies = self.rng.choice((0.0, 0.05, 0.15))

    def draws(self, chance: float) -> bool:
        return self.on and self.rng.random() < chance


class FaultyWire(Wire):
    """A wire that cuts, doubles, delays and reorders, before a cloud that dies."""

    def __init__(self, cloud: Cloud, faults: Faults) -> None:
        super().__init__(cloud)
        self.faults = faults
        self._late: list[Push] = []

    def push(self, push: Push) -> Pushed:
        self._arrive_late()
        if self.faults.draws(self.faults.late):
            self._late.append(push)
            raise Unreachable("given up")
        if self.faults.draws(self.faults.doubled):
            self._cut(lambda: super(FaultyWire, self).push(push))
        return self._cut(lambda: super(FaultyWire, self).push(push))

    def _arrive_late(self) -> None:
        while self._late and self.faults.rng.random() < 0.5:
            late = self._late.pop(self.faults.rng.randrange(len(self._late)))
            try:
                self.cloud.authority.push(batch_of(late))
            except (Refused, Died):
                continue

    def pull(self, cursor: str, scopes: Sequence[str], *, holding: str = "", digest: bool = False) -> Page:
        return self._cut(lambda: super(FaultyWire, self).pull(cursor, scopes, holding=holding, digest=digest))

    def snapshot(
        self, scope: str, after: str = "", *, leaf: str = "", keep: Callable[[bytes], None] = lambda data: None
    ) -> SnapshotPage:
        sent: list[bytes] = []
        came = 0
        try:
            page: SnapshotPage = self._cut(
                lambda: super(FaultyWire, self).snapshot(scope, after, leaf=leaf, keep=sent.append)
            )
            came = len(sent[0])
        except Unreachable:
            came = self.faults.rng.randrange(len(sent[0])) if sent else 0
            raise
        finally:
            keep(b"".join(sent)[:came])
        return page

    def leaves(self, scope: str) -> Leaves:
        return self._cut(lambda: super(FaultyWire, self).leaves(scope))

    def keys(self) -> bytes:
        return self._cut(super().keys)

    def _cut(self, call: Callable[[], object]) -> object:  # type: ignore[override]
        if self.faults.draws(self.faults.cut):
            raise Unreachable("cut on the way there")
        try:
            answer = call()
        except Died:
            raise Unreachable("the cloud died") from None
        if self.faults.draws(self.faults.cut):
            raise Unreachable("cut on the way back")
        return answer


class _Mortal:
    """A store that dies in a transaction, before its commit or after it."""

    faults: Faults

    @contextmanager
    def atomic(self) -> Iterator[None]:
        dies = self.faults.draws(self.faults.dies)
        after = dies and self.faults.rng.random() < 0.5
        with super().atomic():  # type: ignore[misc]
            yield
            if dies and not after:
                raise Died
        if dies:
            raise Died


class MortalDevice(_Mortal, MemoryDevice):
    pass


class MortalCloud(_Mortal, MemoryCloud):
    pass


class Ran(NamedTuple):
    """What a schedule came to: virtual seconds until nothing waited, rounds, deaths, and operations set aside."""

    drained_s: float
    rounds: int
    deaths: int
    set_aside: int


class Schedule:
    """Two devices and a cloud under one seed's faults.

    `backoff` makes the engines' patience, `quarantines` says whether the cloud sets poison aside: the controls change them.
    """

    def __init__(
        self, seed: int, *, operations: int = 12, backoff: Callable[[random.Random], Backoff] | None = None,
        quarantines: bool = True,
    ) -> None:  # fmt: skip
        self.faults = Faults(seed)
        self.clock = ManualClock(1_790_000_000_000)
        self.operations, self.quarantines = operations, quarantines
        self._patience = backoff or (lambda rng: Backoff(uniform=rng.uniform))
        entropy = random.Random(f"{seed}/entropy").randbytes
        self.cloud = Cloud(self.clock, entropy)
        self.cloud.storage.__class__ = MortalCloud
        self.cloud.storage.faults = self.faults  # type: ignore[attr-defined]
        self.devices = [Device(name, self.clock, entropy) for name in ("kiosk", "desk")]
        self.wires = [FaultyWire(self.cloud, self.faults) for _ in self.devices]
        self.engines: list[SyncEngine] = []
        self.submitted: list[set[Id]] = [set(), set()]
        self.poison: set[Id] = set()
        self.deaths = self.rounds = 0
        self.faults.on = False
        for device in self.devices:
            self.cloud.admit(device)
            device.store.__class__ = MortalDevice
            device.store.faults = self.faults  # type: ignore[attr-defined]
        self.engines = [self._engine(at) for at in range(2)]
        self._due = [0.0, 0.0]
        self.faults.on = True

    def _engine(self, at: int) -> SyncEngine:
        return SyncEngine(
            self.devices[at], self.wires[at], self.clock, allowed=ALLOWED, today=lambda: date(2026, 11, 21),  # type: ignore[arg-type]
            backoff=self._patience(self.faults.rng),
        )  # fmt: skip

    def run(self) -> Ran:
        """Work under faults until everything was said; then without, until nothing waits. Raises AssertionError."""
        begun = self.clock.wall
        for step in range(self.operations):
            self._person(step % 2)
            for _ in range(self.faults.rng.randint(0, 2)):
                self._next()
        self.faults.on = False
        healed = self.clock.wall
        while self._behind():
            self._next()
            waited = (self.clock.wall - healed) / 1000
            assert waited <= 60 * DRAINED_S, f"still waiting after {waited} s"
        drained = (self.clock.wall - healed) / 1000
        for engine in self.engines:
            engine.once()
        self._check()
        assert self.clock.wall >= begun
        return Ran(drained, self.rounds, self.deaths, len(self.poison))

    def _next(self) -> None:
        """The device whose time has come works; time moves on to then."""
        at = 0 if self._due[0] <= self._due[1] else 1
        now = self.clock.wall / 1000
        assert self._due[at] < math.inf, "still waiting, and nobody will look again"
        if self._due[at] > now:
            self.clock.advance(int((self._due[at] - now) * 1000) + 1)
        self.rounds += 1
        engine = self.engines[at]
        try:
            wait = engine._round()
        except Died:
            self._dies(at)
            wait = 0.1
        if engine.status().state is State.ONLINE:
            wait = 0.2  # a hint or a tap would come
        self._due[at] = math.inf if wait is None else self.clock.wall / 1000 + wait

    def _dies(self, at: int) -> None:
        self.deaths += 1
        self.engines[at] = self._engine(at)

    def _person(self, at: int) -> None:
        self.clock.advance(self.faults.rng.randint(1, 400))
        device, rng = self.devices[at], self.faults.rng
        child = derived("child", str(rng.randrange(6)))
        payload = rng.choice(
            (
                toy.MarkPresence(house="h", items=(toy.Item(child, rng.choice(("present", "late"))),)),
                toy.Chime(child=child, house="h"), toy.Enrol(child=child, house="h", name="Zoë"), toy.Faulty(),
            )
        )  # fmt: skip
        before = device.head().sequence
        sound, toy.Faulty.SPEC.handler = toy.Faulty.SPEC.handler, lambda tx, op: ACCEPTED
        try:
            device.bus.submit(payload, STAFF)
        except Died:
            self._dies(at)
        finally:
            toy.Faulty.SPEC.handler = sound
        for entry in device.store.log[before:]:
            self.submitted[at].add(entry.id)
            if entry.kind == "toy.faulty":
                self.poison.add(entry.id)
        self._due[at] = min(self._due[at], self.clock.wall / 1000)

    def _behind(self) -> bool:
        head = self.cloud.storage.lock_head().sequence
        return any(device.pending() or device.head().cursor < head for device in self.devices)

    def _check(self) -> None:
        ledgers = [ledger.link for ledger in self.cloud.storage.ledgers]
        decided = [link.operation for link in ledgers]
        assert len(decided) == len(set(decided)), "decided twice"
        assert set(decided) == self.submitted[0] | self.submitted[1], "lost, or invented"
        aside = {link.operation for link in ledgers if link.outcome.status is Status.QUARANTINED}
        assert aside == self.poison, "only poison is set aside"
        rows = {ref: row.body for ref, row in self.cloud.storage.state.all().items()}
        for device in self.devices:
            assert device.seen() == rows, "a replica differs"
            assert all(entry.answer is not None for entry in device.store.log)


def stubborn(schedule: Schedule) -> Schedule:
    """A control: the cloud answers a batch with poison in it by an error, for ever."""
    push = schedule.cloud.authority.push

    def fails(batch: object, **more: object) -> object:
        if any(b"toy.faulty" in item.data for item in batch.items):  # type: ignore[attr-defined]
            raise Refused("cloud.fault")
        return push(batch, **more)  # type: ignore[arg-type]

    schedule.cloud.authority.push = fails  # type: ignore[method-assign,assignment]
    return schedule


class Impatient(Backoff):
    """A control: outages count, and waits grow to a minute, as other engines do."""

    def outage(self) -> float:
        return self.rejection() + 2.0
