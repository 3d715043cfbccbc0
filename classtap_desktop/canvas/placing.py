"""New things: what the shelf holds, patterns of many, and where something newly placed may stand. No Qt."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from math import atan2, degrees, hypot
from typing import NamedTuple

from msgspec.structs import replace

from classtap_core.kernel.errors import BadInput
from classtap_core.seating import patterns
from classtap_core.seating.equipment import STANDARD
from classtap_core.seating.geometry.polygons import area_um2_twice
from classtap_core.seating.mending import nearest_good
from classtap_core.seating.model import (
    EquipmentType,
    Outline,
    Path,
    PointUm,
    SeatMap,
    Spot,
    Zone,
    ZoneKind,
)
from classtap_core.seating.validation.checker import Checker
from classtap_core.seating.validation.findings import Violation
from classtap_desktop.canvas import edits
from classtap_desktop.canvas.edits import Item
from classtap_desktop.canvas.judge import newly_hurt

ROOM_THINGS = ("door", "mirror", "wall", "obstruction", "round", "stage", "aisle", "path", "drawing", "text")
"""What the shelf offers beside equipment, by code."""
_SIZES = {
    "door": (1_000_000, 100_000), "mirror": (2_000_000, 20_000), "wall": (2_000_000, 100_000),
    "obstruction": (400_000, 400_000), "round": (500_000, 500_000), "stage": (2_000_000, 1_000_000),
    "aisle": (1_000_000, 3_000_000), "drawing": (1_000_000, 1_000_000), "text": (1_500_000, 300_000),
}  # fmt: skip
_WALL_BOUND = (ZoneKind.DOOR, ZoneKind.MIRROR)


class Pattern(StrEnum):
    """How many things can be put down at once."""

    ROW = "row"
    GRID = "grid"
    ARC = "arc"
    FAN = "fan"
    LANES = "lanes"


class Shape(NamedTuple):
    """The numbers of a pattern. Gaps are between footprints; `growth` is how many more each row of a fan has."""

    rows: int = 2
    columns: int = 5
    gap_side_um: int = 600_000
    gap_row_um: int = 600_000
    radius_um: int = 3_000_000
    growth: int = 1


def equipment(seat_map: SeatMap) -> tuple[EquipmentType, ...]:
    """What can be placed: the map's own equipment, then what studios usually have."""
    own = {type.id for type in seat_map.types}
    return (*seat_map.types, *(type for type in STANDARD if type.id not in own))


def thing(code: str, seat_map: SeatMap) -> list[Item]:
    """A new thing around (0, 0): equipment by `type:<id>`, or one of ROOM_THINGS."""
    if code.startswith("type:"):
        return [Spot(id=edits.new_id(), type=code.removeprefix("type:"), x_um=0, y_um=0)]
    if code == "path":
        half = 1_000_000
        width = max(seat_map.limits.accessible_um, 914_400)
        return [Path(id=edits.new_id(), points_um=((0, -half), (0, half)), width_um=width)]
    width, length = _SIZES[code]
    kind = ZoneKind.OBSTRUCTION if code == "round" else ZoneKind(code)
    if kind is ZoneKind.AISLE:
        width = max(width, seat_map.limits.aisle_um)
    return [
        Zone(
            id=edits.new_id(),
            kind=kind,
            outline=Outline.ROUND if code == "round" else Outline.RECTANGLE,
            width_um=width,
            length_um=length,
            clearance_um=1_000_000 if kind is ZoneKind.DOOR else 0,
            text="Text" if kind is ZoneKind.TEXT else "",
            size_um=250_000 if kind is ZoneKind.TEXT else 0,
        )
    ]


def pattern(kind: Pattern, type: EquipmentType, shape: Shape) -> list[Item]:
    """Many spots of one kind around (0, 0). Raises BadInput `pattern.too_tight` where an arc is too short for them."""
    size, gap = (type.width_um, type.length_um), (shape.gap_side_um, shape.gap_row_um)
    pitch = (size[0] + gap[0], size[1] + gap[1])
    if kind is Pattern.ARC:
        places = patterns.fan((shape.columns,), size_um=size, gap_um=gap, radius_um=shape.radius_um)
    elif kind is Pattern.FAN:
        counts = tuple(shape.columns + row * shape.growth for row in range(shape.rows))
        places = patterns.fan(counts, size_um=size, gap_um=gap, radius_um=shape.radius_um)
    elif kind is Pattern.LANES:
        places = patterns.lanes(shape.columns, pitch[0])
    else:
        places = patterns.grid(1 if kind is Pattern.ROW else shape.rows, shape.columns, pitch)
    if not places:
        raise BadInput("pattern.too_tight", count=0)
    middle_x = (min(place.x_um for place in places) + max(place.x_um for place in places)) // 2
    middle_y = (min(place.y_um for place in places) + max(place.y_um for place in places)) // 2
    # arcs are numbered by row, so their spots keep which row they were laid in
    named = kind in (Pattern.ARC, Pattern.FAN)
    return [
        Spot(
            id=edits.new_id(),
            type=type.id,
            x_um=place.x_um - middle_x,
            y_um=place.y_um - middle_y,
            rotation_mdeg=place.rotation_mdeg,
            row=f"{kind} {place.row + 1:02}" if named else "",
        )
        for place in places
    ]


class Placed(NamedTuple):
    """What came of putting things down.

    Attributes:
        seat_map: with them; None where they may not stand there. why: what they would hurt.
        instead: how far off, across and down, they could stand (a single spot only).
    """

    seat_map: SeatMap | None
    ids: tuple[str, ...] = ()
    why: Violation | None = None
    tried: SeatMap | None = None
    instead: PointUm | None = None


def put(
    seat_map: SeatMap,
    items: Sequence[Item],
    types: Sequence[EquipmentType],
    known: Sequence[Violation],
    *,
    grid_um: int,
) -> Placed:
    """Put things down where they are. What would newly overlap, block a way out or narrow an aisle is not placed."""
    made = edits.with_added(seat_map, items, types)
    ids = tuple(item.id for item in items)
    checker = Checker(made)
    hurt = newly_hurt(known, checker.violations())
    if not hurt:
        return Placed(made, ids)
    instead = None
    if len(items) == 1 and isinstance(items[0], Spot):
        good = nearest_good(checker, items[0], max(grid_um, 50_000))
        if good is not None:
            instead = (good.x_um - items[0].x_um, good.y_um - items[0].y_um)
    return Placed(None, ids, hurt[0], made, instead)


def at_wall(items: Sequence[Item], seat_map: SeatMap, place: PointUm, reach_um: float) -> list[Item] | None:
    """A door or a mirror let into the nearest wall, opening into the room; a mirror as long as the wall.

    None where no wall is within reach, or for anything else.
    """
    if len(items) != 1 or not isinstance(items[0], Zone) or items[0].kind not in _WALL_BOUND:
        return None
    zone = items[0]
    corners = seat_map.room.corners()
    clockwise = area_um2_twice(corners) > 0
    best: tuple[float, PointUm, PointUm, float] | None = None
    for at, one in enumerate(corners):
        other = corners[(at + 1) % len(corners)]
        if not clockwise:
            one, other = other, one
        long = hypot(other[0] - one[0], other[1] - one[1])
        if long < 1:
            continue
        along = ((place[0] - one[0]) * (other[0] - one[0]) + (place[1] - one[1]) * (other[1] - one[1])) / long
        along = min(max(along, 0.0), long)
        foot = (one[0] + (other[0] - one[0]) * along / long, one[1] + (other[1] - one[1]) * along / long)
        off = hypot(place[0] - foot[0], place[1] - foot[1])
        if off <= reach_um and (best is None or off < best[0]):
            best = (off, one, other, along)
    if best is None:
        return None
    _, one, other, along = best
    long = hypot(other[0] - one[0], other[1] - one[1])
    ux, uy = (other[0] - one[0]) / long, (other[1] - one[1]) / long
    inward = (-uy, ux)  # clockwise, y down: the room lies to the right of each wall
    turn = round(degrees(atan2(inward[0], -inward[1])) * 1000) % 360_000
    if zone.kind is ZoneKind.MIRROR:
        depth = zone.length_um / 2
        x, y = (one[0] + other[0]) / 2 + inward[0] * depth, (one[1] + other[1]) / 2 + inward[1] * depth
        return [
            replace(zone, x_um=round(x), y_um=round(y), width_um=round(long), rotation_mdeg=(turn + 180_000) % 360_000)
        ]
    half = min(zone.width_um / 2, long / 2)
    along = min(max(along, half), long - half)
    return [replace(zone, x_um=round(one[0] + ux * along), y_um=round(one[1] + uy * along), rotation_mdeg=turn)]
