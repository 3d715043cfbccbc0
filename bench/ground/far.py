"""A loopback proxy that stands far away: each byte takes its time, and a lost segment holds up all behind it.

What a network namespace with `tc netem` would do where the kernel has it (it often has not). A lost segment costs one more
round trip, as TCP's fast retransmission does; how TCP narrows its window after losses is not in it.
"""

import contextlib
import queue
import random
import socket
import threading
import time
from types import TracebackType
from typing import Self

SEGMENT = 1_460


class FarProxy:
    """Stands before a server. Attributes: `url` to connect to, `passed` bytes both ways, `lost` segments."""

    def __init__(self, url: str, *, round_trip_s: float, loss: float, seed: int = 1) -> None:
        self._port = int(url.rsplit(":", 1)[1])
        self._one_way_s, self._loss, self._dice = round_trip_s / 2, loss, random.Random(seed)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        self.passed = self.lost = 0
        self._begin(self._accept)

    def _begin(self, work: object, *given: object) -> None:
        thread = threading.Thread(target=work, args=given, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listening.accept()
                far = socket.create_connection(("127.0.0.1", self._port))
                self._sockets += [near, far]
                for source, target in ((near, far), (far, near)):
                    waiting: queue.SimpleQueue[tuple[float, bytes]] = queue.SimpleQueue()
                    self._begin(self._take, source, waiting)
                    self._begin(self._give, waiting, target)

    def _take(self, source: socket.socket, waiting: "queue.SimpleQueue[tuple[float, bytes]]") -> None:
        due = time.monotonic() + 2 * self._one_way_s  # shaking hands took a round trip
        while True:
            try:
                data = source.recv(16 * SEGMENT)
            except OSError:
                data = b""
            due = max(due, time.monotonic() + self._one_way_s)
            for _ in range(0, len(data), SEGMENT):
                if self._dice.random() < self._loss:
                    self.lost += 1
                    due += 2 * self._one_way_s
            self.passed += len(data)
            waiting.put((due, data))
            if not data:
                return

    @staticmethod
    def _give(waiting: "queue.SimpleQueue[tuple[float, bytes]]", target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                due, data = waiting.get()
                time.sleep(max(0.0, due - time.monotonic()))
                if not data:
                    target.shutdown(socket.SHUT_WR)
                    return
                target.sendall(data)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for one in (self._listening, *self._sockets):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        for thread in self._threads:
            thread.join(5)
