"""The side bar: the studio's name and the screens there are; their icons alone where words would leave screens no room."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QWidget

from classtap_desktop.kit import Label, initials, painting, theme
from classtap_desktop.kit.focus import DrawnButton
from classtap_desktop.spacing import column, grown, row

ROOM = 4
"""A bar with words is shown in a window at least so many times as wide."""


class Place(DrawnButton, QAbstractButton):
    """One screen's name in the side bar; ``folded``: its icon alone. Signals: ``clicked``."""

    def __init__(self, icon: str, parent: QWidget) -> None:
        super().__init__(parent)
        self._icon = icon
        self.folded = False
        self.setCheckable(True)
        self.setAutoExclusive(False)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_text(self, text: str) -> None:
        """Show the screen's name."""
        self.setText(text)
        self.setAccessibleName(text)
        self.updateGeometry()

    def fold(self, folded: bool) -> None:
        """Show the icon alone, with the name as a tip, or both."""
        self.folded = folded
        self.setToolTip(self.text() if folded else "")
        self.updateGeometry()
        self.update()

    def nextCheckState(self) -> None:
        """Keep the check: which screen is shown is the window's to say."""

    def sizeHint(self) -> QSize:
        if self.folded:
            return QSize(grown(20) + theme().px(24), self._height())
        return self.whole_size()

    def _height(self) -> int:
        here = theme()
        return max(here.px(41), here.metrics("text").height() + here.px(20))

    def whole_size(self) -> QSize:
        """The size with icon and name."""
        here = theme()
        words = painting.line_width(self.text(), here.font("strong"), icon=grown(20), gap=here.px(12))
        return QSize(round(words) + here.px(26), self._height())

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        here = theme()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = QRectF(self.rect())
        if self.isChecked():
            painting.box(painter, area, radius=here.px(10), fill=here.color("accent_soft"))
        elif self.underMouse():
            painting.box(painter, area, radius=here.px(10), fill=here.color("raised"))
        self.paint_ring(painter, area, radius=here.px(10))
        painting.line(
            painter, area.adjusted(here.px(12), 0, -here.px(12), 0), "" if self.folded else self.text(),
            font=here.font("strong" if self.isChecked() else "text"),
            color=here.color("accent" if self.isChecked() else "muted"), icon=self._icon, icon_size=grown(20),
            gap=0 if self.folded else here.px(12), rtl=self.layoutDirection() == Qt.LayoutDirection.RightToLeft,
            centred=self.folded,
        )  # fmt: skip
        painter.end()


class Brand(QWidget):
    """The studio's initial on a tile in its colour."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._letter = ""
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        theme().changed.connect(self.update)

    def show_name(self, name: str) -> None:
        """Take the first letter of a studio's name."""
        self._letter = initials(name.split(" ")[0] if name else "")
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(theme().px(32), theme().px(32))

    def paintEvent(self, event: QPaintEvent) -> None:
        here = theme()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = QRectF(self.rect())
        painting.box(painter, area, radius=here.px(9), fill=here.color("accent"))
        font = here.font("strong")
        font.setPixelSize(here.px(15))
        painting.line(painter, area, self._letter, font=font, color=here.color("on_accent"))
        painter.end()


class SideBar(QWidget):
    """Attributes: ``folded``. Signals: ``chosen(screen)`` when a person picks one."""

    chosen = Signal(str)

    def __init__(self, above: tuple[tuple[str, str], ...], below: tuple[tuple[str, str], ...], parent: QWidget) -> None:
        """``above`` and ``below`` name the screens and their icons, at the top and at the bottom."""
        super().__init__(parent)
        self.setProperty("ground", "surface")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        whole = column(self, margins=(12, 18, 12, 18), gap=4)
        self.folded = False
        self._room = 0
        head = self._head = row(margins=(10, 0, 0, 0), gap=12)
        self.brand = Brand(self)
        self.studio = Label("", "strong", elide=True)
        head.addWidget(self.brand)
        head.addWidget(self.studio, 1)
        whole.addLayout(head)
        whole.addSpacing(theme().px(16))
        self.places: dict[str, Place] = {}
        for group in (above, below):
            for screen, icon in group:
                place = Place(icon, self)
                place.clicked.connect(lambda _=False, screen=screen: self.chosen.emit(screen))
                self.places[screen] = place
                whole.addWidget(place)
            if group is above:
                whole.addStretch(1)
        theme().changed.connect(self._dress)
        self._dress()

    def show_studio(self, name: str) -> None:
        """Show the studio's name."""
        self.studio.show_text(name)
        self.brand.show_name(name)

    def show_screen(self, screen: str) -> None:
        """Mark the screen that is shown."""
        for name, place in self.places.items():
            place.setChecked(name == screen)
            place.update()

    def _dress(self) -> None:
        for screen, place in self.places.items():
            place.show_text(theme().words.say(f"desk.screen.{screen}"))
        self._fit()

    def fit(self, room: int) -> None:
        """Fold or unfold for a window of some width (px)."""
        self._room = room
        self._fit()

    def _fit(self) -> None:
        widest = max((place.whole_size().width() for place in self.places.values()), default=0)
        whole = max(theme().px(208), widest + theme().px(24))
        self.folded = 0 < self._room < ROOM * whole
        for place in self.places.values():
            place.fold(self.folded)
        self.studio.setVisible(not self.folded)
        alone = max((place.sizeHint().width() for place in self.places.values()), default=0) + theme().px(24)
        self._head.setContentsMargins(0 if self.folded else theme().px(10), 0, 0, 0)
        self.setFixedWidth(alone if self.folded else whole)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        order = list(self.places.values())
        at = next((n for n, place in enumerate(order) if place.hasFocus()), None)
        if at is not None and event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            step = 1 if event.key() == Qt.Key.Key_Down else -1
            order[(at + step) % len(order)].setFocus(Qt.FocusReason.TabFocusReason)
            return
        super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        here = theme()
        painter = QPainter(self)
        painter.fillRect(self.rect(), here.color("surface"))
        edge = 0 if self.layoutDirection() == Qt.LayoutDirection.RightToLeft else self.width() - 1
        painter.fillRect(edge, 0, 1, self.height(), here.color("line"))
        painter.end()
