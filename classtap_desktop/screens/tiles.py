"""Numbers that matter, each on a tile with its word beneath; and a bar that shows how full something is."""

from __future__ import annotations

from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter
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
