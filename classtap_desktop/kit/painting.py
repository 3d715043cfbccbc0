"""The few strokes every drawn control shares: rounded boxes, the focus ring, text with an icon before it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPen, QTextLayout, QTextLine
from PySide6.QtWidgets import QWidget

from classtap_desktop.kit import icons
from classtap_desktop.kit.theme import theme


def box(
    painter: QPainter,
    area: QRectF,
    *,
    radius: float,
    fill: QColor | None = None,
    edge: QColor | None = None,
    width: float = 1.0,
) -> None:
    """Draw a rounded box whose edge lies wholly inside ``area``."""
    inset = width / 2 if edge is not None else 0.0
    painter.setPen(QPen(edge, width) if edge is not None else Qt.PenStyle.NoPen)
    painter.setBrush(fill if fill is not None else Qt.BrushStyle.NoBrush)
    painter.drawRoundedRect(area.adjusted(inset, inset, -inset, -inset), radius - inset, radius - inset)


def focus_ring(painter: QPainter, area: QRectF, *, radius: float) -> None:
    """Draw the ring of keyboard focus just inside ``area``: blue, with a line of the ground between it and the control."""
    here = theme()
    box(painter, area, radius=radius, edge=here.color("info"), width=3 * here.zoom)
    inner = area.adjusted(3 * here.zoom, 3 * here.zoom, -3 * here.zoom, -3 * here.zoom)
    box(painter, inner, radius=radius - 3 * here.zoom, edge=here.color("surface"), width=2 * here.zoom)


def shown_by_keyboard(widget: QWidget, reason: Qt.FocusReason) -> bool:
    """Say whether focus that arrived for ``reason`` should show its ring."""
    keys = (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason, Qt.FocusReason.ShortcutFocusReason)
    return reason in keys or (reason == Qt.FocusReason.OtherFocusReason and widget.property("keyboard") is True)


def line_width(text: str, font: QFont, *, icon: float = 0.0, gap: float = 0.0) -> float:
    """Return the width in pixels of one line of text with an icon before it."""
    return QFontMetricsF(font).horizontalAdvance(text) + (icon + gap if icon else 0.0)


def line(
    painter: QPainter,
    area: QRectF,
    text: str,
    *,
    font: QFont,
    color: QColor,
    icon: str | None = None,
    icon_size: float = 0.0,
    gap: float = 0.0,
    turn: float = 0.0,
    rtl: bool = False,
    centred: bool = True,
    marks: Sequence[tuple[int, int]] = (),
    marked: QColor | None = None,
) -> None:
    """Draw one line of text, an icon before it in reading order, centred or at the start of ``area``; elided if it must.

    ``marks`` are parts of the text (from, up to) that a line in the colour ``marked`` is drawn under.
    """
    metrics = QFontMetricsF(font)
    taken = icon_size + gap if icon and text else icon_size if icon else 0.0
    text = metrics.elidedText(text, Qt.TextElideMode.ElideRight, max(0.0, area.width() - taken) + 0.5)
    wide = taken + metrics.horizontalAdvance(text)
    spare = (area.width() - wide) / 2 if centred else 0.0
    start = area.right() - spare if rtl else area.left() + spare
    if icon:
        left = start - icon_size if rtl else start
        place = QRectF(QPointF(left, area.center().y() - icon_size / 2), QPointF(left + icon_size, 0))
        place.setHeight(icon_size)
        icons.draw(painter, icon, box=place, color=color, rtl=rtl, turn=turn)
    painter.setFont(font)
    painter.setPen(color)
    width = metrics.horizontalAdvance(text) + 2
    left = start - taken - width + 1 if rtl else start + taken - 1
    # centred on the capitals rather than on ascent and descent, so that words sit level with their icon; Arabic has
    # no capitals and hangs lower
    rise = 0.24 if any("\u0600" <= char <= "\u06ff" for char in text) else 0.5
    baseline = area.center().y() + metrics.capHeight() * rise
    painter.setLayoutDirection(Qt.LayoutDirection.RightToLeft if rtl else Qt.LayoutDirection.LeftToRight)
    height = metrics.height()
    if marked is not None:
        _underline(painter, text, font, marks, QPointF(left + 1, baseline + max(2.0, metrics.descent() * 0.55)), marked)
        painter.setPen(color)
    painter.drawText(
        QRectF(left, baseline - metrics.ascent(), width, height),
        int(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop | Qt.TextFlag.TextDontClip),
        text,
    )


def _underline(
    painter: QPainter, text: str, font: QFont, marks: Sequence[tuple[int, int]], at: QPointF, color: QColor
) -> None:
    """Draw a line under parts of a text that begins at ``at``; letters of any direction stand where the layout has them."""
    layout = QTextLayout(text, font)
    layout.beginLayout()
    written = layout.createLine()
    layout.endLayout()
    painter.setPen(QPen(color, 2.0, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
    for start, end in marks:
        if start < len(text):
            ends = [_x(written, min(edge, len(text))) for edge in (start, end)]
            painter.drawLine(at + QPointF(min(ends) + 1, 0), at + QPointF(max(ends) - 1, 0))


def _x(line: QTextLine, position: int) -> float:
    """Where a place between two letters stands, in pixels from the line's left."""
    found: Any = line.cursorToX(position)  # a pair, whatever the binding's stubs say
    return float(found[0])
