"""What can be put into the room: dragged onto the board, or pressed and then placed with pointer or arrow keys."""

from __future__ import annotations

from PySide6.QtCore import QMimeData, QPoint, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QDrag, QMouseEvent, QPainter, QPaintEvent, QPen, QPixmap
from PySide6.QtWidgets import QAbstractButton, QApplication, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from classtap_core.seating.model import EquipmentType, Outline
from classtap_desktop.canvas import placing
from classtap_desktop.canvas.document import Document
from classtap_desktop.canvas.table import type_words
from classtap_desktop.kit import Label, painting, theme
from classtap_desktop.kit.focus import DrawnButton
from classtap_desktop.spacing import column, grown

MIME = "application/x-classtap-thing"
PICTURE, TAKEN = 26, 18
"""A thing's picture and what is left around it, in pixels at 100 %."""


class ShelfButton(DrawnButton, QAbstractButton):
    """One thing: its picture and its name. Signals: ``clicked``."""

    def __init__(self, code: str, name: str, type: EquipmentType | None) -> None:
        super().__init__()
        self.code, self.type = code, type
        self._from: QPoint | None = None
        self.setText(name)
        self.setAccessibleName(name)
        self.setAccessibleDescription(theme().words.say("map.shelf.hint"))
        self.setToolTip(theme().words.say("map.shelf.hint"))
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        return QSize(grown(120), max(grown(38), theme().metrics("text").height() + 14))

    def minimumSizeHint(self) -> QSize:
        return QSize(grown(90), self.sizeHint().height())

    def needed(self) -> int:
        """How wide it must be for its name to be read whole."""
        return grown(PICTURE) + theme().px(TAKEN + 8) + theme().metrics("text").horizontalAdvance(self.text())

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._from = event.position().toPoint()
        super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._from is not None and event.buttons() & Qt.MouseButton.LeftButton:
            away = (event.position().toPoint() - self._from).manhattanLength()
            if away >= QApplication.startDragDistance():
                self._from = None
                self.setDown(False)
                drag = QDrag(self)
                data = QMimeData()
                data.setData(MIME, self.code.encode())
                drag.setMimeData(data)
                empty = QPixmap(1, 1)
                empty.fill(Qt.GlobalColor.transparent)
                drag.setPixmap(empty)  # the board shows the thing itself, to scale
                drag.exec(Qt.DropAction.CopyAction)
                return
        super().mouseMoveEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        here = theme()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = QRectF(self.rect())
        if self.isDown() or self.underMouse():
            painting.box(painter, area, radius=here.px(9), fill=here.color("raised"))
        self.paint_ring(painter, area, radius=here.px(9))
        rtl = self.layoutDirection() == Qt.LayoutDirection.RightToLeft
        side = grown(PICTURE)
        left = area.right() - here.px(8) - side if rtl else area.left() + here.px(8)
        self._picture(painter, QRectF(left, area.center().y() - side / 2, side, side))
        taken = side + here.px(TAKEN)
        room = area.adjusted(here.px(6) if rtl else taken, 0, -taken if rtl else -here.px(6), 0)
        painting.line(
            painter, room, self.text(), font=here.font("text"), color=here.color("ink"), rtl=rtl, centred=False
        )
        painter.end()

    def _picture(self, painter: QPainter, area: QRectF) -> None:
        """The thing's outline, in its own proportions and colours."""
        here = theme()
        if self.type is not None:
            wide, long = self.type.width_um, self.type.length_um
            scale = area.height() / max(wide, long)
            shape = QRectF(0, 0, max(5.0, wide * scale), max(5.0, long * scale))
            shape.moveCenter(area.center())
            painter.setPen(QPen(here.color("accent"), 1.4))
            painter.setBrush(here.color("accent_soft"))
            if self.type.outline is Outline.ROUND:
                painter.drawEllipse(shape)
            else:
                painter.drawRoundedRect(shape, 2.5, 2.5)
            return
        fills = {
            "aisle": ("late_soft", "late"), "mirror": ("info", "info"), "door": ("info_soft", "info"),
            "wall": ("ink", "ink"), "path": ("info_soft", "info"),
        }  # fmt: skip
        fill, edge = fills.get(self.code, ("line", "muted"))
        painter.setPen(QPen(here.color(edge), 1.6))
        painter.setBrush(here.color(fill))
        thin = area.adjusted(0, area.height() * 0.4, 0, -area.height() * 0.4)
        if self.code in ("mirror", "wall"):
            painter.drawRect(thin)
        elif self.code == "round":
            painter.drawEllipse(area.adjusted(4, 4, -4, -4))
        elif self.code == "door":
            painter.drawPie(area.adjusted(2, 2, area.width() - 4, area.height() - 4), 90 * 16, 90 * 16)
        elif self.code == "aisle":
            painter.drawRect(area.adjusted(area.width() * 0.3, 0, -area.width() * 0.3, 0))
        elif self.code == "path":
            painter.setPen(QPen(here.color("info"), 2, Qt.PenStyle.DashLine))
            painter.drawPolyline([area.bottomLeft(), QPointF(area.center().x(), area.center().y()), area.topRight()])
        elif self.code == "text":
            painting.line(painter, area, "T", font=here.font("heading"), color=here.color("ink"))
        elif self.code == "drawing":
            painter.setBrush(QColor(0, 0, 0, 0))
            painter.setPen(QPen(here.color("muted"), 1.4, Qt.PenStyle.DashLine))
            painter.drawRect(area.adjusted(2, 2, -2, -2))
        else:
            painter.drawRect(area.adjusted(3, 3, -3, -3) if self.code == "obstruction" else area.adjusted(0, 6, 0, -6))


class Shelf(QWidget):
    """Attributes: ``buttons`` by code. Signals: ``taken(code)`` when a thing was pressed."""

    taken = Signal(str)

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self.buttons: dict[str, ShelfButton] = {}
        whole = column(self)
        self.area = QScrollArea()
        self.area.setWidgetResizable(True)
        self.area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        whole.addWidget(self.area)
        self._types: object = None
        document.changed.connect(lambda _before, _after: self._fill())
        theme().changed.connect(self._dress)
        self._fill(anew=True)

    def needed(self) -> int:
        """How wide the shelf must be for every name to be read whole, the scroll bar beside it."""
        widest = max((button.needed() for button in self.buttons.values()), default=0)
        return widest + 2 * theme().px(10) + self.area.verticalScrollBar().sizeHint().width()

    def _dress(self) -> None:
        self._fill(anew=True)

    def _fill(self, *, anew: bool = False) -> None:
        if not anew and self._document.seat_map.types is self._types:
            return
        self._types = self._document.seat_map.types
        words = theme().words
        self.buttons = {}
        inside = QWidget()
        listed = column(inside, margins=(10, 12, 10, 12), gap=2)
        self._head(listed, words.say("map.shelf.equipment"))
        for type in placing.equipment(self._document.seat_map):
            self._add(listed, f"type:{type.id}", type_words(type), type)
        listed.addSpacing(theme().px(10))
        self._head(listed, words.say("map.shelf.room"))
        for code in placing.ROOM_THINGS:
            self._add(listed, code, words.say(f"map.kind.{code}"), None)
        listed.addStretch(1)
        self.area.setWidget(inside)
        self.area.setAccessibleName(words.say("map.shelf.equipment"))

    def _head(self, listed: QVBoxLayout, text: str) -> None:
        label = Label(text, "label", token="muted")
        label.setContentsMargins(theme().px(8), theme().px(4), 0, theme().px(4))
        listed.addWidget(label)

    def _add(self, listed: QVBoxLayout, code: str, name: str, type: EquipmentType | None) -> None:
        button = ShelfButton(code, name, type)
        button.clicked.connect(lambda _=False: self.taken.emit(code))
        self.buttons[code] = button
        listed.addWidget(button)
