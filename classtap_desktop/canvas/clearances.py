"""What a spot's equipment keeps free on its sides, and whether it is free: drawn around what is selected or dragged."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPainter, QPen

from classtap_core.seating.geometry.polygons import Polygon, contains, convex_overlap, convex_pieces, edges
from classtap_core.seating.geometry.turning import footprint, placed, surroundings, zone_corners
from classtap_core.seating.model import PointUm, SeatMap, Spot
from classtap_core.seating.validation.findings import Rule, Violation
from classtap_desktop.canvas.scenery import polygon
from classtap_desktop.canvas.viewport import Viewport
from classtap_desktop.kit import theme

SHOWN_FOR = 24
"""With more spots than this selected, the room would be nothing but frames."""
_RULES = {
    "front": Rule.CLEARANCE_FRONT, "rear": Rule.CLEARANCE_REAR, "left": Rule.CLEARANCE_SIDE, "right": Rule.CLEARANCE_SIDE,
}  # fmt: skip


class Free(NamedTuple):
    """What is to be kept free on one side, and whether something stands in it."""

    side: str
    corners: tuple[PointUm, ...]
    hurt: bool


def frees_of(spot: Spot, seat_map: SeatMap, found: Sequence[Violation]) -> Iterator[Free]:
    """The rectangles a spot keeps free, by what was found wrong with the map."""
    type = seat_map.type_of(spot)
    depths = {"front": type.front_um, "rear": type.rear_um, "left": type.side_um, "right": type.side_um}
    around = surroundings(type.width_um, type.length_um, type.front_um, type.rear_um, type.side_um)
    short = [one for one in found if one.items[:1] == (spot.id,) and one.rule in _RULES.values()]
    for side, depth in depths.items():
        if depth:
            corners = placed(around[side], spot.rotation_mdeg, (spot.x_um, spot.y_um))
            about = [one for one in short if one.rule is _RULES[side]]
            hurt = any(convex_overlap(piece, corners) for one in about for piece in _intruders(one, seat_map))
            yield Free(side, corners, hurt or not all(contains(seat_map.room.corners(), at) for at in corners))


def _intruders(found: Violation, seat_map: SeatMap) -> Iterable[Polygon]:
    """What stands in a side that should be free; the walls where nothing is named."""
    if len(found.items) < 2:
        return edges(seat_map.room.corners())
    for spot in seat_map.spots:
        if spot.id == found.items[1]:
            return [footprint(spot, seat_map.type_of(spot))]
    return [
        piece for zone in seat_map.zones if zone.id == found.items[1] for piece in convex_pieces(zone_corners(zone))
    ]


def draw_clearances(
    painter: QPainter, spots: Sequence[Spot], seat_map: SeatMap, found: Sequence[Violation], view: Viewport
) -> None:
    """Green where a side is free, red where something stands in it (catalogue 15, requirement 5)."""
    for spot in spots if len(spots) <= SHOWN_FOR else ():
        for free in frees_of(spot, seat_map, found):
            color = theme().color("absent" if free.hurt else "present")
            pale = QColor(color)
            pale.setAlpha(56 if free.hurt else 30)
            painter.setBrush(pale)
            painter.setPen(QPen(color, 1.2, Qt.PenStyle.DotLine))
            painter.drawPolygon(polygon(free.corners, view))
