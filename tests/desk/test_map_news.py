"""Who edits and who approves hear of it on the first screen: once each, and not for ever."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from pytestqt.qtbot import QtBot

from classtap_desktop.screens.map_news import WEEK_MS
from classtap_desktop.screens.notice_card import NoticeCard
from classtap_desktop.screens.today.view import TodayScreen
from classtap_desktop.window import DeskWindow
from tests.desk.lives import Life, put
from tests.desk.maps import reformers
from tests.desk.world import NOW_MS, World

Open = Callable[..., DeskWindow]


def card(window: DeskWindow) -> NoticeCard:
    screen = window.screens["today"]
    assert isinstance(screen, TodayScreen)
    return screen.notices


def heard(window: DeskWindow) -> list[tuple[str, str, str]]:
    return [(one.code, one.who, one.text) for one in card(window).news]


def test_an_approver_hears_of_what_waits_and_the_editor_of_what_was_decided(
    qtbot: QtBot, world: World, open_desk: Open
) -> None:
    life = Life(world)
    editor, approver = world.staff("instructor"), world.staff("manager")
    draft = life.draft("Autumn", reformers(), editor=editor.staff, state="pending")
    window = open_desk("manager")
    qtbot.waitUntil(lambda: heard(window) == [("waits", editor.name, "")])
    decided = msgspec.structs.replace(
        draft, state="approved", decided_by=approver.staff, decision="Go ahead", decided_ms=NOW_MS
    )
    put(world, decided)
    qtbot.waitUntil(lambda: heard(window) == [("approved", approver.name, "Go ahead")])
    card(window)._heard(card(window).news[0])
    qtbot.waitUntil(lambda: not heard(window))

    back = msgspec.structs.replace(decided, state="draft", decision="The door is blocked", decided_ms=NOW_MS + 1)
    put(world, back)
    other = open_desk("instructor")
    qtbot.waitUntil(lambda: heard(other) == [("sent_back", approver.name, "The door is blocked")])
    assert not heard(window), "whoever sent it back knows"
    world.tick(WEEK_MS + 60_000)
    card(other).hear()
    qtbot.waitUntil(lambda: not heard(other))
