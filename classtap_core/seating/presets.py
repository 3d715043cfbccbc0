"""The organisation's own templates: saved on any desk, used at every location."""

from typing import Any

from classtap_core.access.blueprints import Capability
from classtap_core.kernel.errors import BadInput
from classtap_core.kernel.operations import Key, Kind, Operation, Payload, Reads, handles, operation
from classtap_core.kernel.outcomes import ACCEPTED, DUPLICATE, Outcome, refused
from classtap_core.kernel.tx import Tx
from classtap_core.seating import rules
from classtap_core.seating.formats.native import read_json
from classtap_core.seating.records import SeatPreset, preset_id
from classtap_core.seating.templates import read_template

SCOPE = "seatpresets"
SAVED, REMOVED = "saved", "removed"


class _OfPreset(Payload, frozen=True, kw_only=True):
    name: str
    base: str = ""

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield Key(SeatPreset, preset_id(op.studio, self.name), SCOPE)


@operation("seatpreset.save", version=1, kind=Kind.EDIT, needs=Capability.EDIT_SEATMAP)
class SavePreset(_OfPreset, frozen=True, kw_only=True):
    """Save a template under a name of its own. `base`: the revision it was opened at; "" for a new name.

    Attributes:
        template: JSON, as `templates.read_template` reads it.
    """

    template: str


@handles(SavePreset)
def save_preset(tx: Tx, op: Operation[SavePreset]) -> Outcome:
    new = op.payload
    try:
        template = read_template(read_json(new.template.encode()))
    except BadInput as bad:
        return refused(bad.code, **bad.params)
    trouble = rules.preset_trouble(template)
    if trouble:
        return refused(trouble)
    if template.name != new.name:
        return refused("seatpreset.name_other")
    id = preset_id(op.studio, new.name)
    standing = tx.get(SeatPreset, id)
    if standing is not None and standing.state == SAVED and standing.revision not in (op.id, new.base):
        return refused("seatpreset.name_taken", name=standing.name)
    tx.put(
        SeatPreset(
            id=id, name=new.name, modality=template.modality.value, template=new.template, editor=op.author.id,
            revision=op.id, saved_ms=op.at.corrected,
        )
    )  # fmt: skip
    return ACCEPTED


@operation("seatpreset.remove", version=1, kind=Kind.EDIT, needs=Capability.EDIT_SEATMAP)
class RemovePreset(_OfPreset, frozen=True, kw_only=True):
    """Take a preset out of the library; maps laid out from it stay."""


@handles(RemovePreset)
def remove_preset(tx: Tx, op: Operation[RemovePreset]) -> Outcome:
    standing = tx.get(SeatPreset, preset_id(op.studio, op.payload.name))
    if standing is None:
        return refused("seatpreset.unknown")
    if standing.state == REMOVED:
        return DUPLICATE
    if standing.revision != op.payload.base:
        return refused("seatpreset.moved")
    tx.put(
        SeatPreset(
            id=standing.id, name=standing.name, modality=standing.modality, template=standing.template,
            editor=op.author.id, revision=op.id, saved_ms=op.at.corrected, state=REMOVED,
        )
    )  # fmt: skip
    return ACCEPTED
