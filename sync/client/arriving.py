"""Pages on their way, kept as they come: what came of one that was cut is not fetched again."""

import codecs
import json
import zlib
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from typing import Protocol

import msgspec

from classtap_core.kernel.errors import BadInput
from sync.client.transport import unpacked
from sync.protocol import BEHIND, SnapshotPage, WireRow, decode

_PACKED = b"\x1f\x8b"
_ROWS = b'"rows":['
_JSON = json.JSONDecoder()


class Arriving(Protocol):
    """Where pages are kept until they are durable otherwise; for a program that ends at once, not for a machine that does."""

    def keeping(self, scope: str, after: str) -> AbstractContextManager[Callable[[bytes], None]]:
        """Keep a page that is asked for; what is called with each piece of it, as it comes, in order."""
        ...

    def left(self) -> bool:
        """Whether something is here of a load that was cut."""
        ...

    def take(self, scope: str, after: str) -> bytes | None:
        """What came of a page, in this program or the one before it; only once."""
        ...


def what_came(data: bytes) -> SnapshotPage | None:
    """The page that these bytes of an answer, packed or not, are, or begin: then of the rows that came whole, with a `next`
    that goes on behind the last of them. None where not even one did."""
    try:
        if data.startswith(_PACKED):
            data = unpacked(data)
        whole: SnapshotPage = decode(SnapshotPage, data)
    except BadInput:
        return _beginning(data)
    except zlib.error:
        return None
    return whole


def _beginning(data: bytes) -> SnapshotPage | None:
    head, _, rest = data.partition(_ROWS)
    try:
        rows = _whole_rows(rest)
        page: SnapshotPage = decode(SnapshotPage, head + _ROWS + b"]}")
    except BadInput:
        return None
    if not rows:
        return None
    last = rows[-1]
    next = f"{page.cursor}{BEHIND}{last.kind}/{last.scope}/{last.id}"
    return msgspec.structs.replace(page, rows=tuple(rows), next=next)


def _whole_rows(data: bytes) -> list[WireRow]:
    rows: list[WireRow] = []
    with suppress(ValueError, RecursionError):
        text = codecs.getincrementaldecoder("utf-8")().decode(data)
        at = 0
        while True:
            _, end = _JSON.raw_decode(text, at)
            rows.append(decode(WireRow, text[at:end].encode()))
            at = end + 1
    return rows
