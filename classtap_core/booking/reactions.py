"""What time causes: leases that lapse. The cloud's clock authors these; a sweep that finds one twice changes nothing."""

from typing import NamedTuple

from classtap_core.booking import rules
from classtap_core.booking.operations import LapseLease
from classtap_core.booking.records import Lease
from classtap_core.kernel.ids import Id
from classtap_core.kernel.operations import Range
from classtap_core.kernel.records import decode
from classtap_core.kernel.tx import Reader


class Tick(NamedTuple):
    """A tick to be authored: its payload, and the id that two clocks would both give it."""

    payload: LapseLease
    id: Id


def due(reader: Reader, now_ms: int) -> list[Tick]:
    """Leases whose unspent places the cloud takes back now, by when they ended."""
    high = now_ms - rules.LEASE_GRACE_MS - 1
    rows = reader.find(Range(Lease, "by_state", (rules.OPEN,), low=0, high=high))
    leases: list[Lease] = [decode(Lease, row.body) for row in rows]
    return [
        Tick(LapseLease(lease=one.id, session=one.session, location=one.location), rules.lapse_id(one))
        for one in leases
    ]
