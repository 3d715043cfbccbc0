"""What the messages' screen shows, read off the window's thread: sessions to write to, whom it reaches, what became of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import NamedTuple

from classtap_core.access.blueprints import Capability
from classtap_core.booking.records import Booking
from classtap_core.booking.rules import BOOKED
from classtap_core.checkin.reading import cards, fetch, search
from classtap_core.checkin.records import Attendance, State
from classtap_core.checkin.rules import standing
from classtap_core.kernel.ids import Id
from classtap_core.kernel.operations import Resource
from classtap_core.kernel.tx import Reader
from classtap_core.messaging.operations import AskMessage
from classtap_core.messaging.reading import route_of
from classtap_core.messaging.records import DONE, SENDING, WAITING, Message
from classtap_core.messaging.routing import Route, route, waves
from classtap_core.messaging.templates import ALARM, EMAIL, NEWS, TEMPLATES
from classtap_core.people.records import Child, ContactMasked, Family
from classtap_core.people.rules import masked_email, masked_phone
from classtap_core.schedule.operations import of_session
from classtap_core.schedule.records import Location, Session
from classtap_core.timekeeping.rules import local_date, parse_date
from classtap_desktop.operator import Operator, sight
from classtap_desktop.source import DeskSource
from resources.text import Catalogue

KINDS = frozenset({Message.KIND, Booking.KIND, Attendance.KIND, "contact_way", "message_wish", Session.KIND})
DAYS_AHEAD, DAYS_BACK = 7, 30
MOST = 300
BOOKED_IN, HERE = "booked", "here"
"""Whom a message is for: who is booked, or who is checked in now."""


class SessionChoice(NamedTuple):
    """A session that may be written to. Attributes: `kind` is its class; times in ms since the Unix epoch."""

    id: Id
    name: str
    kind: Id
    location: Id
    start_ms: int
    zone: str


class Told(NamedTuple):
    """One line of a preview. Attributes: `shown` is an address as anybody may see it, or a name where `why` says why
    not; `who`: everybody it stands for; `instead`: the way it stands in for; `wave` 0 goes at once."""

    family: str
    shown: str
    channel: str = ""
    why: str = ""
    wave: int = 0
    who: str = ""
    instead: str = ""


class Preview(NamedTuple):
    """Whom a message would reach: the families with their children, and a line for each address or reason."""

    families: tuple[tuple[Id, tuple[Id, ...]], ...] = ()
    lines: tuple[Told, ...] = ()

    @property
    def addresses(self) -> int:
        return sum(1 for line in self.lines if not line.why and not line.wave)


class Sent(NamedTuple):
    """A message with the names its record needs. `people` are names by id, of guardians and children."""

    message: Message
    family: str
    people: Mapping[Id, str]
    zone: str


def read_choices(source: DeskSource, operator: Operator | None) -> tuple[SessionChoice, ...]:
    """The sessions of today and the days to come, at this desk's locations, whose families somebody may see."""
    reader, now_ms = source.reader, source.clock.now().corrected
    seen = sight(operator, Capability.VIEW_FAMILY, source)
    at = source.place.location
    found = []
    for place in search(reader, Location, "by_id"):
        if at is not None and place.id != at:
            continue
        today = local_date(now_ms, place.zone)
        last = (parse_date(today) + timedelta(days=DAYS_AHEAD)).isoformat()
        sessions = search(reader, Session, "by_location_date", place.id, low=today, high=last)
        found += [
            SessionChoice(one.session.id, one.class_name, one.session.class_type, place.id, one.start_ms, place.zone)
            for one in cards(reader, sessions)
            if seen.allows(of_session(one.session))
        ]
    return tuple(sorted(found, key=lambda one: (one.start_ms, one.name, one.id)))


def read_preview(source: DeskSource, choice: SessionChoice, *, whom: str, urgent: bool) -> Preview:
    """Whom a message to a session would reach, by the same router that sends it."""
    reader, studio = source.reader, source.place.studio
    children = fetch(reader, Child, _children(reader, choice.id, whom))
    families: dict[Id, tuple[Id, ...]] = {}
    for child in children.values():
        families[child.family] = (*families.get(child.family, ()), child.id)
    names = fetch(reader, Family, families)
    day = local_date(source.clock.now().corrected, choice.zone)
    lines: list[Told] = []
    for family, theirs in families.items():
        told = route_of(reader, studio, theirs, day=day, program=choice.kind)
        lines += _lines(reader, names[family].name if family in names else "", told, ALARM if urgent else NEWS)
    lines.sort(key=lambda line: (bool(line.why), line.wave, line.family.casefold()))
    return Preview(tuple(families.items()), tuple(lines))


def _lines(reader: Reader, family: str, told: Route, template: str) -> list[Told]:
    found = route(TEMPLATES[template], told)
    turns = waves(found.sends)
    reached = {guardian: None for one in found.sends for guardian in one.guardians}
    why = {one.guardian: one.why for one in reversed(found.passed) if one.guardian not in reached}
    names = fetch(reader, ContactMasked, [*reached, *why])
    lines = [
        Told(
            family, masked_email(one.address) if one.channel == EMAIL else masked_phone(one.address), one.channel,
            wave=turns.index(one.wave), who=", ".join(names[id].name for id in one.guardians if id in names),
            instead=one.instead,
        )
        for one in found.sends
    ]  # fmt: skip
    lines += [Told(family, names[id].name, why=code) for id, code in why.items() if id in names]
    return lines or [Told(family, family, why="no_role")]


def _children(reader: Reader, session: Id, whom: str) -> list[Id]:
    if whom == HERE:
        entries = search(reader, Attendance, "by_session", session)
        return [one.child for one in entries if standing(one.marks).state in (State.PRESENT, State.LATE)]
    return [one.child for one in search(reader, Booking, "by_session", session) if one.state == BOOKED]


def asked(choice: SessionChoice, preview: Preview, *, text: str, urgent: bool) -> list[AskMessage]:
    """The operations that ask for a message: one for each family."""
    return [
        AskMessage(
            family=family, template=ALARM if urgent else NEWS, children=children, program=choice.kind,
            text=text.strip(), values={"session": choice.id},
        )
        for family, children in preview.families
    ]  # fmt: skip


def read_sent(source: DeskSource, operator: Operator | None) -> tuple[Sent, ...]:
    """The messages of the last month to families somebody may see, newest first."""
    reader, since = source.reader, source.clock.now().corrected - DAYS_BACK * 86_400_000
    seen = sight(operator, Capability.VIEW_FAMILY, source)
    messages = [
        one
        for state in (WAITING, SENDING, DONE)
        for one in search(reader, Message, "by_state", state, low=since)
        if seen.allows(Resource(one.home))
    ]
    messages.sort(key=lambda one: (-one.asked_ms, one.id))
    messages = messages[:MOST]
    families = fetch(reader, Family, (one.family for one in messages))
    zones = {place.id: place.zone for place in search(reader, Location, "by_id")}
    guardians = fetch(reader, ContactMasked, _guardians(messages))
    children = fetch(reader, Child, (id for one in messages for id in one.children))
    people = {id: one.name for id, one in guardians.items()} | {id: one.given for id, one in children.items()}
    return tuple(
        Sent(one, families[one.family].name if one.family in families else "", people, zones.get(one.home, "UTC"))
        for one in messages
    )


def _guardians(messages: Iterable[Message]) -> list[Id]:
    told = [id for message in messages for one in message.deliveries for id in one.guardians]
    return [*told, *(one.guardian for message in messages for one in message.passed)]


def moment(at_ms: int, zone: str, words: Catalogue) -> str:
    """A day and a time, shortly: `Sat 21, 16:20`."""
    day = parse_date(local_date(at_ms, zone))
    return words.join([words.weekday(day), words.time(at_ms, zone)], by=", ")
