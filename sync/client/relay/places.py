"""Where neighbours may be: dialled again and again while there is no line to who lives there."""

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import Callable

from classtap_core.kernel.ids import Id
from sync.client.relay.channel import Broken
from sync.client.relay.finding import Address, Spot
from sync.client.relay.lines import Lines, Spawn
from sync.client.relay.proving import Known, Oneself
from sync.client.relay.session import Limits

log = logging.getLogger("classtap.relay")

REMEMBERED_S = 3600.0
"""A place that worked is dialled for so long after it was lost from sight."""
LASTED_S = 10.0
"""A line that lasted so long was a good one: the next attempt comes soon."""


class _Place:
    def __init__(self, spot: Spot) -> None:
        self.spot = spot
        self.device: Id | None = None
        self.again = asyncio.Event()
        self.lost = False
        self.worked_at: float | None = None
        self.task: asyncio.Task[None] | None = None


class Places:
    """The board that findings write on. `trouble` is told what stands in their way."""

    def __init__(self, lines: Lines, *, spawn: Spawn, limits: Limits, trouble: Callable[[str], None]) -> None:
        self._lines, self._spawn, self._limits, self.trouble = lines, spawn, limits, trouble
        self._places: dict[str, _Place] = {}

    def found(self, spot: Spot) -> None:
        """Dial there, at once where it was known before."""
        place = self._places.get(spot.key)
        if place is None:
            self._add(_Place(spot))
            return
        place.spot, place.lost = spot, False
        place.again.set()

    def lost(self, key: str) -> None:
        """Dial there no more, unless it has worked."""
        place = self._places.get(key)
        if place is not None:
            place.lost = True
            if place.worked_at is None:
                self._drop(place)

    def remember(self, device: Id, address: Address) -> None:
        """A neighbour said where it listens; for when nobody finds it."""
        if all(place.device != device for place in self._places.values()):
            place = _Place(Spot(f"said/{device}", (address,)))
            place.device, place.lost, place.worked_at = device, True, time.monotonic()
            self._add(place)

    def _add(self, place: _Place) -> None:
        if len(self._places) >= self._limits.places:
            gone = next((one for one in self._places.values() if one.lost and not self._lived_in(one)), None)
            if gone is None:
                return
            self._drop(gone)
        self._places[place.spot.key] = place
        place.task = self._spawn(self._visit(place))

    def _drop(self, place: _Place) -> None:
        self._places.pop(place.spot.key, None)
        if place.task is not None:
            place.task.cancel()

    def _lived_in(self, place: _Place) -> bool:
        return place.device is not None and self._lines.to(place.device) is not None

    async def _visit(self, place: _Place) -> None:
        tries = 0
        while self._places.get(place.spot.key) is place:
            line = None if place.device is None else self._lines.to(place.device)
            if line is not None:
                await line.over.wait()
                tries = 0
            elif place.lost and time.monotonic() - (place.worked_at or 0.0) > REMEMBERED_S:
                self._drop(place)
            else:
                place.again.clear()
                started = time.monotonic()
                await self._attempt(place)
                if place.device == self._lines.me.device:
                    return
                tries = 0 if time.monotonic() - started > LASTED_S else tries + 1
            await asyncio.sleep(self._limits.gap_s * random.uniform(0.5, 1.0))
            if tries and not self._lived_in(place):
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._limits.wait(tries)):
                        await place.again.wait()

    async def _attempt(self, place: _Place) -> None:
        """Dial a place's addresses in turn until one is a device of ours; then until that line ends."""
        for address in place.spot.addresses:
            try:
                channel, proved = await self._lines.dial(address)
            except Oneself:
                place.device = self._lines.me.device
                return
            except Known as known:
                place.device = known.device
                return
            except Broken as broken:
                log.info("nobody of ours at %s port %s: %s", *address, broken)
                continue
            place.device, place.worked_at = proved.card.device, time.monotonic()
            place.spot = Spot(place.spot.key, tuple(sorted(place.spot.addresses, key=lambda one: one != address)))
            for other in [one for one in self._places.values() if one.device == place.device and one.lost]:
                if other is not place:
                    self._drop(other)
            await self._lines.keep(channel, proved, dialled=True)
            return
