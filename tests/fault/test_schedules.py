"""Random schedules of faults against real processes: a kiosk and its cloud, each killed at any moment, over a bad wire.

The wire cuts, delays, and delivers again and late what it carried before; some operations are poison. When the faults
end, the queue drains by itself: no new write, no restart.
"""

import contextlib
import random
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from classtap_core import house
from classtap_core.kernel.outcomes import Status
from cloud.composition import open_cloud
from tests.end_to_end.house_rig import agrees, everything_holds, log_of
from tests.end_to_end.rig import ROOT, Studio, surroundings
from tests.fault.conftest import Report
from tests.fault.seeds import first_seed

DRAINED_S, TRANSFER_S = 5.0, 5.0
"""So long after the last fault nothing may wait any more; and what some hundred marks may take to go, on a busy machine."""
_STEP_S = 1.0
"""Longer than this no look takes, but in a machine that stands still."""


class Program:
    """A process that says lines and hears them; killed and started again."""

    def __init__(self, module: str, *arguments: str | Path) -> None:
        self._command = [sys.executable, "-m", module, *map(str, arguments)]
        self.start()

    def start(self) -> None:
        self._process = subprocess.Popen(
            self._command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            text=True, env=surroundings(),
        )  # fmt: skip

    def ask(self, line: str) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()

    def line(self) -> str:
        """The next whole line; empty when it was killed before it said one."""
        assert self._process.stdout is not None
        said = self._process.stdout.readline()
        return said.strip() if said.endswith("\n") else ""

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()
        for end in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(BrokenPipeError):
                end.close()  # type: ignore[union-attr]


class Kiosk(Program):
    """Attributes: saved, what it said is durable; poison, those of them that the cloud fails on."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.saved: set[str] = set()
        self.poison: set[str] = set()
        super().__init__("tests.fault.told", folder, seed)

    def work(self, line: str) -> int:
        """Tell it something, and hear it out: how many wait."""
        self.ask(line)
        while said := self.line():
            if said.startswith("waiting"):
                return int(said.split()[1])
            self.saved.add(said)
            if line == "poison":
                self.poison.add(said)
        raise AssertionError("the kiosk ended by itself")


class Wire:
    """What the switch does to what passes: tears connections, holds chunks back, and sends pushes a second time, later."""

    def __init__(self, studio: Studio, port: int) -> None:
        self.proxy, self._port = studio.proxy, port
        self._guard = threading.Lock()
        self._heard: list[bytes] = []
        self.calm()

    def calm(self) -> None:
        self.proxy.scissors = lambda direction, passed, chunk: None
        self.proxy.restore()

    def rage(self, rng: random.Random) -> None:
        tears, delays, doubles = rng.choice((0.0, 0.1, 0.4)), rng.choice((0.0, 0.2, 0.6)), rng.choice((0.0, 0.3))

        def bad(direction: str, passed: int, chunk: bytes) -> int | None:
            with self._guard:
                torn, late, again = rng.random() < tears, rng.random() < delays, rng.random() < doubles
                cut, held_s = rng.randrange(len(chunk)), rng.uniform(0, 0.15)
                if direction == "up" and chunk.startswith(b"POST /sync/v1/push"):
                    self._heard.append(chunk)
                old = self._heard.pop(rng.randrange(len(self._heard))) if again and self._heard else b""
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


class Ran(NamedTuple):
    """What schedules came to: seconds until nothing waited at worst, deaths of either, operations, poison among them."""

    drained_s: float
    kiosks: int
    clouds: int
    operations: int
    poison: int


class Schedules:
    """One studio, over which one schedule runs after another."""

    def __init__(self, studio: Studio, seed: int, *words: str) -> None:
        self.studio = studio
        studio.pair("kiosk")
        studio.leave("kiosk")
        port = int(studio.server.url.rsplit(":", 1)[1])
        studio.server.stop()
        self.cloud = Program("tests.fault.failing", studio.data, port, *words)
        self.cloud.line()
        self.wire, self.kiosk = Wire(studio, port), Kiosk(studio.data / "kiosk", seed)
        self.deaths = {"kiosk": 0, "cloud": 0}

    def run(self, seed: int) -> float:
        """One schedule; seconds from its last fault until nothing waited. Raises AssertionError."""
        rng = random.Random(seed)
        self.wire.rage(rng)
        down = ""
        for _ in range(rng.randint(2, 5)):
            self.kiosk.work("poison" if rng.random() < 0.15 else f"mark {rng.randint(1, 40)}")
            turn = rng.random()
            if turn < 0.2:
                self.studio.proxy.cut()
            elif turn < 0.4:
                self.studio.proxy.restore()
            elif turn < 0.55 and not down:
                self.cloud.kill()
                down = "cloud"
                self.deaths[down] += 1
            elif turn < 0.65:
                self.kiosk.ask(f"mark {rng.randint(1, 40)}")  # and is killed in the midst of them
                self.kiosk.saved.update(one for one in [self.kiosk.line()] if one and " " not in one)
                self.kiosk.kill()
                self.kiosk.start()
                self.deaths["kiosk"] += 1
        if down:
            self.cloud.start()
            self.cloud.line()
        self.kiosk.work("count")
        self.wire.calm()
        waited, looked = 0.0, time.monotonic()
        while self.kiosk.work("count"):
            now = time.monotonic()
            waited, looked = waited + min(now - looked, _STEP_S), now
            assert waited <= DRAINED_S + TRANSFER_S, f"seed {seed}: still waiting after {waited:.1f} s"
        return waited

    def judged(self, drained_s: float) -> Ran:
        """Every mark that was shown as saved counts exactly once, and only poison is set aside."""
        self.end()
        self.studio.cloud = open_cloud(self.studio.data, house.bus(authority=True))
        kiosk = self.studio.open("kiosk")
        log = log_of(kiosk)
        aside = {entry.id for entry in log if entry.answer and entry.answer.status is Status.QUARANTINED}
        assert self.kiosk.saved <= {entry.id for entry in log}, "lost"
        assert aside == self.kiosk.poison
        agrees(self.studio, kiosk)
        everything_holds(self.studio, kiosk)
        return Ran(drained_s, self.deaths["kiosk"], self.deaths["cloud"], len(log), len(aside))

    def end(self) -> None:
        self.kiosk.kill()
        self.cloud.kill()


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    made = Studio(tmp_path / "data", families=10)
    yield made
    made.leave()
    made.proxy.close()
    made.cloud.close()


def ran(studio: Studio, first: int, number: int) -> Ran:
    schedules = Schedules(studio, first)
    try:
        return schedules.judged(max(schedules.run(seed) for seed in range(first, first + number)))
    finally:
        schedules.end()


def test_a_few_schedules(studio: Studio) -> None:
    found = ran(studio, 4, 2)
    assert found.operations > 2


@pytest.mark.fault
def test_two_hundred_schedules(studio: Studio, report: Report) -> None:
    first = first_seed()
    found = ran(studio, first, 200)
    report(
        f"200 schedules, first seed {first}: {found.operations} operations, {found.poison} set aside,"
        f" {found.kiosks} deaths of the kiosk, {found.clouds} of the cloud, drained within {found.drained_s:.1f} s"
    )


@pytest.mark.fault
def test_control_a_cloud_that_does_not_set_poison_aside_stalls_the_queue(studio: Studio) -> None:
    schedules = Schedules(studio, 1, "stubborn")
    try:
        schedules.kiosk.work("poison")
        with pytest.raises(AssertionError, match="still waiting"):
            schedules.run(1)
    finally:
        schedules.end()
