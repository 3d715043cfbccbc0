"""Who may do what, as read from the store, and what an assignment would change before it is made."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from classtap_core.access.assigning import (
    MONEY,
    RISKY,
    SEGMENTS,
    Explanation,
    Mode,
    assignment,
    difference,
    ended,
    explained,
)
from classtap_core.access.blueprints import ROLES, Upgrade, newest, upgrade
from classtap_core.access.records import Grant, Staff, StaffPin
from classtap_core.access.rules import Place
from classtap_core.checkin.reading import fetch, search
from classtap_core.kernel.ids import Id
from classtap_core.kernel.operations import Range, Resource
from classtap_core.kernel.records import decode
from classtap_core.schedule.records import ClassType, Room
from classtap_desktop.screens.sessions import read_places
from classtap_desktop.source import DeskSource
from resources.text import Catalogue

KINDS = frozenset({"grant", "staff", "staff_pin", "location", "room", "class_type"})
DAY_MS = 86_400_000


class PersonLine(NamedTuple):
    """Somebody who works here and every grant they hold or held, those in force first."""

    id: Id
    name: str
    grants: tuple[Grant, ...]


class Draft(NamedTuple):
    """A role as it is about to be given. `days` until it ends, 0 for good."""

    role: str = "front_desk"
    location: str = ""
    room: str = ""
    class_type: str = ""
    segment: str = ""
    money: str = ""
    mode: str = Mode.ADD.value
    days: int = 0

    @property
    def place(self) -> Place:
        return Place(self.location, self.room, self.class_type, self.segment, self.money)

    def until_ms(self, now_ms: int) -> int:
        """Return when it ends, in ms since the Unix epoch; 0 for never."""
        return now_ms + self.days * DAY_MS if self.days else 0


class People(NamedTuple):
    """Everybody, and the names of places, rooms and classes. `zone` is that of the first place.

    `segments` and `money`: groups of clients and parts of the money that a role may be limited to, or is somewhere.
    """

    lines: tuple[PersonLine, ...]
    places: tuple[tuple[Id, str], ...]
    rooms: tuple[tuple[Id, Id, str], ...]
    zone: str
    classes: tuple[tuple[Id, str], ...] = ()
    segments: tuple[str, ...] = SEGMENTS
    money: tuple[str, ...] = MONEY

    def place_name(self, place: Place, words: Catalogue) -> str:
        """Return where a grant holds, in words."""
        names = {**dict(self.places), **{id: name for id, _, name in self.rooms}, **dict(self.classes)}
        parts = [names.get(Id(one), one[:8]) for one in (place.location, place.room, place.class_type) if one]
        parts += [limit_name(one, words) for one in (place.segment, place.money) if one]
        return words.join(parts) if parts else words.say("desk.access.everywhere")


def limit_name(limit: str, words: Catalogue) -> str:
    """Return a group of clients or a part of the money in words; one of a studio's own (`corporate:…`) as it is written."""
    known = f"desk.access.limit.{limit}"
    return words.say(known) if words.has(known) else limit


def read_people(source: DeskSource) -> People:
    """Return everybody who may sign in, holds or held a grant, by name."""
    reader = source.reader
    held: dict[Id, list[Grant]] = {}
    for row in reader.find(Range(Grant, "by_holder", ())):
        grant: Grant = decode(Grant, row.body)
        held.setdefault(grant.holder, []).append(grant)
    for pin in search(reader, StaffPin, "by_id"):
        held.setdefault(pin.id, [])
    staff = fetch(reader, Staff, held)
    places = read_places(reader)
    rooms = search(reader, Room, "by_location")
    lines = [
        PersonLine(id, one.name, tuple(sorted(held[id], key=lambda grant: (bool(grant.valid_to_ms), grant.id))))
        for id, one in staff.items()
    ]
    classes = sorted(search(reader, ClassType, "by_id"), key=lambda one: one.name.casefold())
    grants = [grant for every in held.values() for grant in every]
    return People(
        tuple(sorted(lines, key=lambda line: line.name.casefold())), tuple((place.id, place.name) for place in places),
        tuple((room.id, room.location, room.name) for room in rooms), places[0].zone if places else "UTC",
        tuple((one.id, one.name) for one in classes),
        _with(SEGMENTS, (grant.segment for grant in grants)), _with(MONEY, (grant.money for grant in grants)),
    )  # fmt: skip


def _with(known: tuple[str, ...], used: Iterable[str]) -> tuple[str, ...]:
    return (*known, *sorted({*used} - {*known, ""}))


class Change(NamedTuple):
    """What giving a role comes to for one person: grants that begin and end, and rights they gain and lose by it there.

    `risky`: those gained that reach people's secrets, their data or other people's rights.
    """

    name: str
    gained: tuple[str, ...]
    lost: tuple[str, ...]
    risky: tuple[str, ...]
    begins: tuple[Grant, ...]
    ends: tuple[Grant, ...]


def preview(people: Iterable[PersonLine], draft: Draft, *, at_ms: int) -> list[Change]:
    """Return what giving a role would change, person by person; only where anything does."""
    found = []
    for person in people:
        plan = assignment(
            person.grants, person.id, draft.role, draft.place, mode=Mode(draft.mode), at_ms=at_ms,
            valid_to_ms=draft.until_ms(at_ms),
        )  # fmt: skip
        going = {grant.id for grant in plan.end}
        after = [ended(one, at_ms) if one.id in going else one for one in person.grants if one not in plan.give]
        changed = difference(person.grants, [*after, *plan.give], draft.place.resource, at_ms=at_ms)
        if plan.give or plan.end:
            risky = tuple(one for one in changed.gained if one in RISKY)
            found.append(Change(person.name, changed.gained, changed.lost, risky, plan.give, plan.end))
    return found


def why(person: PersonLine, right: str, location: str, *, at_ms: int) -> Explanation:
    """Return the one decision about somebody at a location, grant by grant."""
    return explained(person.grants, right, Resource(Id(location) if location else None), at_ms=at_ms)


def raised(grant: Grant) -> Upgrade | None:
    """Return what the newest version of a grant's blueprint changes; None where it is the newest."""
    if grant.role not in ROLES or grant.version in (0, newest(grant.role)):
        return None
    return upgrade(grant.role, grant.version)
