"""Lining up, spreading out, mirroring and turning what is selected: spots and zones alike, new ones in the old order."""

from collections.abc import Callable, Sequence
from enum import StrEnum
from math import hypot
from typing import TypeVar

from msgspec.structs import replace

from classtap_core.kernel.errors import BadInput
from classtap_core.seating.boxes import Box, box_of, united
from classtap_core.seating.geometry.turning import placed
from classtap_core.seating.model import FULL_TURN_MDEG, Background, PointUm, SeatMap, Spot, Zone

Thing = TypeVar("Thing", bound=Spot | Zone)


class Edge(StrEnum):
    """What is lined up."""

    LEFT = "left"
    CENTRE = "centre"
    RIGHT = "right"
    TOP = "top"
    MIDDLE = "middle"
    BOTTOM = "bottom"


def aligned(spots: Sequence[Thing], seat_map: SeatMap, edge: Edge) -> list[Thing]:
    """Spots with an edge (or the middles) of their footprints on one line: that of the box around them all."""
    boxes = [box_of(spot, seat_map) for spot in spots]
    if not boxes:
        return []
    whole = united(boxes)
    shift: dict[Edge, Callable[[Box], tuple[int, int]]] = {
        Edge.LEFT: lambda box: (whole.left - box.left, 0),
        Edge.RIGHT: lambda box: (whole.right - box.right, 0),
        Edge.CENTRE: lambda box: ((whole.left + whole.right - box.left - box.right) // 2, 0),
        Edge.TOP: lambda box: (0, whole.top - box.top),
        Edge.BOTTOM: lambda box: (0, whole.bottom - box.bottom),
        Edge.MIDDLE: lambda box: (0, (whole.top + whole.bottom - box.top - box.bottom) // 2),
    }
    return [shifted(spot, *shift[edge](box)) for spot, box in zip(spots, boxes, strict=True)]


def distributed_across(spots: Sequence[Thing], seat_map: SeatMap) -> list[Thing]:
    """Spots with equal gaps from left to right; the outermost stay. Gaps differ by a micrometre at most."""
    boxes = [box_of(spot, seat_map) for spot in spots]
    starts = _spread([(box.left, box.right) for box in boxes])
    return [shifted(spot, start - box.left, 0) for spot, box, start in zip(spots, boxes, starts, strict=True)]


def distributed_down(spots: Sequence[Thing], seat_map: SeatMap) -> list[Thing]:
    """The same from top to bottom."""
    boxes = [box_of(spot, seat_map) for spot in spots]
    starts = _spread([(box.top, box.bottom) for box in boxes])
    return [shifted(spot, 0, start - box.top) for spot, box, start in zip(spots, boxes, starts, strict=True)]


def _spread(spans: list[tuple[int, int]]) -> list[int]:
    """Where each span begins when the gaps between them are equal, the first and the last where they were."""
    order = sorted(range(len(spans)), key=lambda index: (sum(spans[index]), index))
    starts = [start for start, _ in spans]
    if len(spans) < 3:
        return starts
    first, last = order[0], order[-1]
    free = spans[last][0] - spans[first][1] - sum(spans[index][1] - spans[index][0] for index in order[1:-1])
    at = spans[first][1]
    for step, index in enumerate(order[1:-1], 1):
        starts[index] = at + free * step // (len(spans) - 1)
        at += spans[index][1] - spans[index][0]
    return starts


def shifted(spot: Thing, across_um: int, down_um: int) -> Thing:
    """The same thing elsewhere; a zone's polygon goes with it."""
    if not across_um and not down_um:
        return spot
    outline = _outline(spot, lambda point: (point[0] + across_um, point[1] + down_um))
    return replace(spot, x_um=spot.x_um + across_um, y_um=spot.y_um + down_um, **outline)


def mirrored(spots: Sequence[Thing], double_axis_um: int) -> list[Thing]:
    """Spots mirrored left to right about the line x = `double_axis_um` / 2. Twice is as before, to the micrometre."""
    return [
        replace(
            spot,
            x_um=double_axis_um - spot.x_um,
            rotation_mdeg=-spot.rotation_mdeg % FULL_TURN_MDEG,
            **_outline(spot, lambda point: (double_axis_um - point[0], point[1])),
        )
        for spot in spots
    ]


def mirrored_in_place(spots: Sequence[Thing], seat_map: SeatMap) -> list[Thing]:
    """Spots mirrored about the middle of the box around them."""
    if not spots:
        return []
    whole = united(box_of(spot, seat_map) for spot in spots)
    return mirrored(spots, whole.left + whole.right)


def turned_together(spots: Sequence[Thing], mdeg: int, around: PointUm) -> list[Thing]:
    """Spots turned clockwise about a point as if they were one thing."""
    found = []
    for spot in spots:
        x, y = _turned((spot.x_um, spot.y_um), mdeg, around)
        turn = (spot.rotation_mdeg + mdeg) % FULL_TURN_MDEG
        outline = _outline(spot, lambda point: _turned(point, mdeg, around))
        found.append(replace(spot, x_um=x, y_um=y, rotation_mdeg=turn, **outline))
    return found


def calibrated(
    background: Background, a_px: tuple[float, float], b_px: tuple[float, float], length_um: int
) -> Background:
    """An underlay scaled so that two of its points lie a known length apart.

    Raises BadInput `calibration.same_point` when they are less than a pixel apart, or the length is not positive.
    """
    apart = hypot(b_px[0] - a_px[0], b_px[1] - a_px[1])
    if apart < 1 or length_um <= 0:
        raise BadInput("calibration.same_point")
    return replace(background, nm_per_px=max(1, round(length_um * 1000 / apart)))


def measured_um(a: PointUm, b: PointUm) -> int:
    """The distance of two points on the map, to the micrometre."""
    return round(hypot(b[0] - a[0], b[1] - a[1]))


def _outline(spot: Spot | Zone, moved: Callable[[PointUm], PointUm]) -> dict[str, tuple[PointUm, ...]]:
    """The new corners of a polygon; nothing for what has none."""
    if isinstance(spot, Spot) or not spot.points_um:
        return {}
    return {"points_um": tuple(moved(point) for point in spot.points_um)}


def _turned(point: PointUm, mdeg: int, around: PointUm) -> PointUm:
    half = ((2 * (point[0] - around[0]), 2 * (point[1] - around[1])),)
    return placed(half, mdeg % FULL_TURN_MDEG, around)[0]
