"""How often somebody may try: a bucket of tries for each caller, filled again with time."""

import threading

from classtap_core.kernel.clock import Clock


class Tries:
    """At most `burst` tries at once, and `per_minute` over time, for each key."""

    MOST_KEYS = 10_000

    def __init__(self, clock: Clock, *, burst: int, per_minute: int) -> None:
        self.burst, self.per_minute = burst, per_minute
        self._clock, self._burst, self._rate = clock, burst, per_minute
        self._left: dict[str, tuple[int, int]] = {}
        self._lock = threading.Lock()

    def allow(self, key: str) -> bool:
        """Spend a try, if there is one."""
        with self._lock:
            now = self._clock.now().mono
            full = self._burst * 60_000
            left, since = self._left.get(key, (full, now))
            left = min(full, left + (now - since) * self._rate)
            if left < 60_000:
                self._left[key] = (left, now)
                return False
            if len(self._left) >= self.MOST_KEYS:
                self._left.clear()
            self._left[key] = (left - 60_000, now)
            return True

    def give_back(self, key: str) -> None:
        """The last try was a good one, and counts for nothing."""
        with self._lock:
            if key in self._left:
                left, since = self._left[key]
                self._left[key] = (min(self._burst * 60_000, left + 60_000), since)
