"""Random schedules of faults against real processes: kiosks and their cloud, each killed at any moment, over bad wires.

The wires cut, delay, and deliver again and late what they carried before; some operations are poison. Some schedules
run at once, each with a kiosk and a wire of its own, beside one cloud that any of them may kill. When the faults end,
every queue drains by itself: no new write, no restart.
"""

import random
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import pytest

from classtap_core import house
from classtap_core.kernel.clock import SystemClock
from classtap_core.kernel.outcomes import Status
from cloud.composition import open_cloud
from sync.client.node import Node
from tests.end_to_end.house_rig import agrees, everything_holds, log_of
from tests.end_to_end.rig import Studio
from tests.fault import failing, told
from tests.fault.conftest import Report
from tests.fault.forked import Program
from tests.fault.killing import percentile_95
from tests.fault.seeds import runs, said
from tests.fault.wire import Wire
from tests.fault.working import opened

AT_ONCE = 8
ANSWERED_S, BUSY_S = 5.0, 5.0
"""So long after the last fault, and after each answer while something waits, the next one may take; and on a busy machine."""


class Cloud:
    """The one cloud of all schedules. Attributes: deaths."""

    def __init__(self, data: Path, port: int, *, stubborn: bool) -> None:
        self._program = Program(failing.run, data, port, stubborn)
        self._program.hear()
        self._guard, self._up, self.deaths = threading.Lock(), True, 0

    def kill(self) -> None:
        """End it, whatever it does; nothing, where another schedule did."""
        with self._guard:
            self.deaths += self._up
            self._up = False
            self._program.kill()

    def start(self) -> None:
        """Have it listen again, if it does not."""
        with self._guard:
            if not self._up:
                self._program.start()
                self._program.hear()
                self._up = True


class Drained(NamedTuple):
    """Seconds from the last fault to the first answer, and until nothing waited."""

    answered_s: float
    all_s: float


class Kiosk:
    """Attributes: saved, what it said is durable; poison, those of them that the cloud fails on; deaths."""

    def __init__(self, studio: Studio, number: int, port: int) -> None:
        self.wire, self.folder, self._number = Wire(port), studio.data / f"kiosk-{number}", number
        name = f"Kiosk {number}"
        with Node.pair(
            self.folder, url=self.wire.proxy.url, code=studio.code("kiosk", name), name=name, program="kiosk",
            clock=SystemClock(), ring=None,
        ) as node:  # fmt: skip
            node.engine.once()
        self.saved: set[str] = set()
        self.poison: set[str] = set()
        self.deaths = 0

    def start(self) -> None:
        self.program = Program(told.run, self.folder, 1_000 * self._number + self.deaths)

    def mark(self, number: int) -> None:
        self.program.tell("mark", number)
        self.saved |= self._heard()

    def spoil(self) -> None:
        """Have it say what the cloud fails on."""
        self.program.tell("poison")
        poison = self._heard()
        self.saved |= poison
        self.poison |= poison

    def _heard(self) -> set[str]:
        saved = set()
        while (line := self.program.hear()) != "done":
            saved.add(line)
        return saved

    def die(self, rng: random.Random) -> None:
        """Have it mark, kill it in the midst of that, and start it again."""
        many = rng.randint(1, 40)
        self.program.tell("mark", many)
        self.saved |= set(self.program.kill_after(rng.randint(1, many))) - {"done"}
        self.deaths += 1
        self.start()

    def drained(self) -> Drained:
        """Only listens until nothing waits. Raises AssertionError."""
        began = came = time.monotonic()
        self.program.tell("drain")
        waiting, *how = self.program.hear()
        first = None
        while waiting:
            try:
                left, *how = self.program.hear(max(0.0, came + ANSWERED_S + BUSY_S - time.monotonic()))
            except TimeoutError:
                raise AssertionError(f"still waiting: {waiting}, {how}") from None
            if left < waiting:
                came = time.monotonic()
                first = first or came - began
            waiting = left
        return Drained(first or 0.0, time.monotonic() - began)


class Ran(NamedTuple):
    """What schedules came to: how each drained, deaths of either, operations, poison among them."""

    drained: list[Drained]
    kiosks: int
    clouds: int
    operations: int
    poison: int


class Schedules:
    """One studio, over which some schedules run at once, and others after them."""

    def __init__(self, studio: Studio, at_once: int, *, stubborn: bool = False) -> None:
        self.studio = studio
        port = int(studio.server.url.rsplit(":", 1)[1])
        self.kiosks = [Kiosk(studio, number, port) for number in range(at_once)]
        studio.server.stop()
        self.cloud = Cloud(studio.data, port, stubborn=stubborn)
        for kiosk in self.kiosks:
            kiosk.start()

    def run(self, seeds: Sequence[int]) -> list[Drained]:
        """A schedule a kiosk; how each drained after the last fault of all. Raises AssertionError."""
        kiosks = self.kiosks[: len(seeds)]
        with ThreadPoolExecutor(len(kiosks)) as together:
            list(together.map(self._rage, kiosks, seeds))
            self.cloud.start()
            for kiosk in kiosks:
                kiosk.wire.calm()
            return list(together.map(self._drain, kiosks, seeds))

    def _rage(self, kiosk: Kiosk, seed: int) -> None:
        rng = random.Random(seed)
        kiosk.wire.rage(rng)
        for _ in range(rng.randint(2, 5)):
            if rng.random() < 0.15:
                kiosk.spoil()
            else:
                kiosk.mark(rng.randint(1, 40))
            turn = rng.random()
            if turn < 0.2:
                kiosk.wire.proxy.cut()
            elif turn < 0.4:
                kiosk.wire.proxy.restore()
            elif turn < 0.55:
                self.cloud.kill()
            elif turn < 0.65:
                kiosk.die(rng)
            elif turn < 0.8:
                self.cloud.start()

    def _drain(self, kiosk: Kiosk, seed: int) -> Drained:
        try:
            return kiosk.drained()
        except AssertionError as wrong:
            raise AssertionError(f"seed {seed}: {wrong}") from wrong

    def judged(self, drained: list[Drained]) -> Ran:
        """Every mark that was shown as saved counts exactly once, and only poison is set aside."""
        operations = poison = 0
        with ExitStack() as nodes:
            opened_here = []
            for kiosk in self.kiosks:
                kiosk.program.kill()
                opened_here.append(nodes.enter_context(opened(kiosk.folder)))
            for node in opened_here:
                node.engine.once()
            self.cloud.kill()
            self.studio.cloud = open_cloud(self.studio.data, house.bus(authority=True))
            for kiosk, node in zip(self.kiosks, opened_here, strict=True):
                log = log_of(node)
                aside = {entry.id for entry in log if entry.answer and entry.answer.status is Status.QUARANTINED}
                assert kiosk.saved <= {entry.id for entry in log}, "lost"
                assert aside == kiosk.poison
                agrees(self.studio, node)
                operations, poison = operations + len(log), poison + len(aside)
            everything_holds(self.studio, *opened_here)
        return Ran(drained, sum(kiosk.deaths for kiosk in self.kiosks), self.cloud.deaths, operations, poison)

    def end(self) -> None:
        for kiosk in self.kiosks:
            kiosk.program.kill()
            kiosk.wire.proxy.close()
        self.cloud.kill()


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    made = Studio(tmp_path / "data", families=10)
    yield made
    made.leave()
    made.proxy.close()
    made.cloud.close()


def ran(studio: Studio, seeds: Sequence[int], at_once: int) -> Ran:
    schedules = Schedules(studio, at_once)
    try:
        waves = [schedules.run(seeds[first : first + at_once]) for first in range(0, len(seeds), at_once)]
        return schedules.judged([one for wave in waves for one in wave])
    finally:
        schedules.end()


def test_a_few_schedules(studio: Studio) -> None:
    found = ran(studio, range(4), 2)
    assert found.operations > 4
    assert found.kiosks + found.clouds > 0


@pytest.mark.fault
def test_two_hundred_schedules(studio: Studio, report: Report) -> None:
    seeds = runs(200)
    found = ran(studio, [seed for run in seeds for seed in run], AT_ONCE)
    first, whole = ([one[which] for one in found.drained] for which in (0, 1))
    report(
        f"{len(first)} schedules, {said(seeds)}: {found.operations} operations, {found.poison} set aside,"
        f" {found.kiosks} deaths of a kiosk, {found.clouds} of the cloud"
    )
    report(
        f"after the last fault: answered within {max(first):.1f} s (p95 {percentile_95(first):.1f}), nothing waits"
        f" within {max(whole):.1f} s (p95 {percentile_95(whole):.1f}); 0 stalls, 0 lost"
    )
    assert len(first) >= 200


@pytest.mark.fault
def test_control_a_cloud_that_does_not_set_poison_aside_stalls_the_queue(studio: Studio) -> None:
    schedules = Schedules(studio, 1, stubborn=True)
    try:
        schedules.kiosks[0].spoil()
        with pytest.raises(AssertionError, match="still waiting"):
            schedules.run([1])
    finally:
        schedules.end()
