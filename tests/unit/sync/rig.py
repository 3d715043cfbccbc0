"""The engine's two ends in memory: a device without a disk, and a cloud behind a wire that can fail where told."""

import threading
from collections.abc import Callable, Iterator, Sequence

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from classtap_core.kernel.authority import Authority, Mark
from classtap_core.kernel.clock import ManualClock
from classtap_core.kernel.device import Answer, DeviceBus, DeviceHead, Pulled
from classtap_core.kernel.envelope import GENESIS
from classtap_core.kernel.errors import Refused
from classtap_core.kernel.ids import Id, derived
from classtap_core.kernel.memory import MemoryCloud, MemoryDevice
from classtap_core.kernel.scopes import covers
from sync.client.engine import ScopeState, Unsent
from sync.client.transport import Rejected, Unreachable
from sync.protocol import Hint, Page, Push, Pushed, SnapshotPage, batch_of, decode, encode, wire_row
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
    """A transport whose failures are planned: names of calls that fail before or after the cloud has acted."""

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

    def pull(self, cursor: str, scopes: Sequence[str]) -> Page:
        self._reach()
        return self._page(cursor, scopes)

    def snapshot(self, scope: str, after: str = "") -> SnapshotPage:
        self._reach()
        head = self.cloud.storage.lock_head().sequence
        rows = sorted(row for row in self.cloud.storage.state.all().values() if covers((scope,), row.scope))
        start = int(after or 0)
        page = rows[start : start + 2]
        following = str(start + 2) if start + 2 < len(rows) else ""
        wire = tuple(wire_row(Pulled(row.kind, row.id, row.scope, row.body)) for row in page)
        self._lose("snapshot")
        return SnapshotPage(rows=wire, through=head, cursor=str(head), next=following)

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


class Device:
    """A device in memory that speaks the engine's language."""

    def __init__(self, name: str, clock: ManualClock, entropy: Callable[[int], bytes]) -> None:
        self.id: Id = derived("device", name)
        self.key = Ed25519PrivateKey.from_private_bytes(entropy(32))
        self.store = MemoryDevice(toy.registry(), studio=STUDIO, device=self.id)
        self.bus = DeviceBus(self.store, toy.bus(authority=False), clock, entropy)
        self.loaded: dict[str, ScopeState] = {}
        self.bundle = b""

    def head(self) -> DeviceHead:
        return self.store.head()

    def unsent(self, most: int, *, after: int | None = None) -> list[Unsent]:
        waiting = self.store.log[self.head().acked if after is None else after :][:most]
        return [Unsent(entry.sequence, entry.hash, entry.data, entry.parts) for entry in waiting]

    def pending(self) -> int:
        return len(self.store.log) - self.head().acked

    def sign(self, statement: bytes) -> bytes:
        return self.key.sign(statement)

    def acknowledge(self, answers: Sequence[Answer], takes: dict[str, int]) -> None:
        self.bus.acknowledge(answers)

    def apply(self, rows: Sequence[Pulled], *, cursor: int | None = None, token: str = "") -> None:
        self.bus.apply(rows, cursor=cursor, token=token)

    def scopes(self) -> list[ScopeState]:
        return list(self.loaded.values())

    def release(self, scopes: Sequence[str]) -> None:
        for scope in scopes:
            self.loaded.pop(scope, None)
        self._hold()

    def snapshot(self, scope: str, rows: Sequence[Pulled], *, next: str, cursor: int, token: str) -> None:
        if not self.loaded and not self.head().token:
            self.store.set_cursor(cursor, token)
        self.bus.apply(rows)
        self.loaded[scope] = ScopeState(scope, not next, next)
        self._hold()

    def allow(self, scopes: tuple[str, ...]) -> None: ...

    def keep_keys(self, bundle: bytes) -> None:
        self.bundle = bundle

    def _hold(self) -> None:
        self.store.scopes = tuple(state.scope for state in self.loaded.values() if state.complete)

    def seen(self) -> dict[tuple[str, Id], msgspec.Raw | bytes]:
        return {ref: row.body for ref, row in self.store.seen.all().items()}
