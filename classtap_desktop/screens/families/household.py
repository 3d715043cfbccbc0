"""A household as the desk's forms change it: what each form says of somebody, and the operations that come of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

from msgspec.structs import replace

from classtap_core.access.blueprints import Capability
from classtap_core.booking.policies import health_seen
from classtap_core.checkin.reading import fetch, search
from classtap_core.health import rules as health_rules
from classtap_core.health.operations import EditProfile
from classtap_core.health.records import HealthFacts, HealthProfile
from classtap_core.kernel.blobs import Blob
from classtap_core.kernel.ids import Id
from classtap_core.kernel.operations import Payload, Resource
from classtap_core.kernel.records import Sensitivity
from classtap_core.people.guardian_operations import (
    BlockGuardian,
    EditGuardian,
    GuardianFacts,
    HandOver,
    UnblockGuardian,
)
from classtap_core.people.guardians import ACTIVE, PRIMARY, SECONDARY, Guardianship, Role, roles_on
from classtap_core.people.operations import AddChildren, AddFamily, ChildDraft, ContactDraft, CorrectBirthDate
from classtap_core.people.profile_operations import AddContacts, ChildFacts, ContactFacts, EditChild, EditContact
from classtap_core.people.records import Child, ChildHealth, Contact, ContactMasked, Family
from classtap_core.people.rules import sort_name
from classtap_core.schedule.records import Location
from classtap_core.timekeeping.rules import local_date
from classtap_desktop.operator import Operator
from classtap_desktop.screens.families.reading import as_shown
from classtap_desktop.source import DeskSource


class ChildSheet(NamedTuple):
    """A child as their forms show them.

    Attributes:
        birth_date: ISO, "" where nobody knows, None where this reader may not see it.
        health: as far as this reader may see it and it shows; None: none of it. whole: all of it, so that it may be written.
        hidden: there is more, which they may see for a reason.
        review: fields where two editors clashed and a guardian has to look. confirmed_ms: when one last did; 0 never.
    """

    id: Id
    facts: ChildFacts
    birth_date: str | None = ""
    health: HealthFacts | None = None
    whole: bool = False
    hidden: bool = False
    review: tuple[str, ...] = ()
    confirmed_ms: int = 0


class Link(NamedTuple):
    """How a guardian stands to one child; `roles` are those of today, the highest first. `blocks` stand unlifted."""

    facts: GuardianFacts = GuardianFacts()
    blocks: tuple[Id, ...] = ()
    roles: tuple[str, ...] = ()


class GuardianSheet(NamedTuple):
    """A guardian as their form shows them. `masked`: this reader does not see numbers, and so may not write them; `yet`:
    they may, once they have said why.

    `links` has one entry for each child they stand in any relation to.
    """

    id: Id
    facts: ContactFacts
    masked: bool = False
    verified: bool = False
    yet: bool = False
    links: Mapping[Id, Link] = {}


class Household(NamedTuple):
    """A family with everybody in it. `today` is the date at its home; `lifts_blocks`: whether the reader may say that a
    block no longer counts."""

    family: Id
    home: Id
    today: str
    children: tuple[ChildSheet, ...]
    guardians: tuple[GuardianSheet, ...]
    lifts_blocks: bool

    def child(self, id: str) -> ChildSheet:
        return next(one for one in self.children if one.id == id)

    def guardian(self, id: str) -> GuardianSheet:
        return next(one for one in self.guardians if one.id == id)

    def primary_of(self, child: Id, *, but: Id) -> GuardianSheet | None:
        """Who is a child's primary today, where that is somebody else."""
        found = (one for one in self.guardians if one.id != but and PRIMARY in one.links.get(child, Link()).roles)
        return next(found, None)


def read_household(
    source: DeskSource, family: Id, operator: Operator | None, shown: Mapping[Id, Collection[Sensitivity]]
) -> Household | None:
    """Return a family's household as its reader may see it, a child's health and how a guardian is reached only where
    that is `shown` of them; None where it is not here (any more)."""
    reader, now_ms = source.reader, source.clock.now().corrected
    held = fetch(reader, Family, [family]).get(family)
    if held is None or operator is None:
        return None
    home = held.home
    place = fetch(reader, Location, [home]).get(home)
    today = local_date(now_ms, place.zone if place is not None else "UTC")

    def may(capability: Capability) -> bool:
        return operator.may(capability, location=home, at_ms=now_ms)

    edits_health = may(Capability.EDIT_HEALTH)
    children = search(reader, Child, "by_family", family)
    children.sort(key=lambda child: sort_name(child.surname, child.given))
    parts = health_seen(reader, source.place.studio, operator.grants, at_ms=now_ms)(Resource(home))
    known = reader.holds(f"health/{home}") and bool(parts)
    ids = [child.id for child in children]
    health = fetch(reader, ChildHealth, ids) if known else {}
    profiles = fetch(reader, HealthProfile, ids) if known else {}
    sheets = []
    for child in children:
        facts = ChildFacts(
            given=child.given, surname=child.surname, photo=child.photo, languages=child.languages, listed=child.listed
        )
        born, profile = health.get(child.id), profiles.get(child.id)
        hidden = profile is not None and Sensitivity.HEALTH not in shown.get(child.id, ())
        sheets.append(
            ChildSheet(
                child.id, facts, (born.birth_date if born is not None else "") if known else None,
                health_rules.redacted(health_rules.facts_of(profile), parts) if known and not hidden else None,
                known and edits_health and parts >= health_rules.ALL_PARTS, known and hidden,
                profile.review if profile is not None else (), profile.confirmed_ms if profile is not None else 0,
            )
        )  # fmt: skip
    links: dict[Id, dict[Id, Link]] = {}
    for child in children:
        for pair in search(reader, Guardianship, "by_child", child.id):
            stands = GuardianFacts(relation=pair.relation, roles=pair.roles, allow=pair.allow, deny=pair.deny)
            blocks = tuple(block.operation for block in pair.blocks if block.operation not in pair.lifted)
            links.setdefault(pair.guardian, {})[child.id] = Link(stands, blocks, tuple(roles_on(pair, today)))
    may_see = may(Capability.VIEW_CONTACT) and reader.holds(f"contact/{home}")
    guardians = [
        _guardian(one, links.get(one.id, {}), yet=may_see and isinstance(one, ContactMasked))
        for one in as_shown(reader, family, shown if may_see else {})
    ]
    return Household(family, home, today, tuple(sheets), tuple(guardians), may(Capability.VIEW_CUSTODY))


def _guardian(one: Contact | ContactMasked, links: Mapping[Id, Link], *, yet: bool) -> GuardianSheet:
    facts = ContactFacts(name=one.name, relation=one.relation, phone=one.phone, email=one.email)
    if isinstance(one, Contact):
        facts = replace(facts, photo=one.photo, languages=one.languages)
    return GuardianSheet(one.id, facts, isinstance(one, ContactMasked), one.verified_ms > 0, yet, links)


# -- what a form comes to


class ChildEntry(NamedTuple):
    """What a child's form says: names, the birth date (None: not shown, so not said), languages, consent to be listed,
    their picture."""

    given: str
    surname: str
    birth_date: str | None = ""
    languages: tuple[str, ...] = ()
    listed: bool = False
    photo: Blob | None = None


class LinkEntry(NamedTuple):
    """How a guardian is to stand to a child; `reason` says why they are blocked."""

    facts: GuardianFacts
    blocked: bool = False
    reason: str = ""


class GuardianEntry(NamedTuple):
    """What a guardian's form says. `links`: how they are to stand to each child; a child left out stays as it is."""

    facts: ContactFacts
    links: Mapping[Id, LinkEntry] = {}


def first_roles(position: int, today: str) -> tuple[Role, ...]:
    """The role a guardian has who is entered with a new family: the first one named is the primary."""
    return (Role(PRIMARY if position == 0 else SECONDARY, today),)


def new_family(
    home: Id, name: str, children: list[tuple[Id, ChildEntry]], guardians: list[tuple[Id, ContactFacts]], *,
    family: Id, today: str,
) -> list[Payload]:  # fmt: skip
    """A family with its children and guardians, every guardian standing to every child."""
    added = AddFamily(
        family=family, home=home, name=name, items=tuple(_child_draft(id, child) for id, child in children),
        contacts=tuple(_contact_draft(id, facts) for id, facts in guardians),
    )  # fmt: skip
    links = [
        _linked(child, guardian, Link(), GuardianFacts(relation=facts.relation, roles=first_roles(at, today)))
        for at, (guardian, facts) in enumerate(guardians)
        for child, _ in children
    ]
    return [added, *links]


def new_child(household: Household, child: Id, entry: ChildEntry) -> list[Payload]:
    """Another child of a family, to whom every guardian stands as to the first child there is."""
    payloads: list[Payload] = [
        AddChildren(family=household.family, home=household.home, items=(_child_draft(child, entry),))
    ]
    sibling = household.children[0].id if household.children else None
    for guardian in household.guardians:
        stands = guardian.links.get(sibling) if sibling is not None else None
        if stands is not None and stands.roles:
            wanted = GuardianFacts(
                relation=stands.facts.relation,
                roles=tuple(replace(role, external="") for role in stands.facts.roles if role.state == ACTIVE),
            )
            payloads.append(_linked(child, guardian.id, Link(), wanted))
    base = ChildFacts(given=entry.given, surname=entry.surname)
    wanted_facts = _child_facts(base, entry)
    if wanted_facts != base:
        payloads.append(EditChild(child=child, base=base, wanted=wanted_facts))
    return payloads


def changed_child(sheet: ChildSheet, entry: ChildEntry) -> list[Payload]:
    """What changes of a child; nothing where the form says what is so."""
    payloads: list[Payload] = []
    wanted = _child_facts(sheet.facts, entry)
    if wanted != sheet.facts:
        payloads.append(EditChild(child=sheet.id, base=sheet.facts, wanted=wanted))
    if entry.birth_date is not None and sheet.birth_date is not None and entry.birth_date != sheet.birth_date:
        payloads.append(CorrectBirthDate(child=sheet.id, base=sheet.birth_date, birth_date=entry.birth_date))
    return payloads


def changed_health(sheet: ChildSheet, wanted: HealthFacts) -> list[Payload]:
    """What changes of a child's health; nothing where the form says what is so."""
    if sheet.health is None or wanted == sheet.health:
        return []
    return [EditProfile(child=sheet.id, base=sheet.health, wanted=wanted)]


def new_guardian(household: Household, guardian: Id, entry: GuardianEntry) -> list[Payload]:
    """Another guardian of a family, standing to the children the form names."""
    added = AddContacts(family=household.family, home=household.home, contacts=(_contact_draft(guardian, entry.facts),))
    sheet = GuardianSheet(guardian, replace(entry.facts, photo=None, languages=()))
    pictured: list[Payload] = []
    if entry.facts != sheet.facts:
        pictured.append(EditContact(contact=guardian, base=sheet.facts, wanted=entry.facts))
    return [added, *pictured, *_stands(household, sheet, entry)]


def changed_guardian(household: Household, sheet: GuardianSheet, entry: GuardianEntry) -> list[Payload]:
    """What changes of a guardian: how they are reached, and how they stand to each child."""
    payloads: list[Payload] = []
    if entry.facts != sheet.facts and not sheet.masked:
        payloads.append(EditContact(contact=sheet.id, base=sheet.facts, wanted=entry.facts))
    return [*payloads, *_stands(household, sheet, entry)]


def _stands(household: Household, sheet: GuardianSheet, entry: GuardianEntry) -> list[Payload]:
    """What changes between a guardian and each child. Who becomes the primary takes the place over from who was."""
    payloads: list[Payload] = []
    for child, wanted in entry.links.items():
        link, facts = sheet.links.get(child, Link()), wanted.facts
        first = next((role for role in facts.roles if role.role == PRIMARY and role.state == ACTIVE), None)
        if first is not None and first not in link.facts.roles and household.primary_of(child, but=sheet.id):
            others = tuple(role for role in facts.roles if role != first)
            payloads.append(_linked(child, sheet.id, link, replace(facts, roles=others)))
            payloads.append(HandOver(child=child, to=sheet.id, first=first.first, then=SECONDARY))
        elif facts != link.facts and (link.facts.roles or facts.roles):
            payloads.append(_linked(child, sheet.id, link, facts))
        if wanted.blocked and not link.blocks:
            payloads.append(BlockGuardian(child=child, guardian=sheet.id, reason=wanted.reason))
        if link.blocks and not wanted.blocked:
            payloads += [UnblockGuardian(child=child, guardian=sheet.id, block=block) for block in link.blocks]
    return payloads


def _linked(child: Id, guardian: Id, link: Link, wanted: GuardianFacts) -> EditGuardian:
    return EditGuardian(child=child, guardian=guardian, base=link.facts, wanted=wanted)


def _child_draft(id: Id, entry: ChildEntry) -> ChildDraft:
    return ChildDraft(child=id, given=entry.given, surname=entry.surname, birth_date=entry.birth_date or "")


def _contact_draft(id: Id, facts: ContactFacts) -> ContactDraft:
    return ContactDraft(contact=id, relation=facts.relation, name=facts.name, phone=facts.phone, email=facts.email)


def _child_facts(base: ChildFacts, entry: ChildEntry) -> ChildFacts:
    return replace(
        base,
        given=entry.given,
        surname=entry.surname,
        languages=entry.languages,
        listed=entry.listed,
        photo=entry.photo,
    )
