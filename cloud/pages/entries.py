"""The attendee passes a guardian shows: those of the children they are a first or second guardian of, until they end."""

from datetime import date as Day
from typing import TYPE_CHECKING

import msgspec

from classtap_core.booking.records import Booking
from classtap_core.booking.rules import BOOKED
from classtap_core.checkin.attendees import AttendeePass, attendee_pass_id
from classtap_core.checkin.reading import cards, fetch, search
from classtap_core.kernel.errors import Refused
from classtap_core.kernel.ids import Id
from classtap_core.people.guardians import PRIMARY, SECONDARY, roles_on
from classtap_core.schedule.records import Session
from classtap_core.timekeeping.rules import local_date
from cloud.passes import attendee_pass
from cloud.studios import Studios
from resources.text import Catalogue

if TYPE_CHECKING:
    from cloud.pages.family import Standing


class Entry(msgspec.Struct, frozen=True):
    """One child's pass to one session. `name`: the child, the class and when, as words; `expires`: Unix seconds."""

    session: Id
    child: Id
    name: str
    text: str
    expires: int


def entries_of(
    studios: Studios, studio: Id, who: "Standing", words: Catalogue, *, now_ms: int
) -> tuple[Entry, ...]:  # fmt: skip
    """The passes that are good now, by when their session begins."""
    reader, own = studios.storage(studio), {PRIMARY, SECONDARY}
    mine = {child for child, pair in who.pairs.items() if child in who.children and own & set(roles_on(pair, who.day))}
    booked = [
        booking
        for family in dict.fromkeys(who.children[child].family for child in mine)
        for booking in search(reader, Booking, "by_family_date", family, low=who.day)
        if booking.child in mine and booking.state == BOOKED
    ]
    ids = [attendee_pass_id(studio, booking.session, booking.child) for booking in booked]
    held = [one for one in fetch(reader, AttendeePass, ids).values() if one.expires_s * 1000 > now_ms]
    sessions = fetch(reader, Session, [one.session for one in held])
    planned = {card.session.id: card for card in cards(reader, sessions.values())}
    found = []
    for one in sorted(held, key=lambda one: planned[one.session].start_ms if one.session in planned else 0):
        card = planned.get(one.session)
        if card is None:
            continue
        try:
            text = attendee_pass(studios, studio, one.session, one.child).text
        except Refused:  # switched off, or no key is in force
            continue
        day = Day.fromisoformat(local_date(card.start_ms, card.session.zone))
        when = words.join([words.date(day), words.time(card.start_ms, card.session.zone)], by=", ")
        name = words.join([who.children[one.child].given, card.class_name, when])
        found.append(Entry(one.session, one.child, name, text, one.expires_s))
    return tuple(found)
