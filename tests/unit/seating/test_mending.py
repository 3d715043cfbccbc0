"""A dropped spot snaps back to the nearest good place, and asking changes nothing."""

from math import hypot

from msgspec.structs import replace

from classtap_core.seating.mending import nearest_good
from classtap_core.seating.model import Room, ZoneKind
from classtap_core.seating.validation.checker import Checker, validate
from tests.unit.seating.rooms import CHAIR, room, zone


def test_catalogue_15_a_seat_dropped_on_a_pillar_goes_to_the_nearest_valid_cell() -> None:
    pillar = zone(ZoneKind.OBSTRUCTION, x_um=2_500_000, y_um=2_500_000, width_um=600_000, length_um=600_000)
    seat_map = room("a.... ..... ..... ..... ....a", zones=(pillar,))
    checker = Checker(seat_map)
    dropped = replace(seat_map.spots[0], x_um=2_490_000, y_um=2_600_000)
    assert [one.rule for one in checker.hurts(dropped)] == ["overlap"]
    assert checker.violations() == ()
    good = nearest_good(checker, dropped, 100_000)
    assert good is not None
    assert validate(replace(seat_map, spots=(good, seat_map.spots[1]))) == ()
    way = hypot(good.x_um - dropped.x_um, good.y_um - dropped.y_um)
    nodes = [(x * 100_000, y * 100_000) for x in range(50) for y in range(50)]
    others = [node for node in nodes if hypot(node[0] - dropped.x_um, node[1] - dropped.y_um) < way - 1]
    assert all(checker.hurts(replace(dropped, x_um=x, y_um=y)) for x, y in others)
    assert checker.violations() == ()


def test_where_it_was_dropped_is_good_enough_when_it_is_good() -> None:
    seat_map = room("a..")
    checker = Checker(seat_map)
    dropped = replace(seat_map.spots[0], x_um=1_777_777)
    assert nearest_good(checker, dropped, 100_000) == dropped


def test_no_good_place_is_none() -> None:
    seat_map = room("a", type=replace(CHAIR, front_um=3_000_000), room=Room(width_um=1_000_000, length_um=1_000_000))
    assert nearest_good(Checker(seat_map), seat_map.spots[0], 100_000) is None
