"""The family's board on the screen: rows, taps, keys, names of the world, and why somebody is late."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from classtap_desktop.kit import StateButton
from kiosk import events as on
from kiosk.view import Status
from tests.kiosk.families import NOW_MS, busy, child, okafors, session, with_row, world
from tests.kiosk.stage import Kiosk, asking, inside, with_board


def test_the_board_reads_as_the_picture_of_the_look(kiosk: Kiosk) -> None:
    kiosk.show(with_board(busy()))
    board = kiosk.window.board
    drawn = [
        f"{line.name.whole_text()} | {line.note.whole_text()} | "
        + " ".join(f"[{state}]" if b.is_filled() else state for state, b in line.choice.buttons.items())
        for line in board.rows.values()
    ]
    assert drawn == [
        "Adaeze Okafor | Saved on this device | [present] late absent",
        "Chidi Okafor | Arriving about 16:45 · Traffic | present [late] absent",
        "Ngozi Okafor | Spot 7 · front row | present late absent",
    ]
    assert board.greeting.whole_text() == "Welcome, Okafor family"
    assert kiosk.window.header.badge.whole_text() == "Offline · 12 saved on this device"
    assert kiosk.window.header.clock.whole_text() == "16:24"


def test_a_tap_is_an_event_and_changes_nothing_by_itself(kiosk: Kiosk) -> None:
    kiosk.show(with_board(okafors()))
    line = kiosk.window.board.rows[session(2), child(20)]
    kiosk.click(line.choice.buttons["present"])
    assert kiosk.sent == [on.Tap(session(2), child(20), Status.PRESENT)]
    assert not line.choice.buttons["present"].is_filled()
    kiosk.show(with_board(with_row(okafors(), 2, state=Status.PRESENT, saved=False)))
    assert not line.choice.buttons["present"].is_filled()
    assert line.note.whole_text() == "Saving…"
    kiosk.show(with_board(with_row(okafors(), 2, state=Status.PRESENT)))
    assert line.choice.buttons["present"].is_filled()
    assert kiosk.window.board.rows[session(2), child(20)] is line, "the row kept its place"


def test_a_conflict_leaves_late_and_absent(kiosk: Kiosk) -> None:
    kiosk.show(with_board(with_row(okafors(), 0, disabled_reason="overlap", disabled=(Status.PRESENT,))))
    line = kiosk.window.board.rows[session(1), child(10)]
    assert [button.isEnabled() for button in line.choice.buttons.values()] == [False, True, True]
    assert line.note.whole_text() == "In another class at this time"


def test_foot_of_the_board(kiosk: Kiosk) -> None:
    kiosk.show(with_board(okafors()))
    kiosk.click(kiosk.window.board.all_present)
    kiosk.click(kiosk.window.board.done)
    assert kiosk.sent == [on.TapAllPresent(), on.Done()]
    marked = okafors()
    for at in range(3):
        marked = with_row(marked, at, state=Status.PRESENT)
    kiosk.show(with_board(marked))
    assert not kiosk.window.board.all_present.isEnabled()


def test_the_whole_board_can_be_worked_with_keys(kiosk: Kiosk, qtbot: QtBot) -> None:
    with qtbot.waitActive(kiosk.window):
        kiosk.show(with_board(okafors()))
    rows = list(kiosk.window.board.rows.values())
    qtbot.keyClick(kiosk.window.board, Qt.Key.Key_Down)
    assert rows[0].focused_status() == "present"
    for key in (Qt.Key.Key_Right, Qt.Key.Key_Down):
        qtbot.keyClick(QApplication.focusWidget(), key)
    assert rows[1].focused_status() == "late"
    qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_Return)
    assert kiosk.sent == [on.Tap(session(1), child(11), Status.LATE)]
    qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_Up)
    assert rows[0].focused_status() == "late"
    qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_Escape)
    assert kiosk.sent[-1] == on.Cancel()


def test_why_late_is_answered_with_taps(kiosk: Kiosk) -> None:
    kiosk.show(asking(Status.LATE))
    page = kiosk.window.reason
    assert [chip.text() for chip in page.arrivals.values()] == ["16:35", "16:40", "16:45", "16:50", "17:00"]
    assert [chip.text() for chip in page.arrivals.values() if chip.isChecked()] == ["16:40"]
    assert [reason for reason, chip in page.reasons.items() if chip.isChecked()] == ["traffic"]
    kiosk.click(page.reasons["school"])
    kiosk.click(list(page.arrivals.values())[3])
    kiosk.click(page.save)
    kiosk.click(page.back)
    assert kiosk.sent == [
        on.ChooseReason("school"), on.ChooseArrival(NOW_MS + 26 * 60_000), on.Confirm(), on.Cancel(),
    ]  # fmt: skip


def test_more_children_than_fit_are_counted_and_reached(kiosk: Kiosk) -> None:
    kiosk.show(with_board(world()))
    board = kiosk.window.board
    assert board.more.isVisible()
    assert board.more.button.text() == "8 more below"
    kiosk.click(board.more.button)
    kiosk.settle()
    assert board.list.verticalScrollBar().value() > 0
    for _ in range(5):
        board._page_down()
    kiosk.settle()
    assert not board.more.isVisible()
    last = list(board.rows.values())[-1]
    assert inside(last, board.list)


def test_a_scrolled_board_keeps_its_place_when_a_mark_is_saved(kiosk: Kiosk) -> None:
    kiosk.show(with_board(world()))
    bar = kiosk.window.board.list.verticalScrollBar()
    bar.setValue(220)
    kiosk.show(with_board(with_row(world(), 5, state=Status.PRESENT)))
    assert bar.value() == 220


def test_every_name_has_its_glyphs(kiosk: Kiosk) -> None:
    kiosk.show(with_board(world()))
    for line in kiosk.window.board.rows.values():
        metrics = QFontMetrics(line.name.font())
        assert all(metrics.inFontUcs4(ord(char)) for char in line.name.whole_text() if not char.isspace())


def test_buttons_say_whose_they_are(kiosk: Kiosk) -> None:
    kiosk.show(with_board(busy()))
    buttons: list[StateButton] = kiosk.window.board.findChildren(StateButton)
    assert [button.accessibleName() for button in buttons][:3] == [
        "Adaeze Okafor: Present", "Adaeze Okafor: Late", "Adaeze Okafor: Absent",
    ]  # fmt: skip
    assert buttons[0].accessibleDescription() == "Present"
