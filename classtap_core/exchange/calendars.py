"""A calendar's events as lines of a timetable: its titles are classes, its places rooms that are here."""

from collections.abc import Iterator

from classtap_core.exchange.classes import Classes, Known
from classtap_core.exchange.columns import BadRow, plain
from classtap_core.kernel.ids import Id, derived
from classtap_core.schedule import calendar
from classtap_core.schedule.calendar import Draft
from classtap_core.schedule.records import Room
from classtap_core.schedule.timetable_operations import MOST, AddTimetable, Course, NamedClass


def read(data: bytes, known: Known, *, studio: Id, location: Id, zone: str) -> Classes:
    """A timetable of one location from an iCalendar file; ids follow from the events' own, so that said again it is the same.

    An event that cannot be taken is named by its UID, with the reason; a bad row's number is the event's place in the
    file. Events that are called off are left out. Raises BadInput `calendar.unreadable`.
    """
    found = calendar.read(data, zone=zone)
    bad = [BadRow(0, lost.uid, lost.code) for lost in found.lost]
    courses: dict[Id, Course] = {}
    rows: dict[Id, int] = {}
    titles: dict[str, NamedClass] = {}
    drafts = [(number, draft) for number, draft in enumerate(found.drafts, 1) if not draft.cancelled]
    if len(drafts) > MOST:
        return Classes(None, {}, (BadRow(0, "class", "import.too_many", str(MOST)),))
    for number, draft in drafts:
        name, room = plain(draft.title), known.rooms.get(plain(draft.place))
        if not name:
            bad.append(BadRow(number, "class", "import.empty"))
        if room is None:
            bad.append(BadRow(number, "room", "import.room", draft.place))
        if not name or room is None:
            continue
        class_type = known.classes.get(name) or derived("import.class", studio, name)
        if name not in known.classes:
            titles[name] = NamedClass(class_type=class_type, name=draft.title)
        for course in _courses(draft, room, class_type, studio=studio, location=location):
            courses[course.id], rows[course.id] = course, number
    if bad:
        return Classes(None, {}, tuple(bad))
    timetable = AddTimetable(
        location=location, items=tuple(courses.values()), classes=tuple(titles[name] for name in sorted(titles))
    )
    return Classes(timetable, rows, ())


def _courses(draft: Draft, room: Room, class_type: Id, *, studio: Id, location: Id) -> Iterator[Course]:
    """A series less what was changed, and each change of it as a session of its own."""
    moved = [(start, instead) for start, instead in draft.changed if instead is not None]
    yield Course(
        id=derived("import.event", studio, location, draft.uid), class_type=class_type, room=room.id, start=draft.start,
        duration_min=draft.duration_min, capacity=room.capacity, rule=draft.rule,
        skip=tuple(sorted({*draft.skip, *(start for start, _ in draft.changed)})), extra=draft.extra,
    )  # fmt: skip
    for start, instead in moved:
        yield Course(
            id=derived("import.event", studio, location, draft.uid, start), class_type=class_type, room=room.id,
            start=instead.start, duration_min=instead.duration_min, capacity=room.capacity,
        )  # fmt: skip
