"""Shapely as the judge of every geometric verdict, on random layouts; tests/fault/test_layouts.py tries 100,000 of them."""

import random

import pytest
from msgspec.structs import replace

from classtap_core.seating.model import Outline, SeatMap, ZoneKind
from classtap_core.seating.validation.aisles import clear_width_um
from classtap_core.seating.validation.checker import validate
from classtap_core.seating.validation.findings import Rule
from classtap_core.seating.validation.scene import Scene
from tests.oracles import seating_shapely
from tests.unit.seating.layouts import layout
from tests.unit.seating.rooms import zone

JUDGED = {
    Rule.OVERLAP,
    Rule.SPACING,
    Rule.CLEARANCE_FRONT,
    Rule.CLEARANCE_REAR,
    Rule.CLEARANCE_SIDE,
    Rule.WALL_OFFSET,
    Rule.EGRESS,
}


def agree(seat_map: SeatMap) -> int:
    """Compare both judges; returns how many violations they found, -1 where Shapely's floats cannot say."""
    try:
        wanted = seating_shapely.judge(seat_map)
    except seating_shapely.InDoubt:
        return -1
    ours = {(one.rule.value, one.items): one for one in validate(seat_map) if one.rule in JUDGED}
    assert set(ours) == set(wanted)
    for key, (required, actual) in wanted.items():
        assert ours[key].required == required or key[0] == "wall_offset", key
        if actual is not None:
            assert ours[key].actual == pytest.approx(actual, abs=2), key
            assert ours[key].actual < ours[key].required
    return len(wanted)


@pytest.mark.parametrize("block", range(10))
def test_every_verdict_is_shapelys(block: int) -> None:
    found = [agree(layout(random.Random(block * 1000 + seed), spots=4)) for seed in range(150)]
    assert sum(one > 0 for one in found) > 100
    assert found.count(-1) < 40


def reach_agrees(seat_map: SeatMap) -> bool | None:
    """Whether both judges say the same of every accessible spot; None where a hair more or less would change it."""
    width = seat_map.limits.accessible_um
    loose, tight = seating_shapely.reached(seat_map, width * 0.998), seating_shapely.reached(seat_map, width * 1.002)
    if loose != tight or loose is None:
        return None
    unreached = {one.items[0] for one in validate(seat_map) if one.rule is Rule.ACCESSIBLE_PATH}
    assert unreached == {spot for spot, reached in loose.items() if not reached}
    return True


def test_ways_to_accessible_spots_are_shapelys() -> None:
    found = [reach_agrees(layout(random.Random(seed), spots=9, accessible=True)) for seed in range(150)]
    assert found.count(True) > 100


def test_what_is_left_across_aisles_is_shapelys() -> None:
    narrowed = 0
    for seed in range(150):
        chance = random.Random(seed)
        seat_map = layout(chance, spots=8)
        wide = zone(
            ZoneKind.AISLE,
            x_um=4_000_000,
            y_um=3_500_000,
            width_um=chance.choice((1_500_000, 3_000_001)),
            length_um=5_000_000,
            rotation_mdeg=chance.choice((0, 90_000, chance.randrange(360_000))),
        )
        seat_map = replace(seat_map, zones=(*seat_map.zones, wide))
        aisles = [zone for zone in seat_map.zones if zone.kind is ZoneKind.AISLE and zone.outline is Outline.RECTANGLE]
        wanted = seating_shapely.aisle_widths(seat_map)
        scene = Scene(seat_map)
        for aisle in aisles:
            width, by = clear_width_um(scene, aisle)
            assert width == pytest.approx(wanted[aisle.id], abs=3), (seed, aisle.id)
            narrowed += bool(by)
    assert narrowed > 100
