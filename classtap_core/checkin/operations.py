"""Marks and scans: facts about the world, folded in at once, kept whatever else is true."""

from typing import Annotated, Any, ClassVar

import msgspec

from classtap_core.access.blueprints import Capability
from classtap_core.checkin import rules
from classtap_core.checkin.attendees import AttendeePass, PassUse, pass_use_id
from classtap_core.checkin.records import Attendance, Mark, Scan, State, attendance_id
from classtap_core.kernel.effects import Effect, Home
from classtap_core.kernel.ids import Id
from classtap_core.kernel.operations import Key, Kind, Operation, Payload, Reads, Resource, handles, operation
from classtap_core.kernel.outcomes import (
    ACCEPTED,
    ItemOutcome,
    Outcome,
    Reason,
    Status,
    contested,
    of_items,
    reason,
    refused,
)
from classtap_core.kernel.records import about
from classtap_core.kernel.tx import Tx
from classtap_core.passes.admission import Use, admitted, with_use
from classtap_core.schedule.operations import of_session
from classtap_core.schedule.records import Session
from classtap_core.schedule.rules import ends_ms

LET_IN = "ok"
_NEWS = frozenset({State.LATE, State.ABSENT})


class ChildMark(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What is said about one child.

    Attributes:
        state: a `State`. corrects: the operation whose mark this replaces (`BoardChild.mark`), or "".
        reason: a template's code. expected_ms: when somebody late is expected.
        override: why staff take a gate's block on themselves: a code, or "".
    """

    child: Id
    state: str
    corrects: str = ""
    reason: Annotated[str, about("child")] = ""
    note: Annotated[str, about("child")] = ""
    expected_ms: int = 0
    override: str = ""


@operation("attendance.mark", version=1, kind=Kind.FACT, needs=Capability.MARK_ATTENDANCE)
class MarkAttendance(Payload, frozen=True, kw_only=True):
    """Children are present, late or absent in a session. A gate that stops one child never stops a sibling."""

    session: Id
    items: tuple[ChildMark, ...]

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield Key(Session, self.session)
        session = tx.get(Session, self.session)
        if session is not None:
            scope = f"roster/{session.location}/{session.date}"
            yield [Key(Attendance, attendance_id(op.studio, self.session, item.child), scope) for item in self.items]

    def guards(self, op: Operation[Any]) -> tuple[str, ...]:
        return (f"session:{self.session}",)

    def resource(self, tx: Tx, op: Operation[Any]) -> Resource:
        return of_session(tx.get(Session, self.session))

    def items_of(self) -> tuple[str, ...]:
        return tuple(item.child for item in self.items)


class AttendanceChanged(Effect, frozen=True, kw_only=True):
    """A child who was expected in a session is late or absent now: those at home may want to know."""

    KIND: ClassVar[str] = "attendance.changed"

    session: Id
    child: Id
    state: str


@handles(MarkAttendance)
def mark_attendance(tx: Tx, op: Operation[MarkAttendance]) -> Outcome:
    session = tx.get(Session, op.payload.session)
    if session is None:
        return contested("session.unknown")
    outcomes: list[ItemOutcome] = []
    owed: list[dict[str, str | int]] = []
    for position, item in enumerate(op.payload.items):
        trouble = _trouble(op, session, item, position)
        if trouble is not None:
            outcomes.append(ItemOutcome(item.child, Status.REFUSED, (trouble,)))
            continue
        outcome, mark = _fold(tx, op, session, item)
        outcomes.append(outcome)
        if rules.wants_reason(mark) and outcome.status is Status.ACCEPTED:
            owed.append({"ask": "reason", "child": item.child, "state": item.state})
    return msgspec.structs.replace(of_items(outcomes), obligations=tuple(owed))


def _trouble(op: Operation[MarkAttendance], session: Session, item: ChildMark, position: int) -> Reason | None:
    blocked = op.blocked(item.child)
    if blocked is not None:
        return Reason(f"gate.{blocked.code}", dict(blocked.params))
    if any(other.child == item.child for other in op.payload.items[:position]):
        return reason("attendance.twice")
    code = rules.mark_trouble(
        item.state, corrects=item.corrects, note=item.note, expected_ms=item.expected_ms, at_ms=op.at.corrected,
        session_end_ms=ends_ms(session),
    )  # fmt: skip
    return reason(code) if code else None


def _fold(tx: Tx, op: Operation[MarkAttendance], session: Session, item: ChildMark) -> tuple[ItemOutcome, Mark]:
    id = attendance_id(op.studio, session.id, item.child)
    entry = tx.get(Attendance, id) or Attendance(
        id=id, session=session.id, child=item.child, location=session.location, date=session.date
    )
    mark = _mark(op, item)
    before = rules.standing(entry.marks)
    marks = rules.with_mark(entry.marks, mark)
    now = rules.standing(marks)
    tx.put(msgspec.structs.replace(entry, marks=marks))
    if now.state is not before.state and now.state in _NEWS:
        effect = AttendanceChanged(session=session.id, child=item.child, state=now.state.value)
        tx.effect(effect, home=Home.CLOUD)
    if now.mark == mark:
        reasons = (reason("attendance.tie"),) if now.tie else ()
        return ItemOutcome(item.child, Status.ACCEPTED, reasons), mark
    held = now.mark
    assert held is not None
    why = reason("attendance.already", state=held.state.value, at_ms=held.at_ms, device=held.device)
    said_already = mark not in marks and held.state == mark.state
    return ItemOutcome(item.child, Status.DUPLICATE if said_already else Status.SUPERSEDED, (why,)), mark


def _mark(op: Operation[MarkAttendance], item: ChildMark) -> Mark:
    span = op.at.interval()
    return Mark(
        operation=op.id, order=op.order, earliest=span.earliest, latest=span.latest, state=State(item.state),
        author=op.author.type, by=op.author.id, corrects=item.corrects, reason=item.reason, note=item.note,
        expected_ms=item.expected_ms, override=item.override,
    )  # fmt: skip


@operation("scan.record", version=1, kind=Kind.FACT, needs=Capability.RECORD_SCAN)
class RecordScan(Payload, frozen=True, kw_only=True):
    """A code that verified, or named a known pass, was held to a camera; recorded before the verdict shows.

    Attributes as in `Scan`; `date` is the location's local date (`timekeeping.rules.local_date`). `attendee` is the
    attendee pass it named, in the scope `within`; a scan that let somebody in on one is superseded where others came
    before it, whichever door they came to.
    """

    location: Id
    date: str
    outcome: str
    handle: str
    epoch: int = 0
    family: str = ""
    key_id: int = 0
    reason: str = ""
    decode_us: int = 0
    verify_us: int = 0
    operator: str = ""
    trace: str = ""
    attendee: str = ""
    within: str = ""

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        wants = [Key(Scan, op.id, f"scans/{self.location}/{self.date}")]
        if self.attendee and self.outcome == LET_IN:
            attendee = Id(self.attendee)
            wants += [Key(AttendeePass, attendee, self.within), Key(PassUse, pass_use_id(attendee), self.within)]
        yield wants

    def guards(self, op: Operation[Any]) -> tuple[str, ...]:
        return (f"pass:{self.attendee}",) if self.attendee else ()

    def resource(self, tx: Tx, op: Operation[Any]) -> Resource:
        return Resource(self.location)


@handles(RecordScan)
def record_scan(tx: Tx, op: Operation[RecordScan]) -> Outcome:
    scan = op.payload
    if not scan.outcome:
        return refused("scan.outcome")
    tx.put(
        Scan(
            id=op.id, outcome=scan.outcome, handle=scan.handle, at_ms=op.at.corrected, location=scan.location,
            date=scan.date, device=op.device, epoch=scan.epoch, family=scan.family, key_id=scan.key_id,
            reason=scan.reason, decode_us=scan.decode_us, verify_us=scan.verify_us, operator=scan.operator,
            trace=scan.trace,
        )
    )  # fmt: skip
    return _let_in(tx, op) if scan.attendee and scan.outcome == LET_IN else ACCEPTED


def _let_in(tx: Tx, op: Operation[RecordScan]) -> Outcome:
    """Fold one entry on an attendee pass; who came too often is told, here or wherever two doors first meet."""
    attendee = tx.get(AttendeePass, Id(op.payload.attendee))
    if attendee is None:
        return ACCEPTED
    id = pass_use_id(attendee.id)
    held = tx.get(PassUse, id) or PassUse(
        id=id, attendee=attendee.id, location=attendee.location, date=attendee.date
    )  # fmt: skip
    uses = with_use(held.uses, Use(op.id, op.order, op.payload.location))
    tx.put(msgspec.structs.replace(held, uses=uses))
    kept = admitted(uses, limit=attendee.entry_limit, window_ms=attendee.entry_window_s * 1000)
    if any(use.operation == op.id for use in kept):
        return ACCEPTED
    why = reason(
        "pass.used_elsewhere", entries=len(kept), limit=attendee.entry_limit, at_ms=kept[0].at_ms, device=kept[0].device
    )
    return Outcome(status=Status.SUPERSEDED, reasons=(why,), obligations=({"ask": "review", "pass": attendee.id},))
