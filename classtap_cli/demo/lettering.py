"""Words as pictures: Qt shapes and lays out any script, the demo's cards get a mask they can tint."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QImage, QPainter
from PySide6.QtWidgets import QApplication

from classtap_desktop.kit import fonts

Mask = NDArray[np.uint8]
Letters = Callable[[str, int, bool], Mask]
"""Draws `(text, height_px, bold)` as a grey mask of that many rows, 255 where there is ink."""

_held: list[Any] = []


def qt_letters() -> Letters:
    """Letters in the bundled fonts: joined Arabic, Devanagari clusters and right-to-left come out right.

    A Qt application is made when there is none yet, without a display when none can be opened; it is kept, so that a
    window opened later shares it.
    """
    if QApplication.instance() is None:
        if sys.platform.startswith("linux") and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
            os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
        _held.append(QApplication(["classtap"]))
    fonts.load()
    return _drawn


def _drawn(text: str, height_px: int, bold: bool) -> Mask:
    font = QFont(list(fonts.FAMILIES))
    font.setPixelSize(max(4, round(height_px * 0.74)))
    font.setWeight(QFont.Weight.Bold if bold else QFont.Weight.Normal)
    width = max(1, QFontMetrics(font).horizontalAdvance(text) + 4)
    picture = QImage(width, height_px, QImage.Format.Format_Grayscale8)
    picture.fill(QColor(0, 0, 0))
    painter = QPainter(picture)
    painter.setFont(font)
    painter.setPen(QColor(255, 255, 255))
    painter.drawText(picture.rect(), int(Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextSingleLine), text)
    painter.end()
    rows = np.frombuffer(picture.constBits(), dtype=np.uint8).reshape(height_px, picture.bytesPerLine())
    return rows[:, :width].copy()
