"""Families as read from the store: all of them for the list, one with everything for its page."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import NamedTuple

from classtap_core.access.blueprints import Capability
from classtap_core.booking.policies import health_seen
from classtap_core.booking.records import Booking
from classtap_core.booking.rules import BOOKED
from classtap_core.checkin.reading import cards, fetch, search
from classtap_core.checkin.records import Attendance
from classtap_core.checkin.rules import standing
from classtap_core.documents.records import CHECKIN, Consents, Document
from classtap_core.documents.rules import OPEN, Standing, asked_of, owed
from classtap_core.health.card import roster_badges
from classtap_core.health.records import HealthClearance, HealthRequirement
from classtap_core.health.rules import PaperState, paper_state, required
from classtap_core.kernel.ids import Id
from classtap_core.kernel.operations import Resource
from classtap_core.kernel.records import Sensitivity, decode
from classtap_core.kernel.tx import Reader
from classtap_core.naming.spelling import folded
from classtap_core.passes.records import Pass
from classtap_core.people.records import Badge, Child, Contact, ContactMasked, Family
from classtap_core.people.rules import HEALTH_NOTE, sort_name
from classtap_core.schedule.records import Location, Session
from classtap_core.timekeeping.rules import local_date
from classtap_desktop.operator import Operator, sight
from classtap_desktop.screens.families.passes import GoesLine, PassLine, SentLine, read_goes, read_sent
from classtap_desktop.screens.sessions import SessionLine, line_of
from classtap_desktop.source import DeskSource

KINDS = frozenset(
    {
        "family",
        "child",
        "badge",
        "contact",
        "contact_masked",
        "pass",
        "booking",
        "attendance",
        "session",
        "consents",
        "document",
        "health_clearance",
        "health_requirement",
        "guardianship",
        "policy",
    }
)


class FamilyLine(NamedTuple):
    """A family in the list: its name and its children's given names."""

    id: Id
    name: str
    children: tuple[str, ...]


class Visit(NamedTuple):
    """A session of today a child is booked in or was marked in, and how it stands."""

    session: SessionLine
    state: str


class Lack(NamedTuple):
    """What a booked class asks for and a child does not have: a document to sign, or a paper. `code` says how it stands."""

    name: str
    code: str


class ChildLine(NamedTuple):
    """A child of a family page; `badge`: there is a health note, `health`: what it says, while that is revealed;
    `hidden`: it may be, for a reason. `lacks`: what the classes they are booked in ask for."""

    id: Id
    name: str
    badge: bool
    visits: tuple[Visit, ...]
    lacks: tuple[Lack, ...] = ()
    photo: bytes | None = None
    health: str = ""
    hidden: bool = False


class ContactLine(NamedTuple):
    """A guardian; `masked` where the whole does not show, `hidden` where it may, for a reason. `relation` is a code."""

    id: Id
    name: str
    relation: str
    phone: str
    email: str
    masked: bool
    hidden: bool = False


class FamilyPage(NamedTuple):
    """One family. `zone` is its home's; `editable`: the signed-in person may change it, `sees_health`: its children's
    health too."""

    id: Id
    name: str
    home: str
    zone: str
    children: tuple[ChildLine, ...]
    contacts: tuple[ContactLine, ...]
    pass_line: PassLine
    editable: bool
    sees_health: bool = False
    home_id: Id = Id("")
    sent: tuple[SentLine, ...] = ()
    goes: tuple[GoesLine, ...] = ()


def read_families(source: DeskSource, operator: Operator | None) -> tuple[FamilyLine, ...]:
    """Return every family held here that its reader may see, by name."""
    seen = sight(operator, Capability.VIEW_FAMILY, source)
    given: dict[Id, list[str]] = {}
    for child in sorted(search(source.reader, Child, "by_family"), key=lambda child: child.given.casefold()):
        given.setdefault(child.family, []).append(child.given)
    lines = [
        FamilyLine(family.id, family.name, tuple(given.get(family.id, ())))
        for family in seen.rows(search(source.reader, Family, "by_home"), lambda family: Resource(family.home))
    ]
    return tuple(sorted(lines, key=lambda line: (folded(line.name), line.id)))


def read_family(
    source: DeskSource, family: Id, operator: Operator | None,
    shown: Mapping[Id, Collection[Sensitivity]] = MappingProxyType({}),
) -> FamilyPage | None:  # fmt: skip
    """Return a family's page as its reader may see it, of what is masked only what is `shown` of each person; None where
    it is not here (any more), or not for them."""
    reader, now_ms = source.reader, source.clock.now().corrected
    row = reader.rows(Family, [family]).get(family)
    if row is None:
        return None
    held = decode(Family, row.body)
    if not sight(operator, Capability.VIEW_FAMILY, source).allows(Resource(held.home)):
        return None
    home = fetch(reader, Location, [held.home]).get(held.home)
    zone = home.zone if home is not None else "UTC"
    today = local_date(now_ms, zone)
    children = sorted(
        search(reader, Child, "by_family", family), key=lambda child: sort_name(child.surname, child.given)
    )
    badges = fetch(reader, Badge, (child.id for child in children))
    reaches = _may_reach(reader, held, operator, now_ms)
    grants = () if operator is None else operator.grants
    parts = health_seen(reader, source.place.studio, grants, at_ms=now_ms)(Resource(held.home))
    notes = roster_badges(reader, (child.id for child in children), parts)
    seen = {child.id for child in children if Sensitivity.HEALTH in shown.get(child.id, ())}
    visits = _visits(reader, family, children, today)
    lacks = _lacks(reader, family, children, today)
    return FamilyPage(
        family, held.name, home.name if home else "", zone,
        tuple(
            ChildLine(
                child.id, f"{child.given} {child.surname}".strip(),
                child.id in badges and HEALTH_NOTE in badges[child.id].codes, visits.get(child.id, ()),
                lacks.get(child.id, ()), source.album.picture(child.photo.hash) if child.photo else None,
                notes[child.id].text if child.id in notes and child.id in seen else "",
                child.id in notes and child.id not in seen,
            )
            for child in children
        ),
        _contacts(reader, held, shown if reaches else None),
        _pass(reader, family, now_ms),
        operator is not None and operator.may(Capability.EDIT_FAMILY, location=held.home, at_ms=now_ms),
        operator is not None and operator.may(Capability.EDIT_HEALTH, location=held.home, at_ms=now_ms)
        and reader.holds(f"health/{held.home}"),
        held.home, read_sent(reader, family),
        read_goes(reader, source.place.studio, [child.id for child in children], day=today),
    )  # fmt: skip


def _visits(reader: Reader, family: Id, children: list[Child], today: str) -> dict[Id, tuple[Visit, ...]]:
    booked = [
        booking for booking in search(reader, Booking, "by_family_date", family, today) if booking.state == BOOKED
    ]
    marks = {
        (kept.child, kept.session): str(standing(kept.marks).state)
        for child in children
        for kept in search(reader, Attendance, "by_child_date", child.id, today)
    }
    pairs = {(booking.child, booking.session) for booking in booked}
    pairs |= {pair for pair, state in marks.items() if state != "none"}
    sessions = fetch(reader, Session, (session for _, session in sorted(pairs)))
    lines = {card.session.id: line_of(reader, card) for card in cards(reader, sessions.values())}
    found: dict[Id, list[Visit]] = {}
    for child, session in sorted(pairs, key=lambda pair: lines[pair[1]].start_ms if pair[1] in lines else 0):
        if session in lines:
            found.setdefault(child, []).append(Visit(lines[session], marks.get((child, session), "none")))
    return {child: tuple(visits) for child, visits in found.items()}


def _lacks(reader: Reader, family: Id, children: list[Child], today: str) -> dict[Id, tuple[Lack, ...]]:
    """What the classes that children are booked in from today on ask for, and they do not have; each thing once."""
    ahead = [
        one for one in search(reader, Booking, "by_family_date", family) if one.state == BOOKED and one.date >= today
    ]
    sessions = fetch(reader, Session, (one.session for one in ahead))
    documents = search(reader, Document, "by_state", OPEN)
    requirements = search(reader, HealthRequirement, "by_state", OPEN)
    consents = fetch(reader, Consents, (child.id for child in children))
    papers = fetch(reader, HealthClearance, (child.id for child in children))
    found: dict[Id, dict[Lack, None]] = {}
    for booking in ahead:
        session = sessions.get(booking.session)
        if session is None:
            continue
        lacks = found.setdefault(booking.child, {})
        for asked in owed(asked_of(documents, session, when=CHECKIN), session, consents.get(booking.child)):
            if asked.standing is not Standing.VALID:
                lacks[Lack(asked.document.name, f"document.{asked.standing.value}")] = None
        held = papers[booking.child].papers if booking.child in papers else ()
        for one in required(requirements, session):
            state, _ = paper_state(held, one.paper, session.date)
            if state is not PaperState.VALID:
                lacks[Lack(one.name, f"paper.{state.value}")] = None
    return {child: tuple(lacks) for child, lacks in found.items()}


def _may_reach(reader: Reader, family: Family, operator: Operator | None, now_ms: int) -> bool:
    """Whether somebody may see how guardians are reached, and this device holds it."""
    sees = operator is not None and operator.may(Capability.VIEW_CONTACT, location=family.home, at_ms=now_ms)
    return sees and reader.holds(f"contact/{family.home}")


def _contacts(
    reader: Reader, family: Family, shown: Mapping[Id, Collection[Sensitivity]] | None
) -> tuple[ContactLine, ...]:  # fmt: skip
    """A family's guardians, each masked until their own numbers show; `shown` is None for who may never see them."""
    lines = []
    for one in as_shown(reader, family.id, shown or {}):
        masked = isinstance(one, ContactMasked)
        lines.append(
            ContactLine(one.id, one.name, one.relation, one.phone, one.email, masked, masked and shown is not None)
        )
    return tuple(lines)


def as_shown(
    reader: Reader, family: Id, shown: Mapping[Id, Collection[Sensitivity]]
) -> list[Contact | ContactMasked]:  # fmt: skip
    """A family's guardians in order: whole where a guardian's own numbers show now, masked else."""
    whole = fetch(reader, Contact, [id for id, kinds in shown.items() if Sensitivity.CONTACT in kinds])
    return [whole.get(one.id, one) for one in search(reader, ContactMasked, "by_family", family)]


def _pass(reader: Reader, family: Id, now_ms: int) -> PassLine:
    held = search(reader, Pass, "by_family", family)
    if not held:
        return PassLine("none")
    kept = held[0]
    revoked = kept.revoked_at_ms
    over = now_ms >= kept.expires_s * 1000
    state = "revoked" if revoked is not None and revoked <= now_ms else "expired" if over else "good"
    return PassLine(state, kept.epoch, kept.issued_s * 1000, kept.expires_s * 1000, revoked or 0)


def read_homes(source: DeskSource, operator: Operator | None) -> tuple[tuple[Id, str, str], ...]:
    """Return the locations where the signed-in person may enter a family: id, name, today's date; this desk's first."""
    reader, now_ms, here = source.reader, source.clock.now().corrected, source.place.location
    places = search(reader, Location, "by_id")
    found = [
        (place.id, place.name, local_date(now_ms, place.zone))
        for place in sorted(places, key=lambda place: (place.id != here, place.name))
        if operator is not None
        and operator.may(Capability.EDIT_FAMILY, location=place.id, at_ms=now_ms)
        and reader.holds(f"families/{place.id}")
    ]
    return tuple(found)
