"""Each rule on a room one can picture; then the incremental checker against a fresh one."""

import random

import pytest
from msgspec.structs import replace

from classtap_core.seating.model import EquipmentType, Limits, Path, Room, SeatMap, Spot, Status, Visibility, ZoneKind
from classtap_core.seating.validation.aisles import own_width_um
from classtap_core.seating.validation.checker import Checker, validate
from tests.unit.seating.layouts import layout
from tests.unit.seating.rooms import CHAIR, room, spot_id, zone


def findings(seat_map: SeatMap) -> list[tuple[str, int, int]]:
    return [(one.rule.value, one.required, one.actual) for one in validate(seat_map)]


def test_a_room_with_nothing_wrong() -> None:
    assert validate(room("aa aa")) == ()


def test_touching_is_not_overlapping_and_a_micrometre_is() -> None:
    seat_map = room("aa", type=replace(CHAIR, width_um=1_000_000))
    assert findings(seat_map) == []
    nudged = replace(seat_map.spots[1], x_um=seat_map.spots[1].x_um - 1)
    assert findings(replace(seat_map, spots=(seat_map.spots[0], nudged))) == [("overlap", 0, -1)]


def test_spacing_is_met_at_exactly_its_length() -> None:
    assert findings(room("aa", limits=Limits(spacing_um=500_000))) == []
    assert findings(room("aa", limits=Limits(spacing_um=500_001))) == [("spacing", 500_001, 500_000)]


def test_clearances_to_the_front_the_rear_and_the_sides() -> None:
    front = replace(CHAIR, front_um=600_000)
    # the upper chair's front is 0.25 m from the wall, the lower one's 0.5 m from the upper chair
    assert findings(room("a a", type=front)) == [
        ("clearance_front", 600_000, 250_000),
        ("clearance_front", 600_000, 500_000),
    ]
    side = replace(CHAIR, side_um=250_001)
    assert findings(room("a.a", type=side)) == [("clearance_side", 250_001, 250_000)] * 2
    rear = replace(CHAIR, rear_um=300_000)
    turned = room("a ", type=rear)
    assert findings(turned) == [("clearance_rear", 300_000, 250_000)]
    assert validate(turned)[0].items == (spot_id("1,1"),)


def test_a_wall_offset_keeps_its_strip_free() -> None:
    offsets = Room(width_um=2_000_000, length_um=1_000_000, wall_offsets_um=(0, 0, 0, 300_000))
    found = validate(room("aa", room=offsets))
    assert [(one.rule, one.items, one.required, one.actual) for one in found] == [
        ("wall_offset", (spot_id("1,1"),), 300_000, 250_000)
    ]


def test_a_spot_outside_the_room() -> None:
    small = Room(width_um=1_700_000, length_um=1_000_000)
    assert findings(room("aa", room=small)) == [("wall_offset", 0, -50_000)]


@pytest.mark.parametrize("kind", [ZoneKind.WALL, ZoneKind.MIRROR, ZoneKind.OBSTRUCTION, ZoneKind.STAGE, ZoneKind.AISLE])
def test_nothing_stands_in_a_blocked_zone(kind: ZoneKind) -> None:
    pillar = zone(kind, x_um=500_000, y_um=500_000, width_um=300_000, length_um=300_000)
    assert [one.items for one in validate(room("aa", zones=(pillar,)))] == [(spot_id("1,1"), pillar.id)]
    drawn = zone(ZoneKind.DRAWING, x_um=500_000, y_um=500_000, width_um=300_000, length_um=300_000)
    assert validate(room("aa", zones=(drawn,))) == ()


def test_an_aisle_drawn_too_narrow_and_one_made_too_narrow() -> None:
    aisle = zone(ZoneKind.AISLE, x_um=1_500_000, y_um=1_000_000, width_um=900_000, length_um=2_000_000)
    wide = Limits(aisle_um=900_000)
    assert findings(room("a.a a.a", zones=(aisle,), limits=wide)) == []
    assert findings(room("a.a a.a", zones=(aisle,), limits=Limits(aisle_um=900_001))) == [
        ("aisle_width", 900_001, 900_000)
    ]
    seat_map = room("a.a a.a", zones=(aisle,), limits=wide)
    moved = replace(seat_map.spots[0], x_um=900_000)  # its right edge at 1.15 m, 0.10 m into the aisle
    assert findings(replace(seat_map, spots=(moved, *seat_map.spots[1:]))) == [
        ("overlap", 0, -100_000),
        ("aisle_width", 900_000, 800_000),
    ]


def test_two_things_across_an_aisle_add_up_and_one_behind_the_other_do_not() -> None:
    aisle = zone(ZoneKind.AISLE, x_um=2_000_000, y_um=2_000_000, width_um=2_000_000, length_um=4_000_000)
    both = room(
        "aa", zones=(aisle,), limits=Limits(aisle_um=1_900_000), room=Room(width_um=4_000_000, length_um=4_000_000)
    )
    left, right = replace(both.spots[0], x_um=1_000_000), replace(both.spots[1], x_um=3_000_000)
    assert ("aisle_width", 1_900_000, 1_500_000) in findings(replace(both, spots=(left, right)))
    later = replace(right, y_um=3_000_000)
    assert ("aisle_width", 1_900_000, 1_750_000) in findings(replace(both, spots=(left, later)))


def test_an_aisle_round_a_corner_is_as_wide_as_its_narrower_arm() -> None:
    corner = zone(
        ZoneKind.AISLE,
        points_um=(
            (0, 0),
            (3_000_000, 0),
            (3_000_000, 900_000),
            (1_200_000, 900_000),
            (1_200_000, 3_000_000),
            (0, 3_000_000),
        ),
    )
    assert own_width_um(corner) == 900_000


def test_a_door_keeps_its_egress_free_and_takes_it_along() -> None:
    door = zone(
        ZoneKind.DOOR,
        x_um=1_500_000,
        y_um=0,
        width_um=900_000,
        length_um=100_000,
        rotation_mdeg=180_000,
        clearance_um=800_000,
    )
    # the chair's edge is 0.25 m from the wall, the door leaf reaches 0.05 m into the room
    assert findings(room(".a. ...", zones=(door,))) == [("egress", 800_000, 200_000)]
    assert findings(room("a.. ...", zones=(replace(door, x_um=2_000_000),))) == []


def reformers(*, gap_um: int, **fields: object) -> SeatMap:
    """Two blocks across the room with a gap between them; the accessible spot lies beyond it, the door before it."""
    block = EquipmentType(id="block", name="Block", width_um=2_000_000, length_um=1_000_000)
    spots = (
        Spot(id=spot_id("left"), type="block", x_um=1_000_000, y_um=3_000_000),
        Spot(id=spot_id("right"), type="block", x_um=3_000_000 + gap_um, y_um=3_000_000),
        Spot(id=spot_id("goal"), type="chair", x_um=2_000_000, y_um=5_500_000, tags=("accessible",)),
    )
    door = zone(ZoneKind.DOOR, x_um=2_000_000, y_um=0, width_um=1_000_000, length_um=100_000, rotation_mdeg=180_000)
    size = Room(width_um=4_000_000 + gap_um, length_um=6_000_000)
    made = {"limits": Limits(accessible_um=914_400), "zones": (door,), **fields}
    return SeatMap(name="Test", room=size, types=(block, CHAIR), spots=spots, **made)  # type: ignore[arg-type]


def test_a_way_exactly_as_wide_as_required_is_a_way() -> None:
    assert findings(reformers(gap_um=914_400)) == []
    assert findings(reformers(gap_um=914_399)) == [("accessible_path", 914_400, 914_399)]


def test_no_door_is_wide_enough() -> None:
    seat_map = reformers(gap_um=2_000_000)
    narrow = replace(seat_map, zones=(replace(seat_map.zones[0], width_um=900_000),))
    assert findings(narrow) == [("accessible_path", 914_400, 0)]
    assert findings(replace(seat_map, zones=())) == []  # nothing is known about how people come in


def test_an_accessible_path_is_kept_clear() -> None:
    path = Path(id=spot_id("path"), points_um=((0, 1_000_000), (4_000_000, 1_000_000)), width_um=1_000_000)
    assert findings(reformers(gap_um=1_000_000, paths=(path,))) == []
    low = replace(path, points_um=((0, 2_100_000), (4_000_000, 2_100_000)))
    assert findings(reformers(gap_um=1_000_000, paths=(low,))) == [("accessible_path", 1_000_000, 800_000)] * 2
    assert findings(reformers(gap_um=1_000_000, paths=(replace(path, width_um=900_000),))) == [
        ("accessible_path", 914_400, 900_000)
    ]


def test_labels_that_stand_for_two_spots() -> None:
    seat_map = room("aaa")
    named = [replace(spot, label=label) for spot, label in zip(seat_map.spots, ("A1", "A1", "A2"), strict=True)]
    assert findings(replace(seat_map, spots=tuple(named))) == [("duplicate_label", 1, 2)]
    aliased = [replace(spot, label=f"C{n}", alias="Bike 1") for n, spot in enumerate(seat_map.spots)]
    assert findings(replace(seat_map, spots=tuple(aliased))) == [("duplicate_label", 1, 3)]
    staff = [*aliased[:1], *(replace(spot, visibility=Visibility.STAFF) for spot in aliased[1:])]
    assert findings(replace(seat_map, spots=tuple(staff))) == []


def test_capacity_counts_what_can_be_given_away() -> None:
    seat_map = room("aaa", limits=Limits(capacity=2))
    assert findings(seat_map) == [("capacity", 2, 3)]
    broken = (replace(seat_map.spots[0], status=Status.OUT_OF_SERVICE), *seat_map.spots[1:])
    assert findings(replace(seat_map, spots=broken)) == []


@pytest.mark.parametrize("seed", range(25))
def test_after_any_moves_the_checker_says_what_a_fresh_one_says(seed: int) -> None:
    chance = random.Random(seed)
    seat_map = layout(chance, spots=12, accessible=True)
    seat_map = replace(seat_map, limits=replace(seat_map.limits, aisle_um=400_000))
    checker = Checker(seat_map)
    for _ in range(6):
        chosen = chance.sample(seat_map.spots, chance.choice((1, 1, 3, 12)))
        moved = [
            replace(
                spot,
                x_um=spot.x_um + chance.randrange(-900_000, 900_000),
                rotation_mdeg=chance.randrange(360_000),
                label=chance.choice(("", "A1", "A2")),
            )
            for spot in chosen
        ]
        by_id = {spot.id: spot for spot in (*seat_map.spots, *moved)}
        seat_map = replace(seat_map, spots=tuple(by_id[spot.id] for spot in seat_map.spots))
        assert checker.moved(moved) == validate(seat_map)


def test_thousands_of_spots_on_one_place_are_found_out_and_do_not_fill_the_memory() -> None:
    seat_map = reformers(gap_um=1_000_000)
    heap = tuple(
        Spot(id=f"{index:032x}", type="chair", x_um=500_000, y_um=1_000_000, tags=("accessible",) if index < 3 else ())
        for index in range(3_000)
    )
    found = validate(replace(seat_map, spots=(*seat_map.spots, *heap)))
    assert sum(one.rule == "overlap" for one in found) > 100_000
