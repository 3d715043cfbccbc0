"""Every geometric verdict on 100,000 random layouts, with Shapely as the judge, spread over the machine's cores."""

import os
import random
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest

from tests.fault.conftest import Report
from tests.unit.seating.layouts import layout
from tests.unit.seating.test_shapely import agree, reach_agrees

pytestmark = [
    pytest.mark.fault,
    pytest.mark.leaves("QueueManagerThread|QueueFeederThread", reason="a pool of processes has threads of its own"),
]

BLOCK = 500
"""So many layouts are one piece of work."""


def verdicts(first: int) -> Counter[str]:
    """Both judges on a block of layouts; a difference raises."""
    found: Counter[str] = Counter()
    for seed in range(first, first + BLOCK):
        try:
            count = agree(layout(random.Random(seed), spots=4))
        except AssertionError as wrong:
            raise AssertionError(f"layout {seed}: {wrong}") from wrong
        found["layouts"] += 1
        found["in doubt" if count < 0 else "with findings" if count else "without"] += 1
        found["findings"] += max(0, count)
    return found


def ways(first: int) -> Counter[str]:
    """Both judges on the ways to accessible spots of a block of layouts."""
    found: Counter[str] = Counter()
    for seed in range(first, first + BLOCK):
        spots = random.Random(seed).randrange(2, 16)
        same = reach_agrees(layout(random.Random(seed), spots=spots, accessible=True))
        found["layouts"] += 1
        found["judged" if same else "in doubt"] += 1
    return found


def _over_all(work: Callable[[int], Counter[str]], first: int, count: int) -> Counter[str]:
    total: Counter[str] = Counter()
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
        for part in pool.map(work, range(first, first + count, BLOCK)):
            total += part
    return total


def _first(usual: int) -> int:
    return random.randrange(1 << 40) if os.environ.get("CLASSTAP_LONG") else usual


def test_a_hundred_thousand_layouts(report: Report) -> None:
    first = _first(1_000_000)
    found = _over_all(verdicts, first, 100_000)
    report(f"seat map verdicts from seed {first}: {dict(found)}")
    assert found["layouts"] == 100_000
    assert found["with findings"] > 60_000
    assert found["in doubt"] < 3_000


def test_ways_in_ten_thousand_layouts(report: Report) -> None:
    first = _first(10_000)
    found = _over_all(ways, first, 10_000)
    report(f"ways to accessible spots from seed {first}: {dict(found)}")
    assert found["layouts"] == 10_000
    assert found["judged"] > 7_000
