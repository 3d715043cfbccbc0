"""Both back ends in memory: the simulator's devices and cloud, and the ground that rules are tried on. Nothing is durable."""

import bisect
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec

from classtap_core.kernel.authority import Known, Ledger, Mark, StudioHead
from classtap_core.kernel.device import Answer, DeviceHead, Entry, Notice, Pulled
from classtap_core.kernel.effects import Intent
from classtap_core.kernel.envelope import GENESIS
from classtap_core.kernel.ids import Id
from classtap_core.kernel.operations import Range, Registry
from classtap_core.kernel.outcomes import Outcome
from classtap_core.kernel.records import Record, Row, decode, index_of
from classtap_core.kernel.scopes import covers
from classtap_core.kernel.tx import Change, Ref, Touched, matches, order_key


class Rows:
    """Rows in memory, found by scanning: small worlds only."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self.table: dict[str, dict[Id, Row]] = {}

    def get(self, ref: Ref) -> Row | None:
        return self.table.get(ref[0], {}).get(ref[1])

    def put(self, ref: Ref, row: Row | None) -> None:
        if row is None:
            self.table.get(ref[0], {}).pop(ref[1], None)
        else:
            self.table.setdefault(ref[0], {})[ref[1]] = row

    def find(self, wanted: Range) -> list[Row]:
        index = index_of(wanted.record, wanted.by)
        found: list[tuple[Any, Row]] = []
        for row in self.table.get(wanted.record.KIND, {}).values():
            record = decode(wanted.record, row.body)
            if matches(index, wanted, record):
                bisect.insort(found, (order_key(index, record), row))
        return [row for _, row in found]

    def all(self) -> dict[Ref, Row]:
        return {(kind, id): row for kind, rows in self.table.items() for id, row in rows.items()}


class MemoryDevice:
    """A device's store in memory."""

    def __init__(self, registry: Registry, *, studio: Id, device: Id, scopes: Iterable[str] = ()) -> None:
        self.registry = registry
        self.seen, self.base = Rows(registry), Rows(registry)
        self.scopes = tuple(scopes)
        self.log: list[Entry] = []
        self.settled: set[int] = set()
        self.notices: dict[Id, Notice] = {}
        self.effects: dict[Id, tuple[Id, Intent, bool]] = {}
        self._head = DeviceHead(studio=studio, device=device, epoch=1, sequence=0, hash=GENESIS, acked=0, cursor=0)

    @contextmanager
    def atomic(self) -> Iterator[None]:
        yield

    def head(self) -> DeviceHead:
        return self._head

    def rows(self, record: type[Record], ids: Iterable[Id]) -> Mapping[Id, Row]:
        table = self.seen.table.get(record.KIND, {})
        return {id: table[id] for id in ids if id in table}

    def find(self, wanted: Range) -> list[Row]:
        return self.seen.find(wanted)

    def holds(self, scope: str) -> bool:
        return covers(self.scopes, scope)

    def recorded(self, operation: Id) -> tuple[Change, ...] | None:
        return next((entry.changes for entry in self.log if entry.id == operation), None)

    def append(self, entry: Entry) -> None:
        self.log.append(entry)
        self._overlay(entry.changes)
        self._move(sequence=entry.sequence, hash=entry.hash)

    def _overlay(self, changes: Iterable[Change]) -> None:
        for change in changes:
            row = None if change.body is None else Row(change.kind, change.id, change.scope, change.body)
            self.seen.put(change.ref, row)

    def entries(self, sequences: Iterable[int]) -> list[Entry]:
        return [self.log[sequence - 1] for sequence in sequences if 0 < sequence <= len(self.log)]

    def _folded(self, *, settled: bool) -> list[Entry]:
        return [entry for entry in self.log if entry.folded and (entry.sequence in self.settled) is settled]

    def touching(self, refs: Iterable[Ref], *, settled: bool) -> set[int]:
        wanted = set(refs)
        return {entry.sequence for entry in self._folded(settled=settled) if entry.touched.refs & wanted}

    def ranges_touched(self, kinds: Iterable[str], *, settled: bool) -> list[tuple[int, Range]]:
        wanted = set(kinds)
        return [
            (entry.sequence, touched)
            for entry in self._folded(settled=settled)
            for touched in entry.touched.ranges
            if touched.record.KIND in wanted
        ]

    def retouch(self, sequence: int, touched: Touched, changes: Sequence[Change], *, folded: bool) -> None:
        self._replace(sequence, touched=touched, changes=tuple(changes), folded=folded)
        self._overlay(changes)

    def settled_by(self, cursor: int) -> list[int]:
        return [
            entry.sequence
            for entry in self._folded(settled=False)
            if entry.included is not None and entry.included <= cursor
        ]

    def settle(self, sequences: Iterable[int]) -> None:
        self.settled.update(sequences)

    def put_base(self, rows: Iterable[Pulled]) -> None:
        for row in rows:
            self.base.put(row.ref, None if row.body is None else Row(row.kind, row.id, row.scope, row.body))

    def bare(self, refs: Iterable[Ref]) -> None:
        for ref in refs:
            self.seen.put(ref, self.base.get(ref))

    def answered(self, answer: Answer) -> None:
        self._replace(answer.sequence, answer=answer.outcome, included=answer.included)

    def tell(self, sequence: int, outcome: Outcome) -> None:
        self._replace(sequence, told=outcome)

    def notify(self, notice: Notice) -> None:
        self.notices[notice.operation] = notice

    def set_acked(self, sequence: int) -> None:
        self._move(acked=sequence)

    def set_cursor(self, cursor: int, token: str) -> None:
        self._move(cursor=cursor, token=token)

    def add_effects(self, operation: Id, intents: Sequence[Intent], *, ready: bool) -> None:
        for one in intents:
            self.effects[one.id] = (operation, one, ready)

    def release_effects(self, operation: Id, *, accepted: bool) -> None:
        for id, (owner, one, ready) in list(self.effects.items()):
            if owner == operation and not ready:
                if accepted:
                    self.effects[id] = (owner, one, True)
                else:
                    del self.effects[id]

    def _replace(self, sequence: int, **fields: Any) -> None:
        self.log[sequence - 1] = self.log[sequence - 1]._replace(**fields)

    def _move(self, **fields: Any) -> None:
        self._head = msgspec.structs.replace(self._head, **fields)


class MemoryCloud:
    """One studio's cloud storage in memory, with the change index that pulls are answered from."""

    def __init__(self, registry: Registry, studio: Id) -> None:
        self.registry, self.studio = registry, studio
        self.state = Rows(registry)
        self.ledgers: list[Ledger] = []
        self.marks: dict[Id, Mark] = {}
        self.locked: list[str] = []
        self.index: list[tuple[int, str, Ref]] = []

    @contextmanager
    def atomic(self) -> Iterator[None]:
        yield

    def rows(self, record: type[Record], ids: Iterable[Id]) -> Mapping[Id, Row]:
        table = self.state.table.get(record.KIND, {})
        return {id: table[id] for id in ids if id in table}

    def find(self, wanted: Range) -> list[Row]:
        return self.state.find(wanted)

    def holds(self, scope: str) -> bool:
        return True

    def recorded(self, operation: Id) -> tuple[Change, ...] | None:
        return next((ledger.changes for ledger in self.ledgers if ledger.link.operation == operation), None)

    def mark(self, device: Id) -> Mark | None:
        return self.marks.get(device)

    def known(self, device: Id, epoch: int, sequences: Iterable[int]) -> Mapping[int, Known]:
        wanted = set(sequences)
        return {
            ledger.link.device_sequence: Known(
                ledger.link.envelope,
                Answer(ledger.link.device_sequence, ledger.link.outcome, ledger.link.sequence),
            )
            for ledger in self.ledgers
            if ledger.link.device == device and ledger.link.epoch == epoch and ledger.link.device_sequence in wanted
        }

    def lock(self, guards: Sequence[str]) -> None:
        self.locked = list(guards)

    def write_rows(self, changes: Sequence[Change]) -> None:
        for change in changes:
            row = None if change.body is None else Row(change.kind, change.id, change.scope, change.body)
            self.state.put(change.ref, row)

    def lock_head(self) -> StudioHead:
        if not self.ledgers:
            return StudioHead(0, GENESIS)
        return StudioHead(self.ledgers[-1].link.sequence, self.ledgers[-1].link_hash)

    def append(self, ledgers: Sequence[Ledger]) -> None:
        for ledger in ledgers:
            self.ledgers.append(ledger)
            for change in ledger.changes:
                self.index.append((ledger.link.sequence, change.scope, change.ref))
                if change.left and change.left != change.scope:
                    self.index.append((ledger.link.sequence, change.left, change.ref))

    def set_mark(self, mark: Mark) -> None:
        self.marks[mark.device] = mark

    def pull(self, scopes: Sequence[str], *, after: int) -> tuple[list[Pulled], int]:
        """What changed in these scopes since a cursor, as it stands now, and the new cursor."""
        head = self.lock_head().sequence
        refs = {ref: scope for sequence, scope, ref in self.index if sequence > after and covers(scopes, scope)}
        rows = []
        for ref, scope in refs.items():
            row = self.state.get(ref)
            gone = row is None or not covers(scopes, row.scope)
            rows.append(
                Pulled(
                    ref[0],
                    ref[1],
                    scope if gone or row is None else row.scope,
                    None if gone or row is None else row.body,
                )
            )
        return rows, head
