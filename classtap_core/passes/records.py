"""A family's pass as the studio keeps it, the keys of its codes, and the revocations every device holds."""

from typing import Annotated, ClassVar

import msgspec

from classtap_core.kernel.ids import Id, derived
from classtap_core.kernel.records import Index, Record, about
from classtap_core.passes.ledger import PassState


def pass_id(studio: Id, family: Id) -> Id:
    """A family has one pass; what changes is its epoch (ruling 5)."""
    return derived("pass", studio, family)


def revocation_id(handle: str, epoch: int) -> Id:
    return derived("pass_revocation", handle, str(epoch))


def rolling_keys_id(pass_: Id) -> Id:
    return derived("pass_rolling", pass_)


class Issued(msgspec.Struct, frozen=True, omit_defaults=True):
    """One epoch of a pass: when it was issued and ends (Unix seconds), and why."""

    epoch: int
    issued_s: int
    expires_s: int
    because: str = "first"


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
        printed_only: that grace is for printed cards, not for codes on a screen (a kiosk that held their keys is lost).
        issues: the last epochs, oldest first.
    """

    KIND: ClassVar[str] = "pass"
    PREFIX: ClassVar[str] = "families"
    INDEXES: ClassVar[tuple[Index, ...]] = (
        Index("by_handle", ("handle", "epoch")),
        Index("by_family", ("family",)),
        Index("by_expires", ("expires_s",)),
    )

    family: Id
    home: Id
    handle: str
    epoch: int
    issued_s: int
    expires_s: int
    grace_until_s: int = 0
    revoked: tuple[RevokedEpoch, ...] = ()
    printed_only: bool = False
    issues: tuple[Issued, ...] = ()

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
            rolling_grace=not self.printed_only,
        )


class RollingKeys(Record, frozen=True, kw_only=True):
    """What a device needs to check the codes on a family's screen: the present epoch's key and, in its grace, the last's.

    Keys are 20 bytes in hex, sealed under the family. With them a thief can make codes, and no pass.
    """

    KIND: ClassVar[str] = "pass_rolling"
    PREFIX: ClassVar[str] = "families"
    INDEXES: ClassVar[tuple[Index, ...]] = (Index("by_handle", ("handle", "epoch")),)

    family: Id
    home: Id
    handle: str
    epoch: int
    key: Annotated[str, about("family")]
    before: Annotated[str, about("family")] = ""

    def scope(self) -> str:
        return f"families/{self.home}"

    def key_of(self, epoch: int) -> bytes | None:
        """The key of an epoch; None when it is not here."""
        found = {self.epoch: self.key, self.epoch - 1: self.before}.get(epoch, "")
        return bytes.fromhex(found) if found else None


class PassRevocation(Record, frozen=True, kw_only=True):
    """The same word without the family, for devices that do not hold it."""

    KIND: ClassVar[str] = "pass_revocation"
    PREFIX: ClassVar[str] = "keys"
    INDEXES: ClassVar[tuple[Index, ...]] = (Index("by_handle", ("handle", "epoch")),)

    handle: str
    epoch: int
    at_ms: int


class KeyNotice(Record, frozen=True, kw_only=True):
    """The studio's pass keys changed: whoever holds an older bundle fetches the new one now. There is one a studio."""

    KIND: ClassVar[str] = "pass_key_notice"
    PREFIX: ClassVar[str] = "keys"

    version: int


def key_notice_id(studio: Id) -> Id:
    return derived("pass_key_notice", studio)
