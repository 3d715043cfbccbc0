"""Reading pretix seating plans (schema 0.0.1, old and new): every seat kept, the file itself kept beside the map.

pretix measures in pixels of no length. A pixel is taken as 20 mm, so that its usual 25 px from seat to seat are half a
metre; the map can be calibrated afterwards.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import cos, isfinite, radians, sin
from typing import Any

from classtap_core.kernel.errors import BadInput
from classtap_core.kernel.ids import derived
from classtap_core.seating.formats.native import read_json
from classtap_core.seating.formats.report import Note, Report, repeated, spot_id
from classtap_core.seating.model import (
    FAR_UM,
    FULL_TURN_MDEG,
    Category,
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
DEFAULT_RADIUS = 10
DEFAULT_TEXT_SIZE = 16
LONGEST = 200

Px = float


def read_pretix(data: bytes, *, nm_per_px: int = NM_PER_PX) -> tuple[SeatMap, Report]:
    """The map in a pretix seating plan, and what was found on the way.

    `nm_per_px` is the length of a pixel in nanometres; a plan too large for it gets a smaller one, and the report says
    so. Raises BadInput `seatmap.not_json`, or `seatmap.wrong` with the path of what cannot be read.
    """
    return from_document(read_json(data), nm_per_px=nm_per_px)


def from_document(document: Any, *, nm_per_px: int = NM_PER_PX) -> tuple[SeatMap, Report]:
    """The same from decoded JSON."""
    plan = _Plan(_an_object(document, "$"))
    extent = max(1.0, plan.far_px())
    fitting = int(FAR_UM // 2 * 1000 / extent)
    if fitting < 1:
        raise BadInput("seatmap.wrong", path="$", why="its coordinates lie too far out")
    if nm_per_px > fitting:
        plan.note("size", f"too large at {nm_per_px // 1_000_000} mm a pixel; a pixel is read as {fitting} nm")
        nm_per_px = fitting
    seat_map = plan.seat_map(nm_per_px)
    return seat_map, Report(
        seats=len(plan.seats),
        kept=len(seat_map.spots),
        repeated_ids=repeated(seat.guid for seat in plan.seats),
        mended=tuple(plan.mended),
    )


@dataclass(frozen=True, kw_only=True)
class _Seat:
    path: str
    guid: str
    number: str
    row: str
    x: Px
    y: Px
    category: str
    radius: Px


@dataclass(frozen=True, kw_only=True)
class _Area:
    path: str
    shape: str
    x: Px
    y: Px
    rotation: float
    width: Px = 0
    height: Px = 0
    points: tuple[tuple[Px, Px], ...] = ()
    color: str = ""
    border: str = ""
    text: str = ""
    text_size: Px = 0


@dataclass
class _Plan:
    """A plan as it is read: values checked, gaps filled, each with its path."""

    document: dict[str, Any]
    mended: list[Note] = field(default_factory=list)
    seats: list[_Seat] = field(default_factory=list)
    areas: list[_Area] = field(default_factory=list)
    categories: list[Category] = field(default_factory=list)
    name: str = ""
    size: tuple[Px, Px] | None = None

    def __post_init__(self) -> None:
        self.name = self._text(self.document, "name", "$", missing="it has no name")
        self.size = self._size()
        self._read_categories()
        if "zones" not in self.document:
            raise BadInput("seatmap.wrong", path="$.zones", why="expected a list of zones")
        for index, zone in enumerate(_a_list(self.document["zones"], "$.zones")):
            self._read_zone(_an_object(zone, f"$.zones[{index}]"), f"zones/{index}")
        self._note_strays()

    def note(self, path: str, what: str) -> None:
        """Remember what was mended."""
        self.mended.append(Note(path, what))

    def far_px(self) -> Px:
        """The largest coordinate of anything."""
        found: list[Px] = [abs(side) for side in self.size or ()]
        for seat in self.seats:
            found += [abs(seat.x), abs(seat.y), seat.radius]
        for area in self.areas:
            found += [abs(area.x), abs(area.y), area.width, area.height, area.text_size]
            found += [abs(value) for point in area.points for value in point]
        return max(found, default=1.0)

    def seat_map(self, nm_per_px: int) -> SeatMap:
        """The plan as a map."""
        scale = nm_per_px / 1000
        width, height = self.size or self._extent()
        radii = sorted({seat.radius for seat in self.seats})
        return SeatMap(
            name=_short(self.name),
            room=Room(width_um=max(1_000, round(width * scale)), length_um=max(1_000, round(height * scale))),
            types=tuple(chair(radius, scale) for radius in radii),
            spots=tuple(_spots(self.seats, scale)),
            zones=tuple(_zone(area, scale) for area in self.areas),
            categories=tuple(self.categories),
            source=Source(format=FORMAT, nm_per_px=nm_per_px, document=self.document),
        )

    def _size(self) -> tuple[Px, Px] | None:
        found = self.document.get("size")
        if found is None:
            self.note("size", "it is missing; the room is as large as what stands in it")
            return None
        size = _an_object(found, "$.size")
        width = _a_number(size.get("width", 0), "$.size.width")
        height = _a_number(size.get("height", 0), "$.size.height")
        if width <= 0 or height <= 0:
            self.note("size", "it is no size; the room is as large as what stands in it")
            return None
        return width, height

    def _extent(self) -> tuple[Px, Px]:
        reach = [(seat.x + seat.radius, seat.y + seat.radius) for seat in self.seats]
        reach += [(area.x + area.width, area.y + area.height) for area in self.areas]
        return max((x for x, _ in reach), default=1), max((y for _, y in reach), default=1)

    def _read_categories(self) -> None:
        if "categories" not in self.document:
            self.note("categories", "there are none; each seat's own is taken")
        for index, found in enumerate(_a_list(self.document.get("categories", []), "$.categories")):
            path = f"$.categories[{index}]"
            category = _an_object(found, path)
            name = self._text(category, "name", path, missing="it has no name")
            if any(known.id == _short(name) for known in self.categories):
                self.note(f"categories/{index}", "this category is defined twice; the first is shown")
                continue
            color = self._text(category, "color", path)
            self.categories.append(Category(id=_short(name), name=_short(name), color=_short(color)))

    def _read_zone(self, zone: dict[str, Any], path: str) -> None:
        for key, what in (("zone_id", "it has no zone_id"), ("uuid", "it has no uuid")):
            if key not in zone:
                self.note(path, what)
        x, y = self._position(zone, path)
        if "rows" not in zone:
            self.note(path, "it has no rows")
        for index, found in enumerate(_a_list(zone.get("rows", []), _dotted(path) + ".rows")):
            self._read_row(_an_object(found, _dotted(f"{path}/rows/{index}")), f"{path}/rows/{index}", x, y)
        for index, found in enumerate(_a_list(zone.get("areas") or [], _dotted(path) + ".areas")):
            self._read_area(_an_object(found, _dotted(f"{path}/areas/{index}")), f"{path}/areas/{index}", x, y)

    def _read_row(self, row: dict[str, Any], path: str, x: Px, y: Px) -> None:
        number = self._text(row, "row_number", _dotted(path), missing="it has no row_number")
        row_x, row_y = self._position(row, path) if "position" in row else (0.0, 0.0)
        for index, found in enumerate(_a_list(row.get("seats", []), _dotted(path) + ".seats")):
            where = f"{path}/seats/{index}"
            seat = _an_object(found, _dotted(where))
            seat_x, seat_y = self._position(seat, where)
            self.seats.append(
                _Seat(
                    path=where,
                    guid=self._text(seat, "seat_guid", _dotted(where), missing="it has no seat_guid"),
                    number=self._text(seat, "seat_number", _dotted(where), missing="it has no seat_number"),
                    row=number,
                    x=x + row_x + seat_x,
                    y=y + row_y + seat_y,
                    category=self._category(seat, where),
                    radius=self._radius(seat, where),
                )
            )

    def _radius(self, seat: dict[str, Any], path: str) -> Px:
        radius = _a_number(seat.get("radius", DEFAULT_RADIUS), _dotted(path) + ".radius")
        if radius <= 0:
            self.note(path, "its radius is no length; 10 px are taken")
            return DEFAULT_RADIUS
        return radius

    def _category(self, seat: dict[str, Any], path: str) -> str:
        name = _short(self._text(seat, "category", _dotted(path)))
        if name and all(known.id != name for known in self.categories):
            self.note(path, f"its category {name} is not defined; it is taken as named")
            self.categories.append(Category(id=name, name=name))
        return name

    def _read_area(self, area: dict[str, Any], path: str, x: Px, y: Px) -> None:
        dotted = _dotted(path)
        own_x, own_y = self._position(area, path)
        text = area.get("text")
        words = text if isinstance(text, str) else ""
        size: Px = DEFAULT_TEXT_SIZE
        color = self._text(area, "color", dotted)
        if isinstance(text, dict):
            words = self._text(text, "text", f"{dotted}.text")
            size = _a_number(text.get("size", DEFAULT_TEXT_SIZE), f"{dotted}.text.size")
            color = color or self._text(text, "color", f"{dotted}.text")
        shape = self._text(area, "shape", dotted) or "rectangle"
        width, height, points = self._extents(area, shape, path)
        self.areas.append(
            _Area(
                path=path,
                shape=shape,
                x=x + own_x,
                y=y + own_y,
                rotation=_a_number(area.get("rotation") or 0, f"{dotted}.rotation"),
                width=width,
                height=height,
                points=points,
                color=color,
                border=self._text(area, "border_color", dotted),
                text=words,
                text_size=max(size, 0),
            )
        )

    def _extents(self, area: dict[str, Any], shape: str, path: str) -> tuple[Px, Px, tuple[tuple[Px, Px], ...]]:
        dotted = f"{_dotted(path)}.{shape}"
        own = area.get(shape)
        if shape == "rectangle":
            holder = _an_object(own, dotted) if own is not None else area
            width, height = (_a_number(holder.get(key, 0), f"{dotted}.{key}") for key in ("width", "height"))
            return max(width, 0), max(height, 0), ()
        if shape == "circle":
            radius = _a_number(_an_object(own or {}, dotted).get("radius", 0), f"{dotted}.radius")
            return max(2 * radius, 0), max(2 * radius, 0), ()
        if shape == "ellipse":
            radii = _an_object(_an_object(own or {}, dotted).get("radius") or {}, f"{dotted}.radius")
            width, height = (2 * _a_number(radii.get(key, 0), f"{dotted}.radius.{key}") for key in ("x", "y"))
            return max(width, 0), max(height, 0), ()
        if shape == "polygon":
            listed = _a_list(_an_object(own or {}, dotted).get("points") or [], f"{dotted}.points")
            points = tuple(_a_point(point, f"{dotted}.points[{index}]") for index, point in enumerate(listed))
            if len(points) < 3:
                self.note(path, "a polygon of fewer than three points is not drawn")
            return 0, 0, points
        if shape != "text":
            self.note(path, f"its shape {_short(shape)} is unknown; only its place is kept")
        return 0, 0, ()

    def _position(self, holder: dict[str, Any], path: str) -> tuple[Px, Px]:
        found = holder.get("position")
        if found is None:
            self.note(path, "it has no position; it is put at its parent's")
            return 0.0, 0.0
        return _a_point(found, _dotted(path) + ".position")

    def _text(self, holder: dict[str, Any], key: str, path: str, *, missing: str = "") -> str:
        found = holder.get(key)
        if found is None:
            if missing:
                self.note(_slashed(path), missing)
            return ""
        if isinstance(found, str):
            return found
        if isinstance(found, int | float) and not isinstance(found, bool):
            self.note(_slashed(path), f"its {key} is a number; it is read as text")
            return str(found)
        raise BadInput("seatmap.wrong", path=f"{path}.{key}", why="expected text")

    def _note_strays(self) -> None:
        if self.size is None:
            return
        width, height = self.size
        for seat in self.seats:
            if not (0 <= seat.x <= width and 0 <= seat.y <= height):
                self.note(seat.path, "it lies outside the plan's size; it is kept there")


def chair(radius: Px, scale: float) -> EquipmentType:
    """The type of a seat of some radius in px; `scale` is µm per px."""
    id = "chair" if radius == DEFAULT_RADIUS else f"chair-{radius:g}"
    side = min(max(1_000, round(2 * radius * scale)), FAR_UM)
    return EquipmentType(id=id, name="Chair", width_um=side, length_um=side, outline=Outline.ROUND)


def label_of(row: str, seat: str) -> str:
    """What staff read: row and seat, told apart (row 1 seat 11 is not row 11 seat 1)."""
    return f"{row}-{seat}" if row and seat else row or seat


def _spots(seats: list[_Seat], scale: float) -> Iterator[Spot]:
    met: Counter[str] = Counter()
    for seat in seats:
        name = seat.guid or seat.path
        yield Spot(
            id=spot_id(name, met[name]),
            type=chair(seat.radius, scale).id,
            x_um=round(seat.x * scale),
            y_um=round(seat.y * scale),
            label=_short(label_of(seat.row, seat.number)),
            row=_short(seat.row),
            seat=_short(seat.number),
            category=seat.category,
            origin=seat.guid,
            origin_path=seat.path,
        )
        met[name] += 1


def _zone(area: _Area, scale: float) -> Zone:
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
        color=_short(area.color),
        border_color=_short(area.border),
        origin_path=area.path,
    )


def _turned(point: tuple[Px, Px], angle: float, around: tuple[Px, Px]) -> tuple[Px, Px]:
    x, y = point
    return around[0] + x * cos(angle) - y * sin(angle), around[1] + x * sin(angle) + y * cos(angle)


def _an_object(found: Any, path: str) -> dict[str, Any]:
    if not isinstance(found, dict):
        raise BadInput("seatmap.wrong", path=path, why="expected an object")
    return found


def _a_list(found: Any, path: str) -> list[Any]:
    if not isinstance(found, list):
        raise BadInput("seatmap.wrong", path=path, why="expected a list")
    return found


def _a_number(found: Any, path: str) -> float:
    if isinstance(found, bool) or not isinstance(found, int | float) or not isfinite(found) or abs(found) > 1e12:
        raise BadInput("seatmap.wrong", path=path, why="expected a number")
    return found


def _a_point(found: Any, path: str) -> tuple[Px, Px]:
    point = _an_object(found, path)
    return _a_number(point.get("x", 0), f"{path}.x"), _a_number(point.get("y", 0), f"{path}.y")


def _dotted(path: str) -> str:
    """`zones/0/rows/3` as `$.zones[0].rows[3]`, the way errors name a place."""
    parts = path.split("/")
    return "$" + "".join(f"[{part}]" if part.isdigit() else f".{part}" for part in parts)


def _slashed(path: str) -> str:
    return path.removeprefix("$").lstrip(".").replace("[", "/").replace("]", "").replace(".", "/")


def _short(text: str) -> str:
    return text[:LONGEST]
