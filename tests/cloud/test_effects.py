"""Effects of the cloud are carried out after their commit: once where that is asked, and never held up by one that fails."""

import pytest
from sqlalchemy import func, select

from classtap_core.kernel.clock import ManualClock
from classtap_core.kernel.effects import Intent
from classtap_core.kernel.ids import Id
from cloud.composition import Cloud
from cloud.jobs.effects import drain
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


@pytest.mark.expected_log("effect bell", reason="one of them fails on purpose")
def test_each_is_carried_out_once_and_one_that_fails_is_tried_again(
    cloud: Cloud, studio: StudioEntry, device: Device
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
    assert drain(cloud.studios, studio.id, {"bell": bell}) == 4
    assert drain(cloud.studios, studio.id, {"bell": bell}) == 1
    assert drain(cloud.studios, studio.id, {"bell": bell}) == 0
    assert len(heard) == len(set(heard)) == 5
    assert waiting(cloud, studio) == 0


def test_one_that_may_happen_once_is_off_the_list_before_it_happens(
    cloud: Cloud, studio: StudioEntry, device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(toy.Bell, "AT_MOST_ONCE", True)
    chimes(device, 1)
    seen: list[int] = []
    assert drain(cloud.studios, studio.id, {"bell": lambda *_: seen.append(waiting(cloud, studio))}) == 1
    assert seen == [0]


def test_what_nobody_carries_out_does_not_pile_up_and_the_clock_does_it(
    cloud: Cloud, studio: StudioEntry, device: Device, clock: ManualClock
) -> None:
    chimes(device, 3)
    seed(cloud, studio.id, enrolments(2))
    seed(cloud, studio.id, [toy.Enrol(child=child_id(0), house="h2", name="moved")])
    old = written(Cursor(studio.id, 3))
    clock.advance((REMEMBERED_DAYS + 2) * DAY_MS)
    Ticks(cloud.studios).sweep_all()
    assert waiting(cloud, studio) == 0
    assert head_of(cloud.books, studio.id) == 6
    assert pull(cloud.books, studio.id, ["families/h1"], cursor=old, most=10).stale
