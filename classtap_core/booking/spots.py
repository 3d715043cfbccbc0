"""Which spot of a session's seat map a booking names: one spot, one person, and nobody books what is being moved."""

from collections.abc import Iterable
from typing import Any

from msgspec.structs import replace

from classtap_core.access.blueprints import Capability
from classtap_core.booking import rules
from classtap_core.booking.records import Booking, booking_id
from classtap_core.kernel.ids import Id
from classtap_core.kernel.operations import Key, Kind, Operation, Payload, Range, Reads, Resource, handles, operation
from classtap_core.kernel.outcomes import ACCEPTED, DUPLICATE, Outcome, Reason, Status, reason, refused
from classtap_core.kernel.tx import Tx
from classtap_core.schedule import seats as room_seats
from classtap_core.schedule.operations import of_session
from classtap_core.schedule.records import Session
from classtap_core.schedule.seats import SeatLock, SeatMapVersion, SpotStatus, lock_id, maps_scope, version_id

MOST_OFFERED = 3
OF_STAFF = ("staff", "clock")
"""Authors who may give away spots that clients do not see."""


def spot_wants(session: Session) -> list[Key | Range]:
    """What it takes to judge a spot of a session."""
    scope = maps_scope(session.location)
    return [
        Key(SeatMapVersion, version_id(session.room, session.seat_map), scope),
        Key(SeatLock, lock_id(session.room), scope),
        Range(SpotStatus, "by_room", (session.room,), scope=scope),
        Range(Booking, "by_session", (session.id,), scope=f"roster/{session.location}/{session.date}"),
    ]


def idle_wants(session: Session) -> list[Key | Range]:
    """What it takes to know which spots nobody can be given; nothing for a session without a map."""
    if not session.seat_map:
        return []
    scope = maps_scope(session.location)
    version = Key(SeatMapVersion, version_id(session.room, session.seat_map), scope)
    return [version, Range(SpotStatus, "by_room", (session.room,), scope=scope)]


def idle(tx: Tx, session: Session, bookings: Iterable[Booking]) -> int:
    """How many of a session's places are lost to spots that are broken and that nobody has."""
    version = tx.get(SeatMapVersion, version_id(session.room, session.seat_map)) if session.seat_map else None
    if version is None:
        return 0
    taken = [one.spot for one in bookings if one.state != rules.CANCELLED and one.spot]
    return room_seats.idle_places((*version.public, *version.staff), _broken(tx, session), taken)


def judged(tx: Tx, op: Operation[Any], session: Session, spot: str, *, booking: Id) -> Reason | None:
    """Why a booking may not have a spot, or None."""
    return trouble(
        tx.get(SeatMapVersion, version_id(session.room, session.seat_map)),
        tx.get(SeatLock, lock_id(session.room)),
        [one for one in tx.find(Booking, "by_session", session.id) if one.id != booking],
        broken=_broken(tx, session), spot=spot, session=session.id, by_staff=op.author.type in OF_STAFF, now_ms=tx.now,
    )  # fmt: skip


def trouble(
    version: SeatMapVersion | None, lock: SeatLock | None, others: Iterable[Booking], *, broken: set[str], spot: str,
    session: str, by_staff: bool, now_ms: int,
) -> Reason | None:  # fmt: skip
    """Why nobody can be given a spot, or not this person. Pure."""
    if version is None:
        return reason("booking.no_map")
    if spot not in (*version.public, *(version.staff if by_staff else ())):
        return reason("booking.spot_unknown", spot=spot)
    if any(one.spot == spot and one.state != rules.CANCELLED for one in others):
        return reason("booking.spot_taken", spot=spot)
    if spot in broken:
        return reason("booking.spot_out", spot=spot)
    if lock is not None and room_seats.locked_out(lock, session=session, spot=spot, now_ms=now_ms):
        return reason("seat.locked", since_ms=lock.since_ms, until_ms=room_seats.lock_ends_ms(lock))
    return None


def _broken(tx: Tx, session: Session) -> set[str]:
    return room_seats.broken(tx.find(SpotStatus, "by_room", session.room), session.date)


def offered(
    version: SeatMapVersion | None, others: Iterable[Booking], spot: str, broken: set[str]
) -> tuple[dict[str, str | int], ...]:
    """The free spots that stand nearest to one in the map's own order."""
    if version is None:
        return ()
    taken = {one.spot for one in others if one.state != rules.CANCELLED}
    order = list(version.public)
    at = order.index(spot) if spot in order else 0
    free = sorted(
        (one for one in order if one not in taken | broken), key=lambda one: (abs(order.index(one) - at), one)
    )
    return tuple({"spot": one} for one in free[:MOST_OFFERED])


def not_given(tx: Tx, session: Session, spot: str, why: Reason) -> Outcome:
    """A refusal that says which spots are free."""
    version = tx.get(SeatMapVersion, version_id(session.room, session.seat_map))
    others = tx.find(Booking, "by_session", session.id)
    return Outcome(
        status=Status.REFUSED, reasons=(why,), alternatives=offered(version, others, spot, _broken(tx, session))
    )


@operation("booking.seat", version=1, kind=Kind.CLAIM, needs=Capability.CREATE_BOOKING)
class SeatBooking(Payload, frozen=True, kw_only=True):
    """Give a booking a spot, another spot, or (`spot` "") none."""

    session: Id
    child: Id
    spot: str

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield Key(Session, self.session)
        session = tx.get(Session, self.session)
        if session is not None:
            scope = f"roster/{session.location}/{session.date}"
            yield [Key(Booking, booking_id(op.studio, self.session, self.child), scope), *spot_wants(session)]

    def guards(self, op: Operation[Any]) -> tuple[str, ...]:
        return (f"session:{self.session}",)

    def resource(self, tx: Tx, op: Operation[Any]) -> Resource:
        return of_session(tx.get(Session, self.session))


@handles(SeatBooking)
def seat_booking(tx: Tx, op: Operation[SeatBooking]) -> Outcome:
    wanted = op.payload
    session = tx.get(Session, wanted.session)
    if session is None:
        return refused("session.unknown")
    id = booking_id(op.studio, session.id, wanted.child)
    held = tx.get(Booking, id)
    if held is None or held.state == rules.CANCELLED:
        return refused("booking.unknown")
    if held.spot == wanted.spot:
        return DUPLICATE
    why = judged(tx, op, session, wanted.spot, booking=id) if wanted.spot else None
    if why is not None:
        return not_given(tx, session, wanted.spot, why)
    tx.put(replace(held, spot=wanted.spot))
    return ACCEPTED
