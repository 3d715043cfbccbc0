"""Spots among themselves and against the room: overlap, spacing, clearances, wall offsets, doors."""

from collections.abc import Iterable, Iterator
from math import ceil, hypot
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from classtap_core.seating.geometry import batches
from classtap_core.seating.geometry.batches import Indices, Mask, Shapes
from classtap_core.seating.geometry.clipping import clipped
from classtap_core.seating.geometry.polygons import Polygon, contains, point_to_segment
from classtap_core.seating.geometry.turning import egress, zone_corners
from classtap_core.seating.model import ZoneKind
from classtap_core.seating.validation.findings import UM, Rule, Violation
from classtap_core.seating.validation.scene import SIDES, Scene

CLEARANCE = {
    "front": Rule.CLEARANCE_FRONT,
    "rear": Rule.CLEARANCE_REAR,
    "left": Rule.CLEARANCE_SIDE,
    "right": Rule.CLEARANCE_SIDE,
}


def reach_um(scene: Scene) -> int:
    """How far a spot can hurt another."""
    depths = [0, scene.map.limits.spacing_um]
    for type in scene.map.types:
        depths += [type.front_um, type.rear_um, type.side_um]
    return max(depths)


def pairs_of_all(scene: Scene) -> tuple[Indices, Indices]:
    """Every pair of spots that could hurt each other."""
    return batches.near_pairs(scene.around, reach_um(scene))


def pairs_of(scene: Scene, places: Iterable[int]) -> tuple[Indices, Indices]:
    """Every pair of one of these spots and another that could hurt each other, each once."""
    reach = reach_um(scene)
    firsts: list[Indices] = [np.zeros(0, dtype=np.int64)]
    seconds: list[Indices] = [np.zeros(0, dtype=np.int64)]
    done = np.zeros(len(scene.spots), dtype=np.bool_)
    for place in places:
        near = batches.boxes_near(scene.around, scene.around[place], reach) & ~done
        near[place] = False
        done[place] = True
        others = np.flatnonzero(near)
        firsts.append(np.full(len(others), place))
        seconds.append(others)
    one, other = np.concatenate(firsts), np.concatenate(seconds)
    return np.minimum(one, other), np.maximum(one, other)


def among_spots(scene: Scene, one: Indices, other: Indices) -> list[Violation]:
    """Overlap, spacing and clearances of pairs of spots."""
    if not len(one):
        return []
    found = []
    a, b = scene.footprints[one], scene.footprints[other]
    overlap = batches.overlapping(a, b)
    deep = np.flatnonzero(overlap)
    for index, depth in zip(deep, batches.depths_um(a[deep], b[deep]), strict=True):
        found.append(_between(scene, Rule.OVERLAP, one[index], other[index], 0, -max(1, ceil(depth))))
    spacing = scene.map.limits.spacing_um
    if spacing:
        apart = np.flatnonzero(~overlap & batches.boxes_near(scene.around[one], scene.around[other], spacing))
        near, gaps = batches.nearer(a[apart], b[apart], np.full(len(apart), spacing))
        for index, gap in zip(apart[near], gaps[near], strict=True):
            actual = batches.floor_um(float(gap), batches.points(a[index]), batches.points(b[index]))
            found.append(_between(scene, Rule.SPACING, one[index], other[index], spacing, min(actual, spacing - 1)))
    found += _clearances(scene, np.concatenate((one, other)), np.concatenate((other, one)))
    return found


def _between(scene: Scene, rule: Rule, one: int, other: int, required: int, actual: int) -> Violation:
    return Violation(rule, (scene.spots[one].id, scene.spots[other].id), required, actual, UM, scene.middle(int(one)))


class _Frees(NamedTuple):
    """Free rectangles of all sides at once: whose, on which side, the rectangle; `row` is its place in what was asked."""

    place: Indices
    side: Indices
    row: Indices
    corners: Shapes


def _frees(scene: Scene, places: Indices) -> _Frees:
    """What some spots keep free, sides with nothing to keep aside."""
    deep = [np.flatnonzero(scene.depths[side][places] > 0) for side in SIDES]
    row = np.concatenate(deep)
    side = np.repeat(np.arange(len(SIDES)), [len(rows) for rows in deep])
    corners = np.concatenate([scene.free[name][places[rows]] for name, rows in zip(SIDES, deep, strict=True)])
    return _Frees(places[row], side, row, corners)


def _hurt(
    scene: Scene, side_number: int, place: int, by: tuple[str, ...], free: Polygon, intruder: Polygon
) -> Violation:
    side = SIDES[side_number]
    required = int(scene.depths[side][place])
    items = (scene.spots[place].id, *by)
    return Violation(CLEARANCE[side], items, required, room_before(free, intruder), UM, scene.middle(place))


def _clearances(scene: Scene, whose: Indices, intruders: Indices) -> list[Violation]:
    frees = _frees(scene, whose)
    others = intruders[frees.row]
    close = np.flatnonzero(batches.boxes_near(batches.boxes(frees.corners), scene.around[others], 0))
    hurt = close[batches.overlapping(frees.corners[close], scene.footprints[others[close]])]
    return [
        _hurt(
            scene,
            int(frees.side[at]),
            int(frees.place[at]),
            (scene.spots[others[at]].id,),
            batches.points(frees.corners[at]),
            scene.footprint(int(others[at])),
        )
        for at in hurt.tolist()
    ]


def against_room(scene: Scene, places: Indices) -> list[Violation]:
    """Spots against walls, what stands in the room, aisles and doors."""
    if not len(places):
        return []
    return [*_against_zones(scene, places), *_at_doors(scene, places), *_at_walls(scene, places)]


def _against_zones(scene: Scene, places: Indices) -> Iterator[Violation]:
    for spot, piece in zip(*_near(scene, places, scene.piece_boxes, 0), strict=True):
        corners = scene.footprints[spot : spot + 1]
        if batches.overlapping(corners, scene.piece_shapes[piece : piece + 1])[0]:
            depth = batches.depths_um(corners, scene.piece_shapes[piece : piece + 1])[0]
            yield _with_zone(scene, Rule.OVERLAP, spot, scene.owners[piece], 0, -max(1, ceil(depth)))
    if not len(scene.owners):
        return
    solid = np.array([scene.zones[owner].kind is not ZoneKind.AISLE for owner in scene.owners], dtype=np.bool_)
    frees = _frees(scene, places)
    near = batches.boxes_near(batches.boxes(frees.corners)[:, None, :], scene.piece_boxes[None, :, :], 0) & solid
    rows, pieces = np.nonzero(near)
    hurt = batches.overlapping(frees.corners[rows], scene.piece_shapes[pieces])
    for row, piece in zip(rows[hurt].tolist(), pieces[hurt].tolist(), strict=True):
        zone = (scene.zones[scene.owners[piece]].id,)
        free = batches.points(frees.corners[row])
        yield _hurt(scene, int(frees.side[row]), int(frees.place[row]), zone, free, scene.pieces[piece])


def _near(scene: Scene, places: Indices, others: NDArray[np.int64], reach: int) -> tuple[list[int], list[int]]:
    near = batches.boxes_near(scene.around[places][:, None, :], others[None, :, :], reach)
    rows, columns = np.nonzero(near)
    return places[rows].tolist(), columns.tolist()


def _with_zone(scene: Scene, rule: Rule, place: int, zone: int, required: int, actual: int) -> Violation:
    items = (scene.spots[place].id, scene.zones[zone].id)
    return Violation(rule, items, required, actual, UM, scene.middle(place))


def _at_doors(scene: Scene, places: Indices) -> Iterator[Violation]:
    for door in scene.doors:
        quad = egress(door) if door.clearance_um else ()
        leaf = batches.shapes([zone_corners(door)])
        area = batches.shapes([quad]) if quad else leaf
        near = places[
            batches.boxes_near(scene.around[places], batches.boxes(area)[0], 0)
            | batches.boxes_near(scene.around[places], batches.boxes(leaf)[0], 0)
        ]
        for place in near.tolist():
            corners = scene.footprints[place : place + 1]
            in_leaf = bool(batches.overlapping(corners, leaf)[0])
            if in_leaf or (quad and batches.overlapping(corners, area)[0]):
                actual = room_before(quad, scene.footprint(place)) if quad and not in_leaf else 0
                yield Violation(
                    Rule.EGRESS,
                    (scene.spots[place].id, door.id),
                    max(door.clearance_um, 1),
                    actual,
                    UM,
                    (door.x_um, door.y_um),
                )


def _at_walls(scene: Scene, places: Indices) -> Iterator[Violation]:
    inside = _inside(scene, places)
    within = places[inside]
    yield from _near_walls(scene, within)
    frees = _frees(scene, within)
    near = batches.boxes_near(batches.boxes(frees.corners)[:, None, :], batches.boxes(scene.walls)[None, :, :], 0)
    rows, walls = np.nonzero(near)
    hurt = batches.overlapping(scene.walls[walls], frees.corners[rows])
    for row, wall in zip(rows[hurt].tolist(), walls[hurt].tolist(), strict=True):
        free = batches.points(frees.corners[row])
        yield _hurt(scene, int(frees.side[row]), int(frees.place[row]), (), free, scene.wall_lines[wall])
    for place in places[~inside].tolist():
        yield Violation(
            Rule.WALL_OFFSET,
            (scene.spots[place].id,),
            0,
            -_outside_um(scene, scene.footprint(place)),
            UM,
            scene.middle(place),
        )


def _near_walls(scene: Scene, places: Indices) -> Iterator[Violation]:
    """Spots that are inside, but nearer to a wall than its offset."""
    for wall in np.flatnonzero(scene.offsets).tolist():
        line = scene.walls[wall : wall + 1]
        offset = int(scene.offsets[wall])
        near = places[batches.boxes_near(scene.around[places], batches.boxes(line)[0], offset)]
        lines, limits = np.repeat(line, len(near), axis=0), np.full(len(near), offset)
        hurt, gaps = batches.nearer(scene.footprints[near], lines, limits)
        for place, gap in zip(near[hurt].tolist(), gaps[hurt].tolist(), strict=True):
            actual = batches.floor_um(gap, scene.footprint(place), scene.wall_lines[wall])
            items = (scene.spots[place].id,)
            yield Violation(Rule.WALL_OFFSET, items, offset, min(actual, offset - 1), UM, scene.middle(place))


def _inside(scene: Scene, places: Indices) -> Mask:
    """Which spots lie wholly in the room, borders included. Exact."""
    corners = scene.footprints[places]
    if not scene.map.room.points_um:
        low, high = scene.walls.reshape(-1, 2).min(axis=0), scene.walls.reshape(-1, 2).max(axis=0)
        within: Mask = ((corners >= low) & (corners <= high)).all(axis=(1, 2))
        return within
    inside = np.array([contains(scene.room_corners, scene.middle(place)) for place in places.tolist()], dtype=np.bool_)
    for wall in scene.walls:
        crossing = batches.overlapping(np.repeat(wall[None], len(corners), axis=0), corners)
        inside &= ~crossing
    return inside


def _outside_um(scene: Scene, footprint: Polygon) -> int:
    """How far the farthest corner of a footprint lies outside the room, in µm, at least 1."""
    farthest = 1
    for corner in footprint:
        if not contains(scene.room_corners, corner):
            nearest = min(
                (point_to_segment(corner, *line) for line in scene.wall_lines), key=lambda ratio: ratio.num / ratio.den
            )
            farthest = max(farthest, nearest.floor_um())
    return farthest


def room_before(free: Polygon, intruder: Polygon) -> int:
    """How much of the depth of a free rectangle is left before an intruder, in whole µm.

    The rectangle's first two corners are the edge that the depth is measured from.
    """
    (ax, ay), (bx, by) = free[0], free[1]
    (dx, dy) = free[2]
    along = hypot(bx - ax, by - ay)
    inward = ((ay - by) / along, (bx - ax) / along)
    if (dx - bx) * inward[0] + (dy - by) * inward[1] < 0:
        inward = (-inward[0], -inward[1])
    depth = (dx - bx) * inward[0] + (dy - by) * inward[1]
    kept = clipped([(float(x), float(y)) for x, y in intruder], free)
    if not kept:
        return int(depth) - 1
    left = min((x - ax) * inward[0] + (y - ay) * inward[1] for x, y in kept)
    return max(0, min(int(left + 1e-6), round(depth) - 1))
