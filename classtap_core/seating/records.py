"""Seat maps as a studio keeps them: drafts, published versions, what is in force in a room, comments, locks, presets."""

from typing import Annotated, ClassVar

import msgspec

from classtap_core.kernel.ids import Id, derived
from classtap_core.kernel.records import Index, Record, about


def room_seating_id(room: Id) -> Id:
    return derived("room_seating", room)


def version_id(room: Id, number: int) -> Id:
    """Versions of a room are counted from 1."""
    return derived("seat_map_version", room, str(number))


def lock_id(room: Id) -> Id:
    """A room has one lock, whoever holds it."""
    return derived("seat_lock", room)


def preset_id(studio: Id, name: str) -> Id:
    """A preset's name is its own in the whole organisation, capitals aside."""
    return derived("seat_preset", studio, " ".join(name.casefold().split()))


def spot_status_id(room: Id, spot: str) -> Id:
    return derived("spot_status", room, spot)


def maps_scope(location: Id) -> str:
    """Where versions, what is in force, and locks of a location lie."""
    return f"seatmaps/{location}"


def drafts_scope(location: Id) -> str:
    """Where drafts and comments of a location lie; only desks hold them."""
    return f"seatdrafts/{location}"


class SeatDraft(Record, frozen=True, kw_only=True):
    """A map somebody works on. Two of one room stand side by side.

    Attributes:
        document: the map, as `documents.unpacked` reads it.
        author, editor: who began it, and who saved it last. revision: the operation that saved it last.
        based_on: the version it was begun from; 0 for none. forked_from: the draft it was kept beside, or "".
        state: `draft`, `pending` (read-only), `approved` (read-only), `published`, `discarded`.
        decided_by, decision: who approved or rejected it last, and with what words.
        version: the number it was published as.
    """

    KIND: ClassVar[str] = "seat_draft"
    PREFIX: ClassVar[str] = "seatdrafts"
    INDEXES: ClassVar[tuple[Index, ...]] = (Index("by_room", ("room", "saved_ms")), Index("by_revision", ("revision",)))

    room: Id
    location: Id
    name: str
    document: str
    author: Id
    editor: Id
    revision: Id
    saved_ms: int
    based_on: int = 0
    forked_from: str = ""
    state: str = "draft"
    decided_by: str = ""
    decision: Annotated[str, about("decided_by")] = ""
    version: int = 0

    def scope(self) -> str:
        return drafts_scope(self.location)


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
    """What somebody said of a spot: `state` as in `model.Status`, a code why, and a note in their own words."""

    operation: Id
    state: str
    by: Id
    at_ms: int
    device: Id
    sequence: int
    code: str = ""
    note: Annotated[str, about("by")] = ""


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


class SeatLock(Record, frozen=True, kw_only=True):
    """Who edits a room's map just now. It ends 15 idle minutes after it was renewed (`rules.lock_stands`).

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


class SeatComment(Record, frozen=True, kw_only=True):
    """A word about a draft or a version, perhaps about one spot of it. `subject` is the draft's or version's id."""

    KIND: ClassVar[str] = "seat_comment"
    PREFIX: ClassVar[str] = "seatdrafts"
    INDEXES: ClassVar[tuple[Index, ...]] = (Index("by_subject", ("subject", "at_ms")),)

    location: Id
    subject: Id
    author: Id
    at_ms: int
    text: Annotated[str, about("author")]
    spot: str = ""

    def scope(self) -> str:
        return drafts_scope(self.location)


class SeatPreset(Record, frozen=True, kw_only=True):
    """A template of the organisation's own, for every location.

    Attributes:
        template: JSON, as `templates.read_template` reads it. revision: the operation that saved it last.
        state: `saved` or `removed`.
    """

    KIND: ClassVar[str] = "seat_preset"
    PREFIX: ClassVar[str] = "seatpresets"
    INDEXES: ClassVar[tuple[Index, ...]] = (Index("by_modality", ("modality", "name")),)

    name: str
    modality: str
    template: str
    editor: Id
    revision: Id
    saved_ms: int
    state: str = "saved"


def rollout_id(source: Id, rooms: tuple[Id, ...], effective_ms: int) -> Id:
    """The same version to the same rooms at the same time is the same roll-out, however often it is asked for."""
    return derived("seat_rollout", source, str(effective_ms), *sorted(rooms))


def step_id(rollout: Id, room: Id) -> Id:
    return derived("seat_rollout_step", rollout, room)


class Target(msgspec.Struct, frozen=True):
    """A room that a map is rolled out to."""

    room: Id
    location: Id


class SeatRollout(Record, frozen=True, kw_only=True):
    """A published map on its way to other rooms.

    Attributes:
        source: the version's id. document: its map, kept so that what a location changed can be told apart.
        effective_ms: when it comes into force. allowed: what a location may change (`overrides.forbidden`).
    """

    KIND: ClassVar[str] = "seat_rollout"
    PREFIX: ClassVar[str] = "seatpresets"

    name: str
    source: Id
    document: str
    effective_ms: int
    targets: tuple[Target, ...]
    allowed: tuple[str, ...]
    planner: Id


class Told(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why a step did not go through: a code, and what it is about."""

    code: str
    about: str = ""


class SeatRolloutStep(Record, frozen=True, kw_only=True):
    """A roll-out at one room.

    Attributes:
        state: `queued`, `succeeded`, `failed` (tried often enough), `conflict` (a person must choose), `cancelled`.
        due_ms: when it is tried, or tried again. tries: how often it was. version: the number it became.
        keep: how a person settled conflicts: `local`, `shared` or "".
    """

    KIND: ClassVar[str] = "seat_rollout_step"
    PREFIX: ClassVar[str] = "seatpresets"
    INDEXES: ClassVar[tuple[Index, ...]] = (Index("by_state", ("state", "due_ms")), Index("by_rollout", ("rollout",)))

    rollout: Id
    room: Id
    location: Id
    state: str
    due_ms: int
    tries: int = 0
    told: tuple[Told, ...] = ()
    version: int = 0
    keep: str = ""
