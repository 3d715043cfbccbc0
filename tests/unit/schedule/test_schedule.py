"""Places, classes and sessions: what is planned, when it is, and what is refused."""

import pytest

from classtap_core.checkin.reading import day_of_sessions
from classtap_core.kernel.operations import Payload, Resource
from classtap_core.kernel.outcomes import DUPLICATE, Outcome, Status
from classtap_core.kernel.records import decode
from classtap_core.schedule import rules
from classtap_core.schedule.operations import (
    AddClass,
    AddInstructor,
    AddLocation,
    AddRoom,
    AddSessions,
    CancelSession,
    of_session,
)
from classtap_core.schedule.records import Session
from tests.unit.house.world import (
    BALLET,
    BLUE,
    MAIN,
    NINE,
    NINE_BALLET,
    NORTH,
    RED,
    TEACHER,
    World,
    named,
    planned,
    state_of,
)

NIGHT = named("night")


def code(outcome: Outcome) -> str:
    return outcome.reasons[0].code if outcome.reasons else ""


def session(id: str = "s", start: str = "2026-11-21T09:00", minutes: int = 45, zone: str = "Europe/Madrid") -> Session:
    return rules.planned(
        named(id), class_type=BALLET, location=MAIN, room=BLUE, instructor=TEACHER, start=start, zone=zone,
        duration_min=minutes, capacity=8,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (AddLocation(location=MAIN, name="x", zone="Europe/Madrid"), "location.exists"),
        (AddLocation(location=named("l"), name="x", zone="Mars/Olympus"), "time.zone"),
        (AddRoom(room=named("r"), location=named("l"), name="x", capacity=1), "location.unknown"),
        (AddRoom(room=BLUE, location=MAIN, name="x", capacity=1), "room.exists"),
        (AddClass(class_type=BALLET, name="x", audience="kids"), "class.exists"),
        (AddClass(class_type=named("c"), name="x", audience="dogs"), "class.audience"),
        (AddInstructor(instructor=TEACHER, name="x"), "instructor.exists"),
        (AddSessions(location=named("l"), items=(planned(NIGHT, "2026-11-21T09:00"),)), "location.unknown"),
        (CancelSession(session=named("none")), "session.unknown"),
    ],
)
def test_what_is_refused(payload: Payload, expected: str) -> None:
    assert code(World().say(payload).link.outcome) == expected


def test_sessions_are_planned_all_or_none_and_each_is_told_why() -> None:
    world = World()
    items = (
        planned(NIGHT, "2026-11-21T22:00"),
        planned(named("a"), "2026-11-31T22:00"),
        planned(named("b"), "2026-11-21T22:00", minutes=0),
        planned(named("c"), "2026-11-21T22:00", capacity=-1),
        planned(named("d"), "2026-11-21T22:00", room=named("no room")),
        planned(NINE_BALLET, "2026-11-21T22:00"),
    )
    outcome = world.say(AddSessions(location=MAIN, items=items)).link.outcome
    assert outcome.status is Status.REFUSED
    assert [item.reasons[0].code for item in outcome.items] == [
        "session.with_others", "time.local", "session.duration", "session.capacity", "room.unknown", "session.exists",
    ]  # fmt: skip
    assert NIGHT not in state_of(world.cloud, Session)
    assert world.say(AddSessions(location=MAIN, items=items[:1])).link.outcome.status is Status.ACCEPTED


def test_a_room_of_another_place_is_no_room_here() -> None:
    outcome = World().say(AddSessions(location=NORTH, items=(planned(NIGHT, "2026-11-21T22:00"),))).link.outcome
    assert outcome.items[0].reasons[0].code == "room.unknown"


def test_a_session_keeps_its_wall_clock_and_derives_its_instant() -> None:
    world = World()
    held = decode(Session, state_of(world.cloud, Session)[NINE_BALLET])
    assert (held.start, held.date, held.zone, held.scope()) == (
        "2026-11-21T09:00", "2026-11-21", "Europe/Madrid", f"schedule/{MAIN}/2026-11",
    )  # fmt: skip
    assert (rules.starts_ms(held), rules.ends_ms(held)) == (NINE, NINE + 45 * 60_000)


def test_a_class_lasts_its_minutes_on_the_night_the_clocks_change() -> None:
    long = session(start="2026-03-29T01:30", minutes=90)
    assert rules.ends_ms(long) - rules.starts_ms(long) == 90 * 60_000


@pytest.mark.parametrize(
    ("start", "minutes", "expected"),
    [("2026-11-21T09:45", 45, False), ("2026-11-21T09:44", 45, True), ("2026-11-21T08:15", 45, False),
     ("2026-11-21T08:16", 45, True), ("2026-11-20T23:30", 600, True)],
)  # fmt: skip
def test_which_sessions_share_time(start: str, minutes: int, expected: bool) -> None:
    assert rules.share_time(session(), session("t", start, minutes)) is expected
    assert rules.share_time(session("t", start, minutes), session()) is expected


@pytest.mark.parametrize(("minutes", "capacity", "expected"), [
    (1, 0, ""), (1440, 5, ""), (1441, 5, "session.duration"), (0, 5, "session.duration"), (45, -1, "session.capacity"),
])  # fmt: skip
def test_what_can_be_planned(minutes: int, capacity: int, expected: str) -> None:
    assert rules.trouble(duration_min=minutes, capacity=capacity) == expected


def test_calling_off_is_done_once() -> None:
    world = World()
    assert world.say(CancelSession(session=NINE_BALLET)).link.outcome.status is Status.ACCEPTED
    assert world.say(CancelSession(session=NINE_BALLET)).link.outcome == DUPLICATE


def test_the_week_is_in_order_of_start_then_room() -> None:
    world = World()
    sessions = (planned(NIGHT, "2026-11-21T09:00", room=RED),)
    world.say(AddSessions(location=MAIN, items=sessions, despite=("conflict.room", "conflict.instructor")))
    cards = day_of_sessions(world.cloud, MAIN, "2026-11-21")
    assert [(card.local[11:], card.room, card.class_name, card.instructor) for card in cards] == [
        ("07:00", "Blue", "Ballet", "Tom Teacher"), ("09:00", "Amber", "Ballet", "Tom Teacher"),
        ("09:00", "Blue", "Ballet", "Tom Teacher"), ("09:30", "Amber", "Yoga", "Tom Teacher"),
        ("18:00", "Blue", "Ballet", "Tom Teacher"),
    ]  # fmt: skip
    assert cards[0].start == "2026-11-21T07:00:00+01:00"
    assert day_of_sessions(world.cloud, MAIN, "2026-11-22", last="2026-11-28") == []
    assert len(day_of_sessions(world.cloud, MAIN, "2026-11-15", last="2026-11-21")) == 5


def test_a_permission_is_asked_about_the_session_s_place_room_and_class() -> None:
    assert of_session(session()) == Resource(MAIN, BLUE, BALLET)
    assert of_session(None) == Resource(None, None, None)
