"""Pickup codes: one a child a day, none alike in a location, none for a child who is not here."""

import pytest

from classtap_core.checkin.operations import ChildMark, MarkAttendance
from classtap_core.checkin.pickup import MakePickupCode, PickupCode, active_codes, free_code
from classtap_core.checkin.records import Attendance
from classtap_core.kernel.ids import Id
from classtap_core.kernel.outcomes import DUPLICATE, Status
from classtap_core.kernel.records import decode
from classtap_core.passes.records import Pass
from tests.unit.house.world import ANA, BEN, CLOCK, HALF_PAST, NINE, NINE_BALLET, STUDIO, World, state_of

DAY_MS = 86_400_000
SEED = "5e" * 16


def make(child: Id = ANA, session: Id = HALF_PAST, seed: str = SEED) -> MakePickupCode:
    return MakePickupCode(session=session, child=child, seed=seed)


def mark(world: World, child: Id, state: str, *, session: Id = HALF_PAST, corrects: str = "") -> str:
    item = ChildMark(child=child, state=state, corrects=corrects)
    said = world.say(MarkAttendance(session=session, items=(item,))).op
    assert said is not None
    return said.id


def active(world: World, *, now_ms: int = NINE) -> dict[Id, str]:
    entries = [decode(Attendance, body) for body in state_of(world.cloud, Attendance).values()]
    return active_codes(world.cloud, STUDIO, entries, zone="Europe/Madrid", now_ms=now_ms)


def test_who_is_here_gets_one_code_for_the_day_in_however_many_classes() -> None:
    world = World()
    assert world.say(make(), CLOCK).link.outcome.status is Status.REFUSED, "nobody was marked"
    mark(world, ANA, "present")
    assert world.say(make(), CLOCK).link.outcome.stands
    mark(world, ANA, "late", session=NINE_BALLET)
    assert world.say(make(session=NINE_BALLET), CLOCK).link.outcome == DUPLICATE
    (code,) = active(world).values()
    assert len(code) == 6
    assert code.isdigit()
    assert active(world, now_ms=NINE + DAY_MS) == {}, "the day changed"


def test_a_mark_taken_back_takes_the_code_from_sight_and_another_brings_the_same_back() -> None:
    world = World()
    here = mark(world, ANA, "present")
    world.say(make(), CLOCK)
    before = active(world)
    gone = mark(world, ANA, "none", corrects=here)
    assert active(world) == {}
    mark(world, ANA, "present", corrects=gone)
    assert active(world) == before


def test_no_two_children_of_a_location_have_one_code() -> None:
    """The same seed twice stands for the one time in a million."""
    world = World()
    for child in (ANA, BEN):
        mark(world, child, "present")
        assert world.say(make(child), CLOCK).link.outcome.stands
    codes = active(world)
    assert codes.keys() == {ANA, BEN}
    assert codes[ANA] != codes[BEN]
    assert free_code(SEED, {codes[ANA]}) == codes[BEN]


def test_a_kiosk_holds_the_codes_of_its_location_and_no_device_may_make_one() -> None:
    world = World()
    kiosk = world.join()
    mark(world, ANA, "present")
    world.say(make(), CLOCK)
    world.sync()
    (held,) = (decode(PickupCode, body) for body in state_of(kiosk.store, PickupCode).values())
    assert held.code == active(world)[ANA]
    with pytest.raises(Exception, match="tick"):
        kiosk.bus.submit(make(BEN), CLOCK)
    assert not state_of(kiosk.store, Pass)
