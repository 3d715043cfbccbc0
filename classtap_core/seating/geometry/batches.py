"""Many pairs of convex shapes at once, with numpy: overlap exactly in 64 bits, distance in floats settled exactly.

A shape is a row of `corners` corners, the last one repeated to fill it; a segment is a shape of two. Coordinates lie
within `FAR_UM`, so products of differences stay below 2**61.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from classtap_core.seating.geometry.polygons import Polygon, convex_distance

Shapes = NDArray[np.int64]
"""Corners of many shapes: (shapes, corners, 2), in µm."""
Indices = NDArray[np.int64]
Mask = NDArray[np.bool_]
Boxes = NDArray[np.int64]
"""(shapes, 4): least x, least y, greatest x, greatest y."""

MOST_PAIRS = 300_000

_SURE_UM = 0.5
"""Floats err by far less than this at the size of a room; nearer to a limit, integers decide."""


def shapes(polygons: Sequence[Polygon]) -> Shapes:
    """Polygons as one array, each filled up to as many corners as the largest has."""
    if not polygons:
        return np.zeros((0, 1, 2), dtype=np.int64)
    corners = max(len(polygon) for polygon in polygons)
    if all(len(polygon) == corners for polygon in polygons):
        return np.array(polygons, dtype=np.int64)
    return np.array(
        [(*polygon, *(polygon[-1] for _ in range(corners - len(polygon)))) for polygon in polygons], dtype=np.int64
    )


def boxes(found: Shapes) -> Boxes:
    """The upright box around each shape."""
    if not len(found):
        return np.zeros((0, 4), dtype=np.int64)
    return np.concatenate((found.min(axis=1), found.max(axis=1)), axis=1)


def overlapping(one: Shapes, other: Shapes) -> Mask:
    """For each pair whether the insides meet (shapes that only touch do not). Exact: the separating axis theorem."""
    if not len(one):
        return np.zeros(0, dtype=np.bool_)
    return ~(_separated(one, other) | _separated(other, one))


def _separated(one: Shapes, other: Shapes) -> Mask:
    """For each pair whether a side of the first has nothing of both on both of its sides."""
    apart = np.zeros(len(one), dtype=np.bool_)
    origin = one[:, :1]
    a, b = one - origin, other - origin
    sides = np.roll(a, -1, axis=1) - a
    for index in range(a.shape[1]):
        side = sides[:, index]
        across = np.stack((side[:, 1], -side[:, 0]), axis=1)
        real = (side != 0).any(axis=1)
        on_a = (a * across[:, None, :]).sum(axis=2)
        on_b = (b * across[:, None, :]).sum(axis=2)
        apart |= real & ((on_a.max(axis=1) <= on_b.min(axis=1)) | (on_b.max(axis=1) <= on_a.min(axis=1)))
    return apart


def gaps_um(one: Shapes, other: Shapes) -> NDArray[np.float64]:
    """For each pair that does not overlap the distance in µm, right to far less than a thousandth of one."""
    if not len(one):
        return np.zeros(0)
    origin = one[:, :1]
    a, b = (one - origin).astype(np.float64), (other - origin).astype(np.float64)
    return np.sqrt(np.minimum(_nearest(a, b), _nearest(b, a)))


def _nearest(points: NDArray[np.float64], outline: NDArray[np.float64]) -> NDArray[np.float64]:
    """For each pair the least squared distance of the first's corners from the second's sides."""
    best = np.full(len(points), np.inf)
    count = outline.shape[1]
    for index in range(count):
        start = outline[:, index][:, None, :]
        side = outline[:, (index + 1) % count][:, None, :] - start
        from_start = points - start
        length = (side * side).sum(axis=2)
        along = np.clip((from_start * side).sum(axis=2) / np.where(length == 0, 1, length), 0, 1)
        rest = from_start - along[:, :, None] * side
        best = np.minimum(best, (rest * rest).sum(axis=2).min(axis=1))
    return best


def nearer(one: Shapes, other: Shapes, limit_um: NDArray[np.int64]) -> tuple[Mask, NDArray[np.float64]]:
    """For each pair that does not overlap: whether it is nearer than its limit, exactly; and the distance in µm."""
    found = gaps_um(one, other)
    near = found < limit_um
    for index in np.flatnonzero(np.abs(found - limit_um) < _SURE_UM):
        near[index] = convex_distance(_points(one[index]), _points(other[index])).below(int(limit_um[index]))
    return near, found


def floor_um(gap_um: float, one: Polygon, other: Polygon) -> int:
    """A distance in whole µm rounded down; settled with integers where a float could fall on the wrong side."""
    if abs(gap_um - round(gap_um)) < 1e-3:
        return convex_distance(one, other).floor_um()
    return int(gap_um)


def depths_um(one: Shapes, other: Shapes) -> NDArray[np.float64]:
    """For each overlapping pair how far one must move to be free, in µm (along the sides' normals)."""
    origin = one[:, :1]
    a, b = (one - origin).astype(np.float64), (other - origin).astype(np.float64)
    best = np.full(len(one), np.inf)
    for outline in (a, b):
        sides = np.roll(outline, -1, axis=1) - outline
        lengths = np.hypot(sides[:, :, 0], sides[:, :, 1])
        for index in range(outline.shape[1]):
            length = np.where(lengths[:, index] == 0, 1, lengths[:, index])
            across = np.stack((sides[:, index, 1], -sides[:, index, 0]), axis=1) / length[:, None]
            on_a, on_b = (a * across[:, None, :]).sum(axis=2), (b * across[:, None, :]).sum(axis=2)
            depth = np.minimum(on_a.max(axis=1) - on_b.min(axis=1), on_b.max(axis=1) - on_a.min(axis=1))
            best = np.where(lengths[:, index] == 0, best, np.minimum(best, depth))
    return best


def _points(shape: NDArray[np.int64]) -> Polygon:
    """A shape's corners as Python integers, the repeated ones once."""
    found: list[tuple[int, int]] = []
    for x, y in shape.tolist():
        if not found or found[-1] != (x, y):
            found.append((x, y))
    return found


points = _points


def near_pairs(around: Boxes, reach_um: int) -> tuple[Indices, Indices]:
    """All pairs whose boxes are nearer than a reach, each once; at most `MOST_PAIRS`.

    A grid of cells finds the pairs of ordinary boxes; the few that are much larger (walls) are held against all. A map
    that reaches the limit has thousands of things heaped on one place, and enough is found there to say so.
    """
    if len(around) < 2:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    extent = (around[:, 2:] - around[:, :2]).max(axis=1)
    large = extent > 4 * np.median(extent) + reach_um
    ordinary = np.flatnonzero(~large)
    firsts, seconds = [], []
    for one, other in _in_cells(around[ordinary], int(extent[ordinary].max()) + reach_um + 1):
        firsts.append(ordinary[one])
        seconds.append(ordinary[other])
    for place in np.flatnonzero(large):
        others = np.flatnonzero(
            boxes_near(around, around[place], reach_um) & (~large | (np.arange(len(large)) > place))
        )
        firsts.append(np.full(len(others), place))
        seconds.append(others)
    one, other = np.concatenate(firsts), np.concatenate(seconds)
    near = boxes_near(around[one], around[other], reach_um)
    one, other = one[near], other[near]
    return np.minimum(one, other), np.maximum(one, other)


def _in_cells(around: Boxes, cell: int) -> Iterator[tuple[Indices, Indices]]:
    """Pairs of boxes whose middles lie in the same cell or in two that touch, each once."""
    count = len(around)
    where = (around[:, :2] + around[:, 2:]) // 2 // cell
    where -= where.min(axis=0)
    wide = int(where[:, 0].max()) + 2
    keys = where[:, 1] * wide + where[:, 0]
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    for step in (0, 1, wide - 1, wide, wide + 1):
        start = np.searchsorted(ordered, ordered + step, side="left")
        stop = np.searchsorted(ordered, ordered + step, side="right")
        if step == 0:
            start = np.arange(count) + 1
        many = np.maximum(stop - start, 0)
        many = np.where(np.cumsum(many) <= MOST_PAIRS, many, 0)
        first = np.repeat(np.arange(count), many)
        offset = np.arange(many.sum()) - np.repeat(np.cumsum(many) - many, many)
        yield order[first], order[np.repeat(start, many) + offset]


def boxes_near(one: Boxes, other: Boxes, reach_um: int) -> Mask:
    """For each pair of boxes whether they are nearer than a reach on both axes (or touch, for a reach of 0)."""
    return (
        (one[..., 0] <= other[..., 2] + reach_um)
        & (other[..., 0] <= one[..., 2] + reach_um)
        & (one[..., 1] <= other[..., 3] + reach_um)
        & (other[..., 1] <= one[..., 3] + reach_um)
    )
