"""All formats by name: what reads a file and what writes one."""

from collections.abc import Callable
from enum import StrEnum

from classtap_core.kernel.errors import BadInput
from classtap_core.seating.formats.native import read_native, write_native
from classtap_core.seating.formats.pretix import read_pretix
from classtap_core.seating.formats.pretix_writing import write_pretix
from classtap_core.seating.formats.report import Report, repeated
from classtap_core.seating.formats.svg import read_svg, write_svg
from classtap_core.seating.formats.table import read_csv, write_csv
from classtap_core.seating.model import SeatMap
from classtap_core.seating.soundness import check_soundness

LARGEST_BYTES = 64_000_000


class Format(StrEnum):
    """The files a map can be read from and written to."""

    NATIVE = "native"
    PRETIX = "pretix"
    CSV = "csv"
    SVG = "svg"


def guessed(data: bytes) -> Format:
    """The format of a file, from its first letters."""
    start = data[:4096].removeprefix(b"\xef\xbb\xbf").lstrip()
    if start.startswith(b"{"):
        return Format.NATIVE if b'"classtap.seatmap"' in start else Format.PRETIX
    if start.startswith(b"<"):
        return Format.SVG
    return Format.NATIVE if start.startswith(b"[") else Format.CSV


def read(data: bytes, format: Format | None = None, *, name: str = "") -> tuple[SeatMap, Report]:
    """The map in a file of a format, or of the one it looks like; `name` is for files that hold none.

    Raises BadInput as the formats' readers do, and `seatmap.too_large` beyond 64 MB.
    """
    if len(data) > LARGEST_BYTES:
        raise BadInput("seatmap.too_large", megabytes=LARGEST_BYTES // 1_000_000)
    seat_map, report = _READERS[format or guessed(data)](data, name)
    check_soundness(seat_map)
    return seat_map, report


def write(seat_map: SeatMap, format: Format) -> tuple[bytes, Report]:
    """A map as a file of a format, and what that format cannot say."""
    return _WRITERS[format](seat_map)


def _read_native(data: bytes, _name: str) -> tuple[SeatMap, Report]:
    seat_map = read_native(data)
    ids = [spot.origin or spot.id for spot in seat_map.spots]
    return seat_map, Report(len(ids), len(ids), repeated(ids))


def _nothing_lost(seat_map: SeatMap, data: bytes) -> tuple[bytes, Report]:
    ids = [spot.origin or spot.id for spot in seat_map.spots]
    return data, Report(len(ids), len(ids), repeated(ids))


_READERS: dict[Format, Callable[[bytes, str], tuple[SeatMap, Report]]] = {
    Format.NATIVE: _read_native,
    Format.PRETIX: lambda data, _name: read_pretix(data),
    Format.CSV: lambda data, name: read_csv(data, name=name),
    Format.SVG: lambda data, name: read_svg(data, name=name),
}
_WRITERS: dict[Format, Callable[[SeatMap], tuple[bytes, Report]]] = {
    Format.NATIVE: lambda seat_map: _nothing_lost(seat_map, write_native(seat_map)),
    Format.PRETIX: write_pretix,
    Format.CSV: write_csv,
    Format.SVG: lambda seat_map: _nothing_lost(seat_map, write_svg(seat_map)),
}
