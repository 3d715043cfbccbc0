"""A studio of the toy room, served on loopback, and a device paired with it."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from classtap_core import house
from classtap_core.kernel.clock import ManualClock
from cloud.composition import Cloud, open_cloud
from cloud.jobs.ticks import Ticks
from cloud.serve import CloudServer
from cloud.storage.directory import StudioEntry
from tests.cloud.databases import asking, cluster, database, house_database, postgres, shared
from tests.cloud.house_rig import House
from tests.cloud.rig import CITUS, PLACE, START_MS, Device, make_cloud, prepare
from tests.unit.house import world

__all__ = ["asking", "cluster", "database", "house_database", "paired", "postgres", "shared"]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START_MS)


@pytest.fixture
def server(tmp_path: Path, clock: ManualClock, database: str) -> Iterator[CloudServer]:
    with CloudServer(make_cloud(tmp_path, clock=clock, url=database)) as running:
        yield running


@pytest.fixture
def cloud(server: CloudServer) -> Cloud:
    return server.cloud


@pytest.fixture
def studio(cloud: Cloud) -> StudioEntry:
    return cloud.studios.found("Toy studio")


@pytest.fixture
def client(server: CloudServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, timeout=60) as made:
        yield made


@pytest.fixture
def device(cloud: Cloud, studio: StudioEntry, client: httpx.Client) -> Device:
    return paired(cloud, studio, client)


def paired(
    cloud: Cloud, studio: StudioEntry, client: httpx.Client, scopes: tuple[str, ...] | None = None, *,
    role: str = "kiosk",
) -> Device:  # fmt: skip
    """One more device of a studio."""
    code = cloud.studios.pairing_code(studio.id, role=role, location=PLACE, name="Front door", scopes=scopes)
    made = Device(client)
    answer = made.pair(code.code)
    assert answer.status_code == 200, answer.text
    return made


@pytest.fixture
def home(tmp_path: Path, house_database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    monkeypatch.setattr(Ticks, "start", lambda ticks: None)  # here the test says when
    clock = ManualClock(world.NINE)
    tmp_path.chmod(0o700)
    bus = house.bus(authority=True)
    if house_database:
        prepare(house_database, bus, distributed=house_database == CITUS)
    made = open_cloud(tmp_path, bus, url=house_database, clock=clock)
    with CloudServer(made) as server, httpx.Client(base_url=server.url, timeout=60) as client:
        yield House(server, clock, client)
