"""Seat maps as a studio keeps them: drafts, published versions, what is in force in a room, comments, locks, presets."""

from typing import Annotated, ClassVar

import msgspec

from classtap_core.kernel.ids import Id, derived
from classtap_core.kernel.records import Index, Record, about


def preset_id(studio: Id, name: str) -> Id:
    """A preset's name is its own in the whole organisation, capitals aside."""
    return derived("seat_preset", studio, " ".join(name.casefold().split()))


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
        decided_by, decision, decided_ms: who approved or rejected it last, with what words, and when.
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
    decided_ms: int = 0
    version: int = 0

    def scope(self) -> str:
        return drafts_scope(self.location)


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
