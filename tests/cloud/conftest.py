"""A studio of the toy room, served on loopback, and a device paired with it."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from classtap_core.kernel.clock import ManualClock
from cloud.composition import Cloud
from cloud.serve import CloudServer
from cloud.storage.directory import StudioEntry
from tests.cloud.databases import asking, cluster, database, house_database, postgres, shared
from tests.cloud.rig import PLACE, START_MS, Device, make_cloud

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
    with httpx.Client(base_url=server.url, timeout=20) as made:
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
