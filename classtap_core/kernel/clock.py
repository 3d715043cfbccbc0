"""Time is an interval: a device's clock, corrected by what the cloud said, give or take what is not known."""

import os
import time
from pathlib import Path
from typing import Annotated, Protocol

import msgspec

from classtap_core.kernel.canonical import LIMIT

Moment = Annotated[int, msgspec.Meta(ge=0, lt=LIMIT)]
"""Milliseconds since the Unix epoch, in a message of somebody else's."""


class Interval(msgspec.Struct, frozen=True):
    """Where a moment lies for certain, in milliseconds since the Unix epoch."""

    earliest: int
    latest: int

    def overlaps(self, other: "Interval") -> bool:
        return self.earliest <= other.latest and other.earliest <= self.latest


class Timestamp(msgspec.Struct, frozen=True, kw_only=True):
    """What a device knew of the time when it wrote something.

    Attributes:
        wall: the raw clock, milliseconds since the Unix epoch.
        mono: milliseconds of a clock that never steps, since `boot`.
        boot: names one run of the machine, so that `mono` is never compared across two.
        offset: cloud time minus `wall`, milliseconds, at the last contact.
        uncertainty: half the width of what `corrected` may be wrong by, milliseconds; None before any contact.
    """

    wall: int
    mono: int
    boot: str
    offset: int = 0
    uncertainty: int | None = None

    @property
    def corrected(self) -> int:
        return self.wall + self.offset

    def interval(self, contact: int = 0, arrival: int = 1 << 52) -> Interval:
        """The corrected time as an interval; before any contact, from the last contact to the arrival."""
        if self.uncertainty is None:
            return Interval(contact, arrival)
        return Interval(self.corrected - self.uncertainty, self.corrected + self.uncertainty)


class Clock(Protocol):
    """The only source of time that rules and programs may use."""

    def now(self) -> Timestamp: ...


class Correction:
    """What contacts with the cloud taught about this device's clock.

    The drift of a cheap quartz stays under 100 ppm, so the uncertainty grows by that since the last contact. Where
    the wall clock and the one that never steps have since gone apart (somebody set it, or the machine slept and only
    one of them counted), it grows by as much as they did; over a restart by all that the wall clock moved, for nobody
    knows how much of it passed and how much was set.
    """

    DRIFT_PPM = 100

    def __init__(
        self, offset: int = 0, uncertainty: int | None = None, mono: int = 0, boot: str = "", wall: int | None = None
    ) -> None:
        self.offset, self.uncertainty, self.mono, self.boot, self.wall = offset, uncertainty, mono, boot, wall

    def observe(self, cloud_ms: int, *, sent: Timestamp, received: Timestamp) -> None:
        """Learn from one exchange: the cloud said `cloud_ms` between `sent` and `received`."""
        trip = max(0, received.mono - sent.mono)
        offset = cloud_ms + trip // 2 - received.wall
        uncertainty = trip // 2 + 1
        stepped = abs(offset - self.offset) > uncertainty + (self.uncertainty or 0)
        if self.uncertainty is None or stepped or uncertainty <= self._grown(received):
            self.offset, self.uncertainty = offset, uncertainty
            self.mono, self.boot, self.wall = received.mono, received.boot, received.wall

    def stamp(self, *, wall: int, mono: int, boot: str) -> Timestamp:
        bare = Timestamp(wall=wall, mono=mono, boot=boot, offset=self.offset)
        if self.uncertainty is None:
            return bare
        return msgspec.structs.replace(bare, uncertainty=self._grown(bare))

    def _grown(self, at: Timestamp) -> int:
        assert self.uncertainty is not None
        if at.boot != self.boot:
            moved = 0 if self.wall is None else abs(at.wall - self.wall)
            return self.uncertainty + 60_000 + moved
        passed = max(0, at.mono - self.mono)
        apart = 0 if self.wall is None else abs(at.wall - self.wall - passed)
        return self.uncertainty + passed * self.DRIFT_PPM // 1_000_000 + apart


class SystemClock:
    """The machine's clock. With `start_ms` it begins there and runs on (`--now`): such a clock is right by definition.

    Attributes:
        shifted: whether it was started elsewhere, and so has nothing to learn from the cloud.
    """

    def __init__(self, start_ms: int | None = None, correction: Correction | None = None) -> None:
        self._boot = boot_id()
        self.shifted = start_ms is not None
        certain = Correction(0, 0, steady_ms(), self._boot)
        self.correction = correction or (certain if self.shifted else Correction())
        self._shift = 0 if start_ms is None else start_ms - time.time_ns() // 1_000_000

    def now(self) -> Timestamp:
        wall = time.time_ns() // 1_000_000 + self._shift
        return self.correction.stamp(wall=wall, mono=steady_ms(), boot=self._boot)


class ManualClock:
    """A clock that moves when told to: tests, the simulator, and every run that must repeat."""

    def __init__(self, wall: int, correction: Correction | None = None, boot: str = "manual") -> None:
        self.wall, self.mono, self.boot = wall, 0, boot
        self.correction = correction or Correction(0, 0, 0, boot)

    def now(self) -> Timestamp:
        return self.correction.stamp(wall=self.wall, mono=self.mono, boot=self.boot)

    def advance(self, ms: int) -> None:
        self.wall += ms
        self.mono += ms

    def step(self, ms: int) -> None:
        """Move the wall clock alone, as a person or a bad time server would."""
        self.wall += ms


def steady_ms() -> int:
    """Milliseconds of a clock that never steps, and goes on while the machine sleeps."""
    for name in ("CLOCK_BOOTTIME", "CLOCK_MONOTONIC"):  # Linux; macOS, whose `time.monotonic` stops in sleep
        if hasattr(time, name):
            return time.clock_gettime_ns(getattr(time, name)) // 1_000_000
    return time.monotonic_ns() // 1_000_000


def boot_id() -> str:
    """Names this run of the machine; a random name where the system gives none."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip().replace("-", "")
    except OSError:
        return f"{(time.time_ns() - time.monotonic_ns()) // 10_000_000_000:x}-{os.getppid():x}"
