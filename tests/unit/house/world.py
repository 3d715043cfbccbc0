"""A studio small enough to see whole: one location in Madrid, two rooms, four sessions, two families, real operations."""

import hashlib
from collections.abc import Iterable
from itertools import count
from typing import Any, NamedTuple

from classtap_core.access.operations import AddStaff, GiveGrant, RegisterDevice
from classtap_core.access.rules import scopes_for
from classtap_core.booking.operations import CreateBooking
from classtap_core.checkin.operations import ChildMark, MarkAttendance
from classtap_core.house import bus, registry
from classtap_core.kernel.authority import Authority, CloudDraft, Ledger, Mark
from classtap_core.kernel.batches import Batch, Received
from classtap_core.kernel.clock import Correction, ManualClock
from classtap_core.kernel.device import DeviceBus, Receipt
from classtap_core.kernel.device_store import Answer
from classtap_core.kernel.envelope import GENESIS, Author
from classtap_core.kernel.ids import Entropy, Id, derived
from classtap_core.kernel.memory import MemoryCloud, MemoryDevice
from classtap_core.kernel.operations import Payload
from classtap_core.people.operations import AddFamily, ChildDraft, ContactDraft
from classtap_core.schedule.operations import (
    AddClass,
    AddInstructor,
    AddLocation,
    AddRoom,
    AddSessions,
    FoundStudio,
    Planned,
)

NINE = 1_795_248_000_000
"""2026-11-21T09:00 in Madrid (UTC+1): `date -u -d '2026-11-21 08:00' +%s`."""

MINUTE = 60_000


def named(text: str) -> Id:
    """A stable id for a thing of this world."""
    return derived("test", text)


STUDIO, CLOUD, OWNER, MAIN, NORTH = (named(text) for text in ("studio", "cloud", "owner", "main", "north"))
BLUE, RED = named("blue room"), named("red room")
BALLET, YOGA = named("ballet"), named("yoga")
DESK, KIOSK, OTHER_KIOSK = named("desk"), named("kiosk"), named("other kiosk")
CLERK, TEACHER = named("clerk"), named("teacher")
FAMILY, ANA, BEN = named("family"), named("ana"), named("ben")
STRANGERS, ZOE = named("strangers"), named("zoe")
EARLY, NINE_BALLET, HALF_PAST, EVENING = (named(text) for text in ("early", "nine", "half past", "evening"))

CLOCK = Author(type="clock", id=STUDIO)


def staff(id: Id) -> Author:
    return Author(type="staff", id=id)


def device(id: Id) -> Author:
    return Author(type="device", id=id)


def entropy(seed: str) -> Entropy:
    """Bytes that repeat from run to run."""
    calls = count()

    def take(size: int) -> bytes:
        return hashlib.shake_256(f"{seed}/{next(calls)}".encode()).digest(size)

    return take


def planned(id: Id, start: str, *, room: Id = BLUE, minutes: int = 45, capacity: int = 8, kind: Id = BALLET) -> Planned:
    return Planned(
        session=id, class_type=kind, room=room, instructor=TEACHER, start=start, duration_min=minutes,
        capacity=capacity,
    )  # fmt: skip


SESSIONS = (
    planned(EARLY, "2026-11-21T07:00"),
    planned(NINE_BALLET, "2026-11-21T09:00", capacity=2),
    planned(HALF_PAST, "2026-11-21T09:30", room=RED, kind=YOGA),
    planned(EVENING, "2026-11-21T18:00"),
)

FOUNDING: tuple[tuple[Author, Payload], ...] = (
    (CLOCK, FoundStudio(name="Small Steps", pass_number="00" * 8, owner=OWNER, owner_name="Olga Owner")),
    (staff(OWNER), AddLocation(location=MAIN, name="Main", zone="Europe/Madrid")),
    (staff(OWNER), AddLocation(location=NORTH, name="North", zone="Europe/Madrid")),
    (staff(OWNER), AddRoom(room=BLUE, location=MAIN, name="Blue", capacity=10)),
    (staff(OWNER), AddRoom(room=RED, location=MAIN, name="Amber", capacity=10)),
    (staff(OWNER), AddClass(class_type=BALLET, name="Ballet", audience="kids")),
    (staff(OWNER), AddClass(class_type=YOGA, name="Yoga", audience="kids")),
    (staff(OWNER), AddStaff(staff=CLERK, name="Clara Clerk")),
    (staff(OWNER), GiveGrant(grant=named("clerk grant"), holder=CLERK, role="front_desk", location=MAIN)),
    (staff(OWNER), AddStaff(staff=TEACHER, name="Tom Teacher")),
    (staff(OWNER), GiveGrant(grant=named("teacher grant"), holder=TEACHER, role="instructor", location=MAIN)),
    (staff(OWNER), AddInstructor(instructor=TEACHER, name="Tom Teacher", staff=TEACHER)),
    (staff(OWNER), RegisterDevice(device=DESK, name="Desk", role="desk", location=MAIN)),
    (staff(OWNER), RegisterDevice(device=KIOSK, name="Kiosk", role="kiosk", location=MAIN)),
    (staff(OWNER), RegisterDevice(device=OTHER_KIOSK, name="Door", role="kiosk", location=MAIN)),
    (staff(OWNER), AddSessions(location=MAIN, items=SESSIONS, despite=("conflict.instructor",))),
    (
        staff(OWNER),
        AddFamily(
            family=FAMILY, home=MAIN, name="García Núñez",
            items=(
                ChildDraft(
                    child=ANA, given="Ana", surname="Núñez", birth_date="2019-03-01", health_notes="Peanut allergy"
                ),
                ChildDraft(child=BEN, given="Ben", surname="García", birth_date="2021-08-30"),
            ),
            contacts=(
                ContactDraft(
                    contact=named("guardian"), relation="mother", name="Gina García", phone="+34600123456",
                    email="gina@example.com",
                ),
            ),
        ),
    ),
    (
        staff(OWNER),
        AddFamily(family=STRANGERS, home=MAIN, name="Zed", items=(ChildDraft(child=ZOE, given="Zoe", surname="Zed"),)),
    ),
    (staff(OWNER), CreateBooking(session=NINE_BALLET, child=ANA, family=FAMILY, location=MAIN)),
    (staff(OWNER), CreateBooking(session=HALF_PAST, child=ANA, family=FAMILY, location=MAIN)),
    (staff(OWNER), CreateBooking(session=HALF_PAST, child=BEN, family=FAMILY, location=MAIN)),
    (staff(OWNER), CreateBooking(session=EVENING, child=BEN, family=FAMILY, location=MAIN)),
)  # fmt: skip


def always(public_key: bytes, signature: bytes, statement: bytes) -> bool:
    return True


class Member(NamedTuple):
    """A device of this world: its store, its bus and its clock."""

    store: MemoryDevice
    bus: DeviceBus
    clock: ManualClock

    def mark(self, session: Id, *items: ChildMark, author: Author | None = None) -> Receipt:
        return self.bus.submit(MarkAttendance(session=session, items=items), author or device(self.store.head().device))


class World:
    """The founded studio in a cloud, and devices that come to it."""

    def __init__(self, *, at: int = NINE, seed: str = "world") -> None:
        self.seed = seed
        self.registry = registry()
        self.clock = ManualClock(at)
        self.cloud = MemoryCloud(self.registry, STUDIO)
        self.cloud.set_mark(Mark(device=CLOUD, epoch=1, sequence=0, hash=GENESIS, public_key=b""))
        self.authority = Authority(self.cloud, bus(authority=True), self.clock, entropy(seed), always)
        self.members: dict[Id, Member] = {}
        for ledger in self.author(FOUNDING):
            assert ledger.link.outcome.stands, (ledger.link.kind, ledger.link.outcome)

    def author(self, drafts: Iterable[tuple[Author, Payload]]) -> tuple[Ledger, ...]:
        return self.authority.author_all(CLOUD, [CloudDraft(payload, author, "test") for author, payload in drafts])

    def say(self, payload: Payload, author: Author | None = None) -> Ledger:
        """The cloud authors one operation, as the owner unless said otherwise."""
        return self.author([(author or staff(OWNER), payload)])[0]

    def join(
        self, id: Id = KIOSK, *, role: str = "kiosk", location: str = MAIN, scopes: tuple[str, ...] | None = None,
        offset: int = 0, uncertainty: int = 1000,
    ) -> Member:  # fmt: skip
        """A registered device, bootstrapped, with a clock of its own."""
        held = scopes_for(role, location) if scopes is None else scopes
        store = MemoryDevice(self.registry, studio=STUDIO, device=id, scopes=held)
        clock = ManualClock(self.clock.wall + offset, Correction(0, uncertainty, 0, "manual"))
        member = Member(store, DeviceBus(store, bus(authority=False), clock, entropy(f"{self.seed}/{id}")), clock)
        self.members[id] = member
        self.cloud.set_mark(Mark(device=id, epoch=1, sequence=0, hash=GENESIS, public_key=b""))
        self.pull(id)
        return member

    def pull(self, id: Id) -> None:
        member = self.members[id]
        rows, through = self.cloud.pull(member.store.scopes, after=member.store.head().cursor)
        member.bus.apply(rows, cursor=through)

    def push(self, id: Id) -> tuple[Answer, ...]:
        """Everything waiting on a device, in one batch; then what the cloud answered."""
        store = self.members[id].store
        head = store.head()
        waiting = store.entries(range(head.acked + 1, head.sequence + 1))
        if waiting:
            items = tuple(Received(entry.data, entry.parts) for entry in waiting)
            pushed = self.authority.push(Batch(STUDIO, id, 1, items, b""))
            self.members[id].bus.acknowledge(pushed.answers)
            return pushed.answers
        return ()

    def sync(self, *ids: Id) -> None:
        """Push all, then pull all: afterwards everybody agrees."""
        for id in ids or tuple(self.members):
            self.push(id)
        for id in ids or tuple(self.members):
            self.pull(id)


def state_of(place: MemoryCloud | MemoryDevice, record: type[Any]) -> dict[Id, bytes]:
    """Every record of a kind, as bytes."""
    rows = place.state if isinstance(place, MemoryCloud) else place.seen
    return {id: row.body for (kind, id), row in rows.all().items() if kind == record.KIND}
