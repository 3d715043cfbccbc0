"""The studio is founded, its places named, its sessions planned. The cloud decides; offline these wait."""

from collections.abc import Collection, Sequence
from typing import Annotated, Any

import msgspec

from classtap_core.access.blueprints import CLOUD, OWNER, Capability
from classtap_core.access.records import Device, Grant, Staff
from classtap_core.kernel.blobs import Blob
from classtap_core.kernel.errors import BadInput
from classtap_core.kernel.ids import Id, derived
from classtap_core.kernel.operations import Key, Kind, Operation, Payload, Reads, Resource, handles, operation
from classtap_core.kernel.outcomes import ACCEPTED, DUPLICATE, ItemOutcome, Outcome, Status, of_items, reason, refused
from classtap_core.kernel.records import about
from classtap_core.kernel.tx import Tx
from classtap_core.schedule import facts as facts_of
from classtap_core.schedule import opening, rules, surroundings
from classtap_core.schedule.conflicts import equipment_trouble
from classtap_core.schedule.facts import ClassFacts, InstructorFacts, LocationFacts, RoomFacts
from classtap_core.schedule.records import ClassType, Closure, Equipment, Instructor, Location, Room, Session, Studio
from classtap_core.schedule.telling import tell_cancelled
from classtap_core.timekeeping.rules import zone_of


@operation("studio.found", version=1, kind=Kind.CLAIM, needs=None)
class FoundStudio(Payload, frozen=True, kw_only=True):
    """The first operation of all: the studio, its owner, the owner's grant, and the cloud device that authors it."""

    name: str
    pass_number: str
    owner: Id
    owner_name: Annotated[str, about("owner")]
    environment: str = "live"

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield [
            Key(Studio, op.studio, "studio"),
            Key(Staff, self.owner, "studio"),
            Key(Grant, owner_grant_id(self.owner), "studio"),
            Key(Device, op.device, "studio"),
        ]


def owner_grant_id(owner: Id) -> Id:
    return derived("grant", owner, OWNER)


@handles(FoundStudio)
def found_studio(tx: Tx, op: Operation[FoundStudio]) -> Outcome:
    if tx.get(Studio, op.studio) is not None:
        return refused("studio.exists")
    new = op.payload
    tx.put(Studio(id=op.studio, name=new.name, pass_number=new.pass_number, environment=new.environment))
    tx.put(Staff(id=new.owner, name=new.owner_name))
    tx.put(Grant(id=owner_grant_id(new.owner), holder=new.owner, role=OWNER))
    tx.put(Device(id=op.device, name="cloud", role=CLOUD))
    return ACCEPTED


class Shut(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A time in which a new location is closed, as in `closure.add`."""

    closure: Id
    first: str
    last: str
    reason: str = ""


@operation("location.add", version=1, kind=Kind.CLAIM, needs=Capability.MANAGE_STUDIO)
class AddLocation(Payload, frozen=True, kw_only=True):
    """A new location. `facts`: what else is said of it at once; its name is `name`."""

    location: Id
    name: str
    zone: str
    facts: LocationFacts | None = None
    closures: tuple[Shut, ...] = ()

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield [
            Key(Location, self.location, "studio"), *(Key(Closure, one.closure, "studio") for one in self.closures)
        ]  # fmt: skip


@handles(AddLocation)
def add_location(tx: Tx, op: Operation[AddLocation]) -> Outcome:
    new = op.payload
    if tx.get(Location, new.location) is not None:
        return refused("location.exists")
    facts = msgspec.structs.replace(new.facts, name=new.name) if new.facts else LocationFacts(name=new.name)
    try:
        zone_of(new.zone)
        for one in new.closures:
            opening.check_closure(one.first, one.last)
    except BadInput as bad:
        return refused(bad.code, **bad.params)
    code = facts_of.location_trouble(facts)
    if code:
        return refused(code)
    tx.put(Location(id=new.location, zone=new.zone, **msgspec.structs.asdict(facts)))
    for one in new.closures:
        tx.put(Closure(id=one.closure, location=new.location, first=one.first, last=one.last, reason=one.reason))
    return ACCEPTED


@operation("room.add", version=1, kind=Kind.CLAIM, needs=Capability.MANAGE_SCHEDULE)
class AddRoom(Payload, frozen=True, kw_only=True):
    """A new room, measured and equipped where somebody said so."""

    room: Id
    location: Id
    name: str
    capacity: int
    width_um: int = 0
    length_um: int = 0
    equipment: tuple[Equipment, ...] = ()

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield [Key(Location, self.location, "studio"), Key(Room, self.room, "studio")]

    def resource(self, tx: Tx, op: Operation[Any]) -> Resource:
        return Resource(self.location)


@handles(AddRoom)
def add_room(tx: Tx, op: Operation[AddRoom]) -> Outcome:
    new = op.payload
    if tx.get(Location, new.location) is None:
        return refused("location.unknown")
    if tx.get(Room, new.room) is not None:
        return refused("room.exists")
    facts = RoomFacts(
        name=new.name, capacity=new.capacity, width_um=new.width_um, length_um=new.length_um, equipment=new.equipment
    )
    code = facts_of.room_trouble(facts)
    if code:
        return refused(code)
    tx.put(Room(id=new.room, location=new.location, **msgspec.structs.asdict(facts)))
    return ACCEPTED


@operation("class.add", version=1, kind=Kind.CLAIM, needs=Capability.MANAGE_SCHEDULE)
class AddClass(Payload, frozen=True, kw_only=True):
    """A new class. `facts`: what else is said of it at once; its name is `name`."""

    class_type: Id
    name: str
    audience: str
    facts: ClassFacts | None = None

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield [Key(ClassType, self.class_type, "studio"), *(facts_of.class_reads(self.facts) if self.facts else ())]


@handles(AddClass)
def add_class(tx: Tx, op: Operation[AddClass]) -> Outcome:
    new = op.payload
    if tx.get(ClassType, new.class_type) is not None:
        return refused("class.exists")
    if new.audience not in ("kids", "adults"):
        return refused("class.audience")
    facts = msgspec.structs.replace(new.facts, name=new.name) if new.facts else ClassFacts(name=new.name)
    code = facts_of.class_trouble(tx, facts)
    if code:
        return refused(code)
    tx.put(ClassType(id=new.class_type, audience=new.audience, **msgspec.structs.asdict(facts)))
    return ACCEPTED


@operation("instructor.add", version=1, kind=Kind.CLAIM, needs=Capability.MANAGE_SCHEDULE)
class AddInstructor(Payload, frozen=True, kw_only=True):
    """Somebody new who teaches. Name, bio and picture are their own."""

    instructor: Id
    name: Annotated[str, about("instructor")]
    staff: str = ""
    bio: Annotated[str, about("instructor")] = ""
    picture: Annotated[Blob | None, about("instructor")] = None
    facts: InstructorFacts = InstructorFacts()

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield Key(Instructor, self.instructor, "studio")


@handles(AddInstructor)
def add_instructor(tx: Tx, op: Operation[AddInstructor]) -> Outcome:
    new = op.payload
    if tx.get(Instructor, new.instructor) is not None:
        return refused("instructor.exists")
    code = facts_of.instructor_trouble(new.name, new.facts.certifications)
    if code:
        return refused(code)
    own = msgspec.structs.asdict(new.facts)
    tx.put(Instructor(id=new.instructor, name=new.name, staff=new.staff, bio=new.bio, picture=new.picture, **own))
    return ACCEPTED


PLANNING = "schedule"
"""The guard of everything that plans, and of a seat map's publish: each may be in the way of another judged at once."""


class Planned(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One session to be. `start` is local to the location's zone."""

    session: Id
    class_type: Id
    room: Id
    instructor: Id
    start: str
    duration_min: int
    capacity: int
    overbook: int = 0
    equipment: tuple[Equipment, ...] = ()


@operation("session.add", version=1, kind=Kind.CLAIM, needs=Capability.MANAGE_SCHEDULE)
class AddSessions(Payload, frozen=True, kw_only=True):
    """Plan one session or a season of them at one location; all or none.

    What clashes is refused with ways round, except for codes of `conflicts.CODES` that are named in `despite`.
    """

    location: Id
    items: tuple[Planned, ...]
    despite: tuple[str, ...] = ()

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield from planning_reads(tx, op, self.location, self.items, despite=self.despite)

    def guards(self, op: Operation[Any]) -> tuple[str, ...]:
        return (PLANNING,)

    def resource(self, tx: Tx, op: Operation[Any]) -> Resource:
        """Where all of them are: in one room, of one class, or anywhere at the location."""
        rooms, classes = {item.room for item in self.items}, {item.class_type for item in self.items}
        room, class_type = (next(iter(one)) if len(one) == 1 else None for one in (rooms, classes))
        return Resource(self.location, room, class_type)


@handles(AddSessions)
def add_sessions(tx: Tx, op: Operation[AddSessions]) -> Outcome:
    planned = plan(tx, op, op.payload.location, op.payload.items, despite=op.payload.despite)
    if isinstance(planned, Outcome):
        return planned
    for session in planned:
        tx.put(session)
    return surroundings.planned(planned)


def planning_reads(
    tx: Tx, op: Operation[Any], place: Id, items: Sequence[Planned], *, despite: Collection[str]
) -> Reads:
    """What `plan` looks at."""
    yield [
        Key(Location, place, "studio"),
        *(Key(Session, item.session, f"schedule/{place}/{item.start[:7]}") for item in items),
        *(Key(Room, room, "studio") for room in dict.fromkeys(item.room for item in items)),
    ]
    location = tx.get(Location, place)
    if location is not None and not any(_trouble(tx, location, item) for item in items):
        sessions = [_session(location, item) for item in items]
        yield from surroundings.wants(tx, op, sessions, despite=despite)


def plan(
    tx: Tx, op: Operation[Any], place: Id, items: Sequence[Planned], *, despite: Collection[str]
) -> tuple[Session, ...] | Outcome:
    """New sessions at a location, ready to be put; or the refusal, item by item, that keeps them all from being."""
    location = tx.get(Location, place)
    if location is None:
        return refused("location.unknown")
    found = [_trouble(tx, location, item) for item in items]
    if any(found):
        return of_items(
            ItemOutcome(item.session, Status.REFUSED, (reason(code or "session.with_others"),))
            for item, code in zip(items, found, strict=True)
        )
    sessions = [_session(location, item) for item in items]
    clashes = surroundings.refusal(tx, op, sessions, despite=despite, together=False) if sessions else None
    return clashes if clashes is not None else tuple(surroundings.settled(tx, session) for session in sessions)


def _trouble(tx: Tx, location: Location, item: Planned) -> str:
    room = tx.get(Room, item.room)
    if room is None or room.location != location.id:
        return "room.unknown"
    if tx.get(Session, item.session) is not None:
        return "session.exists"
    try:
        _session(location, item)
    except BadInput as bad:
        return bad.code
    least = min(item.capacity, item.overbook)
    return rules.trouble(duration_min=item.duration_min, capacity=least) or equipment_trouble(item.equipment)


def _session(location: Location, item: Planned) -> Session:
    session = rules.planned(
        item.session, class_type=item.class_type, location=location.id, room=item.room, instructor=item.instructor,
        start=item.start, zone=location.zone, duration_min=item.duration_min, capacity=item.capacity,
    )  # fmt: skip
    return msgspec.structs.replace(session, overbook=item.overbook, equipment=item.equipment)


@operation("session.cancel", version=1, kind=Kind.CLAIM, needs=Capability.MANAGE_SCHEDULE)
class CancelSession(Payload, frozen=True, kw_only=True):
    """The session does not take place, and `reason` is the code why. Bookings stay on record; the families are told."""

    session: Id
    reason: str = ""

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield Key(Session, self.session)

    def guards(self, op: Operation[Any]) -> tuple[str, ...]:
        return (f"session:{self.session}",)

    def resource(self, tx: Tx, op: Operation[Any]) -> Resource:
        return of_session(tx.get(Session, self.session))


@handles(CancelSession)
def cancel_session(tx: Tx, op: Operation[CancelSession]) -> Outcome:
    session = tx.get(Session, op.payload.session)
    if session is None:
        return refused("session.unknown")
    if session.state == "cancelled":
        return DUPLICATE
    tx.put(msgspec.structs.replace(session, state="cancelled", reason=op.payload.reason))
    tell_cancelled(tx, [session])
    return ACCEPTED


def of_session(session: Session | None) -> Resource:
    """What a permission is asked about when something is done to a session."""
    return Resource() if session is None else rules.resource_of(session)
