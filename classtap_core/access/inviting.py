"""A device is invited at a desk: whoever shows the code that hashes so, within ten minutes, is that device."""

import re
from typing import Any, ClassVar

from classtap_core.access.blueprints import CLOUD, DEVICE_ROLES, Capability
from classtap_core.kernel.ids import Id, derived
from classtap_core.kernel.operations import Key, Kind, Operation, Payload, Reads, Resource, handles, operation
from classtap_core.kernel.outcomes import ACCEPTED, Outcome, refused
from classtap_core.kernel.records import Record
from classtap_core.kernel.tx import Tx

MINUTES = 10
"""How long a code is good, from when the cloud took it; and how old an asking may be when it gets there."""

_HASH = re.compile(r"[0-9a-f]{64}\Z")


class Invitation(Record, frozen=True, kw_only=True):
    """The newest invitation of one desk. `code` is the SHA-256 of the code (hex); the code itself is only on that screen."""

    KIND: ClassVar[str] = "invitation"
    PREFIX: ClassVar[str] = "studio"

    code: str
    role: str
    location: str
    name: str
    expires_ms: int


def invitation_id(device: Id) -> Id:
    """One for each desk: its next one takes the place of the one before."""
    return derived("invitation", device)


@operation("device.invite", version=1, kind=Kind.CLAIM, needs=Capability.PAIR_DEVICE)
class InviteDevice(Payload, frozen=True, kw_only=True):
    """One device may pair with the code that hashes to `code`, as `role` at `location`; "" for the whole studio."""

    code: str
    role: str
    location: str = ""
    name: str = ""

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield Key(Invitation, invitation_id(op.device), "studio")

    def resource(self, tx: Tx, op: Operation[Any]) -> Resource:
        return Resource(Id(self.location) if self.location else None)


@handles(InviteDevice)
def invite_device(tx: Tx, op: Operation[InviteDevice]) -> Outcome:
    asked = op.payload
    if asked.role not in DEVICE_ROLES or asked.role == CLOUD:
        return refused("device.role_unknown", role=asked.role)
    if not _HASH.match(asked.code):
        return refused("device.invite_code")
    if tx.now > op.at.corrected + MINUTES * 60_000:
        return refused("device.invite_late", minutes=MINUTES)
    tx.put(
        Invitation(
            id=invitation_id(op.device), code=asked.code, role=asked.role, location=asked.location, name=asked.name,
            expires_ms=tx.now + MINUTES * 60_000,
        )
    )  # fmt: skip
    return ACCEPTED
