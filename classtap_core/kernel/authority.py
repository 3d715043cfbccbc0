"""The cloud's authority: takes signed batches exactly once, decides each operation under guards, chains the decisions.

The same engine stands over SQLAlchemy in the cloud and over memory in the simulator.
"""

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from itertools import islice
from typing import Any, NamedTuple, Protocol

import msgspec

from classtap_core.kernel.batches import Batch, Verifier, check_signed, check_whose, read_batch
from classtap_core.kernel.bus import Bus, Decision, Phase
from classtap_core.kernel.chain import Link, change_parts, studio_hash
from classtap_core.kernel.clock import Clock, Timestamp
from classtap_core.kernel.device import envelope_of
from classtap_core.kernel.device_store import Answer
from classtap_core.kernel.effects import Home, Intent
from classtap_core.kernel.envelope import (
    GENESIS,
    Author,
    Parts,
    Sealed,
    commitments,
    join_parts,
    make_parts,
    write,
)
from classtap_core.kernel.errors import BadInput, ClassTapError, ProgramFault, Refused
from classtap_core.kernel.ids import Entropy, Id, fresh
from classtap_core.kernel.operations import Kind, Operation, Payload
from classtap_core.kernel.outcomes import DUPLICATE, Outcome, Reason, Status, refused
from classtap_core.kernel.records import plain
from classtap_core.kernel.tx import Change, Reader, Snapshot

MOST_EPOCHS = 64
"""How far a new epoch of a device may lie beyond the last one the cloud knows."""

NOBODY = Id("")


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """How far the cloud has taken a device: the last sequence and hash of its current epoch."""

    device: Id
    epoch: int
    sequence: int
    hash: str
    public_key: bytes
    contested: int = 0


class Known(NamedTuple):
    """What was answered to an operation that came before."""

    hash: str
    answer: Answer


class Incoming(NamedTuple):
    """A batch that waits to be taken: what `read_batch` made of it, and sequences that the storage cannot take."""

    batch: Batch
    sealed: Sequence[Sealed]
    poison: Container[int] = ()


class Moved(NamedTuple):
    """A device's new mark. With `earlier` it speaks of an epoch before its current one, which stays as it is.

    `batch` is what moved it; None when the cloud's own device authored.
    """

    mark: Mark
    earlier: bool = False
    batch: Batch | None = None


class Ledger(NamedTuple):
    """One decided operation as the cloud keeps it."""

    link: Link
    link_data: bytes
    link_hash: str
    data: bytes
    parts: Parts
    changes: tuple[Change, ...]
    change_parts: Parts
    effects: tuple[Intent, ...]
    op: Operation[Any] | None


class StudioHead(NamedTuple):
    sequence: int
    hash: str


class CloudBackend(Reader, Protocol):
    """One studio's cloud storage, inside one database transaction at a time."""

    @property
    def studio(self) -> Id: ...

    def atomic(self) -> AbstractContextManager[Any]: ...

    def marks_of(self, devices: Sequence[Id]) -> Mapping[Id, Mark]:
        """The devices' marks, locked until the transaction ends; one that was never paired has none."""
        ...

    def end_of(self, device: Id, epoch: int) -> tuple[int, str]:
        """The last sequence and hash the cloud has of one epoch of a device; 0 and GENESIS of one it has nothing of."""
        ...

    def authors(self, operations: Iterable[Id]) -> Mapping[Id, Id]:
        """Those of the operations that were decided before, and the devices that brought them."""
        ...

    def known(self, device: Id, epoch: int, sequences: Iterable[int]) -> Mapping[int, Known]: ...

    def lock(self, guards: Sequence[str]) -> None:
        """Lock guard rows, in the order given (sorted)."""
        ...

    def write_rows(self, changes: Sequence[Change]) -> None:
        """Write changed records in bulk."""
        ...

    def lock_head(self) -> StudioHead:
        """The studio's head row, locked; taken only after the records are written."""
        ...

    def append(self, ledgers: Sequence[Ledger]) -> None:
        """Write links, operations, changes (sealed), the change index and the cloud's effects, and move the head."""
        ...

    def set_marks(self, moved: Sequence[Moved]) -> None:
        """Move devices' marks."""
        ...


class Pushed(NamedTuple):
    """What became of a batch: an answer per operation, and the sequence up to which the cloud has that epoch's log."""

    answers: tuple[Answer, ...]
    acked: int
    head: int
    decided: tuple[Ledger, ...]


class CloudDraft(NamedTuple):
    """An operation that the cloud is about to author. A tick brings its own id: a hash of cause, kind, subject, due.

    `changes`: what it does besides, where that does not follow from its payload: a studio that is taken in as it was.
    """

    payload: Payload
    author: Author
    source: str
    cause: str = ""
    depth: int = 0
    external: str = ""
    id: Id | None = None
    changes: tuple[Change, ...] = ()


_PART_MISSING = Outcome(status=Status.QUARANTINED, reasons=(Reason("operation.part_missing"),))
"""What is lacking was erased before it came, or lost: a handler would take its defaults for what was said."""


class _Read(NamedTuple):
    sealed: Sealed
    op: Operation[Any] | None
    trouble: Outcome | None


class _Taken(NamedTuple):
    """A batch that was checked: its device's mark before, the answers to what came before, and what is new in it."""

    mark: Mark
    earlier: bool
    batch: Batch
    known: list[Answer]
    new: list[_Read]

    def moved(self, decided: Sequence[Ledger]) -> Moved:
        """The device's mark after what was decided of it."""
        last = self.new[-1].sealed
        disputed = sum(ledger.link.outcome.status is Status.CONTESTED for ledger in decided)
        mark = msgspec.structs.replace(
            self.mark, sequence=last.envelope.sequence, hash=last.hash, contested=self.mark.contested + disputed
        )
        return Moved(mark, self.earlier, self.batch)

    def answered(self, decided: tuple[Ledger, ...]) -> Pushed:
        answers = [
            *self.known,
            *(
                Answer(ledger.link.device_sequence, ledger.link.outcome, ledger.link.sequence, owed(ledger.effects))
                for ledger in decided
            ),
        ]
        acked = self.new[-1].sealed.envelope.sequence if self.new else self.mark.sequence
        head = decided[-1].link.sequence if decided else max((answer.included for answer in answers), default=0)
        return Pushed(tuple(answers), acked, head, decided)


class Authority:
    """Takes batches and authors the cloud's own operations for one studio."""

    MOST_CONTESTED = 10_000

    def __init__(self, backend: CloudBackend, bus: Bus, clock: Clock, entropy: Entropy, verify: Verifier) -> None:
        self.backend, self.bus, self.clock, self.entropy, self.verify = backend, bus, clock, entropy, verify

    def push(self, batch: Batch, *, sealed: Sequence[Sealed] | None = None, poison: Container[int] = ()) -> Pushed:
        """Take a batch in one transaction. Operations seen before are answered as they were.

        `sealed` is what `read_batch` made of it, where somebody did that before. `poison` names sequences that the
        storage cannot take: they are quarantined without being decided.

        A device that was restored, or finds that a copy of it has written, begins a new epoch: the cloud takes it, and
        goes on taking what earlier epochs had not sent. Raises Refused `sync.unpaired`, `sync.signature`, `sync.gap`
        (with `expected`), `sync.fork` (with `sequence`, and the `epoch` to begin), `sync.epoch`, of a batch that somebody
        else brought `sync.parts_missing` (with `sequence`: what lacks a part that was not here yet); BadInput when an
        envelope is not one. Nothing is kept then.
        """
        one = Incoming(batch, read_batch(batch) if sealed is None else sealed, poison)
        (found,) = self.push_together(lambda: [one])
        if isinstance(found, ClassTapError):
            raise found
        return found

    def push_together(self, waiting: Callable[[], Sequence[Incoming]]) -> list[Pushed | Refused | BadInput]:
        """Take batches of different devices in one transaction, in this order, each answered as it would be alone.

        `waiting` is asked once, when the studio is ours to write: who came while another worker wrote goes along. A batch
        that `push` would raise Refused or BadInput for gets that in its place; nothing of it is kept, and all of the
        others. Any other fault is raised, and nothing of any batch is kept.
        """
        with self.backend.atomic():
            pushes = waiting()
            devices = [push.batch.device for push in pushes]
            if len(set(devices)) < len(devices):
                raise ProgramFault("of two batches of one device the second would be judged by a mark that has moved")
            marks = self.backend.marks_of(devices)
            found = [self._opened(push, marks.get(push.batch.device)) for push in pushes]
            taken = [one for one in found if isinstance(one, _Taken) and one.new]
            ledgers = iter(self._decide_and_write(taken))
            done: list[Pushed | Refused | BadInput] = []
            moved: list[Moved] = []
            for one in found:
                if not isinstance(one, _Taken):
                    done.append(one)
                    continue
                decided = tuple(islice(ledgers, len(one.new)))
                if decided:
                    moved.append(one.moved(decided))
                done.append(one.answered(decided))
            if moved:
                self.backend.set_marks(moved)
        return done

    def author(
        self, device: Id, payload: Payload, author: Author, *, source: str, cause: str = "", depth: int = 0,
        external: str = "", id: Id | None = None,
    ) -> Ledger:  # fmt: skip
        """Author one operation as the studio's own cloud device: ticks, jobs, partners, pages."""
        draft = CloudDraft(payload, author, source, cause, depth, external, id)
        (ledger,) = self.author_all(device, [draft])
        return ledger

    def author_all(self, device: Id, drafts: Sequence[CloudDraft]) -> tuple[Ledger, ...]:
        """Author several operations in one transaction, each seeing what the ones before it did.

        A draft whose id was there before is a duplicate: a tick that is tried again, or twice, happens once.
        Raises the first fault of a handler; nothing is kept then.
        """
        with self.backend.atomic():
            mark = self.backend.marks_of([device]).get(device)
            if mark is None:
                raise Refused("sync.unpaired")
            at = self.clock.now()
            ops = [self._drafted(draft, mark, position, at) for position, draft in enumerate(drafts, 1)]
            self.backend.lock(_guards(ops))
            snapshot = Snapshot(self.backend, self.bus.registry)
            self.bus.prefetch(ops, snapshot, now=at.corrected)
            decided: list[tuple[_Read, Decision | None]] = []
            previous = mark.hash
            taken = set(self.backend.authors([draft.id for draft in drafts if draft.id is not None]))
            for op, draft in zip(ops, drafts, strict=True):
                if op.id in taken:
                    decision = Decision(op, DUPLICATE)
                else:
                    decision = self.bus.decide(op, snapshot, now=at.corrected, phase=Phase.AUTHOR)
                taken.add(op.id)
                if decision.fault is not None:
                    raise decision.fault
                if draft.changes and decision.outcome.stands:
                    decision = decision._replace(changes=decision.changes + draft.changes)
                snapshot.apply(decision.op.id, decision.changes)
                parts = make_parts(op.spec.payload, plain(op.payload), self.entropy)
                sealed = write(envelope_of(op, decision, previous, parts), parts)
                previous = sealed.hash
                decided.append((_Read(sealed, op, None), decision))
            snapshot.done()
            ledgers = self._write(decided)
            mark = msgspec.structs.replace(mark, sequence=mark.sequence + len(ops), hash=previous)
            self.backend.set_marks([Moved(mark)])
        return ledgers

    def _drafted(self, draft: CloudDraft, mark: Mark, position: int, at: Timestamp) -> Operation[Any]:
        return Operation(
            draft.payload.SPEC, draft.payload, id=draft.id or fresh(at.corrected, self.entropy), studio=self._studio,
            device=mark.device, epoch=mark.epoch, sequence=mark.sequence + position, author=draft.author, at=at,
            source=draft.source, cause=draft.cause, depth=draft.depth, external=draft.external,
        )  # fmt: skip

    def decide(self, device: Id, payload: Payload, author: Author, *, source: str) -> Decision:
        """What would become of an operation, without committing."""
        at = self.clock.now()
        op = Operation(
            payload.SPEC, payload, id=fresh(at.corrected, self.entropy), studio=self._studio, device=device, epoch=0,
            sequence=0, author=author, at=at, source=source,
        )  # fmt: skip
        return self.bus.decide(op, Snapshot(self.backend, self.bus.registry), now=at.corrected, phase=Phase.AUTHOR)

    @property
    def _studio(self) -> Id:
        return self.backend.studio

    def _opened(self, push: Incoming, current: Mark | None) -> "_Taken | Refused | BadInput":
        """A batch that was checked against what the cloud has of its device, or why it cannot be taken."""
        batch, sealed, poison = push
        try:
            if current is None:
                raise Refused("sync.unpaired")
            self._check(batch, sealed, current)
            mark = self._in_epoch(current, batch.epoch)
            new = [item for item in sealed if item.envelope.sequence > mark.sequence]
            old = [item for item in sealed if item.envelope.sequence <= mark.sequence]
            answers = self._repeat(old, batch, current)
            self._check_chain(new, mark, current)
            if batch.carrier:
                _check_whole(new)
        except (Refused, BadInput) as no:
            return no
        reads = [self._read(item, poison) for item in new]
        return _Taken(mark, mark.epoch < current.epoch, batch, answers, reads)

    def _check(self, batch: Batch, sealed: Sequence[Sealed], mark: Mark) -> None:
        check_whose(batch, sealed, studio=self._studio)
        if not 1 <= batch.epoch <= mark.epoch + MOST_EPOCHS:
            raise Refused("sync.epoch", expected=mark.epoch)
        check_signed(batch, sealed, mark.public_key, self.verify)

    def _in_epoch(self, current: Mark, epoch: int) -> Mark:
        """How far the cloud has taken an epoch of a device."""
        if epoch == current.epoch:
            return current
        sequence, hash = self.backend.end_of(current.device, epoch) if epoch < current.epoch else (0, GENESIS)
        return msgspec.structs.replace(current, epoch=epoch, sequence=sequence, hash=hash)

    def _repeat(self, old: Sequence[Sealed], batch: Batch, current: Mark) -> list[Answer]:
        known = self.backend.known(batch.device, batch.epoch, [item.envelope.sequence for item in old]) if old else {}
        answers = []
        for item in old:
            before = known.get(item.envelope.sequence)
            if before is None or before.hash != item.hash:
                raise Refused("sync.fork", sequence=item.envelope.sequence, epoch=current.epoch + 1)
            answers.append(before.answer)
        return answers

    @staticmethod
    def _check_chain(new: Sequence[Sealed], mark: Mark, current: Mark) -> None:
        if not new:
            return
        first = new[0].envelope
        if first.sequence != mark.sequence + 1:
            raise Refused("sync.gap", expected=mark.sequence + 1)
        if first.previous != mark.hash:
            raise Refused("sync.fork", sequence=first.sequence, epoch=current.epoch + 1)

    def _read(self, sealed: Sealed, poison: Container[int]) -> _Read:
        if sealed.envelope.sequence in poison:
            return _Read(
                sealed, None, Outcome(status=Status.QUARANTINED, reasons=(Reason("fault", {"type": "storage"}),))
            )
        if len(sealed.parts) < len(sealed.envelope.payload):
            return _Read(sealed, None, _PART_MISSING)
        try:
            op = self.bus.registry.read(sealed.envelope, join_parts(sealed.parts), sealed.hash)
        except BadInput as bad:
            trouble = Outcome(status=Status.QUARANTINED, reasons=(Reason(bad.code, bad.params),))
            return _Read(sealed, None, trouble)
        return _Read(sealed, op, None)

    def _decide_and_write(self, taken: "Sequence[_Taken]") -> tuple[Ledger, ...]:
        """Decide what is new in the batches, in their order, and write it: what one of them changed, the next one sees."""
        if not taken:
            return ()
        ops = [read.op for one in taken for read in one.new if read.op is not None]
        self.backend.lock(_guards(ops))
        now = self.clock.now().corrected
        snapshot = Snapshot(self.backend, self.bus.registry)
        self.bus.prefetch(_firsts(ops), snapshot, now=now)
        authors = dict(self.backend.authors([op.id for op in ops]))
        decided: list[tuple[_Read, Decision | None]] = []
        for one in taken:
            room = self.MOST_CONTESTED - one.mark.contested
            for read in one.new:
                if read.op is None:
                    authors.setdefault(read.sealed.envelope.id, one.mark.device)
                    decided.append((read, None))
                    continue
                author = authors.setdefault(read.op.id, NOBODY)
                if author != NOBODY:
                    known = DUPLICATE if author == one.mark.device else refused("operation.id_taken")
                    decided.append((read, Decision(read.op, known)))
                    continue
                authors[read.op.id] = one.mark.device
                decision = self.bus.decide(read.op, snapshot, now=now, phase=Phase.ACCEPT)
                if decision.outcome.status is Status.CONTESTED:
                    room -= 1
                    if room < 0:
                        decided.append(_not_kept(read, decision))
                        continue
                snapshot.apply(decision.op.id, decision.changes)
                decided.append((read, decision))
        snapshot.done()
        return self._write(decided)

    def _write(self, decided: Sequence[tuple[_Read, Decision | None]]) -> tuple[Ledger, ...]:
        self.backend.write_rows([change for _, decision in decided if decision for change in decision.changes])
        head = self.backend.lock_head()
        now = self.clock.now().corrected
        ledgers = []
        for read, decision in decided:
            ledger = self._link(read, decision, head, now)
            head = StudioHead(ledger.link.sequence, ledger.link_hash)
            ledgers.append(ledger)
        self.backend.append(ledgers)
        return tuple(ledgers)

    def _link(self, read: _Read, decision: Decision | None, head: StudioHead, now: int) -> Ledger:
        envelope = read.sealed.envelope
        changes = decision.changes if decision else ()
        parts = change_parts(changes, self.bus.registry.records, self.entropy) if changes else {}
        outcome = decision.outcome if decision else read.trouble
        assert outcome is not None
        link = Link(
            studio=envelope.studio, sequence=head.sequence + 1, previous=head.hash, operation=envelope.id,
            kind=envelope.kind, device=envelope.device, epoch=envelope.epoch, device_sequence=envelope.sequence,
            envelope=read.sealed.hash, decided=now, outcome=outcome, changes=commitments(parts),
        )  # fmt: skip
        data = link.written()
        effects = tuple(effect for effect in (decision.effects if decision else ()) if _kept(effect, read.op))
        return Ledger(
            link, data, studio_hash(data), read.sealed.data, read.sealed.parts, changes, parts, effects, read.op
        )


def _check_whole(new: Iterable[Sealed]) -> None:
    """What lacks a part is quarantined for good: its author may say that of itself, nobody else of it."""
    for item in new:
        if len(item.parts) < len(item.envelope.payload):
            raise Refused("sync.parts_missing", sequence=item.envelope.sequence)


def owed(effects: Iterable[Intent]) -> tuple[Intent, ...]:
    """Those effects that the author has to carry out, now that what it asked for stands."""
    return tuple(effect for effect in effects if effect.home is Home.HERE_WHEN_ACCEPTED)


def _kept(effect: Intent, op: Operation[Any] | None) -> bool:
    """The cloud's own effects, and those that wait for the answer to a request. A fact's author has its own already."""
    if effect.home is Home.HERE_WHEN_ACCEPTED:
        return op is not None and op.spec.kind is not Kind.FACT
    return effect.home is Home.CLOUD


def _not_kept(read: _Read, decision: Decision) -> tuple[_Read, Decision]:
    """One disputed fact too many of one device: answered, and only its envelope stays."""
    outcome = refused("contested.too_many")
    return read._replace(sealed=read.sealed._replace(parts={})), Decision(decision.op, outcome)


def _firsts(ops: Iterable[Operation[Any]]) -> tuple[Operation[Any], ...]:
    """The first operation of each id: one that comes again is answered, and what it would read is nobody's affair."""
    firsts: dict[Id, Operation[Any]] = {}
    for op in ops:
        firsts.setdefault(op.id, op)
    return tuple(firsts.values())


def _guards(ops: Iterable[Operation[Any]]) -> list[str]:
    """The names to lock for a batch, sorted, so that two batches never wait for each other in a circle."""
    return sorted({guard for op in ops for guard in op.payload.guards(op)})
