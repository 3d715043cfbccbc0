"""Effects at home: one bell for each operation, whatever is killed and however often an operation is run again."""

import os
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.end_to_end.rig import ROOT
from tests.fault.ringing import opened
from tests.fault.test_kill import seeded


def ring_and_kill(folder: Path, seed: int, after: int) -> list[str]:
    command = [sys.executable, "-m", "tests.fault.ringing", str(folder), str(seed)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env={**os.environ}) as running:
        assert running.stdout is not None
        said = [running.stdout.readline() for _ in range(after)]
        running.kill()
        said += running.stdout.readlines()
    return [line.strip() for line in said if line.endswith("\n")]


def ring_through(folder: Path, rng: random.Random, rounds: int) -> None:
    """A bell that was rung and not yet taken off when the program died rings again under the same id: once a death."""
    acknowledged: list[str] = []
    for seed in range(rounds):
        acknowledged += ring_and_kill(folder, seed, rng.randint(1, 60))
    store, _ = opened(folder)
    with store, store.reader() as reader:
        operations = [entry.id for entry in reader.entries(range(1, reader.head().sequence + 1))]
        waiting = reader.effects_ready(most=1_000_000)
        assert store.check().ok
    paper = folder.with_suffix(".rung").read_text().splitlines()
    rung = [tuple(line.split()) for line in paper if len(line) == 65]
    bells = {(operation, bell.id) for operation, bell in waiting} | set(rung)
    assert set(acknowledged) <= set(operations)
    assert Counter(operation for operation, _ in bells) == Counter(operations), "one bell for each, and no other"
    again = [times - 1 for times in Counter(rung).values() if times > 1]
    assert sum(again) <= rounds
    assert not {bell.id for _, bell in waiting} & {bell for _, bell in rung[:-rounds]}


def test_one_bell_for_each_mark_over_kills_and_re_runs(data_dir: Path) -> None:
    ring_through(data_dir / "kiosk", seeded(71), 2)


@pytest.mark.fault
def test_one_bell_for_each_mark_over_many_kills(data_dir: Path) -> None:
    ring_through(data_dir / "kiosk", seeded(72), 20)
