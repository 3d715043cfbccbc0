"""The public half of the owner's recovery key, for every device of the studio to seal its store's key to."""

from typing import Any, ClassVar

from classtap_core.access.blueprints import Capability
from classtap_core.kernel.ids import Id, derived
from classtap_core.kernel.operations import Key, Kind, Operation, Payload, Reads, handles, operation
from classtap_core.kernel.outcomes import ACCEPTED, DUPLICATE, Outcome, refused
from classtap_core.kernel.records import Record
from classtap_core.kernel.tx import Tx

_HEX = 64


class OwnerKey(Record, frozen=True, kw_only=True):
    """One for a studio, under `OWNER_KEY`. It is no secret: whoever has it can lock, and not open.

    Attributes:
        public: X25519, hex. replaced: the one before, hex; "" for the first. Only a device that is sealed to that one,
        or to nobody, follows by itself.
    """

    KIND: ClassVar[str] = "owner_key"
    PREFIX: ClassVar[str] = "studio"

    public: str
    replaced: str = ""


OWNER_KEY: Id = derived("owner_key")


@operation("studio.owner_key", version=1, kind=Kind.CLAIM, needs=Capability.MANAGE_STUDIO)
class SetOwnerKey(Payload, frozen=True, kw_only=True):
    """Hand the owner's public key to every device. `replaces` names the one there is, so that none goes unseen."""

    public: str
    replaces: str = ""

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield Key(OwnerKey, OWNER_KEY, "studio")


@handles(SetOwnerKey)
def set_owner_key(tx: Tx, op: Operation[SetOwnerKey]) -> Outcome:
    """Refused `owner_key.shape`, `owner_key.there` (another one than `replaces` names)."""
    asked, there = op.payload, tx.get(OwnerKey, OWNER_KEY)
    if len(asked.public) != _HEX or any(one not in "0123456789abcdef" for one in asked.public):
        return refused("owner_key.shape")
    standing = there.public if there is not None else ""
    if standing == asked.public:
        return DUPLICATE
    if standing != asked.replaces:
        return refused("owner_key.there")
    tx.put(OwnerKey(id=OWNER_KEY, public=asked.public, replaced=standing))
    return ACCEPTED
