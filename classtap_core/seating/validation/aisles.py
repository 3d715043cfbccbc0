"""Aisles stay as wide as the room demands, whatever stands in them."""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from math import cos, radians, sin
from typing import NamedTuple

import numpy as np

from classtap_core.seating.geometry import batches
from classtap_core.seating.geometry.clipping import clipped
from classtap_core.seating.geometry.polygons import Polygon, Ratio, convex_distance, cross, edges, is_convex
from classtap_core.seating.geometry.turning import STANDING, zone_corners
from classtap_core.seating.model import Outline, Zone, ZoneKind
from classtap_core.seating.validation.findings import UM, Rule, Violation
from classtap_core.seating.validation.scene import Scene, solid_pieces

_HAIR = 1e-6
"""A millionth of a micrometre: what turning with floats may be off by."""


def aisles_too_narrow(scene: Scene, aisles: Iterable[Zone]) -> list[Violation]:
    """The aisles that are narrower than the map's limit somewhere, with what makes them so."""
    required = scene.map.limits.aisle_um
    found = []
    if required:
        for aisle in aisles:
            width, by = clear_width_um(scene, aisle)
            if width < required:
                found.append(Violation(Rule.AISLE_WIDTH, (aisle.id, *by), required, width, UM, _middle(aisle)))
    return found


def clear_width_um(scene: Scene, aisle: Zone) -> tuple[int, tuple[str, ...]]:
    """How wide an aisle is where it is narrowest, in whole µm, and the ids of what stands in it.

    Across a rectangular aisle several things add up; each counts with the box, in the aisle's own direction, around
    that part of it which lies in the aisle.
    In an aisle of another shape only the deepest thing counts.
    """
    own = own_width_um(aisle)
    standing = _standing_in(scene, aisle)
    if not standing:
        return own, ()
    by = tuple(sorted({id for id, _ in standing}))
    if aisle.points_um or aisle.outline is not Outline.RECTANGLE:
        pieces = batches.shapes(solid_pieces(aisle))
        deepest = max(_depth_um(batches.shapes([corners]), pieces) for _, corners in standing)
        return max(0, own - deepest), by
    return _left_across(aisle, standing), by


def own_width_um(aisle: Zone) -> int:
    """How wide an aisle was drawn, where it is narrowest."""
    if not aisle.points_um:
        return min(aisle.width_um, aisle.length_um)
    corners = zone_corners(aisle)
    return _convex_width_um(corners) if is_convex(corners) else _facing_width_um(corners)


def aisles_near(scene: Scene, boxes: batches.Boxes) -> list[Zone]:
    """The aisles that one of these boxes touches."""
    aisles = [zone for zone in scene.zones if zone.kind is ZoneKind.AISLE]
    return [
        aisle
        for aisle in aisles
        if batches.boxes_near(boxes, batches.boxes(batches.shapes([zone_corners(aisle)]))[0], 0).any()
    ]


def _standing_in(scene: Scene, aisle: Zone) -> list[tuple[str, Polygon]]:
    found: list[tuple[str, Polygon]] = []
    for piece in solid_pieces(aisle):
        shape = batches.shapes([piece])
        near = np.flatnonzero(batches.boxes_near(scene.around, batches.boxes(shape)[0], 0))
        hurt = batches.overlapping(scene.footprints[near], np.repeat(shape, len(near), axis=0))
        found += [(scene.spots[place].id, scene.footprint(place)) for place in near[hurt].tolist()]
        for index, owner in enumerate(scene.owners.tolist()):
            zone = scene.zones[owner]
            if zone.kind in STANDING and batches.overlapping(scene.piece_shapes[index : index + 1], shape)[0]:
                found.append((zone.id, scene.pieces[index]))
    return found


class _Extent(NamedTuple):
    along: tuple[float, float]
    across: tuple[float, float]


def _left_across(aisle: Zone, standing: list[tuple[str, Polygon]]) -> int:
    """The widest way that is left across a rectangular aisle, where that is least."""
    wide, long = aisle.width_um, aisle.length_um
    window = zone_corners(aisle)
    inside: dict[str, list[tuple[float, float]]] = {}
    for id, corners in standing:
        inside.setdefault(id, []).extend(clipped([(float(x), float(y)) for x, y in corners], window))
    extents = [_extent(aisle, corners) for corners in inside.values() if corners]
    if wide > long:
        wide, long = long, wide
    else:
        extents = [_Extent(one.across, one.along) for one in extents]
    cuts = sorted({-long / 2, long / 2, *(cut for one in extents for cut in one.along if abs(cut) < long / 2)})
    narrowest = float(wide)
    for start, stop in pairwise(cuts):
        here = sorted(one.across for one in extents if one.along[0] < stop - _HAIR and one.along[1] > start + _HAIR)
        free, at = 0.0, -wide / 2
        for low, high in here:
            free, at = max(free, low - at), max(at, high)
        narrowest = min(narrowest, max(free, wide / 2 - at))
    return max(0, int(narrowest + _HAIR))


def _extent(aisle: Zone, corners: Sequence[tuple[float, float]]) -> _Extent:
    """A polygon's box in the aisle's own direction: along its width, then along its length."""
    angle = radians(aisle.rotation_mdeg / 1000)
    s, c = (0.0, 1.0) if aisle.rotation_mdeg == 0 else (sin(angle), cos(angle))
    if aisle.rotation_mdeg % 90_000 == 0:
        s, c = float(round(s)), float(round(c))
    moved = [(x - aisle.x_um, y - aisle.y_um) for x, y in corners]
    across = [x * c + y * s for x, y in moved]
    along = [y * c - x * s for x, y in moved]
    return _Extent((min(across), max(across)), (min(along), max(along)))


def _depth_um(corners: batches.Shapes, pieces: batches.Shapes) -> int:
    many = np.repeat(corners, len(pieces), axis=0)
    hurt = batches.overlapping(many, pieces)
    depths = batches.depths_um(many[hurt], pieces[hurt])
    return int(np.ceil(depths.max())) if len(depths) else 0


def _convex_width_um(corners: Polygon) -> int:
    """The least distance between two parallels that hold a convex polygon: one of them lies along a side."""
    best: Ratio | None = None
    for a, b in edges(corners):
        length = (b[0] - a[0]) ** 2 + (b[1] - a[1]) ** 2
        far = max(abs(cross(a, b, corner)) for corner in corners)
        found = Ratio(far * far, length)
        if best is None or found.num * best.den < best.num * found.den:
            best = found
    return best.floor_um() if best else 0


def _facing_width_um(corners: Polygon) -> int:
    """The least distance between two sides that face each other across the inside."""
    sides = edges(corners)
    best: Ratio | None = None
    for i, (a, b) in enumerate(sides):
        for c, d in sides[i + 2 :]:
            if {a, b} & {c, d} or (b[0] - a[0]) * (d[0] - c[0]) + (b[1] - a[1]) * (d[1] - c[1]) >= 0:
                continue
            turn = 1 if _clockwise(corners) else -1
            if turn * max(cross(a, b, c), cross(a, b, d), key=lambda value: turn * value) <= 0:
                continue
            found = convex_distance((a, b), (c, d))
            if best is None or found.num * best.den < best.num * found.den:
                best = found
    return best.floor_um() if best else 0


def _clockwise(corners: Polygon) -> bool:
    return sum(a[0] * b[1] - b[0] * a[1] for a, b in edges(corners)) > 0


def _middle(zone: Zone) -> tuple[int, int]:
    corners = zone_corners(zone)
    return sum(x for x, _ in corners) // len(corners), sum(y for _, y in corners) // len(corners)
