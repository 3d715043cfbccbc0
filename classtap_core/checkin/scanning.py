"""What a verdict on a pass rests on, read from what this device holds: the passes, and the scans before."""

from collections.abc import Sequence
from typing import NamedTuple

from classtap_core.booking.records import Booking, booking_id
from classtap_core.checkin.attendees import BOOKED, AttendeePass, PassUse
from classtap_core.checkin.reading import fetch, search
from classtap_core.checkin.records import Scan
from classtap_core.kernel.erasure import Erasure
from classtap_core.kernel.ids import Id
from classtap_core.kernel.tx import Reader
from classtap_core.passes.codec import Kind, PassClaims
from classtap_core.passes.ledger import PassState
from classtap_core.passes.records import Pass, PassRevocation, RollingKeys
from classtap_core.passes.verify import Outcome

FACTS = frozenset({Outcome.OK, Outcome.REVOKED, Outcome.SUPERSEDED, Outcome.USED})
"""Verdicts that are facts: the text verified, or names a known pass. Every other refusal is only counted."""

_REFUSED = (Outcome.REVOKED, Outcome.SUPERSEDED, Outcome.USED)


class Whose(NamedTuple):
    """Whom a pass stands for; "" for what is not known here, or not said by its kind."""

    family: str = ""
    child: str = ""
    session: str = ""
    attendee: AttendeePass | None = None


def handle_text(handle: int) -> str:
    """A pass's handle as records keep it: 16 hex digits."""
    return f"{handle:016x}"


class HeldPasses:
    """The passes a device holds, and the revocations that every device holds (`passes.ledger.Passes`)."""

    def __init__(self, reader: Reader, studio: Id) -> None:
        self._reader, self._studio = reader, studio

    def find(self, handle: int) -> Pass | None:
        """The family's pass of a handle; None where it is not held here."""
        return next(iter(search(self._reader, Pass, "by_handle", handle_text(handle))), None)

    def attendee(self, handle: int) -> AttendeePass | None:
        """The attendee pass of a handle; None where it is not held here."""
        return next(iter(search(self._reader, AttendeePass, "by_handle", handle_text(handle))), None)

    def whose(self, claims: PassClaims) -> Whose:
        """What a text whose signature is good stands for here: a family, a child, a session."""
        if claims.kind is Kind.EVENT:
            held = self.attendee(claims.handle)
            return Whose() if held is None else Whose(held.family, held.child, held.session, held)
        found = self.find(claims.handle)
        return Whose() if found is None else Whose(found.family)

    def state(self, handle: int) -> PassState | None:
        held = self.find(handle)
        if held is not None:
            return held.state
        attendee = self.attendee(handle)
        if attendee is not None:
            return attendee.state(booked=self._booked(attendee) and not self._erased(attendee.child))
        words = search(self._reader, PassRevocation, "by_handle", handle_text(handle))
        if not words:
            return None
        through = max(word.epoch for word in words)
        return PassState(active_epoch=through + 1, revoked_through=through)

    def _booked(self, attendee: AttendeePass) -> bool:
        """Whether the place stands. An attendee pass lies beside its booking, so a device that has one has both."""
        id = booking_id(self._studio, attendee.session, attendee.child)
        booking = fetch(self._reader, Booking, [id]).get(id)
        return booking is None or booking.state == BOOKED

    def _erased(self, person: Id) -> bool:
        return bool(fetch(self._reader, Erasure, [person]))

    def rolling_key(self, handle: int, *, epoch: int) -> bytes | None:
        """The key of an epoch's codes; None where this device was not given it."""
        held = next(iter(search(self._reader, RollingKeys, "by_handle", handle_text(handle))), None)
        return None if held is None else held.key_of(epoch)


class HeldScans:
    """The scans a device holds, its own and those it pulled (`passes.ledger.Ledger`)."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def entries(self, handle: int, *, token: int, since_s: float | None) -> int:
        """By the scans, and by what is folded beside the session: it outlives them."""
        since = 0 if since_s is None else int(since_s * 1000)
        found = search(self._reader, Scan, "by_handle", handle_text(handle), low=since)
        counted = {scan.id for scan in found if scan.outcome == Outcome.OK}
        for attendee in search(self._reader, AttendeePass, "by_handle", handle_text(handle)):
            for used in search(self._reader, PassUse, "by_pass", attendee.id):
                counted |= {use.operation for use in used.uses if use.at_ms >= since}
        return len(counted)

    def refusals(self, handle: int, *, since_s: float) -> Sequence[float]:
        found = search(self._reader, Scan, "by_handle", handle_text(handle), low=int(since_s * 1000))
        return [scan.at_ms / 1000 for scan in found if scan.outcome in _REFUSED]
