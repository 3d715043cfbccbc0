"""A child's pass to one class, asked for from its roster: it waits for the cloud, and says how often it let in."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from pytestqt.qtbot import QtBot

from classtap_core.checkin.attendees import AttendeePass, attendee_pass_id
from classtap_core.checkin.pickup import PickupCode, pickup_code_id
from classtap_core.kernel.device_store import Pulled
from classtap_core.kernel.records import Record, plain
from classtap_desktop.screens.roster.pass_dialog import AttendeeDialog
from classtap_desktop.screens.roster.view import RosterScreen
from classtap_desktop.window import DeskWindow
from resources import path
from tests.desk.world import World

Open = Callable[..., DeskWindow]
SCREENS = path().parent / "build" / "screens"


def pulled(record: Record) -> Pulled:
    return Pulled(record.KIND, record.id, record.scope(), msgspec.json.encode(plain(record)))


def opened(qtbot: QtBot, open_desk: Open, role: str = "manager") -> tuple[DeskWindow, RosterScreen, AttendeeDialog]:
    desk = open_desk(role, screen="roster")
    screen = desk.screens["roster"]
    assert isinstance(screen, RosterScreen)
    qtbot.waitUntil(lambda: screen.live.roster is not None and screen.chosen() is not None)
    screen.open_pass()
    (dialog,) = desk.findChildren(AttendeeDialog)
    qtbot.waitUntil(lambda: bool(dialog.state.whole_text()))
    return desk, screen, dialog


def test_a_pass_is_asked_for_and_stands_when_the_cloud_has_made_it(qtbot: QtBot, world: World, open_desk: Open) -> None:
    desk, screen, dialog = opened(qtbot, open_desk)
    line, session = screen.chosen(), screen.live.roster.session
    assert "There is none yet" in dialog.state.whole_text()
    dialog.entries.set_value(3)
    (ask,) = dialog._buttons
    ask.click()
    qtbot.waitUntil(lambda: dialog.state.whole_text().startswith("Asked"))
    assert not ask.isEnabled()
    id = attendee_pass_id(world.plan.studio, session.id, line.child)
    world.pull([pulled(
        AttendeePass(
            id=id, session=session.id, child=line.child, family=line.family, location=session.location,
            date=session.day, handle="ab" * 8, token="cd" * 6, epoch=1, issued_s=1, expires_s=2, entry_limit=3,
        )
    )])  # fmt: skip
    qtbot.waitUntil(lambda: "0 of 3 times" in dialog.state.whole_text())
    assert [button.text() for button in dialog._buttons] == ["Switch off…", "Print card…"]
    qtbot.waitUntil(lambda: dialog._buttons[-1].isVisible())
    desk.grab().save(str(SCREENS / "desk-attendee-light.png"))
    dialog._buttons[0].click()
    qtbot.waitUntil(lambda: "switched off" in dialog.state.whole_text())


def test_who_may_not_issue_is_offered_nothing(qtbot: QtBot, open_desk: Open) -> None:
    _, _, dialog = opened(qtbot, open_desk, "instructor")
    assert dialog._buttons == []


def test_the_roster_shows_the_code_a_child_is_fetched_by(qtbot: QtBot, world: World, open_desk: Open) -> None:
    _, screen, dialog = opened(qtbot, open_desk)
    dialog.close_overlay()
    line, session = screen.chosen(), screen.live.roster.session
    world.kiosk_marks(session.id, line.child)
    id = pickup_code_id(world.plan.studio, line.child, session.location, session.day)
    code = PickupCode(
        id=id, child=line.child, location=session.location, date=session.day, code="271828", made_ms=1
    )  # fmt: skip
    world.pull([pulled(code)])
    qtbot.waitUntil(lambda: "271 828" in screen.child.log.whole_text().replace("\u2066", ""))
