"""PDF 1.4 by hand: pages to scale, filled polygons, lines and words; nothing a small writer does not need.

Words of western letters use Helvetica, which every reader has. Others need a TrueType font from the caller; without
one, or where it has no such letter, a letter becomes a question mark and the report says so.
"""

import zlib
from collections.abc import Sequence
from functools import lru_cache, partial

from classtap_core.seating.drawing import Shape, Sheet, Words
from classtap_core.seating.formats.truetype import Font

MM_TO_PT = 72 / 25.4
_WIDTHS = (  # Adobe's Helvetica.afm, letters 32 to 126, in thousandths
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556, 556, 556,
    556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833,
    722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556, 333, 556, 556, 500, 556,
    556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334,
    260, 334, 584,
)  # fmt: skip


font_of = lru_cache(maxsize=8)(Font)
"""A TrueType file, read once: pages are often written one after another in the same few fonts."""
_packed = lru_cache(maxsize=16)(partial(zlib.compress, level=9))


def write_pdf(pages: Sequence[Sheet], *, title: str, fonts: Sequence[bytes] = ()) -> bytes:
    """Sheets as a PDF whose pages are as large as they: printed at 100 %, a ruler agrees.

    `fonts` are TrueType files, asked in order for letters that Helvetica does not have.
    """
    extra = [font_of(data) for data in fonts]
    objects = _Objects()
    catalog, tree = objects.new(), objects.new()
    used: dict[int, set[str]] = {}
    streams = [objects.stream(_content(page, extra, used)) for page in pages]
    names = {
        "F0": objects.add("<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>"),
        "F1": objects.add("<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica-Bold /Encoding /WinAnsiEncoding >>"),
    }
    for index, letters in used.items():
        names[f"T{index}"] = _embedded(objects, extra[index], letters)
    resources = "/Resources << /Font << " + " ".join(f"/{name} {at} 0 R" for name, at in names.items()) + " >> >>"
    leaves = []
    for page, stream in zip(pages, streams, strict=True):
        box = f"[0 0 {_n(page.width * MM_TO_PT)} {_n(page.height * MM_TO_PT)}]"
        leaf = f"<< /Type /Page /Parent {tree} 0 R /MediaBox {box} {resources} /Contents {stream} 0 R >>"
        leaves.append(objects.add(leaf))
    kids = " ".join(f"{leaf} 0 R" for leaf in leaves)
    objects.put(tree, f"<< /Type /Pages /Kids [{kids}] /Count {len(leaves)} >>")
    objects.put(catalog, f"<< /Type /Catalog /Pages {tree} 0 R /ViewerPreferences << /PrintScaling /None >> >>")
    info = objects.add(f"<< /Title {_utf16(title)} /Producer (ClassTap) >>")
    return objects.file(catalog, info)


def _content(page: Sheet, extra: Sequence[Font], used: dict[int, set[str]]) -> bytes:
    """The drawing of a page, in millimetres from its top left."""
    lines = [f"{MM_TO_PT:.9f} 0 0 {-MM_TO_PT:.9f} 0 {_n(page.height * MM_TO_PT)} cm", "1 j 1 J"]
    lines += [_shape(item) if isinstance(item, Shape) else _words(item, extra, used) for item in page.items]
    return "\n".join(line for line in lines if line).encode("latin-1")


class _Objects:
    """The numbered objects of a PDF file."""

    def __init__(self) -> None:
        self._bodies: list[bytes] = []

    def new(self) -> int:
        self._bodies.append(b"")
        return len(self._bodies)

    def put(self, number: int, body: str | bytes) -> None:
        self._bodies[number - 1] = body.encode("latin-1") if isinstance(body, str) else body

    def add(self, body: str | bytes) -> int:
        number = self.new()
        self.put(number, body)
        return number

    def stream(self, data: bytes, entries: str = "") -> int:
        packed = _packed(data)
        head = f"<< /Length {len(packed)} /Filter /FlateDecode {entries}>>\nstream\n".encode("latin-1")
        return self.add(head + packed + b"\nendstream")

    def file(self, root: int, info: int) -> bytes:
        out = bytearray(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
        starts = []
        for number, body in enumerate(self._bodies, 1):
            starts.append(len(out))
            out += f"{number} 0 obj\n".encode() + body + b"\nendobj\n"
        table = len(out)
        out += f"xref\n0 {len(starts) + 1}\n0000000000 65535 f \n".encode()
        out += b"".join(f"{start:010d} 00000 n \n".encode() for start in starts)
        trailer = f"<< /Size {len(starts) + 1} /Root {root} 0 R /Info {info} 0 R >>"
        out += f"trailer\n{trailer}\nstartxref\n{table}\n%%EOF\n".encode()
        return bytes(out)


def _shape(item: Shape) -> str:
    if len(item.points) < 2:
        return ""
    fill, stroke = item.fill and item.closed, item.stroke
    parts = [f"{_color(item.fill)} rg"] if fill else []
    if stroke:
        parts.append(f"{_color(stroke)} RG {_n(item.width)} w {'[1.2 0.8]' if item.dashed else '[]'} 0 d")
    first, *rest = item.points
    parts.append(f"{_n(first[0])} {_n(first[1])} m")
    parts += [f"{_n(x)} {_n(y)} l" for x, y in rest]
    if item.closed:
        parts.append("h")
    parts.append({(True, True): "B", (True, False): "f", (False, True): "S"}.get((bool(fill), bool(stroke)), "n"))
    return " ".join(parts)


def _words(item: Words, extra: Sequence[Font], used: dict[int, set[str]]) -> str:
    runs = list(_runs(item, extra))
    width = sum(run[2] for run in runs)
    x = item.x - {"start": 0.0, "middle": width / 2, "end": width}[item.anchor]
    parts = [f"BT {_color(item.color)} rg"]
    for font, text, wide in runs:
        if font < 0:
            name, shown = "F1" if item.bold else "F0", _latin(text)
        else:
            name, shown = f"T{font}", "<" + "".join(f"{extra[font].glyph(letter):04X}" for letter in text) + ">"
            used.setdefault(font, set()).update(text)
        parts.append(f"/{name} {_n(item.size)} Tf 1 0 0 -1 {_n(x)} {_n(item.y)} Tm {shown} Tj")
        x += wide
    return " ".join([*parts, "ET"])


def _runs(item: Words, extra: Sequence[Font]) -> list[tuple[int, str, float]]:
    """A line cut where its font changes: number of the font (-1 Helvetica), letters, width in mm."""
    runs: list[tuple[int, str]] = []
    for letter in item.text:
        font = -1
        if not _is_western(letter):
            font = next((index for index, one in enumerate(extra) if one.glyph(letter)), -1)
        if runs and runs[-1][0] == font:
            runs[-1] = (font, runs[-1][1] + letter)
        else:
            runs.append((font, letter))
    wide = 1.07 if item.bold else 1.0
    return [(font, text, _width(text, extra[font] if font >= 0 else None) * item.size * wide) for font, text in runs]


def _width(text: str, font: Font | None) -> float:
    if font is not None:
        return sum(font.advance(letter) for letter in text) / 1000
    return sum(_WIDTHS[ord(letter) - 32] if 32 <= ord(letter) < 127 else 556 for letter in text) / 1000


def measured(item: Words, fonts: Sequence[Font]) -> float:
    """How wide a line comes out, in mm. `fonts` as `write_pdf` takes them, read."""
    return sum(wide for _, _, wide in _runs(item, fonts))


def missing_letters(pages: Sequence[Sheet], fonts: Sequence[bytes]) -> int:
    """How many letters of some sheets would come out as question marks."""
    extra = [font_of(data) for data in fonts]
    letters = [letter for page in pages for item in page.items if isinstance(item, Words) for letter in item.text]
    return sum(not _is_western(letter) and not any(font.glyph(letter) for font in extra) for letter in letters)


def _embedded(objects: _Objects, font: Font, letters: set[str]) -> int:
    file = objects.stream(font.data, f"/Length1 {len(font.data)} ")
    low_x, low_y, high_x, high_y = font.box
    descriptor = objects.add(
        f"<< /Type /FontDescriptor /FontName /{font.name} /Flags 4 /FontBBox [{low_x} {low_y} {high_x} {high_y}] "
        f"/ItalicAngle 0 /Ascent {high_y} /Descent {low_y} /CapHeight {high_y} /StemV 80 /FontFile2 {file} 0 R >>"
    )
    glyphs = sorted((font.glyph(letter), letter) for letter in letters)
    widths = " ".join(f"{glyph} [{font.advance(letter)}]" for glyph, letter in glyphs)
    system = "/CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >>"
    inner = objects.add(
        f"<< /Type /Font /Subtype /CIDFontType2 /BaseFont /{font.name} {system} /FontDescriptor {descriptor} 0 R "
        f"/CIDToGIDMap /Identity /DW 500 /W [{widths}] >>"
    )
    unicode = objects.stream(_to_unicode(glyphs).encode())
    return objects.add(
        f"<< /Type /Font /Subtype /Type0 /BaseFont /{font.name} /Encoding /Identity-H /DescendantFonts [{inner} 0 R] "
        f"/ToUnicode {unicode} 0 R >>"
    )


def _to_unicode(glyphs: list[tuple[int, str]]) -> str:
    """So that words can be searched and copied."""
    lines = [f"<{glyph:04X}> <{letter.encode('utf-16-be').hex().upper()}>" for glyph, letter in glyphs]
    blocks = [lines[at : at + 100] for at in range(0, len(lines), 100)]
    listed = "\n".join(f"{len(block)} beginbfchar\n" + "\n".join(block) + "\nendbfchar" for block in blocks)
    return (
        "/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapType 2 def\n"
        "1 begincodespacerange <0000> <FFFF> endcodespacerange\n"
        f"{listed}\nendcmap CMapName currentdict /CMap defineresource pop end end"
    )


def _is_western(letter: str) -> bool:
    try:
        return letter.encode("cp1252") >= b" "
    except UnicodeEncodeError:
        return False


def _latin(text: str) -> str:
    raw = text.encode("cp1252", "replace").decode("latin-1")
    escaped = raw.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")
    return "(" + escaped.replace("\r", " ").replace("\n", " ") + ")"


def _utf16(text: str) -> str:
    return "<FEFF" + text.encode("utf-16-be", "replace").hex().upper() + ">"


def _color(hex: str) -> str:
    return " ".join(_n(int(hex[at : at + 2], 16) / 255) for at in (1, 3, 5))


def _n(value: float) -> str:
    return f"{value:.5f}".rstrip("0").rstrip(".") or "0"
