"""Upright boxes around what lies on a map: what is lined up, spread out and snapped."""

from collections.abc import Iterable
from typing import NamedTuple

from classtap_core.seating.geometry.turning import footprint, zone_corners
from classtap_core.seating.model import PointUm, SeatMap, Spot, Zone


class Box(NamedTuple):
    """The upright box around something, in µm."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        """Its extent across."""
        return self.right - self.left

    @property
    def height(self) -> int:
        """Its extent down."""
        return self.bottom - self.top

    def shifted(self, across: int, down: int) -> "Box":
        """The same box elsewhere."""
        return Box(self.left + across, self.top + down, self.right + across, self.bottom + down)


def box_of(item: Spot | Zone, seat_map: SeatMap) -> Box:
    """The box around a spot's footprint or a zone. Raises KeyError for a type the map does not have."""
    return around(footprint(item, seat_map.type_of(item)) if isinstance(item, Spot) else zone_corners(item))


def around(points: Iterable[PointUm]) -> Box:
    """The box around some points."""
    xs, ys = zip(*points, strict=True)
    return Box(min(xs), min(ys), max(xs), max(ys))


def united(boxes: Iterable[Box]) -> Box:
    """The box around some boxes."""
    listed = list(boxes)
    return Box(
        min(box.left for box in listed),
        min(box.top for box in listed),
        max(box.right for box in listed),
        max(box.bottom for box in listed),
    )
