"""Live hints: after a commit those who may look are told, and nobody keeps the server from ending."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from cloud.composition import Cloud
from cloud.serve import CloudServer
from cloud.storage.directory import StudioEntry
from sync import protocol
from tests.cloud.conftest import paired
from tests.cloud.rig import Device, enrolments, make_cloud, marks, seed


class Stream:
    """An open stream of events, read one by one."""

    def __init__(self, response: httpx.Response) -> None:
        self._lines = response.iter_lines()

    def next(self) -> int | str:
        """The next hint's sequence, or the comment that keeps the connection alive."""
        for line in self._lines:
            if line.startswith("data: "):
                hint: protocol.Hint = protocol.decode(protocol.Hint, line[6:].encode())
                return hint.through
            if line.startswith(":"):
                return line
        return "end"


def listening(device: Device, *scopes: str) -> Iterator[Stream]:
    with device.client.stream(
        "GET", "/sync/v1/live", headers=device.headers, params={"scope": list(scopes)}
    ) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        yield Stream(response)


@pytest.fixture
def stream(device: Device) -> Iterator[Stream]:
    yield from listening(device)


def test_a_hint_follows_each_commit(stream: Stream, device: Device, cloud: Cloud, studio: StudioEntry) -> None:
    assert stream.next() == 0
    device.submit(marks(3))
    device.push(1, 3)
    assert stream.next() == 3
    seed(cloud, studio.id, enrolments(1))
    assert stream.next() == 4


def test_no_hint_for_what_one_may_not_hold(cloud: Cloud, studio: StudioEntry, client: httpx.Client) -> None:
    narrow = paired(cloud, studio, client, scopes=("families/h1",))
    elsewhere = cloud.studios.found("Elsewhere")
    for stream in listening(narrow, "families/*"):
        assert stream.next() == 0
        seed(cloud, studio.id, enrolments(1, house="h2"))
        seed(cloud, studio.id, marks(1, house="h1"))
        seed(cloud, elsewhere.id, enrolments(1, house="h1"))
        seed(cloud, studio.id, enrolments(1, house="h1"))
        assert stream.next() == 3


def test_no_hint_for_kinds_that_are_not_for_its_role(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cloud.app.kinds_withheld", lambda role, records: frozenset({"child"}))
    with (
        CloudServer(make_cloud(tmp_path), heartbeat_s=0.1) as server,
        httpx.Client(base_url=server.url, timeout=60) as client,
    ):
        studio = server.cloud.studios.found("Toy")
        device = paired(server.cloud, studio, client)
        for stream in listening(device):
            assert stream.next() == 0
            seed(server.cloud, studio.id, enrolments(1))
            assert stream.next() == ": beat", "a child is no kind of its"
            seed(server.cloud, studio.id, marks(1))
            while (heard := stream.next()) == ": beat":
                pass
            assert heard == 2


def test_a_revoked_devices_stream_ends(stream: Stream, device: Device, cloud: Cloud) -> None:
    assert stream.next() == 0
    assert device.papers is not None
    cloud.studios.revoke(device.papers.studio, device.papers.device)
    assert stream.next() == "end"
    assert len(cloud.hints) == 0


def test_silence_is_broken_by_a_beat(tmp_path: Path) -> None:
    with (
        CloudServer(make_cloud(tmp_path), heartbeat_s=0.05) as server,
        httpx.Client(base_url=server.url, timeout=60) as client,
    ):
        device = paired(server.cloud, server.cloud.studios.found("Toy"), client)
        for stream in listening(device):
            assert stream.next() == 0
            assert stream.next() == ": beat"


def test_the_server_ends_with_streams_open(tmp_path: Path) -> None:
    server = CloudServer(make_cloud(tmp_path)).start()
    with httpx.Client(base_url=server.url, timeout=60) as client:
        device = paired(server.cloud, server.cloud.studios.found("Toy"), client)
        for stream in listening(device):
            assert stream.next() == 0
            server.stop()
            assert stream.next() == "end"
