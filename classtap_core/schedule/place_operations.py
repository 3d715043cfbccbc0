"""Places are described, opened and closed. Edits: two people who change different things both have their way."""

from typing import Any

from classtap_core.access.blueprints import Capability
from classtap_core.kernel.errors import BadInput
from classtap_core.kernel.ids import Id
from classtap_core.kernel.merge import edited
from classtap_core.kernel.operations import Key, Kind, Operation, Payload, Range, Reads, Resource, handles, operation
from classtap_core.kernel.outcomes import ACCEPTED, DUPLICATE, Outcome, Status, refused
from classtap_core.kernel.tx import Tx
from classtap_core.schedule import opening
from classtap_core.schedule.facts import LocationFacts, RoomFacts, location_trouble, room_trouble
from classtap_core.schedule.records import Closure, Location, Room, Session


@operation("location.edit", version=1, kind=Kind.EDIT, needs=Capability.MANAGE_SCHEDULE)
class EditLocation(Payload, frozen=True, kw_only=True):
    """A location as its editor saw it, and as they want it."""

    location: Id
    base: LocationFacts
    wanted: LocationFacts

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield Key(Location, self.location, "studio")

    def guards(self, op: Operation[Any]) -> tuple[str, ...]:
        return (f"location:{self.location}",)

    def resource(self, tx: Tx, op: Operation[Any]) -> Resource:
        return Resource(self.location)


@handles(EditLocation)
def edit_location(tx: Tx, op: Operation[EditLocation]) -> Outcome:
    location = tx.get(Location, op.payload.location)
    if location is None:
        return refused("location.unknown")
    wanted = op.payload.wanted
    code = location_trouble(wanted)
    return refused(code) if code else _put(tx, location, edited(location, op.payload.base, wanted))


@operation("room.edit", version=1, kind=Kind.EDIT, needs=Capability.MANAGE_SCHEDULE)
class EditRoom(Payload, frozen=True, kw_only=True):
    """A room as its editor saw it, and as they want it. Sessions keep the capacity they were planned with."""

    room: Id
    base: RoomFacts
    wanted: RoomFacts

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield Key(Room, self.room, "studio")

    def guards(self, op: Operation[Any]) -> tuple[str, ...]:
        return (f"room:{self.room}",)

    def resource(self, tx: Tx, op: Operation[Any]) -> Resource:
        room = tx.get(Room, self.room)
        return Resource() if room is None else Resource(room.location, room.id)


@handles(EditRoom)
def edit_room(tx: Tx, op: Operation[EditRoom]) -> Outcome:
    room = tx.get(Room, op.payload.room)
    if room is None:
        return refused("room.unknown")
    wanted = op.payload.wanted
    code = room_trouble(wanted)
    return refused(code) if code else _put(tx, room, edited(room, op.payload.base, wanted))


@operation("closure.add", version=1, kind=Kind.EDIT, needs=Capability.MANAGE_SCHEDULE)
class AddClosure(Payload, frozen=True, kw_only=True):
    """Close a location, or one room, from `first` up to `last` (local). What is planned then stays, and is named."""

    closure: Id
    location: Id
    first: str
    last: str
    room: str = ""
    reason: str = ""

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        wants: list[Key | Range] = [Key(Location, self.location, "studio"), Key(Closure, self.closure, "studio")]
        if self.room:
            wants.append(Key(Room, Id(self.room), "studio"))
        wants.append(_planned_within(self.location, self.first, self.last))
        yield wants

    def resource(self, tx: Tx, op: Operation[Any]) -> Resource:
        return Resource(self.location, Id(self.room) if self.room else None)


def _planned_within(location: Id, first: str, last: str) -> Range:
    return Range(
        Session, "by_location_date", (location,), low=first[:10], high=last[:10], scope=f"schedule/{location}/*"
    )


@handles(AddClosure)
def add_closure(tx: Tx, op: Operation[AddClosure]) -> Outcome:
    new = op.payload
    location = tx.get(Location, new.location)
    if location is None:
        return refused("location.unknown")
    if new.room:
        room = tx.get(Room, Id(new.room))
        if room is None or room.location != new.location:
            return refused("room.unknown")
    try:
        opening.check_closure(new.first, new.last)
    except BadInput as bad:
        return refused(bad.code, **bad.params)
    if tx.get(Closure, new.closure) is not None:
        return DUPLICATE
    closure = Closure(
        id=new.closure, location=new.location, first=new.first, last=new.last, room=new.room, reason=new.reason
    )
    tx.put(closure)
    within = [
        session
        for session in tx.find(Session, "by_location_date", new.location, low=new.first[:10], high=new.last[:10])
        if session.state == "open" and opening.closes(closure, location, session)
    ]
    if not within:
        return ACCEPTED
    return Outcome(status=Status.ACCEPTED, obligations=({"review": "closure.sessions", "sessions": len(within)},))


@operation("closure.remove", version=1, kind=Kind.EDIT, needs=Capability.MANAGE_SCHEDULE)
class RemoveClosure(Payload, frozen=True, kw_only=True):
    """Open again what was closed."""

    closure: Id

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield Key(Closure, self.closure, "studio")

    def resource(self, tx: Tx, op: Operation[Any]) -> Resource:
        closure = tx.get(Closure, self.closure)
        return Resource() if closure is None else Resource(closure.location)


@handles(RemoveClosure)
def remove_closure(tx: Tx, op: Operation[RemoveClosure]) -> Outcome:
    if tx.get(Closure, op.payload.closure) is None:
        return DUPLICATE
    tx.delete(Closure, op.payload.closure)
    return ACCEPTED


def _put(tx: Tx, before: Location | Room, after: Location | Room) -> Outcome:
    if after == before:
        return DUPLICATE
    tx.put(after)
    return ACCEPTED
