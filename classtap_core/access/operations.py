"""Staff, grants and devices: who comes, what they may do, and whose word ends."""

from typing import Annotated, Any

import msgspec

from classtap_core.access import rules
from classtap_core.access.blueprints import DEVICE_ROLES, ROLES, Capability, newest
from classtap_core.access.records import Device, DeviceRevocation, Grant, Staff, StaffPin
from classtap_core.access.rules import Place
from classtap_core.kernel.ids import Id
from classtap_core.kernel.operations import Key, Kind, Operation, Payload, Range, Reads, Resource, handles, operation
from classtap_core.kernel.outcomes import ACCEPTED, DUPLICATE, Outcome, refused
from classtap_core.kernel.records import Sensitivity, about
from classtap_core.kernel.tx import Tx


@operation("staff.add", version=1, kind=Kind.CLAIM, needs=Capability.MANAGE_STAFF)
class AddStaff(Payload, frozen=True, kw_only=True):
    """Somebody starts to work here; what they may do is given apart, by `grant.give`."""

    staff: Id
    name: Annotated[str, about("staff")]

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield Key(Staff, self.staff, "studio")


@handles(AddStaff)
def add_staff(tx: Tx, op: Operation[AddStaff]) -> Outcome:
    if tx.get(Staff, op.payload.staff) is not None:
        return refused("staff.exists")
    tx.put(Staff(id=op.payload.staff, name=op.payload.name))
    return ACCEPTED


@operation("staff.set_pin", version=1, kind=Kind.CLAIM, needs=Capability.MANAGE_STAFF)
class SetPin(Payload, frozen=True, kw_only=True):
    """A person's PIN, already hashed (`pins.hash_pin`)."""

    staff: Id
    hash: Annotated[str, about("staff", Sensitivity.SECRET)]

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield [Key(Staff, self.staff, "studio"), Key(StaffPin, self.staff, "pins")]


@handles(SetPin)
def set_pin(tx: Tx, op: Operation[SetPin]) -> Outcome:
    if tx.get(Staff, op.payload.staff) is None:
        return refused("staff.unknown")
    tx.put(StaffPin(id=op.payload.staff, hash=op.payload.hash))
    return ACCEPTED


@operation("staff.open_lock", version=1, kind=Kind.FACT, needs=Capability.MANAGE_STAFF)
class OpenLock(Payload, frozen=True, kw_only=True):
    """Somebody who typed ten wrong PINs on this device may try again: a manager has seen who they are."""

    staff: Id

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield Key(Staff, self.staff, "studio")


@handles(OpenLock)
def open_lock(tx: Tx, op: Operation[OpenLock]) -> Outcome:
    """The count is the device's own; what is kept of this is that it was done, and by whom."""
    return ACCEPTED if tx.get(Staff, op.payload.staff) is not None else refused("staff.unknown")


@operation("grant.give", version=1, kind=Kind.CLAIM, needs=Capability.MANAGE_STAFF)
class GiveGrant(Payload, frozen=True, kw_only=True):
    """Give (or, with `deny`, take away) a role or single capabilities, in one place or all, for a time or for good."""

    grant: Id
    holder: Id
    role: str = ""
    capabilities: tuple[str, ...] = ()
    location: str = ""
    room: str = ""
    class_type: str = ""
    valid_from_ms: int = 0
    valid_to_ms: int = 0
    deny: bool = False
    segment: str = ""
    money: str = ""

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield [
            Key(Staff, self.holder, "studio"),
            Key(Grant, self.grant, "studio"),
            Range(Grant, "by_holder", (op.author.id,), scope="studio"),
        ]

    def resource(self, tx: Tx, op: Operation[Any]) -> Resource:
        return Place(self.location, self.room, self.class_type, self.segment, self.money).resource


@handles(GiveGrant)
def give_grant(tx: Tx, op: Operation[GiveGrant]) -> Outcome:
    given = op.payload
    if tx.get(Staff, given.holder) is None:
        return refused("staff.unknown")
    if tx.get(Grant, given.grant) is not None:
        return refused("grant.exists")
    if given.role and given.role not in ROLES:
        return refused("grant.role_unknown", role=given.role)
    made = Grant(
        id=given.grant, holder=given.holder, role=given.role, location=given.location, room=given.room,
        class_type=given.class_type, capabilities=given.capabilities, valid_from_ms=given.valid_from_ms,
        valid_to_ms=given.valid_to_ms, deny=given.deny, segment=given.segment, money=given.money,
        version=newest(given.role),
    )  # fmt: skip
    if op.author.type == "staff" and not made.deny:
        own = tx.find(Grant, "by_holder", op.author.id)
        beyond = rules.beyond(own, made, at_ms=op.at.corrected)
        if beyond:
            return refused("grant.beyond_own", capability=beyond[0])
    tx.put(made)
    return ACCEPTED


@operation("device.register", version=1, kind=Kind.CLAIM, needs=Capability.PAIR_DEVICE)
class RegisterDevice(Payload, frozen=True, kw_only=True):
    """A device is paired; its tokens are in the directory, its place, role and key here. The key is the cloud's to say."""

    device: Id
    name: str
    role: str
    location: str = ""
    public_key: str = ""
    withheld: tuple[str, ...] = ()

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield Key(Device, self.device, "studio")

    def resource(self, tx: Tx, op: Operation[Any]) -> Resource:
        return Resource(Id(self.location) if self.location else None)


@handles(RegisterDevice)
def register_device(tx: Tx, op: Operation[RegisterDevice]) -> Outcome:
    if op.payload.role not in DEVICE_ROLES:
        return refused("device.role_unknown", role=op.payload.role)
    if tx.get(Device, op.payload.device) is not None:
        return refused("device.exists")
    paired = op.payload
    key = paired.public_key if op.author.type == "clock" else ""
    tx.put(
        Device(
            id=paired.device, name=paired.name, role=paired.role, location=paired.location, public_key=key,
            withheld=paired.withheld,
        )
    )  # fmt: skip
    return ACCEPTED


@operation("device.describe", version=1, kind=Kind.TICK, needs=None)
class DescribeDevice(Payload, frozen=True, kw_only=True):
    """What the directory has of a device, for the others to know: its key, and which of its role's scopes are withheld."""

    device: Id
    public_key: str = ""
    withheld: tuple[str, ...] = ()

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield Key(Device, self.device, "studio")


@handles(DescribeDevice)
def describe_device(tx: Tx, op: Operation[DescribeDevice]) -> Outcome:
    device = tx.get(Device, op.payload.device)
    if device is None:
        return refused("device.unknown")
    told = msgspec.structs.replace(device, public_key=op.payload.public_key, withheld=op.payload.withheld)
    if told == device:
        return DUPLICATE
    tx.put(told)
    return ACCEPTED


@operation("device.revoke", version=1, kind=Kind.FACT, needs=Capability.REVOKE_DEVICE)
class RevokeDevice(Payload, frozen=True, kw_only=True):
    """A device is not to be believed from now on: lost, stolen, retired. Tightening, so it holds at once.

    `purge`: it is to send what it has not sent yet, and then to destroy its store.
    """

    device: Id
    reason: str = ""
    purge: bool = False

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield Key(Device, self.device, "studio")

    def resource(self, tx: Tx, op: Operation[Any]) -> Resource:
        device = tx.get(Device, self.device)
        return Resource(Id(device.location) if device is not None and device.location else None)


@handles(RevokeDevice)
def revoke_device(tx: Tx, op: Operation[RevokeDevice]) -> Outcome:
    device = tx.get(Device, op.payload.device)
    if device is None:
        return refused("device.unknown")
    word = DeviceRevocation(op.at.corrected, op.id, op.author.id, op.payload.reason, op.payload.purge)
    revocations = rules.revoked(device, word)
    tx.put(msgspec.structs.replace(device, revocations=revocations))
    return ACCEPTED if revocations[0] == word else DUPLICATE


@operation("device.purged", version=1, kind=Kind.TICK, needs=None)
class DevicePurged(Payload, frozen=True, kw_only=True):
    """A device told the cloud that it has destroyed its store as ordered. `unsent`: operations that went with it."""

    device: Id
    order: Id
    unsent: int = 0

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield Key(Device, self.device, "studio")


@handles(DevicePurged)
def device_purged(tx: Tx, op: Operation[DevicePurged]) -> Outcome:
    device = tx.get(Device, op.payload.device)
    if device is None:
        return refused("device.unknown")
    tx.put(msgspec.structs.replace(device, purged_at_ms=op.at.corrected))
    return ACCEPTED
