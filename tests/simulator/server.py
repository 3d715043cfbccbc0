"""The cloud of the simulator: the kernel's authority over memory, behind the messages of the protocol."""

from collections.abc import Callable, Sequence

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from classtap_core.kernel.authority import Authority, Mark
from classtap_core.kernel.bus import Bus
from classtap_core.kernel.clock import Clock
from classtap_core.kernel.device_store import Pulled
from classtap_core.kernel.envelope import GENESIS
from classtap_core.kernel.ids import Entropy, Id, derived
from classtap_core.kernel.scopes import covers, narrowed
from sync.protocol import Page, Push, Pushed, SnapshotPage, batch_of, decode, encode, wire_row
from tests.simulator.crashing import CrashingCloud


def verify(public_key: bytes, signature: bytes, statement: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, statement)
    except InvalidSignature:
        return False
    return True


class Server:
    """Answers push, pull and snapshot; every answer says what the device may hold."""

    def __init__(self, studio: Id, bus: Bus, clock: Clock, entropy: Entropy, page: Callable[[], int]) -> None:
        self.studio, self.clock, self.page = studio, clock, page
        self.backend = CrashingCloud(bus.registry, studio)
        self.authority = Authority(self.backend, bus, clock, entropy, verify)
        self.own = derived("device", "cloud")
        self.allowed: dict[Id, tuple[str, ...]] = {}
        self.takes = {name: spec.version for name, spec in bus.registry.specs.items()}
        self.pair(self.own, b"", ())

    def pair(self, device: Id, public_key: bytes, allowed: Sequence[str]) -> None:
        self.backend.set_mark(Mark(device=device, epoch=1, sequence=0, hash=GENESIS, public_key=public_key))
        self.allowed[device] = tuple(allowed)

    def push(self, device: Id, body: bytes) -> bytes:
        message: Push = decode(Push, body)
        pushed = self.authority.push(batch_of(message))
        page = self._page(device, int(message.cursor or 0), message.scopes)
        cloud_ms = self.clock.now().corrected
        return encode(
            Pushed(answers=pushed.answers, acked=pushed.acked, cloud_ms=cloud_ms, takes=self.takes, page=page)
        )

    def bring(self, body: bytes) -> bytes:
        """Another device's operations, from whoever heard them."""
        pushed = self.authority.push(batch_of(decode(Push, body)))
        return encode(Pushed(answers=pushed.answers, acked=pushed.acked, cloud_ms=self.clock.now().corrected))

    def pull(self, device: Id, cursor: str, scopes: Sequence[str]) -> bytes:
        return encode(self._page(device, int(cursor or 0), scopes))

    def snapshot(self, device: Id, scope: str) -> bytes:
        held = narrowed([scope], self.allowed[device])
        rows, through = self.backend.snapshot(held)
        return encode(SnapshotPage(rows=tuple(wire_row(row) for row in rows), through=through, cursor=str(through)))

    def _page(self, device: Id, after: int, scopes: Sequence[str]) -> Page:
        """Rows changed after a cursor, as they stand now: the next few decisions of them."""
        held = narrowed(scopes, self.allowed[device])
        head = self.backend.lock_head().sequence
        through = min(head, after + self.page())
        rows, _ = self.backend.pull(held, after=after)
        if through < head:
            named = {ref for sequence, _, ref in self.backend.index if after < sequence <= through}
            rows = [row for row in rows if row.ref in named]
        return Page(
            rows=tuple(wire_row(row) for row in rows), through=through, cursor=str(through), more=through < head
        )

    def holds_exactly(self, scopes: Sequence[str]) -> dict[tuple[str, Id], Pulled]:
        """What a device that holds these scopes must have."""
        return {
            (row.kind, row.id): Pulled(row.kind, row.id, row.scope, row.body)
            for row in self.backend.state.all().values()
            if covers(scopes, row.scope)
        }
