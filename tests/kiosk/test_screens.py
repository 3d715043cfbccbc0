"""The kiosk's window: what is shown where, what is hidden, and what a touch, a key or a scanner becomes."""

import numpy as np
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QImage, QKeyEvent
from PySide6.QtWidgets import QAbstractButton, QApplication, QWidget
from pytestqt.qtbot import QtBot

from classtap_desktop.kit import Label
from kiosk import events as on
from kiosk.view import Notice, PinEntry, Screen, Status
from tests.kiosk.families import busy, okafors
from tests.kiosk.stage import Kiosk, asking, resting, seen, with_board


def test_staff_see_that_the_keys_need_them_and_a_screen_reader_hears_why(kiosk: Kiosk) -> None:
    pill = kiosk.window.header.key_doubt
    kiosk.show(resting(keys=Notice("keys.upgrade")))
    assert pill.isVisible()
    assert "Upgrade required" in pill.accessibleDescription()
    kiosk.show(resting())
    assert not pill.isVisible()


def test_the_cure_of_a_trouble_is_its_button(kiosk: Kiosk) -> None:
    kiosk.show(resting(screen=Screen.CAMERA_TROUBLE, camera_fault="unplugged"))
    assert kiosk.window.message.title.whole_text() == "The camera was unplugged"
    kiosk.click(kiosk.window.message.action)
    kiosk.show(resting(screen=Screen.STORE_TROUBLE, store_fault="disk_full"))
    assert kiosk.window.message.title.whole_text() == "This device is full"
    kiosk.click(kiosk.window.message.action)
    kiosk.click(kiosk.window.message.staff)
    assert kiosk.sent == [on.Retry(), on.Retry(), on.AskStaff()]
    kiosk.show(resting(screen=Screen.LOCKED, lock="device_revoked"))
    assert not kiosk.window.message.action.isVisible()


def test_the_pin_goes_out_once_and_is_forgotten(kiosk: Kiosk, qtbot: QtBot) -> None:
    with qtbot.waitActive(kiosk.window):
        kiosk.show(resting(screen=Screen.PIN, pin=PinEntry(), idle_left_s=30))
    for digit in "123456":
        kiosk.click(kiosk.window.pin.pad.keys[digit])
    assert kiosk.sent == [on.PinEntered("123456")]
    kiosk.show(resting(screen=Screen.PIN, pin=PinEntry(checking=True), idle_left_s=30))
    kiosk.click(kiosk.window.pin.pad.keys["1"])
    kiosk.show(resting(screen=Screen.PIN, pin=PinEntry(error="paused", n=5), idle_left_s=30))
    assert kiosk.window.pin.pad.message.whole_text() == "Too many wrong PINs. Try again in 5 minutes."
    assert kiosk.window.pin.pad.count() == 0
    assert len(kiosk.sent) == 1


def test_names_leave_the_screen_and_the_widgets_with_the_family(kiosk: Kiosk) -> None:
    kiosk.show(with_board(busy())).show(asking(Status.LATE)).show(resting())
    texts = [label.whole_text() for label in kiosk.window.findChildren(Label)]
    names = [widget.accessibleName() for widget in kiosk.window.findChildren(QWidget) if widget.isVisible()]
    assert not [text for text in texts + names if "Okafor" in text and not _going(kiosk, text)]


def _going(kiosk: Kiosk, text: str) -> bool:
    """Say whether only widgets on their way out still hold a text."""
    holders = [label for label in kiosk.window.findChildren(Label) if label.whole_text() == text]
    return all(not label.isVisible() and label.window() is not kiosk.window for label in holders)


def test_names_are_hidden_without_the_focus_and_come_back_with_a_touch(kiosk: Kiosk, qtbot: QtBot) -> None:
    kiosk.show(with_board(busy(), veiled=True))
    assert kiosk.window.page() is kiosk.window.veil
    assert not [label for label in seen(kiosk.window, Label) if "Okafor" in label.whole_text()]  # type: ignore[attr-defined]
    sent: list[object] = []
    kiosk.window.happened.connect(sent.append)
    qtbot.mouseClick(kiosk.window.veil, Qt.MouseButton.LeftButton)
    assert on.Veil(False) in sent
    kiosk.show(with_board(busy()))
    assert kiosk.window.page() is kiosk.window.board
    kiosk.show(resting(veiled=True))
    assert kiosk.window.page() is kiosk.window.attract, "nothing to hide"


def test_losing_the_focus_is_told(kiosk: Kiosk, qtbot: QtBot) -> None:
    sent: list[object] = []
    with qtbot.waitActive(kiosk.window):
        kiosk.show(with_board(busy()))
    kiosk.window.happened.connect(sent.append)
    other = QWidget()
    qtbot.addWidget(other)
    with qtbot.waitActive(other):
        other.show()
        other.activateWindow()
    qtbot.waitUntil(lambda: on.Veil(True) in sent)


def test_every_touch_is_told_so_that_the_countdown_starts_anew(kiosk: Kiosk, qtbot: QtBot) -> None:
    kiosk.show(with_board(okafors()))
    sent: list[object] = []
    kiosk.window.happened.connect(sent.append)
    qtbot.mouseClick(kiosk.window.board.greeting, Qt.MouseButton.LeftButton)
    assert sent == [on.Touched()]


def test_a_language_is_chosen_by_its_own_name_and_everything_follows(kiosk: Kiosk) -> None:
    kiosk.show(resting())
    chips = kiosk.window.attract.languages.chips
    assert {code: chip.text() for code, chip in chips.items()} == {
        "en": "English", "es": "Español", "ar": "العربية",
    }  # fmt: skip
    assert chips["en"].isChecked()
    kiosk.click(chips["ar"])
    assert kiosk.sent == [on.ChooseLanguage("ar")]
    kiosk.show(resting(locale="ar"))
    assert kiosk.window.layoutDirection() == Qt.LayoutDirection.RightToLeft
    assert kiosk.window.attract.title.whole_text() == "أظهروا بطاقتكم للكاميرا"
    assert kiosk.window.attract.camera.x() < kiosk.window.attract.title.x()
    kiosk.click(kiosk.window.attract.languages.chips["en"])
    assert kiosk.sent[-1] == on.ChooseLanguage("en_GB"), "the studio's own English"


def test_the_language_button_opens_the_others(kiosk: Kiosk) -> None:
    kiosk.show(with_board(okafors()))
    button = kiosk.window.board.language
    kiosk.click(button)
    assert button.sheet is not None
    choices = {choice.text(): choice for choice in button.sheet.findChildren(QAbstractButton)}
    assert set(choices) == {"English", "Español", "العربية"}
    assert all(choice.height() >= 74 for choice in choices.values())
    assert button.sheet.card.geometry().bottom() < button.mapTo(kiosk.window, QPoint(0, 0)).y()
    kiosk.qtbot.mouseClick(button.sheet, Qt.MouseButton.LeftButton, pos=QPoint(1200, 20))
    assert button.sheet is None
    kiosk.click(button)
    choices = {choice.text(): choice for choice in button.sheet.findChildren(QAbstractButton)}
    kiosk.click(choices["Español"])
    assert kiosk.sent == [on.ChooseLanguage("es")]


def test_pictures_are_shown_as_they_are_and_as_in_a_looking_glass(kiosk: Kiosk) -> None:
    kiosk.show(resting())
    frame = np.zeros((720, 1280, 3), np.uint8)
    frame[:, :640] = (0, 0, 255)  # red on the left, as OpenCV orders it: blue, green, red
    kiosk.window.show_frame(frame)
    left, right = _sides(kiosk)
    assert left.red() > 200
    assert left.blue() < 60
    assert right.red() < 60
    kiosk.window.show_frame(frame, mirror=True)
    left, right = _sides(kiosk)
    assert right.red() > 200
    assert left.red() < 60
    kiosk.window.show_frame(np.full((480, 640), 200, np.uint8))
    assert _sides(kiosk)[0].red() in range(190, 211)
    kiosk.window.show_frame(QImage(64, 48, QImage.Format.Format_RGB32))


def _sides(kiosk: Kiosk):  # type: ignore[no-untyped-def]
    camera = kiosk.window.attract.camera
    image = camera.grab().toImage()
    y = image.height() // 2
    return image.pixelColor(30, y), image.pixelColor(image.width() - 30, y)


def test_a_scanner_that_types_is_one_sighting_and_reaches_no_button(kiosk: Kiosk) -> None:
    kiosk.show(resting(screen=Screen.PIN, pin=PinEntry(), idle_left_s=21, idle_total_s=30))
    handle = kiosk.window.windowHandle()
    text = "CT:W50V50UAEIZ9V.9HX8PTT+-ONTMNF2000300271828"
    for letter in text.lower():
        QApplication.sendEvent(handle, QKeyEvent(QEvent.Type.KeyPress, 0, Qt.KeyboardModifier.NoModifier, letter))
    QApplication.sendEvent(
        handle, QKeyEvent(QEvent.Type.KeyPress, Qt.Key.Key_Return, Qt.KeyboardModifier.NoModifier, "\r")
    )
    assert [event for event in kiosk.sent if isinstance(event, on.Sighting)] == [on.Sighting(text)]
    assert not any(isinstance(event, on.PinEntered) for event in kiosk.sent)
