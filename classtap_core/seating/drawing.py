"""A map on paper: to scale, with a title, a legend and a scale bar, as plain shapes in millimetres.

What is drawn here is the same in SVG, PDF and PNG; those only say it in their own words.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from classtap_core.seating.audience import Audience, seen_by
from classtap_core.seating.geometry.turning import egress, ellipse, placed, rectangle, zone_corners
from classtap_core.seating.model import Mirroring, Outline, SeatMap, Unit, Visibility, ZoneKind
from classtap_core.seating.units import shown

Mm = float
Points = tuple[tuple[Mm, Mm], ...]
OnPage = Callable[[tuple[tuple[int, int], ...]], Points]

SCALES = (10, 20, 25, 50, 100, 200, 500, 1_000, 2_000, 5_000)
PAPERS = ((210, 297), (297, 210), (297, 420), (420, 297))
"""A4 and A3, upright and across, in mm (ISO 216)."""
MARGIN: Mm = 10
TITLE: Mm = 14
LEGEND_LINE: Mm = 6
LEGEND_COLUMN: Mm = 62

INK, MUTED, PAPER, FREE = "#1B1C22", "#565762", "#FFFFFF", "#F5F3EE"
ZONE_COLORS = {
    ZoneKind.WALL: "#565762",
    ZoneKind.MIRROR: "#B9D3E8",
    ZoneKind.OBSTRUCTION: "#8A867C",
    ZoneKind.STAGE: "#EDE7DA",
    ZoneKind.AISLE: "#FBEBD0",
    ZoneKind.DOOR: "#FFFFFF",
    ZoneKind.DRAWING: "#DEDAD1",
}
ZONE_NAMES = tuple((kind, kind.value.capitalize()) for kind in ZONE_COLORS)
SPOT_COLOR, STAFF_COLOR = "#DDEEEA", "#E0E9F8"


class Shape(NamedTuple):
    """A filled polygon or, when open, a line. Widths in mm; a color of "" is none. `name` says what it stands for."""

    points: Points
    fill: str = ""
    stroke: str = INK
    width: Mm = 0.25
    dashed: bool = False
    closed: bool = True
    name: str = ""


class Words(NamedTuple):
    """A line of text. `size` is its height in mm; `anchor` is start, middle or end; y is the baseline."""

    x: Mm
    y: Mm
    text: str
    size: Mm
    anchor: str = "start"
    color: str = INK
    bold: bool = False


@dataclass
class Sheet:
    """A page: its size in mm, the scale 1:n, and what is on it from the bottom up."""

    width: Mm
    height: Mm
    scale: int
    items: list[Shape | Words] = field(default_factory=list)


class Captions(NamedTuple):
    """The words of a legend in the reader's language."""

    spots: str = "Spots"
    scale: str = "Scale"
    mirrored: str = "Numbered as seen in the mirror"
    staff_only: str = "Staff only"
    zones: tuple[tuple[ZoneKind, str], ...] = ZONE_NAMES


ENGLISH = Captions()


def sheet(
    seat_map: SeatMap, *, audience: Audience = Audience.STAFF, scale: int | None = None, captions: Captions = ENGLISH
) -> Sheet:
    """A map on a page: A4 or A3 at the largest usual scale that fits, or at 1:`scale` on a page that holds it.

    Clients see public spots only, with their aliases, and no zones.
    """
    rows = _legend(seat_map, audience, captions)
    page = _page(seat_map, scale, len(rows))
    left, top = MARGIN, MARGIN + TITLE
    mm = 1 / (1000 * page.scale)
    mirrored = audience is Audience.CLIENTS and seat_map.mirroring is Mirroring.RIGHT

    def on_page(points: tuple[tuple[int, int], ...]) -> Points:
        if mirrored:
            return tuple((left + (seat_map.room.width_um - x) * mm, top + y * mm) for x, y in points)
        return tuple((left + x * mm, top + y * mm) for x, y in points)

    page.items.append(Words(left, MARGIN + 5, seat_map.name, 5, bold=True))
    summary = f"{captions.spots}: {seat_map.capacity()}   {captions.scale} 1:{page.scale}   {_size(seat_map)}"
    page.items.append(Words(left, MARGIN + 10.5, summary, 3, color=MUTED))
    page.items.append(Shape(on_page(seat_map.room.corners()), fill=PAPER, width=0.6, name="room"))
    if audience is Audience.STAFF:
        _draw_zones(page, seat_map, on_page, mm)
    _draw_spots(page, seat_map, audience, on_page, mm)
    _draw_legend(page, rows, top + seat_map.room.length_um * mm + 6)
    return page


def cropped(page: Sheet) -> Sheet:
    """A sheet without the empty paper to the right of and below what is drawn, for screens."""
    right, bottom = MARGIN, MARGIN
    for item in page.items:
        if isinstance(item, Shape):
            right = max(right, *(x for x, _ in item.points))
            bottom = max(bottom, *(y for _, y in item.points))
        else:
            before = {"start": 0.0, "middle": 0.5, "end": 1.0}[item.anchor]
            right = max(right, item.x + (1 - before) * 0.6 * item.size * len(item.text))
            bottom = max(bottom, item.y)
    return Sheet(min(page.width, right + MARGIN), min(page.height, bottom + MARGIN), page.scale, page.items)


def _page(seat_map: SeatMap, scale: int | None, legend: int) -> Sheet:
    room = seat_map.room
    for one in SCALES if scale is None else (scale,):
        width, height = room.width_um / 1000 / one + 2 * MARGIN, room.length_um / 1000 / one + 2 * MARGIN + TITLE
        for paper in sorted(PAPERS, key=lambda paper: (paper[0] * paper[1], (paper[0] > paper[1]) != (width > height))):
            columns = max(1, int((paper[0] - 2 * MARGIN) / LEGEND_COLUMN))
            below = 6 + -(-legend // columns) * LEGEND_LINE + 10
            if width <= paper[0] and height + below <= paper[1]:
                return Sheet(float(paper[0]), float(paper[1]), one)
    one = scale or SCALES[-1]
    width, height = room.width_um / 1000 / one + 2 * MARGIN, room.length_um / 1000 / one + 2 * MARGIN + TITLE
    width = max(width, LEGEND_COLUMN + 2 * MARGIN)
    columns = max(1, int((width - 2 * MARGIN) / LEGEND_COLUMN))
    return Sheet(width, height + 16 + -(-legend // columns) * LEGEND_LINE, one)


def _draw_zones(page: Sheet, seat_map: SeatMap, on_page: OnPage, mm: Mm) -> None:
    hidden = {layer.id for layer in seat_map.layers if not layer.visible}
    drawn_first = sorted(seat_map.zones, key=lambda zone: zone.kind not in (ZoneKind.DRAWING, ZoneKind.AISLE))
    for zone in drawn_first:
        if zone.layer in hidden:
            continue
        corners = zone_corners(zone)
        if zone.outline is Outline.ROUND and not zone.points_um:
            smooth = ellipse(zone.width_um, zone.length_um, 64)
            corners = placed(smooth, zone.rotation_mdeg, (zone.x_um, zone.y_um))
        if zone.kind is ZoneKind.DOOR and zone.clearance_um:
            page.items.append(Shape(on_page(egress(zone)), stroke=MUTED, width=0.2, dashed=True, name="egress"))
        if zone.kind is not ZoneKind.TEXT and (zone.points_um or zone.width_um):
            color = zone.color if _is_color(zone.color) else ZONE_COLORS[zone.kind]
            page.items.append(Shape(on_page(corners), fill=color, stroke=MUTED, width=0.2, name=zone.kind.value))
        if zone.text:
            size = max(zone.size_um * mm, 1.5)
            x, y = on_page(((zone.x_um, zone.y_um),))[0]
            if zone.points_um:
                xs, ys = zip(*on_page(corners), strict=True)
                x, y = sum(xs) / len(xs), sum(ys) / len(ys)
            page.items.append(Words(x, y + size * 0.35, zone.text, size, "middle"))
    for path in seat_map.paths:
        page.items.append(
            Shape(on_page(path.points_um), stroke="#2A57A5", width=0.4, dashed=True, closed=False, name="path")
        )


def _draw_spots(page: Sheet, seat_map: SeatMap, audience: Audience, on_page: OnPage, mm: Mm) -> None:
    types = seat_map.types_by_id()
    categories = {category.id: category.color for category in seat_map.categories}
    for seen in seen_by(seat_map, audience):
        spot, type = seen.spot, types[seen.spot.type]
        shape = rectangle(type.width_um, type.length_um)
        if type.outline is Outline.ROUND:
            shape = ellipse(type.width_um, type.length_um, 32)
        corners = on_page(placed(shape, spot.rotation_mdeg, (spot.x_um, spot.y_um)))
        color = categories.get(spot.category) or type.color
        fill = STAFF_COLOR if spot.visibility is Visibility.STAFF else color if _is_color(color) else SPOT_COLOR
        broken = not spot.reservable
        page.items.append(Shape(corners, FREE if broken else fill, INK, 0.2, dashed=broken, name=f"spot {spot.id}"))
        if type.outline is Outline.RECTANGLE:
            nose = (
                (-type.width_um // 2, -type.length_um),
                (0, -type.length_um * 4 // 5),
                (type.width_um // 2, -type.length_um),
            )
            ahead = on_page(placed(nose, spot.rotation_mdeg, (spot.x_um, spot.y_um)))
            page.items.append(Shape(ahead, stroke=MUTED, width=0.15, closed=False, name="front"))
        if seen.name:
            across, down = type.width_um, type.length_um
            if 45_000 < seen.rotation_mdeg % 180_000 < 135_000:
                across, down = down, across
            size = min(4.0, down * mm * 0.55, 1.55 * across * mm / max(1, len(seen.name)))
            x, y = on_page(((spot.x_um, spot.y_um),))[0]
            page.items.append(Words(x, y + size * 0.35, seen.name, size, "middle", _ink_on(fill)))


class _Entry(NamedTuple):
    fill: str
    text: str


def _legend(seat_map: SeatMap, audience: Audience, captions: Captions) -> list[_Entry]:
    shown_spots = [seen.spot for seen in seen_by(seat_map, audience)]
    counts = Counter(spot.type for spot in shown_spots)
    entries = []
    for type in seat_map.types:
        if counts[type.id]:
            size = f"{shown(type.width_um, seat_map.unit)} × {shown(type.length_um, seat_map.unit)} {seat_map.unit}"
            color = type.color if _is_color(type.color) else SPOT_COLOR
            entries.append(_Entry(color, f"{type.name}: {counts[type.id]}  ({size})"))
    for category in seat_map.categories:
        number = sum(spot.category == category.id for spot in shown_spots)
        if number:
            entries.append(
                _Entry(category.color if _is_color(category.color) else SPOT_COLOR, f"{category.name}: {number}")
            )
    if any(spot.visibility is Visibility.STAFF for spot in shown_spots):
        entries.append(_Entry(STAFF_COLOR, captions.staff_only))
    if audience is Audience.STAFF:
        kinds = {zone.kind for zone in seat_map.zones} - {ZoneKind.DRAWING}
        entries += [_Entry(ZONE_COLORS[kind], name) for kind, name in captions.zones if kind in kinds]
    if seat_map.mirroring is Mirroring.RIGHT:
        entries.append(_Entry("", captions.mirrored))
    return entries


def _draw_legend(page: Sheet, entries: list[_Entry], top: Mm) -> None:
    columns = max(1, int((page.width - 2 * MARGIN) / LEGEND_COLUMN))
    for index, entry in enumerate(entries):
        x = MARGIN + index % columns * LEGEND_COLUMN
        y = top + index // columns * LEGEND_LINE
        if entry.fill:
            page.items.append(
                Shape(((x, y), (x + 4, y), (x + 4, y + 4), (x, y + 4)), entry.fill, MUTED, 0.2, name="legend")
            )
        page.items.append(Words(x + 6, y + 3.2, entry.text, 3))
    _draw_scale_bar(page, top + -(-len(entries) // columns) * LEGEND_LINE + 4)


def _draw_scale_bar(page: Sheet, y: Mm) -> None:
    """A bar of whole metres and one of whole feet, each about a fifth of the page."""
    x = MARGIN
    for unit, unit_um in ((Unit.METRE, 1_000_000), (Unit.FOOT, 304_800)):
        one = unit_um / 1000 / page.scale
        count = next((n for n in (1, 2, 5, 10, 20, 50, 100, 200) if n * one >= page.width / 8), 200)
        for half in range(2):
            start, stop = x + half * count * one / 2, x + (half + 1) * count * one / 2
            corners = ((start, y), (stop, y), (stop, y + 1.5), (start, y + 1.5))
            page.items.append(Shape(corners, INK if half == 0 else PAPER, INK, 0.2, name="scale bar"))
        page.items.append(Words(x + count * one + 1.5, y + 1.8, f"{count} {unit}", 3))
        x += count * one + 20


def _size(seat_map: SeatMap) -> str:
    unit = seat_map.unit
    return f"{shown(seat_map.room.width_um, unit)} × {shown(seat_map.room.length_um, unit)} {unit}"


def _is_color(text: str) -> bool:
    return len(text) == 7 and text[0] == "#" and all(letter in "0123456789abcdefABCDEF" for letter in text[1:])


def _ink_on(fill: str) -> str:
    """Black or white words, whichever stands out more (WCAG 2.2 relative luminance)."""
    channels = [int(fill[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return INK if 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2] > 0.18 else PAPER
