"""Before what guardians do: a verified contact, a right over each child, and nobody's word over a higher one's."""

from collections.abc import Iterable, Mapping
from typing import Any

from classtap_core.booking import rules
from classtap_core.booking.operations import CancelBooking, CreateBooking
from classtap_core.booking.records import Booking, Policy, booking_id, policy_id
from classtap_core.documents.operations import SignDocuments, TakeBackConsent
from classtap_core.documents.records import SigningCode, signing_code_id
from classtap_core.documents.rules import proves
from classtap_core.health.operations import ConfirmProfile, EditProfile, FilePaper
from classtap_core.kernel.envelope import GateResult
from classtap_core.kernel.ids import Id
from classtap_core.kernel.operations import Key, Operation, Payload, Reads
from classtap_core.kernel.tx import Tx
from classtap_core.people.guardians import MATRIX, Guardianship, Right, guardianship_id, matrix_of, outranks
from classtap_core.people.guardians import may as rights
from classtap_core.people.records import Child, ContactMasked
from classtap_core.people.verification import is_verified
from classtap_core.schedule.records import Location, Session
from classtap_core.timekeeping.rules import local_date

GUARDIAN_POLICY = "guardians"
"""The published policy that moves what a guardian's role allows (`people.guardians.matrix_of`)."""

ASKED: Mapping[type[Payload], Right] = {
    CreateBooking: Right.BOOK, CancelBooking: Right.BOOK, SignDocuments: Right.SIGN, TakeBackConsent: Right.SIGN,
    EditProfile: Right.SIGN, ConfirmProfile: Right.SIGN, FilePaper: Right.SIGN,
}  # fmt: skip
"""What a guardian may author, and the right over each child it takes. Who may sign for a child may speak of their health."""

GUARDIAN_OPERATIONS = frozenset(payload.SPEC.name for payload in ASKED)
_SIGNING = (SignDocuments, TakeBackConsent)
_VERIFIED = (CreateBooking, SignDocuments)


def guardian_of(op: Operation[Any]) -> Id | None:
    """The guardian whose right is asked: the author, or who signs, whoever takes the signature down; None for staff's own."""
    if isinstance(op.payload, _SIGNING):
        return op.payload.guardian
    return op.author.id if op.author.type == "guardian" else None


def _whose(op: Operation[Any]) -> Id:
    """The guardian, of an operation that has one: a gate applies to no other."""
    guardian = guardian_of(op)
    assert guardian is not None
    return guardian


def _children(tx: Tx, op: Operation[Any]) -> dict[Id, Child | None]:
    return {Id(child): tx.get(Child, Id(child)) for child in op.payload.items_of()}


class GuardianRight:
    """A guardian does for a child what they may for that child, on the date at the child's home; staff and devices pass."""

    name = stage = "capability"

    def applies(self, op: Operation[Any]) -> bool:
        return type(op.payload) in ASKED and guardian_of(op) is not None

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        guardian = _whose(op)
        policy = Key(Policy, policy_id(op.studio, GUARDIAN_POLICY), "studio")
        yield [*(Key(Child, Id(child)) for child in op.payload.items_of()), policy]
        found = [child for child in _children(tx, op).values() if child is not None]
        yield [
            *(Key(Guardianship, guardianship_id(child.id, guardian), child.scope()) for child in found),
            *(Key(Location, child.home, "studio") for child in found),
        ]

    def check(self, tx: Tx, op: Operation[Any]) -> Iterable[GateResult]:
        right, guardian = ASKED[type(op.payload)], _whose(op)
        policy = tx.get(Policy, policy_id(op.studio, GUARDIAN_POLICY))
        matrix = MATRIX if policy is None else matrix_of(policy.values)
        for id, child in _children(tx, op).items():
            allowed = False
            if child is not None:
                place = tx.get(Location, child.home)
                day = local_date(op.at.corrected, "UTC" if place is None else place.zone)
                pair = tx.get(Guardianship, guardianship_id(id, guardian))
                allowed = rights(right, pair, day=day, matrix=matrix).allowed
            if allowed:
                yield GateResult(self.name, id, "allow")
            else:
                yield GateResult(self.name, id, "block", "guardian_right", {"right": right.value})


class VerifiedContact:
    """Booking and signing wait for one verified contact. At a kiosk a code that the cloud sent there shows it."""

    name, stage = "contact", "identity"

    def applies(self, op: Operation[Any]) -> bool:
        return isinstance(op.payload, _VERIFIED) and guardian_of(op) is not None

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        guardian = _whose(op)
        if self._at_kiosk(op):
            yield [Key(Child, Id(child)) for child in op.payload.items_of()]
            homes = {child.scope() for child in _children(tx, op).values() if child is not None}
            yield [Key(SigningCode, signing_code_id(guardian), scope) for scope in sorted(homes)]
        else:
            yield Key(ContactMasked, guardian)

    def check(self, tx: Tx, op: Operation[Any]) -> Iterable[GateResult]:
        guardian = _whose(op)
        if self._at_kiosk(op):
            known = any(_children(tx, op).values())
            code = tx.get(SigningCode, signing_code_id(guardian)) if known else None
            proven = proves(code, guardian=guardian, request=op.payload.code, device=op.device, at_ms=op.at.corrected)
        else:
            proven = is_verified(tx.get(ContactMasked, guardian))
        said = ("allow", "") if proven else ("block", "contact_unverified")
        return [GateResult(self.name, child, *said) for child in op.payload.items_of()]

    @staticmethod
    def _at_kiosk(op: Operation[Any]) -> bool:
        return isinstance(op.payload, SignDocuments) and op.author.type == "device"


class HigherWord:
    """Of clashing words of two guardians the higher role's stands: what a primary booked a secondary does not cancel."""

    name, stage = "guardian", "capability"

    def applies(self, op: Operation[Any]) -> bool:
        return isinstance(op.payload, CreateBooking | CancelBooking) and op.author.type == "guardian"

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield [Key(Session, op.payload.session), Key(Child, op.payload.child)]
        session, child = tx.get(Session, op.payload.session), tx.get(Child, op.payload.child)
        if session is None or child is None:
            return
        booking = Key(Booking, self._booking(op), f"roster/{session.location}/{session.date}")
        yield [booking, Key(Guardianship, guardianship_id(child.id, op.author.id), child.scope())]
        said = tx.get(Booking, booking.id)
        if said is not None and said.by:
            yield Key(Guardianship, guardianship_id(child.id, Id(said.by)), child.scope())

    def check(self, tx: Tx, op: Operation[Any]) -> Iterable[GateResult]:
        session, child = tx.get(Session, op.payload.session), tx.get(Child, op.payload.child)
        said = None if session is None or child is None else tx.get(Booking, self._booking(op))
        if session is None or child is None or said is None or said.by in ("", op.author.id):
            return ()
        cancelling = isinstance(op.payload, CancelBooking)
        if (said.state == rules.BOOKED) is not cancelling:
            return ()
        one = tx.get(Guardianship, guardianship_id(child.id, Id(said.by)))
        other = tx.get(Guardianship, guardianship_id(child.id, op.author.id))
        day = local_date(op.at.corrected, session.zone)
        stands = one is not None and (other is None or outranks(one, other, day=day))
        if stands:
            return (GateResult(self.name, child.id, "block", "guardian_outranked"),)
        return (GateResult(self.name, child.id, "allow"),)

    @staticmethod
    def _booking(op: Operation[Any]) -> Id:
        return booking_id(op.studio, op.payload.session, op.payload.child)


GATES = (VerifiedContact(), GuardianRight(), HigherWord())
