"""Single polygons of integer corners: area, soundness, convex pieces, exact distance. Python integers, no bounds."""

from collections.abc import Sequence
from math import isqrt
from typing import NamedTuple

from classtap_core.seating.model import PointUm

Polygon = Sequence[PointUm]


class Ratio(NamedTuple):
    """A squared distance in µm², exact: `num / den`, den above 0."""

    num: int
    den: int

    def below(self, length_um: int) -> bool:
        """Whether the distance is less than a length."""
        return self.num < length_um * length_um * self.den

    def floor_um(self) -> int:
        """The distance in whole micrometres, rounded down."""
        return isqrt(self.num // self.den)


def cross(origin: PointUm, a: PointUm, b: PointUm) -> int:
    """Twice the signed area of a triangle: above 0 where b lies clockwise of a as seen (y runs down)."""
    return (a[0] - origin[0]) * (b[1] - origin[1]) - (a[1] - origin[1]) * (b[0] - origin[0])


def area_um2_twice(polygon: Polygon) -> int:
    """Twice the signed area in µm²; above 0 when the corners run clockwise as seen."""
    return sum(a[0] * b[1] - b[0] * a[1] for a, b in zip(polygon, (*polygon[1:], polygon[0]), strict=True))


def edges(polygon: Polygon) -> list[tuple[PointUm, PointUm]]:
    """The sides of a polygon, from each corner to the next."""
    return list(zip(polygon, (*polygon[1:], polygon[0]), strict=True))


def is_simple(polygon: Polygon) -> bool:
    """Whether a polygon has an inside: at least three corners, no two alike, no sides that touch or cross."""
    if len(polygon) < 3 or len(set(polygon)) < len(polygon) or area_um2_twice(polygon) == 0:
        return False
    sides = edges(polygon)
    count = len(sides)
    for i in range(count):
        for j in range(i + 1, count):
            if j == i + 1 or (i == 0 and j == count - 1):
                first, second = (sides[i], sides[j]) if j == i + 1 else (sides[j], sides[i])
                if cross(*first, second[1]) == 0 and _within(first, second[1], second):
                    return False
            elif segments_meet(*sides[i], *sides[j]):
                return False
    return True


def _within(first: tuple[PointUm, PointUm], end: PointUm, second: tuple[PointUm, PointUm]) -> bool:
    """Whether a side that goes on in line with the one before it turns back over it."""
    (ax, ay), (bx, by) = first
    return (bx - ax) * (end[0] - second[0][0]) + (by - ay) * (end[1] - second[0][1]) < 0


def segments_meet(a: PointUm, b: PointUm, c: PointUm, d: PointUm) -> bool:
    """Whether two segments have a point in common, ends included."""
    if not _boxes_meet(a, b, c, d):
        return False
    return _on_both_sides(a, b, c, d) and _on_both_sides(c, d, a, b)


def _on_both_sides(a: PointUm, b: PointUm, c: PointUm, d: PointUm) -> bool:
    """Whether the line through a and b parts c from d or goes through one of them."""
    to_c, to_d = cross(a, b, c), cross(a, b, d)
    return not ((to_c > 0 and to_d > 0) or (to_c < 0 and to_d < 0))


def _boxes_meet(a: PointUm, b: PointUm, c: PointUm, d: PointUm) -> bool:
    return all(
        min(a[axis], b[axis]) <= max(c[axis], d[axis]) and min(c[axis], d[axis]) <= max(a[axis], b[axis])
        for axis in (0, 1)
    )


def is_convex(polygon: Polygon) -> bool:
    """Whether a simple polygon has no corner that turns inwards."""
    count = len(polygon)
    turns = [cross(polygon[i - 1], polygon[i], polygon[(i + 1) % count]) for i in range(count)]
    return all(turn >= 0 for turn in turns) or all(turn <= 0 for turn in turns)


def convex_pieces(polygon: Polygon) -> list[tuple[PointUm, ...]]:
    """A simple polygon as convex polygons that fill it and overlap nowhere: itself, or triangles cut off one by one."""
    if is_convex(polygon):
        return [tuple(polygon)]
    left = list(polygon) if area_um2_twice(polygon) > 0 else list(reversed(polygon))
    pieces: list[tuple[PointUm, ...]] = []
    while len(left) > 3:
        ear = next((index for index in range(len(left)) if _is_ear(left, index)), None)
        if ear is None:
            break
        pieces.append((left[ear - 1], left[ear], left[(ear + 1) % len(left)]))
        del left[ear]
        left = _without_flat(left)
    if len(left) == 3 and cross(left[0], left[1], left[2]) != 0:
        pieces.append((left[0], left[1], left[2]))
    return pieces


def _is_ear(polygon: list[PointUm], index: int) -> bool:
    a, b, c = polygon[index - 1], polygon[index], polygon[(index + 1) % len(polygon)]
    if cross(a, b, c) <= 0:
        return False
    return not any(
        cross(a, b, p) >= 0 and cross(b, c, p) >= 0 and cross(c, a, p) >= 0 for p in polygon if p not in (a, b, c)
    )


def _without_flat(polygon: list[PointUm]) -> list[PointUm]:
    count = len(polygon)
    kept = [polygon[i] for i in range(count) if cross(polygon[i - 1], polygon[i], polygon[(i + 1) % count]) != 0]
    return kept if len(kept) >= 3 else polygon


def contains(polygon: Polygon, point: PointUm) -> bool:
    """Whether a point lies in a simple polygon or on its border."""
    inside = False
    for a, b in edges(polygon):
        turn = cross(a, b, point)
        if turn == 0 and _boxes_meet(a, b, point, point):
            return True
        if (a[1] > point[1]) != (b[1] > point[1]) and (turn > 0) == (b[1] > a[1]):
            inside = not inside
    return inside


def point_to_segment(point: PointUm, a: PointUm, b: PointUm) -> Ratio:
    """The squared distance of a point from a segment, exactly."""
    dx, dy = b[0] - a[0], b[1] - a[1]
    px, py = point[0] - a[0], point[1] - a[1]
    along, length = px * dx + py * dy, dx * dx + dy * dy
    if along <= 0 or length == 0:
        return Ratio(px * px + py * py, 1)
    if along >= length:
        qx, qy = point[0] - b[0], point[1] - b[1]
        return Ratio(qx * qx + qy * qy, 1)
    off = px * dy - py * dx
    return Ratio(off * off, length)


def convex_distance(one: Polygon, other: Polygon) -> Ratio:
    """The squared distance between two convex polygons or segments, exactly; 0 where they touch or overlap."""
    if convex_touch(one, other):
        return Ratio(0, 1)
    best = Ratio(1, 0)
    for points, sides in ((one, edges(other)), (other, edges(one))):
        for point in points:
            for a, b in sides:
                found = point_to_segment(point, a, b)
                if best.den == 0 or found.num * best.den < best.num * found.den:
                    best = found
    return best


def point_distance(polygon: Polygon, point: PointUm) -> Ratio:
    """The squared distance of a point from a convex polygon or segment, exactly; 0 inside it."""
    turns = [cross(a, b, point) for a, b in edges(polygon)] if len(polygon) > 2 else []
    if turns and (min(turns) >= 0 or max(turns) <= 0):
        return Ratio(0, 1)
    best = Ratio(1, 0)
    for a, b in edges(polygon):
        found = point_to_segment(point, a, b)
        if best.den == 0 or found.num * best.den < best.num * found.den:
            best = found
    return best


def convex_touch(one: Polygon, other: Polygon) -> bool:
    """Whether two convex polygons or segments have a point in common, borders included."""
    return not any(_apart(one, other, strict=True, across=across) for across in _axes(one, other, ends=True))


def convex_overlap(one: Polygon, other: Polygon) -> bool:
    """Whether the insides of two convex polygons meet; for a segment, whether it runs through the other's inside."""
    return not any(_apart(one, other, strict=False, across=across) for across in _axes(one, other, ends=False))


def _axes(one: Polygon, other: Polygon, *, ends: bool) -> list[tuple[int, int]]:
    found = []
    for a, b in (*edges(one), *edges(other)):
        dx, dy = b[0] - a[0], b[1] - a[1]
        if dx or dy:
            found.append((dy, -dx))
            if ends:
                found.append((dx, dy))
    return found


def _apart(one: Polygon, other: Polygon, *, strict: bool, across: tuple[int, int]) -> bool:
    a = [x * across[0] + y * across[1] for x, y in one]
    b = [x * across[0] + y * across[1] for x, y in other]
    if strict:
        return max(a) < min(b) or max(b) < min(a)
    return max(a) <= min(b) or max(b) <= min(a)
