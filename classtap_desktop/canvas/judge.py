"""What is wrong with a map while it changes: at once for a few moved spots, on a thread of its own for many.

Of several maps that wait for the thread only the newest is looked at.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence

from PySide6.QtCore import QObject, Signal

from classtap_core.seating.model import SeatMap, Spot
from classtap_core.seating.validation.checker import Checker
from classtap_core.seating.validation.findings import Rule, Violation
from classtap_desktop.kit import Signals

AT_ONCE = 50
"""Up to so many moved spots are judged on the window's own thread."""
RESTED_S = 0.02
"""A hand that moves sends a place every 8 to 17 ms."""
BLOCKING = frozenset({Rule.OVERLAP, Rule.AISLE_WIDTH, Rule.EGRESS, Rule.WALL_OFFSET})
"""What a drop may not newly hurt: it goes back to where it came from (catalogue 15, requirement 3)."""


class Judge(QObject):
    """Attributes: ``seat_map`` and ``violations`` (the newest map judged, and what is wrong with it).

    Signals: ``judged(seat_map, violations)`` on the window's thread.
    """

    judged = Signal(object, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.seat_map: SeatMap | None = None
        self.violations: tuple[Violation, ...] = ()
        self._checker: Checker | None = None
        self._checked: SeatMap | None = None
        self._holding = threading.Lock()
        self._signals = Signals(self)
        self._tell = self._signals.each(self._told)
        self._waiting: SeatMap | None = None
        self._asked = threading.Condition()
        self._working = False
        self._closing = False
        self._thread = threading.Thread(target=self._work, name="classtap-map-judge")
        self._thread.start()

    def close(self) -> None:
        """End the thread; what waits is not judged."""
        with self._asked:
            self._closing = True
            self._asked.notify()
        self._signals.close()
        self._thread.join()

    @property
    def busy(self) -> bool:
        """Whether a map waits or is being looked at."""
        return self._working or self._waiting is not None

    def look_at(self, seat_map: SeatMap) -> None:
        """Judge a map. `judged` follows: before this returns where little moved, else from the thread."""
        if not self.busy and self._holding.acquire(blocking=False):
            try:
                changed = moved_spots(self._checked, seat_map)
                if changed is not None and len(changed) <= AT_ONCE and self._checker is not None:
                    found = self._checker.moved(changed)
                    self._checked = seat_map
                    self._told(seat_map, found)
                    return
            finally:
                self._holding.release()
        with self._asked:
            self._waiting = seat_map
            self._asked.notify()

    def checker_for(self, seat_map: SeatMap) -> Checker:
        """A checker of exactly this map, for questions of "what if"; call on the window's thread."""
        with self._holding:
            self._bring_to(seat_map)
            assert self._checker is not None
            return self._checker

    def _told(self, seat_map: SeatMap, found: tuple[Violation, ...]) -> None:
        self.seat_map, self.violations = seat_map, found
        self.judged.emit(seat_map, found)

    def _work(self) -> None:
        while True:
            with self._asked:
                while self._waiting is None and not self._closing:
                    self._asked.wait()
                # while the pointer moves on, the next map is already old: wait for the hand to rest, leave the CPU to it
                newest = None
                while newest is not self._waiting and not self._closing:
                    newest = self._waiting
                    self._asked.wait(RESTED_S)
                if self._closing:
                    return
                seat_map, self._waiting, self._working = self._waiting, None, True
            assert seat_map is not None
            try:
                with self._holding:
                    found = self._bring_to(seat_map)
            finally:
                with self._asked:
                    self._working = False
            self._tell(seat_map, found)

    def _bring_to(self, seat_map: SeatMap) -> tuple[Violation, ...]:
        changed = moved_spots(self._checked, seat_map)
        if changed is None or self._checker is None:
            self._checker = Checker(seat_map)
            found = self._checker.violations()
        else:
            found = self._checker.moved(changed)
        self._checked = seat_map
        return found


def moved_spots(before: SeatMap | None, after: SeatMap) -> list[Spot] | None:
    """The spots of a map that are not as before; None where more than spots' place, turn or name is different."""
    if before is None or len(before.spots) != len(after.spots):
        return None
    same = all(getattr(before, name) is getattr(after, name) for name in ("room", "limits", "types", "zones", "paths"))
    if not same:
        return None
    changed = []
    for old, new in zip(before.spots, after.spots, strict=True):
        if old is not new:
            if old.id != new.id or old.tags != new.tags or old.type != new.type:
                return None
            changed.append(new)
    return changed


def newly_hurt(before: Sequence[Violation], after: Sequence[Violation]) -> list[Violation]:
    """What blocks a drop: findings of blocking rules that were not there before it, or have become worse."""
    known = {(one.rule, one.items): one.actual for one in before}
    return [
        one for one in after if one.rule in BLOCKING and one.actual < known.get((one.rule, one.items), one.actual + 1)
    ]
