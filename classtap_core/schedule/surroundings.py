"""What a plan looks at before it is saved: the days and people it touches, its place, its rooms and their seat maps."""

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any, NamedTuple

import msgspec

from classtap_core.access.blueprints import Capability
from classtap_core.access.filtering import RowFilter
from classtap_core.access.records import Grant
from classtap_core.kernel.ids import Id
from classtap_core.kernel.operations import Key, Operation, Range, Reads, Want
from classtap_core.kernel.outcomes import ACCEPTED, ItemOutcome, Outcome, Reason, Status, of_items, reason
from classtap_core.kernel.tx import Tx
from classtap_core.schedule.conflicts import (
    Clash,
    Premises,
    Timetable,
    Way,
    judged_all,
    may_teach,
    unforeseen,
    ways_round,
)
from classtap_core.schedule.records import ClassType, Closure, Instructor, Location, Room, Session
from classtap_core.schedule.rules import resource_of
from classtap_core.schedule.seats import RoomSeating, SeatMapVersion, maps_scope, room_seating_id, version_id
from classtap_core.timekeeping.rules import local_of, moment, shift_date

_MOST_TEACHERS = 12
"""So many instructors are looked at as possible substitutes."""


class Surroundings(NamedTuple):
    """What lies around some sessions; the sessions themselves are not in the timetable."""

    timetable: Timetable
    premises: Premises


def wants(
    tx: Tx, op: Operation[Any], sessions: Sequence[Session], *, despite: Collection[str], leaving: Collection[Id] = ()
) -> Reads:
    """The reads of `look`, `judged` and `settled`, in rounds. The location's record must have been declared before."""
    if not sessions:
        return
    yield [*_around(op, sessions), *(_seating_key(session) for session in _by_room(sessions))]
    yield [
        Key(SeatMapVersion, version_id(session.room, number), maps_scope(session.location))
        for session in _by_room(sessions)
        if (number := _map_of(tx, session.room))
    ]
    around = look(tx, op, sessions, leaving=leaving)
    if around is not None and any(unforeseen(one, despite) for one in judged_all(sessions, *around)):
        yield Range(Instructor, "by_id", (), scope="studio")
        runs = _runs(sessions)
        yield [_taught(teacher.id, run) for teacher in _substitutes(tx, sessions) for run in runs]


def look(
    tx: Tx, op: Operation[Any], sessions: Sequence[Session], *, leaving: Collection[Id] = ()
) -> Surroundings | None:
    """What lies around these sessions of one location, as the operation's author may see it; None without a location.

    Sessions that are `leaving` with the plan are not there any more.
    """
    place = sessions[0].location
    location = tx.get(Location, place)
    if location is None:
        return None
    runs = _runs(sessions)
    found: dict[Id, Session] = {}
    for low, high in runs:
        found.update((one.id, one) for one in tx.find(Session, "by_location_date", place, low=low, high=high))
        for teacher in _teachers(sessions):
            found.update((one.id, one) for one in tx.find(Session, "by_instructor_date", teacher, low=low, high=high))
    for id in (*leaving, *(session.id for session in sessions)):
        found.pop(id, None)
    teachers = [tx.get(Instructor, teacher) for teacher in _teachers(sessions)]
    classes = [tx.get(ClassType, one) for one in _classes(sessions)]
    premises = Premises(
        location,
        {room.id: room for room in tx.find(Room, "by_location", place)},
        {one.id: one for one in teachers if one is not None},
        {one.id: one for one in classes if one is not None},
        tx.find(Closure, "by_location", place, low=runs[0][0]),
        _sight(tx, op),
    )
    return Surroundings(Timetable(found.values()), premises)


def _sight(tx: Tx, op: Operation[Any]) -> Callable[[Session], bool]:
    """Which sessions the author may see: staff as their grants say, the studio itself all."""
    if op.author.type != "staff":
        return lambda session: True
    grants = tx.find(Grant, "by_holder", op.author.id)
    seen = RowFilter(grants, Capability.VIEW_SCHEDULE, at_ms=op.at.corrected)
    return lambda session: seen.allows(resource_of(session))


def refusal(
    tx: Tx, op: Operation[Any], sessions: Sequence[Session], *, despite: Collection[str], together: bool,
    leaving: Collection[Id] = (),
) -> Outcome | None:  # fmt: skip
    """Why these may not be planned, item by item, with ways round; None where nothing unforeseen is in the way.

    The ways hold for all of them where they belong `together`, else for the first that clashes.
    """
    around = look(tx, op, sessions, leaving=leaving)
    if around is None:
        return None
    found = [unforeseen(clashes, despite) for clashes in judged_all(sessions, *around)]
    clashing = [session for session, clashes in zip(sessions, found, strict=True) if clashes]
    if not clashing:
        return None
    items = of_items(
        ItemOutcome(session.id, Status.REFUSED, _reasons(clashes))
        for session, clashes in zip(sessions, found, strict=True)
    )
    ways = _ways(tx, op, sessions if together else clashing[:1], sessions, leaving)
    alternatives = tuple({"session": clashing[0].id, **way.data()} for way in ways)
    return msgspec.structs.replace(
        items, reasons=_reasons(found[sessions.index(clashing[0])]), alternatives=alternatives
    )


def settled(tx: Tx, session: Session) -> Session:
    """A new session, or one in another room, ready to be put: on the room's map, for whom its class is."""
    return for_whom(tx, on_map(tx, session))


def for_whom(tx: Tx, session: Session) -> Session:
    """A session is for whom its class is."""
    class_type = tx.get(ClassType, session.class_type)
    return session if class_type is None else msgspec.structs.replace(session, audience=class_type.audience)


def on_map(tx: Tx, session: Session) -> Session:
    """A session follows its room's seat map, and never has more places than that."""
    number = _map_of(tx, session.room)
    version = tx.get(SeatMapVersion, version_id(session.room, number)) if number else None
    if version is None:
        return session
    return msgspec.structs.replace(session, seat_map=number, capacity=min(session.capacity, version.capacity))


def planned(sessions: Iterable[Session]) -> Outcome:
    """Accepted; where clocks change over a start, with what was decided: `session.gap` or `session.overlap`."""
    found = [(session, moment(session.start, session.zone)) for session in sessions]
    said = tuple(
        reason(f"session.{decided.shift}", start=session.start, shown=local_of(decided.at_ms, session.zone))
        for session, decided in found
        if decided.shift
    )
    return msgspec.structs.replace(ACCEPTED, reasons=said) if said else ACCEPTED


def _reasons(clashes: Iterable[Clash]) -> tuple[Reason, ...]:
    return tuple(reason(clash.code, **clash.params) for clash in clashes) or (reason("session.with_others"),)


def _ways(
    tx: Tx, op: Operation[Any], sessions: Sequence[Session], planned: Sequence[Session], leaving: Collection[Id]
) -> tuple[Way, ...]:
    """Ways round for some of what is planned, beside what is there and the rest of the plan."""
    around = look(tx, op, planned, leaving=leaving)
    if around is None:
        return ()
    moving = {session.id for session in sessions}
    others: dict[Id, Session] = {one.id: one for one in planned if one.id not in moving}
    teachers = _substitutes(tx, planned)
    for low, high in _runs(planned):
        for teacher in teachers:
            others.update(
                (one.id, one) for one in tx.find(Session, "by_instructor_date", teacher.id, low=low, high=high)
            )
    for session in others.values():
        if session.id not in moving and session.id not in leaving:
            around.timetable.put(session)
    premises = around.premises._replace(
        instructors={**around.premises.instructors, **{one.id: one for one in teachers}}
    )
    return ways_round(sessions, around.timetable, premises, days=False)


def _substitutes(tx: Tx, sessions: Sequence[Session]) -> list[Instructor]:
    """Who else could teach the first of them, by name."""
    first = sessions[0]
    class_type = tx.get(ClassType, first.class_type)
    there = [
        one
        for one in tx.find(Instructor, "by_id")
        if one.id not in _teachers(sessions) and (class_type is None or not may_teach(one, class_type, first.date))
    ]
    return sorted(there, key=lambda one: (one.name, one.id))[:_MOST_TEACHERS]


def _around(op: Operation[Any], sessions: Sequence[Session]) -> list[Want]:
    place, runs = sessions[0].location, _runs(sessions)
    found: list[Want] = [
        Range(Grant, "by_holder", (op.author.id,), scope="studio"),
        Range(Room, "by_location", (place,), scope="studio"),
        Range(Closure, "by_location", (place,), low=runs[0][0], scope="studio"),
        *(Key(Instructor, teacher, "studio") for teacher in _teachers(sessions)),
        *(Key(ClassType, one, "studio") for one in _classes(sessions)),
    ]
    for low, high in runs:
        found.append(Range(Session, "by_location_date", (place,), low=low, high=high, scope=f"schedule/{place}/*"))
        found += [_taught(teacher, (low, high)) for teacher in _teachers(sessions)]
    return found


def _taught(teacher: Id, run: tuple[str, str]) -> Range:
    """What an instructor teaches anywhere: a desk of one location cannot know that, and lets the cloud decide."""
    return Range(Session, "by_instructor_date", (teacher,), low=run[0], high=run[1], scope="schedule/*")


def _runs(sessions: Iterable[Session]) -> list[tuple[str, str]]:
    """Stretches of dates that hold everything that may share time with these: a day before and a day after each."""
    found: list[tuple[str, str]] = []
    for day in sorted({session.date for session in sessions}):
        low, high = shift_date(day, -1), shift_date(day, 1)
        if found and low <= shift_date(found[-1][1], 1):
            found[-1] = (found[-1][0], high)
        else:
            found.append((low, high))
    return found


def _teachers(sessions: Iterable[Session]) -> list[Id]:
    return [teacher for teacher in dict.fromkeys(session.instructor for session in sessions) if teacher]


def _classes(sessions: Iterable[Session]) -> list[Id]:
    return list(dict.fromkeys(session.class_type for session in sessions))


def _by_room(sessions: Iterable[Session]) -> list[Session]:
    """One session of each room."""
    return list({session.room: session for session in sessions}.values())


def _seating_key(session: Session) -> Key:
    return Key(RoomSeating, room_seating_id(session.room), maps_scope(session.location))


def _map_of(tx: Tx, room: Id) -> int:
    seating = tx.get(RoomSeating, room_seating_id(room))
    return 0 if seating is None else seating.current
