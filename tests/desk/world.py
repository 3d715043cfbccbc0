"""A desk's source without a disk or a network: the demo studio in memory, the real rooms, one writer thread."""

from __future__ import annotations

import hashlib
import random
import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache

import msgspec

from classtap_cli.demo.studio import DemoFamily, DemoPin, Plan, make_studio
from classtap_core import house
from classtap_core.access.operations import RegisterDevice
from classtap_core.access.pins import Tries
from classtap_core.booking.records import Policy, policy_id
from classtap_core.checkin.operations import ChildMark, MarkAttendance
from classtap_core.exchange.bringing import Brought, Step, bring_in, take_back
from classtap_core.kernel.authority import Authority, CloudDraft, Mark
from classtap_core.kernel.blobs import Blob
from classtap_core.kernel.clock import ManualClock
from classtap_core.kernel.device import DeviceBus, Receipt
from classtap_core.kernel.device_store import Notice, Pulled
from classtap_core.kernel.envelope import GENESIS, Author
from classtap_core.kernel.errors import EnvironmentFault
from classtap_core.kernel.ids import Id
from classtap_core.kernel.memory import MemoryCloud, MemoryDevice
from classtap_core.kernel.operations import Payload
from classtap_core.kernel.records import Row, decode, plain
from classtap_core.kernel.tx import Reader, Ref
from classtap_core.naming.matching import Asked, fit
from classtap_core.store.search import MOST, Found, Readable, texts_of
from classtap_desktop.source import Place
from sync.client.engine import State, Status
from sync.protocol import AttendeeText, PassText
from tests.desk.audits import MemoryAuditor

NOW_MS = 1_795_274_640_000  # 2026-11-21 16:24 in Madrid
DESK, KIOSK = Id("d" * 32), Id("e" * 32)


class Studio:
    """The demo studio as the cloud has it: its plan and every row."""

    def __init__(self, families: int, seed: int = 7) -> None:
        self.plan: Plan = make_studio(seed, families, NOW_MS)
        clock = ManualClock(NOW_MS - 86_400_000)
        cloud = MemoryCloud(house.registry(), self.plan.studio)
        entropy = random.Random(seed).randbytes
        authority = Authority(cloud, house.bus(authority=True), clock, entropy, lambda *_: True)
        cloud.set_mark(Mark(device=self.plan.cloud, epoch=1, sequence=0, hash=GENESIS, public_key=b""))
        drafts = [CloudDraft(draft.payload, draft.author, "demo") for draft in self.plan.drafts]
        owner = self.plan.staff[0].staff
        for device, name, role in ((DESK, "Front desk", "desk"), (KIOSK, "Kiosk 1", "kiosk")):
            paired = RegisterDevice(device=device, name=name, role=role, location=self.plan.main)
            drafts.append(CloudDraft(paired, Author(type="staff", id=owner), "demo"))
        authority.author_all(self.plan.cloud, drafts)
        self.rows: tuple[Row, ...] = tuple(cloud.state.all().values())


@cache
def studio(families: int = 40) -> Studio:
    """The studio, made once for all tests of a run."""
    return Studio(families)


def device(made: Studio, id: Id, scopes: Sequence[str]) -> MemoryDevice:
    """A device of the studio that holds these scopes."""
    kept = MemoryDevice(house.registry(), studio=made.plan.studio, device=id, scopes=scopes)
    for row in made.rows:
        if kept.holds(row.scope):
            kept.base.put((row.kind, row.id), row)
            kept.seen.put((row.kind, row.id), row)
    return kept


class World:
    """The whole of a test: a desk's source, and a kiosk somewhere else whose marks arrive when they are pulled."""

    def __init__(self, made: Studio, *, now_ms: int = NOW_MS, location: Id | None = None) -> None:
        self.plan = made.plan
        self.clock = ManualClock(now_ms)
        main = location if location is not None else made.plan.main
        every = ("studio", "keys", "schedule/*", "roster/*", "families/*", "health/*", "custody/*", "contact/*",
                 "contact_masked/*", "pins", "registrations/*", "lease/*", "scans/*", "seatmaps/*", "seatdrafts/*",
                 "seatpresets", "contested", "contested/*", "rulings/*")  # fmt: skip
        self.store = device(made, DESK, every)
        self.bus = DeviceBus(self.store, house.bus(authority=False), self.clock, random.Random(1).randbytes)
        self.kiosk = DeviceBus(
            device(made, KIOSK, every), house.bus(authority=False), self.clock, random.Random(2).randbytes
        )
        self.source = MemorySource(self, Place(made.plan.studio, DESK, main, "memory"))

    def staff(self, role: str) -> DemoPin:
        """The first member of staff with a role."""
        return next(one for one in self.plan.staff if one.role == role)

    def family(self, name: str) -> DemoFamily:
        """The family of a name."""
        return next(one for one in self.plan.families if one.name == name)

    def tick(self, ms: int) -> None:
        """Let time pass."""
        self.clock.advance(ms)

    def kiosk_marks(self, session: Id, *children: Id, state: str = "present") -> None:
        """Children are marked at the kiosk, and the desk pulls it."""
        mark = MarkAttendance(session=session, items=tuple(ChildMark(child=child, state=state) for child in children))
        receipt = self.kiosk.submit(mark, Author(type="device", id=KIOSK))
        assert receipt.outcome.stands, receipt.outcome
        self.pull([Pulled(one.kind, one.id, one.scope, one.body) for one in receipt.changes])

    def publish(self, name: str, values: Mapping[str, str | int]) -> None:
        """What the cloud sends when a policy was published."""
        id = policy_id(self.plan.studio, name)
        policy = Policy(id=id, name=name, version=1, values=dict(values), published_ms=NOW_MS)
        self.pull([Pulled(Policy.KIND, id, policy.scope(), msgspec.json.encode(plain(policy)))])

    def pull(self, rows: Iterable[Pulled]) -> None:
        """The desk's store takes rows of the cloud."""
        self.source.write(lambda: self.bus.apply(list(rows))).result()


class MemoryAlbum:
    """Pictures in memory."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}
        self.asked: list[str] = []

    def add(self, data: bytes, type: str, *, of: Id, scope: str) -> Blob:
        hash = hashlib.sha256(of.encode() + data).hexdigest()
        self.kept[hash] = data
        return Blob(hash=hash, size=len(data), type=type)

    def scan(self, data: bytes, type: str, *, of: Id, scope: str) -> Blob:
        return self.add(data, type, of=of, scope=scope)

    def picture(self, hash: str) -> bytes | None:
        self.asked.append(hash)
        return self.kept.get(hash)


class MemorySource:
    """A `DeskSource` over a `DeviceBus` in memory; writes run on one thread, reads see whole commits."""

    def __init__(self, world: World, place: Place) -> None:
        self._world, self._place = world, place
        self._lock = threading.RLock()
        self._writer = ThreadPoolExecutor(1, "desk-test-writer")
        self._changed: list[Callable[[frozenset[Ref]], None]] = []
        self._stood: list[Callable[[], None]] = []
        self._tries: dict[Id, Tries] = {}
        self.audits = MemoryAuditor(world)
        self.own: dict[str, bytes] = {}
        self.album = MemoryAlbum()
        self.state = State.ONLINE
        self.last_success_ms: int | None = NOW_MS - 20_000
        self.asked_for_sync = 0
        self.fails: Exception | None = None
        self.refuses: Exception | None = None
        self.gate = threading.Event()
        self.gate.set()

    @property
    def reader(self) -> Reader:
        self.gate.wait(60)
        if self.fails is not None:
            raise self.fails
        return self._world.store

    @property
    def clock(self) -> ManualClock:
        return self._world.clock

    @property
    def place(self) -> Place:
        return self._place

    def submit(self, payload: Payload, author: Author) -> Future[Receipt]:
        return self.write(lambda: self._submit(payload, author))

    def _submit(self, payload: Payload, author: Author) -> Receipt:
        if self.refuses is not None:
            raise self.refuses
        return self._world.bus.submit(payload, author)

    def submit_all(self, payloads: Sequence[Payload], author: Author) -> Future[list[Receipt]]:
        return self.write(lambda: self._world.bus.submit_all(payloads, author))

    def bring_in(self, steps: Sequence[Step], author: Author, *, going_on: Callable[[int], bool]) -> Future[Brought]:
        return self.write(lambda: bring_in(self._world.bus, steps, author, going_on=going_on))

    def take_back(self, operations: Sequence[Id], author: Author) -> Future[int]:
        return self.write(lambda: take_back(self._world.bus, operations, author))

    def write(self, work: Callable[[], object]) -> Future:  # type: ignore[type-arg]
        """Run something on the writer's thread and tell what changed."""
        return self._writer.submit(self._write, work)

    def _write(self, work: Callable[[], object]) -> object:
        with self._lock:
            before = dict(self._world.store.seen.all())
            done = work()
            after = self._world.store.seen.all()
        refs = frozenset(ref for ref in {*before, *after} if before.get(ref) is not after.get(ref))
        if refs:
            for callback in list(self._changed):
                callback(refs)
        return done

    def on_change(self, callback: Callable[[frozenset[Ref]], None]) -> Callable[[], None]:
        self._changed.append(callback)
        return lambda: self._changed.remove(callback) if callback in self._changed else None

    def on_status(self, callback: Callable[[], None]) -> Callable[[], None]:
        self._stood.append(callback)
        return lambda: self._stood.remove(callback) if callback in self._stood else None

    def stand(self, state: State) -> None:
        """The network comes or goes."""
        self.state = state
        for callback in list(self._stood):
            callback()

    def status(self) -> Status:
        head = self._world.store.head()
        return Status(self.state, head.sequence - head.acked, self.last_success_ms, "", True)

    def oldest_pending_ms(self) -> int | None:
        head = self._world.store.head()
        return next((entry.at_ms for entry in self._world.store.entries([head.acked + 1])), None)

    def search(self, text: str, *, kinds: Collection[str], readable: Readable | None = None) -> Sequence[Found]:
        found = []
        for kind in sorted(kinds):
            record = self._world.store.registry.records[kind]
            for row in self._world.store.seen.table.get(kind, {}).values():
                fits = fit(Asked(text), texts_of(decode(record, row.body)))
                if fits is not None and (readable is None or readable(kind, row.scope)):
                    found.append(Found(row, fits))
        return sorted(found, key=lambda one: one.fit.how)[:MOST]

    def notices(self) -> Sequence[Notice]:
        return list(self._world.store.notices.values())

    def seen(self, operation: Id) -> None:
        self._world.store.notices.pop(operation, None)

    @property
    def leaving(self) -> None:
        """There is nothing on a disk to destroy."""
        return None

    @property
    def owner_seal(self) -> None:
        """There is no store to seal."""
        return None

    @property
    def steward(self) -> None:
        """There is no engine to ask."""
        return None

    @property
    def auditor(self) -> MemoryAuditor:
        return self.audits

    def place_name(self) -> str:
        return self._world.plan.name

    def pass_text(self, family: Id) -> PassText:
        raise EnvironmentFault("cloud.unreachable", url="http://127.0.0.1:1")

    def pass_texts(self, families: Sequence[Id], *, going_on: Callable[[int], bool]) -> dict[Id, PassText]:
        raise EnvironmentFault("cloud.unreachable", url="http://127.0.0.1:1")

    def attendee_text(self, session: Id, child: Id) -> AttendeeText:
        raise EnvironmentFault("cloud.unreachable", url="http://127.0.0.1:1")

    def sync_now(self) -> None:
        self.asked_for_sync += 1

    def pepper(self) -> bytes:
        return self._world.plan.pepper

    def tries(self, staff: Id) -> Tries:
        return self._tries.get(staff, Tries())

    def keep_tries(self, staff: Id, tries: Tries) -> None:
        self._tries[staff] = tries

    def kept(self, name: str) -> bytes | None:
        return self.own.get(name)

    def keep(self, name: str, value: bytes) -> None:
        self.own[name] = value

    def close(self) -> None:
        """End the writer."""
        self._writer.shutdown()
