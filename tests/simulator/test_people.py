"""Guardians and plans in bad weather: one primary a child, no block lost, no room used twice, whoever was offline."""

from collections.abc import Callable

import pytest

from tests.fault.conftest import NUMBER
from tests.fault.seeds import LONG, all_hold, runs, said
from tests.simulator.people_room import PeopleRoom
from tests.simulator.studio_room import MORNING_MS
from tests.simulator.world import World


def lived(seed: int, minutes: int) -> World:
    made = World(seed, [PeopleRoom()], start_ms=MORNING_MS)
    made.run(minutes)
    made.settle()
    made.check()
    return made


@pytest.mark.parametrize("seed", range(3))
def test_a_bad_morning_of_people(seed: int) -> None:
    made = lived(seed, 25)
    kinds = {ledger.link.kind for ledger in made.server.backend.ledgers if ledger.link.outcome.stands}
    assert {"guardian.edit", "guardian.block", "series.plan"} <= kinds, "it must have happened to be proven"


@pytest.mark.fault
def test_bad_days_of_people(record_property: Callable[[str, object], None]) -> None:
    seeds = runs(100 if LONG else 20)
    all_hold(seeds, lambda seed: lived(seed, 60))
    record_property(NUMBER, f"bad days of people, {said(seeds)}")
