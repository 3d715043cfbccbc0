"""How a session stands in the week: time, class, place, and how full it is; and the days above."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QPainter
from PySide6.QtWidgets import QHeaderView, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QTableView

from classtap_desktop.kit import painting, theme
from classtap_desktop.screens.schedule.model import LINE, TODAY, Index, WeekModel
from classtap_desktop.screens.sessions import SessionLine
from classtap_desktop.screens.tiles import draw_fill
from classtap_desktop.spacing import grown

_TABULAR = QFont.Tag("tnum")


def row_height() -> int:
    """Return the height of a session's cell in pixels."""
    here = theme()
    return here.metrics("text").height() + 3 * here.metrics("secondary").height() + here.px(38)


class WeekCells(QStyledItemDelegate):
    """Draws a `WeekModel`'s sessions as cards. ``now`` gives the present in ms since the Unix epoch."""

    def __init__(self, model: WeekModel, view: QTableView, *, now: Callable[[], int]) -> None:
        super().__init__(view)
        self._model, self._now = model, now

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(grown(128), row_height())

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        line: SessionLine | None = index.data(LINE)
        if line is None:
            return
        here = theme()
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = QRectF(option.rect).adjusted(here.px(3), here.px(3), -here.px(3), -here.px(4))
        phase = line.phase(self._now())
        chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        focused = chosen and bool(option.state & QStyle.StateFlag.State_HasFocus)
        over = phase in ("done", "cancelled")
        fill = "accent_soft" if chosen else "raised" if over else "surface"
        edge = "info" if focused else "accent" if chosen or phase == "now" else "line"
        width = here.px(2) if focused or phase == "now" else 1
        painting.box(painter, area, radius=here.px(12), fill=here.color(fill), edge=here.color(edge), width=width)
        self._words(painter, area, line, phase=phase, rtl=option.direction == Qt.LayoutDirection.RightToLeft)
        painter.restore()

    def _words(self, painter: QPainter, area: QRectF, line: SessionLine, *, phase: str, rtl: bool) -> None:
        here, words = theme(), self._model.words
        over = phase in ("done", "cancelled")
        ink = here.color("muted" if over else "ink")
        grey = here.color("muted")
        room = area.adjusted(here.px(10), here.px(8), -here.px(10), -here.px(8))
        small, tall = here.metrics("secondary").height(), here.metrics("text").height()
        clock = here.font("label")
        clock.setFeature(_TABULAR, 1)
        at = room.top()

        def put(text: str, font: QFont, color: QColor, height: float, gap: float) -> None:
            nonlocal at
            spot = QRectF(room.left(), at, room.width(), height)
            painting.line(painter, spot, text, font=font, color=color, rtl=rtl, centred=False)
            at += height + gap

        put(line.when(words), clock, here.color("accent") if phase == "now" else grey, small, here.px(3))
        name = here.font("strong")
        name.setStrikeOut(line.cancelled)
        put(line.name, name, ink, tall, here.px(2))
        put(line.where(), here.font("secondary"), grey, small, here.px(5))
        self._foot(painter, QRectF(room.left(), at, room.width(), small), line, over=over, rtl=rtl)

    def _foot(self, painter: QPainter, area: QRectF, line: SessionLine, *, over: bool, rtl: bool) -> None:
        here, words = theme(), self._model.words
        figures, font = self._model.figures(line), here.font("secondary")
        font.setFeature(_TABULAR, 1)
        audience = words.say(f"desk.audience.{line.audience}") if line.audience else ""
        wide = painting.line_width(figures, font) + 4
        mark = painting.line_width(audience, here.font("secondary")) + 4 if audience else 0.0
        token = "warn" if line.full and not over and not line.cancelled else "muted"
        first = QRectF(area.right() - wide if rtl else area.left(), area.top(), wide, area.height())
        last = QRectF(area.left() if rtl else area.right() - mark, area.top(), mark, area.height())
        painting.line(painter, first, figures, font=font, color=here.color(token), rtl=rtl, centred=False)
        kids = line.audience == "kids"
        tone = here.color("info" if kids and not over else "muted")
        painting.line(painter, last, audience, font=here.font("secondary"), color=tone, rtl=rtl, centred=False)
        gap = here.px(8)
        left, right = (last.right(), first.left()) if rtl else (first.right(), last.left())
        bar = QRectF(left + gap, area.center().y() - here.px(2), right - left - 2 * gap, here.px(4))
        if bar.width() >= here.px(16) and not line.cancelled:
            share = line.booked / max(1, line.capacity)
            token = "control_line" if over else "warn" if line.full else "accent"
            draw_fill(painter, bar, ((share, token),) if line.booked else (), rtl=rtl)


class DaysHeader(QHeaderView):
    """The days of a week; today stands on the accent."""

    def __init__(self, view: QTableView) -> None:
        super().__init__(Qt.Orientation.Horizontal, view)
        self.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.setHighlightSections(False)

    def sizeHint(self) -> QSize:
        return QSize(0, theme().metrics("strong").height() + theme().px(22))

    def paintSection(self, painter: QPainter, rect: QRect, logicalIndex: int) -> None:
        here = theme()
        model = self.model()
        text = str(model.headerData(logicalIndex, Qt.Orientation.Horizontal, Qt.ItemDataRole.DisplayRole) or "")
        today = bool(model.headerData(logicalIndex, Qt.Orientation.Horizontal, TODAY))
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        font = here.font("strong" if today else "text")
        rtl = self.layoutDirection() == Qt.LayoutDirection.RightToLeft
        area = QRectF(rect).adjusted(here.px(3), here.px(3), -here.px(3), -here.px(5))
        if today:
            painting.box(painter, area, radius=here.px(10), fill=here.color("accent"))
        painting.line(painter, area, text, font=font, color=here.color("on_accent" if today else "muted"), rtl=rtl)
        painter.restore()
