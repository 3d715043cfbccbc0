"""Who teaches a class, said in the class's own form: instructors who name no class teach all of them."""

from __future__ import annotations

from collections.abc import Collection

from msgspec.structs import replace

from classtap_core.kernel.errors import BadInput
from classtap_core.kernel.ids import Id
from classtap_core.schedule.facts import InstructorFacts
from classtap_core.schedule.offer_operations import EditInstructor
from classtap_core.schedule.records import Instructor
from classtap_desktop.screens.studio.reading import Known


def facts_of(held: Instructor) -> InstructorFacts:
    return InstructorFacts(certifications=held.certifications, teaches=held.teaches, languages=held.languages)


def who(known: Known, class_type: Id) -> list[Id]:
    """The instructors of a class."""
    return [one.id for one in known.instructors.values() if not one.teaches or class_type in one.teaches]


def changed(known: Known, class_type: Id, teach: Collection[Id]) -> list[EditInstructor]:
    """What makes exactly these teach a class. Raises BadInput `form.teaches_nothing` for who would teach none at all."""
    edits = []
    for id in who(known, class_type):
        if id not in teach:
            held = known.instructors[id]
            rest = tuple(one for one in (held.teaches or tuple(known.classes)) if one != class_type)
            if not rest:
                raise BadInput("form.teaches_nothing", name=held.name)
            edits.append(_edit(held, rest))
    for id in teach:
        held = known.instructors[id]
        if held.teaches and class_type not in held.teaches:
            edits.append(_edit(held, (*held.teaches, class_type)))
    return edits


def _edit(held: Instructor, teaches: tuple[Id, ...]) -> EditInstructor:
    base = facts_of(held)
    return EditInstructor(
        instructor=held.id, base_name=held.name, name=held.name, base_bio=held.bio, bio=held.bio,
        base_picture=held.picture, picture=held.picture, base=base, wanted=replace(base, teaches=teaches),
    )  # fmt: skip
