"""What a person can do about a result that is no longer so: data, the recommended choice first."""

from collections.abc import Sequence
from typing import NamedTuple

from classtap_core.checkin.operations import ChildMark, MarkAttendance, RecordScan
from classtap_core.checkin.reading import fetch
from classtap_core.checkin.records import Attendance
from classtap_core.contesting.doubling import SECOND, Chooser, Clash, clashes, doubled, meetings
from classtap_core.contesting.operations import RuleContested
from classtap_core.contesting.own import OwnLog, said
from classtap_core.contesting.records import Ruling
from classtap_core.kernel.device_store import Notice
from classtap_core.kernel.operations import Kind, Payload
from classtap_core.kernel.outcomes import Status
from classtap_core.kernel.tx import Reader
from classtap_core.kernel.undo import Undo


class Choice(NamedTuple):
    """`code` names its words: keep, leave, apply, late, undo, undo_other, again, retry, happened, dismissed. `payload` is
    what it says; None where nothing has to be said (`retry`: what was set aside is sent again as it was)."""

    code: str
    payload: Payload | None = None


KEEP, LEAVE, RETRY = Choice("keep"), Choice("leave"), Choice("retry")


NOBODY = Chooser()


def choices_of(reader: OwnLog, notice: Notice, by: Chooser = NOBODY) -> tuple[Choice, ...]:
    """The sensible choices; none where there is nothing but to have seen it.

    A fact that is not believed: leave it open, it happened, or it did not. What was set aside: send it again, or leave
    it. A mark that another stands before: keep what holds, or apply this one over it. A child present in two classes at
    once: keep both, take this one back, or the other where `by` may; late here, where the other was said first. Any
    other fact that another stands before: keep what holds, or say this once more. What stands and is to be looked at:
    keep it, or take it back. A request that was refused: leave it, or ask once more. What recommends itself makes nobody
    answer for anything.
    """
    match notice.now.status:
        case Status.CONTESTED:
            return _contested(reader, notice)
        case Status.QUARANTINED:
            return (RETRY, LEAVE)
        case _ if notice.kind == MarkAttendance.SPEC.name:
            return _of_marks(reader, notice, by)
        case Status.SUPERSEDED if notice.kind != RecordScan.SPEC.name:
            return _more(KEEP, "apply", said(reader, notice), Kind.FACT)
        case Status.REFUSED:
            return _more(LEAVE, "again", said(reader, notice), Kind.CLAIM)
        case Status.ACCEPTED if any("review" in owed for owed in notice.now.obligations):
            return (KEEP, Choice("undo", Undo(operation=notice.operation)))
    return ()


def _contested(reader: Reader, notice: Notice) -> tuple[Choice, ...]:
    ruling = fetch(reader, Ruling, [notice.operation]).get(notice.operation)
    if ruling is None or ruling.by:
        return (LEAVE,)
    happened = RuleContested(fact=notice.operation, happened=True, under=ruling.under)
    dismissed = RuleContested(fact=notice.operation, happened=False)
    return (LEAVE, Choice("happened", happened), Choice("dismissed", dismissed))


def _more(first: Choice, code: str, payload: Payload | None, kind: Kind) -> tuple[Choice, ...]:
    """A choice, and to say the same now in one's own name where that is of use."""
    if payload is None or payload.SPEC.kind is not kind:
        return ()
    return (first, Choice(code, payload))


def _of_marks(reader: Reader, notice: Notice, by: Chooser) -> tuple[Choice, ...]:
    met = meetings(reader, notice.operation)
    if notice.now.status is Status.SUPERSEDED:
        apply = [(one.entry, ChildMark(child=one.entry.child, state=one.mine.state, corrects=one.held.operation))
                 for one in met if one.held.state is not one.mine.state]  # fmt: skip
        return (KEEP, *_said("apply", apply)) if apply else ()
    doubted = {str(reason.params["item"]) for reason in notice.now.reasons if "item" in reason.params}
    double = doubled(notice)
    found = clashes(reader, notice.operation, double) if double else ()
    if found is not None:
        doubted -= double - {clash.child for clash in found}
    stands = [one.entry for one in met if one.held == one.mine and one.entry.child in doubted]
    if not stands:
        return ()
    late, undo = (
        [(entry, ChildMark(child=entry.child, state=state, corrects=notice.operation)) for entry in stands]
        for state in ("late", "none")
    )
    first = (*_said("late", late), KEEP) if all(clash.said == SECOND for clash in found or ()) else (KEEP,)
    return (*first, *_said("undo", undo), *_others(reader, found or (), by))


def _others(reader: Reader, found: Sequence[Clash], by: Chooser) -> tuple[Choice, ...]:
    """To take the other mark back, where that is one session and somebody may."""
    free = [clash for clash in found if by.may_correct(clash.other)]
    if not free or len(free) != len(found):
        return ()
    back = {(clash.other.id, clash.child): clash.theirs.operation for clash in free}
    sessions = {session for session, _ in back}
    if len(sessions) != 1:
        return ()
    items = tuple(ChildMark(child=child, state="none", corrects=theirs) for (_, child), theirs in back.items())
    return (Choice("undo_other", MarkAttendance(session=sessions.pop(), items=items)),)


def _said(code: str, marks: list[tuple[Attendance, ChildMark]]) -> tuple[Choice, ...]:
    """One choice for the marks of one session; an operation marks one session only."""
    sessions = {entry.session for entry, _ in marks}
    if len(sessions) != 1:
        return ()
    return (Choice(code, MarkAttendance(session=sessions.pop(), items=tuple(mark for _, mark in marks))),)
