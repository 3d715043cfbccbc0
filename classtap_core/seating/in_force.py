"""Putting a map in force: the room's next version, and every session's places with it, all or none."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, NamedTuple

from msgspec.structs import replace

from classtap_core.booking.freed import SeatsFreed
from classtap_core.booking.records import Booking, Lease, Policy, policy_id
from classtap_core.booking.rules import CANCELLED
from classtap_core.kernel.effects import Home
from classtap_core.kernel.ids import Id
from classtap_core.kernel.operations import Key, Operation, Payload, Range, Reads, Resource
from classtap_core.kernel.outcomes import ACCEPTED, ItemOutcome, Outcome, Reason, Status, of_items, reason, refused
from classtap_core.kernel.tx import Tx
from classtap_core.schedule import seats as room_seats
from classtap_core.schedule.operations import PLANNING
from classtap_core.schedule.records import Room, Session
from classtap_core.schedule.rules import starts_ms
from classtap_core.schedule.seats import (
    RoomSeating,
    SeatLock,
    SeatMapVersion,
    lock_id,
    maps_scope,
    room_seating_id,
    version_id,
)
from classtap_core.seating import rules
from classtap_core.seating.documents import unpacked
from classtap_core.seating.model import SeatMap
from classtap_core.seating.validation.checker import validate
from classtap_core.seating.versions import remap, unkept

MOST_TOLD = 20
"""So many findings of one kind an outcome names; the rest is counted."""
DAY_MS = 24 * 3_600_000


class ForRoom(Payload, frozen=True, kw_only=True):
    """A new version of a room's map, and the sessions it is for.

    Attributes:
        head: the last version its author knew (`RoomSeating.latest`; 0 for the first).
        sessions: the occurrences whose places follow from it; with `alone`, only these, and the room keeps its version.
            Without, they must be all open ones of the room that have not begun and start at `since` or later.
        since: a local start, such as `2026-11-21T09:00`; "" for all that is to come.
    """

    room: Id
    location: Id
    head: int
    sessions: tuple[Id, ...] = ()
    alone: bool = False
    since: str = ""

    def guards(self, op: Operation[Any]) -> tuple[str, ...]:
        # A session planned meanwhile would keep the version before, so no plan is judged beside a publish.
        return (PLANNING, f"seatmap:{self.room}", *(f"session:{session}" for session in self.sessions))

    def resource(self, tx: Tx, op: Operation[Any]) -> Resource:
        return Resource(self.location, self.room)

    def room_reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        scope = maps_scope(self.location)
        yield [
            Key(Room, self.room, "studio"),
            Key(RoomSeating, room_seating_id(self.room), scope),
            Key(SeatMapVersion, version_id(self.room, self.head), scope),
            Key(SeatMapVersion, version_id(self.room, self.head + 1), scope),
            Key(SeatLock, lock_id(self.room), scope),
            Key(Policy, policy_id(op.studio, rules.APPROVAL_POLICY), "studio"),
            *(Key(Session, session) for session in self.sessions),
            coming(self.location, tx.now),
        ]
        sessions = [session for one in self.sessions if (session := tx.get(Session, one)) is not None]
        yield [
            want
            for session in sessions
            for want in (
                Range(Booking, "by_session", (session.id,), scope=f"roster/{session.location}/{session.date}"),
                Range(Lease, "by_session", (session.id,), scope=f"lease/{session.location}"),
            )
        ]
        numbers = sorted({session.seat_map for session in sessions if session.seat_map})
        yield [Key(SeatMapVersion, version_id(self.room, number), scope) for number in numbers]


def coming(location: Id, now_ms: int) -> Range:
    """A location's sessions from yesterday on: whatever its zone, everything to come is among them."""
    day = datetime.fromtimestamp((now_ms - DAY_MS) / 1000, UTC).date().isoformat()
    return Range(Session, "by_location_date", (location,), low=day)


def faults(seat_map: SeatMap) -> tuple[Reason, ...]:
    """What keeps a map from being published, whoever is booked: findings, and what must be filled in."""
    violations = validate(seat_map)
    found = [
        reason(
            "seatmap.violation", rule=one.rule.value, items=",".join(one.items), required=one.required,
            actual=one.actual,
        )
        for one in violations[:MOST_TOLD]
    ]  # fmt: skip
    if len(violations) > MOST_TOLD:
        found.append(reason("seatmap.violations_more", count=len(violations) - MOST_TOLD))
    if not seat_map.capacity():
        found.append(reason("seatmap.empty"))
    nameless = sum(spot.reservable and not spot.label for spot in seat_map.spots)
    if nameless:
        found.append(reason("seatmap.unlabelled", count=nameless))
    return tuple(found)


class _Seated(NamedTuple):
    """A session as it would be: its record, bookings that change, and what goes wrong."""

    session: Session
    bookings: tuple[Booking, ...]
    troubles: tuple[Reason, ...]
    report: tuple[dict[str, str | int], ...]
    unseated: tuple[Booking, ...]


def put_in_force(
    tx: Tx, op: Operation[Any], seat_map: SeatMap, document: str, *, moves: dict[str, str] | None = None,
    keep_all: bool = False, draft: str = "", approver: str = "", restored: int = 0, rollout: str = "", publisher: str = "",
) -> Outcome:  # fmt: skip
    """Write a room's next version and its sessions' places, or say why not.

    `keep_all` moves everybody who can be moved and lets the others keep their place without a spot.
    """
    asked: ForRoom = op.payload
    room = tx.get(Room, asked.room)
    if room is None or room.location != asked.location:
        return refused("room.unknown")
    lock = tx.get(SeatLock, lock_id(asked.room))
    if lock is not None and room_seats.lock_stands(lock, tx.now) and lock.holder != op.author.id:
        return rules.taken(lock)
    seating = tx.get(RoomSeating, room_seating_id(asked.room))
    latest = 0 if seating is None else seating.latest
    if asked.head != latest:
        return refused("seatmap.head_moved", head=latest)
    trouble = _reach_trouble(tx, asked)
    if trouble is not None:
        return trouble
    number = latest + 1
    olds = _older_maps(tx, asked)
    sessions = [session for one in asked.sessions if (session := tx.get(Session, one)) is not None]
    seated = [_seated(tx, one, seat_map, number, olds.get(one.seat_map), moves, keep_all) for one in sessions]
    if any(one.troubles for one in seated):
        return _refused_for(seated)
    public, staff = rules.reservable(seat_map)
    tx.put(
        SeatMapVersion(
            id=version_id(asked.room, number), room=asked.room, location=asked.location, number=number,
            document=document, public=public, staff=staff, published_ms=tx.now, publisher=Id(publisher or op.author.id),
            approver=approver, draft=draft, restored=restored, sessions=asked.sessions if asked.alone else (),
            rollout=rollout,
        )
    )  # fmt: skip
    current = number if not asked.alone else (0 if seating is None else seating.current)
    tx.put(
        RoomSeating(
            id=room_seating_id(asked.room),
            room=asked.room,
            location=asked.location,
            latest=number,
            current=current,
            rollout=rollout or ("" if seating is None else seating.rollout),
        )
    )
    for before, one in zip(sessions, seated, strict=True):
        tx.put(one.session)
        for booking in one.bookings:
            tx.put(booking)
        if one.session.capacity > before.capacity:
            more = one.session.capacity - before.capacity
            tx.effect(SeatsFreed(session=before.id, places=more), home=Home.CLOUD)
    if lock is not None and lock.state == room_seats.HELD:
        tx.put(replace(lock, state=room_seats.RELEASED))
    owed: tuple[dict[str, str | int], ...] = tuple(
        {"do": "reseat", "session": one.session.id, "booking": booking.id, "spot": booking.spot}
        for one in seated
        for booking in one.unseated
    )
    return replace(ACCEPTED, obligations=owed)


def _reach_trouble(tx: Tx, asked: ForRoom) -> Outcome | None:
    """Whether the sessions named are those they should be: of this room, to come, and none forgotten."""
    bad = []
    for id in asked.sessions:
        session = tx.get(Session, id)
        code = ""
        if session is None or session.room != asked.room or session.location != asked.location:
            code = "session.unknown"
        elif session.state != "open":
            code = "session.cancelled"
        elif starts_ms(session) <= tx.now:
            code = "session.past"
        if code:
            bad.append(ItemOutcome(id, Status.REFUSED, (reason(code),)))
    if bad:
        return of_items(bad)
    if asked.alone:
        return None if asked.sessions else refused("seatmap.no_sessions")
    found = tx.find(Session, "by_location_date", asked.location, low=coming(asked.location, tx.now).low)
    missing = [
        one for one in affected(found, asked.room, since=asked.since, now_ms=tx.now) if one not in asked.sessions
    ]
    return refused("seatmap.sessions_moved", missing=len(missing)) if missing else None


def affected(sessions: Iterable[Session], room: Id, *, since: str = "", now_ms: int) -> tuple[Id, ...]:
    """The occurrences that a publish for "this and following" names: of the room, open, not begun, from `since` on."""
    return tuple(
        one.id
        for one in sessions
        if one.room == room and one.state == "open" and one.start >= since and starts_ms(one) > now_ms
    )


def _older_maps(tx: Tx, asked: ForRoom) -> dict[int, SeatMap]:
    """The maps that sessions have now, by version."""
    numbers = {session.seat_map for one in asked.sessions if (session := tx.get(Session, one)) is not None}
    found = ((number, tx.get(SeatMapVersion, version_id(asked.room, number))) for number in sorted(numbers) if number)
    return {number: unpacked(version.document) for number, version in found if version is not None}


def _seated(
    tx: Tx, session: Session, seat_map: SeatMap, number: int, older: SeatMap | None, moves: dict[str, str] | None,
    keep_all: bool,
) -> _Seated:  # fmt: skip
    bookings = tx.find(Booking, "by_session", session.id)
    owed = rules.promised(bookings, tx.find(Lease, "by_session", session.id))
    found = remap(older or seat_map, seat_map, sorted(owed.spots))
    chosen = {**(found.moved_to if keep_all else {}), **(moves or {})}
    exceptions = set(found.exceptions) if keep_all else set()
    changed, unseated = [], []
    for booking in bookings:
        if booking.state == CANCELLED or not booking.spot:
            continue
        to = "" if booking.spot in exceptions and booking.spot not in chosen else chosen.get(booking.spot, booking.spot)
        if to != booking.spot:
            changed.append(replace(booking, spot=to))
            unseated += [booking] if not to else []
    now = [one for one in bookings if one.state != CANCELLED]
    spots = {one.id: one.spot for one in (*now, *changed)}
    wanted = [spot for spot in spots.values() if spot]
    troubles = [reason("seatmap.move_taken", spot=spot) for spot in sorted(set(wanted)) if wanted.count(spot) > 1]
    for broken in unkept(seat_map, owed._replace(spots=frozenset(wanted))):
        if broken.items:
            lost = ",".join(broken.items[:MOST_TOLD])
            troubles.append(reason("seatmap.seats_lost", count=len(broken.items), spots=lost))
        else:
            troubles.append(reason("seatmap.capacity_owed", owed=broken.required, there=broken.actual))
    lost_spots = [spot for spot in (*found.moved_to, *found.exceptions) if spot not in chosen and not keep_all]
    report: tuple[dict[str, str | int], ...] = tuple(
        {"session": session.id, "spot": spot, "to": found.moved_to.get(spot, "")} for spot in lost_spots
    )
    after = replace(session, capacity=seat_map.capacity(), seat_map=number)
    return _Seated(after, tuple(changed), tuple(troubles), report, tuple(unseated))


def _refused_for(seated: list[_Seated]) -> Outcome:
    outcome = of_items(
        ItemOutcome(one.session.id, Status.REFUSED, one.troubles or (reason("session.with_others"),)) for one in seated
    )
    return replace(outcome, alternatives=tuple(line for one in seated for line in one.report))
