"""What the store says about a map's life: versions, comments, the classes to come, what stands against a publish."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from classtap_core.access.records import Staff
from classtap_core.booking.records import Booking, Lease
from classtap_core.checkin.reading import fetch, search
from classtap_core.kernel.errors import BadInput
from classtap_core.kernel.ids import Id
from classtap_core.kernel.outcomes import Outcome, Status
from classtap_core.schedule import seats as room_seats
from classtap_core.schedule.records import ClassType, Session
from classtap_core.schedule.rules import starts_ms
from classtap_core.schedule.seats import RoomSeating, SeatLock, SeatMapVersion, lock_id, room_seating_id, version_id
from classtap_core.seating import rules
from classtap_core.seating.documents import unpacked
from classtap_core.seating.in_force import affected
from classtap_core.seating.model import SeatMap
from classtap_core.seating.records import SeatComment, SeatDraft
from classtap_core.seating.versions import Demand
from classtap_desktop.source import DeskSource

MOST_VERSIONS = 60


def map_of(document: str) -> SeatMap | None:
    """A kept map; None where it was written by a later program."""
    try:
        return unpacked(document)
    except BadInput:
        return None


def names_of(source: DeskSource, ids: Iterable[str]) -> dict[str, str]:
    """Who people are; who is not on this device is missing."""
    found = fetch(source.reader, Staff, [Id(id) for id in ids if id])
    return {str(id): staff.name for id, staff in found.items()}


# --- versions


class VersionLine(NamedTuple):
    """A published version.

    Attributes: `sessions` is how many classes it is for alone (0 for the room); `restored` the version it brought back;
    `current` whether the room has it now; `draft` where it came from.
    """

    id: Id
    number: int
    published_ms: int
    publisher: str
    approver: str
    capacity: int
    restored: int
    sessions: int
    shared: bool
    current: bool
    draft: str
    seat_map: SeatMap


def read_versions(source: DeskSource, room: Id) -> tuple[VersionLine, ...]:
    """A room's versions, newest first."""
    found = search(source.reader, SeatMapVersion, "by_room", room)[-MOST_VERSIONS:]
    seating = fetch(source.reader, RoomSeating, [room_seating_id(room)]).get(room_seating_id(room))
    current = seating.current if seating else 0
    names = names_of(source, [id for one in found for id in (one.publisher, one.approver)])
    lines = [
        VersionLine(
            one.id, one.number, one.published_ms, names.get(one.publisher, ""), names.get(one.approver, ""),
            one.capacity, one.restored, len(one.sessions), bool(one.rollout), one.number == current, one.draft, seat_map,
        )
        for one in found
        if (seat_map := map_of(one.document)) is not None
    ]  # fmt: skip
    return tuple(sorted(lines, key=lambda line: -line.number))


# --- comments


class CommentLine(NamedTuple):
    """What somebody said. `spot` is the spot's id, or ""."""

    id: Id
    author: str
    at_ms: int
    text: str
    spot: str


def read_comments(source: DeskSource, subjects: tuple[str, ...]) -> tuple[CommentLine, ...]:
    """What was said about drafts or versions, oldest first."""
    found = [one for id in subjects if id for one in search(source.reader, SeatComment, "by_subject", id)]
    names = names_of(source, [one.author for one in found])
    lines = [CommentLine(one.id, names.get(one.author, ""), one.at_ms, one.text, one.spot) for one in found]
    return tuple(sorted(lines, key=lambda line: (line.at_ms, line.id)))


# --- the classes a version would be for


class Ahead(NamedTuple):
    """A class to come in a room.

    Attributes: `seat_map` is the version it has, 0 for none; `owes` what people were promised in it; `held` whether its
    roster and leases are on this device, so that `owes` is all.
    """

    id: Id
    name: str
    start: str
    start_ms: int
    zone: str
    seat_map: int
    capacity: int
    owes: Demand
    held: bool


class AheadOfRoom(NamedTuple):
    """The classes to come in a room, by start, and the maps they have by version."""

    sessions: tuple[Ahead, ...]
    maps: dict[int, SeatMap]


def sessions_to_come(source: DeskSource, room: Id, location: Id) -> tuple[Id, ...]:
    """The occurrences a publish for the room is about: all open ones that have not begun."""
    coming = search(source.reader, Session, "by_location_date", location)
    return affected(coming, room, now_ms=source.clock.now().corrected)


def read_ahead(source: DeskSource, room: Id, location: Id) -> AheadOfRoom:
    """What a publish for the room is about, as far as this device knows."""
    reader = source.reader
    found = fetch(reader, Session, sessions_to_come(source, room, location))
    sessions = sorted(found.values(), key=lambda one: (starts_ms(one), one.id))
    classes = fetch(reader, ClassType, [one.class_type for one in sessions])
    lines = []
    for one in sessions:
        held = reader.holds(f"roster/{location}/{one.date}") and reader.holds(f"lease/{location}")
        bookings = search(reader, Booking, "by_session", one.id) if held else []
        leases = search(reader, Lease, "by_session", one.id) if held else []
        kind = classes.get(one.class_type)
        lines.append(
            Ahead(
                one.id, kind.name if kind else "", one.start, starts_ms(one), one.zone, one.seat_map, one.capacity,
                rules.promised(bookings, leases), held,
            )
        )  # fmt: skip
    numbers = {one.seat_map for one in sessions if one.seat_map}
    versions = fetch(reader, SeatMapVersion, [version_id(room, number) for number in sorted(numbers)])
    maps = {one.number: seat_map for one in versions.values() if (seat_map := map_of(one.document)) is not None}
    return AheadOfRoom(tuple(lines), maps)


# --- a publish that waits, or was refused


class Asked(msgspec.Struct, frozen=True):
    """A publish that waits for the cloud, kept on this device until its answer was seen."""

    operation: Id
    draft: Id
    revision: Id


class Refusal(NamedTuple):
    """What the cloud said no to: reasons as codes, and where each lost spot could go."""

    operation: Id
    reasons: tuple[tuple[str, dict[str, str | int]], ...]
    lost: tuple[dict[str, str | int], ...]


def asked_name(room: str) -> str:
    """Under what a room's waiting publish lies among this program's own values."""
    return f"publish/{room}"


def keep_asked(source: DeskSource, room: str, asked: Asked | None) -> None:
    """Remember that a publish waits, or that its answer was seen."""
    source.keep(asked_name(room), b"" if asked is None else msgspec.json.encode(asked))


def read_asked(source: DeskSource, room: str) -> tuple[Asked | None, Refusal | None]:
    """The publish of a room that waits, and the cloud's no where it came."""
    held = source.kept(asked_name(room))
    if not held:
        return None, None
    try:
        asked = msgspec.json.decode(held, type=Asked)
    except msgspec.DecodeError:
        return None, None
    notice = next((one for one in source.notices() if one.operation == asked.operation), None)
    if notice is None or notice.now.status is not Status.REFUSED:
        return asked, None
    return asked, Refusal(asked.operation, tuple(reasons_of(notice.now)), notice.now.alternatives)


def reasons_of(outcome: Outcome) -> list[tuple[str, dict[str, str | int]]]:
    """Every reason of an outcome and of its items, each once."""
    found = [*outcome.reasons, *(reason for item in outcome.items for reason in item.reasons)]
    unique = {(one.code, tuple(sorted(one.params.items()))): (one.code, dict(one.params)) for one in found}
    if not unique and outcome.needs:
        return [("not_held", {"scope": outcome.needs[0]})]
    return list(unique.values())


# --- what others do to the room meanwhile


class Around(NamedTuple):
    """What may change while somebody looks at a map.

    Attributes: `locked_by` is who else edits (""), `locked_ms` since when; `state` and `revision` are the draft's,
    `decision` and `decided_by` what was said of it last; `asked` and `refusal` as `read_asked`.
    """

    locked_by: str
    locked_ms: int
    head: int
    current: int
    state: str
    revision: str
    decision: str
    decided_by: str
    comments: int
    asked: Asked | None
    refusal: Refusal | None


def read_around(source: DeskSource, room: Id, draft_id: str) -> Around:
    """How a room and one of its drafts stand now."""
    reader, now = source.reader, source.clock.now().corrected
    lock = fetch(reader, SeatLock, [lock_id(room)]).get(lock_id(room))
    stands = lock is not None and room_seats.lock_stands(lock, now) and lock.device != source.place.device
    seating = fetch(reader, RoomSeating, [room_seating_id(room)]).get(room_seating_id(room))
    draft = fetch(reader, SeatDraft, [Id(draft_id)]).get(Id(draft_id)) if draft_id else None
    names = names_of(source, [lock.holder if lock else "", draft.decided_by if draft else ""])
    asked, refusal = read_asked(source, room)
    return Around(
        names.get(lock.holder, "?") if lock is not None and stands else "", lock.since_ms if lock and stands else 0,
        seating.latest if seating else 0, seating.current if seating else 0, draft.state if draft else "",
        draft.revision if draft else "", draft.decision if draft else "",
        names.get(draft.decided_by, "") if draft else "", len(search(reader, SeatComment, "by_subject", draft_id)) if draft else 0,
        asked, refusal,
    )  # fmt: skip


# --- two drafts of one room


class DraftMap(NamedTuple):
    """A draft with its map."""

    id: Id
    editor: str
    saved_ms: int
    state: str
    based_on: int
    seat_map: SeatMap


class Pair(NamedTuple):
    """Drafts of one room, newest first, and the map they were begun from (None where that is not here)."""

    drafts: tuple[DraftMap, ...]
    base: SeatMap | None


def read_drafts(source: DeskSource, room: Id) -> Pair:
    """The open drafts of a room."""
    open_ones = (rules.DRAFT, rules.PENDING, rules.APPROVED)
    found = [one for one in search(source.reader, SeatDraft, "by_room", room) if one.state in open_ones]
    names = names_of(source, [one.editor for one in found])
    drafts = [
        DraftMap(one.id, names.get(one.editor, ""), one.saved_ms, one.state, one.based_on, seat_map)
        for one in sorted(found, key=lambda one: -one.saved_ms)
        if (seat_map := map_of(one.document)) is not None
    ]
    number = min((one.based_on for one in drafts), default=0)
    version = fetch(source.reader, SeatMapVersion, [version_id(room, number)]).get(version_id(room, number))
    return Pair(tuple(drafts), None if version is None else map_of(version.document))
