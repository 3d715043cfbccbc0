"""Series: a year of Mondays, one changed alone, the rest changed, all changed; nobody loses a place."""

from typing import Any

import pytest
from msgspec.structs import replace

from classtap_core.booking.operations import CreateBooking
from classtap_core.booking.records import Booking
from classtap_core.booking.rescheduling import ChangeSeries, ChangeSession, next_series
from classtap_core.kernel.errors import BadInput
from classtap_core.kernel.ids import Id
from classtap_core.kernel.outcomes import DUPLICATE, Outcome, Status
from classtap_core.kernel.records import decode
from classtap_core.schedule import reactions
from classtap_core.schedule import series as rules
from classtap_core.schedule.operations import AddInstructor, AddSessions
from classtap_core.schedule.place_operations import AddClosure
from classtap_core.schedule.records import Equipment, Series, Session
from classtap_core.schedule.rules import starts_ms
from classtap_core.schedule.series import Change, session_of
from classtap_core.schedule.series_operations import EndSeries, ExtendSeries, PlanSeries, Substitute
from classtap_core.timekeeping.rules import instant_ms, local_of
from tests.unit.house.world import (
    ANA,
    BALLET,
    BLUE,
    CLOCK,
    FAMILY,
    MAIN,
    RED,
    TEACHER,
    YOGA,
    World,
    named,
    planned,
    state_of,
)

MONDAYS, TINA = named("mondays"), named("tina")
ZONE = "Europe/Madrid"

PLAN = PlanSeries(
    series=MONDAYS, location=MAIN, rule="FREQ=WEEKLY;BYDAY=MO;COUNT=6", start="2026-11-23T10:00", class_type=BALLET,
    room=BLUE, instructor=TEACHER, duration_min=45, capacity=8, skip=("2026-12-07T10:00",),
    extra=("2026-12-09T10:00",),
)  # fmt: skip


def code(outcome: Outcome) -> str:
    return outcome.reasons[0].code if outcome.reasons else ""


def held(world: World, record: type[Any], id: str) -> Any:
    return decode(record, state_of(world.cloud, record)[Id(id)])


def of_series(world: World, series: str) -> list[Session]:
    found = [decode(Session, body) for body in state_of(world.cloud, Session).values()]
    return sorted((one for one in found if one.series == series), key=lambda one: (one.start, one.id))


def starts(world: World, series: str = MONDAYS) -> list[str]:
    return [one.start for one in of_series(world, series) if one.state == "open"]


def all_of(world: World, series: str = MONDAYS) -> tuple[Id, ...]:
    """The sessions that somebody who looks at a series sees."""
    return rules.sessions_from(held(world, Series, series))


def changing(world: World, **said: Any) -> ChangeSeries:
    return ChangeSeries(series=MONDAYS, sessions=all_of(world), **said)


def ready() -> World:
    world = World()
    assert world.say(PLAN).link.outcome.status is Status.ACCEPTED
    world.say(AddInstructor(instructor=TINA, name="Tina"))
    return world


def test_a_series_is_planned_with_its_exceptions() -> None:
    world = ready()
    assert starts(world) == [
        "2026-11-23T10:00", "2026-11-30T10:00", "2026-12-09T10:00", "2026-12-14T10:00", "2026-12-21T10:00",
        "2026-12-28T10:00",
    ]  # fmt: skip
    series = held(world, Series, MONDAYS)
    assert (series.state, series.through) == ("complete", "2027-11-24")
    assert of_series(world, MONDAYS)[0].id == session_of(MONDAYS, 0)
    assert [one.original[:10] for one in rules.starts_of(series, through="2026-12-08")] == ["2026-11-23", "2026-11-30"]
    assert world.say(PLAN).link.outcome.reasons[0].code == "series.exists"


def test_nine_o_clock_stays_nine_o_clock_all_year() -> None:
    world = World()
    world.say(replace(PLAN, rule="FREQ=WEEKLY;BYDAY=MO", skip=(), extra=()))
    made = of_series(world, MONDAYS)
    assert len(made) == 53
    assert {local_of(starts_ms(one), ZONE)[11:] for one in made} == {"10:00"}
    assert {starts_ms(one) // 3_600_000 % 24 for one in made} == {8, 9}


def test_where_clocks_change_over_a_start_it_is_said_what_was_decided() -> None:
    world = World()
    nights = replace(
        PLAN, rule="FREQ=WEEKLY;COUNT=3", start="2027-03-21T02:30", skip=(), extra=(), through="2027-12-31",
    )  # fmt: skip
    outcome = world.say(nights).link.outcome
    assert outcome.status is Status.ACCEPTED
    assert [(one.code, one.params) for one in outcome.reasons] == [
        ("session.gap", {"start": "2027-03-28T02:30", "shown": "2027-03-28T03:00"}),
    ]
    twice = world.say(AddSessions(location=MAIN, items=(planned(named("twice"), "2026-10-25T02:30"),))).link.outcome
    assert [one.code for one in twice.reasons] == ["session.overlap"]


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (replace(PLAN, location=named("l")), "location.unknown"),
        (replace(PLAN, room=named("r")), "room.unknown"),
        (replace(PLAN, rule="FREQ=HOURLY"), "recurrence.rule"),
        (replace(PLAN, start="2026-11-24T10:00"), "recurrence.start"),
        (replace(PLAN, start="2026-11-24"), "time.local"),
        (replace(PLAN, duration_min=0), "session.duration"),
        (replace(PLAN, overbook=-1), "session.capacity"),
        (replace(PLAN, equipment=(Equipment("mat", 0),)), "place.equipment"),
        (replace(PLAN, through="2026-11-22", extra=()), "series.empty"),
        (replace(PLAN, capacity=11), "conflict.capacity"),
        (EndSeries(series=named("x"), original="2026-11-23T10:00"), "series.unknown"),
        (ChangeSeries(series=named("x"), change=Change()), "series.unknown"),
        (ChangeSession(session=named("x"), change=Change()), "session.unknown"),
        (Substitute(location=MAIN, sessions=(named("x"),), instructor=TINA), "session.unknown"),
    ],
)
def test_what_is_refused(payload: Any, expected: str) -> None:
    assert code(World().say(payload).link.outcome) == expected


def test_one_clash_stops_a_series_and_ways_round_hold_for_all_of_it() -> None:
    world = World()
    world.say(AddSessions(location=MAIN, items=(planned(named("x"), "2026-12-14T10:30", room=RED),)))
    outcome = world.say(PLAN).link.outcome
    assert [item.reasons[0].code for item in outcome.items].count("conflict.instructor") == 1
    assert starts(world) == []
    assert next((way["what"], str(way["start"])[11:]) for way in outcome.alternatives) == ("time", "09:45")
    shut = AddClosure(closure=named("c"), location=MAIN, first="2026-12-28T00:00", last="2026-12-29T00:00")
    world.say(shut)
    outcome = world.say(replace(PLAN, despite=("conflict.instructor",))).link.outcome
    assert code(outcome) == "conflict.closed"
    later = replace(PLAN, skip=(*PLAN.skip, "2026-12-28T10:00"), despite=("conflict.instructor",))
    assert world.say(later).link.outcome.status is Status.ACCEPTED


def test_this_one_alone() -> None:
    world = ready()
    second = session_of(MONDAYS, 1)
    world.say(CreateBooking(session=second, child=ANA, family=FAMILY, location=MAIN))
    moved = world.say(ChangeSession(session=second, change=Change(start="2026-12-01T17:00", room=RED)))
    assert moved.link.outcome.status is Status.ACCEPTED
    session = held(world, Session, second)
    assert (session.start, session.original, session.room, session.series) == (
        "2026-12-01T17:00", "2026-11-30T10:00", RED, MONDAYS,
    )  # fmt: skip
    (booking,) = [
        one for body in state_of(world.cloud, Booking).values() if (one := decode(Booking, body)).session == second
    ]
    assert (booking.date, booking.scope()) == ("2026-12-01", f"roster/{MAIN}/2026-12-01")
    again = world.say(ChangeSession(session=second, change=Change(start="2026-12-01T17:00", room=RED)))
    assert again.link.outcome == DUPLICATE


def test_this_and_following_leaves_what_was_and_keeps_what_is_one_s_own() -> None:
    world = ready()
    alone = session_of(MONDAYS, 4)
    world.say(ChangeSession(session=alone, change=Change(start="2026-12-21T16:00", capacity=5)))
    change = Change(start="2026-12-15T11:00", room=RED, duration_min=60)
    ledger = world.say(changing(world, original="2026-12-14T10:00", change=change))
    assert ledger.link.outcome.status is Status.ACCEPTED
    after = next_series(ledger.link.operation)
    assert starts(world) == ["2026-11-23T10:00", "2026-11-30T10:00", "2026-12-09T10:00"]
    assert starts(world, after) == ["2026-12-15T11:00", "2026-12-21T16:00", "2026-12-29T11:00"]
    assert {one.room for one in of_series(world, after)} == {RED}
    assert {one.duration_min for one in of_series(world, after)} == {60}
    own = held(world, Session, alone)
    assert (own.capacity, own.original) == (5, "2026-12-22T11:00")
    before, now = held(world, Series, MONDAYS), held(world, Series, after)
    assert (before.state, before.rule) == ("ended", "FREQ=WEEKLY;UNTIL=20261213T235900;BYDAY=MO")
    assert (now.rule, now.start, now.first, now.follows) == (
        "FREQ=WEEKLY;COUNT=3;BYDAY=TU", "2026-12-15T11:00", 3, MONDAYS,
    )  # fmt: skip
    assert [one.session for one in rules.starts_of(now, through=now.through)] == [
        one.id for one in of_series(world, after)
    ]


def test_all_means_all_that_have_not_begun() -> None:
    world = ready()
    world.clock.advance(8 * 24 * 60 * 60_000)  # now it is Sunday the 29th
    ledger = world.say(changing(world, change=Change(instructor=TINA)))
    assert ledger.link.outcome.status is Status.ACCEPTED
    teachers = {
        one.start[:10]: one.instructor
        for one in [*of_series(world, MONDAYS), *of_series(world, next_series(ledger.link.operation))]
    }
    assert teachers["2026-11-23"] == TEACHER
    assert {teacher for day, teacher in teachers.items() if day != "2026-11-23"} == {TINA}


def test_all_of_a_series_that_has_not_begun_stays_one_series() -> None:
    world = ready()
    assert world.say(changing(world, change=Change(capacity=6))).link.outcome.status is Status.ACCEPTED
    assert {one.capacity for one in of_series(world, MONDAYS)} == {6}
    assert held(world, Series, MONDAYS).capacity == 6
    assert list(state_of(world.cloud, Series)) == [MONDAYS]
    assert world.say(changing(world, change=Change(capacity=6))).link.outcome == DUPLICATE


def test_another_rule_keeps_sessions_on_days_that_stay_calls_off_the_others_and_makes_new_ones() -> None:
    """Mondays become Mondays and Thursdays; a Monday is left out, a Saturday added, and one left out comes back."""
    world = ready()
    booked = session_of(MONDAYS, 4)
    world.say(CreateBooking(session=booked, child=ANA, family=FAMILY, location=MAIN))
    said = changing(
        world, original="2026-11-30T10:00", change=Change(start="2026-11-30T11:00"),
        rule="FREQ=WEEKLY;BYDAY=MO,TH;UNTIL=20261222", skip=("2026-12-14T11:00",), extra=("2026-12-19T09:00",),
        reason="other",
    )  # fmt: skip
    ledger = world.say(said)
    assert ledger.link.outcome.status is Status.ACCEPTED
    after = next_series(ledger.link.operation)
    assert starts(world) == ["2026-11-23T10:00"]
    # dateutil agrees: rrulestr("FREQ=WEEKLY;BYDAY=MO,TH;UNTIL=20261222", dtstart=2026-11-30)
    assert starts(world, after) == [
        "2026-11-30T11:00", "2026-12-03T11:00", "2026-12-07T11:00", "2026-12-10T11:00", "2026-12-17T11:00",
        "2026-12-19T09:00", "2026-12-21T11:00",
    ]  # fmt: skip
    assert (held(world, Session, booked).start, held(world, Session, booked).series) == ("2026-12-21T11:00", after)
    off = [one for one in of_series(world, MONDAYS) if one.state == "cancelled"]
    assert [(one.start, one.reason) for one in off] == [
        ("2026-12-09T10:00", "other"), ("2026-12-14T10:00", "other"), ("2026-12-28T10:00", "other"),
    ]  # fmt: skip
    now = held(world, Series, after)
    assert [one.session for one in rules.starts_of(now, through=now.through)] == [
        one.id for one in of_series(world, after)
    ]
    back = world.say(
        ChangeSeries(
            series=after, change=Change(start="2026-12-01T11:00"), original="2026-11-30T11:00", rule="FREQ=WEEKLY;COUNT=4",
            skip=(), extra=(), sessions=all_of(world, after),
        )
    )  # fmt: skip
    assert back.link.outcome.status is Status.ACCEPTED
    assert starts(world, after) == ["2026-12-01T11:00", "2026-12-08T11:00", "2026-12-15T11:00", "2026-12-22T11:00"]


def test_exceptions_alone_change_without_another_rule() -> None:
    world = ready()
    same = changing(world, change=Change(), skip=("2026-12-07T10:00",), extra=("2026-12-09T10:00",))
    assert world.say(same).link.outcome == DUPLICATE
    there = {one.start: one.id for one in of_series(world, MONDAYS)}
    both = changing(world, change=Change(), skip=("2026-11-30T10:00",), extra=("2026-12-10T18:00",), reason="holiday")
    assert world.say(both).link.outcome.status is Status.ACCEPTED
    assert starts(world) == [
        "2026-11-23T10:00", "2026-12-07T10:00", "2026-12-10T18:00", "2026-12-14T10:00", "2026-12-21T10:00",
        "2026-12-28T10:00",
    ]  # fmt: skip
    now = {one.start: one.id for one in of_series(world, MONDAYS) if one.state == "open"}
    assert [start for start, id in now.items() if there.get(start) != id] == ["2026-12-07T10:00", "2026-12-10T18:00"]
    again = changing(world, change=Change(), skip=(), extra=("2026-12-10T18:00",))
    assert world.say(again).link.outcome.status is Status.ACCEPTED
    back = next(one for one in of_series(world, MONDAYS) if one.start == "2026-11-30T10:00" and one.state == "open")
    assert back.id != there["2026-11-30T10:00"]  # who was told that it is called off is not booked unasked


def test_an_added_start_moves_with_its_series_and_keeps_its_own_hour() -> None:
    world = ready()
    added = session_of(MONDAYS, "2026-12-09T10:00")
    world.say(changing(world, change=Change(start="2026-11-24T11:00")))
    assert held(world, Session, added).start == "2026-12-10T11:00"
    assert all_of(world) == tuple(one.id for one in of_series(world, MONDAYS))
    world.say(changing(world, change=Change(), extra=("2026-12-10T16:00",)))
    assert held(world, Session, added).start == "2026-12-10T16:00"
    world.say(changing(world, change=Change(start="2026-11-24T12:00")))
    assert held(world, Session, added).start == "2026-12-10T16:00"
    world.say(changing(world, original="2026-12-10T16:00", change=Change(capacity=3)))
    assert held(world, Session, added).capacity == 3
    assert [one.capacity for one in of_series(world, MONDAYS)] == [8, 8]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"rule": "FREQ=HOURLY"}, "recurrence.rule"),
        ({"rule": "FREQ=DAILY;UNTIL=20200101"}, "recurrence.start"),
        ({"skip": ("2026-12-08T10:00",)}, "series.no_start"),
        ({"extra": ("soon",)}, "time.local"),
    ],
)
def test_what_a_series_cannot_follow(said: dict[str, Any], expected: str) -> None:
    world = ready()
    assert code(world.say(changing(world, change=Change(), **said)).link.outcome) == expected
    assert starts(world)[2] == "2026-12-09T10:00"


def test_a_new_rule_is_judged_without_the_sessions_it_lets_go() -> None:
    """An hour later, where one of its own that goes would have stood in the way; another class still does."""
    world = ready()
    world.say(changing(world, change=Change(), extra=("2026-12-14T10:45",)))
    on = changing(world, change=Change(start="2026-11-23T10:30"), extra=())
    assert world.say(on).link.outcome.status is Status.ACCEPTED
    world.say(AddSessions(location=MAIN, items=(planned(named("x"), "2026-12-03T10:30", kind=YOGA),)))
    clash = world.say(changing(world, change=Change(), rule="FREQ=WEEKLY;BYDAY=MO,TH;COUNT=8")).link.outcome
    assert code(clash) == "conflict.room"
    assert len(clash.alternatives) == 3


def test_a_change_of_many_names_them_as_its_guards_and_stands_only_for_those() -> None:
    """So whoever books or changes one of them meanwhile waits for it, or is seen by it (OPERATIONS.md, claims)."""
    world = ready()
    change = changing(world, change=Change(capacity=4), original="2026-12-14T10:00")
    for payload in (change, EndSeries(series=MONDAYS, original="2026-12-14T10:00", sessions=all_of(world))):
        assert {f"session:{one.id}" for one in of_series(world, MONDAYS)} < set(payload.guards(None))  # type: ignore[arg-type]
        blind = replace(payload, sessions=payload.sessions[:-1])
        outcome = world.say(blind).link.outcome
        assert [(one.code, one.params) for one in outcome.reasons] == [("series.sessions_moved", {"missing": 1})]
    assert {one.capacity for one in of_series(world, MONDAYS)} == {8}
    assert world.say(replace(change, sessions=change.sessions[2:])).link.outcome.status is Status.ACCEPTED


def test_a_series_that_ends_later_than_it_is_made_is_made_to_its_end() -> None:
    world = World()
    world.say(replace(PLAN, rule="FREQ=WEEKLY;BYDAY=MO;UNTIL=20280131", skip=(), extra=()))
    assert held(world, Series, MONDAYS).state == "open"
    (tick,) = reactions.due(world.cloud, instant_ms("2027-03-01T00:00", ZONE))
    world.say(tick.payload, CLOCK)
    assert of_series(world, MONDAYS)[-1].start == "2028-01-31T10:00"
    assert held(world, Series, MONDAYS).state == "complete"


def test_a_change_that_clashes_changes_nothing() -> None:
    world = ready()
    world.say(AddSessions(location=MAIN, items=(planned(named("x"), "2026-12-21T12:00", kind=YOGA),)))
    refusal = world.say(changing(world, original="2026-12-14T10:00", change=Change(start="2026-12-14T12:00")))
    assert refusal.link.outcome.status is Status.REFUSED
    assert refusal.link.outcome.alternatives
    assert starts(world)[-1] == "2026-12-28T10:00"
    one = world.say(ChangeSession(session=session_of(MONDAYS, 4), change=Change(start="2026-12-21T12:00")))
    assert code(one.link.outcome) == "conflict.room"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (Change(start="tomorrow"), "time.local"), (Change(room=named("r")), "room.unknown"),
        (Change(duration_min=0), "session.duration"), (Change(capacity=-1), "session.capacity"),
        (Change(equipment=(Equipment("", 1),)), "place.equipment"),
    ],
)  # fmt: skip
def test_what_a_session_cannot_become(change: Change, expected: str) -> None:
    world = ready()
    assert code(world.say(ChangeSession(session=session_of(MONDAYS, 1), change=change)).link.outcome) == expected
    series = world.say(changing(world, original="2026-11-30T10:00", change=change))
    assert code(series.link.outcome) == expected


def test_a_session_that_families_check_into_keeps_its_day() -> None:
    world = ready()
    world.clock.advance(instant_ms("2026-11-23T09:30", ZONE) - world.clock.wall)
    late = ChangeSession(session=session_of(MONDAYS, 0), change=Change(start="2026-11-24T10:00"))
    assert code(world.say(late).link.outcome) == "session.begun"
    same_day = ChangeSession(session=session_of(MONDAYS, 0), change=Change(start="2026-11-23T10:30"))
    assert world.say(same_day).link.outcome.status is Status.ACCEPTED


def test_a_start_the_series_does_not_give_is_none_to_cut_at() -> None:
    world = ready()
    outcome = world.say(changing(world, original="2026-12-15T10:00", change=Change())).link.outcome
    assert code(outcome) == "series.start"
    assert (
        code(world.say(EndSeries(series=MONDAYS, original="2026-12-15T10:00", sessions=all_of(world))).link.outcome)
        == "series.start"
    )
    with pytest.raises(BadInput, match=r"series\.start"):
        rules.cut(held(world, Series, MONDAYS), "x", Change(), id=named("n"))


def test_ending_a_series_calls_off_what_follows() -> None:
    world = ready()
    end = EndSeries(series=MONDAYS, original="2026-12-14T10:00", reason="low_demand", sessions=all_of(world))
    assert world.say(end).link.outcome.status is Status.ACCEPTED
    assert starts(world) == ["2026-11-23T10:00", "2026-11-30T10:00", "2026-12-09T10:00"]
    assert {one.reason for one in of_series(world, MONDAYS) if one.state == "cancelled"} == {"low_demand"}
    assert world.say(end).link.outcome == DUPLICATE
    assert code(world.say(changing(world, change=Change())).link.outcome) == "series.ended"


def test_a_substitute_stands_in_and_goes_again() -> None:
    world = ready()
    both = (session_of(MONDAYS, 0), session_of(MONDAYS, 1))
    stand_in = Substitute(location=MAIN, sessions=both, instructor=TINA)
    assert world.say(stand_in).link.outcome.status is Status.ACCEPTED
    assert [(one.instructor, one.covers) for one in of_series(world, MONDAYS)][:3] == [
        (TINA, TEACHER), (TINA, TEACHER), (TEACHER, ""),
    ]  # fmt: skip
    assert world.say(stand_in).link.outcome == DUPLICATE
    back = Substitute(location=MAIN, sessions=both[:1], instructor=TEACHER)
    assert world.say(back).link.outcome.status is Status.ACCEPTED
    assert held(world, Session, both[0]).covers == ""
    world.say(AddSessions(location=MAIN, items=(planned(named("x"), "2026-11-30T10:15", room=RED),)))
    clash = world.say(Substitute(location=MAIN, sessions=both[1:], instructor=TEACHER)).link.outcome
    assert code(clash) == "conflict.instructor"


def test_the_clock_makes_an_endless_series_further_ahead_once() -> None:
    world = World()
    world.say(replace(PLAN, rule="FREQ=WEEKLY;BYDAY=MO", skip=(), extra=()))
    assert reactions.due(world.cloud, world.clock.wall) == []
    in_spring = instant_ms("2027-03-01T00:00", ZONE)
    (tick,) = reactions.due(world.cloud, in_spring)
    assert tick == reactions.due(world.cloud, in_spring)[0]
    assert tick.payload == ExtendSeries(series=MONDAYS, through="2028-03-01")
    world.say(AddSessions(location=MAIN, items=(planned(named("x"), "2028-01-03T10:00"),)))
    outcome = world.say(tick.payload, CLOCK).link.outcome
    assert (outcome.status, outcome.obligations) == (Status.ACCEPTED, ({"review": "series.conflict"},))
    assert [one.start for one in of_series(world, MONDAYS)][-1] == "2028-02-28T10:00"
    assert len(of_series(world, MONDAYS)) == 67
    assert world.say(tick.payload, CLOCK).link.outcome == DUPLICATE
    assert reactions.due(world.cloud, in_spring) == []
    assert (
        code(world.say(ExtendSeries(series=named("x"), through="2028-03-01"), CLOCK).link.outcome) == "series.unknown"
    )


def test_places_beyond_the_capacity_only_where_somebody_allowed_them() -> None:
    world = World()
    full = replace(PLAN, capacity=0, skip=(), extra=())
    world.say(full)
    book = CreateBooking(session=session_of(MONDAYS, 0), child=ANA, family=FAMILY, location=MAIN)
    assert code(world.say(book).link.outcome) == "booking.full"
    world.say(ChangeSession(session=session_of(MONDAYS, 0), change=Change(overbook=1)))
    assert world.say(book).link.outcome.status is Status.ACCEPTED
