"""A cloud of a thousand studios moves from SQLite to PostgreSQL while devices push: how long nothing is taken, and what is lost."""

import json
import subprocess
import sys
import threading
from pathlib import Path

import httpx
import pytest
from sqlalchemy import func, select

from cloud.serve import CloudServer
from cloud.storage.audit import audit
from cloud.storage.copying import Copied
from sync.signed import is_signed
from tests.cloud.conftest import paired
from tests.cloud.databases import postgres
from tests.cloud.postgres import Postgres
from tests.cloud.rig import code_of, enrolments, make_cloud, marks, seed
from tests.fault.conftest import Report

__all__ = ["postgres"]

ROOT = Path(__file__).parents[2]
STUDIOS, PUSHING = 1_000, 10
FREEZE_S = 10


@pytest.mark.fault
@pytest.mark.expected_log("cloud.moved", reason="the source is shut while devices push")
@pytest.mark.expected_log("the write-ahead log has grown", reason="the copy reads all the while that devices push")
def test_a_thousand_studios_move_with_devices_pushing(tmp_path: Path, postgres: Postgres, report: Report) -> None:
    tmp_path.chmod(0o700)
    source, target = f"sqlite:///{tmp_path / 'cloud.db'}", postgres.url(postgres.database())
    with CloudServer(make_cloud(tmp_path, url=source)) as server:
        studios = [server.cloud.studios.found(f"Studio {number}") for number in range(STUDIOS)]
        for entry in studios:
            seed(server.cloud, entry.id, [*enrolments(3), *marks(2)])
        with httpx.Client(base_url=server.url, timeout=60) as client:
            devices = [paired(server.cloud, entry, client) for entry in studios[:PUSHING]]
            acked, shut = [0] * PUSHING, threading.Event()

            def push(number: int) -> None:
                while not shut.is_set():
                    first = acked[number] + 1
                    devices[number].submit(marks(5, start=acked[number]))
                    answer = devices[number].send(devices[number].batch(first, first + 4))
                    if answer.status_code != 200:
                        assert code_of(answer) == (503, "cloud.moved")
                        shut.set()
                        return
                    acked[number] += 5

            threads = [threading.Thread(target=push, args=(number,)) for number in range(PUSHING)]
            for thread in threads:
                thread.start()
            command = [sys.executable, "-m", "tests.cloud.copying", source, target]
            done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
            found = Copied(**json.loads(done.stdout))
            for thread in threads:
                thread.join()  # each pushed until one met the shut
    report(f"{found.studios} studios, {found.rows} rows, {sum(acked)} marks meanwhile, freeze {found.freeze_s:.2f} s")
    assert found.freeze_s < FREEZE_S
    moved = make_cloud(tmp_path, url=target)
    try:
        log = moved.books.tables.log.c
        with moved.database.survey() as connection:
            kept = dict(connection.execute(select(log.studio_id, func.count()).group_by(log.studio_id)).all())
        for number, entry in enumerate(studios):
            # A push whose commit came before the shut and whose answer after it was not counted by its device.
            sent = acked[number] if number < PUSHING else 0
            assert kept[entry.id] - 5 - sent in ((0, 5) if number < PUSHING else (0,))
        for entry in studios[: PUSHING + 10]:
            assert audit(moved.books, entry.id, verify=is_signed).ok
    finally:
        moved.close()
