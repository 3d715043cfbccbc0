"""A pretix seating plan as it is read: values checked, gaps filled and noted, each with its path in the file."""

from dataclasses import dataclass, field
from math import isfinite, nan
from typing import Any

from classtap_core.kernel.errors import BadInput
from classtap_core.seating.formats.report import Note
from classtap_core.seating.model import Category

DEFAULT_RADIUS = 10
DEFAULT_TEXT_SIZE = 16
LONGEST = 200

Px = float


@dataclass(frozen=True, kw_only=True)
class Seat:
    """A seat of a plan, in px from the plan's corner."""

    path: str
    guid: str
    number: str
    row: str
    x: Px
    y: Px
    category: str
    radius: Px


@dataclass(frozen=True, kw_only=True)
class Area:
    """An area of a plan, in px from the plan's corner; its polygon's points from its own position."""

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
class Plan:
    """A plan as it is read: values checked, gaps filled, each with its path."""

    document: dict[str, Any]
    mended: list[Note] = field(default_factory=list)
    seats: list[Seat] = field(default_factory=list)
    areas: list[Area] = field(default_factory=list)
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
            self._read_zone(an_object(zone, f"$.zones[{index}]"), f"zones/{index}")
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

    def _size(self) -> tuple[Px, Px] | None:
        found = self.document.get("size")
        if found is None:
            self.note("size", "it is missing; the room is as large as what stands in it")
            return None
        size = an_object(found, "$.size")
        width, height = (self._number(size, key, "$.size") for key in ("width", "height"))
        if width <= 0 or height <= 0:
            self.note("size", "it is no size; the room is as large as what stands in it")
            return None
        return width, height

    def extent_px(self) -> tuple[Px, Px]:
        """How far the seats and areas reach to the right and down."""
        reach = [(seat.x + seat.radius, seat.y + seat.radius) for seat in self.seats]
        reach += [(area.x + area.width, area.y + area.height) for area in self.areas]
        return max((x for x, _ in reach), default=1), max((y for _, y in reach), default=1)

    def _read_categories(self) -> None:
        if "categories" not in self.document:
            self.note("categories", "there are none; each seat's own is taken")
        for index, found in enumerate(_a_list(self.document.get("categories") or [], "$.categories")):
            path = f"$.categories[{index}]"
            category = an_object(found, path)
            name = self._text(category, "name", path, missing="it has no name")
            if any(known.id == short(name) for known in self.categories):
                self.note(f"categories/{index}", "this category is defined twice; the first is shown")
                continue
            color = self._text(category, "color", path)
            self.categories.append(Category(id=short(name), name=short(name), color=short(color)))

    def _read_zone(self, zone: dict[str, Any], path: str) -> None:
        for key, what in (("zone_id", "it has no zone_id"), ("uuid", "it has no uuid")):
            if key not in zone:
                self.note(path, what)
        x, y = self._position(zone, path)
        if zone.get("rows") is None:
            self.note(path, "it has no rows")
        for index, found in enumerate(_a_list(zone.get("rows") or [], _dotted(path) + ".rows")):
            self._read_row(an_object(found, _dotted(f"{path}/rows/{index}")), f"{path}/rows/{index}", x, y)
        for index, found in enumerate(_a_list(zone.get("areas") or [], _dotted(path) + ".areas")):
            self._read_area(an_object(found, _dotted(f"{path}/areas/{index}")), f"{path}/areas/{index}", x, y)

    def _read_row(self, row: dict[str, Any], path: str, x: Px, y: Px) -> None:
        number = self._text(row, "row_number", _dotted(path), missing="it has no row_number")
        row_x, row_y = self._position(row, path) if "position" in row else (0.0, 0.0)
        for index, found in enumerate(_a_list(row.get("seats") or [], _dotted(path) + ".seats")):
            where = f"{path}/seats/{index}"
            seat = an_object(found, _dotted(where))
            seat_x, seat_y = self._position(seat, where)
            self.seats.append(
                Seat(
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
        radius = self._number(seat, "radius", _dotted(path), missing=DEFAULT_RADIUS)
        if radius <= 0:
            self.note(path, "its radius is no length; 10 px are taken")
            return DEFAULT_RADIUS
        return radius

    def _category(self, seat: dict[str, Any], path: str) -> str:
        name = short(self._text(seat, "category", _dotted(path)))
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
            size = self._number(text, "size", f"{dotted}.text", missing=DEFAULT_TEXT_SIZE)
            color = color or self._text(text, "color", f"{dotted}.text")
        shape = self._text(area, "shape", dotted) or "rectangle"
        width, height, points = self._extents(area, shape, path)
        self.areas.append(
            Area(
                path=path,
                shape=shape,
                x=x + own_x,
                y=y + own_y,
                rotation=self._number(area, "rotation", dotted),
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
            holder = an_object(own, dotted) if own is not None else area
            width, height = (self._number(holder, key, dotted) for key in ("width", "height"))
            return max(width, 0), max(height, 0), ()
        if shape == "circle":
            radius = self._number(an_object(own or {}, dotted), "radius", dotted)
            return max(2 * radius, 0), max(2 * radius, 0), ()
        if shape == "ellipse":
            radii = an_object(an_object(own or {}, dotted).get("radius") or {}, f"{dotted}.radius")
            width, height = (2 * self._number(radii, key, f"{dotted}.radius") for key in ("x", "y"))
            return max(width, 0), max(height, 0), ()
        if shape == "polygon":
            listed = _a_list(an_object(own or {}, dotted).get("points") or [], f"{dotted}.points")
            points = tuple(self._point(point, f"{dotted}.points[{index}]") for index, point in enumerate(listed))
            if len(points) < 3:
                self.note(path, "a polygon of fewer than three points is not drawn")
            return 0, 0, points
        if shape != "text":
            self.note(path, f"its shape {short(shape)} is unknown; only its place is kept")
        return 0, 0, ()

    def _position(self, holder: dict[str, Any], path: str) -> tuple[Px, Px]:
        found = holder.get("position")
        if found is None:
            self.note(path, "it has no position; it is put at its parent's")
            return 0.0, 0.0
        return self._point(found, _dotted(path) + ".position")

    def _point(self, found: Any, path: str) -> tuple[Px, Px]:
        point = an_object(found, path)
        return self._number(point, "x", path), self._number(point, "y", path)

    def _number(self, holder: dict[str, Any], key: str, path: str, *, missing: Px = 0) -> Px:
        found = holder.get(key)
        if isinstance(found, str):
            self.note(_slashed(path), f"its {key} is text; it is read as a number")
        return a_number(found, f"{path}.{key}", missing=missing)

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


def an_object(found: Any, path: str) -> dict[str, Any]:
    """An object of the file. Raises BadInput `seatmap.wrong`."""
    if not isinstance(found, dict):
        raise BadInput("seatmap.wrong", path=path, why="expected an object")
    return found


def _a_list(found: Any, path: str) -> list[Any]:
    if not isinstance(found, list):
        raise BadInput("seatmap.wrong", path=path, why="expected a list")
    return found


def a_number(found: Any, path: str, *, missing: Px = 0) -> Px:
    """A number of the file, written as one or as text; nothing and null are `missing`. Raises BadInput `seatmap.wrong`."""
    if found is None:
        return missing
    if isinstance(found, str):
        try:
            found = float(found)
        except ValueError:
            found = nan
    if isinstance(found, bool) or not isinstance(found, int | float) or not isfinite(found) or abs(found) > 1e12:
        raise BadInput("seatmap.wrong", path=path, why="expected a number")
    return found


def _dotted(path: str) -> str:
    """`zones/0/rows/3` as `$.zones[0].rows[3]`, the way errors name a place."""
    parts = path.split("/")
    return "$" + "".join(f"[{part}]" if part.isdigit() else f".{part}" for part in parts)


def _slashed(path: str) -> str:
    return path.removeprefix("$").lstrip(".").replace("[", "/").replace("]", "").replace(".", "/")


def short(text: str) -> str:
    """Text as long as names may be."""
    return text[:LONGEST]
