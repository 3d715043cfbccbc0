"""The foot of a kiosk's pages: the way back at one end, how long the page stands and what is done at the other."""

from __future__ import annotations

from PySide6.QtCore import SignalInstance
from PySide6.QtWidgets import QHBoxLayout, QWidget

from classtap_desktop.kit import Button, theme
from kiosk import events as on


def foot(start: list[QWidget], end: list[QWidget]) -> QHBoxLayout:
    """Widgets at both ends of a line."""
    line = QHBoxLayout()
    line.setSpacing(theme().px(16))
    for widget in start:
        line.addWidget(widget)
    line.addStretch(1)
    for widget in end:
        line.addWidget(widget)
    return line


def way_back(happened: SignalInstance) -> Button:
    """The button that goes a step back; `happened` tells the page's events."""
    button = Button(theme().words.say("kiosk.back"), size="kiosk", icon="chevron_back")
    button.clicked.connect(lambda _=False: happened.emit(on.Cancel()))
    return button
