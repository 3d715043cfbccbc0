"""A bad wire before a cloud: it tears connections, holds chunks back, and delivers pushes a second time, later."""

import contextlib
import random
import socket
import threading
import time

from classtap_cli.demo.proxy import SwitchProxy


class Wire:
    """One device's way to the cloud at a port. Attributes: proxy, its switch."""

    def __init__(self, port: int) -> None:
        self.proxy, self._port = SwitchProxy(port), port
        self._guard = threading.Lock()
        self._heard: list[bytes] = []

    def calm(self) -> None:
        self.proxy.scissors = lambda direction, passed, chunk: None
        self.proxy.restore()

    def rage(self, rng: random.Random) -> None:
        tears, delays, doubles = rng.choice((0.0, 0.1, 0.4)), rng.choice((0.0, 0.2, 0.6)), rng.choice((0.0, 0.3))
        dice = random.Random(rng.random())  # how many chunks pass is the system's, and must not change the schedule

        def bad(direction: str, passed: int, chunk: bytes) -> int | None:
            with self._guard:
                torn, late, again = dice.random() < tears, dice.random() < delays, dice.random() < doubles
                cut, held_s = dice.randrange(len(chunk)), dice.uniform(0, 0.15)
                if direction == "up" and chunk.startswith(b"POST /sync/v1/push"):
                    self._heard.append(chunk)
                old = self._heard.pop(dice.randrange(len(self._heard))) if again and self._heard else b""
            if late:
                time.sleep(held_s)
            if old:
                self._deliver(old)
            return cut if torn else None

        self.proxy.scissors = bad

    def _deliver(self, request: bytes) -> None:
        """A push arrives once more; nobody hears the answer."""
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self._port), timeout=2) as again:
            again.sendall(request)
            again.recv(1)
