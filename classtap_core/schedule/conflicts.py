"""What stands in the way of a session, found before it is saved, and three ways round it. Pure.

A clash is a code with parameters. A person may plan despite a code that they name; nothing is planned despite one unseen.
"""

from bisect import bisect_left, insort
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import NamedTuple

import msgspec

from classtap_core.kernel.errors import Param
from classtap_core.kernel.ids import Id
from classtap_core.schedule import opening
from classtap_core.schedule.opening import Span
from classtap_core.schedule.records import ClassType, Closure, Equipment, Instructor, Location, Room, Session
from classtap_core.schedule.rules import LONGEST_MIN, ends_ms, starts_ms
from classtap_core.timekeeping.rules import shift_local

ROOM, INSTRUCTOR, EQUIPMENT = "conflict.room", "conflict.instructor", "conflict.equipment"
CAPACITY, CERTIFICATION, NOT_TAUGHT = "conflict.capacity", "conflict.certification", "conflict.not_taught"
UNAVAILABLE = "conflict.unavailable"
"""Something they may not see is in the way: no more is said, and nobody plans despite it."""
CODES = (
    opening.CLOSED, opening.OUT_OF_HOURS, UNAVAILABLE, ROOM, CAPACITY, INSTRUCTOR, NOT_TAUGHT, CERTIFICATION, EQUIPMENT,
)  # fmt: skip

MOST_WAYS = 3
_LONGEST_MS = LONGEST_MIN * 60_000
_STEP_MIN, _FURTHEST_MIN = 15, 8 * 60
_DAYS = (1, -1, 2, -2, 3, -3)


class Clash(NamedTuple):
    """One thing in the way. `session` is in the parameters where it is at the same location, and may be seen there."""

    code: str
    params: Mapping[str, Param] = {}


def _everything(session: Session) -> bool:
    return True


class Premises(NamedTuple):
    """What a location has: what is not in here is not looked at. `sees`: whether who asks may see a session."""

    location: Location
    rooms: Mapping[Id, Room] = {}
    instructors: Mapping[Id, Instructor] = {}
    class_types: Mapping[Id, ClassType] = {}
    closures: tuple[Closure, ...] = ()
    sees: Callable[[Session], bool] = _everything


class _Busy(NamedTuple):
    start_ms: int
    end_ms: int
    id: Id
    session: Session


class Timetable:
    """Sessions by room, instructor and location, so that a question about one looks at a day of them and not at all."""

    def __init__(self, sessions: Iterable[Session] = ()) -> None:
        self._lines: dict[tuple[str, str], list[_Busy]] = {}
        for session in sessions:
            if session.state == "open":
                busy = _Busy(starts_ms(session), ends_ms(session), session.id, session)
                for line in _lines(session):
                    self._lines.setdefault(line, []).append(busy)
        for held in self._lines.values():
            held.sort(key=_order)

    def put(self, session: Session) -> None:
        """Take in one more; a cancelled one takes nothing."""
        if session.state == "open":
            busy = _Busy(starts_ms(session), ends_ms(session), session.id, session)
            for line in _lines(session):
                insort(self._lines.setdefault(line, []), busy, key=_order)

    def meeting(self, line: tuple[str, str], span: Span, *, but: Id) -> Iterator[Session]:
        """Sessions of a line (`("room", id)`, `("instructor", id)`, `("location", id)`) that share time with a span."""
        held = self._lines.get(line, [])
        for position in range(bisect_left(held, (span.start_ms - _LONGEST_MS, ""), key=_order), len(held)):
            start_ms, end_ms, id, session = held[position]
            if start_ms >= span.end_ms:
                return
            if end_ms > span.start_ms and id != but:
                yield session


def judged(session: Session, timetable: Timetable, premises: Premises) -> tuple[Clash, ...]:
    """Everything in the way of one session, in the order of `CODES`."""
    span = Span(starts_ms(session), ends_ms(session))
    found = []
    shut = opening.trouble(premises.location, premises.closures, session.room, span)
    if shut:
        found.append(Clash(shut))
    in_room = list(timetable.meeting(("room", session.room), span, but=session.id))
    taught = timetable.meeting(("instructor", session.instructor), span, but=session.id) if session.instructor else ()
    teaching = list(taught)
    if not all(premises.sees(other) for other in (*in_room, *teaching)):
        found.append(Clash(UNAVAILABLE))
    found += [Clash(ROOM, {"session": other.id}) for other in in_room if premises.sees(other)]
    room = premises.rooms.get(session.room)
    if room is not None and 0 < room.capacity < session.capacity + session.overbook:
        found.append(Clash(CAPACITY, {"room": room.capacity, "session": session.capacity + session.overbook}))
    if session.instructor:
        for other in filter(premises.sees, teaching):
            near = other.location == session.location
            found.append(Clash(INSTRUCTOR, {"session": other.id} if near else {}))
        found += _unqualified(session, premises)
    return (*found, *_short(session, span, timetable, premises))


def judged_all(sessions: Iterable[Session], timetable: Timetable, premises: Premises) -> list[tuple[Clash, ...]]:
    """As `judged`, each also against those before it; the timetable has all of them afterwards."""
    found = []
    for session in sessions:
        found.append(judged(session, timetable, premises))
        timetable.put(session)
    return found


def unforeseen(clashes: Iterable[Clash], despite: Collection[str]) -> tuple[Clash, ...]:
    """Clashes nobody has said they take; what they may not see, nobody can."""
    return tuple(clash for clash in clashes if clash.code == UNAVAILABLE or clash.code not in despite)


class Way(NamedTuple):
    """A way round: what it changes (`room`, `time`, `instructor` or `day`), and what the first session would be.

    `minutes`: how much later on the wall clock each of them would begin.
    """

    what: str
    room: Id
    instructor: Id
    start: str
    minutes: int = 0

    def data(self) -> dict[str, Param]:
        return {
            "what": self.what, "room": self.room, "instructor": self.instructor, "start": self.start,
            "minutes": self.minutes,
        }  # fmt: skip


def ways_round(
    sessions: Sequence[Session], timetable: Timetable, premises: Premises, *, days: bool = True
) -> tuple[Way, ...]:
    """At most three changes, each of which would make every one of these sessions possible; unlike ones first.

    Another room (the smallest that will do), the nearest other time, another instructor; with `days`, another day. The
    timetable must not hold these sessions themselves.
    """
    kinds = [_rooms(sessions[0], premises), _times(), _teachers(sessions[0], premises)]
    if days:
        kinds.append(iter([_Shift("day", minutes=day * 24 * 60) for day in _DAYS]))
    working = [_working(kind, sessions, timetable, premises) for kind in kinds]
    found = [way for turn in zip_longest(*(_first(kind) for kind in working)) for way in turn if way is not None]
    return tuple(found[:MOST_WAYS])


class _Shift(NamedTuple):
    what: str
    room: str = ""
    instructor: str = ""
    minutes: int = 0


def _first(ways: Iterator[Way]) -> list[Way]:
    return [way for _, way in zip(range(MOST_WAYS), ways, strict=False)]


def _working(
    shifts: Iterable[_Shift], sessions: Sequence[Session], timetable: Timetable, premises: Premises
) -> Iterator[Way]:
    for shift in shifts:
        moved = [_moved(session, shift) for session in sessions]
        if not any(judged(session, timetable, premises) for session in moved):
            yield Way(shift.what, moved[0].room, moved[0].instructor, moved[0].start, shift.minutes)


def _moved(session: Session, shift: _Shift) -> Session:
    start = shift_local(session.start, shift.minutes) if shift.minutes else session.start
    return msgspec.structs.replace(
        session, room=shift.room or session.room, instructor=shift.instructor or session.instructor,
        start=start, date=start[:10],
    )  # fmt: skip


def _rooms(session: Session, premises: Premises) -> Iterator[_Shift]:
    others = [room for room in premises.rooms.values() if room.id != session.room]
    for room in sorted(others, key=lambda room: (room.capacity, room.name, room.id)):
        yield _Shift("room", room=room.id)


def _times() -> Iterator[_Shift]:
    for minutes in range(_STEP_MIN, _FURTHEST_MIN + 1, _STEP_MIN):
        yield _Shift("time", minutes=minutes)
        yield _Shift("time", minutes=-minutes)


def _teachers(session: Session, premises: Premises) -> Iterator[_Shift]:
    others = [one for one in premises.instructors.values() if one.id != session.instructor]
    for instructor in sorted(others, key=lambda one: (session.class_type not in one.teaches, one.name, one.id)):
        yield _Shift("instructor", instructor=instructor.id)


def may_teach(instructor: Instructor, class_type: ClassType, day: str) -> tuple[Clash, ...]:
    """What an instructor lacks to teach a class on a date; nothing when all is well."""
    if instructor.teaches and class_type.id not in instructor.teaches:
        return (Clash(NOT_TAUGHT),)
    held = {
        one.code for one in instructor.certifications if one.issued <= day and (not one.expires or day <= one.expires)
    }
    return tuple(Clash(CERTIFICATION, {"code": code}) for code in class_type.certifications if code not in held)


def _unqualified(session: Session, premises: Premises) -> tuple[Clash, ...]:
    instructor, class_type = premises.instructors.get(session.instructor), premises.class_types.get(session.class_type)
    return () if instructor is None or class_type is None else may_teach(instructor, class_type, session.date)


def _short(session: Session, span: Span, timetable: Timetable, premises: Premises) -> tuple[Clash, ...]:
    """Equipment that its room and the location's stock cannot give at every moment of the session."""
    if not session.equipment:
        return ()
    stock = {one.kind: one.count for one in premises.location.stock}
    others = list(timetable.meeting(("location", session.location), span, but=session.id))
    found = []
    for kind, wanted in _beyond_room(session, premises).items():
        taken = _most_at_once(others, kind, premises)
        short = wanted + taken - stock.get(kind, 0)
        if wanted and short > 0:
            found.append(Clash(EQUIPMENT, {"kind": kind, "short": short}))
    return tuple(found)


def _most_at_once(sessions: Iterable[Session], kind: str, premises: Premises) -> int:
    """The most of a kind that these take from the location's stock at one moment."""
    steps = []
    for session in sessions:
        taken = _beyond_room(session, premises).get(kind, 0)
        steps += [(starts_ms(session), taken), (ends_ms(session), -taken)]
    most = now = 0
    for _, step in sorted(steps):
        now += step
        most = max(most, now)
    return most


def _beyond_room(session: Session, premises: Premises) -> dict[str, int]:
    room = premises.rooms.get(session.room)
    there = {one.kind: one.count for one in (room.equipment if room is not None else ())}
    return {one.kind: max(0, one.count - there.get(one.kind, 0)) for one in session.equipment}


def equipment_trouble(equipment: Iterable[Equipment]) -> str:
    """Why this is no list of equipment: a code, or ""."""
    kinds = [one.kind for one in equipment]
    wrong = len(set(kinds)) < len(kinds) or any(one.count < 1 or not one.kind for one in equipment)
    return "place.equipment" if wrong else ""


def _lines(session: Session) -> Iterator[tuple[str, str]]:
    yield ("room", session.room)
    yield ("location", session.location)
    if session.instructor:
        yield ("instructor", session.instructor)


def _order(busy: _Busy) -> tuple[int, str]:
    return (busy.start_ms, busy.id)
