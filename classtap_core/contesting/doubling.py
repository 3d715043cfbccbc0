"""A mark that says present a child who is present in another class at that time: what the rule says of both."""

from collections.abc import Collection
from typing import NamedTuple

from classtap_core.access.blueprints import Capability
from classtap_core.access.records import Grant
from classtap_core.access.rules import decide
from classtap_core.checkin.reading import fetch, search
from classtap_core.checkin.records import Attendance, Mark
from classtap_core.checkin.rules import double_presence, editable, overlap_days, standing
from classtap_core.kernel.device_store import Notice
from classtap_core.kernel.ids import Id
from classtap_core.kernel.tx import Reader
from classtap_core.schedule.operations import of_session
from classtap_core.schedule.records import Session

FIRST, SECOND, TIE = "first", "second", "tie"
PRESENT_ELSEWHERE = "gate.present_elsewhere"


class Meeting(NamedTuple):
    """A child that an operation marked: the record, the operation's mark, and the mark that holds."""

    entry: Attendance
    mine: Mark
    held: Mark


class Clash(NamedTuple):
    """A child whom a mark says present in `here`, and who is present in `other` by `theirs`.

    `said` tells when this mark was said: FIRST (it stands), SECOND (the other stands), or TIE (nobody can say).
    """

    child: Id
    here: Session
    other: Session
    mine: Mark
    theirs: Mark
    said: str


class Chooser(NamedTuple):
    """Who is to choose: their grants, and the instant they are asked, ms. By itself somebody who may nothing."""

    grants: tuple[Grant, ...] = ()
    at_ms: int = 0

    def may_correct(self, session: Session) -> bool:
        """Whether they may take back a mark in a session now."""
        allowed = decide(self.grants, Capability.MARK_ATTENDANCE, of_session(session), at_ms=self.at_ms).allowed
        return allowed and editable(session, self.at_ms)


def doubled(notice: Notice) -> frozenset[Id]:
    """The children whom the cloud found present in another class when it took the mark of a notice."""
    named = [reason.params.get("item", "") for reason in notice.now.reasons if reason.code == PRESENT_ELSEWHERE]
    return frozenset(Id(str(child)) for child in named if child)


def meetings(reader: Reader, operation: Id) -> list[Meeting]:
    """What each child comes to that an operation marked."""
    recorded = [change for change in reader.recorded(operation) or () if change.kind == Attendance.KIND]
    found = []
    for entry in fetch(reader, Attendance, [change.id for change in recorded]).values():
        mine = next((mark for mark in entry.marks if mark.operation == operation), None)
        held = standing(entry.marks).mark
        if mine is not None and held is not None:
            found.append(Meeting(entry, mine, held))
    return found


def clashes(reader: Reader, operation: Id, children: Collection[Id]) -> tuple[Clash, ...] | None:
    """The clashes of an operation's marks that stand now, of some children; None where not all of it can be read here."""
    met = [one for one in meetings(reader, operation) if one.entry.child in children]
    if {one.entry.child for one in met} != set(children):
        return None
    sessions = fetch(reader, Session, [one.entry.session for one in met])
    found: list[Clash] = []
    for one in met:
        session = sessions.get(Id(one.entry.session))
        near = None if session is None else _near(reader, session, one.entry.child)
        if session is None or near is None:
            return None
        if one.held != one.mine:
            continue
        for pair in double_presence(one.entry.child, near.values()):
            if session.id in (pair.stands, pair.doubtful):
                earlier = pair.stands == session.id
                other, theirs = near[Id(pair.doubtful if earlier else pair.stands)]
                said = TIE if pair.tie else FIRST if earlier else SECOND
                found.append(Clash(one.entry.child, session, other, one.mine, theirs, said))
    return tuple(found)


def _near(reader: Reader, session: Session, child: Id) -> dict[Id, tuple[Session, Mark]] | None:
    """The mark that holds for a child in each session around one, by session; None where they are not all held here."""
    days = overlap_days(session)
    if not all(reader.holds(f"roster/{session.location}/{day}") for day in days):
        return None
    entries = [entry for day in days for entry in search(reader, Attendance, "by_child_date", child, day)]
    held = {entry.session: mark for entry in entries if (mark := standing(entry.marks).mark) is not None}
    sessions = fetch(reader, Session, held)
    return {id: (sessions[id], held[id]) for id in held} if sessions.keys() == held.keys() else None
