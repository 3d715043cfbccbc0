"""A map as a small picture, in the colours of the look in force."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPixmap
from PySide6.QtWidgets import QWidget

from classtap_core.seating.boxes import Box, around
from classtap_core.seating.model import SeatMap
from classtap_desktop.canvas import scenery
from classtap_desktop.canvas.crowd import Crowd
from classtap_desktop.canvas.sprites import Sprites
from classtap_desktop.canvas.viewport import Viewport
from classtap_desktop.kit import theme


def pictured(seat_map: SeatMap, size: QSize, *, ratio: float = 1.0) -> QPixmap:
    """The whole room on a picture of a size in pixels."""
    image = QPixmap(size * ratio)
    image.setDevicePixelRatio(ratio)
    image.fill(Qt.GlobalColor.transparent)
    painter = QPainter(image)
    draw_map(painter, seat_map, QRectF(0, 0, size.width(), size.height()), ratio=ratio)
    painter.end()
    return image


def draw_map(painter: QPainter, seat_map: SeatMap, area: QRectF, *, ratio: float = 1.0) -> None:
    """Draw a room into an area, as large as it fits."""
    inks, crowd = scenery.Inks(), Crowd(seat_map)
    room = around(seat_map.room.corners())
    edge = max(room.width, room.height) // 30
    view = _fitting(Box(room.left - edge, room.top - edge, room.right + edge, room.bottom + edge), area)
    painter.save()
    scenery.draw_room(painter, seat_map, view, inks)
    scenery.draw_zones(painter, seat_map, view, inks, skip=frozenset())
    sprites = Sprites()
    for spot, which in zip(crowd.spots, crowd.which.tolist(), strict=True):
        kind = crowd.kinds[which]
        found = sprites.picture(kind.type, kind.mdeg, kind.face, zoom=view.zoom, ratio=ratio)
        if found is not None:
            painter.drawPixmap(round(view.x(spot.x_um) - found[1]), round(view.y(spot.y_um) - found[2]), found[0])
    painter.restore()


def _fitting(box: Box, area: QRectF) -> Viewport:
    """As `Viewport.fitted`, for rooms so large that the board's least zoom would not do."""
    scale = max(box.width / area.width(), box.height / area.height(), 1.0)
    middle = area.center()
    return Viewport(
        10_000 / scale, (box.left + box.right) / 2 - middle.x() * scale, (box.top + box.bottom) / 2 - middle.y() * scale
    )


class Thumbnail(QWidget):
    """A map's picture; drawn anew when the look changes."""

    def __init__(self, size: QSize, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._map: SeatMap | None = None
        self._image: QPixmap | None = None
        self.setFixedSize(size)
        theme().changed.connect(self._dress)

    def show_map(self, seat_map: SeatMap | None) -> None:
        """Show a map, or an empty floor."""
        if seat_map is not self._map:
            self._map, self._image = seat_map, None
            self.update()

    def _dress(self) -> None:
        self._image = None
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        here = theme()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(here.color("line"))
        painter.setBrush(here.color("bg"))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), here.px(10), here.px(10))
        if self._map is not None:
            inner = self.rect().adjusted(6, 6, -6, -6)
            if self._image is None:
                self._image = pictured(self._map, inner.size(), ratio=self.devicePixelRatioF())
            painter.drawPixmap(inner.topLeft(), self._image)
        painter.end()
