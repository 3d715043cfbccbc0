"""Sessions and their children, as data for a sheet."""

from datetime import date as Day
from typing import Any

import msgspec

from classtap_cli.questions.device import Device
from classtap_core.checkin.reading import day_of_sessions, fetch, search
from classtap_core.checkin.roster import Roster, RosterRow, roster
from classtap_core.kernel.errors import BadInput, NotHeld, Refused
from classtap_core.kernel.ids import Id, parse
from classtap_core.people.records import Family
from classtap_core.schedule.records import Location
from classtap_core.store.reader import StoreReader
from classtap_core.timekeeping.rules import iso_local


class Which(msgspec.Struct, forbid_unknown_fields=True):
    """One session by id, or all of a date (`2026-11-21`; today when neither is said) where this device stands."""

    session: str = ""
    date: str = ""


def rosters(device: Device, asked: Which) -> dict[str, Any]:
    """Raises Refused `session.unknown`, `roster.not_held`, `roster.no_sessions`; BadInput `time.date`, `session.id`."""
    node = device.node
    day = _day(asked.date) if asked.date else node.today().isoformat()
    with node.reader() as reader:
        try:
            sessions = [_session_id(asked.session)] if asked.session else _of_day(reader, node.papers.location, day)
            found = [roster(reader, session) for session in sessions]
        except NotHeld as missing:
            raise Refused("roster.not_held") from missing
        families = fetch(reader, Family, {Id(row.family) for one in found for row in one.rows if row.family})
    if not found:
        raise Refused("roster.no_sessions", date=day)
    return {"studio": node.papers.studio_name, "sessions": [_sheet(one, families) for one in found]}


def _day(text: str) -> str:
    try:
        return Day.fromisoformat(text).isoformat()
    except ValueError as error:
        raise BadInput("time.date") from error


def _session_id(text: str) -> Id:
    try:
        return Id(parse(text))
    except ValueError as error:
        raise BadInput("session.id", session=text[:40]) from error


def _of_day(reader: StoreReader, location: str, day: str) -> list[Id]:
    places = [Id(location)] if location else [place.id for place in search(reader, Location, "by_id")]
    return [card.session.id for place in places for card in day_of_sessions(reader, place, day)]


def _sheet(one: Roster, families: dict[Id, Family]) -> dict[str, Any]:
    card = one.card
    return {
        "session": card.session.id,
        "date": card.session.date,
        "start": card.start,
        "class": card.class_name,
        "room": card.room,
        "instructor": card.instructor,
        "cancelled": card.session.state == "cancelled",
        "children": [_child(row, families, card.session.zone) for row in one.rows],
    }


def _child(row: RosterRow, families: dict[Id, Family], zone: str) -> dict[str, Any]:
    family = families.get(Id(row.family)) if row.family else None
    return {
        "child": row.child,
        "given": row.given,
        "surname": row.surname,
        "family": family.name if family else "",
        "state": row.state.value,
        "at": iso_local(row.mark.at_ms, zone) if row.mark else None,
        "reason": row.mark.reason if row.mark else "",
        "booked": row.booked,
    }
