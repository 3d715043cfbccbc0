"""What a client may know of a session's seats: the published map with its public spots, and which of them are free."""

from collections import OrderedDict
from threading import Lock
from typing import Any, NamedTuple

import msgspec

from classtap_core.booking import rules as booking_rules
from classtap_core.booking.records import Booking, Lease
from classtap_core.kernel.errors import Refused
from classtap_core.kernel.ids import Id
from classtap_core.kernel.operations import Range
from classtap_core.kernel.records import Record, decode
from classtap_core.schedule import seats as room_seats
from classtap_core.schedule.records import ClassType, Instructor, Location, Room, Session
from classtap_core.schedule.rules import ends_ms, starts_ms
from classtap_core.schedule.seats import SeatLock, SeatMapVersion, SpotStatus, lock_id, version_id
from classtap_core.seating.audience import Audience, seen_by
from classtap_core.seating.documents import unpacked
from classtap_core.seating.geometry.turning import ellipse, placed, rectangle
from classtap_core.seating.model import Mirroring, Outline, SeatMap
from cloud.studios import Studios

KEPT = 64
"""So many drawn maps are kept; a version never changes."""
UM = 1_000
"""Micrometres in a millimetre, the page's unit."""
MARGINS = 300
"""What the page leaves free beside the room, in millimetres."""
BEST_PX = 640
"""How high the map is drawn where there is room for it."""
LEAST_PX = 24
"""How small the short side of a spot may become before the map is scrolled instead (WCAG 2.2, 2.5.8)."""


class DrawnSpot(NamedTuple):
    """A spot as the page draws it, in millimetres. `short` is its name without the words all spots share, drawn on it."""

    id: str
    name: str
    short: str
    points: str
    x: int
    y: int
    tags: tuple[str, ...]


class DrawnMap(NamedTuple):
    """A published map as clients see it.

    Attributes:
        least_px, best_px: how wide it is drawn at least, and where there is room for it.
        reservable: every spot somebody can be given, staff's too.
    """

    version: int
    room: str
    width: int
    length: int
    least_px: int
    best_px: int
    text_size: int
    mirrored: bool
    spots: tuple[DrawnSpot, ...]
    reservable: tuple[str, ...]


class SeatStates(msgspec.Struct, frozen=True):
    """How the spots stand now. `states`: by spot: `free`, `taken` or `blocked`. Says nothing about anybody."""

    version: int
    open: bool
    free: int
    states: dict[str, str]


class SeatPage(NamedTuple):
    """Everything the page shows."""

    drawn: DrawnMap
    now: SeatStates
    class_name: str
    room: str
    location: str
    instructor: str
    date: str
    starts_ms: int
    ends_ms: int
    zone: str


class SeatPages:
    """Reads the pages of every studio. Safe to call from any of the cloud's reading threads."""

    def __init__(self, studios: Studios) -> None:
        self._studios = studios
        self._drawn: OrderedDict[tuple[Id, Id], DrawnMap] = OrderedDict()
        self._lock = Lock()

    def page(self, studio: Id, session_id: Id) -> SeatPage:
        """Raises Refused `session.unknown`, `seats.no_map`."""
        session = self._session(studio, session_id)
        drawn = self._map(studio, session)
        found = {
            record: self._one(studio, record, id)
            for record, id in (
                (ClassType, session.class_type), (Room, session.room), (Location, session.location),
                (Instructor, session.instructor),
            )
        }  # fmt: skip
        names = {record: "" if one is None else one.name for record, one in found.items()}
        return SeatPage(
            drawn, self._states(studio, session, drawn), names[ClassType], names[Room], names[Location],
            names[Instructor], session.date, starts_ms(session), ends_ms(session), session.zone,
        )  # fmt: skip

    def states(self, studio: Id, session_id: Id) -> SeatStates:
        """How the spots stand now. Raises Refused as `page`."""
        session = self._session(studio, session_id)
        return self._states(studio, session, self._map(studio, session))

    def scopes(self, studio: Id, session_id: Id) -> tuple[str, ...]:
        """The scopes whose changes may change the page."""
        session = self._session(studio, session_id)
        place = session.location
        return (f"roster/{place}/{session.date}", session.scope(), f"seatmaps/{place}", f"lease/{place}")

    def _states(self, studio: Id, session: Session, drawn: DrawnMap) -> SeatStates:
        bookings = self._find(studio, Booking, session.id)
        leases = self._find(studio, Lease, session.id)
        now_ms = self._studios.clock.now().corrected
        lock = self._one(studio, SeatLock, lock_id(session.room))
        taken = {one.spot for one in bookings if one.state != booking_rules.CANCELLED and one.spot}
        found = self._studios.storage(studio).find(Range(SpotStatus, "by_room", (session.room,)))
        statuses: list[SpotStatus] = [decode(SpotStatus, row.body) for row in found]
        broken = room_seats.broken(statuses, session.date)
        states = {spot.id: _state(spot.id, session.id, taken, broken, lock, now_ms) for spot in drawn.spots}
        left = booking_rules.places_left(session.capacity + session.overbook, bookings, leases)
        left = max(0, left - room_seats.idle_places(drawn.reservable, broken, taken))
        bookable = session.state == "open" and starts_ms(session) > now_ms
        free = sum(state == "free" for state in states.values())
        return SeatStates(drawn.version, bookable and left > 0, min(left, free) if bookable else 0, states)

    def _map(self, studio: Id, session: Session) -> DrawnMap:
        id = version_id(session.room, session.seat_map)
        with self._lock:
            known = self._drawn.get((studio, id))
        if known is not None:
            return known
        version: SeatMapVersion | None = self._one(studio, SeatMapVersion, id) if session.seat_map else None
        if version is None:
            raise Refused("seats.no_map")
        drawn = draw(unpacked(version.document), version.number)
        with self._lock:
            self._drawn[studio, id] = drawn
            while len(self._drawn) > KEPT:
                self._drawn.popitem(last=False)
        return drawn

    def _session(self, studio: Id, id: Id) -> Session:
        found: Session | None = self._one(studio, Session, id)
        if found is None:
            raise Refused("session.unknown")
        return found

    def _one(self, studio: Id, record: type[Record], id: Id) -> Any:
        row = self._studios.storage(studio).rows(record, [id]).get(id)
        return None if row is None else decode(record, row.body)

    def _find(self, studio: Id, record: type[Record], session: Id) -> list[Any]:
        rows = self._studios.storage(studio).find(Range(record, "by_session", (session,)))
        return [decode(record, row.body) for row in rows]


def _state(spot: str, session: str, taken: set[str], broken: set[str], lock: SeatLock | None, now_ms: int) -> str:
    if spot in taken:
        return "taken"
    return (
        "blocked"
        if spot in broken or room_seats.locked_out(lock, session=session, spot=spot, now_ms=now_ms)
        else "free"
    )


def draw(seat_map: SeatMap, version: int) -> DrawnMap:
    """A map's public, working spots with the names clients read, in millimetres, mirrored where the map is."""
    types = seat_map.types_by_id()
    shown = [seen for seen in seen_by(seat_map, Audience.CLIENTS) if seen.spot.reservable]
    shared = _shared([seen.name for seen in shown])
    spots, least, text_size = [], 10_000, 400
    for seen in shown:
        type = types[seen.spot.type]
        shape = rectangle if type.outline is Outline.RECTANGLE else ellipse
        corners = placed(shape(type.width_um, type.length_um), seen.rotation_mdeg, (seen.x_um, seen.y_um))
        across = min(type.width_um, type.length_um) // UM
        name = seen.name or "–"
        short = name[shared:] or name
        least = min(least, across)
        text_size = min(text_size, across * 45 // 100, across * 145 // (100 * len(short)))
        spots.append(
            DrawnSpot(
                seen.spot.id, name, short, " ".join(f"{x // UM},{y // UM}" for x, y in corners), seen.x_um // UM,
                seen.y_um // UM, seen.spot.tags,
            )
        )  # fmt: skip
    width, length = seat_map.room.width_um // UM, seat_map.room.length_um // UM
    room = seat_map.room.corners()
    mirrored = seat_map.mirroring is Mirroring.RIGHT
    if mirrored:
        room = tuple((seat_map.room.width_um - x, y) for x, y in room)
    least_px = min(4_000, (width + MARGINS) * LEAST_PX // max(1, least) + 1)
    best_px = max(least_px, BEST_PX * (width + MARGINS) // (length + MARGINS))
    reservable = tuple(spot.id for spot in seat_map.spots if spot.reservable)
    walls = " ".join(f"{x // UM},{y // UM}" for x, y in room)
    return DrawnMap(version, walls, width, length, least_px, best_px, text_size, mirrored, tuple(spots), reservable)


def _shared(names: list[str]) -> int:
    """How many first letters all names share, up to a space: "Bike " of Bike 1 and Bike 2."""
    if len(names) < 2:
        return 0
    first, last = min(names), max(names)
    same = next((at for at, (one, other) in enumerate(zip(first, last, strict=False)) if one != other), len(first))
    return first.rfind(" ", 0, same) + 1
