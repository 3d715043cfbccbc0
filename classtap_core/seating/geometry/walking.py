"""Whether a disc (a wheelchair, a pram) can get from one place to another among convex shapes. Exact, no raster.

A disc cannot pass between two shapes that are nearer than its width. Draw a bar across every such gap: two places are
cut off from each other just when shapes and bars form a ring around one of them and not the other. A ring shows as a
closed walk over the bars whose winding numbers around the two places differ; it is enough to look at the rings that
each bar closes over a spanning tree. Over one of the narrowest gaps the same rings say how wide a disc could pass.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from classtap_core.seating.geometry import batches
from classtap_core.seating.geometry.batches import Indices, Mask, Shapes
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
        self._merges: list[_Merge] | None = None

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
        self._merges = None

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
        return not self._ringing(start, goal).any()

    def bottleneck_um(self, start: PointUm, goal: PointUm) -> int:
        """How wide a disc could get from one place to another that this one cannot, in whole µm.

        Over a tree of the narrowest gaps, the first bar to close a ring between the two is the narrowest that does.
        """
        ringing = self._ringing(start, goal)
        if not ringing.any():
            return self.width_um
        return min(self.width_um - 1, int(self.bars.gap_um[ringing].min()))

    def _ringing(self, start: PointUm, goal: PointUm) -> Mask:
        """The bars that close a ring around one of two places and not the other, over the tree."""
        if not len(self.bars.one):
            return np.zeros(0, dtype=np.bool_)
        if self._merges is None:
            self._merges = _merges(len(self.shapes), self.bars)
        turns = self._crossings(goal) - self._crossings(start)
        around = self._potentials(turns)
        return np.asarray(around[self.bars.one] + turns != around[self.bars.other])

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

    def _potentials(self, turns: Indices) -> Indices:
        """For each shape the sum of the turns on its way to its tree's root."""
        around = np.zeros(len(self.shapes), dtype=np.int64)
        for merge in self._merges or ():
            shift = np.zeros(len(self.shapes), dtype=np.int64)
            shift[merge.trees] = around[merge.far] - merge.sign * turns[merge.bars] - around[merge.near]
            for roots in merge.jumps:
                shift += shift[roots]
            around += shift[merge.tree_of]
        return around


class _Merge(NamedTuple):
    """A round in which trees are joined by bars: Borůvka's, each tree by its narrowest gap.

    Attributes:
        trees: roots of the trees that are hung under another. bars: by which. near, far: the bar's ends in the tree and
        beyond it; sign: +1 where the near end is the bar's first.
        tree_of: each shape's root before. jumps: from each root to the one above it, twice as far each time.
    """

    trees: Indices
    bars: Indices
    near: Indices
    far: Indices
    sign: Indices
    tree_of: Indices
    jumps: tuple[Indices, ...]


def _merges(count: int, bars: Bars) -> list[_Merge]:
    """A spanning forest of the narrowest gaps, as the rounds in which it grows together."""
    tree_of: Indices = np.arange(count)
    left: Indices = np.argsort(bars.gap_um, kind="stable")
    rounds: list[_Merge] = []
    while True:
        one, other = tree_of[bars.one[left]], tree_of[bars.other[left]]
        between = one != other
        left, one, other = left[between], one[between], other[between]
        if not len(left):
            return rounds
        picked = np.full(count, -1, dtype=np.int64)
        # of several values for one index the last one stays: the narrowest, as they come widest first
        picked[np.stack((one, other), axis=1).ravel()[::-1]] = np.repeat(left, 2)[::-1]
        trees = np.flatnonzero(picked >= 0)
        bar = picked[trees]
        first = tree_of[bars.one[bar]] == trees
        near, far = np.where(first, bars.one[bar], bars.other[bar]), np.where(first, bars.other[bar], bars.one[bar])
        above = tree_of[far]
        hung = (picked[above] != bar) | (trees > above)  # of two that picked the same bar, one stays a root
        roots = np.arange(count)
        roots[trees[hung]] = above[hung]
        jumps = [roots]
        while not (jumps[-1] == (further := jumps[-1][jumps[-1]])).all():
            jumps.append(further)
        sign = np.where(first, 1, -1)[hung]
        rounds.append(_Merge(trees[hung], bar[hung], near[hung], far[hung], sign, tree_of, tuple(jumps)))
        tree_of = jumps[-1][tree_of]


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
