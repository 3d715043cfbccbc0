"""The ring that shows where the keyboard is, for every control that draws itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QRectF, Qt
from PySide6.QtGui import QFocusEvent, QKeyEvent, QPainter

from classtap_desktop.kit import painting

# Qt's own class comes after these in a control's bases; at run time they only add to it.
if TYPE_CHECKING:
    from PySide6.QtWidgets import QAbstractButton as _Button
    from PySide6.QtWidgets import QWidget as _Widget
else:
    _Widget = _Button = object


class KeyboardRing(_Widget):
    """Remembers whether the keyboard brought the focus, and paints the ring while it has."""

    _ring = False

    def focusInEvent(self, event: QFocusEvent) -> None:
        self._ring = painting.shown_by_keyboard(self, event.reason())
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self._ring = False
        super().focusOutEvent(event)
        self.update()

    def paint_ring(self, painter: QPainter, area: QRectF, *, radius: float) -> None:
        """Draw the ring where it is due; ``radius`` in pixels."""
        if self._ring and self.hasFocus():
            painting.focus_ring(painter, area, radius=radius)


class DrawnButton(KeyboardRing, _Button):
    """A button that draws itself: Enter presses it as Space does, and it looks up when the pointer is over it."""

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.click()
            return
        super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.Enter, QEvent.Type.Leave):
            self.update()
        return super().event(event)
