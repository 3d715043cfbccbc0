"""The world: one seed, one queue of events, a network that loses, delays, doubles and reorders, and rooms that act.

`World(seed, rooms)` is run with `run(minutes)`, then `settle()` heals everything and `check()` asks what must hold.
The same seed gives the same trace, byte for byte, in every process.
"""

import hashlib
import heapq
import random
from collections.abc import Callable, Iterable, Sequence
from types import ModuleType
from typing import Any, NamedTuple, Protocol

from classtap_core.kernel import undo
from classtap_core.kernel.bus import Bus, Gate, Permission, Phase
from classtap_core.kernel.chain import ChainRow, Link, change_parts, join_changes, verify_device, verify_studio
from classtap_core.kernel.effects import Home
from classtap_core.kernel.envelope import Author
from classtap_core.kernel.errors import BadInput, Refused
from classtap_core.kernel.ids import Entropy, Id, derived
from classtap_core.kernel.operations import Kind, Registry
from classtap_core.kernel.outcomes import Status
from classtap_core.kernel.records import Row
from classtap_core.kernel.tx import Snapshot, fold
from tests.simulator.clock import SkewedClock, TrueClock
from tests.simulator.crashing import Crash
from tests.simulator.node import Node
from tests.simulator.server import Server

START_MS = 1_790_000_000_000
MINUTE = 60_000


class Role(NamedTuple):
    """A device to make: its name, the scopes it may hold, whose hand is on it, and whether its program is an older one."""

    name: str
    scopes: tuple[str, ...]
    author: Author
    older: bool = False


class Room(Protocol):
    """What a room brings to the simulator: its code, its devices, generators of operations, and what must hold."""

    def modules(self, *, older: bool) -> Sequence[ModuleType]:
        """Records and operations, as this version of the program knows them."""
        ...

    def permission(self, *, authority: bool) -> Permission | None: ...

    def gates(self, *, authority: bool) -> Sequence[Gate]: ...

    def roles(self) -> Iterable[Role]: ...

    def found(self, world: "World") -> None:
        """Author what the studio starts with."""
        ...

    def act(self, world: "World", node: Node) -> None:
        """One thing a person does at a device."""
        ...

    def cloud(self, world: "World") -> None:
        """One thing the cloud does by itself."""
        ...

    def scopes(self, world: "World", node: Node) -> tuple[str, ...]:
        """What the device may hold from now on, when the world moves rights about."""
        ...

    def shown(self, world: "World", node: Node) -> None:
        """What a person must see at a device at any moment, whatever has arrived."""
        ...

    def check(self, world: "World") -> None:
        """What must hold once everything has arrived."""
        ...


class Weather(NamedTuple):
    """How bad it is. Chances are per message or per event, delays in milliseconds."""

    lost: float = 0.15
    doubled: float = 0.1
    slowest: int = 8_000
    crash: float = 0.04
    cloud_crash: float = 0.05
    cut: float = 0.03
    set_clock: float = 0.01
    rights: float = 0.02
    tells: float = 0.0
    """How often, whenever a device wakes, it tells a neighbour what the cloud has not answered."""


BAD = Weather()
CALM = Weather(lost=0, doubled=0, slowest=50, crash=0, cloud_crash=0, cut=0, set_clock=0, rights=0)


class World:
    """Attributes: now_ms, the true time; rng, the only source of chance; trace, what happened, in order."""

    def __init__(
        self,
        seed: int,
        rooms: Sequence[Room],
        *,
        weather: Weather = BAD,
        start_ms: int = START_MS,
    ) -> None:
        self.seed, self.rooms, self.weather = seed, tuple(rooms), weather
        self.rng = random.Random(seed)
        self.now_ms = self.start_ms = start_ms
        self.studio = derived("studio", "simulated")
        self.trace: list[str] = []
        self._events: list[tuple[int, int, Callable[[], None]]] = []
        self._count = 0
        self._acting = True
        self.server = Server(
            self.studio, self._bus(authority=True, older=False), TrueClock(self), self.entropy("cloud"),
            lambda: self.rng.choice((1, 3, 10, 1_000)),
        )  # fmt: skip
        for room in rooms:
            room.found(self)
        self.nodes: list[Node] = []
        for room in rooms:
            for role in room.roles():
                self.add(role)

    def entropy(self, name: str) -> Entropy:
        source = random.Random(f"{self.seed}/{name}")
        return source.randbytes

    def _bus(self, *, authority: bool, older: bool) -> Bus:
        modules = [undo, *(module for room in self.rooms for module in room.modules(older=older))]
        permissions = [found for room in self.rooms if (found := room.permission(authority=authority)) is not None]
        gates = [gate for room in self.rooms for gate in room.gates(authority=authority)]
        return Bus(Registry(modules), permissions[0], gates, authority=authority)

    def add(self, role: Role) -> Node:
        clock = SkewedClock(self, skew_ms=self.rng.randint(-120_000, 120_000), ppm=self.rng.randint(-90, 90))
        bus = self._bus(authority=False, older=role.older)
        node = Node(self, role.name, bus, role.scopes, clock=clock, author=role.author)
        self.server.pair(node.id, node.key.public_key().public_bytes_raw(), role.scopes)
        self.nodes.append(node)
        self._later(self.rng.randint(0, 2_000), lambda: self._wake(node))
        self._later(self.rng.randint(0, MINUTE), lambda: self._person(node))
        return node

    # --- time

    def run(self, minutes: int) -> None:
        """Let that much time pass."""
        self._until(self.now_ms + minutes * MINUTE)

    def _until(self, end_ms: int) -> None:
        while self._events and self._events[0][0] <= end_ms:
            at, _, happen = heapq.heappop(self._events)
            self.now_ms = max(self.now_ms, at)
            happen()
        self.now_ms = max(self.now_ms, end_ms)

    def _later(self, ms: int, happen: Callable[[], None]) -> None:
        self._count += 1
        heapq.heappush(self._events, (self.now_ms + ms, self._count, happen))

    def note(self, *what: Any) -> None:
        self.trace.append(f"{self.now_ms - self.start_ms} {' '.join(str(part) for part in what)}")

    def digest(self) -> str:
        """One hash over the trace, every chain, every row of every replica."""
        digest = hashlib.sha256("\n".join(self.trace).encode())
        digest.update(self.server.backend.lock_head().hash.encode())
        for node in self.nodes:
            digest.update(node.store.head().hash.encode())
            for ref, row in sorted(node.store.seen.all().items()):
                digest.update(repr((ref, row)).encode())
        return digest.hexdigest()

    # --- what people, machines and the weather do

    def chance(self, probability: float) -> bool:
        return probability > 0 and self.rng.random() < probability

    def _person(self, node: Node) -> None:
        if not self._acting:
            return
        if self.chance(self.weather.crash):
            node.store.dies = self.rng.choice(("before", "after"))
        self.rng.choice(self.rooms).act(self, node)
        if self.chance(self.weather.rights):
            self._move_rights(node)
        if self.chance(self.weather.set_clock):
            node.clock.step(self.rng.randint(-600_000, 600_000))
            self.note(node.name, "clock set")
        if self.chance(self.weather.cloud_crash):
            self.rng.choice(self.rooms).cloud(self)
        self._later(self.rng.randint(100, MINUTE // 4), lambda: self._person(node))

    def _move_rights(self, node: Node) -> None:
        for room in self.rooms:
            self.server.allowed[node.id] = room.scopes(self, node)
            self.note(node.name, "may hold", *self.server.allowed[node.id])

    def _wake(self, node: Node) -> None:
        if self.chance(self.weather.crash):
            self.note(node.name, "restarts")
            if self.chance(0.3):
                node.clock.reboot()
            node.restart()
        if self.chance(self.weather.cut):
            node.online = not node.online
            self.note(node.name, "online" if node.online else "cut off")
        if self.chance(self.weather.tells):
            self._tell(node)
        node.work()
        self._later(self.rng.randint(200, 4_000), lambda: self._wake(node))

    def _tell(self, node: Node) -> None:
        """A run of what a neighbour may hold, with or without the internet: lost, late, or heard twice."""
        listener = self.rng.choice([one for one in self.nodes if one is not node])
        run = node.run_for(listener.id, self.server.allowed[listener.id])
        for _ in range(2 if self.chance(self.weather.doubled) else 1):
            if run is not None and not self.chance(self.weather.lost):
                self._later(self._delay(), lambda: listener.hear(run))

    # --- the network

    def send(self, node: Node, call: str, number: int, body: bytes) -> None:
        copies = 2 if self.chance(self.weather.doubled) else 1
        for _ in range(copies):
            if not self.chance(self.weather.lost):
                self._later(self._delay(), lambda: self._arrive(node, call, number, body))

    def _delay(self) -> int:
        return self.rng.randint(1, self.rng.choice((50, 500, max(51, self.weather.slowest))))

    def _arrive(self, node: Node, call: str, number: int, body: bytes) -> None:
        if not node.online:
            return
        if call == "push" and self.chance(self.weather.cloud_crash):
            self.server.backend.dies = self.rng.choice(("before", "after"))
        try:
            answer = self._serve(node, call, body)
        except Crash:
            self.note("cloud dies at a push of", node.name)
            return
        except (Refused, BadInput) as error:
            self.note(node.name, call, "refused", error)
            if call == "bring":
                self._later(self._delay(), lambda: node.left_to_author(number))
                return
            if not isinstance(error, Refused) or error.code != "sync.gap":
                node.problems(error)
            self._later(self._delay(), lambda: node.failed(number))
            return
        allowed = self.server.allowed[node.id]
        if not self.chance(self.weather.lost):
            self._later(self._delay(), lambda: node.online and node.answered(number, answer, allowed))

    def _serve(self, node: Node, call: str, body: bytes) -> bytes:
        if call == "push":
            return self.server.push(node.id, body)
        if call == "bring":
            return self.server.bring(body)
        if call == "snapshot":
            return self.server.snapshot(node.id, body.decode())
        return self.server.pull(node.id, body.decode(), node.store.scopes)

    # --- the end

    def settle(self, most: int = 60) -> None:
        """Heal everything, let nobody act any more, and wait until every device has all of it."""
        self._acting = False
        self.weather = CALM
        for node in self.nodes:
            node.online = True
        for _ in range(most):
            self.run(1)
            if not any(node.behind() for node in self.nodes):
                self.run(1)
                if not any(node.behind() for node in self.nodes):
                    return
        raise AssertionError(f"not quiet after {most} minutes: {[n.name for n in self.nodes if n.behind()]}")

    def check(self) -> None:
        """What must hold of every world, and what its rooms ask for."""
        self._nothing_lost()
        self._replicas_agree()
        self._state_is_the_fold()
        self._chains_verify()
        self._effects_once()
        self._facts_change_nothing_twice()
        for room in self.rooms:
            room.check(self)

    def _nothing_lost(self) -> None:
        taken: dict[tuple[Id, int], Link] = {}
        for ledger in self.server.backend.ledgers:
            place = (ledger.link.device, ledger.link.device_sequence)
            assert place not in taken, "decided twice"
            taken[place] = ledger.link
        for node in self.nodes:
            assert len(node.receipts) == len(node.store.log)
            for operation, (sequence, _, _) in node.receipts.items():
                assert taken[node.id, sequence].operation == operation, f"{node.name} lost {sequence}"
            for entry in node.store.log:  # however often it was asked: what was decided, and where
                decided = taken[node.id, entry.sequence]
                answered = (entry.answer, entry.included)
                assert answered == (decided.outcome, decided.sequence), f"{node.name} was told otherwise"

    def _replicas_agree(self) -> None:
        for node in self.nodes:
            expected = {
                ref: Row(row.kind, row.id, row.scope, row.body or b"")
                for ref, row in self.server.holds_exactly(node.store.scopes).items()
            }
            assert set(node.store.scopes) == set(self.server.allowed[node.id]), node.name
            assert node.store.base.all() == expected, f"{node.name} differs from the cloud"
            assert not node.store.told_any(), f"{node.name} keeps what the cloud has told"
            assert node.store.seen.all() == expected, f"{node.name} shows something else than it holds"

    def _state_is_the_fold(self) -> None:
        backend = self.server.backend
        state: dict[tuple[str, Id], Row | None] = {}
        for ledger in backend.ledgers:
            changes = join_changes(ledger.change_parts) if ledger.change_parts else ()
            for change in changes:
                state[change.ref] = fold(state.get(change.ref), change)
        assert {ref: row for ref, row in state.items() if row is not None} == backend.state.all()
        again = change_parts(
            [change for ledger in backend.ledgers for change in ledger.changes], backend.registry.records, bytes
        )
        assert again or not backend.ledgers

    def _chains_verify(self) -> None:
        ledgers = self.server.backend.ledgers
        rows = [ChainRow(ledger.link.sequence, ledger.link_data, ledger.change_parts) for ledger in ledgers]
        assert verify_studio(rows, head=self.server.backend.lock_head().hash).ok
        for node in self.nodes:
            own = [ChainRow(entry.sequence, entry.data, entry.parts) for entry in node.store.log]
            assert verify_device(own, head=node.store.head().hash).ok

    def _effects_once(self) -> None:
        for node in self.nodes:
            stood = {entry.id for entry in node.store.log if entry.answer is not None and entry.answer.stands}
            for operation, intent, ready in node.store.effects.values():
                assert ready
                assert intent.home is Home.HERE or operation in stood
        ids = [effect.id for ledger in self.server.backend.ledgers for effect in ledger.effects]
        assert len(ids) == len(set(ids))
        assert not any(
            ledger.effects for ledger in self.server.backend.ledgers
            if ledger.link.outcome.status in (Status.REFUSED, Status.CONTESTED, Status.QUARANTINED)
        )  # fmt: skip

    def _facts_change_nothing_twice(self) -> None:
        """A fact run again on a state that has it changes nothing: that is how a device knows what it told is so."""
        backend, bus = self.server.backend, self.server.authority.bus
        for ledger in backend.ledgers:
            believed = ledger.link.outcome.status in (Status.ACCEPTED, Status.SUPERSEDED, Status.DUPLICATE)
            if believed and ledger.op is not None and ledger.op.spec.kind is Kind.FACT:
                now = ledger.op.at.corrected
                again = bus.decide(ledger.op, Snapshot(backend, backend.registry), now=now, phase=Phase.RERUN)
                assert again.changes == (), (ledger.link.kind, ledger.link.sequence)
                assert again.fault is None
