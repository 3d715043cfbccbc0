"""Taking devices' batches: exactly once, those that wait for one studio in one commit, none held up by another's fault."""

import logging
import threading
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from typing import NamedTuple

from classtap_core.kernel.authority import Incoming, Pushed
from classtap_core.kernel.batches import Batch
from classtap_core.kernel.envelope import Sealed
from classtap_core.kernel.errors import ClassTapError
from classtap_core.kernel.ids import Id
from cloud.lanes import Lanes
from cloud.studios import Studios
from sync.protocol import MOST_OPERATIONS

_log = logging.getLogger("classtap.cloud")

MOST_SEARCHED = 16
"""Faulty operations looked for one by one; a batch with more has its remainder quarantined whole."""
MOST_TOGETHER = 64
"""Batches taken in one commit; and no more than a single push may hold operations."""

_OF_ALL = frozenset({"cloud.database_unreachable", "cloud.database_busy", "cloud.moved", "cloud.no_studio"})
"""Troubles that none of the batches caused: each alone would only meet them again."""


class _Waiting(NamedTuple):
    push: Incoming
    future: "Future[Pushed]"


class Intake:
    """Batches on their way to their studios. While one commit of a studio runs, those that come wait and go together.

    Safe to call from any thread; the work is done on the studio's lane.
    """

    def __init__(self, studios: Studios, lanes: Lanes) -> None:
        self._studios, self._lanes = studios, lanes
        self._waiting: dict[Id, deque[_Waiting]] = {}
        self._lock = threading.Lock()

    def submit(self, batch: Batch, sealed: Sequence[Sealed]) -> "Future[Pushed]":
        """What `take` makes of a batch, later. Raises RuntimeError once the lanes were shut down."""
        one = _Waiting(Incoming(batch, sealed), Future())
        studio = batch.studio
        with self._lock:
            if studio in self._waiting:
                self._waiting[studio].append(one)
                return one.future
            self._waiting[studio] = deque([one])
            try:
                self._lanes.add(studio, lambda: self._some(studio))
            except RuntimeError:
                del self._waiting[studio]
                raise
        return one.future

    def _some(self, studio: Id) -> None:
        """Take what waits now, and come again for what came meanwhile: other studios have their turn in between."""
        while True:
            together: list[_Waiting] = []
            try:
                self._take(studio, together)
            except BaseException as fault:  # noqa: BLE001 - a mistake of ours must not stop the studio's queue
                for one in together:
                    if not one.future.done():
                        one.future.set_exception(fault)
            with self._lock:
                if not self._waiting[studio]:
                    del self._waiting[studio]
                    return
                try:
                    self._lanes.add(studio, lambda: self._some(studio))
                except RuntimeError:
                    continue  # shut down meanwhile: what was accepted before is done, here
                return

    def _take(self, studio: Id, together: list[_Waiting]) -> None:
        """Take what waits once the studio is ours to write; `together` is then who goes."""

        asked = False

        def gather() -> list[Incoming]:
            nonlocal asked
            asked = True
            with self._lock:
                waiting = _together(self._waiting[studio])
            together.extend(one for one in waiting if one.future.set_running_or_notify_cancel())
            return [one.push for one in together]

        try:
            found = self._studios.authority(studio).push_together(gather)
        except Exception as fault:  # noqa: BLE001 - one of them; which, each alone will tell
            if not asked:
                gather()  # it failed before: whoever waits by now is told
            if isinstance(fault, ClassTapError) and (fault.code in _OF_ALL or len(together) == 1):
                for one in together:
                    one.future.set_exception(fault)
                return
            if len(together) > 1:
                _log.warning("%d pushes failed together: %s", len(together), type(fault).__name__)
            for one in together:
                try:
                    one.future.set_result(take(self._studios, one.push.batch, one.push.sealed))
                except BaseException as own:  # noqa: BLE001 - whoever waits for it is told
                    one.future.set_exception(own)
            return
        if not asked:
            gather()
        for one, became in zip(together, found, strict=True):
            if isinstance(became, ClassTapError):
                one.future.set_exception(became)
            else:
                one.future.set_result(became)


def _together(waiting: "deque[_Waiting]") -> list[_Waiting]:
    """The first of those that wait, up to the second one of a device: that one is judged by what the first comes to."""
    found: list[_Waiting] = []
    devices: set[Id] = set()
    room = MOST_OPERATIONS
    while waiting and len(found) < MOST_TOGETHER:
        batch = waiting[0].push.batch
        room -= len(batch.items)
        if found and (batch.device in devices or room < 0):
            break
        devices.add(batch.device)
        found.append(waiting.popleft())
    return found


def take(studios: Studios, batch: Batch, sealed: Sequence[Sealed]) -> Pushed:
    """Push a batch, whose envelopes are `sealed`, to its studio's authority. Raises what `Authority.push` does, and EnvironmentFault.

    A failure of ours while writing (OPERATIONS 13) is narrowed down by halving, in rehearsals that are rolled back;
    what causes it is quarantined and acknowledged, the rest lands.
    """
    try:
        return studios.authority(batch.studio).push(batch, sealed=sealed)
    except ClassTapError:
        raise
    except Exception as fault:  # noqa: BLE001 - whatever it is, it must not stop the device's queue for ever
        _log.error("push failed while writing: %s; looking for the operation", type(fault).__name__)
        poison = _search(studios, batch, sealed)
        return studios.authority(batch.studio).push(batch, sealed=sealed, poison=poison)


def _search(studios: Studios, batch: Batch, sealed: Sequence[Sealed]) -> frozenset[int]:
    sequences = [item.envelope.sequence for item in sealed]
    found: set[int] = set()
    good: set[int] = set()
    waiting: list[Sequence[int]] = [sequences]
    while waiting:
        some = waiting.pop()
        if _lands(studios, batch, sealed, poison=set(sequences) - good - set(some)):
            good |= set(some)
        elif len(some) == 1 or len(found) >= MOST_SEARCHED:
            found |= set(some)
        else:
            middle = len(some) // 2
            waiting += [some[middle:], some[:middle]]
    return frozenset(found)


def _lands(studios: Studios, batch: Batch, sealed: Sequence[Sealed], *, poison: set[int]) -> bool:
    try:
        studios.authority(batch.studio, rehearsing=True).push(batch, sealed=sealed, poison=poison)
    except ClassTapError:
        raise
    except Exception:  # noqa: BLE001 - the answer is no, whatever the fault
        return False
    return True
