"""A spot is broken, or works again. Saying that it is broken is a fact, taken at once; giving it back is decided."""

from typing import Annotated, Any

from classtap_core.access.blueprints import Capability
from classtap_core.kernel.ids import Id
from classtap_core.kernel.operations import Key, Kind, Operation, Payload, Reads, Resource, handles, operation
from classtap_core.kernel.outcomes import ACCEPTED, DUPLICATE, Outcome, Status, reason, refused
from classtap_core.kernel.records import about
from classtap_core.kernel.tx import Tx
from classtap_core.schedule import seats as room_seats
from classtap_core.schedule.seats import SpotStatus, StatusEntry, maps_scope, spot_status_id
from classtap_core.seating import model

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
    """A spot needs attention or is out of service: from now on nobody is given it. Who has it keeps it until moved."""

    state: str


@handles(TagSpot)
def tag_spot(tx: Tx, op: Operation[TagSpot]) -> Outcome:
    if op.payload.state not in BROKEN:
        return refused("spot.state", state=op.payload.state)
    if op.payload.by != op.author.id:
        return refused("permission.author")
    if _said(tx, op, op.payload.state) == op.id:
        return ACCEPTED
    return Outcome(status=Status.SUPERSEDED, reasons=(reason("spot.later"),))


@operation("spot.restore", version=1, kind=Kind.CLAIM, needs=Capability.EDIT_SEATMAP)
class RestoreSpot(_OfSpot, frozen=True, kw_only=True):
    """A spot works again."""

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
    return ACCEPTED


def _said(tx: Tx, op: Operation[TagSpot] | Operation[RestoreSpot], state: str) -> Id:
    """Keep what was said; the operation whose word holds now."""
    said = op.payload
    id = spot_status_id(said.room, said.spot)
    standing = tx.get(SpotStatus, id)
    entry = StatusEntry(
        operation=op.id, state=str(state), by=said.by, at_ms=op.at.corrected, device=op.device, sequence=op.sequence,
        code=said.code, note=said.note,
    )  # fmt: skip
    entries = room_seats.with_entry(() if standing is None else standing.entries, entry)
    tx.put(
        SpotStatus(
            id=id, room=said.room, location=said.location, spot=said.spot, state=entries[-1].state, entries=entries
        )
    )
    return entries[-1].operation
