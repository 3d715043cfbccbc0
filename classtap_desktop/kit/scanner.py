"""A hand-held scanner at a window: what it types becomes a text, and reaches no field and no button."""

from __future__ import annotations

import time

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QKeyEvent, QWindow
from PySide6.QtWidgets import QApplication, QWidget

from classtap_core.passes.wedge import Wedge, as_scanned

_ENTER = frozenset({Qt.Key.Key_Return, Qt.Key.Key_Enter})


class HandScanner(QObject):
    """Listens to what is typed into one window. Signals: ``scanned(text)``.

    The letters of a pass are kept from the window from the fourth on, and the Enter after them.
    """

    scanned = Signal(str)

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._window, self._wedge = window, Wedge()
        QApplication.instance().installEventFilter(self)  # type: ignore[union-attr]

    def close(self) -> None:
        """Listen no more."""
        QApplication.instance().removeEventFilter(self)  # type: ignore[union-attr]

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        # A key reaches the window's own surface once, and then each widget on its way: only the first is counted.
        if event.type() != QEvent.Type.KeyPress or not isinstance(watched, QWindow) or not isinstance(event, QKeyEvent):
            return False
        if watched is not self._window.windowHandle():
            return False
        busy = self._wedge.busy
        text = self._wedge.key("\r" if event.key() in _ENTER else event.text(), time.monotonic() * 1000)
        if text is not None:
            self.scanned.emit(as_scanned(text))
        return busy and (text is not None or self._wedge.busy)
