"""How long entries are kept, and holds: set by who runs the studio, and themselves on record."""

from typing import Any

from msgspec.structs import replace

from classtap_core.auditing.records import AuditStream, Hold, stream_id
from classtap_core.auditing.rules import LEAST_DAYS, MOST_DAYS, STREAMS
from classtap_core.kernel.ids import Id
from classtap_core.kernel.operations import Key, Kind, Operation, Payload, Reads, handles, operation
from classtap_core.kernel.outcomes import ACCEPTED, DUPLICATE, Outcome, refused
from classtap_core.kernel.tx import Tx


def _standing(tx: Tx, stream: str) -> AuditStream:
    return tx.get(AuditStream, stream_id(stream)) or AuditStream(id=stream_id(stream), name=stream)


class OfStream(Payload, frozen=True, kw_only=True):
    """What is said of one stream."""

    stream: str

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield Key(AuditStream, stream_id(self.stream), "studio")


@operation("audit.keep", version=1, kind=Kind.CLAIM, needs="manage_studio")
class KeepAudit(OfStream, frozen=True, kw_only=True):
    """Keep a stream's words for so many days (30 to 3650), from now on."""

    days: int


@handles(KeepAudit)
def keep_audit(tx: Tx, op: Operation[KeepAudit]) -> Outcome:
    asked = op.payload
    if asked.stream not in STREAMS:
        return refused("audit.stream", stream=asked.stream)
    if not LEAST_DAYS <= asked.days <= MOST_DAYS:
        return refused("audit.days", least=LEAST_DAYS, most=MOST_DAYS)
    there = _standing(tx, asked.stream)
    if there.days == asked.days:
        return DUPLICATE
    tx.put(replace(there, days=asked.days))
    return ACCEPTED


@operation("audit.hold", version=1, kind=Kind.CLAIM, needs="manage_studio")
class HoldAudit(OfStream, frozen=True, kw_only=True):
    """Let nothing of a stream go until the hold is lifted. `reason` names no person."""

    hold: Id
    reason: str


@handles(HoldAudit)
def hold_audit(tx: Tx, op: Operation[HoldAudit]) -> Outcome:
    asked = op.payload
    if asked.stream not in STREAMS:
        return refused("audit.stream", stream=asked.stream)
    if not asked.reason.strip():
        return refused("audit.reason")
    there = _standing(tx, asked.stream)
    if any(one.id == asked.hold for one in there.holds):
        return DUPLICATE
    placed = Hold(asked.hold, op.author.id, op.at.corrected, asked.reason)
    tx.put(replace(there, holds=tuple(sorted({*there.holds, placed}, key=lambda one: one.id))))
    return ACCEPTED


@operation("audit.release", version=1, kind=Kind.CLAIM, needs="manage_studio")
class ReleaseAudit(OfStream, frozen=True, kw_only=True):
    """Lift a hold."""

    hold: Id


@handles(ReleaseAudit)
def release_audit(tx: Tx, op: Operation[ReleaseAudit]) -> Outcome:
    there = _standing(tx, op.payload.stream)
    if all(one.id != op.payload.hold for one in there.holds):
        return refused("audit.no_hold")
    if op.payload.hold in there.lifted:
        return DUPLICATE
    tx.put(replace(there, lifted=tuple(sorted({*there.lifted, op.payload.hold}))))
    return ACCEPTED
