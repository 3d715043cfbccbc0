"""A device's pushes are taken in the order they came, while each is read beside the one that is being written."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from classtap_core.kernel.ids import Id

Turn = Callable[[], Awaitable[None]]
"""Waits until everything of the device that came before is on its way, or has failed."""


class Turns:
    """Queues by device. Belongs to one event loop."""

    def __init__(self) -> None:
        self._last: dict[Id, asyncio.Event] = {}

    @asynccontextmanager
    async def of(self, device: Id) -> AsyncIterator[Turn]:
        """A place behind the device's earlier ones; left when this one is on its way, or failed."""
        before, mine = self._last.get(device), asyncio.Event()
        self._last[device] = mine

        async def turn() -> None:
            if before is not None:
                await before.wait()

        try:
            yield turn
        finally:
            try:
                await turn()  # also one that failed keeps its place until then: who is behind waits for all before it
            finally:
                mine.set()
                if self._last.get(device) is mine:
                    del self._last[device]
