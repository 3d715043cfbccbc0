"""Moving to another database: nothing lost, nothing twice, taken up where it broke off, and never two that take writes."""

import json
import threading
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select, text

from classtap_core.kernel.errors import EnvironmentFault, Refused
from classtap_core.kernel.ids import Id
from cloud.composition import Cloud
from cloud.moving import copy_cloud, reopen_cloud
from cloud.serve import CloudServer
from cloud.storage import copying
from cloud.storage.audit import audit
from cloud.storage.copying import _Copying
from cloud.storage.database import Database
from cloud.storage.directory import UNFINISHED
from cloud.storage.pulls import pull
from cloud.storage.tables import make_tables
from sync.signed import is_signed
from tests.cloud.conftest import paired
from tests.cloud.postgres import Postgres
from tests.cloud.rig import ALL, Device, code_of, enrolments, make_cloud, marks, seed
from tests.unit.kernel import toy

BUS = toy.bus(authority=True)


@pytest.fixture(params=["sqlite to postgresql", "postgresql to postgresql", "postgresql to sqlite"])
def ways(request: pytest.FixtureRequest, tmp_path: Path, postgres: Postgres) -> tuple[str, str]:
    """Two empty places: from and to."""
    urls = []
    for number, engine in enumerate(request.param.split(" to ")):
        (tmp_path / "cloud").mkdir(mode=0o700, exist_ok=True)
        urls.append(
            f"sqlite:///{tmp_path / 'cloud' / f'{number}.db'}"
            if engine == "sqlite"
            else postgres.url(postgres.database())
        )
    return urls[0], urls[1]


def opened(folder: Path, url: str) -> Cloud:
    return make_cloud(folder, url=url)


def everything(url: str) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of both kinds of tables but those that only this place needs."""
    found = Database(url)
    tables = make_tables(toy.registry(), found.dialect)
    try:
        with found.survey() as connection:
            return {
                table.name.removeprefix("directory_"): sorted(
                    (tuple(row) for row in connection.execute(select(table))), key=repr
                )
                for table in (*tables.of_studios, *tables.directory)
                if table not in (tables.facts, tables.wakes)
            }
    finally:
        found.close()


def filled(folder: Path, url: str, studios: int = 3) -> list[Id]:
    cloud = opened(folder, url)
    made = []
    for number in range(studios):
        made.append(cloud.studios.found(f"Studio {number}").id)
        seed(cloud, made[-1], [*enrolments(4), *marks(3)])
        cloud.studios.pairing_code(made[-1], role="kiosk", location=Id("10" * 16), name="K")
    cloud.close()
    return made


def test_a_copy_is_the_same_row_for_row_and_serves(tmp_path: Path, ways: tuple[str, str]) -> None:
    source, target = ways
    studios = filled(tmp_path, source)
    found = copy_cloud(source, target, BUS)
    assert found.studios == len(studios)
    assert everything(source) == everything(target)
    cloud = make_cloud(tmp_path, url=target)
    for studio in studios:
        assert audit(cloud.books, studio, verify=is_signed).ok
        seed(cloud, studio, enrolments(1, house="h9"))
        assert len(pull(cloud.books, studio, ("families/h9",), cursor="", most=9).rows) == 1
    cloud.close()


def test_no_table_of_a_studio_is_left_behind(tmp_path: Path, ways: tuple[str, str]) -> None:
    """Whatever table a room adds: a row in each that this studio has none in."""
    source, target = ways
    (studio,) = filled(tmp_path, source, 1)
    found = Database(source)
    tables = make_tables(toy.registry(), found.dialect)
    with found.administer() as connection:
        for table in tables.of_studios:
            apart = table.name.startswith("record_") or table.foreign_keys  # copied by the log
            if not apart and connection.scalar(select(func.count()).select_from(table)) == 0:
                made = {str: "x", int: 1, bytes: b"x"}
                row = {column.name: made[column.type.python_type] for column in table.columns}
                connection.execute(table.insert(), [{**row, "studio_id": studio}])
    found.close()
    copy_cloud(source, target, BUS)
    here, there = everything(source), everything(target)
    derived = {"trail", "trail_head", "trail_name"}  # what finds entries of the log: made again where it is looked for
    assert {name: there[name] for name in here.keys() - derived} == {name: here[name] for name in here.keys() - derived}
    assert {"address", "wallet", "guard"} <= {name for name, rows in there.items() if rows}
    assert not any(there[name] for name in derived)


def test_what_was_copied_takes_no_more_writes_until_it_is_opened_again(tmp_path: Path, ways: tuple[str, str]) -> None:
    source, target = ways
    (studio,) = filled(tmp_path, source, 1)
    running = opened(tmp_path, source)
    copy_cloud(source, target, BUS)
    with pytest.raises(EnvironmentFault, match=r"cloud\.moved"):
        seed(running, studio, enrolments(1))
    with pytest.raises(EnvironmentFault, match=r"cloud\.moved"):
        running.studios.found("Another")
    assert len(pull(running.books, studio, ALL, cursor="", most=99).rows) > 0
    with pytest.raises(EnvironmentFault, match=r"cloud\.moved"):
        opened(tmp_path, source)
    with pytest.raises(Refused, match=r"copy\.not_empty"):
        copy_cloud(source, target, BUS)
    reopen_cloud(source, BUS)
    seed(running, studio, enrolments(1))
    running.close()


class Broken(Exception):
    """What breaks a copy off in these tests."""


@pytest.mark.parametrize("where", [0, 1, 2, "small", "finish"])
def test_a_copy_that_broke_off_is_gone_on_with(
    tmp_path: Path, ways: tuple[str, str], where: int | str, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = ways
    studios = filled(tmp_path, source)
    step, after = _Copying._step, {"left": where if isinstance(where, int) else 99}

    def breaks(self: _Copying, *given: Any, **more: Any) -> Any:
        if after["left"] == 0:
            raise Broken
        after["left"] -= 1
        return step(self, *given, **more)

    with monkeypatch.context() as patched:
        patched.setattr(_Copying, "_step", breaks)
        if isinstance(where, str):
            patched.setattr(_Copying, f"_{where}", lambda _: (_ for _ in ()).throw(Broken))
        with pytest.raises(Broken):
            copy_cloud(source, target, BUS)
    with pytest.raises(EnvironmentFault, match=r"cloud\.copying"):
        opened(tmp_path, target)
    cloud = opened(tmp_path, source)  # it is open again, or still
    seed(cloud, studios[0], enrolments(2, house="h5"))
    cloud.close()
    found = copy_cloud(source, target, BUS)
    assert everything(source) == everything(target)
    if where == 2:
        assert found.rows < 2 * sum(map(len, everything(target).values()))


def test_what_was_changed_on_the_way_is_found(
    tmp_path: Path, ways: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = ways
    filled(tmp_path, source, 1)
    put = _Copying._put

    def bent(self: _Copying, connection: Any, table: Any, rows: Any) -> None:
        if table.name == "log" and rows:
            last = list(rows[-1])
            place = table.columns.keys().index("envelope")
            last[place] = last[place][:-1] + b"?"
            rows = [*rows[:-1], tuple(last)]
        put(self, connection, table, rows)

    monkeypatch.setattr(_Copying, "_put", bent)
    with pytest.raises(EnvironmentFault, match=r"copy\.differs"):
        copy_cloud(source, target, BUS)
    with pytest.raises(EnvironmentFault, match=r"cloud\.copying"):
        opened(tmp_path, target)
    opened(tmp_path, source).close()


def test_a_place_that_is_taken_is_left_alone(tmp_path: Path, ways: tuple[str, str]) -> None:
    source, target = ways
    filled(tmp_path, source, 1)
    filled(tmp_path, target, 1)
    before = everything(target)
    with pytest.raises(Refused, match=r"copy\.not_empty"):
        copy_cloud(source, target, BUS)
    assert everything(target) == before
    with pytest.raises(Refused, match=r"copy\.same"):
        copy_cloud(source, source, BUS)
    opened(tmp_path, source).close()


def test_a_long_log_goes_in_steps(tmp_path: Path, ways: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    source, target = ways
    filled(tmp_path, source, 2)
    monkeypatch.setattr(copying, "_STEP", 3)
    copy_cloud(source, target, BUS)
    assert everything(source) == everything(target)


@pytest.mark.expected_log("cloud.moved", reason="the source is shut while devices push")
def test_devices_that_push_all_the_while_lose_nothing(tmp_path: Path, postgres: Postgres) -> None:
    """A SQLite file is served and pushed to while it is copied to PostgreSQL; the devices go on there."""
    tmp_path.chmod(0o700)
    source, target = f"sqlite:///{tmp_path / 'cloud.db'}", postgres.url(postgres.database())
    server = CloudServer(make_cloud(tmp_path, url=source)).start()
    studios = [server.cloud.studios.found(f"Studio {number}") for number in range(3)]
    shut, started = threading.Event(), threading.Barrier(4)
    with httpx.Client(base_url=server.url, timeout=60) as client:
        devices = [paired(server.cloud, entry, client) for entry in studios]
        for device in devices:
            device.submit(marks(600))
        sent = dict.fromkeys(range(3), 0)

        def push(number: int) -> None:
            started.wait(10)
            while sent[number] < 600 and not shut.is_set():
                first = sent[number] + 1
                answer = devices[number].send(devices[number].batch(first, first + 4))
                if answer.status_code == 503:
                    assert code_of(answer) == (503, "cloud.moved")
                    shut.set()
                    return
                assert answer.status_code == 200, answer.text
                sent[number] += 5

        threads = [threading.Thread(target=push, args=(number,)) for number in range(3)]
        for thread in threads:
            thread.start()
        started.wait(10)
        found = copy_cloud(source, target, BUS)
        for thread in threads:
            thread.join()
        server.stop()
    assert found.freeze_s < 10
    assert sum(sent.values()) > 0
    with CloudServer(make_cloud(tmp_path, url=target)) as moved, httpx.Client(base_url=moved.url, timeout=60) as client:
        for number, device in enumerate(devices):
            device.client = client
            # The last answer may have been lost on the way; whatever was acknowledged is there.
            finish(device, max(sent[number] - 4, 1))
        for entry in studios:
            checked = audit(moved.cloud.books, entry.id, verify=is_signed)
            assert (checked.ok, checked.entries) == (True, 600)
        log = moved.cloud.books.tables.log
        with moved.cloud.database.administer() as connection:
            assert connection.scalar(select(func.count()).select_from(log)) == 1_800


def finish(device: Device, first: int) -> None:
    for start in range(first, 601, 300):
        device.push(start, min(start + 299, 600))


def test_the_facts_of_a_finished_copy_hold_no_trace_of_it(tmp_path: Path, ways: tuple[str, str]) -> None:
    source, target = ways
    filled(tmp_path, source, 1)
    copy_cloud(source, target, BUS)
    found = Database(target)
    tables = make_tables(toy.registry(), found.dialect)
    with found.survey() as connection:
        names = set(connection.scalars(select(tables.facts.c.name)))
    found.close()
    assert names == {"records", "secret", "copy_of"}
    assert UNFINISHED not in json.dumps(sorted(names))


def test_postgresql_knows_what_it_was_given(tmp_path: Path, postgres: Postgres) -> None:
    """Without statistics it guesses, and the first minutes after a move are its slowest."""
    (tmp_path / "cloud").mkdir(mode=0o700)
    source, target = f"sqlite:///{tmp_path / 'cloud' / 'cloud.db'}", postgres.url(postgres.database())
    filled(tmp_path, source, 1)
    copy_cloud(source, target, BUS)
    found = Database(target)
    log = make_tables(toy.registry(), found.dialect).log
    with found.survey() as connection:
        there = connection.scalar(select(func.count()).select_from(log))
        counted = text("SELECT reltuples FROM pg_class WHERE oid = CAST(:log AS regclass)")
        assert there
        assert connection.scalar(counted, {"log": log.name}) == there
    found.close()
