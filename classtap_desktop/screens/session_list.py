"""The day's sessions as a short list: time, class, room, and how many are here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QPainter
from PySide6.QtWidgets import QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem

from classtap_desktop.kit import painting, theme
from classtap_desktop.screens.people import line_ground
from classtap_desktop.screens.sessions import SessionLine
from classtap_desktop.screens.tiles import draw_fill
from classtap_desktop.spacing import grown
from resources.text import Catalogue

Index = QModelIndex | QPersistentModelIndex
LINE = Qt.ItemDataRole.UserRole + 10
_ROOT = QModelIndex()


class SessionsModel(QAbstractListModel):
    """Sessions in the order given, under the titles of their sections where there are some.

    Role ``LINE`` gives a row's session (None for a title); the display text is a sentence of it.
    """

    def __init__(self, words: Catalogue, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.words = words
        self.rows: list[SessionLine | str] = []

    def show_lines(self, lines: tuple[SessionLine, ...]) -> None:
        """Show sessions without sections."""
        self._show(list(lines))

    def show_sections(self, sections: Sequence[tuple[str, tuple[SessionLine, ...]]]) -> None:
        """Show sessions under the titles of their sections."""
        rows: list[SessionLine | str] = []
        for title, lines in sections:
            rows += [title, *lines]
        self._show(rows)

    def _show(self, rows: list[SessionLine | str]) -> None:
        """The same sessions with newer numbers keep their place."""
        if [_name(row) for row in rows] == [_name(row) for row in self.rows]:
            before, self.rows = self.rows, rows
            for at, (old, new) in enumerate(zip(before, rows, strict=True)):
                if old != new:
                    self.dataChanged.emit(self.index(at), self.index(at))
            return
        self.beginResetModel()
        self.rows = rows
        self.endResetModel()

    def speak(self, words: Catalogue) -> None:
        """Say everything in another language."""
        self.words = words
        if self.rows:
            self.dataChanged.emit(self.index(0), self.index(len(self.rows) - 1))

    def line(self, row: int) -> SessionLine | None:
        """Return the session of a row, or None."""
        found = self.rows[row] if 0 <= row < len(self.rows) else None
        return found if isinstance(found, SessionLine) else None

    def row_of(self, session: str) -> int:
        """Return the row of a session, or -1."""
        return next((at for at, row in enumerate(self.rows) if isinstance(row, SessionLine) and row.id == session), -1)

    def first(self) -> int:
        """Return the row of the first session, or -1."""
        return next((at for at, row in enumerate(self.rows) if isinstance(row, SessionLine)), -1)

    def rowCount(self, parent: Index = _ROOT) -> int:
        return 0 if parent.isValid() else len(self.rows)

    def flags(self, index: Index) -> Qt.ItemFlag:
        if self.line(index.row()) is None:
            return Qt.ItemFlag.NoItemFlags
        return Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        row = self.rows[index.row()]
        if role == LINE:
            return row if isinstance(row, SessionLine) else None
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return row if isinstance(row, str) else self.sentence(row)
        return None

    def sentence(self, line: SessionLine) -> str:
        """Return a whole session for assistive technology."""
        here = self.words.say("desk.session.here", here=line.counts.here, booked=line.booked)
        figures = self.figures(line) if line.cancelled else here
        return f"{line.when(self.words)} {line.name}, {line.where()}, {figures}"

    def figures(self, line: SessionLine) -> str:
        """Return how many are here of how many booked, or that it does not take place."""
        if line.cancelled:
            return self.words.say("desk.session.cancelled")
        return f"{self.words.number(line.counts.here)} / {self.words.number(line.booked)}"


def _name(row: SessionLine | str) -> str:
    return row if isinstance(row, str) else row.id


class SessionLines(QStyledItemDelegate):
    """Draws a `SessionsModel`: time in its own column, class and place beside it, figures at the end."""

    def __init__(self, model: SessionsModel, view: QListView, *, now: Callable[[], int]) -> None:
        """``now`` gives the present in ms since the Unix epoch."""
        super().__init__(view)
        self._model, self._now = model, now

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        here = theme()
        small = here.metrics("secondary").height()
        return QSize(
            0, here.metrics("text").height() + small + here.px(24) if index.data(LINE) else small + here.px(24)
        )

    def _title(self, painter: QPainter, option: QStyleOptionViewItem, text: str) -> None:
        here = theme()
        painter.save()
        area = QRectF(option.rect).adjusted(here.px(12), here.px(12), -here.px(12), -here.px(2))
        rtl = option.direction == Qt.LayoutDirection.RightToLeft
        painting.line(painter, area, text, font=here.font("label"), color=here.color("muted"), rtl=rtl, centred=False)
        painter.restore()

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        here = theme()
        line: SessionLine | None = index.data(LINE)
        if line is None:
            self._title(painter, option, str(index.data() or ""))
            return
        words = self._model.words
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area, chosen = line_ground(painter, option)
        if chosen and option.state & QStyle.StateFlag.State_HasFocus:
            painting.box(painter, area, radius=here.px(10), edge=here.color("info"), width=here.px(2))
        rtl = option.direction == Qt.LayoutDirection.RightToLeft
        phase = line.phase(self._now())
        ink = "muted" if phase in ("done", "cancelled") else "ink"
        tall, small = here.metrics("text").height(), here.metrics("secondary").height()
        top = area.center().y() - (tall + small) / 2
        room = area.adjusted(here.px(10), 0, -here.px(10), 0)
        clock = words.time(line.start_ms, line.zone)
        figures = self._model.figures(line)
        first = painting.line_width(words.time(_EVENING_MS, "UTC"), here.font("cell")) + here.px(16)
        last = max(painting.line_width(figures, here.font("cell")) + here.px(4), grown(54))
        spans = _spans(room, (first, room.width() - first - last - here.px(10), last), gaps=here.px(10), rtl=rtl)
        upper = [QRectF(span.left(), top, span.width(), tall) for span in spans]
        lower = [QRectF(span.left(), top + tall, span.width(), small) for span in spans]
        grey = here.color("muted")
        painting.line(
            painter, upper[0], clock, font=here.font("cell"), color=here.color("accent" if phase == "now" else ink),
            rtl=rtl, centred=False,
        )  # fmt: skip
        painting.line(
            painter, upper[1], line.name, font=here.font("strong"), color=here.color(ink), rtl=rtl, centred=False
        )
        painting.line(painter, lower[1], line.where(), font=here.font("secondary"), color=grey, rtl=rtl, centred=False)
        at_end(painter, upper[2], figures, font=here.font("cell"), color=here.color(ink), rtl=rtl)
        if not line.cancelled and line.booked:
            bar = QRectF(lower[2].left(), lower[2].center().y() - here.px(2.5), lower[2].width(), here.px(5))
            share = line.counts.here / max(1, line.booked)
            draw_fill(painter, bar, ((share, "present"),), rtl=rtl)
        painter.restore()


def at_end(painter: QPainter, area: QRectF, text: str, *, font: QFont, color: QColor, rtl: bool) -> None:
    """Draw words at the end of a line's area, in their own reading order."""
    wide = painting.line_width(text, font) + 1
    left = area.left() if rtl else area.right() - wide
    spot = QRectF(left, area.top(), wide, area.height())
    painting.line(painter, spot, text, font=font, color=color, rtl=rtl, centred=False)


_EVENING_MS = 22 * 3_600_000 + 58 * 60_000
"""A time of day that is as wide as any."""


def _spans(room: QRectF, widths: tuple[float, float, float], *, gaps: float, rtl: bool) -> list[QRectF]:
    """Cut a room into three side by side in reading order; the gap lies before the last."""
    spans, at = [], 0.0
    for number, wide in enumerate(widths):
        at += gaps if number == 2 else 0
        left = room.right() - at - wide if rtl else room.left() + at
        spans.append(QRectF(left, room.top(), max(0.0, wide), room.height()))
        at += wide
    return spans
