"""What happens to a kiosk, and what it asks for in return. Plain data: events in, commands out."""

from __future__ import annotations

from dataclasses import dataclass, field

from kiosk import signing
from kiosk.view import Board, Change, Notice, Params, Status


@dataclass(frozen=True, slots=True)
class Tick:
    """Time passed; ``wall_ms`` is the corrected time in ms since the epoch. Send about four a second."""

    wall_ms: int


@dataclass(frozen=True, slots=True)
class Sighting:
    """The camera read a text."""

    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The scan of ``text`` is recorded: the contract's outcome with its reason, and for ``ok`` the family's board.

    ``ok`` without a board means the pass is real but this device does not hold the family.
    """

    text: str = field(repr=False)
    outcome: str
    board: Board | None = None
    params: Params = ()
    may_override: bool = False
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Refresh:
    """The board of a family changed underneath (a pull, a gate): shown if that family is on the screen."""

    board: Board


@dataclass(frozen=True, slots=True)
class Tap:
    """Somebody tapped a state of a child."""

    session: str
    child: str
    status: Status


@dataclass(frozen=True, slots=True)
class TapAllPresent:
    """Somebody tapped "mark all present"."""


@dataclass(frozen=True, slots=True)
class ChooseReason:
    """Somebody chose a reason on the sheet."""

    reason: str


@dataclass(frozen=True, slots=True)
class ChooseArrival:
    """Somebody chose an expected arrival on the sheet (ms since the epoch)."""

    at_ms: int


@dataclass(frozen=True, slots=True)
class Confirm:
    """Somebody confirmed the sheet."""


@dataclass(frozen=True, slots=True)
class Cancel:
    """Somebody went back (Escape, Back)."""


@dataclass(frozen=True, slots=True)
class Done:
    """Somebody tapped "all done"."""


@dataclass(frozen=True, slots=True)
class Touched:
    """Somebody touched, scrolled or typed: the screen is in use."""


@dataclass(frozen=True, slots=True)
class Retry:
    """Somebody tapped "try again" on a trouble screen."""


@dataclass(frozen=True, slots=True)
class Saved:
    """The store committed a mark. ``refused`` are children the handler refused, each with a gate's name."""

    request: int
    refused: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class SaveFailed:
    """The store did not commit a mark: nothing of it is saved. ``code`` is ``disk_full``, ``save_failed``, …"""

    request: int
    code: str = "save_failed"


@dataclass(frozen=True, slots=True)
class ChooseLanguage:
    """Somebody chose a language for this family."""

    locale: str


@dataclass(frozen=True, slots=True)
class Connection:
    """The internet is there or not, and so many operations wait for the cloud's acknowledgement."""

    online: bool
    waiting: int


@dataclass(frozen=True, slots=True)
class CameraFault:
    """The camera shows nothing: a code of ``camera.Code``, such as ``unplugged``."""

    code: str


@dataclass(frozen=True, slots=True)
class CameraBack:
    """The camera delivers pictures."""


@dataclass(frozen=True, slots=True)
class StoreFault:
    """The store cannot save: ``disk_full`` or ``store_failed``."""

    code: str


@dataclass(frozen=True, slots=True)
class StoreBack:
    """The store saves again."""


@dataclass(frozen=True, slots=True)
class ClockSuspect:
    """The device's clock is in doubt, or no longer."""

    suspect: bool


@dataclass(frozen=True, slots=True)
class KeysDoubt:
    """Staff should look after the keys that passes are checked with: a sentence, or None when all is well again."""

    notice: Notice | None


@dataclass(frozen=True, slots=True)
class Lock:
    """The kiosk is closed: ``device_revoked``, ``not_paired``, ``upgrade_needed``, …"""

    code: str


@dataclass(frozen=True, slots=True)
class Unlock:
    """The kiosk is open again."""


@dataclass(frozen=True, slots=True)
class AskStaff:
    """Somebody asked for the staff PIN."""


@dataclass(frozen=True, slots=True)
class AskOverride:
    """Staff want to let in whom the verdict refused: one of ``view.OVERRIDE_REASONS``."""

    reason: str


@dataclass(frozen=True, slots=True)
class Overridden:
    """Staff let a family in; the ``board`` as it stands. ``used`` of ``most`` were, since the last contact."""

    board: Board
    used: int = 0
    most: int = 0


@dataclass(frozen=True, slots=True)
class OverrideRefused:
    """Nobody was let in: a code of the catalogue."""

    code: str


@dataclass(frozen=True, slots=True)
class PinEntered:
    """Six digits were typed."""

    pin: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class PinAccepted:
    """The PIN belongs to somebody who may leave the kiosk; ``about`` is what they should know of the device, ``changes``
    what they may decide."""

    about: tuple[Notice, ...] = ()
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True)
class ChooseAbout:
    """Staff chose what to do about a changed result."""

    operation: str
    code: str


@dataclass(frozen=True, slots=True)
class Chosen:
    """It was done, or the choice was not taken (``error``, about ``operation``); ``changes`` as they stand now."""

    operation: str
    changes: tuple[Change, ...]
    error: str = ""


@dataclass(frozen=True, slots=True)
class PinRefused:
    """The PIN was not taken: ``wrong`` (``n`` tries left), ``paused`` (``n`` minutes) or ``manager``."""

    code: str
    n: int = 0


@dataclass(frozen=True, slots=True)
class CloseKiosk:
    """Staff close the kiosk."""


@dataclass(frozen=True, slots=True)
class SignOut:
    """Staff ask for this device to be signed out."""


@dataclass(frozen=True, slots=True)
class Stake:
    """What signing out would lose now, and the word for it."""

    unsent: int
    files: int
    word: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class SendFirst:
    """Staff have what waits sent first."""


@dataclass(frozen=True, slots=True)
class SaveFirst:
    """Staff have everything saved sealed to a file first."""

    file: str


@dataclass(frozen=True, slots=True)
class LeaveSaid:
    """A sentence about signing out: saved, or what stands in the way."""

    code: str
    params: Params = ()
    tone: str = "warn"


@dataclass(frozen=True, slots=True)
class GoOn:
    """Staff have read what would be lost."""


@dataclass(frozen=True, slots=True)
class LeaveBegun:
    """A manager said yes: the keys are being destroyed."""


@dataclass(frozen=True, slots=True)
class SignedOut:
    """Nothing is left here; ``revoked`` whether the cloud knows."""

    revoked: bool


@dataclass(frozen=True, slots=True)
class Veil:
    """The window lost the focus (names are hidden, ruling 10) or has it again."""

    on: bool


@dataclass(frozen=True, slots=True)
class Verify:
    """Verify a text, record the scan, answer with ``Verdict``."""

    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class MarkItem:
    """One child's mark; ``expected_ms`` in ms since the epoch."""

    child: str
    status: Status
    reason: str = ""
    expected_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Mark:
    """Commit marks of one session in one transaction, answer with ``Saved`` or ``SaveFailed`` for ``request``."""

    request: int
    session: str
    items: tuple[MarkItem, ...]


@dataclass(frozen=True, slots=True)
class Tone:
    """Play ``ok``, ``attention`` or ``refusal``."""

    name: str


@dataclass(frozen=True, slots=True)
class GoAttract:
    """The family is gone: forget it, be ready for the next."""


@dataclass(frozen=True, slots=True)
class SetLanguage:
    """Speak another language."""

    locale: str


@dataclass(frozen=True, slots=True)
class RestartCamera:
    """Look for the camera again."""


@dataclass(frozen=True, slots=True)
class CheckStore:
    """Try the store again."""


@dataclass(frozen=True, slots=True)
class CheckPin:
    """Check a PIN, answer with ``PinAccepted`` or ``PinRefused``."""

    pin: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class CarryOut:
    """Do what staff chose about a changed result, answer with ``Chosen``."""

    operation: str
    code: str


@dataclass(frozen=True, slots=True)
class Override:
    """Check the PIN of staff and let in, answer with ``Overridden``, ``PinRefused`` or ``OverrideRefused``."""

    pin: str = field(repr=False)
    reason: str


@dataclass(frozen=True, slots=True)
class Leave:
    """Close the kiosk."""


@dataclass(frozen=True, slots=True)
class ReadStake:
    """Look what signing out would lose, answer with ``Stake`` or ``LeaveSaid``."""


@dataclass(frozen=True, slots=True)
class SendQueue:
    """Send what waits, as soon as can be."""


@dataclass(frozen=True, slots=True)
class SaveSealed:
    """Save everything sealed to the owner, answer with ``LeaveSaid``."""

    file: str


@dataclass(frozen=True, slots=True)
class EndDevice:
    """Check a manager's PIN and that the loss is the one that was read; then sign out. Answer with ``PinRefused`` or
    ``LeaveSaid``, else ``LeaveBegun`` and ``SignedOut``."""

    word: str = field(repr=False)
    pin: str = field(repr=False)


Command = (
    Verify | Mark | Tone | GoAttract | SetLanguage | RestartCamera | CheckStore | CheckPin | Override | Leave | ReadStake | SendQueue
    | SaveSealed | EndDevice | CarryOut | signing.Command
)  # fmt: skip
Event = (
    Tick | Sighting | Verdict | Refresh | Tap | TapAllPresent | ChooseReason | ChooseArrival | Confirm | Cancel | Done
    | Touched | Retry | Saved | SaveFailed | ChooseLanguage | Connection | CameraFault | CameraBack | StoreFault
    | StoreBack | ClockSuspect | KeysDoubt | Lock | Unlock | AskStaff | AskOverride | Overridden | OverrideRefused | PinEntered | PinAccepted | PinRefused | Veil
    | ChooseAbout | Chosen | CloseKiosk | SignOut | Stake | SendFirst | SaveFirst | LeaveSaid | GoOn | LeaveBegun | SignedOut | signing.Event
)  # fmt: skip
