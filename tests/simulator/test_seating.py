"""Seat maps in bad weather: no spot twice, no promise broken, no draft lost, whoever was offline."""

from collections.abc import Callable

import pytest

from tests.fault.conftest import NUMBER
from tests.fault.seeds import LONG, all_hold, runs, said
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
def test_bad_days_with_maps(record_property: Callable[[str, object], None]) -> None:
    seeds = runs(100 if LONG else 20)
    all_hold(seeds, lambda seed: drawing(seed, 60))
    record_property(NUMBER, f"bad days with maps, {said(seeds)}")
