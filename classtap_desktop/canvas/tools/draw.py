"""Drawing with the pointer: ways and areas point by point, the room's own walls, a measure between two points."""

from __future__ import annotations

from math import hypot
from typing import TYPE_CHECKING

from msgspec.structs import replace
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QPainter, QPen, QPolygonF

from classtap_core.seating.arranging import measured_um
from classtap_core.seating.boxes import around
from classtap_core.seating.geometry.polygons import is_simple
from classtap_core.seating.geometry.turning import zone_corners
from classtap_core.seating.model import Path, PointUm, Room, SeatMap, Zone, ZoneKind
from classtap_core.seating.snapping import to_grid
from classtap_desktop.canvas import edits, overlays
from classtap_desktop.canvas.scenery import Inks
from classtap_desktop.canvas.tools.tool import Pointer, Tool

if TYPE_CHECKING:
    from classtap_desktop.canvas.board import Board

CLOSE_PX = 9


class PanTool(Tool):
    """Dragging shows another part of the room."""

    name = "pan"
    cursor = Qt.CursorShape.OpenHandCursor

    def __init__(self, board: Board) -> None:
        super().__init__(board)
        self._last: QPointF | None = None

    def press(self, at: Pointer) -> None:
        self._last = at.px

    def move(self, at: Pointer, *, down: bool) -> None:
        if down and self._last is not None:
            step = at.px - self._last
            self.board.look(self.board.view.panned(step.x(), step.y()))
            self._last = at.px

    def release(self, at: Pointer) -> None:
        self._last = None


class PointsTool(Tool):
    """Points one after another. A double press or Enter ends it; an area also ends where it began."""

    cursor = Qt.CursorShape.CrossCursor
    least = 2

    def __init__(self, board: Board) -> None:
        super().__init__(board)
        self.points: list[PointUm] = []
        self._at: PointUm | None = None

    def press(self, at: Pointer) -> None:
        place = self._rest(at)
        if self.least > 2 and len(self.points) >= self.least and self._closes(at):
            self.accept()
        elif not self.points or place != self.points[-1]:
            self.points.append(place)
        self.board.update()

    def move(self, at: Pointer, *, down: bool) -> None:
        self._at = self._rest(at)
        self.board.update()

    def twice(self, at: Pointer) -> None:
        self.accept()

    def accept(self) -> bool:
        if len(self.points) < self.least:
            return False
        points, self.points = tuple(self.points), []
        self.done(points)
        self.board.use(self.board.home)
        return True

    def begun(self) -> bool:
        return bool(self.points)

    def forget(self) -> None:
        self.points = []

    def done(self, points: tuple[PointUm, ...]) -> None:
        """All points are there."""

    def _rest(self, at: Pointer) -> PointUm:
        place = at.place
        if at.shift and self.points:
            last = self.points[-1]
            across, down = abs(place[0] - last[0]), abs(place[1] - last[1])
            place = (place[0], last[1]) if across >= down else (last[0], place[1])
        if self.board.snap and not at.alt:
            place = to_grid(place, self.board.grid_um, self.board.view.um_per_px)
        return place

    def _closes(self, at: Pointer) -> bool:
        first = self.board.view.point(self.points[0])
        return hypot(first.x() - at.px.x(), first.y() - at.px.y()) <= CLOSE_PX

    def paint(self, painter: QPainter) -> None:
        if not self.points:
            return
        inks, view = Inks(), self.board.view
        points = [*self.points, *([self._at] if self._at is not None else [])]
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(inks.info, 2, Qt.PenStyle.DashLine))
        painter.drawPolyline(QPolygonF([view.point(point) for point in points]))
        overlays.draw_corners(painter, [view.point(point) for point in self.points], inks)
        if self._at is not None:
            long = measured_um(self.points[-1], self._at)
            text = overlays.length(long, self.board.shown.unit)
            overlays.pill(painter, view.point(self._at) + QPointF(0, -18), text, "info")


class PathTool(PointsTool):
    """An accessible way through the room, by its middle line."""

    name = "path"

    def done(self, points: tuple[PointUm, ...]) -> None:
        seat_map = self.board.document.seat_map
        path = Path(id=edits.new_id(), points_um=points, width_um=max(seat_map.limits.accessible_um, 914_400))
        self.board.document.do("placed", edits.with_added(seat_map, [path]), select=[path.id], count=1)


class AreaTool(PointsTool):
    """A pillar, stage or aisle of any shape."""

    name = "area"
    least = 3

    def __init__(self, board: Board, kind: ZoneKind = ZoneKind.OBSTRUCTION) -> None:
        super().__init__(board)
        self._kind = kind

    def done(self, points: tuple[PointUm, ...]) -> None:
        if not is_simple(points):
            self.board.told.emit("map.told.crosses", {})
            return
        seat_map = self.board.document.seat_map
        zone = Zone(id=edits.new_id(), kind=self._kind, points_um=points)
        self.board.document.do("placed", edits.with_added(seat_map, [zone]), select=[zone.id], count=1)


class WallsTool(PointsTool):
    """The room itself, corner by corner."""

    name = "walls"
    least = 3

    def done(self, points: tuple[PointUm, ...]) -> None:
        room = room_of(self.board.document.seat_map, points)
        if room is None:
            self.board.told.emit("map.told.crosses", {})
        else:
            self.board.document.do("room", replace(self.board.document.seat_map, room=room))


def room_of(seat_map: SeatMap, points: tuple[PointUm, ...]) -> Room | None:
    """The room with these corners; None where its walls would cross."""
    if len(points) < 3 or not is_simple(points):
        return None
    box = around(points)
    offsets = seat_map.room.wall_offsets_um
    if len(offsets) != len(points):
        offsets = (max(offsets),) * len(points) if offsets else ()
    return replace(seat_map.room, width_um=box.width, length_um=box.height, points_um=points, wall_offsets_um=offsets)


class MeasureTool(Tool):
    """The distance between two points; it catches corners and middles of what is near.

    Attributes: ``ends`` (the two points), ``long_um``.
    """

    name = "measure"
    cursor = Qt.CursorShape.CrossCursor

    def __init__(self, board: Board) -> None:
        super().__init__(board)
        self.ends: tuple[PointUm, PointUm] | None = None

    @property
    def long_um(self) -> int:
        """What was measured, in µm."""
        return measured_um(*self.ends) if self.ends else 0

    def press(self, at: Pointer) -> None:
        place = self._caught(at)
        self.ends = (place, place)
        self.board.update()

    def move(self, at: Pointer, *, down: bool) -> None:
        if down and self.ends is not None:
            start, stop = self.ends[0], self._caught(at)
            if at.shift:
                level = abs(stop[0] - start[0]) >= abs(stop[1] - start[1])
                stop = (stop[0], start[1]) if level else (start[0], stop[1])
            self.ends = (start, stop)
            self.board.update()

    def begun(self) -> bool:
        return self.ends is not None

    def forget(self) -> None:
        self.ends = None

    def _caught(self, at: Pointer) -> PointUm:
        """The corner or middle within 8 px, else the place itself."""
        if at.alt:
            return at.place
        reach = 8 * self.board.view.um_per_px
        offers = [*self.board.shown.room.corners()]
        item = self.board.item_at(at.place)
        if item is not None:
            box = edits.item_box(item, self.board.shown)
            offers += [(x, y) for x in (box.left, (box.left + box.right) // 2, box.right)
                       for y in (box.top, (box.top + box.bottom) // 2, box.bottom)]  # fmt: skip
            if isinstance(item, Zone):
                offers += zone_corners(item)
        best = min(offers, key=lambda one: measured_um(one, at.place))
        return best if measured_um(best, at.place) <= reach else at.place

    def paint(self, painter: QPainter) -> None:
        if self.ends is not None:
            start, stop = (self.board.view.point(end) for end in self.ends)
            text = overlays.length(self.long_um, self.board.shown.unit)
            overlays.dimension(painter, start, stop, text, "info")


class CalibrateTool(MeasureTool):
    """Two points of the underlay whose distance somebody knows; what they mean is asked when the second is there."""

    name = "calibrate"

    def release(self, at: Pointer) -> None:
        if self.ends is not None and self.long_um > 0:
            self.board.asked.emit()

    def _caught(self, at: Pointer) -> PointUm:
        return at.place
