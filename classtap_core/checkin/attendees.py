"""Attendee passes: one child, one session, let in once or so many times; and where they were used."""

from typing import Any, ClassVar

import msgspec

from classtap_core.access.blueprints import Capability
from classtap_core.booking.records import Booking, booking_id
from classtap_core.kernel.effects import Effect, Home
from classtap_core.kernel.ids import Id, derived
from classtap_core.kernel.operations import Key, Kind, Operation, Payload, Reads, Resource, handles, operation
from classtap_core.kernel.outcomes import ACCEPTED, DUPLICATE, Outcome, refused
from classtap_core.kernel.records import Index, Record
from classtap_core.kernel.tx import Tx
from classtap_core.passes.admission import Use
from classtap_core.passes.ledger import PassState
from classtap_core.passes.operations import is_handle, revoke_everywhere, revoked_too
from classtap_core.passes.records import PassRevocation, RevokedEpoch, revocation_id
from classtap_core.schedule.operations import of_session
from classtap_core.schedule.records import Session

BOOKED = "booked"
MOST_ENTRIES = 1_000


def attendee_pass_id(studio: Id, session: Id, child: Id) -> Id:
    """A child has one pass to a session, whoever asks for it."""
    return derived("attendee_pass", studio, session, child)


def pass_use_id(attendee: Id) -> Id:
    return derived("pass_use", attendee)


def event_number(session: Id) -> int:
    """The 64 bits that stand for a session in a text; they say nothing to a stranger."""
    return int(derived("pass_event", session)[:16], 16)


class AttendeePass(Record, frozen=True, kw_only=True):
    """A child's pass to one session. Times are Unix seconds.

    Attributes:
        handle, token: 16 and 12 random hex digits. entry_limit: how often it admits, 0 for any number;
        entry_window_s: within how long, 0 for ever. Location and date are the session's.
    """

    KIND: ClassVar[str] = "attendee_pass"
    PREFIX: ClassVar[str] = "roster"
    INDEXES: ClassVar[tuple[Index, ...]] = (Index("by_handle", ("handle",)), Index("by_session", ("session",)))

    session: Id
    child: Id
    family: Id
    location: Id
    date: str
    handle: str
    token: str
    epoch: int
    issued_s: int
    expires_s: int
    entry_limit: int = 1
    entry_window_s: int = 0
    revoked: tuple[RevokedEpoch, ...] = ()

    def scope(self) -> str:
        return f"roster/{self.location}/{self.date}"

    def state(self, *, booked: bool) -> PassState:
        """What a verdict needs to know; a place that is given up takes its pass with it."""
        through = max((word.epoch for word in self.revoked), default=None)
        return PassState(
            active_epoch=self.epoch, revoked_through=through if booked else self.epoch,
            entry_limit=self.entry_limit or None, entry_window_s=self.entry_window_s or None,
        )  # fmt: skip


class PassUse(Record, frozen=True, kw_only=True):
    """Every scan that let somebody in on one attendee pass; `admission.admitted` says which were within the limit."""

    KIND: ClassVar[str] = "pass_use"
    PREFIX: ClassVar[str] = "roster"
    INDEXES: ClassVar[tuple[Index, ...]] = (Index("by_pass", ("attendee",)),)

    attendee: Id
    location: Id
    date: str
    uses: tuple[Use, ...] = ()

    def scope(self) -> str:
        return f"roster/{self.location}/{self.date}"


class AttendeePassIssued(Effect, frozen=True, kw_only=True):
    """For whoever sends passes in the cloud: a child has a pass to a session, or another epoch of it."""

    KIND: ClassVar[str] = "pass.admitted"

    session: Id
    child: Id
    family: Id
    epoch: int


@operation("pass.admit", version=1, kind=Kind.CLAIM, needs=Capability.ISSUE_PASS)
class IssueAttendeePass(Payload, frozen=True, kw_only=True):
    """A child's pass to a session it is booked in; asked for again, the one it has.

    Attributes: as in the record. `again` makes a new epoch in place of one that was lost.
    """

    session: Id
    child: Id
    handle: str
    token: str
    issued_s: int
    expires_s: int
    entry_limit: int = 1
    entry_window_s: int = 0
    again: bool = False

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield Key(Session, self.session)
        session = tx.get(Session, self.session)
        if session is not None:
            scope = f"roster/{session.location}/{session.date}"
            yield [
                Key(Booking, booking_id(op.studio, self.session, self.child), scope),
                Key(AttendeePass, attendee_pass_id(op.studio, self.session, self.child), scope),
            ]

    def guards(self, op: Operation[Any]) -> tuple[str, ...]:
        return (f"session:{self.session}",)

    def resource(self, tx: Tx, op: Operation[Any]) -> Resource:
        return of_session(tx.get(Session, self.session))


@handles(IssueAttendeePass)
def issue_attendee_pass(tx: Tx, op: Operation[IssueAttendeePass]) -> Outcome:
    new = op.payload
    session = tx.get(Session, new.session)
    booking = None if session is None else tx.get(Booking, booking_id(op.studio, new.session, new.child))
    if session is None or booking is None or booking.state != BOOKED:
        return refused("pass.not_booked")
    shaped = is_handle(new.handle) and len(new.token) == 12 and not new.token.strip("0123456789abcdef")
    counted = 0 <= new.entry_limit <= MOST_ENTRIES and new.entry_window_s >= 0
    if not shaped or not counted or new.expires_s <= new.issued_s:
        return refused("pass.shape")
    id = attendee_pass_id(op.studio, new.session, new.child)
    held = tx.get(AttendeePass, id)
    if held is not None and not new.again:
        return DUPLICATE
    if held is None:
        held = AttendeePass(
            id=id, session=session.id, child=new.child, family=booking.family, location=session.location,
            date=session.date, handle=new.handle, token=new.token, epoch=0, issued_s=0, expires_s=0,
        )  # fmt: skip
    tx.put(
        msgspec.structs.replace(
            held, epoch=held.epoch + 1, issued_s=new.issued_s, expires_s=new.expires_s, entry_limit=new.entry_limit,
            entry_window_s=new.entry_window_s,
        )
    )  # fmt: skip
    told = AttendeePassIssued(session=session.id, child=new.child, family=held.family, epoch=held.epoch + 1)
    tx.effect(told, home=Home.CLOUD)
    return ACCEPTED


@operation("pass.admit_no_more", version=1, kind=Kind.FACT, needs=Capability.REVOKE_PASS)
class RevokeAttendeePass(Payload, frozen=True, kw_only=True):
    """An attendee pass up to an epoch is not good from now on, at once and offline too."""

    session: Id
    child: Id
    epoch: int
    reason: str = ""

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield Key(Session, self.session)
        session = tx.get(Session, self.session)
        if session is None:
            return
        id = attendee_pass_id(op.studio, self.session, self.child)
        yield Key(AttendeePass, id, f"roster/{session.location}/{session.date}")
        held = tx.get(AttendeePass, id)
        if held is not None:
            yield Key(PassRevocation, revocation_id(held.handle, self.epoch), "keys")

    def resource(self, tx: Tx, op: Operation[Any]) -> Resource:
        return of_session(tx.get(Session, self.session))


@handles(RevokeAttendeePass)
def revoke_attendee_pass(tx: Tx, op: Operation[RevokeAttendeePass]) -> Outcome:
    session = tx.get(Session, op.payload.session)
    id = attendee_pass_id(op.studio, op.payload.session, op.payload.child)
    held = None if session is None else tx.get(AttendeePass, id)
    if held is None:
        return refused("pass.unknown")
    word = RevokedEpoch(op.payload.epoch, op.at.corrected, op.payload.reason)
    tx.put(msgspec.structs.replace(held, revoked=revoked_too(held.revoked, word)))
    return revoke_everywhere(tx, held.handle, revoked_too(held.revoked, word), word)
