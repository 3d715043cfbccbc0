"""A studio of 20,000 children made by real operations, kept in build/bench-cache for as long as the records look alike."""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import delete

from bench.ground.server import served
from classtap_cli.demo.offers import of_teacher
from classtap_cli.demo.studio import Draft, Plan, make_studio
from classtap_core import house
from classtap_core.access.rules import scopes_for
from classtap_core.booking.operations import CreateBooking
from classtap_core.checkin.records import Scan
from classtap_core.kernel.authority import CloudDraft
from classtap_core.kernel.clock import SystemClock
from classtap_core.kernel.device_store import Pulled
from classtap_core.kernel.envelope import Author
from classtap_core.kernel.ids import Id, derived
from classtap_core.kernel.records import plain
from classtap_core.schedule.operations import AddClass, AddInstructor, AddRoom, AddSessions, Planned
from classtap_core.store import schema
from classtap_core.timekeeping.rules import local_date, local_of
from cloud.composition import Cloud, open_cloud
from cloud.jobs.pass_care import PassCare
from cloud.jobs.ticks import Ticks
from cloud.storage.tables import make_tables
from sync.client.node import Node

CACHE = Path("build/bench-cache")
VERSION = 2
"""To be raised when what is made here changes."""

FAMILIES = 8_050
CHECK_INS = 5_000
"""Children with a booking at the main location now, each in one session."""
PLACES = 50
PAST_SCANS = 50_000
PASSES = 1_500
DAY_S = 86_400


class Due(NamedTuple):
    """A family with children to be marked: the text of its pass (for the first `PASSES`), a session, who is in it."""

    family: Id
    text: str
    session: Id
    children: tuple[Id, ...]


class Ground(NamedTuple):
    """The prepared studio.

    Attributes:
        folder: holds `cloud`, and `kiosk`: a store that was bootstrapped over HTTP and has the past scans.
        now_ms: when it was made; clocks begin there, so that its sessions are always around now.
        people: children and guardians. children: alone, all of them at the kiosk.
    """

    folder: Path
    studio: Id
    main: Id
    now_ms: int
    people: int
    children: int
    due: tuple[Due, ...]

    def clock(self) -> SystemClock:
        return SystemClock(start_ms=self.now_ms)


@cache
def ground() -> Ground:
    """The studio, made on first use (about a minute)."""
    folder = CACHE / _key()
    if not (folder / "ground.json").exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        for old in CACHE.iterdir():
            shutil.rmtree(old)
        fresh = Path(tempfile.mkdtemp(prefix="new-", dir=CACHE))
        _make(fresh)
        fresh.rename(folder)
    kept = json.loads((folder / "ground.json").read_text())
    due = tuple(Due(one[0], one[1], one[2], tuple(one[3])) for one in kept.pop("due"))
    return Ground(folder=folder, due=due, **kept)


@contextmanager
def copied(*parts: str) -> Iterator[Path]:
    """A copy of parts of the ground (`cloud`, `kiosk`), to be changed and thrown away."""
    made = ground().folder
    with tempfile.TemporaryDirectory(dir=CACHE, prefix="run-") as folder:
        for part in parts:
            shutil.copytree(made / part, Path(folder) / part)
        os.sync()  # else what is measured waits for the disk to take the copy
        yield Path(folder)


def kiosk(folder: Path, clock: SystemClock | None = None) -> Node:
    """The kiosk of a copied ground, opened; offline until its url leads somewhere."""
    return Node.open(folder / "kiosk", program="kiosk", clock=clock or ground().clock(), ring=None)


def paired(
    folder: Path, cloud: Cloud, *, url: str, name: str, main: Id, now_ms: int, clock: SystemClock | None = None
) -> Node:
    """A new kiosk at a location that may hold every child of the studio."""
    studio = cloud.studios.all()[0].id
    code = cloud.studios.pairing_code(studio, role="kiosk", location=main, name=name, scopes=scopes_for("kiosk", ""))
    clock = clock or SystemClock(start_ms=now_ms)
    return Node.pair(folder / name, url=url, code=code.code, name=name, program="kiosk", clock=clock, ring=None)


def opened_cloud(folder: Path, now_ms: int) -> Cloud:
    return open_cloud(folder, house.bus(authority=True), clock=SystemClock(start_ms=now_ms))


def _key() -> str:
    """Changes with what is stored: records, kinds of operations, tables."""
    registry = house.registry()
    tables = make_tables(registry, "sqlite")
    shape = {
        "version": VERSION,
        "schema": schema.VERSION,
        "records": {
            kind: [record.PREFIX, repr(record.INDEXES), record.SEARCH, record.__struct_fields__]
            for kind, record in sorted(registry.records.items())
        },
        "operations": {name: spec.version for name, spec in sorted(registry.specs.items())},
        "tables": sorted(f"{table.name} {[column.name for column in table.columns]}" for table in tables.metadata.tables.values()),
    }  # fmt: skip
    return hashlib.sha256(json.dumps(shape).encode()).hexdigest()[:16]


def _make(folder: Path) -> None:
    now_ms = SystemClock().now().wall
    plan = make_studio(1, FAMILIES, now_ms)
    rushed, due = rush(plan, now_ms)
    cloud = opened_cloud(folder, now_ms)
    try:
        cloud.studios.found(
            plan.name, id=plan.studio, environment="test", pass_studio=plan.pass_number, cloud_device=plan.cloud,
            pepper=plan.pepper,
        )  # fmt: skip
        authority = cloud.studios.authority(plan.studio)
        drafts = [*plan.drafts, *rushed]
        for start in range(0, len(drafts), 400):
            wanted = [CloudDraft(draft.payload, draft.author, "bench") for draft in drafts[start : start + 400]]
            for ledger in authority.author_all(plan.cloud, wanted):
                if not ledger.link.outcome.stands:
                    raise RuntimeError(f"{ledger.link.kind}: {ledger.link.outcome}")
        at_rest(cloud)
        due = [
            one._replace(text=cloud.studios.pass_of(plan.studio, one.family).text) if position < PASSES else one
            for position, one in enumerate(due)
        ]
        with (
            served(folder, now_ms=now_ms) as url,
            paired(folder, cloud, url=url, name="kiosk", main=plan.main, now_ms=now_ms) as node,
        ):
            node.engine.once()
            node.store.apply(node.bus, list(_past_scans(plan, node, now_ms))).result()
    finally:
        cloud.close()
    guardians = sum(len(draft.payload.contacts) for draft in plan.drafts if hasattr(draft.payload, "contacts"))
    children = sum(len(family.children) for family in plan.families)
    kept: dict[str, Any] = {
        "studio": plan.studio, "main": plan.main, "now_ms": now_ms, "people": children + guardians,
        "children": children, "due": due,
    }  # fmt: skip
    (folder / "ground.json").write_text(json.dumps(kept))


def at_rest(cloud: Cloud) -> None:
    """Do what a cloud does by itself after a founding: every family has its pass, nothing is due, nothing waits to be
    sent. What is measured then is not measured beside that."""
    for entry in cloud.studios.all():
        while PassCare(cloud.studios).tend(entry.id):
            pass
    Ticks(cloud.studios).sweep_all()
    with cloud.database.administer() as connection:
        connection.execute(delete(cloud.books.tables.effect))


def rush(plan: Plan, now_ms: int, *, check_ins: int = CHECK_INS) -> tuple[list[Draft], list[Due]]:
    """A busy hour: sessions of 50 at the main location, and a place in one of them for so many children."""
    by = Author(type="staff", id=plan.staff[1].staff)
    payloads = [draft.payload for draft in plan.drafts]
    kinds = [one.class_type for one in payloads if isinstance(one, AddClass) and one.audience == "kids"]
    zone = next(one.zone for one in payloads if hasattr(one, "zone"))
    base = datetime.fromisoformat(local_of(now_ms, zone)).replace(second=0, microsecond=0)
    many = -(-check_ins // PLACES)
    # A room and a teacher for each: nobody teaches two classes at once.
    rooms = [derived("bench.room", plan.studio, str(number)) for number in range(many)]
    teachers = [derived("bench.teacher", plan.studio, str(number)) for number in range(many)]
    sessions = [
        Planned(
            session=derived("bench.session", plan.studio, str(number)), class_type=kinds[number % len(kinds)],
            room=rooms[number], instructor=teachers[number],
            start=(base + timedelta(minutes=10 + number % 5 * 8)).strftime("%Y-%m-%dT%H:%M"), duration_min=45,
            capacity=PLACES,
        )
        for number in range(many)
    ]  # fmt: skip
    said = [
        Draft(by, AddRoom(room=room, location=plan.main, name=f"Hall {number}", capacity=PLACES))
        for number, room in enumerate(rooms, 1)
    ]
    said += [
        Draft(by, payload)
        for number, teacher in enumerate(teachers, 1)
        for payload in (
            AddInstructor(instructor=teacher, name=f"Teacher {number}"),
            of_teacher(teacher, f"Teacher {number}", kinds, base.year),
        )
    ]
    said += [
        Draft(by, AddSessions(location=plan.main, items=tuple(sessions[start : start + 50])))
        for start in range(0, many, 50)
    ]
    due: list[Due] = []
    left = check_ins
    for family in plan.families:
        if family.home != plan.main or family.due or left <= 0:
            continue
        position = (check_ins - left) // PLACES
        room = min(left, PLACES - (check_ins - left) % PLACES)
        children = tuple(child.child for child in family.children[:room])
        left -= len(children)
        session = sessions[position].session
        due.append(Due(family.family, "", session, children))
        said += [
            Draft(
                by,
                CreateBooking(session=session, child=child, family=family.family, location=plan.main, via="family"),
            )
            for child in children
        ]
    if left:
        raise RuntimeError("not enough families")
    return said, due


def _past_scans(plan: Plan, node: Node, now_ms: int) -> Iterator[Pulled]:
    """Scans of the last thirty days, of every family in turn, as the cloud gives them to a device."""
    zone = node.zone()
    for number in range(PAST_SCANS):
        family = plan.families[number % len(plan.families)]
        at_ms = now_ms - DAY_S * 1000 * (1 + number * 30 // PAST_SCANS) - number % 36_000 * 1000
        scan = Scan(
            id=derived("bench.scan", plan.studio, str(number)), outcome="ok", handle=family.handle, at_ms=at_ms,
            location=plan.main, date=local_date(at_ms, zone), device=node.papers.device, epoch=1, family=family.family,
            key_id=1, decode_us=4_000, verify_us=300, trace=f"frame {number}",
        )  # fmt: skip
        yield Pulled(Scan.KIND, scan.id, scan.scope(), msgspec.json.encode(plain(scan)))
