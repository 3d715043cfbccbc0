"""Live hints: after each commit, devices that listen are told that there is something to pull. Never what."""

import asyncio
import threading
from collections.abc import Callable, Collection, Sequence

from classtap_core.kernel.ids import Id
from classtap_core.kernel.scopes import covers
from cloud.storage.backend import Place


class Listener:
    """One open connection. Only the newest hint is kept: an older one says nothing more.

    `without` names kinds of records that are not for who listens: that one of them changed is not told either.
    """

    def __init__(
        self, studio: Id, device: Id, scopes: Sequence[str], loop: asyncio.AbstractEventLoop,
        without: Collection[str] = (),
    ) -> None:  # fmt: skip
        self.studio, self.device, self.scopes, self.without = studio, device, tuple(scopes), without
        self._loop, self._woken = loop, asyncio.Event()
        self._through = 0
        self.closed = False

    async def wait(self, timeout_s: float) -> int | None:
        """The newest sequence hinted at, or None after `timeout_s` seconds without one, or when closed."""
        try:
            await asyncio.wait_for(self._woken.wait(), timeout_s)
        except TimeoutError:
            return None
        self._woken.clear()
        return None if self.closed else self._through

    def tell(self, through: int) -> None:
        """Hint at a sequence; one that was hinted at before says nothing new."""
        if through > self._through:
            self._through = through
            self._wake()

    def close(self) -> None:
        self.closed = True
        self._wake()

    def _wake(self) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._woken.set)


class Hints:
    """Who listens in this process. Safe to call from any thread.

    Attributes:
        joined: called after somebody joined.
    """

    def __init__(self) -> None:
        self._listeners: set[Listener] = set()
        self._lock = threading.Lock()
        self._closed = False
        self.joined: Callable[[], object] = lambda: None

    def __len__(self) -> int:
        return len(self._listeners)

    def join(self, listener: Listener) -> None:
        with self._lock:
            self._listeners.add(listener)
            closed = self._closed
        if closed:
            listener.close()
        self.joined()

    def leave(self, listener: Listener) -> None:
        with self._lock:
            self._listeners.discard(listener)

    def announce(self, studio: Id, through: int, places: Collection[Place]) -> None:
        """Tell those who may hold something that changed."""
        for listener in self._of(studio):
            if any(kind not in listener.without and covers(listener.scopes, scope) for scope, kind in places):
                listener.tell(through)

    def drop(self, studio: Id, device: Id) -> None:
        """End a device's connections: it was revoked."""
        for listener in self._of(studio):
            if listener.device == device:
                listener.close()

    def close(self) -> None:
        """End every connection, now and from now on: the server stops."""
        with self._lock:
            self._closed = True
            listeners = list(self._listeners)
        for listener in listeners:
            listener.close()

    def studios(self) -> set[Id]:
        """The studios that somebody here listens to."""
        with self._lock:
            return {listener.studio for listener in self._listeners}

    def devices(self, studio: Id) -> set[Id]:
        """The devices of a studio that listen here."""
        return {listener.device for listener in self._of(studio)}

    def _of(self, studio: Id) -> list[Listener]:
        with self._lock:
            return [listener for listener in self._listeners if listener.studio == studio]
