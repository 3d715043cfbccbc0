"""A PDF painted by Qt in millimetres, without a display, in the bundled fonts (any script, either direction)."""

import locale
import os
from typing import Any, Self

from PySide6.QtCore import QBuffer, QMarginsF, QRectF, QSizeF, Qt
from PySide6.QtGui import QColor, QFont, QGuiApplication, QPageLayout, QPageSize, QPainter, QPdfWriter

from classtap_desktop.kit import fonts

_held: list[Any] = []


def qt() -> None:
    """Make sure that there is a Qt application; without one yet, one that needs no display."""
    if QGuiApplication.instance() is None:
        os.environ["QT_QPA_PLATFORM"] = "offscreen"
        spoken = os.environ.get("LC_ALL")
        if locale.setlocale(locale.LC_CTYPE) in ("C", "POSIX"):
            os.environ["LC_ALL"] = "C.UTF-8"  # Qt complains on stderr of a locale that is not installed or not UTF-8
        _held.append(QGuiApplication(["classtap"]))
        if spoken is None:
            os.environ.pop("LC_ALL", None)
        else:
            os.environ["LC_ALL"] = spoken
    fonts.load()


class Paper:
    """A document: a painter whose unit is the millimetre. A context; afterwards `data` holds the file.

    `rtl`: its lines begin at the right, whatever script a name in them is written in.
    """

    def __init__(self, *, title: str, size_mm: tuple[float, float], rtl: bool = False) -> None:
        qt()
        self.data = b""
        self.size_mm, self.rtl = size_mm, rtl
        self._buffer = QBuffer()
        self._buffer.open(QBuffer.OpenModeFlag.WriteOnly)
        self._writer = QPdfWriter(self._buffer)
        self._writer.setTitle(title)
        self._writer.setCreator("ClassTap")
        page = QPageSize(QSizeF(*size_mm), QPageSize.Unit.Millimeter)
        self._writer.setPageLayout(QPageLayout(page, QPageLayout.Orientation.Portrait, QMarginsF(0, 0, 0, 0)))
        self._writer.setResolution(1200)
        self.painter = QPainter()

    def __enter__(self) -> Self:
        self.painter.begin(self._writer)
        dots = 1200 / 25.4
        self.painter.scale(dots, dots)
        return self

    def __exit__(self, *exc: object) -> None:
        self.painter.end()
        self.data = bytes(self._buffer.data().data())
        self._buffer.close()

    def next_page(self) -> None:
        self._writer.newPage()

    def words(
        self, room: QRectF, text: str, *, size_mm: float, bold: bool = False, colour: str = "#111111",
        bottom: bool = False, wrap: bool = True,
    ) -> None:  # fmt: skip
        """Write into a rectangle (mm), from the side where lines begin; cut off at its edge."""
        font = QFont(list(fonts.FAMILIES))
        # Fonts come in whole pixels: they are set a hundred times larger and the painter drawn together.
        font.setPixelSize(max(1, round(size_mm * 100)))
        font.setWeight(QFont.Weight.DemiBold if bold else QFont.Weight.Normal)
        painter = self.painter
        painter.save()
        painter.setClipRect(room)
        painter.translate(room.topLeft())
        painter.scale(0.01, 0.01)
        painter.setFont(font)
        painter.setPen(QColor(colour))
        flags = Qt.AlignmentFlag.AlignBottom if bottom else Qt.AlignmentFlag.AlignTop
        wrapping = Qt.TextFlag.TextWordWrap if wrap else Qt.TextFlag.TextSingleLine
        side = Qt.AlignmentFlag.AlignRight if self.rtl else Qt.AlignmentFlag.AlignLeft
        area = QRectF(0, 0, room.width() * 100, room.height() * 100)
        painter.drawText(area, int(flags | side | Qt.AlignmentFlag.AlignAbsolute) | int(wrapping), text)
        painter.restore()
