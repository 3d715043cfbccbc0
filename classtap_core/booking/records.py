"""Who has a place in which session, places lent to a device, and the policies that are published."""

from typing import ClassVar

from classtap_core.kernel.ids import Id, derived
from classtap_core.kernel.records import Index, Record


def booking_id(studio: Id, session: Id, child: Id) -> Id:
    """A child has one booking in a session, whoever makes it and however often."""
    return derived("booking", studio, session, child)


def policy_id(studio: Id, name: str) -> Id:
    return derived("policy", studio, name)


def policy_version_id(studio: Id, name: str, number: int) -> Id:
    return derived("policy_version", studio, name, str(number))


class Booking(Record, frozen=True, kw_only=True):
    """A child's place in a session. Location and date are the session's.

    Attributes:
        state: `booked` or `cancelled`. via: `desk`, `walk_in`, `partner`, `family`, `import`, as its author said.
        lease: the lease it was made on, or "". spot: the spot of the session's seat map it names, or "".
        by: the guardian who last said how it stands, "" where staff, a partner or a device did.
    """

    KIND: ClassVar[str] = "booking"
    PREFIX: ClassVar[str] = "roster"
    INDEXES: ClassVar[tuple[Index, ...]] = (
        Index("by_session", ("session",)),
        Index("by_family_date", ("family", "date")),
    )

    session: Id
    child: Id
    family: Id
    location: Id
    date: str
    state: str
    via: str = ""
    lease: str = ""
    spot: str = ""
    by: str = ""

    def scope(self) -> str:
        return f"roster/{self.location}/{self.date}"


class Lease(Record, frozen=True, kw_only=True):
    """Places of a session lent to one device, so that it can book while it is offline.

    Attributes:
        places: how many. spent: bookings made on it. expires_ms: until when the device may spend them.
        state: `open`; `lapsed` once the cloud has taken the unspent places back.
    """

    KIND: ClassVar[str] = "lease"
    PREFIX: ClassVar[str] = "lease"
    INDEXES: ClassVar[tuple[Index, ...]] = (
        Index("by_session", ("session",)),
        Index("by_device", ("device",)),
        Index("by_state", ("state", "expires_ms")),
    )

    device: Id
    location: Id
    session: Id
    places: int
    expires_ms: int
    state: str
    spent: tuple[Id, ...] = ()

    def scope(self) -> str:
        return f"lease/{self.location}"


WAITING, BEGUN, REPLACED = "waiting", "begun", "replaced"


class Policy(Record, frozen=True, kw_only=True):
    """A published set of settings; `version` is its head.

    Attributes:
        values: those in force. published_ms: when its head was published.
        coming: the number of the version that waits to begin, which is its head; 0 where the head is in force.
    """

    KIND: ClassVar[str] = "policy"
    PREFIX: ClassVar[str] = "studio"

    name: str
    version: int
    values: dict[str, str | int]
    published_ms: int
    coming: int = 0


class PolicyVersion(Record, frozen=True, kw_only=True):
    """What a policy says from an instant on. Its values never change.

    Attributes:
        number: from 1. from_ms: when it begins. by: who published it, a member of staff's id, or "".
        state: `waiting` to begin, `begun`, or `replaced` before it could.
    """

    KIND: ClassVar[str] = "policy_version"
    PREFIX: ClassVar[str] = "studio"
    INDEXES: ClassVar[tuple[Index, ...]] = (
        Index("by_name", ("name", "number")),
        Index("by_state", ("state", "from_ms")),
    )

    name: str
    number: int
    values: dict[str, str | int]
    from_ms: int
    published_ms: int
    state: str
    by: str = ""
