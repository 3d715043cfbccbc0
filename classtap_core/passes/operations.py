"""Passes are issued by the cloud and revoked by anyone with the right, at once."""

from typing import Annotated, Any, ClassVar

import msgspec

from classtap_core.access.blueprints import Capability
from classtap_core.kernel.effects import Effect, Home
from classtap_core.kernel.ids import Id
from classtap_core.kernel.operations import Key, Kind, Operation, Payload, Reads, Resource, handles, operation
from classtap_core.kernel.outcomes import ACCEPTED, DUPLICATE, Outcome, refused
from classtap_core.kernel.records import about
from classtap_core.kernel.tx import Tx
from classtap_core.passes.records import (
    Issued,
    KeyNotice,
    Pass,
    PassRevocation,
    RevokedEpoch,
    RollingKeys,
    key_notice_id,
    pass_id,
    revocation_id,
    rolling_keys_id,
)
from classtap_core.passes.rolling import KEY_BYTES

GRACE_S = 24 * 60 * 60
"""How long a printed card of the epoch before stays good, so that it is not dead at the door (ruling 5)."""

KIOSK_GRACE_S = 30 * 24 * 60 * 60
"""The same after a kiosk was lost: what it held makes no printed card, so there is time to print anew."""

REASONS = ("first", "schedule", "kiosk", "lost", "rights", "revoked")
MOST_ISSUES = 20
"""How many epochs a pass remembers."""


class PassIssued(Effect, frozen=True, kw_only=True):
    """For whoever sends passes in the cloud: a family has a new epoch of its pass."""

    KIND: ClassVar[str] = "pass.issued"

    family: Id
    home: Id
    epoch: int
    because: str


class PassRevoked(Effect, frozen=True, kw_only=True):
    """For whoever sends passes in the cloud: an epoch of a family's pass is not good any more."""

    KIND: ClassVar[str] = "pass.revoked"

    family: Id
    home: Id
    epoch: int


@operation("pass.issue", version=1, kind=Kind.CLAIM, needs=Capability.ISSUE_PASS)
class IssuePass(Payload, frozen=True, kw_only=True):
    """A family's first pass, or the next epoch of the one it has.

    Attributes:
        handle: 16 random hex digits, used only where the family has no pass yet.
        issued_s, expires_s: Unix seconds.
        because: `first`; or why the epoch rises: `schedule` (the epoch before stays good for `grace_s`), `kiosk` (one
            that held the keys of codes is lost: printed cards stay good for thirty days), `lost`, `rights` (somebody
            lost the right to it), `revoked`.
    """

    family: Id
    home: Id
    handle: str
    issued_s: int
    expires_s: int
    because: str = "first"
    grace_s: int = GRACE_S

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
    if not is_handle(new.handle) or new.expires_s <= new.issued_s or new.grace_s < 0:
        return refused("pass.shape")
    held = tx.get(Pass, pass_id(op.studio, new.family))
    if held is None:
        tx.put(
            Pass(
                id=pass_id(op.studio, new.family), family=new.family, home=new.home, handle=new.handle, epoch=1,
                issued_s=new.issued_s, expires_s=new.expires_s,
                issues=(Issued(1, new.issued_s, new.expires_s, new.because),),
            )
        )  # fmt: skip
        tx.effect(PassIssued(family=new.family, home=new.home, epoch=1, because=new.because), home=Home.CLOUD)
        return ACCEPTED
    if new.because == "first":
        return DUPLICATE if held.revoked_at_ms is None else refused("pass.revoked")
    epoch = held.epoch + 1
    grace_s = {"schedule": new.grace_s, "kiosk": KIOSK_GRACE_S}.get(new.because, 0)
    issues = (*held.issues, Issued(epoch, new.issued_s, new.expires_s, new.because))[-MOST_ISSUES:]
    tx.put(
        msgspec.structs.replace(
            held, epoch=epoch, issued_s=new.issued_s, expires_s=new.expires_s, issues=issues,
            grace_until_s=new.issued_s + grace_s if grace_s else 0,
            printed_only=new.because == "kiosk",
        )
    )  # fmt: skip
    tx.effect(PassIssued(family=held.family, home=held.home, epoch=epoch, because=new.because), home=Home.CLOUD)
    return ACCEPTED


def is_handle(text: str) -> bool:
    """Whether this is a handle as records keep it: 16 hex digits."""
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
    return revoke(tx, held, RevokedEpoch(op.payload.epoch, op.at.corrected, op.payload.reason))


def revoke(tx: Tx, held: Pass, word: RevokedEpoch) -> Outcome:
    """Revoke a family's pass up to an epoch: here, at devices that do not hold it, and in wallets."""
    revoked = revoked_too(held.revoked, word)
    tx.put(msgspec.structs.replace(held, revoked=revoked))
    if tx.get(PassRevocation, revocation_id(held.handle, word.epoch)) is None:
        tx.effect(PassRevoked(family=held.family, home=held.home, epoch=word.epoch), home=Home.CLOUD)
    return revoke_everywhere(tx, held.handle, revoked, word)


def revoked_too(words: tuple[RevokedEpoch, ...], word: RevokedEpoch) -> tuple[RevokedEpoch, ...]:
    """The revocations with one more: a set, in one order."""
    return tuple(sorted({*words, word}, key=lambda one: (one.epoch, one.at_ms, one.reason)))


def revoke_everywhere(tx: Tx, handle: str, revoked: tuple[RevokedEpoch, ...], word: RevokedEpoch) -> Outcome:
    """Tell devices that do not hold the pass, and say how this word stands among all that were said."""
    id = revocation_id(handle, word.epoch)
    known = tx.get(PassRevocation, id)
    at_ms = word.at_ms if known is None else min(known.at_ms, word.at_ms)
    tx.put(PassRevocation(id=id, handle=handle, epoch=word.epoch, at_ms=at_ms))
    return ACCEPTED if next(one for one in revoked if one.epoch == word.epoch) == word else DUPLICATE


@operation("pass.arm", version=1, kind=Kind.CLAIM, needs=Capability.ISSUE_PASS)
class ArmPass(Payload, frozen=True, kw_only=True):
    """The cloud hands out the key of an epoch's codes (20 bytes in hex), to the devices that hold the family."""

    family: Id
    home: Id
    epoch: int
    key: Annotated[str, about("family")]

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        pass_ = pass_id(op.studio, self.family)
        scope = f"families/{self.home}"
        yield [Key(Pass, pass_, scope), Key(RollingKeys, rolling_keys_id(pass_), scope)]

    def guards(self, op: Operation[Any]) -> tuple[str, ...]:
        return (f"household:{self.family}",)

    def resource(self, tx: Tx, op: Operation[Any]) -> Resource:
        return Resource(self.home)


@handles(ArmPass)
def arm_pass(tx: Tx, op: Operation[ArmPass]) -> Outcome:
    new = op.payload
    if op.author.type != "clock":
        return refused("pass.cloud_only")
    held = tx.get(Pass, pass_id(op.studio, new.family))
    if held is None or held.epoch != new.epoch:
        return refused("pass.unknown")
    if len(new.key) != 2 * KEY_BYTES or new.key.strip("0123456789abcdef"):
        return refused("pass.shape")
    id = rolling_keys_id(held.id)
    known = tx.get(RollingKeys, id)
    if known is not None and known.epoch == new.epoch:
        return DUPLICATE
    graced = known is not None and known.epoch == new.epoch - 1 and held.grace_until_s > 0 and not held.printed_only
    before = known.key if known is not None and graced else ""
    tx.put(
        RollingKeys(
            id=id, family=held.family, home=held.home, handle=held.handle, epoch=new.epoch, key=new.key, before=before
        )
    )
    return ACCEPTED


@operation("keys.notice", version=1, kind=Kind.CLAIM, needs=Capability.MANAGE_STUDIO)
class NoticeKeys(Payload, frozen=True, kw_only=True):
    """The studio's pass keys are now of this version: devices fetch them without waiting for their hour."""

    version: int

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield Key(KeyNotice, key_notice_id(op.studio), "keys")

    def resource(self, tx: Tx, op: Operation[Any]) -> Resource:
        return Resource()


@handles(NoticeKeys)
def notice_keys(tx: Tx, op: Operation[NoticeKeys]) -> Outcome:
    if op.author.type != "clock":
        return refused("pass.cloud_only")
    id = key_notice_id(op.studio)
    known = tx.get(KeyNotice, id)
    if known is not None and known.version >= op.payload.version:
        return DUPLICATE
    tx.put(KeyNotice(id=id, version=op.payload.version))
    return ACCEPTED


@operation("keys.applied", version=1, kind=Kind.FACT, needs=Capability.RECORD_SCAN)
class ApplyRevokedKeys(Payload, frozen=True, kw_only=True):
    """A door took the pass keys of a version and with them a revocation: from now on it takes no text signed with the keys
    of these ids. Nothing changes by it; it is kept for whoever asks which door knew since when."""

    location: Id
    version: int
    revoked: tuple[int, ...]

    def resource(self, tx: Tx, op: Operation[Any]) -> Resource:
        return Resource(self.location)


@handles(ApplyRevokedKeys)
def apply_revoked_keys(tx: Tx, op: Operation[ApplyRevokedKeys]) -> Outcome:
    if op.author.type != "device" or not op.payload.revoked:
        return refused("pass.keys_applied")
    return ACCEPTED
