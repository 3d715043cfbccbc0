"""The studio, its places, what it teaches, who teaches, and when."""

from typing import Annotated, ClassVar

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


class Location(Record, frozen=True, kw_only=True):
    """A house with rooms. `zone` is an IANA name."""

    KIND: ClassVar[str] = "location"
    PREFIX: ClassVar[str] = "studio"
    INDEXES: ClassVar[tuple[Index, ...]] = (Index("by_id", ("id",)),)

    name: str
    zone: str


class Room(Record, frozen=True, kw_only=True):
    KIND: ClassVar[str] = "room"
    PREFIX: ClassVar[str] = "studio"
    INDEXES: ClassVar[tuple[Index, ...]] = (Index("by_location", ("location",)),)

    location: Id
    name: str
    capacity: int


class ClassType(Record, frozen=True, kw_only=True):
    """What repeats: `audience` is `kids` or `adults`."""

    KIND: ClassVar[str] = "class_type"
    PREFIX: ClassVar[str] = "studio"
    SEARCH: ClassVar[tuple[str, ...]] = ("name",)

    name: str
    audience: str


class Instructor(Record, frozen=True, kw_only=True):
    """Who teaches; `staff` names their account here, where they have one."""

    KIND: ClassVar[str] = "instructor"
    PREFIX: ClassVar[str] = "studio"
    SEARCH: ClassVar[tuple[str, ...]] = ("name",)

    name: Annotated[str, about("id")]
    staff: str = ""


class Session(Record, frozen=True, kw_only=True):
    """One occurrence of a class.

    It keeps its local start, zone and duration; the instant is derived (`rules.starts_ms`), again whenever zone data
    changes.

    Attributes:
        start: local, `2026-11-21T09:00`. date: the start's date, for scopes and indexes.
        state: `open` or `cancelled`.
        seat_map: the version of the room's seat map that its places follow from; 0 where it has none.
    """

    KIND: ClassVar[str] = "session"
    PREFIX: ClassVar[str] = "schedule"
    INDEXES: ClassVar[tuple[Index, ...]] = (Index("by_location_date", ("location", "date", "start")),)

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

    def scope(self) -> str:
        return f"schedule/{self.location}/{self.date[:7]}"
