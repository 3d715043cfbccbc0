"""What time causes: leases that lapse, policies that begin. The cloud's clock authors these; a sweep that finds one twice
changes nothing."""

from typing import NamedTuple

from classtap_core.booking import rules
from classtap_core.booking.operations import LapseLease
from classtap_core.booking.policy_operations import BeginPolicy
from classtap_core.booking.records import WAITING, Lease, PolicyVersion
from classtap_core.kernel.ids import Id, derived
from classtap_core.kernel.operations import Range
from classtap_core.kernel.records import decode
from classtap_core.kernel.tx import Reader


class Tick(NamedTuple):
    """A tick to be authored: its payload, and the id that two clocks would both give it."""

    payload: LapseLease | BeginPolicy
    id: Id


def due(reader: Reader, now_ms: int) -> list[Tick]:
    """Leases whose unspent places the cloud takes back now, by when they ended; then policies whose time has come."""
    high = now_ms - rules.LEASE_GRACE_MS - 1
    wanted = (
        Range(Lease, "by_state", (rules.OPEN,), low=0, high=high),
        Range(PolicyVersion, "by_state", (WAITING,), low=0, high=now_ms),
    )
    lapsed, begun = reader.find_many(wanted)
    leases: list[Lease] = [decode(Lease, row.body) for row in lapsed]
    versions: list[PolicyVersion] = [decode(PolicyVersion, row.body) for row in begun]
    return [
        *(
            Tick(LapseLease(lease=one.id, session=one.session, location=one.location), rules.lapse_id(one))
            for one in leases
        ),
        *(
            Tick(BeginPolicy(name=one.name, number=one.number), derived("tick", "clock", "policy.begin", one.id, str(one.from_ms)))
            for one in versions
        ),
    ]  # fmt: skip
