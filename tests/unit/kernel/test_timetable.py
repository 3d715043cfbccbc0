"""The timetable: what comes again by elapsed time, one piece at a time, whatever the clock on the wall does."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, tzinfo
from queue import SimpleQueue

import pytest
from apscheduler.schedulers import base as scheduling

from classtap_core.kernel import timetable
from classtap_core.kernel.timetable import Timetable

START = datetime(2026, 11, 22, 9, tzinfo=UTC)
DAY = timedelta(days=1)


class Times:
    """Two clocks that move when told to: elapsed milliseconds, and the time on the wall."""

    def __init__(self) -> None:
        self.ms, self.at = 5_000, START

    def steady(self) -> int:
        return self.ms

    def wall(self) -> datetime:
        return self.at

    def pass_by(self, ms: int) -> None:
        self.ms += ms
        self.at += timedelta(milliseconds=ms)


def one() -> None: ...


def other() -> None: ...


@pytest.fixture
def times() -> Times:
    return Times()


@pytest.fixture
def table(times: Times) -> Timetable:
    return Timetable("test", steady=times.steady, wall=times.wall)


def planned(table: Timetable, work: Callable[[], None]) -> float | None:
    """Seconds since the start at which APScheduler has something planned."""
    found = [job for job in table._scheduler.get_jobs() if job.args[0] == work]
    assert len(found) < 2
    return (found[0].next_run_time - START).total_seconds() if found else None


@contextmanager
def started(table: Timetable) -> Iterator[Timetable]:
    table.start()
    try:
        yield table
    finally:
        table.stop()


def test_the_first_time_is_a_period_from_now_or_what_is_said(table: Timetable) -> None:
    table.every(1_000, one)
    table.every(1_000, other, first_ms=300)
    assert (planned(table, one), planned(table, other)) == (1, 0.3)


def test_planning_again_moves_it_and_dropping_ends_it(table: Timetable) -> None:
    table.once(one, after_ms=1_000)
    table.once(one, after_ms=2_000)
    table.every(500, other)
    table.drop(other)
    table.drop(other)
    assert (planned(table, one), planned(table, other)) == (2, None)


@pytest.mark.parametrize("step", [-DAY, DAY, -400 * DAY, timedelta(seconds=-1.1), timedelta(seconds=1.1)])
def test_a_clock_that_is_set_moves_what_is_planned_by_as_much(times: Times, table: Timetable, step: timedelta) -> None:
    table.every(60_000, one)
    table.once(other, after_ms=90_000)
    times.pass_by(20_000)
    table.follow()
    assert (planned(table, one), planned(table, other)) == (60, 90)
    times.at += step
    for _ in range(2):
        table.follow()
        assert planned(table, one) == pytest.approx(60 + step.total_seconds())
        assert planned(table, other) == pytest.approx(90 + step.total_seconds())
    times.at -= step
    table.follow()
    assert (planned(table, one), planned(table, other)) == (60, 90)


def test_what_was_planned_after_the_clock_was_set_stays(times: Times, table: Timetable) -> None:
    table.every(60_000, one)
    times.at += DAY
    table.once(other, after_ms=1_000)
    table.follow()
    assert (planned(table, one), planned(table, other)) == (86_460, 86_401)


def test_a_slow_drift_is_followed_once_it_is_a_second(times: Times, table: Timetable) -> None:
    table.every(3_600_000, one)
    found = []
    for _ in range(3):
        times.at += timedelta(seconds=0.4)
        table.follow()
        found.append(planned(table, one))
    assert found == [3_600, 3_600, 3_601.2]


def test_what_was_missed_is_done_once_and_again_a_period_later(times: Times, table: Timetable) -> None:
    table.every(1_000, one)
    times.pass_by(10 * 365 * 86_400_000)
    (job,) = table._scheduler.get_jobs()
    assert job.trigger.get_next_fire_time(job.next_run_time, times.at) == times.at + timedelta(seconds=1)


class Wall:
    """APScheduler's clock, set by as much as is said."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def now(self, zone: tzinfo = UTC) -> datetime:
        return datetime.now(zone) + self.ahead


def test_it_goes_on_when_the_clock_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    wall, ran = Wall(), SimpleQueue[timedelta]()
    monkeypatch.setattr(scheduling, "datetime", wall)
    monkeypatch.setattr(timetable, "LOOK_S", 0.01)
    table = Timetable("test", wall=wall.now)
    table.every(5, lambda: ran.put(wall.ahead))
    with started(table):
        for ahead in (timedelta(), -DAY, 10 * 365 * DAY, -10 * 365 * DAY, DAY, timedelta()):
            wall.ahead = ahead
            seen = 0
            while seen < 3:  # one may have been handed to the thread before
                seen += ran.get(timeout=30) == ahead


@pytest.mark.expected_log("test: ZeroDivisionError", reason="a piece of work fails on purpose")
def test_the_thread_goes_on_behind_a_fault_and_hears_of_what_is_new() -> None:
    table = Timetable("test")
    table.stop()
    fell, done = threading.Event(), threading.Event()

    def falls() -> None:
        fell.set()
        raise ZeroDivisionError

    table.every(3_600_000, falls, first_ms=0)
    with started(table):
        assert fell.wait(30)
        table.once(done.set)
        assert done.wait(30)
    table.stop()
    assert not table.running


def test_what_is_planned_while_it_is_being_done_comes_after() -> None:
    table, began, go = Timetable("test"), SimpleQueue[int](), threading.Event()
    left_out, done = threading.Event(), threading.Event()

    def slow() -> None:
        began.put(1)
        assert go.wait(30)

    table.once(slow)
    with started(table):
        began.get(timeout=30)
        table.once(slow)
        table.once(left_out.set)
        table.drop(left_out.set)
        go.set()
        began.get(timeout=30)
        table.once(done.set)
        assert done.wait(30)
    assert began.empty()
    assert not left_out.is_set()


def test_what_waits_for_the_thread_and_is_dropped_or_planned_anew_is_not_done() -> None:
    table, ran = Timetable("test"), threading.Event()
    table.every(3_600_000, ran.set)
    (waiting,) = table._scheduler.get_jobs()
    with started(table):
        table.drop(ran.set)
        waiting.func(*waiting.args)
        assert not ran.is_set()
        table.every(3_600_000, ran.set)
        waiting.func(*waiting.args)
        assert not ran.is_set()
        (anew,) = table._scheduler.get_jobs()
        anew.func(*anew.args)
        assert ran.is_set()


def test_stopping_waits_for_a_piece_that_plans_and_drops() -> None:
    table, began, go, ended = Timetable("test"), threading.Event(), threading.Event(), threading.Event()

    def plans() -> None:
        began.set()
        assert go.wait(30)
        table.once(one)
        table.drop(other)
        ended.set()

    table.every(3_600_000, other)
    table.once(plans)
    table.start()
    assert began.wait(30)
    stopping = threading.Thread(target=table.stop, daemon=True)
    stopping.start()
    assert table._ended.wait(30)
    table._watcher.join(30)
    assert stopping.is_alive()
    go.set()
    stopping.join(30)
    assert (stopping.is_alive(), ended.is_set()) == (False, True)
