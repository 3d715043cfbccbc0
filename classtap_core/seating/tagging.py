"""A spot is broken, or works again. Saying that it is broken is a fact, taken at once; giving it back is decided."""

from typing import Annotated, Any

from classtap_core.access.blueprints import Capability
from classtap_core.booking.freed import SeatsFreed
from classtap_core.booking.records import Booking
from classtap_core.booking.rules import CANCELLED
from classtap_core.kernel.effects import Home
from classtap_core.kernel.errors import BadInput
from classtap_core.kernel.ids import Id
from classtap_core.kernel.operations import Key, Kind, Operation, Payload, Range, Reads, Resource, handles, operation
from classtap_core.kernel.outcomes import ACCEPTED, DUPLICATE, Outcome, Status, reason, refused
from classtap_core.kernel.records import about
from classtap_core.kernel.tx import Tx
from classtap_core.schedule import seats as room_seats
from classtap_core.schedule.records import Session
from classtap_core.schedule.seats import (
    SeatMapVersion,
    SpotStatus,
    StatusEntry,
    maps_scope,
    spot_status_id,
    version_id,
)
from classtap_core.seating import model
from classtap_core.seating.in_force import affected, coming
from classtap_core.timekeeping.rules import parse_date

BROKEN = (model.Status.NEEDS_ATTENTION, model.Status.OUT_OF_SERVICE)


class _OfSpot(Payload, frozen=True, kw_only=True):
    room: Id
    location: Id
    spot: str
    by: Id
    code: str = ""
    note: Annotated[str, about("by")] = ""

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield Key(SpotStatus, spot_status_id(self.room, self.spot), maps_scope(self.location))

    def resource(self, tx: Tx, op: Operation[Any]) -> Resource:
        return Resource(self.location, self.room)


@operation("spot.tag", version=1, kind=Kind.FACT, needs=Capability.TAG_SPOT)
class TagSpot(_OfSpot, frozen=True, kw_only=True):
    """A spot needs attention or is out of service: from now on nobody is given it. Who has it keeps it until moved.

    `first`, `last`: the local dates of the sessions it is so for, inclusive; "" for no bound. It ends by itself.
    """

    state: str
    first: str = ""
    last: str = ""


@handles(TagSpot)
def tag_spot(tx: Tx, op: Operation[TagSpot]) -> Outcome:
    if op.payload.state not in BROKEN:
        return refused("spot.state", state=op.payload.state)
    if op.payload.by != op.author.id:
        return refused("permission.author")
    if not _dated(op.payload.first, op.payload.last):
        return refused("spot.dates")
    if _said(tx, op, op.payload.state, first=op.payload.first, last=op.payload.last) == op.id:
        return ACCEPTED
    return Outcome(status=Status.SUPERSEDED, reasons=(reason("spot.later"),))


@operation("spot.restore", version=1, kind=Kind.CLAIM, needs=Capability.EDIT_SEATMAP)
class RestoreSpot(_OfSpot, frozen=True, kw_only=True):
    """A spot works again: a place more in each class to come whose map has it and where nobody sits on it."""

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield from super().reads(tx, op)
        yield coming(self.location, tx.now)
        sessions = _to_come(tx, self)
        yield [
            want
            for one in sessions
            for want in (
                Key(SeatMapVersion, version_id(self.room, one.seat_map), maps_scope(self.location)),
                Range(Booking, "by_session", (one.id,), scope=f"roster/{one.location}/{one.date}"),
            )
        ]

    def guards(self, op: Operation[Any]) -> tuple[str, ...]:
        return (f"seatmap:{self.room}",)


@handles(RestoreSpot)
def restore_spot(tx: Tx, op: Operation[RestoreSpot]) -> Outcome:
    standing = tx.get(SpotStatus, spot_status_id(op.payload.room, op.payload.spot))
    if op.payload.by != op.author.id:
        return refused("permission.author")
    if standing is None or room_seats.usable(standing.state):
        return DUPLICATE
    last = standing.entries[-1]
    if (last.at_ms, last.device, last.sequence) > op.order:
        return refused("spot.later")
    _said(tx, op, model.Status.OPERATIONAL)
    for session in _to_come(tx, op.payload):
        version = tx.get(SeatMapVersion, version_id(op.payload.room, session.seat_map))
        there = version is not None and op.payload.spot in (*version.public, *version.staff)
        seated = {one.spot for one in tx.find(Booking, "by_session", session.id) if one.state != CANCELLED}
        if there and op.payload.spot not in seated and not standing.works(session.date):
            tx.effect(SeatsFreed(session=session.id, places=1, spot=op.payload.spot), home=Home.CLOUD)
    return ACCEPTED


def _to_come(tx: Tx, said: RestoreSpot) -> list[Session]:
    """The room's classes to come that have a map."""
    found = tx.find(Session, "by_location_date", said.location, low=coming(said.location, tx.now).low)
    wanted = set(affected(found, said.room, now_ms=tx.now))
    return [one for one in found if one.id in wanted and one.seat_map]


def _dated(first: str, last: str) -> bool:
    """Whether bounds are dates, and in order."""
    try:
        for day in filter(None, (first, last)):
            parse_date(day)
    except BadInput:
        return False
    return not last or first <= last


def _said(
    tx: Tx, op: Operation[TagSpot] | Operation[RestoreSpot], state: str, *, first: str = "", last: str = ""
) -> Id:
    """Keep what was said; the operation whose word holds now."""
    said = op.payload
    id = spot_status_id(said.room, said.spot)
    standing = tx.get(SpotStatus, id)
    entry = StatusEntry(
        operation=op.id, state=str(state), by=said.by, at_ms=op.at.corrected, device=op.device, sequence=op.sequence,
        code=said.code, note=said.note, first=first, last=last,
    )  # fmt: skip
    entries = room_seats.with_entry(() if standing is None else standing.entries, entry)
    tx.put(
        SpotStatus(
            id=id, room=said.room, location=said.location, spot=said.spot, state=entries[-1].state, entries=entries
        )
    )
    return entries[-1].operation
