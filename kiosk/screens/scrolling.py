"""A list that a finger scrolls."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QScrollArea, QScroller


def scrolling() -> QScrollArea:
    """An area for something long; the keys stay with what is in it."""
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    QScroller.grabGesture(area.viewport(), QScroller.ScrollerGestureType.TouchGesture)
    return area
