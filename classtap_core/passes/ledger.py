"""What a verdict needs to know beyond the text: the state of a pass, and what was scanned before."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

DAYS = 14
MOST = 50_000
"""How far back a kiosk's ledger of scans reaches, in days and in scans; those the cloud has not answered stay beyond."""


class PassState(msgspec.Struct, frozen=True, kw_only=True):
    """What a device knows of one pass.

    `revoked_through` is the last revoked epoch (None: none was). `grace_until_s` (Unix seconds) is until when the epoch
    before the active one stays good (None: not at all); whoever raises the epoch sets it, a day on for printed cards.
    Without `rolling_grace` it is for printed cards alone.
    `entry_limit` is how often an attendee pass admits (None: without limit), within `entry_window_s` seconds or (None)
    ever.
    """

    active_epoch: int
    revoked_through: int | None = None
    grace_until_s: int | None = None
    entry_limit: int | None = None
    entry_window_s: int | None = None
    rolling_grace: bool = True


class Passes(Protocol):
    """The passes a device holds; a handle it does not hold is None, which is not "there is none"."""

    def state(self, handle: int) -> PassState | None: ...

    def rolling_key(self, handle: int, *, epoch: int) -> bytes | None: ...


class Ledger(Protocol):
    """The verified scans a device has seen, its own and those it pulled."""

    def entries(self, handle: int, *, token: int, since_s: float | None) -> int:
        """Count the accepted scans of one attendee pass, since a time (Unix seconds) or ever."""

    def refusals(self, handle: int, *, since_s: float) -> Sequence[float]:
        """Return when texts of this pass that did verify were refused (Unix seconds, rising).

        Forged texts are not counted, else a stranger could lock a family out; nor are `rate_limited` verdicts, else the
        limit would feed itself.
        """


class HeldPasses:
    """Passes in memory, for tests, the command line and the demo."""

    def __init__(self) -> None:
        self._states: dict[int, PassState] = {}
        self._rolling_keys: dict[tuple[int, int], bytes] = {}

    def put(self, handle: int, state: PassState) -> None:
        self._states[handle] = state

    def put_rolling_key(self, handle: int, *, epoch: int, key: bytes) -> None:
        self._rolling_keys[handle, epoch] = key

    def state(self, handle: int) -> PassState | None:
        return self._states.get(handle)

    def rolling_key(self, handle: int, *, epoch: int) -> bytes | None:
        return self._rolling_keys.get((handle, epoch))


class SeenScans:
    """A ledger in memory, for tests, the command line and the demo."""

    def __init__(self) -> None:
        self._entries: dict[tuple[int, int], list[float]] = {}
        self._refusals: dict[int, list[float]] = {}

    def add_entry(self, handle: int, *, token: int, at_s: float) -> None:
        self._entries.setdefault((handle, token), []).append(at_s)

    def add_refusal(self, handle: int, *, at_s: float) -> None:
        self._refusals.setdefault(handle, []).append(at_s)

    def entries(self, handle: int, *, token: int, since_s: float | None) -> int:
        times = self._entries.get((handle, token), [])
        return len(times) if since_s is None else sum(at_s >= since_s for at_s in times)

    def refusals(self, handle: int, *, since_s: float) -> Sequence[float]:
        return sorted(at_s for at_s in self._refusals.get(handle, []) if at_s >= since_s)
