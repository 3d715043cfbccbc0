"""Forms of the timetable: planned once or again and again, changed, taught by somebody else, called off."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from classtap_core.booking.rescheduling import ChangeSession
from classtap_core.checkin.reading import fetch, search
from classtap_core.kernel.errors import BadInput
from classtap_core.kernel.ids import Id
from classtap_core.kernel.operations import Payload
from classtap_core.kernel.outcomes import Outcome
from classtap_core.schedule.offer_operations import CancelProgram
from classtap_core.schedule.operations import AddSessions, CancelSession, Planned
from classtap_core.schedule.records import Equipment, Program, Series, Session
from classtap_core.schedule.series import Change, sessions_from
from classtap_core.schedule.series_operations import EndSeries, PlanSeries, Substitute
from classtap_core.timekeeping.rules import parse_date
from classtap_desktop.kit import theme
from classtap_desktop.screens.entries import Field, Value, Values
from classtap_desktop.screens.schedule import repeating
from classtap_desktop.screens.sheet import Group, Sheet, Written, number
from classtap_desktop.screens.studio.places import EQUIPMENT, equipment, of_equipment
from classtap_desktop.screens.studio.reading import Known, read_known
from classtap_desktop.source import DeskSource

THIS, FOLLOWING, ALL, PROGRAM = "this", "following", "all", "program"
WHY = ("ill", "weather", "too_few", "room", "holiday", "other")
REASONS = tuple((one, f"desk.plan.why.{one}") for one in WHY)


class Planning(NamedTuple):
    """A session with what belongs to it. `later`: those of its series that its instructor teaches from it on."""

    known: Known
    session: Session
    series: Series | None
    program: Program | None
    later: tuple[Session, ...]


def read_planning(source: DeskSource, session: Id) -> Planning | None:
    """Return what a session's forms show; None where it is not here."""
    reader, known = source.reader, read_known(source)
    held = fetch(reader, Session, [session]).get(session)
    if held is None:
        return None
    later: tuple[Session, ...] = (held,)
    if held.series:
        there = search(reader, Session, "by_location_date", held.location, low=held.date, high="9999-12-31")
        later = tuple(
            one for one in there
            if one.series == held.series and one.instructor == held.instructor and one.state == "open"
        )  # fmt: skip
    series = known.series.get(Id(held.series)) if held.series else None
    program = known.programs.get(Id(held.program)) if held.program else None
    return Planning(known, held, series, program, later)


def plan_sheet(known: Known, id: Id) -> Sheet:
    """One session, or a series of them with starts left out."""

    def said(written: Written) -> list[Payload]:
        start = begins(written.one)
        room = room_of(known, written)
        common = {
            "class_type": Id(written.text("class_type")), "instructor": Id(written.text("instructor")), "start": start,
            "duration_min": written.number("duration", least=1), "capacity": written.number("capacity"),
            "overbook": written.number("overbook"), "equipment": equipment(written.many["equipment"]),
        }  # fmt: skip
        location = known.rooms[room].location
        if written.text("repeat") == repeating.ONCE:
            items = (Planned(session=id, room=room, **common),)  # type: ignore[arg-type]
            return [AddSessions(location=location, items=items, despite=written.despite)]
        again = repeating.said(written, start[11:])
        return [
            PlanSeries(
                series=id, location=location, room=room, rule=again.rule, skip=again.skip, extra=again.extra,
                despite=written.despite, **common,  # type: ignore[arg-type]
            )
        ]  # fmt: skip

    groups = {
        "session": Group(fields=fields_of(known), values=starting_from(known)),
        "again": repeating.group(),
        "equipment": things_of(),
    }
    return Sheet(id=id, title="desk.plan.new", groups=groups, said=said, ways=ways_in(known))


def change_sheet(found: Planning) -> Sheet:
    """A session that belongs to no series, otherwise."""
    known, session = found.known, found.session
    before = held(session)

    def said(written: Written) -> list[Payload]:
        change = change_of(known, written, before, session.equipment)
        if change == Change():
            return []
        return [ChangeSession(session=session.id, change=change, despite=written.despite)]

    groups = {
        "session": Group(fields=fields_of(known), values=before),
        "equipment": things_of(session.equipment),
    }  # fmt: skip
    return Sheet(id=session.id, title="desk.plan.change", groups=groups, said=said, ways=ways_in(known))


def held(session: Session) -> Values:
    """A session as its fields show it."""
    return {
        "class_type": session.class_type, "room": session.room, "instructor": session.instructor,
        "date": session.start[:10], "clock": session.start[11:], "duration": str(session.duration_min),
        "capacity": str(session.capacity), "overbook": str(session.overbook),
    }  # fmt: skip


def change_of(known: Known, written: Written, before: Values, equipped: tuple[Equipment, ...]) -> Change:
    """What fields say otherwise than they did; the start is that of the session they are of."""
    wanted = {name: written.text(name) for name in before}
    things = equipment(written.many["equipment"])

    def other(name: str) -> bool:
        return wanted[name] != before[name]

    return Change(
        start=begins(written.one) if other("date") or other("clock") else None,
        class_type=Id(wanted["class_type"]) if other("class_type") else None,
        room=room_of(known, written) if other("room") else None,
        instructor=Id(wanted["instructor"]) if other("instructor") else None,
        duration_min=number(wanted["duration"], least=1) if other("duration") else None,
        capacity=number(wanted["capacity"]) if other("capacity") else None,
        overbook=number(wanted["overbook"]) if other("overbook") else None,
        equipment=things if things != equipped else None,
    )  # fmt: skip


def substitute_sheet(found: Planning) -> Sheet:
    """Somebody else teaches a session, and as many of the later ones of its series as are ticked."""
    session, words = found.session, theme().words

    def said(written: Written) -> list[Payload]:
        sessions = written.ids("sessions") or (session.id,)
        return [
            Substitute(
                location=session.location, sessions=sessions, instructor=Id(written.text("instructor")),
                despite=written.despite,
            )
        ]  # fmt: skip

    things = tuple(
        (one.id, f"{words.date(parse_date(one.date), style='long')} · {one.start[11:]}") for one in found.later
    )
    fields: tuple[Field, ...] = (
        Field("instructor", "desk.plan.stand_in", 6, things=found.known.instructor_choices()),
        Field("sessions", "desk.plan.of_sessions", 6, things=things, several=True),
    )  # fmt: skip
    values: Values = {"instructor": session.covers or session.instructor, "sessions": session.id}
    groups = {"who": Group(fields=fields, values=values)}
    return Sheet(id=session.id, title="desk.plan.substitute", groups=groups, said=said, ways=ways_in(found.known))


def cancel_sheet(found: Planning) -> Sheet:
    """A session does not take place; or it and all that follow, or the whole program."""
    session, series, program = found.session, found.series, found.program
    which = [THIS, *([FOLLOWING] if series is not None and session.original else []), *([PROGRAM] if program else [])]

    def said(written: Written) -> list[Payload]:
        reason, chosen = written.text("reason"), written.text("which") or THIS
        if chosen == FOLLOWING and series is not None:
            sessions = sessions_from(series, session.original)
            return [EndSeries(series=series.id, original=session.original, reason=reason, sessions=sessions)]
        if chosen == PROGRAM and program is not None:
            return [CancelProgram(program=program.id, reason=reason, sessions=program.sessions)]
        return [CancelSession(session=session.id, reason=reason)]

    fields = (Field("reason", "desk.plan.why", 3, choices=REASONS), *((which_of(*which),) if len(which) > 1 else ()))
    group = Group(fields=fields, values={}, note="desk.plan.cancel_note")
    return Sheet(id=session.id, title="desk.plan.cancel", groups={"why": group}, said=said)


def things_of(equipped: tuple[Equipment, ...] = ()) -> Group:
    """What a session takes with it."""
    return Group(
        fields=EQUIPMENT, values=of_equipment(equipped), heading="desk.studio.equipment", more="desk.studio.more_stock"
    )


def fields_of(known: Known) -> tuple[Field, ...]:
    return (*who_where(known), *when(), *measures())


def who_where(known: Known) -> tuple[Field, ...]:
    return (
        Field("class_type", "desk.studio.class", 3, things=known.class_choices()),
        Field("room", "desk.plan.room", 3, things=known.room_choices()),
        Field("instructor", "desk.plan.instructor", 3, things=known.instructor_choices()),
    )


def when() -> tuple[Field, ...]:
    return (
        Field("date", "desk.plan.date", 3, hint="desk.form.date_hint"),
        Field("clock", "desk.plan.clock", 3, hint="desk.studio.clock_hint"),
    )


def measures() -> tuple[Field, ...]:
    return (
        Field("duration", "desk.plan.duration", 3), Field("capacity", "desk.studio.capacity", 3),
        Field("overbook", "desk.plan.overbook", 3),
    )  # fmt: skip


def which_of(*which: str) -> Field:
    return Field("which", "desk.plan.which", 3, choices=tuple((one, f"desk.plan.which.{one}") for one in which))


def starting_from(known: Known) -> Values:
    """What a new plan starts from: a room of this house, an hour, ten places."""
    room = next((id for id, _ in known.room_choices(known.here)), "")
    places = known.rooms[Id(room)].capacity if room else 10
    return {"room": room, "date": known.today, "duration": "45", "capacity": str(places), "overbook": "0"}


def room_of(known: Known, written: Written) -> Id:
    room = Id(written.text("room"))
    if room not in known.rooms:
        raise BadInput("form.need_room")
    return room


def begins(values: Mapping[str, Value]) -> str:
    hours, _, minutes = str(values.get("clock", "")).strip().partition(":")
    return f"{day_of(str(values.get('date', '')))}T{hours.zfill(2)}:{minutes.zfill(2)}"


def day_of(text: str) -> str:
    return parse_date(text.strip()).isoformat()


def ways_in(known: Known) -> Callable[[Outcome, Written], list[tuple[str, dict[str, str]]]]:
    """Ways round in words, and the fields that each would change."""

    def ways(refused: Outcome, written: Written) -> list[tuple[str, dict[str, str]]]:
        words = theme().words
        found: list[tuple[str, dict[str, str]]] = []
        for way in refused.alternatives:
            what, start = str(way["what"]), str(way["start"])
            room, teacher = known.rooms.get(Id(str(way["room"]))), known.instructors.get(Id(str(way["instructor"])))
            if what == "room" and room is not None:
                found.append((words.say("desk.plan.way.room", name=room.name), {"room": room.id}))
            elif what == "instructor" and teacher is not None:
                found.append((words.say("desk.plan.way.instructor", name=teacher.name), {"instructor": teacher.id}))
            elif what in ("time", "day"):
                shown = words.date(parse_date(start[:10]), style="short") if what == "day" else start[11:16]
                later = repeating.later(written, begins(written.one), int(str(way["minutes"])))
                found.append((words.say("desk.plan.way.time", time=shown), later))
        return found

    return ways
