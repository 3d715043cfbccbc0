"""Children and guardians are described: names, pictures, languages, how to reach them; guardians come to a family."""

from typing import Annotated, Any

import msgspec
from msgspec.structs import replace

from classtap_core.access.blueprints import Capability
from classtap_core.kernel.blobs import Blob
from classtap_core.kernel.errors import BadInput
from classtap_core.kernel.ids import Id
from classtap_core.kernel.merge import edited
from classtap_core.kernel.operations import Key, Kind, Operation, Payload, Range, Reads, Resource, handles, operation
from classtap_core.kernel.outcomes import ACCEPTED, DUPLICATE, Outcome, Status, reason, refused
from classtap_core.kernel.records import Sensitivity, about
from classtap_core.kernel.tx import Tx
from classtap_core.people import rules
from classtap_core.people.duplicates import same_person
from classtap_core.people.operations import ContactDraft
from classtap_core.people.records import Child, Contact, ContactMasked, Family

RELATIONS = ("mother", "father", "guardian", "grandparent", "other")
PICTURES = ("image/jpeg", "image/png", "image/webp")
LARGEST_PICTURE = 10 << 20
"""Bytes of a picture (catalogue 10)."""
MOST_LANGUAGES = 10


class ChildFacts(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What may be said of a child beside their health, as in the record."""

    given: str
    surname: str
    photo: Blob | None = None
    languages: tuple[str, ...] = ()
    listed: bool = False


@operation("child.edit", version=1, kind=Kind.EDIT, needs=Capability.EDIT_FAMILY)
class EditChild(Payload, frozen=True, kw_only=True):
    """A child as their editor saw them, and as they want them. A picture is durable before this is said."""

    child: Id
    base: Annotated[ChildFacts, about("child")]
    wanted: Annotated[ChildFacts, about("child")]

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield Key(Child, self.child)

    def guards(self, op: Operation[Any]) -> tuple[str, ...]:
        return (f"child:{self.child}",)

    def resource(self, tx: Tx, op: Operation[Any]) -> Resource:
        found = tx.get(Child, self.child)
        return Resource(None if found is None else found.home)


@handles(EditChild)
def edit_child(tx: Tx, op: Operation[EditChild]) -> Outcome:
    child, wanted = tx.get(Child, op.payload.child), op.payload.wanted
    if child is None:
        return refused("child.unknown")
    try:
        _check(wanted.photo, wanted.languages)
    except BadInput as bad:
        return refused(bad.code, **bad.params)
    if not (wanted.given.strip() or wanted.surname.strip()):
        return refused("child.name_empty")
    after = edited(child, op.payload.base, wanted)
    if after == child:
        return DUPLICATE
    tx.put(after)
    return ACCEPTED


class ContactFacts(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What may be said of a guardian, as in the record."""

    name: str
    relation: str = "other"
    phone: str = ""
    email: str = ""
    photo: Blob | None = None
    languages: tuple[str, ...] = ()


@operation("contact.edit", version=1, kind=Kind.EDIT, needs=Capability.EDIT_FAMILY)
class EditContact(Payload, frozen=True, kw_only=True):
    """A guardian as their editor saw them, and as they want them. Another number or address is not verified any more."""

    contact: Id
    base: Annotated[ContactFacts, about("contact", Sensitivity.CONTACT)]
    wanted: Annotated[ContactFacts, about("contact", Sensitivity.CONTACT)]

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield [Key(Contact, self.contact), Key(ContactMasked, self.contact)]

    def guards(self, op: Operation[Any]) -> tuple[str, ...]:
        return (f"contact:{self.contact}",)

    def resource(self, tx: Tx, op: Operation[Any]) -> Resource:
        found = tx.get(Contact, self.contact)
        return Resource(None if found is None else found.home)


@handles(EditContact)
def edit_contact(tx: Tx, op: Operation[EditContact]) -> Outcome:
    contact, wanted = tx.get(Contact, op.payload.contact), op.payload.wanted
    if contact is None:
        return refused("guardian.unknown")
    try:
        _check(wanted.photo, wanted.languages)
    except BadInput as bad:
        return refused(bad.code, **bad.params)
    if not wanted.name.strip() or wanted.relation not in RELATIONS:
        return refused("guardian.name_empty" if not wanted.name.strip() else "guardian.relation")
    after = edited(contact, op.payload.base, wanted)
    if after == contact:
        return DUPLICATE
    proven = contact.verified_by
    if proven and getattr(after, proven) != getattr(contact, proven):
        after = replace(after, verified_ms=0, verified_by="")
    tx.put(after)
    tx.put(rules.masked(after))
    return ACCEPTED


@operation("contact.add", version=1, kind=Kind.EDIT, needs=Capability.EDIT_FAMILY)
class AddContacts(Payload, frozen=True, kw_only=True):
    """Further guardians of a family that is there. Who may be somebody known already is said, for a person to look at."""

    family: Id
    home: Id
    contacts: tuple[ContactDraft, ...]

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield [
            Key(Family, self.family, f"families/{self.home}"),
            Range(Contact, "by_family", (self.family,), scope=f"contact/{self.home}"),
            *(Key(Contact, one.contact, f"contact/{self.home}") for one in self.contacts),
            *(Key(ContactMasked, one.contact, f"contact_masked/{self.home}") for one in self.contacts),
        ]

    def guards(self, op: Operation[Any]) -> tuple[str, ...]:
        return (f"household:{self.family}",)

    def resource(self, tx: Tx, op: Operation[Any]) -> Resource:
        return Resource(self.home)


@handles(AddContacts)
def add_contacts(tx: Tx, op: Operation[AddContacts]) -> Outcome:
    said = op.payload
    family = tx.get(Family, said.family)
    if family is None or family.home != said.home:
        return refused("family.unknown")
    there = tx.find(Contact, "by_family", said.family)
    new = [one for one in said.contacts if tx.get(Contact, one.contact) is None]
    if any(not one.name.strip() for one in new):
        return refused("guardian.name_empty")
    alike = []
    for draft in new:
        contact = Contact(
            id=draft.contact, family=family.id, home=family.home, relation=draft.relation, name=draft.name,
            phone=draft.phone, email=draft.email,
        )  # fmt: skip
        alike += [(contact.id, one.id) for one in same_person(contact, there)]
        tx.put(contact)
        tx.put(rules.masked(contact))
    if not new:
        return DUPLICATE
    return Outcome(
        status=Status.ACCEPTED,
        reasons=tuple(reason("guardian.maybe_same", guardian=one, other=other) for one, other in alike),
        obligations=tuple({"review": "guardian.maybe_same", "guardian": one, "other": other} for one, other in alike),
    )


def _check(photo: Blob | None, languages: tuple[str, ...]) -> None:
    if photo is not None and (photo.type not in PICTURES or photo.size > LARGEST_PICTURE):
        raise BadInput("photo.form", most_mb=LARGEST_PICTURE >> 20)
    if len(languages) > MOST_LANGUAGES or len(set(languages)) < len(languages):
        raise BadInput("person.languages")
    if not all(1 < len(one) <= 35 and one.replace("-", "").isalnum() for one in languages):
        raise BadInput("person.languages")
