"""What the imports' screen asks off the window's thread: a file looked at and brought in, a person's data, an erasure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from classtap_core import house
from classtap_core.checkin.reading import fetch
from classtap_core.exchange import taking_out
from classtap_core.exchange.bringing import Brought
from classtap_core.exchange.columns import BadRow
from classtap_core.exchange.looking import FAMILIES, ONEROSTER, Looked, Place, in_the_way, known, look
from classtap_core.exchange.person import Held, held_of, household, name_of, written
from classtap_core.kernel.envelope import Author
from classtap_core.kernel.errors import EnvironmentFault, Refused
from classtap_core.kernel.ids import Id
from classtap_core.people.erasing import KEPT
from classtap_core.people.operations import AddFamily
from classtap_core.people.records import Family
from classtap_core.schedule.records import ClassType, Location
from classtap_core.schedule.timetable_operations import AddTimetable
from classtap_core.timekeeping.rules import local_date
from classtap_desktop.private_file import write_private
from classtap_desktop.source import DeskSource

MOST_SHOWN = 100
OF_PEOPLE = (FAMILIES, ONEROSTER)
"""The kinds of files that bring people; the others bring a timetable."""


class Sheet(NamedTuple):
    """A file as it was read, and what it comes to.

    Attributes:
        bad: rows that are wrong, and what is in their way. first: the first of what would come in, a name with details.
    """

    kind: str
    path: Path
    found: Looked
    bad: tuple[BadRow, ...]
    first: tuple[tuple[str, ...], ...] = ()


def looked(
    source: DeskSource, kind: str, path: Path, columns: Mapping[str, int] | None, day_first: bool | None
) -> Sheet:
    """Raises EnvironmentFault `file.cannot_read`, BadInput as `look`, Refused `import.no_location`."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise EnvironmentFault("file.cannot_read", file=str(path), why=error.strerror or "") from error
    at = source.place.location
    place = fetch(source.reader, Location, [at] if at else [])
    if at is None or at not in place:
        raise Refused("import.no_location")
    now, zone = source.clock.now(), place[at].zone
    where = Place(source.place.studio, at, zone, local_date(now.corrected, zone))
    found = look(kind, data, where, source.reader, columns=columns, day_first=day_first)
    bad = found.bad
    if not bad and kind not in OF_PEOPLE:
        bad = in_the_way(found.steps, where, source.reader, house.bus(authority=True), at=now)
    return Sheet(kind, path, found, bad, tuple(_first(found, source, at)))


def _first(found: Looked, source: DeskSource, location: Id) -> Iterator[tuple[str, ...]]:
    """What would come in, in the file's order: families with their children, lines with class, room and start."""
    for step in found.steps[:MOST_SHOWN]:
        payload = step.payload
        if isinstance(payload, AddFamily):
            yield (payload.name, *(item.given for item in payload.items))
        elif isinstance(payload, AddTimetable):
            here = known(source.reader, location)
            rooms = {room.id: room.name for room in here.rooms.values()}
            ids = list(dict.fromkeys(course.class_type for course in payload.items))
            names = {one.class_type: one.name for one in payload.classes}
            names |= {id: one.name for id, one in fetch(source.reader, ClassType, ids).items()}
            for course in payload.items[:MOST_SHOWN]:
                yield (names[course.class_type], rooms[course.room], course.start.replace("T", " "))


def brought(source: DeskSource, sheet: Sheet, author: Author, going_on: Callable[[int], bool]) -> Brought:
    """Raises as `bring_in`."""
    return source.bring_in(sheet.found.steps, author, going_on=going_on).result()


class Someone(NamedTuple):
    """A family, whom it is, and what is held of them."""

    family: Id
    people: Mapping[Id, str]
    held: tuple[Held, ...]

    @property
    def goes(self) -> int:
        return sum(one.goes for one in self.held)

    @property
    def stays(self) -> tuple[str, ...]:
        """Kinds of records that an erasure leaves, without names."""
        return tuple(kind for kind in KEPT if any(one.kind == kind and not one.goes for one in self.held))


def someone(source: DeskSource, family: Id) -> Someone:
    """Raises BadInput `person.unknown`."""
    reader = source.reader
    people = {one: name_of(reader, one) for one in household(reader, family)}
    return Someone(family, people, tuple(held_of(reader, house.registry(), list(people))))


def families_like(source: DeskSource, text: str) -> list[tuple[Id, str]]:
    """Families that fit what somebody typed, best first, with names."""
    ids = [Id(one.row.id) for one in source.search(text, kinds=[Family.KIND])]
    found = fetch(source.reader, Family, ids)
    return [(id, found[id].name) for id in ids if id in found]


def write_person(source: DeskSource, found: Someone, path: Path) -> int:
    """Write what is held of a family to a file for this user alone; how many records. Raises EnvironmentFault."""
    at = datetime.fromtimestamp(source.clock.now().corrected / 1000, tz=UTC).isoformat(timespec="seconds")
    text = written(found.people, found.held, studio=source.place.studio, at=at)
    write_private(path, text)
    return len(found.held)


CALENDAR_OUT, ROSTER_OUT = "calendar", "roster"


def write_out(source: DeskSource, what: str, path: Path) -> int:
    """Write this place's timetable, or its people, for other programs; how many.

    Raises EnvironmentFault, or Refused `import.no_location` at a desk of all places.
    """
    place = source.place.location
    if place is None:
        raise Refused("import.no_location")
    house = fetch(source.reader, Location, [place])[place]
    if what == ROSTER_OUT:
        people = taking_out.people(source.reader, place, name=house.name)
        write_private(path, people.data)
        return people.children
    now_ms = source.clock.now().corrected
    found = taking_out.timetable(source.reader, place, name=house.name, zone=house.zone, now_ms=now_ms)
    write_private(path, found.data)
    return found.sessions
