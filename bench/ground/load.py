"""Many studios with paired devices, and pushes made ahead: what load is put on a cloud with."""

import asyncio
import gzip
import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from itertools import cycle
from pathlib import Path
from typing import NamedTuple

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bench.ground import studio as ground
from classtap_cli.demo.studio import make_studio
from classtap_core import house
from classtap_core.booking.operations import CreateBooking
from classtap_core.checkin.operations import ChildMark, MarkAttendance
from classtap_core.kernel.authority import CloudDraft
from classtap_core.kernel.bus import Decision
from classtap_core.kernel.clock import SystemClock
from classtap_core.kernel.device import envelope_of
from classtap_core.kernel.envelope import GENESIS, Author, batch_statement, make_parts, write
from classtap_core.kernel.ids import Id, fresh
from classtap_core.kernel.operations import Operation
from classtap_core.kernel.outcomes import ACCEPTED, Status
from classtap_core.kernel.records import plain
from classtap_core.schedule.operations import AddSessions
from classtap_core.timekeeping.rules import local_of
from cloud.composition import Cloud, open_cloud
from sync import protocol

STUDIOS, DEVICES, HALL = 100, 10, 500
"""Studios with so many devices each; the first has a hall of devices more."""
LARGE = 2
"""The first studios are large: that of the hall, and one that can flood."""
FAMILIES, LARGE_FAMILIES = 120, 1_200
RUSH, LARGE_RUSH = 60, 600
"""Children with a place in a session about now, beside those of a common day."""
_REGISTRY = house.registry()


class Papers(NamedTuple):
    """A paired device of the load."""

    studio: Id
    device: Id
    token: str
    key: str


class Load(NamedTuple):
    """A cloud full of studios.

    Attributes:
        folder: holds `cloud`. devices: of each studio, in its order; hall: 500 more of the first studio.
        places: of each studio, the (session, child) pairs that can be marked.
    """

    folder: Path
    now_ms: int
    devices: list[list[Papers]]
    hall: list[Papers]
    places: list[list[tuple[Id, Id]]]


@cache
def load() -> Load:
    """The studios, made on first use (some minutes) and kept beside the ground."""
    key = hashlib.sha256(
        f"{ground._key()}/{STUDIOS}/{DEVICES}/{HALL}/{FAMILIES}/{LARGE}/{RUSH}/6".encode()
    ).hexdigest()[:16]
    folder = ground.CACHE.with_name("bench-load") / key
    if not (folder / "load.json").exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        for old in folder.parent.iterdir():
            shutil.rmtree(old)
        made = Path(tempfile.mkdtemp(prefix="new-", dir=folder.parent))
        _make(made)
        made.rename(folder)
    kept = json.loads((folder / "load.json").read_text())
    return Load(
        folder, kept["now_ms"], [[Papers(*one) for one in some] for some in kept["devices"]],
        [Papers(*one) for one in kept["hall"]], [[(a, b) for a, b in some] for some in kept["places"]],
    )  # fmt: skip


@contextmanager
def copied() -> Iterator[Path]:
    """A copy of the studios' cloud, to be changed and thrown away."""
    with tempfile.TemporaryDirectory(dir=load().folder.parent, prefix="run-") as folder:
        shutil.copytree(load().folder / "cloud", Path(folder) / "cloud")
        os.sync()
        yield Path(folder)


def _make(folder: Path) -> None:
    now_ms = SystemClock().now().wall
    folder.chmod(0o700)
    cloud = open_cloud(folder, house.bus(authority=True), clock=SystemClock(start_ms=now_ms))
    devices, places = [], []
    hall: list[Papers] = []
    try:
        for number in range(STUDIOS):
            large = number < LARGE
            plan = make_studio(1_000 + number, LARGE_FAMILIES if large else FAMILIES, now_ms)
            cloud.studios.found(
                plan.name, id=plan.studio, environment="test", pass_studio=plan.pass_number, cloud_device=plan.cloud,
                pepper=plan.pepper,
            )  # fmt: skip
            authority = cloud.studios.authority(plan.studio)
            rush, _due = ground.rush(plan, now_ms, check_ins=LARGE_RUSH if large else RUSH)
            plan = plan._replace(drafts=(*plan.drafts, *rush))
            for some in plan.chunks():
                authority.author_all(plan.cloud, [CloudDraft(one.payload, one.author, "bench") for one in some])
            devices.append([_paired(cloud, plan.studio, plan.main) for _ in range(DEVICES)])
            if not number:
                hall = [_paired(cloud, plan.studio, plan.main) for _ in range(HALL)]
            zone = next(one.payload.zone for one in plan.drafts if hasattr(one.payload, "zone"))
            today = local_of(now_ms, zone)[:10]
            now = {
                item.session
                for one in plan.drafts
                if isinstance(one.payload, AddSessions) and one.payload.location == plan.main
                for item in one.payload.items
                if item.start[:10] == today
            }
            places.append(
                [
                    (one.payload.session, one.payload.child)
                    for one in plan.drafts
                    if isinstance(one.payload, CreateBooking) and one.payload.session in now
                ]
            )
        ground.at_rest(cloud)
    finally:
        cloud.close()
    kept = {"now_ms": now_ms, "devices": devices, "hall": hall, "places": places}
    (folder / "load.json").write_text(json.dumps(kept))


def _paired(cloud: Cloud, studio: Id, location: Id) -> Papers:
    key = Ed25519PrivateKey.generate()
    code = cloud.studios.pairing_code(studio, role="kiosk", location=location, name="Kiosk").code
    public = key.public_key().public_bytes_raw().hex()
    papers = cloud.studios.pair(protocol.Pair(code=code, public_key=public, name="Kiosk", program="bench"))
    return Papers(studio, papers.device, papers.token, key.private_bytes_raw().hex())


class Pusher:
    """A device whose pushes are made without a store: envelopes chained and signed as a kiosk's are.

    It marks its places in turn: present, then what it said is taken back, then present again. So each mark changes
    something, whatever the others do, as long as no other device has the same places.
    """

    def __init__(self, papers: Papers, places: Sequence[tuple[Id, Id]], *, now_ms: int) -> None:
        self.papers = papers
        self._key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(papers.key))
        self._clock = SystemClock(start_ms=now_ms)
        self._places = cycle(places)
        self._said: dict[tuple[Id, Id], tuple[Id, str]] = {}
        self._sequence, self._hash = 0, GENESIS
        self._author = Author(type="device", id=papers.device)

    def request(self, count: int) -> bytes:
        """A whole HTTP request that pushes so many marks."""
        items = []
        for _ in range(count):
            place = next(self._places)
            last, state = self._said.get(place, ("", "none"))
            state = "present" if state == "none" else "none"
            at = self._clock.now()
            self._sequence += 1
            id = fresh(at.wall, os.urandom)
            self._said[place] = (id, state)
            payload = MarkAttendance(session=place[0], items=(ChildMark(child=place[1], state=state, corrects=last),))
            op = Operation(
                payload.SPEC, payload, id=id, studio=self.papers.studio, device=self.papers.device, epoch=1,
                sequence=self._sequence, author=self._author, at=at, source="kiosk",
            )  # fmt: skip
            parts = make_parts(op.spec.payload, plain(payload), os.urandom)
            sealed = write(envelope_of(op, Decision(op, ACCEPTED), self._hash, parts), parts)
            self._hash = sealed.hash
            items.append(protocol.wire_operation(sealed.data, sealed.parts))
        statement = batch_statement(
            studio=self.papers.studio, device=self.papers.device, epoch=1, last_sequence=self._sequence,
            last_hash=self._hash,
        )  # fmt: skip
        push = protocol.Push(
            studio=self.papers.studio, device=self.papers.device, epoch=1, items=tuple(items),
            signature=self._key.sign(statement).hex(), scopes=(), cursor="",
        )  # fmt: skip
        body = gzip.compress(protocol.encode(push), 1)
        return asked("POST", f"{protocol.PREFIX}/push", self.papers.token, body, "Content-Encoding: gzip\r\n")


def asked(method: str, path: str, token: str, body: bytes = b"", more: str = "") -> bytes:
    """A request's bytes."""
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: cloud\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Length: {len(body)}\r\n{more}\r\n"
    )
    return head.encode() + body


class Line:
    """One connection of a device, with as little work at this end as can be."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def to(cls, url: str) -> "Line":
        host, port = url.removeprefix("http://").split(":")
        return cls(*await asyncio.open_connection(host, int(port), limit=1 << 22))

    async def ask(self, request: bytes) -> tuple[int, bytes]:
        """Status and body."""
        self._writer.write(request)
        head = await self._reader.readuntil(b"\r\n\r\n")
        length = next(
            int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")
        )
        return int(head[9:12]), await self._reader.readexactly(length)

    async def stream(self, request: bytes) -> None:
        """Begin a stream of events."""
        self._writer.write(request)
        head = await self._reader.readuntil(b"\r\n\r\n")
        if head[9:12] != b"200":
            raise RuntimeError(head.decode())

    async def event(self) -> int | None:
        """The next hint's sequence; None when the stream has ended."""
        while True:
            line = await self._reader.readline()
            if not line or line == b"0\r\n":
                return None
            if line.startswith(b"data: "):
                hint: protocol.Hint = msgspec.json.decode(line[6:], type=protocol.Hint)
                return hint.through

    def close(self) -> None:
        self._writer.close()


async def closed(url: str, queues: Sequence[Sequence[bytes]]) -> tuple[float, list[list[float]]]:
    """Each queue on a line of its own, the next push when the last is answered: seconds in all, and each push's."""
    lines = [await Line.to(url) for _ in queues]

    async def drain(line: Line, queue: Sequence[bytes]) -> list[float]:
        spent = []
        for request in queue:
            began = time.perf_counter()
            _expect(*await line.ask(request))
            spent.append(time.perf_counter() - began)
        return spent

    began = time.perf_counter()
    times = await asyncio.gather(*(drain(line, queue) for line, queue in zip(lines, queues, strict=True)))
    whole = time.perf_counter() - began
    for line in lines:
        line.close()
    return whole, list(times)


async def paced(url: str, queues: Sequence[Sequence[bytes]], *, rate: float) -> list[float]:
    """Pushes at a rate, line after line in turn, whatever the answers: seconds of each from when it was due.

    The first push of each line is not counted: a device stays on its line, and the worker at its end knows it.
    """
    lines = [await Line.to(url) for _ in queues]
    locks = [asyncio.Lock() for _ in queues]
    began = time.perf_counter() + 0.1
    times: list[float] = []

    async def push(number: int, line: int, request: bytes) -> None:
        first = number < len(queues)
        due = began + number / rate
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        async with locks[line]:
            _expect(*await lines[line].ask(request))
        if not first:
            times.append(time.perf_counter() - due)

    turns = [(line, queue[turn]) for turn in range(len(queues[0])) for line, queue in enumerate(queues)]
    await asyncio.gather(*(push(number, line, request) for number, (line, request) in enumerate(turns)))
    for one in lines:
        one.close()
    return times


def _expect(status: int, body: bytes) -> None:
    """Refuse an answer in which something did not change anything: it would have been cheap."""
    if status != 200:
        raise RuntimeError(f"{status}: {body[:300]!r}")
    for answer in protocol.decode(protocol.Pushed, body).answers:
        if answer.outcome.status is not Status.ACCEPTED:
            raise RuntimeError(f"{answer.outcome}")
