"""What the store says about seat maps: rooms with their drafts and what is in force, one map, presets, the recovery copy."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

import msgspec

from classtap_core.booking.policy_operations import PublishPolicy
from classtap_core.booking.records import Policy, policy_id
from classtap_core.checkin.reading import fetch, search
from classtap_core.kernel.errors import BadInput
from classtap_core.kernel.ids import Id
from classtap_core.schedule import seats as room_seats
from classtap_core.schedule.records import Location, Room
from classtap_core.schedule.seats import RoomSeating, SeatLock, SeatMapVersion, lock_id, room_seating_id, version_id
from classtap_core.seating import rules
from classtap_core.seating.documents import packed, unpacked
from classtap_core.seating.formats.native import read_json
from classtap_core.seating.model import SeatMap
from classtap_core.seating.presets import SAVED
from classtap_core.seating.records import SeatDraft, SeatPreset, drafts_scope
from classtap_core.seating.templates import Template, read_template
from classtap_desktop.canvas.life.reading import map_of, names_of, read_asked
from classtap_desktop.source import DeskSource
from resources import path

OPEN = (rules.DRAFT, rules.PENDING, rules.APPROVED)
MODALITIES = ("reformer", "cycling", "mat", "rowing", "mixed")


class DraftLine(NamedTuple):
    """A draft of a room: who saved it last and when, and what it is."""

    id: Id
    editor: str
    saved_ms: int
    state: str
    based_on: int
    forked: bool
    decision: str


class RoomLine(NamedTuple):
    """A room in the list.

    Attributes: `seat_map` is what is in force, else the newest draft, for the thumbnail; None where there is neither.
    `version` is what is in force, 0 for nothing. `locked_by` is who edits just now, or "". `asked` is how a publish from
    this desk stands: `waits`, `refused` or "".
    """

    id: Id
    name: str
    location: Id
    place: str
    zone: str
    version: int
    capacity: int
    drafts: tuple[DraftLine, ...]
    locked_by: str
    locked_since_ms: int
    seat_map: SeatMap | None
    recovered: bool
    asked: str


def read_rooms(source: DeskSource) -> tuple[RoomLine, ...]:
    """Every room whose drafts this desk holds, by location and name: a desk of one house draws that house's rooms."""
    reader = source.reader
    rooms = [room for room in search(reader, Room, "by_location") if reader.holds(drafts_scope(room.location))]
    places = fetch(reader, Location, (room.location for room in rooms))
    seating = fetch(reader, RoomSeating, (room_seating_id(room.id) for room in rooms))
    locks = fetch(reader, SeatLock, (lock_id(room.id) for room in rooms))
    drafts: dict[Id, list[SeatDraft]] = {}
    for draft in search(reader, SeatDraft, "by_room"):
        if draft.state in OPEN:
            drafts.setdefault(draft.room, []).append(draft)
    names = names_of(
        source, [one.editor for held in drafts.values() for one in held] + [k.holder for k in locks.values()]
    )
    now = source.clock.now().corrected
    lines = []
    for room in rooms:
        place = places.get(room.location)
        stands = seating.get(room_seating_id(room.id))
        current = stands.current if stands else 0
        held = sorted(drafts.get(room.id, []), key=lambda one: -one.saved_ms)
        lock = locks.get(lock_id(room.id))
        locked = lock is not None and room_seats.lock_stands(lock, now) and lock.device != source.place.device
        shown = _in_force(source, room.id, current) or (map_of(held[0].document) if held else None)
        lines.append(
            RoomLine(
                room.id, room.name, room.location, place.name if place else "", place.zone if place else "UTC", current,
                shown.capacity() if shown and current else room.capacity,
                tuple(
                    DraftLine(
                        one.id, names.get(one.editor, ""), one.saved_ms, one.state, one.based_on,
                        bool(one.forked_from), one.decision,
                    )
                    for one in held
                ),
                names.get(lock.holder, "?") if lock is not None and locked else "",
                lock.since_ms if lock is not None and locked else 0,
                shown,
                bool(source.kept(recovery_name(room.id))), _asked(source, room.id, held),
            )
        )  # fmt: skip
    return tuple(sorted(lines, key=lambda line: (line.place.casefold(), line.name.casefold())))


def _asked(source: DeskSource, room: Id, drafts: list[SeatDraft]) -> str:
    """How a publish of one of these drafts stands: a draft that is published, or was saved anew, is asked no more."""
    asked, refusal = read_asked(source, room)
    if asked is None or not any((one.id, one.revision) == (asked.draft, asked.revision) for one in drafts):
        return ""
    return "waits" if refusal is None else "refused"


class Opened(NamedTuple):
    """What an editor begins with.

    Attributes: `draft` and `revision` name the draft as it was read ("" for none). `head` is the last number given,
    `based_on` the version the draft was begun from. `published` is what is in force. `recovered` is what was not saved
    when the program ended, if anything was.
    """

    room: Id
    name: str
    location: Id
    place: str
    zone: str
    draft: str
    revision: str
    state: str
    based_on: int
    head: int
    seat_map: SeatMap | None
    published: SeatMap | None
    saved_ms: int
    recovered: SeatMap | None
    approval: bool


def read_map(source: DeskSource, room_id: Id, draft_id: str = "") -> Opened | None:
    """A room's map as an editor opens it: a draft, else what is in force. None for a room that is not here."""
    reader = source.reader
    room = fetch(reader, Room, [room_id]).get(room_id)
    if room is None:
        return None
    place = fetch(reader, Location, [room.location]).get(room.location)
    seating = fetch(reader, RoomSeating, [room_seating_id(room_id)]).get(room_seating_id(room_id))
    current, head = (seating.current, seating.latest) if seating else (0, 0)
    published = _in_force(source, room_id, current)
    held = [one for one in search(reader, SeatDraft, "by_room", room_id) if one.state in OPEN]
    named = [one for one in held if one.id == draft_id] or sorted(held, key=lambda one: -one.saved_ms)
    draft = named[0] if named else None
    shown = map_of(draft.document) if draft else published
    return Opened(
        room.id, room.name, room.location, place.name if place else "", place.zone if place else "UTC",
        draft.id if draft else "", draft.revision if draft else "", draft.state if draft else rules.DRAFT,
        draft.based_on if draft else current, head, shown, published, draft.saved_ms if draft else 0,
        recovered_map(source, room_id, draft.revision if draft else ""),
        read_approving(source).needed,
    )  # fmt: skip


class Approving(NamedTuple):
    """The studio's policy of who must look at a map before it comes into force: its head, and what it says."""

    head: int = 0
    values: Mapping[str, str | int] = {}

    @property
    def needed(self) -> bool:
        """Whether only approved drafts are published."""
        return self.values.get("approval") == 1

    def switched(self, needed: bool) -> PublishPolicy:
        """What says otherwise from now on; everything else in the policy stays."""
        values = {**self.values, "approval": int(needed)}
        return PublishPolicy(name=rules.APPROVAL_POLICY, head=self.head, values=values)


def read_approving(source: DeskSource) -> Approving:
    """How the studio has it with approval."""
    id = policy_id(source.place.studio, rules.APPROVAL_POLICY)
    policy = fetch(source.reader, Policy, [id]).get(id)
    return Approving() if policy is None else Approving(policy.version, policy.values)


def read_library(source: DeskSource) -> tuple[tuple[Template, ...], tuple[tuple[Template, str], ...]]:
    """The templates that come with the program, and the organisation's presets with the revision each was read at."""
    presets = [one for one in search(source.reader, SeatPreset, "by_modality") if one.state == SAVED]
    own = [(read_template(read_json(one.template.encode())), str(one.revision)) for one in presets]
    return shipped(), tuple(own)


@cache
def shipped() -> tuple[Template, ...]:
    """The templates that come with the program, by modality."""
    found = [read_template(read_json(file.read_bytes())) for file in sorted(path("seatmaps").glob("*.json"))]
    return tuple(sorted(found, key=lambda one: (MODALITIES.index(one.modality.value), one.name)))


# --- what was not saved when a program ended


class _Recovery(msgspec.Struct):
    revision: str
    document: str


def recovery_name(room: str) -> str:
    """Under what a room's recovery copy lies in the encrypted store."""
    return f"map/{room}"


def keep_recovery(source: DeskSource, room: str, revision: str, seat_map: SeatMap | None) -> None:
    """Keep a map that is not saved yet in the encrypted store, or let go of it."""
    held = b"" if seat_map is None else msgspec.json.encode(_Recovery(revision, packed(seat_map)))
    source.keep(recovery_name(room), held)


def recovered_map(source: DeskSource, room: str, revision: str) -> SeatMap | None:
    """The map that was not saved, where the draft has not moved on since."""
    held = source.kept(recovery_name(room))
    if not held:
        return None
    try:
        found = msgspec.json.decode(held, type=_Recovery)
        return unpacked(found.document) if found.revision == revision else None
    except (msgspec.DecodeError, BadInput):
        return None


def _in_force(source: DeskSource, room: Id, version: int) -> SeatMap | None:
    if not version:
        return None
    id = version_id(room, version)
    found = fetch(source.reader, SeatMapVersion, [id]).get(id)
    return map_of(found.document) if found else None
