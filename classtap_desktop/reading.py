"""What the screens ask and have done, each on a thread of its own: the window's thread never waits for a store."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, NamedTuple, TypeVar

from classtap_core.kernel.tx import Reader, Ref
from classtap_desktop.kit import Signals
from classtap_desktop.source import DeskSource

T = TypeVar("T")


class _Question(NamedTuple):
    ask: Callable[[DeskSource], Any]
    then: Callable[[Any], None]
    failed: Callable[[Exception], None]


class Reading:
    """Answers questions one after another. Of several by one asker, only the newest still waiting is read.

    Answers arrive on the window's thread. After `close` none does.
    """

    def __init__(self, source: DeskSource) -> None:
        self._source = source
        self._signals = Signals()
        self._questions: dict[str, _Question] = {}
        self._asked = threading.Condition()
        self._closing = False
        self._thread = threading.Thread(target=self._work, name="classtap-desk-reading")
        self._thread.start()

    def ask(
        self,
        asker: str,
        question: Callable[[DeskSource], T],
        *,
        then: Callable[[T], None],
        failed: Callable[[Exception], None],
    ) -> None:
        """Have `question` answered; `then` gets the answer, `failed` what it raised."""
        with self._asked:
            self._questions[asker] = _Question(question, then, failed)
            self._asked.notify()

    def drop(self, asker: str) -> None:
        """Let go of an asker's question, if it still waits."""
        with self._asked:
            self._questions.pop(asker, None)

    def close(self) -> None:
        """End the thread; what waits is not read."""
        with self._asked:
            self._closing = True
            self._asked.notify()
        self._signals.close()
        self._thread.join()

    def _work(self) -> None:
        while True:
            with self._asked:
                while not self._questions and not self._closing:
                    self._asked.wait()
                if self._closing:
                    return
                question = self._questions.pop(next(iter(self._questions)))
            try:
                answer = question.ask(self._source)
            except Exception as trouble:  # noqa: BLE001 - shown where the answer would have stood
                self._signals.each(question.failed)(trouble)
            else:
                self._signals.each(question.then)(answer)


class Doing:
    """Does deeds one after another: none takes another's place, none is dropped. `close` waits for the last.

    Results arrive on the window's thread, and none after `close`.
    """

    def __init__(self, source: DeskSource) -> None:
        self._source = source
        self._signals = Signals()
        self._work = ThreadPoolExecutor(1, "classtap-desk-doing")

    def do(
        self, deed: Callable[[DeskSource], T], *, then: Callable[[T], None], failed: Callable[[BaseException], None]
    ) -> None:
        """Have `deed` done; `then` gets what it returns, `failed` what it raised."""

        def told(done: Future[T]) -> None:
            error = done.exception()
            if error is None:
                then(done.result())
            else:
                failed(error)

        self._work.submit(deed, self._source).add_done_callback(self._signals.each(told))

    def close(self) -> None:
        """Do what waits, and end the thread."""
        self._signals.close()
        self._work.shutdown()


class Gathering:
    """Changed records from any thread, handed to the window's thread together: one call for many commits."""

    def __init__(self, then: Callable[[frozenset[Ref]], None]) -> None:
        self._then = then
        self._signals = Signals()
        self._lock = threading.Lock()
        self._refs: set[Ref] = set()
        self._deliver = self._signals.latest(self._hand_over)

    def add(self, refs: frozenset[Ref]) -> None:
        """Take note of changed records; callable from any thread."""
        with self._lock:
            self._refs |= refs
        self._deliver()

    def close(self) -> None:
        """Hand nothing over any more."""
        self._signals.close()

    def _hand_over(self) -> None:
        with self._lock:
            refs, self._refs = frozenset(self._refs), set()
        if refs:
            self._then(refs)


__all__ = ["Doing", "Gathering", "Reader", "Reading"]
