"""The one thread that owns a store's write connection. What a person waits for goes before everything else."""

import logging
import threading
from collections import deque
from collections.abc import Callable, Generator
from concurrent.futures import Future
from typing import Any, TypeVar

from classtap_core.kernel.errors import Refused

log = logging.getLogger("classtap.store")

T = TypeVar("T")
Slices = Generator[None, None, T]
"""Work that yields where something more urgent may go first; returns its result."""


class Writer:
    """Runs jobs one after another: interactive ones first, each priority in the order it came.

    `idle` is called on the thread whenever no job is left.
    """

    def __init__(self, name: str, *, idle: Callable[[], None] = lambda: None) -> None:
        self._urgent: deque[_Job] = deque()
        self._later: deque[_Job] = deque()
        self._wake = threading.Condition()
        self._closing = False
        self._idle = idle
        self._thread = threading.Thread(target=self._work, name=name)
        self._thread.start()

    def run(self, work: Callable[[], T], *, background: bool = False) -> "Future[T]":
        """Queue a job; its result or exception comes with the future. Raises Refused `store.closed`."""
        return self._put(_whole(work), self._later if background else self._urgent)

    def run_slices(self, work: "Slices[T]") -> "Future[T]":
        """Queue background work in slices: between two of them, every interactive job goes first."""
        return self._put(work, self._later)

    def call(self, work: Callable[[], T], *, background: bool = False) -> T:
        """Run a job and wait for it. On the writer's own thread it runs at once."""
        if threading.current_thread() is self._thread:
            return work()
        return self.run(work, background=background).result()

    def breathe(self) -> None:
        """From within a long job, on the writer's thread: let whatever a person waits for go first.

        Raises Refused `store.closed` when the store is being closed: then the job should end.
        """
        while True:
            with self._wake:
                if self._closing:
                    raise Refused("store.closed")
                if not self._urgent:
                    return
                job = self._urgent.popleft()
            job.step()

    def close(self, last: Callable[[], None]) -> None:
        """Finish interactive jobs, cancel what waits in the background, run `last`, and end the thread."""
        with self._wake:
            closing, self._closing = self._closing, True
            dropped = list(self._later) if not closing else []
            self._later.clear()
            if not closing:
                self._urgent.append(_Job(_whole(last), Future()))
            self._wake.notify_all()
        for job in dropped:
            job.work.close()
            job.future.cancel()
            if job.begun:
                job.future.set_exception(Refused("store.closed"))
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _put(self, work: "Slices[T]", queue: "deque[_Job]") -> "Future[T]":
        future: Future[T] = Future()
        with self._wake:
            if self._closing:
                raise Refused("store.closed")
            queue.append(_Job(work, future))
            self._wake.notify_all()
        return future

    def _work(self) -> None:
        while True:
            with self._wake:
                job = self._next()
            if job is None:
                self._rest()
                with self._wake:
                    while (job := self._next()) is None:
                        if self._closing:
                            return
                        self._wake.wait()
            if not job.step():
                with self._wake:
                    if not self._closing:
                        self._later.appendleft(job)
                        continue
                job.work.close()
                job.future.set_exception(Refused("store.closed"))

    def _rest(self) -> None:
        try:
            self._idle()
        except Exception:
            log.exception("housekeeping of the store failed")

    def _next(self) -> "_Job | None":
        if self._urgent:
            return self._urgent.popleft()
        return self._later.popleft() if self._later else None


class _Job:
    """A piece of work and who waits for it."""

    def __init__(self, work: "Slices[Any]", future: "Future[Any]") -> None:
        self.work, self.future, self.begun = work, future, False

    def step(self) -> bool:
        """Run to the next pause; True when there is nothing more to run."""
        if not self.begun and not self.future.set_running_or_notify_cancel():
            self.work.close()
            return True
        self.begun = True
        try:
            next(self.work)
        except StopIteration as end:
            self.future.set_result(end.value)
        except BaseException as error:  # noqa: BLE001 - whoever waits for the job hears of it
            self.future.set_exception(error)
        else:
            return False
        return True


def _whole(work: Callable[[], T]) -> "Slices[T]":
    yield from ()
    return work()
