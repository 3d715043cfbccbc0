"""Classes from a table: a line of a timetable a row. Rooms are those that are here; classes and teachers may be new.

With a weekday a row is a series from its first day on; without one it is a single session. Said again, it changes nothing.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import NamedTuple

from classtap_core.exchange.bringing import Step
from classtap_core.exchange.columns import Aliases, BadRow, Dates, Line, gaps, lacking, lines, plain, ragged
from classtap_core.exchange.tables import Table
from classtap_core.kernel.ids import Id, derived
from classtap_core.schedule.records import Room
from classtap_core.schedule.rules import LONGEST_MIN
from classtap_core.schedule.timetable_operations import MOST, AddTimetable, Course, NamedClass, NamedTeacher

ALIASES: Aliases = {
    "class": ("class", "class name", "course", "course name", "activity", "clase", "curso", "actividad", "kurs",
              "cours", "الصف", "الدرس"),
    "audience": ("for kids or adults", "para ninos o adultos", "للأطفال أو الكبار", "audience", "for",
                 "kids or adults", "publico", "edad", "zielgruppe"),
    "room": ("room", "studio", "hall", "space", "sala", "aula", "raum", "salle", "القاعة"),
    "instructor": ("profesorado", "المدرّس", "instructor name", "teacher name", "instructor", "teacher", "coach",
                   "staff", "profesor", "profesora", "monitor", "lehrer", "professeur", "المدرب", "المعلم"),
    "day": ("أيام الأسبوع", "day", "days", "weekday", "weekdays", "day of week", "dia", "dias", "wochentag", "jour",
            "اليوم"),
    "first": ("first day", "primer dia", "اليوم الأول", "first session", "first date", "start date", "from", "begins",
              "date", "fecha", "fecha de inicio", "desde", "datum", "ab", "debut", "التاريخ"),
    "last": ("last day", "ultimo dia", "اليوم الأخير", "last session", "last date", "end date", "until", "ends", "to",
             "fecha de fin", "hasta", "bis", "fin"),
    "start": ("inicio", "البداية", "start", "start time", "time", "hora", "hora de inicio", "uhrzeit", "beginn",
              "heure", "الوقت"),
    "end": ("fin", "النهاية", "end", "end time", "hora de fin", "ende"),
    "minutes": ("الدقائق", "minutes", "duration", "length", "duration minutes", "duracion", "minutos", "dauer",
                "duree", "المدة"),
    "capacity": ("الأماكن", "max capacity", "capacity", "places", "max", "size", "spots", "plazas", "aforo",
                 "capacidad", "platze", "السعة"),
}  # fmt: skip
NEEDED = ("class", "room", "first", "start")
_DAYS: Mapping[str, str] = {
    name: code
    for code, names in {
        "MO": "mo mon monday lu lun lunes montag lundi الاثنين", "TU": "tu tue tues tuesday ma mar martes dienstag mardi الثلاثاء",
        "WE": "we wed wednesday mi mie miercoles mittwoch mercredi الأربعاء", "TH": "th thu thur thurs thursday ju jue jueves donnerstag jeudi الخميس",
        "FR": "fr fri friday vi vie viernes freitag vendredi الجمعة", "SA": "sa sat saturday sab sabado samstag samedi السبت",
        "SU": "su sun sunday do dom domingo sonntag dimanche الأحد",
    }.items()
    for name in names.split()
}  # fmt: skip
_TIME = re.compile(r"(\d{1,2})[:.h]?(\d{2})?(?::\d{2})?\s*([ap])?\.?\s*(?:m\.?)?", re.IGNORECASE)
_AUDIENCES = {"kids": "kids", "children": "kids", "child": "kids", "ninos": "kids", "adults": "adults", "adult": "adults",
              "adultos": "adults"}  # fmt: skip
_USUAL_MIN = 60


class Known(NamedTuple):
    """What is here already, by name as `plain` has it."""

    rooms: Mapping[str, Room]
    classes: Mapping[str, Id]
    instructors: Mapping[str, Id]


class Classes(NamedTuple):
    """What a table comes to: one operation over all of it, and the row of each of its lines."""

    timetable: AddTimetable | None
    rows: Mapping[Id, int]
    bad: tuple[BadRow, ...]

    @property
    def steps(self) -> tuple[Step, ...]:
        return () if self.timetable is None else (Step(0, self.timetable, rows=self.rows),)


def read(
    table: Table, columns: Mapping[str, int], known: Known, *, studio: Id, location: Id, today: str,
    day_first: bool | None = None,
) -> Classes:  # fmt: skip
    """A timetable of one location from a table; ids follow from what the rows say."""
    missing = lacking(columns, NEEDED)
    if missing:
        return Classes(None, {}, missing)
    rows = lines(table, columns)
    if len(rows) > MOST:
        return Classes(None, {}, (BadRow(0, "class", "import.too_many", str(MOST)),))
    written = [row.says(field) for row in rows for field in ("first", "last")]
    dates = Dates.of(written, date.fromisoformat(today), day_first)
    bad = ragged(table)
    courses: dict[Id, Course] = {}
    numbers: dict[Id, int] = {}
    for row in rows:
        found = _course(row, dates, known, studio=studio, location=location)
        if isinstance(found, Course) and found.id in numbers:
            found = [BadRow(row.number, "class", "import.line_twice", str(numbers[found.id]))]
        if isinstance(found, Course):
            courses[found.id], numbers[found.id] = found, row.number
        else:
            bad += found
    if bad:
        return Classes(None, {}, tuple(bad))
    classes = {
        plain(row.says("class")): NamedClass(
            class_type=_class_id(studio, row, known), name=row.says("class"), audience=_audience(row)
        )
        for row in reversed(rows)
        if plain(row.says("class")) not in known.classes
    }
    teachers = {
        plain(row.says("instructor")): NamedTeacher(
            instructor=Id(_teacher_id(studio, row, known)), name=row.says("instructor")
        )
        for row in reversed(rows)
        if row.says("instructor") and plain(row.says("instructor")) not in known.instructors
    }
    timetable = AddTimetable(
        location=location, items=tuple(courses.values()), classes=tuple(classes[name] for name in sorted(classes)),
        instructors=tuple(teachers[name] for name in sorted(teachers)),
    )  # fmt: skip
    return Classes(timetable, numbers, ())


def _course(row: Line, dates: Dates, known: Known, *, studio: Id, location: Id) -> Course | list[BadRow]:
    """The line a row says, or what is wrong with it."""
    bad = gaps(row, NEEDED)

    def wrong(field: str, code: str) -> None:
        if row.says(field):
            bad.append(BadRow(row.number, field, code, row.says(field)))

    room = known.rooms.get(plain(row.says("room")))
    if room is None:
        wrong("room", "import.room")
    days = _days(row.says("day"))
    if days is None:
        wrong("day", "import.day")
    start, end = _time(row.says("start")), _time(row.says("end"))
    for field, found in (("start", start), ("end", end)):
        if found is None:
            wrong(field, "import.time")
    (first, trouble), (last, other) = dates.read(row.says("first")), dates.read(row.says("last"))
    for field, code in (("first", trouble), ("last", other)):
        if code:
            wrong(field, code)
    if first and last and last < first:
        wrong("last", "import.ends_before")
    minutes = _minutes(row, start, end)
    if not 0 < minutes <= LONGEST_MIN:
        wrong("minutes" if row.says("minutes") else "end", "import.minutes")
    capacity = row.says("capacity") or str(0 if room is None else room.capacity)
    if not re.fullmatch(r"\d{1,4}", capacity):
        wrong("capacity", "import.number")
    if row.says("audience") and not _AUDIENCES.get(plain(row.says("audience"))):
        wrong("audience", "import.audience")
    if bad or room is None or start is None or days is None:
        return bad
    rule = _rule(days, last)
    local = f"{first}T{start // 60:02}:{start % 60:02}"
    class_type = _class_id(studio, row, known)
    return Course(
        id=derived("import.course", studio, location, class_type, room.id, local, ",".join(days)),
        class_type=class_type, room=room.id, start=local, duration_min=minutes, capacity=int(capacity),
        instructor=_teacher_id(studio, row, known), rule=rule,
    )  # fmt: skip


def _class_id(studio: Id, row: Line, known: Known) -> Id:
    name = plain(row.says("class"))
    return known.classes.get(name) or derived("import.class", studio, name)


def _teacher_id(studio: Id, row: Line, known: Known) -> str:
    name = plain(row.says("instructor"))
    return (known.instructors.get(name) or derived("import.instructor", studio, name)) if name else ""


def _audience(row: Line) -> str:
    return _AUDIENCES.get(plain(row.says("audience")), "kids")


def _rule(days: Sequence[str], last: str) -> str:
    if not days:
        return ""
    until = f";UNTIL={last.replace('-', '')}T235959" if last else ""
    return f"FREQ=WEEKLY;BYDAY={','.join(days)}{until}"


def _days(text: str) -> tuple[str, ...] | None:
    """Weekdays by RFC 5545, in the week's order; None where one is no weekday."""
    found = {_DAYS.get(word) for word in plain(text).split() if word not in ("and", "y", "und", "et", "و")}
    if None in found:
        return None
    return tuple(code for code in dict.fromkeys(_DAYS.values()) if code in found)


def _time(text: str) -> int | None:
    """Minutes after midnight; 0 for an empty text, None for one that is no time of day."""
    if not text:
        return 0
    found = _TIME.fullmatch(text.strip())
    if found is None:
        return None
    hour, minute, half = int(found[1]), int(found[2] or 0), (found[3] or "").casefold()
    if half:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half == "p" else 0)
    return hour * 60 + minute if hour < 24 and minute < 60 else None


def _minutes(row: Line, start: int | None, end: int | None) -> int:
    said = row.says("minutes")
    if said:
        found = re.fullmatch(r"(\d{1,4})(?:\s*(?:m|min|mins|minutes|minutos|minuten)\.?)?", said, re.IGNORECASE)
        return int(found[1]) if found else 0
    return end - start if row.says("end") and start is not None and end is not None else _USUAL_MIN
