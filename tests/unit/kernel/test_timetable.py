"""The timetable: what comes again by elapsed time, one piece at a time, whatever the clock on the wall does."""

import threading

import pytest

from classtap_core.kernel.timetable import Timetable


class Elapsed:
    """Milliseconds that pass when told to."""

    def __init__(self) -> None:
        self.ms = 5_000

    def __call__(self) -> int:
        return self.ms


def one() -> None: ...


def other() -> None: ...


def test_each_comes_again_a_period_after_it_began() -> None:
    elapsed = Elapsed()
    table = Timetable("test", steady=elapsed)
    table.every(1_000, one)
    table.every(1_000, other, first_ms=300)
    found = []
    for _ in range(26):
        while (work := table.due()) is not None:
            found.append((elapsed.ms - 5_000, work))
        elapsed.ms += 100
    assert found == [(300, other), (1_000, one), (1_300, other), (2_000, one), (2_300, other)]


def test_what_was_missed_is_done_once() -> None:
    elapsed = Elapsed()
    table = Timetable("test", steady=elapsed)
    table.every(1_000, one)
    elapsed.ms += 3_600_000  # the machine slept
    assert (table.due(), table.due()) == (one, None)
    elapsed.ms += 1_000
    assert table.due() is one


def test_planning_again_moves_it_and_dropping_ends_it() -> None:
    elapsed = Elapsed()
    table = Timetable("test", steady=elapsed)
    table.once(one, after_ms=1_000)
    table.once(one, after_ms=2_000)
    table.every(500, other)
    table.drop(other)
    table.drop(other)
    elapsed.ms += 1_500
    assert table.due() is None
    elapsed.ms += 500
    assert (table.due(), table.due()) == (one, None)


@pytest.mark.expected_log("test: ZeroDivisionError", reason="a piece of work fails on purpose")
def test_the_thread_goes_on_behind_a_fault_and_hears_of_what_is_new() -> None:
    table = Timetable("test")
    table.stop()
    fell, done = threading.Event(), threading.Event()

    def falls() -> None:
        fell.set()
        raise ZeroDivisionError

    table.every(3_600_000, falls, first_ms=0)
    table.start()
    try:
        assert fell.wait(30)
        table.once(done.set)
        assert done.wait(30)
    finally:
        table.stop()
    assert not table.running
