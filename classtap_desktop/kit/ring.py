"""The ring that shows how long a screen stays: seconds in the middle, an arc that empties."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from classtap_desktop.kit import painting
from classtap_desktop.kit.theme import theme


class CountdownRing(QWidget):
    """Drawn anew only when told: no timer of its own. Takes its room also while it shows nothing."""

    def __init__(self, *, size: int = 56, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._size = size
        self._left: int | None = None
        self._total = 1
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        theme().changed.connect(self._dress)

    def show_left(self, left_s: int | None, total_s: int) -> None:
        """Show whole seconds left of ``total_s``; ``None`` shows nothing."""
        if (left_s, total_s) != (self._left, self._total):
            self._left, self._total = left_s, max(1, total_s)
            told = "" if left_s is None else theme().words.say_n("a11y.countdown", left_s)
            self.setAccessibleName(told)
            self.update()

    def left(self) -> int | None:
        """Return the seconds shown."""
        return self._left

    def _dress(self) -> None:
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        here = theme()
        side = max(here.px(self._size), here.metrics("badge").height() * 2)
        return QSize(side, side)

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._left is None:
            return
        here = theme()
        thick = here.px(6)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = QRectF(self.rect()).adjusted(thick / 2, thick / 2, -thick / 2, -thick / 2)
        track = here.color("control_line")
        track.setAlpha(60)
        painter.setPen(QPen(track, thick))
        painter.drawEllipse(area)
        pen = QPen(here.color("accent"), thick)
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        painter.setPen(pen)
        painter.drawArc(area, 90 * 16, -round(360 * 16 * min(1.0, self._left / self._total)))
        painting.line(
            painter,
            QRectF(self.rect()),
            here.words.number(self._left),
            font=here.font("badge"),
            color=here.color("ink"),
        )
        painter.end()
