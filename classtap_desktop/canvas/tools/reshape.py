"""Pulling at the sides of a zone, the corners of a polygon and the points of a way."""

from __future__ import annotations

from typing import NamedTuple

from msgspec.structs import replace
from PySide6.QtCore import QPointF

from classtap_core.seating.geometry.turning import placed
from classtap_core.seating.model import Path, PointUm, Zone
from classtap_desktop.canvas.edits import Item
from classtap_desktop.canvas.viewport import Viewport

LEAST_UM = 10_000


class Grip(NamedTuple):
    """A handle: where it is on the board, and the corner (by number) or the sides (-1, 0, 1) it pulls."""

    px: QPointF
    sides: tuple[int, int] | None
    corner: int


def grips_of(item: Item, view: Viewport) -> list[Grip]:
    """The handles of a zone or a way; a spot has none, for its size is its equipment's."""
    if isinstance(item, Path) or (isinstance(item, Zone) and item.points_um):
        return [Grip(view.point(point), None, at) for at, point in enumerate(item.points_um)]
    if not isinstance(item, Zone):
        return []
    grips = []
    for i in (-1, 0, 1):
        for j in (-1, 0, 1):
            if i or j:
                at = placed(((i * item.width_um, j * item.length_um),), item.rotation_mdeg, (item.x_um, item.y_um))[0]
                grips.append(Grip(view.point(at), (i, j), -1))
    return grips


class Reshape(NamedTuple):
    """One thing's handle being pulled."""

    id: str
    grip: Grip

    def pulled(self, item: Item, place: PointUm) -> Item:
        """The thing with its handle at a place."""
        if self.grip.sides is None:
            points = list(item.points_um)  # type: ignore[union-attr]
            points[self.grip.corner] = place
            return replace(item, points_um=tuple(points))
        assert isinstance(item, Zone)
        return resized(item, self.grip.sides, place)


def resized(zone: Zone, sides: tuple[int, int], place: PointUm) -> Zone:
    """A zone whose named sides lie at a place while the opposite ones stay where they are."""
    half = (2 * (place[0] - zone.x_um), 2 * (place[1] - zone.y_um))
    x, y = placed((half,), -zone.rotation_mdeg % 360_000, (0, 0))[0]
    wide, long = zone.width_um, zone.length_um
    left, right, top, bottom = -wide / 2, wide / 2, -long / 2, long / 2
    if sides[0] < 0:
        left = min(x, right - LEAST_UM)
    elif sides[0] > 0:
        right = max(x, left + LEAST_UM)
    if sides[1] < 0:
        top = min(y, bottom - LEAST_UM)
    elif sides[1] > 0:
        bottom = max(y, top + LEAST_UM)
    across, down = left + right, top + bottom
    middle = placed(((round(across), round(down)),), zone.rotation_mdeg, (zone.x_um, zone.y_um))[0]
    return replace(zone, x_um=middle[0], y_um=middle[1], width_um=round(right - left), length_um=round(bottom - top))
