"""The tests at the end of the law of operations, on every back end there is."""

import json
import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import msgspec
import pytest

from classtap_core.kernel.bus import Decision
from classtap_core.kernel.chain import ChainRow, Sealer, join_changes, verify_device, verify_studio
from classtap_core.kernel.clock import ManualClock
from classtap_core.kernel.device import DeviceBus
from classtap_core.kernel.device_store import Notice, Pulled
from classtap_core.kernel.envelope import Author, join_parts
from classtap_core.kernel.ids import Id, derived
from classtap_core.kernel.memory import MemoryDevice
from classtap_core.kernel.operations import Payload
from classtap_core.kernel.outcomes import Status, told_anew
from classtap_core.kernel.records import Row
from classtap_core.kernel.scopes import covers
from classtap_core.kernel.tx import fold
from classtap_core.kernel.undo import Undo
from classtap_core.store.device import SqlDevice
from cloud.composition import open_cloud
from tests.unit.kernel import toy
from tests.unit.kernel.rig import NOW, SEATS, STAFF, STUDIO, Cloud, Device, child, enrol, mark, seeded

DEVICE = derived("device", "law")
FULL = ("families/*", "roster/*", "schedule/*", "log")
ROLES = {
    "desk": ("families/*", "roster/*", "schedule/*"),
    "kiosk north": ("families/north", "roster/north", "schedule"),
    "kiosk south": ("families/south", "roster/south", "schedule"),
    "instructor": ("roster/north", "schedule"),
    "nothing": (),
}

Backend = MemoryDevice | SqlDevice
Make = Callable[..., Backend]


@pytest.fixture(params=["memory", "sql"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Make]:
    """Makes a device's back end that holds some scopes."""
    with ExitStack() as closes:
        count = 0

        def made(scopes: tuple[str, ...]) -> Backend:
            nonlocal count
            count += 1
            if request.param == "memory":
                return MemoryDevice(toy.registry(), studio=STUDIO, device=DEVICE, scopes=scopes)
            path = tmp_path / f"{count}.db"
            backend = SqlDevice.create(path, bytes(32), toy.registry(), studio=STUDIO, device=DEVICE)
            closes.callback(backend.close)
            backend.conn.execute("PRAGMA synchronous = OFF")  # the disk is not what is tried here
            with backend.atomic():
                backend.hold(scopes)
            return backend

        yield made


def bus_over(backend: Backend, *, seed: str = "law") -> DeviceBus:
    return DeviceBus(backend, toy.bus(authority=False), ManualClock(NOW), seeded(seed))


# --- (a) every handler, on every store: the same result, or undetermined

GIVEN: tuple[Payload, ...] = (
    enrol(0, name="Zoë"), enrol(1, name="Ana"), enrol(2, house="south", name="İnci"),
    mark(0, 1), mark(2, house="south"), toy.Post(seats=SEATS, free=2),
)  # fmt: skip
EARLIER = derived("operation", "earlier")
ASKED: tuple[Payload, ...] = (
    mark(0, 1, state="late", note="n"), mark(2, house="south"), mark(5), mark(2, 3, house="south"),
    toy.Chime(child=child(1), house="north"), enrol(0), enrol(4), toy.Rename(child=child(0), name="x"),
    toy.Rename(child=child(9), name="x"), toy.Take(seats=SEATS), toy.Borrow(seats=SEATS),
    toy.Borrow(seats=derived("seats", "none")), toy.Post(seats=SEATS, free=7),
    toy.Census(house="north", into=SEATS), toy.Census(house="south", into=SEATS),
    toy.Follow(child=child(0), house="north", name="x"), toy.Follow(child=child(2), house="south", name="x"),
    toy.Charge(amount=1), Undo(operation=EARLIER),
)  # fmt: skip


def rows_given() -> list[Pulled]:
    cloud = Cloud()
    device = Device("given", cloud)
    for payload in GIVEN:
        device.bus.submit(payload, STAFF)
    device.sync()
    return [Pulled(row.kind, row.id, row.scope, row.body) for row in cloud.backend.state.all().values()]


def said(decision: Decision) -> Any:
    """A decision as data, but for the bodies, which SQL keeps apart."""
    return msgspec.json.decode(
        msgspec.json.encode(
            {
                "outcome": decision.outcome,
                "changes": [msgspec.structs.replace(change, body=None) for change in decision.changes],
                "effects": [effect._asdict() for effect in decision.effects],
            }
        )
    )


def decided(backend: Backend, rows: list[Pulled]) -> list[Any]:
    bus = bus_over(backend)
    held = [row for row in rows if backend.holds(row.scope)]
    bus.apply(held)
    return [said(bus.decide(payload, STAFF)) for payload in ASKED]


def test_every_handler_on_every_store(make: Make) -> None:
    rows = rows_given()
    full = decided(MemoryDevice(toy.registry(), studio=STUDIO, device=DEVICE, scopes=FULL), rows)
    assert len({json.dumps(one) for one in full}) > 12
    assert decided(make(FULL), random.Random(1).sample(rows, len(rows))) == full
    for role, scopes in ROLES.items():
        undecided = 0
        for payload, mine, whole in zip(ASKED, decided(make(scopes), rows), full, strict=True):
            codes = [reason.get("code") for reason in mine["outcome"].get("reasons", ())]
            needs = mine["outcome"].get("needs", ())
            if "undetermined" in codes or "not_held" in codes or any(need != "cloud" for need in needs):
                assert mine["changes"] == mine["effects"] == []
                undecided += 1
            else:
                assert mine == whole, (role, payload)
        assert undecided >= {"desk": 1, "nothing": 15}.get(role, 4), role


def test_the_cloud_in_memory_and_on_sql_decides_the_same(data_dir: Path) -> None:
    memory = Cloud()
    on_disk = open_cloud(data_dir, toy.bus(authority=True), clock=ManualClock(NOW), entropy=seeded("founding"))
    try:
        studio = on_disk.studios.found("law", id=STUDIO, cloud_device=memory.own).id
        own = on_disk.studios.studio(studio).cloud_device
        sql = on_disk.studios.authority(studio)
        for payload in GIVEN:
            memory.authority.author(memory.own, payload, STAFF, source="law")
            sql.author(own, payload, STAFF, source="law")
        for payload in ASKED:
            one = said(memory.authority.decide(DEVICE, payload, STAFF, source="law"))
            sql.entropy = seeded("law")
            two = said(sql.decide(DEVICE, payload, STAFF, source="law"))
            assert _no_ids(one) == _no_ids(two), payload
    finally:
        on_disk.close()


def _no_ids(decision: Any) -> Any:
    """Two places give an operation's effects and marks ids of their own; all else must agree."""
    for effect in decision["effects"]:
        effect.pop("id")
    return decision


def everywhere() -> str:
    """All decisions on all stores in memory, as one text."""
    rows = rows_given()
    return json.dumps(
        [
            decided(MemoryDevice(toy.registry(), studio=STUDIO, device=DEVICE, scopes=scopes), rows)
            for scopes in (FULL, *ROLES.values())
        ]
    )


def test_under_another_hash_seed_locale_and_zone() -> None:
    found = {everywhere()}
    for seed, locale, zone in (("1", "tr_TR.UTF-8", "Pacific/Chatham"), ("77", "C", "America/St_Johns")):
        ended = subprocess.run(
            [sys.executable, "-c", "from tests.simulator.test_law import everywhere; print(everywhere())"],
            env=os.environ | {"PYTHONHASHSEED": seed, "LC_ALL": locale, "TZ": zone},
            cwd=Path(__file__).parents[2], capture_output=True, text=True, check=True,
        )  # fmt: skip
        found.add(ended.stdout.strip())
    assert len(found) == 1


def test_facts_in_any_order_are_one_record(make: Make) -> None:
    """The same marks, arriving shuffled, on a device and in the cloud: the same rows, byte for byte."""
    bodies = set()
    for order in range(6):
        cloud = Cloud()
        devices = [Device(f"device {number}", cloud, clock=ManualClock(NOW + number)) for number in range(4)]
        for number, device in enumerate(devices):
            for state in ("present", "late"):
                device.bus.submit(mark(0, 1, state=f"{state} {number}"), STAFF)
        random.Random(order).shuffle(devices)
        for device in devices:
            device.push()
        backend = make(FULL)
        rows, cursor = cloud.backend.pull(FULL, after=0)
        bus_over(backend).apply(rows, cursor=cursor)
        found = backend.rows(toy.Presence, [toy.presence_id(child(number)) for number in (0, 1)])
        bodies.add(tuple(row.body for _, row in sorted(found.items())))
    assert len(bodies) == 1


# --- (b) state is the fold of recorded changes; erasing one of five


def test_changing_a_handler_changes_nothing_decided(monkeypatch: pytest.MonkeyPatch) -> None:
    cloud = Cloud()
    device = Device("desk", cloud)
    for payload in (*GIVEN, *ASKED):
        device.bus.submit(payload, STAFF)
    device.sync()
    before = cloud.backend.state.all()
    for spec in cloud.authority.bus.registry.specs.values():
        monkeypatch.setattr(spec, "handler", toy.faulty)
    state: dict[tuple[str, Id], Row | None] = {}
    for ledger in cloud.backend.ledgers:
        for change in join_changes(ledger.change_parts) if ledger.change_parts else ():
            state[change.ref] = fold(state.get(change.ref), change)
    assert {ref: row for ref, row in state.items() if row is not None} == before
    again = Device("other", cloud)
    again.pull()
    assert again.backend.seen.all() == before


class Ring:
    """Keys of subjects, kept apart; a destroyed one is never made again."""

    def __init__(self) -> None:
        self.keys: dict[str, bytes | None] = {}
        self._entropy = seeded("ring")

    def key(self, subject: str) -> bytes | None:
        return self.keys.setdefault(subject, self._entropy(32))


def test_one_child_of_five_is_erased() -> None:
    """The other four stay readable, both chains verify, and the marker is found 0 times in every byte kept."""
    cloud = Cloud()
    device = Device("desk", cloud)
    words = [f"Wörd-{number}-only-hers" for number in range(5)]
    for number, word in enumerate(words):
        device.bus.submit(enrol(number, name=word), STAFF)
    items = tuple(toy.Item(child(number), "present", f"{word} note") for number, word in enumerate(words))
    device.bus.submit(toy.MarkPresence(house="north", items=items), STAFF)
    device.sync()
    ring = Ring()
    sealer = Sealer(ring, seeded("seal"))
    own = [(entry.data, sealer.seal(entry.parts, entry.id)) for entry in device.backend.log]
    kept = [(one.link_data, sealer.seal(one.change_parts, one.link.operation)) for one in cloud.backend.ledgers]
    every_byte = b"\0".join(part for data, box in own + kept for part in (data, *box.values()))
    assert not any(word.encode() in every_byte for word in words)

    ring.keys[child(2)] = None
    opened = [(data, sealer.open(box, entry.id)) for (data, box), entry in zip(own, device.backend.log, strict=True)]
    decided = [
        (data, sealer.open(box, one.link.operation))
        for (data, box), one in zip(kept, cloud.backend.ledgers, strict=True)
    ]
    readable = b"\0".join(part for data, parts in opened + decided for part in (data, *parts.values()))
    assert [readable.count(word.encode()) > 0 for word in words] == [True, True, False, True, True]
    notes = [item.get("note") for item in join_parts(opened[5][1])["items"]]
    assert notes == [None if number == 2 else f"{word} note" for number, word in enumerate(words)]
    rows = [ChainRow(number, data, parts) for number, (data, parts) in enumerate(opened, 1)]
    assert verify_device(rows, head=device.backend.head().hash) == (6, None, "")
    links = [ChainRow(number, data, parts) for number, (data, parts) in enumerate(decided, 1)]
    assert verify_studio(links, head=cloud.backend.lock_head().hash) == (6, None, "")


# --- (c) a role loses a location while its device is offline with unsent marks


def test_a_lost_location_takes_its_rows_and_leaves_the_marks(make: Make) -> None:
    cloud = Cloud()
    others = Device("others", cloud)
    for number in range(6):
        others.bus.submit(enrol(number, house=("north", "south")[number % 2], name=f"Name-{number}"), STAFF)
    others.bus.submit(mark(0, 2, note="theirs"), STAFF)
    others.sync()

    kiosk = Device("kiosk", cloud, clock=ManualClock(NOW + 60_000))
    backend = make(ROLES["kiosk north"] + ("families/south",))
    kiosk.backend, kiosk.id = backend, backend.head().device  # type: ignore[assignment]
    cloud.backend.set_mark(msgspec.structs.replace(cloud.backend.marks[derived("device", "kiosk")], device=kiosk.id))
    kiosk.bus = DeviceBus(backend, toy.bus(authority=False), kiosk.clock, seeded("kiosk"))
    held = ("families/north", "families/south", "roster/north", "schedule")
    rows, cursor = cloud.backend.pull(held, after=0)
    kiosk.bus.apply(rows, cursor=cursor)
    receipts = [kiosk.bus.submit(mark(number, state="late", note="mine"), STAFF) for number in (0, 4)]  # offline
    assert all(receipt.sequence for receipt in receipts)

    with backend.atomic() if isinstance(backend, MemoryDevice) else ExitStack():
        backend.release_scopes(["families/north", "roster/north"])
    there = backend.rows(toy.Child, [child(number) for number in range(6)])
    assert {number for number in range(6) if child(number) in there} == {1, 3, 5}
    mine = backend.rows(toy.Presence, [toy.presence_id(child(number)) for number in (0, 2, 4)])
    assert set(mine) == {toy.presence_id(child(0)), toy.presence_id(child(4))}, "what unsent work wrote stays"
    if isinstance(backend, SqlDevice):
        keys = {subject for (subject,) in backend.conn.execute("SELECT subject FROM subject_key")}
        assert child(2) not in keys
        assert {child(0), child(4)} <= keys, "what is unsent still opens"

    batch = kiosk.unsent()
    assert batch is not None
    pushed = cloud.authority.push(batch)
    kiosk.bus.acknowledge(pushed.answers)
    rows, cursor = cloud.backend.pull(("families/south", "schedule"), after=cursor)
    kiosk.bus.apply(rows, cursor=cursor)
    assert [answer.outcome.status for answer in pushed.answers] == [Status.SUPERSEDED, Status.ACCEPTED]
    for number in (0, 4):
        row = cloud.backend.state.get(("presence", toy.presence_id(child(number))))
        assert row is not None
        assert b'"mine"' in row.body
    assert backend.rows(toy.Presence, [toy.presence_id(child(number)) for number in range(6)]) == {}
    left = [row.scope for row in backend.rows(toy.Child, [child(number) for number in range(6)]).values()]
    assert all(covers(("families/south",), scope) for scope in left)
    assert (backend.head().acked, backend.head().sequence) == (2, 2)


# --- (d) 1,000 random pulls over 500 pending operations


def pulls_over_pending(backend: Backend, *, pending: int, pulls: int) -> tuple[int, int]:
    """Apply random rows beneath a long queue; how often somebody was told otherwise, and how many effects there are."""
    rng = random.Random(500)
    clock = ManualClock(NOW)
    bus = DeviceBus(backend, toy.bus(authority=False), clock, seeded("pulls"))
    bus.apply([_row(rng, number) for number in range(60)] + [_seats(20)])
    for _ in range(pending):
        clock.advance(rng.randint(1, 1_000))
        number = rng.randrange(60)
        payload: Payload = rng.choice(
            (
                mark(number, (number + 1) % 60), toy.Chime(child=child(number), house="north"),
                toy.Rename(child=child(number), name=f"name {rng.random()}"), enrol(number, name="again"),
                toy.Borrow(seats=SEATS),
            )
        )  # fmt: skip
        if rng.random() < 0.02:
            payload = toy.Census(house=f"house {rng.randrange(5)}", into=derived("counted"))
        bus.submit(payload, STAFF)
    length = backend.head().sequence
    effects = _effects(backend)
    told = {entry.sequence: entry.told for entry in backend.entries(range(1, length + 1))}
    tellings = 0
    for _ in range(pulls):
        rows = [_pulled(rng, clock) for _ in range(rng.randint(1, 3))]
        notices = bus.apply(rows)
        tellings += _same_as_told(backend, told, notices, length)
        assert _effects(backend) == effects, "an effect fired"
    return tellings, len(effects)


def _same_as_told(backend: Backend, told: dict[int, Any], notices: list[Notice], length: int) -> int:
    by_sequence = {notice.sequence: notice for notice in notices}
    assert len(by_sequence) == len(notices)
    for entry in backend.entries(range(1, length + 1)):
        was = told[entry.sequence]
        notice = by_sequence.get(entry.sequence)
        if notice is None and was is entry.told:
            continue
        if notice is None:
            assert not told_anew(was, entry.told), "something told has changed without a notice"
        else:
            assert (notice.before, notice.now) == (was, entry.told)
            assert told_anew(was, entry.told)
        told[entry.sequence] = entry.told
    return len(notices)


def _effects(backend: Backend) -> list[Any]:
    if isinstance(backend, MemoryDevice):
        return sorted((id, ready) for id, (_, _, ready) in backend.effects.items())
    return sorted(backend.conn.execute("SELECT id, ready FROM effect").fetchall())


def _row(rng: random.Random, number: int) -> Pulled:
    house = f"house {rng.randrange(5)}"
    body = {"id": child(number), "house": house, "name": f"cloud {rng.randrange(9)}"}
    return Pulled("child", child(number), f"families/{house}", json.dumps(body).encode())


def _seats(free: int) -> Pulled:
    return Pulled("seats", SEATS, "schedule", json.dumps({"id": SEATS, "free": free}).encode())


def _pulled(rng: random.Random, clock: ManualClock) -> Pulled:
    number, what = rng.randrange(60), rng.random()
    if what < 0.1:
        return Pulled("child", child(number), "families/gone", None)
    if what < 0.5:
        return _row(rng, number)
    if what < 0.6:
        return _seats(rng.randint(0, 40))
    id = toy.presence_id(child(number))
    order = (rng.randint(NOW, clock.wall), derived("device", "theirs"), rng.randrange(99))
    presence = toy.Presence(id=id, child=child(number), house="north", marks=(toy.Seen(order, "late"),))
    return Pulled("presence", id, "roster/north", msgspec.json.encode(presence))


def test_a_thousand_pulls_over_five_hundred_pending_operations() -> None:
    backend = MemoryDevice(toy.registry(), studio=STUDIO, device=DEVICE, scopes=FULL)
    tellings, effects = pulls_over_pending(backend, pending=500, pulls=1_000)
    assert tellings > 300
    assert effects > 100


@pytest.mark.fault
def test_a_thousand_pulls_over_an_encrypted_store(tmp_path: Path) -> None:
    with ExitStack() as closes:
        backend = SqlDevice.create(tmp_path / "law.db", bytes(32), toy.registry(), studio=STUDIO, device=DEVICE)
        closes.callback(backend.close)
        with backend.atomic():
            backend.hold(FULL)
        tellings, _ = pulls_over_pending(backend, pending=500, pulls=1_000)
    assert tellings > 300


def test_pulls_over_an_encrypted_store_are_those_in_memory(tmp_path: Path) -> None:
    memory = MemoryDevice(toy.registry(), studio=STUDIO, device=DEVICE, scopes=FULL)
    sql = SqlDevice.create(tmp_path / "law.db", bytes(32), toy.registry(), studio=STUDIO, device=DEVICE)
    try:
        sql.conn.execute("PRAGMA synchronous = OFF")
        with sql.atomic():
            sql.hold(FULL)
        assert pulls_over_pending(sql, pending=60, pulls=40) == pulls_over_pending(memory, pending=60, pulls=40)
        ids = [child(number) for number in range(60)]
        assert sql.rows(toy.Child, ids) == memory.rows(toy.Child, ids)
    finally:
        sql.close()


NOBODY = Author(type="staff", id=derived("staff", "nobody"))


def test_nobody_is_allowed_anything_on_any_store(make: Make) -> None:
    for scopes in (FULL, ()):
        bus = DeviceBus(make(scopes), toy.bus(authority=False, denied=(NOBODY.id,)), ManualClock(NOW), seeded("no"))
        for payload in ASKED:
            assert bus.decide(payload, NOBODY).outcome.status is Status.REFUSED
