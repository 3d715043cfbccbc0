"""A device of the simulator: the kernel's device bus over a store that survives crashes, and a client that never stalls."""

import hashlib
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from classtap_core.kernel.batches import Batch, Received, read_batch
from classtap_core.kernel.bus import Bus
from classtap_core.kernel.device import DeviceBus, Receipt
from classtap_core.kernel.device_store import Entry, Notice, Pulled
from classtap_core.kernel.effects import Home
from classtap_core.kernel.envelope import Author, batch_statement
from classtap_core.kernel.errors import BadInput, Refused
from classtap_core.kernel.ids import Id, derived
from classtap_core.kernel.operations import Payload
from classtap_core.kernel.outcomes import Outcome, Status, told_anew
from classtap_core.kernel.scopes import covers
from sync.protocol import MOST_OPERATIONS, Page, Push, Pushed, SnapshotPage, decode, encode, pulled, wire_operation
from tests.simulator.clock import SkewedClock
from tests.simulator.crashing import Crash, CrashingDevice

if TYPE_CHECKING:
    from tests.simulator.world import World

TIMEOUT_MS = 15_000


class Asked(NamedTuple):
    """What a device waits for: which call, its number, and until when."""

    call: str
    number: int
    until_ms: int
    scope: str = ""
    run: Batch | None = None


class Node:
    """One device.

    Attributes:
        receipts: what its person was shown, by operation: the outcome and the true time. told: every notice since.
    """

    def __init__(
        self, world: "World", name: str, bus: Bus, scopes: tuple[str, ...], *, clock: SkewedClock, author: Author
    ) -> None:
        self.world, self.name, self.kernel_bus, self.clock, self.author = world, name, bus, clock, author
        self.id = derived("device", name)
        self.key = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(name.encode()).digest())
        self.entropy = world.entropy(f"device {name}")
        self.store = CrashingDevice(bus.registry, studio=world.studio, device=self.id, scopes=())
        self.missing = list(scopes)
        self.receipts: dict[Id, tuple[int, Outcome, int]] = {}
        self.told: list[Notice] = []
        self.fired: set[Id] = set()
        self.online = True
        self.lacking: dict[Id, int] = {}
        """Until when what a device told is left to it."""
        self.doubtful: list[str] = []
        """Scopes to load anew: what a neighbour told does not count, and rows show it."""
        self._number = 0
        self.restart()

    def restart(self) -> None:
        """Start over from what is durable: the store and the clock's correction."""
        self.bus = DeviceBus(self.store, self.kernel_bus, self.clock, self.entropy)
        self.asked: Asked | None = None
        self.token = self.store.head().token

    # --- a person's side

    def submit(self, payload: Payload, author: Author | None = None) -> Receipt | None:
        """What a tap does. None when the machine died on the way: then it is there whole, or not at all."""
        before = self.store.head().sequence
        stamp = self.clock.now()
        try:
            receipt = self.bus.submit(payload, author or self.author)
        except Crash:
            self.world.note(self.name, "died in", payload.SPEC.name)
            for entry in self.store.entries([before + 1]):
                self.receipts[entry.id] = (entry.sequence, entry.told, self.world.now_ms)
            self.restart()
            return None
        if stamp.uncertainty is not None:
            assert stamp.interval().earliest <= self.world.now_ms <= stamp.interval().latest, "the clock lied"
        if receipt.sequence is not None:
            self.receipts[receipt.operation] = (receipt.sequence, receipt.outcome, self.world.now_ms)
        self.world.note(self.name, payload.SPEC.name, receipt.sequence, receipt.outcome.status.value)
        return receipt

    # --- the client: one exchange at a time, pushes before pulls

    def work(self) -> None:
        """Ask the cloud for the next thing, unless an answer is awaited still."""
        if self.asked is not None and self.world.now_ms < self.asked.until_ms:
            return
        if (run := self._to_bring()) is not None:
            self._ask("bring", _pushed_for(run), run=run)
        elif self.unsent():
            self._ask("push", self._push())
        elif wanted := [*self.missing, *(() if self._answers_wait() else self.doubtful)]:
            self._ask("snapshot", wanted[0].encode(), scope=wanted[0])
        else:
            self._ask("pull", self.token.encode())

    def unsent(self) -> int:
        head = self.store.head()
        return head.sequence - head.acked

    def behind(self) -> bool:
        return bool(
            self.unsent()
            or self.missing
            or self.store.told_runs()
            or self.store.head().cursor < self.world.server.backend.lock_head()[0]
        )

    def _ask(self, call: str, body: bytes, *, scope: str = "", run: Batch | None = None) -> None:
        self._number += 1
        self.asked = Asked(call, self._number, self.world.now_ms + TIMEOUT_MS, scope, run)
        self.world.send(self, call, self._number, body)

    def _push(self) -> bytes:
        head = self.store.head()
        last = min(head.sequence, head.acked + self.world.rng.randint(1, MOST_OPERATIONS // 50))
        entries = self.store.entries(range(head.acked + 1, last + 1))
        statement = batch_statement(
            studio=head.studio, device=head.device, epoch=head.epoch,
            last_sequence=last, last_hash=entries[-1].hash,
        )  # fmt: skip
        return encode(
            Push(
                studio=head.studio, device=head.device, epoch=head.epoch,
                items=tuple(wire_operation(entry.data, entry.parts) for entry in entries),
                signature=self.key.sign(statement).hex(), cursor=self.token, scopes=self.store.scopes,
            )
        )  # fmt: skip

    def answered(self, number: int, body: bytes, allowed: tuple[str, ...]) -> None:
        """An answer comes in. One that was given up on is dropped, as a closed connection drops it."""
        asked = self.asked
        if asked is None or asked.number != number:
            return
        self.asked = None
        try:
            self._hold(allowed)  # first: what the rows no longer tell of is not held while they are taken
            if asked.scope in ("", *allowed):
                self._take(asked, body)
        except Crash:
            self.world.note(self.name, "died taking", asked.call)
            self.restart()

    def failed(self, number: int) -> None:
        if self.asked is not None and self.asked.number == number:
            self.asked = None

    def _take(self, asked: Asked, body: bytes) -> None:
        if asked.run is not None:
            answered: Pushed = decode(Pushed, body)
            before, self.doubtful = self.doubtful, list(self.store.scopes)  # a crash leaves open whether all counts
            if self.bus.brought(asked.run.device, asked.run.epoch, answered.answers):
                self.doubtful = before
        elif asked.call == "push":
            message: Pushed = decode(Pushed, body)
            self._learn_time(message.cloud_ms, asked)
            self._watched(lambda: self.bus.acknowledge(message.answers))
            if message.takes != self.store.head().takes:
                self.store._move(takes=message.takes)
            if message.page is not None:
                self._page(message.page)
        elif asked.call == "snapshot":
            self._snapshot(decode(SnapshotPage, body), asked.scope)
        else:
            self._page(decode(Page, body))

    def _learn_time(self, cloud_ms: int, asked: Asked) -> None:
        sent_ms = asked.until_ms - TIMEOUT_MS
        now = self.clock.now()
        trip = self.world.now_ms - sent_ms
        sent = type(now)(wall=now.wall - trip, mono=now.mono - trip, boot=now.boot)
        self.clock.correction.observe(cloud_ms, sent=sent, received=now)

    def _page(self, page: Page) -> None:
        whole = not page.more
        rows = pulled(page.rows)
        self._watched(lambda: self.bus.apply(rows, cursor=page.through if whole else None, token=page.cursor))
        self.token = page.cursor

    def _snapshot(self, page: SnapshotPage, scope: str) -> None:
        rows = pulled(page.rows)
        there = {row.ref for row in rows}
        stale = [
            Pulled(row.kind, row.id, row.scope, None)
            for ref, row in self.store.base.all().items()
            if ref not in there and covers([scope], row.scope)
        ]
        self._watched(lambda: self.bus.apply(rows + stale))
        self.store.hold([scope])
        self._watched(lambda: self.bus.apply(rows))  # what could not be decided while the scope was not held
        self.missing = [other for other in self.missing if other != scope]
        self.doubtful = [other for other in self.doubtful if other != scope]
        if self.store.head().cursor == 0 and len(self.store.scopes) == 1:
            self._watched(lambda: self.bus.apply([], cursor=page.through, token=page.cursor))
            self.token = page.cursor

    def _hold(self, allowed: tuple[str, ...]) -> None:
        """Let go of what may no longer be held, and go for what may."""
        kept = [scope for scope in self.store.scopes if scope in allowed]
        lost = [scope for scope in self.store.scopes if scope not in allowed]
        if lost:
            self.world.note(self.name, "loses", *lost)
            self.store.release_scopes(lost)
        self.missing = [scope for scope in allowed if scope not in kept]
        self.doubtful = [scope for scope in self.doubtful if scope in kept]

    # --- what neighbours tell each other

    def run_for(self, listener: Id, allowed: tuple[str, ...]) -> Batch | None:
        """Some of what follows on one another in the queue and another device may hold; its key signs it."""
        head = self.store.head()
        found: list[list[Entry]] = [[]]
        for entry in self.store.entries(range(head.acked + 1, head.sequence + 1)):
            if self._may_tell(entry, allowed):
                found[-1].append(entry)
            elif found[-1]:
                found.append([])
        run = self.world.rng.choice(found)[: self.world.rng.randint(1, 8)]
        if not run:
            return None
        self.world.note(self.name, "tells", listener, run[0].sequence, len(run))
        statement = batch_statement(
            studio=head.studio, device=head.device, epoch=head.epoch, last_sequence=run[-1].sequence,
            last_hash=run[-1].hash,
        )  # fmt: skip
        items = tuple(Received(entry.data, entry.parts) for entry in run)
        return Batch(head.studio, head.device, head.epoch, items, self.key.sign(statement))

    def _may_tell(self, entry: Entry, allowed: tuple[str, ...]) -> bool:
        scopes = [at for change in entry.changes for at in (change.scope, change.left) if at]
        told = self.kernel_bus.registry.specs[entry.kind].told and entry.answer is None
        alike = all(covers(allowed, scope) for scope in (*self.store.scopes, *self.missing))
        return told and (all(covers(allowed, at) for at in scopes) if scopes else alike and entry.folded)

    def hear(self, run: Batch) -> None:
        """What a neighbour told comes in."""

        def holds(shape: object, scopes: tuple[str, ...]) -> bool:
            return all(covers((*self.store.scopes, *self.missing), scope) for scope in scopes)

        try:
            self._watched(lambda: self.bus.hear(run, read_batch(run), holds=holds))
        except Crash:
            self.world.note(self.name, "died hearing", run.device)
            self.restart()

    def _answers_wait(self) -> bool:
        """Whether what was brought and answered lies over the rows until the pull that comes after."""
        return any(one.included is not None for one in self.store._told.values())

    def _to_bring(self) -> Batch | None:
        """The next run to bring before own work; what the cloud lacks the beginning of waits for its author a while."""
        runs = [run for run in self.store.told_runs() if self.lacking.get(run.device, 0) <= self.world.now_ms]
        return runs[0] if runs else None

    def left_to_author(self, number: int) -> None:
        """The cloud does not take from here what was told."""
        asked = self.asked
        if asked is not None and asked.number == number and asked.run is not None:
            self.lacking[asked.run.device] = self.world.now_ms + TIMEOUT_MS
            self.asked = None

    # --- what people are told

    def _watched(self, step: Callable[[], list[Notice]]) -> None:
        """Whatever was told and is no longer so comes with exactly one notice; and with none, nothing changes."""
        before = {entry.id: entry.told for entry in self.store.log}
        effects = {id: ready for id, (_, _, ready) in self.store.effects.items()}
        notices = step()
        changed = []
        for entry in self.store.log:
            was = before[entry.id]
            if (
                was is not entry.told
                and told_anew(was, entry.told)
                and not (was.status is Status.WAITING and entry.told.stands)
            ):
                changed.append(entry.id)
        assert sorted(notice.operation for notice in notices) == sorted(changed), "told otherwise without a notice"
        for notice in notices:
            assert before[notice.operation] == notice.before
            assert self.store.notices[notice.operation] == notice
        self._owed_once(before, set(self.store.effects) - set(effects))
        self.told += notices
        for room in self.world.rooms:
            room.shown(self.world, self)

    def _owed_once(self, before: dict[Id, Outcome], new: set[Id]) -> None:
        """A re-run fires no effect; the answer to a request that waited may, this once."""
        for id in new:
            operation, intent, ready = self.store.effects[id]
            assert ready
            assert intent.home is Home.HERE_WHEN_ACCEPTED, "a re-run fired an effect"
            assert before[operation].status is Status.WAITING
            assert id not in self.fired, "an effect fired twice"
            self.fired.add(id)

    def problems(self, error: Refused | BadInput) -> None:
        raise AssertionError(f"{self.name} was refused: {error}")


def _pushed_for(run: Batch) -> bytes:
    items = tuple(wire_operation(item.data, item.parts) for item in run.items)
    return encode(
        Push(studio=run.studio, device=run.device, epoch=run.epoch, items=items, signature=run.signature.hex())
    )
