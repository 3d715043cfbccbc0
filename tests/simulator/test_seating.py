"""Seat maps in bad weather: no spot twice, no promise broken, no draft lost, whoever was offline."""

import os

import pytest

from tests.simulator.seating_room import SeatingRoom
from tests.simulator.studio_room import MORNING_MS
from tests.simulator.world import World


def drawing(seed: int, minutes: int) -> World:
    made = World(seed, [SeatingRoom()], start_ms=MORNING_MS - 40 * 60_000)
    made.run(minutes)
    made.settle()
    made.check()
    return made


def test_bad_mornings_with_maps() -> None:
    kinds = set()
    for seed in range(3):
        made = drawing(seed, 40)
        kinds |= {ledger.link.kind for ledger in made.server.backend.ledgers if ledger.link.outcome.stands}
    assert {"seatdraft.save", "seatmap.publish", "spot.tag"} <= kinds, "it must have happened to be proven"


@pytest.mark.fault
@pytest.mark.parametrize("seed", range(3_000, 3_000 + (200 if "LONG" in os.environ else 20)))
def test_a_bad_day_with_maps(seed: int) -> None:
    drawing(seed, 60)
