"""Bad days of a database: it refuses connections, its disk fills up, it comes back as it was yesterday."""

import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from cloud.serve import CloudServer
from cloud.storage import database as databases
from cloud.storage.audit import audit
from cloud.storage.database import Database
from cloud.storage.directory import StudioEntry
from sync import protocol
from sync.signed import is_signed
from tests.cloud.conftest import paired
from tests.cloud.postgres import Postgres, Server
from tests.cloud.rig import ALL, Device, code_of, enrolments, make_cloud, marks, seed
from tests.guards.tools import needs


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Server]:
    """A PostgreSQL of this test's own, to be stopped and started."""
    with Server.made(needs("postgresql")) as server:
        yield server


@contextmanager
def served(folder: Path, url: str) -> Iterator[tuple[CloudServer, httpx.Client]]:
    with (
        CloudServer(make_cloud(folder, url=url)) as server,
        httpx.Client(base_url=server.url, timeout=30) as client,
    ):
        yield server, client


@contextmanager
def five_of_twenty(folder: Path, own: Server) -> Iterator[tuple[CloudServer, httpx.Client, StudioEntry, Device]]:
    """A device that has pushed the first five of its twenty operations."""
    with served(folder, Postgres(own.url).url("postgres")) as (server, client):
        studio = server.cloud.studios.found("Toy")
        device = paired(server.cloud, studio, client)
        device.submit(marks(20))
        device.push(1, 5)
        yield server, client, studio, device


@pytest.mark.expected_log("cloud.database", reason="the database is stopped on purpose")
def test_a_database_that_is_away_is_said_so_and_found_again(tmp_path: Path, own: Server) -> None:
    with five_of_twenty(tmp_path, own) as (server, client, studio, device):
        own.stop()
        for _ in range(3):
            answer = device.send(device.batch(6, 10))
            assert code_of(answer) == (503, "cloud.database_unreachable")
            assert answer.headers["retry-after"] == "1"
        assert client.get("/healthz").status_code == 200
        assert client.get("/readyz").status_code == 503
        own.start()
        pushed = device.push(6, 20)
        assert [answer.included for answer in pushed.answers] == list(range(6, 21))
        assert audit(server.cloud.books, studio.id, verify=is_signed).ok


@pytest.mark.expected_log("cloud.database", reason="the database takes no writes on purpose")
def test_a_standby_that_takes_no_writes_sets_nothing_aside(tmp_path: Path, own: Server) -> None:
    with five_of_twenty(tmp_path, own) as (server, _client, studio, device):
        for word in ("on", "off"):
            Postgres(own.url).execute(
                f"BEGIN READ WRITE; ALTER DATABASE postgres SET default_transaction_read_only = {word}; COMMIT"
            )
            server.cloud.database._engine.dispose()
            if word == "on":
                assert code_of(device.send(device.batch(6, 10))) == (503, "cloud.database")
        pushed = device.push(6, 20)
        assert all(answer.outcome.stands for answer in pushed.answers)
        assert audit(server.cloud.books, studio.id, verify=is_signed).ok


@pytest.mark.expected_log("cloud.database_busy", reason="somebody else writes to the file on purpose")
def test_a_file_that_somebody_else_holds_is_said_so_and_taken_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(databases, "_BUSY_MS", 100)
    with served(tmp_path, "") as (server, client):
        studio = server.cloud.studios.found("Toy")
        device = paired(server.cloud, studio, client)
        device.submit(marks(20))
        device.push(1, 5)
        with closing(sqlite3.connect(tmp_path / "cloud" / "cloud.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            answer = device.send(device.batch(6, 10))
            assert code_of(answer) == (503, "cloud.database_busy")
            assert answer.headers["retry-after"] == "5"
            other.execute("ROLLBACK")
        pushed = device.push(6, 20)
        assert [answer.included for answer in pushed.answers] == list(range(6, 21))
        assert audit(server.cloud.books, studio.id, verify=is_signed).ok


@pytest.mark.expected_log("cloud.database", reason="the database's connections end on purpose")
@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_connections_that_are_cut_cost_one_answer_each_and_nothing_else(
    tmp_path: Path, database: str, postgres: Postgres
) -> None:
    with served(tmp_path, database) as (server, client):
        studio = server.cloud.studios.found("Toy")
        device = paired(server.cloud, studio, client)
        device.submit(marks(30))
        name = database.rsplit("/", 1)[1]
        sent = 0
        for _ in range(5):
            device.push(sent + 1, sent + 2)
            sent += 2
            postgres.execute(
                f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}' AND pid <> pg_backend_pid()"
            )
            for _ in range(20):
                answer = device.send(device.batch(sent + 1, sent + 2))
                if answer.status_code == 200:
                    break
                assert code_of(answer) == (503, "cloud.database_unreachable")
            else:
                pytest.fail("the cloud did not find its database again")
            sent += 2
        checked = audit(server.cloud.books, studio.id, verify=is_signed)
        assert (checked.ok, checked.entries) == (True, sent)


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_each_side_notices_within_half_a_minute_that_the_other_vanished(database: str) -> None:
    """A lost worker lets go of the studio it was writing, a lost server of the workers that wait for it."""
    found = Database(database)
    with found.survey() as connection:
        driver: Any = connection.connection.driver_connection
        here = driver.info.get_parameters()
        names = ("idle", "interval", "count")
        there = {name: connection.exec_driver_sql(f"SHOW tcp_keepalives_{name}").scalar() for name in names}
        assert there == {name: here[f"keepalives_{name}"] for name in names}
        assert int(there["idle"]) + int(there["interval"]) * int(there["count"]) <= 30
        assert connection.exec_driver_sql("SHOW tcp_user_timeout").scalar() == here["tcp_user_timeout"] == "25000"
    found.close()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="a small disk is a tmpfs of Linux")
@pytest.mark.expected_log("cloud.database_full", reason="the disk is full on purpose")
def test_a_full_disk_of_postgresql_keeps_nothing_by_halves(tmp_path: Path, own: Server) -> None:
    """A tablespace on a small tmpfs fills up while the log has room, as a data disk beside a WAL disk does."""
    with ExitStack() as stack:
        small = stack.enter_context(mounted(own))
        place = Postgres(own.url)
        place.execute(f"CREATE TABLESPACE small LOCATION '{small}'")
        place.execute("CREATE DATABASE tight TABLESPACE small STRATEGY FILE_COPY")
        server, client = stack.enter_context(served(tmp_path, place.url("tight")))
        studio = server.cloud.studios.found("Toy")
        device = paired(server.cloud, studio, client)
        ballast = small / "ballast"
        fill(ballast)
        device.submit(marks(600))
        sent = 0
        while sent < 600:
            answer = device.send(device.batch(sent + 1, sent + 50))
            if answer.status_code != 200:
                assert code_of(answer) == (503, "cloud.database_full")
                break
            sent += 50
        else:
            pytest.fail("the disk did not fill up")
        checked = audit(server.cloud.books, studio.id, verify=is_signed)
        assert (checked.ok, checked.entries) == (True, sent)
        ballast.unlink()
        while sent < 600:
            sent = device.push(sent + 1, sent + 50).acked
        checked = audit(server.cloud.books, studio.id, verify=is_signed)
        assert (checked.ok, checked.entries) == (True, 600)


@contextmanager
def mounted(server: Server) -> Iterator[Path]:
    """A real small disk that the server may write on; skipped where this process may not mount one."""
    folder = Path(tempfile.mkdtemp(prefix="classtap-small-"))
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(folder)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        folder.rmdir()
        pytest.skip(f"no tmpfs can be mounted here: {done.stderr.strip()}")
    try:
        server.give(folder)
        yield folder
    finally:
        server.stop()
        subprocess.run(["umount", str(folder)], check=True)
        folder.rmdir()


def fill(ballast: Path) -> None:
    """Leave a megabyte."""
    room = shutil.disk_usage(ballast.parent).free - 1_000_000
    ballast.write_bytes(b"\0" * max(room, 0))


@pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)
def test_a_database_of_yesterday_takes_again_what_it_lost(tmp_path: Path, database: str, postgres: Postgres) -> None:
    """Devices know more than the cloud: it says from where, and everything comes again, once."""
    saved = tmp_path / "yesterday"
    with served(tmp_path, database) as (server, client):
        studio = server.cloud.studios.found("Toy")
        device, later = paired(server.cloud, studio, client), None
        device.submit(marks(30))
        device.push(1, 10)
        seed(server.cloud, studio.id, enrolments(3))
        early = device.pull(*ALL).cursor
        save(server, saved, database, postgres)
        device.push(11, 30)
        seed(server.cloud, studio.id, enrolments(2, house="h2"))
        cursor = device.pull(*ALL, cursor=early).cursor
        later = paired(server.cloud, studio, client)
    bring_back(tmp_path, saved, database, postgres)
    with served(tmp_path, database) as (server, client):
        device.client = later.client = client
        answer = device.send(device.batch(21, 30))
        assert code_of(answer) == (409, "sync.gap")
        assert protocol.decode(protocol.Problem, answer.content).params["expected"] == 11
        page = device.pull(*ALL, cursor=cursor)
        assert page.resnapshot == ALL  # a cursor from a day that never was: everything anew, and nothing by halves
        assert len(device.push(11, 30).answers) == 20
        assert code_of(client.get("/sync/v1/pull", headers=later.headers)) == (401, "auth.token")
        checked = audit(server.cloud.books, studio.id, verify=is_signed)
        assert (checked.ok, checked.entries) == (True, 33)
        assert len(device.pull("roster/*").rows) == 30
        # It has grown past that day since: the number alone would fit, what was decided under it is something else.
        seed(server.cloud, studio.id, enrolments(5, house="h3"))
        page = device.pull(*ALL, cursor=cursor)
        assert (page.rows, page.resnapshot, page.through) == ((), ALL, 38)
        assert device.pull(*ALL, cursor=early).resnapshot == ()
        assert device.pull(*ALL, cursor=page.cursor).resnapshot == ()


def save(server: CloudServer, place: Path, database: str, postgres: Postgres) -> None:
    if not database:
        file = server.cloud.database._engine.url.database
        assert file is not None
        source, target = sqlite3.connect(file), sqlite3.connect(place)
        source.backup(target)
        source.close()
        target.close()
        return
    place.write_bytes(postgres.dump(database))


def bring_back(folder: Path, place: Path, database: str, postgres: Postgres) -> None:
    if not database:
        for old in (folder / "cloud").glob("cloud.db*"):
            old.unlink()
        shutil.copy(place, folder / "cloud" / "cloud.db")
        return
    postgres.restore(database, place.read_bytes())
