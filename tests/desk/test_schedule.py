"""The week: what stands in it, where today is, how one walks through it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from classtap_core.booking.records import Booking, booking_id
from classtap_core.kernel.canonical import canonical
from classtap_core.kernel.device_store import Pulled
from classtap_core.kernel.ids import Id
from classtap_core.kernel.records import plain
from classtap_desktop.screens.schedule.model import TODAY, Filter, Week, WeekModel
from classtap_desktop.screens.schedule.view import ScheduleScreen
from classtap_desktop.screens.sessions import Place, SessionLine
from classtap_desktop.window import DeskWindow
from resources.text import Catalogue
from tests.desk.drawing import table
from tests.desk.world import World

Open = Callable[..., DeskWindow]
MONDAY = date(2026, 11, 16)
HOUR = 3_600_000
MIDNIGHT_MS = 1_794_783_600_000  # Monday 2026-11-16 00:00 in Madrid (Sunday 23:00 UTC)


def line(name: str, day: int, hour: int, **fields: object) -> SessionLine:
    start = MIDNIGHT_MS + day * 24 * HOUR + hour * HOUR
    made = SessionLine(
        id=Id(f"{day:016x}{hour:016x}"), name=name, audience="kids", location=Id("a" * 32), room_id=Id("b" * 32),
        room="Studio B", instructor_id=Id("c" * 32), instructor="Inés", start_ms=start, end_ms=start + HOUR,
        day=date.fromordinal(MONDAY.toordinal() + day).isoformat(), zone="Europe/Madrid", capacity=12, cancelled=False,
        booked=7,
    )  # fmt: skip
    return made._replace(**fields)


def week(*lines: SessionLine) -> Week:
    return Week(MONDAY, date(2026, 11, 21), (Place(Id("a" * 32), "Riverside", "Europe/Madrid"),), lines)


def model(*lines: SessionLine) -> WeekModel:
    made = WeekModel(Catalogue("en_GB"))
    made.show_week(week(*lines))
    return made


def test_days_stand_side_by_side_with_their_sessions_by_start() -> None:
    made = model(line("Judo", 0, 9), line("Ballet", 0, 16), line("Yoga", 5, 8, audience="adults"))
    judo, ballet, yoga = (
        "09:00–10:00, Judo, Kids, Studio B · Inés, 7 / 12",
        "16:00–17:00, Ballet, Kids, Studio B · Inés, 7 / 12",
        "08:00–09:00, Yoga, Adults, Studio B · Inés, 7 / 12",
    )
    assert table(made) == [
        "Mon 16 | Tue 17 | Wed 18 | Thu 19 | Fri 20 | Sat 21 | Sun 22",
        f"{judo} | · | · | · | · | {yoga} | ·",
        f"{ballet} | · | · | · | · | · | ·",
    ]


def test_today_is_marked_and_empty_cells_cannot_be_chosen() -> None:
    made = model(line("Judo", 0, 9))
    marked = [made.headerData(day, Qt.Orientation.Horizontal, TODAY) for day in range(7)]
    assert marked == [False, False, False, False, False, True, False]
    assert made.flags(made.index(0, 0)) & Qt.ItemFlag.ItemIsSelectable
    assert made.flags(made.index(0, 1)) == Qt.ItemFlag.NoItemFlags


def test_filters_leave_what_they_let_through() -> None:
    other = {"room_id": Id("d" * 32), "room": "Loft", "instructor_id": Id("e" * 32), "instructor": "Per"}
    made = model(line("Judo", 0, 9), line("Ballet", 0, 16, **other))
    assert [name for _, name in made.rooms()] == ["Loft", "Studio B"]
    made.show_only(Filter(room="d" * 32))
    assert [made.count(day) for day in range(7)] == [1, 0, 0, 0, 0, 0, 0]
    made.show_only(Filter(instructor="c" * 32))
    assert made.line(made.index(0, 0)).name == "Judo"


def test_newer_numbers_do_not_move_anything(qtbot: QtBot) -> None:
    made = model(line("Judo", 0, 9), line("Yoga", 5, 8))
    with qtbot.assertNotEmitted(made.modelReset), qtbot.waitSignal(made.dataChanged, timeout=0) as told:
        made.show_week(week(line("Judo", 0, 9), line("Yoga", 5, 8, booked=8)))
    assert (told.args[0].row(), told.args[0].column()) == (0, 5)


@pytest.fixture
def schedule(qtbot: QtBot, open_desk: Open) -> ScheduleScreen:
    screen = open_desk("manager", screen="schedule").screens["schedule"]
    assert isinstance(screen, ScheduleScreen)
    qtbot.waitUntil(lambda: screen.model.week is not None)
    return screen


def test_it_opens_at_this_desks_location_on_what_runs_now(schedule: ScheduleScreen) -> None:
    chosen = schedule.chosen()
    assert chosen is not None
    assert chosen.start_ms <= schedule.desk.now().corrected < chosen.end_ms
    assert schedule.boxes["location"].currentText() == "Riverside"
    assert {line.location for day in schedule.model._days for line in day} == {schedule.desk.source.place.location}
    assert schedule.subtitle.whole_text().startswith("16 November 2026 – 22 November 2026 · ")


def test_arrows_walk_over_days_of_any_length_and_enter_opens_the_roster(qtbot: QtBot, schedule: ScheduleScreen) -> None:
    model, table_view = schedule.model, schedule.table
    table_view.setCurrentIndex(model.index(model.count(5) - 1, 5))
    qtbot.keyClick(table_view, Qt.Key.Key_Right)
    assert table_view.currentIndex().column() == 6
    assert table_view.currentIndex().row() <= model.count(6) - 1
    for _ in range(8):
        qtbot.keyClick(table_view, Qt.Key.Key_Left)
    assert table_view.currentIndex().column() == 2, "Monday and Tuesday have no sessions"
    chosen = schedule.chosen()
    assert chosen is not None
    with qtbot.waitSignal(schedule.desk.opened) as told:
        qtbot.keyClick(table_view, Qt.Key.Key_Return)
    assert told.args == ["roster", chosen.id]


def test_other_weeks_are_a_key_away_and_an_empty_one_says_so(qtbot: QtBot, schedule: ScheduleScreen) -> None:
    with qtbot.waitSignal(schedule.loaded):
        qtbot.keyClick(schedule.table, Qt.Key.Key_Right, Qt.KeyboardModifier.AltModifier)
    assert schedule.model.week is not None
    assert schedule.model.week.monday == date(2026, 11, 23)
    with qtbot.waitSignal(schedule.loaded):
        schedule.turn(10)  # behind the end of the demo's series
    assert schedule.model.week.monday == date(2027, 2, 1)
    assert schedule.empty.isVisible()
    with qtbot.waitSignal(schedule.loaded):
        schedule.empty.button.click()
    assert schedule.model.week.monday == MONDAY
    assert not schedule.empty.isVisible()


def test_a_booking_shows_without_a_jump(qtbot: QtBot, world: World, schedule: ScheduleScreen) -> None:
    chosen = schedule.chosen()
    assert chosen is not None
    schedule.table.verticalScrollBar().setValue(40)
    before = schedule.table.verticalScrollBar().value()
    child = next(one for family in world.plan.families for one in family.children if family.home != chosen.location)
    made = Booking(
        id=booking_id(world.plan.studio, chosen.id, child.child), session=chosen.id, child=child.child,
        family=Id("f" * 32), location=chosen.location, date=chosen.day, state="booked",
    )  # fmt: skip
    with qtbot.waitSignal(schedule.loaded), qtbot.assertNotEmitted(schedule.model.modelReset):
        world.pull([Pulled("booking", made.id, made.scope(), canonical(plain(made)))])
    now = schedule.chosen()
    assert now is not None
    assert now.booked == chosen.booked + 1
    assert schedule.table.verticalScrollBar().value() == before
