"""A line above every screen: one sentence that takes the height it needs, with buttons behind it."""

from __future__ import annotations

from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QWidget

from classtap_desktop.kit import ErrorLine
from classtap_desktop.spacing import column


class Banner(QWidget):
    """Hidden until there is something to say. Attributes: ``line``."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.line = ErrorLine(parent=self)
        self._outer = column(self, margins=(26, 12, 26, 0))
        self._outer.addWidget(self.line)
        self.hide()

    def fit(self) -> None:
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
        self.fit()
