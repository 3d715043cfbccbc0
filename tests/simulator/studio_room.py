"""The real rooms in the simulator: kiosks and desks of two locations, marks, scans, renames, places, leases, a lost device."""

from collections import Counter
from collections.abc import Iterable, Sequence
from types import ModuleType
from typing import Any

import msgspec

from classtap_core.access.operations import AddStaff, GiveGrant, RegisterDevice, RevokeDevice
from classtap_core.access.permission import GrantPermission
from classtap_core.access.rules import scopes_for
from classtap_core.booking import reactions
from classtap_core.booking import rules as booking_rules
from classtap_core.booking.operations import CancelBooking, CreateBooking, TakeLease
from classtap_core.booking.policy_operations import PublishPolicy
from classtap_core.booking.records import Booking, Lease, Policy
from classtap_core.checkin import rules
from classtap_core.checkin.gates import GATES
from classtap_core.checkin.operations import ChildMark, MarkAttendance, RecordScan
from classtap_core.checkin.records import Attendance, attendance_id
from classtap_core.house import ROOMS
from classtap_core.kernel import undo
from classtap_core.kernel.authority import CloudDraft
from classtap_core.kernel.bus import Gate, Permission
from classtap_core.kernel.envelope import Author
from classtap_core.kernel.ids import Id, derived
from classtap_core.kernel.operations import Payload
from classtap_core.kernel.outcomes import Status
from classtap_core.kernel.records import Record
from classtap_core.people.operations import AddFamily, ChildDraft, EditHealth, RenameFamily
from classtap_core.people.records import Child, ChildHealth, Family
from classtap_core.schedule.operations import (
    AddClass,
    AddInstructor,
    AddLocation,
    AddRoom,
    AddSessions,
    FoundStudio,
    Planned,
)
from classtap_core.schedule.records import Session
from tests.simulator.node import Node
from tests.simulator.world import Role, World

MORNING_MS = 1_795_248_000_000
"""2026-11-21T09:00 in Madrid: `date -u -d '2026-11-21 08:00' +%s`."""
TODAY = "2026-11-21"


def named(text: str) -> Id:
    return derived("simulated", text)


OWNER, CLERK = named("owner"), named("clerk")
PLACES = (named("main"), named("north"))
BALLET = named("ballet")
FAMILIES, CHILDREN = 5, 2


def staff(id: Id) -> Author:
    return Author(type="staff", id=id)


class StudioRoom:
    """Starts at nine in the morning, with sessions at nine and half past in both locations."""

    def modules(self, *, older: bool) -> Sequence[ModuleType]:
        return [room for room in ROOMS if room is not undo]

    def permission(self, *, authority: bool) -> Permission:
        return GrantPermission()

    def gates(self, *, authority: bool) -> Sequence[Gate]:
        return GATES

    def roles(self) -> Iterable[Role]:
        for name, role, place in (
            ("kiosk one", "kiosk", PLACES[0]), ("kiosk two", "kiosk", PLACES[0]), ("kiosk north", "kiosk", PLACES[1]),
        ):  # fmt: skip
            yield Role(name, scopes_for(role, place), Author(type="device", id=derived("device", name)))
        yield Role("desk main", scopes_for("desk", PLACES[0]), staff(CLERK))
        yield Role("desk everywhere", scopes_for("desk", ""), staff(OWNER))

    # --- what the studio starts with

    def found(self, world: World) -> None:
        author = world.server.authority.author_all
        clock = Author(type="clock", id=world.studio)
        first = FoundStudio(name="Small Steps", pass_number="00" * 8, owner=OWNER, owner_name="Olga")
        author(world.server.own, [CloudDraft(first, clock, "found")])
        drafts = [CloudDraft(payload, staff(OWNER), "found") for payload in self._founding()]
        for ledger in author(world.server.own, drafts):
            assert ledger.link.outcome.stands, (ledger.link.kind, ledger.link.outcome)

    def _founding(self) -> Iterable[Payload]:
        yield AddClass(class_type=BALLET, name="Ballet", audience="kids")
        yield AddStaff(staff=CLERK, name="Clara")
        yield AddInstructor(instructor=CLERK, name="Clara", staff=CLERK)
        for place in PLACES:
            yield AddLocation(location=place, name=place[:4], zone="Europe/Madrid")
            yield GiveGrant(grant=derived("grant", place), holder=CLERK, role="front_desk", location=place)
            for start, room in (("09:00", "a"), ("09:30", "b"), ("10:00", "a")):
                yield from self._session(place, start, room)
            for number in range(FAMILIES):
                yield self._family(place, number)
        for role in self.roles():
            kind = role.name.split()[0]
            place = PLACES[1] if "north" in role.name else "" if "everywhere" in role.name else PLACES[0]
            yield RegisterDevice(device=derived("device", role.name), name=role.name, role=kind, location=place)
        for place in PLACES:
            for number in range(FAMILIES):
                child, family = named(f"{place} child {number} 0"), named(f"{place} family {number}")
                yield CreateBooking(session=named(f"{place} 09:00"), child=child, family=family, location=place)

    def _session(self, place: Id, start: str, room: str) -> Iterable[Payload]:
        id = derived("room", place, room, start)
        yield AddRoom(room=id, location=place, name=f"{room} {start}", capacity=12)
        planned = Planned(
            session=named(f"{place} {start}"), class_type=BALLET, room=id, instructor=CLERK,
            start=f"{TODAY}T{start}", duration_min=25, capacity=8,
        )  # fmt: skip
        yield AddSessions(location=place, items=(planned,), despite=("conflict.instructor",))

    def _family(self, place: Id, number: int) -> Payload:
        items = tuple(
            ChildDraft(
                child=named(f"{place} child {number} {one}"), given=f"Given {number} {one}", surname=f"Sur {number}",
                birth_date="2019-03-01", health_notes="Nuts",
            )
            for one in range(CHILDREN)
        )  # fmt: skip
        return AddFamily(family=named(f"{place} family {number}"), home=place, name=f"Family {number}", items=items)

    # --- what people do

    def act(self, world: World, node: Node) -> None:
        kiosk = node.author.type == "device"
        what = world.rng.random()
        if what < 0.45:
            self._mark(world, node)
        elif what < 0.6:
            self._scan(world, node)
        elif what < 0.75:
            self._book(world, node)
        elif what < 0.8:
            session = self._one(world, node, Session)
            if session is not None:
                node.submit(TakeLease(session=session.id, places=2), self._device(node))
        elif not kiosk:
            self._desk(world, node, world.rng.random())

    def _device(self, node: Node) -> Author:
        return Author(type="device", id=node.id)

    def _all(self, node: Node, record: type[Record]) -> list[Any]:
        rows = node.store.seen.table.get(record.KIND, {})
        return [msgspec.json.decode(row.body, type=record) for _, row in sorted(rows.items())]

    def _one(self, world: World, node: Node, record: type[Record]) -> Any:
        found = self._all(node, record)
        return world.rng.choice(found) if found else None

    def _mark(self, world: World, node: Node) -> None:
        session = self._one(world, node, Session)
        if session is None:
            return
        booked = [one for one in self._all(node, Booking) if one.session == session.id]
        picked = world.rng.sample(booked, min(len(booked), world.rng.randint(1, 3)))
        items = tuple(self._said(world, node, session, one.child) for one in picked)
        if items:
            node.submit(MarkAttendance(session=session.id, items=items))

    def _said(self, world: World, node: Node, session: Any, child: Id) -> ChildMark:
        row = node.store.seen.get(("attendance", attendance_id(world.studio, session.id, child)))
        held = row and rules.standing(msgspec.json.decode(row.body, type=Attendance).marks).mark
        corrects = held.operation if held and world.rng.random() < 0.3 else ""
        state = world.rng.choice(("present", "present", "late", "absent"))
        return ChildMark(child=child, state=state, corrects=corrects, note=world.rng.choice(("", "a note")))

    def _scan(self, world: World, node: Node) -> None:
        family = self._one(world, node, Family)
        if family is not None:
            handle = f"{world.rng.randrange(2**64):016x}"
            scan = RecordScan(location=family.home, date=TODAY, outcome="ok", handle=handle, family=family.id)
            node.submit(scan, self._device(node))

    def _book(self, world: World, node: Node) -> None:
        session, child = self._one(world, node, Session), self._one(world, node, Child)
        if session is None or child is None:
            return
        leases = [one for one in self._all(node, Lease) if one.device == node.id and one.session == session.id]
        lease = world.rng.choice(leases).id if leases and world.rng.random() < 0.8 else ""
        node.submit(
            CreateBooking(
                session=session.id, child=child.id, family=child.family, location=session.location, lease=lease,
                via="walk_in",
            )
        )  # fmt: skip

    def _desk(self, world: World, node: Node, what: float) -> None:
        if what < 0.4:
            family = self._one(world, node, Family)
            if family is not None:
                node.submit(RenameFamily(family=family.id, base=family.name, name=f"Name {world.rng.randrange(99)}"))
        elif what < 0.6:
            health = self._one(world, node, ChildHealth)
            if health is not None:
                node.submit(EditHealth(child=health.id, base=health.notes, notes=f"Notes {world.rng.randrange(9)}"))
        elif what < 0.8:
            booking = self._one(world, node, Booking)
            if booking is not None:
                node.submit(CancelBooking(session=booking.session, child=booking.child))
        elif what < 0.9:
            policy = self._one(world, node, Policy)
            head = 0 if policy is None else policy.version
            values: dict[str, str | int] = {"before_min": world.rng.randint(20, 40)}
            node.submit(PublishPolicy(name="checkin", head=head, values=values))
        elif what < 0.92:
            node.submit(RevokeDevice(device=derived("device", "kiosk two"), reason="lost"))
        else:
            own = [entry for entry in node.store.log if entry.kind in ("family.rename", "kernel.undo")]
            if own:
                node.submit(undo.Undo(operation=world.rng.choice(own).id))

    def cloud(self, world: World) -> None:
        clock = Author(type="clock", id=world.studio)
        for tick in reactions.due(world.server.backend, world.now_ms):
            world.server.authority.author(world.server.own, tick.payload, clock, source="clock", id=tick.id)
            world.note("lapsed", tick.id)

    def scopes(self, world: World, node: Node) -> tuple[str, ...]:
        role = next(role for role in self.roles() if role.name == node.name)
        lost = world.rng.choice(("", "", "roster", "families", "schedule", "lease"))
        return tuple(scope for scope in role.scopes if not lost or not scope.startswith(lost))

    # --- what must hold

    def shown(self, world: World, node: Node) -> None:
        """A device never shows more leased places spent than it was lent."""
        for lease in self._all(node, Lease):
            assert len(lease.spent) <= lease.places

    def check(self, world: World) -> None:
        self._one_admission(world)
        self._never_oversold(world)
        self._told_right(world)
        self._losers_told_once(world)

    def _cloud(self, world: World, record: type[Record]) -> list[Any]:
        rows = world.server.backend.state.table.get(record.KIND, {})
        return [msgspec.json.decode(row.body, type=record) for row in rows.values()]

    def _one_admission(self, world: World) -> None:
        """A child's attendance of a session is one record with one standing mark, and every mark of it was made."""
        seen = Counter((one.session, one.child) for one in self._cloud(world, Attendance))
        assert set(seen.values()) <= {1}
        made = {ledger.link.operation for ledger in world.server.backend.ledgers}
        contested = {
            ledger.link.operation for ledger in world.server.backend.ledgers
            if ledger.link.outcome.status in (Status.CONTESTED, Status.REFUSED, Status.QUARANTINED)
        }  # fmt: skip
        for one in self._cloud(world, Attendance):
            said = {mark.operation for mark in one.marks}
            assert said <= made - contested
            assert rules.standing(one.marks).mark is not None

    def _never_oversold(self, world: World) -> None:
        for session in self._cloud(world, Session):
            bookings = [one for one in self._cloud(world, Booking) if one.session == session.id]
            leases = [one for one in self._cloud(world, Lease) if one.session == session.id]
            assert booking_rules.places_left(session.capacity, bookings, leases) >= 0, session.id
            assert len({one.child for one in bookings}) == len(bookings)

    def _told_right(self, world: World) -> None:
        """Whoever holds the roster knows of each own mark whether it stands."""
        standing = {(one.session, one.child): rules.standing(one.marks).mark for one in self._cloud(world, Attendance)}
        for node in world.nodes:
            for entry in node.store.log:
                op = node.bus._reread(entry) if entry.kind == "attendance.mark" else None
                if op is None or entry.answer is None or entry.answer.status is Status.CONTESTED:
                    continue
                session = node.store.seen.get(("session", op.payload.session))
                if session is None or not self._holds_roster(node, session.body):
                    continue
                for said, told in zip(op.payload.items, entry.told.items, strict=False):
                    held = standing.get((op.payload.session, said.child))
                    if told.status is Status.REFUSED or held is None:
                        continue
                    if held.operation == op.id:
                        assert told.status in (Status.ACCEPTED, Status.DUPLICATE), (node.name, entry.sequence)
                    elif held.state != said.state:
                        assert told.status is Status.SUPERSEDED, (node.name, entry.sequence)

    def _holds_roster(self, node: Node, body: bytes) -> bool:
        session = msgspec.json.decode(body, type=Session)
        return node.store.holds(f"roster/{session.location}/{session.date}")

    def _losers_told_once(self, world: World) -> None:
        """A request that lost has one notice: nobody waits for what is not coming, nobody hears it twice."""
        for node in world.nodes:
            told = Counter(notice.operation for notice in node.told)
            for entry in node.store.log:
                lost = entry.answer is not None and not entry.answer.stands
                first = node.receipts[entry.id][1].status
                if lost and first is Status.WAITING:
                    where = (node.name, entry.kind, entry.sequence)
                    assert entry.id in node.store.notices, where
                    assert told[entry.id] <= 1, where  # none where the machine died right after it was kept
