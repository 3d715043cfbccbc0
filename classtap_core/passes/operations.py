"""Passes are issued by the cloud and revoked by anyone with the right, at once."""

from typing import Any

import msgspec

from classtap_core.access.blueprints import Capability
from classtap_core.kernel.ids import Id
from classtap_core.kernel.operations import Key, Kind, Operation, Payload, Reads, Resource, handles, operation
from classtap_core.kernel.outcomes import ACCEPTED, DUPLICATE, Outcome, refused
from classtap_core.kernel.tx import Tx
from classtap_core.passes.records import Pass, PassRevocation, RevokedEpoch, pass_id, revocation_id

GRACE_S = 24 * 60 * 60
"""How long a printed card of the epoch before stays good, so that it is not dead at the door (ruling 5)."""

REASONS = ("first", "schedule", "lost", "rights", "revoked")


@operation("pass.issue", version=1, kind=Kind.CLAIM, needs=Capability.ISSUE_PASS)
class IssuePass(Payload, frozen=True, kw_only=True):
    """A family's first pass, or the next epoch of the one it has.

    Attributes:
        handle: 16 random hex digits, used only where the family has no pass yet.
        issued_s, expires_s: Unix seconds.
        because: `first`; or why the epoch rises: `schedule` (the epoch before stays good for a day), `lost`, `rights`
            (somebody lost the right to it), `revoked`.
    """

    family: Id
    home: Id
    handle: str
    issued_s: int
    expires_s: int
    because: str = "first"

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield Key(Pass, pass_id(op.studio, self.family), f"families/{self.home}")

    def guards(self, op: Operation[Any]) -> tuple[str, ...]:
        return (f"household:{self.family}",)

    def resource(self, tx: Tx, op: Operation[Any]) -> Resource:
        return Resource(self.home)


@handles(IssuePass)
def issue_pass(tx: Tx, op: Operation[IssuePass]) -> Outcome:
    new = op.payload
    if new.because not in REASONS:
        return refused("pass.because")
    if not _is_handle(new.handle) or new.expires_s <= new.issued_s:
        return refused("pass.shape")
    held = tx.get(Pass, pass_id(op.studio, new.family))
    if held is None:
        tx.put(
            Pass(
                id=pass_id(op.studio, new.family), family=new.family, home=new.home, handle=new.handle, epoch=1,
                issued_s=new.issued_s, expires_s=new.expires_s,
            )
        )  # fmt: skip
        return ACCEPTED
    if new.because == "first":
        return DUPLICATE if held.revoked_at_ms is None else refused("pass.revoked")
    tx.put(
        msgspec.structs.replace(
            held,
            epoch=held.epoch + 1,
            issued_s=new.issued_s,
            expires_s=new.expires_s,
            grace_until_s=new.issued_s + GRACE_S if new.because == "schedule" else 0,
        )
    )
    return ACCEPTED


def _is_handle(text: str) -> bool:
    return len(text) == 16 and all(digit in "0123456789abcdef" for digit in text)


@operation("pass.revoke", version=1, kind=Kind.FACT, needs=Capability.REVOKE_PASS)
class RevokePass(Payload, frozen=True, kw_only=True):
    """A pass up to an epoch is not good from now on. Tightening, so it holds at once; a new epoch is issued instead."""

    family: Id
    home: Id
    epoch: int
    reason: str = ""

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield Key(Pass, pass_id(op.studio, self.family), f"families/{self.home}")
        held = tx.get(Pass, pass_id(op.studio, self.family))
        if held is not None:
            yield Key(PassRevocation, revocation_id(held.handle, self.epoch), "keys")

    def resource(self, tx: Tx, op: Operation[Any]) -> Resource:
        return Resource(self.home)


@handles(RevokePass)
def revoke_pass(tx: Tx, op: Operation[RevokePass]) -> Outcome:
    held = tx.get(Pass, pass_id(op.studio, op.payload.family))
    if held is None:
        return refused("pass.unknown")
    word = RevokedEpoch(op.payload.epoch, op.at.corrected, op.payload.reason)
    revoked = tuple(sorted({*held.revoked, word}, key=lambda one: (one.epoch, one.at_ms, one.reason)))
    tx.put(msgspec.structs.replace(held, revoked=revoked))
    id = revocation_id(held.handle, word.epoch)
    known = tx.get(PassRevocation, id)
    at_ms = word.at_ms if known is None else min(known.at_ms, word.at_ms)
    tx.put(PassRevocation(id=id, handle=held.handle, epoch=word.epoch, at_ms=at_ms))
    return ACCEPTED if next(one for one in revoked if one.epoch == word.epoch) == word else DUPLICATE
