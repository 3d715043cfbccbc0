"""Corners: Shapely's rotation within a micrometre, mirror images exactly."""

from math import cos, radians, sin

from hypothesis import example, given
from hypothesis import strategies as st
from shapely import Point, affinity

from classtap_core.seating.geometry.turning import ellipse, placed, rectangle, turned

MDEG = st.integers(0, 359_999)
SIZE = st.integers(1_000, 50_000_000)


@given(MDEG)
def test_sine_and_cosine_are_the_mathematical_ones(mdeg: int) -> None:
    found = turned(mdeg)
    assert abs(found.sin / 2**96 - sin(radians(mdeg / 1000))) < 1e-12
    assert abs(found.cos / 2**96 - cos(radians(mdeg / 1000))) < 1e-12
    assert abs(found.sin**2 + found.cos**2 - 2**192) < 2**104


def test_quarter_turns_are_exact() -> None:
    assert [turned(mdeg) for mdeg in (0, 90_000, 180_000, 270_000)] == [
        (0, 2**96),
        (2**96, 0),
        (0, -(2**96)),
        (-(2**96), 0),
    ]


@given(SIZE, SIZE, MDEG, st.integers(-(10**8), 10**8), st.integers(-(10**8), 10**8))
def test_corners_are_where_shapely_turns_them(width: int, length: int, mdeg: int, x: int, y: int) -> None:
    found = placed(rectangle(width, length), mdeg, (x, y))
    for (half_x, half_y), corner in zip(rectangle(width, length), found, strict=True):
        wanted = affinity.translate(affinity.rotate(Point(half_x / 2, half_y / 2), mdeg / 1000, origin=(0, 0)), x, y)
        assert abs(wanted.x - corner[0]) <= 0.51
        assert abs(wanted.y - corner[1]) <= 0.51


@given(SIZE, SIZE, MDEG)
@example(1001, 1003, 30_000)
@example(1001, 1001, 45_000)
def test_a_mirror_image_has_mirrored_corners(width: int, length: int, mdeg: int) -> None:
    found = set(placed(rectangle(width, length), mdeg, (0, 0)))
    mirrored = set(placed(rectangle(width, length), -mdeg, (0, 0)))
    assert {(-x, y) for x, y in found} == mirrored


@given(SIZE, SIZE)
def test_round_footprints_lie_in_their_box_and_touch_it(width: int, length: int) -> None:
    found = placed(ellipse(width, length), 0, (0, 0))
    assert max(x for x, _ in found) - min(x for x, _ in found) in (width, width + 1)
    assert max(y for _, y in found) - min(y for _, y in found) in (length, length + 1)
