"""The QR picture of a pass text: always version 7, level M, letters as letters, so that every pass reads alike."""

import struct
import zlib

from qrcode.constants import ERROR_CORRECT_M
from qrcode.main import QRCode
from qrcode.util import MODE_ALPHA_NUM, QRData

VERSION = 7
QUIET_ZONE = 4
MODULES = 17 + 4 * VERSION + 2 * QUIET_ZONE
SIGNATURE = b"\x89PNG\r\n\x1a\n"
GREY, RGB = 0, 2

Matrix = tuple[tuple[bool, ...], ...]


def matrix(text: str) -> Matrix:
    """Return the code's modules row by row, dark ones True, the quiet zone of four modules included.

    Raises ValueError when the text has a letter outside the alphanumeric set of ISO/IEC 18004, and
    `qrcode.exceptions.DataOverflowError` when it has more than the 178 letters that version 7-M holds.
    """
    code = QRCode(version=VERSION, error_correction=ERROR_CORRECT_M, border=QUIET_ZONE)
    code.add_data(QRData(text.encode(), mode=MODE_ALPHA_NUM, check_data=True), optimize=0)
    code.make(fit=False)
    return tuple(tuple(bool(module) for module in row) for row in code.get_matrix())


def png(text: str, *, scale: int = 8) -> bytes:
    """Return a black on white PNG file, `scale` pixels to a module (424 pixels a side at 8)."""
    rows = [_packed(row, scale) * scale for row in matrix(text)]
    side = MODULES * scale
    return png_file(b"".join(rows), width=side, height=side, depth=1, color=GREY)


def svg(text: str, *, side_mm: float = 40.0) -> str:
    """Return an SVG document of `side_mm` a side, quiet zone included; one path, so that no renderer shows seams."""
    runs: list[str] = []
    for y, row in enumerate(matrix(text)):
        x = 0
        while x < MODULES:
            start = x
            while x < MODULES and row[x]:
                x += 1
            if x > start:
                runs.append(f"M{start} {y}h{x - start}v1h-{x - start}z")
            x += 1
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{side_mm:g}mm" height="{side_mm:g}mm"'
        f' viewBox="0 0 {MODULES} {MODULES}" shape-rendering="crispEdges">'
        f'<path fill="#fff" d="M0 0h{MODULES}v{MODULES}H0z"/><path d="{"".join(runs)}"/></svg>\n'
    )


def png_file(lines: bytes, *, width: int, height: int, depth: int, color: int) -> bytes:
    """Return a PNG file of scan lines, each with its filter type in front; `depth` bits a sample (PNG, 11.2.1)."""
    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0)
    data = _chunk(b"IDAT", zlib.compress(lines, 9))
    return SIGNATURE + _chunk(b"IHDR", header) + data + _chunk(b"IEND", b"")


def _packed(row: tuple[bool, ...], scale: int) -> bytes:
    """One PNG scan line, one bit a pixel, white 1, filter type 0 in front."""
    bits = "".join("0" * scale if dark else "1" * scale for dark in row)
    bits += "0" * (-len(bits) % 8)
    return b"\0" + int(bits, 2).to_bytes(len(bits) // 8, "big")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
