"""The signal adapter: turns an engine's plain callbacks, from whatever thread, into calls on the window's thread."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Any

from PySide6.QtCore import QObject, Qt, Signal, Slot

Callback = Callable[..., None]


class Signals(QObject):
    """Makes callables that worker threads may call at any time.

    ``each`` delivers every call in order; ``latest`` keeps only the newest call not yet delivered, for camera frames
    and progress, so that a slow window never falls behind. After ``close`` calls are dropped in silence.
    """

    _posted = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._open = True
        self._lock = Lock()
        self._posted.connect(self._run, Qt.ConnectionType.QueuedConnection)

    def each(self, slot: Callback) -> Callback:
        """Return a callable that queues ``slot(*args, **named)`` for this object's thread, every time."""

        def call(*args: Any, **named: Any) -> None:
            self._post(lambda: slot(*args, **named))

        return call

    def latest(self, slot: Callback) -> Callback:
        """Return a callable that delivers only the newest arguments; older ones still waiting are let go."""
        waiting: list[tuple[tuple[Any, ...], dict[str, Any]]] = []

        def deliver() -> None:
            with self._lock:
                args, named = waiting.pop()
            slot(*args, **named)

        def call(*args: Any, **named: Any) -> None:
            with self._lock:
                pending, waiting[:] = bool(waiting), [(args, named)]
            if not pending:
                self._post(deliver)

        return call

    def close(self) -> None:
        """Drop everything not yet delivered and all calls to come."""
        self._open = False

    def _post(self, action: Callable[[], None]) -> None:
        if self._open:
            self._posted.emit(action)

    @Slot(object)
    def _run(self, action: Callable[[], None]) -> None:
        if self._open:
            action()
