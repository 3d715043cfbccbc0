"""A hand scanner at the desk: a pass opens its family, and reaches no field."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from classtap_core.passes.codec import Algorithm, PassClaims, encode
from classtap_core.passes.signing import ed25519_signer
from classtap_desktop.window import DeskWindow
from tests.desk.world import World


def scan(window: DeskWindow, text: str) -> None:
    """As a scanner does it: to the window's surface, key by key, then Enter."""
    handle = window.windowHandle()
    for letter in (*text, "\r"):
        key = Qt.Key.Key_Return if letter == "\r" else 0
        QApplication.sendEvent(handle, QKeyEvent(QEvent.Type.KeyPress, key, Qt.KeyboardModifier.NoModifier, letter))


def pass_of(handle: str) -> str:
    claims = PassClaims(
        algorithm=Algorithm.ED25519, key_id=1, studio=1, handle=int(handle, 16), epoch=1, not_before=0, expires=1,
        nonce=0,
    )  # fmt: skip
    return encode(claims, ed25519_signer(bytes(32)).sign)


def test_a_scanned_pass_opens_its_family(qtbot: QtBot, world: World, open_desk: Callable[..., DeskWindow]) -> None:
    window = open_desk()
    family = world.plan.families[0]
    opened: list[str] = []
    shown = window.screens["families"]
    before = shown.open
    shown.open = lambda id="": (opened.append(id), before(id))[1]  # type: ignore[method-assign]
    scan(window, pass_of(family.handle).lower())
    qtbot.waitUntil(lambda: opened == [family.family])
    assert window.stack.currentWidget() is shown


def test_what_is_no_pass_of_ours_is_said_and_nobody_is_shown(
    qtbot: QtBot, world: World, open_desk: Callable[..., DeskWindow]
) -> None:
    window = open_desk()
    for text in (pass_of("12" * 8), "CT:NOT A PASS AT ALL"):
        with qtbot.waitSignal(window.desk.told) as told:
            scan(window, text)
        assert told.args[0] == "desk.scan.unknown"
    assert window.stack.currentWidget() is window.screens["today"]


def test_nobody_is_shown_before_somebody_signed_in(
    qtbot: QtBot, world: World, open_desk: Callable[..., DeskWindow]
) -> None:
    window = open_desk("")
    qtbot.waitUntil(lambda: window.sign_in.list.count() > 0)
    scan(window, pass_of(world.plan.families[0].handle))
    assert window.stack.currentWidget() is window.screens["today"]
