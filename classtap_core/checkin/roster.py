"""A session's roster: who is booked, who came, and what was said about each, as the desk shows it."""

from typing import NamedTuple

from classtap_core.booking.records import Booking
from classtap_core.booking.rules import BOOKED
from classtap_core.checkin import rules
from classtap_core.checkin.care import care_known
from classtap_core.checkin.reading import SessionCard, cards, fetch, search
from classtap_core.checkin.records import Attendance, Mark, State
from classtap_core.kernel.envelope import GateResult
from classtap_core.kernel.errors import NotHeld, Refused
from classtap_core.kernel.ids import Id
from classtap_core.kernel.tx import Reader
from classtap_core.people.records import Badge, Child
from classtap_core.people.rules import sort_name
from classtap_core.schedule.records import Session


class RosterRow(NamedTuple):
    """One child of a session.

    Attributes:
        booked: false for a walk-in (or a booking cancelled since). known: false where the child's name is not held.
        mark: the mark that holds, None before any. marks: all that were made, in order.
        care: what the consent and health gates say of this child here, from what this device holds.
    """

    child: Id
    family: str
    given: str
    surname: str
    known: bool
    booked: bool
    state: State
    mark: Mark | None
    tie: bool
    marks: tuple[Mark, ...]
    badges: tuple[str, ...]
    care: tuple[GateResult, ...] = ()


class Roster(NamedTuple):
    """A session and its children, by last name."""

    card: SessionCard
    rows: tuple[RosterRow, ...]

    def count(self, state: State) -> int:
        return sum(row.state is state for row in self.rows)


def roster(reader: Reader, session: Id) -> Roster:
    """Raises NotHeld when this device does not hold the session, Refused `session.unknown` where there is none."""
    held = fetch(reader, Session, [session]).get(session)
    if held is None:
        if not reader.holds("schedule/*"):
            raise NotHeld("schedule/*")
        raise Refused("session.unknown")
    booked = {
        booking.child: booking for booking in search(reader, Booking, "by_session", session) if booking.state == BOOKED
    }
    entries = {entry.child: entry for entry in search(reader, Attendance, "by_session", session)}
    who = dict.fromkeys([*booked, *(child for child, entry in entries.items() if entry.marks)])
    children = fetch(reader, Child, who)
    badges = fetch(reader, Badge, who)
    care = care_known(reader, children.values())
    rows = [
        _row(child, children.get(child), booked.get(child), entries.get(child), badges.get(child))._replace(
            care=care.gates(held, child) if child in children else ()
        )
        for child in who
    ]
    rows.sort(key=lambda row: (*sort_name(row.surname, row.given), row.child))
    return Roster(cards(reader, [held])[0], tuple(rows))


def _row(
    id: Id, child: Child | None, booking: Booking | None, entry: Attendance | None, badge: Badge | None
) -> RosterRow:
    marks = entry.marks if entry is not None else ()
    standing = rules.standing(marks)
    family = booking.family if booking is not None else child.family if child is not None else ""
    return RosterRow(
        child=id,
        family=family,
        given=child.given if child else "",
        surname=child.surname if child else "",
        known=child is not None,
        booked=booking is not None,
        state=standing.state,
        mark=standing.mark,
        tie=standing.tie,
        marks=marks,
        badges=badge.codes if badge else (),
    )
