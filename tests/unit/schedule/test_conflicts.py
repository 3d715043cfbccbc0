"""What stands in the way of a session, and ways round it, beside a judge that compares everything with everything."""

from collections.abc import Sequence
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from classtap_core.access.operations import AddStaff, GiveGrant
from classtap_core.kernel.ids import Id
from classtap_core.kernel.outcomes import Status
from classtap_core.schedule import conflicts, rules
from classtap_core.schedule.conflicts import Clash, Premises, Timetable
from classtap_core.schedule.operations import AddInstructor, AddSessions, CancelSession
from classtap_core.schedule.records import (
    Certification,
    ClassType,
    Closure,
    Equipment,
    Hours,
    Instructor,
    Location,
    Room,
    Session,
)
from tests.unit.house.world import (
    BALLET,
    BLUE,
    CLERK,
    DESK,
    MAIN,
    NINE_BALLET,
    NORTH,
    OWNER,
    RED,
    TEACHER,
    YOGA,
    World,
    named,
    planned,
    staff,
)

TINA = named("tina")
PLACE = Location(id=MAIN, name="Main", zone="Europe/Madrid", stock=(Equipment("mat", 10),))
ROOMS = {
    BLUE: Room(id=BLUE, location=MAIN, name="Blue", capacity=10, equipment=(Equipment("mat", 4),)),
    RED: Room(id=RED, location=MAIN, name="Amber", capacity=12),
}
TEACHERS = {
    TEACHER: Instructor(id=TEACHER, name="Tom"),
    TINA: Instructor(id=TINA, name="Tina", certifications=(Certification("first_aid", "2026-01-01", "2026-11-21"),)),
}
PREMISES = Premises(PLACE, ROOMS, TEACHERS, {BALLET: ClassType(id=BALLET, name="Ballet", audience="kids")})


def session(
    id: str, start: str = "2026-11-21T09:00", *, room: str = BLUE, teacher: str = TEACHER, minutes: int = 45,
    location: str = MAIN, mats: int = 0,
) -> Session:  # fmt: skip
    made = rules.planned(
        named(id), class_type=BALLET, location=location, room=room, instructor=teacher, start=start,  # type: ignore[arg-type]
        zone="Europe/Madrid", duration_min=minutes, capacity=8,
    )  # fmt: skip
    return replace(made, equipment=(Equipment("mat", mats),) if mats else ())


def codes(found: Sequence[Clash]) -> list[str]:
    return [clash.code for clash in found]


def judge(wanted: Session, *others: Session, premises: Premises = PREMISES) -> list[str]:
    return codes(conflicts.judged(wanted, Timetable(others), premises))


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        (session("b", room=RED, teacher=TINA), []),
        (session("b", teacher=TINA), ["conflict.room"]),
        (session("b", room=RED), ["conflict.instructor"]),
        (session("b"), ["conflict.room", "conflict.instructor"]),
        (session("b", "2026-11-21T09:45"), []),
        (session("b", "2026-11-21T08:15"), []),
        (session("b", "2026-11-21T09:44"), ["conflict.room", "conflict.instructor"]),
        (session("b", "2026-11-20T23:00", minutes=11 * 60), ["conflict.room", "conflict.instructor"]),
        (session("a"), []),
        (replace(session("b"), state="cancelled"), []),
    ],
)
def test_two_sessions_in_one_room_or_with_one_teacher(other: Session, expected: list[str]) -> None:
    assert judge(session("a"), other) == expected


def test_a_conflict_elsewhere_says_only_that_there_is_one() -> None:
    (clash,) = conflicts.judged(session("a"), Timetable([session("b", location=NORTH, room="attic")]), PREMISES)
    assert clash == Clash(conflicts.INSTRUCTOR, {})
    (near,) = conflicts.judged(session("a"), Timetable([session("b", room=RED)]), PREMISES)
    assert near.params == {"session": named("b")}


def test_hours_closures_and_the_size_of_a_room() -> None:
    shut = PREMISES._replace(
        closures=(Closure(id=named("c"), location=MAIN, first="2026-11-21T00:00", last="2026-11-22T00:00"),)
    )
    assert judge(session("a"), premises=shut) == ["conflict.closed"]
    late = PREMISES._replace(location=replace(PLACE, hours=(Hours(5, "10:00", "20:00"),)))
    assert judge(session("a"), premises=late) == ["conflict.hours"]
    assert judge(replace(session("a"), capacity=10, overbook=0)) == []
    assert judge(replace(session("a"), capacity=10, overbook=1)) == ["conflict.capacity"]


def test_who_may_teach() -> None:
    """A certificate counts on its last day, and not on the day after."""
    first_aid = PREMISES._replace(
        class_types={BALLET: ClassType(id=BALLET, name="B", audience="kids", certifications=("first_aid",))}
    )
    assert judge(session("a", teacher=TINA), premises=first_aid) == []
    assert judge(session("a", "2026-11-22T09:00", teacher=TINA), premises=first_aid) == ["conflict.certification"]
    assert judge(session("a", "2025-12-31T09:00", teacher=TINA), premises=first_aid) == ["conflict.certification"]
    assert judge(session("a"), premises=first_aid) == ["conflict.certification"]
    only = PREMISES._replace(instructors={TEACHER: Instructor(id=TEACHER, name="Tom", teaches=(named("yoga"),))})
    assert judge(session("a"), premises=only) == ["conflict.not_taught"]


@pytest.mark.parametrize(
    ("mats", "others", "short"),
    [
        (14, (), None),
        (15, (), 1),
        (9, (session("b", room=RED, teacher=TINA, mats=5),), None),
        (10, (session("b", room=RED, teacher=TINA, mats=5),), 1),
        (9, (session("b", "2026-11-21T08:30", minutes=45, room=RED, teacher=TINA, mats=5),
             session("c", "2026-11-21T09:15", minutes=45, room=RED, teacher=TINA, mats=5)), None),
        (9, (session("b", "2026-11-21T08:30", minutes=46, room=RED, teacher=TINA, mats=5),
             session("c", "2026-11-21T09:15", minutes=45, room="attic", teacher=TINA, mats=5)), 5),
    ],
)  # fmt: skip
def test_mats_are_counted_moment_by_moment(mats: int, others: tuple[Session, ...], short: int | None) -> None:
    """Blue has 4 of its own and the house lends 10: what the room has counts first."""
    found = conflicts.judged(session("a", mats=mats), Timetable(others), PREMISES)
    assert found == (() if short is None else (Clash(conflicts.EQUIPMENT, {"kind": "mat", "short": short}),))


def test_three_ways_round_each_of_which_works() -> None:
    wanted = session("a")
    timetable = Timetable([session("b")])
    ways = conflicts.ways_round([wanted], timetable, PREMISES, days=False)
    assert [(way.what, way.room, way.instructor, way.start) for way in ways] == [
        ("time", BLUE, TEACHER, "2026-11-21T09:45"),
        ("time", BLUE, TEACHER, "2026-11-21T08:15"),
        ("time", BLUE, TEACHER, "2026-11-21T10:00"),
    ]
    timetable = Timetable([session("b", teacher=TINA)])
    ways = conflicts.ways_round([wanted], timetable, PREMISES)
    assert [(way.what, way.room, way.start) for way in ways] == [
        ("room", RED, "2026-11-21T09:00"), ("time", BLUE, "2026-11-21T09:45"), ("day", BLUE, "2026-11-22T09:00"),
    ]  # fmt: skip
    taught = Timetable([session("b", room=RED)])
    assert conflicts.ways_round([wanted], taught, PREMISES)[1].instructor == TINA


def test_a_way_round_a_series_works_for_every_one_of_them() -> None:
    weekly = [session(f"a{week}", f"2026-{month}T09:00") for week, month in enumerate(("11-21", "11-28", "12-05"))]
    there = [session("b"), session("c", "2026-12-05T09:45")]
    assert conflicts.ways_round(weekly, Timetable(there), PREMISES)[0].start == "2026-11-21T08:15"


_CLOCKS = st.integers(0, 30).map(lambda step: f"2026-11-21T{8 + step // 4:02}:{step % 4 * 15:02}")
_SESSIONS = st.lists(
    st.tuples(
        _CLOCKS, st.sampled_from([BLUE, RED]), st.sampled_from([TEACHER, TINA]), st.sampled_from([15, 45, 90, 720])
    ),
    max_size=12,
)


@settings(max_examples=200, deadline=None)
@given(_SESSIONS)
def test_the_timetable_finds_what_comparing_all_pairs_finds(drawn: list[tuple[str, str, str, int]]) -> None:
    made = [session(f"s{n}", start, room=room, teacher=teacher, minutes=minutes)
            for n, (start, room, teacher, minutes) in enumerate(drawn)]  # fmt: skip
    found = conflicts.judged_all(made, Timetable(), PREMISES)
    pairs = [(one, other) for one, other in combinations(made, 2) if rules.share_time(one, other)]
    rooms = sum(one.room == other.room for one, other in pairs)
    teachers = sum(one.instructor == other.instructor for one, other in pairs)
    assert codes([clash for clashes in found for clash in clashes]).count(conflicts.ROOM) == rooms
    assert codes([clash for clashes in found for clash in clashes]).count(conflicts.INSTRUCTOR) == teachers


@settings(max_examples=60, deadline=None)
@given(_SESSIONS)
def test_no_way_round_clashes(drawn: list[tuple[str, str, str, int]]) -> None:
    made = [session(f"s{n}", start, room=room, teacher=teacher, minutes=minutes)
            for n, (start, room, teacher, minutes) in enumerate(drawn)]  # fmt: skip
    wanted, timetable = session("wanted"), Timetable(made)
    for way in conflicts.ways_round([wanted], timetable, PREMISES):
        moved = replace(wanted, room=way.room, instructor=way.instructor, start=way.start, date=way.start[:10])
        assert conflicts.judged(moved, timetable, PREMISES) == ()


# -- through the door


def test_a_clash_is_refused_with_ways_round_and_nothing_is_planned() -> None:
    world = World()
    world.say(AddInstructor(instructor=TINA, name="Tina"))
    wanted = (planned(named("n"), "2026-11-21T18:15"), planned(named("m"), "2026-11-21T20:00"))
    outcome = world.say(AddSessions(location=MAIN, items=wanted)).link.outcome
    assert outcome.status is Status.REFUSED
    assert [one.code for one in outcome.reasons] == ["conflict.room", "conflict.instructor"]
    assert [item.reasons[0].code for item in outcome.items] == ["conflict.room", "session.with_others"]
    assert [(way["what"], way["start"][11:]) for way in outcome.alternatives] == [  # type: ignore[index]
        ("time", "18:45"), ("time", "19:00"), ("time", "19:15"),
    ]  # fmt: skip
    again = world.say(AddSessions(location=MAIN, items=wanted, despite=("conflict.room",))).link.outcome
    assert [one.code for one in again.reasons] == ["conflict.instructor"]
    both = ("conflict.room", "conflict.instructor")
    assert world.say(AddSessions(location=MAIN, items=wanted, despite=both)).link.outcome.status is Status.ACCEPTED


def test_what_somebody_may_not_see_is_only_unavailable() -> None:
    """A manager of yoga meets ballet in the same room: not which class, not whose, and no planning despite it."""
    world, boss = World(), named("boss of yoga")
    world.say(AddStaff(staff=boss, name="Bo"))
    world.say(GiveGrant(grant=named("yoga only"), holder=boss, role="manager", location=MAIN, class_type=YOGA))
    wanted = planned(named("new"), "2026-11-21T09:00", kind=YOGA)
    for despite in ((), ("conflict.unavailable", "conflict.room", "conflict.instructor")):
        plan = AddSessions(location=MAIN, items=(wanted,), despite=despite)
        outcome = world.say(plan, staff(boss)).link.outcome
        assert [(one.code, one.params) for one in outcome.reasons][:1] == [("conflict.unavailable", {})]
        assert NINE_BALLET not in repr(outcome)
        assert outcome.alternatives
    seen = world.say(AddSessions(location=MAIN, items=(wanted,)), staff(OWNER)).link.outcome
    assert ("conflict.room", {"session": NINE_BALLET}) in [(one.code, one.params) for one in seen.reasons]


def test_another_teacher_is_offered_only_where_they_are_free_anywhere() -> None:
    world = World()
    world.say(AddInstructor(instructor=TINA, name="Tina"))
    wanted = (planned(named("n"), "2026-11-21T18:15", room=RED),)
    ways = world.say(AddSessions(location=MAIN, items=wanted)).link.outcome.alternatives
    assert [(way["what"], way["instructor"]) for way in ways][1] == ("instructor", TINA)
    elsewhere = world.say(AddSessions(location=MAIN, items=(
        replace(planned(named("t"), "2026-11-21T18:30"), instructor=TINA),), despite=("conflict.room",)))  # fmt: skip
    assert elsewhere.link.outcome.status is Status.ACCEPTED
    ways = world.say(AddSessions(location=MAIN, items=wanted)).link.outcome.alternatives
    assert TINA not in {way["instructor"] for way in ways}


def test_what_is_called_off_is_in_nobody_s_way() -> None:
    world = World()
    world.say(CancelSession(session=named("evening"), reason="ill"))
    outcome = world.say(AddSessions(location=MAIN, items=(planned(named("n"), "2026-11-21T18:15"),))).link.outcome
    assert outcome.status is Status.ACCEPTED


def test_a_desk_of_one_location_lets_the_cloud_decide() -> None:
    world = World()
    desk = world.join(DESK, role="desk")
    wanted = AddSessions(location=MAIN, items=(planned(named("n"), "2026-11-21T20:15"),))
    assert desk.bus.submit(wanted, staff(CLERK)).outcome.status is Status.REFUSED
    assert desk.bus.submit(wanted, staff(OWNER)).outcome.status is Status.WAITING
    world.sync()
    assert world.cloud.ledgers[-1].link.outcome.status is Status.ACCEPTED


def test_a_session_without_anybody_to_teach_it_and_one_called_off() -> None:
    alone = replace(session("a"), instructor=Id(""))
    table = Timetable([replace(session("b", room=RED), instructor=Id(""))])
    assert codes(conflicts.judged(alone, table, PREMISES)) == []
    table.put(replace(session("c"), state="cancelled"))
    assert codes(conflicts.judged(alone, table, PREMISES)) == []
    table.put(session("d"))
    assert codes(conflicts.judged(alone, table, PREMISES)) == ["conflict.room"]
