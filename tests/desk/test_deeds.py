"""Questions and deeds off the window's thread: of several questions the newest counts, of several deeds each."""

from __future__ import annotations

import threading

import pytest
from pytestqt.qtbot import QtBot

from classtap_core.kernel.errors import EnvironmentFault
from classtap_desktop.desk import Desk, Trouble
from tests.desk.world import World


@pytest.fixture
def desk(world: World, qtbot: QtBot) -> Desk:
    made = Desk(world.source)
    qtbot.waitUntil(lambda: not made.waiting)
    return made


def test_every_deed_is_done_in_turn_and_none_is_dropped(qtbot: QtBot, desk: Desk) -> None:
    gate, done, told = threading.Event(), [], []
    desk.do(lambda _: gate.wait(60))
    for number in range(5):
        desk.do(lambda _, number=number: done.append(number), then=lambda _, number=number: told.append(number))
    desk.cancel()
    assert desk.waiting
    gate.set()
    qtbot.waitUntil(lambda: not desk.waiting)
    assert done == told == [0, 1, 2, 3, 4]
    desk.close()


def test_the_newest_of_several_questions_is_the_one_that_is_read(qtbot: QtBot, world: World, desk: Desk) -> None:
    asked: list[int] = []
    world.source.gate.clear()
    desk.read("held", lambda source: source.reader, then=lambda _: None)
    for number in range(5):
        desk.read("one", lambda _, number=number: asked.append(number), then=lambda _: None)
    world.source.gate.set()
    qtbot.waitUntil(lambda: not desk.waiting)
    assert asked == [4]
    desk.close()


def test_a_deed_that_waits_does_not_hold_up_a_question(qtbot: QtBot, desk: Desk) -> None:
    gate, answers = threading.Event(), []
    desk.do(lambda _: gate.wait(60))
    desk.read("one", lambda source: source.place.device, then=answers.append)
    qtbot.waitUntil(lambda: len(answers) == 1)
    gate.set()
    desk.close()


def test_closing_does_what_was_to_be_done_and_tells_nobody(desk: Desk) -> None:
    done: list[int] = []
    told: list[object] = []
    for number in range(3):
        desk.do(lambda _, number=number: done.append(number), then=told.append)
    desk.close()
    assert (done, told) == ([0, 1, 2], [])


def test_what_a_deed_raised_is_told(qtbot: QtBot, desk: Desk) -> None:
    troubles: list[Trouble] = []

    def fails(_: object) -> None:
        raise EnvironmentFault("store.full")

    desk.do(fails, failed=troubles.append)
    qtbot.waitUntil(lambda: bool(troubles))
    assert [trouble.code for trouble in troubles] == ["store.full"]
    desk.failed.connect(troubles.append)
    desk.do(fails)
    qtbot.waitUntil(lambda: len(troubles) == 2)
    desk.close()
