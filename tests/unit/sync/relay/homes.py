"""Devices of one studio with real keys and real operations in memory, and relays between them over real sockets."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from classtap_core.kernel.batches import Batch, check_signed, read_batch
from classtap_core.kernel.clock import ManualClock
from classtap_core.kernel.ids import Id
from sync.client.relay.finding import Address, Announced, Board, Finding, Spot
from sync.client.relay.local import Card, Neighbourhood, Place, Self, Waiting
from sync.client.relay.relay import Relay
from sync.client.relay.session import Limits
from tests.unit.kernel.rig import NOW, STAFF, STUDIO, Cloud, Device, mark, verify

QUICK = Limits(alive_s=0.05, dead_s=2.0, gap_s=0.01, first_s=0.01, most_s=0.05, look_s=30.0)
"""The same waits, short. A busy machine may still be late by seconds."""
PATIENCE_S = 20.0


class Home:
    """What the relay asks of a device. Runs are of `per_run` operations, `page` runs at a time.

    Attributes: cards: whom it may speak to. taken: what it heard, as (device, sequence), in order; told: the same with
    what came twice. trouble: raised by `hear`, once each; blind: by `waiting`. bent: changes a run before it goes out, `bends` of them where it counts.
    answered_to: so far the cloud has answered. looked: for whom it looked for what to tell.
    """

    def __init__(self, name: str, cloud: Cloud, *, per_run: int = 2, page: int = 2) -> None:
        self.device = Device(name, cloud)
        self.id = self.device.id
        self.studio = STUDIO
        self.cards: dict[Id, Card] = {}
        self.taken: list[tuple[Id, int]] = []
        self.told: list[tuple[Id, int]] = []
        self.heard_to: dict[Id, Place] = {}
        self.trouble: list[Exception] = []
        self.blind: list[Exception] = []
        self.looked: set[Id] = set()
        self.bent: Callable[[Batch], Batch] = lambda run: run
        self.bends = 0
        self.answered_to = 0
        self.changed = threading.Condition()
        self.gate = threading.Event()
        self.gate.set()
        self._per_run, self._page = per_run, page

    @property
    def own(self) -> Card:
        return Card(self.id, self.device.name, self.device.key.public_key().public_bytes_raw())

    def commit(self, number: int = 0) -> None:
        self.device.bus.submit(mark(number), STAFF)

    def wait(self, until: Callable[[], object]) -> None:
        with self.changed:
            assert self.changed.wait_for(until, PATIENCE_S), f"never: {self.taken}"

    def told_by(self, other: "Home") -> list[int]:
        return [sequence for device, sequence in self.taken if device == other.id]

    # --- RelayLocal

    def myself(self) -> Self:
        return Self(self.studio, self.id)

    def card(self, device: Id) -> Card | None:
        return self.cards.get(device)

    def sign(self, statement: bytes) -> bytes:
        return self.device.key.sign(statement)

    def waiting(self, peer: Id, after: Place) -> Waiting:
        if self.blind:
            raise self.blind.pop(0)
        head = self.device.backend.head()
        first = max(after.sequence, self.answered_to) + 1
        runs = []
        while first <= head.sequence and len(runs) < self._page:
            last = min(head.sequence, first + self._per_run - 1)
            runs.append(self.bent(self.device.batch(first, last)))
            first = last + 1
        with self.changed:
            self.looked.add(peer)
            self.changed.notify_all()
        return Waiting(tuple(runs), Place(head.epoch, first - 1), first <= head.sequence)

    def heard(self, peer: Id) -> Place:
        return self.heard_to.get(peer, Place(0, 0))

    def hear(self, peer: Id, run: Batch) -> None:
        assert self.gate.wait(PATIENCE_S)
        with self.changed:
            self.changed.notify_all()
            if self.trouble:
                raise self.trouble.pop(0)
            sealed = read_batch(run)
            check_signed(run, sealed, self.cards[peer].public_key, verify)
            told = [(peer, one.envelope.sequence) for one in sealed]
            self.told += told
            self.taken += [one for one in told if one not in self.taken]
            self.heard_to[peer] = Place(run.epoch, sealed[-1].envelope.sequence)


class Handed:
    """A finding that a test tells what it finds."""

    def __init__(self) -> None:
        self.announced: Announced | None = None
        self._ready = threading.Event()

    async def run(self, announced: Announced, board: Board) -> None:
        self.announced, self._board, self._loop = announced, board, asyncio.get_running_loop()
        self._ready.set()
        try:
            await asyncio.Event().wait()
        finally:
            self._ready.clear()

    def find(self, key: str, *addresses: Address) -> None:
        assert self._ready.wait(PATIENCE_S)
        self._loop.call_soon_threadsafe(self._board.found, Spot(key, addresses))

    def lose(self, key: str) -> None:
        assert self._ready.wait(PATIENCE_S)
        self._loop.call_soon_threadsafe(self._board.lost, key)


class Running:
    """A home's relay, and what it said of its neighbourhood."""

    def __init__(self, home: Home, *, limits: Limits = QUICK, finding: Finding | None = None, **words: Any) -> None:
        self.home, self.handed = home, Handed()
        self.told: list[Neighbourhood] = []
        self._changed = threading.Condition()
        words = {"hosts": ("127.0.0.1",), "patience_s": 0.0} | words
        self.relay = Relay(
            home, ManualClock(NOW), finding=finding or self.handed, limits=limits, listener=self._listened, **words
        )

    @property
    def address(self) -> Address:
        return "127.0.0.1", self.relay.port

    def find(self, other: "Running") -> None:
        self.handed.find(other.home.id, other.address)

    def neighbours(self) -> set[Id]:
        return {one.device for one in self.relay.status().neighbours}

    def sees(self, *others: "Running") -> None:
        """Wait until exactly these are its neighbours."""
        wanted = {one.home.id for one in others}
        with self._changed:
            assert self._changed.wait_for(lambda: self.neighbours() == wanted, PATIENCE_S), self.told

    def says(self, until: Callable[[Neighbourhood], object]) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: until(self.relay.status()), PATIENCE_S), self.told

    def _listened(self, neighbourhood: Neighbourhood) -> None:
        with self._changed:
            self.told.append(neighbourhood)
            self._changed.notify_all()


def studio(*names: str, **words: Any) -> list[Home]:
    """Homes that know each other."""
    cloud = Cloud()
    homes = [Home(name, cloud, **words) for name in names]
    for home in homes:
        home.cards = {other.id: other.own for other in homes if other is not home}
    return homes


@contextmanager
def running(*relays: Running) -> Iterator[None]:
    try:
        for one in relays:
            one.relay.start()
        yield
    finally:
        for one in relays:
            one.relay.stop()
