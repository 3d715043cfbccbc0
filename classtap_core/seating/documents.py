"""A seat map as records and operations carry it: its native file, compressed, as text."""

import base64
import zlib

from classtap_core.kernel.errors import BadInput
from classtap_core.seating.formats.native import read_native, write_native
from classtap_core.seating.model import SeatMap

MOST_BYTES = 16 * 1024 * 1024
"""A map larger than this when unpacked is refused: 5,000 spots take about 1 MB."""


def packed(seat_map: SeatMap) -> str:
    """The text of a map. The same map gives the same text on one machine; compare maps, not texts, across machines."""
    return base64.b64encode(zlib.compress(write_native(seat_map), 9)).decode()


def unpacked(document: str) -> SeatMap:
    """The map in a text. Raises BadInput as `read_native` does, and `seatmap.too_large`."""
    try:
        stream = zlib.decompressobj()
        data = stream.decompress(base64.b64decode(document, validate=True), MOST_BYTES)
    except (ValueError, zlib.error) as error:
        raise BadInput("seatmap.not_json", why=type(error).__name__) from error
    if stream.unconsumed_tail:
        raise BadInput("seatmap.too_large", megabytes=MOST_BYTES >> 20)
    return read_native(data)
