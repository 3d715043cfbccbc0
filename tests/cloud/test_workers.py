"""Several workers on one database: nothing lost, nothing twice, and a device at one worker hears what another commits."""

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select

from classtap_core.kernel.clock import ManualClock
from classtap_core.kernel.ids import Id, derived
from classtap_core.kernel.records import decode
from cloud.composition import Cloud
from cloud.jobs.ticks import Ticks
from cloud.serve import CloudServer
from cloud.storage.audit import audit
from cloud.storage.directory import StudioEntry
from cloud.storage.jobs import EVERY_MS, TICKS, Job, Jobs
from sync.signed import is_signed
from tests.cloud.conftest import paired
from tests.cloud.rig import PLACE, Device, child_id, enrolments, make_cloud, marks, seed
from tests.cloud.test_live import listening
from tests.unit.kernel import toy

ROOT = Path(__file__).parents[2]


@pytest.fixture
def second(tmp_path: Path, server: CloudServer, database: str) -> Iterator[CloudServer]:
    """Another worker on the same database and key."""
    with CloudServer(make_cloud(tmp_path, clock=server.cloud.clock, url=database)) as running:  # type: ignore[arg-type]
        yield running


@pytest.fixture
def other(second: CloudServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=second.url, timeout=60) as made:
        yield made


def at(client: httpx.Client, device: Device) -> Device:
    """The same device, speaking to another worker."""
    device.client = client
    return device


def test_two_workers_give_one_studio_one_row_of_sequences(
    cloud: Cloud, studio: StudioEntry, client: httpx.Client, other: httpx.Client
) -> None:
    """Every device marks the same children: what two workers read, fold and write at once must all be in the record."""
    devices = [at(client if number % 2 else other, paired(cloud, studio, client)) for number in range(6)]
    for device in devices:
        for _ in range(10):
            device.submit(marks(4))

    def push(device: Device) -> list[int]:
        found: list[int] = []
        for first in range(1, 41, 4):
            found += [answer.included for answer in device.push(first, first + 3).answers]
        return found

    with ThreadPoolExecutor(6) as pool:
        included = [sequence for found in pool.map(push, devices) for sequence in found]
    assert sorted(included) == list(range(1, 241))
    assert audit(cloud.books, studio.id, verify=is_signed).ok
    ids = [toy.presence_id(child_id(number)) for number in range(4)]
    for row in cloud.studios.storage(studio.id).rows(toy.Presence, ids).values():
        assert len(decode(toy.Presence, row.body).marks) == 60


def test_a_hint_crosses_from_one_worker_to_another(
    device: Device, cloud: Cloud, studio: StudioEntry, client: httpx.Client, other: httpx.Client
) -> None:
    listener = at(other, paired(cloud, studio, client))
    narrow = at(other, paired(cloud, studio, client, scopes=("families/h9",)))
    for stream in listening(listener):
        for quiet in listening(narrow):
            assert (stream.next(), quiet.next()) == (0, 0)
            device.submit(marks(3))
            device.push(1, 3)
            assert stream.next() == 3
            seed(cloud, studio.id, enrolments(1, house="h9"))
            assert stream.next() == 4
            assert quiet.next() == 4


def test_a_revocation_at_one_worker_ends_the_stream_at_another(
    device: Device, cloud: Cloud, studio: StudioEntry, other: httpx.Client
) -> None:
    at(other, device)
    assert device.papers is not None
    for stream in listening(device):
        assert stream.next() == 0
        seed(cloud, studio.id, enrolments(1))
        assert stream.next() == 1  # the other worker has looked at the studio, so it knows the device's papers
        cloud.studios.revoke(studio.id, device.papers.device)
        seed(cloud, studio.id, enrolments(1, house="h2"))
        assert stream.next() in (2, "end")
        assert stream.next() == "end"


def test_a_job_runs_once_whoever_takes_it(server: CloudServer, cloud: Cloud, second: CloudServer) -> None:
    for one in (server, second):
        one._ticks.stop()  # this test's own workers take them all
    studios = [cloud.studios.found(f"Studio {number}").id for number in range(30)]
    ran: Counter[Id] = Counter()

    class Counting(Ticks):
        def _sweep(self, job: Job) -> int:
            ran[job.studio] += 1
            return super()._sweep(job)

    workers = [Counting(side.studios) for side in (cloud, second.cloud) for _ in range(3)]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda worker: worker.sweep_all(), workers))
    assert set(ran) == set(studios)
    assert set(ran.values()) == {1}


def test_a_lease_of_a_worker_that_died_ends(server: CloudServer, cloud: Cloud, studio: StudioEntry) -> None:
    server._ticks.stop()
    jobs = Jobs(cloud.database, cloud.books.tables)
    first = jobs.take(holder="dead", now_ms=2**50, lease_ms=1_000, most=9)
    assert {job.kind for job in first} == set(EVERY_MS)
    assert jobs.take(holder="other", now_ms=2**50 + 999, lease_ms=1_000, most=9) == []
    again = jobs.take(holder="other", now_ms=2**50 + 1_000, lease_ms=1_000, most=9)
    assert {job.studio for job in again} == {job.studio for job in first} == {studio.id}
    assert not any(jobs.done(job, holder="dead", due_ms=0, seen=7) for job in first)
    assert all(jobs.done(job, holder="other", due_ms=2**51, seen=8) for job in again)
    assert jobs.take(holder="dead", now_ms=2**50 + 2_000, lease_ms=1_000, most=9) == []
    assert {job.seen for job in jobs.take(holder="dead", now_ms=2**51, lease_ms=1_000, most=9)} == {8}


def test_a_clock_that_was_ahead_and_is_put_back_stops_no_job(
    server: CloudServer, cloud: Cloud, studio: StudioEntry, clock: ManualClock
) -> None:
    server._ticks.stop()
    ran: list[str] = []

    class Counting(Ticks):
        def _do(self, job: Job) -> None:
            ran.append(job.kind)
            super()._do(job)

    ticks = Counting(cloud.studios)
    clock.step(10 * 365 * 86_400_000)
    ticks.sweep_all()
    assert sorted(ran) == sorted(EVERY_MS)
    clock.step(-10 * 365 * 86_400_000)
    ran.clear()
    ticks.put_right()
    ticks.sweep_all()
    assert sorted(ran) == sorted(EVERY_MS)
    ran.clear()
    clock.advance(EVERY_MS[TICKS])
    ticks.put_right()
    ticks.sweep_all()
    assert ran == [TICKS], "the others wait for their own time"


def test_jobs_of_many_studios_are_spread_over_their_time(cloud: Cloud) -> None:
    """A thousand studios founded in one minute are not all tidied in one minute of each day."""
    jobs, table = Jobs(cloud.database, cloud.books.tables), cloud.books.tables.jobs.c
    with cloud.database.write() as connection:
        for number in range(1_000):
            jobs.add(connection, derived("studio", str(number)), now_ms=0)
        due = connection.execute(select(table.kind, table.due_ms)).all()
        connection.rollback()  # the cloud that runs beside would take them, and find no such studios
    for kind, every_ms in EVERY_MS.items():
        tenths = Counter(due_ms * 10 // every_ms for of, due_ms in due if of == kind)
        assert tenths.total() == 1_000
        assert tenths.keys() == ({0} if kind == TICKS else set(range(10)))
        assert max(tenths.values()) <= (1_000 if kind == TICKS else 150)


@contextmanager
def crew(folder: Path, url: str, workers: int) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    """`classtap cloud serve --workers N` over the toy room."""
    command = [sys.executable, "-m", "tests.cloud.crew", str(folder), url, str(workers)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().strip(), process
        finally:
            process.terminate()
            process.wait(20)


def children_of(process: "subprocess.Popen[str]") -> set[int]:
    return {int(one) for one in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()}


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
@pytest.mark.skipif(not hasattr(os, "fork"), reason="workers share a port by fork")
def test_a_crew_serves_replaces_its_dead_and_ends(tmp_path: Path, database: str) -> None:
    cloud = make_cloud(tmp_path, url=database)
    studio = cloud.studios.found("Toy")
    codes = [cloud.studios.pairing_code(studio.id, role="kiosk", location=PLACE, name="K").code for _ in range(4)]
    cloud.close()
    with crew(tmp_path, database, 2) as (url, process), ExitStack() as clients:
        devices = []
        for code in codes:
            device = Device(clients.enter_context(httpx.Client(base_url=url, timeout=60)))
            assert device.pair(code).status_code == 200
            device.submit(marks(20))
            devices.append(device)
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda one: one.push(1, 10), devices))
        before = children_of(process)
        assert len(before) == 2
        os.kill(min(before), signal.SIGKILL)
        for device in devices:  # on new connections: some of the old ones ended with their worker
            device.client = clients.enter_context(httpx.Client(base_url=url, timeout=60))
        found = sorted(answer.included for device in devices for answer in device.push(11, 20).answers)
        assert found == list(range(41, 81))
        while len(children_of(process)) < 2:
            os.sched_yield()
        assert children_of(process) != before
        process.terminate()
        assert process.wait(20) == 0
    cloud = make_cloud(tmp_path, url=database)
    checked = audit(cloud.books, studio.id, verify=is_signed)
    cloud.close()
    assert (checked.ok, checked.entries) == (True, 80)


def test_seats_are_counted_once_by_two_workers(
    cloud: Cloud, studio: StudioEntry, client: httpx.Client, other: httpx.Client
) -> None:
    """8 devices at two workers ask for 5 places each; 7 are there."""
    seats = derived("seats", "one")
    seed(cloud, studio.id, [toy.Enrol(child=derived("c", str(n)), house="h", name="x") for n in range(7)])
    seed(cloud, studio.id, [toy.Census(house="h", into=seats)])
    devices = [at(client if number % 2 else other, paired(cloud, studio, client)) for number in range(8)]
    for device in devices:
        device.submit([toy.Take(seats=seats) for _ in range(5)])
    with ThreadPoolExecutor(8) as pool:
        answers = [answer for found in pool.map(lambda one: one.push(1, 5).answers, devices) for answer in found]
    assert sum(answer.outcome.stands for answer in answers) == 7
    row = cloud.studios.storage(studio.id).rows(toy.Seats, [seats])[seats]
    assert b'"free":0' in row.body
