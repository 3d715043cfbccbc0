"""Pictures of people: brought to a small size without what a camera wrote into them, and drawn round."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QRectF, QSize, Qt
from PySide6.QtGui import QImage, QImageReader, QImageWriter, QPainter, QPainterPath

from classtap_core.kernel.errors import BadInput

LONGEST = 640
"""Pixels of the longer side of a picture that is kept: enough for a face on any screen of ours."""
LARGEST_FILE = 40 << 20
MEDIA = "image/jpeg"


def prepared(file: Path) -> bytes:
    """Return a picture file as a small JPEG, upright and without place or time. Raises BadInput `photo.unreadable`."""
    if not file.is_file() or file.stat().st_size > LARGEST_FILE:
        raise BadInput("photo.unreadable")
    reader = QImageReader(str(file))
    reader.setAutoTransform(True)
    size = reader.size()
    if size.isValid() and max(size.width(), size.height()) > LONGEST:
        reader.setScaledSize(size.scaled(QSize(LONGEST, LONGEST), Qt.AspectRatioMode.KeepAspectRatio))
    image = reader.read()
    if image.isNull():
        raise BadInput("photo.unreadable")
    # Drawn anew: what the file said beside its pixels stays behind.
    plain = QImage(image.size(), QImage.Format.Format_RGB32)
    plain.fill(Qt.GlobalColor.white)
    painter = QPainter(plain)
    painter.drawImage(0, 0, image)
    painter.end()
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    writer = QImageWriter(buffer, QByteArray(b"jpeg"))
    writer.setQuality(85)
    writer.write(plain)
    return bytes(buffer.data().data())


def read(data: bytes | None) -> QImage | None:
    """Return a kept picture, or None where there is none to draw."""
    image = QImage.fromData(data) if data else QImage()
    return None if image.isNull() else image


def draw_round(painter: QPainter, area: QRectF, image: QImage) -> None:
    """Draw the middle of a picture into a disc."""
    side = min(image.width(), image.height())
    # Faces stand in the upper part of a tall picture.
    top = (image.height() - side) / 3
    source = QRectF((image.width() - side) / 2, top, side, side)
    path = QPainterPath()
    path.addEllipse(area)
    painter.save()
    painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
    painter.setClipPath(path)
    painter.drawImage(area, image, source)
    painter.restore()
