"""The PDF of what was signed: the words of each version, for whom, by whom, when, where and how. The same input, the same bytes."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from classtap_core.documents.records import Wording
from classtap_core.seating.drawing import INK, MUTED, Mm, Shape, Sheet, Words
from classtap_core.seating.formats.pdf import font_of, measured, write_pdf
from classtap_core.seating.formats.truetype import Font
from classtap_core.signing.lettering import drawable, is_rtl, laid_out

PAGE: tuple[Mm, Mm] = (210, 297)
MARGIN: Mm = 20
TEXT: Mm = 3.6
LEADING: Mm = 5.2
SIGNATURE: Mm = 28
"""How high a drawn signature stands."""

Strokes = tuple[tuple[tuple[int, int], ...], ...]
"""A drawn signature: lines of points, in thousandths of its box's width (x) and height (y)."""
MOST_POINTS = 4_000


class Signed(NamedTuple):
    """One version in it, in the words that were shown."""

    wording: Wording
    number: int
    hash: str
    effective: str


class Evidence(NamedTuple):
    """What is kept of a signature.

    Attributes:
        facts: what the page says beside the words: a label and what it names, in order (signer, child, time, place, code).
        name: as it was typed. strokes: as it was drawn; () for a typed one. statement: what the signer agreed to by signing.
    """

    title: str
    studio: str
    facts: tuple[tuple[str, str], ...]
    documents: tuple[Signed, ...]
    statement: str
    name: str
    strokes: Strokes = ()
    version: str = "Version {number} · {effective} · SHA-256 {hash}"


def artifact(evidence: Evidence, *, fonts: Sequence[bytes]) -> bytes:
    """The PDF. `fonts`: TrueType files for letters beyond the western ones; a letter none of them has stands as its number."""
    return write_pdf(_Pages(evidence, [font_of(data) for data in fonts]).sheets(), title=evidence.title, fonts=fonts)


def lines_of(evidence: Evidence) -> list[str]:
    """Every line of words in it, in order, as they were given: what a reader must find again in the file."""
    found = [evidence.title, evidence.studio, *(f"{label}: {value}" for label, value in evidence.facts)]
    for one in evidence.documents:
        found += [one.wording.title, evidence.version.format(number=one.number, effective=one.effective, hash=one.hash)]
        found += [line for line in one.wording.body.splitlines() if line.strip()]
    return [*found, evidence.statement, evidence.name]


def check_strokes(strokes: Strokes) -> bool:
    """Whether a drawing is one: something was drawn, within its box, of no more points than a hand makes."""
    points = [point for stroke in strokes for point in stroke]
    drawn = any(len(stroke) > 1 for stroke in strokes)
    return drawn and len(points) <= MOST_POINTS and all(0 <= x <= 1_000 and 0 <= y <= 1_000 for x, y in points)


class _Pages:
    """Sets lines one under the other, on as many pages as they take."""

    def __init__(self, evidence: Evidence, fonts: list[Font]) -> None:
        self._evidence, self._fonts = evidence, fonts
        self._pages: list[Sheet] = []
        self._y: Mm = 0
        self._turn()

    def sheets(self) -> list[Sheet]:
        told = self._evidence
        self._words(told.title, size=6, bold=True, gap=2)
        self._words(told.studio, color=MUTED, gap=4)
        for label, value in told.facts:
            self._words(f"{label}: {value}")
        for one in told.documents:
            self._space(6)
            self._words(one.wording.title, size=4.6, bold=True, gap=1)
            self._words(
                told.version.format(number=one.number, effective=one.effective, hash=one.hash),
                size=2.6,
                color=MUTED,
                gap=2,
            )
            for line in one.wording.body.splitlines():
                self._words(line, gap=0 if line.strip() else 2)
        self._space(8)
        self._words(told.statement, gap=2)
        self._signature()
        self._number()
        return self._pages

    def _words(self, text: str, *, size: Mm = TEXT, bold: bool = False, color: str = INK, gap: Mm = 0) -> None:
        right = is_rtl(text)
        for line in wrapped(text, PAGE[0] - 2 * MARGIN, self._wide(size, bold)):
            self._room(LEADING * size / TEXT)
            x, anchor = (PAGE[0] - MARGIN, "end") if right else (MARGIN, "start")
            shown = drawable(laid_out(line), self._has)
            self._pages[-1].items.append(Words(x, self._y, shown, size, anchor=anchor, color=color, bold=bold))
        self._space(gap)

    def _signature(self) -> None:
        told = self._evidence
        if told.strokes:
            self._room(SIGNATURE + 2)
            top = self._y - SIGNATURE
            wide = SIGNATURE * 3
            for stroke in told.strokes:
                points = tuple((MARGIN + x * wide / 1_000, top + y * SIGNATURE / 1_000) for x, y in stroke)
                self._pages[-1].items.append(Shape(points, width=0.5, closed=False))
        self._words(told.name, size=5 if told.strokes else 7, gap=1)
        line = ((MARGIN, self._y), (MARGIN + 90, self._y))
        self._pages[-1].items.append(Shape(line, stroke=MUTED, closed=False))

    def _number(self) -> None:
        for at, page in enumerate(self._pages, 1):
            shown = f"{at} / {len(self._pages)}"
            page.items.append(Words(PAGE[0] / 2, PAGE[1] - 10, shown, 2.8, anchor="middle", color=MUTED))

    def _room(self, high: Mm) -> None:
        """Go down by so much, over the page where there is no room."""
        if self._y + high > PAGE[1] - MARGIN:
            self._turn()
        self._y += high

    def _space(self, high: Mm) -> None:
        self._y += high

    def _turn(self) -> None:
        self._pages.append(Sheet(*PAGE, 1, []))
        self._y = MARGIN

    def _wide(self, size: Mm, bold: bool) -> Callable[[str], Mm]:
        return lambda text: measured(Words(0, 0, drawable(laid_out(text), self._has), size, bold=bold), self._fonts)

    def _has(self, letter: str) -> bool:
        try:
            western = letter.encode("cp1252") >= b" "
        except UnicodeEncodeError:
            western = False
        return western or any(font.glyph(letter) for font in self._fonts)


def wrapped(text: str, most: Mm, wide: Callable[[str], Mm]) -> Iterator[str]:
    """A paragraph in lines no wider than that, cut between words; a word too long for a line is cut inside."""
    line, room, space = "", most, wide("i i") - wide("ii")
    for word in _pieces(text.split(), most, wide):
        need = wide(word)
        if line and space + need > room:
            yield line
            line, room = word, most - need
        else:
            line, room = (f"{line} {word}", room - space - need) if line else (word, most - need)
    if line:
        yield line


def _pieces(words: Iterable[str], most: Mm, wide: Callable[[str], Mm]) -> Iterator[str]:
    for word in words:
        while wide(word) > most and len(word) > 1:
            cut = next((at for at in range(len(word) - 1, 0, -1) if wide(word[:at]) <= most), 1)
            yield word[:cut]
            word = word[cut:]
        yield word
