"""Every screen in every look, as pictures in build/screens, with nothing cut off and every script drawn."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import QAbstractButton, QWidget
from pytestqt.qtbot import QtBot

from classtap_core.booking.records import Booking
from classtap_core.checkin.reading import search
from classtap_core.kernel.device_store import Notice
from classtap_core.kernel.ids import Id
from classtap_core.kernel.outcomes import ItemOutcome, Reason, Status, of_items
from classtap_core.schedule.records import Session
from classtap_core.schedule.rules import starts_ms
from classtap_desktop.kit import theme
from classtap_desktop.screens.devices.view import DevicesScreen
from classtap_desktop.screens.families.view import FamiliesScreen
from classtap_desktop.screens.roster.view import RosterScreen
from classtap_desktop.screens.schedule.view import ScheduleScreen
from classtap_desktop.screens.today.view import TodayScreen
from classtap_desktop.window import DeskWindow
from sync.client.engine import State
from tests.desk.pictures import LOOKS, SIZES, take
from tests.desk.test_contested import late
from tests.desk.test_contested import pulled as contested
from tests.desk.world import NOW_MS, World

Open = Callable[..., DeskWindow]
HOLDS: dict[str, str | int] = {"state": "absent", "at_ms": NOW_MS - 300_000, "device": "e" * 32}


def lived_in(world: World) -> None:
    """A day that has begun: children of the sessions that run have come, or late, or not; one result has changed."""
    marked: set[str] = set()
    for session in search(world.store, Session, "by_location_date", world.plan.main, "2026-11-21"):
        if not NOW_MS - 25 * 60_000 <= starts_ms(session) <= NOW_MS:
            continue
        for at, booking in enumerate(search(world.store, Booking, "by_session", session.id)):
            state = ("present", "present", "late", "present", "none", "absent", "present", "none")[at % 8]
            if state != "none" and booking.child not in marked:
                world.kiosk_marks(session.id, booking.child, state=state)
                marked.add(booking.child)
    child = world.plan.families[0].children[0].child
    world.pull([contested(world, late(world), 1)])
    world.store.notify(
        Notice(
            Id("9" * 32), 1, "attendance.mark", of_items([ItemOutcome(child, Status.ACCEPTED)]),
            of_items([ItemOutcome(child, Status.SUPERSEDED, (Reason("attendance.already", HOLDS),))]), NOW_MS - 120_000,
        )
    )  # fmt: skip


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("look", LOOKS)
def test_pictures_of_every_screen(qtbot: QtBot, world: World, open_desk: Open, look: str, size: str) -> None:
    lived_in(world)
    window = open_desk("manager", size=SIZES[size], **LOOKS[look])
    suffix = f"{look}{size}"
    today, schedule, roster, families, devices = (
        window.screens[name] for name in ("today", "schedule", "roster", "families", "devices")
    )
    assert isinstance(today, TodayScreen)
    qtbot.waitUntil(lambda: today.day is not None and bool(today.notices.lines))
    take(qtbot, window, f"today-{suffix}")

    window.open("schedule")
    assert isinstance(schedule, ScheduleScreen)
    qtbot.waitUntil(lambda: schedule.model.week is not None)
    take(qtbot, window, f"schedule-{suffix}")

    window.open("roster")
    assert isinstance(roster, RosterScreen)
    qtbot.waitUntil(lambda: roster.live.roster is not None)
    late = next(line for line in roster.live.roster.lines if line.state == "late")
    now_ms = world.clock.now().corrected
    roster.live.explain(late.child, reason="traffic", expected_ms=now_ms // 60_000 * 60_000 + 10 * 60_000)
    roster.live.mark(next(line.child for line in roster.live.roster.lines if line.state == "none"), "present")
    qtbot.waitUntil(lambda: roster.live.model.note(roster.live.model.line(roster.live.model.row_of(late.child))) != "")
    qtbot.waitUntil(lambda: not roster.live.busy and window.topbar.badge.whole_text() != "")
    roster.table.setCurrentIndex(roster.live.model.index(roster.live.model.row_of(late.child), 0))
    take(qtbot, window, f"roster-{suffix}")

    family = next(one for one in world.plan.families if one.due >= 2)
    window.open("families", family.family)
    assert isinstance(families, FamiliesScreen)
    qtbot.waitUntil(lambda: families.page_view.page is not None and families.model.counts()[1] > 0)
    take(qtbot, window, f"families-{suffix}")

    world.source.stand(State.OFFLINE)
    window.open("devices")
    assert isinstance(devices, DevicesScreen)
    qtbot.waitUntil(lambda: bool(devices.notices.lines) and window.desk.standing.status.state is State.OFFLINE)
    take(qtbot, window, f"devices-{suffix}")

    window.open("settings")
    take(qtbot, window, f"settings-{suffix}")
    window.keys.run("help")
    take(qtbot, window, f"help-{suffix}")
    window.help_page.close_overlay()

    window.open("today")
    window.keys.run("find")
    window.palette_page.field.setText("m")
    qtbot.waitUntil(lambda: len(window.palette_page.model.findings) > 4)
    qtbot.waitUntil(lambda: window.palette_page.card.height() > window.palette_page.list.height())
    take(qtbot, window, f"palette-{suffix}")

    window.switch_staff()
    qtbot.waitUntil(lambda: window.sign_in.list.count() > 0)
    take(qtbot, window, f"sign_in-{suffix}")


def test_a_screen_reader_finds_a_name_wherever_the_keyboard_stops(qtbot: QtBot, world: World, open_desk: Open) -> None:
    window = open_desk("manager")
    for name in window.screens:
        window.open(name)
    qtbot.waitUntil(lambda: not window.desk.waiting)
    for name, screen in window.screens.items():
        window.open(name)
        stops = [one for one in screen.findChildren(QWidget) if one.focusPolicy() & Qt.FocusPolicy.TabFocus]
        nameless = [type(one).__name__ for one in stops if one.isVisible() and not spoken_of(one)]
        assert (name, nameless) == (name, [])


def spoken_of(widget: QWidget) -> str:
    """What a screen reader says of a widget: the name it was given, else a button's own words."""
    return widget.accessibleName() or (widget.text() if isinstance(widget, QAbstractButton) else "")


def test_every_name_of_the_studio_has_letters_to_draw_it(qtbot: QtBot, world: World) -> None:
    metrics = QFontMetrics(theme().font("text"))
    names = [family.name for family in world.plan.families]
    names += [f"{child.given} {child.surname}" for family in world.plan.families for child in family.children]
    missing = {char for name in names for char in name if not char.isspace() and not metrics.inFontUcs4(ord(char))}
    assert missing == set()
    assert len({family.language for family in world.plan.families}) >= 15
