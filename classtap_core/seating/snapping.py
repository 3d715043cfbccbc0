"""Where a dragged thing comes to rest. Distances are pixels of the screen at any zoom (ruling 12), places micrometres.

`um_per_px` says how long a pixel is at the zoom of the moment; nothing else of the screen is known here.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from enum import StrEnum
from math import hypot
from typing import NamedTuple

from classtap_core.seating.boxes import Box
from classtap_core.seating.model import FULL_TURN_MDEG, PointUm

GRID_REACH_PX = 12
GUIDE_REACH_PX = 8
TURN_REACH_MDEG = 3_000
TURN_STEP_MDEG = 15_000
RIGHT_ANGLE_MDEG = 90_000
DUPLICATE_PX = 20


class Axis(StrEnum):
    """Along which a guide moves a thing: X left and right, Y up and down."""

    X = "x"
    Y = "y"


class Guide(NamedTuple):
    """A line that edges or middles share: where it is, and which boxes lie on it (their places in the list)."""

    axis: Axis
    at_um: int
    others: tuple[int, ...]


class Gap(NamedTuple):
    """Equal gaps: how large, and between which edges they lie along the axis."""

    axis: Axis
    gap_um: int
    spans: tuple[tuple[int, int], ...]


class Snap(NamedTuple):
    """How far to move so that a thing rests where it should, and why."""

    across_um: int
    down_um: int
    guides: tuple[Guide, ...] = ()
    gaps: tuple[Gap, ...] = ()


def to_grid(place: PointUm, grid_um: int, um_per_px: float, *, origin: PointUm = (0, 0)) -> PointUm:
    """The nearest crossing of the grid where it is within 12 px, else the place itself."""
    node = nearest_node(place, grid_um, origin=origin)
    near = hypot(node[0] - place[0], node[1] - place[1]) <= GRID_REACH_PX * um_per_px
    return node if near else place


def nearest_node(place: PointUm, grid_um: int, *, origin: PointUm = (0, 0)) -> PointUm:
    """The crossing of the grid that is nearest to a place; halfway, the one further right or down."""
    x, y = (
        (value - start + grid_um // 2) // grid_um * grid_um + start for value, start in zip(place, origin, strict=True)
    )
    return x, y


def beyond(
    place: PointUm,
    grid_um: int,
    um_per_px: float,
    taken: Iterable[PointUm],
    *,
    others: Sequence[PointUm] = ((0, 0),),
    origin: PointUm = (0, 0),
) -> PointUm:
    """Where a duplicate goes: the nearest grid crossing at or beyond +20 px, +20 px where nothing stands (ruling 12).

    `others` are the places of the rest of what is duplicated, relative to `place`; all must be free.
    """
    occupied = set(taken)
    target = [value + DUPLICATE_PX * um_per_px for value in place]
    first = [-int(-(value - start) // grid_um) * grid_um + start for value, start in zip(target, origin, strict=True)]
    for ring in range(10_000):
        nodes = [(first[0] + i * grid_um, first[1] + (ring - i) * grid_um) for i in range(ring + 1)]
        nodes.sort(key=lambda node: (hypot(node[0] - target[0], node[1] - target[1]), node))
        for node in nodes:
            if all((node[0] + dx, node[1] + dy) not in occupied for dx, dy in others):
                return node
    return round(target[0]), round(target[1])


def turn_snapped(mdeg: int) -> int:
    """An angle, or the right angle it is within 3 degrees of."""
    nearest = (mdeg + RIGHT_ANGLE_MDEG // 2) // RIGHT_ANGLE_MDEG * RIGHT_ANGLE_MDEG
    return (nearest if abs(nearest - mdeg) <= TURN_REACH_MDEG else mdeg) % FULL_TURN_MDEG


def turn_stepped(mdeg: int) -> int:
    """The nearest multiple of 15 degrees."""
    return (mdeg + TURN_STEP_MDEG // 2) // TURN_STEP_MDEG * TURN_STEP_MDEG % FULL_TURN_MDEG


class Guides:
    """The edges and middles of everything that stands still, ready to be asked many times a second.

    Middles are kept doubled, so that a half micrometre is not lost.
    """

    def __init__(self, boxes: Sequence[Box]) -> None:
        self._boxes = list(boxes)
        self._lines: dict[Axis, list[tuple[int, int]]] = {
            Axis.X: sorted((line, index) for index, box in enumerate(boxes) for line in _doubled(box, Axis.X)),
            Axis.Y: sorted((line, index) for index, box in enumerate(boxes) for line in _doubled(box, Axis.Y)),
        }

    def snap(self, moving: Box, um_per_px: float) -> Snap:
        """How a moving box is to be shifted onto the nearest guides within 8 px, else into equal gaps."""
        reach = GUIDE_REACH_PX * um_per_px
        across, across_guides = self._nearest(moving, Axis.X, reach)
        down, down_guides = self._nearest(moving, Axis.Y, reach)
        gaps: list[Gap] = []
        if not across_guides:
            across, found = self._equal_gap(moving, Axis.X, reach)
            gaps += found
        if not down_guides:
            down, found = self._equal_gap(moving, Axis.Y, reach)
            gaps += found
        return Snap(across, down, (*across_guides, *down_guides), tuple(gaps))

    def _nearest(self, moving: Box, axis: Axis, reach: float) -> tuple[int, list[Guide]]:
        lines = self._lines[axis]
        best: int | None = None
        for own in _doubled(moving, axis):
            at = bisect_left(lines, (own, -1))
            for near in (at - 1, at):
                if 0 <= near < len(lines) and (best is None or abs(lines[near][0] - own) < abs(best)):
                    best = lines[near][0] - own
        if best is None or abs(best) > 2 * reach:
            return 0, []
        shift = (best + 1) // 2
        return shift, self._on(axis, [own + best for own in _doubled(moving, axis)])

    def _on(self, axis: Axis, wanted: list[int]) -> list[Guide]:
        lines = self._lines[axis]
        guides = []
        for line in dict.fromkeys(wanted):
            others = []
            for at in range(bisect_left(lines, (line, -1)), len(lines)):
                if lines[at][0] != line:
                    break
                others.append(lines[at][1])
            if others:
                guides.append(Guide(axis, line // 2, tuple(others)))
        return guides

    def _equal_gap(self, moving: Box, axis: Axis, reach: float) -> tuple[int, list[Gap]]:
        """Into the middle between two neighbours, or as far from one as that one is from the next."""
        start, stop = _span(moving, axis)
        row = sorted(_span(box, axis) for box in self._boxes if _beside(box, moving, axis))
        before = [span for span in row if span[1] <= start + reach]
        after = [span for span in row if span[0] >= stop - reach]
        offers: list[tuple[int, Gap]] = []
        if before and after:
            left, right = max(before, key=lambda span: span[1]), min(after)
            free = right[0] - left[1] - (stop - start)
            if free >= 0:
                place = left[1] + free // 2
                spans = ((left[1], place), (place + stop - start, right[0]))
                offers.append((place - start, Gap(axis, free // 2, spans)))
        if len(before) > 1:
            (_, far), (near, edge) = sorted(before, key=lambda span: span[1])[-2:]
            gap = near - far
            if gap >= 0:
                offers.append((edge + gap - start, Gap(axis, gap, ((far, near), (edge, edge + gap)))))
        if len(after) > 1:
            (edge, near), (far, _) = sorted(after)[:2]
            gap = far - near
            if gap >= 0:
                offers.append((edge - gap - stop, Gap(axis, gap, ((edge - gap, edge), (near, far)))))
        offers = [offer for offer in offers if abs(offer[0]) <= reach]
        if not offers:
            return 0, []
        shift, gap_found = min(offers, key=lambda offer: abs(offer[0]))
        return shift, [gap_found]


def _doubled(box: Box, axis: Axis) -> tuple[int, int, int]:
    start, stop = _span(box, axis)
    return 2 * start, start + stop, 2 * stop


def _span(box: Box, axis: Axis) -> tuple[int, int]:
    return (box.left, box.right) if axis is Axis.X else (box.top, box.bottom)


def _beside(box: Box, moving: Box, axis: Axis) -> bool:
    """Whether a box lies in the moving one's row (or column)."""
    other = Axis.Y if axis is Axis.X else Axis.X
    (a, b), (c, d) = _span(box, other), _span(moving, other)
    return a < d and c < b
