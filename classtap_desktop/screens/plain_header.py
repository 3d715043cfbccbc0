"""The heads of a table's columns: small, grey, at the start of their column."""

from __future__ import annotations

from PySide6.QtCore import QRect, QRectF, QSize, Qt
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QHeaderView, QTableView

from classtap_desktop.kit import painting, theme


class PlainHeader(QHeaderView):
    """Column heads that are not pressed, sorted or dragged."""

    def __init__(self, view: QTableView, *, inset: int = 13) -> None:
        """``inset``: how far words keep from the edges of their column, in pixels at 100 %."""
        super().__init__(Qt.Orientation.Horizontal, view)
        self._inset = inset
        self.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.setMinimumSectionSize(24)
        self.setHighlightSections(False)
        self.setSectionsClickable(False)

    def sizeHint(self) -> QSize:
        return QSize(0, theme().metrics("label").height() + theme().px(18))

    def paintSection(self, painter: QPainter, rect: QRect, logicalIndex: int) -> None:
        here = theme()
        words = self.model().headerData(logicalIndex, Qt.Orientation.Horizontal, Qt.ItemDataRole.DisplayRole)
        painter.save()
        painter.fillRect(rect, here.color("surface"))
        painter.fillRect(rect.left(), rect.bottom(), rect.width(), 1, here.color("line"))
        painting.line(
            painter, QRectF(rect).adjusted(here.px(self._inset), 0, -here.px(self._inset), 0), str(words or ""),
            font=here.font("label"), color=here.color("muted"),
            rtl=self.layoutDirection() == Qt.LayoutDirection.RightToLeft, centred=False,
        )  # fmt: skip
        painter.restore()
