"""The room as it is drawn beneath the spots: floor, grid, underlay, walls, mirrors, doors, aisles, pillars, ways."""

from __future__ import annotations

from math import floor

from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QFontMetricsF, QPainter, QPainterPath, QPen, QPixmap, QPolygonF

from classtap_core.seating.boxes import around
from classtap_core.seating.geometry.polygons import edges
from classtap_core.seating.geometry.turning import egress, zone_corners
from classtap_core.seating.model import Background, Outline, Path, PointUm, SeatMap, Zone, ZoneKind
from classtap_core.seating.units import UM_PER, shown
from classtap_desktop.canvas.edits import layer_of
from classtap_desktop.canvas.viewport import Viewport
from classtap_desktop.kit import theme

LEAST_GRID_PX = 7
ORDER = (
    ZoneKind.DRAWING, ZoneKind.AISLE, ZoneKind.STAGE, ZoneKind.DOOR, ZoneKind.OBSTRUCTION, ZoneKind.WALL,
    ZoneKind.MIRROR, ZoneKind.TEXT,
)  # fmt: skip


class Inks:
    """The colours of a room in the look in force; asked for once a repaint."""

    def __init__(self) -> None:
        here = theme()
        self.page, self.floor, self.ink, self.muted = (here.color(name) for name in ("bg", "surface", "ink", "muted"))
        self.line, self.info, self.info_soft = (here.color(name) for name in ("line", "info", "info_soft"))
        self.late, self.late_soft, self.raised = (here.color(name) for name in ("late", "late_soft", "raised"))
        self.accent, self.absent, self.control = (here.color(name) for name in ("accent", "absent", "control_line"))


def draw_room(painter: QPainter, seat_map: SeatMap, view: Viewport, inks: Inks) -> None:
    """The floor and its walls."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    corners = polygon(seat_map.room.corners(), view)
    painter.setPen(QPen(inks.ink, max(2.0, min(5.0, 5 * view.zoom))))
    painter.setBrush(inks.floor)
    painter.drawPolygon(corners)
    if any(seat_map.room.wall_offsets_um):
        _draw_offsets(painter, seat_map, view, inks, corners)


def _draw_offsets(painter: QPainter, seat_map: SeatMap, view: Viewport, inks: Inks, corners: QPolygonF) -> None:
    """What is kept free along each wall, hatched: every place nearer to it than its offset."""
    floor_only = QPainterPath()
    floor_only.addPolygon(corners)
    floor_only.closeSubpath()
    painter.save()
    painter.setClipPath(floor_only)
    hatch = QBrush(inks.control, Qt.BrushStyle.BDiagPattern)
    for wall, (one, other) in enumerate(edges(seat_map.room.corners())):
        depth = seat_map.room.offset_um(wall)
        if depth:
            pen = QPen(hatch, 2 * depth / view.um_per_px)
            pen.setCapStyle(Qt.PenCapStyle.RoundCap)
            painter.setPen(pen)
            painter.drawLine(view.point(one), view.point(other))
    painter.restore()


def draw_grid(painter: QPainter, seat_map: SeatMap, view: Viewport, inks: Inks, grid_um: int, area: QRectF) -> None:
    """The grid on the floor, as fine as can be told apart; every tenth line is stronger."""
    if grid_um <= 0:
        return
    step = grid_um
    while step / view.um_per_px < LEAST_GRID_PX:
        step *= 5 if step == grid_um else 2
    corners = around(seat_map.room.corners())
    seen = view.rect(corners).intersected(area)
    if seen.isEmpty():
        return
    thin, strong = QColor(inks.line), QColor(inks.line)
    thin.setAlpha(90)
    strong.setAlpha(190)
    lines: tuple[list[QLineF], list[QLineF]] = ([], [])
    first = floor((view.left + seen.left() * view.um_per_px) / step)
    for number in range(first, floor((view.left + seen.right() * view.um_per_px) / step) + 1):
        x = round(view.x(number * step)) + 0.5
        lines[number % 10 == 0].append(QLineF(x, seen.top(), x, seen.bottom()))
    first = floor((view.top + seen.top() * view.um_per_px) / step)
    for number in range(first, floor((view.top + seen.bottom() * view.um_per_px) / step) + 1):
        y = round(view.y(number * step)) + 0.5
        lines[number % 10 == 0].append(QLineF(seen.left(), y, seen.right(), y))
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    painter.setClipRect(seen)
    for color, found in zip((thin, strong), lines, strict=True):
        painter.setPen(QPen(color, 1))
        painter.drawLines(found)
    painter.restore()


def draw_underlay(painter: QPainter, background: Background, picture: QPixmap, view: Viewport) -> None:
    """The picture that is traced, at its calibrated size."""
    scale = background.nm_per_px / 1000 / view.um_per_px
    painter.save()
    painter.setOpacity(background.opacity_percent / 100)
    painter.translate(view.point((background.x_um, background.y_um)))
    painter.rotate(background.rotation_mdeg / 1000)
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    painter.drawPixmap(QRectF(0, 0, picture.width() * scale, picture.height() * scale), picture, QRectF(picture.rect()))
    painter.restore()


def draw_zones(painter: QPainter, seat_map: SeatMap, view: Viewport, inks: Inks, *, skip: frozenset[str]) -> None:
    """Everything of the room that is no spot, on the layers that are shown; what is in ``skip`` is drawn elsewhere."""
    hidden = {layer.id for layer in seat_map.layers if not layer.visible}
    order = {kind: place for place, kind in enumerate(ORDER)}
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    for zone in sorted(seat_map.zones, key=lambda zone: order[zone.kind]):
        if zone.id not in skip and layer_of(zone) not in hidden:
            draw_zone(painter, zone, seat_map, view, inks, chosen=False, hurt=False)
    for path in seat_map.paths:
        if path.id not in skip and layer_of(path) not in hidden:
            draw_path(painter, path, view, inks, chosen=False, hurt=False)


def draw_zone(
    painter: QPainter, zone: Zone, seat_map: SeatMap, view: Viewport, inks: Inks, *, chosen: bool, hurt: bool
) -> None:
    """One zone with its name."""
    corners = polygon(zone_corners(zone), view)
    edge = inks.absent if hurt else inks.info if chosen else None
    if zone.kind is ZoneKind.DOOR:
        _door(painter, zone, view, inks, edge)
        return
    fill, own, pattern = {
        ZoneKind.AISLE: (inks.late_soft, inks.late_soft, Qt.PenStyle.NoPen),
        ZoneKind.MIRROR: (inks.info, inks.info, Qt.PenStyle.SolidLine),
        ZoneKind.OBSTRUCTION: (inks.line, inks.muted, Qt.PenStyle.SolidLine),
        ZoneKind.STAGE: (inks.raised, inks.control, Qt.PenStyle.SolidLine),
        ZoneKind.WALL: (inks.ink, inks.ink, Qt.PenStyle.SolidLine),
        ZoneKind.DRAWING: (QColor(zone.color or "#00000000"), QColor(zone.border_color or inks.control), Qt.PenStyle.DashLine),
        ZoneKind.TEXT: (QColor(0, 0, 0, 0), inks.control, Qt.PenStyle.NoPen),
    }[zone.kind]  # fmt: skip
    if zone.kind is ZoneKind.AISLE:
        fill = QColor(fill)
        fill.setAlpha(170)
    painter.setBrush(fill)
    painter.setPen(QPen(edge, 2.4) if edge else QPen(own, 1.2, pattern))
    if zone.outline is Outline.ROUND and not zone.points_um:
        painter.save()
        painter.translate(view.point((zone.x_um, zone.y_um)))
        painter.rotate(zone.rotation_mdeg / 1000)
        half = zone.width_um / 2 / view.um_per_px, zone.length_um / 2 / view.um_per_px
        painter.drawEllipse(QPointF(0, 0), *half)
        painter.restore()
    else:
        painter.drawPolygon(corners)
        if zone.kind is ZoneKind.MIRROR and corners.boundingRect().height() < 4:
            painter.setPen(QPen(edge or inks.info, 4))
            painter.drawLine(corners.boundingRect().topLeft(), corners.boundingRect().topRight())
    _name(painter, zone, seat_map, view, inks, corners.boundingRect())


def draw_path(painter: QPainter, path: Path, view: Viewport, inks: Inks, *, chosen: bool, hurt: bool) -> None:
    """A way through the room: its width, pale, and its middle line."""
    line = QPolygonF([view.point(point) for point in path.points_um])
    pale = QColor(inks.absent if hurt else inks.info)
    pale.setAlpha(60 if chosen else 34)
    pen = QPen(pale, max(2.0, path.width_um / view.um_per_px))
    pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    pen.setCapStyle(Qt.PenCapStyle.FlatCap)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(pen)
    painter.drawPolyline(line)
    painter.setPen(QPen(inks.absent if hurt else inks.info, 2.4 if chosen else 1.4, Qt.PenStyle.DashLine))
    painter.drawPolyline(line)


def polygon(points: tuple[PointUm, ...], view: Viewport) -> QPolygonF:
    """Points of the room as a polygon of the widget."""
    return QPolygonF([view.point(point) for point in points])


def _door(painter: QPainter, zone: Zone, view: Viewport, inks: Inks, edge: QColor | None) -> None:
    """A leaf in its frame, and what is kept free before it."""
    if zone.clearance_um:
        painter.setBrush(inks.info_soft if edge is None else QColor(edge.red(), edge.green(), edge.blue(), 50))
        painter.setPen(QPen(edge or inks.info, 1.2, Qt.PenStyle.DashLine))
        painter.drawPolygon(polygon(egress(zone), view))
    painter.setBrush(inks.floor)
    painter.setPen(QPen(edge or inks.info, 2.4 if edge else 1.8))
    painter.drawPolygon(polygon(zone_corners(zone), view))
    painter.save()
    painter.translate(view.point((zone.x_um, zone.y_um)))
    painter.rotate(zone.rotation_mdeg / 1000)
    wide = zone.width_um / view.um_per_px
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(edge or inks.info, 1.4))
    painter.drawLine(QPointF(-wide / 2, 0), QPointF(-wide / 2, -wide))
    painter.drawArc(QRectF(-wide * 1.5, -wide, 2 * wide, 2 * wide), 0, 90 * 16)
    painter.restore()


def _name(painter: QPainter, zone: Zone, seat_map: SeatMap, view: Viewport, inks: Inks, box: QRectF) -> None:
    """What a zone is called and, of an aisle, how wide it is; along its longer side, where there is room."""
    text = zone.text or (zone.name if zone.kind is not ZoneKind.DRAWING else "")
    if zone.kind is ZoneKind.AISLE:
        width = min(zone.width_um, zone.length_um) if not zone.points_um else 0
        text = f"{zone.name or theme().words.say('map.kind.aisle')} · {shown(width, seat_map.unit)} {seat_map.unit}"
    if zone.kind is ZoneKind.MIRROR:
        text = f"{zone.name or theme().words.say('map.kind.mirror')} · {shown(max(zone.width_um, zone.length_um), seat_map.unit)} {seat_map.unit}"
    if not text:
        return
    font = theme().font("label")
    if zone.kind is ZoneKind.TEXT and zone.size_um:
        font.setPixelSize(max(6, min(200, round(zone.size_um / view.um_per_px))))
    metrics = QFontMetricsF(font)
    wide = metrics.horizontalAdvance(text)
    upright = box.height() > box.width() * 1.3
    room = max(box.width(), box.height())
    if zone.kind is ZoneKind.MIRROR:
        upright = box.height() > box.width()
    elif zone.kind is not ZoneKind.TEXT and (wide > room - 6 or min(box.width(), box.height()) < metrics.height() - 4):
        return
    painter.save()
    painter.setFont(font)
    painter.setPen({ZoneKind.AISLE: inks.late, ZoneKind.MIRROR: inks.info}.get(zone.kind, inks.ink))
    painter.translate(box.center())
    if upright:
        painter.rotate(90)
    lift = metrics.height() * 0.75 if zone.kind is ZoneKind.MIRROR else -metrics.capHeight() / 2
    painter.drawText(QPointF(-wide / 2, -lift), text)
    painter.restore()


def ruler_step(view: Viewport, unit_um: int) -> int:
    """How far apart the marks of a ruler stand so that their numbers can be read, in µm."""
    steps = [unit_um // 10, unit_um // 4, unit_um // 2, *(unit_um * count for count in (1, 2, 5, 10, 20, 50, 100, 200))]
    return next((step for step in steps if step / view.um_per_px >= 46), steps[-1])


def draw_rulers(painter: QPainter, seat_map: SeatMap, view: Viewport, inks: Inks, area: QRectF, side: int) -> None:
    """Rulers along the top and the left edge, in the map's unit."""
    unit = UM_PER[seat_map.unit]
    step = ruler_step(view, unit)
    places = 0 if step % unit == 0 else 1 if step * 10 % unit == 0 else 2
    painter.save()
    painter.setLayoutDirection(Qt.LayoutDirection.LeftToRight)  # a minus sign stands before its number
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    painter.fillRect(QRectF(area.left(), area.top(), area.width(), side), inks.raised)
    painter.fillRect(QRectF(area.left(), area.top(), side, area.height()), inks.raised)
    font = theme().font("secondary")
    font.setPixelSize(10)
    painter.setFont(font)
    painter.setPen(QPen(inks.muted, 1))
    for number in range(floor(view.left / step), floor((view.left + area.width() * view.um_per_px) / step) + 1):
        x = round(view.x(number * step))
        if x > side:
            painter.drawLine(x, side - 6, x, side)
            painter.drawText(QPointF(x + 3, side - 7), shown(number * step, seat_map.unit, places=places))
    for number in range(floor(view.top / step), floor((view.top + area.height() * view.um_per_px) / step) + 1):
        y = round(view.y(number * step))
        if y > side:
            painter.drawLine(side - 6, y, side, y)
            painter.save()
            painter.translate(side - 7, y - 3)
            painter.rotate(-90)
            painter.drawText(QPointF(0, 0), shown(number * step, seat_map.unit, places=places))
            painter.restore()
    painter.setPen(QPen(inks.line, 1))
    painter.drawLine(0, side, round(area.right()), side)
    painter.drawLine(side, 0, side, round(area.bottom()))
    painter.fillRect(QRectF(0, 0, side, side), inks.raised)
    painter.drawText(QRectF(0, 0, side, side), Qt.AlignmentFlag.AlignCenter, seat_map.unit.value)
    painter.restore()
