"""What lies over the room while it is worked on: selection, guides, distances in words, what is wrong, the small map."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen

from classtap_core.seating.boxes import Box
from classtap_core.seating.model import PointUm, Unit
from classtap_core.seating.snapping import Axis, Gap, Guide
from classtap_core.seating.units import shown
from classtap_core.seating.validation.findings import UM, Violation
from classtap_desktop.canvas.crowd import Crowd
from classtap_desktop.canvas.scenery import Inks
from classtap_desktop.canvas.viewport import Viewport
from classtap_desktop.kit import theme

HANDLE_PX = 9
TURN_PX = 26
MOST_PILLS = 6


def pill(painter: QPainter, middle: QPointF, text: str, token: str) -> None:
    """Words on a coloured ground that stand out from everything beneath."""
    here = theme()
    font = here.font("label")
    metrics = QFontMetricsF(font)
    area = QRectF(0, 0, metrics.horizontalAdvance(text) + 14, metrics.height() + 5)
    area.moveCenter(middle)
    room = QRectF(painter.viewport()).adjusted(2, 2, -2, -2)  # words at an edge move inwards
    area.moveLeft(max(room.left(), min(area.left(), room.right() - area.width())))
    area.moveTop(max(room.top(), min(area.top(), room.bottom() - area.height())))
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(here.color(token))
    painter.drawRoundedRect(area, 5, 5)
    painter.setFont(font)
    painter.setPen(here.color(f"on_{token}"))
    painter.drawText(area, Qt.AlignmentFlag.AlignCenter, text)


def length(um: int, unit: Unit) -> str:
    """A length with its unit."""
    return f"{shown(um, unit)} {unit}"


def draw_frame(painter: QPainter, area: QRectF, inks: Inks) -> None:
    """The box around what is selected, and its turning handle."""
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(inks.info, 1.2, Qt.PenStyle.DashLine))
    frame = area.adjusted(-6, -6, 6, 6)
    painter.drawRoundedRect(frame, 5, 5)
    top = QPointF(frame.center().x(), frame.top())
    knob = top - QPointF(0, TURN_PX - 6)
    painter.setPen(QPen(inks.info, 1.4))
    painter.drawLine(top, knob)
    painter.setBrush(inks.floor)
    painter.drawEllipse(knob, 5.5, 5.5)


def draw_corners(painter: QPainter, places: Iterable[QPointF], inks: Inks) -> None:
    """The corners of a polygon, to be dragged."""
    for place in places:
        _knob(painter, place, inks)


def _knob(painter: QPainter, place: QPointF, inks: Inks) -> None:
    painter.setPen(QPen(inks.info, 1.6))
    painter.setBrush(inks.floor)
    half = HANDLE_PX / 2
    painter.drawRect(QRectF(place.x() - half, place.y() - half, HANDLE_PX, HANDLE_PX))


def turn_place(area: QRectF) -> QPointF:
    """Where the turning handle of a selection is."""
    return QPointF(area.center().x(), area.top() - TURN_PX)


def draw_marquee(painter: QPainter, area: QRectF, inks: Inks) -> None:
    """The band that selects."""
    fill = QColor(inks.info)
    fill.setAlpha(28)
    painter.setPen(QPen(inks.info, 1))
    painter.setBrush(fill)
    painter.drawRect(area)


def draw_guides(painter: QPainter, guides: Sequence[Guide], gaps: Sequence[Gap], moving: Box, boxes: Sequence[Box],
                view: Viewport, unit: Unit, inks: Inks) -> None:  # fmt: skip
    """The lines something rests on, across all that shares them, and equal gaps with their length."""
    painter.setPen(QPen(inks.info, 1.2, Qt.PenStyle.DashLine))
    for guide in guides:
        on = [moving, *(boxes[at] for at in guide.others if at < len(boxes))]
        if guide.axis is Axis.X:
            x = view.x(guide.at_um)
            start, stop = min(box.top for box in on), max(box.bottom for box in on)
            painter.drawLine(QLineF(x, view.y(start) - 14, x, view.y(stop) + 14))
        else:
            y = view.y(guide.at_um)
            start, stop = min(box.left for box in on), max(box.right for box in on)
            painter.drawLine(QLineF(view.x(start) - 14, y, view.x(stop) + 14, y))
    for gap in gaps:
        for start, stop in gap.spans:
            if gap.axis is Axis.X:
                y = (moving.top + moving.bottom) // 2
                dimension(painter, view.point((start, y)), view.point((stop, y)), length(gap.gap_um, unit), "info")
            else:
                x = (moving.left + moving.right) // 2
                dimension(painter, view.point((x, start)), view.point((x, stop)), length(gap.gap_um, unit), "info")


def dimension(painter: QPainter, start: QPointF, stop: QPointF, text: str, token: str) -> None:
    """A line between two points with its length in words at its middle."""
    painter.setPen(QPen(theme().color(token), 2))
    painter.drawLine(start, stop)
    line = QLineF(start, stop)
    if line.length() > 1:
        across = line.normalVector().unitVector()
        edge = QPointF(across.dx() * 5, across.dy() * 5)
        painter.drawLine(start - edge, start + edge)
        painter.drawLine(stop - edge, stop + edge)
    middle = line.center()
    pill(painter, middle + QPointF(0, 16 if abs(line.dx()) >= abs(line.dy()) else 0), text, token)


def neighbours(box: Box, crowd: Crowd, moving: Iterable[str], room: Box) -> list[tuple[PointUm, PointUm, int]]:
    """The nearest thing to the left, right, above and below a box: where the free way begins and ends, and its length."""
    found = np.delete(crowd.boxes(), [crowd.place[id] for id in moving if id in crowd.place], axis=0)
    middle_x, middle_y = (box.left + box.right) // 2, (box.top + box.bottom) // 2
    beside = found[(found[:, 1] < box.bottom) & (found[:, 3] > box.top)]
    above = found[(found[:, 0] < box.right) & (found[:, 2] > box.left)]
    lefts, rights = beside[beside[:, 2] <= box.left, 2], beside[beside[:, 0] >= box.right, 0]
    tops, bottoms = above[above[:, 3] <= box.top, 3], above[above[:, 1] >= box.bottom, 1]
    left = int(lefts.max()) if len(lefts) else room.left
    right = int(rights.min()) if len(rights) else room.right
    top = int(tops.max()) if len(tops) else room.top
    bottom = int(bottoms.min()) if len(bottoms) else room.bottom
    ways = [
        ((left, middle_y), (box.left, middle_y), box.left - left),
        ((box.right, middle_y), (right, middle_y), right - box.right),
        ((middle_x, top), (middle_x, box.top), box.top - top),
        ((middle_x, box.bottom), (middle_x, bottom), bottom - box.bottom),
    ]
    return [way for way in ways if way[2] > 0]


def draw_findings(
    painter: QPainter, found: Sequence[Violation], about: frozenset[str], crowd: Crowd, view: Viewport, unit: Unit
) -> None:
    """How far it is and how far it should be, beside what is being moved."""
    drawn = 0
    for one in found:
        if one.unit != UM or not about.intersection(one.items):
            continue
        items = sorted((id for id in one.items if id in crowd.place), key=lambda id: id not in about)
        item = items[0] if items else ""
        at = one.at_um
        if item:
            place = crowd.place[item]
            box = crowd.kinds[crowd.which[place]].box.shifted(int(crowd.xs[place]), int(crowd.ys[place]))
            at = ((box.left + box.right) // 2, box.top)
        words = theme().words
        text = words.say("map.pill", actual=length(one.actual, unit), required=length(one.required, unit))
        pill(painter, view.point(at) + QPointF(0, -14 - 24 * drawn), text, "absent")
        drawn += 1
        if drawn >= MOST_PILLS:
            return
