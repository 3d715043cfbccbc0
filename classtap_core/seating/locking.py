"""The lock on a room's map: one editor at a time, and nobody books what is being moved. The cloud grants it."""

from typing import Any

from msgspec.structs import replace

from classtap_core.access.blueprints import Capability
from classtap_core.kernel.ids import Id
from classtap_core.kernel.operations import Key, Kind, Operation, Payload, Reads, Resource, handles, operation
from classtap_core.kernel.outcomes import ACCEPTED, DUPLICATE, Outcome, refused
from classtap_core.kernel.tx import Tx
from classtap_core.schedule import seats as room_seats
from classtap_core.schedule.records import Room
from classtap_core.schedule.seats import SeatLock, lock_id, maps_scope
from classtap_core.seating import rules


class _OfLock(Payload, frozen=True, kw_only=True):
    room: Id
    location: Id

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield [Key(Room, self.room, "studio"), Key(SeatLock, lock_id(self.room), maps_scope(self.location))]

    def guards(self, op: Operation[Any]) -> tuple[str, ...]:
        return (f"seatmap:{self.room}",)

    def resource(self, tx: Tx, op: Operation[Any]) -> Resource:
        return Resource(self.location, self.room)


@operation("seatlock.take", version=1, kind=Kind.CLAIM, needs=Capability.EDIT_SEATMAP)
class TakeLock(_OfLock, frozen=True, kw_only=True):
    """Edit alone: take the lock, or renew it while you work.

    A second editor hears who has it and since when (`seatlock.taken`: 423 over HTTP).

    Attributes:
        sessions: whose spots nobody may book meanwhile (`seat.locked`: 409 SeatLocked). spots: which; all where empty.
    """

    sessions: tuple[Id, ...] = ()
    spots: tuple[str, ...] = ()


@handles(TakeLock)
def take_lock(tx: Tx, op: Operation[TakeLock]) -> Outcome:
    wanted = op.payload
    room = tx.get(Room, wanted.room)
    if room is None or room.location != wanted.location:
        return refused("room.unknown")
    lock = tx.get(SeatLock, lock_id(wanted.room))
    mine = lock is not None and (lock.holder, lock.device) == (op.author.id, op.device)
    stands = room_seats.lock_stands(lock, tx.now)
    if lock is not None and stands and not mine:
        return rules.taken(lock)
    since = lock.since_ms if lock is not None and stands else tx.now
    tx.put(
        SeatLock(
            id=lock_id(wanted.room), room=wanted.room, location=wanted.location, holder=Id(op.author.id),
            device=op.device, since_ms=since, renewed_ms=tx.now, state=room_seats.HELD, sessions=wanted.sessions,
            spots=wanted.spots,
        )
    )  # fmt: skip
    return ACCEPTED


@operation("seatlock.release", version=1, kind=Kind.CLAIM, needs=Capability.EDIT_SEATMAP)
class ReleaseLock(_OfLock, frozen=True, kw_only=True):
    """The editor is closed."""


@handles(ReleaseLock)
def release_lock(tx: Tx, op: Operation[ReleaseLock]) -> Outcome:
    lock = tx.get(SeatLock, lock_id(op.payload.room))
    if lock is None or not room_seats.lock_stands(lock, tx.now):
        return DUPLICATE
    if (lock.holder, lock.device) != (op.author.id, op.device):
        return rules.taken(lock)
    tx.put(replace(lock, state=room_seats.RELEASED))
    return ACCEPTED
