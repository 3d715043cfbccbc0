"""What stands before a mark: window, capability, overlap, consent, health, eligibility, booking. Judged child by child."""

from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterable, Sequence
from typing import Any, NamedTuple

from classtap_core.access.blueprints import Capability
from classtap_core.access.records import Grant
from classtap_core.access.rules import decide
from classtap_core.booking import care_gates
from classtap_core.booking import gates as booking_gates
from classtap_core.booking.records import Booking, Policy, booking_id, policy_id
from classtap_core.booking.rules import BOOKED
from classtap_core.checkin import rules
from classtap_core.checkin.operations import ChildMark, MarkAttendance
from classtap_core.checkin.records import Attendance, State, attendance_id
from classtap_core.documents.records import CHECKIN
from classtap_core.kernel.envelope import GateResult
from classtap_core.kernel.errors import NotHeld
from classtap_core.kernel.ids import Id
from classtap_core.kernel.operations import Key, Operation, Range, Reads, Want
from classtap_core.kernel.tx import Tx
from classtap_core.people.records import Child
from classtap_core.schedule.operations import of_session
from classtap_core.schedule.records import Session


class Said(NamedTuple):
    """One child of one mark: what is judged. Several come from one operation, or from several that are judged together."""

    op: Operation[MarkAttendance]
    item: ChildMark


class MarkGate(ABC):
    """What the gates before a mark share: they judge marks in one session, by one author, of different children."""

    name = stage = ""

    def applies(self, op: Operation[Any]) -> bool:
        return isinstance(op.payload, MarkAttendance)

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield Key(Session, op.payload.session)
        session = tx.get(Session, op.payload.session)
        if session is not None:
            said = said_in([op])
            yield self.wants(tx, session, said)
            yield self.then(tx, session, said)
            yield from self.at_last(tx, session, said)

    def check(self, tx: Tx, op: Operation[Any]) -> Iterable[GateResult]:
        session = tx.get(Session, op.payload.session)
        return () if session is None else self.judge(tx, session, said_in([op]))

    @abstractmethod
    def wants(self, tx: Tx, session: Session, said: Sequence[Said]) -> Sequence[Want]:
        """What it reads once the session is here."""

    def then(self, tx: Tx, session: Session, said: Sequence[Said]) -> Sequence[Want]:
        """What it reads after that."""
        return ()

    def at_last(self, tx: Tx, session: Session, said: Sequence[Said]) -> Reads:
        """What it reads in the rarest case, in rounds."""
        yield from ()

    @abstractmethod
    def judge(self, tx: Tx, session: Session, said: Sequence[Said]) -> Iterable[GateResult]:
        """The verdict on each child it has one on."""


class WindowGate(MarkGate):
    """Marks are made around the start; staff may correct until a day after the end, and override."""

    name = stage = "window"

    def wants(self, tx: Tx, session: Session, said: Sequence[Said]) -> Sequence[Want]:
        return (Key(Policy, policy_id(said[0].op.studio, rules.CHECKIN_POLICY), "studio"),)

    def judge(self, tx: Tx, session: Session, said: Sequence[Said]) -> Iterable[GateResult]:
        policy = tx.get(Policy, policy_id(said[0].op.studio, rules.CHECKIN_POLICY))
        window = rules.window_of(policy.values if policy is not None else {})
        for op, item in said:
            gate = rules.window_gate(session, item.child, at_ms=op.at.corrected, window=window)
            if item.override:
                gate = rules.overridden(gate)
            elif gate.code == "too_late" and self._may_correct(session, op, item):
                gate = GateResult(self.name, item.child, "allow")
            yield gate

    @staticmethod
    def _may_correct(session: Session, op: Operation[MarkAttendance], item: ChildMark) -> bool:
        return bool(item.corrects) and op.author.type == "staff" and rules.editable(session, op.at.corrected)


class CapabilityGate(MarkGate):
    """Overriding a gate takes a capability of its own, and what staff said only staff take back."""

    name = stage = "capability"

    def wants(self, tx: Tx, session: Session, said: Sequence[Said]) -> Sequence[Want]:
        author = said[0].op.author
        return (Range(Grant, "by_holder", (author.id,), scope="studio"),) if author.type == "staff" else ()

    def judge(self, tx: Tx, session: Session, said: Sequence[Said]) -> Iterable[GateResult]:
        for op, item in said:
            code = ""
            if item.override:
                code = "" if self._may_override(tx, session, op) else "override_denied"
            elif item.corrects and op.author.type != "staff":
                entry = tx.get(Attendance, attendance_id(op.studio, session.id, item.child))
                held = rules.standing(entry.marks).mark if entry is not None else None
                code = "staff_marked" if held is not None and held.author == "staff" else ""
            yield GateResult(self.name, item.child, "block" if code else "allow", code)

    @staticmethod
    def _may_override(tx: Tx, session: Session, op: Operation[MarkAttendance]) -> bool:
        if op.author.type != "staff":
            return False
        grants = tx.find(Grant, "by_holder", op.author.id)
        return decide(grants, Capability.OVERRIDE_GATE, of_session(session), at_ms=op.at.corrected).allowed


class OverlapGate(MarkGate):
    """Present in a session that shares time disables Present here. Nobody may override that."""

    name = stage = "overlap"

    def wants(self, tx: Tx, session: Session, said: Sequence[Said]) -> Sequence[Want]:
        days = [(day, f"roster/{session.location}/{day}") for day in rules.overlap_days(session)]
        return [
            Range(Attendance, "by_child_date", (child, day), scope=scope)
            for child in _arriving(said)
            for day, scope in days
        ]

    def then(self, tx: Tx, session: Session, said: Sequence[Said]) -> Sequence[Want]:
        days = rules.overlap_days(session)
        return [
            Key(Session, entry.session, f"schedule/{entry.location}/{entry.date[:7]}")
            for child in _arriving(said)
            for entry in self._present(tx, child, session, days)
        ]

    def judge(self, tx: Tx, session: Session, said: Sequence[Said]) -> Iterable[GateResult]:
        days = rules.overlap_days(session)
        for child in _arriving(said):
            others = [tx.get(Session, entry.session) for entry in self._present(tx, child, session, days)]
            yield rules.overlap_gate(session, child, present_in=[other for other in others if other is not None])

    @staticmethod
    def _present(tx: Tx, child: Id, session: Session, days: Iterable[str]) -> list[Attendance]:
        return [
            entry
            for day in days
            for entry in tx.find(Attendance, "by_child_date", child, day)
            if entry.session != session.id and rules.standing(entry.marks).state is State.PRESENT
        ]


class CareGate(MarkGate):
    """Consent, or papers, of children who arrive: the same judgement as before a booking. Late and Absent remain."""

    def __init__(self, care: care_gates.Care) -> None:
        self.care = care
        self.name = self.stage = care.name

    def wants(self, tx: Tx, session: Session, said: Sequence[Said]) -> Sequence[Want]:
        return self.care.wants(session) if _arriving(said) else ()

    def then(self, tx: Tx, session: Session, said: Sequence[Said]) -> Sequence[Want]:
        arriving = _arriving(said)
        return [Key(Child, child) for child in arriving] if arriving and self.care.asks(tx, session) else ()

    def at_last(self, tx: Tx, session: Session, said: Sequence[Said]) -> Reads:
        arriving = _arriving(said)
        if arriving and self.care.asks(tx, session):
            yield care_gates.child_wants(tx, self.care, arriving)

    def judge(self, tx: Tx, session: Session, said: Sequence[Said]) -> Iterable[GateResult]:
        overrides = {item.child: bool(item.override) for _, item in said if item.state == State.PRESENT}
        return care_gates.judged(tx, self.care, session, overrides) if overrides else ()


class EligibilityGate(MarkGate):
    """Who is booked was judged when they were booked; who walks in is judged now, and staff may take it on themselves."""

    name = stage = "eligibility"

    def wants(self, tx: Tx, session: Session, said: Sequence[Said]) -> Sequence[Want]:
        return [*_bookings(session, said), *booking_gates.class_wants(session)]

    def at_last(self, tx: Tx, session: Session, said: Sequence[Said]) -> Reads:
        if booking_gates.rule_of(tx, session):
            yield from booking_gates.learner_wants(tx, session, _walk_ins(tx, session, said))

    def judge(self, tx: Tx, session: Session, said: Sequence[Said]) -> Iterable[GateResult]:
        if not booking_gates.rule_of(tx, session):
            return
        walk_ins = _walk_ins(tx, session, said)
        for _, item in said:
            if item.child in walk_ins and item.state == State.PRESENT:
                gate = booking_gates.told(item.child, booking_gates.judged(tx, session, item.child))
                yield booking_gates.taken_on(gate, allowed=bool(item.override))


class BookingGate(MarkGate):
    """A mark without a booking is a walk-in: staff's to admit (kept, and flagged), not a kiosk's (ruling 10a)."""

    name, stage = "booking", "capacity"

    def wants(self, tx: Tx, session: Session, said: Sequence[Said]) -> Sequence[Want]:
        return _bookings(session, said)

    def judge(self, tx: Tx, session: Session, said: Sequence[Said]) -> Iterable[GateResult]:
        for op, item in said:
            if _is_booked(tx, op.studio, session, item.child):
                yield GateResult(self.name, item.child, "allow")
            elif op.author.type == "staff":
                yield GateResult(self.name, item.child, "warn", "walk_in")
            else:
                yield GateResult(self.name, item.child, "block", "not_booked")


def said_in(ops: Iterable[Operation[MarkAttendance]]) -> list[Said]:
    return [Said(op, item) for op in ops for item in op.payload.items]


def _arriving(said: Iterable[Said]) -> list[Id]:
    return [item.child for _, item in said if item.state == State.PRESENT]


def _roster(session: Session) -> str:
    return f"roster/{session.location}/{session.date}"


def _bookings(session: Session, said: Iterable[Said]) -> list[Want]:
    scope = _roster(session)
    return [Key(Booking, booking_id(op.studio, session.id, item.child), scope) for op, item in said]


def _is_booked(tx: Tx, studio: Id, session: Session, child: Id) -> bool:
    booking = tx.get(Booking, booking_id(studio, session.id, child))
    return booking is not None and booking.state == BOOKED


def _walk_ins(tx: Tx, session: Session, said: Iterable[Said]) -> list[Id]:
    """Who has no booking. Where bookings are not held, nobody: the gate that asks for them asks staff."""
    try:
        return [item.child for op, item in said if not _is_booked(tx, op.studio, session, item.child)]
    except NotHeld:
        return []


CONSENT, PAPERS = care_gates.Consent(CHECKIN), care_gates.Papers()
GATES = (
    WindowGate(), CapabilityGate(), OverlapGate(), CareGate(CONSENT), CareGate(PAPERS), EligibilityGate(), BookingGate(),
)  # fmt: skip
"""The first that blocks gives the reason. Their order in the whole pipeline is `booking_gates.STAGES`'."""


class MarksTogether:
    """Marks in one session by one author rest on the same documents, papers, policy and rule: those are looked at once.

    Of different children, no mark changes what another is judged by.
    """

    def company(self, op: Operation[Any]) -> Hashable | None:
        if not isinstance(op.payload, MarkAttendance):
            return None
        return (op.payload.session, op.author.type, op.author.id, op.device)

    def reads(self, tx: Tx, ops: Sequence[Operation[Any]]) -> Reads:
        """What marks and all of the gates read, in as many rounds as the one that reads longest; the last only for walk-ins."""
        id = ops[0].payload.session
        yield Key(Session, id)
        session = tx.get(Session, id)
        said = said_in(ops)
        if session is not None and said:
            scope = _roster(session)
            entries = [Key(Attendance, attendance_id(op.studio, id, item.child), scope) for op, item in said]
            yield [*entries, *(want for gate in GATES for want in gate.wants(tx, session, said))]
            yield [want for gate in GATES for want in gate.then(tx, session, said)]
            for gate in GATES:
                yield from gate.at_last(tx, session, said)

    def check(self, tx: Tx, ops: Sequence[Operation[Any]]) -> list[tuple[GateResult, ...]]:
        session = tx.get(Session, ops[0].payload.session)
        said = said_in(ops)
        found: dict[str, list[tuple[int, GateResult]]] = {item.child: [] for _, item in said}
        if session is not None and said:
            for place, gate in enumerate(GATES):
                for verdict in gate.judge(tx, session, said):
                    found[verdict.item].append((place, verdict))
        return [_in_order([found[item.child] for item in op.payload.items]) for op in ops]


def _in_order(of_children: Sequence[Sequence[tuple[int, GateResult]]]) -> tuple[GateResult, ...]:
    """The verdicts on an operation's children as the gates would give them, one gate after the other."""
    verdicts = [one for of_child in of_children for one in of_child]
    if len(of_children) > 1:
        verdicts.sort(key=lambda one: one[0])
    return tuple([verdict for _, verdict in verdicts])
