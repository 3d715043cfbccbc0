"""What one device may tell another of the place: facts the cloud has not answered, where nothing they say is too much there."""

from collections.abc import Mapping
from types import MappingProxyType

from classtap_core.access.records import Device
from classtap_core.access.rules import may_be_told
from classtap_core.kernel.device_store import Entry
from classtap_core.kernel.envelope import Envelope, own
from classtap_core.kernel.operations import Registry
from classtap_core.kernel.records import Record, sensitivities

Confided = Mapping[str, tuple[type[Record], ...]]
"""Of a gate, by name: records that a device may not hold, perhaps, and what the gate's word gives away of them."""

NOTHING: Confided = MappingProxyType({})


def may_tell(
    entry: Entry, listener: Device, registry: Registry, confided: Confided = NOTHING, *, alike: bool = False
) -> bool:
    """Whether a device may tell another what it did: whole, as it was signed.

    All that it says, what the gates said of it, and every row it changes may lie there. What counts and changes no row
    (a second mark that says the same) says nothing of where it would lie: it is told where the other is `alike`, which may
    hold whatever this device may. Without it, nobody could bring what comes behind it.
    """
    spec = registry.specs.get(entry.kind)
    if spec is None or not spec.told or entry.answer is not None or not (entry.changes or (alike and entry.folded)):
        return False
    envelope = own(entry.data)
    if len(entry.parts) < len(envelope.payload):  # somebody it speaks of was erased: nobody takes it without their part
        return False
    return (
        may_be_told(listener, spec.payload)
        and {one.value for one in sensitivities(spec.payload)}.isdisjoint(listener.withheld)
        and all(
            may_be_told(listener, registry.records[change.kind], *filter(None, (change.scope, change.left)))
            for change in entry.changes
        )
        and not any(_withheld(listener, record) for record in _given_away(envelope, confided))
    )


def _given_away(envelope: Envelope, confided: Confided) -> set[type[Record]]:
    return {record for said in envelope.gates if said.code for record in confided.get(said.gate, ())}


def _withheld(listener: Device, record: type[Record]) -> bool:
    return record.PREFIX.split("/", 1)[0] in listener.withheld or not may_be_told(listener, record)
