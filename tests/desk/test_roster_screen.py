"""The roster at work: marks from here and from a kiosk, what may not be, and taking back."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from classtap_core.checkin.reading import fetch
from classtap_core.health.rules import HEALTH_POLICY
from classtap_core.kernel.errors import EnvironmentFault
from classtap_core.kernel.ids import Id
from classtap_core.people.records import ChildHealth
from classtap_desktop.kit import Button
from classtap_desktop.screens.roster.reading import RosterLine
from classtap_desktop.screens.roster.view import RosterScreen
from classtap_desktop.window import DeskWindow
from tests.desk.world import World

Open = Callable[..., DeskWindow]
HOUR = 3_600_000


@pytest.fixture
def roster(qtbot: QtBot, open_desk: Open) -> RosterScreen:
    return opened(qtbot, open_desk("manager", screen="roster"))


def opened(qtbot: QtBot, window: DeskWindow) -> RosterScreen:
    screen = window.roster
    qtbot.waitUntil(lambda: screen.live.roster is not None)
    return screen


def states(screen: RosterScreen) -> dict[str, str]:
    assert screen.live.roster is not None
    return {line.child: line.state for line in screen.live.roster.lines}


def child_at(screen: RosterScreen, row: int) -> Id:
    line = screen.live.model.line(row)
    assert line is not None
    return line.child


def press(
    qtbot: QtBot, screen: RosterScreen, key: Qt.Key, modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier
) -> None:
    with qtbot.waitSignal(screen.live.loaded):
        qtbot.keyClick(screen.table, key, modifier)


def test_it_opens_on_the_session_that_runs_and_counts_its_children(roster: RosterScreen) -> None:
    whole = roster.live.roster
    assert whole is not None
    assert whole.session.start_ms <= roster.desk.now().corrected < whole.session.end_ms
    shown = [tile.figure.whole_text() for tile in roster.tiles.tiles]
    assert shown == ["0", "0", "0", str(len(whole.lines)), f"{len(whole.lines)} / {whole.session.capacity}"]
    assert "running for" in roster.subtitle.whole_text()


def test_a_mark_of_a_kiosk_arrives_by_itself_and_keeps_the_place(
    qtbot: QtBot, world: World, roster: RosterScreen
) -> None:
    roster.table.selectRow(2)
    roster.table.verticalScrollBar().setValue(7)
    chosen = child_at(roster, 2)
    before = roster.table.verticalScrollBar().value()
    with qtbot.waitSignal(roster.live.loaded), qtbot.assertNotEmitted(roster.live.model.modelReset):
        world.kiosk_marks(Id(roster.live.session), child_at(roster, 0), child_at(roster, 1))
    assert [state for state in states(roster).values() if state != "none"] == ["present", "present"]
    line = roster.chosen()
    assert line is not None
    assert line.child == chosen
    assert roster.table.verticalScrollBar().value() == before
    assert roster.tiles.tiles[0].figure.whole_text() == "2"
    assert roster.live.model.cell(roster.live.model.line(0), "marked") == "16:24 · Kiosk 1"


@pytest.mark.parametrize(
    ("key", "state"), [(Qt.Key.Key_P, "present"), (Qt.Key.Key_L, "late"), (Qt.Key.Key_A, "absent")]
)
def test_a_letter_marks_space_clears_and_ctrl_z_takes_back(
    qtbot: QtBot, roster: RosterScreen, key: Qt.Key, state: str
) -> None:
    child = child_at(roster, 0)
    press(qtbot, roster, key)
    qtbot.waitUntil(lambda: states(roster)[child] == state)
    press(qtbot, roster, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: states(roster)[child] == "none")
    press(qtbot, roster, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: states(roster)[child] == state)
    press(qtbot, roster, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: states(roster)[child] == "none")
    assert "can_undo" not in roster.desk.facts


def test_a_quick_change_of_mind_ends_on_the_last_word(qtbot: QtBot, roster: RosterScreen) -> None:
    child = child_at(roster, 0)
    for state in ("present", "late", "absent", "present", "late"):
        roster.live.mark(child, state)
    qtbot.waitUntil(lambda: states(roster)[child] == "late" and not roster.live.busy)
    line = roster.live.model.line(0)
    assert line is not None
    assert [said.state for said in line.said if said.holds] == ["late"]


def test_why_a_child_is_late_and_when_it_comes(qtbot: QtBot, roster: RosterScreen) -> None:
    child = child_at(roster, 0)
    press(qtbot, roster, Qt.Key.Key_L)
    qtbot.waitUntil(lambda: states(roster)[child] == "late")
    expected = roster.desk.now().corrected // 60_000 * 60_000 + 10 * 60_000
    roster.live.explain(child, reason="traffic", expected_ms=expected)
    qtbot.waitUntil(lambda: "Traffic" in roster.live.model.note(roster.live.model.line(0)))
    assert roster.live.model.note(roster.live.model.line(0)) == "≈ 16:34 · Traffic"


def test_too_early_is_refused_where_it_happened_and_a_manager_may_insist(
    qtbot: QtBot, world: World, open_desk: Open
) -> None:
    world.clock.advance(-3 * HOUR)
    screen = opened(qtbot, open_desk("manager", screen="roster"))
    later = next(
        line for line in screen.live.day if line.start_ms > world.clock.now().corrected + 2 * HOUR and line.booked
    )
    with qtbot.waitSignal(screen.live.loaded):
        screen.live.open(later.id)
    child = child_at(screen, 0)
    with qtbot.waitSignal(screen.live.refused):
        qtbot.keyClick(screen.table, Qt.Key.Key_P)
    assert "not open yet" in screen.trouble.label.whole_text()
    assert states(screen)[child] == "none"
    screen.trouble.copy.click()
    assert "gate.too_early" in QApplication.clipboard().text()
    with qtbot.waitSignal(screen.live.saved):
        screen.trouble.action.click()
    qtbot.waitUntil(lambda: states(screen)[child] == "present")
    assert not screen.trouble.isVisible()


def test_an_instructor_may_not_insist_and_sees_what_a_class_needs_but_no_notes(
    qtbot: QtBot, world: World, open_desk: Open
) -> None:
    screen = opened(qtbot, open_desk("manager", screen="roster"))
    busy = [line.id for line in screen.live.day if line.booked > 5]
    noted, told = next(
        (session, lines) for session in busy if (lines := [one for one in read(qtbot, screen, session) if one.badge])
    )
    assert all(line.health for line in told)
    teacher = opened(qtbot, open_desk("instructor", screen="roster"))
    shown = [line for line in read(qtbot, teacher, noted) if line.badge]
    assert [line.child for line in shown] == [line.child for line in told]
    notes = {id: one.notes for id, one in fetch(world.store, ChildHealth, [line.child for line in told]).items()}
    assert any(notes.values())
    assert all(notes[line.child] in line.health for line in told)
    assert not any(notes[line.child] and notes[line.child] in line.health for line in shown)
    world.publish(HEALTH_POLICY, {"instructor.detail": 1})
    shown = [line for line in read(qtbot, teacher, noted) if line.badge]
    assert all(notes[line.child] in line.health for line in shown), "what the studio publishes counts at once"


def read(qtbot: QtBot, screen: RosterScreen, session: Id) -> tuple[RosterLine, ...]:
    with qtbot.waitSignal(screen.live.loaded):
        screen.live.open(session)
    qtbot.waitUntil(lambda: screen.live.roster is not None and screen.live.roster.session.id == session)
    assert screen.live.roster is not None
    return screen.live.roster.lines


def test_a_full_disk_is_told_with_what_to_do_and_nothing_turns_green(
    qtbot: QtBot, world: World, roster: RosterScreen
) -> None:
    world.source.refuses = EnvironmentFault("disk_full")
    child = child_at(roster, 0)
    with qtbot.waitSignal(roster.live.troubled):
        qtbot.keyClick(roster.table, Qt.Key.Key_P)
    assert roster.trouble.label.whole_text().startswith("This computer’s disk is full, so that was not saved.")
    assert states(roster)[child] == "none"
    world.source.refuses = None
    press(qtbot, roster, Qt.Key.Key_P)
    qtbot.waitUntil(lambda: states(roster)[child] == "present")


def test_a_store_that_fails_is_told_here_and_tried_again(qtbot: QtBot, world: World, roster: RosterScreen) -> None:
    world.source.fails = OSError("disk gone")
    with qtbot.waitSignal(roster.live.troubled):
        roster.reload()
    assert roster.trouble.isVisible()
    assert "OSError" in roster.trouble.label.whole_text()
    world.source.fails = None
    with qtbot.waitSignal(roster.live.loaded):
        roster.trouble.action.click()
    assert not roster.trouble.isVisible()


def test_the_window_goes_on_while_a_store_is_slow_and_waiting_can_be_cancelled(
    qtbot: QtBot, world: World, open_desk: Open
) -> None:
    window = open_desk("manager", screen="roster")
    screen = opened(qtbot, window)
    world.source.gate.clear()
    screen.reload()
    window.waiting.appear()
    assert window.waiting.isVisible()
    before = screen.live.roster
    window.waiting.cancel.click()
    assert not window.waiting.isVisible()
    world.source.gate.set()
    with qtbot.waitSignal(screen.live.loaded):
        screen.reload()
    assert screen.live.roster == before


@pytest.mark.parametrize("text_scale", [1.0, 1.5])
def test_a_child_s_whole_name_stands_on_their_cards(qtbot: QtBot, open_desk: Open, text_scale: float) -> None:
    screen = opened(qtbot, open_desk("manager", screen="roster", size=(1280, 800), text_scale=text_scale))
    line, name = screen.live.model.line(0), "Maximiliane-Wilhelmine von Hohenberg-Waldstetten"
    assert line is not None
    screen.bar.show_line(line._replace(given=name, surname=""))
    screen.child.show_line(line._replace(given=name, surname="", badge=True, pickup=True, state="late"), None, now_ms=0)
    for label in (screen.bar.name, screen.child.title):
        qtbot.waitUntil(lambda label=label: not label.isVisible() or not label.is_cut())
        assert label.text() == label.whole_text() == name
    assert screen.bar.name.isVisible()
    assert screen.child.isVisible() == (text_scale == 1.0)  # larger letters leave the room to the roster itself


def test_where_letters_are_large_a_child_s_card_is_laid_over_the_roster(qtbot: QtBot, open_desk: Open) -> None:
    window = open_desk("manager", screen="roster", size=(1280, 800), text_scale=2.0)
    screen = opened(qtbot, window)
    screen.table.setCurrentIndex(screen.live.model.index(0, 0))
    with qtbot.waitSignal(screen.live.saved):
        qtbot.keyClick(screen.table, Qt.Key.Key_L)
    screen.bar.about.click()
    qtbot.waitUntil(screen.child.isVisible)
    qtbot.waitUntil(lambda: "Traffic" in [one.text() for one in screen.child.findChildren(Button)])
    next(one for one in screen.child.findChildren(Button) if one.text() == "Traffic").click()
    qtbot.waitUntil(lambda: screen.live.model.line(0).reason == "traffic")  # type: ignore[union-attr]
    qtbot.keyClick(screen.child, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: screen.child.parent() is screen.side)
