"""Reading pretix seating plans (schema 0.0.1, old and new): every seat kept, the file itself kept beside the map.

pretix measures in pixels of no length. A pixel is taken as 20 mm, so that its usual 25 px from seat to seat are half a
metre; the map can be calibrated afterwards.
"""

from collections import Counter
from collections.abc import Iterator
from math import cos, radians, sin
from typing import Any

from classtap_core.kernel.errors import BadInput
from classtap_core.kernel.ids import derived
from classtap_core.seating.formats.native import read_json
from classtap_core.seating.formats.pretix_plan import DEFAULT_RADIUS, Area, Plan, Px, Seat, an_object, short
from classtap_core.seating.formats.report import Report, repeated, spot_id
from classtap_core.seating.model import (
    FAR_UM,
    FULL_TURN_MDEG,
    EquipmentType,
    Outline,
    PointUm,
    Room,
    SeatMap,
    Source,
    Spot,
    Zone,
    ZoneKind,
)

FORMAT = "pretix"
NM_PER_PX = 20_000_000


def read_pretix(data: bytes, *, nm_per_px: int = NM_PER_PX) -> tuple[SeatMap, Report]:
    """The map in a pretix seating plan, and what was found on the way.

    `nm_per_px` is the length of a pixel in nanometres; a plan too large for it gets a smaller one, and the report says
    so. Raises BadInput `seatmap.not_json`, or `seatmap.wrong` with the path of what cannot be read.
    """
    return from_document(read_json(data), nm_per_px=nm_per_px)


def from_document(document: Any, *, nm_per_px: int = NM_PER_PX) -> tuple[SeatMap, Report]:
    """The same from decoded JSON."""
    plan = Plan(an_object(document, "$"))
    extent = max(1.0, plan.far_px())
    fitting = int(FAR_UM // 4 * 1000 / extent)
    if fitting < 1:
        raise BadInput("seatmap.wrong", path="$", why="its coordinates lie too far out")
    if nm_per_px > fitting:
        plan.note("size", f"too large at {nm_per_px // 1_000_000} mm a pixel; a pixel is read as {fitting} nm")
        nm_per_px = fitting
    seat_map = _seat_map(plan, nm_per_px)
    return seat_map, Report(
        seats=len(plan.seats),
        kept=len(seat_map.spots),
        repeated_ids=repeated(seat.guid for seat in plan.seats),
        mended=tuple(plan.mended),
    )


def _seat_map(plan: Plan, nm_per_px: int) -> SeatMap:
    scale = nm_per_px / 1000
    width, height = plan.size or plan.extent_px()
    chairs = {type.id: type for type in (chair(radius, scale) for radius in sorted({s.radius for s in plan.seats}))}
    return SeatMap(
        name=short(plan.name),
        room=Room(width_um=max(1_000, round(width * scale)), length_um=max(1_000, round(height * scale))),
        types=tuple(chairs.values()),
        spots=tuple(_spots(plan.seats, scale)),
        zones=tuple(_zone(area, scale) for area in plan.areas),
        categories=tuple(plan.categories),
        source=Source(format=FORMAT, nm_per_px=nm_per_px, document=plan.document),
    )


def chair(radius: Px, scale: float) -> EquipmentType:
    """The type of a seat of some radius in px; `scale` is µm per px."""
    id = "chair" if radius == DEFAULT_RADIUS else f"chair-{radius:g}"
    side = min(max(1_000, round(2 * radius * scale)), FAR_UM)
    return EquipmentType(id=id, name="Chair", width_um=side, length_um=side, outline=Outline.ROUND)


def label_of(row: str, seat: str) -> str:
    """What staff read: row and seat, told apart (row 1 seat 11 is not row 11 seat 1)."""
    return f"{row}-{seat}" if row and seat else row or seat


def _spots(seats: list[Seat], scale: float) -> Iterator[Spot]:
    met: Counter[str] = Counter()
    for seat in seats:
        name = seat.guid or seat.path
        yield Spot(
            id=spot_id(name, met[name]),
            type=chair(seat.radius, scale).id,
            x_um=round(seat.x * scale),
            y_um=round(seat.y * scale),
            label=short(label_of(seat.row, seat.number)),
            row=short(seat.row),
            seat=short(seat.number),
            category=seat.category,
            origin=seat.guid,
            origin_path=seat.path,
        )
        met[name] += 1


def _zone(area: Area, scale: float) -> Zone:
    angle = radians(area.rotation)
    is_text = area.shape == "text"
    middle = (area.x, area.y)
    if area.shape == "rectangle":
        middle = _turned((area.width / 2, area.height / 2), angle, middle)
    points: tuple[PointUm, ...] = ()
    if len(area.points) >= 3:
        corners = [_turned(point, angle, (area.x, area.y)) for point in area.points]
        points = tuple((round(x * scale), round(y * scale)) for x, y in corners)
    return Zone(
        id=derived("seatmap.pretix.area", area.path),
        kind=ZoneKind.TEXT if is_text else ZoneKind.DRAWING,
        outline=Outline.ROUND if area.shape in ("circle", "ellipse") else Outline.RECTANGLE,
        x_um=round(middle[0] * scale),
        y_um=round(middle[1] * scale),
        width_um=round(area.width * scale),
        length_um=round(area.height * scale),
        rotation_mdeg=0 if points else round(area.rotation % 360 * 1000) % FULL_TURN_MDEG,
        points_um=points,
        text=area.text,
        size_um=round(area.text_size * scale),
        color=short(area.color),
        border_color=short(area.border),
        origin_path=area.path,
    )


def _turned(point: tuple[Px, Px], angle: float, around: tuple[Px, Px]) -> tuple[Px, Px]:
    x, y = point
    return around[0] + x * cos(angle) - y * sin(angle), around[1] + x * sin(angle) + y * cos(angle)
