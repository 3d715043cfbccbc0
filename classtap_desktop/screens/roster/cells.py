"""How a line of the roster is drawn: the name with its chip, the state pill, figures under each other."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem, QTableView

from classtap_desktop.kit import painting, theme
from classtap_desktop.kit.states import FACES
from classtap_desktop.screens.roster.model import BREAK, COLUMNS, LINE, Index, RosterModel
from classtap_desktop.screens.roster.reading import RosterLine
from classtap_desktop.spacing import grown


class RosterCells(QStyledItemDelegate):
    """Draws every column of a `RosterModel`."""

    def __init__(self, model: RosterModel, parent: QTableView) -> None:
        super().__init__(parent)
        self._model = model

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        here = theme()
        line: RosterLine = index.data(LINE)
        tall = here.metrics("text").height() + here.px(26)
        if self._model.badge(line):
            tall = here.metrics("text").height() + here.metrics("label").height() + here.px(24)
        two = here.metrics("cell").height() + here.metrics("secondary").height() + here.px(10)
        return QSize(self.width_of(index), max(tall, two, grown(48)))

    def width_of(self, index: Index) -> int:
        """Return the width a cell's words ask for, in pixels."""
        here = theme()
        words = str(index.data(Qt.ItemDataRole.DisplayRole) or "")
        column = COLUMNS[index.column()]
        if column == "state":
            return self.widest_state()
        if column == "child":
            badge = self._model.badge(index.data(LINE))
            wide = max(
                painting.line_width(words, here.font("strong")),
                painting.line_width(badge, here.font("label"), icon=grown(15), gap=here.px(6)) if badge else 0,
            )
        else:
            wide = max(painting.line_width(line, here.font("cell")) for line in words.split(BREAK))
        return round(wide) + here.px(28)

    def widest_state(self) -> int:
        """Return the width of the state whose words are longest, so that the column never moves."""
        here = theme()
        words = (self._model.words.say(f"desk.state.{state}") for state in FACES)
        wide = max(painting.line_width(word, here.font("label"), icon=grown(15), gap=grown(6)) for word in words)
        return round(wide) + here.px(50)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        here = theme()
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = QRectF(option.rect)
        chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        if chosen:
            painter.fillRect(area, here.color("accent_soft"))
        painter.fillRect(QRectF(area.left(), area.bottom() - 1, area.width(), 1), here.color("line"))
        rtl = option.direction == Qt.LayoutDirection.RightToLeft
        room = area.adjusted(here.px(13), 0, -here.px(13), -1)
        line: RosterLine = index.data(LINE)
        column = COLUMNS[index.column()]
        words = str(index.data(Qt.ItemDataRole.DisplayRole) or "")
        if column == "child":
            self._child(painter, room, line, chosen=chosen, rtl=rtl)
        elif column == "state":
            self._state(painter, room, line.state, words, rtl=rtl)
        else:
            warns = column == "note" and (line.tie or not line.booked)
            self._two(painter, room, words.split(BREAK), token="warn" if warns else "ink", rtl=rtl)
        view = self.parent()
        if chosen and isinstance(view, QTableView) and view.hasFocus():
            edge = area.right() - here.px(3) if rtl else area.left()
            if index.column() == 0:
                painter.fillRect(QRectF(edge, area.top(), here.px(3), area.height() - 1), here.color("accent"))
        painter.restore()

    def _child(self, painter: QPainter, room: QRectF, line: RosterLine, *, chosen: bool, rtl: bool) -> None:
        here = theme()
        badge = self._model.badge(line)
        name = room
        if badge:
            tall, small = here.metrics("text").height(), here.metrics("label").height()
            top = room.center().y() - (tall + small + here.px(4)) / 2
            name = QRectF(room.left(), top, room.width(), tall)
            chip = QRectF(room.left(), top + tall + here.px(4), room.width(), small)
            painting.line(
                painter, chip, badge, font=here.font("label"), color=here.color("warn"), icon="warn",
                icon_size=grown(15), gap=here.px(6), rtl=rtl, centred=False,
            )  # fmt: skip
        font = here.font("strong" if chosen else "text")
        words = self._model.cell(line, "child")
        painting.line(painter, name, words, font=font, color=here.color("ink"), rtl=rtl, centred=False)

    def _two(self, painter: QPainter, room: QRectF, lines: list[str], *, token: str, rtl: bool) -> None:
        """Draw a line, and a smaller one beneath it where there are two."""
        here = theme()
        first, second = lines[0], " · ".join(lines[1:])
        tall, small = here.metrics("cell").height(), here.metrics("secondary").height()
        top = room.center().y() - (tall + (small if second else 0)) / 2
        upper = QRectF(room.left(), top, room.width(), tall)
        lower = QRectF(room.left(), top + tall, room.width(), small)
        painting.line(painter, upper, first, font=here.font("cell"), color=here.color(token), rtl=rtl, centred=False)
        if second:
            grey = here.color("warn" if token == "warn" else "muted")
            painting.line(painter, lower, second, font=here.font("secondary"), color=grey, rtl=rtl, centred=False)

    def _state(self, painter: QPainter, room: QRectF, state: str, words: str, *, rtl: bool) -> None:
        here = theme()
        face = FACES[state]
        plain = state == "none"
        icon = grown(15) if face.icon else 0
        wide = painting.line_width(words, here.font("label"), icon=icon, gap=here.px(6)) + here.px(24)
        tall = max(here.px(28), here.metrics("label").height() + here.px(8))
        left = room.right() - wide if rtl else room.left()
        pill = QRectF(left, room.center().y() - tall / 2, min(wide, room.width()), tall)
        painting.box(
            painter, pill, radius=tall / 2, fill=here.color("raised" if plain else face.soft),
            edge=here.color("line") if plain or here.tokens["bg"] == "#FFFFFF" else None,
        )  # fmt: skip
        painting.line(
            painter, pill.adjusted(here.px(12), 0, -here.px(12), 0), words, font=here.font("label"),
            color=here.color(face.token), icon=face.icon, icon_size=icon, gap=here.px(6), rtl=rtl,
        )  # fmt: skip
