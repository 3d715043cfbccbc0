"""What a kiosk's screen is told: the family's board and the state of the whole screen. Frozen data; no Qt, no store."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from kiosk.pickup import Pickup
from kiosk.signing import Signing

Params = tuple[tuple[str, str | int], ...]


class Status(StrEnum):
    """How a child is arriving; ``NONE`` before any mark (ruling 7)."""

    NONE = "none"
    PRESENT = "present"
    LATE = "late"
    ABSENT = "absent"


CHOICES = (Status.PRESENT, Status.LATE, Status.ABSENT)


class Screen(StrEnum):
    """The screens of a kiosk."""

    ATTRACT = "attract"
    CHECKING = "checking"
    BOARD = "board"
    REASON = "reason"
    SIGNING = "signing"
    REFUSAL = "refusal"
    PIN = "pin"
    STAFF = "staff"
    LEAVING = "leaving"
    PICKUP = "pickup"
    CAMERA_TROUBLE = "camera_trouble"
    STORE_TROUBLE = "store_trouble"
    LOCKED = "locked"


@dataclass(frozen=True, slots=True)
class Row:
    """One child in one session. ``saved`` is false from the tap until the store has committed.

    ``disabled_reason`` is a gate's name (``overlap``, ``consent``, …) and ``disabled`` the choices it takes away;
    ``error`` is the catalogue code of what went wrong with the last tap. ``note`` is free text; ``reason`` a reason's
    id and ``expected_ms`` the expected arrival in ms since the epoch, both of the mark shown.
    """

    child: str
    session: str
    name: str
    initials_colour: int = 0
    state: Status = Status.NONE
    saved: bool = True
    note: str = ""
    reason: str = ""
    expected_ms: int | None = None
    health_note: bool = False
    spot: str = ""
    disabled_reason: str | None = None
    disabled: tuple[Status, ...] = CHOICES
    error: str | None = None

    def blocked(self) -> tuple[Status, ...]:
        """Return the choices that cannot be tapped."""
        return self.disabled if self.disabled_reason else ()


@dataclass(frozen=True, slots=True)
class Group:
    """One session with the family's children in it. ``start_text`` empty: the screen says ``start_ms`` in its own way."""

    session: str
    start_ms: int
    end_ms: int
    class_name: str
    room: str
    rows: tuple[Row, ...]
    coach: str = ""
    start_text: str = ""


@dataclass(frozen=True, slots=True)
class Board:
    """The family's children in the window, by session and room, in the order to show.

    ``to_sign``: for how many of them something waits to be signed.
    """

    family: str
    family_name: str
    groups: tuple[Group, ...] = ()
    to_sign: int = 0

    def rows(self) -> Iterator[Row]:
        """Yield every row."""
        for group in self.groups:
            yield from group.rows

    def row(self, session: str, child: str) -> Row | None:
        """Return a child's row in a session, or ``None``."""
        return next((row for row in self.rows() if (row.session, row.child) == (session, child)), None)

    def group(self, session: str) -> Group | None:
        """Return a session's group, or ``None``."""
        return next((group for group in self.groups if group.session == session), None)


@dataclass(frozen=True, slots=True)
class Reason:
    """A reason to choose. Without ``label`` the words are the catalogue's ``reason.<id>``."""

    id: str
    label: str = ""


LATE_REASONS = (Reason("traffic"), Reason("school"), Reason("appointment"), Reason("other"))
OVERRIDE_REASONS = ("known", "re_entry", "kiosk")
"""Why staff let in whom a verdict refused; the words are the catalogue's ``kiosk.override.<reason>``."""
WITHOUT_ROSTERS = frozenset({"rosters_missing", "rosters_old", "rosters_offline"})
"""Refusals of a good pass by a device that does not know, or not well enough, who is due today."""
ABSENT_REASONS = (Reason("ill"), Reason("travel"), Reason("family"), Reason("other"))


@dataclass(frozen=True, slots=True)
class Sheet:
    """Why a child is late or absent, with the likely answer already chosen. ``arrivals`` are ms since the epoch."""

    session: str
    child: str
    name: str
    status: Status
    reasons: tuple[Reason, ...]
    reason: str
    arrivals: tuple[int, ...] = ()
    arrival: int | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """A passing sentence: a catalogue code with its parameters, gone at ``until_ms`` (monotonic)."""

    code: str
    params: Params = ()
    tone: str = "info"
    until_ms: int = 0


MOST_CHANGES = 1
"""So many changed results fit on the staff's page in large text; the others come up as these are dealt with."""


@dataclass(frozen=True, slots=True)
class Change:
    """A result told here that is no longer so, in words; the codes of what staff may choose, the recommended one first.

    ``error`` is the code of why the last choice was not taken. Without choices one is being carried out.
    """

    operation: str
    said: str
    choices: tuple[str, ...] = ()
    error: str = ""


@dataclass(frozen=True, slots=True)
class Summary:
    """What was done about all changed results at once, a line each; whether it is being saved, and what came of that."""

    lines: tuple[str, ...]
    message: Notice | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a pass was not taken: the outcome of the contract, such as ``expired``, and its reason, such as ``code_stale``;
    whether staff may let in all the same."""

    outcome: str
    params: Params = ()
    may_override: bool = False
    reason: str = ""


@dataclass(frozen=True, slots=True)
class PinEntry:
    """The staff PIN being asked for: at work on it, or why the last was not taken (``n`` is tries or minutes)."""

    checking: bool = False
    error: str | None = None
    n: int = 0


class Stage(StrEnum):
    """How far signing out has come. From ENDING on there is no way back."""

    LOOKING = "looking"
    LOSS = "loss"
    PIN = "pin"
    ENDING = "ending"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Leaving:
    """This device being signed out: what would be lost, and the ``word`` that says somebody has read it.

    ``message`` is a passing sentence; ``revoked`` whether the cloud knows, once it is done.
    """

    stage: Stage = Stage.LOOKING
    unsent: int = 0
    files: int = 0
    word: str = field(default="", repr=False)
    message: Notice | None = None
    revoked: bool = False


@dataclass(frozen=True, slots=True)
class Pending:
    """A mark on its way to the store, with the rows as they were before the tap."""

    request: int
    family: str
    before: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class State:
    """The whole kiosk. Times with ``_at_ms`` are monotonic; ``wall_ms`` is ms since the epoch.

    ``override`` is why staff want to let in whom a verdict refused, while their PIN is asked for; ``urgent`` that something
    waits behind it that staff must see at once; ``oldest_ms`` since when the first of what waits to be sent does; ``open``
    how many changed results leave a choice, ``hearing`` how many devices hear each other in this network, ``summary`` what was done about all of them at once.
    ``idle_left_s`` of ``idle_total_s`` is shown by the ring; ``None`` while nothing runs out.
    """

    screen: Screen = Screen.ATTRACT
    studio: str = ""
    zone: str = "UTC"
    locale: str = "en"
    home_locale: str = "en"
    wall_ms: int = 0
    online: bool = True
    waiting: int = 0
    hearing: int = 0
    clock_suspect: bool = False
    keys: Notice | None = None  # doubt about the pass keys, or about who is due today
    veiled: bool = False
    camera_fault: str | None = None
    store_fault: str | None = None
    lock: str | None = None
    board: Board | None = None
    sheet: Sheet | None = None
    signing: Signing | None = None
    refusal: Refusal | None = None
    pin: PinEntry | None = None
    override: str = ""
    about: tuple[Notice, ...] = ()
    changes: tuple[Change, ...] = ()
    open: int = 0
    summary: Summary | None = None
    oldest_ms: int | None = None
    leaving: Leaving | None = None
    pickup: Pickup | None = None
    urgent: bool = False
    notice: Notice | None = None
    idle_left_s: int | None = None
    idle_total_s: int = 45
    late_reasons: tuple[Reason, ...] = LATE_REASONS
    absent_reasons: tuple[Reason, ...] = ABSENT_REASONS
    # what follows is the machine's own memory; screens do not read it
    now_at_ms: int = 0
    deadline_at_ms: int | None = None
    entered_at_ms: int = 0
    text: str = field(default="", repr=False)
    seen: tuple[tuple[str, int], ...] = field(default=(), repr=False)
    tapped: tuple[tuple[str, int], ...] = field(default=(), repr=False)
    pending: tuple[Pending, ...] = ()
    requests: int = 0
