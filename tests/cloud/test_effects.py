"""Effects of the cloud are carried out after their commit: once where that is asked, and never held up by one that fails."""

import pytest
from sqlalchemy import func, select

from classtap_core.kernel.clock import ManualClock
from classtap_core.kernel.effects import Intent
from classtap_core.kernel.errors import EnvironmentFault
from classtap_core.kernel.ids import Id
from cloud.composition import Cloud
from cloud.jobs import effects
from cloud.jobs.effects import CLAIM_MS, FIRST_MS, LONGEST_MS, MOST_TRIES, ROUND_MS, again, drain, stuck
from cloud.jobs.ticks import DAY_MS, REMEMBERED_DAYS, Ticks
from cloud.storage.directory import StudioEntry
from cloud.storage.pulls import Cursor, head_of, pull, written
from cloud.studios import Studios
from tests.cloud.rig import Device, child_id, enrolments, seed
from tests.unit.kernel import toy


def waiting(cloud: Cloud, studio: StudioEntry) -> int:
    table = cloud.books.tables.effect
    with cloud.database.read(studio.id) as connection:
        return connection.scalar(select(func.count()).select_from(table).where(table.c.studio_id == studio.id)) or 0


def chimes(device: Device, count: int) -> None:
    device.submit([toy.Chime(child=child_id(number), house="h1") for number in range(count)])
    device.push(1, count)


def even(low: float, high: float) -> float:
    """Waits without dice: the middle."""
    return (low + high) / 2


@pytest.mark.expected_log("effect bell", reason="one of them fails on purpose")
def test_each_is_carried_out_once_and_one_that_fails_is_tried_again_later(
    cloud: Cloud, studio: StudioEntry, device: Device, clock: ManualClock
) -> None:
    chimes(device, 5)
    device.push(1, 5)
    heard: list[Id] = []
    fails = [2]

    def bell(studios: Studios, of: Id, effect: Intent) -> None:
        assert (of, effect.body) == (studio.id, {"text": "cloud"})
        if len(heard) == fails[0]:
            fails[0] = -1
            raise OSError("no line")
        heard.append(effect.id)

    assert waiting(cloud, studio) == 5
    assert drain(cloud.studios, studio.id, {"bell": bell}, uniform=even) == 4
    assert drain(cloud.studios, studio.id, {"bell": bell}, uniform=even) == 0, "not yet"
    clock.advance(FIRST_MS)
    assert drain(cloud.studios, studio.id, {"bell": bell}, uniform=even) == 1
    assert drain(cloud.studios, studio.id, {"bell": bell}, uniform=even) == 0
    assert len(heard) == len(set(heard)) == 5
    assert waiting(cloud, studio) == 0


@pytest.mark.expected_log("effect bell", reason="all of them fail on purpose")
def test_more_that_fail_than_one_round_takes_hold_up_nothing_and_are_set_aside_with_the_reason(
    cloud: Cloud, studio: StudioEntry, device: Device, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(effects, "MOST_AT_ONCE", 2)
    chimes(device, 6)
    tried: list[Id] = []

    def broken(studios: Studios, of: Id, effect: Intent) -> None:
        tried.append(effect.id)
        raise EnvironmentFault("mail.away")

    for _ in range(3):
        assert drain(cloud.studios, studio.id, {"bell": broken}, uniform=even) == 0
    assert len(set(tried)) == 6, "the first two, failing, do not stand before the others"
    for _ in range(4 * MOST_TRIES):
        clock.advance(LONGEST_MS)
        drain(cloud.studios, studio.id, {"bell": broken}, uniform=even)
    assert len(tried) == 6 * MOST_TRIES
    assert {(one.kind, one.tries, one.why) for one in stuck(cloud.studios, studio.id)} == {("bell", 10, "mail.away")}
    first = stuck(cloud.studios, studio.id)[0].id
    assert again(cloud.studios, studio.id, first)
    assert not again(cloud.studios, studio.id, first)
    assert drain(cloud.studios, studio.id, {"bell": lambda *_: None}) == 1
    assert len(stuck(cloud.studios, studio.id)) == 5


@pytest.mark.expected_log("effect bell", reason="it fails on purpose")
def test_one_that_failed_while_the_clock_was_ahead_is_tried_once_it_is_put_back(
    cloud: Cloud, studio: StudioEntry, device: Device, clock: ManualClock
) -> None:
    chimes(device, 1)

    def broken(studios: Studios, of: Id, effect: Intent) -> None:
        raise EnvironmentFault("mail.away")

    year_ms = 365 * DAY_MS
    clock.step(year_ms)
    assert drain(cloud.studios, studio.id, {"bell": broken}, uniform=even) == 0
    clock.step(-year_ms)
    assert drain(cloud.studios, studio.id, {"bell": lambda *_: None}, uniform=even) == 1


def test_a_runner_that_takes_long_leaves_the_rest_to_the_next_round(
    cloud: Cloud, studio: StudioEntry, device: Device, clock: ManualClock
) -> None:
    chimes(device, 4)

    def slow(studios: Studios, of: Id, effect: Intent) -> None:
        clock.advance(ROUND_MS // 2)

    assert drain(cloud.studios, studio.id, {"bell": slow}) == 2
    assert drain(cloud.studios, studio.id, {"bell": slow}) == 2


def test_what_a_worker_that_died_had_taken_is_taken_up_by_another(
    cloud: Cloud, studio: StudioEntry, device: Device, clock: ManualClock
) -> None:
    chimes(device, 1)

    class Died(BaseException):
        """The process ends in the middle."""

    def dies(studios: Studios, of: Id, effect: Intent) -> None:
        raise Died

    with pytest.raises(Died):
        drain(cloud.studios, studio.id, {"bell": dies})
    assert drain(cloud.studios, studio.id, {"bell": lambda *_: None}) == 0, "it may still be at it"
    clock.advance(CLAIM_MS)
    assert drain(cloud.studios, studio.id, {"bell": lambda *_: None}) == 1


def test_one_that_may_happen_once_is_off_the_list_before_it_happens(
    cloud: Cloud, studio: StudioEntry, device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(toy.Bell, "AT_MOST_ONCE", True)
    chimes(device, 1)
    seen: list[int] = []
    assert drain(cloud.studios, studio.id, {"bell": lambda *_: seen.append(waiting(cloud, studio))}) == 1
    assert seen == [0]


def test_what_nobody_carries_out_yet_is_kept_and_after_a_month_let_go(
    cloud: Cloud, studio: StudioEntry, device: Device, clock: ManualClock
) -> None:
    chimes(device, 3)
    seed(cloud, studio.id, enrolments(2))
    seed(cloud, studio.id, [toy.Enrol(child=child_id(0), house="h2", name="moved")])
    old = written(Cursor(studio.id, 3))
    Ticks(cloud.studios).sweep_all()
    assert waiting(cloud, studio) == 3
    clock.advance((REMEMBERED_DAYS + 2) * DAY_MS)
    Ticks(cloud.studios).sweep_all()
    assert waiting(cloud, studio) == 0
    assert head_of(cloud.books, studio.id) == 6
    assert pull(cloud.books, studio.id, ["families/h1"], cursor=old, most=10).stale


def test_the_clock_carries_out_what_there_is_a_runner_for(cloud: Cloud, studio: StudioEntry, device: Device) -> None:
    chimes(device, 3)
    heard: list[Id] = []
    Ticks(cloud.studios, {"bell": lambda studios, of, effect: heard.append(effect.id)}).sweep_all()
    assert (len(heard), waiting(cloud, studio)) == (3, 0)
