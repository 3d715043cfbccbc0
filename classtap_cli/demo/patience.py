"""The demonstration's camera clock: like the next family in line, the recording waits while somebody is being served."""

import threading
import time


class Patience:
    """A clock in seconds that stands still while `hold` is on, for `Camera(clock=…, pause=…)`. From any thread."""

    LOOK_S = 0.02

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lost = 0.0
        self._held_since: float | None = None
        self._why: set[str] = set()

    def __call__(self) -> float:
        with self._lock:
            now = time.monotonic() if self._held_since is None else self._held_since
            return now - self._lost

    def hold(self, on: bool, *, why: str = "served") -> None:
        """Stand still, or go on from there once nobody else holds it."""
        with self._lock:
            now = time.monotonic()
            (self._why.add if on else self._why.discard)(why)
            if self._why and self._held_since is None:
                self._held_since = now
            elif not self._why and self._held_since is not None:
                self._lost += now - self._held_since
                self._held_since = None

    def pause(self, stop: threading.Event, seconds: float) -> bool:
        """Wait for so many seconds of this clock; True at once when `stop` is set."""
        until = self() + seconds
        while (left := until - self()) > 0:
            if stop.wait(min(left, self.LOOK_S) if self._held_since is None else self.LOOK_S):
                return True
        return stop.is_set()
