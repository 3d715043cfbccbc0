"""A broken spot leaves sale at once, wherever it is said; in any order of arrival the same holds; giving it back is decided."""

import itertools

import msgspec
import pytest

from classtap_core.access.operations import RegisterDevice
from classtap_core.booking.operations import CreateBooking
from classtap_core.booking.records import Booking, booking_id
from classtap_core.booking.spots import SeatBooking
from classtap_core.kernel.ids import Id
from classtap_core.kernel.outcomes import Status
from classtap_core.schedule import seats as room_seats
from classtap_core.schedule.seats import SpotStatus, StatusEntry, spot_status_id
from classtap_core.seating.model import Status as SpotState
from classtap_core.seating.tagging import RestoreSpot, TagSpot
from tests.unit.house.world import (
    ANA,
    BEN,
    BLUE,
    CLERK,
    DESK,
    EVENING,
    FAMILY,
    MAIN,
    MINUTE,
    NINE,
    NINE_BALLET,
    OWNER,
    STUDIO,
    TEACHER,
    ZOE,
    World,
    named,
    staff,
    state_of,
)
from tests.unit.seating.rooms import spot_id
from tests.unit.seating.test_publishing import codes, one, put_up, seat


@pytest.fixture
def world() -> World:
    made = World(at=NINE - 60 * MINUTE)
    put_up(made)
    return made


def tag(by: Id = CLERK, state: str = "out_of_service", name: str = "1,1") -> TagSpot:
    return TagSpot(room=BLUE, location=MAIN, spot=spot_id(name), by=by, state=state, code="broken_strap", note="Left")


def status(world: World, name: str = "1,1") -> SpotStatus:
    found: SpotStatus = one(world, SpotStatus, spot_status_id(BLUE, spot_id(name)))
    return found


def book(world: World, child: Id) -> list[str]:
    asked = CreateBooking(session=EVENING, child=child, family=FAMILY, location=MAIN)
    return codes(world.say(asked).link.outcome)


def test_nobody_is_given_a_broken_spot_and_its_place_is_gone(world: World) -> None:
    """Four spots, one booked without a spot: three are free; with one broken, two."""
    assert world.say(tag(), staff(CLERK)).link.outcome.stands
    told = seat(world, EVENING, BEN, "1,1")
    assert codes(told) == ["booking.spot_out"]
    assert spot_id("1,1") not in [one["spot"] for one in told.alternatives]
    assert [book(world, child) for child in (ANA, ZOE, named("fourth"))] == [[], [], ["booking.full"]]


def test_who_has_it_keeps_it(world: World) -> None:
    assert seat(world, EVENING, BEN, "1,1").stands
    world.say(tag(), staff(CLERK))
    assert one(world, Booking, booking_id(STUDIO, EVENING, BEN)).spot == spot_id("1,1")
    assert [book(world, child) for child in (ANA, ZOE, named("third"), named("fourth"))][-2:] == [[], ["booking.full"]]


def test_giving_it_back_is_decided_and_needs_more(world: World) -> None:
    world.say(tag(), staff(CLERK))
    back = RestoreSpot(room=BLUE, location=MAIN, spot=spot_id("1,1"), by=CLERK)
    assert codes(world.say(back, staff(CLERK)).link.outcome) == ["permission.denied"]
    world.clock.advance(MINUTE)
    mended = RestoreSpot(room=BLUE, location=MAIN, spot=spot_id("1,1"), by=OWNER, note="New strap")
    assert seat(world, NINE_BALLET, ANA, "1,1").status is Status.REFUSED
    ledger = world.say(mended)
    assert ledger.link.outcome.stands
    freed = [(effect.kind, effect.body["session"], effect.body["spot"]) for effect in ledger.effects]
    assert freed == [("seats.freed", id, spot_id("1,1")) for id in (NINE_BALLET, EVENING)]
    assert [entry.state for entry in status(world).entries] == ["out_of_service", "operational"]
    assert seat(world, EVENING, BEN, "1,1").stands
    assert world.say(mended).link.outcome.status is Status.DUPLICATE


def test_said_offline_it_holds_here_at_once_and_everywhere_later(world: World) -> None:
    desk = world.join(DESK, role="desk")
    receipt = desk.bus.submit(tag(TEACHER, "needs_attention"), staff(TEACHER))
    assert receipt.outcome.status is Status.ACCEPTED
    assert spot_status_id(BLUE, spot_id("1,1")) in state_of(desk.store, SpotStatus)
    world.sync()
    assert status(world).state == "needs_attention"


def test_a_later_word_holds_whichever_comes_first(world: World) -> None:
    """Two desks say different things while apart; the earlier word comes to the cloud last."""
    other = named("other desk")
    world.say(RegisterDevice(device=other, name="Upstairs", role="desk", location=MAIN))
    here, there = world.join(DESK, role="desk"), world.join(other, role="desk")
    here.bus.submit(tag(CLERK, "needs_attention"), staff(CLERK))
    there.clock.advance(MINUTE)
    there.bus.submit(tag(TEACHER, "out_of_service"), staff(TEACHER))
    world.clock.advance(2 * MINUTE)
    world.push(other)
    world.push(DESK)
    assert status(world).state == "out_of_service"
    assert len(status(world).entries) == 2
    world.sync()
    assert state_of(here.store, SpotStatus) == state_of(there.store, SpotStatus)


def test_entries_are_a_set_in_order_of_time() -> None:
    made = [
        StatusEntry(operation=named(f"op {n}"), state=f"s{n}", by=OWNER, at_ms=at, device=DESK, sequence=n)
        for n, at in enumerate((5, 3, 5, 9))
    ]
    results = set()
    for order in itertools.permutations(made):
        entries: tuple[StatusEntry, ...] = ()
        for entry in (*order, order[0]):
            entries = room_seats.with_entry(entries, entry)
        results.add(entries)
    assert [[entry.state for entry in entries] for entries in results] == [["s1", "s0", "s2", "s3"]]


@pytest.mark.parametrize(
    ("said", "by", "expected"),
    [(tag(state="operational"), CLERK, "spot.state"), (tag(by=OWNER), CLERK, "permission.author")],
)
def test_what_cannot_be_said(world: World, said: TagSpot, by: Id, expected: str) -> None:
    assert codes(world.say(said, staff(by)).link.outcome) == [expected]


def test_a_spot_can_be_chosen_again_by_whoever_had_it(world: World) -> None:
    world.say(SeatBooking(session=EVENING, child=BEN, spot=spot_id("1,1")))
    world.say(tag(), staff(CLERK))
    moved = world.say(SeatBooking(session=EVENING, child=BEN, spot=spot_id("1,2"))).link.outcome
    assert moved.stands
    assert codes(seat(world, EVENING, BEN, "1,1")) == ["booking.spot_out"]


def test_sessions_and_maps_mean_the_same_by_a_spot_in_order() -> None:
    assert {state for state in SpotState if room_seats.usable(state)} == {room_seats.OPERATIONAL}


def test_out_for_some_days_it_comes_back_by_itself(world: World) -> None:
    """Out from the 22nd to the 24th; the session is on the 21st. Then from the 20th to the 21st, then for good."""
    for days, expected in (
        (("2026-11-22", "2026-11-24"), []), (("2026-11-20", "2026-11-21"), ["booking.spot_out"]),
    ):  # fmt: skip
        first, last = days
        world.clock.advance(MINUTE)
        world.say(msgspec.structs.replace(tag(), first=first, last=last), staff(CLERK))
        assert codes(world.authority.decide(
            named("cloud"), SeatBooking(session=EVENING, child=BEN, spot=spot_id("1,1")), staff(OWNER), source="test"
        ).outcome) == expected  # fmt: skip
    held = status(world)
    assert [held.works(day) for day in ("2026-11-19", "2026-11-20", "2026-11-21", "2026-11-22", "2026-11-24", "2026-11-25")] == [
        True, False, False, False, False, True,
    ]  # fmt: skip


@pytest.mark.parametrize(("first", "last"), [("2026-11-24", "2026-11-22"), ("tomorrow", ""), ("", "2026-02-30")])
def test_days_that_are_none_are_refused(world: World, first: str, last: str) -> None:
    asked = msgspec.structs.replace(tag(), first=first, last=last)
    assert codes(world.say(asked, staff(CLERK)).link.outcome) == ["spot.dates"]
