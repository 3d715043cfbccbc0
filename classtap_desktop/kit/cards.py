"""The grounds things stand on: a card, a line between rows, and what an empty screen says."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from classtap_desktop.kit import icons, painting
from classtap_desktop.kit.buttons import Button
from classtap_desktop.kit.labels import Label
from classtap_desktop.kit.theme import theme


class Card(QWidget):
    """A rounded surface with an edge and, in light looks, the faintest shadow. Put a layout into it as into any widget."""

    def __init__(
        self, *, radius: int = 22, token: str = "surface", edge: str = "line", parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._radius = radius
        self._token = token
        self._edge = edge
        theme().changed.connect(self.update)

    def paintEvent(self, event: QPaintEvent) -> None:
        here = theme()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -1.5)
        if not here.dark:
            for drop, strength in ((1.5, 10), (0.75, 8)):
                shade = QColor(here.tokens["shadow"])
                shade.setAlpha(strength)
                painting.box(painter, area.translated(0, drop), radius=here.px(self._radius), fill=shade)
        painting.box(
            painter, area, radius=here.px(self._radius), fill=here.color(self._token), edge=here.color(self._edge)
        )
        painter.end()


class Rule(QWidget):
    """A hairline between rows."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFixedHeight(1)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme().changed.connect(self.update)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), theme().color("line"))
        painter.end()


class IconDisc(QWidget):
    """An icon on a pale disc: the head of an empty, refused or troubled screen."""

    def __init__(self, icon: str, tone: str = "accent", *, size: int = 96, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._icon, self._tone, self._size = icon, tone, size
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        theme().changed.connect(self.updateGeometry)

    def show_icon(self, icon: str, tone: str = "accent") -> None:
        """Show another icon in another tone."""
        self._icon, self._tone = icon, tone
        self.update()

    def sizeHint(self) -> QSize:
        side = theme().px(self._size)
        return QSize(side, side)

    def paintEvent(self, event: QPaintEvent) -> None:
        here = theme()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = QRectF(self.rect())
        painting.box(painter, area, radius=area.height() / 2, fill=here.color(f"{self._tone}_soft"))
        side = area.height() * 0.5
        place = QRectF(area.center().x() - side / 2, area.center().y() - side / 2, side, side)
        rtl = self.layoutDirection() == Qt.LayoutDirection.RightToLeft
        icons.draw(painter, self._icon, box=place, color=here.color(self._tone), rtl=rtl)
        painter.end()


class EmptyState(QWidget):
    """What will be here, and the first step. Signals: ``acted`` when its button is pressed."""

    acted = Signal()

    def __init__(
        self,
        icon: str,
        title: str,
        text: str,
        *,
        action: str | None = None,
        kiosk: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        column = QVBoxLayout(self)
        column.setSpacing(theme().px(12))
        middle = Qt.AlignmentFlag.AlignHCenter
        self.disc = IconDisc(icon, size=96 if kiosk else 64)
        self.title = Label(title, "headline" if kiosk else "heading", wrap=True)
        self.text = Label(text, "hint" if kiosk else "text", token="muted", wrap=True)
        column.addStretch(1)
        column.addWidget(self.disc, 0, middle)
        for label in (self.title, self.text):
            label.setAlignment(Qt.AlignmentFlag.AlignCenter)
            column.addWidget(label)
        if action:
            self.button = Button(action, size="kiosk" if kiosk else "desk")
            self.button.clicked.connect(lambda _=False: self.acted.emit())
            column.addWidget(self.button, 0, middle)
        column.addStretch(1)
