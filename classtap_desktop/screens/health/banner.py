"""A quiet line above every screen while the disk is filling or the store is damaged: what it means and where more is said."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QWidget

from classtap_desktop.desk import Desk
from classtap_desktop.kit import ErrorLine, Signals, theme
from classtap_desktop.kit.device_words import warning
from classtap_desktop.spacing import column
from sync.client.health import Steward
from sync.client.keeping import Keeping


class KeepingBanner(QWidget):
    """Hidden while all is well. Signals: ``shown`` after each look."""

    shown = Signal()

    def __init__(self, desk: Desk, steward: Steward, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._desk, self._steward = desk, steward
        self._keeping: Keeping | None = None
        self._signals = Signals(self)
        self.line = ErrorLine(parent=self)
        self.line.acted.connect(lambda: desk.open("devices"))
        self._outer = column(self, margins=(26, 12, 26, 0))
        self._outer.addWidget(self.line)
        self._end = steward.on_keeping(self._signals.latest(self.look))
        theme().changed.connect(self._say)
        self.hide()
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
            self._fit()

    def _fit(self) -> None:
        """Give the sentence the height it needs at the width it gets: no layout around it asks for that."""
        label, inside = self.line.label, self.line.row
        items = [item for at in range(inside.count()) if (item := inside.itemAt(at)) is not None]
        others = [item for item in items if item.widget() is not label and (item.spacerItem() or not item.isEmpty())]
        taken = sum(item.sizeHint().width() + inside.spacing() for item in others)
        for margins in (self._outer.contentsMargins(), inside.contentsMargins()):
            taken += margins.left() + margins.right()
        label.setMinimumHeight(max(0, label.heightForWidth(max(1, self.width() - taken))))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()
