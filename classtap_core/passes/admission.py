"""Who was let in on an attendee pass: the same answer from the same set of scans, whatever order they came in."""

from collections.abc import Iterable

import msgspec

from classtap_core.kernel.ids import Id


class Use(msgspec.Struct, frozen=True):
    """One accepted scan: its operation, its place in time (corrected ms, device, sequence), and the door."""

    operation: Id
    order: tuple[int, str, int]
    location: str

    @property
    def at_ms(self) -> int:
        return self.order[0]

    @property
    def device(self) -> str:
        return self.order[1]


def with_use(uses: Iterable[Use], use: Use) -> tuple[Use, ...]:
    """The uses with one more, once, in the order of time."""
    return tuple(sorted({*uses, use}, key=lambda one: one.order))


def admitted(uses: Iterable[Use], *, limit: int, window_ms: int = 0) -> tuple[Use, ...]:
    """Those that were within the limit: the earliest ones, or with a window at most `limit` in any `window_ms`.

    A use that was over the limit takes nobody's place. `limit` 0 is no limit.
    """
    kept: list[Use] = []
    for use in sorted(uses, key=lambda one: one.order):
        counted = [one for one in kept if not window_ms or one.at_ms > use.at_ms - window_ms]
        if not limit or len(counted) < limit:
            kept.append(use)
    return tuple(kept)
