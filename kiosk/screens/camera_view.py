"""The camera's picture with the frame to hold a pass in. It draws the newest picture and keeps none but that."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from classtap_desktop.kit import icons, painting, theme

_GLASS = QColor(12, 14, 18)
_PAPER = QColor(255, 255, 255)


class CameraView(QWidget):
    """Shows pictures as they come, filling its place; ``mirror`` turns them as in a looking-glass."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._picture: QImage | None = None
        self._keep: Any = None
        self._mirror = False
        self._caption = ""
        self._tone = "info"
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName(theme().words.say("kiosk.camera_view"))

    def show_frame(self, frame: Any, *, mirror: bool) -> None:
        """Show a picture: a ``QImage`` or an array of bytes, rows × columns (grey) or × 3 (BGR)."""
        self._picture, self._keep = image_of(frame)
        self._mirror = mirror
        if self.isVisible():
            self.update()

    def show_caption(self, text: str, tone: str = "ink") -> None:
        """Show a sentence over the lower edge; ``tone`` is a colour token."""
        if (text, tone) != (self._caption, self._tone):
            self._caption, self._tone = text, tone
            self.setAccessibleDescription(text)
            self.update()

    def has_picture(self) -> bool:
        """Say whether a picture has come."""
        return self._picture is not None

    def sizeHint(self) -> QSize:
        return QSize(theme().px(600), theme().px(450))

    def minimumSizeHint(self) -> QSize:
        return QSize(theme().px(240), theme().px(180))

    def paintEvent(self, event: QPaintEvent) -> None:
        here = theme()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = QRectF(self.rect())
        painter.fillRect(area, _GLASS)
        if self._picture is not None:
            self._draw_picture(painter, area)
        else:
            side = here.px(72)
            place = QRectF(area.center().x() - side / 2, area.center().y() - side / 2, side, side)
            icons.draw(painter, "camera", box=place, color=QColor(255, 255, 255, 110))
        self._draw_brackets(painter, area)
        if self._caption:
            self._draw_caption(painter, area)
        self._round_corners(painter, area)
        painting.box(painter, area, radius=here.px(22), edge=here.color("line"))
        painter.end()

    def _round_corners(self, painter: QPainter, area: QRectF) -> None:
        """Lay the page over the corners: a clip would leave them jagged."""
        radius = theme().px(22)
        outside, inside = QPainterPath(), QPainterPath()
        outside.addRect(area)
        inside.addRoundedRect(area, radius, radius)
        painter.fillPath(outside.subtracted(inside), theme().color("bg"))

    def _draw_picture(self, painter: QPainter, area: QRectF) -> None:
        assert self._picture is not None
        whole = self._picture.size()
        factor = max(area.width() / whole.width(), area.height() / whole.height())
        cut = QSize(round(area.width() / factor), round(area.height() / factor))
        source = QRect(
            (whole.width() - cut.width()) // 2, (whole.height() - cut.height()) // 2, cut.width(), cut.height()
        )  # fmt: skip
        painter.save()
        if self._mirror:
            painter.translate(area.width(), 0)
            painter.scale(-1, 1)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(area, self._picture, QRectF(source))
        painter.restore()

    def _draw_brackets(self, painter: QPainter, area: QRectF) -> None:
        """Four corners: where the pass goes, light on a dark rim so that they show on any picture."""
        here = theme()
        side = min(area.width(), area.height()) * 0.62
        frame = QRectF(area.center().x() - side / 2, area.center().y() - side * 0.54, side, side)
        arm, bend = side * 0.17, here.px(18)
        for pen in (QPen(QColor(0, 0, 0, 120), here.px(9)), QPen(_PAPER, here.px(5))):
            pen.setCapStyle(Qt.PenCapStyle.RoundCap)
            pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
            painter.setPen(pen)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            for x, y, dx, dy in (
                (frame.left(), frame.top(), 1, 1), (frame.right(), frame.top(), -1, 1),
                (frame.left(), frame.bottom(), 1, -1), (frame.right(), frame.bottom(), -1, -1),
            ):  # fmt: skip
                path = QPainterPath(QPointF(x, y + dy * arm))
                path.lineTo(x, y + dy * bend)
                path.quadTo(x, y, x + dx * bend, y)
                path.lineTo(x + dx * arm, y)
                painter.drawPath(path)

    def _draw_caption(self, painter: QPainter, area: QRectF) -> None:
        here = theme()
        font = here.font("badge")
        metrics = here.metrics("badge")
        room = int(area.width()) - here.px(72)
        wrap = int(Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap)
        text = metrics.boundingRect(QRect(0, 0, room, 400), wrap, self._caption)
        tall = max(here.px(48), text.height() + here.px(20))
        wide = text.width() + here.px(44)
        plate = QRectF(area.center().x() - wide / 2, area.bottom() - tall - here.px(18), wide, tall)
        painting.box(painter, plate, radius=min(tall / 2, here.px(24)), fill=here.color("surface"))
        painter.setFont(font)
        painter.setPen(here.color(self._tone))
        painter.setLayoutDirection(self.layoutDirection())
        painter.drawText(plate, wrap, self._caption)


def image_of(frame: Any) -> tuple[QImage, Any]:
    """Return a picture as a ``QImage`` and what must live as long as it; the bytes are shared, not copied."""
    if isinstance(frame, QImage):
        return frame, None
    rows, columns = frame.shape[:2]
    grey = frame.ndim == 2
    form = QImage.Format.Format_Grayscale8 if grey else QImage.Format.Format_BGR888
    return QImage(frame.data, columns, rows, frame.strides[0], form), frame
