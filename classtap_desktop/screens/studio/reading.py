"""A studio's own records as its screen reads them: all at once, off the window's thread."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, TypeVar

from classtap_core.access.records import Staff
from classtap_core.booking.fields import CustomField
from classtap_core.booking.guardian_gates import GUARDIAN_POLICY
from classtap_core.booking.policies import policy_versions
from classtap_core.booking.records import Policy, PolicyVersion, policy_id
from classtap_core.checkin.reading import fetch, search
from classtap_core.checkin.rules import CHECKIN_POLICY
from classtap_core.documents.records import Document, DocumentVersion, document_version_id
from classtap_core.health.records import HealthRequirement
from classtap_core.health.rules import HEALTH_POLICY
from classtap_core.kernel.ids import Id
from classtap_core.kernel.records import Record
from classtap_core.schedule.records import (
    Category,
    ClassType,
    Closure,
    Instructor,
    Level,
    Location,
    Pack,
    Program,
    Room,
    Series,
)
from classtap_core.timekeeping.rules import local_date
from classtap_desktop.screens.sheet import named
from classtap_desktop.source import DeskSource

R = TypeVar("R", bound=Record)
KINDS = frozenset({
    "location", "room", "closure", "category", "level", "class_type", "instructor", "series", "program", "pack",
    "document", "document_version", "health_requirement", "custom_field", "policy", "policy_version", "staff",
})  # fmt: skip
POLICIES = (CHECKIN_POLICY, GUARDIAN_POLICY, HEALTH_POLICY)
"""The policies that are published here; those of doors, passes, messages and maps have places of their own."""


class Known(NamedTuple):
    """Records by id. `here`: the location the desk stands at, or the first there is; `today`: the date there.

    `wordings` are the newest versions of documents, by document. `policies`: whether who looks may say what is asked.
    `rules`: what is published under `POLICIES`, at version 0 where nothing is; `versions` of each by name; `staff`: names.
    """

    here: Id
    today: str
    locations: Mapping[Id, Location] = {}
    rooms: Mapping[Id, Room] = {}
    closures: Mapping[Id, Closure] = {}
    categories: Mapping[Id, Category] = {}
    levels: Mapping[Id, Level] = {}
    classes: Mapping[Id, ClassType] = {}
    instructors: Mapping[Id, Instructor] = {}
    series: Mapping[Id, Series] = {}
    programs: Mapping[Id, Program] = {}
    packs: Mapping[Id, Pack] = {}
    documents: Mapping[Id, Document] = {}
    wordings: Mapping[Id, DocumentVersion] = {}
    requirements: Mapping[Id, HealthRequirement] = {}
    fields: Mapping[Id, CustomField] = {}
    now_ms: int = 0
    policies: bool = False
    rules: Mapping[Id, Policy] = {}
    versions: Mapping[str, tuple[PolicyVersion, ...]] = {}
    staff: Mapping[str, str] = {}

    def place(self, id: str) -> str:
        """A location's name."""
        found = self.locations.get(Id(id))
        return found.name if found is not None else ""

    def class_name(self, id: str) -> str:
        found = self.classes.get(Id(id))
        return found.name if found is not None else ""

    def place_choices(self) -> tuple[tuple[str, str], ...]:
        return named(self.locations, lambda one: one.name)

    def room_choices(self, location: str = "") -> tuple[tuple[str, str], ...]:
        """Rooms, of one location where it is given, with the location's name where it is not."""
        there = {id: one for id, one in self.rooms.items() if location in ("", one.location)}
        several = not location and len(self.locations) > 1
        return named(there, lambda one: f"{self.place(one.location)} · {one.name}" if several else one.name)

    def class_choices(self) -> tuple[tuple[str, str], ...]:
        return named(self.classes, lambda one: one.name)

    def instructor_choices(self) -> tuple[tuple[str, str], ...]:
        return named(self.instructors, lambda one: one.name)

    def program_choices(self) -> tuple[tuple[str, str], ...]:
        return named(self.programs, lambda one: one.name)


def read_known(source: DeskSource) -> Known:
    """Everything of the scope `studio` that its screen shows."""
    reader = source.reader

    def all_of(record: type[R], by: str) -> dict[Id, R]:
        return {one.id: one for one in search(reader, record, by)}

    locations = all_of(Location, "by_id")
    here = source.place.location or next(iter(sorted(locations)), Id(""))
    zone = locations[here].zone if here in locations else "UTC"
    documents = all_of(Document, "by_state")
    newest = {document_version_id(one.id, len(one.editions)): one.id for one in documents.values()}
    ids = {name: policy_id(source.place.studio, name) for name in POLICIES}
    held = fetch(reader, Policy, ids.values())
    versions = {name: tuple(policy_versions(reader, name)) for name in POLICIES}
    publishers = fetch(reader, Staff, {Id(one.by) for told in versions.values() for one in told if one.by})
    return Known(
        here, local_date(source.clock.now().corrected, zone), locations, all_of(Room, "by_location"),
        all_of(Closure, "by_location"), all_of(Category, "by_id"), all_of(Level, "by_id"), all_of(ClassType, "by_id"),
        all_of(Instructor, "by_id"), all_of(Series, "by_location"), all_of(Program, "by_location"),
        all_of(Pack, "by_id"), documents,
        {newest[id]: version for id, version in fetch(reader, DocumentVersion, newest).items()},
        all_of(HealthRequirement, "by_state"), all_of(CustomField, "by_state"), source.clock.now().corrected,
        rules={id: held.get(id) or Policy(id=id, name=name, version=0, values={}, published_ms=0) for name, id in ids.items()},
        versions=versions, staff={id: one.name for id, one in publishers.items()},
    )  # fmt: skip
