"""What was tried at a door and refused: counted, told to the cloud in sums, with what left the door's ledger; and refusals
that staff took on themselves."""

from typing import Any, ClassVar

import msgspec

from classtap_core.access.blueprints import Capability
from classtap_core.checkin.records import Scan
from classtap_core.kernel.ids import Id
from classtap_core.kernel.operations import Key, Kind, Operation, Payload, Reads, Resource, handles, operation
from classtap_core.kernel.outcomes import ACCEPTED, Outcome, refused
from classtap_core.kernel.records import Index, Record
from classtap_core.kernel.tx import Tx
from classtap_core.passes.verify import Outcome as PassOutcome

WINDOW_MS = 600_000
"""Attempts of ten minutes are told as one."""
MOST_KINDS = 64
"""Different attempts in one telling; what comes beyond is counted together."""
OVERRIDDEN = "override"
MAY_OVERRIDE = frozenset(
    {PassOutcome.EXPIRED, PassOutcome.USED, PassOutcome.KEYS_STALE, PassOutcome.RATE_LIMITED, PassOutcome.SUPERSEDED}
)
"""What staff may let in all the same: the signature was good. A revoked or forged pass is nobody's to allow."""
ROSTERS_OLD = "rosters_old"
"""Staff go on for a day with rosters that are older than the studio trusts (catalogue 14: 24 hours)."""
OFFLINE_OVERRIDES = 2
"""So many a device may make between two contacts with the cloud."""


class Attempt(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """How often one thing was tried. `handle` is there only where the signature was good; times are ms."""

    outcome: str
    reason: str
    count: int
    first_ms: int
    last_ms: int
    key_id: int = -1
    handle: str = ""


class ScanAttempts(Record, frozen=True, kw_only=True):
    """The refused scans of one device in a stretch of time, and how many entries left its ledger, the last at `evicted_ms`."""

    KIND: ClassVar[str] = "scan_attempts"
    PREFIX: ClassVar[str] = "scans"
    INDEXES: ClassVar[tuple[Index, ...]] = (Index("by_device", ("device", "first_ms")),)

    device: Id
    location: Id
    date: str
    first_ms: int
    items: tuple[Attempt, ...]
    evicted: int = 0
    evicted_ms: int = 0

    def scope(self) -> str:
        return f"scans/{self.location}/{self.date}"


@operation("scan.attempts", version=1, kind=Kind.FACT, needs=Capability.RECORD_SCAN)
class RecordAttempts(Payload, frozen=True, kw_only=True):
    """Refused scans of a while, added up; `date` is the location's local date. `evicted`: entries that left the device's
    ledger since it last told, the last of them at `evicted_ms`."""

    location: Id
    date: str
    items: tuple[Attempt, ...]
    evicted: int = 0
    evicted_ms: int = 0

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield Key(ScanAttempts, op.id, f"scans/{self.location}/{self.date}")

    def resource(self, tx: Tx, op: Operation[Any]) -> Resource:
        return Resource(self.location)


@handles(RecordAttempts)
def record_attempts(tx: Tx, op: Operation[RecordAttempts]) -> Outcome:
    told = op.payload
    if not (told.items or told.evicted) or told.evicted < 0:
        return refused("scan.attempts")
    if len(told.items) > MOST_KINDS or any(one.count < 1 for one in told.items):
        return refused("scan.attempts")
    tx.put(
        ScanAttempts(
            id=op.id, device=op.device, location=told.location, date=told.date,
            first_ms=min((one.first_ms for one in told.items), default=told.evicted_ms), items=told.items,
            evicted=told.evicted, evicted_ms=told.evicted_ms,
        )
    )  # fmt: skip
    return ACCEPTED


@operation("scan.override", version=1, kind=Kind.FACT, needs=Capability.OVERRIDE_GATE)
class OverrideScan(Payload, frozen=True, kw_only=True):
    """A member of staff lets in whom a verdict refused, and says why; `outcome` is the verdict's."""

    location: Id
    date: str
    outcome: str
    handle: str
    family: str
    reason: str
    epoch: int = 0

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield Key(Scan, op.id, f"scans/{self.location}/{self.date}")

    def resource(self, tx: Tx, op: Operation[Any]) -> Resource:
        return Resource(self.location)


@handles(OverrideScan)
def override_scan(tx: Tx, op: Operation[OverrideScan]) -> Outcome:
    said = op.payload
    if said.outcome not in MAY_OVERRIDE and said.outcome != ROSTERS_OLD:
        return refused("scan.not_to_override")
    if op.author.type != "staff" or not said.reason.strip():
        return refused("scan.override_reason")
    tx.put(
        Scan(
            id=op.id, outcome=OVERRIDDEN, handle=said.handle, at_ms=op.at.corrected, location=said.location,
            date=said.date, device=op.device, epoch=said.epoch, family=said.family, reason=said.outcome,
            operator=op.author.id, trace=said.reason[:80],
        )
    )  # fmt: skip
    return ACCEPTED


def added(items: tuple[Attempt, ...], one: Attempt) -> tuple[Attempt, ...]:
    """The sums with one more attempt in them."""
    found = list(items)
    for at, held in enumerate(found):
        if (held.outcome, held.reason, held.key_id, held.handle) == (one.outcome, one.reason, one.key_id, one.handle):
            found[at] = _together(held, one)
            return tuple(found)
    if len(found) < MOST_KINDS - 1:
        return (*items, one)
    rest = msgspec.structs.replace(one, reason="other", key_id=-1, handle="", outcome="other")
    if found[-1].outcome == "other":
        return (*found[:-1], _together(found[-1], rest))
    return (*items, rest)


def _together(held: Attempt, one: Attempt) -> Attempt:
    return msgspec.structs.replace(
        held, count=held.count + one.count, first_ms=min(held.first_ms, one.first_ms),
        last_ms=max(held.last_ms, one.last_ms),
    )  # fmt: skip
