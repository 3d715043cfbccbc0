"""The cloud's process killed in mid-push and started again at the same address: what was pushed counts exactly once."""

import contextlib
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from classtap_core import house
from cloud.composition import open_cloud
from sync.client.engine import State
from sync.client.transport import Unreachable
from tests.end_to_end.house_rig import agrees, everything_holds, until
from tests.end_to_end.rig import ROOT, Studio, surroundings
from tests.fault.test_cuts import Marks
from tests.fault.test_kill import seeded


class Killable:
    """The studio's cloud, in a process that can be killed and started again on the same port."""

    def __init__(self, studio: Studio) -> None:
        self.studio, self.ended = studio, False
        self.port = int(studio.server.url.rsplit(":", 1)[1])
        studio.server.stop()
        self._run()

    def _run(self) -> None:
        command = [sys.executable, "-m", "tests.fault.serving", str(self.studio.data), str(self.port)]
        self._process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env=surroundings())
        assert self._process.stdout is not None
        assert self._process.stdout.readline().strip().endswith(str(self.port))

    def kill(self) -> None:
        """Kill it, if nothing has yet; twice is fine."""
        self.studio.proxy.scissors = lambda *_: None
        self._process.kill()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()

    def restart(self) -> None:
        self._run()

    def end(self) -> None:
        """Kill it a last time, and open what it left behind here."""
        self.kill()
        self.ended = True
        self.studio.cloud = open_cloud(self.studio.data, house.bus(authority=True))

    def kill_when(self, direction: str, after: int) -> None:
        """Kill it as soon as so many bytes have passed in a direction; what came behind them is lost with it."""
        passed = 0

        def watch(way: str, before: int, chunk: bytes) -> int | None:
            nonlocal passed
            if way != direction:
                return None
            passed += len(chunk)
            if passed <= after:
                return None
            self.studio.proxy.scissors = lambda *_: None
            if direction == "up":  # the cloud gets all of it, and dies at whatever it is doing then
                self._process.kill()
                return None
            self._process.kill()
            return 0

        self.studio.proxy.scissors = watch


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    made = Studio(tmp_path / "data", families=10)
    yield made
    made.leave()
    made.proxy.close()
    made.cloud.close()


@pytest.fixture
def cloud(studio: Studio) -> Iterator[Killable]:
    studio.pair("kiosk")
    made = Killable(studio)
    yield made
    if not made.ended:
        made.kill()


def kill_in_mid_push(cloud: Killable, rng: random.Random, points: list[tuple[str, int]]) -> None:
    studio, kiosk = cloud.studio, cloud.studio.nodes["kiosk"]
    marks = Marks(kiosk, rng)
    for direction, after in points:
        marks.queue(rng.randint(5, 40))
        cloud.kill_when(direction, after)
        with contextlib.suppress(Unreachable):
            kiosk.engine.once()
        cloud.kill()
        cloud.restart()
        kiosk.engine.once()
        assert kiosk.pending() == 0
    cloud.end()
    agrees(studio, kiosk)
    everything_holds(studio, kiosk)


@pytest.mark.fault
def test_killed_before_and_after_its_commit(cloud: Killable) -> None:
    """`up`: with the push in its hands; `down`: with the commit behind it and the answer not yet sent."""
    kill_in_mid_push(cloud, seeded(61), [("up", 100), ("down", 0)])


@pytest.mark.fault
def test_killed_in_mid_push_many_times(cloud: Killable) -> None:
    rng = seeded(62)
    kill_in_mid_push(cloud, rng, [(rng.choice(("up", "down")), rng.randrange(6_000)) for _ in range(40)])


def live_through(cloud: Killable, rng: random.Random, kills: int) -> None:
    studio, kiosk = cloud.studio, cloud.studio.nodes["kiosk"]
    marks = Marks(kiosk, rng)
    kiosk.start()
    for _ in range(kills):
        until(lambda: kiosk.engine.status().state is State.ONLINE, kiosk)
        cloud.kill_when(rng.choice(("up", "down")), rng.randrange(3_000))
        marks.queue(rng.randint(20, 60))
        until(lambda: kiosk.engine.status().state is State.OFFLINE, kiosk)
        cloud.kill()
        marks.queue(rng.randint(1, 20))
        cloud.restart()
    until(lambda: not kiosk.pending() and kiosk.engine.status().state is State.ONLINE, kiosk, what="drained by itself")
    studio.leave("kiosk")
    kiosk = studio.open("kiosk")
    kiosk.engine.once()
    cloud.end()
    agrees(studio, kiosk)
    everything_holds(studio, kiosk)


def test_a_running_kiosk_lives_through_the_clouds_death(cloud: Killable) -> None:
    live_through(cloud, seeded(63), 1)


@pytest.mark.fault
def test_a_running_kiosk_lives_through_many_deaths_of_the_cloud(cloud: Killable) -> None:
    live_through(cloud, seeded(64), 25)
