"""A timetable from a table: what a row says, what is wrong with it, and that said again it changes nothing."""

from typing import Any

import pytest

from classtap_core.exchange import classes
from classtap_core.exchange.bringing import bring_in
from classtap_core.exchange.classes import Classes
from classtap_core.exchange.columns import guess
from classtap_core.exchange.looking import CALENDAR, CLASSES, Looked, Place, in_the_way, known, look
from classtap_core.exchange.tables import read_table
from classtap_core.house import bus
from classtap_core.kernel.outcomes import Status
from classtap_core.kernel.records import decode
from classtap_core.schedule.records import ClassType, Instructor, Series, Session
from classtap_core.schedule.timetable_operations import AddTimetable
from tests.unit.house.world import BLUE, DESK, MAIN, OWNER, STUDIO, World, staff, state_of

ZONE, TODAY = "Europe/Madrid", "2026-11-21"
PLACE = Place(STUDIO, MAIN, ZONE, TODAY)
SHEET = """Class,Room,Teacher,Day,Start date,End date,Time,Duration,Places
Hip hop,Blue,Nina New,Mon/Wed,2027-01-04,2027-01-31,16:30,60,8
ballet,Blue,Tom Teacher,Tue,2027-01-05,2027-02-02,5:15 pm,45 min,
Camp,Amber,,,2027-01-09,,9.00,90,5
"""


class Office:
    """A desk of the small world, and the cloud."""

    def __init__(self) -> None:
        self.world = World()
        self.desk = self.world.join(DESK, role="desk")

    def look(self, text: str, kind: str = CLASSES, **more: Any) -> Looked:
        return look(kind, text.encode(), PLACE, self.desk.store, **more)

    def in_the_way(self, found: Looked) -> list[tuple[int, str]]:
        at = self.desk.bus.clock.now()
        bad = in_the_way(found.steps, PLACE, self.desk.store, bus(authority=True), at=at)
        return [(one.number, one.code) for one in bad]


@pytest.fixture
def office() -> Office:
    return Office()


def test_rows_become_lines_of_one_timetable(office: Office) -> None:
    found = office.look(SHEET)
    assert (found.bad, found.counts) == ((), {"classes": 3, "lines": 3, "instructors": 1})
    (step,) = found.steps
    assert isinstance(step.payload, AddTimetable)
    said = [(one.rule, one.start, one.duration_min, one.capacity) for one in step.payload.items]
    assert said == [
        ("FREQ=WEEKLY;BYDAY=MO,WE;UNTIL=20270131T235959", "2027-01-04T16:30", 60, 8),
        ("FREQ=WEEKLY;BYDAY=TU;UNTIL=20270202T235959", "2027-01-05T17:15", 45, _capacity(office)),
        ("", "2027-01-09T09:00", 90, 5),
    ]
    assert [one.name for one in step.payload.classes] == ["Camp", "Hip hop"]
    assert [one.name for one in step.payload.instructors] == ["Nina New"]
    assert office.in_the_way(found) == []


def _capacity(office: Office) -> int:
    return known(office.desk.store, MAIN).rooms["blue"].capacity


def test_it_is_decided_by_the_cloud_whole_and_again_changes_nothing(office: Office) -> None:
    before = len(state_of(office.world.cloud, Session))
    brought = bring_in(office.desk.bus, office.look(SHEET).steps, staff(OWNER), going_on=lambda _: True)
    assert (brought.new, brought.asked) == (0, 1)
    office.world.sync()
    # Mondays and Wednesdays 4 to 31 January are 8, Tuesdays 5 January to 2 February are 5, and one day of camp.
    assert len(state_of(office.world.cloud, Session)) == before + 8 + 5 + 1
    assert len(state_of(office.world.cloud, Series)) == 2
    names = {decode(ClassType, body).name for body in state_of(office.world.cloud, ClassType).values()}
    assert {"Hip hop", "Camp"} <= names
    assert "Nina New" in {decode(Instructor, body).name for body in state_of(office.world.cloud, Instructor).values()}
    again = office.look(SHEET)
    assert again.counts["instructors"] == 0
    (step,) = again.steps
    assert office.world.say(step.payload).link.outcome.status is Status.DUPLICATE


def test_every_bad_row_is_named(office: Office) -> None:
    rows = [
        "Hip hop,Attic,,Mon,2027-01-04,,16:30,60,8", "Hip hop,Blue,,Someday,2027-01-04,,16:30,60,8", "Hip hop,Blue,,Mon,2027-02-30,,16:30,60,8",
        "Hip hop,Blue,,Mon,2027-01-04,2026-01-04,16:30,60,8", "Hip hop,Blue,,Mon,2027-01-04,,25:00,60,8", "Hip hop,Blue,,Mon,2027-01-04,,16:30,0,8",
        "Hip hop,Blue,,Mon,2027-01-04,,16:30,60,many", ",Blue,,Mon,2027-01-04,,16:30,60,8", "Camp,Amber,,,2027-01-09,,9:00,90,5", "Camp,Amber,,,2027-01-09,,9:00,90,5",
    ]  # fmt: skip
    found = office.look("\n".join([SHEET.splitlines()[0], *rows]))
    assert found.steps == ()
    assert [(one.number, one.field, one.code) for one in found.bad] == [
        (2, "room", "import.room"), (3, "day", "import.day"), (4, "first", "import.date"), (5, "last", "import.ends_before"),
        (6, "start", "import.time"), (7, "minutes", "import.minutes"), (8, "capacity", "import.number"), (9, "class", "import.empty"),
        (11, "class", "import.line_twice"),
    ]  # fmt: skip


def test_what_clashes_is_named_by_its_row_before_anything_is_asked(office: Office) -> None:
    clash = SHEET + "Circus,Blue,,Mon,2027-01-11,2027-01-12,17:00,60,8\n"
    found = office.look(clash)
    assert set(office.in_the_way(found)) == {(5, "conflict.room")}  # the later of two is the one in the way
    (step,) = found.steps
    outcome = office.world.say(step.payload).link.outcome
    assert outcome.status is Status.REFUSED
    assert {item.reasons[0].code for item in outcome.items} == {"conflict.room", "session.with_others"}
    assert len(state_of(office.world.cloud, Series)) == 0


@pytest.mark.parametrize(
    ("text", "minutes"), [("9:05", 545), ("09.05", 545), ("9h05", 545), ("9 am", 540), ("12:30 a.m.", 30), ("12 PM", 720), ("17:00:00", 1020)]
)  # fmt: skip
def test_times_of_day(text: str, minutes: int) -> None:
    assert classes._time(text) == minutes


@pytest.mark.parametrize("text", ["24:00", "13 pm", "noon", "9:60", "-1"])
def test_what_is_no_time_of_day(text: str) -> None:
    assert classes._time(text) is None


def test_headers_and_days_in_spanish(office: Office) -> None:
    table = read_table(
        "Clase;Sala;Profesora;Días;Desde;Hasta;Hora;Plazas\nCirco;Blue;Eva;martes y jueves;04/01/2027;31/01/2027;18:00;6\n".encode()
    )
    found: Classes = classes.read(
        table, guess(table.headers, classes.ALIASES), known(office.desk.store, MAIN), studio=STUDIO, location=MAIN, today=TODAY
    )  # fmt: skip
    assert found.timetable is not None
    (course,) = found.timetable.items
    assert (course.rule, course.start) == ("FREQ=WEEKLY;BYDAY=TU,TH;UNTIL=20270131T235959", "2027-01-04T18:00")


CALENDAR_FILE = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//Other//EN
BEGIN:VEVENT
UID:one@other
DTSTAMP:20261101T000000Z
DTSTART;TZID=Europe/Madrid:20270104T163000
DURATION:PT1H
RRULE:FREQ=WEEKLY;COUNT=4
EXDATE;TZID=Europe/Madrid:20270111T163000
SUMMARY:Capoeira
LOCATION:Blue
END:VEVENT
BEGIN:VEVENT
UID:one@other
DTSTAMP:20261101T000000Z
RECURRENCE-ID;TZID=Europe/Madrid:20270118T163000
DTSTART;TZID=Europe/Madrid:20270119T170000
DURATION:PT1H
SUMMARY:Capoeira
LOCATION:Blue
END:VEVENT
END:VCALENDAR
""".replace("\n", "\r\n")


def test_a_calendar_s_series_becomes_sessions_with_its_exceptions(office: Office) -> None:
    found = office.look(CALENDAR_FILE, CALENDAR)
    assert (found.bad, office.in_the_way(found)) == ((), [])
    bring_in(office.desk.bus, found.steps, staff(OWNER), going_on=lambda _: True)
    office.world.sync()
    sessions = [decode(Session, body) for body in state_of(office.world.cloud, Session).values()]
    new = sorted(one.start for one in sessions if one.start > "2027" and one.room == BLUE)
    assert new == ["2027-01-04T16:30", "2027-01-19T17:00", "2027-01-25T16:30"]
    (step,) = office.look(CALENDAR_FILE, CALENDAR).steps
    assert office.world.say(step.payload).link.outcome.status is Status.DUPLICATE
    nowhere = office.look(CALENDAR_FILE.replace("LOCATION:Blue", "LOCATION:Attic"), CALENDAR)
    assert [(one.number, one.code) for one in nowhere.bad] == [(1, "import.room")]
