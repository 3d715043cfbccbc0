"""The small map in the board's corner: the whole room, and the part of it that is seen."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPixmap

from classtap_core.seating.boxes import Box
from classtap_core.seating.model import PointUm, SeatMap
from classtap_desktop.canvas.crowd import Crowd
from classtap_desktop.canvas.scenery import Inks, polygon
from classtap_desktop.canvas.viewport import UM_PER_PX, Viewport

SIZE_PX = (168, 118)
MARGIN_PX = 12
LEAST_BOARD = 2.4
"""The board is at least so many times as wide, or there is no room for it."""


class Minimap:
    """Drawn once for each map that is a step; what is being dragged stays where it was on it."""

    def __init__(self) -> None:
        self._area = QRectF()
        self._view: Viewport | None = None
        self._ground: QPixmap | None = None
        self._ground_of: tuple[object, ...] = ()
        self._ground_view = Viewport()
        self._step: SeatMap | None = None

    def draw(
        self, painter: QPainter, board: QSize, *, step: SeatMap, shown: SeatMap, crowd: Crowd, room: Box, seen: Box,
        inks: Inks, ratio: float,
    ) -> None:  # fmt: skip
        """Draw it into a board's corner, unless the board sees the whole room. `step` is the document's map, `shown` what
        a drag makes of it; `ratio` device pixels to a pixel."""
        self._view = None
        across = seen.left <= room.left and seen.right >= room.right
        if board.width() <= LEAST_BOARD * SIZE_PX[0] or (
            across and seen.top <= room.top and seen.bottom >= room.bottom
        ):
            return
        area = self._area = area_of(board)
        key = (id(step), ratio, inks.ink.rgb())
        if self._ground is None or self._ground_of != key:
            image = QPixmap(area.size().toSize() * ratio)
            image.setDevicePixelRatio(ratio)
            image.fill(Qt.GlobalColor.transparent)
            over = QPainter(image)
            self._ground_view = _drawn(over, QRectF(QPointF(0, 0), area.size()), shown, crowd, room, inks)
            over.end()
            self._ground, self._ground_of = image, key
            self._step = step  # kept, so that its id is not given to another map
        small, scale = self._ground_view, self._ground_view.um_per_px
        self._view = Viewport(small.zoom, small.left - area.left() * scale, small.top - area.top() * scale)
        painter.drawPixmap(area.topLeft(), self._ground)
        _draw_seen(painter, area, self._view.rect(seen), inks)

    def hide(self) -> None:
        """There is none just now."""
        self._view = None

    def place(self, at: QPointF) -> PointUm | None:
        """The place of the room at a point of the board; None beside the small map."""
        return None if self._view is None or not self._area.contains(at) else self._view.place(at)


def area_of(board: QSize) -> QRectF:
    """Where it lies on a board."""
    wide, high = SIZE_PX
    return QRectF(board.width() - wide - MARGIN_PX, board.height() - high - MARGIN_PX, wide, high)


def _drawn(painter: QPainter, area: QRectF, seat_map: SeatMap, crowd: Crowd, room: Box, inks: Inks) -> Viewport:
    """The whole room, small; returns how it is drawn, for clicks."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    ground = QColor(inks.raised)
    ground.setAlpha(235)
    painter.setBrush(ground)
    painter.setPen(QPen(inks.control, 1))
    painter.drawRoundedRect(area.adjusted(0.5, 0.5, -0.5, -0.5), 8, 8)
    inner = area.adjusted(8, 8, -8, -8)
    scale = max(room.width / inner.width(), room.height / inner.height(), 1.0)
    small = Viewport(
        UM_PER_PX / scale,
        (room.left + room.right) / 2 - inner.center().x() * scale,
        (room.top + room.bottom) / 2 - inner.center().y() * scale,
    )
    painter.setBrush(inks.floor)
    painter.setPen(QPen(inks.muted, 1))
    painter.drawPolygon(polygon(seat_map.room.corners(), small))
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(inks.accent)
    boxes = crowd.boxes()
    if len(boxes):
        points = ((boxes - (small.left, small.top, small.left, small.top)) / scale).tolist()
        painter.drawRects([QRectF(a, b, max(1.0, c - a), max(1.0, d - b)) for a, b, c, d in points])
    painter.restore()
    return small


def _draw_seen(painter: QPainter, area: QRectF, seen: QRectF, inks: Inks) -> None:
    """Frame what is seen, on the small map."""
    painter.save()
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(inks.info, 2))
    painter.drawRect(seen.intersected(area.adjusted(2, 2, -2, -2)))
    painter.restore()
