"""kill -9, many times: a program of `busy` is killed at a random instant of a job, and what it leaves is judged.

Programs are forked from a server that has loaded everything, so that a thousand of them take minutes.
"""

import random
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple

from tests.fault import busy
from tests.fault.forked import CONTEXT, Patience

STARTS_S = 30.0
"""A program that has not begun its job by then never will."""
_FIRST_S, _MOST_S = 0.02, 1.0


class Death(NamedTuple):
    """What a program said before it was killed. `inside`: whether the kill met it within its job."""

    saved: list[str]
    inside: bool


class Found(NamedTuple):
    """What a folder holds afterwards: operations by sequence, how long opening took, and whether all of it checks."""

    operations: dict[int, str]
    opened_ms: float
    sound: bool


class Tally:
    """What the kills of one activity came to."""

    def __init__(self, activity: str) -> None:
        self.activity = activity
        self.kills = self.inside = self.saved = self.lost = self.doubled = self.unsound = 0
        self.opened_ms: list[float] = []

    def judge(self, death: Death, found: Found, known: dict[int, str], saved: set[str]) -> None:
        """Compare what is there with what was shown as saved, now (`death`) and by the programs before."""
        ids = list(found.operations.values())
        there = set(ids)
        self.kills += 1
        self.inside += death.inside
        self.saved += len(death.saved)
        saved.update(death.saved)
        self.lost += len(saved - there) + sum(found.operations.get(at) != id for at, id in known.items())
        self.doubled += len(ids) - len(there) + (max(found.operations, default=0) - len(ids))
        self.unsound += not found.sound
        self.opened_ms.append(found.opened_ms)
        known.update(found.operations)

    @property
    def p95_ms(self) -> float:
        return percentile_95(self.opened_ms)

    def line(self) -> str:
        """As a row of the table."""
        return (
            f"{self.activity:<12}{self.kills:>6}{self.inside:>9}{self.saved:>9}{self.lost:>6}{self.doubled:>9}"
            f"{self.unsound:>9}{self.p95_ms:>9.0f} ms"
        )


HEAD = f"{'killed in':<12}{'kills':>6}{'within':>9}{'saved':>9}{'lost':>6}{'doubled':>9}{'unsound':>9}{'open p95':>12}"


def percentile_95(values: list[float]) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))]


class Killer:
    """Starts programs of one activity and kills them; learns how long the job takes, so that kills fall all over it."""

    def __init__(self, activity: str, rng: random.Random) -> None:
        self.activity, self._rng = activity, rng
        self._takes_s = _FIRST_S

    def kill_one(self, folder: Path, given: Any = None) -> Death:
        """One program's life on a folder."""
        receiving, sending = CONTEXT.Pipe(duplex=False)
        arguments = (self.activity, folder, self._rng.randrange(1, 10**6), sending, given)
        program = CONTEXT.Process(target=busy.run, args=arguments)
        program.start()
        sending.close()
        try:
            return self._watched(program.kill, receiving, jobs=self._rng.randint(1, 3))
        finally:
            program.kill()
            program.join()
            program.close()
            receiving.close()

    def _watched(self, kill: Callable[[], None], receiving: Connection, *, jobs: int) -> Death:
        saved: list[str] = []
        began, inside, killed = 0.0, False, False
        patience = Patience(STARTS_S)
        while True:
            if not killed and not patience.hears(receiving):
                assert jobs == 0, f"the program did not get to {self.activity}"
                kill()
                killed = True
            try:
                told = receiving.recv()
            except (EOFError, OSError):
                assert killed, f"the program ended by itself: {self.activity}"
                return Death(saved, inside)
            if told[0] == "saved":
                saved.append(told[1])
                continue
            inside = told[0] == "begin"
            if inside:
                began = time.monotonic()
                jobs -= 1
                if jobs == 0:
                    patience = Patience(self._rng.uniform(0, self._takes_s))
                jobs = max(jobs, 0)
            elif not killed:
                self._takes_s = min(max(self._takes_s * 0.9, (time.monotonic() - began) * 1.1, 0.002), _MOST_S)


@contextmanager
def copied(template: Path, to: Path) -> Iterator[Path]:
    """A fresh copy of a store's folder, gone afterwards."""
    shutil.copytree(template, to)
    to.chmod(0o700)
    try:
        yield to
    finally:
        shutil.rmtree(to)


def kill_many(
    activity: str, template: Path, rng: random.Random, look: Callable[[Path], Found], *, rounds: int, a_folder: int = 10,
    given: Any = None,
) -> Tally:  # fmt: skip
    """Kill so many programs, `a_folder` of them one after the other on the same store, then on a fresh copy."""
    tally, killer = Tally(activity), Killer(activity, rng)
    here = template.with_name(f"{template.name}-killed")
    with copied(template, here) as folder:
        begun_with = look(folder).operations
    while tally.kills < rounds:
        with copied(template, here) as folder:
            known, saved = dict(begun_with), set[str]()
            for _ in range(min(a_folder, rounds - tally.kills)):
                tally.judge(killer.kill_one(folder, given), look(folder), known, saved)
    return tally
