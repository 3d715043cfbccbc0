"""A server killed in the middle of a push: whatever the device does not know, it sends again, and it counts once."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from cloud.storage.audit import audit
from sync import protocol
from sync.signed import is_signed
from tests.cloud.rig import PLACE, Device, make_cloud, marks

ROOT = Path(__file__).parents[2]


@contextmanager
def running(folder: Path, point: str) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    command = [sys.executable, "-m", "tests.cloud.crashing", str(folder), point]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().strip(), process
        finally:
            process.terminate()
            process.wait(20)


@pytest.mark.parametrize("point", ["decided", "committed"])
def test_killed_around_the_commit_and_sent_again_counts_once(tmp_path: Path, point: str) -> None:
    cloud = make_cloud(tmp_path)
    studio = cloud.studios.found("Toy")
    code = cloud.studios.pairing_code(studio.id, role="kiosk", location=PLACE, name="K").code
    cloud.close()
    with running(tmp_path, point) as (url, process), httpx.Client(base_url=url, timeout=60) as client:
        device = Device(client)
        assert device.pair(code).status_code == 200
        device.submit(marks(40))
        with pytest.raises(httpx.TransportError):
            device.push(1, 40)
        assert process.wait(20) == -9
    with running(tmp_path, "never") as (url, process), httpx.Client(base_url=url, timeout=60) as client:
        device.client = client
        pushed = device.push(1, 40)
        assert [answer.included for answer in pushed.answers] == list(range(1, 41))
        again = device.push(1, 40)
        assert again.answers == pushed.answers
        page = device.pull("roster/*")
        assert len(page.rows) == 40
        assert all(bytes(row.body).count(b'"order"') == 1 for row in page.rows)
        process.terminate()
        assert process.wait(20) in (0, -15)
    cloud = make_cloud(tmp_path)
    checked = audit(cloud.books, studio.id, verify=is_signed)
    cloud.close()
    assert (checked.ok, checked.entries) == (True, 40)


def test_a_child_tells_where_it_listens(tmp_path: Path) -> None:
    with running(tmp_path, "never") as (url, _), httpx.Client(base_url=url, timeout=60) as client:
        assert client.get("/healthz").text == "ok\n"
        assert client.get("/readyz").text == "ready\n"
        assert 'path="/healthz",status="200"} 1' in client.get("/metrics").text
        assert protocol.decode(dict, client.get("/openapi/sync.json").content)["info"]["title"] == "ClassTap sync"
