"""The engine's two ends in memory: a device without a disk, and a cloud behind a wire that can fail where told."""

import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from classtap_core.kernel.authority import Authority, Mark
from classtap_core.kernel.batches import Batch
from classtap_core.kernel.clock import ManualClock
from classtap_core.kernel.device import DeviceBus
from classtap_core.kernel.device_store import Answer, DeviceHead, Entry, Pulled
from classtap_core.kernel.digests import MODULUS, Digest, leaf_of, row_number
from classtap_core.kernel.digests import digest as digests_of
from classtap_core.kernel.envelope import GENESIS
from classtap_core.kernel.errors import Refused
from classtap_core.kernel.ids import Id, derived
from classtap_core.kernel.memory import MemoryCloud, MemoryDevice
from classtap_core.kernel.records import Row
from classtap_core.kernel.scopes import covers
from sync.client.local import TOLD_STAYS_MS, Position, ScopeState, Unsent
from sync.client.transport import Rejected, Unreachable
from sync.protocol import BEHIND, Hint, Leaves, Page, Push, Pushed, SnapshotPage, batch_of, decode, encode, wire_row
from tests.unit.kernel import toy

STUDIO = derived("studio", "rig")


def checks(public_key: bytes, signature: bytes, statement: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, statement)
    except InvalidSignature:
        return False
    return True


class Cloud:
    """An authority over memory, and the calls of the protocol that a device makes."""

    def __init__(self, clock: ManualClock, entropy: Callable[[int], bytes]) -> None:
        self.storage = MemoryCloud(toy.registry(), STUDIO)
        self.clock = clock
        self.authority = Authority(self.storage, toy.bus(authority=True), clock, entropy, checks)

    def admit(self, device: "Device") -> None:
        public = device.key.public_key().public_bytes_raw()
        self.storage.set_mark(Mark(device=device.id, epoch=1, sequence=0, hash=GENESIS, public_key=public))


class Wire:
    """A transport whose failures are planned: names of calls that fail before or after the cloud has acted.

    Attributes:
        page: how many rows are in a page of a snapshot.
    """

    page = 2

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.down = False
        self.fail_after: list[str] = []
        self.reject: list[Rejected] = []
        self.pushes = 0
        self._one_writer = threading.Lock()

    def push(self, push: Push) -> Pushed:
        self._reach()
        self.pushes += 1
        wire: Push = decode(Push, encode(push))
        try:
            with self._one_writer:
                done = self.cloud.authority.push(batch_of(wire))
        except Refused as no:
            raise Rejected(409, no.code, no.params, None) from no
        self._lose("push")
        page = self._page(push.cursor, push.scopes) if push.scopes else None
        return Pushed(answers=done.answers, acked=done.acked, cloud_ms=self.cloud.clock.wall, page=page)

    def pull(self, cursor: str, scopes: Sequence[str], *, holding: str = "", digest: bool = False) -> Page:
        self._reach()
        page = self._page(cursor, scopes)
        if not digest:
            return page
        rows = self.cloud.storage.state.all().values()
        digests = {
            scope: digests_of(
                row_number(row.kind, row.id, row.scope, row.body) for row in rows if covers((scope,), row.scope)
            )
            for scope in scopes
        }
        return msgspec.structs.replace(page, digests=digests)

    def leaves(self, scope: str) -> Leaves:
        sums: dict[str, int] = {}
        for row in self.cloud.storage.state.all().values():
            if covers((scope,), row.scope):
                number = row_number(row.kind, row.id, row.scope, row.body)
                sums[leaf_of(row.id)] = sums.get(leaf_of(row.id), 0) + number
        leaves = {leaf: f"{total % MODULUS:016x}" for leaf, total in sums.items()}
        return Leaves(leaves=leaves, through=self.cloud.storage.lock_head().sequence)

    def snapshot(
        self, scope: str, after: str = "", *, leaf: str = "", keep: Callable[[bytes], None] = lambda data: None
    ) -> SnapshotPage:
        self._reach()
        head = self.cloud.storage.lock_head().sequence
        rows = sorted(
            (row for row in self.cloud.storage.state.all().values() if covers((scope,), row.scope)),
            key=lambda row: (row.kind, row.scope, row.id),
        )
        if leaf:
            rows = [row for row in rows if leaf_of(row.id) == leaf]
        cut = after.partition(BEHIND)[2]
        start = sum(f"{row.kind}/{row.scope}/{row.id}" <= cut for row in rows) if cut else int(after or 0)
        end = start + self.page
        following = str(end) if end < len(rows) else ""
        wire = tuple(wire_row(Pulled(row.kind, row.id, row.scope, row.body)) for row in rows[start:end])
        self._lose("snapshot")
        page = SnapshotPage(rows=wire, through=head, cursor=str(head), next=following)
        keep(encode(page))
        return page

    def keys(self) -> bytes:
        self._reach()
        return b"bundle"

    def live(self) -> Iterator[Hint | None]:
        raise Unreachable("no live wire")

    def hang_up(self) -> None: ...

    def _page(self, cursor: str, scopes: Sequence[str]) -> Page:
        rows, head = self.cloud.storage.pull(scopes, after=int(cursor or 0))
        return Page(rows=tuple(wire_row(row) for row in rows), through=head, cursor=str(head))

    def _reach(self) -> None:
        if self.down:
            raise Unreachable("down")
        if self.reject:
            raise self.reject.pop(0)

    def _lose(self, call: str) -> None:
        if call in self.fail_after:
            self.fail_after.remove(call)
            raise Unreachable("cut")


class Kept:
    """Pages on their way, in memory."""

    def __init__(self) -> None:
        self._pages: dict[tuple[str, str], bytes] = {}

    @contextmanager
    def keeping(self, scope: str, after: str) -> Iterator[Callable[[bytes], None]]:
        page = scope, after
        self._pages[page] = b""

        def keep(data: bytes) -> None:
            self._pages[page] += data

        yield keep

    def left(self) -> bool:
        return bool(self._pages)

    def take(self, scope: str, after: str) -> bytes | None:
        return self._pages.pop((scope, after), None)


class Device:
    """A device in memory that speaks the engine's language."""

    def __init__(self, name: str, clock: ManualClock, entropy: Callable[[int], bytes]) -> None:
        self.id: Id = derived("device", name)
        self.key = Ed25519PrivateKey.from_private_bytes(entropy(32))
        self.store = MemoryDevice(toy.registry(), studio=STUDIO, device=self.id)
        self.bus = DeviceBus(self.store, toy.bus(authority=False), clock, entropy)
        self.loaded: dict[str, ScopeState] = {}
        self.bundle, self.arriving = b"", Kept()

    def head(self) -> DeviceHead:
        return self.store.head()

    def unsent(self, most: int, *, after: int | None = None, epoch: int | None = None) -> list[Unsent]:
        epoch = epoch or self.head().epoch
        log = self.store.log if epoch == self.head().epoch else self.store.past[epoch]
        return [_unsent(entry) for entry in log[self.acked(epoch) if after is None else after :][:most]]

    def unsent_before(self, most: int) -> tuple[int, list[Unsent]]:
        waiting = self.store.unsent_before()
        first = waiting[0][0] if waiting else 0
        return first, [_unsent(entry) for epoch, entry in waiting if epoch == first][:most]

    def acked(self, epoch: int) -> int:
        return self.store.acked(epoch)

    def fork(self, *, epoch: int, after: int, new: int) -> None:
        self.bus.fork(epoch=epoch, after=after, new=new)
        if self.head().epoch == new:
            self.loaded.clear()

    def pending(self) -> int:
        return len(self.store.log) - self.head().acked

    def sign(self, statement: bytes) -> bytes:
        return self.key.sign(statement)

    def acknowledge(self, answers: Sequence[Answer], takes: dict[str, int], *, epoch: int) -> None:
        self.bus.acknowledge(answers, epoch=epoch)

    def apply(self, rows: Sequence[Pulled], *, cursor: int | None = None, token: str = "") -> None:
        self.bus.apply(rows, cursor=cursor, token=token)

    def scopes(self) -> list[ScopeState]:
        return list(self.loaded.values())

    def release(self, scopes: Sequence[str]) -> None:
        for scope in scopes:
            self.loaded.pop(scope, None)
        self._hold()

    def reload(self, scopes: Sequence[str]) -> None:
        for scope in scopes:
            self.loaded[scope] = ScopeState(scope, True, "", True)

    def snapshot(
        self, scope: str, rows: Sequence[Pulled], *, after: Position | None, next: str, cursor: int, token: str
    ) -> None:
        if not self.loaded and not self.head().token:
            self.store.set_cursor(cursor, token)
        there = {(row.kind, row.scope, row.id) for row in rows}
        until = max(there, default=after) if next else None
        gone = [
            Pulled(row.kind, row.id, row.scope, None)
            for row in self._base(scope)
            if (place := (row.kind, row.scope, row.id)) not in there
            and (after is None or place > after)
            and (until is None or place <= until)
        ]
        self.bus.apply([*rows, *gone])
        again = scope in self.loaded and self.loaded[scope].again
        self.loaded[scope] = ScopeState(scope, again or not next, next, again and bool(next))
        self._hold()
        if not next:
            self.bus.reconsider()

    def load_begins(self) -> Kept:
        return self.arriving

    def load_ends(self) -> None:
        self.arriving = Kept()

    def digests(self, scopes: Iterable[str]) -> dict[str, Digest]:
        return {scope: digests_of(_number(row) for row in self._base(scope)) for scope in scopes}

    def leaves(self, scope: str) -> dict[str, str]:
        sums: dict[str, int] = {}
        for row in self._base(scope):
            sums[leaf_of(row.id)] = sums.get(leaf_of(row.id), 0) + _number(row)
        return {leaf: f"{total % MODULUS:016x}" for leaf, total in sums.items()}

    def mend(self, scope: str, leaf: str, rows: Sequence[Pulled]) -> None:
        there = {row.ref for row in rows}
        gone = [
            Pulled(row.kind, row.id, row.scope, None)
            for row in self._base(scope)
            if leaf_of(row.id) == leaf and (row.kind, row.id) not in there
        ]
        self.bus.apply([*rows, *gone])

    def _base(self, scope: str) -> list[Row]:
        return [row for row in self.store.base.all().values() if covers((scope,), row.scope)]

    def told_runs(self, *, but: Collection[Id], patient: bool) -> list[Batch]:
        return [] if patient else [run for run in self.store.told_runs() if run.device not in but]

    def brought(self, device: Id, epoch: int, answers: Sequence[Answer]) -> bool:
        return self.bus.brought(device, epoch, answers)

    def forget_told(self, device: Id) -> None:
        self.store.forget_told(device)

    def told_in(self) -> set[str]:
        return self.store.told_in(heard_before=self.bus.clock.now().corrected - TOLD_STAYS_MS)

    def allow(self, scopes: tuple[str, ...]) -> None: ...

    def keep_keys(self, bundle: bytes) -> None:
        self.bundle = bundle

    def _hold(self) -> None:
        self.store.scopes = tuple(state.scope for state in self.loaded.values() if state.complete)

    def seen(self) -> dict[tuple[str, Id], msgspec.Raw | bytes]:
        return {ref: row.body for ref, row in self.store.seen.all().items()}


def _unsent(entry: Entry) -> Unsent:
    return Unsent(entry.sequence, entry.hash, entry.data, entry.parts)


def _number(row: Row) -> int:
    return row_number(row.kind, row.id, row.scope, row.body)
