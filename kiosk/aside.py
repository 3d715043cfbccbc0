"""One thread for what takes a while; what comes of it is heard on the window's."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from classtap_desktop.kit.engine import Signals


class Aside:
    """Does one thing after the other, off the window's thread."""

    def __init__(self, signals: Signals) -> None:
        self._slow, self._signals = ThreadPoolExecutor(1, "kiosk-aside"), signals

    def do(self, work: Callable[[], Any], done: "Callable[[Future[Any]], None]") -> None:
        """Do a piece of work; `done` gets its future, on the window's thread."""
        self._slow.submit(work).add_done_callback(self._signals.each(done))

    def close(self) -> None:
        """End what runs, begin nothing more."""
        self._slow.shutdown()
