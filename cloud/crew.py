"""Several processes at one piece of work: started by a parent that only waits, replaces who dies, and ends with all."""

import logging
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from classtap_core.kernel.errors import EnvironmentFault

POSSIBLE = hasattr(os, "fork")
"""Not on Windows, where a process cannot take over its parent's open port."""

Work = Callable[[int, Callable[[], None]], None]
"""What a worker does until it is told to end (SIGTERM): its number, from 0, and what to call once it is ready. Who takes a
dead one's place has its number."""

_QUICK_S = 5.0
_MOST_PAUSE_S = 2.0
"""Who died within `_QUICK_S` of its start may find no database: another is started after a pause, for ever."""

_TELLING = (signal.SIGTERM, signal.SIGINT)
"""The signals that tell to end."""

_log = logging.getLogger("classtap.cloud")


def run(work: Work, *, workers: int, ready: Callable[[], None]) -> None:
    """Run `work` in so many processes until this one is told to end (SIGTERM, SIGINT), then end them.

    The caller has no threads. `ready` is called once every worker said so. Raises EnvironmentFault `cloud.start` when
    one dies before that.
    """
    _Crew(work, workers, ready).run()


class _Crew:
    def __init__(self, work: Work, workers: int, ready: Callable[[], None]) -> None:
        self._work, self._workers, self._ready = work, workers, ready
        self._began: dict[int, float] = {}
        self._numbers: dict[int, int] = {}
        self._ending = False

    def run(self) -> None:
        before = {wanted: signal.signal(wanted, self._end) for wanted in _TELLING}
        heard, said = os.pipe()
        try:
            for number in range(self._workers):
                self._start(number, said, heard)
            os.close(said)
            self._wait_until_ready(heard)
            self._look_after()
        finally:
            os.close(heard)
            self._dismiss()
            for wanted, handler in before.items():
                signal.signal(wanted, handler)

    def _end(self, _number: int, _frame: FrameType | None) -> None:
        self._ending = True
        self._dismiss_gently()

    def _start(self, number: int, said: int | None, heard: int | None) -> None:
        with _told_later():  # or who is born now, and does not yet know what that means, would never end
            if self._ending:
                return
            child = os.fork()
            if child:
                self._began[child], self._numbers[child] = time.monotonic(), number
                return
            for wanted in _TELLING:
                signal.signal(wanted, _leave)  # uvicorn stops first, then raises it again
            code = 1
            try:
                signal.pthread_sigmask(signal.SIG_UNBLOCK, _TELLING)
                if heard is not None:
                    os.close(heard)
                self._work(number, lambda: _say(said))
                code = 0
            except SystemExit:
                code = 0
            except BaseException as fault:  # noqa: BLE001 - a child must not run on in its parent's code
                _log.error("worker: %s", type(fault).__name__)
            finally:
                os._exit(code)

    def _wait_until_ready(self, heard: int) -> None:
        got = 0
        while got < self._workers and not self._ending:
            try:
                some = os.read(heard, self._workers)
            except InterruptedError:
                continue
            if not some:
                break
            got += len(some)
        if got >= self._workers:
            self._ready()
        elif not self._ending:
            raise EnvironmentFault("cloud.start")

    def _look_after(self) -> None:
        quick = 0
        while self._began:
            child, _status = os.wait()
            lived = time.monotonic() - self._began.pop(child, 0.0)
            number = self._numbers.pop(child)
            quick = quick + 1 if lived < _QUICK_S else 0
            if quick and not self._ending:
                time.sleep(min(0.1 * 2 ** min(quick, 9), _MOST_PAUSE_S))
            if self._ending:
                continue
            _log.error("a worker died; another takes its place")
            self._start(number, None, None)

    def _dismiss_gently(self) -> None:
        for child in list(self._began):
            try:
                os.kill(child, signal.SIGTERM)
            except ProcessLookupError:
                continue

    def _dismiss(self) -> None:
        self._ending = True
        self._dismiss_gently()
        while self._began:
            try:
                child, _status = os.wait()
            except ChildProcessError:
                return
            self._began.pop(child, None)


@contextmanager
def _told_later() -> Iterator[None]:
    """Who is told to end inside is told when it is over."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _TELLING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _leave(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)


def _say(said: int | None) -> None:
    if said is not None:
        os.write(said, b".")
        os.close(said)
