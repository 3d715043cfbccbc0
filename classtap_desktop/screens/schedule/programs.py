"""Forms of programs: dated sessions that are booked together, planned, described anew, called off."""

from __future__ import annotations

from classtap_core.kernel.ids import Id, derived
from classtap_core.kernel.operations import Payload
from classtap_core.schedule.offer_operations import CancelProgram, EditProgram, PlanProgram, ProgramFacts
from classtap_core.schedule.operations import Planned
from classtap_core.schedule.records import Program
from classtap_desktop.screens.entries import Field, Values
from classtap_desktop.screens.schedule import planning
from classtap_desktop.screens.schedule.planning import REASONS
from classtap_desktop.screens.sheet import Group, Sheet, Written
from classtap_desktop.screens.studio.places import equipment, local
from classtap_desktop.screens.studio.reading import Known


def program_sheet(known: Known, id: Id) -> Sheet:
    """Dated sessions that are booked together."""

    def said(written: Written) -> list[Payload]:
        room, class_type, facts = planning.room_of(known, written), Id(written.text("class_type")), _facts(written)
        items = tuple(
            Planned(
                session=derived("session", id, str(at)), class_type=class_type, room=room,
                instructor=Id(written.text("instructor")), start=planning.begins(one),
                duration_min=written.number("duration", least=1), capacity=facts.capacity,
                overbook=written.number("overbook"), equipment=equipment(written.many["equipment"]),
            )
            for at, one in enumerate(written.many["dates"])
        )  # fmt: skip
        return [
            PlanProgram(
                program=id, location=known.rooms[room].location, name=facts.name, class_type=class_type,
                capacity=facts.capacity, items=items, description=facts.description, tags=facts.tags,
                opens=facts.opens, closes=facts.closes, despite=written.despite,
            )
        ]  # fmt: skip

    name, *rest = _fields()
    groups = {
        "program": Group(
            fields=(name, *planning.who_where(known), *planning.measures(), *rest), values=planning.starting_from(known)
        ),
        "dates": Group(
            fields=planning.when(), values=[{"date": known.today}], heading="desk.plan.dates", more="desk.plan.more_dates"
        ),
        "equipment": planning.things_of(),
    }  # fmt: skip
    return Sheet(id=id, title="desk.plan.new_program", groups=groups, said=said, ways=planning.ways_in(known))


def held_sheet(known: Known, id: Id) -> Sheet:
    """A program that is there: what is said of it, or all of it called off. Its sessions change in the schedule."""
    program = known.programs[id]
    base = ProgramFacts(
        name=program.name, capacity=program.capacity, description=program.description, tags=program.tags,
        opens=program.opens, closes=program.closes,
    )  # fmt: skip

    def said(written: Written) -> list[Payload]:
        if written.flag("cancel"):
            return [CancelProgram(program=id, reason=written.text("reason"), sessions=program.sessions)]
        wanted = _facts(written)
        return [EditProgram(program=id, base=base, wanted=wanted)] if wanted != base else []

    name, *rest = _fields()
    fields = (name, planning.measures()[1], *rest)
    off = (
        Field("cancel", "desk.plan.cancel_program", 3, flag=True), Field("reason", "desk.plan.why", 3, choices=REASONS),
    )  # fmt: skip
    groups = {
        "program": Group(fields=fields, values=_shown(program)),
        "why": Group(fields=off, values={}, heading="desk.plan.called_off", note="desk.plan.cancel_note"),
    }
    return Sheet(id=id, title="desk.studio.subject.programs", groups=groups, said=said)


def _fields() -> tuple[Field, ...]:
    return (
        Field("name", "desk.studio.name", 3), Field("description", "desk.studio.description", 6, tall=True),
        Field("tags", "desk.studio.tags", 2, hint="desk.studio.commas"),
        Field("opens", "desk.plan.opens", 2, hint="desk.studio.local_hint"),
        Field("closes", "desk.plan.closes", 2, hint="desk.studio.local_hint"),
    )  # fmt: skip


def _shown(program: Program) -> Values:
    return {
        "name": program.name, "capacity": str(program.capacity), "description": program.description,
        "tags": ", ".join(program.tags), "opens": program.opens.replace("T", " "),
        "closes": program.closes.replace("T", " "),
    }  # fmt: skip


def _facts(written: Written) -> ProgramFacts:
    return ProgramFacts(
        name=written.name(), capacity=written.number("capacity"), description=written.text("description"),
        tags=written.words("tags"), opens=local(written.text("opens")), closes=local(written.text("closes")),
    )  # fmt: skip
