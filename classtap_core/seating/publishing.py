"""A draft becomes a room's next version, or an earlier version comes back. The cloud checks everything anew."""

from typing import Any

import msgspec
from msgspec.structs import replace

from classtap_core.access.blueprints import Capability
from classtap_core.booking.records import Policy, policy_id
from classtap_core.kernel.errors import BadInput
from classtap_core.kernel.ids import Id
from classtap_core.kernel.operations import Key, Kind, Operation, Reads, handles, operation
from classtap_core.kernel.outcomes import DUPLICATE, Outcome, Reason, Status, reason, refused
from classtap_core.kernel.tx import Tx
from classtap_core.schedule.seats import RoomSeating, SeatMapVersion, maps_scope, room_seating_id, version_id
from classtap_core.seating import rules
from classtap_core.seating.documents import unpacked
from classtap_core.seating.in_force import MOST_TOLD, ForRoom, faults, put_in_force
from classtap_core.seating.model import SeatMap
from classtap_core.seating.overrides import forbidden
from classtap_core.seating.records import SeatDraft, SeatRollout, drafts_scope


class Move(msgspec.Struct, frozen=True, kw_only=True):
    """Who is booked on one spot gets another, because the publisher said so after a remap report."""

    spot: str
    to: str


@operation("seatmap.publish", version=1, kind=Kind.PUBLISH, needs=Capability.PUBLISH_SEATMAP)
class PublishSeatMap(ForRoom, frozen=True, kw_only=True):
    """Publish a draft as it was seen (`revision`). Every promise is kept, or it is refused with what stands against it.

    A refusal carries reasons per session and, in `alternatives`, the remap report: where each lost spot could go
    (`to`, "" where a person must decide). `moves` answers such a report.
    """

    draft: Id
    revision: Id
    moves: tuple[Move, ...] = ()

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield Key(SeatDraft, self.draft, drafts_scope(self.location))
        yield from self.room_reads(tx, op)
        seating = tx.get(RoomSeating, room_seating_id(self.room))
        if seating is not None and seating.rollout:
            yield Key(SeatRollout, Id(seating.rollout), "seatpresets")


@handles(PublishSeatMap)
def publish_seat_map(tx: Tx, op: Operation[PublishSeatMap]) -> Outcome:
    asked = op.payload
    draft = tx.get(SeatDraft, asked.draft)
    policy = tx.get(Policy, policy_id(op.studio, rules.APPROVAL_POLICY))
    approval = policy is not None and policy.values.get("approval") == 1
    if draft is not None and draft.state == rules.PUBLISHED and draft.revision == asked.revision:
        return DUPLICATE
    trouble = rules.publish_trouble(draft, room=asked.room, revision=asked.revision, approval=approval)
    if draft is None or trouble:
        return refused(trouble)
    try:
        seat_map = unpacked(draft.document)
    except BadInput as bad:
        return refused(bad.code, **bad.params)
    wrong = faults(seat_map) or _not_its_own(tx, asked, seat_map)
    if wrong:
        return Outcome(status=Status.REFUSED, reasons=wrong)
    moves = {move.spot: move.to for move in asked.moves}
    approver = draft.decided_by if draft.state == rules.APPROVED else ""
    outcome = put_in_force(tx, op, seat_map, draft.document, moves=moves, draft=draft.id, approver=approver)
    if outcome.stands:
        tx.put(replace(draft, state=rules.PUBLISHED, version=asked.head + 1))
    return outcome


def _not_its_own(tx: Tx, asked: ForRoom, seat_map: SeatMap) -> tuple[Reason, ...]:
    """What a room changes of a map it shares with others, and may not."""
    seating = tx.get(RoomSeating, room_seating_id(asked.room))
    shared = tx.get(SeatRollout, Id(seating.rollout)) if seating is not None and seating.rollout else None
    if shared is None:
        return ()
    found = forbidden(unpacked(shared.document), seat_map, shared.allowed)
    return tuple(reason("seatmap.not_local", part=one.part, id=one.id, field=one.field) for one in found[:MOST_TOLD])


@operation("seatmap.rollback", version=1, kind=Kind.PUBLISH, needs=Capability.PUBLISH_SEATMAP)
class RollBack(ForRoom, frozen=True, kw_only=True):
    """Bring an earlier version back, as a new one. Who is booked keeps their spot, by id or by label; who cannot keeps
    the place without a spot, and is listed in the outcome's obligations. No booking is deleted."""

    to: int

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield Key(SeatMapVersion, version_id(self.room, self.to), maps_scope(self.location))
        yield from self.room_reads(tx, op)
        seating = tx.get(RoomSeating, room_seating_id(self.room))
        if seating is not None:
            yield Key(SeatMapVersion, version_id(self.room, seating.current), maps_scope(self.location))


@handles(RollBack)
def roll_back(tx: Tx, op: Operation[RollBack]) -> Outcome:
    asked = op.payload
    seating = tx.get(RoomSeating, room_seating_id(asked.room))
    wanted = tx.get(SeatMapVersion, version_id(asked.room, asked.to))
    if seating is None or wanted is None or asked.to > seating.latest:
        return refused("seatmap.no_version", version=asked.to)
    standing = tx.get(SeatMapVersion, version_id(asked.room, seating.current))
    target = unpacked(wanted.document)
    if standing is not None and not asked.alone and unpacked(standing.document) == target:
        return refused("seatmap.rollback_same", version=asked.to)
    return put_in_force(tx, op, target, wanted.document, restored=asked.to, keep_all=True)
