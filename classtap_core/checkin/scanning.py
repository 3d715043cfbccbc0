"""What a verdict on a pass rests on, read from what this device holds: the passes, and the scans before."""

from collections.abc import Sequence

from classtap_core.checkin.reading import search
from classtap_core.checkin.records import Scan
from classtap_core.kernel.ids import Id
from classtap_core.kernel.tx import Reader
from classtap_core.passes.ledger import PassState
from classtap_core.passes.records import Pass, PassRevocation
from classtap_core.passes.verify import Outcome

FACTS = frozenset({Outcome.OK, Outcome.REVOKED, Outcome.SUPERSEDED, Outcome.USED})
"""Verdicts that are facts: the text verified, or names a known pass. Every other refusal is only counted."""

_REFUSED = (Outcome.REVOKED, Outcome.SUPERSEDED, Outcome.USED)


def handle_text(handle: int) -> str:
    """A pass's handle as records keep it: 16 hex digits."""
    return f"{handle:016x}"


class HeldPasses:
    """The passes of the families a device holds, and the revocations that every device holds (`passes.ledger.Passes`)."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def find(self, handle: int) -> Pass | None:
        """The pass of a handle; None where it is not held here."""
        return next(iter(search(self._reader, Pass, "by_handle", handle_text(handle))), None)

    def family(self, handle: int) -> Id | None:
        held = self.find(handle)
        return None if held is None else held.family

    def state(self, handle: int) -> PassState | None:
        held = self.find(handle)
        if held is not None:
            return held.state
        words = search(self._reader, PassRevocation, "by_handle", handle_text(handle))
        if not words:
            return None
        through = max(word.epoch for word in words)
        return PassState(active_epoch=through + 1, revoked_through=through)

    def rolling_key(self, handle: int, *, epoch: int) -> bytes | None:
        """Rolling passes are not issued yet, so no device holds a key for one."""
        return None


class HeldScans:
    """The scans a device holds, its own and those it pulled (`passes.ledger.Ledger`)."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def entries(self, handle: int, *, token: int, since_s: float | None) -> int:
        since = 0 if since_s is None else int(since_s * 1000)
        found = search(self._reader, Scan, "by_handle", handle_text(handle), low=since)
        return sum(scan.outcome == Outcome.OK for scan in found)

    def refusals(self, handle: int, *, since_s: float) -> Sequence[float]:
        found = search(self._reader, Scan, "by_handle", handle_text(handle), low=int(since_s * 1000))
        return [scan.at_ms / 1000 for scan in found if scan.outcome in _REFUSED]
