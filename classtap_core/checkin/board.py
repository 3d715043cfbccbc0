"""What a scan shows: the family's children in today's window, by session and room, with what may be tapped."""

from typing import NamedTuple

from classtap_core.booking.records import Booking
from classtap_core.booking.rules import BOOKED
from classtap_core.checkin import rules
from classtap_core.checkin.care import CareKnown, care_known
from classtap_core.checkin.reading import SessionCard, cards, fetch, search
from classtap_core.checkin.records import Attendance, State
from classtap_core.kernel.envelope import GateResult
from classtap_core.kernel.errors import NotHeld, Refused
from classtap_core.kernel.ids import Id
from classtap_core.kernel.tx import Reader
from classtap_core.people.records import Badge, Child, Family
from classtap_core.people.rules import sort_name
from classtap_core.schedule.records import Location, Session
from classtap_core.timekeeping.rules import local_date, shift_date

ARRIVING = frozenset({"overlap", "consent", "health"})
"""Gates that stop a child from being marked present, and nothing else."""


class BoardChild(NamedTuple):
    """One child in one session.

    Attributes:
        mark: the operation whose mark holds ("" before any): what a change of mind names in `corrects`.
        at_ms: when it was marked; 0 before any. by: `staff` or `device`. tie: see `rules.standing`.
        gates: verdicts before a tap; `may` reads them.
    """

    child: Id
    given: str
    surname: str
    state: State
    mark: str
    at_ms: int
    by: str
    tie: bool
    reason: str
    expected_ms: int
    gates: tuple[GateResult, ...]
    badges: tuple[str, ...]

    def may(self, state: State) -> bool:
        """Whether a button is enabled: a blocked window disables all, what stands before arriving only Present."""
        return self.why_not(state) is None

    def why_not(self, state: State) -> GateResult | None:
        """The gate that disables a button, for its sentence."""
        return next(
            (
                gate
                for gate in self.gates
                if gate.result in ("block", "ask") and (gate.gate not in ARRIVING or state is State.PRESENT)
            ),
            None,
        )


class BoardGroup(NamedTuple):
    """A session of the board and the family's children booked in it, by last name."""

    card: SessionCard
    children: tuple[BoardChild, ...]


class Board(NamedTuple):
    """A family's board. `later`: the next booked session of today outside the window, for an empty board's sentence."""

    family: Id
    name: str
    groups: tuple[BoardGroup, ...]
    later: SessionCard | None


def board(reader: Reader, studio: Id, family: Id, *, location: Id, now_ms: int, window: rules.Window) -> Board:
    """The family's children in the sessions of a location that start in the window around now.

    Raises NotHeld when this device does not hold the family (ask staff), Refused `family.unknown` where there is none.
    """
    household = fetch(reader, Family, [family]).get(family)
    if household is None:
        if not reader.holds("families/*"):
            raise NotHeld("families/*")
        raise Refused("family.unknown")
    place = fetch(reader, Location, [location]).get(location)
    if place is None:
        raise NotHeld("studio")
    today = local_date(now_ms, place.zone)
    low, high = shift_date(today, -1), shift_date(today, 1)
    bookings = [
        booking
        for booking in search(reader, Booking, "by_family_date", family, low=low, high=high)
        if booking.state == BOOKED and booking.location == location
    ]
    children = {child.id: child for child in search(reader, Child, "by_family", family)}
    entries = [
        entry for child in children for entry in search(reader, Attendance, "by_child_date", child, low=low, high=high)
    ]
    sessions = fetch(
        reader, Session, [*(booking.session for booking in bookings), *(entry.session for entry in entries)]
    )
    found = cards(reader, (sessions[id] for id in dict.fromkeys(b.session for b in bookings) if id in sessions))
    shown = [card for card in found if window.holds(card.start_ms, now_ms)]
    after = now_ms + window.after_min * 60_000
    later = next((card for card in found if card.start_ms > after and card.session.date == today), None)
    if not shown:
        return Board(family, household.name, (), later)
    badges = fetch(reader, Badge, children)
    faces = _Faces(
        children, badges, {(entry.session, entry.child): entry for entry in entries}, sessions,
        care_known(reader, children.values()),
    )  # fmt: skip
    groups = tuple(BoardGroup(card, faces.of(card, bookings, now_ms=now_ms, window=window)) for card in shown)
    return Board(family, household.name, groups, later)


class _Faces(NamedTuple):
    """What is known of the family's children, to draw each in a session."""

    children: dict[Id, Child]
    badges: dict[Id, Badge]
    entries: dict[tuple[Id, Id], Attendance]
    sessions: dict[Id, Session]
    care: CareKnown

    def of(
        self, card: SessionCard, bookings: list[Booking], *, now_ms: int, window: rules.Window
    ) -> tuple[BoardChild, ...]:
        here = dict.fromkeys(booking.child for booking in bookings if booking.session == card.session.id)
        faces = [
            self._face(self.children[child], card.session, now_ms, window) for child in here if child in self.children
        ]
        return tuple(sorted(faces, key=lambda face: (*sort_name(face.surname, face.given), face.child)))

    def _face(self, child: Child, session: Session, now_ms: int, window: rules.Window) -> BoardChild:
        entry = self.entries.get((session.id, child.id))
        standing = rules.standing(entry.marks if entry is not None else ())
        mark = standing.mark
        badge = self.badges.get(child.id)
        return BoardChild(
            child=child.id,
            given=child.given,
            surname=child.surname,
            state=standing.state,
            mark=mark.operation if mark else "",
            at_ms=mark.at_ms if mark else 0,
            by=mark.author if mark else "",
            tie=standing.tie,
            reason=mark.reason if mark else "",
            expected_ms=mark.expected_ms if mark else 0,
            gates=(
                rules.window_gate(session, child.id, at_ms=now_ms, window=window),
                rules.overlap_gate(session, child.id, present_in=self._present_in(child.id)),
                *self.care.gates(session, child.id),
            ),
            badges=badge.codes if badge else (),
        )

    def _present_in(self, child: Id) -> list[Session]:
        return [
            self.sessions[entry.session]
            for (session, who), entry in self.entries.items()
            if who == child and session in self.sessions and rules.standing(entry.marks).state is State.PRESENT
        ]
