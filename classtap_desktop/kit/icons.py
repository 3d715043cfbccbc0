"""Our own icons: 1.8 px strokes on 24, drawn in any colour at any size, mirrored where they point somewhere."""

from __future__ import annotations

from functools import cache, lru_cache

from PySide6.QtCore import QByteArray, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from resources import path

_DIRECTED = frozenset({"chevron_next", "chevron_back", "arrow_back", "exit", "backspace", "roster"})


@cache
def names() -> tuple[str, ...]:
    """Return the names of all icons."""
    return tuple(sorted(file.stem for file in path("icons").glob("*.svg")))


def draw(painter: QPainter, name: str, *, box: QRectF, color: QColor, rtl: bool = False, turn: float = 0.0) -> None:
    """Draw an icon into ``box``; ``turn`` in degrees. Raises ``FileNotFoundError`` for an icon there is not."""
    painter.save()
    painter.translate(box.center())
    if rtl and name in _DIRECTED:
        painter.scale(-1, 1)
    if turn:
        painter.rotate(turn)
    half = QSize(round(box.width()), round(box.height()))
    _renderer(name, color.name()).render(
        painter, QRectF(-half.width() / 2, -half.height() / 2, half.width(), half.height())
    )
    painter.restore()


@lru_cache(maxsize=256)
def pixmap(name: str, *, size: int, color: str, ratio: float = 1.0, rtl: bool = False) -> QPixmap:
    """Return an icon ``size`` pixels square in ``#RRGGBB`` for a screen of the given pixel ratio."""
    image = QPixmap(round(size * ratio), round(size * ratio))
    image.setDevicePixelRatio(ratio)
    image.fill(Qt.GlobalColor.transparent)
    painter = QPainter(image)
    draw(painter, name, box=QRectF(0, 0, size, size), color=QColor(color), rtl=rtl)
    painter.end()
    return image


def icon(name: str, *, color: str, size: int = 20, rtl: bool = False) -> QIcon:
    """Return a ``QIcon`` for Qt's own menus, buttons and views."""
    made = QIcon()
    for ratio in (1.0, 2.0):
        made.addPixmap(pixmap(name, size=size, color=color, ratio=ratio, rtl=rtl))
    return made


@lru_cache(maxsize=256)
def _renderer(name: str, color: str) -> QSvgRenderer:
    drawing = path("icons", f"{name}.svg").read_text(encoding="utf-8").replace("currentColor", color)
    return QSvgRenderer(QByteArray(drawing.encode()))
