"""Whether a disc (a wheelchair, a pram) can get from one place to another among convex shapes. Exact, no raster.

A disc cannot pass between two shapes that are nearer than its width. Draw a bar across every such gap: two places are
cut off from each other just when shapes and bars form a ring around one of them and not the other. A ring shows as a
closed walk over the bars whose winding numbers around the two places differ; it is enough to look at the rings that
each bar closes over a spanning tree.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from classtap_core.seating.geometry import batches
from classtap_core.seating.geometry.batches import Indices, Shapes
from classtap_core.seating.geometry.clipping import clipped
from classtap_core.seating.geometry.polygons import Polygon, convex_distance, point_distance
from classtap_core.seating.model import PointUm

Floats = NDArray[np.float64]
MOST_TOUCHING = 20_000
"""Where more shapes lie in each other, the room is a heap, and one bar more or less says nothing about it."""


class Bars(NamedTuple):
    """The gaps nearer than a width: which shapes, how wide, and the walk across from middle to middle."""

    one: Indices
    other: Indices
    gap_um: Floats
    walk: Floats
    """(bars, 4, 2): middle, border, border, middle."""


class Ground:
    """Convex shapes and the bars between them, for a disc of one width.

    Attributes:
        shapes: (shapes, corners, 2) in µm; a wall is a shape of two corners.
        width_um: the disc's.
    """

    def __init__(self, found: Shapes, width_um: int) -> None:
        self.shapes = found
        self.width_um = width_um
        self.boxes = batches.boxes(found)
        one, other = batches.near_pairs(self.boxes, width_um)
        self.bars = self._bars(one, other)
        self._grown = False

    def move(self, places: Sequence[int], found: Shapes) -> None:
        """Put some shapes elsewhere."""
        self.shapes[list(places)] = found
        self.boxes[list(places)] = batches.boxes(found)
        moved = np.zeros(len(self.shapes), dtype=np.bool_)
        moved[list(places)] = True
        kept = ~(moved[self.bars.one] | moved[self.bars.other])
        firsts, seconds = [], []
        for place in places:
            near = batches.boxes_near(self.boxes, self.boxes[place], self.width_um)
            near[place] = False
            near &= ~(moved & (np.arange(len(moved)) < place))
            others = np.flatnonzero(near)
            firsts.append(np.full(len(others), place))
            seconds.append(others)
        fresh = self._bars(np.concatenate(firsts), np.concatenate(seconds))
        self.bars = Bars(*(np.concatenate((old[kept], new)) for old, new in zip(self.bars, fresh, strict=True)))
        self._grown = False

    def is_free(self, place: PointUm) -> bool:
        """Whether the disc can stand there: no shape is nearer than half its width. Exact."""
        half = self.width_um // 2 + 1
        box = np.array((*place, *place), dtype=np.int64)
        for index in np.flatnonzero(batches.boxes_near(self.boxes, box, half)):
            gap = point_distance(batches.points(self.shapes[index]), place)
            if 4 * gap.num < self.width_um * self.width_um * gap.den:
                return False
        return True

    def clear_um(self, place: PointUm) -> int:
        """The width of the largest disc that can stand there, in whole µm, up to this ground's own."""
        best = self.width_um
        box = np.array((*place, *place), dtype=np.int64)
        for index in np.flatnonzero(batches.boxes_near(self.boxes, box, self.width_um // 2 + 1)):
            gap = point_distance(batches.points(self.shapes[index]), place)
            best = min(best, 2 * gap.floor_um())
        return best

    def joined(self, start: PointUm, goal: PointUm) -> bool:
        """Whether the disc can get from one free place to another. Exact."""
        if not len(self.bars.one):
            return True
        if not self._grown:
            self._grow()
        turns = self._crossings(goal) - self._crossings(start)
        around = self._potentials(turns)
        return bool((around[self.bars.one] + turns == around[self.bars.other]).all())

    def bottleneck_um(self, start: PointUm, goal: PointUm) -> int:
        """How wide a disc could get from one place to another that this one cannot, in whole µm."""
        turns = (self._crossings(goal) - self._crossings(start)).tolist()
        parent = list(range(len(self.shapes)))
        offset = [0] * len(self.shapes)

        def root(shape: int) -> tuple[int, int]:
            way = []
            while parent[shape] != shape:
                way.append(shape)
                shape = parent[shape]
            total = 0
            for step in reversed(way):
                total += offset[step]
                parent[step], offset[step] = shape, total
            return shape, total

        one, other = self.bars.one.tolist(), self.bars.other.tolist()
        for bar in np.argsort(self.bars.gap_um, kind="stable").tolist():
            (a, on_a), (b, on_b) = root(one[bar]), root(other[bar])
            if a != b:
                parent[b], offset[b] = a, on_a + turns[bar] - on_b
            elif on_a + turns[bar] != on_b:
                return min(self.width_um - 1, int(self.bars.gap_um[bar]))
        return self.width_um

    def _bars(self, one: Indices, other: Indices) -> Bars:
        a, b = self.shapes[one], self.shapes[other]
        touching = batches.overlapping(a, b)
        from_a, to_b, gap = _closest(a, b)
        near = touching | (gap < self.width_um)
        for index in np.flatnonzero(~touching & (np.abs(gap - self.width_um) < 0.5)):
            near[index] = convex_distance(batches.points(a[index]), batches.points(b[index])).below(self.width_um)
        middles = self.shapes.astype(np.float64).mean(axis=1)
        walk = np.stack((middles[one], from_a, to_b, middles[other]), axis=1)
        inside = np.flatnonzero(touching)[:MOST_TOUCHING]
        if len(inside):
            common = _common_points(a[inside], b[inside])
            walk[inside, 1] = common
            walk[inside, 2] = common
            gap[inside] = 0
        return Bars(one[near], other[near], gap[near], walk[near])

    def _crossings(self, place: PointUm) -> Indices:
        """How often each bar's walk crosses the ray from a place to the right: +1 downwards, -1 upwards."""
        x, y = place
        ys = self.bars.walk[:, :, 1]
        below = ys >= y
        counts = np.zeros(len(ys), dtype=np.int64)
        for step in range(3):
            rows = np.flatnonzero(below[:, step] != below[:, step + 1])
            if not len(rows):
                continue
            start, stop = self.bars.walk[rows, step], self.bars.walk[rows, step + 1]
            share = (y - start[:, 1]) / (stop[:, 1] - start[:, 1])
            right = start[:, 0] + share * (stop[:, 0] - start[:, 0]) > x
            np.add.at(counts, rows[right], np.where(below[rows[right], step + 1], 1, -1))
        return counts

    def _grow(self) -> None:
        """A spanning forest by breadth, its shapes numbered so that each subtree is one stretch."""
        count, bars = len(self.shapes), len(self.bars.one)
        ends = np.concatenate((self.bars.one, self.bars.other))
        others = np.concatenate((self.bars.other, self.bars.one))
        names = np.concatenate((np.arange(bars), np.arange(bars)))
        order = np.argsort(ends, kind="stable")
        others, names = others[order], names[order]
        first = np.searchsorted(ends[order], np.arange(count + 1))
        parent = np.full(count, -1, dtype=np.int64)
        parent_bar = np.full(count, -1, dtype=np.int64)
        seen = np.zeros(count, dtype=np.bool_)
        front = _seeds(count, self.bars)
        seen[front] = True
        levels: list[Indices] = []
        while len(front):
            levels.append(front)
            front = _next_level(front, first, others, names, seen, parent, parent_bar)
        size = np.ones(count, dtype=np.int64)
        for level in reversed(levels[1:]):
            np.add.at(size, parent[level], size[level])
        entry = np.zeros(count, dtype=np.int64)
        entry[levels[0]] = np.cumsum(size[levels[0]]) - size[levels[0]]
        for level in levels[1:]:
            by_parent = level[np.argsort(parent[level], kind="stable")]
            before = np.cumsum(size[by_parent]) - size[by_parent]
            starts = np.searchsorted(parent[by_parent], parent[by_parent], side="left")
            entry[by_parent] = entry[parent[by_parent]] + 1 + before - before[starts]
        self._entry, self._size, self._parent_bar, self._parent = entry, size, parent_bar, parent
        self._grown = True

    def _potentials(self, turns: Indices) -> Indices:
        """For each shape the sum of the turns on its way down the tree."""
        rows = np.flatnonzero(self._parent_bar >= 0)
        bars = self._parent_bar[rows]
        down = np.where(self.bars.one[bars] == self._parent[rows], turns[bars], -turns[bars])
        rows, down = rows[down != 0], down[down != 0]
        steps = np.zeros(len(self.shapes) + 1, dtype=np.int64)
        np.add.at(steps, self._entry[rows], down)
        np.add.at(steps, self._entry[rows] + self._size[rows], -down)
        sums: Indices = np.cumsum(steps)[self._entry]
        return sums


def _seeds(count: int, bars: Bars) -> Indices:
    """One shape of each group that bars join: the first."""
    label = np.arange(count)
    while True:
        before = label.copy()
        np.minimum.at(label, label[bars.one], label[bars.other])
        np.minimum.at(label, label[bars.other], label[bars.one])
        label = label[label]
        if (label == before).all():
            return np.flatnonzero(label == np.arange(count))


def _next_level(
    front: Indices,
    first: Indices,
    others: Indices,
    names: Indices,
    seen: NDArray[np.bool_],
    parent: Indices,
    parent_bar: Indices,
) -> Indices:
    many = first[front + 1] - first[front]
    rows = np.repeat(front, many)
    at = np.arange(many.sum()) - np.repeat(np.cumsum(many) - many, many) + np.repeat(first[front], many)
    reached, bar = others[at], names[at]
    new = ~seen[reached]
    reached, bar, rows = reached[new], bar[new], rows[new]
    reached, index = np.unique(reached, return_index=True)
    seen[reached] = True
    parent[reached], parent_bar[reached] = rows[index], bar[index]
    return reached


def _closest(one: Shapes, other: Shapes) -> tuple[Floats, Floats, Floats]:
    """For each pair the two nearest points and their distance; for pairs that overlap only the distance is wrong."""
    origin = one[:, :1]
    a, b = (one - origin).astype(np.float64), (other - origin).astype(np.float64)
    corner_a, foot_b, near_a = _corner_to_side(a, b)
    corner_b, foot_a, near_b = _corner_to_side(b, a)
    from_a = near_a <= near_b
    middle = origin[:, 0].astype(np.float64)
    start: Floats = np.where(from_a[:, None], corner_a, foot_a) + middle
    stop: Floats = np.where(from_a[:, None], foot_b, corner_b) + middle
    gap: Floats = np.sqrt(np.minimum(near_a, near_b))
    return start, stop, gap


def _corner_to_side(points: Floats, outline: Floats) -> tuple[Floats, Floats, Floats]:
    rows = np.arange(len(points))
    best = np.full(len(points), np.inf)
    corner, foot = np.zeros((len(points), 2)), np.zeros((len(points), 2))
    count = outline.shape[1]
    for index in range(count):
        start = outline[:, index][:, None, :]
        side = outline[:, (index + 1) % count][:, None, :] - start
        length = (side * side).sum(axis=2)
        along = np.clip(((points - start) * side).sum(axis=2) / np.where(length == 0, 1, length), 0, 1)
        feet = start + along[:, :, None] * side
        gaps = ((points - feet) ** 2).sum(axis=2)
        nearest = gaps.argmin(axis=1)
        better = gaps[rows, nearest] < best
        best = np.where(better, gaps[rows, nearest], best)
        corner = np.where(better[:, None], points[rows, nearest], corner)
        foot = np.where(better[:, None], feet[rows, nearest], foot)
    return corner, foot, best


def _common_points(one: Shapes, other: Shapes) -> Floats:
    """A point in both of two overlapping shapes: the middle of what is common."""
    found = np.zeros((len(one), 2))
    for index in range(len(one)):
        a, b = batches.points(one[index]), batches.points(other[index])
        xs_ys = _common(a, b)
        found[index] = np.mean(np.array(xs_ys, dtype=np.float64), axis=0)
    return found


def _common(one: Polygon, other: Polygon) -> list[tuple[float, float]]:
    window, rest = (other, one) if len(other) > 2 else (one, other)
    return clipped([(float(x), float(y)) for x, y in rest], window) or [(float(x), float(y)) for x, y in rest]
