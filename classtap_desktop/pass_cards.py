"""Families' passes as cards to print and cut out: bank cards in their true size, ten on a page of A4."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date as Day
from typing import NamedTuple

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPen

from classtap_core.passes import picture
from classtap_desktop.kit.paper import Paper
from resources.text import Catalogue

CARD_MM = (85.6, 53.98)
"""ISO/IEC 7810 ID-1, as bank cards have it."""
CODE_MM = 42.0
PAGE_MM = (210.0, 297.0)
COLUMNS, ROWS = 2, 5
_LEFT_MM, _TOP_MM, _GAP_MM = 17.4, 9.5, 4.0


class PassCard(NamedTuple):
    """What a card says. `text` is the pass's, `until` its last day."""

    studio: str
    name: str
    text: str
    until: Day


def sheet(
    cards: Sequence[PassCard], words: Catalogue, *, title: str, drawn: Callable[[int], None] = lambda done: None
) -> bytes:  # fmt: skip
    """The cards as a PDF, each with a hairline to cut along. `drawn` hears after each how many are; what it raises ends
    it."""
    with Paper(title=title, size_mm=PAGE_MM, rtl=words.is_rtl) as paper:
        for at, card in enumerate(cards):
            place = at % (COLUMNS * ROWS)
            if at and not place:
                paper.next_page()
            row, column = divmod(place, COLUMNS)
            left = _LEFT_MM + (COLUMNS - 1 - column if paper.rtl else column) * (CARD_MM[0] + _GAP_MM)
            _draw(paper, card, QRectF(left, _TOP_MM + row * (CARD_MM[1] + _GAP_MM / 2), *CARD_MM), words)
            drawn(at + 1)
    return paper.data


def _draw(paper: Paper, card: PassCard, frame: QRectF, words: Catalogue) -> None:
    painter = paper.painter
    painter.setPen(QPen(QColor("#b8b8b8"), 0.1))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRoundedRect(frame, 3.18, 3.18)
    code_x = frame.left() + 4 if paper.rtl else frame.right() - CODE_MM - 4
    code = QRectF(code_x, frame.top() + (CARD_MM[1] - CODE_MM) / 2, CODE_MM, CODE_MM)
    side = CODE_MM / picture.MODULES
    painter.setPen(Qt.PenStyle.NoPen)
    for y, row in enumerate(picture.matrix(card.text)):
        for x, dark in enumerate(row):
            if dark:
                painter.fillRect(QRectF(code.x() + x * side, code.y() + y * side, side, side), QColor("black"))
    column_x = code.right() + 2 if paper.rtl else frame.left() + 5
    column = QRectF(column_x, frame.top() + 6, CARD_MM[0] - CODE_MM - 11, CARD_MM[1] - 12)
    paper.words(column, card.studio, size_mm=2.6, colour="#555555")
    paper.words(column.adjusted(0, 6, 0, 0), card.name, size_mm=4.4, bold=True)
    until = words.date(card.until, style="long")
    paper.words(column, words.say("cli.card_until", date=until), size_mm=2.3, colour="#555555", bottom=True)
