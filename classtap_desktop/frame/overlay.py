"""A card laid over the whole window: the palette, the sign-in and the help page. One at a time, Escape goes back."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QApplication, QVBoxLayout, QWidget

from classtap_desktop.kit import Card, theme


class Overlay(QWidget):
    """Signals: ``closed`` when it went away.

    ``veiled`` hides what lies beneath altogether. Focus stays inside while it shows and returns where it was.
    """

    closed = Signal()

    def __init__(self, over: QWidget, *, veiled: bool = False, leaves: bool = True, top: int | None = None) -> None:
        """``leaves``: whether Escape or a press outside closes it. ``top``: distance of the card from the upper edge
        in pixels at 100 %, else it stands in the middle."""
        super().__init__(over)
        self._over, self._veiled, self._leaves = over, veiled, leaves
        self._from: QWidget | None = None
        self.card = Card(radius=18)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(24, 24, 24, 24)
        if top is None:
            whole.addStretch(1)
        else:
            whole.addSpacing(theme().px(top))
        whole.addWidget(self.card, 0, Qt.AlignmentFlag.AlignHCenter)
        whole.addStretch(1)
        over.installEventFilter(self)
        theme().changed.connect(self.update)
        self.hide()

    def open(self) -> None:
        """Show it and take the focus."""
        if self.isHidden():
            self._from = QApplication.focusWidget()
        self.setGeometry(self._over.rect())
        self.show()
        self.raise_()

    def close_overlay(self) -> None:
        """Go away and give the focus back."""
        if self.isHidden():
            return
        self.hide()
        if self._from is not None and self._from.isVisible():
            self._from.setFocus(Qt.FocusReason.OtherFocusReason)
        self._from = None
        self.closed.emit()

    def focusNextPrevChild(self, next: bool) -> bool:
        """Keep Tab inside."""
        inside = [
            widget
            for widget in self.findChildren(QWidget)
            if widget.isVisible() and widget.isEnabled() and widget.focusPolicy() & Qt.FocusPolicy.TabFocus
        ]
        if not inside:
            return False
        focus = QApplication.focusWidget()
        at = inside.index(focus) + (1 if next else -1) if focus in inside else 0
        inside[at % len(inside)].setFocus(Qt.FocusReason.TabFocusReason)
        return True

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self._leaves:
            self.close_overlay()
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if self._leaves and not self.card.geometry().contains(event.position().toPoint()):
            self.close_overlay()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize and not self.isHidden():
            self.setGeometry(self._over.rect())
        return False

    def paintEvent(self, event: QPaintEvent) -> None:
        here = theme()
        painter = QPainter(self)
        if self._veiled:
            painter.fillRect(self.rect(), here.color("bg"))
        else:
            painter.fillRect(self.rect(), QColor(0, 0, 0, 110 if here.dark else 70))
        painter.end()
