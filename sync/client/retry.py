"""When to try again: full jitter, so that a hall of kiosks never knocks in step. An outage is not a rejection."""

import random
from collections.abc import Callable


class Backoff:
    """Waits between attempts, in seconds.

    While nothing answers, a cheap probe goes out every few seconds at most, so that a queue drains soon after the
    network is back. When the cloud answers but cannot serve (5xx, 429), waits grow to a minute, full jitter.

    Attributes:
        rejections: how often the cloud has said no since it last took something; outages never count. `keep` is told
            of every change: a program that ends meanwhile goes on from there.
    """

    PROBE_MOST = 3.0
    FIRST, MOST = 1.0, 60.0

    def __init__(
        self,
        rejections: int = 0,
        uniform: Callable[[float, float], float] = random.uniform,
        *,
        keep: Callable[[int], None] = lambda rejections: None,
    ) -> None:
        self.rejections = rejections
        self._uniform, self._keep = uniform, keep

    def outage(self) -> float:
        return self._uniform(0.2, self.PROBE_MOST)

    def rejection(self) -> float:
        self.rejections += 1
        self._keep(self.rejections)
        return self._uniform(0.0, min(self.MOST, self.FIRST * 2 ** min(self.rejections, 10)))

    def success(self) -> None:
        if self.rejections:
            self.rejections = 0
            self._keep(0)
