"""The desk in every look and size: its pictures in build/screens, with nothing cut off."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

from PySide6.QtWidgets import QWidget
from pytestqt.exceptions import TimeoutError
from pytestqt.qtbot import QtBot

from classtap_desktop.kit import Button, Label, Pill
from classtap_desktop.window import DeskWindow

PICTURES = Path(__file__).resolve().parents[2] / "build" / "screens"
LOOKS: dict[str, dict[str, Any]] = {
    "light": {"look": "light"},
    "dark": {"look": "dark"},
    "large": {"look": "light", "text_scale": 1.5},
    "arabic": {"look": "dark", "locale": "ar"},
    "largest": {"look": "bright", "locale": "es", "text_scale": 2.0},
}
SIZES = {"": (1280, 800), "-wide": (1920, 1080)}


def cut(window: QWidget) -> list[str]:
    """What is shown and does not fit, but for labels that say so with an ellipsis."""
    found = []
    for kind in (Label, Pill, Button):
        for widget in window.findChildren(kind):
            shortens = isinstance(widget, Label) and widget.text() != widget.whole_text()
            low = widget.height() < widget.minimumSizeHint().height()
            if widget.isVisible() and (low or (not shortens and widget.is_cut())):
                found.append(
                    f"{kind.__name__} {widget.accessibleName()!r} {widget.geometry()} wants {widget.sizeHint()}"
                )
            elif widget.isVisible() and not inside(widget, window):
                found.append(f"{kind.__name__} {widget.accessibleName()!r} hangs over its parent")
    return found


def inside(widget: QWidget, window: QWidget) -> bool:
    """Whether a widget's left and right edges lie within the window."""
    left = widget.mapTo(window, widget.rect().topLeft()).x()
    return left >= 0 and left + widget.width() <= window.width()


def take(qtbot: QtBot, window: DeskWindow, name: str) -> None:
    """Wait until everything has found its place, and keep the picture."""
    with contextlib.suppress(TimeoutError):
        qtbot.waitUntil(lambda: cut(window) == [])
    assert cut(window) == [], name
    PICTURES.mkdir(parents=True, exist_ok=True)
    picture = window.grab()
    assert (picture.width(), picture.height()) == (window.width(), window.height())
    assert picture.save(str(PICTURES / f"desk-{name}.png"), "PNG", 80)
