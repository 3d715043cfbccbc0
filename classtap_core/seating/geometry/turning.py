"""Turning by millidegrees with integers alone, so that every machine stores and judges the same corners."""

from functools import lru_cache
from typing import NamedTuple

from classtap_core.seating.model import FULL_TURN_MDEG, EquipmentType, Outline, PointUm, Spot, Zone, ZoneKind

_BITS = 96
_ONE = 1 << _BITS
_PI = 248902613312231085230521944622  # pi * 2**96, rounded (OEIS A000796)
Halves = tuple[PointUm, ...]
"""Points around a middle in half micrometres."""
ROUND_CORNERS = 16
"""A round footprint is judged as a regular polygon of so many corners on its circle."""


class Turned(NamedTuple):
    """Sine and cosine as integers over 2**96."""

    sin: int
    cos: int


@lru_cache(maxsize=4096)
def turned(mdeg: int) -> Turned:
    """Sine and cosine of an angle in millidegrees, right to far below a micrometre at any distance in a room."""
    quarter, rest = divmod(mdeg % FULL_TURN_MDEG, FULL_TURN_MDEG // 4)
    if rest <= FULL_TURN_MDEG // 8:
        sin, cos = _series(rest)
    else:
        cos, sin = _series(FULL_TURN_MDEG // 4 - rest)
    for _ in range(quarter):
        sin, cos = cos, -sin
    return Turned(sin, cos)


def _series(mdeg: int) -> tuple[int, int]:
    """Sine and cosine of 0 to 45 degrees by their Taylor series."""
    if mdeg == 0:
        return 0, _ONE
    angle = mdeg * _PI // 180_000
    square = angle * angle >> _BITS
    sin, cos = 0, 0
    term_sin, term_cos = angle, _ONE
    step = 0
    while term_sin or term_cos:
        sin, cos = sin + term_sin, cos + term_cos
        step += 2
        term_cos = -(term_cos * square >> _BITS) // ((step - 1) * step)
        term_sin = -(term_sin * square >> _BITS) // (step * (step + 1))
        if abs(term_sin) <= 1 and abs(term_cos) <= 1:
            break
    return sin, cos


def placed(half_points: Halves, mdeg: int, middle: PointUm) -> tuple[PointUm, ...]:
    """Points given in half micrometres around a middle, turned clockwise and moved there, as whole micrometres.

    Halves round away from the middle, alike in every direction, so that a mirrored map has mirrored corners.
    """
    sin, cos = turned(mdeg)
    return tuple(
        (middle[0] + _halved(x * cos - y * sin), middle[1] + _halved(x * sin + y * cos)) for x, y in half_points
    )


def _halved(value: int) -> int:
    """A number over 2**97 rounded to the nearest integer, halves away from zero."""
    if value < 0:
        return -((-value + _ONE) >> (_BITS + 1))
    return (value + _ONE) >> (_BITS + 1)


def rectangle(width_um: int, length_um: int) -> Halves:
    """A rectangle's corners in half micrometres around its middle, clockwise as seen from its front left."""
    return (-width_um, -length_um), (width_um, -length_um), (width_um, length_um), (-width_um, length_um)


@lru_cache(maxsize=256)
def ellipse(width_um: int, length_um: int, corners: int = ROUND_CORNERS) -> Halves:
    """A regular polygon on an ellipse, in half micrometres around its middle."""
    points = []
    for index in range(corners):
        sin, cos = turned(index * FULL_TURN_MDEG // corners)
        points.append((_scaled(width_um * sin), -_scaled(length_um * cos)))
    return tuple(points)


def _scaled(value: int) -> int:
    if value < 0:
        return -((-value + _ONE // 2) >> _BITS)
    return (value + _ONE // 2) >> _BITS


def footprint(spot: Spot, type: EquipmentType) -> tuple[PointUm, ...]:
    """The corners of what stands on a spot, clockwise as seen; a rectangle's from its front left."""
    shape = rectangle if type.outline is Outline.RECTANGLE else ellipse
    return placed(shape(type.width_um, type.length_um), spot.rotation_mdeg, (spot.x_um, spot.y_um))


def zone_corners(zone: Zone) -> tuple[PointUm, ...]:
    """The corners of a zone: its polygon, or its rectangle or ellipse where it is turned."""
    if zone.points_um:
        return zone.points_um
    shape = rectangle if zone.outline is Outline.RECTANGLE else ellipse
    return placed(shape(zone.width_um, zone.length_um), zone.rotation_mdeg, (zone.x_um, zone.y_um))


def surroundings(width_um: int, length_um: int, front_um: int, rear_um: int, side_um: int) -> dict[str, Halves]:
    """What lies before, behind and beside a rectangle, in half micrometres around its middle.

    The first two corners of each are the rectangle's own edge.
    """
    w, h = width_um, length_um
    front, rear, left, right = -h - 2 * front_um, h + 2 * rear_um, -w - 2 * side_um, w + 2 * side_um
    return {
        "front": ((-w, -h), (w, -h), (w, front), (-w, front)),
        "rear": ((w, h), (-w, h), (-w, rear), (w, rear)),
        "left": ((-w, h), (-w, -h), (left, -h), (left, h)),
        "right": ((w, -h), (w, h), (right, h), (right, -h)),
    }


def egress(door: Zone) -> tuple[PointUm, ...]:
    """What a door keeps free before it, its own front edge first (catalogue 15: door egress clearance)."""
    front = surroundings(door.width_um, door.length_um, door.clearance_um, 0, 0)["front"]
    return placed(front, door.rotation_mdeg, (door.x_um, door.y_um))


STANDING = frozenset({ZoneKind.WALL, ZoneKind.MIRROR, ZoneKind.OBSTRUCTION, ZoneKind.STAGE})
"""Zones that are there in wood and stone: nothing stands in them and nobody walks through them."""
