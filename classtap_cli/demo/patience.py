"""The demonstration's camera clock: like the next family in line, the recording waits while somebody is being served."""

import threading
import time
from collections.abc import Callable

from kiosk.camera import Frame, Mailbox


class Patience:
    """A clock in seconds for `Camera(clock=…, pause=…)` that waits for others. From any thread.

    It stands still while `hold` is on, and never runs more than LEAD_S ahead of anybody who was ever `heard`: whoever
    reads the frames, whoever shows what was read. So a slow machine plays slowly, and passes over nobody in line.
    """

    LEAD_S = 0.15
    LOOK_S = 0.02

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._lock = threading.Lock()
        self._clock = clock
        self._at, self._last = 0.0, clock()
        self._why: set[str] = set()
        self._reach: dict[str, float] = {}

    def __call__(self) -> float:
        with self._lock:
            return self._go()

    def hold(self, on: bool, *, why: str = "served") -> None:
        """Stand still, or go on from there once nobody else holds it."""
        with self._lock:
            self._go()
            (self._why.add if on else self._why.discard)(why)

    def heard(self, who: str) -> None:
        """Somebody the clock waits for from now on has kept up with it so far."""
        with self._lock:
            self._reach[who] = self._go() + self.LEAD_S

    def pause(self, stop: threading.Event, seconds: float) -> bool:
        """Wait for so many seconds of this clock; True at once when `stop` is set."""
        until = self() + seconds
        while (left := until - self()) > 0:
            if stop.wait(min(left, self.LOOK_S)):
                return True
        return stop.is_set()

    def _go(self) -> float:
        now = self._clock()
        passed, self._last = min(now - self._last, self.LEAD_S), now  # the camera's own thread may have starved too
        if not self._why:
            self._at = max(self._at, min(self._at + passed, *self._reach.values(), self._at + self.LEAD_S))
        return self._at


class HeardMailbox(Mailbox[Frame]):
    """A camera's mailbox whose reader is heard each time it comes for a frame."""

    def __init__(self, patience: Patience) -> None:
        super().__init__()
        self._patience = patience

    def take(self, timeout_s: float | None = None) -> Frame | None:
        """The latest frame; the one before was read."""
        self._patience.heard("reader")
        return super().take(timeout_s)
