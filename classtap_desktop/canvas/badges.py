"""Small signs at the rear of a spot: that it is broken, and what it is tagged with. They need no font."""

from __future__ import annotations

from collections.abc import Callable
from math import cos, pi, sin

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF

from classtap_core.seating.model import Status
from classtap_desktop.kit import theme

LEAST_PX, MOST_PX = 5.0, 14.0
GAP_PX = 2.0
Sign = Callable[[QPainter, QPointF, float], None]
"""Draws a sign of some size around a point with the painter's pen and brush."""


def draw_badges(painter: QPainter, area: QRectF, status: Status, tags: tuple[str, ...]) -> None:
    """Draw along the rear of a spot's area what can be told apart there; what is broken comes first."""
    wanted = [(_BROKEN[status], *_COLORS[status])] if status in _BROKEN else []
    wanted += [(_TAGS[tag], "info", "on_info") for tag in tags if tag in _TAGS]
    size = min(MOST_PX, area.width() * 0.34, area.height() * 0.2)
    if not wanted or size < LEAST_PX:
        return
    here = theme()
    fitting = max(1, int((area.width() - GAP_PX) // (size + GAP_PX)))
    wanted = wanted[:fitting]
    long = len(wanted) * size + (len(wanted) - 1) * GAP_PX
    middle = QPointF(area.center().x() - long / 2 + size / 2, area.bottom() - size * 0.85)
    for sign, ground, ink in wanted:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(here.color(ground))
        painter.drawEllipse(middle, size / 2, size / 2)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(_pen(here.color(ink), size))
        sign(painter, middle, size)
        middle += QPointF(size + GAP_PX, 0)


def _pen(color: QColor, size: float) -> QPen:
    pen = QPen(color, max(1.0, size / 9))
    pen.setCapStyle(Qt.PenCapStyle.RoundCap)
    return pen


def _filled(painter: QPainter, shape: QPolygonF) -> None:
    painter.setBrush(painter.pen().color())
    painter.drawPolygon(shape)


def _wheelchair(painter: QPainter, at: QPointF, size: float) -> None:
    x, y = at.x(), at.y()
    painter.drawArc(QRectF(x - size * 0.28, y - size * 0.1, size * 0.44, size * 0.44), 130 * 16, 240 * 16)
    painter.drawPolyline(
        [QPointF(x - size * 0.06, y - size * 0.14), QPointF(x - size * 0.02, y + size * 0.1),
         QPointF(x + size * 0.2, y + size * 0.1), QPointF(x + size * 0.28, y + size * 0.3)]
    )  # fmt: skip
    painter.setBrush(painter.pen().color())
    painter.drawEllipse(QPointF(x - size * 0.06, y - size * 0.28), size * 0.07, size * 0.07)


def _star(painter: QPainter, at: QPointF, size: float) -> None:
    tips = [(size * (0.34 if tip % 2 == 0 else 0.15), pi * (tip / 5 - 0.5)) for tip in range(10)]
    painter.setPen(QPen(painter.pen().color(), 0.5))
    _filled(painter, QPolygonF([at + QPointF(reach * cos(turn), reach * sin(turn)) for reach, turn in tips]))


def _eye(painter: QPainter, at: QPointF, size: float) -> None:
    painter.drawEllipse(at, size * 0.32, size * 0.2)
    painter.setBrush(painter.pen().color())
    painter.drawEllipse(at, size * 0.06, size * 0.06)


def _pair(painter: QPainter, at: QPointF, size: float) -> None:
    painter.setBrush(painter.pen().color())
    for side in (-1, 1):
        painter.drawEllipse(at + QPointF(side * size * 0.17, 0), size * 0.08, size * 0.08)


def _aisle(painter: QPainter, at: QPointF, size: float) -> None:
    for side in (-1, 1):
        painter.drawLine(at + QPointF(side * size * 0.18, -size * 0.25), at + QPointF(side * size * 0.18, size * 0.25))


def _door(painter: QPainter, at: QPointF, size: float) -> None:
    painter.drawRect(QRectF(at.x() - size * 0.16, at.y() - size * 0.27, size * 0.32, size * 0.54))


def _wide(painter: QPainter, at: QPointF, size: float) -> None:
    for side in (-1, 1):
        tip = at + QPointF(side * size * 0.3, 0)
        painter.drawLine(at, tip)
        for edge in (-1, 1):
            painter.drawLine(tip, tip + QPointF(-side * size * 0.14, edge * size * 0.14))


def _first(painter: QPainter, at: QPointF, size: float) -> None:
    painter.drawPolyline(
        [at + QPointF(-size * 0.12, -size * 0.12), at + QPointF(0, -size * 0.25), at + QPointF(0, size * 0.25)]
    )


def _cross(painter: QPainter, at: QPointF, size: float) -> None:
    reach = size * 0.22
    painter.drawLine(at + QPointF(-reach, -reach), at + QPointF(reach, reach))
    painter.drawLine(at + QPointF(-reach, reach), at + QPointF(reach, -reach))


def _wrench(painter: QPainter, at: QPointF, size: float) -> None:
    jaw = at + QPointF(size * 0.14, -size * 0.14)
    painter.drawLine(at + QPointF(-size * 0.26, size * 0.26), jaw + QPointF(-size * 0.06, size * 0.06))
    painter.drawArc(QRectF(jaw.x() - size * 0.13, jaw.y() - size * 0.13, size * 0.26, size * 0.26), 90 * 16, 270 * 16)


_BROKEN: dict[Status, Sign] = {Status.NEEDS_ATTENTION: _wrench, Status.OUT_OF_SERVICE: _cross}
_COLORS = {Status.NEEDS_ATTENTION: ("late", "on_late"), Status.OUT_OF_SERVICE: ("absent", "on_absent")}
_TAGS: dict[str, Sign] = {
    "accessible": _wheelchair, "companion": _pair, "aisle": _aisle, "near_entrance": _door, "extra_space": _wide,
    "priority_row": _first, "premium": _star, "instructor_view": _eye,
}  # fmt: skip
TAGS = tuple(_TAGS)
"""The tags that a spot is given by the form; a map may hold others."""
