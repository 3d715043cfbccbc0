"""Spots as small pictures, drawn once for each kind, turn, state and zoom: five thousand of them are then only copied."""

from __future__ import annotations

from collections import OrderedDict
from math import cos, hypot, radians, sin
from typing import NamedTuple

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPixmap

from classtap_core.seating.model import EquipmentType, Outline, Spot, Status, Visibility
from classtap_desktop.canvas.badges import draw_badges
from classtap_desktop.canvas.viewport import UM_PER_PX
from classtap_desktop.kit import theme

KEPT = 1_500
LARGEST_PX = 700
"""A picture larger than this is drawn where it is seen, not kept."""


class Face(NamedTuple):
    """How a spot stands: what its picture depends on beside its kind and its turn."""

    chosen: bool = False
    hurt: bool = False
    staff: bool = False
    hidden: bool = False
    locked: bool = False
    status: Status = Status.OPERATIONAL
    tags: tuple[str, ...] = ()

    @property
    def given(self) -> bool:
        """Whether it works."""
        return self.status is Status.OPERATIONAL


def face_of(spot: Spot, *, chosen: bool, hurt: bool, locked: bool) -> Face:
    """The state of a spot as it is drawn."""
    return Face(
        chosen,
        hurt,
        spot.visibility is Visibility.STAFF,
        spot.visibility is Visibility.HIDDEN,
        locked,
        spot.status,
        spot.tags,
    )


class Sprites:
    """Pictures for one zoom after another; those not used for long are let go."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[object, ...], tuple[QPixmap, float, float]] = OrderedDict()

    def clear(self) -> None:
        """Let go of everything: the look changed."""
        self._kept.clear()

    def picture(
        self, type: EquipmentType, mdeg: int, face: Face, *, zoom: float, ratio: float
    ) -> tuple[QPixmap, float, float] | None:
        """A spot's picture and how far its middle lies from its top left, in pixels; None where it is too large."""
        key = (type.id, type.width_um, type.length_um, type.outline, type.color, mdeg, face, zoom, ratio)
        found = self._kept.get(key)
        if found is not None:
            return found
        wide, high = size_px(type, mdeg, zoom)
        if max(wide, high) > LARGEST_PX:
            return None
        side_x, side_y = int(wide) + 4, int(high) + 4
        image = QPixmap(round(side_x * ratio), round(side_y * ratio))
        image.setDevicePixelRatio(ratio)
        image.fill(Qt.GlobalColor.transparent)
        painter = QPainter(image)
        painter.translate(side_x / 2, side_y / 2)
        draw_spot(painter, type, mdeg, face, zoom=zoom)
        painter.end()
        made = (image, side_x / 2, side_y / 2)
        self._kept[key] = made
        if len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return made


def size_px(type: EquipmentType, mdeg: int, zoom: float) -> tuple[float, float]:
    """The box around a turned footprint, in pixels."""
    angle = radians(mdeg / 1000)
    c, s = abs(cos(angle)), abs(sin(angle))
    wide, long = type.width_um * zoom / UM_PER_PX, type.length_um * zoom / UM_PER_PX
    return wide * c + long * s, wide * s + long * c


def draw_spot(painter: QPainter, type: EquipmentType, mdeg: int, face: Face, *, zoom: float) -> None:
    """Draw a spot around the painter's origin."""
    wide, long = type.width_um * zoom / UM_PER_PX, type.length_um * zoom / UM_PER_PX
    fill, edge, width = _inks(type, face)
    small = min(wide, long) < 9
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, not (small and mdeg % 90_000 == 0))
    painter.rotate(mdeg / 1000)
    pen = QPen(edge, 1.0 if small else width)
    if not face.given or face.hidden:
        pen.setStyle(Qt.PenStyle.DashLine)
        pen.setDashPattern([3, 2])
    painter.setPen(pen)
    painter.setBrush(fill)
    inset = pen.widthF() / 2
    area = QRectF(-wide / 2, -long / 2, wide, long).adjusted(inset, inset, -inset, -inset)
    if type.outline is Outline.ROUND:
        painter.drawEllipse(area)
    else:
        radius = min(4.0, hypot(wide, long) / 14)
        painter.drawRoundedRect(area, radius, radius)
    if not small:
        _marks(painter, area, face, edge, ahead=type.outline is not Outline.ROUND)
        draw_badges(painter, area, face.status, face.tags)
    painter.restore()


def _marks(painter: QPainter, area: QRectF, face: Face, edge: QColor, *, ahead: bool) -> None:
    """Two lines say where the front is; a bar that it is locked."""
    thin = QColor(edge)
    thin.setAlpha(150)
    painter.setPen(QPen(thin, 1.2))
    for share in (0.14, 0.22) if ahead else ():
        y = area.top() + area.height() * share
        painter.drawLine(QPointF(area.left() + area.width() * 0.2, y), QPointF(area.right() - area.width() * 0.2, y))
    if face.locked and area.width() > 14:
        painter.setPen(QPen(edge, 2))
        painter.drawLine(QPointF(area.left() + 3, area.bottom() - 4), QPointF(area.left() + 9, area.bottom() - 4))


def _inks(type: EquipmentType, face: Face) -> tuple[QColor, QColor, float]:
    here = theme()
    if face.chosen:
        return here.color("info_soft"), here.color("absent" if face.hurt else "info"), 2.4
    if face.hurt:
        return here.color("absent_soft"), here.color("absent"), 2.2
    if not face.given or face.hidden:
        return here.color("raised"), here.color("muted"), 1.4
    if face.staff:
        return here.color("late_soft"), here.color("late"), 1.4
    own = QColor(type.color)
    if not here.dark and own.isValid():
        return own, here.color("accent"), 1.4
    return here.color("accent_soft"), here.color("accent"), 1.4
