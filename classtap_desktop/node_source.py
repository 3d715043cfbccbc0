"""The desk's source over a real device: its store, its bus, its sync engine."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import Future

from classtap_core.access.pins import Tries
from classtap_core.contesting.own import OwnLog
from classtap_core.exchange.bringing import Brought, Step, bring_in, take_back
from classtap_core.kernel.clock import Clock
from classtap_core.kernel.device import Receipt
from classtap_core.kernel.device_store import Entry, Notice
from classtap_core.kernel.envelope import Author
from classtap_core.kernel.ids import Id
from classtap_core.kernel.operations import Payload, Range
from classtap_core.kernel.records import Record, Row
from classtap_core.kernel.tx import Change, Ref
from classtap_core.store.search import Found, Readable
from classtap_desktop.source import Place, Stop
from sync.cards import all_texts
from sync.client.album import NodeAlbum
from sync.client.asking import the_cloud
from sync.client.auditing import NodeAuditor
from sync.client.engine import Status
from sync.client.health import Steward
from sync.client.leaving import Leaving
from sync.client.node import Node
from sync.client.owner_seal import OwnerSeal
from sync.protocol import AttendeeText, PassText


class NodeReader:
    """Reads what is committed, as of each question, on whatever thread asks."""

    def __init__(self, node: Node) -> None:
        self._node, self.registry = node, node.bus.registry

    def entries(self, sequences: Iterable[int], *, epoch: int | None = None) -> list[Entry]:
        with self._node.reader() as reader:
            return reader.entries(sequences, epoch=epoch)

    def rows(self, record: type[Record], ids: Iterable[Id]) -> Mapping[Id, Row]:
        with self._node.reader() as reader:
            return reader.rows(record, ids)

    def find(self, wanted: Range) -> list[Row]:
        with self._node.reader() as reader:
            return reader.find(wanted)

    def find_many(self, wanted: Sequence[Range]) -> list[list[Row]]:
        with self._node.reader() as reader:
            return reader.find_many(wanted)

    def holds(self, scope: str) -> bool:
        with self._node.reader() as reader:
            return reader.holds(scope)

    def recorded(self, operation: Id) -> tuple[Change, ...] | None:
        with self._node.reader() as reader:
            return reader.recorded(operation)


class NodeSource:
    """A `DeskSource` over a paired program."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._reader = NodeReader(node)

    @property
    def reader(self) -> OwnLog:
        return self._reader

    @property
    def clock(self) -> Clock:
        return self._node.clock

    @property
    def place(self) -> Place:
        papers = self._node.papers
        return Place(papers.studio, papers.device, papers.location or None, self._node.store.protection.value)

    def place_name(self) -> str:
        return self._node.papers.studio_name

    def pass_text(self, family: Id) -> PassText:
        with the_cloud(self._node) as transport:
            return transport.pass_text(family)

    def pass_texts(self, families: Sequence[Id], *, going_on: Callable[[int], bool]) -> dict[Id, PassText]:
        with the_cloud(self._node) as transport:
            return all_texts(transport, families, going_on=going_on)

    def attendee_text(self, session: Id, child: Id) -> AttendeeText:
        with the_cloud(self._node) as transport:
            return transport.attendee_text(session, child)

    @property
    def leaving(self) -> Leaving:
        return Leaving(self._node)

    @property
    def owner_seal(self) -> OwnerSeal:
        return OwnerSeal(self._node)

    @property
    def steward(self) -> Steward:
        return Steward(self._node)

    @property
    def auditor(self) -> NodeAuditor:
        return NodeAuditor(self._node)

    @property
    def album(self) -> NodeAlbum:
        return NodeAlbum(self._node)

    def submit(self, payload: Payload, author: Author) -> Future[Receipt]:
        return self._node.submit(payload, author, source="desk")

    def submit_all(self, payloads: Sequence[Payload], author: Author) -> Future[list[Receipt]]:
        return self._node.later(lambda bus: bus.submit_all(payloads, author, source="desk"))

    def bring_in(self, steps: Sequence[Step], author: Author, *, going_on: Callable[[int], bool]) -> Future[Brought]:
        return self._node.later(lambda bus: bring_in(bus, steps, author, going_on=going_on))

    def take_back(self, operations: Sequence[Id], author: Author) -> Future[int]:
        return self._node.later(lambda bus: take_back(bus, operations, author))

    def on_change(self, callback: Callable[[frozenset[Ref]], None]) -> Stop:
        return self._node.on_change(callback)

    def on_status(self, callback: Callable[[], None]) -> Stop:
        ends = (self._node.on_status(lambda status: callback()), self._node.on_change(lambda refs: callback()))

        def stop() -> None:
            for end in ends:
                end()

        return stop

    def status(self) -> Status:
        return self._node.engine.status()

    def oldest_pending_ms(self) -> int | None:
        return self._node.oldest_pending_ms()

    def search(self, text: str, *, kinds: Collection[str], readable: Readable | None = None) -> Sequence[Found]:
        with self._node.reader() as reader:
            return reader.search(text, kinds=kinds, readable=readable)

    def notices(self) -> Sequence[Notice]:
        return self._node.notices()

    def seen(self, operation: Id) -> None:
        self._node.notice_seen(operation)

    def sync_now(self) -> None:
        self._node.engine.nudge()

    def pepper(self) -> bytes:
        return bytes.fromhex(self._node.papers.pepper)

    def tries(self, staff: Id) -> Tries:
        return self._node.tries(staff)

    def keep_tries(self, staff: Id, tries: Tries) -> None:
        self._node.keep_tries(staff, tries)

    def kept(self, name: str) -> bytes | None:
        return self._node.kept(name)

    def keep(self, name: str, value: bytes) -> None:
        self._node.keep(name, value)
