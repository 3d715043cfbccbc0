"""Locking by itself: where nobody touched the desk for a while, names are covered and a PIN is asked for."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, QEvent, QObject, QTimer, Signal

_TOUCHES = frozenset(
    {
        QEvent.Type.KeyPress, QEvent.Type.MouseButtonPress, QEvent.Type.MouseMove, QEvent.Type.Wheel,
        QEvent.Type.TouchBegin, QEvent.Type.TabletPress,
    }
)  # fmt: skip


class Idle(QObject):
    """Signals: ``idle`` when nobody touched anything for a while. Rest it while nobody is signed in."""

    idle = Signal()

    def __init__(self, parent: QObject, *, after_s: float) -> None:
        super().__init__(parent)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(round(after_s * 1000))
        self._timer.timeout.connect(self.idle)
        application = QCoreApplication.instance()
        assert application is not None
        application.installEventFilter(self)

    def watch(self, watched: bool) -> None:
        """Begin to wait, or stop."""
        if watched:
            self._timer.start()
        else:
            self._timer.stop()

    def wait_for(self, after_s: float) -> None:
        """Wait for another while from now on."""
        self._timer.setInterval(round(after_s * 1000))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in _TOUCHES and self._timer.isActive():
            self._timer.start()
        return False
