"""How often a caller may try: a bucket each, which fills again; many new callers empty nobody's and refill nobody's."""

from classtap_core.kernel.clock import ManualClock
from cloud.limits import Tries


def test_a_bucket_empties_and_fills_again_with_time() -> None:
    clock = ManualClock(0)
    tries = Tries(clock, burst=2, per_minute=1)
    assert [tries.allow("a") for _ in range(3)] == [True, True, False]
    assert tries.allow("b")
    clock.advance(60_000)
    assert [tries.allow("a") for _ in range(2)] == [True, False]
    tries.give_back("a")
    assert tries.allow("a")


def test_a_flood_of_callers_does_not_give_back_what_somebody_spends_meanwhile() -> None:
    tries = Tries(ManualClock(0), burst=1, per_minute=1)
    assert tries.allow("guesser")
    for number in range(3 * Tries.MOST_KEYS):
        tries.allow(str(number))
        if number % 1_000 == 0:
            assert not tries.allow("guesser")
