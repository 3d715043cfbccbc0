"""What a guardian sees: their children's day, what they may do and why, and their families' passes. No child beside.

Who they are to a child is asked anew each time the page is read: whoever lost a child sees nothing of it from then on.
"""

from collections.abc import Mapping, Sequence
from datetime import date as Day
from typing import Any, NamedTuple

import msgspec

from classtap_core.booking.guardian_gates import GUARDIAN_POLICY
from classtap_core.booking.records import Booking, Policy, policy_id
from classtap_core.booking.rules import BOOKED
from classtap_core.checkin.reading import SessionCard, cards, fetch, search
from classtap_core.checkin.records import Attendance
from classtap_core.checkin.rules import standing
from classtap_core.kernel.errors import Refused
from classtap_core.kernel.ids import Id
from classtap_core.kernel.tx import Reader
from classtap_core.messaging.records import MessageWish
from classtap_core.messaging.templates import USUAL, ways_of
from classtap_core.messaging.templates import WAYS as CHOICES
from classtap_core.people.guardians import (
    MATRIX,
    PICKUP,
    PRIMARY,
    SECONDARY,
    ContactAlias,
    Guardianship,
    Right,
    matrix_of,
    may,
    roles_on,
)
from classtap_core.people.records import Child, Contact, Family
from classtap_core.people.rules import masked_email, masked_phone, sort_name
from classtap_core.people.verification import WAYS, is_verified
from classtap_core.schedule.records import Location, Session
from classtap_core.schedule.telling import CANCELLED
from classtap_core.timekeeping.rules import local_date
from cloud.pages.doors import Inside
from cloud.pages.entries import Entry, entries_of
from cloud.pickup import codes_now
from cloud.studios import Studios
from resources.text import Catalogue

VERIFIED_FIRST = (Right.BOOK, Right.PAY, Right.SIGN)
"""What a guardian does only once a contact of theirs is verified."""


class Visit(msgspec.Struct, frozen=True):
    """A session of today: `state` is a code, the rest words. `note`: a reason or when somebody late is expected."""

    session: Id
    when: str
    name: str
    where: str
    state: str
    said: str
    note: str = ""


class May(msgspec.Struct, frozen=True):
    """One thing a guardian may do for a child, or not, and why."""

    right: str
    name: str
    allowed: bool
    why: str


class OneChild(msgspec.Struct, frozen=True):
    """A child as this guardian may see it. `hidden`: why no attendance is shown, or "". `pickup`: the code it is fetched
    by today, where it is here and this guardian may fetch it; `pickup_said`: what the page calls that."""

    id: Id
    name: str
    visits: tuple[Visit, ...]
    rights: tuple[May, ...]
    hidden: str = ""
    pickup: str = ""
    pickup_said: str = ""


class Wished(msgspec.Struct, frozen=True):
    """On which ways the guardian hears of a child, or of everything (`child` ""). `choices`: codes with their words."""

    child: str
    name: str
    ways: str
    choices: tuple[tuple[str, str], ...]


class Way(msgspec.Struct, frozen=True):
    """One of the guardian's own addresses, masked."""

    way: str
    name: str
    shown: str
    verified: bool


class FamilyDay(msgspec.Struct, frozen=True):
    """The whole page. `passes`: families whose pass this guardian shows, with what the page calls each; `entries`: passes
    to one session."""

    guardian: str
    initials: str
    studio: str
    date: str
    children: tuple[OneChild, ...]
    passes: tuple[tuple[Id, str], ...]
    ways: tuple[Way, ...]
    wishes: tuple[Wished, ...]
    entries: tuple[Entry, ...]
    read_ms: int
    read_at: str


class Standing(NamedTuple):
    """Who is on the page: their contact, and who they are to each child they have anything to do with today."""

    contact: Contact
    children: Mapping[Id, Child]
    pairs: Mapping[Id, Guardianship]
    zone: str
    day: str


def standing_of(reader: Reader, inside: Inside, *, now_ms: int) -> Standing:
    """Raises Refused `session.over` when the guardian is no longer on record."""
    found = fetch(reader, Contact, [inside.contact]).get(inside.contact)
    if found is None:
        alias = fetch(reader, ContactAlias, [inside.contact]).get(inside.contact)
        found = fetch(reader, Contact, [alias.became]).get(alias.became) if alias is not None else None
    if found is None:
        raise Refused("session.over")
    home = fetch(reader, Location, [found.home]).get(found.home)
    zone = home.zone if home is not None else "UTC"
    day = local_date(now_ms, zone)
    pairs = {
        pair.child: pair
        for pair in search(reader, Guardianship, "by_guardian", found.id)
        if not pair.blocked and roles_on(pair, day)
    }
    return Standing(found, fetch(reader, Child, pairs), pairs, zone, day)


def families_shown(who: Standing) -> tuple[Id, ...]:
    """The families whose pass this guardian shows: those of children they are a first or second guardian of."""
    return tuple(
        dict.fromkeys(
            who.children[child].family
            for child, pair in who.pairs.items()
            if child in who.children and {PRIMARY, SECONDARY} & set(roles_on(pair, who.day))
        )
    )


def family_day(studios: Studios, inside: Inside, words: Catalogue) -> FamilyDay:
    """Everything on the page but the pass itself. Raises Refused `session.over`."""
    now_ms = studios.clock.now().corrected
    reader = studios.storage(inside.studio)
    who = standing_of(reader, inside, now_ms=now_ms)
    policy = fetch(reader, Policy, [policy_id(inside.studio, GUARDIAN_POLICY)])
    matrix = next((matrix_of(one.values) for one in policy.values()), MATRIX)
    children = sorted(who.children.values(), key=lambda child: (*sort_name(child.surname, child.given), child.id))
    names = fetch(reader, Family, families_shown(who))
    contact = who.contact
    codes = codes_now(studios, inside.studio, _fetched(who), zone=who.zone)
    return FamilyDay(
        contact.name, initials(contact.name), studios.studio(inside.studio).name,
        words.date(Day.fromisoformat(who.day)),
        tuple(_with_code(_child(reader, who, child, matrix, words), codes, words) for child in children),
        tuple((id, words.say("family.pass_of", name=one.name)) for id, one in names.items()),
        tuple(_way(contact, way, words) for way in WAYS if getattr(contact, way)),
        _wishes(reader, contact, children, words), entries_of(studios, inside.studio, who, words, now_ms=now_ms), now_ms, words.time(now_ms, who.zone),
    )  # fmt: skip


def _wishes(reader: Reader, contact: Contact, children: Sequence[Child], words: Catalogue) -> tuple[Wished, ...]:
    """What the guardian may choose, for everything and for each child, with what is chosen."""
    found = search(reader, MessageWish, "by_contact", contact.id)
    held = {one.child: ways_of(one.channels) for one in found if not one.program}
    choices = tuple((code, words.say(f"desk.messages.ways.{code}")) for code in (USUAL, *CHOICES))
    whom = (("", words.say("desk.messages.for_all")), *((child.id, child.given) for child in children))
    return tuple(Wished(child, name, held.get(child, USUAL), choices) for child, name in whom)


def scopes_of(reader: Reader, inside: Inside, *, now_ms: int) -> tuple[str, ...]:
    """The scopes whose changes may change the page. Raises Refused `session.over`."""
    who = standing_of(reader, inside, now_ms=now_ms)
    homes = dict.fromkeys([who.contact.home, *(child.home for child in who.children.values())])
    found = [scope for home in homes for scope in (f"families/{home}", f"contact_masked/{home}")]
    places = {card.session.location for child in who.children for card, _ in _visits(reader, who, child)}
    there = {*homes, *places}
    planned = (f"schedule/{place}/{who.day[:7]}" for place in there)
    return (*found, *planned, *(f"roster/{place}/{who.day}" for place in there))


def initials(name: str) -> str:
    """The first letters of the first and last name."""
    parts = name.split()
    return "".join(part[0] for part in ([parts[0], parts[-1]] if len(parts) > 1 else parts)).upper()


def _fetched(who: Standing) -> list[Id]:
    """The children this guardian may fetch."""
    fetching = {PRIMARY, SECONDARY, PICKUP}
    return [child for child, pair in who.pairs.items() if fetching & set(roles_on(pair, who.day))]


def _with_code(child: OneChild, codes: Mapping[Id, str], words: Catalogue) -> OneChild:
    code = codes.get(child.id, "")
    return msgspec.structs.replace(child, pickup=code, pickup_said=words.say("family.pickup")) if code else child


def _child(
    reader: Reader, who: Standing, child: Child, matrix: Mapping[str, Any], words: Catalogue
) -> OneChild:  # fmt: skip
    pair = who.pairs[child.id]
    verified = is_verified(who.contact)
    rights = []
    for right in Right:
        answer = may(right, pair, day=who.day, matrix=matrix)
        waits = answer.allowed and right in VERIFIED_FIRST and not verified
        why = words.say("family.why.unverified" if waits else f"family.why.{answer.why}")
        rights.append(May(right, words.say(f"family.right.{right}"), answer.allowed and not waits, why))
    name = f"{child.given} {child.surname}".strip()
    if not may(Right.ATTENDANCE, pair, day=who.day, matrix=matrix).allowed:
        return OneChild(child.id, name, (), tuple(rights), words.say("family.hidden"))
    visits = tuple(_visit(card, entry, who, words) for card, entry in _visits(reader, who, child.id))
    return OneChild(child.id, name, visits, tuple(rights))


def _visits(reader: Reader, who: Standing, child: Id) -> list[tuple[SessionCard, Attendance | None]]:
    """Today's sessions a child is booked in or was marked in, by start."""
    family = who.children[child].family
    booked = [
        booking.session
        for booking in search(reader, Booking, "by_family_date", family, who.day)
        if booking.child == child and booking.state == BOOKED
    ]
    entries = {one.session: one for one in search(reader, Attendance, "by_child_date", child, who.day)}
    marked = [one.session for one in entries.values() if standing(one.marks).mark is not None]
    sessions = fetch(reader, Session, [*booked, *marked])
    return [(card, entries.get(card.session.id)) for card in cards(reader, sessions.values())]


def _visit(card: SessionCard, entry: Attendance | None, who: Standing, words: Catalogue) -> Visit:
    stands = standing(entry.marks if entry is not None else ())
    mark = stands.mark
    note = ""
    state, said = str(stands.state), words.say(f"state.{stands.state}")
    if card.session.state == CANCELLED and mark is None:
        state, said = CANCELLED, words.say("family.cancelled")
        why = f"message.reason.{card.session.reason}"
        note = words.say(why) if words.has(why) else ""
    if mark is not None:
        known = f"reason.{mark.reason}"
        reason = words.say(known) if words.has(known) else mark.reason
        expected = words.say("family.expected", time=words.time(mark.expected_ms, who.zone)) if mark.expected_ms else ""
        note = words.join([reason, expected])
    return Visit(
        card.session.id, words.span(card.start_ms, card.end_ms, card.session.zone), card.class_name,
        words.join([card.room, card.instructor]), state, said, note,
    )  # fmt: skip


def _way(contact: Contact, way: str, words: Catalogue) -> Way:
    shown = masked_email(contact.email) if way == "email" else masked_phone(contact.phone)
    proven = is_verified(contact) and contact.verified_by == way
    return Way(way, words.say(f"family.contact.{way}"), shown, proven)
