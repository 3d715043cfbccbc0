"""A published map goes to other rooms at a set time: one operation a room, each with its own fate."""

from typing import Any

from msgspec.structs import replace

from classtap_core.access.blueprints import Capability
from classtap_core.kernel.ids import Id
from classtap_core.kernel.operations import Key, Kind, Operation, Payload, Reads, Resource, handles, operation
from classtap_core.kernel.outcomes import ACCEPTED, DUPLICATE, Outcome, reason, refused
from classtap_core.kernel.tx import Tx
from classtap_core.schedule.records import Room
from classtap_core.schedule.seats import RoomSeating, SeatMapVersion, maps_scope, room_seating_id, version_id
from classtap_core.seating.documents import packed, unpacked
from classtap_core.seating.in_force import ForRoom, faults, put_in_force
from classtap_core.seating.overrides import USUAL, brought
from classtap_core.seating.records import SeatRollout, SeatRolloutStep, Target, Told, rollout_id, step_id

SCOPE = "seatpresets"
QUEUED, SUCCEEDED, FAILED, CONFLICT, CANCELLED = "queued", "succeeded", "failed", "conflict", "cancelled"
MOST_TRIES = 5
FIRST_WAIT_MS = 60_000
"""How long after a failure it is tried again; twice as long after each one more."""
MOST_TOLD = 20


@operation("seatrollout.plan", version=1, kind=Kind.CLAIM, needs=Capability.PUBLISH_SEATMAP)
class PlanRollout(Payload, frozen=True, kw_only=True):
    """Roll a published version out to rooms, all at one time. Asked for again, it is the same roll-out."""

    name: str
    room: Id
    location: Id
    version: int
    targets: tuple[Target, ...]
    effective_ms: int
    allowed: tuple[str, ...] = USUAL

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        rollout = self._id()
        yield [
            Key(SeatMapVersion, version_id(self.room, self.version), maps_scope(self.location)),
            Key(SeatRollout, rollout, SCOPE),
            *(Key(Room, one.room, "studio") for one in self.targets),
            *(Key(SeatRolloutStep, step_id(rollout, one.room), SCOPE) for one in self.targets),
        ]

    def _id(self) -> Id:
        rooms = tuple(one.room for one in self.targets)
        return rollout_id(version_id(self.room, self.version), rooms, self.effective_ms)


@handles(PlanRollout)
def plan_rollout(tx: Tx, op: Operation[PlanRollout]) -> Outcome:
    asked = op.payload
    id = asked._id()
    if tx.get(SeatRollout, id) is not None:
        return DUPLICATE
    version = tx.get(SeatMapVersion, version_id(asked.room, asked.version))
    if version is None:
        return refused("seatmap.no_version", version=asked.version)
    rooms = [tx.get(Room, one.room) for one in asked.targets]
    if not rooms or any(
        room is None or room.location != one.location for room, one in zip(rooms, asked.targets, strict=True)
    ):
        return refused("room.unknown")
    if asked.room in {one.room for one in asked.targets}:
        return refused("seatrollout.itself")
    tx.put(
        SeatRollout(
            id=id, name=asked.name, source=version.id, document=version.document, effective_ms=asked.effective_ms,
            targets=asked.targets, allowed=asked.allowed, planner=Id(op.author.id),
        )
    )  # fmt: skip
    for one in asked.targets:
        tx.put(
            SeatRolloutStep(
                id=step_id(id, one.room), rollout=id, room=one.room, location=one.location, state=QUEUED,
                due_ms=asked.effective_ms,
            )
        )  # fmt: skip
    return ACCEPTED


class _OfStep(Payload, frozen=True, kw_only=True):
    rollout: Id
    room: Id
    location: Id

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield Key(SeatRolloutStep, step_id(self.rollout, self.room), SCOPE)

    def resource(self, tx: Tx, op: Operation[Any]) -> Resource:
        return Resource(self.location, self.room)


@operation("seatrollout.retry", version=1, kind=Kind.CLAIM, needs=Capability.PUBLISH_SEATMAP)
class RetryRollout(_OfStep, frozen=True, kw_only=True):
    """Try a room again. `keep` settles what both sides changed: `local`, `shared`, or "" where nothing is settled."""

    keep: str = ""


@handles(RetryRollout)
def retry_rollout(tx: Tx, op: Operation[RetryRollout]) -> Outcome:
    step = tx.get(SeatRolloutStep, step_id(op.payload.rollout, op.payload.room))
    if step is None or step.location != op.payload.location:
        return refused("seatrollout.unknown")
    if step.state in (SUCCEEDED, CANCELLED):
        return refused("seatrollout.over", state=step.state)
    if op.payload.keep not in ("", "local", "shared"):
        return refused("seatrollout.keep")
    due_ms = step.due_ms if step.state == QUEUED and not step.tries else tx.now
    tx.put(replace(step, state=QUEUED, due_ms=due_ms, keep=op.payload.keep))
    return ACCEPTED


@operation("seatrollout.cancel", version=1, kind=Kind.CLAIM, needs=Capability.PUBLISH_SEATMAP)
class CancelRollout(_OfStep, frozen=True, kw_only=True):
    """Leave a room out, as long as it was not reached."""


@handles(CancelRollout)
def cancel_rollout(tx: Tx, op: Operation[CancelRollout]) -> Outcome:
    step = tx.get(SeatRolloutStep, step_id(op.payload.rollout, op.payload.room))
    if step is None or step.location != op.payload.location:
        return refused("seatrollout.unknown")
    if step.state == CANCELLED:
        return DUPLICATE
    if step.state == SUCCEEDED:
        return refused("seatrollout.over", state=step.state)
    tx.put(replace(step, state=CANCELLED))
    return ACCEPTED


@operation("seatrollout.apply", version=1, kind=Kind.TICK, needs=None)
class ApplyRollout(ForRoom, frozen=True, kw_only=True):
    """The time has come at one room. What goes wrong is written into its step; the room stays as it is."""

    rollout: Id
    due_ms: int

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield [Key(SeatRollout, self.rollout, SCOPE), Key(SeatRolloutStep, step_id(self.rollout, self.room), SCOPE)]
        yield from self.room_reads(tx, op)
        seating = tx.get(RoomSeating, room_seating_id(self.room))
        if seating is not None:
            yield [
                Key(SeatMapVersion, version_id(self.room, seating.current), maps_scope(self.location)),
                *([Key(SeatRollout, Id(seating.rollout), SCOPE)] if seating.rollout else []),
            ]


@handles(ApplyRollout)
def apply_rollout(tx: Tx, op: Operation[ApplyRollout]) -> Outcome:
    asked = op.payload
    rollout = tx.get(SeatRollout, asked.rollout)
    step = tx.get(SeatRolloutStep, step_id(asked.rollout, asked.room))
    if rollout is None or step is None:
        return refused("seatrollout.unknown")
    if step.state != QUEUED or step.due_ms != asked.due_ms or tx.now < step.due_ms:
        return refused("tick.not_due", due_ms=step.due_ms)
    seating = tx.get(RoomSeating, room_seating_id(asked.room))
    before = tx.get(SeatRollout, Id(seating.rollout)) if seating is not None and seating.rollout else None
    local = None if seating is None else tx.get(SeatMapVersion, version_id(asked.room, seating.current))
    found = brought(
        None if before is None else unpacked(before.document), None if local is None else unpacked(local.document),
        unpacked(rollout.document), allowed=rollout.allowed, keep=step.keep,
    )  # fmt: skip
    if found.conflicts:
        told = tuple(Told("seatrollout.conflict", f"{one.part} {one.id}") for one in found.conflicts[:MOST_TOLD])
        tx.put(replace(step, state=CONFLICT, tries=step.tries + 1, told=told))
        return Outcome(status=ACCEPTED.status, reasons=(reason("seatrollout.conflict", count=len(found.conflicts)),))
    wrong = faults(found.seat_map)
    outcome = (
        Outcome(status=ACCEPTED.status, reasons=wrong)
        if wrong
        # Only the cloud runs a tick, so it does not matter that another zlib would pack the same map otherwise.
        else put_in_force(tx, op, found.seat_map, packed(found.seat_map), rollout=rollout.id, publisher=rollout.planner)
    )
    if wrong or not outcome.stands:
        return _failed(tx, step, outcome)
    tx.put(replace(step, state=SUCCEEDED, tries=step.tries + 1, told=(), version=asked.head + 1))
    return outcome


def _failed(tx: Tx, step: SeatRolloutStep, outcome: Outcome) -> Outcome:
    reasons = outcome.reasons + tuple(one for item in outcome.items for one in item.reasons)
    tries = step.tries + 1
    over = tries >= MOST_TRIES
    tx.put(
        replace(
            step, state=FAILED if over else QUEUED, tries=tries, due_ms=tx.now + (FIRST_WAIT_MS << step.tries),
            told=tuple(Told(one.code, ",".join(f"{k}={v}" for k, v in one.params.items())) for one in reasons),
        )
    )  # fmt: skip
    return Outcome(status=ACCEPTED.status, reasons=(reason("seatrollout.failed", tries=tries), *reasons[:MOST_TOLD]))
