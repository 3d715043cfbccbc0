"""What a room's seats are to sessions and bookings: the map in force, what is broken, who edits. `seating` makes maps."""

from collections.abc import Iterable
from typing import Annotated, ClassVar

import msgspec

from classtap_core.kernel.ids import Id, derived
from classtap_core.kernel.records import Index, Record, about

LOCK_IDLE_MS = 15 * 60_000
HELD, RELEASED = "held", "released"
OPERATIONAL = "operational"
"""The one status of a spot that can be given away (`seating.model.Status`)."""


def room_seating_id(room: Id) -> Id:
    return derived("room_seating", room)


def version_id(room: Id, number: int) -> Id:
    """Versions of a room are counted from 1."""
    return derived("seat_map_version", room, str(number))


def lock_id(room: Id) -> Id:
    """A room has one lock, whoever holds it."""
    return derived("seat_lock", room)


def spot_status_id(room: Id, spot: str) -> Id:
    return derived("spot_status", room, spot)


def maps_scope(location: Id) -> str:
    """Where versions, what is in force, and locks of a location lie."""
    return f"seatmaps/{location}"


class SeatMapVersion(Record, frozen=True, kw_only=True):
    """A published map. Never changed.

    Attributes:
        public, staff: ids of the spots that clients, or staff too, can be given: its capacity.
        draft: where it came from, or "". restored: the version a rollback brought back; 0 otherwise.
        sessions: where it holds for these sessions alone; empty where it became the room's own.
        rollout: the roll-out that brought it, or "".
    """

    KIND: ClassVar[str] = "seat_map_version"
    PREFIX: ClassVar[str] = "seatmaps"
    INDEXES: ClassVar[tuple[Index, ...]] = (Index("by_room", ("room", "number")),)

    room: Id
    location: Id
    number: int
    document: str
    public: tuple[str, ...]
    staff: tuple[str, ...]
    published_ms: int
    publisher: Id
    approver: str = ""
    draft: str = ""
    restored: int = 0
    sessions: tuple[Id, ...] = ()
    rollout: str = ""

    @property
    def capacity(self) -> int:
        return len(self.public) + len(self.staff)

    def scope(self) -> str:
        return maps_scope(self.location)


class RoomSeating(Record, frozen=True, kw_only=True):
    """What is in force in a room.

    Attributes:
        latest: the last number given, the head that a publish names. current: what new sessions get.
        rollout: the last roll-out that reached it, or "": what it shares with other locations.
    """

    KIND: ClassVar[str] = "room_seating"
    PREFIX: ClassVar[str] = "seatmaps"

    room: Id
    location: Id
    latest: int
    current: int
    rollout: str = ""

    def scope(self) -> str:
        return maps_scope(self.location)


class StatusEntry(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What somebody said of a spot: `state` as in `model.Status`, a code why, and a note in their own words.

    `first` and `last` are the local dates of the sessions it counts for, inclusive; "" for no bound.
    """

    operation: Id
    state: str
    by: Id
    at_ms: int
    device: Id
    sequence: int
    code: str = ""
    note: Annotated[str, about("by")] = ""
    first: str = ""
    last: str = ""

    def holds(self, day: str) -> bool:
        """Whether it counts for sessions of a local date."""
        return self.first <= day and (not self.last or day <= self.last)


class SpotStatus(Record, frozen=True, kw_only=True):
    """Whether a spot can be used, beside what its map says: everything that was ever said, and what holds.

    Attributes:
        entries: in order of (corrected time, device, sequence). state: the last one's.
    """

    KIND: ClassVar[str] = "spot_status"
    PREFIX: ClassVar[str] = "seatmaps"
    INDEXES: ClassVar[tuple[Index, ...]] = (Index("by_room", ("room", "state")),)

    room: Id
    location: Id
    spot: str
    state: str
    entries: tuple[StatusEntry, ...]

    def scope(self) -> str:
        return maps_scope(self.location)

    def works(self, day: str) -> bool:
        """Whether the spot can be given away for a session of a local date: what was said last of that day holds."""
        said = next((entry.state for entry in reversed(self.entries) if entry.holds(day)), OPERATIONAL)
        return usable(said)


class SeatLock(Record, frozen=True, kw_only=True):
    """Who edits a room's map just now. It ends 15 idle minutes after it was renewed (`lock_stands`).

    Attributes:
        sessions: whose spots nobody may book meanwhile; spots: which of them, all where empty.
        state: `held` or `released`.
    """

    KIND: ClassVar[str] = "seat_lock"
    PREFIX: ClassVar[str] = "seatmaps"

    room: Id
    location: Id
    holder: Id
    device: Id
    since_ms: int
    renewed_ms: int
    state: str
    sessions: tuple[Id, ...] = ()
    spots: tuple[str, ...] = ()

    def scope(self) -> str:
        return maps_scope(self.location)


def lock_ends_ms(lock: SeatLock) -> int:
    return lock.renewed_ms + LOCK_IDLE_MS


def lock_stands(lock: SeatLock | None, now_ms: int) -> bool:
    """Whether somebody edits just now."""
    return lock is not None and lock.state == HELD and now_ms < lock_ends_ms(lock)


def locked_out(lock: SeatLock | None, *, session: str, spot: str, now_ms: int) -> bool:
    """Whether a spot of a session cannot be booked because its map is being edited."""
    if lock is None or not lock_stands(lock, now_ms) or session not in lock.sessions:
        return False
    return not lock.spots or spot in lock.spots


def with_entry(entries: tuple[StatusEntry, ...], entry: StatusEntry) -> tuple[StatusEntry, ...]:
    """What was said of a spot with one thing more: a set, in order of time, whatever order it comes in."""
    known = {one.operation: one for one in entries}
    known[entry.operation] = entry
    return tuple(sorted(known.values(), key=lambda one: (one.at_ms, one.device, one.sequence)))


def usable(state: str) -> bool:
    """Whether a spot of this status can be given away."""
    return state == OPERATIONAL


def broken(statuses: Iterable[SpotStatus], day: str) -> set[str]:
    """The spots that nobody can be given in sessions of a local date."""
    return {status.spot for status in statuses if not status.works(day)}


def idle_places(spots: Iterable[str], out: set[str], taken: Iterable[str]) -> int:
    """How many places of a map nobody can be given because their spot is `broken`; those already taken count not."""
    return len((out & set(spots)) - set(taken))
