"""The kiosk's window: every screen in every look, drawn to build/screens, with nothing cut, small or out of reach."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QRect, Qt
from PySide6.QtGui import QFontMetrics, QImage, QKeyEvent
from PySide6.QtWidgets import QAbstractButton, QApplication, QLabel, QWidget
from pytestqt.qtbot import QtBot

from classtap_desktop.kit import Label, Pill, PinPad, StateButton, theme
from kiosk import events as on
from kiosk import flow
from kiosk.screens import KioskWindow
from kiosk.signing import Form, Signer, Signing, Step
from kiosk.view import Board, Change, Leaving, Notice, PinEntry, Refusal, Screen, Stage, State, Status
from resources.text import messages
from tests.kiosk.families import NOW_MS, ZONE, busy, child, okafors, session, with_row, world

SCREENS = Path(__file__).resolve().parents[2] / "build" / "screens"
SIZE, WIDE = (1280, 800), (1920, 1080)
PASS = "CT:ONE"


def resting(**changes: object) -> State:
    """Return a kiosk nobody stands at, in a British studio, offline with twelve saved."""
    base = State(
        studio="Maple Street Movement", zone=ZONE, locale="en_GB", home_locale="en_GB", wall_ms=NOW_MS,
        online=False, waiting=12,
    )  # fmt: skip
    return replace(base, **changes)  # type: ignore[arg-type]


def with_board(board: Board, **changes: object) -> State:
    """Return the kiosk with a family's board, eleven seconds in."""
    return resting(screen=Screen.BOARD, board=board, idle_left_s=34, **changes)


MUM, DAD = Signer("g" * 32, "mother"), Signer("h" * 32, "father")
WORDS = (
    "Children move here: they dance, tumble and climb, on mats and under the eyes of a teacher.",
    "I know that somebody who moves may fall, and I have told the studio what it must know of my child’s health.",
)
FORMS = tuple(
    Form(mark, name, "", "Dance, climb and play: our waiver", WORDS, 1, "2026-06-01")
    for mark, name in (("a", "Amara Okafor"), ("b", "Chidi Okafor"))
)


def signing(step: Step, **changes: object) -> State:
    """Return the kiosk where the Okafors sign."""
    shown = Signing(
        "f" * 32, step=step, signers=(MUM, DAD), forms=((MUM.guardian, FORMS),),
        guardian="" if step is Step.WHO else MUM.guardian, **changes,
    )  # type: ignore[arg-type] # fmt: skip
    board = replace(okafors(), to_sign=2)
    return resting(screen=Screen.SIGNING, board=board, signing=shown, online=True, idle_left_s=97, idle_total_s=120)


def asking(status: Status) -> State:
    """Return the kiosk asking why Chidi is late or absent."""
    state, _ = flow.step(with_board(okafors()), on.Tap(session(1), child(11), status), 0)
    return replace(state, idle_left_s=41)


def changed(said: str, choices: tuple[str, ...], *, error: str = "") -> State:
    """Return the page for staff with a result that changed since it was shown."""
    change = Change("2" * 32, said, choices, error=error)
    return resting(
        screen=Screen.STAFF, idle_left_s=80, idle_total_s=90, about=(Notice("kiosk.staff.sound"),), changes=(change,)
    )


ALL: dict[str, Callable[[], State]] = {
    "attract": resting,
    "checking": lambda: resting(screen=Screen.CHECKING),
    "board": lambda: with_board(busy()),
    "board-scripts": lambda: with_board(world()),
    "board-empty": lambda: with_board(Board("f" * 32, "Okafor")),
    "board-errors": lambda: with_board(
        with_row(with_row(okafors(), 0, error="error.disk_full"), 1, error="gate.consent"), store_fault="disk_full"
    ),
    "late": lambda: asking(Status.LATE),
    "absent": lambda: asking(Status.ABSENT),
    "refusal": lambda: resting(screen=Screen.REFUSAL, refusal=Refusal("superseded"), idle_left_s=9, idle_total_s=12),
    "forged": lambda: resting(screen=Screen.REFUSAL, refusal=Refusal("tampered"), idle_left_s=9, idle_total_s=12),
    "used": lambda: resting(
        screen=Screen.REFUSAL, refusal=Refusal("used", may_override=True), idle_left_s=9, idle_total_s=12
    ),
    "signing-who": lambda: signing(Step.WHO, error="kiosk.sign_refused"),
    "signing-code": lambda: signing(Step.CODE, error="kiosk.sign_wrong", left=3),
    "signing-words": lambda: signing(Step.WORDS, agreed=frozenset({"a"})),
    "pin": lambda: resting(screen=Screen.PIN, pin=PinEntry(error="wrong", n=2), idle_left_s=21, idle_total_s=30),
    "camera-trouble": lambda: resting(
        screen=Screen.CAMERA_TROUBLE, camera_fault="no_camera", keys=Notice("keys.end_soon", (("days", 12),))
    ),
    "store-trouble": lambda: resting(screen=Screen.STORE_TROUBLE, store_fault="disk_full", clock_suspect=True),
    "locked": lambda: resting(screen=Screen.LOCKED, lock="device_revoked", online=True, waiting=0),
    "veiled": lambda: with_board(busy(), veiled=True),
}
FOR_STAFF: dict[str, Callable[[], State]] = {
    "staff-changed": lambda: changed(
        "A mark · Nilufar Karimova: it is kept but not believed until somebody with the right decides.",
        ("leave", "happened", "dismissed"),
        error="permission.denied",
    ),
    "staff-double": lambda: changed(
        "Nilufar Karimova, present in Creative movement, is also present in Contemporary Ballet II (16:30). Both "
        "were said at the same moment, 16:24: nobody can say which was first.",
        ("keep", "undo", "undo_other"),
    ),
    "staff-alarm": lambda: resting(
        screen=Screen.STAFF,
        idle_left_s=80,
        idle_total_s=90,
        about=(
            Notice("kiosk.staff.alarm", (("who", "Jiménez Ruiz · Bruno, Inés · +2"),), tone="absent"),
            Notice("kiosk.staff.sound"),
        ),
    ),
    "staff": lambda: resting(
        screen=Screen.STAFF,
        idle_left_s=80,
        idle_total_s=90,
        about=(
            Notice("desk.keeping.low", (("free", "300 MB"), ("marks", 34_304)), tone="late"),
            Notice("desk.protection.file"),
        ),
    ),
    "leaving": lambda: resting(
        screen=Screen.LEAVING,
        idle_left_s=80,
        idle_total_s=90,
        leaving=Leaving(Stage.LOSS, 12, 3, "word", Notice("desk.leave.offline", tone="warn")),
    ),
    "leaving-pin": lambda: resting(
        screen=Screen.LEAVING,
        idle_left_s=80,
        idle_total_s=90,
        leaving=Leaving(Stage.PIN, 12, 3, "word"),
        pin=PinEntry(error="wrong", n=2),
    ),
    "leaving-done": lambda: resting(screen=Screen.LEAVING, leaving=Leaving(Stage.DONE)),
}
LOOKS: dict[str, dict[str, object]] = {
    "light": {"look": "light"},
    "dark": {"look": "dark"},
    "bright": {"look": "bright"},
    "large": {"look": "light", "text_scale": 2.0},
    "large-es": {"look": "dark", "text_scale": 1.5, "locale": "es"},
    "rtl": {"look": "light", "locale": "ar"},
    "rtl-dark": {"look": "dark", "locale": "ar"},
}


@pytest.fixture(autouse=True)
def _surroundings(qapp: QApplication) -> Iterator[None]:
    theme().use(look="light", locale="en_GB", text_scale=1.0, zoom=1.0, accent="")
    yield
    theme().use(look="light", locale="en", text_scale=1.0, zoom=1.0, accent="")


class Kiosk:
    """A window in a test, with the events it sent (touches apart)."""

    def __init__(self, qtbot: QtBot) -> None:
        self.qtbot = qtbot
        self.window = KioskWindow()
        qtbot.addWidget(self.window)
        self.sent: list[object] = []
        self.window.happened.connect(self._keep)

    def show(self, state: State, size: tuple[int, int] = SIZE) -> "Kiosk":
        self.window.resize(*size)
        self.window.show_state(state)
        if not self.window.isVisible():
            self.window.show()
            self.qtbot.waitExposed(self.window)
        self.settle()
        return self

    def settle(self) -> None:
        for _ in range(3):
            QApplication.processEvents()

    def click(self, button: QWidget) -> None:
        self.qtbot.mouseClick(button, Qt.MouseButton.LeftButton)

    def _keep(self, event: object) -> None:
        if not isinstance(event, on.Touched | on.Veil):
            self.sent.append(event)


@pytest.fixture
def kiosk(qtbot: QtBot) -> Iterator[Kiosk]:
    own = Kiosk(qtbot)
    yield own
    own.window.close()


def picture() -> np.ndarray:
    """Return a frame as OpenCV gives it: a pale card in a grey room."""
    frame = np.full((720, 1280, 3), (96, 104, 110), np.uint8)
    frame[180:540, 480:800] = (238, 242, 240)
    return frame


def seen(window: KioskWindow, kind: type) -> list[QWidget]:
    """Return the widgets of a kind a person can see, in whole or in part."""
    return [widget for widget in window.findChildren(kind) if widget.isVisible() and _inside(widget, window)]


def _inside(widget: QWidget, window: QWidget) -> bool:
    return not widget.visibleRegion().isEmpty() and QRect(window.rect()).intersects(_place(widget, window))


def _place(widget: QWidget, window: QWidget) -> QRect:
    return QRect(widget.mapTo(window, QPoint(0, 0)), widget.size())


@pytest.mark.parametrize("look", list(LOOKS))
@pytest.mark.parametrize("screen", list(ALL))
def test_every_screen_in_every_look(kiosk: Kiosk, screen: str, look: str) -> None:
    if screen != "camera-trouble":
        kiosk.window.show_frame(picture())
    draw(kiosk, ALL[screen](), f"{screen}-{look}", dict(LOOKS[look]))


def draw(kiosk: Kiosk, state: State, name: str, settings: dict[str, object]) -> None:
    """Draw a state in a look, keep the picture, and look that nothing is cut, small or without a name."""
    locale = str(settings.pop("locale", "en_GB"))
    theme().use(**settings)  # type: ignore[arg-type]
    kiosk.show(replace(state, locale=locale))
    SCREENS.mkdir(parents=True, exist_ok=True)
    assert kiosk.window.grab().save(str(SCREENS / f"kiosk-{name}.png"))
    assert_nothing_cut(kiosk.window)
    assert_large_enough(kiosk.window)
    assert_named(kiosk.window)
    for pad in kiosk.window.findChildren(PinPad):
        keys = [key for key in pad.findChildren(QAbstractButton) if key.isVisible()]
        assert [key for key in keys if key.visibleRegion().boundingRect() != key.rect()] == []


@pytest.mark.parametrize("look", ["large", "rtl-dark"])
@pytest.mark.parametrize("screen", list(FOR_STAFF))
def test_every_screen_for_staff(kiosk: Kiosk, screen: str, look: str) -> None:
    draw(kiosk, FOR_STAFF[screen](), f"{screen}-{look}", dict(LOOKS[look]))


@pytest.mark.parametrize("look", ["light", "dark", "rtl"])
@pytest.mark.parametrize("screen", ["attract", "board", "board-scripts", "late", "refusal", "pin"])
def test_a_full_hd_screen_shows_everything_larger(kiosk: Kiosk, screen: str, look: str) -> None:
    settings = dict(LOOKS[look])
    locale = str(settings.pop("locale", "en_GB"))
    theme().use(**settings)  # type: ignore[arg-type]
    kiosk.window.show_frame(picture())
    kiosk.show(replace(ALL[screen](), locale=locale), WIDE)
    assert theme().zoom == pytest.approx(1.35)
    assert kiosk.window.grab().save(str(SCREENS / f"kiosk-{screen}-{look}-1080.png"))
    assert_nothing_cut(kiosk.window)
    assert_large_enough(kiosk.window)


def assert_nothing_cut(window: KioskWindow) -> None:
    """No label, pill or button shortens its words or is smaller than them."""
    cut = [label.whole_text() for label in seen(window, Label) if label.is_cut()]  # type: ignore[attr-defined]
    cut += [pill.whole_text() for pill in seen(window, Pill) if pill.is_cut()]  # type: ignore[attr-defined]
    cut += [button.accessibleName() for button in seen(window, QAbstractButton) if button.is_cut()]  # type: ignore[attr-defined]
    assert cut == []


def assert_large_enough(window: KioskWindow) -> None:
    """Touch targets are 74 px or more, no text is under 16 px, and neighbours do not overlap (LOOK.md)."""
    for button in seen(window, QAbstractButton):
        assert button.height() >= 74, button.accessibleName()  # type: ignore[attr-defined]
        assert button.width() >= 74, button.accessibleName()  # type: ignore[attr-defined]
    for label in seen(window, QLabel):
        assert label.font().pixelSize() >= 16, label.accessibleName()
    names = [widget for widget in seen(window, Label) if widget.whole_text().strip()]  # type: ignore[attr-defined]
    places = [(_place(widget, window), widget.accessibleName()) for widget in names]
    for at, (one, own) in enumerate(places):
        for other, name in places[at + 1 :]:
            assert not one.adjusted(1, 1, -1, -1).intersects(other.adjusted(1, 1, -1, -1)), (own, name)


def assert_named(window: KioskWindow) -> None:
    """Everything to press has a name for assistive technology."""
    assert [button for button in seen(window, QAbstractButton) if not button.accessibleName()] == []


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


OUTCOMES = (
    "expired", "not_yet_valid", "tampered", "unknown_key", "revoked", "superseded", "environment_mismatch",
    "other_studio", "used", "rate_limited", "keys_stale", "unreadable", "family_not_here", "an outcome of next year",
)  # fmt: skip


def test_every_refusal_has_its_own_sentence(kiosk: Kiosk) -> None:
    said = set()
    for outcome in OUTCOMES:
        kiosk.show(resting(screen=Screen.REFUSAL, refusal=Refusal(outcome), idle_left_s=9))
        title, text = kiosk.window.message.title.whole_text(), kiosk.window.message.text.whole_text()
        assert title
        assert text.count(".") >= 1
        said.add((title, text))
    assert len(said) == len(OUTCOMES)


REASONS = {
    "unreadable": (("not_a_pass",), ("version",), ("suffix",), ("length", "alphabet", "algorithm", "flags", "kind", "tier")),
    "environment_mismatch": (("test_pass",), ("live_pass",)),
    "unknown_key": (
        ("key_not_held", "key_too_new"), ("no_keys", "keys_of_other_studio"), ("key_retired", "key_revoked"),
        ("rolling_key_not_held",),
    ),
    "expired": (("ended",), ("code_stale", "code_wrong"), ("clock_suspect",)),
}  # fmt: skip
"""Reasons of a refusal that ask different things of a family, and those that ask the same."""


@pytest.mark.parametrize("outcome", REASONS)
def test_a_refusal_says_what_its_reason_asks_for(kiosk: Kiosk, outcome: str) -> None:
    said = []
    for alike in REASONS[outcome]:
        shown = set()
        for reason in alike:
            kiosk.show(resting(screen=Screen.REFUSAL, refusal=Refusal(outcome, reason=reason), idle_left_s=9))
            shown.add((kiosk.window.message.title.whole_text(), kiosk.window.message.text.whole_text()))
        (one,) = shown
        said.append(one)
    assert len(set(said)) == len(REASONS[outcome])


@pytest.mark.parametrize("language", ["en", "es", "ar"])
def test_every_outcome_of_the_contract_has_words(language: str) -> None:
    for outcome in OUTCOMES[:-1]:
        assert f"outcome.{outcome}" in messages(language)
        assert f"outcome.{outcome}.title" in messages(language)


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
    assert _inside(last, board.list)


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
