"""What a file comes to before anything of it is brought in: read, checked row by row, and decided without committing."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from classtap_core.exchange import calendars, classes, families, oneroster
from classtap_core.exchange.bringing import SOURCE, Step
from classtap_core.exchange.classes import Classes, Known
from classtap_core.exchange.columns import Aliases, BadRow, guess, plain
from classtap_core.exchange.tables import read_table
from classtap_core.kernel.bus import Bus
from classtap_core.kernel.clock import Timestamp
from classtap_core.kernel.envelope import Author
from classtap_core.kernel.foreseeing import foreseen
from classtap_core.kernel.ids import Id, derived
from classtap_core.kernel.operations import Range
from classtap_core.kernel.outcomes import Status
from classtap_core.kernel.records import Record, decode
from classtap_core.kernel.tx import Reader
from classtap_core.schedule.records import ClassType, Instructor, Room

FAMILIES, CLASSES, ONEROSTER, CALENDAR = "families", "classes", "oneroster", "calendar"
KINDS = (FAMILIES, CLASSES, ONEROSTER, CALENDAR)
ALIASES: Mapping[str, Aliases] = {FAMILIES: families.ALIASES, CLASSES: classes.ALIASES}
"""The kinds whose columns have to be found, and the fields they may be."""
NEEDED: Mapping[str, Sequence[str]] = {FAMILIES: families.NEEDED, CLASSES: classes.NEEDED}


class Place(NamedTuple):
    """Where things are brought in: a studio's location, its zone, and the date there."""

    studio: Id
    location: Id
    zone: str
    today: str


class Looked(NamedTuple):
    """What a file comes to. Nothing is brought in while there are bad rows.

    Attributes:
        headers: of a table, in order. columns: field → place of its column. counts: what it would bring, by name.
    """

    headers: tuple[str, ...]
    columns: Mapping[str, int]
    counts: Mapping[str, int]
    steps: tuple[Step, ...]
    bad: tuple[BadRow, ...]


def look(
    kind: str, data: bytes, place: Place, reader: Reader, *, columns: Mapping[str, int] | None = None,
    day_first: bool | None = None,
) -> Looked:  # fmt: skip
    """Read a file of one of KINDS. `columns` overrides the guess. Raises BadInput as `read_table` and `calendar.read`."""
    if kind == ONEROSTER:
        files = oneroster.unpacked(data)
        found = oneroster.read(files, studio=place.studio, home=place.location, today=place.today)
        counts = {"families": len(found.families), "children": found.children, "roles": len(found.roles)}
        return Looked((), {}, counts, found.steps, found.bad)
    if kind == CALENDAR:
        taken = calendars.read(
            data, known(reader, place.location), studio=place.studio, location=place.location, zone=place.zone
        )
        return Looked((), {}, _counted(taken), taken.steps, taken.bad)
    table = read_table(data)
    columns = guess(table.headers, ALIASES[kind]) if columns is None else columns
    if kind == FAMILIES:
        people = families.read(
            table, columns, studio=place.studio, home=place.location, today=place.today, day_first=day_first
        )
        counts = {"families": len(people.families), "children": people.children}
        return Looked(table.headers, columns, counts, people.steps, people.bad)
    lines = classes.read(
        table, columns, known(reader, place.location), studio=place.studio, location=place.location, today=place.today,
        day_first=day_first,
    )  # fmt: skip
    return Looked(table.headers, columns, _counted(lines), lines.steps, lines.bad)


def _counted(found: Classes) -> dict[str, int]:
    timetable = found.timetable
    if timetable is None:
        return {"classes": 0, "lines": 0, "instructors": 0}
    return {
        "classes": len({one.class_type for one in timetable.items}), "lines": len(timetable.items),
        "instructors": len(timetable.instructors),
    }  # fmt: skip


def known(reader: Reader, location: Id) -> Known:
    """What a timetable may name, of one location, by name."""
    rooms: list[Room] = _all(reader, Room, "by_location", location)
    kinds: list[ClassType] = _all(reader, ClassType, "by_id")
    teachers: list[Instructor] = _all(reader, Instructor, "by_id")
    return Known(
        {plain(room.name): room for room in rooms}, {plain(one.name): one.id for one in kinds},
        {plain(one.name): one.id for one in teachers},
    )  # fmt: skip


def _all(reader: Reader, record: type[Record], by: str, *equals: str) -> list[Any]:
    return [decode(record, row.body) for row in reader.find(Range(record, by, equals))]


def in_the_way(steps: Sequence[Step], place: Place, reader: Reader, bus: Bus, *, at: Timestamp) -> tuple[BadRow, ...]:
    """What the cloud would refuse, as far as can be known here: handlers alone, one after the other, nothing committed.

    `bus` decides with authority. Rows are those of the steps, or of a timetable's lines where it says which.
    """
    decisions = foreseen(
        [step.payload for step in steps], reader, bus, studio=place.studio, device=place.location, at=at, source=SOURCE,
        ids=[derived("import.look", place.location, str(number)) for number in range(len(steps))],
        author=Author(type="clock", id=place.studio),
    )  # fmt: skip
    bad: list[BadRow] = []
    for step, decision in zip(steps, decisions, strict=True):
        if decision.outcome.status is Status.REFUSED:
            items = [(item.key, item.reasons) for item in decision.outcome.items] or [("", decision.outcome.reasons)]
            bad += [
                BadRow(step.rows.get(Id(key), step.row), "", reasons[0].code)
                for key, reasons in items
                if reasons and reasons[0].code not in {*step.instead, "session.with_others"}
            ]
    return tuple(bad)
