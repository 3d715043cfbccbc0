"""The bus of one device: decides at once, commits one transaction, and works its unsent operations again after a pull.

What a person sees is the cloud's rows with this device's own unsent work laid over them.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple

import msgspec

from classtap_core.kernel.batches import Batch
from classtap_core.kernel.bus import Bus, Decision, Phase
from classtap_core.kernel.clock import Clock, Timestamp
from classtap_core.kernel.device_store import Answer, DeviceBackend, DeviceHead, Entry, Notice, Pulled
from classtap_core.kernel.effects import Home, Intent
from classtap_core.kernel.envelope import (
    FORMAT,
    Author,
    Basis,
    Envelope,
    Parts,
    Sealed,
    commitments,
    join_parts,
    make_parts,
    own,
    write,
)
from classtap_core.kernel.errors import BadInput
from classtap_core.kernel.ids import Entropy, Id, derived, fresh
from classtap_core.kernel.neighbours import COUNTS, Holds, Neighbours
from classtap_core.kernel.operations import Kind, Operation, Payload, Registry
from classtap_core.kernel.outcomes import UNDETERMINED, Outcome, Status, asks_anew, refused, told_anew
from classtap_core.kernel.records import decode, index_of, plain
from classtap_core.kernel.tx import Change, Ref, Snapshot, matches

NOT_UNDERSTOOD = frozenset({"operation.unknown", "operation.version"})
"""Why a cloud quarantines what a later one will take."""


LAST = (1 << 53) - 1
"""A studio sequence beyond all."""


class Receipt(NamedTuple):
    """What submitting an operation came to: durable when the call returns, unless refused."""

    operation: Id
    sequence: int | None
    outcome: Outcome
    changes: tuple[Change, ...]
    decision: Decision


class DeviceBus:
    """Runs operations on one device. Not for several threads: the store's writer owns it."""

    def __init__(self, backend: DeviceBackend, bus: Bus, clock: Clock, entropy: Entropy) -> None:
        self.backend, self.bus, self.clock, self.entropy = backend, bus, clock, entropy
        self._neighbours = Neighbours(backend, bus)

    @property
    def registry(self) -> Registry:
        return self.bus.registry

    def decide(self, payload: Payload, author: Author, *, source: str = "") -> Decision:
        """What would become of an operation, without committing: previews, what-if, checks of an import."""
        head = self.backend.head()
        op = self._operation(payload, author, head, self.clock.now(), source=source)
        return self.bus.decide(op, Snapshot(self.backend, self.registry), now=op.at.corrected, phase=Phase.AUTHOR)

    def submit(
        self, payload: Payload, author: Author, *, source: str = "", cause: str = "", external: str = "",
        at: Timestamp | None = None, id: Id | None = None,
    ) -> Receipt:  # fmt: skip
        """Decide an operation and commit it: records, log entry and effects in one transaction.

        A refusal leaves nothing behind. `at` is when it happened, where that was measured earlier than now.
        """
        head = self.backend.head()
        at = at or self.clock.now()
        op = self._operation(payload, author, head, at, source=source, cause=cause, external=external, id=id)
        (receipt,) = self._commit([op], head)
        return receipt

    def submit_all(self, payloads: Sequence[Payload], author: Author, *, source: str = "") -> list[Receipt]:
        """Decide several operations and commit them in one transaction, each seeing what the ones before it did.

        What is refused leaves nothing behind and holds up none of the others. Raises the first fault of a handler;
        nothing is kept then.
        """
        head, at = self.backend.head(), self.clock.now()
        return self._commit([self._operation(payload, author, head, at, source=source) for payload in payloads], head)

    def _commit(self, ops: Sequence[Operation[Any]], head: DeviceHead) -> list[Receipt]:
        snapshot = Snapshot(self.backend, self.registry)
        if len(ops) > 1:
            self.bus.prefetch(ops, snapshot, now=ops[0].at.corrected)
        receipts: list[Receipt] = []
        entries: list[Entry] = []
        previous = head.hash
        for op in ops:
            op.sequence = head.sequence + len(entries) + 1
            receipt, entry = self._decided(op, snapshot, head, previous)
            receipts.append(receipt)
            if entry is not None:
                entries.append(entry)
                previous = entry.hash
                snapshot.apply(entry.id, entry.changes)
        snapshot.done()
        if entries:
            with self.backend.atomic():
                self.backend.append(entries)
                for receipt in receipts:
                    if receipt.sequence is not None:
                        self._keep_effects(receipt.operation, receipt.decision.effects)
        return receipts

    def _decided(
        self, op: Operation[Any], snapshot: Snapshot, head: DeviceHead, previous: str
    ) -> tuple[Receipt, Entry | None]:
        """What becomes of an operation, and its entry in the log where it leaves one."""
        if head.takes and head.takes.get(op.kind, 0) < op.spec.version:
            older = refused("cloud_older", kind=op.kind)
            return Receipt(op.id, None, older, (), Decision(op, refused("cloud_older"))), None
        decision = self.bus.decide(op, snapshot, now=op.at.corrected, phase=Phase.AUTHOR)
        if decision.fault is not None:
            raise decision.fault
        if decision.outcome.status is Status.REFUSED or _says_nothing(decision):
            return Receipt(op.id, None, decision.outcome, (), decision), None
        entry = self._entry(op, decision, previous)
        return Receipt(op.id, entry.sequence, decision.outcome, decision.changes, decision), entry

    def _keep_effects(self, operation: Id, effects: Sequence[Intent]) -> None:
        here = [effect for effect in effects if effect.home is Home.HERE]
        later = [effect for effect in effects if effect.home is Home.HERE_WHEN_ACCEPTED]
        if here:
            self.backend.add_effects(operation, here, ready=True)
        if later:
            self.backend.add_effects(operation, later, ready=False)

    def _operation(
        self, payload: Payload, author: Author, head: DeviceHead, at: Timestamp, *, source: str,
        cause: str = "", external: str = "", id: Id | None = None,
    ) -> Operation[Any]:  # fmt: skip
        return Operation(
            payload.SPEC, payload, id=id or fresh(max(0, at.corrected), self.entropy), studio=head.studio,
            device=head.device, epoch=head.epoch, sequence=head.sequence + 1, author=author, at=at,
            basis=Basis(pulled=head.cursor), cause=cause, source=source, external=external,
        )  # fmt: skip

    def _entry(self, op: Operation[Any], decision: Decision, previous: str) -> Entry:
        parts = make_parts(op.spec.payload, plain(op.payload), self.entropy)
        sealed = write(envelope_of(op, decision, previous, parts), parts)
        return Entry(
            sequence=op.sequence, epoch=op.epoch, id=op.id, kind=op.kind, at_ms=op.at.corrected, data=sealed.data,
            hash=sealed.hash, parts=parts, told=decision.outcome, changes=decision.changes, folded=decision.folded,
            touched=decision.touched,
        )  # fmt: skip

    def acknowledge(self, answers: Sequence[Answer], *, epoch: int | None = None) -> list[Notice]:
        """Take the cloud's answers to own operations; what people were told and is no longer so becomes a notice.

        `epoch` names an earlier one, whose queue was left behind by a restore.
        """
        notices: list[Notice] = []
        with self.backend.atomic():
            epoch = epoch or self.backend.head().epoch
            asked = [answer.sequence for answer in answers]
            known = {entry.sequence: entry for entry in self.backend.outlines(asked, epoch=epoch)}
            heard = self._with_rivals(asked, epoch)
            for answer in answers:
                entry = known.get(answer.sequence)
                if entry is None or entry.answer is not None:
                    continue
                self.backend.answered(answer, epoch=epoch)
                self.backend.release_effects(entry.id, accepted=answer.outcome.stands)
                if answer.outcome.stands and not entry.folded:
                    self._owe(entry.id, answer.effects)
                later = answer.sequence in heard and answer.outcome.status in COUNTS
                if not later or asks_anew(entry.told, answer.outcome):
                    notices.extend(self._tell(entry, answer.outcome))
            self.backend.set_acked(self._answered_up_to(self.backend.acked(epoch), known, epoch), epoch=epoch)
        return notices

    def _with_rivals(self, sequences: Sequence[int], epoch: int) -> set[int]:
        """Facts on whose records neighbours said something too, which the cloud may have heard after its answer: its rows
        will tell how they stand.
        """
        if not self.backend.told_any():
            return set()
        facts = {
            entry.sequence: entry.touched.refs
            for entry in self.backend.entries(sequences, epoch=epoch)
            if entry.folded and self._is_fact(entry)
        }
        told = self.backend.told_refs(self.backend.told_touching(set().union(*facts.values())))
        return {sequence for sequence, refs in facts.items() if not told.isdisjoint(refs)}

    def _is_fact(self, entry: Entry) -> bool:
        spec = self.registry.specs.get(entry.kind)
        return spec is not None and spec.kind is Kind.FACT

    def _owe(self, operation: Id, effects: Sequence[Intent]) -> None:
        """What a request that waited has set going at its author, now that it stands: this once."""
        here = [effect for effect in effects if effect.home is Home.HERE_WHEN_ACCEPTED]
        if here:
            self.backend.add_effects(operation, here, ready=True)

    def _answered_up_to(self, acked: int, known: Collection[int], epoch: int) -> int:
        """The queue's new head: an answer that overtook another never hides the one still missing."""
        while acked + 1 in known or any(
            entry.answer is not None for entry in self.backend.outlines([acked + 1], epoch=epoch)
        ):
            acked += 1
        return acked

    def fork(self, *, epoch: int, after: int, new: int) -> int:
        """Another copy of this device has gone on in an epoch beyond `after`: go on in an epoch of one's own.

        What this copy did since then and `epoch` cannot take any more is written again behind everything else, under the
        same ids: nothing of it is lost. `new` is the epoch to begin when `epoch` is still the current one. Returns how
        many operations moved.
        """
        with self.backend.atomic():
            if self.backend.head().epoch == epoch:
                self.backend.begin_epoch(new)
            moved = 0
            while entries := self.backend.entries([after + 1 + moved], epoch=epoch):
                self._adopt(entries[0])
                moved += 1
            return moved

    def _adopt(self, entry: Entry) -> None:
        head = self.backend.head()
        envelope = msgspec.structs.replace(
            own(entry.data), epoch=head.epoch, sequence=head.sequence + 1, previous=head.hash
        )
        sealed = write(envelope, entry.parts)
        moved = entry._replace(epoch=head.epoch, sequence=head.sequence + 1, data=sealed.data, hash=sealed.hash)
        self.backend.adopt(moved, epoch=entry.epoch, sequence=entry.sequence)

    def retry(self, sequence: int) -> Receipt | None:
        """Say again what the cloud has quarantined, as it happened then, under an id that comes from the first.

        None when there is nothing to say again: it was not quarantined, a part of it was erased, or it was said again
        before.
        """
        for entry in self.backend.entries([sequence]):
            again = derived("retry", entry.id)
            if entry.answer is None or entry.answer.status is not Status.QUARANTINED:
                return None
            op = self._reread(entry)
            if op is None or self._has(again):
                return None
            self._take_back(entry)
            return self.submit(
                op.payload, op.author, source=op.source, cause=entry.id, external=op.external, at=op.at, id=again
            )
        return None

    def _take_back(self, entry: Entry) -> None:
        """Let go of what an operation laid over the rows, without waiting for a pull to say that it came to nothing."""
        if entry.sequence in self.backend.settled_by(LAST):
            with self.backend.atomic():
                self.backend.settle([entry.sequence])
                self._rebase({change.ref for change in entry.changes}, ())

    def retry_understood(self) -> int:
        """Say again what a cloud that did not know its kind has set aside, now that it does; how many that were."""
        takes = self.backend.head().takes
        count = 0
        for entry in self.backend.entries(self.backend.set_aside()):
            codes = {reason.code for reason in entry.answer.reasons} if entry.answer else set()
            if codes & NOT_UNDERSTOOD and takes.get(entry.kind, 0) >= own(entry.data).version:
                count += self.retry(entry.sequence) is not None
        return count

    def waits_for_retry(self) -> list[Entry]:
        """What the cloud has quarantined and nobody has said again."""
        found = self.backend.entries(self.backend.set_aside())
        return [entry for entry in found if not self._has(derived("retry", entry.id))]

    def _has(self, operation: Id) -> bool:
        return self.backend.recorded(operation) is not None

    def apply(self, rows: Sequence[Pulled], *, cursor: int | None = None, token: str = "") -> list[Notice]:
        """Take rows of the cloud while own operations may be waiting: they are run again on top, handlers alone.

        With `cursor`, everything up to that studio sequence has now been pulled, and own operations decided by
        then leave the overlay. Without it, the rows are part of a page that is not finished yet.

        Rows must never show own operations whose answers are still on the way (they would count twice until then):
        after a push whose answer was lost, push again before pulling.
        """
        with self.backend.atomic():
            dirty = {row.ref for row in rows}
            self.backend.put_base(rows)
            self._bare_included(dirty)
            if cursor is not None:
                self.backend.drop_told(through=cursor)
            dirty |= self._neighbours.lay(dirty)
            done: Sequence[Entry] = ()
            if cursor is not None:
                settled = self.backend.settled_by(cursor)
                if settled:
                    done = self.backend.entries(settled)
                    dirty |= {change.ref for entry in done for change in entry.changes}
                    self.backend.settle(settled)
            notices = self._rebase(dirty, done)
            if cursor is not None:
                self.backend.set_cursor(cursor, token)
            elif token:
                self.backend.set_cursor(self.backend.head().cursor, token)
        return notices

    def hear(self, run: Batch, sealed: Sequence[Sealed], *, holds: Holds) -> list[Notice]:
        """Take what another device of this place says it did, which the cloud may not know yet.

        The run was checked. Own operations that wait are run again on top, and what people were told and is no longer
        so is told, as after a pull.
        """
        with self.backend.atomic():
            touched = self._neighbours.hear(run, sealed, holds=holds, heard_ms=self.clock.now().corrected)
            return self._rebase(touched, ())

    def brought(self, device: Id, epoch: int, answers: Sequence[Answer]) -> bool:
        """Take the cloud's answers to what another device had told; whether all of it counts there.

        Where something does not, rows here show it all the same, until they are compared with the cloud's.
        """
        with self.backend.atomic():
            return self._neighbours.answered(device, epoch, answers, cursor=self.backend.head().cursor)

    def _bare_included(self, came: set[Ref]) -> None:
        """Rows that came after an answer have what was answered in them: such entries lie over them no more."""
        found = self.backend.entries(sorted(self.backend.touching(came, settled=False))) if came else ()
        there = [
            entry.sequence
            for entry in found
            if entry.answer is not None and entry.changes and all(change.ref in came for change in entry.changes)
        ]
        if there:
            self.backend.included(there)

    def reconsider(self) -> list[Notice]:
        """Look again at facts that could not be decided when they happened: a scope has come since. Tell what changed."""
        with self.backend.atomic():
            waiting = self.backend.undetermined()
            return self._rebase(set(), (), seed=waiting) if waiting else []

    def _rebase(self, dirty: set[Ref], done: Sequence[Entry], *, seed: Iterable[int] = ()) -> list[Notice]:
        """Lay bare what changed beneath, run again every waiting entry that rests on it, and tell what came of it.

        `seed` are entries to run again in any case. A fact that is `done`, just settled, is looked at in any case: what
        it rests on may have come with an earlier page, while the cloud's answer still stood for it.
        """
        if not dirty and not done and not seed:
            return []
        outcomes = self._settle_on(dirty, seed)
        notices: list[Notice] = []
        for entry in self.backend.entries(sorted(outcomes)):
            if entry.answer is None:  # once the cloud has answered, its word stands until it is included
                notices.extend(self._tell(entry, outcomes[entry.sequence]))
        snapshot = Snapshot(self.backend, self.registry)
        late = self._resting_on(dirty, settled=True) - {entry.sequence for entry in done}
        for entry in sorted([*done, *self.backend.entries(sorted(late))], key=lambda one: one.sequence):
            op = self._reread(entry)
            if op is not None and op.spec.kind is Kind.FACT and entry.folded:
                now = self.bus.decide(op, snapshot, now=entry.at_ms, phase=Phase.RERUN)
                if now.fault is None and not now.missing and not now.changes:
                    notices.extend(self._tell(entry, now.outcome))
        return notices

    def _settle_on(self, dirty: set[Ref], seed: Iterable[int]) -> dict[int, Outcome]:
        """Run waiting entries again, in their order, until nothing else rests on what came out; the last outcomes."""
        again: set[int] = set(seed)
        reach = dirty | self._written_after(again)
        outcomes: dict[int, Outcome] = {}
        self.backend.bare(reach)
        while True:
            found = self._resting_on(reach, settled=False) - again
            if found:
                again |= found
                reach |= self._written_after(found)
                self.backend.bare(reach)
                continue
            outcomes = self._run_again(sorted(again))
            written = {change.ref for entry in self.backend.entries(sorted(again)) for change in entry.changes}
            more = self._resting_on(reach | written, settled=False) - again
            if written <= reach and not more:
                return outcomes
            again |= more
            reach |= written | self._written_after(more)
            self.backend.bare(reach)

    def _written_after(self, sequences: set[int]) -> set[Ref]:
        """What these entries wrote, and what they read that a waiting entry wrote: no entry may see later ones' work."""
        entries = self.backend.entries(sorted(sequences))
        written = {change.ref for entry in entries for change in entry.changes}
        read = {ref for entry in entries for ref in entry.touched.refs} - written
        if read:
            others = self.backend.entries(sorted(self.backend.touching(read, settled=False) - sequences))
            written |= read & {change.ref for entry in others for change in entry.changes}
        return written

    def _resting_on(self, refs: set[Ref], *, settled: bool) -> set[int]:
        if not refs:
            return set()
        found = set(self.backend.touching(refs, settled=settled))
        kinds = {kind for kind, _ in refs}
        ranges = self.backend.ranges_touched(kinds, settled=settled)
        if ranges:
            rows = self._rows_of(refs)
            for sequence, wanted in ranges:
                index = index_of(wanted.record, wanted.by)
                if any(matches(index, wanted, row) for row in rows.get(wanted.record.KIND, ())):
                    found.add(sequence)
        return found

    def _rows_of(self, refs: Iterable[Ref]) -> dict[str, list[Any]]:
        ids: dict[str, list[Id]] = {}
        for kind, id in refs:
            ids.setdefault(kind, []).append(id)
        records = {kind: self.registry.records[kind] for kind in ids if kind in self.registry.records}
        return {
            kind: [decode(record, row.body) for row in self.backend.rows(record, ids[kind]).values()]
            for kind, record in records.items()
        }

    def _run_again(self, sequences: Sequence[int]) -> dict[int, Outcome]:
        """Lay entries over the bare rows again, handlers alone; the outcomes of those that could be decided.

        One that cannot be (its scope went, a part of it was erased, a handler failed) keeps what it had written.
        """
        outcomes: dict[int, Outcome] = {}
        snapshot = Snapshot(self.backend, self.registry)
        for entry in self.backend.entries(sequences):
            op = self._reread(entry)
            touched, changes = entry.touched, entry.changes
            if op is not None:
                decision = self.bus.decide(op, snapshot, now=entry.at_ms, phase=Phase.RERUN)
                if decision.fault is None and not decision.missing:
                    touched, changes = decision.touched, decision.changes if decision.folded else ()
                    outcomes[entry.sequence] = decision.outcome
            snapshot.apply(entry.id, changes)
            self.backend.retouch(entry.sequence, touched, changes, folded=True)
        return outcomes

    def learn(self, sequence: int, outcome: Outcome, *, epoch: int) -> list[Notice]:
        """Take what somebody decided of an own operation after the cloud had answered; told anew once, and only once."""
        with self.backend.atomic():
            found = self.backend.entries([sequence], epoch=epoch)
            return [notice for entry in found if entry.answer is not None for notice in self._tell(entry, outcome)]

    def _reread(self, entry: Entry) -> Operation[Any] | None:
        """The operation in a log entry; None when a part of it was erased."""
        try:
            return self.registry.read(own(entry.data), join_parts(entry.parts), entry.hash)
        except BadInput:
            return None

    def _tell(self, entry: Entry, now: Outcome) -> list[Notice]:
        if not told_anew(entry.told, now):
            if _is_undetermined(entry.told) and not _is_undetermined(now):
                self.backend.tell(entry.sequence, now, epoch=entry.epoch)
            return []
        notice = Notice(entry.id, entry.sequence, entry.kind, entry.told, now, self.clock.now().corrected)
        self.backend.tell(entry.sequence, now, epoch=entry.epoch)
        if entry.told.status is not Status.WAITING or not now.stands:
            self.backend.notify(notice)
            return [notice]
        return []


def envelope_of(op: Operation[Any], decision: Decision, previous: str, parts: Parts) -> Envelope:
    """The envelope of a decided operation, chained to the one before it."""
    author = msgspec.structs.replace(op.author, grants=decision.grants) if decision.grants else op.author
    return Envelope(
        v=FORMAT, kind=op.kind, version=op.spec.version, studio=op.studio, device=op.device, epoch=op.epoch,
        sequence=op.sequence, previous=previous, id=op.id, author=author, at=op.at, basis=op.basis, gates=op.gates,
        cause=op.cause, depth=op.depth, source=op.source, external=op.external, payload=commitments(parts),
    )  # fmt: skip


def _is_undetermined(outcome: Outcome) -> bool:
    return any(reason.code == UNDETERMINED for reason in outcome.reasons)


def _says_nothing(decision: Decision) -> bool:
    """A repeat that changes nothing leaves no entry: a second tap on what already stands."""
    return decision.outcome.status is Status.DUPLICATE and not decision.changes and not decision.effects
