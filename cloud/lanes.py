"""Work of many studios on a few threads: each studio's in its order, one piece at a time, and no studio behind another's queue."""

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any, NamedTuple, TypeVar

from classtap_core.kernel.ids import Id

T = TypeVar("T")
_COMMON = Id("")


class _Piece(NamedTuple):
    work: Callable[[], Any]
    future: "Future[Any]"


class Lanes(Executor):
    """An executor whose threads take turns between studios. What is submitted to it names no studio: a lane of its own."""

    def __init__(self, threads: int, name: str) -> None:
        self._waiting: dict[Id, deque[_Piece]] = {}
        self._ready: deque[Id] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._threads = [
            threading.Thread(target=self._run, name=f"{name}-{number}", daemon=True) for number in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    def of(self, studio: Id) -> "Lane":
        """The executor of one studio's work."""
        return Lane(self, studio)

    def submit(self, work: Callable[..., T], /, *args: Any, **kwargs: Any) -> "Future[T]":
        return self.add(_COMMON, lambda: work(*args, **kwargs))

    def add(self, studio: Id, work: Callable[[], T]) -> "Future[T]":
        """Raises RuntimeError after `shutdown`, as executors do."""
        piece = _Piece(work, Future())
        with self._changed:
            if self._closed:
                raise RuntimeError("cannot schedule new futures after shutdown")
            lane = self._waiting.get(studio)
            if lane is None:
                self._waiting[studio] = deque([piece])
                self._ready.append(studio)
                self._changed.notify()
            else:
                lane.append(piece)
        return piece.future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take nothing more; with `wait`, return when what was taken is done."""
        with self._changed:
            self._closed = True
            if cancel_futures:
                for lane in self._waiting.values():
                    for piece in lane:
                        piece.future.cancel()
            self._changed.notify_all()
        if wait:
            for thread in self._threads:
                thread.join()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._ready or (self._closed and not self._waiting))
                if not self._ready:
                    return
                studio = self._ready.popleft()
                piece = self._waiting[studio].popleft()
            _do(piece)
            with self._changed:
                # The lane stays in `_waiting` while it runs, so that nobody else takes its next piece.
                if self._waiting[studio]:
                    self._ready.append(studio)
                else:
                    del self._waiting[studio]
                self._changed.notify_all()


class Lane(Executor):
    """One studio's work: in the order it came, one piece at a time."""

    def __init__(self, lanes: Lanes, studio: Id) -> None:
        self._lanes, self._studio = lanes, studio

    def submit(self, work: Callable[..., T], /, *args: Any, **kwargs: Any) -> "Future[T]":
        return self._lanes.add(self._studio, lambda: work(*args, **kwargs))


def _do(piece: _Piece) -> None:
    if not piece.future.set_running_or_notify_cancel():
        return
    try:
        found = piece.work()
    except BaseException as fault:  # noqa: BLE001 - whoever waits for it is told
        piece.future.set_exception(fault)
    else:
        piece.future.set_result(found)
