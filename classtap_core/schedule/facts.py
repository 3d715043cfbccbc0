"""What may be said of places, classes and who teaches, when they come and afterwards; and what is wrong with it."""

from collections.abc import Iterable

import msgspec

from classtap_core.eligibility import rules as eligibility
from classtap_core.kernel.blobs import Blob
from classtap_core.kernel.errors import BadInput
from classtap_core.kernel.ids import Id
from classtap_core.kernel.operations import Key
from classtap_core.kernel.tx import Tx
from classtap_core.schedule import opening
from classtap_core.schedule.conflicts import equipment_trouble
from classtap_core.schedule.records import Address, Category, Certification, Equipment, Hours, Level
from classtap_core.timekeeping.rules import parse_date


class LocationFacts(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What may be said of a location, as in its record. Its zone stays: sessions were planned by it."""

    name: str
    address: Address = Address()
    latitude_e7: int | None = None
    longitude_e7: int | None = None
    hours: tuple[Hours, ...] = ()
    stock: tuple[Equipment, ...] = ()


class RoomFacts(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What may be said of a room, as in its record."""

    name: str
    capacity: int
    width_um: int = 0
    length_um: int = 0
    equipment: tuple[Equipment, ...] = ()


class ClassFacts(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What may be said of a class, as in its record."""

    name: str
    description: str = ""
    categories: tuple[Id, ...] = ()
    tags: tuple[str, ...] = ()
    level: str = ""
    certifications: tuple[str, ...] = ()
    picture: Blob | None = None
    eligibility: str = ""


class InstructorFacts(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What may be said of an instructor beside their name, words and picture, as in the record."""

    certifications: tuple[Certification, ...] = ()
    teaches: tuple[Id, ...] = ()
    languages: tuple[str, ...] = ()


def location_trouble(facts: LocationFacts) -> str:
    """Why a location cannot be so: a code, or ""."""
    try:
        opening.check_hours(facts.hours)
    except BadInput as bad:
        return bad.code
    return _place_trouble(facts.name, facts.stock) or _geo_trouble(facts)


def room_trouble(facts: RoomFacts) -> str:
    """Why a room cannot be so: a code, or ""."""
    wrong = min(facts.capacity, facts.width_um, facts.length_um) < 0
    return _place_trouble(facts.name, facts.equipment) or ("room.measure" if wrong else "")


def class_reads(facts: ClassFacts) -> list[Key]:
    """What `class_trouble` looks at."""
    level = [Key(Level, Id(facts.level), "studio")] if facts.level else []
    return [*(Key(Category, one, "studio") for one in facts.categories), *level]


def class_trouble(tx: Tx, facts: ClassFacts) -> str:
    """Why a class cannot be so: a code, or ""."""
    if not facts.name.strip():
        return "class.name_empty"
    if any(tx.get(Category, one) is None for one in facts.categories):
        return "category.unknown"
    if facts.level and tx.get(Level, Id(facts.level)) is None:
        return "level.unknown"
    try:
        if facts.eligibility:
            eligibility.read(facts.eligibility)
    except BadInput as bad:
        return bad.code
    return ""


def instructor_trouble(name: str, certifications: Iterable[Certification]) -> str:
    """Why an instructor cannot be so: a code, or ""."""
    if not name.strip():
        return "instructor.name_empty"
    try:
        for one in certifications:
            for day in filter(None, (one.issued, one.expires)):
                parse_date(day)
            if not one.code or (one.issued and one.expires and one.expires < one.issued):
                return "instructor.certification"
    except BadInput as bad:
        return bad.code
    return ""


def _place_trouble(name: str, equipment: tuple[Equipment, ...]) -> str:
    return "place.name_empty" if not name.strip() else equipment_trouble(equipment)


def _geo_trouble(facts: LocationFacts) -> str:
    latitude, longitude = facts.latitude_e7, facts.longitude_e7
    if latitude is None or longitude is None:
        return "" if latitude is longitude else "location.geo"
    return "" if abs(latitude) <= 900_000_000 and abs(longitude) <= 1_800_000_000 else "location.geo"
