"""A program's part in the relay of its place: what may be told to whom, what is taken from whom, and the switch for it."""

import contextlib
import re
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from classtap_core import house
from classtap_core.access.records import Device
from classtap_core.access.rules import is_withheld, may_hold
from classtap_core.access.telling import may_tell
from classtap_core.checkin.reading import fetch
from classtap_core.kernel.batches import Batch, Received, check_signed, check_whose, read_batch
from classtap_core.kernel.device_store import Entry
from classtap_core.kernel.envelope import Sealed, batch_statement
from classtap_core.kernel.errors import BadInput, EnvironmentFault, Refused
from classtap_core.kernel.ids import Id
from classtap_core.kernel.scopes import covers
from classtap_core.store.writer import Slices
from sync.client.engine import State
from sync.client.relay.local import Card, Neighbourhood, Place, Self, Waiting
from sync.signed import is_signed

if TYPE_CHECKING:
    from sync.client.node import Node
    from sync.client.relay.finding import Address, Finding
    from sync.client.relay.relay import Relay

MOST_LOOKED = 200
"""Operations of the log looked through at once for what may be told."""
FRESH_MS = 150
"""While there is contact, what is younger is left to the cloud: what it has answered by then need not be told. A little
less than the relay's own patience."""
HEARD_AT_ONCE = 10
"""Operations that are laid over rows at once: some 10 ms."""
MOST_TOLD = 20_000
"""Operations of one device that are kept here while the cloud has not been heard on them."""

PORT = 27_417
"""Where a program listens, so that a firewall can be told; another, which stays, where that is taken. Below what systems give
to outgoing connections."""

SOON_S = 1.0

_PORT = re.compile(r"[0-9]{1,5}")


class Setting(msgspec.Struct, frozen=True):
    """What somebody chose: whether the relay is on, and addresses (`host:port`) to try beside those that are found.
    `port`: where it listened last, for others have written it down.
    """

    on: bool = True
    peers: tuple[str, ...] = ()
    port: int = PORT


class OnSite:
    """The relay of a program. `relay` is there while it runs."""

    def __init__(self, node: "Node") -> None:
        self._node = node
        self._finding: Finding | None = None
        self._changing = threading.Lock()
        self._soon: threading.Timer | None = None
        self.relay: Relay | None = None
        kept = node.kept("relay")
        self.setting = Setting() if not kept else msgspec.json.decode(kept, type=Setting)

    def start(self, finding: "Finding") -> None:
        """Find others this way from now on, unless somebody turned that off."""
        with self._changing:
            self._finding = finding
            self._begin()

    def start_soon(self) -> None:
        """Find others by multicast, a moment from now: a window that opens goes first."""

        def begin() -> None:
            from sync.client.relay.multicast import Multicast

            self.start(Multicast())

        self._soon = threading.Timer(SOON_S, begin)
        self._soon.name = "classtap-onsite"
        self._soon.start()

    def stop(self) -> None:
        if self._soon is not None:
            self._soon.cancel()
            self._soon.join()
        with self._changing:
            self._end()

    def _end(self) -> None:
        relay, self.relay = self.relay, None
        if relay is not None:
            relay.stop()

    def choose(self, setting: Setting) -> None:
        """Keep a choice, and go by it at once. Raises BadInput `relay.address` for an address that is none."""
        for peer in setting.peers:
            address_of(peer)
        self._node.keep("relay", msgspec.json.encode(setting))
        with self._changing:
            self.setting = setting
            self._end()
            self._begin()

    def _begin(self) -> None:
        if self._finding is None or not self.setting.on:
            return
        from sync.client.relay.finding import Fixed, Together

        ways: list[Finding] = [self._finding]
        if self.setting.peers:
            ways.append(Fixed([address_of(peer) for peer in self.setting.peers]))
        self.relay = self._listening(Together(*ways), self.setting.port)
        if not self.relay.port:
            self.relay.stop()
            self.relay = self._listening(Together(*ways), 0)
            self._remember_port(self.relay.port)

    def _listening(self, finding: "Finding", port: int) -> "Relay":
        from sync.client.relay.relay import Relay

        node = self._node
        relay = Relay(
            NodeNeighbours(node), node.clock, finding=finding, port=port,
            hurry=lambda: node.engine.state is State.OFFLINE, listener=lambda _: node.tell_status(),
        )  # fmt: skip
        relay.start()
        return relay

    def _remember_port(self, port: int) -> None:
        if port:
            self.setting = msgspec.structs.replace(self.setting, port=port)
            with contextlib.suppress(EnvironmentFault, Refused):  # a full disk forgets this, and no more
                self._node.keep("relay", msgspec.json.encode(self.setting))

    def nudge(self) -> None:
        """Something was said here."""
        relay = self.relay
        if relay is not None:
            relay.nudge()

    def look_again(self) -> None:
        """What is known of devices changed."""
        relay = self.relay
        if relay is not None:
            relay.look_again()

    def status(self) -> Neighbourhood:
        """How it stands; while no program runs, only whether it would be on."""
        relay = self.relay
        return Neighbourhood(self.setting.on, "", ()) if relay is None else relay.status()


class NodeNeighbours:
    """A program as the relay needs it (`relay.local.RelayLocal`)."""

    def __init__(self, node: "Node") -> None:
        self._node = node

    def myself(self) -> Self:
        papers = self._node.papers
        return Self(papers.studio, papers.device)

    def card(self, device: Id) -> Card | None:
        found = self._device(device)
        if found is None or not found.public_key or self._node.engine.state is State.REVOKED:
            return None
        return Card(device, found.name, bytes.fromhex(found.public_key))

    def _device(self, device: Id) -> Device | None:
        """Another device of the studio in good standing."""
        if device == self._node.papers.device:
            return None
        with self._node.reader() as reader:
            found = fetch(reader, Device, [device]).get(device)
        return None if found is None or found.revocations else found

    def sign(self, statement: bytes) -> bytes:
        return self._node.store.sign(statement)

    def waiting(self, peer: Id, after: Place) -> Waiting:
        listener = self._device(peer)
        with self._node.reader() as reader:
            head = reader.head()
            start = max(head.acked, after.sequence if after.epoch == head.epoch else 0)
            last = min(head.sequence, start + MOST_LOOKED)
            entries = reader.entries(range(start + 1, last + 1)) if listener is not None else []
        more = head.sequence > last
        fresh = self._first_fresh(entries)
        if fresh is not None:
            entries, last, more = entries[:fresh], start + fresh, False
            self._node.site.nudge()  # for the rest, when its time has come
        runs: list[list[Entry]] = [[]]
        for entry in entries:
            if listener is None or not self._may_tell(entry, listener):
                runs.append([])
            else:
                runs[-1].append(entry)
        signed = tuple(self._signed(run) for run in runs if run)
        return Waiting(signed, Place(head.epoch, max(start, last)), more)

    def _may_tell(self, entry: Entry, listener: Device) -> bool:
        theirs, registry = may_hold(listener), self._node.bus.registry
        alike = all(covers(theirs, scope) for scope in self._node.papers.scopes)
        return may_tell(entry, listener, registry, house.CONFIDED, alike=alike)

    def _first_fresh(self, entries: Sequence[Entry]) -> int | None:
        """The first that is left to the cloud; None where none is."""
        if self._node.engine.state is State.OFFLINE:
            return None
        now = self._node.clock.now().corrected
        return next((at for at, entry in enumerate(entries) if 0 <= now - entry.at_ms < FRESH_MS), None)

    def _signed(self, run: Sequence[Entry]) -> Batch:
        me, last = self.myself(), run[-1]
        statement = batch_statement(
            studio=me.studio, device=me.device, epoch=last.epoch, last_sequence=last.sequence, last_hash=last.hash
        )
        items = tuple(Received(entry.data, entry.parts) for entry in run)
        return Batch(me.studio, me.device, last.epoch, items, self._node.store.sign(statement))

    def heard(self, peer: Id) -> Place:
        with self._node.reader() as reader:
            return Place(*reader.told.end(peer))

    def hear(self, peer: Id, run: Batch) -> None:
        sealed = read_batch(run)
        check_whose(run, sealed, studio=self._node.papers.studio)
        card = self.card(peer)
        if card is None or run.device != peer:
            raise Refused("relay.stranger")
        check_signed(run, sealed, card.public_key, is_signed)
        if any(len(item.parts) < len(item.envelope.payload) for item in sealed):
            raise BadInput("sync.parts_missing")
        self._node.store.run_slices(self._take(run, sealed)).result()

    def _take(self, run: Batch, sealed: Sequence[Sealed]) -> Slices[None]:
        """A few at a time, for what somebody does at this device goes first."""
        if self._node.store.device.told.count(run.device) >= MOST_TOLD:
            raise Refused("relay.full", most=MOST_TOLD)
        for start in range(0, len(sealed), HEARD_AT_ONCE):
            self._node.bus.hear(run, sealed[start : start + HEARD_AT_ONCE], holds=self._holds)
            yield

    def _holds(self, shape: type[msgspec.Struct], scopes: tuple[str, ...]) -> bool:
        papers = self._node.papers
        return not is_withheld(papers.role, shape) and all(covers(papers.scopes, scope) for scope in scopes)


def address_of(text: str) -> "Address":
    """`host:port`, or `[address]:port` for IPv6, as typed by somebody. Raises BadInput `relay.address`."""
    host, colon, port = text.strip().rpartition(":")
    host = host.removeprefix("[").removesuffix("]") if host.startswith("[") else host
    if not colon or not host or (":" in host) != text.strip().startswith("[") or not _PORT.fullmatch(port):
        raise BadInput("relay.address", address=text)
    if not 0 < int(port) < 65_536:
        raise BadInput("relay.address", address=text)
    return host, int(port)
