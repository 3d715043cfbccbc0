"""Places are claimed under the session's guard; a lease lets a device claim some of them alone."""

from typing import Annotated, Any, ClassVar

import msgspec

from classtap_core.access.blueprints import Capability
from classtap_core.booking import fields, rules, spots
from classtap_core.booking.fields import Answer, CustomField, Registration
from classtap_core.booking.freed import SeatsFreed
from classtap_core.booking.records import Booking, Lease, booking_id
from classtap_core.kernel.effects import Effect, Home
from classtap_core.kernel.ids import Id, derived
from classtap_core.kernel.operations import Key, Kind, Operation, Payload, Range, Reads, Resource, handles, operation
from classtap_core.kernel.outcomes import ACCEPTED, DUPLICATE, Outcome, Status, reason, refused
from classtap_core.kernel.records import about
from classtap_core.kernel.tx import Tx
from classtap_core.schedule.operations import of_session
from classtap_core.schedule.records import Session


def _roster(session: Session) -> str:
    return f"roster/{session.location}/{session.date}"


def _counted(session: Session) -> list[Key | Range]:
    """What the free places of a session follow from."""
    return [
        Range(Booking, "by_session", (session.id,), scope=_roster(session)),
        Range(Lease, "by_session", (session.id,), scope=f"lease/{session.location}"),
        *spots.idle_wants(session),
    ]


def _left(tx: Tx, session: Session) -> int:
    bookings = tx.find(Booking, "by_session", session.id)
    leases = tx.find(Lease, "by_session", session.id)
    left = rules.places_left(session.capacity + session.overbook, bookings, leases)
    return left - spots.idle(tx, session, bookings)


@operation("booking.create", version=1, kind=Kind.CLAIM, needs=Capability.CREATE_BOOKING)
class CreateBooking(Payload, frozen=True, kw_only=True):
    """A child takes a place. With a `lease` this device holds, it is decided here; without, the cloud decides.

    `location` is the session's, and names where its leases lie. `spot` names a place on its seat map; where a booking
    on a lease finds it taken, the place stands without a spot (`booking.spot_lost`). `override` is the code why staff take
    it on themselves that a gate says no. `answers` are to what the studio asks of who books (`booking.fields`).
    """

    session: Id
    child: Id
    family: Id
    location: Id
    via: str = ""
    lease: str = ""
    spot: str = ""
    override: str = ""
    answers: Annotated[tuple[Answer, ...], about("child")] = ()

    def items_of(self) -> tuple[str, ...]:
        return (self.child,)

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        wants = [Key(Session, self.session)]
        if self.lease:
            wants.append(Key(Lease, Id(self.lease), f"lease/{self.location}"))
        yield wants
        session = tx.get(Session, self.session)
        if session is None:
            return
        id = booking_id(op.studio, self.session, self.child)
        answered = [Key(Registration, id, f"registrations/{session.location}")] if self.answers else []
        yield [Key(Booking, id, _roster(session)), Range(CustomField, "by_state", ("open",), scope="studio"), *answered]
        lease = tx.get(Lease, Id(self.lease)) if self.lease else None
        if lease is None or lease.state != rules.OPEN:
            yield _counted(session)
        if self.spot:
            yield spots.spot_wants(session)

    def guards(self, op: Operation[Any]) -> tuple[str, ...]:
        return (f"session:{self.session}",)

    def resource(self, tx: Tx, op: Operation[Any]) -> Resource:
        return of_session(tx.get(Session, self.session))

    def leased(self) -> bool:
        return bool(self.lease)


@handles(CreateBooking)
def create_booking(tx: Tx, op: Operation[CreateBooking]) -> Outcome:
    wanted = op.payload
    session = tx.get(Session, wanted.session)
    if session is None:
        return refused("session.unknown")
    if session.state != "open":
        return refused("session.cancelled")
    id = booking_id(op.studio, session.id, wanted.child)
    held = tx.get(Booking, id)
    if held is not None and held.state == rules.BOOKED:
        return DUPLICATE
    stopped = op.blocked(wanted.child)
    if stopped is not None:
        return refused(f"gate.{stopped.code}", **stopped.params)
    code, params = fields.trouble(fields.asked(tx.find(CustomField, "by_state", "open"), session), wanted.answers)
    if code:
        return refused(code, **params)
    spent_on = None
    if wanted.lease:
        lease = tx.get(Lease, Id(wanted.lease))
        trouble = rules.lease_trouble(lease, device=op.device, session=session.id, booking=id, at_ms=op.at.corrected)
        if trouble:
            return refused(trouble)
        spent_on = lease if lease is not None and lease.state == rules.OPEN else None
    if spent_on is None and _left(tx, session) < 1:
        return refused("booking.full", capacity=session.capacity)
    lost = spots.judged(tx, op, session, wanted.spot, booking=id) if wanted.spot else None
    if lost is not None and spent_on is None:
        return spots.not_given(tx, session, wanted.spot, lost)
    if spent_on is not None:
        tx.put(msgspec.structs.replace(spent_on, spent=(*spent_on.spent, id)))
    tx.put(
        Booking(
            id=id, session=session.id, child=wanted.child, family=wanted.family, location=session.location,
            date=session.date, state=rules.BOOKED, via=wanted.via, lease=wanted.lease,
            spot="" if lost else wanted.spot, by=_guardian(op),
        )
    )  # fmt: skip
    if wanted.answers:
        tx.put(
            Registration(
                id=id, session=session.id, child=wanted.child, location=session.location, answers=wanted.answers
            )
        )
    _tell_overruled(tx, op, held)
    return ACCEPTED if lost is None else Outcome(status=Status.ACCEPTED, reasons=(reason("booking.spot_lost"),))


@operation("booking.cancel", version=1, kind=Kind.CLAIM, needs=Capability.CANCEL_BOOKING)
class CancelBooking(Payload, frozen=True, kw_only=True):
    """A place is given back."""

    session: Id
    child: Id

    def items_of(self) -> tuple[str, ...]:
        return (self.child,)

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield Key(Session, self.session)
        session = tx.get(Session, self.session)
        if session is not None:
            yield Key(Booking, booking_id(op.studio, self.session, self.child), _roster(session))

    def guards(self, op: Operation[Any]) -> tuple[str, ...]:
        return (f"session:{self.session}",)

    def resource(self, tx: Tx, op: Operation[Any]) -> Resource:
        return of_session(tx.get(Session, self.session))


@handles(CancelBooking)
def cancel_booking(tx: Tx, op: Operation[CancelBooking]) -> Outcome:
    if tx.get(Session, op.payload.session) is None:
        return refused("session.unknown")
    booking = tx.get(Booking, booking_id(op.studio, op.payload.session, op.payload.child))
    if booking is None:
        return refused("booking.unknown")
    if booking.state == rules.CANCELLED:
        return DUPLICATE
    stopped = op.blocked(op.payload.child)
    if stopped is not None:
        return refused(f"gate.{stopped.code}", **stopped.params)
    tx.put(msgspec.structs.replace(booking, state=rules.CANCELLED, by=_guardian(op)))
    tx.effect(SeatsFreed(session=op.payload.session, places=1, spot=booking.spot), home=Home.CLOUD)
    _tell_overruled(tx, op, booking)
    return ACCEPTED


class GuardianOverruled(Effect, frozen=True, kw_only=True):
    """What a guardian said of a booking no longer stands: somebody with a higher word said otherwise. They are told."""

    KIND: ClassVar[str] = "guardian.overruled"

    guardian: Id
    child: Id
    session: Id


def _guardian(op: Operation[Any]) -> str:
    return op.author.id if op.author.type == "guardian" else ""


def _tell_overruled(tx: Tx, op: Operation[Any], before: Booking | None) -> None:
    if before is not None and before.by not in ("", op.author.id):
        effect = GuardianOverruled(guardian=Id(before.by), child=before.child, session=before.session)
        tx.effect(effect, home=Home.CLOUD)


def lease_id(operation: Id) -> Id:
    """The lease that a `lease.take` made, from the operation's id."""
    return derived("lease", operation)


@operation("lease.take", version=1, kind=Kind.CLAIM, needs=Capability.TAKE_LEASE)
class TakeLease(Payload, frozen=True, kw_only=True):
    """A device borrows up to `places` of a session, to book while offline; it gets as many as are left."""

    session: Id
    places: int

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield Key(Session, self.session)
        session = tx.get(Session, self.session)
        if session is not None:
            yield [Key(Lease, lease_id(op.id), f"lease/{session.location}"), *_counted(session)]

    def guards(self, op: Operation[Any]) -> tuple[str, ...]:
        return (f"session:{self.session}",)

    def resource(self, tx: Tx, op: Operation[Any]) -> Resource:
        return of_session(tx.get(Session, self.session))


@handles(TakeLease)
def take_lease(tx: Tx, op: Operation[TakeLease]) -> Outcome:
    session = tx.get(Session, op.payload.session)
    if session is None or session.state != "open":
        return refused("session.unknown" if session is None else "session.cancelled")
    if not 1 <= op.payload.places <= rules.MOST_LEASED:
        return refused("lease.places", most=rules.MOST_LEASED)
    places = min(op.payload.places, _left(tx, session))
    if places < 1:
        return refused("booking.full", capacity=session.capacity)
    tx.put(
        Lease(
            id=lease_id(op.id), device=op.device, location=session.location, session=session.id, places=places,
            expires_ms=tx.now + rules.LEASE_MS, state=rules.OPEN,
        )
    )  # fmt: skip
    return ACCEPTED


@operation("lease.lapse", version=1, kind=Kind.TICK, needs=None)
class LapseLease(Payload, frozen=True, kw_only=True):
    """The cloud takes a lease's unspent places back; checked again under the guard."""

    lease: Id
    session: Id
    location: Id

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield Key(Lease, self.lease, f"lease/{self.location}")

    def guards(self, op: Operation[Any]) -> tuple[str, ...]:
        return (f"session:{self.session}",)


@handles(LapseLease)
def lapse_lease(tx: Tx, op: Operation[LapseLease]) -> Outcome:
    lease = tx.get(Lease, op.payload.lease)
    if lease is None:
        return refused("lease.unknown")
    if lease.state == rules.LAPSED:
        return DUPLICATE
    if not rules.is_due(lease, tx.now):
        return refused("tick.not_due", due_ms=lease.expires_ms + rules.LEASE_GRACE_MS)
    unspent = rules.unspent(lease)
    tx.put(msgspec.structs.replace(lease, state=rules.LAPSED))
    if unspent:
        tx.effect(SeatsFreed(session=op.payload.session, places=unspent), home=Home.CLOUD)
    return ACCEPTED
