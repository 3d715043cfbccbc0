"""A studio says what it asks of who books."""

from typing import Any

from classtap_core.access.blueprints import FRONT_DESK, MANAGER, OWNER, Capability
from classtap_core.booking import fields
from classtap_core.booking.fields import CustomField
from classtap_core.kernel.errors import BadInput
from classtap_core.kernel.ids import Id
from classtap_core.kernel.operations import Key, Kind, Operation, Payload, Reads, handles, operation
from classtap_core.kernel.outcomes import ACCEPTED, Outcome, refused
from classtap_core.kernel.tx import Tx
from classtap_core.schedule.reach import Reach, named


@operation("field.publish", version=1, kind=Kind.PUBLISH, needs=Capability.PUBLISH_POLICY)
class PublishField(Payload, frozen=True, kw_only=True):
    """A custom field, written over the version its author saw (`head`; 0 for the first). Attributes as in the record."""

    field: Id
    head: int
    label: str
    kind: str
    choices: tuple[str, ...] = ()
    required: bool = False
    reach: tuple[Reach, ...] = ()
    seen_by: tuple[str, ...] = (OWNER, MANAGER, FRONT_DESK)
    state: str = "open"

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield [Key(CustomField, self.field, "studio"), *named(self.reach)]

    def guards(self, op: Operation[Any]) -> tuple[str, ...]:
        return (f"field:{self.field}",)


@handles(PublishField)
def publish_field(tx: Tx, op: Operation[PublishField]) -> Outcome:
    said = op.payload
    standing = tx.get(CustomField, said.field)
    head = 0 if standing is None else standing.version
    if said.head != head:
        return refused("field.head_moved", head=head)
    if standing is not None and standing.kind != said.kind:
        return refused("field.kind")
    field = CustomField(
        id=said.field, label=said.label, kind=said.kind, version=head + 1, choices=said.choices, required=said.required,
        reach=said.reach, seen_by=said.seen_by, state=said.state,
    )  # fmt: skip
    try:
        fields.check(field)
    except BadInput as bad:
        return refused(bad.code)
    if any(tx.get(key.record, key.id) is None for key in named(said.reach)):
        return refused("field.reach")
    tx.put(field)
    return ACCEPTED
