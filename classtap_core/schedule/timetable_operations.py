"""A whole timetable at once: classes, who teaches, series and sessions; all or none, and said again it changes nothing."""

from collections.abc import Iterable
from typing import Annotated, Any

import msgspec

from classtap_core.access.blueprints import Capability
from classtap_core.kernel.errors import BadInput
from classtap_core.kernel.ids import Id
from classtap_core.kernel.operations import Key, Kind, Operation, Payload, Reads, Resource, handles, operation
from classtap_core.kernel.outcomes import DUPLICATE, ItemOutcome, Outcome, Status, of_items, reason, refused
from classtap_core.kernel.records import about
from classtap_core.kernel.tx import Tx
from classtap_core.schedule import rules as session_rules
from classtap_core.schedule import series as rules
from classtap_core.schedule import surroundings
from classtap_core.schedule.operations import PLANNING
from classtap_core.schedule.records import ClassType, Instructor, Location, Room, Series, Session
from classtap_core.schedule.series_operations import key_of
from classtap_core.timekeeping.recurrence import normal

MOST = 500
"""So many rows are judged together."""


class NamedClass(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    class_type: Id
    name: str
    audience: str = "kids"


class NamedTeacher(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    instructor: Id
    name: Annotated[str, about("instructor")]


class Course(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One line of a timetable: a series, or a session where it has no rule. `id` is the series', or the session's."""

    id: Id
    class_type: Id
    room: Id
    start: str
    duration_min: int
    capacity: int
    instructor: str = ""
    rule: str = ""
    skip: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()


@operation("timetable.add", version=1, kind=Kind.CLAIM, needs=Capability.MANAGE_SCHEDULE)
class AddTimetable(Payload, frozen=True, kw_only=True):
    """Lines of a timetable at one location, judged together; classes and teachers that lack are made.

    What is there already stays as it is. Clashes are refused line by line, except for codes named in `despite`.
    """

    location: Id
    items: tuple[Course, ...]
    classes: tuple[NamedClass, ...] = ()
    instructors: tuple[NamedTeacher, ...] = ()
    despite: tuple[str, ...] = ()

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield [
            Key(Location, self.location, "studio"),
            *(Key(ClassType, one.class_type, "studio") for one in self.classes),
            *(Key(Instructor, one.instructor, "studio") for one in self.instructors),
            *(Key(Room, one, "studio") for one in dict.fromkeys(course.room for course in self.items)),
            *(Key(Series, course.id, "studio") for course in self.items),
            *(key_of(course.id, self.location) for course in self.items),
        ]
        made = _made(tx, self)
        if isinstance(made, Outcome):
            return
        sessions = [session for _, sessions in made.values() for session in sessions]
        yield [key_of(session.id, self.location) for session in sessions]
        yield from surroundings.wants(tx, op, sessions, despite=self.despite)

    def guards(self, op: Operation[Any]) -> tuple[str, ...]:
        return (PLANNING,)

    def resource(self, tx: Tx, op: Operation[Any]) -> Resource:
        return Resource(self.location)


@handles(AddTimetable)
def add_timetable(tx: Tx, op: Operation[AddTimetable]) -> Outcome:
    said = op.payload
    made = _made(tx, said)
    if isinstance(made, Outcome):
        return made
    sessions = [session for _, found in made.values() for session in found]
    clashes = surroundings.refusal(tx, op, sessions, despite=said.despite, together=False) if sessions else None
    if clashes is not None:
        return _by_course(clashes, made)
    new = 0
    for one in said.classes:
        if tx.get(ClassType, one.class_type) is None:
            tx.put(ClassType(id=one.class_type, name=one.name, audience=one.audience))
            new += 1
    for teacher in said.instructors:
        if tx.get(Instructor, teacher.instructor) is None:
            tx.put(Instructor(id=teacher.instructor, name=teacher.name))
            new += 1
    for series, found in made.values():
        if series is not None:
            tx.put(series)
        for session in found:
            tx.put(surroundings.settled(tx, session))
    return surroundings.planned(sessions) if sessions or new else DUPLICATE


_Made = dict[Id, tuple[Series | None, tuple[Session, ...]]]


def _made(tx: Tx, said: AddTimetable) -> _Made | Outcome:
    """The series and sessions of each new line; or the refusal, line by line, that keeps all of them from being."""
    location = tx.get(Location, said.location)
    if location is None:
        return refused("location.unknown")
    if len(said.items) > MOST or len({course.id for course in said.items}) < len(said.items):
        return refused("timetable.lines")
    if any(one.audience not in ("kids", "adults") for one in said.classes):
        return refused("class.audience")
    found: _Made = {}
    troubles: dict[Id, str] = {}
    for course in said.items:
        if tx.get(Series, course.id) is not None or tx.get(Session, course.id) is not None:
            continue
        room = tx.get(Room, course.room)
        if room is None or room.location != location.id:
            troubles[course.id] = "room.unknown"
            continue
        try:
            series, sessions = _planned(course, location)
        except BadInput as bad:
            troubles[course.id] = bad.code
            continue
        code = session_rules.trouble(duration_min=course.duration_min, capacity=course.capacity)
        if code or not sessions:
            troubles[course.id] = code or "series.empty"
        found[course.id] = series, sessions
    if troubles:
        return of_items(
            ItemOutcome(course.id, Status.REFUSED, (reason(troubles.get(course.id, "session.with_others")),))
            for course in said.items
        )
    return found


def _planned(course: Course, location: Location) -> tuple[Series | None, tuple[Session, ...]]:
    """Raises BadInput where the rule or the start are wrong."""
    teacher = Id(course.instructor)
    if not course.rule:
        session = session_rules.planned(
            course.id, class_type=course.class_type, location=location.id, room=course.room, instructor=teacher,
            start=course.start, zone=location.zone, duration_min=course.duration_min, capacity=course.capacity,
        )  # fmt: skip
        return None, (session,)
    rule, through = normal(course.rule, location.zone), rules.horizon(course.start[:10])
    series = Series(
        id=course.id, location=location.id, rule=rule, start=course.start, zone=location.zone,
        class_type=course.class_type, room=course.room, instructor=teacher, duration_min=course.duration_min,
        capacity=course.capacity, stem=course.id, through=through,
        state=rules.state_of(rule, course.start, through=through), skip=course.skip, extra=course.extra,
    )  # fmt: skip
    return series, rules.sessions_of(series, through=series.through)


def _by_course(clashes: Outcome, made: _Made) -> Outcome:
    """What is in the way, said of each line instead of each of its sessions."""
    told = {item.key: item.reasons for item in clashes.items}

    def reasons(sessions: Iterable[Session]) -> tuple[Any, ...]:
        found = [told[one.id] for one in sessions if one.id in told]
        return next((one for one in found if one[0].code != "session.with_others"), found[0] if found else ())

    items = of_items(ItemOutcome(course, Status.REFUSED, reasons(sessions)) for course, (_, sessions) in made.items())
    return msgspec.structs.replace(items, reasons=clashes.reasons)
