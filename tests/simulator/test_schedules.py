"""Random schedules of faults against the real engine; and controls that show that the test can fail."""

from collections.abc import Callable

import pytest

from tests.fault.conftest import NUMBER
from tests.fault.seeds import each, runs, said
from tests.simulator.schedules import DRAINED_S, Impatient, Ran, Schedule, stubborn

FEW, MANY = 150, 10_000


def ran(*runs: range) -> list[Ran]:
    return each(runs, lambda seed: Schedule(seed).run())


def test_a_few_schedules() -> None:
    found = ran(range(FEW))
    assert max(one.drained_s for one in found) <= DRAINED_S
    assert sum(one.deaths for one in found) > FEW / 4
    assert sum(one.set_aside for one in found) > FEW


@pytest.mark.fault
def test_ten_thousand_schedules(record_property: Callable[[str, object], None]) -> None:
    seeds = runs(MANY)
    found = ran(*seeds)
    slowest = max(one.drained_s for one in found)
    record_property(
        NUMBER,
        f"schedules {len(found)}, {said(seeds)}: rounds {sum(one.rounds for one in found)},"
        f" deaths {sum(one.deaths for one in found)}, set aside {sum(one.set_aside for one in found)},"
        f" drained within {slowest:.1f} s",
    )
    assert len(found) >= MANY
    assert slowest <= DRAINED_S


def test_control_an_engine_whose_patience_grows_with_outages_is_too_late() -> None:
    late = [Schedule(seed, backoff=lambda rng: Impatient(uniform=rng.uniform)).run().drained_s for seed in range(60)]
    assert max(late) > DRAINED_S


def stalls(seed: int) -> bool:
    try:
        stubborn(Schedule(seed)).run()
    except AssertionError as wrong:
        return "still waiting" in str(wrong)
    return False


def test_control_a_cloud_that_does_not_set_poison_aside_stalls_the_queue() -> None:
    assert sum(stalls(seed) for seed in range(20)) > 10
