"""Who may do what, as read from the store, and what an assignment would change before it is made."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from classtap_core.access.assigning import Difference, Explanation, Mode, assignment, difference, ended, explained
from classtap_core.access.blueprints import ROLES, Upgrade, newest, upgrade
from classtap_core.access.records import Grant, Staff
from classtap_core.access.rules import Place
from classtap_core.checkin.reading import fetch, search
from classtap_core.kernel.ids import Id
from classtap_core.kernel.operations import Range, Resource
from classtap_core.kernel.records import decode
from classtap_core.schedule.records import Room
from classtap_desktop.screens.sessions import read_places
from classtap_desktop.source import DeskSource
from resources.text import Catalogue

KINDS = frozenset({"grant", "staff", "location", "room"})
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
    mode: str = Mode.ADD.value
    days: int = 0

    @property
    def place(self) -> Place:
        return Place(self.location, self.room)

    def until_ms(self, now_ms: int) -> int:
        """Return when it ends, in ms since the Unix epoch; 0 for never."""
        return now_ms + self.days * DAY_MS if self.days else 0


class People(NamedTuple):
    """Everybody, and the names of places and rooms. `zone` is that of the first place."""

    lines: tuple[PersonLine, ...]
    places: tuple[tuple[Id, str], ...]
    rooms: tuple[tuple[Id, Id, str], ...]
    zone: str

    def place_name(self, place: Place, words: Catalogue) -> str:
        """Return where a grant holds, in words."""
        names = {**dict(self.places), **{id: name for id, _, name in self.rooms}}
        parts = [names.get(Id(one), one[:8]) for one in (place.location, place.room, place.class_type) if one]
        parts += [one for one in (place.segment, place.money) if one]
        return words.join(parts) if parts else words.say("desk.access.everywhere")


def read_people(source: DeskSource) -> People:
    """Return everybody who holds or held a grant, by name."""
    reader = source.reader
    held: dict[Id, list[Grant]] = {}
    for row in reader.find(Range(Grant, "by_holder", ())):
        grant: Grant = decode(Grant, row.body)
        held.setdefault(grant.holder, []).append(grant)
    staff = fetch(reader, Staff, held)
    places = read_places(reader)
    rooms = search(reader, Room, "by_location")
    lines = [
        PersonLine(id, one.name, tuple(sorted(held[id], key=lambda grant: (bool(grant.valid_to_ms), grant.id))))
        for id, one in staff.items()
    ]
    return People(
        tuple(sorted(lines, key=lambda line: line.name.casefold())), tuple((place.id, place.name) for place in places),
        tuple((room.id, room.location, room.name) for room in rooms), places[0].zone if places else "UTC",
    )  # fmt: skip


def preview(people: Iterable[PersonLine], draft: Draft, *, at_ms: int) -> list[tuple[str, Difference]]:
    """Return what each person could do there that they cannot now, and the other way round; only where it differs."""
    found = []
    for person in people:
        plan = assignment(
            person.grants, person.id, draft.role, draft.place, mode=Mode(draft.mode), at_ms=at_ms,
            valid_to_ms=draft.until_ms(at_ms),
        )  # fmt: skip
        going = {grant.id for grant in plan.end}
        after = [ended(one, at_ms) if one.id in going else one for one in person.grants if one not in plan.give]
        changed = difference(person.grants, [*after, *plan.give], draft.place.resource, at_ms=at_ms)
        if changed.gained or changed.lost:
            found.append((person.name, changed))
    return found


def why(person: PersonLine, right: str, location: str, *, at_ms: int) -> Explanation:
    """Return the one decision about somebody at a location, grant by grant."""
    return explained(person.grants, right, Resource(Id(location) if location else None), at_ms=at_ms)


def raised(grant: Grant) -> Upgrade | None:
    """Return what the newest version of a grant's blueprint changes; None where it is the newest."""
    if grant.role not in ROLES or grant.version in (0, newest(grant.role)):
        return None
    return upgrade(grant.role, grant.version)
