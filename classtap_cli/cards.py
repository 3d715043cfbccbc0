"""A family's pass as a file: the code as a picture or a drawing, or a card to print and cut out."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from classtap_cli.invocation import sentences
from classtap_cli.written import write_whole
from classtap_core.passes import picture

CARD_MM = (85.6, 53.98)
"""ISO/IEC 7810 ID-1, as bank cards have it."""
CODE_MM = 42.0
_PAGE_MM = (210.0, 297.0)
_LEFT_MM, _TOP_MM = 20.0, 20.0


def png(out: Path, issued: dict[str, Any]) -> None:
    write_whole(out, picture.png(issued["text"]))


def svg(out: Path, issued: dict[str, Any]) -> None:
    write_whole(out, picture.svg(issued["text"], side_mm=CODE_MM).encode())


def pdf(out: Path, issued: dict[str, Any]) -> None:
    """One page A4 with the card in its true size, a hairline to cut along."""
    write_whole(out, _card(issued))


WRITERS: dict[str, Callable[[Path, dict[str, Any]], None]] = {".png": png, ".svg": svg, ".pdf": pdf}


def _card(issued: dict[str, Any]) -> bytes:
    from PySide6.QtCore import QRectF, Qt
    from PySide6.QtGui import QColor, QPen

    from classtap_desktop.kit.paper import Paper

    words = sentences()
    until = words.date(_day(issued), style="long")
    with Paper(title=issued["name"], size_mm=_PAGE_MM, rtl=words.is_rtl) as paper:
        painter = paper.painter
        card = QRectF(_LEFT_MM, _TOP_MM, *CARD_MM)
        painter.setPen(QPen(QColor("#b8b8b8"), 0.1))
        painter.drawRoundedRect(card, 3.18, 3.18)
        code_x = card.left() + 4 if paper.rtl else card.right() - CODE_MM - 4
        code = QRectF(code_x, card.top() + (CARD_MM[1] - CODE_MM) / 2, CODE_MM, CODE_MM)
        side = CODE_MM / picture.MODULES
        painter.setPen(Qt.PenStyle.NoPen)
        for y, row in enumerate(picture.matrix(issued["text"])):
            for x, dark in enumerate(row):
                if dark:
                    painter.fillRect(QRectF(code.x() + x * side, code.y() + y * side, side, side), QColor("black"))
        column_x = code.right() + 2 if paper.rtl else card.left() + 5
        column = QRectF(column_x, card.top() + 6, CARD_MM[0] - CODE_MM - 11, CARD_MM[1] - 12)
        paper.words(column, issued["studio"], size_mm=2.6, colour="#555555")
        paper.words(column.adjusted(0, 6, 0, 0), issued["name"], size_mm=4.4, bold=True)
        paper.words(column, words.say("cli.card_until", date=until), size_mm=2.3, colour="#555555", bottom=True)
    return paper.data


def _day(issued: dict[str, Any]) -> Any:
    from datetime import datetime
    from zoneinfo import ZoneInfo

    return datetime.fromtimestamp(issued["expires_s"], tz=ZoneInfo(issued["zone"])).date()
