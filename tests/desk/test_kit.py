"""The kit: widgets show what they are told, in every look, script and direction, and can be used by keys alone."""

import threading
import time
from collections.abc import Iterator

import miniaudio
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QFontMetrics, QGuiApplication, QPalette
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from classtap_desktop.kit import (
    Avatar,
    Button,
    CountdownRing,
    ErrorLine,
    Label,
    PinPad,
    QueueBadge,
    Signals,
    StateChoice,
    StatePill,
    Toast,
    Tones,
    icons,
    initials,
    theme,
)
from resources.themes import tokens


@pytest.fixture(autouse=True)
def _light_english(qapp: object) -> Iterator[None]:
    theme().use(look="light", locale="en", text_scale=1.0, zoom=1.0, accent="")
    yield
    theme().use(look="light", locale="en", text_scale=1.0, zoom=1.0, accent="")


def shown(qtbot: QtBot, widget: QWidget) -> QWidget:
    """Show a widget and hand it to the test's end."""
    qtbot.addWidget(widget)
    widget.show()
    return widget


@pytest.mark.parametrize("look", ["light", "dark", "bright"])
def test_a_look_reaches_the_palette_and_widgets_already_there(qtbot: QtBot, look: str) -> None:
    label = Label("Adaeze", "name")
    shown(qtbot, label)
    theme().use(look=look)
    assert QGuiApplication.palette().color(QPalette.ColorRole.Window) == QColor(tokens(look)["bg"])
    assert label.palette().color(QPalette.ColorRole.WindowText) == QColor(tokens(look)["ink"])


def test_text_scale_is_kept_between_100_and_200_percent(qtbot: QtBot) -> None:
    label = Label("Adaeze", "name")
    qtbot.addWidget(label)
    assert label.font().pixelSize() == 25
    theme().use(text_scale=2.0)
    assert label.font().pixelSize() == 50
    theme().use(text_scale=9.0)
    assert label.font().pixelSize() == 50


def test_a_studios_own_colour_is_taken_only_where_it_can_be_read() -> None:
    theme().use(accent="#6A1B9A")
    assert theme().tokens["accent"] == "#6A1B9A"
    theme().use(accent="#FFEB3B")
    assert theme().tokens["accent"] == tokens("light")["accent"]


def test_figures_stand_under_each_other(qtbot: QtBot) -> None:
    metrics = QFontMetrics(theme().font("clock"))
    assert len({metrics.horizontalAdvance(str(digit) * 4) for digit in range(10)}) == 1


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("Adaeze Okafor", "AO"), ("Łukasz Żółć", "ŁŻ"), ("Ελένη Παπαδάκη", "ΕΠ"), ("Анна Иванова", "АИ"),
        ("محمد علي", "م"), ("שרה לוי", "ש"), ("आरव शर्मा", "आ"), ("निशा", "नि"), ("สมชาย ใจดี", "ส"), ("เอก", "อ"),
        ("山田太郎", "山"), ("김민준", "김"), ("Zoë", "Z"), ("O'Brien-Smith Jr 3", "OJ"), ("", ""), ("  ", ""),
    ],
)  # fmt: skip
def test_initials_of_any_script(name: str, letters: str) -> None:
    assert initials(name) == letters


def test_every_script_has_a_font_that_draws_it(qtbot: QtBot) -> None:
    metrics = QFontMetrics(theme().font("name"))
    for name in (
        "Łukasz",
        "Анна",
        "Ελένη",
        "محمد",
        "שרה",
        "आरव",
        "สมชาย",
        "山田",
        "김민준",
        "ნინო",
        "Արամ",
        "አበበ",
        "আরভ",
    ):
        assert all(metrics.inFontUcs4(ord(char)) or char == " " for char in name), name


def test_nothing_is_green_before_it_is_saved(qtbot: QtBot) -> None:
    choice = StateChoice("Adaeze")
    shown(qtbot, choice)
    picked: list[str] = []
    choice.picked.connect(picked.append)
    qtbot.mouseClick(choice.buttons["present"], Qt.MouseButton.LeftButton)
    assert picked == ["present"]
    assert not choice.buttons["present"].is_filled(), "a tap alone changes nothing"
    choice.show_state("present", saved=False)
    assert not choice.buttons["present"].is_filled()
    assert _colour_inside(choice.buttons["present"]) != QColor(theme().tokens["present"])
    choice.show_state("present", saved=True)
    assert _colour_inside(choice.buttons["present"]) == QColor(theme().tokens["present"])
    assert [state for state, button in choice.buttons.items() if button.chosen] == ["present"]


def _colour_inside(button: QWidget) -> QColor:
    return button.grab().toImage().pixelColor(button.width() // 2, 7)


def test_state_buttons_are_large_equal_and_named(qtbot: QtBot) -> None:
    for locale in ("en", "es", "ar"):
        theme().use(locale=locale)
        choice = StateChoice("Adaeze Okafor")
        shown(qtbot, choice)
        assert len({button.width() for button in choice.buttons.values()}) == 1
        for button in choice.buttons.values():
            assert button.height() >= 74
            assert button.width() >= 74
            assert not button.is_cut()
            assert button.accessibleName().startswith("Adaeze Okafor: ")


@pytest.mark.parametrize(("locale", "forward"), [("en", Qt.Key.Key_Right), ("ar", Qt.Key.Key_Left)])
def test_arrows_walk_the_choice_in_reading_order(qtbot: QtBot, locale: str, forward: Qt.Key) -> None:
    theme().use(locale=locale)
    choice = StateChoice("Adaeze")
    shown(qtbot, choice)
    qtbot.waitExposed(choice)
    choice.buttons["present"].setFocus(Qt.FocusReason.TabFocusReason)
    qtbot.keyClick(choice.buttons["present"], forward)
    assert choice.focusWidget() is choice.buttons["late"]
    choice.show_state("none", disabled=["absent"])
    qtbot.keyClick(choice.buttons["late"], forward)
    assert choice.focusWidget() is choice.buttons["present"]


def test_enter_and_space_press_and_a_ring_shows_only_for_keys(qtbot: QtBot) -> None:
    button = Button("All done", kind="primary")
    with qtbot.waitActive(button):
        shown(qtbot, button)
    pressed: list[bool] = []
    button.clicked.connect(lambda: pressed.append(True))
    button.setFocus(Qt.FocusReason.MouseFocusReason)
    plain = button.grab().toImage()
    button.clearFocus()
    assert button.grab().toImage() == plain
    button.setFocus(Qt.FocusReason.TabFocusReason)
    assert button.grab().toImage() != plain
    qtbot.keyClick(button, Qt.Key.Key_Return)
    qtbot.keyClick(button, Qt.Key.Key_Space)
    assert pressed == [True, True]


def test_the_row_is_mirrored_for_right_to_left(qtbot: QtBot) -> None:
    theme().use(locale="ar")
    row = QWidget()
    layout = QHBoxLayout(row)
    first, second = Avatar("محمد"), StateChoice("محمد")
    layout.addWidget(first)
    layout.addWidget(second)
    shown(qtbot, row)
    assert first.x() > second.x()


@pytest.mark.parametrize(
    ("online", "waiting", "hearing", "words"),
    [
        (True, 0, 3, "Online · everything saved and sent"), (True, 3, 0, "Sending 3…"),
        (False, 0, 0, "Offline"), (False, 1, 0, "Offline · 1 saved on this device"),
        (False, 12, 0, "Offline · 12 saved on this device"), (False, 0, 2, "Offline · 2 devices here hear each other"),
        (False, 12, 3, "Offline · 12 saved on this device · 3 devices here hear each other"),
    ],
)  # fmt: skip
def test_the_queue_badge_counts_exactly(qtbot: QtBot, online: bool, waiting: int, hearing: int, words: str) -> None:
    badge = QueueBadge()
    shown(qtbot, badge)
    badge.show_queue(online=online, waiting=waiting, hearing=hearing)
    assert badge.whole_text() == badge.accessibleName() == words
    badge.resize(badge.sizeHint())
    assert not badge.is_cut()


def test_a_state_pill_follows_the_language(qtbot: QtBot) -> None:
    pill = StatePill("late")
    qtbot.addWidget(pill)
    theme().use(locale="es")
    assert pill.whole_text() == "Tarde"


def test_a_pin_is_six_digits_by_touch_or_keys_and_is_forgotten(qtbot: QtBot) -> None:
    pad = PinPad()
    shown(qtbot, pad)
    entered: list[str] = []
    cancelled: list[bool] = []
    pad.entered.connect(entered.append)
    pad.cancelled.connect(lambda: cancelled.append(True))
    for digit in "12":
        qtbot.mouseClick(pad.keys[digit], Qt.MouseButton.LeftButton)
    qtbot.keyClick(pad, Qt.Key.Key_Backspace)
    qtbot.keyClicks(pad, "3456")
    assert entered == []
    assert pad.count() == 5
    qtbot.keyClicks(pad, "7")
    assert entered == ["134567"]
    assert pad.count() == 0
    pad.set_busy(True)
    qtbot.keyClicks(pad, "9")
    assert pad.count() == 0
    qtbot.keyClick(pad, Qt.Key.Key_Escape)
    assert cancelled == [True]
    assert all(key.height() >= 74 for key in pad.keys.values())


def test_a_ring_keeps_its_room_while_empty(qtbot: QtBot) -> None:
    ring = CountdownRing()
    shown(qtbot, ring)
    before = ring.size()
    ring.show_left(34, 45)
    assert (ring.left(), ring.size()) == (34, before)
    assert ring.accessibleName() == "34 seconds left"


def test_an_error_has_its_cure_and_its_details(qtbot: QtBot) -> None:
    page = QWidget()
    column = QVBoxLayout(page)
    line = ErrorLine()
    column.addWidget(line)
    page.resize(900, 200)
    shown(qtbot, page)
    line.show_error("The printer did not answer.", action="Try again", details="E42")
    with qtbot.waitSignal(line.acted):
        qtbot.mouseClick(line.action, Qt.MouseButton.LeftButton)
    qtbot.mouseClick(line.copy, Qt.MouseButton.LeftButton)
    assert QGuiApplication.clipboard().text() == "E42"
    line.show_error("Nothing to press.")
    assert not line.action.isVisible()
    assert not line.copy.isVisible()


def test_a_toast_goes_by_itself(qtbot: QtBot) -> None:
    page = QWidget()
    page.resize(600, 400)
    shown(qtbot, page)
    toast = Toast(page)
    toast.say("Saved", for_ms=20)
    assert toast.isVisible()
    qtbot.waitUntil(lambda: not toast.isVisible(), timeout=2000)


def test_a_label_says_when_it_is_cut(qtbot: QtBot) -> None:
    label = Label("A very long family name indeed", elide=True)
    shown(qtbot, label)
    label.resize(60, 30)
    assert label.is_cut()
    assert label.toolTip() == label.whole_text() == "A very long family name indeed"
    label.resize(900, 30)
    assert not label.is_cut()


def test_calls_from_threads_arrive_in_order_on_the_windows_thread(qtbot: QtBot) -> None:
    signals = Signals()
    got: list[tuple[int, bool]] = []
    here = threading.get_ident()
    call = signals.each(lambda n: got.append((n, threading.get_ident() == here)))
    worker = threading.Thread(target=lambda: [call(n) for n in range(200)])
    worker.start()
    worker.join()
    assert got == [], "nothing runs on the worker's thread"
    qtbot.waitUntil(lambda: len(got) == 200)
    assert got == [(n, True) for n in range(200)]


def test_only_the_latest_frame_is_delivered_and_nothing_after_close(qtbot: QtBot) -> None:
    signals = Signals()
    got: list[int] = []
    latest = signals.latest(got.append)
    each = signals.each(got.append)
    for n in range(100):
        latest(n)
    qtbot.waitUntil(lambda: bool(got))
    assert got == [99]
    latest(100)
    qtbot.waitUntil(lambda: got == [99, 100])
    each(1)
    signals.close()
    each(2)
    after: list[int] = []
    later = Signals()
    later.each(after.append)(3)
    qtbot.waitUntil(lambda: after == [3])  # posted last, so whatever could still come has come
    assert got == [99, 100]


def test_tones_never_block_and_never_raise(qtbot: QtBot) -> None:
    tones = Tones()
    spent = []
    for _ in range(3):  # a busy machine may hold anybody up, once
        began = time.perf_counter()
        for name in ("ok", "attention", "refusal", "no such tone"):
            tones.play(name)
        spent.append(time.perf_counter() - began)
    assert min(spent) < 0.1
    assert tones.wait(30)
    tones.close()
    assert threading.active_count() >= 1
    assert not any(thread.name == "tones" for thread in threading.enumerate())


def test_a_tone_is_played_to_its_end_on_a_device() -> None:
    tones = Tones(backends=[miniaudio.Backend.NULL])  # a device that takes sound at its real pace and drops it
    began = time.perf_counter()
    tones.play("refusal")
    assert tones.wait(30)
    tones.close()
    assert tones.heard is True
    assert time.perf_counter() - began > 0.3  # the tone is 0.38 s long


def test_every_icon_draws_something() -> None:
    for name in icons.names():
        image = icons.pixmap(name, size=24, color="#000000").toImage()
        assert any(image.pixelColor(x, y).alpha() > 128 for x in range(24) for y in range(24)), name
