"""Places: what is said of them, when they are open, and what a closure meets."""

import pytest
from msgspec import structs

from classtap_core.kernel.errors import BadInput
from classtap_core.kernel.operations import Payload
from classtap_core.kernel.outcomes import DUPLICATE, Outcome, Status
from classtap_core.kernel.records import decode
from classtap_core.schedule import opening
from classtap_core.schedule.facts import LocationFacts, RoomFacts
from classtap_core.schedule.opening import CLOSED, OUT_OF_HOURS, Span
from classtap_core.schedule.operations import AddLocation, AddRoom, Shut
from classtap_core.schedule.place_operations import (
    AddClosure,
    EditLocation,
    EditRoom,
    RemoveClosure,
)
from classtap_core.schedule.records import Address, Closure, Equipment, Hours, Location, Room
from classtap_core.timekeeping.rules import instant_ms
from tests.unit.house.world import BLUE, CLERK, DESK, MAIN, NORTH, RED, World, named, staff, state_of

HOUR = 3_600_000


def location(*hours: Hours, zone: str = "Europe/Madrid") -> Location:
    return Location(id=MAIN, name="Main", zone=zone, hours=hours)


def span(start: str, end: str, zone: str = "Europe/Madrid") -> Span:
    return Span(instant_ms(start, zone), instant_ms(end, zone))


def code(outcome: Outcome) -> str:
    return outcome.reasons[0].code if outcome.reasons else ""


SATURDAY = Hours(5, "09:00", "20:00")
NIGHT = Hours(5, "22:00", "02:00")
BAKED = Hours(5, "00:00", "00:00")


@pytest.mark.parametrize(
    ("hours", "start", "end", "expected"),
    [
        ((), "2026-11-21T03:00", "2026-11-21T04:00", ""),
        ((SATURDAY,), "2026-11-21T09:00", "2026-11-21T20:00", ""),
        ((SATURDAY,), "2026-11-21T08:59", "2026-11-21T10:00", OUT_OF_HOURS),
        ((SATURDAY,), "2026-11-21T19:30", "2026-11-21T20:01", OUT_OF_HOURS),
        ((SATURDAY,), "2026-11-22T10:00", "2026-11-22T11:00", OUT_OF_HOURS),
        ((NIGHT,), "2026-11-21T23:00", "2026-11-22T02:00", ""),
        ((NIGHT,), "2026-11-22T01:00", "2026-11-22T02:01", OUT_OF_HOURS),
        ((SATURDAY, Hours(5, "20:00", "23:00")), "2026-11-21T19:00", "2026-11-21T21:00", ""),
        ((SATURDAY, Hours(5, "20:30", "23:00")), "2026-11-21T19:00", "2026-11-21T21:00", OUT_OF_HOURS),
        ((BAKED, Hours(6, "00:00", "12:00")), "2026-11-21T23:00", "2026-11-22T01:00", ""),
    ],
)
def test_what_the_hours_allow(hours: tuple[Hours, ...], start: str, end: str, expected: str) -> None:
    assert opening.trouble(location(*hours), (), BLUE, span(start, end)) == expected


@pytest.mark.parametrize(
    ("day", "elapsed"), [("2026-03-29", 23), ("2026-03-30", 24), ("2026-10-25", 25)], ids=["gap", "plain", "overlap"]
)
def test_a_day_that_is_open_all_day_is_as_long_as_that_day(day: str, elapsed: int) -> None:
    """23, 24 and 25 hours in Madrid, as `zdump -v Europe/Madrid` has it."""
    always = location(*(Hours(weekday, "00:00", "00:00") for weekday in range(7)))
    (found,) = opening.open_spans(always, day)
    assert found.end_ms - found.start_ms == elapsed * HOUR


def test_hours_that_a_gap_swallows_are_none() -> None:
    assert opening.open_spans(location(Hours(6, "02:10", "02:50")), "2026-03-29") == ()


def test_hours_in_an_overlap_begin_at_the_earlier_time() -> None:
    (found,) = opening.open_spans(location(Hours(6, "02:30", "03:30")), "2026-10-25")
    assert found.end_ms - found.start_ms == 2 * HOUR


@pytest.mark.parametrize(
    ("closure", "expected"),
    [
        (Closure(id=named("c"), location=MAIN, first="2026-11-21T00:00", last="2026-11-22T00:00"), CLOSED),
        (Closure(id=named("c"), location=MAIN, first="2026-11-21T10:59", last="2026-11-21T12:00"), CLOSED),
        (Closure(id=named("c"), location=MAIN, first="2026-11-21T11:00", last="2026-11-21T12:00"), ""),
        (Closure(id=named("c"), location=MAIN, first="2026-11-21T00:00", last="2026-11-21T10:00"), ""),
        (Closure(id=named("c"), location=MAIN, first="2026-11-21T00:00", last="2026-11-22T00:00", room=RED), ""),
        (Closure(id=named("c"), location=MAIN, first="2026-11-21T00:00", last="2026-11-22T00:00", room=BLUE), CLOSED),
        (Closure(id=named("c"), location=NORTH, first="2026-11-21T00:00", last="2026-11-22T00:00"), ""),
    ],
)
def test_what_a_closure_meets(closure: Closure, expected: str) -> None:
    assert opening.trouble(location(), (closure,), BLUE, span("2026-11-21T10:00", "2026-11-21T11:00")) == expected


@pytest.mark.parametrize("hours", [Hours(7, "09:00", "10:00"), Hours(0, "9:00", "10:00"), Hours(0, "09:00", "24:00")])
def test_what_are_no_hours(hours: Hours) -> None:
    with pytest.raises(BadInput, match=r"location\.hours"):
        opening.check_hours((hours,))


def edit(base: LocationFacts, wanted: LocationFacts, place: str = MAIN) -> EditLocation:
    return EditLocation(location=named("nowhere") if place == "x" else MAIN, base=base, wanted=wanted)


PLAIN = LocationFacts(name="Main")


def test_a_location_is_described_and_two_editors_both_have_their_way() -> None:
    world = World()
    address = Address(lines=("Calle Mayor 1",), city="Madrid", postcode="28013", country="ES")
    geo = LocationFacts(name="Main", latitude_e7=404_168_000, longitude_e7=-37_038_000)
    assert world.say(edit(PLAIN, LocationFacts(name="Main", address=address))).link.outcome.status is Status.ACCEPTED
    assert world.say(edit(PLAIN, geo)).link.outcome.status is Status.ACCEPTED
    held = decode(Location, state_of(world.cloud, Location)[MAIN])
    assert (held.address, held.latitude_e7, held.longitude_e7) == (address, 404_168_000, -37_038_000)
    assert world.say(edit(PLAIN, geo)).link.outcome == DUPLICATE


def test_a_desk_edits_a_room_while_it_is_offline() -> None:
    world = World()
    desk = world.join(DESK, role="desk")
    base, wanted = RoomFacts(name="Blue", capacity=10), RoomFacts(name="Blue", capacity=12, width_um=9_000_000)
    assert desk.bus.submit(EditRoom(room=BLUE, base=base, wanted=wanted), staff(CLERK)).outcome.status is Status.REFUSED
    world.say(EditRoom(room=BLUE, base=base, wanted=wanted))
    world.sync()
    assert decode(Room, state_of(desk.store, Room)[BLUE]).capacity == 12


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (edit(PLAIN, PLAIN, "x"), "location.unknown"),
        (edit(PLAIN, LocationFacts(name=" ")), "place.name_empty"),
        (edit(PLAIN, LocationFacts(name="M", hours=(Hours(9, "1", "2"),))), "location.hours"),
        (edit(PLAIN, LocationFacts(name="M", latitude_e7=1)), "location.geo"),
        (edit(PLAIN, LocationFacts(name="M", latitude_e7=900_000_001, longitude_e7=0)), "location.geo"),
        (edit(PLAIN, LocationFacts(name="M", stock=(Equipment("mat", 0),))), "place.equipment"),
        (edit(PLAIN, LocationFacts(name="M", stock=(Equipment("mat", 1), Equipment("mat", 2)))), "place.equipment"),
        (EditRoom(room=named("r"), base=RoomFacts(name="", capacity=0), wanted=RoomFacts(name="x", capacity=1)),
         "room.unknown"),
        (EditRoom(room=BLUE, base=RoomFacts(name="", capacity=0), wanted=RoomFacts(name="x", capacity=-1)),
         "room.measure"),
        (AddClosure(closure=named("c"), location=named("l"), first="2026-11-21T00:00", last="2026-11-22T00:00"),
         "location.unknown"),
        (AddClosure(closure=named("c"), location=MAIN, first="2026-11-22T00:00", last="2026-11-22T00:00"),
         "closure.empty"),
        (AddClosure(closure=named("c"), location=MAIN, first="2026-11-22", last="2026-11-22T00:00"), "time.local"),
        (AddClosure(closure=named("c"), location=NORTH, room=BLUE, first="2026-11-21T00:00", last="2026-11-22T00:00"),
         "room.unknown"),
    ],
)  # fmt: skip
def test_what_is_refused(payload: Payload, expected: str) -> None:
    assert code(World().say(payload).link.outcome) == expected


def test_a_closure_names_how_many_sessions_it_meets_and_leaves_them() -> None:
    world = World()
    closed = AddClosure(closure=named("c"), location=MAIN, first="2026-11-21T08:00", last="2026-11-21T12:00")
    outcome = world.say(closed).link.outcome
    assert outcome.obligations == ({"review": "closure.sessions", "sessions": 2},)
    assert world.say(closed).link.outcome == DUPLICATE
    assert world.say(RemoveClosure(closure=named("c"))).link.outcome.status is Status.ACCEPTED
    assert world.say(RemoveClosure(closure=named("c"))).link.outcome == DUPLICATE
    assert state_of(world.cloud, Closure) == {}
    empty = AddClosure(closure=named("d"), location=MAIN, room=RED, first="2026-11-21T06:00", last="2026-11-21T08:00")
    assert world.say(empty).link.outcome.obligations == ()


def test_hours_that_are_hours_pass() -> None:
    opening.check_hours([SATURDAY, NIGHT, BAKED])


def test_a_new_location_comes_whole_with_the_times_it_is_closed() -> None:
    world = World()
    east = named("east")
    facts = LocationFacts(
        name="", address=Address(city="Bilbao", country="ES"), latitude_e7=432_630_126, longitude_e7=-29_349_852,
        hours=(Hours(0, "09:00", "21:00"),), stock=(Equipment("mat", 4),),
    )  # fmt: skip
    shut = Shut(closure=named("shut"), first="2026-12-24T00:00", last="2026-12-27T00:00", reason="Christmas")
    add = AddLocation(location=east, name="East", zone="Europe/Madrid", facts=facts, closures=(shut,))
    for wrong, expected in (
        (structs.replace(add, facts=structs.replace(facts, latitude_e7=None)), "location.geo"),
        (structs.replace(add, facts=structs.replace(facts, hours=(Hours(9, "09:00", "21:00"),))), "location.hours"),
        (structs.replace(add, closures=(structs.replace(shut, last="2026-12-23T00:00"),)), "closure.empty"),
        (structs.replace(add, name=" "), "place.name_empty"),
    ):
        assert world.say(wrong).link.outcome.reasons[0].code == expected
    assert world.say(add).link.outcome.status is Status.ACCEPTED
    kept = decode(Location, state_of(world.cloud, Location)[east])
    assert (kept.name, kept.address.city, kept.stock) == ("East", "Bilbao", (Equipment("mat", 4),))
    assert decode(Closure, state_of(world.cloud, Closure)[shut.closure]).location == east
    room = AddRoom(room=named("attic"), location=east, name="Attic", capacity=6, width_um=-1)
    assert world.say(room).link.outcome.reasons[0].code == "room.measure"
