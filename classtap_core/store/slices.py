"""Pulled pages in slices short enough that a tap in between is not felt."""

from collections.abc import Callable, Sequence

from classtap_core.kernel.device import DeviceBus
from classtap_core.kernel.device_store import Notice, Pulled
from classtap_core.store.device import SqlDevice
from classtap_core.store.writer import Slices

SLICE_S = 0.020
"""OPERATIONS 6: re-runs go in slices of at most 20 ms behind interactive work."""

_AIM_S = SLICE_S / 2  # half of it, because the next rows may cost more than the last ones
_FEWEST, _MOST = 8, 4_000


class Slicer:
    """Cuts work into slices, learning from each how much fits into the next. `now` gives seconds.

    What the commit costs is left out: it is the disk's, and smaller slices would not make it less.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self.rows = 256
        self.settling = 64

    def applied(
        self, device: SqlDevice, bus: DeviceBus, rows: Sequence[Pulled], *, cursor: int | None, token: str,
        finish: Callable[[], None],
    ) -> Slices[list[Notice]]:  # fmt: skip
        """Apply rows; the cursor and `finish` come with the last of them. Yields between slices."""
        notices: list[Notice] = []
        done = 0
        while len(rows) - done > self.rows:
            with device.part_way():
                began, size = self._now(), self.rows
                notices += bus.apply(rows[done : done + size])
                done += size
                self.rows = _fitted(size, self._now() - began)
            yield
        if cursor is not None:
            while (step := self._part_way(device, cursor)) is not None:
                with device.part_way():
                    began, size = self._now(), self.settling
                    notices += bus.apply((), cursor=step, token=device.head().token)
                    self.settling = _fitted(size, self._now() - began)
                yield
        with device.atomic():
            notices += bus.apply(rows[done:], cursor=cursor, token=token)
            finish()
        return notices

    def _part_way(self, device: SqlDevice, cursor: int) -> int | None:
        """A cursor before this one by which a slice's worth of own operations is settled; None when all fit."""
        included = device.included_by(cursor, self.settling + 1)
        if len(included) <= self.settling or included[0] == included[-1]:
            return None
        last = included[-1]
        return next((step for step in reversed(included) if step < last), None)


def _fitted(size: int, took_s: float) -> int:
    """The size that would have taken the time aimed at; at most doubled, so that one lucky slice misleads nobody."""
    wanted = size * _AIM_S / took_s if took_s > 0 else size * 2
    return int(min(max(wanted, _FEWEST), size * 2, _MOST))
