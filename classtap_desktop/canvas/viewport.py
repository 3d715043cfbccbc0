"""Which part of the room is seen, and how large: micrometres to pixels and back. 100 % is a pixel for a centimetre."""

from __future__ import annotations

from typing import NamedTuple

from PySide6.QtCore import QPointF, QRectF

from classtap_core.seating.boxes import Box
from classtap_core.seating.model import PointUm

UM_PER_PX = 10_000
"""At 100 %."""
LEAST, MOST, TICK = 0.10, 4.0, 1.10


class Viewport(NamedTuple):
    """Attributes: `zoom` (0.1 to 4), `left`, `top` (µm at the widget's own top left corner)."""

    zoom: float = 1.0
    left: float = 0.0
    top: float = 0.0

    @property
    def um_per_px(self) -> float:
        """How long a pixel is."""
        return UM_PER_PX / self.zoom

    def x(self, um: float) -> float:
        """A place across, in pixels."""
        return (um - self.left) * self.zoom / UM_PER_PX

    def y(self, um: float) -> float:
        """A place down, in pixels."""
        return (um - self.top) * self.zoom / UM_PER_PX

    def point(self, at: PointUm) -> QPointF:
        """A place on the widget."""
        return QPointF(self.x(at[0]), self.y(at[1]))

    def rect(self, box: Box) -> QRectF:
        """A box on the widget."""
        return QRectF(QPointF(self.x(box.left), self.y(box.top)), QPointF(self.x(box.right), self.y(box.bottom)))

    def place(self, at: QPointF) -> PointUm:
        """The place under a point of the widget, in whole micrometres."""
        scale = self.um_per_px
        return round(self.left + at.x() * scale), round(self.top + at.y() * scale)

    def zoomed(self, zoom: float, at: QPointF) -> Viewport:
        """Another zoom under which a point of the widget shows the same place."""
        zoom = min(MOST, max(LEAST, zoom))
        was, now = self.um_per_px, UM_PER_PX / zoom
        return Viewport(zoom, self.left + at.x() * (was - now), self.top + at.y() * (was - now))

    def panned(self, across_px: float, down_px: float) -> Viewport:
        """The same zoom with what is seen shifted by so many pixels."""
        scale = self.um_per_px
        return Viewport(self.zoom, self.left - across_px * scale, self.top - down_px * scale)

    def fitted(self, box: Box, area: QRectF) -> Viewport:
        """The zoom under which a box fills an area of the widget, in its middle."""
        wide, high = max(1, box.width), max(1, box.height)
        zoom = min(area.width() * UM_PER_PX / wide, area.height() * UM_PER_PX / high)
        zoom = min(MOST, max(LEAST, zoom))
        scale = UM_PER_PX / zoom
        middle = area.center()
        return Viewport(
            zoom, (box.left + box.right) / 2 - middle.x() * scale, (box.top + box.bottom) / 2 - middle.y() * scale
        )

    def seen(self, width: float, height: float) -> Box:
        """The part of the plane that a widget of a size shows."""
        scale = self.um_per_px
        return Box(
            int(self.left), int(self.top), int(self.left + width * scale) + 1, int(self.top + height * scale) + 1
        )
