"""A family's pass as the studio keeps it, and the revocations every device holds."""

from typing import ClassVar

import msgspec

from classtap_core.kernel.ids import Id, derived
from classtap_core.kernel.records import Index, Record
from classtap_core.passes.ledger import PassState


def pass_id(studio: Id, family: Id) -> Id:
    """A family has one pass; what changes is its epoch (ruling 5)."""
    return derived("pass", studio, family)


def revocation_id(handle: str, epoch: int) -> Id:
    return derived("pass_revocation", handle, str(epoch))


class RevokedEpoch(msgspec.Struct, frozen=True, omit_defaults=True):
    """From when on (ms) an epoch is not good. A set of these only grows."""

    epoch: int
    at_ms: int
    reason: str = ""


class Pass(Record, frozen=True, kw_only=True):
    """A family's pass. Times are Unix seconds, as in its text, but for revocations.

    Attributes:
        home: the family's location. handle: the random 64-bit number in the text, 16 hex digits.
        grace_until_s: until when the epoch before this one stays good; 0 for not at all.
    """

    KIND: ClassVar[str] = "pass"
    PREFIX: ClassVar[str] = "families"
    INDEXES: ClassVar[tuple[Index, ...]] = (Index("by_handle", ("handle",)), Index("by_family", ("family",)))

    family: Id
    home: Id
    handle: str
    epoch: int
    issued_s: int
    expires_s: int
    grace_until_s: int = 0
    revoked: tuple[RevokedEpoch, ...] = ()

    def scope(self) -> str:
        return f"families/{self.home}"

    @property
    def revoked_at_ms(self) -> int | None:
        """From when on the present epoch is not good; None while it is."""
        return min((word.at_ms for word in self.revoked if word.epoch >= self.epoch), default=None)

    @property
    def state(self) -> PassState:
        """What a verdict needs to know."""
        return PassState(
            active_epoch=self.epoch,
            revoked_through=max((word.epoch for word in self.revoked), default=None),
            grace_until_s=self.grace_until_s or None,
        )


class PassRevocation(Record, frozen=True, kw_only=True):
    """The same word without the family, for devices that do not hold it."""

    KIND: ClassVar[str] = "pass_revocation"
    PREFIX: ClassVar[str] = "keys"
    INDEXES: ClassVar[tuple[Index, ...]] = (Index("by_handle", ("handle", "epoch")),)

    handle: str
    epoch: int
    at_ms: int
