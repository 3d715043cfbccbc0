"""Keys as they stand on the keyboard in front of a person."""

from __future__ import annotations

import re

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QKeySequence, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from classtap_desktop.kit import painting, theme


def shown(keys: str) -> str:
    """Return keys of Qt's portable notation as this system writes them, such as ``Ctrl K``."""
    return re.sub(r"\+(?=.)", " ", QKeySequence.fromString(keys).toString(QKeySequence.SequenceFormat.NativeText))


class KeyCap(QWidget):
    """One combination of keys in a small frame."""

    def __init__(self, keys: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._text = shown(keys)
        self.setAccessibleName(self._text)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        theme().changed.connect(self.updateGeometry)

    def sizeHint(self) -> QSize:
        here = theme()
        words = painting.line_width(self._text, here.font("secondary"))
        tall = here.metrics("secondary").height() + here.px(5)
        return QSize(max(tall, round(words) + here.px(15)), tall)

    def paintEvent(self, event: QPaintEvent) -> None:
        here = theme()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = QRectF(self.rect())
        painting.box(painter, area, radius=here.px(5), fill=here.color("surface"), edge=here.color("line"))
        painting.line(painter, area, self._text, font=here.font("secondary"), color=here.color("muted"))
        painter.end()
