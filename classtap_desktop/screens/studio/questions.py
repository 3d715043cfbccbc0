"""What is asked of who books one class, said in the class's own form."""

from __future__ import annotations

from collections.abc import Sequence

from classtap_core.access.blueprints import FRONT_DESK, MANAGER, OWNER
from classtap_core.booking.field_operations import PublishField
from classtap_core.booking.fields import KINDS, CustomField
from classtap_core.kernel.ids import Id, derived
from classtap_core.schedule.reach import Reach
from classtap_desktop.screens.entries import Field, Values
from classtap_desktop.screens.sheet import Group, words
from classtap_desktop.screens.studio.reading import Known

_FIELDS = (
    Field("label", "desk.studio.question", 3),
    Field("kind", "desk.studio.kind", 3, choices=tuple((one, f"desk.studio.kind.{one}") for one in KINDS)),
    Field("choices", "desk.studio.answers", 3, hint="desk.studio.commas"),
    Field("required", "desk.studio.required", 3, flag=True),
)


def of_class(known: Known, class_type: Id) -> dict[str, CustomField]:
    """The open questions that are asked for this class alone, by what they ask."""
    only = (Reach(class_type=class_type),)
    found = [one for one in known.fields.values() if one.state == "open" and one.reach == only]
    return {one.label: one for one in sorted(found, key=lambda one: (one.label, one.id))}


def group(known: Known, class_type: Id) -> Group:
    values: list[Values] = [
        {"label": one.label, "kind": one.kind, "choices": ", ".join(one.choices), "required": one.required}
        for one in of_class(known, class_type).values()
    ]
    return Group(
        fields=_FIELDS, values=values, heading="desk.studio.subject.fields", note="desk.studio.field_note",
        more="desk.studio.new.fields",
    )  # fmt: skip


def changed(known: Known, class_type: Id, cards: Sequence[Values]) -> list[PublishField]:
    """What makes exactly these questions be asked. One that is gone is closed: its answers stay."""
    standing = of_class(known, class_type)
    said = []
    for card in cards:
        label, kind = str(card["label"]), str(card["kind"])
        before = standing.pop(label, None)
        if before is not None and before.kind != kind:  # another kind is another question
            said.append(_published(before, state="closed"))
            before = None
        id = before.id if before is not None else derived("field", class_type, kind, label)
        known_one = before or known.fields.get(id)
        wanted = PublishField(
            field=id, head=known_one.version if known_one is not None else 0, label=label, kind=kind,
            choices=words(card["choices"]), required=bool(card["required"]), reach=(Reach(class_type=class_type),),
            seen_by=before.seen_by if before is not None else (OWNER, MANAGER, FRONT_DESK),
        )  # fmt: skip
        if before is None or (wanted.choices, wanted.required) != (before.choices, before.required):
            said.append(wanted)
    return [*said, *(_published(one, state="closed") for one in standing.values())]


def _published(held: CustomField, *, state: str) -> PublishField:
    return PublishField(
        field=held.id, head=held.version, label=held.label, kind=held.kind, choices=held.choices,
        required=held.required, reach=held.reach, seen_by=held.seen_by, state=state,
    )  # fmt: skip
