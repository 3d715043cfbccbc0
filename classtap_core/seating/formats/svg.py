"""SVG: a sheet drawn to scale, with the map itself inside, so that our own drawings can be read back whole.

A drawing of somebody else becomes an underlay to trace; shapes that call themselves seats become spots.
"""

import re
from collections.abc import Iterator
from math import atan2, cos, degrees, hypot, isfinite, radians, sin
from typing import NamedTuple
from xml.etree import ElementTree as ET
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

import msgspec

from classtap_core.kernel.errors import BadInput
from classtap_core.seating.audience import Audience
from classtap_core.seating.drawing import Shape, Sheet, Words, sheet
from classtap_core.seating.formats.native import from_plain, read_json, to_plain
from classtap_core.seating.formats.report import Note, Report, again_and_again, repeated, spot_id
from classtap_core.seating.model import (
    FAR_UM,
    FULL_TURN_MDEG,
    Background,
    EquipmentType,
    Outline,
    Room,
    SeatMap,
    Source,
    Spot,
)

FORMAT = "svg"
NAMESPACE = "http://www.w3.org/2000/svg"
METADATA = "classtap-seatmap"
UM_PER_UNIT = 10_000
"""What a user unit is taken for where a drawing says no size: a centimetre."""
LONGEST = 200
_UM = {"mm": 1_000.0, "cm": 10_000.0, "in": 25_400.0, "pt": 25_400 / 72, "pc": 25_400 / 6, "px": 25_400 / 96}
_NUMBER = r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]{1,3})?"
_SEAT = re.compile(r"(?:^|[\s_-])(?:seat|spot)s?(?:[\s_-]|$|[0-9])", re.IGNORECASE)

Matrix = tuple[float, float, float, float, float, float]
_SAME: Matrix = (1, 0, 0, 1, 0, 0)


def write_svg(
    seat_map: SeatMap, *, audience: Audience = Audience.STAFF, scale: int | None = None, page: Sheet | None = None
) -> bytes:
    """A map as a drawing in millimetres at its scale; staff's also holds the map, for reading it back."""
    page = page or sheet(seat_map, audience=audience, scale=scale)
    width, height = _n(page.width), _n(page.height)
    head = f'<svg xmlns="{NAMESPACE}" width="{width}mm" height="{height}mm" viewBox="0 0 {width} {height}"'
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', f"{head} font-family=\"Inter, 'Noto Sans', sans-serif\">"]
    lines.append(f"<title>{_escaped(seat_map.name)}</title>")
    if audience is Audience.STAFF:
        inside = msgspec.json.encode(to_plain(seat_map)).decode()
        inside = inside.replace("\ufffe", "\\ufffe").replace("\uffff", "\\uffff")
        lines.append(f'<metadata id="{METADATA}">{_escaped(inside)}</metadata>')
    lines.append(f'<rect width="{width}" height="{height}" fill="#FFFFFF"/>')
    lines += [_shape(item) if isinstance(item, Shape) else _words(item) for item in page.items]
    return ("\n".join([*lines, "</svg>"]) + "\n").encode()


def read_svg(data: bytes, *, name: str = "") -> tuple[SeatMap, Report]:
    """The map in a drawing of ours; of another drawing its size, itself as underlay, and what is marked as seats.

    Seats are circles, ellipses and rectangles whose `class` or `id` has the word seat or spot, or that have a
    `data-seat` or `data-spot`. Raises BadInput `seatmap.not_svg` or `seatmap.wrong`.
    """
    root = _parsed(data)
    for element in root.iter():
        if element.get("id") == METADATA and element.text:
            seat_map = from_plain(read_json(element.text.encode()))
            ids = [spot.origin or spot.id for spot in seat_map.spots]
            return seat_map, Report(len(ids), len(ids), repeated(ids))
    return _foreign(root, data, name)


def _foreign(root: ET.Element, data: bytes, name: str) -> tuple[SeatMap, Report]:
    mended: list[Note] = []
    left, top, width, height, um = _frame(root, mended)
    try:
        found = list(_seats(root, (um, 0, 0, um, -left * um, -top * um), depth=0))
    except RecursionError:
        raise BadInput("seatmap.not_svg", why="it is nested too deeply") from None
    types = {
        seat.type: EquipmentType(
            id=seat.type, name=seat.type, outline=seat.outline, width_um=seat.width, length_um=seat.length
        )
        for seat in found
    }
    spots = [
        Spot(
            id=spot_id(seat.given or f"shape {index}", again),
            type=seat.type,
            x_um=seat.x,
            y_um=seat.y,
            rotation_mdeg=seat.turn,
            label=seat.given[:LONGEST],
            origin=seat.given,
        )
        for index, (seat, again) in enumerate(zip(found, again_and_again(seat.given for seat in found), strict=True))
    ]
    drawing = data.decode("utf-8", "replace")
    title = next((one.text for one in root if one.tag.endswith("}title") and one.text), "")
    seat_map = SeatMap(
        name=(title or name)[:LONGEST] or "Imported",
        room=Room(width_um=max(1_000, round(width * um)), length_um=max(1_000, round(height * um))),
        types=tuple(types.values()),
        spots=tuple(spots),
        background=Background(blob="source", media_type="image/svg+xml", nm_per_px=max(1, round(um * 1000))),
        source=Source(format=FORMAT, document=drawing),
    )
    shapes = sum(1 for element in root.iter() if _kind(element) in _DRAWN) - len(spots)
    lost = (Note("", f"shapes kept in the underlay only: {shapes}"),) if shapes else ()
    return seat_map, Report(len(spots), len(spots), repeated(spot.origin for spot in spots), tuple(mended), lost)


_DRAWN = frozenset({"rect", "circle", "ellipse", "path", "polygon", "polyline", "line", "text", "image"})


def _parsed(data: bytes) -> ET.Element:
    try:
        _check_entities(data)
        root = ET.fromstring(data)
    except (ET.ParseError, expat.ExpatError, ValueError, LookupError, RecursionError) as error:
        raise BadInput("seatmap.not_svg", why=str(error)) from error
    if _kind(root) != "svg":
        raise BadInput("seatmap.not_svg", why="its root is no svg")
    return root


def _check_entities(data: bytes) -> None:
    """Ask the reader itself: in UTF-16 the declaration's bytes are others."""

    def declared(*_: object) -> None:
        raise BadInput("seatmap.not_svg", why="it declares entities, which could grow without end")

    reader = expat.ParserCreate()
    reader.EntityDeclHandler = declared
    reader.Parse(data, True)


def _frame(root: ET.Element, mended: list[Note]) -> tuple[float, float, float, float, float]:
    """The drawing's window in user units, and how many µm a unit is."""
    window = [float(number) for number in re.findall(_NUMBER, root.get("viewBox") or "")[:4]]
    width, unit = _length(root.get("width"))
    height, _ = _length(root.get("height"))
    if len(window) < 4 or window[2] <= 0 or window[3] <= 0:
        if width <= 0 or height <= 0:
            raise BadInput("seatmap.wrong", path="svg", why="it has neither a viewBox nor a width and height")
        window = [0, 0, width, height]
    um = width * _UM[unit] / window[2] if unit in _UM and unit != "px" and width > 0 else float(UM_PER_UNIT)
    if unit not in _UM or unit == "px":
        mended.append(Note("svg", "it says no size on paper; a unit is read as a centimetre, to be calibrated"))
    reach = max(abs(value) for value in window) * um
    if not isfinite(reach) or reach > FAR_UM or um < 0.001:
        raise BadInput("seatmap.wrong", path="svg", why="it is larger than 500 m")
    return window[0], window[1], window[2], window[3], um


def _length(text: str | None) -> tuple[float, str]:
    found = re.fullmatch(rf"\s*({_NUMBER})\s*(mm|cm|in|pt|pc|px|)\s*", text or "")
    return (float(found[1]), found[2]) if found else (0.0, "")


class _Seat(NamedTuple):
    """A shape that calls itself a seat, in µm and millidegrees."""

    given: str
    outline: Outline
    x: int
    y: int
    width: int
    length: int
    turn: int

    @property
    def type(self) -> str:
        return f"{self.outline.value}-{self.width}x{self.length}"


def _seats(element: ET.Element, matrix: Matrix, depth: int) -> Iterator[_Seat]:
    if depth > 200:
        raise RecursionError
    matrix = _times(matrix, _transform(element.get("transform") or ""))
    kind = _kind(element)
    if kind in ("rect", "circle", "ellipse") and _is_seat(element):
        x, y, width, height = _box(element, kind)
        size = (width * hypot(matrix[0], matrix[1]), height * hypot(matrix[2], matrix[3]))
        middle = (_um(matrix[0] * x + matrix[2] * y + matrix[4]), _um(matrix[1] * x + matrix[3] * y + matrix[5]))
        yield _Seat(
            element.get("data-seat") or element.get("data-spot") or element.get("id") or "",
            Outline.RECTANGLE if kind == "rect" else Outline.ROUND,
            *middle,
            max(1_000, _um(size[0])),
            max(1_000, _um(size[1])),
            round(degrees(atan2(matrix[1], matrix[0])) * 1000) % FULL_TURN_MDEG,
        )
    for child in element:
        yield from _seats(child, matrix, depth + 1)


def _is_seat(element: ET.Element) -> bool:
    if element.get("data-seat") is not None or element.get("data-spot") is not None:
        return True
    return any(_SEAT.search(element.get(key) or "") for key in ("class", "id"))


def _box(element: ET.Element, kind: str) -> tuple[float, float, float, float]:
    """Middle and size of a shape in its own units."""

    def of(key: str) -> float:
        return _length(element.get(key))[0]

    if kind == "rect":
        return of("x") + of("width") / 2, of("y") + of("height") / 2, of("width"), of("height")
    if kind == "circle":
        return of("cx"), of("cy"), 2 * of("r"), 2 * of("r")
    return of("cx"), of("cy"), 2 * of("rx"), 2 * of("ry")


def _transform(text: str) -> Matrix:
    matrix = _SAME
    for kind, inside in re.findall(r"(matrix|translate|scale|rotate)\s*\(([^)]*)\)", text):
        numbers = [float(number) for number in re.findall(_NUMBER, inside)]
        matrix = _times(matrix, _one(kind, numbers))
    return matrix


def _one(kind: str, numbers: list[float]) -> Matrix:
    if kind == "matrix" and len(numbers) == 6:
        return numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], numbers[5]
    if kind == "translate" and numbers:
        return 1, 0, 0, 1, numbers[0], numbers[1] if len(numbers) > 1 else 0
    if kind == "scale" and numbers:
        return numbers[0], 0, 0, numbers[1] if len(numbers) > 1 else numbers[0], 0, 0
    if kind == "rotate" and numbers:
        c, s = cos(radians(numbers[0])), sin(radians(numbers[0]))
        x, y = numbers[1:3] if len(numbers) > 2 else (0, 0)
        return c, s, -s, c, x - x * c + y * s, y - x * s - y * c
    return _SAME


def _times(a: Matrix, b: Matrix) -> Matrix:
    return (
        a[0] * b[0] + a[2] * b[1],
        a[1] * b[0] + a[3] * b[1],
        a[0] * b[2] + a[2] * b[3],
        a[1] * b[2] + a[3] * b[3],
        a[0] * b[4] + a[2] * b[5] + a[4],
        a[1] * b[4] + a[3] * b[5] + a[5],
    )


def _um(value: float) -> int:
    if not isfinite(value) or abs(value) > FAR_UM:
        raise BadInput("seatmap.wrong", path="svg", why="a seat lies or reaches farther than 500 m")
    return round(value)


def _kind(element: ET.Element) -> str:
    return str(element.tag).rsplit("}", 1)[-1]


def _shape(item: Shape) -> str:
    points = " ".join(f"{_n(x)},{_n(y)}" for x, y in item.points)
    dash = ' stroke-dasharray="1.2 0.8"' if item.dashed else ""
    tag = "polygon" if item.closed else "polyline"
    name = f" data-part={quoteattr(item.name)}" if item.name else ""
    color = f'fill="{item.fill or "none"}" stroke="{item.stroke or "none"}" stroke-width="{_n(item.width)}"'
    return f'<{tag} points="{points}" {color}{dash}{name}/>'


def _words(item: Words) -> str:
    weight = ' font-weight="600"' if item.bold else ""
    place = f'x="{_n(item.x)}" y="{_n(item.y)}" font-size="{_n(item.size)}" text-anchor="{item.anchor}"'
    return f'<text {place} fill="{item.color}"{weight}>{_escaped(item.text)}</text>'


def _escaped(text: str) -> str:
    """Text for XML 1.0, without the control characters it cannot hold."""
    return escape(
        "".join(
            letter for letter in text if letter in "\t\n\r" or (ord(letter) >= 0x20 and letter not in "\ufffe\uffff")
        )
    )


def _n(value: float) -> str:
    return f"{value:.4f}".rstrip("0").rstrip(".") or "0"
