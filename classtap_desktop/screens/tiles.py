"""Numbers that matter, each on a tile with its word beneath; and a bar that shows how full something is."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from classtap_desktop.kit import Card, Label, painting, theme
from classtap_desktop.spacing import column, row


class Tile(Card):
    """A figure over its word."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(radius=16, parent=parent)
        inside = column(self, margins=(17, 11, 17, 12), gap=3)
        self.figure = Label("", "figure")
        self.word = Label("", "secondary", token="muted")
        inside.addWidget(self.figure)
        inside.addWidget(self.word)
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.setMinimumWidth(theme().px(92))

    def show_figure(self, figure: str, word: str) -> None:
        """Show a number and what it counts."""
        self.figure.show_text(figure)
        self.word.show_text(word)
        self.setAccessibleName(f"{figure} {word}")


class Tiles(QWidget):
    """A row of tiles at the start of the line."""

    def __init__(self, count: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        inside = row(self, gap=10)
        self.tiles = [Tile(self) for _ in range(count)]
        for tile in self.tiles:
            inside.addWidget(tile)
        inside.addStretch(1)

    def show_figures(self, *figures: tuple[str, str]) -> None:
        """Show one figure and word on each tile."""
        for tile, (figure, word) in zip(self.tiles, figures, strict=True):
            tile.show_figure(figure, word)


class Fill(QWidget):
    """How much of a whole is taken, as a thin bar; the words beside it say the same."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._parts: tuple[tuple[float, str], ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_parts(self, *parts: tuple[float, str]) -> None:
        """Show shares of the whole (0 to 1), each with its colour token, one after the other."""
        self._parts = parts
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(theme().px(60), theme().px(6))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        rtl = self.layoutDirection() == Qt.LayoutDirection.RightToLeft
        draw_fill(painter, QRectF(self.rect()), self._parts, rtl=rtl)
        painter.end()


def draw_fill(painter: QPainter, area: QRectF, parts: tuple[tuple[float, str], ...], *, rtl: bool) -> None:
    """Draw a bar of shares into ``area``, from its start."""
    here = theme()
    radius = area.height() / 2
    outlined = here.tokens["bg"] == "#FFFFFF"
    edge = here.color("line") if outlined else None
    painting.box(painter, area, radius=radius, fill=here.color("bg" if outlined else "line"), edge=edge)
    total = min(1.0, sum(share for share, _ in parts))
    for share, token in reversed(parts):
        wide = max(area.height(), area.width() * total) if total > 0 else 0.0
        if wide:
            left = area.right() - wide if rtl else area.left()
            painting.box(painter, QRectF(left, area.top(), wide, area.height()), radius=radius, fill=here.color(token))
        total -= share
        if total <= 1e-6:
            break
