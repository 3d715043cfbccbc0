"""A guardian proves that they are reached: `verified_ms` and `verified_by` of `Contact`, and the same of `ContactMasked`.

What a guardian does for themselves (booking, paying, signing) asks `is_verified` first. The code is asked and checked in
the cloud (`cloud.pages.doors`); what is kept here is that it was right, and of which address.
"""

from typing import Any

from msgspec.structs import replace

from classtap_core.kernel.ids import Id
from classtap_core.kernel.operations import Key, Kind, Operation, Payload, Reads, handles, operation
from classtap_core.kernel.outcomes import ACCEPTED, DUPLICATE, Outcome, refused
from classtap_core.kernel.tx import Tx
from classtap_core.people import rules
from classtap_core.people.records import Contact, ContactMasked

EMAIL, PHONE = "email", "phone"
WAYS = (EMAIL, PHONE)


def is_verified(contact: Contact | ContactMasked | None) -> bool:
    """Whether a guardian has a verified contact, as it must be before they book, pay or sign."""
    return contact is not None and contact.verified_ms > 0 and bool(getattr(contact, contact.verified_by, ""))


def verified_of_both(keep: Contact, drop: Contact) -> Contact:
    """One contact out of two records of one person: what was proven of an address that stays, stays proven."""
    kept = replace(keep, phone=keep.phone or drop.phone, email=keep.email or drop.email)
    proven = [
        one
        for one in (keep, drop)
        if one.verified_ms and getattr(one, one.verified_by) == getattr(kept, one.verified_by)
    ]
    best = max(proven, key=lambda one: one.verified_ms, default=None)
    return kept if best is None else replace(kept, verified_ms=best.verified_ms, verified_by=best.verified_by)


@operation("contact.verify", version=1, kind=Kind.TICK, needs=None)
class VerifyContact(Payload, frozen=True, kw_only=True):
    """A guardian typed the code that was sent to their `email` or `phone`. Only the cloud says so."""

    contact: Id
    way: str

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield [Key(Contact, self.contact), Key(ContactMasked, self.contact)]


@handles(VerifyContact)
def verify_contact(tx: Tx, op: Operation[VerifyContact]) -> Outcome:
    said = op.payload
    contact = tx.get(Contact, said.contact)
    if contact is None:
        return refused("guardian.unknown")
    if said.way not in WAYS or not getattr(contact, said.way):
        return refused("contact.no_way")
    at_ms = op.at.corrected
    if contact.verified_ms >= at_ms:
        return DUPLICATE
    known = replace(contact, verified_ms=at_ms, verified_by=said.way)
    tx.put(known)
    tx.put(rules.masked(known))
    return ACCEPTED
