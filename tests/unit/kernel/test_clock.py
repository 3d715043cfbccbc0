"""Time as an interval: worked examples on paper, and what may never be claimed."""

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classtap_core.kernel.clock import Correction, Interval, ManualClock, SystemClock, Timestamp, boot_id, steady_ms

DAY = 86_400_000


def stamp(wall: int, mono: int, boot: str = "b") -> Timestamp:
    return Timestamp(wall=wall, mono=mono, boot=boot)


def learned(cloud: int, *, sent: int, received: int, wall: int) -> Correction:
    correction = Correction()
    correction.observe(cloud, sent=stamp(wall, sent), received=stamp(wall + received - sent, received))
    return correction


def test_an_exchange_worked_by_hand() -> None:
    # Sent at 10:00:00.000 by a clock 5 s slow, 80 ms there and back; the cloud said 10:00:05.040 somewhere between.
    correction = learned(36_005_040, sent=1_000, received=1_080, wall=36_000_000)
    assert (correction.offset, correction.uncertainty) == (5_000, 41)
    now = correction.stamp(wall=36_001_080, mono=2_080, boot="b")
    assert now.corrected == 36_006_080
    assert now.interval() == Interval(36_006_039, 36_006_121)


@given(
    true=st.integers(10**12, 10**12 + DAY),
    wrong=st.integers(-DAY, DAY),
    there=st.integers(0, 5_000),
    back=st.integers(0, 5_000),
)
def test_the_truth_lies_in_the_interval_however_the_trip_was_split(
    true: int, wrong: int, there: int, back: int
) -> None:
    correction = Correction()
    correction.observe(
        true, sent=stamp(true - there + wrong, 1_000), received=stamp(true + back + wrong, 1_000 + there + back)
    )
    at = correction.stamp(wall=true + back + wrong, mono=1_000 + there + back, boot="b")
    assert at.interval().earliest <= true + back <= at.interval().latest


def test_uncertainty_grows_by_100_ppm() -> None:
    correction = learned(DAY, sent=0, received=0, wall=DAY)
    assert correction.stamp(wall=2 * DAY, mono=DAY, boot="b").uncertainty == 1 + 8_640


def test_a_better_exchange_replaces_a_worse_one_and_not_the_other_way_round() -> None:
    correction = learned(1_000_400, sent=0, received=800, wall=1_000_000)
    assert correction.uncertainty == 401
    correction.observe(1_001_010, sent=stamp(1_001_000, 1_000), received=stamp(1_001_020, 1_020))
    assert (correction.offset, correction.uncertainty) == (0, 11)
    correction.observe(1_002_500, sent=stamp(1_002_000, 2_000), received=stamp(1_002_800, 2_800))
    assert (correction.offset, correction.uncertainty) == (0, 11)


def test_an_old_exchange_gives_way_when_it_has_become_vaguer_than_a_new_one() -> None:
    correction = learned(DAY, sent=0, received=0, wall=DAY)
    correction.observe(2 * DAY + 500, sent=stamp(2 * DAY, DAY), received=stamp(2 * DAY + 1_000, DAY + 1_000))
    assert correction.uncertainty == 501


def test_after_a_step_nothing_is_claimed_that_is_not_known() -> None:
    clock = ManualClock(36_000_000, Correction(0, 5, 0, "manual", 36_000_000))
    clock.advance(60_000)
    clock.step(3_600_000)
    interval = clock.now().interval()
    assert interval.earliest <= 36_060_000 <= interval.latest  # somebody set the clock
    assert interval.earliest <= 39_660_000 <= interval.latest  # or the machine slept for an hour


def test_the_first_contact_after_a_step_is_believed() -> None:
    clock = ManualClock(36_000_000, Correction(0, 5, 0, "manual", 36_000_000))
    clock.step(-3_600_000)
    sent = clock.now()
    clock.advance(40)
    clock.correction.observe(36_000_020, sent=sent, received=clock.now())
    assert clock.now().corrected == 36_000_040
    assert clock.now().uncertainty == 21


@pytest.mark.parametrize("moved", [0, 30_000, 10 * DAY, -10 * DAY], ids=["nothing", "half a minute", "on", "back"])
def test_another_run_of_the_machine_costs_a_minute_and_what_its_clock_says_has_passed(moved: int) -> None:
    """A flat battery sets the clock, and nothing else here knows better."""
    correction = learned(20 * DAY, sent=0, received=0, wall=20 * DAY)
    at = correction.stamp(wall=20 * DAY + moved, mono=5, boot="next")
    assert at.uncertainty == 1 + 60_000 + abs(moved)


def test_before_any_contact_it_lies_between_the_last_contact_and_the_arrival() -> None:
    bare = Correction().stamp(wall=5, mono=5, boot="b")
    assert bare.uncertainty is None
    assert bare.interval(contact=3, arrival=9) == Interval(3, 9)


@pytest.mark.parametrize(
    ("one", "other", "tie"),
    [((0, 10), (10, 20), True), ((0, 10), (11, 20), False), ((0, 100), (40, 60), True), ((5, 5), (5, 5), True)],
)
def test_overlapping_intervals_tie(one: tuple[int, int], other: tuple[int, int], tie: bool) -> None:
    assert Interval(*one).overlaps(Interval(*other)) is tie
    assert Interval(*other).overlaps(Interval(*one)) is tie


def test_the_machines_clock_can_start_elsewhere_and_runs_on() -> None:
    clock = SystemClock(start_ms=1_790_000_000_000)
    first, second = clock.now(), clock.now()
    assert 0 <= first.wall - 1_790_000_000_000 < 60_000
    assert second.wall >= first.wall
    assert second.mono >= first.mono
    assert first.boot == boot_id() != ""


def test_sleep_counts() -> None:
    """A laptop that was shut for the night knows in the morning how long: /proc/uptime counts suspended time."""
    try:
        up_ms = float(Path("/proc/uptime").read_text().split()[0]) * 1_000
    except OSError:
        pytest.skip("no /proc/uptime")
    assert 0 <= steady_ms() - up_ms < 60_000


def test_a_timestamp_comes_back_from_its_bytes() -> None:
    at = Timestamp(wall=1, mono=2, boot="b", offset=-3, uncertainty=4)
    assert msgspec.json.decode(msgspec.json.encode(at), type=Timestamp) == at
