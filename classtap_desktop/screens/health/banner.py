"""A quiet line above every screen while the disk is filling or the store is damaged: what it means and where more is said."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from classtap_desktop.desk import Desk
from classtap_desktop.frame.banner import Banner
from classtap_desktop.kit import Signals, theme
from classtap_desktop.kit.device_words import warning
from sync.client.health import Steward
from sync.client.keeping import Keeping


class KeepingBanner(Banner):
    """Hidden while all is well. Signals: ``shown`` after each look."""

    shown = Signal()

    def __init__(self, desk: Desk, steward: Steward, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._desk, self._steward = desk, steward
        self._keeping: Keeping | None = None
        self._signals = Signals(self)
        self.line.acted.connect(lambda: desk.open("devices"))
        self._end = steward.on_keeping(self._signals.latest(self.look))
        theme().changed.connect(self._say)
        self.look()

    def look(self) -> None:
        """Ask how the store stands now."""
        self._desk.read("keeping", lambda _: self._steward.keeping(), then=self._take)

    def close_banner(self) -> None:
        """Hear no more of the store."""
        self._end()
        self._signals.close()

    def _take(self, keeping: Keeping) -> None:
        self._keeping = keeping
        self._say()
        self.shown.emit()

    def _say(self) -> None:
        words = theme().words
        warned = warning(self._keeping, words) if self._keeping is not None else None
        self.setVisible(warned is not None)
        if warned is not None:
            self.line.show_error(warned.sentence(words), action=words.say("desk.keeping.see"), tone=warned.tone)
            self.fit()
