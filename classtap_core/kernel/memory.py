"""Both back ends in memory: the simulator's devices and cloud, and the ground that rules are tried on. Nothing is durable."""

import bisect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import msgspec

from classtap_core.kernel.authority import Known, Ledger, Mark, Moved, StudioHead, owed
from classtap_core.kernel.batches import Batch
from classtap_core.kernel.device_store import Answer, DeviceHead, Entry, Notice, Pulled, Told
from classtap_core.kernel.effects import Intent
from classtap_core.kernel.envelope import GENESIS
from classtap_core.kernel.erasure import concerns, erased_by, without
from classtap_core.kernel.errors import ProgramFault
from classtap_core.kernel.ids import Id
from classtap_core.kernel.operations import Range, Registry
from classtap_core.kernel.outcomes import UNDETERMINED, Outcome, Status
from classtap_core.kernel.records import Record, Row, decode, index_of, plan
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


class _Atomic:
    """All or nothing: each write says how to take it back, and a failure takes back all of them.

    On a device, one inside another is part of that one, as in its store on disk; the cloud's do not nest.
    """

    NESTS = False

    def __init__(self) -> None:
        self._takes_back: list[Callable[[], object]] | None = None

    @contextmanager
    def atomic(self) -> Iterator[None]:
        if self._takes_back is not None:
            if not self.NESTS:
                raise ProgramFault("transactions do not nest")
            yield
            return
        steps: list[Callable[[], object]] = []
        self._takes_back = steps
        try:
            yield
        except BaseException:
            for step in reversed(steps):
                step()
            raise
        finally:
            self._takes_back = None

    def _journal(self, step: Callable[[], object]) -> None:
        if self._takes_back is not None:
            self._takes_back.append(step)

    def _put(self, rows: Rows, ref: Ref, row: Row | None) -> None:
        before = rows.get(ref)
        self._journal(lambda: rows.put(ref, before))
        rows.put(ref, row)

    def _set(self, table: dict[Any, Any], key: Any, value: Any) -> None:
        if key in table:
            before = table[key]
            self._journal(lambda: table.__setitem__(key, before))
        else:
            self._journal(lambda: table.pop(key, None))
        table[key] = value

    def _drop(self, table: dict[Any, Any], key: Any) -> None:
        before = table.pop(key)
        self._journal(lambda: table.__setitem__(key, before))

    def _add(self, list: list[Any], value: Any) -> None:
        list.append(value)
        self._journal(list.pop)

    def _set_all(self, list: list[Any], values: Sequence[Any]) -> None:
        before = list[:]
        list[:] = values
        self._journal(lambda: list.__setitem__(slice(None), before))

    def _erase_rows(self, rows: Rows, subject: str) -> list[Row]:
        """Take a person out of rows; those that held something of them."""
        touched = []
        for ref, row in rows.all().items():
            record = rows.registry.records.get(row.kind)
            if record is not None and concerns(record, row.id, row.body, subject):
                body = without(record, row.id, row.body, subject)
                self._put(rows, ref, None if body is None else row._replace(body=body))
                touched.append(row)
        return touched


def _row_after(change: Change) -> Row | None:
    return None if change.body is None else Row(change.kind, change.id, change.scope, change.body)


def _changes_without(changes: Iterable[Change], registry: Registry, subject: str) -> tuple[Change, ...]:
    """Recorded changes as they come back once a person's part no longer opens: without their fields, and bodies."""
    found = []
    for change in changes:
        record = registry.records[change.kind]
        if concerns(record, change.id, change.body, subject):
            mine = {part.name for part in plan(record) if part.about or part.items}
            before, after = (
                None if side is None else {name: value for name, value in side.items() if name not in mine}
                for side in (change.before, change.after)
            )
            change = msgspec.structs.replace(change, before=before, after=after, body=None)
        found.append(change)
    return tuple(found)


def _entry_without(entry: Entry, registry: Registry, subject: str) -> Entry:
    parts = {whose: part for whose, part in entry.parts.items() if whose != subject}
    return entry._replace(parts=parts, changes=_changes_without(entry.changes, registry, subject))


def _ledger_without(ledger: Ledger, registry: Registry, subject: str) -> Ledger:
    parts = {whose: part for whose, part in ledger.parts.items() if whose != subject}
    changed = {whose: part for whose, part in ledger.change_parts.items() if whose != subject}
    return ledger._replace(
        parts=parts, change_parts=changed, changes=_changes_without(ledger.changes, registry, subject)
    )


class _Kept(NamedTuple):
    """An operation another device told, with the run it came in."""

    told: Told
    run: Batch
    heard_ms: int
    refs: frozenset[Ref] = frozenset()
    scopes: frozenset[str] = frozenset()
    included: int | None = None


class MemoryDevice(_Atomic):
    """A device's store in memory."""

    NESTS = True

    def __init__(self, registry: Registry, *, studio: Id, device: Id, scopes: Iterable[str] = ()) -> None:
        super().__init__()
        self.registry = registry
        self.seen, self.base = Rows(registry), Rows(registry)
        self.scopes = tuple(scopes)
        self.log: list[Entry] = []
        self.past: dict[int, list[Entry]] = {}
        self.earlier: dict[int, int] = {}
        self.settled: dict[int, None] = {}
        self.notices: dict[Id, Notice] = {}
        self.effects: dict[Id, tuple[Id, Intent, bool]] = {}
        self._overlay_of: dict[int, None] = {}
        self.bared: dict[int, None] = {}
        self._place: dict[Id, tuple[int, int]] = {}
        self._told: dict[tuple[Id, int, int], _Kept] = {}
        self._head = DeviceHead(studio=studio, device=device, epoch=1, sequence=0, hash=GENESIS, acked=0, cursor=0)

    def head(self) -> DeviceHead:
        return self._head

    def rows(self, record: type[Record], ids: Iterable[Id]) -> Mapping[Id, Row]:
        table = self.seen.table.get(record.KIND, {})
        return {id: table[id] for id in ids if id in table}

    def find(self, wanted: Range) -> list[Row]:
        return self.seen.find(wanted)

    def find_many(self, wanted: Sequence[Range]) -> list[list[Row]]:
        return [self.find(one) for one in wanted]

    def holds(self, scope: str) -> bool:
        return covers(self.scopes, scope)

    def hold(self, patterns: Iterable[str]) -> None:
        """Say that everything of these scopes (or patterns) is here now."""
        self.scopes = tuple(dict.fromkeys((*self.scopes, *patterns)))

    def release_scopes(self, patterns: Iterable[str]) -> int:
        """Stop holding scopes: their rows go, but for what unsent work wrote; how many rows that were."""
        gone = set(patterns)
        self.scopes = tuple(scope for scope in self.scopes if scope not in gone)
        kept = {change.ref for entry in self._resting(settled=False) for change in entry.changes}
        dropped = 0
        for rows, spared in ((self.base, set[Ref]()), (self.seen, kept)):
            for ref, row in rows.all().items():
                if ref not in spared and covers(gone, row.scope) and not covers(self.scopes, row.scope):
                    self._put(rows, ref, None)
                    dropped += rows is self.seen
        self._drop_told(
            lambda one: not one.scopes or any(covers(gone, at) and not covers(self.scopes, at) for at in one.scopes)
        )
        return dropped

    def recorded(self, operation: Id) -> tuple[Change, ...] | None:
        place = self._place.get(operation)
        return None if place is None else self._log(place[0])[place[1] - 1].changes

    def append(self, entries: Sequence[Entry]) -> None:
        for entry in entries:
            self._set(self._place, entry.id, (entry.epoch, entry.sequence))
            self._add(self.log, entry)
            if entry.folded:
                self._set(self._overlay_of, entry.sequence, None)
            self._overlay(entry.changes)
            self._move(sequence=entry.sequence, hash=entry.hash)

    def _overlay(self, changes: Iterable[Change]) -> None:
        for change in changes:
            self._put(self.seen, change.ref, _row_after(change))

    def _log(self, epoch: int | None) -> list[Entry]:
        return self.log if epoch in (None, self._head.epoch) else self.past.get(epoch or 0, [])

    def entries(self, sequences: Iterable[int], *, epoch: int | None = None) -> list[Entry]:
        log = self._log(epoch)
        return [log[sequence - 1] for sequence in sequences if 0 < sequence <= len(log)]

    def outlines(self, sequences: Iterable[int], *, epoch: int | None = None) -> list[Entry]:
        found = self.entries(sequences, epoch=epoch)
        return [entry._replace(data=b"", parts={}, changes=(), touched=Touched()) for entry in found]

    def undetermined(self) -> list[int]:
        return [
            entry.sequence
            for entry in self._folded(settled=False)
            if any(reason.code == UNDETERMINED for reason in entry.told.reasons)
        ]

    def set_aside(self) -> list[int]:
        return [
            entry.sequence
            for entry in self.log
            if entry.answer is not None and entry.answer.status is Status.QUARANTINED
        ]

    def _folded(self, *, settled: bool) -> list[Entry]:
        return self.entries(self.settled if settled else self._overlay_of)

    def _resting(self, *, settled: bool) -> list[Entry]:
        found = self._folded(settled=settled)
        return found if settled else [entry for entry in found if entry.sequence not in self.bared]

    def touching(self, refs: Iterable[Ref], *, settled: bool) -> set[int]:
        wanted = set(refs)
        return {entry.sequence for entry in self._resting(settled=settled) if not wanted.isdisjoint(entry.touched.refs)}

    def ranges_touched(self, kinds: Iterable[str], *, settled: bool) -> list[tuple[int, Range]]:
        wanted = set(kinds)
        return [
            (entry.sequence, touched)
            for entry in self._resting(settled=settled)
            for touched in entry.touched.ranges
            if touched.record.KIND in wanted
        ]

    def retouch(self, sequence: int, touched: Touched, changes: Sequence[Change], *, folded: bool) -> None:
        self._replace(sequence, touched=touched, changes=tuple(changes), folded=folded)
        self._overlay(changes)

    def included(self, sequences: Iterable[int]) -> None:
        for sequence in sequences:
            self._set(self.bared, sequence, None)

    def settled_by(self, cursor: int) -> list[int]:
        return [
            entry.sequence
            for entry in self._folded(settled=False)
            if entry.included is not None and entry.included <= cursor
        ]

    def settle(self, sequences: Iterable[int]) -> None:
        for sequence in sequences:
            self._drop(self._overlay_of, sequence)
            self._set(self.settled, sequence, None)

    def put_base(self, rows: Iterable[Pulled]) -> None:
        came = list(rows)
        for row in came:
            self._put(self.base, row.ref, None if row.body is None else Row(row.kind, row.id, row.scope, row.body))
        for subject in erased_by(came):
            self.erase(subject)

    def erase(self, subject: str) -> None:
        """Take a person out of rows and log, as a destroyed key does."""
        for rows in (self.seen, self.base):
            self._erase_rows(rows, subject)
        self._set_all(self.log, [_entry_without(entry, self.registry, subject) for entry in self.log])
        for epoch, log in self.past.items():
            self._set(self.past, epoch, [_entry_without(entry, self.registry, subject) for entry in log])
        self._drop_told(lambda one: subject in one.told.parts)

    def bare(self, refs: Iterable[Ref]) -> None:
        for ref in refs:
            self._put(self.seen, ref, self.base.get(ref))

    def answered(self, answer: Answer, *, epoch: int | None = None) -> None:
        self._replace(answer.sequence, epoch, answer=answer.outcome, included=answer.included)

    def tell(self, sequence: int, outcome: Outcome, *, epoch: int | None = None) -> None:
        self._replace(sequence, epoch, told=outcome)

    def notify(self, notice: Notice) -> None:
        self._set(self.notices, notice.operation, notice)

    def acked(self, epoch: int) -> int:
        return self._head.acked if epoch == self._head.epoch else self.earlier.get(epoch, 0)

    def set_acked(self, sequence: int, *, epoch: int | None = None) -> None:
        if epoch in (None, self._head.epoch):
            self._move(acked=sequence)
        else:
            self._set(self.earlier, epoch, sequence)

    def begin_epoch(self, epoch: int) -> None:
        head = self._head
        self._set(self.earlier, head.epoch, head.acked)
        self._set(self.past, head.epoch, self.log)
        fields: dict[str, Any] = {"log": [], "settled": {}, "_overlay_of": {}, "bared": {}, "scopes": (), "_told": {}}
        before = {name: getattr(self, name) for name in fields}
        self._journal(lambda: vars(self).update(before))
        vars(self).update(fields)
        for ref, row in self.seen.all().items():
            self._put(self.base, ref, row)
        self._move(epoch=epoch, sequence=0, hash=GENESIS, acked=0, cursor=0, token="")

    def adopt(self, entry: Entry, *, epoch: int, sequence: int) -> None:
        self._set(self._place, entry.id, (entry.epoch, entry.sequence))
        self._add(self.log, entry._replace(answer=None, included=None))
        self._move(sequence=entry.sequence, hash=entry.hash)

    def unsent_before(self) -> list[tuple[int, Entry]]:
        """What earlier epochs had not sent and have not passed on, in order."""
        return [
            (epoch, entry)
            for epoch, acked in sorted(self.earlier.items())
            for entry in self.past[epoch][acked:]
            if self._place[entry.id] == (epoch, entry.sequence)
        ]

    def set_cursor(self, cursor: int, token: str) -> None:
        self._move(cursor=cursor, token=token)

    def add_effects(self, operation: Id, intents: Sequence[Intent], *, ready: bool) -> None:
        for one in intents:
            self._set(self.effects, one.id, (operation, one, ready))

    def release_effects(self, operation: Id, *, accepted: bool) -> None:
        for id, (owner, one, ready) in list(self.effects.items()):
            if owner == operation and not ready:
                if accepted:
                    self._set(self.effects, id, (owner, one, True))
                else:
                    self._drop(self.effects, id)

    def told_any(self) -> bool:
        return bool(self._told)

    def told_here(self, device: Id, epoch: int, sequences: Iterable[int]) -> set[int]:
        return {sequence for sequence in sequences if (device, epoch, sequence) in self._told}

    def keep_told(self, run: Batch, entries: Sequence[Told], *, heard_ms: int) -> None:
        for one in entries:
            self._set(self._told, (one.device, one.epoch, one.sequence), _Kept(one, run, heard_ms))

    def told_touch(self, entry: Told, refs: Iterable[Ref], scopes: Iterable[str]) -> None:
        key = (entry.device, entry.epoch, entry.sequence)
        before = self._told[key]
        self._set(self._told, key, before._replace(refs=before.refs | set(refs), scopes=before.scopes | set(scopes)))

    def told_touching(self, refs: Iterable[Ref]) -> list[Told]:
        wanted = set(refs)
        return [one.told for one in self._told.values() if not wanted.isdisjoint(one.refs)]

    def told_refs(self, entries: Iterable[Told]) -> set[Ref]:
        keys = [(one.device, one.epoch, one.sequence) for one in entries]
        return {ref for key in keys for ref in self._told[key].refs}

    def told_answered(self, device: Id, epoch: int, answers: Sequence[Answer]) -> None:
        for answer in answers:
            key = (device, epoch, answer.sequence)
            if key in self._told:
                self._set(self._told, key, self._told[key]._replace(included=answer.included))

    def drop_told(self, *, through: int) -> int:
        return self._drop_told(lambda one: one.included is not None and one.included <= through)

    def _drop_told(self, goes: "Callable[[_Kept], bool]") -> int:
        gone = [key for key, one in self._told.items() if goes(one)]
        for key in gone:
            self._drop(self._told, key)
        return len(gone)

    def told_in(self, *, heard_before: int) -> set[str]:
        """The scopes in which something told lies; what was heard before a time is let go of."""
        found = {scope for one in self._told.values() for scope in one.scopes}
        self._drop_told(lambda one: one.heard_ms < heard_before)
        return found

    def forget_told(self, device: Id) -> None:
        """Let go of all that a device told."""
        self._drop_told(lambda one: one.told.device == device)

    def told_runs(self) -> list[Batch]:
        """Runs that the cloud was not heard on, as their authors signed them."""
        waiting = {id(one.run): one.run for one in self._told.values() if one.included is None}
        return list(waiting.values())

    def _replace(self, sequence: int, epoch: int | None = None, /, **fields: Any) -> None:
        log = self._log(epoch)
        before = log[sequence - 1]
        self._journal(lambda: log.__setitem__(sequence - 1, before))
        log[sequence - 1] = before._replace(**fields)

    def _move(self, **fields: Any) -> None:
        before = self._head
        self._journal(lambda: setattr(self, "_head", before))
        self._head = msgspec.structs.replace(before, **fields)


class MemoryCloud(_Atomic):
    """One studio's cloud storage in memory, with the change index that pulls are answered from."""

    def __init__(self, registry: Registry, studio: Id) -> None:
        super().__init__()
        self.registry, self.studio = registry, studio
        self.state = Rows(registry)
        self.ledgers: list[Ledger] = []
        self.marks: dict[Id, Mark] = {}
        self.locked: list[str] = []
        self.index: list[tuple[int, str, Ref]] = []
        self._place: dict[tuple[Id, int, int], int] = {}
        self._recorded: dict[Id, int] = {}

    def rows(self, record: type[Record], ids: Iterable[Id]) -> Mapping[Id, Row]:
        table = self.state.table.get(record.KIND, {})
        return {id: table[id] for id in ids if id in table}

    def find(self, wanted: Range) -> list[Row]:
        return self.state.find(wanted)

    def find_many(self, wanted: Sequence[Range]) -> list[list[Row]]:
        return [self.find(one) for one in wanted]

    def holds(self, scope: str) -> bool:
        return True

    def recorded(self, operation: Id) -> tuple[Change, ...] | None:
        place = self._recorded.get(operation)
        return None if place is None else self.ledgers[place].changes

    def marks_of(self, devices: Sequence[Id]) -> Mapping[Id, Mark]:
        return {device: self.marks[device] for device in devices if device in self.marks}

    def known(self, device: Id, epoch: int, sequences: Iterable[int]) -> Mapping[int, Known]:
        found = {}
        for sequence in sequences:
            place = self._place.get((device, epoch, sequence))
            if place is not None:
                ledger = self.ledgers[place]
                link = ledger.link
                answer = Answer(sequence, link.outcome, link.sequence, owed(ledger.effects))
                found[sequence] = Known(link.envelope, answer)
        return found

    def lock(self, guards: Sequence[str]) -> None:
        self.locked = list(guards)

    def write_rows(self, changes: Sequence[Change]) -> None:
        for change in changes:
            self._put(self.state, change.ref, _row_after(change))

    def lock_head(self) -> StudioHead:
        if not self.ledgers:
            return StudioHead(0, GENESIS)
        return StudioHead(self.ledgers[-1].link.sequence, self.ledgers[-1].link_hash)

    def append(self, ledgers: Sequence[Ledger]) -> None:
        for ledger in ledgers:
            link = ledger.link
            self._set(self._place, (link.device, link.epoch, link.device_sequence), len(self.ledgers))
            self._set(self._recorded, link.operation, self._recorded.get(link.operation, len(self.ledgers)))
            self._add(self.ledgers, ledger)
            for change in ledger.changes:
                self._add(self.index, (link.sequence, change.scope, change.ref))
                if change.left and change.left != change.scope:
                    self._add(self.index, (link.sequence, change.left, change.ref))
            for subject in erased_by(ledger.changes):
                for row in self._erase_rows(self.state, subject):
                    self._add(self.index, (link.sequence, row.scope, (row.kind, row.id)))
                self._set_all(self.ledgers, [_ledger_without(one, self.registry, subject) for one in self.ledgers])

    def end_of(self, device: Id, epoch: int) -> tuple[int, str]:
        sequence = max((at for of, within, at in self._place if (of, within) == (device, epoch)), default=0)
        if not sequence:
            return 0, GENESIS
        return sequence, self.ledgers[self._place[device, epoch, sequence]].link.envelope

    def authors(self, operations: Iterable[Id]) -> Mapping[Id, Id]:
        return {id: self.ledgers[self._recorded[id]].link.device for id in operations if id in self._recorded}

    def set_marks(self, moved: Sequence[Moved]) -> None:
        for mark, earlier, _ in moved:
            self.set_mark(
                msgspec.structs.replace(self.marks[mark.device], contested=mark.contested) if earlier else mark
            )

    def set_mark(self, mark: Mark) -> None:
        """Put a device's mark; one that had none is paired by it."""
        self._set(self.marks, mark.device, mark)

    def pull(self, scopes: Sequence[str], *, after: int) -> tuple[list[Pulled], int]:
        """What changed in these scopes since a cursor, as it stands now, and the new cursor."""
        head = self.lock_head().sequence
        first = bisect.bisect_right(self.index, after, key=lambda entry: entry[0])
        refs = {ref: scope for _, scope, ref in self.index[first:] if covers(scopes, scope)}
        rows = []
        for ref, scope in refs.items():
            row = self.state.get(ref)
            if row is None or not covers(scopes, row.scope):
                rows.append(Pulled(ref[0], ref[1], scope, None))
            else:
                rows.append(Pulled(ref[0], ref[1], row.scope, row.body))
        return rows, head

    def snapshot(self, scopes: Sequence[str]) -> tuple[list[Pulled], int]:
        """Every row of these scopes as it stands now, and the cursor to pull from."""
        rows = [
            Pulled(row.kind, row.id, row.scope, row.body)
            for row in self.state.all().values()
            if covers(scopes, row.scope)
        ]
        return rows, self.lock_head().sequence
