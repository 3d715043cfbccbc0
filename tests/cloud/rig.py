"""A cloud on a real file, a server on loopback, and devices that speak to it with bare HTTP: no client engine here."""

import gzip
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import httpx
import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import make_url

from classtap_core.kernel.authority import CloudDraft
from classtap_core.kernel.bus import Bus
from classtap_core.kernel.clock import ManualClock
from classtap_core.kernel.device import DeviceBus
from classtap_core.kernel.device_store import Entry
from classtap_core.kernel.envelope import Author, batch_statement
from classtap_core.kernel.ids import Id, derived
from classtap_core.kernel.memory import MemoryDevice
from classtap_core.kernel.operations import Payload
from cloud.composition import Cloud, open_cloud
from cloud.storage.database import Database
from cloud.storage.layout import Layout
from cloud.storage.tables import make_tables
from sync import protocol
from tests.unit.kernel import toy


def few_shards(url: str) -> str:
    """A cluster's address, over which tables are made of four shards each: every test empties all of them."""
    if not url:
        return ""
    found = make_url(url)
    if found.drivername in ("postgres", "postgresql"):
        found = found.set(drivername="postgresql+psycopg")
    options = f"{found.query.get('options', '')} -c citus.shard_count=4".strip()
    return found.update_query_dict({"options": options}).render_as_string(hide_password=False)


START_MS = 1_790_000_000_000
PLACE = Id("10" * 16)
STAFF = Author(type="staff", id=Id("5a" * 16))
CITUS = few_shards(os.environ.get("CLASSTAP_CITUS_URL", ""))
ALL = ("schedule", "families/*", "roster/*")


def child_id(number: int) -> Id:
    return derived("test-child", str(number))


def marks(count: int, *, start: int = 0, house: str = "h1") -> list[Payload]:
    """One mark each for so many children."""
    return [
        toy.MarkPresence(house=house, items=(toy.Item(child_id(number), "present", f"note {number}"),))
        for number in range(start, start + count)
    ]


def make_cloud(folder: Path, *, clock: ManualClock | None = None, bus: Bus | None = None, url: str = "") -> Cloud:
    """A cloud over a room of the tests, in `folder`, on the database at `url` or a file in the folder."""
    folder.chmod(0o700)
    made = bus or toy.bus(authority=True)
    if url:
        prepare(url, made, distributed=url == CITUS)
    return open_cloud(folder, made, url=url, clock=clock or ManualClock(START_MS), scopes_of=lambda role, place: ALL)


def prepare(url: str, bus: Bus, *, distributed: bool = False) -> None:
    """What `classtap cloud init` does to a database."""
    found = Database(url)
    try:
        Layout(found, make_tables(bus.registry, found.dialect)).prepare(distributed=distributed)
    finally:
        found.close()


def seed(cloud: Cloud, studio: Id, payloads: Iterable[Payload]) -> None:
    """Have the studio's own device author operations."""
    device = cloud.studios.studio(studio).cloud_device
    cloud.studios.authority(studio).author_all(device, [CloudDraft(payload, STAFF, "test") for payload in payloads])


def enrolments(count: int, *, house: str = "h1") -> list[Payload]:
    return [toy.Enrol(child=child_id(number), house=house, name=f"Åsa {number}") for number in range(count)]


class Device:
    """A device in memory whose batches go out as bytes that a test can bend."""

    def __init__(self, client: httpx.Client, clock: ManualClock | None = None) -> None:
        self.client = client
        self.key = Ed25519PrivateKey.generate()
        self.papers: protocol.Paired | None = None
        self.clock = clock or ManualClock(START_MS)

    def pair(self, code: str, *, name: str = "Kiosk") -> httpx.Response:
        public = self.key.public_key().public_bytes_raw().hex()
        asked = protocol.Pair(code=code, public_key=public, name=name, program="test")
        answer = self.client.post("/sync/v1/pair", content=protocol.encode(asked))
        if answer.status_code == 200:
            self.papers = protocol.decode(protocol.Paired, answer.content)
            self.store = MemoryDevice(
                toy.registry(), studio=self.papers.studio, device=self.papers.device, scopes=self.papers.scopes
            )
            self.bus = DeviceBus(self.store, toy.bus(authority=False), self.clock, os.urandom)
        return answer

    @property
    def headers(self) -> dict[str, str]:
        assert self.papers is not None
        return {"Authorization": f"Bearer {self.papers.token}"}

    def submit(self, payloads: Iterable[Payload]) -> None:
        for payload in payloads:
            self.clock.advance(10)
            self.bus.submit(payload, STAFF)

    def batch(
        self, first: int, last: int, *, scopes: Sequence[str] = (), cursor: str = "", **bent: Any
    ) -> protocol.Push:
        """The push of the entries from `first` to `last`, signed; `bent` replaces fields after signing."""
        assert self.papers is not None
        entries: list[Entry] = self.store.log[first - 1 : last]
        statement = batch_statement(
            studio=self.papers.studio, device=self.papers.device, epoch=1,
            last_sequence=entries[-1].sequence, last_hash=entries[-1].hash,
        )  # fmt: skip
        push = protocol.Push(
            studio=self.papers.studio, device=self.papers.device, epoch=1,
            items=tuple(protocol.wire_operation(entry.data, entry.parts) for entry in entries),
            signature=self.key.sign(statement).hex(), scopes=tuple(scopes), cursor=cursor,
        )  # fmt: skip
        return msgspec.structs.replace(push, **bent)

    def send(self, push: protocol.Push) -> httpx.Response:
        body = gzip.compress(protocol.encode(push), 1)
        return self.client.post("/sync/v1/push", content=body, headers={**self.headers, "Content-Encoding": "gzip"})

    def push(self, first: int, last: int, **more: Any) -> protocol.Pushed:
        answer = self.send(self.batch(first, last, **more))
        assert answer.status_code == 200, answer.text
        pushed: protocol.Pushed = protocol.decode(protocol.Pushed, answer.content)
        return pushed

    def pull(self, *scopes: str, cursor: str = "") -> protocol.Page:
        answer = self.client.get(
            "/sync/v1/pull", params={"cursor": cursor, "scope": list(scopes)}, headers=self.headers
        )
        assert answer.status_code == 200, answer.text
        page: protocol.Page = protocol.decode(protocol.Page, answer.content)
        return page

    def snapshot(self, scope: str, **params: Any) -> protocol.SnapshotPage:
        answer = self.client.get(f"/sync/v1/snapshot/{scope}", params=params, headers=self.headers)
        assert answer.status_code == 200, answer.text
        page: protocol.SnapshotPage = protocol.decode(protocol.SnapshotPage, answer.content)
        return page


def code_of(answer: httpx.Response) -> tuple[int, str]:
    """Status and stable code of a problem."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    found = protocol.decode(protocol.Problem, answer.content)
    assert found.status == answer.status_code
    return answer.status_code, found.code
