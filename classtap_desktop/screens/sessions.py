"""Sessions as the desk shows them: read once with their names and how full they are, off the window's thread."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import NamedTuple, TypeVar

from classtap_core.access.filtering import RowFilter
from classtap_core.booking.records import Booking
from classtap_core.booking.rules import BOOKED
from classtap_core.checkin.reading import SessionCard, cards, fetch, search
from classtap_core.checkin.records import Attendance
from classtap_core.checkin.rules import standing
from classtap_core.kernel.ids import Id
from classtap_core.kernel.operations import Range
from classtap_core.kernel.records import Record, decode
from classtap_core.kernel.tx import Reader
from classtap_core.schedule.operations import of_session
from classtap_core.schedule.records import Location, Room, Session
from classtap_core.timekeeping.rules import local_date
from resources.text import Catalogue

R = TypeVar("R", bound=Record)
SCHEDULE_KINDS = frozenset({"session", "class_type", "room", "instructor", "location"})
ROSTER_KINDS = frozenset({"booking", "attendance"})
STATES = ("present", "late", "absent", "none")


class Place(NamedTuple):
    """A location people can filter by. Attributes: `zone` is its IANA name."""

    id: Id
    name: str
    zone: str


class Counts(NamedTuple):
    """Children of a session by state. `none`: booked and not yet here."""

    present: int = 0
    late: int = 0
    absent: int = 0
    none: int = 0

    @property
    def here(self) -> int:
        """Return how many have come, in time or late."""
        return self.present + self.late


class SessionLine(NamedTuple):
    """One session with its names. Times in ms since the Unix epoch; `day` is the local date at its location.

    Attributes: `audience` is `kids` or `adults`; `booked` of `capacity`; `counts` where rosters were read;
    `held`: whether the roster is on this device at all.
    """

    id: Id
    name: str
    audience: str
    location: Id
    room_id: Id
    room: str
    instructor_id: Id
    instructor: str
    start_ms: int
    end_ms: int
    day: str
    zone: str
    capacity: int
    cancelled: bool
    booked: int = 0
    counts: Counts = Counts()
    held: bool = True

    @property
    def full(self) -> bool:
        """Whether no place is left."""
        return self.booked >= self.capacity

    def phase(self, now_ms: int) -> str:
        """Return `cancelled`, `done`, `now` or `later`."""
        if self.cancelled:
            return "cancelled"
        return "done" if now_ms >= self.end_ms else "now" if now_ms >= self.start_ms else "later"

    def when(self, words: Catalogue) -> str:
        """Return `16:30–17:15`."""
        return words.span(self.start_ms, self.end_ms, self.zone)

    def where(self) -> str:
        """Return room and instructor."""
        return " · ".join(part for part in (self.room, self.instructor) if part)


def read_places(reader: Reader) -> tuple[Place, ...]:
    """Return every location that has a room, by name."""
    locations = fetch(reader, Location, (room.location for room in search(reader, Room, "by_location")))
    places = (Place(place.id, place.name, place.zone) for place in locations.values())
    return tuple(sorted(places, key=lambda place: place.name.casefold()))


def read_days(
    reader: Reader, places: Sequence[Place], first: date, *, days: int, attendance: bool, seen: RowFilter
) -> tuple[SessionLine, ...]:
    """Return the sessions of some days at some places that may be seen, by start; ``attendance`` counts states as well."""
    low, high = first.isoformat(), (first + timedelta(days=days - 1)).isoformat()
    sessions = [
        session
        for place in places
        for session in search(reader, Session, "by_location_date", place.id, low=low, high=high)
    ]
    sessions = seen.rows(sessions, of_session)
    lines = _filled(reader, [line_of(reader, card) for card in cards(reader, sessions)], attendance=attendance)
    return tuple(sorted(lines, key=lambda line: (line.start_ms, line.name, line.id)))


def line_of(reader: Reader, card: SessionCard) -> SessionLine:
    """Return a session with its names; how full it is is not read yet."""
    session = card.session
    return SessionLine(
        id=session.id, name=card.class_name, audience=card.audience, location=session.location, room_id=session.room,
        room=card.room, instructor_id=session.instructor, instructor=card.instructor, start_ms=card.start_ms,
        end_ms=card.end_ms, day=session.date, zone=session.zone, capacity=session.capacity,
        cancelled=session.state == "cancelled", held=reader.holds(f"roster/{session.location}/{session.date}"),
    )  # fmt: skip


def _filled(reader: Reader, lines: Sequence[SessionLine], *, attendance: bool) -> list[SessionLine]:
    """Return sessions with how full they are and, where asked, how their children stand: one query for each."""
    booked = [{one.child for one in rows if one.state == BOOKED} for rows in _of_sessions(reader, Booking, lines)]
    if not attendance:
        return [line._replace(booked=len(children)) for line, children in zip(lines, booked, strict=True)]
    filled = []
    for line, children, kept in zip(lines, booked, _of_sessions(reader, Attendance, lines), strict=True):
        states = dict.fromkeys(children, "none")
        for one in kept:
            state = str(standing(one.marks).state)
            if state != "none" or one.child in children:
                states[one.child] = state
        filled.append(line._replace(booked=len(children), counts=counted(states.values())))
    return filled


def _of_sessions(reader: Reader, record: type[R], lines: Sequence[SessionLine]) -> list[list[R]]:
    found = reader.find_many([Range(record, "by_session", (line.id,)) for line in lines])
    return [[decode(record, row.body) for row in rows] for rows in found]


def counted(states: Iterable[str]) -> Counts:
    """Count states."""
    said = list(states)
    return Counts(**{state: said.count(state) for state in STATES})


def today_of(place: Place, now_ms: int) -> date:
    """Return the date at a location at an instant."""
    return date.fromisoformat(local_date(now_ms, place.zone))


def nearest(lines: Sequence[SessionLine], now_ms: int) -> SessionLine | None:
    """Return the session a desk is most likely to look at: the one running or next, else the last of the day."""
    open_lines = [line for line in lines if not line.cancelled]
    return next((line for line in open_lines if line.end_ms > now_ms), open_lines[-1] if open_lines else None)


def until(line: SessionLine, now_ms: int, words: Catalogue) -> str:
    """Return `starts in 6 min`, `since 12 min` or `ended`, in words; "" for another day."""
    minutes = -(-(line.start_ms - now_ms) // 60_000)
    if line.cancelled:
        return words.say("desk.session.cancelled")
    if line.phase(now_ms) == "now":
        return words.say_n("desk.session.running", (now_ms - line.start_ms) // 60_000)
    if line.phase(now_ms) == "done":
        return words.say("desk.session.ended")
    if minutes < 60:
        return words.say_n("desk.session.starts_min", minutes)
    return words.say_n("desk.session.starts_hours", round(minutes / 60)) if minutes < 24 * 60 else ""


def ago(at_ms: int, now_ms: int, words: Catalogue) -> str:
    """Return how long ago an instant was, in words."""
    seconds = max(0, now_ms - at_ms) // 1000
    return words.say("desk.just_now") if seconds < 5 else words.say("desk.ago", span=words.ago(seconds))
