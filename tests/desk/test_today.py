"""Today: sessions by what they need, and the day in numbers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from classtap_core.kernel.ids import Id
from classtap_desktop.screens.sessions import Counts, SessionLine
from classtap_desktop.screens.today.model import Day, sections, total
from classtap_desktop.screens.today.view import TodayScreen
from classtap_desktop.window import DeskWindow
from tests.desk.world import NOW_MS, World

Open = Callable[..., DeskWindow]
MIN = 60_000


def line(name: str, start_min: int, *, cancelled: bool = False, booked: int = 10, here: int = 0) -> SessionLine:
    start = NOW_MS + start_min * MIN
    return SessionLine(
        id=Id(name.encode().hex().ljust(32, "0")), name=name, audience="kids", location=Id("a" * 32),
        room_id=Id("b" * 32), room="Loft", instructor_id=Id("c" * 32), instructor="Per", start_ms=start,
        end_ms=start + 45 * MIN, day="2026-11-21", zone="Europe/Madrid", capacity=12, cancelled=cancelled,
        booked=booked, counts=Counts(present=here, none=booked - here),
    )  # fmt: skip


def test_sessions_stand_under_what_they_need() -> None:
    day = Day(
        date(2026, 11, 21), (),
        (line("over", -60), line("runs", -44), line("starts", 0), line("soon", 60), line("later", 61),
         line("off", 30, cancelled=True)),
    )  # fmt: skip
    assert [(name, [one.name for one in lines]) for name, lines in sections(day, NOW_MS)] == [
        ("now", ["runs", "starts"]),
        ("soon", ["soon"]),
        ("later", ["later", "off"]),
        ("done", ["over"]),
    ]


def test_the_day_in_numbers_leaves_out_what_does_not_take_place() -> None:
    day = Day(date(2026, 11, 21), (), (line("runs", -10, here=4), line("later", 90), line("off", -10, cancelled=True)))
    assert total(day, NOW_MS) == (2, 20, 4, 6)


def test_it_counts_live_and_enter_opens_the_roster(qtbot: QtBot, world: World, open_desk: Open) -> None:
    window = open_desk("manager")
    screen = window.screens["today"]
    assert isinstance(screen, TodayScreen)
    qtbot.waitUntil(lambda: screen.day is not None)
    first = screen.model.line(screen.model.first())
    assert first is not None
    assert screen.tiles.tiles[2].figure.whole_text() == "0"
    window.open("roster", first.id)
    qtbot.waitUntil(lambda: window.roster.live.roster is not None)
    child = window.roster.live.roster.lines[0].child
    window.open("today")
    with qtbot.waitSignal(screen.loaded), qtbot.assertNotEmitted(screen.model.modelReset):
        world.kiosk_marks(first.id, child)
    qtbot.waitUntil(lambda: screen.tiles.tiles[2].figure.whole_text() == "1")
    with qtbot.waitSignal(window.desk.opened) as told:
        qtbot.keyClick(screen.list, Qt.Key.Key_Return)
    assert told.args == ["roster", first.id]
