"""A kiosk's window on the screen of a test: the states it may stand in, how it is drawn, and what every drawing is held to."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtWidgets import QAbstractButton, QApplication, QLabel, QWidget
from pytestqt.qtbot import QtBot

from classtap_desktop.kit import Label, Pill, PinPad, theme
from kiosk import events as on
from kiosk import flow
from kiosk.pickup import Adult, ChildAt, Pickup, Waiting
from kiosk.pickup import Step as GivingStep
from kiosk.screens import KioskWindow
from kiosk.signing import Form, Signer, Signing, Step
from kiosk.view import Board, Change, Leaving, Notice, PinEntry, Refusal, Screen, Stage, State, Status, Summary
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
    "staff-double": lambda: replace(
        changed(
            "Nilufar Karimova, present in Creative movement, is also present in Contemporary Ballet II (16:30). Both "
            "were said at the same moment, 16:24: nobody can say which was first.",
            ("keep", "undo", "undo_other"),
        ),
        open=2,
    ),
    "staff-summary": lambda: resting(
        screen=Screen.STAFF,
        idle_left_s=80,
        idle_total_s=90,
        summary=Summary(
            tuple(
                f"A mark · {name}: it no longer holds. What holds is: absent (16:02). Keep as it is"
                for name in (
                    "Nilufar Karimova",
                    "Adaeze Okafor",
                    "Zoë Łukaszewska-Brânză",
                    "محمد عبد الرحمن",
                    "Ngozi Okafor",
                )
            ),
            Notice("desk.choice.saved", (("name", "classtap-1763798400.txt"),), tone="muted"),
        ),
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
WAITING = (
    Waiting(session(1), child(10), "Adaeze Okafor", "Little Tumblers"),
    Waiting(session(2), child(20), "Zoë Łukaszewska-Brânză", "Контактная импровизация"),
    Waiting(session(2), child(21), "محمد عبد الرحمن", "Beginner Ballet"),
    Waiting(session(2), child(22), "Ngozi Okafor", "Beginner Ballet"),
)


def giving(**changes: object) -> State:
    """Return the kiosk where staff give a child back."""
    shown = Pickup(step=GivingStep.CHOOSING, here=WAITING)
    return resting(screen=Screen.PICKUP, idle_left_s=80, idle_total_s=90, pickup=replace(shown, **changes))  # type: ignore[arg-type]


def to_whom(**changes: object) -> ChildAt:
    """Return a child with a mother, a father who may not take it, and two grandparents whom only a desk tells apart."""
    adults = (
        Adult("a" * 32, "mother", may=True),
        Adult("b" * 32, "grandparent", may=True, alike=True),
        Adult("d" * 32, "grandparent", may=False, alike=True),
        Adult("c" * 32, "father", may=False),
    )
    found = ChildAt(session(1), child(10), "Adaeze Okafor", "Little Tumblers", adults)
    return replace(found, **changes)  # type: ignore[arg-type]


FOR_STAFF |= {
    "staff-check-in": lambda: resting(
        screen=Screen.REFUSAL,
        refusal=Refusal("rosters_offline", may_override=True),
        idle_left_s=9,
        idle_total_s=12,
        keys=Notice("rosters.offline", tone="warn"),
    ),
    "attract-heard": lambda: resting(hearing=3),
    "attract-doubt": lambda: resting(hearing=3, clock_suspect=True),
    "staff-heard": lambda: resting(
        screen=Screen.STAFF,
        idle_left_s=80,
        idle_total_s=90,
        hearing=3,
        about=(Notice("kiosk.staff.sound"), Notice("relay.hears", (("n", 3), ("code", "")))),
    ),
    "urgent": lambda: resting(urgent=True),
    "urgent-board": lambda: with_board(busy(), urgent=True, clock_suspect=True),
    "pickup": giving,
    "pickup-wrong": lambda: giving(said="desk.pickup.nobody"),
    "pickup-paused": lambda: giving(said="desk.pickup.paused", n=2, here=()),
    "pickup-done": lambda: giving(
        said="kiosk.pickup.done", params=(("name", "Adaeze Okafor"), ("to", "mother")), tone="present"
    ),
    "pickup-child": lambda: giving(step=GivingStep.CHILD, found=to_whom(ask=True)),
    "pickup-given": lambda: giving(step=GivingStep.CHILD, found=to_whom(given_ms=NOW_MS, given_to="mother")),
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


def picture() -> np.ndarray:
    """Return a frame as OpenCV gives it: a pale card in a grey room."""
    frame = np.full((720, 1280, 3), (96, 104, 110), np.uint8)
    frame[180:540, 480:800] = (238, 242, 240)
    return frame


def seen(window: KioskWindow, kind: type) -> list[QWidget]:
    """Return the widgets of a kind a person can see, in whole or in part."""
    return [widget for widget in window.findChildren(kind) if widget.isVisible() and inside(widget, window)]


def inside(widget: QWidget, window: QWidget) -> bool:
    return not widget.visibleRegion().isEmpty() and QRect(window.rect()).intersects(place(widget, window))


def place(widget: QWidget, window: QWidget) -> QRect:
    return QRect(widget.mapTo(window, QPoint(0, 0)), widget.size())


def drawn(widget: QWidget, window: QWidget) -> QRect:
    """Where what a person can see of a widget is: a list shows a part of a long one."""
    return widget.visibleRegion().boundingRect().translated(widget.mapTo(window, QPoint(0, 0)))


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
    places = [(drawn(widget, window), widget.accessibleName()) for widget in names]
    for at, (one, own) in enumerate(places):
        for other, name in places[at + 1 :]:
            assert not one.adjusted(1, 1, -1, -1).intersects(other.adjusted(1, 1, -1, -1)), (own, name)


def assert_named(window: KioskWindow) -> None:
    """Everything to press has a name for assistive technology."""
    assert [button for button in seen(window, QAbstractButton) if not button.accessibleName()] == []
