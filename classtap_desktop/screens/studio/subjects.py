"""What the studio's screen lists, as data: for each subject its lines and the form behind a line."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from classtap_core.access.blueprints import PRICES, Capability
from classtap_core.booking.records import BEGUN
from classtap_core.kernel.ids import Id
from classtap_core.kernel.records import Record
from classtap_core.schedule.reach import Reach
from classtap_desktop.screens.schedule.planning import plan_sheet
from classtap_desktop.screens.schedule.programs import held_sheet, program_sheet
from classtap_desktop.screens.schedule.series import series_sheet
from classtap_desktop.screens.sheet import Sheet
from classtap_desktop.screens.sheet_form import SheetForm
from classtap_desktop.screens.studio import asked, offers, places, policies
from classtap_desktop.screens.studio.policy_form import PolicyForm
from classtap_desktop.screens.studio.reading import Known
from resources.text import Catalogue


class Line(NamedTuple):
    """One thing of a list: its name, and a second line in grey."""

    id: Id
    name: str
    detail: str = ""


class Subject(NamedTuple):
    """`held`: its records. `line`: how one is listed. `sheet`: the form of one that is there, `new` of one to be, or None
    where there is only what there is. `form` shows the sheet. `money`: the part of the money it is about."""

    name: str
    held: Callable[[Known], Mapping[Id, Record]]
    line: Callable[[Known, Catalogue, Id], Line]
    sheet: Callable[[Known, Id], Sheet]
    new: Callable[[Known, Id], Sheet] | None
    needs: str = Capability.MANAGE_SCHEDULE
    form: type[SheetForm] = SheetForm
    money: str | None = None

    def lines(self, known: Known, words: Catalogue) -> Iterator[Line]:
        """By name."""
        found = (self.line(known, words, id) for id in self.held(known))
        yield from sorted(found, key=lambda line: (line.name.casefold(), line.detail, line.id))


def _location(known: Known, words: Catalogue, id: Id) -> Line:
    held = known.locations[id]
    rooms = sum(room.location == id for room in known.rooms.values())
    return Line(id, held.name, _parts(held.address.city, held.zone, words.say_n("desk.studio.rooms", rooms)))


def _room(known: Known, words: Catalogue, id: Id) -> Line:
    held = known.rooms[id]
    things = ", ".join(f"{one.count} × {one.kind}" for one in held.equipment)
    return Line(
        id, held.name, _parts(known.place(held.location), words.say_n("desk.studio.places", held.capacity), things)
    )


def _closure(known: Known, words: Catalogue, id: Id) -> Line:
    held = known.closures[id]
    room = known.rooms.get(Id(held.room))
    name = f"{held.first.replace('T', ' ')} – {held.last.replace('T', ' ')}"
    return Line(id, name, _parts(known.place(held.location), room.name if room else "", held.reason))


def _class(known: Known, words: Catalogue, id: Id) -> Line:
    held = known.classes[id]
    level = known.levels.get(Id(held.level))
    groups = ", ".join(known.categories[one].name for one in held.categories if one in known.categories)
    return Line(id, held.name, _parts(groups, level.name if level else "", ", ".join(held.tags)))


def _category(known: Known, words: Catalogue, id: Id) -> Line:
    held = known.categories[id]
    above = known.categories.get(Id(held.parent))
    return Line(id, held.name, above.name if above else "")


def _level(known: Known, words: Catalogue, id: Id) -> Line:
    held = known.levels[id]
    return Line(id, held.name, words.say("desk.studio.rank_of", rank=held.rank))


def _instructor(known: Known, words: Catalogue, id: Id) -> Line:
    held = known.instructors[id]
    holds = ", ".join(f"{one.code} ≤ {one.expires}" if one.expires else one.code for one in held.certifications)
    return Line(id, held.name, _parts(", ".join(known.class_name(one) for one in held.teaches), holds))


def _series(known: Known, words: Catalogue, id: Id) -> Line:
    held = known.series[id]
    room = known.rooms.get(held.room)
    parts = (known.place(held.location), room.name if room else "", held.start.replace("T", " "), held.rule)
    return Line(id, known.class_name(held.class_type), _parts(*parts, words.say(f"desk.studio.series.{held.state}")))


def _program(known: Known, words: Catalogue, id: Id) -> Line:
    held = known.programs[id]
    dates = f"{held.first_date} – {held.last_date}"
    state = words.say("desk.session.cancelled") if held.state == "cancelled" else ""
    sessions = words.say_n("desk.schedule.count", len(held.sessions))
    return Line(id, held.name, _parts(known.class_name(held.class_type), dates, sessions, state))


def _pack(known: Known, words: Catalogue, id: Id) -> Line:
    held = known.packs[id]
    prices = ", ".join(words.money(one.member_minor, held.currency) for one in held.rates)
    return Line(
        id,
        held.name,
        _parts(words.say(f"desk.studio.form.{held.form}"), prices, words.say(f"desk.studio.state.{held.state}")),
    )


def _document(known: Known, words: Catalogue, id: Id) -> Line:
    held = known.documents[id]
    newest = held.editions[-1]
    kind = words.say(f"desk.studio.document.{held.category}")
    version = words.say("desk.studio.version_of", n=newest.number, day=newest.effective)
    return Line(
        id, held.name, _parts(kind, version, words.say("desk.studio.retired") if held.state == "retired" else "")
    )


def _requirement(known: Known, words: Catalogue, id: Id) -> Line:
    held = known.requirements[id]
    where = _where(known, held.reach)
    return Line(
        id,
        held.name,
        _parts(where, words.say(f"desk.studio.severity.{held.severity}"), words.say(f"desk.studio.state.{held.state}")),
    )


def _field(known: Known, words: Catalogue, id: Id) -> Line:
    held = known.fields[id]
    where = _where(known, held.reach)
    return Line(
        id,
        held.label,
        _parts(words.say(f"desk.studio.kind.{held.kind}"), where, words.say(f"desk.studio.state.{held.state}")),
    )


def _policy(known: Known, words: Catalogue, id: Id) -> Line:
    held = known.rules[id]
    begun = [one for one in known.versions[held.name] if one.state == BEGUN]
    zone = known.locations[known.here].zone if known.here in known.locations else "UTC"
    standing = words.say("desk.policies.usual")
    if begun:
        newest = max(begun, key=lambda one: one.number)
        standing = words.say("desk.policies.since", n=newest.number, at=words.datetime(newest.from_ms, zone))
    elif held.version and not held.coming:
        standing = words.say("desk.policies.version", n=held.version)
    coming = next((one for one in known.versions[held.name] if one.number == held.coming), None)
    waits = words.say("desk.policies.waits", n=coming.number, at=words.datetime(coming.from_ms, zone)) if coming else ""
    return Line(id, words.say(f"desk.policies.{held.name}"), _parts(standing, waits))


def _where(known: Known, reach: Sequence[Reach]) -> str:
    """The classes, or where none is named the places, that something is asked for."""
    return ", ".join(filter(None, (known.class_name(one.class_type) or known.place(one.location) for one in reach)))


def _parts(*parts: str) -> str:
    return " · ".join(part for part in parts if part)


def _both(sheet: Callable[..., Sheet]) -> tuple[Callable[[Known, Id], Sheet], Callable[[Known, Id], Sheet]]:
    return lambda known, id: sheet(known, id, new=False), lambda known, id: sheet(known, id, new=True)


_POLICY = Capability.PUBLISH_POLICY
SUBJECTS = (
    Subject("locations", lambda known: known.locations, _location, *_both(places.location_sheet)),
    Subject("rooms", lambda known: known.rooms, _room, *_both(places.room_sheet)),
    Subject("closures", lambda known: known.closures, _closure, *_both(places.closure_sheet)),
    Subject("classes", lambda known: known.classes, _class, *_both(offers.class_sheet)),
    Subject("categories", lambda known: known.categories, _category, *_both(offers.category_sheet)),
    Subject("levels", lambda known: known.levels, _level, *_both(offers.level_sheet)),
    Subject("instructors", lambda known: known.instructors, _instructor, *_both(offers.instructor_sheet)),
    Subject("series", lambda known: known.series, _series, series_sheet, plan_sheet),
    Subject("programs", lambda known: known.programs, _program, held_sheet, program_sheet),
    Subject("packs", lambda known: known.packs, _pack, *_both(offers.pack_sheet), _POLICY, money=PRICES),
    Subject("documents", lambda known: known.documents, _document, *_both(asked.document_sheet), _POLICY),
    Subject("requirements", lambda known: known.requirements, _requirement, *_both(asked.requirement_sheet), _POLICY),
    Subject("fields", lambda known: known.fields, _field, *_both(asked.field_sheet), _POLICY),
    Subject("policies", lambda known: known.rules, _policy, policies.policy_sheet, None, _POLICY, PolicyForm),
)
