"""A push that overtook the one before it waits for that a moment, on no thread, so that it need not be sent again."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager

from classtap_core.kernel.authority import Pushed
from classtap_core.kernel.batches import Batch
from classtap_core.kernel.envelope import Sealed
from classtap_core.kernel.errors import Refused
from classtap_core.kernel.ids import Id

MOMENT_S = 2.0
"""How long one waits; then it is answered `sync.gap` as ever."""
MOST_HELD = 8
"""Pushes that one device brought and that wait at a time."""
MOST_BYTES = 64 << 20
"""Bodies of all pushes that wait in one worker."""

_FIRST_LOOK_S = 0.05
"""The one before may come by another worker, which tells nobody: looked for then, and after twice as long each time."""

Submit = Callable[[Batch, Sequence[Sealed]], Awaitable[Pushed]]
_Place = tuple[Id, int, int]
"""A device, an epoch, and the sequence that a push ends with."""


class Overtaking:
    """Pushes on their way, and those that came before their turn. Belongs to one event loop.

    `alone`: all of a device's pushes come by this worker.
    """

    def __init__(self, submit: Submit, *, alone: bool, moment_s: float = MOMENT_S) -> None:
        self._submit, self._moment_s = submit, moment_s
        self._first_look_s = moment_s if alone else _FIRST_LOOK_S
        self._news: dict[_Place, set[asyncio.Event]] = {}
        self._held: Counter[Id] = Counter()
        self._bytes = 0

    def take(self, batch: Batch, sealed: Sequence[Sealed], *, size: int, behind: bool) -> Awaitable[Pushed]:
        """Submit a push now; what becomes of it. `behind`: it says that others before it are still on their way.

        `size` is its body's, in bytes.
        """
        if not sealed:
            return self._submit(batch, sealed)
        first, last = sealed[0].envelope.sequence, sealed[-1].envelope.sequence
        going = self._submit(batch, sealed)
        for news in self._news.get((batch.device, batch.epoch, last), ()):
            news.set()
        if not behind:
            return going
        place, news = (batch.device, batch.epoch, first - 1), asyncio.Event()
        # Known from here on: the one before may come while this one is looked at for the first time.
        self._news.setdefault(place, set()).add(news)
        following = asyncio.ensure_future(self._follow(batch, sealed, size, going, news))
        following.add_done_callback(lambda _: self._forget(place, news))
        return following

    async def _follow(
        self, batch: Batch, sealed: Sequence[Sealed], size: int, going: Awaitable[Pushed], news: asyncio.Event
    ) -> Pushed:
        try:
            return await going
        except Refused as no:
            if no.code != "sync.gap":
                raise
            first = no
        with self._room(batch.carrier or batch.device, size) as there:
            if not there:
                raise first
            now = asyncio.get_running_loop().time
            end, pause = now() + self._moment_s, self._first_look_s
            while True:
                try:
                    await asyncio.wait_for(news.wait(), min(pause, end - now()))
                except TimeoutError:
                    pause *= 2
                news.clear()
                try:
                    return await self.take(batch, sealed, size=size, behind=False)
                except Refused as no:
                    if no.code != "sync.gap" or now() >= end:
                        raise

    @contextmanager
    def _room(self, device: Id, size: int) -> Iterator[bool]:
        if self._held[device] >= MOST_HELD or self._bytes + size > MOST_BYTES:
            yield False
            return
        self._held[device] += 1
        self._bytes += size
        try:
            yield True
        finally:
            self._bytes -= size
            self._held[device] -= 1
            if not self._held[device]:
                del self._held[device]

    def _forget(self, place: _Place, news: asyncio.Event) -> None:
        waiting = self._news[place]
        waiting.discard(news)
        if not waiting:
            del self._news[place]
