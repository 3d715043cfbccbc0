"""The permission the bus asks: an author's grants, and the standing of the device that wrote."""

from collections.abc import Collection
from typing import Any

from classtap_core.access import rules
from classtap_core.access.blueprints import CLOUD
from classtap_core.access.records import Device, Grant
from classtap_core.access.undoing import may_undo
from classtap_core.kernel.bus import Verdict
from classtap_core.kernel.operations import Key, Operation, Range, Reads
from classtap_core.kernel.tx import Tx
from classtap_core.kernel.undo import Undo


class GrantPermission:
    """Default deny. Staff act under their grants, a device under its role, the clock only in the cloud.

    Guardians author only through the studio's own cloud device (its pages), and only what `guardians` names: operations
    before which a gate asks for the guardian's own right over each child.
    """

    def __init__(self, *, guardians: Collection[str] = ()) -> None:
        self._guardians = frozenset(guardians)

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        wants: list[Key | Range] = [Key(Device, op.device, "studio")]
        if op.author.type == "staff":
            wants.append(Range(Grant, "by_holder", (op.author.id,), scope="studio"))
        yield wants

    def allows(self, tx: Tx, op: Operation[Any]) -> Verdict:
        """Judged at the operation's corrected time: what somebody was allowed to do stays done."""
        at_ms = op.at.corrected
        device = tx.get(Device, op.device)
        standing = rules.device_stands(device, at_ms)
        if not standing.allowed:
            return standing
        needs = str(op.spec.needs)
        if op.author.type == "staff":
            if isinstance(op.payload, Undo):
                return may_undo(tx, op, at_ms=at_ms)
            return rules.decide(
                tx.find(Grant, "by_holder", op.author.id), needs, op.payload.resource(tx, op), at_ms=at_ms
            )
        if op.author.type == "device":
            if op.author.id != op.device:
                return Verdict(False, rules.NOT_THIS_DEVICE)
            return rules.device_may(device, needs, op.payload.resource(tx, op))
        at_home = device is not None and device.role == CLOUD
        if at_home and (
            op.author.type == "clock" or (op.author.type == "guardian" and op.spec.name in self._guardians)
        ):
            return Verdict(True)
        return Verdict(False, rules.AUTHOR_UNKNOWN)
