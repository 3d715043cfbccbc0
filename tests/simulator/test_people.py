"""Guardians and plans in bad weather: one primary a child, no block lost, no room used twice, whoever was offline."""

import os

import pytest

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
@pytest.mark.parametrize("seed", range(4_000, 4_000 + (200 if "LONG" in os.environ else 20)))
def test_a_bad_day_of_people(seed: int) -> None:
    lived(seed, 60)
