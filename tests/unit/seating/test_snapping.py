"""Snapping and guides: within a pixel at any zoom, and where the rulings say a duplicate lands."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classtap_core.seating.boxes import Box
from classtap_core.seating.snapping import Axis, Guides, beyond, to_grid, turn_snapped, turn_stepped

# at 100 % a pixel is a centimetre; the zooms of issue 7
ZOOMS = (10, 50, 100, 200, 400)
UM_PER_PX = {zoom: 10_000 * 100 / zoom for zoom in ZOOMS}


@pytest.mark.parametrize("zoom", ZOOMS)
def test_the_grid_pulls_within_12_pixels_and_no_further(zoom: int) -> None:
    px = UM_PER_PX[zoom]
    grid = round(40 * px)
    node = (3 * grid, 5 * grid)
    assert to_grid((node[0] + round(11.9 * px), node[1]), grid, px) == node
    away = (node[0] + round(12.1 * px), node[1])
    assert to_grid(away, grid, px) == away
    diagonal = (node[0] + round(8 * px), node[1] + round(8 * px))  # 11.3 px off
    assert to_grid(diagonal, grid, px) == node
    assert to_grid((node[0] + round(9 * px), node[1] + round(9 * px)), grid, px) != node


@given(st.integers(-(10**8), 10**8), st.integers(-(10**8), 10**8), st.sampled_from(ZOOMS))
def test_what_was_snapped_stays_where_it_is(x: int, y: int, zoom: int) -> None:
    snapped = to_grid((x, y), 500_000, UM_PER_PX[zoom])
    assert to_grid(snapped, 500_000, UM_PER_PX[zoom]) == snapped


def test_ruling_12_a_duplicate_goes_to_the_nearest_free_node_beyond_20_pixels() -> None:
    px = 10_000.0
    # a coarse grid: +20 px alone would round back to the original
    assert beyond((0, 0), 1_000_000, px, taken=[(0, 0)]) == (1_000_000, 1_000_000)
    taken = [(0, 0), (1_000_000, 1_000_000)]
    assert beyond((0, 0), 1_000_000, px, taken) == (1_000_000, 2_000_000)
    assert beyond((0, 0), 50_000, px, taken=[]) == (200_000, 200_000)
    # two at once: both must find their place free
    assert beyond((0, 0), 100_000, px, taken=[(300_000, 200_000)], others=((0, 0), (100_000, 0))) == (200_000, 300_000)


@pytest.mark.parametrize(
    ("turn", "wanted"),
    [
        (0, 0),
        (3_000, 0),
        (3_001, 3_001),
        (87_000, 90_000),
        (86_999, 86_999),
        (359_000, 0),
        (181_500, 180_000),
        (268_000, 270_000),
    ],
)
def test_turns_snap_within_3_degrees_of_a_right_angle(turn: int, wanted: int) -> None:
    assert turn_snapped(turn) == wanted


def test_turns_by_steps_of_15_degrees() -> None:
    assert [turn_stepped(turn) for turn in (0, 7_499, 7_500, 352_500, 44_000)] == [0, 0, 15_000, 0, 45_000]


@pytest.mark.parametrize("zoom", ZOOMS)
def test_guides_within_8_pixels_put_edges_and_middles_exactly_in_line(zoom: int) -> None:
    px = UM_PER_PX[zoom]
    still = Box(0, 0, round(60 * px), round(120 * px))
    guides = Guides([still])
    moving = still.shifted(round(7.9 * px), round(5000 * px))
    snap = guides.snap(moving, px)
    assert moving.left + snap.across_um == still.left
    assert [guide.at_um for guide in snap.guides if guide.axis is Axis.X] == [0, round(30 * px), round(60 * px)]
    assert snap.down_um == 0
    off = guides.snap(still.shifted(round(8.2 * px), round(5000 * px)), px)
    assert off.guides == ()


@given(
    st.lists(
        st.tuples(st.integers(0, 10**7), st.integers(0, 10**7), st.integers(2, 10**6), st.integers(2, 10**6)),
        max_size=12,
    ),
    st.tuples(st.integers(0, 10**7), st.integers(0, 10**7)),
    st.sampled_from(ZOOMS),
)
def test_the_nearest_guide_is_that_of_a_plain_search(boxes: list, at: tuple[int, int], zoom: int) -> None:
    still = [Box(x, y, x + w, y + h) for x, y, w, h in boxes]
    moving = Box(at[0], at[1], at[0] + 600_000, at[1] + 600_000)
    snap = Guides(still).snap(moving, UM_PER_PX[zoom])
    own = [moving.left, (moving.left + moving.right) / 2, moving.right]
    lines = [line for box in still for line in (box.left, (box.left + box.right) / 2, box.right)]
    nearest = min((abs(line - one) for line in lines for one in own), default=None)
    found = [guide for guide in snap.guides if guide.axis is Axis.X]
    if nearest is not None and nearest <= 8 * UM_PER_PX[zoom]:
        assert found
        assert abs(abs(snap.across_um) - nearest) <= 0.5
    else:
        assert not found


def test_equal_gaps_between_two_neighbours_and_beyond_a_pair() -> None:
    px = 10_000.0
    left, right = Box(0, 0, 100_000, 100_000), Box(1_000_000, 0, 1_100_000, 100_000)
    guides = Guides([left, right])
    between = guides.snap(Box(530_000, 3, 630_000, 90_000), px)
    assert between.across_um == -30_000
    assert [(gap.gap_um, gap.spans) for gap in between.gaps if gap.axis is Axis.X] == [
        (400_000, ((100_000, 500_000), (600_000, 1_000_000)))
    ]
    after = guides.snap(Box(2_030_000, 3, 2_130_000, 90_000), px)
    assert after.across_um == -30_000
    assert after.gaps[0].gap_um == 900_000
    before = guides.snap(Box(-970_000, 3, -870_000, 90_000), px)
    assert before.across_um == -30_000
