"""Work that comes again, on a thread of its own, planned by elapsed time.

Schedulers that plan by the time of day (APScheduler 3 does) do nothing for a day when a clock is put back by one.
"""

import logging
import threading
from collections.abc import Callable

from classtap_core.kernel.clock import steady_ms

Work = Callable[[], None]

LOOK_MS = 60_000
"""No wait is longer: waits stand still while the machine sleeps, elapsed time does not."""

_log = logging.getLogger("classtap.timetable")


class Timetable:
    """Pieces of work, one at a time; each is planned once, and planning it again moves it. Times are milliseconds.

    Attributes:
        running: whether its thread was started and not stopped.
    """

    def __init__(self, name: str, *, steady: Callable[[], int] = steady_ms) -> None:
        """`name`: the thread's. `steady`: elapsed milliseconds, of a clock that never steps."""
        self._name, self._steady = name, steady
        self._planned: dict[Work, tuple[int, int | None]] = {}
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self.running = False

    def every(self, period_ms: int, work: Work, *, first_ms: int | None = None) -> None:
        """Do something after `first_ms` (else a period), and again a period after it last began, or once it has ended."""
        self._plan(work, period_ms if first_ms is None else first_ms, period_ms)

    def once(self, work: Work, *, after_ms: int = 0) -> None:
        """Do something one time."""
        self._plan(work, after_ms, None)

    def drop(self, work: Work) -> None:
        """Do something no more; what was never planned is fine."""
        with self._changed:
            self._planned.pop(work, None)

    def due(self) -> Work | None:
        """What has waited longest of what is due; it counts as begun."""
        with self._changed:
            return self._begin()

    def start(self) -> None:
        self.running = True
        self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ends after the piece that runs; stopping what was never started is fine."""
        with self._changed:
            self.running = False
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join()

    def _plan(self, work: Work, after_ms: int, period_ms: int | None) -> None:
        with self._changed:
            self._planned[work] = (self._steady() + after_ms, period_ms)
            self._changed.notify_all()

    def _begin(self) -> Work | None:
        now = self._steady()
        work = min(self._planned, key=lambda one: self._planned[one][0], default=None)
        if work is None or self._planned[work][0] > now:
            return None
        period_ms = self._planned[work][1]
        if period_ms is None:
            del self._planned[work]
        else:
            self._planned[work] = (now + period_ms, period_ms)
        return work

    def _run(self) -> None:
        while (work := self._next()) is not None:
            try:
                work()
            except Exception as fault:  # noqa: BLE001 - whatever it is, the others and its next time come
                _log.error("%s: %s", self._name, type(fault).__name__)

    def _next(self) -> Work | None:
        """What is due next, waited for; None once this is stopped."""
        with self._changed:
            while self.running:
                if (work := self._begin()) is not None:
                    return work
                first = min((at for at, _ in self._planned.values()), default=self._steady() + LOOK_MS)
                self._changed.wait(max(0, min(first - self._steady(), LOOK_MS)) / 1_000)
        return None
