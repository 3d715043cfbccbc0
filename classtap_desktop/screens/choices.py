"""What a person can do about a result that is no longer so: data, the recommended choice first."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from classtap_core.checkin.operations import ChildMark, MarkAttendance
from classtap_core.checkin.reading import fetch
from classtap_core.checkin.records import Attendance, Mark
from classtap_core.checkin.rules import standing
from classtap_core.kernel.device import Notice
from classtap_core.kernel.ids import Id
from classtap_core.kernel.outcomes import Status
from classtap_core.kernel.tx import Change, Reader
from classtap_desktop.kit.notice_words import Choice

KEEP = Choice("keep")


def choices_of(reader: Reader, notice: Notice) -> tuple[Choice, ...]:
    """The sensible choices; none where there is nothing but to have seen it.

    A mark that another stands before: keep what holds, or apply this one over it. A child present in two classes at
    once: late here, keep both, or take this one back. A mark that is not believed, for who made it had no right: leave
    it so, or say the same in one's own name.
    """
    if notice.kind != "attendance.mark":
        return ()
    recorded = [change for change in reader.recorded(notice.operation) or () if change.kind == Attendance.KIND]
    held = fetch(reader, Attendance, [change.id for change in recorded])
    if notice.now.status is Status.CONTESTED:
        marks = _marked(recorded, held, notice.operation)
        vouch = [Choice("vouch", MarkAttendance(session=session, items=tuple(said))) for session, said in marks.items()]
        return (KEEP, *vouch) if vouch else ()
    entries = list(held.values())
    if notice.now.status is Status.SUPERSEDED:
        over = [(entry, mine, held) for entry, mine, held in _meetings(entries, notice.operation) if held != mine]
        apply = [(entry, ChildMark(child=entry.child, state=mine.state, corrects=held.operation))
                 for entry, mine, held in over if held.state is not mine.state]  # fmt: skip
        return (KEEP, *_said("apply", apply)) if apply else ()
    doubted = {str(reason.params["item"]) for reason in notice.now.reasons if "item" in reason.params}
    mine_stands = [entry for entry, mine, held in _meetings(entries, notice.operation)
                   if held == mine and entry.child in doubted]  # fmt: skip
    if not mine_stands:
        return ()
    late, undo = (
        [(entry, ChildMark(child=entry.child, state=state, corrects=notice.operation)) for entry in mine_stands]
        for state in ("late", "none")
    )
    return (*_said("late", late), KEEP, *_said("undo", undo))


def _marked(recorded: list[Change], held: Mapping[Id, Attendance], operation: Id) -> dict[Id, list[ChildMark]]:
    """What an operation marked, by session, as it was decided when it was made: to be said anew."""
    found: dict[Id, list[ChildMark]] = {}
    for change in recorded:
        after, entry = change.after or {}, held.get(change.id)
        session = after.get("session") or (entry.session if entry is not None else None)
        child = after.get("child") or (entry.child if entry is not None else None)
        marks = msgspec.convert(after.get("marks", ()), tuple[Mark, ...])
        mine = next((mark for mark in marks if mark.operation == operation), None)
        if session is not None and child is not None and mine is not None:
            said = ChildMark(
                child=child, state=mine.state, reason=mine.reason, note=mine.note, expected_ms=mine.expected_ms
            )
            found.setdefault(session, []).append(said)
    return found


def _meetings(entries: list[Attendance], operation: Id) -> list[tuple[Attendance, Mark, Mark]]:
    """For each entry that an operation marked: its mark, and the one that holds."""
    found = []
    for entry in entries:
        mine = next((mark for mark in entry.marks if mark.operation == operation), None)
        held = standing(entry.marks).mark
        if mine is not None and held is not None:
            found.append((entry, mine, held))
    return found


def _said(code: str, marks: list[tuple[Attendance, ChildMark]]) -> tuple[Choice, ...]:
    """One choice for the marks of one session; an operation marks one session only."""
    sessions = {entry.session for entry, _ in marks}
    if len(sessions) != 1:
        return ()
    return (Choice(code, MarkAttendance(session=sessions.pop(), items=tuple(mark for _, mark in marks))),)
