"""Lining up, spreading, mirroring, calibrating; and places in arcs and fans."""

from itertools import pairwise
from math import hypot

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from classtap_core.kernel.errors import BadInput
from classtap_core.seating.arranging import (
    Edge,
    aligned,
    calibrated,
    distributed_across,
    distributed_down,
    measured_um,
    mirrored,
    mirrored_in_place,
    turned_together,
)
from classtap_core.seating.boxes import box_of
from classtap_core.seating.geometry.turning import footprint
from classtap_core.seating.model import Background, EquipmentType, Room, SeatMap, Spot, Unit
from classtap_core.seating.patterns import arc, fan, grid, lanes, staggered
from classtap_core.seating.units import shown
from classtap_core.seating.validation.checker import validate
from tests.unit.seating.rooms import room

PLACES = st.lists(
    st.tuples(st.integers(0, 10**7), st.integers(0, 10**7), st.integers(0, 359_999)), min_size=3, max_size=8
)


def scattered(places: list[tuple[int, int, int]]) -> SeatMap:
    seat_map = room("a" * len(places))
    spots = tuple(
        replace(spot, x_um=x, y_um=y, rotation_mdeg=turn)
        for spot, (x, y, turn) in zip(seat_map.spots, places, strict=True)
    )
    return replace(seat_map, spots=spots)


@given(PLACES)
def test_gaps_are_equal_and_the_outermost_stay(places: list[tuple[int, int, int]]) -> None:
    seat_map = scattered(places)
    spread = distributed_across(seat_map.spots, seat_map)
    old = [box_of(spot, seat_map) for spot in seat_map.spots]
    order = sorted(range(len(old)), key=lambda index: (old[index].left + old[index].right, index))
    boxes = [box_of(spread[index], seat_map) for index in order]
    gaps = [two.left - one.right for one, two in pairwise(boxes)]
    assert max(gaps) - min(gaps) <= 1
    assert (boxes[0], boxes[-1]) == (old[order[0]], old[order[-1]])
    assert [spot.y_um for spot in spread] == [spot.y_um for spot in seat_map.spots]
    assert [spot.id for spot in spread] == [spot.id for spot in seat_map.spots]


@given(PLACES)
def test_down_is_across_turned_on_its_side(places: list[tuple[int, int, int]]) -> None:
    upright = scattered([(x, y, 0) for x, y, _ in places])
    sideways = scattered([(y, x, 0) for x, y, _ in places])
    down = distributed_down(upright.spots, upright)
    across = distributed_across(sideways.spots, sideways)
    assert [(spot.x_um, spot.y_um) for spot in down] == [(spot.y_um, spot.x_um) for spot in across]


@given(PLACES, st.sampled_from(Edge))
def test_lined_up_is_lined_up(places: list[tuple[int, int, int]], edge: Edge) -> None:
    seat_map = scattered(places)
    boxes = [box_of(spot, seat_map) for spot in aligned(seat_map.spots, seat_map, edge)]
    line = {
        Edge.LEFT: [box.left for box in boxes],
        Edge.RIGHT: [box.right for box in boxes],
        Edge.TOP: [box.top for box in boxes],
        Edge.BOTTOM: [box.bottom for box in boxes],
        Edge.CENTRE: [(box.left + box.right) // 2 for box in boxes],
        Edge.MIDDLE: [(box.top + box.bottom) // 2 for box in boxes],
    }[edge]
    assert max(line) - min(line) <= (1 if edge in (Edge.CENTRE, Edge.MIDDLE) else 0)


@given(PLACES, st.integers(-(10**8), 10**8))
def test_mirrored_twice_is_as_before(places: list[tuple[int, int, int]], axis: int) -> None:
    seat_map = scattered(places)
    once = mirrored(seat_map.spots, axis)
    assert mirrored(once, axis) == list(seat_map.spots)
    assert mirrored_in_place(mirrored_in_place(seat_map.spots, seat_map), seat_map) == list(seat_map.spots)
    for spot, image in zip(seat_map.spots, once, strict=True):
        corners = {(axis - x, y) for x, y in footprint(spot, seat_map.type_of(spot))}
        assert corners == set(footprint(image, seat_map.type_of(image)))


@given(PLACES)
def test_four_quarter_turns_are_none(places: list[tuple[int, int, int]]) -> None:
    seat_map = scattered(places)
    spots: list[Spot] = list(seat_map.spots)
    for _ in range(4):
        spots = turned_together(spots, 90_000, (1_234_567, 89))
    assert spots == list(seat_map.spots)


def test_calibrated_by_two_points_ten_metres_measure_ten_metres() -> None:
    # catalogue 15: 10.00 ± 0.02 in the unit shown
    ten = calibrated(Background(blob="x"), (100, 100), (700.5, 900), 10_000_000)
    um_per_px = ten.nm_per_px / 1000
    a, b = ((round(x * um_per_px), round(y * um_per_px)) for x, y in ((100, 100), (700.5, 900)))
    assert shown(measured_um(a, b), Unit.METRE) == "10.00"
    with pytest.raises(BadInput):
        calibrated(Background(blob="x"), (1, 1), (1.5, 1), 10_000_000)


def test_grids_staggers_and_lanes() -> None:
    assert [(place.x_um, place.y_um) for place in grid(2, 2, (10, 20))] == [(0, 0), (10, 0), (0, 20), (10, 20)]
    assert [(place.row, place.x_um) for place in staggered(2, 3, (10, 20))] == [
        (0, 0),
        (0, 10),
        (0, 20),
        (1, 5),
        (1, 15),
    ]
    assert [place.rotation_mdeg for place in lanes(3, 5, turn_mdeg=90_000)] == [90_000] * 3


@given(st.integers(1, 12), st.integers(1_000_000, 10**7), st.integers(1_000, 15_000))
def test_an_arc_is_even_and_looks_at_its_middle(count: int, radius: int, step: int) -> None:
    places = arc(count, radius, step)
    assert all(abs(hypot(place.x_um, place.y_um) - radius) < 1 for place in places)
    assert all(abs(a.x_um + b.x_um) <= radius * 2e-5 for a, b in zip(places, reversed(places), strict=True))
    assert [place.x_um for place in places] == sorted(place.x_um for place in places)
    assert all(place.y_um > 0 for place in places if abs(place.rotation_mdeg - 180_000) > 90_000)


@given(
    st.lists(st.integers(1, 7), min_size=1, max_size=3),
    st.tuples(st.integers(200_000, 1_500_000), st.integers(200_000, 2_000_000)),
    st.tuples(st.integers(0, 900_000), st.integers(0, 900_000)),
    st.integers(1_500_000, 6_000_000),
)
def test_rows_of_a_fan_keep_their_gaps(counts: list[int], size: tuple, gap: tuple, radius: int) -> None:
    try:
        places = fan(tuple(counts), size_um=size, gap_um=gap, radius_um=radius, middle=(40_000_000, 40_000_000))
    except BadInput:
        return
    free = EquipmentType(
        id="x", name="x", width_um=size[0], length_um=size[1], front_um=gap[1], rear_um=gap[1], side_um=gap[0]
    )
    spots = tuple(
        Spot(id=f"{index:032x}", type="x", x_um=place.x_um, y_um=place.y_um, rotation_mdeg=place.rotation_mdeg)
        for index, place in enumerate(places)
    )
    large = Room(width_um=100_000_000, length_um=100_000_000)
    assert validate(SeatMap(name="Fan", room=large, types=(free,), spots=spots)) == ()


def test_a_row_that_would_go_round_more_than_half_a_circle_is_refused() -> None:
    with pytest.raises(BadInput):
        fan((40,), size_um=(500_000, 1_000_000), gap_um=(300_000, 400_000), radius_um=2_000_000)
