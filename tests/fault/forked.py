"""Programs in processes of their own, forked from one that has loaded everything: started in milliseconds, killed at any instant."""

import contextlib
import multiprocessing
import os
import sys
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

CONTEXT: Any = multiprocessing.get_context("forkserver" if sys.platform != "win32" else "spawn")
if sys.platform != "win32":
    CONTEXT.set_forkserver_preload(["tests.fault.busy", "tests.fault.failing", "tests.fault.told", "tests.fault.place"])

_STEP_S = 1.0
"""Longer than this no clock of ours goes unread, but in a machine that sleeps."""
_starting = threading.Lock()


class Patience:
    """How long to listen in all, in seconds. What the whole machine slept meanwhile, or this test stood still, does not count."""

    def __init__(self, seconds: float) -> None:
        self._left, self._at = seconds, time.monotonic()

    def hears(self, receiving: Connection) -> bool:
        """Whether something was said in the time that is left."""
        while self._left > 0:
            said = receiving.poll(min(self._left, _STEP_S))
            now = time.monotonic()
            self._left, self._at = self._left - min(now - self._at, _STEP_S), now
            if said:
                return True
        return False


class Program:
    """`work(end, *given)` in a process of its own, which says "done" after each thing it was told; killed and started again.

    Raises EOFError where it ended.
    """

    def __init__(self, work: Callable[..., None], *given: object) -> None:
        self._work, self._given = work, given
        self.start()

    def start(self) -> None:
        self._end, theirs = CONTEXT.Pipe()
        with _starting:
            self._process = CONTEXT.Process(target=_run, args=(self._work, theirs, *self._given), daemon=True)
            self._process.start()
        theirs.close()

    def tell(self, *words: object) -> None:
        self._end.send(words)

    def hear(self, within_s: float = 60.0) -> Any:
        """What it says next. Raises TimeoutError."""
        if not Patience(within_s).hears(self._end):
            raise TimeoutError
        return self._end.recv()

    def kill_after(self, most: int) -> list[Any]:
        """Hear at most so much, until it says "done", and end it; all that it said."""
        heard: list[Any] = []
        while len(heard) < most and "done" not in heard[-1:]:
            heard.append(self.hear())
        return heard + self.kill()

    def kill(self) -> list[Any]:
        """End it at once; what it had said that nobody had heard. Twice is fine."""
        unheard: list[Any] = []
        if not self._end.closed:
            self._process.kill()
            self._process.join()
            self._process.close()
            with contextlib.suppress(EOFError, OSError):
                while True:
                    unheard.append(self._end.recv())
            self._end.close()
        return unheard


def _run(work: Callable[..., None], end: Connection, *given: object) -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)  # what it complains of is what was done to it
    try:
        work(end, *given)
    finally:
        os._exit(1)  # its threads know no end: the test killed it, or has gone before it
