"""What stands before a mark: window, capability, overlap, consent, health, eligibility, booking. Judged child by child."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any

from classtap_core.access.blueprints import Capability
from classtap_core.access.records import Grant
from classtap_core.access.rules import decide
from classtap_core.booking import care_gates
from classtap_core.booking import gates as booking_gates
from classtap_core.booking.records import Booking, Policy, booking_id, policy_id
from classtap_core.booking.rules import BOOKED
from classtap_core.checkin import rules
from classtap_core.checkin.operations import MarkAttendance
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


class _MarkGate(ABC):
    """What the gates before a mark share: they judge marks, and need the session."""

    name = stage = ""

    def applies(self, op: Operation[Any]) -> bool:
        return isinstance(op.payload, MarkAttendance)

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield Key(Session, op.payload.session)
        session = tx.get(Session, op.payload.session)
        if session is not None:
            yield self._wants(tx, op, session)
            yield self._then(tx, op, session)
            yield from self._at_last(tx, op, session)

    def check(self, tx: Tx, op: Operation[Any]) -> Iterable[GateResult]:
        session = tx.get(Session, op.payload.session)
        return () if session is None else self._judge(tx, op, session)

    @abstractmethod
    def _wants(self, tx: Tx, op: Operation[MarkAttendance], session: Session) -> Sequence[Want]:
        """What it reads once the session is here."""

    def _then(self, tx: Tx, op: Operation[MarkAttendance], session: Session) -> Sequence[Want]:
        """What it reads after that."""
        return ()

    def _at_last(self, tx: Tx, op: Operation[MarkAttendance], session: Session) -> Reads:
        """What it reads in the rarest case, in rounds."""
        yield from ()

    @abstractmethod
    def _judge(self, tx: Tx, op: Operation[MarkAttendance], session: Session) -> Iterable[GateResult]:
        """The verdict on each item."""


class WindowGate(_MarkGate):
    """Marks are made around the start; staff may correct until a day after the end, and override."""

    name = stage = "window"

    def _wants(self, tx: Tx, op: Operation[MarkAttendance], session: Session) -> Sequence[Want]:
        return (Key(Policy, policy_id(op.studio, rules.CHECKIN_POLICY), "studio"),)

    def _judge(self, tx: Tx, op: Operation[MarkAttendance], session: Session) -> Iterable[GateResult]:
        policy = tx.get(Policy, policy_id(op.studio, rules.CHECKIN_POLICY))
        window = rules.window_of(policy.values if policy is not None else {})
        staff = op.author.type == "staff"
        for item in op.payload.items:
            gate = rules.window_gate(session, item.child, at_ms=op.at.corrected, window=window)
            if item.override:
                gate = rules.overridden(gate)
            elif staff and item.corrects and gate.code == "too_late" and rules.editable(session, op.at.corrected):
                gate = GateResult(self.name, item.child, "allow")
            yield gate


class CapabilityGate(_MarkGate):
    """Overriding a gate takes a capability of its own, and what staff said only staff take back."""

    name = stage = "capability"

    def _wants(self, tx: Tx, op: Operation[MarkAttendance], session: Session) -> Sequence[Want]:
        if op.author.type == "staff":
            return (Range(Grant, "by_holder", (op.author.id,), scope="studio"),)
        scope = f"roster/{session.location}/{session.date}"
        return [Key(Attendance, attendance_id(op.studio, session.id, item.child), scope) for item in op.payload.items]

    def _judge(self, tx: Tx, op: Operation[MarkAttendance], session: Session) -> Iterable[GateResult]:
        for item in op.payload.items:
            code = ""
            if op.author.type == "staff":
                if item.override:
                    grants = tx.find(Grant, "by_holder", op.author.id)
                    may = decide(grants, Capability.OVERRIDE_GATE, of_session(session), at_ms=op.at.corrected)
                    code = "" if may.allowed else "override_denied"
            elif item.override:
                code = "override_denied"
            elif item.corrects:
                entry = tx.get(Attendance, attendance_id(op.studio, session.id, item.child))
                held = rules.standing(entry.marks).mark if entry is not None else None
                code = "staff_marked" if held is not None and held.author == "staff" else ""
            yield GateResult(self.name, item.child, "block" if code else "allow", code)


class OverlapGate(_MarkGate):
    """Present in a session that shares time disables Present here. Nobody may override that."""

    name = stage = "overlap"

    def _wants(self, tx: Tx, op: Operation[MarkAttendance], session: Session) -> Sequence[Want]:
        return [
            Range(Attendance, "by_child_date", (child, day), scope=f"roster/{session.location}/{day}")
            for child in _arriving(op)
            for day in rules.overlap_days(session)
        ]

    def _then(self, tx: Tx, op: Operation[MarkAttendance], session: Session) -> Sequence[Want]:
        found = [entry for child in _arriving(op) for entry in self._present(tx, child, session)]
        return [Key(Session, entry.session, f"schedule/{entry.location}/{entry.date[:7]}") for entry in found]

    def _judge(self, tx: Tx, op: Operation[MarkAttendance], session: Session) -> Iterable[GateResult]:
        for item in op.payload.items:
            if item.state == State.PRESENT:
                others = [tx.get(Session, entry.session) for entry in self._present(tx, item.child, session)]
                yield rules.overlap_gate(
                    session, item.child, present_in=[other for other in others if other is not None]
                )

    @staticmethod
    def _present(tx: Tx, child: str, session: Session) -> list[Attendance]:
        return [
            entry
            for day in rules.overlap_days(session)
            for entry in tx.find(Attendance, "by_child_date", child, day)
            if entry.session != session.id and rules.standing(entry.marks).state is State.PRESENT
        ]


class CareGate(_MarkGate):
    """Consent, or papers, of children who arrive: the same judgement as before a booking. Late and Absent remain."""

    def __init__(self, care: care_gates.Care) -> None:
        self.care = care
        self.name = self.stage = care.name

    def _wants(self, tx: Tx, op: Operation[MarkAttendance], session: Session) -> Sequence[Want]:
        return self.care.wants(session) if _arriving(op) else ()

    def _then(self, tx: Tx, op: Operation[MarkAttendance], session: Session) -> Sequence[Want]:
        arriving = _arriving(op)
        return [Key(Child, child) for child in arriving] if arriving and self.care.asks(tx, session) else ()

    def _at_last(self, tx: Tx, op: Operation[MarkAttendance], session: Session) -> Reads:
        arriving = _arriving(op)
        if arriving and self.care.asks(tx, session):
            yield care_gates.child_wants(tx, self.care, arriving)

    def _judge(self, tx: Tx, op: Operation[MarkAttendance], session: Session) -> Iterable[GateResult]:
        arriving = _arriving(op)
        if not arriving:
            return ()
        overrides = {item.child: bool(item.override) for item in op.payload.items if item.child in arriving}
        return care_gates.judged(tx, self.care, session, overrides)


class EligibilityGate(_MarkGate):
    """Who is booked was judged when they were booked; who walks in is judged now, and staff may take it on themselves."""

    name = stage = "eligibility"

    def _wants(self, tx: Tx, op: Operation[MarkAttendance], session: Session) -> Sequence[Want]:
        return _bookings(op, session)

    def _then(self, tx: Tx, op: Operation[MarkAttendance], session: Session) -> Sequence[Want]:
        return booking_gates.class_wants(session) if _walk_ins(tx, op, session) else ()

    def _at_last(self, tx: Tx, op: Operation[MarkAttendance], session: Session) -> Reads:
        walk_ins = _walk_ins(tx, op, session)
        if walk_ins:
            yield from booking_gates.learner_wants(tx, session, walk_ins)

    def _judge(self, tx: Tx, op: Operation[MarkAttendance], session: Session) -> Iterable[GateResult]:
        walk_ins = _walk_ins(tx, op, session)
        if not walk_ins or not booking_gates.rule_of(tx, session):
            return
        for item in op.payload.items:
            if item.child in walk_ins and item.state == State.PRESENT:
                gate = booking_gates.told(item.child, booking_gates.judged(tx, session, item.child))
                yield booking_gates.taken_on(gate, allowed=bool(item.override))


class BookingGate(_MarkGate):
    """A mark without a booking is a walk-in: staff's to admit (kept, and flagged), not a kiosk's (ruling 10a)."""

    name, stage = "booking", "capacity"

    def _wants(self, tx: Tx, op: Operation[MarkAttendance], session: Session) -> Sequence[Want]:
        return _bookings(op, session)

    def _judge(self, tx: Tx, op: Operation[MarkAttendance], session: Session) -> Iterable[GateResult]:
        for item in op.payload.items:
            if _is_booked(tx, op, session, item.child):
                yield GateResult(self.name, item.child, "allow")
            elif op.author.type == "staff":
                yield GateResult(self.name, item.child, "warn", "walk_in")
            else:
                yield GateResult(self.name, item.child, "block", "not_booked")


def _arriving(op: Operation[MarkAttendance]) -> list[Id]:
    return [item.child for item in op.payload.items if item.state == State.PRESENT]


def _bookings(op: Operation[MarkAttendance], session: Session) -> list[Want]:
    scope = f"roster/{session.location}/{session.date}"
    return [Key(Booking, booking_id(op.studio, session.id, item.child), scope) for item in op.payload.items]


def _is_booked(tx: Tx, op: Operation[MarkAttendance], session: Session, child: Id) -> bool:
    booking = tx.get(Booking, booking_id(op.studio, session.id, child))
    return booking is not None and booking.state == BOOKED


def _walk_ins(tx: Tx, op: Operation[MarkAttendance], session: Session) -> list[Id]:
    """Who has no booking. Where bookings are not held, nobody: the gate that asks for them asks staff."""
    try:
        return [item.child for item in op.payload.items if not _is_booked(tx, op, session, item.child)]
    except NotHeld:
        return []


CONSENT, PAPERS = care_gates.Consent(CHECKIN), care_gates.Papers()
GATES = (
    WindowGate(), CapabilityGate(), OverlapGate(), CareGate(CONSENT), CareGate(PAPERS), EligibilityGate(), BookingGate(),
)  # fmt: skip
"""The first that blocks gives the reason. Their order in the whole pipeline is `booking_gates.STAGES`'."""


def read_ahead(tx: Tx, op: Operation[Any]) -> Reads:
    """What all of the gates read, in as many rounds as the one that reads longest; the last only for walk-ins."""
    if isinstance(op.payload, MarkAttendance):
        yield Key(Session, op.payload.session)
        session = tx.get(Session, op.payload.session)
        if session is not None:
            yield [want for gate in GATES for want in gate._wants(tx, op, session)]
            yield [want for gate in GATES for want in gate._then(tx, op, session)]
            for gate in GATES:
                yield from gate._at_last(tx, op, session)
    else:
        for before in booking_gates.GATES:
            if before.applies(op):
                yield from before.reads(tx, op)
