"""The toy room in bad weather: whatever happens on the way, everybody agrees in the end."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fault.conftest import NUMBER
from tests.fault.seeds import LONG, all_hold, runs, said
from tests.simulator.studio_room import MORNING_MS, StudioRoom
from tests.simulator.toy_room import ToyRoom
from tests.simulator.world import BAD, Weather, World

TELLING = BAD._replace(tells=0.5)


def world(seed: int, minutes: int, *, weather: Weather = BAD) -> World:
    made = World(seed, [ToyRoom()], weather=weather)
    made.run(minutes)
    made.settle()
    made.check()
    return made


@pytest.mark.parametrize("seed", range(4))
def test_a_bad_dozen_minutes(seed: int) -> None:
    world(seed, 12)


def test_a_bad_dozen_minutes_among_neighbours() -> None:
    made = world(14, 12, weather=TELLING)
    assert sum(" tells " in line for line in made.trace) > 20


def studio(seed: int, minutes: int, *, weather: Weather = BAD) -> World:
    made = World(seed, [StudioRoom()], weather=weather, start_ms=MORNING_MS)
    made.run(minutes)
    made.settle()
    made.check()
    return made


def test_a_bad_morning_among_neighbours_at_the_studio() -> None:
    studio(1, 8, weather=TELLING)


@pytest.mark.parametrize("seed", range(3))
def test_a_bad_morning_at_the_studio(seed: int) -> None:
    studio(seed, 12)


def test_the_same_seed_is_the_same_world() -> None:
    assert world(5, 6).digest() == world(5, 6).digest() != world(6, 6).digest()


PROGRAM = "from tests.simulator.test_simulator import world; print(world(7, 5).digest())"


def test_the_same_seed_is_the_same_world_in_another_process() -> None:
    """Under another hash seed, locale and zone."""
    found = {world(7, 5).digest()}
    for surroundings in (
        {"PYTHONHASHSEED": "1", "LC_ALL": "tr_TR.UTF-8", "TZ": "Asia/Kathmandu"},
        {"PYTHONHASHSEED": "2", "LC_ALL": "C", "TZ": "America/St_Johns"},
    ):
        ended = subprocess.run(
            [sys.executable, "-c", PROGRAM],
            env=os.environ | surroundings, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=True,
        )  # fmt: skip
        found.add(ended.stdout.strip())
    assert len(found) == 1


@pytest.mark.fault
def test_bad_days(record_property: Callable[[str, object], None]) -> None:
    seeds = runs(250 if LONG else 40)
    all_hold(seeds, lambda seed: world(seed, 60))
    record_property(NUMBER, f"bad days of the toy room, {said(seeds)}")


@pytest.mark.fault
def test_bad_days_at_the_studio(record_property: Callable[[str, object], None]) -> None:
    seeds = runs(100 if LONG else 20)
    all_hold(seeds, lambda seed: studio(seed, 60))
    record_property(NUMBER, f"bad days at the studio, {said(seeds)}")


@pytest.mark.fault
def test_bad_days_among_neighbours(record_property: Callable[[str, object], None]) -> None:
    seeds = runs(100 if LONG else 20)
    all_hold(seeds, lambda seed: world(seed, 60, weather=TELLING))
    all_hold(seeds, lambda seed: studio(seed, 30, weather=TELLING))
    record_property(NUMBER, f"bad days of devices that tell each other, in both rooms, {said(seeds)}")
