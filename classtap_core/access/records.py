"""Staff, their PINs, the grants they act under, and the studio's devices."""

from typing import Annotated, ClassVar

import msgspec

from classtap_core.kernel.ids import Id
from classtap_core.kernel.records import Index, Record, Sensitivity, about


class Staff(Record, frozen=True, kw_only=True):
    """Somebody who works here."""

    KIND: ClassVar[str] = "staff"
    PREFIX: ClassVar[str] = "studio"
    SEARCH: ClassVar[tuple[str, ...]] = ("name",)

    name: Annotated[str, about("id")]


class StaffPin(Record, frozen=True, kw_only=True):
    """The hash of a person's PIN, under the person's own id. See `pins.py`."""

    KIND: ClassVar[str] = "staff_pin"
    PREFIX: ClassVar[str] = "pins"
    INDEXES: ClassVar[tuple[Index, ...]] = (Index("by_id", ("id",)),)

    hash: Annotated[str, about("id", Sensitivity.SECRET)]


class Grant(Record, frozen=True, kw_only=True):
    """What one holder may do, where and when: one tuple, never mixed with another (ruling 21).

    Attributes:
        holder: the person's id. role: a blueprint's name, or "" where only `capabilities` count.
        capabilities: further capabilities, beside the blueprint's.
        location, room, class_type: where it holds; "" for all there are and will be. segment: for which group of clients;
        money: for which part of the money; "" for all.
        version: of the blueprint it was given by, which it stays at until somebody raises it; 0 for the newest.
        valid_from_ms, valid_to_ms: from, and up to but not including; 0 for an open end.
        deny: takes away instead of giving; beats every grant.
    """

    KIND: ClassVar[str] = "grant"
    PREFIX: ClassVar[str] = "studio"
    INDEXES: ClassVar[tuple[Index, ...]] = (Index("by_holder", ("holder",)), Index("by_role", ("role",)))

    holder: Id
    role: str
    location: str = ""
    room: str = ""
    class_type: str = ""
    capabilities: tuple[str, ...] = ()
    valid_from_ms: int = 0
    valid_to_ms: int = 0
    deny: bool = False
    segment: str = ""
    money: str = ""
    version: int = 0


class DeviceRevocation(msgspec.Struct, frozen=True, omit_defaults=True):
    """One person's word that a device is not to be believed from `at_ms` on. Kept for ever.

    `purge`: and that it is to destroy its store, when it is next heard of.
    """

    at_ms: int
    operation: Id
    by: Id
    reason: str = ""
    purge: bool = False


class Device(Record, frozen=True, kw_only=True):
    """A program that writes: desk, kiosk, or the studio's own cloud device.

    Attributes:
        role: `desk`, `kiosk` or `cloud`. location: where it stands; "" for the whole studio.
        public_key: what its word is checked by, Ed25519 in hex; "" until the cloud has said it.
        withheld: beginnings of scopes (`health`) that it may not hold, although its role does.
        revocations: a set that only grows, in order of time. purged_at_ms: when it said that its store is destroyed.
    """

    KIND: ClassVar[str] = "device"
    PREFIX: ClassVar[str] = "studio"

    name: str
    role: str
    location: str = ""
    public_key: str = ""
    withheld: tuple[str, ...] = ()
    revocations: tuple[DeviceRevocation, ...] = ()
    purged_at_ms: int | None = None

    @property
    def revoked_at_ms(self) -> int | None:
        """From when on it is not believed; None for a device in good standing."""
        return min((revocation.at_ms for revocation in self.revocations), default=None)

    @property
    def purge_order(self) -> Id | None:
        """The operation that first told it to destroy its store."""
        return next((revocation.operation for revocation in self.revocations if revocation.purge), None)
