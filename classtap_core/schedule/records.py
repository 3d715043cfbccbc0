"""The studio, its places, what it teaches, who teaches, and when."""

from typing import Annotated, ClassVar

import msgspec

from classtap_core.kernel.blobs import Blob
from classtap_core.kernel.ids import Id
from classtap_core.kernel.records import Index, Record, about


class Studio(Record, frozen=True, kw_only=True):
    """One owner with any number of locations: the tenant.

    Attributes:
        pass_number: the studio's random 64-bit number inside passes, as 16 hex digits.
        environment: `live`, or `test` for a rehearsal.
    """

    KIND: ClassVar[str] = "studio"
    PREFIX: ClassVar[str] = "studio"

    name: str
    pass_number: str
    environment: str = "live"


class Address(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A postal address. `country` is ISO 3166-1 alpha-2."""

    lines: tuple[str, ...] = ()
    city: str = ""
    region: str = ""
    postcode: str = ""
    country: str = ""


class Hours(msgspec.Struct, frozen=True, omit_defaults=True):
    """Open on a weekday (0 is Monday) from `opens` to `closes`, local `09:00`.

    One that closes no later than it opens closes on the next day: `00:00` to `00:00` is open all day.
    """

    weekday: int
    opens: str
    closes: str


class Equipment(msgspec.Struct, frozen=True, omit_defaults=True):
    """So many of a thing: `mat`, `bike`, `hoop`."""

    kind: str
    count: int


class Location(Record, frozen=True, kw_only=True):
    """A house with rooms. `zone` is an IANA name.

    Attributes:
        latitude_e7, longitude_e7: WGS 84 degrees times ten million; None where nobody has said.
        hours: when it is open; none at all says nothing, and nothing is refused for it.
        stock: equipment that sessions in any of its rooms may take.
    """

    KIND: ClassVar[str] = "location"
    PREFIX: ClassVar[str] = "studio"
    INDEXES: ClassVar[tuple[Index, ...]] = (Index("by_id", ("id",)),)

    name: str
    zone: str
    address: Address = Address()
    latitude_e7: int | None = None
    longitude_e7: int | None = None
    hours: tuple[Hours, ...] = ()
    stock: tuple[Equipment, ...] = ()


class Closure(Record, frozen=True, kw_only=True):
    """A location, or one of its rooms, is shut from `first` up to but not including `last`: local times."""

    KIND: ClassVar[str] = "closure"
    PREFIX: ClassVar[str] = "studio"
    INDEXES: ClassVar[tuple[Index, ...]] = (Index("by_location", ("location", "last")),)

    location: Id
    first: str
    last: str
    room: str = ""
    reason: str = ""


class Room(Record, frozen=True, kw_only=True):
    """A room. `width_um` and `length_um` are 0 where nobody has measured; `equipment` stays in it."""

    KIND: ClassVar[str] = "room"
    PREFIX: ClassVar[str] = "studio"
    INDEXES: ClassVar[tuple[Index, ...]] = (Index("by_location", ("location",)),)

    location: Id
    name: str
    capacity: int
    width_um: int = 0
    length_um: int = 0
    equipment: tuple[Equipment, ...] = ()


class ClassType(Record, frozen=True, kw_only=True):
    """What repeats.

    Attributes:
        audience: `kids` or `adults`. level: the id of a `Level`, or "".
        certifications: codes of what an instructor must hold on the day to teach it.
        eligibility: who may take it, a condition's text (`eligibility/rules.py`), or "".
    """

    KIND: ClassVar[str] = "class_type"
    PREFIX: ClassVar[str] = "studio"
    INDEXES: ClassVar[tuple[Index, ...]] = (Index("by_id", ("id",)),)
    SEARCH: ClassVar[tuple[str, ...]] = ("name",)

    name: str
    audience: str
    description: str = ""
    categories: tuple[Id, ...] = ()
    tags: tuple[str, ...] = ()
    level: str = ""
    certifications: tuple[str, ...] = ()
    picture: Blob | None = None
    eligibility: str = ""


class Category(Record, frozen=True, kw_only=True):
    """How classes are grouped; `parent` is another category's id, or ""."""

    KIND: ClassVar[str] = "category"
    PREFIX: ClassVar[str] = "studio"
    INDEXES: ClassVar[tuple[Index, ...]] = (Index("by_id", ("id",)),)

    name: str
    parent: str = ""


class Level(Record, frozen=True, kw_only=True):
    """How far one must be: levels are in order of `rank`, then name."""

    KIND: ClassVar[str] = "level"
    PREFIX: ClassVar[str] = "studio"
    INDEXES: ClassVar[tuple[Index, ...]] = (Index("by_id", ("id",)),)

    name: str
    rank: int


class Certification(msgspec.Struct, frozen=True, omit_defaults=True):
    """What an instructor holds, from a date up to and including another; "" for no end."""

    code: str
    issued: str = ""
    expires: str = ""


class Instructor(Record, frozen=True, kw_only=True):
    """Who teaches; `staff` names their account here, where they have one.

    Attributes:
        teaches: ids of class types; none at all for all.
    """

    KIND: ClassVar[str] = "instructor"
    PREFIX: ClassVar[str] = "studio"
    INDEXES: ClassVar[tuple[Index, ...]] = (Index("by_id", ("id",)),)
    SEARCH: ClassVar[tuple[str, ...]] = ("name",)

    name: Annotated[str, about("id")]
    staff: str = ""
    bio: Annotated[str, about("id")] = ""
    picture: Annotated[Blob | None, about("id")] = None
    certifications: tuple[Certification, ...] = ()
    teaches: tuple[Id, ...] = ()
    languages: tuple[str, ...] = ()


class Session(Record, frozen=True, kw_only=True):
    """One occurrence of a class.

    It keeps its local start, zone and duration; the instant is derived (`rules.starts_ms`), again whenever zone data
    changes.

    Attributes:
        start: local, `2026-11-21T09:00`. date: the start's date, for scopes and indexes.
        state: `open` or `cancelled`; `reason` is the code why.
        series, original: the series it came from, and the local start that series gave it; "" for one of its own.
        program: the program it belongs to, or "". covers: the instructor a substitute stands in for, or "".
        overbook: places beyond `capacity` that may be booked; 0 unless somebody allowed it.
        equipment: what it takes from its room and its location's stock.
        seat_map: the version of the room's seat map that its places follow from; 0 where it has none.
        audience: its class's, `kids` or `adults`: the segment that permissions are asked about; "" where nobody has said so.
    """

    KIND: ClassVar[str] = "session"
    PREFIX: ClassVar[str] = "schedule"
    INDEXES: ClassVar[tuple[Index, ...]] = (
        Index("by_location_date", ("location", "date", "start")),
        Index("by_instructor_date", ("instructor", "date")),
    )

    class_type: Id
    location: Id
    room: Id
    instructor: Id
    start: str
    date: str
    zone: str
    duration_min: int
    capacity: int
    state: str = "open"
    seat_map: int = 0
    reason: str = ""
    series: str = ""
    original: str = ""
    program: str = ""
    covers: str = ""
    overbook: int = 0
    equipment: tuple[Equipment, ...] = ()
    audience: str = ""

    def scope(self) -> str:
        return f"schedule/{self.location}/{self.date[:7]}"


class Held(msgspec.Struct, frozen=True):
    """A start that keeps a session it had before its series changed."""

    original: str
    session: Id


class Series(Record, frozen=True, kw_only=True):
    """Sessions that repeat: a rule on the wall clock, and what each of them is unless it was changed alone.

    Attributes:
        rule: an RFC 5545 recurrence rule, `FREQ=WEEKLY;BYDAY=MO`; times are the first start's. start: the first, local.
        skip, extra: local starts that are left out of the rule, and that are added to it.
        stem, first: its n-th start is session `session_of(stem, first + n)`, also after a series was cut in two.
        held: starts whose session is another one: they had it before the rule or the exceptions became different.
        through: its sessions up to and including this date have been made.
        state: `open` or `ended`. follows: the series this one was cut from, or "".
    """

    KIND: ClassVar[str] = "series"
    PREFIX: ClassVar[str] = "studio"
    INDEXES: ClassVar[tuple[Index, ...]] = (
        Index("by_location", ("location",)),
        Index("by_state", ("state", "through")),
    )

    location: Id
    rule: str
    start: str
    zone: str
    class_type: Id
    room: Id
    instructor: Id
    duration_min: int
    capacity: int
    stem: Id
    through: str
    state: str
    skip: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
    first: int = 0
    overbook: int = 0
    equipment: tuple[Equipment, ...] = ()
    follows: str = ""
    held: tuple[Held, ...] = ()


class Program(Record, frozen=True, kw_only=True):
    """Sessions that are booked together (P). Its dates are those of its sessions.

    Attributes:
        sessions: in order of their start. first_date, last_date: of the first and the last.
        opens, closes: local times between which it may be booked; "" for at once and until it begins.
    """

    KIND: ClassVar[str] = "program"
    PREFIX: ClassVar[str] = "studio"
    INDEXES: ClassVar[tuple[Index, ...]] = (Index("by_location", ("location", "last_date")),)
    SEARCH: ClassVar[tuple[str, ...]] = ("name",)

    location: Id
    name: str
    class_type: Id
    capacity: int
    first_date: str
    last_date: str
    sessions: tuple[Id, ...]
    state: str = "open"
    description: str = ""
    tags: tuple[str, ...] = ()
    opens: str = ""
    closes: str = ""


class Rate(msgspec.Struct, frozen=True, omit_defaults=True):
    """What so many visits cost, in minor units of the pack's currency; `guest_minor` for who is no member."""

    id: str
    visits: int
    member_minor: int
    guest_minor: int


class Pack(Record, frozen=True, kw_only=True):
    """Visits sold ahead (K). Published; `version` is its head.

    Attributes:
        form: `group`, or `individual` for appointments. currency: ISO 4217.
        valid_days: how long a bought one lasts; 0 for ever.
        class_types, categories: what it pays for. state: `open` or `withdrawn`.
    """

    KIND: ClassVar[str] = "pack"
    PREFIX: ClassVar[str] = "studio"
    INDEXES: ClassVar[tuple[Index, ...]] = (Index("by_id", ("id",)),)

    name: str
    version: int
    form: str
    currency: str
    rates: tuple[Rate, ...]
    valid_days: int = 0
    class_types: tuple[Id, ...] = ()
    categories: tuple[Id, ...] = ()
    description: str = ""
    state: str = "open"
