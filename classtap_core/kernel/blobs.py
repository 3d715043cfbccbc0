"""Blobs: values too large for a record. Operations and records carry a reference; the bytes travel apart, in ranges.

A blob's name is the hash of its sealed bytes, so whoever carries it can check it, and nobody learns anything from it.
"""

import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any, NamedTuple, get_args

import msgspec

from classtap_core.kernel.errors import BadInput
from classtap_core.kernel.ids import Id
from classtap_core.kernel.records import plan

RANGE_BYTES = 1 << 20
"""The most bytes of one range as it travels."""

_HASH = re.compile(r"[0-9a-f]{64}\Z")


class Blob(msgspec.Struct, frozen=True, kw_only=True):
    """What an operation or a record says of a blob.

    Attributes:
        hash: SHA-256 of the sealed bytes, hex. size: of what is in it, bytes. type: its media type.
    """

    hash: str
    size: int
    type: str


class Offer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What whoever has a blob says before its ranges travel.

    Attributes:
        blob: its reference. sealed: how many bytes travel. kind: what it is for. subject: whose it is, empty for the
        studio's own. scope: where it lies. key: what opens it (32 bytes, hex); it travels as values do, and is sealed
        under the receiver's own key of the subject.
    """

    blob: Blob
    sealed: int
    kind: str
    key: str
    subject: str = ""
    scope: str = ""


def check_hash(hash: str) -> str:
    """The hash, where it is one (it becomes a file's name). Raises BadInput `blob.hash`."""
    if not _HASH.match(hash):
        raise BadInput("blob.hash")
    return hash


class Span(NamedTuple):
    """Bytes from `start` up to, not including, `end`."""

    start: int
    end: int

    @property
    def length(self) -> int:
        return self.end - self.start


Spans = tuple[Span, ...]
"""In order, apart from one another, none empty."""


def joined(have: Iterable[Span], more: Span) -> Spans:
    """All bytes of either."""
    found: list[Span] = []
    for span in sorted((*have, more)):
        if span.length <= 0:
            continue
        if found and span.start <= found[-1].end:
            found[-1] = Span(found[-1].start, max(found[-1].end, span.end))
        else:
            found.append(span)
    return tuple(found)


def without(have: Iterable[Span], less: Span) -> Spans:
    """The bytes that lie outside `less`."""
    parts = (
        part
        for span in have
        for part in (Span(span.start, min(span.end, less.start)), Span(max(span.start, less.end), span.end))
    )
    return tuple(part for part in parts if part.length > 0)


def missing(have: Iterable[Span], size: int, *, most: int = RANGE_BYTES) -> Iterator[Span]:
    """What is still to come of so many bytes, in order, in spans of at most `most`."""
    at = 0
    for span in (*have, Span(size, size)):
        while at < span.start:
            end = min(at + most, span.start)
            yield Span(at, end)
            at = end
        at = max(at, span.end)


@cache
def carries(struct: type[msgspec.Struct]) -> bool:
    """Whether a kind of struct may hold references to blobs anywhere inside."""
    return any(_may_hold(field.type) for field in msgspec.structs.fields(struct))


def _may_hold(hint: Any) -> bool:
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return hint is Blob or carries(hint)
    return any(_may_hold(part) for part in get_args(hint))


def may_name(body: bytes) -> bool:
    """Whether a record's JSON can hold a reference at all: most rows do not, and need not be looked through."""
    return b'"hash"' in body


def blobs_in(value: Any) -> Iterator[Blob]:
    """The references a struct holds, at any depth."""
    if isinstance(value, Blob):
        yield value
    elif isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            yield from blobs_in(getattr(value, name))
    elif isinstance(value, list | tuple):
        for one in value:
            yield from blobs_in(one)
    elif isinstance(value, dict):
        for one in value.values():
            yield from blobs_in(one)


def subjects_of_blobs(struct: type[msgspec.Struct], value: msgspec.Struct) -> dict[str, Id]:
    """Hash → whose it is, for references in fields that are somebody's."""
    found: dict[str, Id] = {}
    for name, whose, items in plan(struct):
        inside = getattr(value, name)
        if whose is not None:
            subject = getattr(value, whose.subject)
            found |= {blob.hash: subject for blob in blobs_in(inside) if subject}
        elif items is not None:
            for item in inside:
                found |= subjects_of_blobs(type(item), item)
    return found
