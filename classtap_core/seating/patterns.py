"""Places in rows, arcs, fans and lanes: where things go, before there are things."""

from math import asin, atan2, ceil, degrees, hypot
from typing import NamedTuple

from classtap_core.kernel.errors import BadInput
from classtap_core.seating.geometry.turning import placed
from classtap_core.seating.model import FULL_TURN_MDEG, PointUm

HAIR_UM = 6
"""What the corners of two turned things may be off by together, each rounded to a micrometre or two."""


class Place(NamedTuple):
    """A place of a pattern: its middle, its turn, and which of which row it is, from 0."""

    x_um: int
    y_um: int
    rotation_mdeg: int
    row: int
    seat: int


def grid(
    rows: int, columns: int, pitch_um: tuple[int, int], *, first: PointUm = (0, 0), turn_mdeg: int = 0
) -> list[Place]:
    """Rows of columns, so far apart across and down, from the top left one."""
    return [
        Place(first[0] + column * pitch_um[0], first[1] + row * pitch_um[1], turn_mdeg, row, column)
        for row in range(rows)
        for column in range(columns)
    ]


def staggered(rows: int, columns: int, pitch_um: tuple[int, int], *, first: PointUm = (0, 0)) -> list[Place]:
    """A grid whose every second row stands in the gaps of the one before, one fewer."""
    return [
        Place(
            first[0] + column * pitch_um[0] + row % 2 * pitch_um[0] // 2, first[1] + row * pitch_um[1], 0, row, column
        )
        for row in range(rows)
        for column in range(columns - row % 2)
    ]


def lanes(count: int, pitch_um: int, *, first: PointUm = (0, 0), turn_mdeg: int = 0) -> list[Place]:
    """One row of long things side by side."""
    return grid(1, count, (pitch_um, 0), first=first, turn_mdeg=turn_mdeg)


def arc(
    count: int, radius_um: int, step_mdeg: int, *, middle: PointUm = (0, 0), facing_mdeg: int = 0, row: int = 0
) -> list[Place]:
    """So many on a circle below its middle, a step apart, even on both sides; all look at the middle.

    `facing_mdeg` turns the whole arc: 0 has it below the middle, looking up.
    """
    places = []
    for seat in range(count):
        turn = (facing_mdeg + (count - 1 - 2 * seat) * step_mdeg // 2) % FULL_TURN_MDEG
        x, y = placed(((0, 2 * radius_um),), turn, middle)[0]
        places.append(Place(x, y, turn, row, seat))
    return places


def fan(
    counts: tuple[int, ...],
    *,
    size_um: tuple[int, int],
    gap_um: tuple[int, int],
    radius_um: int,
    middle: PointUm = (0, 0),
) -> list[Place]:
    """Arcs one behind the other, with gaps between footprints of a size beside each other and from row to row.

    `radius_um` is from the middle to the fronts of the first row. Nothing lies nearer to a footprint than its gap,
    measured straight to its side and straight behind it. Raises BadInput `pattern.too_tight` where a row would go
    round more than half a circle.
    """
    places = []
    front = radius_um
    for row, count in enumerate(counts):
        step = step_for(size_um[0], gap_um[0], front)
        if (count - 1) * step > FULL_TURN_MDEG // 2:
            raise BadInput("pattern.too_tight", count=count)
        places += arc(count, front + size_um[1] // 2, step, middle=middle, row=row)
        front = _next_front(front, size_um, gap_um)
    return places


def spread_mdeg(counts: tuple[int, ...], *, size_um: tuple[int, int], gap_um: tuple[int, int], radius_um: int) -> int:
    """The angle that the widest row of a fan goes round."""
    widest, front = 0, radius_um
    for count in counts:
        widest = max(widest, (count - 1) * step_for(size_um[0], gap_um[0], front))
        front = _next_front(front, size_um, gap_um)
    return widest


def _next_front(front_um: int, size_um: tuple[int, int], gap_um: tuple[int, int]) -> int:
    """Where the next row's fronts lie: behind this row's corners by the gap, and behind what is free at its sides."""
    rear = front_um + size_um[1]
    behind_corners = hypot(rear, size_um[0] / 2) + gap_um[1]
    behind_sides = hypot(rear, size_um[0] / 2 + gap_um[0])
    return ceil(max(behind_corners, behind_sides)) + HAIR_UM


def step_for(width_um: int, gap_um: int, front_um: int) -> int:
    """The angle in millidegrees, rounded up, between two on an arc so that a gap is free straight beside each.

    In the frame of one, whose side is at w/2, the other's front corner lies at R sin a - w/2 cos a.
    """
    half = width_um / 2
    share = (half + gap_um + HAIR_UM) / hypot(front_um, half)
    if share >= 1:
        return FULL_TURN_MDEG
    return int(degrees(atan2(half, front_um) + asin(share)) * 1000) + 2
