"""A seat map's sheets as a PDF: by our own small writer, or by Qt where words need shaping or a font it does not have."""

from collections.abc import Sequence
from unicodedata import bidirectional

from classtap_core.seating.drawing import Shape, Sheet, Words
from classtap_core.seating.formats.pdf import missing_letters, write_pdf
from resources import path

FONTS = ("NotoSans-Regular.ttf",)


def printed(pages: Sequence[Sheet], *, title: str) -> tuple[bytes, int]:
    """Sheets of one size as a PDF, and how many letters came out as question marks (none where Qt can be loaded)."""
    fonts = [path("fonts", name).read_bytes() for name in FONTS]
    missing = missing_letters(pages, fonts)
    if missing or _runs_left(pages):
        try:
            return _painted(pages, title), 0
        except ImportError:
            pass  # a machine without Qt's libraries: better a few question marks than no page
    return write_pdf(pages, title=title, fonts=fonts), missing


def _runs_left(pages: Sequence[Sheet]) -> bool:
    words = (item.text for page in pages for item in page.items if isinstance(item, Words))
    return any(bidirectional(letter) in ("R", "AL") for text in words for letter in text)


def _painted(pages: Sequence[Sheet], title: str) -> bytes:
    from PySide6.QtCore import QPointF, Qt
    from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPen, QPolygonF

    from classtap_desktop.kit import fonts
    from classtap_desktop.kit.paper import Paper

    def shape(painter: QPainter, item: Shape) -> None:
        pen = QPen(QColor(item.stroke) if item.stroke else Qt.GlobalColor.transparent, item.width)
        pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
        if item.dashed:
            pen.setDashPattern([1.2 / item.width, 0.8 / item.width])
        painter.setPen(pen if item.stroke else Qt.PenStyle.NoPen)
        painter.setBrush(QColor(item.fill) if item.fill and item.closed else Qt.BrushStyle.NoBrush)
        points = QPolygonF([QPointF(x, y) for x, y in item.points])
        if item.closed:
            painter.drawPolygon(points)
        else:
            painter.drawPolyline(points)

    def words(painter: QPainter, item: Words) -> None:
        font = QFont(list(fonts.FAMILIES))
        font.setPixelSize(max(1, round(item.size * 100)))  # whole pixels only: set large, drawn small
        font.setWeight(QFont.Weight.DemiBold if item.bold else QFont.Weight.Normal)
        wide = QFontMetricsF(font, painter.device()).horizontalAdvance(item.text) / 100
        painter.save()
        painter.translate(item.x - {"start": 0.0, "middle": wide / 2, "end": wide}[item.anchor], item.y)
        painter.scale(0.01, 0.01)
        painter.setFont(font)
        painter.setPen(QColor(item.color))
        painter.drawText(QPointF(0, 0), item.text)
        painter.restore()

    with Paper(title=title, size_mm=(pages[0].width, pages[0].height)) as paper:
        for number, page in enumerate(pages):
            if number:
                paper.next_page()
            for item in page.items:
                if isinstance(item, Shape):
                    shape(paper.painter, item)
                else:
                    words(paper.painter, item)
    return paper.data
