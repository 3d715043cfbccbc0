"""Families come, are renamed, and what staff must know of a child is kept up to date."""

from typing import Annotated, Any

import msgspec

from classtap_core.access.blueprints import Capability
from classtap_core.kernel.errors import BadInput
from classtap_core.kernel.ids import Id
from classtap_core.kernel.merge import merge
from classtap_core.kernel.operations import Key, Kind, Operation, Payload, Reads, Resource, handles, operation
from classtap_core.kernel.outcomes import ACCEPTED, DUPLICATE, Outcome, Status, reason, refused
from classtap_core.kernel.records import Sensitivity, about
from classtap_core.kernel.tx import Tx
from classtap_core.people import rules
from classtap_core.people.guardians import PRIMARY, RANKS, Guardianship, Role, guardianship_id
from classtap_core.people.records import (
    Badge,
    Child,
    ChildHealth,
    Contact,
    ContactMasked,
    Custody,
    Family,
    HealthProposal,
)
from classtap_core.timekeeping.rules import local_date, parse_date


class GuardianDraft(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Who stands to a child from a date on, and in which role."""

    guardian: Id
    role: str
    first: str
    relation: str = "other"


class ChildDraft(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A child to be added. Each field is sealed under this child alone, but for who their guardians are."""

    child: Id
    given: Annotated[str, about("child")]
    surname: Annotated[str, about("child")]
    birth_date: Annotated[str, about("child", Sensitivity.HEALTH)] = ""
    health_notes: Annotated[str, about("child", Sensitivity.HEALTH)] = ""
    custody_note: Annotated[str, about("child", Sensitivity.CUSTODY)] = ""
    blocked: Annotated[tuple[str, ...], about("child", Sensitivity.CUSTODY)] = ()
    guardians: tuple[GuardianDraft, ...] = ()


class ContactDraft(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A guardian to be added, sealed under the guardian."""

    contact: Id
    relation: str
    name: Annotated[str, about("contact")]
    phone: Annotated[str, about("contact", Sensitivity.CONTACT)] = ""
    email: Annotated[str, about("contact", Sensitivity.CONTACT)] = ""


@operation("family.add", version=1, kind=Kind.EDIT, needs=Capability.EDIT_FAMILY)
class AddFamily(Payload, frozen=True, kw_only=True):
    """A family with its children and guardians, in one operation over several subjects."""

    family: Id
    home: Id
    name: Annotated[str, about("family")]
    items: tuple[ChildDraft, ...] = ()
    contacts: tuple[ContactDraft, ...] = ()

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        home = self.home
        wants = [Key(Family, self.family, f"families/{home}"), *_child_keys(home, self.items)]
        for contact in self.contacts:
            wants.append(Key(Contact, contact.contact, f"contact/{home}"))
            wants.append(Key(ContactMasked, contact.contact, f"contact_masked/{home}"))
        yield wants

    def resource(self, tx: Tx, op: Operation[Any]) -> Resource:
        return Resource(self.home)


@handles(AddFamily)
def add_family(tx: Tx, op: Operation[AddFamily]) -> Outcome:
    new = op.payload
    if tx.get(Family, new.family) is not None:
        return refused("family.exists")
    if any(tx.get(Child, item.child) is not None for item in new.items):
        return refused("child.exists")
    code = _guardians_trouble(new.items)
    if code:
        return refused(code)
    tx.put(Family(id=new.family, home=new.home, name=new.name))
    named = {draft.contact for draft in new.contacts}
    for item in new.items:
        _add_child(tx, new, item, named)
    for draft in new.contacts:
        contact = Contact(
            id=draft.contact, family=new.family, home=new.home, relation=draft.relation, name=draft.name,
            phone=draft.phone, email=draft.email,
        )  # fmt: skip
        tx.put(contact)
        tx.put(rules.masked(contact))
    return ACCEPTED


@operation("child.add", version=1, kind=Kind.EDIT, needs=Capability.EDIT_FAMILY)
class AddChildren(Payload, frozen=True, kw_only=True):
    """More children of a family that is there. Who is there already stays as they are."""

    family: Id
    home: Id
    items: tuple[ChildDraft, ...]

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        known = {one.guardian for item in self.items for one in item.guardians}
        yield [
            Key(Family, self.family, f"families/{self.home}"), *_child_keys(self.home, self.items),
            *(Key(ContactMasked, one, f"contact_masked/{self.home}") for one in sorted(known)),
        ]  # fmt: skip

    def guards(self, op: Operation[Any]) -> tuple[str, ...]:
        return (f"household:{self.family}",)

    def resource(self, tx: Tx, op: Operation[Any]) -> Resource:
        return Resource(self.home)


@handles(AddChildren)
def add_children(tx: Tx, op: Operation[AddChildren]) -> Outcome:
    family = tx.get(Family, op.payload.family)
    if family is None or family.home != op.payload.home:
        return refused("family.unknown")
    code = _guardians_trouble(op.payload.items)
    if code:
        return refused(code)
    new = [item for item in op.payload.items if tx.get(Child, item.child) is None]
    for item in new:
        asked = {one.guardian for one in item.guardians}
        _add_child(tx, op.payload, item, {one for one in asked if tx.get(ContactMasked, one) is not None})
    return ACCEPTED if new else DUPLICATE


def _child_keys(home: Id, items: tuple[ChildDraft, ...]) -> list[Key]:
    families = f"families/{home}"
    wants = []
    for item in items:
        wants += [Key(Child, item.child, families), Key(Badge, item.child, families)]
        wants += [Key(ChildHealth, item.child, f"health/{home}"), Key(Custody, item.child, f"custody/{home}")]
        wants += [Key(Guardianship, guardianship_id(item.child, one.guardian), families) for one in item.guardians]
    return wants


def _guardians_trouble(items: tuple[ChildDraft, ...]) -> str:
    """Why children may not have these guardians: a code, or ""."""
    for item in items:
        roles = [one.role for one in item.guardians]
        who = {one.guardian for one in item.guardians}
        if len(who) < len(roles) or any(role not in RANKS for role in roles):
            return "guardian.role"
        if roles.count(PRIMARY) > 1:
            return "guardian.second_primary"
        try:
            for one in item.guardians:
                parse_date(one.first)
        except BadInput as bad:
            return bad.code
    return ""


def _add_child(tx: Tx, family: AddFamily | AddChildren, item: ChildDraft, known: set[Id]) -> None:
    """`known`: contacts that are there; nobody else becomes a guardian."""
    for one in item.guardians:
        id = guardianship_id(item.child, one.guardian)
        if one.guardian in known and tx.get(Guardianship, id) is None:
            pair = Guardianship(
                id=id, child=item.child, guardian=one.guardian, home=family.home, relation=one.relation,
                roles=(Role(one.role, one.first),),
            )  # fmt: skip
            tx.put(pair)
    tx.put(Child(id=item.child, family=family.family, home=family.home, given=item.given, surname=item.surname))
    health = ChildHealth(id=item.child, home=family.home, birth_date=item.birth_date, notes=item.health_notes)
    tx.put(health)
    custody = None
    if item.custody_note or item.blocked:
        custody = Custody(id=item.child, home=family.home, blocked=item.blocked, note=item.custody_note)
        tx.put(custody)
    badge = rules.badge(health, custody)
    if badge.codes:
        tx.put(badge)


@operation("family.rename", version=1, kind=Kind.EDIT, needs=Capability.EDIT_FAMILY)
class RenameFamily(Payload, frozen=True, kw_only=True):
    """A family's name, and the name its editor saw (`base`). Edited twice, the last confirmed stands."""

    family: Id
    base: Annotated[str, about("family")]
    name: Annotated[str, about("family")]

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield Key(Family, self.family)

    def guards(self, op: Operation[Any]) -> tuple[str, ...]:
        return (f"household:{self.family}",)

    def resource(self, tx: Tx, op: Operation[Any]) -> Resource:
        family = tx.get(Family, self.family)
        return Resource(None if family is None else family.home)


@handles(RenameFamily)
def rename_family(tx: Tx, op: Operation[RenameFamily]) -> Outcome:
    family = tx.get(Family, op.payload.family)
    if family is None:
        return refused("family.unknown")
    if not op.payload.name.strip():
        return refused("family.name_empty")
    merged = merge({"name": family.name}, {"name": op.payload.base}, {"name": op.payload.name})
    if not merged.values:
        return DUPLICATE
    tx.put(msgspec.structs.replace(family, **merged.values))
    return ACCEPTED


class OfHealth(Payload, frozen=True, kw_only=True):
    """What is said of a child beside their name: one at a time, by who may at the child's home."""

    child: Id

    def guards(self, op: Operation[Any]) -> tuple[str, ...]:
        return (f"child:{self.child}",)

    def resource(self, tx: Tx, op: Operation[Any]) -> Resource:
        health = tx.get(ChildHealth, self.child)
        return Resource(None if health is None else health.home)


@operation("child.health", version=1, kind=Kind.EDIT, needs=Capability.EDIT_HEALTH)
class EditHealth(OfHealth, frozen=True, kw_only=True):
    """What staff must know of a child. Sensitive: edited twice from the same base, both are kept for review."""

    base: Annotated[str, about("child", Sensitivity.HEALTH)]
    notes: Annotated[str, about("child", Sensitivity.HEALTH)]

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield Key(ChildHealth, self.child)
        health = tx.get(ChildHealth, self.child)
        if health is not None:
            yield [
                Key(Custody, self.child, f"custody/{health.home}"),
                Key(Badge, self.child, f"families/{health.home}"),
            ]


@handles(EditHealth)
def edit_health(tx: Tx, op: Operation[EditHealth]) -> Outcome:
    health = tx.get(ChildHealth, op.payload.child)
    if health is None:
        return refused("child.unknown")
    merged = merge(
        {"notes": health.notes}, {"notes": op.payload.base}, {"notes": op.payload.notes}, sensitive=("notes",)
    )
    if merged.review:
        review = rules.proposed(health, HealthProposal(op.id, op.payload.notes))
        health = msgspec.structs.replace(health, review=review)
    elif not merged.values:
        return DUPLICATE
    else:
        health = msgspec.structs.replace(health, **merged.values)
    tx.put(health)
    tx.put(rules.badge(health, tx.get(Custody, op.payload.child)))
    if merged.review:
        return Outcome(
            status=Status.ACCEPTED,
            reasons=(reason("edit.kept_for_review", field="notes"),),
            obligations=({"review": "edit.kept_for_review"},),
        )
    return ACCEPTED


_FIRST_ZONE = "Etc/GMT-14"
"""Where a day begins first: nobody is born on a date that is not today anywhere."""


@operation("child.born", version=1, kind=Kind.EDIT, needs=Capability.EDIT_FAMILY)
class CorrectBirthDate(OfHealth, frozen=True, kw_only=True):
    """A child's birth date as its editor saw it and as it is: an ISO date, or "" where nobody knows."""

    base: Annotated[str, about("child", Sensitivity.HEALTH)]
    birth_date: Annotated[str, about("child", Sensitivity.HEALTH)]

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield Key(ChildHealth, self.child)


@handles(CorrectBirthDate)
def correct_birth_date(tx: Tx, op: Operation[CorrectBirthDate]) -> Outcome:
    said, health = op.payload, tx.get(ChildHealth, op.payload.child)
    if health is None:
        return refused("child.unknown")
    if said.birth_date:
        try:
            parse_date(said.birth_date)
        except BadInput as bad:
            return refused(bad.code, **bad.params)
        if said.birth_date > local_date(op.at.corrected, _FIRST_ZONE):
            return refused("child.not_born")
    merged = merge({"birth_date": health.birth_date}, {"birth_date": said.base}, {"birth_date": said.birth_date})
    if not merged.values:
        return DUPLICATE
    tx.put(msgspec.structs.replace(health, **merged.values))
    return ACCEPTED
