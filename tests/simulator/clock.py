"""Time in the simulator: one true time, and devices' clocks that are wrong, drift and are set."""

from typing import Protocol

from classtap_core.kernel.clock import Correction, Timestamp


class True_(Protocol):
    """Who knows the true time."""

    now_ms: int


class SkewedClock:
    """A machine's clock: off by `skew_ms`, drifting by `ppm`, corrected by what the cloud said."""

    def __init__(self, true: True_, *, skew_ms: int, ppm: int) -> None:
        self._true, self.skew_ms, self.ppm = true, skew_ms, ppm
        self.correction = Correction()
        self._booted, self._boots = true.now_ms, 1

    def now(self) -> Timestamp:
        passed = self._true.now_ms - self._booted
        drift = passed * self.ppm // 1_000_000
        return self.correction.stamp(
            wall=self._true.now_ms + self.skew_ms + drift, mono=passed + drift, boot=f"boot{self._boots}"
        )

    def step(self, ms: int) -> None:
        """Somebody sets the wall clock. Not between a restart and the first contact after it: see `reboot`."""
        if self.correction.boot == self.now().boot:
            self.skew_ms += ms

    def reboot(self) -> None:
        """The machine starts anew; its battery kept the time.

        Not after somebody has set the clock: what a device claims across a restart (give or take a minute) rests on
        the wall clock alone.
        """
        if (self.now().uncertainty or 0) > 10_000:
            return
        self.skew_ms += (self._true.now_ms - self._booted) * self.ppm // 1_000_000
        self._booted, self._boots = self._true.now_ms, self._boots + 1


class TrueClock:
    """The cloud's: right."""

    def __init__(self, true: True_) -> None:
        self._true = true

    def now(self) -> Timestamp:
        return Timestamp(wall=self._true.now_ms, mono=self._true.now_ms, boot="cloud", uncertainty=0)
