"""What a kiosk asks for, as plain data, and which event is the answer. What happens to it is in ``events``."""

from __future__ import annotations

from dataclasses import field

from kiosk import pickup, signing
from kiosk.told import told
from kiosk.view import Status


@told
class Verify:
    """Verify a text, record the scan, answer with ``Verdict``."""

    text: str = field(repr=False)


@told
class MarkItem:
    """One child's mark; ``expected_ms`` in ms since the epoch."""

    child: str
    status: Status
    reason: str = ""
    expected_ms: int | None = None


@told
class Mark:
    """Commit marks of one session in one transaction, answer with ``Saved`` or ``SaveFailed`` for ``request``."""

    request: int
    session: str
    items: tuple[MarkItem, ...]


@told
class Tone:
    """Play ``ok``, ``attention`` or ``refusal``."""

    name: str


@told
class GoAttract:
    """The family is gone: forget it, be ready for the next."""


@told
class SetLanguage:
    """Speak another language."""

    locale: str


@told
class RestartCamera:
    """Look for the camera again."""


@told
class CheckStore:
    """Try the store again."""


@told
class CheckPin:
    """Check a PIN, answer with ``PinAccepted`` or ``PinRefused``."""

    pin: str = field(repr=False)


@told
class CarryOut:
    """Do what staff chose about a changed result, answer with ``Chosen``."""

    operation: str
    code: str


@told
class CarryOutAll:
    """Do what is recommended about every changed result, answer with ``ChosenAll``."""


@told
class WriteSummary:
    """Write what was done to a file, answer with ``SummarySaid``."""

    file: str
    lines: tuple[str, ...] = field(repr=False)


@told
class Override:
    """Check the PIN of staff and let in, answer with ``Overridden``, ``PinRefused`` or ``OverrideRefused``."""

    pin: str = field(repr=False)
    reason: str


@told
class Leave:
    """Close the kiosk."""


@told
class ReadStake:
    """Look what signing out would lose, answer with ``Stake`` or ``LeaveSaid``."""


@told
class SendQueue:
    """Send what waits, as soon as can be."""


@told
class SaveSealed:
    """Save everything sealed to the owner, answer with ``LeaveSaid``."""

    file: str


@told
class EndDevice:
    """Check a manager's PIN and that the loss is the one that was read; then sign out. Answer with ``PinRefused`` or
    ``LeaveSaid``, else ``LeaveBegun`` and ``SignedOut``."""

    word: str = field(repr=False)
    pin: str = field(repr=False)


Command = (
    Verify | Mark | Tone | GoAttract | SetLanguage | RestartCamera | CheckStore | CheckPin | Override | Leave | ReadStake | SendQueue
    | SaveSealed | EndDevice | CarryOut | CarryOutAll | WriteSummary | signing.Command | pickup.Command
)  # fmt: skip
