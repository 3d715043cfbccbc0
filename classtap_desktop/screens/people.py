"""People as lines of a list: initials on a disc, the name, a second line in grey."""

from __future__ import annotations

from PySide6.QtCore import QAbstractItemModel, QModelIndex, QPersistentModelIndex, QRectF, QSize, Qt
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QAbstractItemView, QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem

from classtap_desktop.kit import initials, painting, theme
from classtap_desktop.spacing import grown

Index = QModelIndex | QPersistentModelIndex
DETAIL = Qt.ItemDataRole.UserRole + 1
COLOUR = Qt.ItemDataRole.UserRole + 2
_TONES = ("accent", "info", "late", "absent", "present", "warn")


def colour_of(id: str) -> int:
    """Return the number that picks a person's colour, the same everywhere."""
    return int(id[-6:], 16) if id else 0


def lines_list(model: QAbstractItemModel) -> QListView:
    """Return a list that shows a model's lines as `PersonDelegate` draws them."""
    made = QListView()
    made.setProperty("plain", "true")
    made.setModel(model)
    made.setItemDelegate(PersonDelegate(made))
    made.setUniformItemSizes(True)
    made.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    made.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
    made.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    return made


def line_ground(painter: QPainter, option: QStyleOptionViewItem) -> tuple[QRectF, bool]:
    """Draw the ground of a list's line, chosen or under the pointer; where the line is, and whether it is chosen."""
    here = theme()
    area = QRectF(option.rect).adjusted(here.px(2), here.px(1), -here.px(2), -here.px(1))
    chosen = bool(option.state & QStyle.StateFlag.State_Selected)
    if chosen:
        painting.box(painter, area, radius=here.px(10), fill=here.color("accent_soft"))
    elif option.state & QStyle.StateFlag.State_MouseOver:
        painting.box(painter, area, radius=here.px(10), fill=here.color("raised"))
    return area, chosen


class PersonDelegate(QStyledItemDelegate):
    """Draws DisplayRole, DETAIL and COLOUR (a number; without one there is no disc)."""

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(0, max(grown(54), theme().metrics("text").height() + theme().metrics("secondary").height() + 14))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        here = theme()
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area, chosen = line_ground(painter, option)
        rtl = option.direction == Qt.LayoutDirection.RightToLeft
        room = area.adjusted(here.px(10), 0, -here.px(10), 0)
        name = str(index.data(Qt.ItemDataRole.DisplayRole) or "")
        colour = index.data(COLOUR)
        if colour is not None:
            room = self._disc(painter, room, name, int(colour), rtl)
        detail = str(index.data(DETAIL) or "")
        font = here.font("strong" if chosen else "text")
        first, second = room, room
        if detail:
            tall, small = here.metrics("text").height(), here.metrics("secondary").height()
            top = room.center().y() - (tall + small) / 2
            first = QRectF(room.left(), top, room.width(), tall)
            second = QRectF(room.left(), top + tall, room.width(), small)
            painting.line(
                painter, second, detail, font=here.font("secondary"), color=here.color("muted"), rtl=rtl, centred=False
            )
        painting.line(painter, first, name, font=font, color=here.color("ink"), rtl=rtl, centred=False)
        painter.restore()

    def _disc(self, painter: QPainter, room: QRectF, name: str, colour: int, rtl: bool) -> QRectF:
        here = theme()
        side = grown(34)
        left = room.right() - side if rtl else room.left()
        disc = QRectF(left, room.center().y() - side / 2, side, side)
        tone = _TONES[colour % len(_TONES)]
        painting.box(painter, disc, radius=side / 2, fill=here.color(f"{tone}_soft"))
        font = here.font("label")
        font.setPixelSize(round(side * 0.38))
        painting.line(painter, disc, initials(name), font=font, color=here.color(tone))
        taken = side + here.px(12)
        return room.adjusted(0 if rtl else taken, 0, -taken if rtl else 0, 0)
