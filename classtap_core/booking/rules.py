"""How many places are left, whether a lease may be spent, and when one has lapsed. Pure."""

from collections.abc import Iterable

from classtap_core.booking.records import Booking, Lease
from classtap_core.kernel.ids import Id, derived

BOOKED, CANCELLED = "booked", "cancelled"
OPEN, LAPSED = "open", "lapsed"

LEASE_MS = 12 * 60 * 60_000
"""How long a device may spend a lease: a working day offline."""

LEASE_GRACE_MS = 15 * 60_000
"""How long after its end the cloud waits for what was spent on it, before it takes the rest back."""

MOST_LEASED = 5


def places_left(capacity: int, bookings: Iterable[Booking], leases: Iterable[Lease]) -> int:
    """Capacity less what is booked and what is lent and unspent. Below 0 where the capacity was lowered since."""
    booked = sum(booking.state == BOOKED for booking in bookings)
    return capacity - booked - sum(unspent(lease) for lease in leases)


def unspent(lease: Lease) -> int:
    """Places a device may still use; a lapsed lease holds none."""
    return max(0, lease.places - len(lease.spent)) if lease.state == OPEN else 0


def lease_trouble(lease: Lease | None, *, device: Id, session: Id, booking: Id, at_ms: int) -> str:
    """Why a booking made at `at_ms` may not be spent on a lease: a code, or "".

    A place is spent once, even when its booking was cancelled since: what was given back went to everybody.
    """
    if lease is None or lease.device != device or lease.session != session:
        return "booking.lease_other"
    if at_ms > lease.expires_ms:
        return "booking.lease_ended"
    if booking in lease.spent or len(lease.spent) >= lease.places:
        return "booking.lease_spent"
    return ""


def is_due(lease: Lease, now_ms: int) -> bool:
    """Whether the cloud may take a lease's unspent places back."""
    return lease.state == OPEN and now_ms > lease.expires_ms + LEASE_GRACE_MS


def lapse_id(lease: Lease) -> Id:
    """A tick's id is a hash of its cause, kind, subject and due time, so that two clocks author the same one."""
    return derived("tick", "clock", "lease.lapse", lease.id, str(lease.expires_ms))
