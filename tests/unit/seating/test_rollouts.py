"""One map for many rooms: rolled out at its hour, once; what a location made its own stays; what clashes waits for a person."""

from typing import Any

import pytest
from msgspec.structs import replace

from classtap_core.booking.spots import SeatBooking
from classtap_core.kernel.authority import CloudDraft, Ledger
from classtap_core.kernel.ids import Id
from classtap_core.kernel.outcomes import DUPLICATE
from classtap_core.schedule.operations import AddRoom
from classtap_core.schedule.records import Session
from classtap_core.schedule.seats import RoomSeating, SeatMapVersion, room_seating_id, version_id
from classtap_core.seating.documents import packed, unpacked
from classtap_core.seating.model import SeatMap
from classtap_core.seating.operations import SaveDraft
from classtap_core.seating.overrides import Override, brought, forbidden, overrides
from classtap_core.seating.publishing import PublishSeatMap
from classtap_core.seating.reactions import due
from classtap_core.seating.records import SeatRolloutStep, Target, rollout_id, step_id
from classtap_core.seating.rollouts import CancelRollout, PlanRollout, RetryRollout
from tests.unit.house.world import (
    BEN,
    BLUE,
    CLOCK,
    CLOUD,
    EVENING,
    HALF_PAST,
    MAIN,
    MINUTE,
    NINE_BALLET,
    NORTH,
    RED,
    World,
    named,
)
from tests.unit.seating.rooms import spot_id
from tests.unit.seating.test_publishing import a_map, codes, having, one, put_up, without

UPPER = named("upper room")
EIGHT = 1_795_248_000_000 - 60 * MINUTE


@pytest.fixture
def world() -> World:
    made = World(at=EIGHT)
    made.say(AddRoom(room=UPPER, location=NORTH, name="Upper", capacity=10))
    put_up(made)
    return made


def plan(world: World, version: int = 1, *, at_ms: int = EIGHT, **fields: Any) -> Id:
    """Roll the blue room's version out to the amber and the upper room; the roll-out's id."""
    targets = (Target(RED, MAIN), Target(UPPER, NORTH))
    asked = PlanRollout(
        name="House", room=BLUE, location=MAIN, version=version, targets=targets, effective_ms=at_ms, **fields
    )
    ledger = world.say(asked)
    assert ledger.link.outcome.stands, ledger.link.outcome
    return rollout_id(version_id(BLUE, version), (RED, UPPER), at_ms)


def tick(world: World) -> list[Ledger]:
    """What the cloud's clock does now."""
    found = due(world.cloud, world.clock.wall)
    drafts = [CloudDraft(one.payload, CLOCK, "clock", id=one.id) for one in found]
    return list(world.authority.author_all(CLOUD, drafts)) if drafts else []


def step(world: World, rollout: Id, room: Id = RED) -> SeatRolloutStep:
    found: SeatRolloutStep = one(world, SeatRolloutStep, step_id(rollout, room))
    return found


def map_of(world: World, room: Id = RED) -> SeatMap:
    seating = one(world, RoomSeating, room_seating_id(room))
    return unpacked(one(world, SeatMapVersion, version_id(room, seating.current)).document)


def publish(world: World, room: Id, seat_map: SeatMap, *sessions: Id, head: int) -> Any:
    draft = named(f"{room} {head}")
    saved = world.say(SaveDraft(draft=draft, room=room, location=MAIN, name="x", document=packed(seat_map)))
    asked = PublishSeatMap(
        draft=draft, revision=saved.link.operation, room=room, location=MAIN, head=head, sessions=sessions
    )
    return world.say(asked).link.outcome


def test_at_its_hour_every_room_gets_a_version_and_others_stay(world: World) -> None:
    rollout = plan(world, at_ms=EIGHT + MINUTE)
    assert tick(world) == []
    assert [step(world, rollout, room).state for room in (RED, UPPER)] == ["queued", "queued"]
    world.clock.advance(MINUTE)
    assert len(tick(world)) == 2
    assert [step(world, rollout, room).state for room in (RED, UPPER)] == ["succeeded", "succeeded"]
    assert map_of(world, RED) == map_of(world, UPPER) == a_map()
    assert (one(world, Session, HALF_PAST).capacity, one(world, Session, HALF_PAST).seat_map) == (4, 1)
    assert one(world, RoomSeating, room_seating_id(BLUE)).latest == 1
    assert tick(world) == []


def test_the_same_roll_out_again_is_the_same(world: World) -> None:
    plan(world)
    asked = PlanRollout(
        name="House", room=BLUE, location=MAIN, version=1, targets=(Target(UPPER, NORTH), Target(RED, MAIN)),
        effective_ms=EIGHT,
    )  # fmt: skip
    assert world.say(asked).link.outcome == DUPLICATE
    tick(world)
    assert one(world, RoomSeating, room_seating_id(RED)).latest == 1


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"version": 9}, "seatmap.no_version"),
        ({"targets": ()}, "room.unknown"),
        ({"targets": (Target(RED, NORTH),)}, "room.unknown"),
        ({"targets": (Target(BLUE, MAIN),)}, "seatrollout.itself"),
    ],
)
def test_what_cannot_be_rolled_out(world: World, fields: dict[str, Any], expected: str) -> None:
    asked = PlanRollout(name="x", room=BLUE, location=MAIN, version=1, targets=(Target(RED, MAIN),), effective_ms=EIGHT)
    assert codes(world.say(replace(asked, **fields)).link.outcome) == [expected]


def test_a_room_that_cannot_take_it_says_why_is_tried_again_and_holds_up_no_other(world: World) -> None:
    """Five places are promised at half past nine, and the map has four: two are booked, three lent."""
    world.say(SeatBooking(session=HALF_PAST, child=BEN, spot=""))
    publish(world, RED, a_map("abc"), HALF_PAST, head=0)
    seated = world.say(SeatBooking(session=HALF_PAST, child=BEN, spot=spot_id("1,3"))).link.outcome
    assert seated.stands
    rollout = plan(world)
    tick(world)
    assert step(world, rollout, UPPER).state == "succeeded"
    stuck = step(world, rollout)
    assert (stuck.state, stuck.tries, stuck.due_ms - world.clock.wall) == ("queued", 1, MINUTE)
    assert [told.code for told in stuck.told] == ["seatmap.seats_lost"]
    waits = []
    while step(world, rollout).state == "queued":
        waits.append((step(world, rollout).due_ms - world.clock.wall) // MINUTE)
        world.clock.advance(step(world, rollout).due_ms - world.clock.wall)
        tick(world)
    assert waits == [1, 2, 4, 8]
    assert step(world, rollout).state == "failed"
    world.say(SeatBooking(session=HALF_PAST, child=BEN, spot=spot_id("1,1")))
    assert world.say(RetryRollout(rollout=rollout, room=RED, location=MAIN)).link.outcome.stands
    tick(world)
    assert step(world, rollout).state == "succeeded"


def test_what_a_location_made_its_own_stays_and_the_rest_follows(world: World) -> None:
    tick_of = plan(world)
    tick(world)
    assert step(world, tick_of).state == "succeeded"
    local = having(a_map(), "1,1", alias="By the window")
    assert publish(world, RED, local, HALF_PAST, head=1).stands
    wider = having(a_map("ab cd e."), "1,1", alias="One", x_um=510_000)
    assert publish(world, BLUE, wider, NINE_BALLET, EVENING, head=1).stands
    rollout = plan(world, 2)
    tick(world)
    assert step(world, rollout).state == "succeeded"
    now = {spot.id: spot for spot in map_of(world).spots}
    assert len(now) == 5
    assert (now[spot_id("1,1")].alias, now[spot_id("1,1")].x_um) == ("By the window", 510_000)
    assert {spot.id: spot for spot in map_of(world, UPPER).spots}[spot_id("1,1")].alias == "One"


def test_a_location_changes_only_what_it_may(world: World) -> None:
    plan(world)
    tick(world)
    told = publish(world, RED, having(a_map(), "1,1", x_um=510_000), HALF_PAST, head=1)
    assert [(one.code, one.params["field"]) for one in told.reasons] == [("seatmap.not_local", "x_um")]


def test_what_clashes_waits_for_a_person(world: World) -> None:
    """Both took the second spot another way: here it was given a name, there it is gone."""
    plan(world)
    tick(world)
    assert publish(world, RED, having(a_map(), "1,2", alias="Mine"), HALF_PAST, head=1).stands
    assert publish(world, BLUE, without(a_map(), "1,2"), NINE_BALLET, EVENING, head=1).stands
    rollout = plan(world, 2)
    tick(world)
    assert (step(world, rollout).state, step(world, rollout, UPPER).state) == ("conflict", "succeeded")
    assert map_of(world) == having(a_map(), "1,2", alias="Mine")
    world.say(RetryRollout(rollout=rollout, room=RED, location=MAIN, keep="shared"))
    tick(world)
    assert step(world, rollout).state == "succeeded"
    assert map_of(world) == without(a_map(), "1,2")


def test_a_room_may_be_left_out(world: World) -> None:
    rollout = plan(world, at_ms=EIGHT + MINUTE)
    assert world.say(CancelRollout(rollout=rollout, room=RED, location=MAIN)).link.outcome.stands
    world.clock.advance(MINUTE)
    assert len(tick(world)) == 1
    assert codes(world.say(CancelRollout(rollout=rollout, room=UPPER, location=NORTH)).link.outcome) == [
        "seatrollout.over"
    ]


def test_a_summary_of_what_is_local() -> None:
    local = having(without(a_map(), "2,2"), "1,1", alias="Mine", x_um=1)
    found = overrides(a_map(), local)
    assert set(found) == {
        Override("spots", spot_id("2,2"), "removed"),
        Override("spots", spot_id("1,1"), "alias"),
        Override("spots", spot_id("1,1"), "x_um"),
    }
    assert forbidden(a_map(), local, ("alias", "place", "spots")) == ()
    assert forbidden(a_map(), local, ("alias", "place")) == (Override("spots", spot_id("2,2"), "removed"),)


def test_the_first_time_a_room_gets_the_whole_map() -> None:
    assert brought(None, a_map("ab"), a_map()).seat_map == a_map()
    assert brought(a_map(), None, a_map("ab")).seat_map == a_map("ab")
    mine = having(a_map(), "1,1", x_um=1)
    theirs = having(a_map(), "1,1", x_um=2)
    assert len(brought(a_map(), mine, theirs).conflicts) == 1
    assert brought(a_map(), mine, theirs, keep="local") == (mine, ())
    assert brought(a_map(), mine, theirs, keep="shared") == (theirs, ())
    assert brought(a_map(), mine, theirs, allowed=("place",)) == (mine, ())
