"""Undo is one more operation: it puts back recorded before-values where nobody has changed them since."""

from typing import Any, cast

import msgspec

from classtap_core.kernel.ids import Id
from classtap_core.kernel.operations import Key, Kind, Operation, Payload, Reads, Recorded, handles, operation
from classtap_core.kernel.outcomes import ACCEPTED, ItemOutcome, Outcome, Status, reason, refused
from classtap_core.kernel.records import plain
from classtap_core.kernel.tx import Change, Tx


@operation("kernel.undo", version=1, kind=Kind.EDIT, needs="undo")
class Undo(Payload, frozen=True, kw_only=True):
    """Take back what `operation` changed. What somebody has changed since is left, and listed."""

    operation: Id

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield Recorded(self.operation)
        yield [
            Key(tx.record_type(change.kind), change.id, change.scope or None)
            for change in tx.recorded(self.operation) or ()
        ]

    def guards(self, op: Operation[Any]) -> tuple[str, ...]:
        return (f"operation:{self.operation}",)


@handles(Undo)
def undo(tx: Tx, op: Operation[Undo]) -> Outcome:
    changes = tx.recorded(op.payload.operation)
    if changes is None:
        return refused("undo.unknown")
    left = [change for change in changes if not _restore(tx, change)]
    if not left:
        return ACCEPTED
    items = tuple(
        ItemOutcome(change.id, Status.SUPERSEDED, (reason("undo.changed_since", kind=change.kind),)) for change in left
    )
    status = Status.ACCEPTED if len(left) < len(changes) else Status.SUPERSEDED
    return Outcome(status=status, items=items)


def _restore(tx: Tx, change: Change) -> bool:
    """Put one record back; False when a field of it was changed since."""
    record = tx.record_type(change.kind)
    standing = tx.get(record, change.id)
    now = None if standing is None else _as_json(plain(standing))
    before, after = _as_json(change.before), _as_json(change.after)
    if after is None:
        if now is None and before is not None:
            tx.put(msgspec.convert(before, record))
            return True
        return False
    if now is None or any(now.get(name) != after.get(name) for name in {*after, *(before or {})}):
        return False
    if before is None:
        if now != after:
            return False
        tx.delete(record, change.id)
        return True
    for name in after:
        now.pop(name, None)
    tx.put(msgspec.convert({**now, **before}, record))
    return True


def _as_json(data: dict[str, Any] | None) -> dict[str, Any] | None:
    """Plain data as a log gives it back: JSON has lists where a struct in memory had tuples."""
    return None if data is None else cast(dict[str, Any], msgspec.json.decode(msgspec.json.encode(data)))
