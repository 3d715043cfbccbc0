"""Pushes that wait for one studio go in one commit, each answered as alone; one that fails costs the others nothing."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from sqlalchemy import event

from classtap_core.kernel.authority import Authority, Incoming, Pushed
from classtap_core.kernel.batches import Batch, read_batch
from classtap_core.kernel.errors import EnvironmentFault, Refused
from classtap_core.kernel.outcomes import Status
from cloud.composition import Cloud
from cloud.storage.audit import audit
from cloud.storage.directory import StudioEntry
from sync import protocol
from sync.signed import is_signed
from tests.cloud.conftest import paired
from tests.cloud.rig import Device, child_id, marks
from tests.cloud.test_push import logged, poisoned
from tests.unit.kernel import toy


@pytest.fixture
def devices(cloud: Cloud, studio: StudioEntry, client: httpx.Client) -> list[Device]:
    made = [paired(cloud, studio, client) for _ in range(4)]
    for number, device in enumerate(made):
        device.submit(marks(5, start=3 * number))  # each marks two children that the next one marks too
    return made


def batch(device: Device, first: int, last: int, **bent: Any) -> Batch:
    return protocol.batch_of(device.batch(first, last, **bent))


@contextmanager
def commits(cloud: Cloud) -> Iterator[list[int]]:
    """How many rows each statement wrote into the log."""
    found: list[int] = []

    def executed(_c: Any, _cursor: Any, statement: str, given: Any, _context: Any, _many: bool) -> None:
        if statement.startswith("INSERT INTO log "):
            found.append(len(given))

    event.listen(cloud.database._engine, "before_cursor_execute", executed)
    yield found
    event.remove(cloud.database._engine, "before_cursor_execute", executed)


def one_turn(cloud: Cloud, studio: StudioEntry, batches: Sequence[Batch]) -> list[Future[Pushed]]:
    """All of them wait while the studio's lane is taken, and had their first turn when this returns."""
    released = threading.Event()
    lane = cloud.writing.of(studio.id)
    before = lane.submit(released.wait)
    futures = [cloud.intake.submit(one, read_batch(one)) for one in batches]
    behind = lane.submit(threading.get_ident)
    released.set()
    assert before.result(20)
    assert behind.result(20)
    return futures


def together(cloud: Cloud, studio: StudioEntry, batches: Sequence[Batch]) -> list[Future[Pushed]]:
    """As `one_turn`; all of them are done when this returns."""
    futures = one_turn(cloud, studio, batches)
    for future in futures:
        future.exception(20)
    return futures


def test_what_waits_goes_in_one_commit(cloud: Cloud, studio: StudioEntry, devices: list[Device]) -> None:
    with commits(cloud) as written:
        found = [one.result() for one in together(cloud, studio, [batch(device, 1, 5) for device in devices])]
    assert written == [20]
    assert [answer.included for pushed in found for answer in pushed.answers] == list(range(1, 21))
    for device, pushed in zip(devices, found, strict=True):
        assert device.push(1, 5).answers == pushed.answers
    assert logged(cloud) == 20
    assert audit(cloud.books, studio.id, verify=is_signed).ok


def test_who_comes_while_another_worker_writes_goes_along(
    cloud: Cloud, studio: StudioEntry, devices: list[Device], monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, real = threading.Event(), Authority.push_together

    def beginning(authority: Authority, waiting: Callable[[], Sequence[Incoming]]) -> Any:
        begun.set()
        return real(authority, waiting)

    monkeypatch.setattr(Authority, "push_together", beginning)
    asked = [batch(device, 1, 5) for device in devices]
    with commits(cloud) as written:
        with cloud.studios.storage(studio.id).atomic():
            futures = [cloud.intake.submit(asked[0], read_batch(asked[0]))]
            assert begun.wait(20)
            futures += [cloud.intake.submit(one, read_batch(one)) for one in asked[1:]]
        assert [future.result(60).acked for future in futures] == [5] * 4
    assert written == [20]


def test_who_went_away_before_their_turn_is_left_out(cloud: Cloud, studio: StudioEntry, devices: list[Device]) -> None:
    released = threading.Event()
    cloud.writing.of(studio.id).submit(released.wait)
    asked = [batch(device, 1, 5) for device in devices]
    gone, stays = [cloud.intake.submit(one, read_batch(one)) for one in asked[:2]]
    assert gone.cancel()
    released.set()
    assert stays.result(20).acked == 5
    released.clear()
    before = cloud.writing.of(studio.id).submit(released.wait)
    alone = cloud.intake.submit(asked[2], read_batch(asked[2]))
    assert alone.cancel()
    released.set()
    assert before.result(20)
    assert cloud.intake.submit(asked[3], read_batch(asked[3])).result(20).acked == 5
    assert logged(cloud) == 10


def test_when_nobody_can_write_all_who_wait_are_told(
    cloud: Cloud, studio: StudioEntry, devices: list[Device], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:

        def away(*_: Any) -> Any:
            raise EnvironmentFault("cloud.database_unreachable")

        broken.setattr(Authority, "push_together", away)
        found = one_turn(cloud, studio, [batch(device, 1, 5) for device in devices])
        assert [one.done() and str(one.exception()) for one in found] == ["cloud.database_unreachable"] * 4
    assert devices[0].push(1, 5).acked == 5


@contextmanager
def headless(cloud: Cloud) -> Iterator[None]:
    """A database that has no heads: it refuses a studio's turn to write, before anybody was asked who waits."""
    with cloud.database.administer() as connection:
        connection.exec_driver_sql("ALTER TABLE head RENAME TO head_that_was")
    try:
        yield
    finally:
        with cloud.database.administer() as connection:
            connection.exec_driver_sql("ALTER TABLE head_that_was RENAME TO head")


@pytest.mark.expected_log("failed together", reason="the database refuses every turn on purpose")
@pytest.mark.expected_log("looking for the operation", reason="the database refuses every turn on purpose")
def test_when_the_database_refuses_the_turn_all_who_wait_are_told(
    cloud: Cloud, studio: StudioEntry, devices: list[Device]
) -> None:
    """Once, and at once: nobody is left waiting, and none of them is tried again and again."""
    with headless(cloud):
        found = one_turn(cloud, studio, [batch(device, 1, 5) for device in devices])
        assert [one.done() for one in found] == [True] * 4
    assert all(one.exception() is not None for one in found)
    assert logged(cloud) == 0
    assert [device.push(1, 5).acked for device in devices] == [5] * 4


def test_of_one_device_each_waits_for_the_one_before(cloud: Cloud, studio: StudioEntry, devices: list[Device]) -> None:
    one, other = devices[:2]
    asked = [batch(one, 1, 2), batch(other, 1, 5), batch(one, 3, 5), batch(one, 1, 5)]
    with commits(cloud) as written:
        found = [future.result() for future in together(cloud, studio, asked)]
    assert written == [7, 3]
    assert [pushed.acked for pushed in found] == [2, 5, 5, 5]
    assert found[3].answers == found[0].answers + found[2].answers


@pytest.mark.parametrize(
    ("bound", "most", "commits_of"), [("MOST_OPERATIONS", 14, [10, 10]), ("MOST_TOGETHER", 3, [15, 5])]
)
def test_one_commit_takes_no_more_than_a_bound(
    cloud: Cloud, studio: StudioEntry, devices: list[Device], monkeypatch: pytest.MonkeyPatch,
    bound: str, most: int, commits_of: list[int],
) -> None:  # fmt: skip
    monkeypatch.setattr(f"cloud.intake.{bound}", most)
    with commits(cloud) as written:
        found = [one.result() for one in together(cloud, studio, [batch(device, 1, 5) for device in devices])]
    assert written == commits_of
    assert [pushed.acked for pushed in found] == [5] * 4


def test_one_that_is_refused_is_refused_alone(cloud: Cloud, studio: StudioEntry, devices: list[Device]) -> None:
    asked = [batch(device, 1, 5) for device in devices]
    asked[1] = asked[1]._replace(signature=bytes(64))
    asked[2] = batch(devices[2], 3, 5)
    with commits(cloud) as written:
        found = together(cloud, studio, asked)
    assert written == [10]
    refused = [found[place].exception() for place in (1, 2)]
    assert [(type(one), getattr(one, "code", "")) for one in refused] == [
        (Refused, "sync.signature"), (Refused, "sync.gap"),
    ]  # fmt: skip
    assert [found[place].result().acked for place in (0, 3)] == [5, 5]
    assert devices[1].push(1, 5).acked == 5


@pytest.mark.expected_log("failed together", reason="the storage refuses an operation on purpose")
@pytest.mark.expected_log("looking for the operation", reason="the storage refuses an operation on purpose")
def test_what_the_storage_cannot_take_is_set_apart_and_the_neighbours_land(
    cloud: Cloud, studio: StudioEntry, devices: list[Device]
) -> None:
    with poisoned(cloud, "record_presence", toy.presence_id(child_id(1))):
        found = [one.result() for one in together(cloud, studio, [batch(device, 1, 5) for device in devices])]
    statuses = [[answer.outcome.status for answer in pushed.answers] for pushed in found]
    assert statuses[0][1] is Status.QUARANTINED
    assert [some.count(Status.QUARANTINED) for some in statuses] == [1, 0, 0, 0]
    assert logged(cloud) == 20
    assert audit(cloud.books, studio.id, verify=is_signed).ok


def test_a_mistake_of_ours_is_told_and_stops_no_queue(
    cloud: Cloud, studio: StudioEntry, devices: list[Device], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(Authority, "push_together", lambda *_: [])
        found = together(cloud, studio, [batch(device, 1, 5) for device in devices])
        assert {type(one.exception()) for one in found} == {ValueError}
    assert devices[0].push(1, 5).acked == 5


def test_after_the_end_nothing_is_taken_and_what_waited_is_done(
    cloud: Cloud, studio: StudioEntry, devices: list[Device]
) -> None:
    asked = [batch(devices[0], 1, 2), batch(devices[0], 3, 5), batch(devices[0], 1, 5)]
    released = threading.Event()
    cloud.writing.of(studio.id).submit(released.wait)
    futures = [cloud.intake.submit(one, read_batch(one)) for one in asked]
    cloud.writing.shutdown(wait=False)
    released.set()
    assert [future.result(20).acked for future in futures] == [2, 5, 5]
    last = batch(devices[1], 1, 5)
    with pytest.raises(RuntimeError, match="shutdown"):
        cloud.intake.submit(last, read_batch(last))
