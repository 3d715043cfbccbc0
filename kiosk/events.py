"""What happens to a kiosk, as plain data. What it asks for in return is in ``commands``."""

from __future__ import annotations

from dataclasses import field

from kiosk import pickup, signing
from kiosk.told import told
from kiosk.view import Board, Change, Notice, Params, Status


@told
class Tick:
    """Time passed; ``wall_ms`` is the corrected time in ms since the epoch. Send about four a second."""

    wall_ms: int


@told
class Sighting:
    """The camera read a text."""

    text: str = field(repr=False)


@told
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


@told
class Refresh:
    """The board of a family changed underneath (a pull, a gate): shown if that family is on the screen."""

    board: Board


@told
class Tap:
    """Somebody tapped a state of a child."""

    session: str
    child: str
    status: Status


@told
class TapAllPresent:
    """Somebody tapped "mark all present"."""


@told
class ChooseReason:
    """Somebody chose a reason on the sheet."""

    reason: str


@told
class ChooseArrival:
    """Somebody chose an expected arrival on the sheet (ms since the epoch)."""

    at_ms: int


@told
class Confirm:
    """Somebody confirmed the sheet."""


@told
class Cancel:
    """Somebody went back (Escape, Back)."""


@told
class Done:
    """Somebody tapped "all done"."""


@told
class Touched:
    """Somebody touched, scrolled or typed: the screen is in use."""


@told
class Retry:
    """Somebody tapped "try again" on a trouble screen."""


@told
class Saved:
    """The store committed a mark. ``refused`` are children the handler refused, each with a gate's name."""

    request: int
    refused: tuple[tuple[str, str], ...] = ()


@told
class SaveFailed:
    """The store did not commit a mark: nothing of it is saved. ``code`` is ``disk_full``, ``queue_full``, ``save_failed``, …"""

    request: int
    code: str = "save_failed"


@told
class ChooseLanguage:
    """Somebody chose a language for this family."""

    locale: str


@told
class Connection:
    """The internet is there or not, and so many operations wait for the cloud's acknowledgement; so many devices hear each
    other here meanwhile (0: this one hears none)."""

    online: bool
    waiting: int
    hearing: int = 0


@told
class CameraFault:
    """The camera shows nothing: a code of ``camera.Code``, such as ``unplugged``."""

    code: str


@told
class CameraBack:
    """The camera delivers pictures."""


@told
class StoreFault:
    """The store cannot save: ``disk_full``, ``queue_full`` or ``store_failed``."""

    code: str


@told
class StoreBack:
    """The store saves again."""


@told
class ClockSuspect:
    """The device's clock is in doubt, or no longer."""

    suspect: bool


@told
class KeysDoubt:
    """Staff should look after the keys that passes are checked with: a sentence, or None when all is well again."""

    notice: Notice | None


@told
class Urgent:
    """Something waits behind the staff PIN that must be seen at once, or no longer."""

    on: bool


@told
class Lock:
    """The kiosk is closed: ``device_revoked``, ``not_paired``, ``upgrade_needed``, …"""

    code: str


@told
class Unlock:
    """The kiosk is open again."""


@told
class AskStaff:
    """Somebody asked for the staff PIN."""


@told
class AskOverride:
    """Staff want to let in whom the verdict refused: one of ``view.OVERRIDE_REASONS``."""

    reason: str


@told
class Overridden:
    """Staff let a family in; the ``board`` as it stands. ``used`` of ``most`` were, since the last contact."""

    board: Board
    used: int = 0
    most: int = 0


@told
class OverrideRefused:
    """Nobody was let in: a code of the catalogue."""

    code: str


@told
class PinEntered:
    """Six digits were typed."""

    pin: str = field(repr=False)


@told
class PinAccepted:
    """The PIN belongs to somebody who may leave the kiosk; ``about`` is what they should know of the device, ``changes``
    what they may decide, of ``open`` in all, ``oldest_ms`` when the first thing that waits was done (ms since the epoch)."""

    about: tuple[Notice, ...] = ()
    changes: tuple[Change, ...] = ()
    open: int = 0
    oldest_ms: int | None = None


@told
class ChooseAbout:
    """Staff chose what to do about a changed result."""

    operation: str
    code: str


@told
class Chosen:
    """It was done, or the choice was not taken (``error``, about ``operation``); ``changes`` of ``open`` as they stand now."""

    operation: str
    changes: tuple[Change, ...]
    error: str = ""
    open: int = 0


@told
class ChooseAll:
    """Staff have done what is recommended about every changed result."""


@told
class ChosenAll:
    """It was, as ``lines`` say; ``changes`` of ``open`` as they stand now."""

    lines: tuple[str, ...] = field(repr=False)
    changes: tuple[Change, ...]
    open: int = 0


@told
class SaveSummary:
    """Staff want what was done in a file."""

    file: str


@told
class SummarySaid:
    """A sentence about that: saved, or what stands in the way."""

    code: str
    params: Params = ()
    tone: str = "warn"


@told
class PinRefused:
    """The PIN was not taken: ``wrong`` (``n`` tries left), ``paused`` (``n`` minutes) or ``manager``."""

    code: str
    n: int = 0


@told
class CloseKiosk:
    """Staff close the kiosk."""


@told
class SignOut:
    """Staff ask for this device to be signed out."""


@told
class Stake:
    """What signing out would lose now, and the word for it."""

    unsent: int
    files: int
    word: str = field(repr=False)


@told
class SendFirst:
    """Staff have what waits sent first."""


@told
class SaveFirst:
    """Staff have everything saved sealed to a file first."""

    file: str


@told
class LeaveSaid:
    """A sentence about signing out: saved, or what stands in the way."""

    code: str
    params: Params = ()
    tone: str = "warn"


@told
class GoOn:
    """Staff have read what would be lost."""


@told
class LeaveBegun:
    """A manager said yes: the keys are being destroyed."""


@told
class SignedOut:
    """Nothing is left here; ``revoked`` whether the cloud knows."""

    revoked: bool


@told
class Veil:
    """The window lost the focus (names are hidden, ruling 10) or has it again."""

    on: bool


Event = (
    Tick | Sighting | Verdict | Refresh | Tap | TapAllPresent | ChooseReason | ChooseArrival | Confirm | Cancel | Done
    | Touched | Retry | Saved | SaveFailed | ChooseLanguage | Connection | CameraFault | CameraBack | StoreFault
    | StoreBack | ClockSuspect | KeysDoubt | Urgent | Lock | Unlock | AskStaff | AskOverride | Overridden | OverrideRefused | PinEntered | PinAccepted | PinRefused | Veil
    | ChooseAbout | Chosen | ChooseAll | ChosenAll | SaveSummary | SummarySaid | CloseKiosk | SignOut | Stake | SendFirst | SaveFirst | LeaveSaid | GoOn | LeaveBegun | SignedOut | signing.Event
    | pickup.Event
)  # fmt: skip
