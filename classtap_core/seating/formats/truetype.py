"""As much of a TrueType file as a PDF asks for: which glyph a letter has and how wide it is."""

import struct
from functools import cached_property


class Font:
    """A TrueType font (OpenType 1.9: head, hhea, hmtx, cmap formats 4 and 12).

    Attributes:
        data: the whole file. box: its bounding box in thousandths of its size. name: for the PDF.
    """

    def __init__(self, data: bytes) -> None:
        self.data = data
        count = struct.unpack_from(">H", data, 4)[0]
        self._tables: dict[str, tuple[int, int]] = {}
        for index in range(count):
            tag, _, offset, length = struct.unpack_from(">4sLLL", data, 12 + 16 * index)
            self._tables[tag.decode("latin-1")] = (offset, length)
        head = self._tables["head"][0]
        self._em = struct.unpack_from(">H", data, head + 18)[0]
        self.box = tuple(value * 1000 // self._em for value in struct.unpack_from(">4h", data, head + 36))
        self._metrics = struct.unpack_from(">H", data, self._tables["hhea"][0] + 34)[0]
        self.name = f"CTFONT+F{len(data):X}"

    def glyph(self, letter: str) -> int:
        """The number of a letter's glyph; 0 where the font has none."""
        found: int = self._glyphs.get(ord(letter), 0)
        return found

    def advance(self, letter: str) -> int:
        """How far a letter moves on, in thousandths of the size."""
        index = min(self.glyph(letter), self._metrics - 1)
        value: int = struct.unpack_from(">H", self.data, self._tables["hmtx"][0] + 4 * index)[0]
        em: int = self._em
        return value * 1000 // em

    @cached_property
    def _glyphs(self) -> dict[int, int]:
        start = self._tables["cmap"][0]
        count = struct.unpack_from(">H", self.data, start + 2)[0]
        found: dict[int, int] = {}
        for index in range(count):
            platform, encoding, offset = struct.unpack_from(">HHL", self.data, start + 4 + 8 * index)
            if (platform, encoding) in ((3, 1), (3, 10), (0, 3), (0, 4), (0, 6)):
                found |= self._subtable(start + offset)
        return found

    def _subtable(self, at: int) -> dict[int, int]:
        kind = struct.unpack_from(">H", self.data, at)[0]
        if kind == 12:
            groups = struct.unpack_from(">L", self.data, at + 12)[0]
            found: dict[int, int] = {}
            for index in range(groups):
                first, last, glyph = struct.unpack_from(">LLL", self.data, at + 16 + 12 * index)
                found |= {code: glyph + code - first for code in range(first, last + 1)}
            return found
        return self._segments(at) if kind == 4 else {}

    def _segments(self, at: int) -> dict[int, int]:
        count = struct.unpack_from(">H", self.data, at + 6)[0] // 2
        ends = struct.unpack_from(f">{count}H", self.data, at + 14)
        starts = struct.unpack_from(f">{count}H", self.data, at + 16 + 2 * count)
        deltas = struct.unpack_from(f">{count}h", self.data, at + 16 + 4 * count)
        offsets_at = at + 16 + 6 * count
        offsets = struct.unpack_from(f">{count}H", self.data, offsets_at)
        found = {}
        for index in range(count):
            for code in range(starts[index], ends[index] + 1):
                if offsets[index] == 0:
                    glyph = (code + deltas[index]) & 0xFFFF
                else:
                    where = offsets_at + 2 * index + offsets[index] + 2 * (code - starts[index])
                    if where + 2 > len(self.data):
                        continue
                    raw = struct.unpack_from(">H", self.data, where)[0]
                    glyph = (raw + deltas[index]) & 0xFFFF if raw else 0
                if glyph:
                    found[code] = glyph
        return found
