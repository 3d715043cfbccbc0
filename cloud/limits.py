"""How often somebody may try: a bucket of tries for each caller, filled again with time."""

import threading
from collections.abc import Awaitable, Callable
from functools import partial

from classtap_core.kernel.clock import Clock
from cloud.storage.tries import SharedTries


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
            left, since = self._left.pop(key, (full, now))
            left = min(full, left + (now - since) * self._rate)
            if left < 60_000:
                self._put(key, left, now)
                return False
            self._put(key, left - 60_000, now)
            return True

    def _put(self, key: str, left: int, now: int) -> None:
        """Whoever tried longest ago makes room: a flood of new callers gives nobody's tries back but theirs."""
        if len(self._left) >= self.MOST_KEYS:
            del self._left[next(iter(self._left))]
        self._left[key] = (left, now)

    def give_back(self, key: str) -> None:
        """The last try was a good one, and counts for nothing."""
        with self._lock:
            if key in self._left:
                left, since = self._left[key]
                self._left[key] = (min(self._burst * 60_000, left + 60_000), since)


async def may_try(
    tries: Tries,
    shared: SharedTries | None,
    what: str,
    caller: str,
    run: Callable[[Callable[[], bool]], Awaitable[bool]],
) -> bool:
    """Spend a try: counted here first, so that a flood costs the database nothing, then for all workers together.

    `shared` is None where one process serves alone; `run` does what waits for the database.
    """
    if not tries.allow(caller):
        return False
    if shared is None:
        return True
    return await run(partial(shared.allow, f"{what}/{caller}", burst=tries.burst, per_minute=tries.per_minute))
