"""The staff PIN: the pad, why the last one was not taken, and the way back."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from classtap_desktop.kit import CountdownRing, Label, PinPad, theme
from kiosk import events as on
from kiosk.screens.foot import foot, way_back
from kiosk.view import PinEntry, State


class PinPage(QWidget):
    """Signals: ``happened(event)``."""

    happened = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        here = theme()
        words = here.words
        self._shown: PinEntry | None = None
        self.title = Label(words.say("pin.title"), "headline", wrap=True)
        self.hint = Label(words.say("pin.exit_hint"), "hint", token="muted", wrap=True)
        self.pad = PinPad()
        self.pad.entered.connect(lambda pin: self.happened.emit(on.PinEntered(pin)))
        self.pad.cancelled.connect(lambda: self.happened.emit(on.Cancel()))
        self.back = way_back(self.happened)
        self.ring = CountdownRing(size=60)
        texts = QVBoxLayout()
        texts.setSpacing(here.px(8))
        texts.addStretch(1)
        texts.addWidget(self.title)
        texts.addWidget(self.hint)
        texts.addStretch(1)
        middle = QHBoxLayout()
        middle.setSpacing(here.px(72))
        middle.addStretch(1)
        middle.addLayout(texts, 4)
        middle.addWidget(self.pad, 0, Qt.AlignmentFlag.AlignVCenter)
        middle.addStretch(1)
        page = QVBoxLayout(self)
        page.setContentsMargins(0, here.px(18), 0, 0)
        page.addLayout(middle, 1)
        page.addLayout(foot([self.back], [self.ring]))

    def show_state(self, state: State) -> None:
        """Show how the PIN stands."""
        self.ring.show_left(state.idle_left_s, state.idle_total_s)
        entry = state.pin
        if entry is None or entry == self._shown:
            return
        fresh = self._shown is None
        self._shown = entry
        show_entry(self.pad, entry, fresh=fresh)

    def forget(self) -> None:
        """Forget digits and messages."""
        self._shown = None
        self.pad.clear()
        self.pad.show_message("")


def show_entry(pad: PinPad, entry: PinEntry, *, fresh: bool) -> None:
    """Show on a pad how a PIN stands; ``fresh``: it was not asked for before."""
    pad.set_busy(entry.checking)
    words = theme().words
    if entry.checking:
        pad.show_message(words.say("pin.checking"), token="muted")
    elif entry.error == "wrong":
        pad.show_message(words.say_n("pin.wrong", entry.n))
    elif entry.error == "paused":
        pad.show_message(words.say_n("pin.paused", entry.n))
    elif entry.error is not None:
        pad.show_message(words.say("pin.manager"))
    else:
        pad.show_message("")
    if fresh:
        pad.clear()
        pad.setFocus(Qt.FocusReason.OtherFocusReason)
