"""kill -9 at any instant: what was acknowledged is there, once, and every row is the fold of what was recorded."""

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from classtap_core.store.store import Store
from tests.unit.kernel import toy
from tests.unit.store.conftest import Opener

ROOT = Path(__file__).resolve().parents[3]
MANY = 340 if os.environ.get("CLASSTAP_LONG") else 60
"""Of each of the three kinds; with LONG=1 more than a thousand together."""


def work_and_kill(folder: Path, seed: int, after: int, also: str = "") -> list[tuple[int, str]]:
    """Let a program work until it has acknowledged so many marks, kill it, and say what it had acknowledged."""
    command = [sys.executable, "-m", "tests.unit.store.working", str(folder), str(seed), also]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env={**os.environ}) as program:
        assert program.stdout is not None
        lines = [program.stdout.readline() for _ in range(after)]
        program.kill()
        lines += program.stdout.readlines()
    whole = [line.split() for line in lines if line.endswith("\n")]
    return [(int(sequence), operation) for sequence, operation in whole]


def run(folder: Path, rounds: int, rng: random.Random, *, also: str = "") -> None:
    acknowledged: list[tuple[int, str]] = []
    opening: list[float] = []
    for seed in range(1, rounds + 1):
        acknowledged += work_and_kill(folder, seed, rng.randint(1, 120), also)
        began = time.perf_counter()
        Store.open(folder, toy.registry(), program="test").close()
        opening.append((time.perf_counter() - began) * 1_000)
        with Store.open(folder, toy.registry(), program="test") as store, store.reader() as reader:
            entries = reader.entries(range(1, reader.head().sequence + 1))
            found = store.check()
        operations = {entry.sequence: entry.id for entry in entries}
        assert [pair for pair in acknowledged if operations.get(pair[0]) != pair[1]] == []
        assert len(set(operations.values())) == len(entries) == entries[-1].sequence
        assert found.ok, found
    assert len(acknowledged) >= rounds
    p95 = sorted(opening)[int(len(opening) * 0.95)]
    print(f"{rounds} kills ({also or 'marks and pulls'}): {len(acknowledged)} shown as saved, 0 lost; opened and closed"
          f" again, p95 {p95:.0f} ms")  # fmt: skip


@pytest.fixture
def folder(opened: Opener, data_dir: Path) -> Path:
    opened().close()
    return data_dir


def test_killed_while_working(folder: Path) -> None:
    run(folder, rounds=5, rng=random.Random(20))


@pytest.mark.fault
def test_killed_while_working_many_times(folder: Path) -> None:
    seed = random.SystemRandom().randrange(1 << 32) if os.environ.get("CLASSTAP_LONG") else 21
    run(folder, rounds=MANY, rng=random.Random(seed))
