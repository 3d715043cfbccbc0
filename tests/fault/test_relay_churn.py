"""Four relays that come, go, dial, hang up and commit at random: no line, thread or socket is left, and all hear all."""

import random
import time

import pytest

from tests.fault.seeds import runs, said
from tests.unit.sync.relay.homes import Running, studio

pytestmark = pytest.mark.fault
STEPS = 2_000
SOON_S = 1.0
"""A relay ends in less."""


def test_relays_that_come_and_go_at_random_hear_everything_in_the_end() -> None:
    found = runs(4)
    print(said(found))
    for seed in (seed for run in found for seed in run):
        churn(random.Random(seed))


def churn(rng: random.Random) -> None:
    homes = studio("one", "two", "three", "four")
    relays = [Running(home) for home in homes]
    up: list[Running] = []
    slowest = 0.0
    try:
        for step in range(STEPS):
            one, dice = rng.choice(relays), rng.random()
            if one not in up:
                one.relay.start()
                up.append(one)
            elif dice < 0.1:
                slowest = max(slowest, stopped(one))
                up.remove(one)
            elif dice < 0.4 and (others := [other for other in up if other is not one]):
                one.find(rng.choice(others))
            elif dice < 0.5:
                one.relay.forget(rng.choice(homes).id)
            elif dice < 0.6:
                one.relay.look_again()
            else:
                one.home.commit(step)
                one.relay.nudge()
        for one in relays:
            if one not in up:
                one.relay.start()
        for one in relays:
            for other in relays:
                if other is not one:
                    one.find(other)
        for one in relays:
            one.sees(*(other for other in relays if other is not one))
            one.relay.nudge()
        for home in homes:
            for other in homes:
                if other is not home:
                    most = other.device.backend.head().sequence
                    home.wait(lambda home=home, other=other, most=most: len(home.told_by(other)) == most)  # type: ignore[misc]
    finally:
        slowest = max(slowest, *(stopped(one) for one in relays))
    assert slowest < SOON_S


def stopped(one: Running) -> float:
    began = time.monotonic()
    one.relay.stop()
    return time.monotonic() - began
