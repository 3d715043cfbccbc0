"""The top bar: where to search, whether the cloud is there and what waits, and who is signed in."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QWidget

from classtap_desktop.frame.keycaps import KeyCap
from classtap_desktop.kit import Avatar, Label, QueueBadge, icons, painting, theme
from classtap_desktop.kit.focus import DrawnButton
from classtap_desktop.spacing import grown, row


class SearchField(DrawnButton, QAbstractButton):
    """Looks like a field and opens the palette. Signals: ``clicked``."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        inside = row(self, margins=(0, 0, 12, 0))
        inside.addStretch(1)
        self.key = KeyCap("Ctrl+K", self)
        inside.addWidget(self.key)
        theme().changed.connect(self._dress)
        self._dress()

    def _dress(self) -> None:
        words = theme().words.say("desk.search.hint")
        self.setText(words)
        self.setAccessibleName(words)
        self.setMaximumWidth(grown(384))
        self.updateGeometry()

    def sizeHint(self) -> QSize:
        here = theme()
        return QSize(grown(384), max(here.px(38), here.metrics("text").height() + here.px(16)))

    def minimumSizeHint(self) -> QSize:
        return QSize(grown(120), self.sizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        here = theme()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = QRectF(self.rect())
        bright = here.tokens["bg"] == "#FFFFFF"
        painting.box(
            painter,
            area,
            radius=here.px(10),
            fill=here.color("bg"),
            edge=here.color("control_line") if bright else None,
        )
        self.paint_ring(painter, area, radius=here.px(10))
        taken = self.key.width() + here.px(24)
        rtl = self.layoutDirection() == Qt.LayoutDirection.RightToLeft
        room = area.adjusted(taken if rtl else here.px(14), 0, -here.px(14) if rtl else -taken, 0)
        painting.line(
            painter, room, self.text(), font=here.font("text"), color=here.color("muted"), icon="search",
            icon_size=grown(18), gap=here.px(10), rtl=rtl, centred=False,
        )  # fmt: skip
        painter.end()


class StaffChip(DrawnButton, QAbstractButton):
    """Who is signed in; pressed, it opens their menu. Signals: ``clicked``."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self._inside = inside = row(self, margins=(4, 4, 8, 4), gap=8)
        self.face = Avatar("", size=30, parent=self)
        self.name = Label("", "strong")
        for widget in (self.face, self.name):
            widget.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
            inside.addWidget(widget)
        inside.addSpacing(grown(22))
        theme().changed.connect(self.updateGeometry)

    def show_staff(self, name: str, colour: int) -> None:
        """Show a person's name; ``colour`` goes with them."""
        self.face.show_person(name, colour)
        self.name.show_text(name)
        self.setAccessibleName(theme().words.say("desk.staff.signed_in", name=name))
        self.setVisible(bool(name))
        self.updateGeometry()

    def sizeHint(self) -> QSize:
        hint = self._inside.sizeHint()
        return QSize(hint.width(), max(theme().px(40), hint.height()))

    def paintEvent(self, event: QPaintEvent) -> None:
        here = theme()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = QRectF(self.rect())
        if self.underMouse() or self.isDown():
            painting.box(painter, area, radius=here.px(12), fill=here.color("raised"))
        self.paint_ring(painter, area, radius=here.px(12))
        side = grown(16)
        rtl = self.layoutDirection() == Qt.LayoutDirection.RightToLeft
        left = area.left() + here.px(6) if rtl else area.right() - here.px(6) - side
        place = QRectF(left, area.center().y() - side / 2, side, side)
        icons.draw(painter, "chevron_down", box=place, color=here.color("muted"))
        painter.end()


class TopBar(QWidget):
    """Signals: ``search`` and ``staff`` when pressed, ``queue`` when the badge is."""

    search = Signal()
    staff = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        inside = row(self, margins=(26, 12, 20, 12), gap=16)
        self.field = SearchField(self)
        self.badge = QueueBadge()
        self.chip = StaffChip(self)
        inside.addWidget(self.field, 100)
        inside.addStretch(1)
        inside.addWidget(self.badge)
        inside.addWidget(self.chip)
        self.field.clicked.connect(lambda _=False: self.search.emit())
        self.chip.clicked.connect(lambda _=False: self.staff.emit())
        theme().changed.connect(self.update)

    def paintEvent(self, event: QPaintEvent) -> None:
        here = theme()
        painter = QPainter(self)
        painter.fillRect(self.rect(), here.color("surface"))
        painter.fillRect(0, self.height() - 1, self.width(), 1, here.color("line"))
        painter.end()
