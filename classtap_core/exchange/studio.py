"""A whole studio as one file of JSON lines: a head, its records by kind and id, its blobs, and a checksum over all of it.

Ids stay as they are. What only this cloud can vouch for stays with it: tokens, signing keys, and the log, whose chain
begins anew where the studio is taken in.
"""

import base64
import binascii
import hashlib
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import msgspec

from classtap_core.kernel.canonical import trusted_canonical
from classtap_core.kernel.digests import Digest, digest, row_number
from classtap_core.kernel.errors import BadInput
from classtap_core.kernel.ids import Id
from classtap_core.kernel.operations import Registry
from classtap_core.kernel.records import Row, decode
from classtap_core.kernel.tx import Change

FORMAT, VERSION = "classtap.studio", 1


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """The first line. `sequence`, `hash`: where the studio's chain stood. `records`: how many of each kind."""

    format: str
    version: int
    studio: Id
    name: str
    environment: str
    pass_studio: str
    cloud_device: Id
    written: str
    sequence: int
    hash: str
    records: dict[str, int]
    blobs: int
    digest: Digest


class Line(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A record (`kind`, `id`, `scope`, `body`), or a blob: what was offered of it, and its sealed bytes in base64."""

    kind: str = ""
    id: str = ""
    scope: str = ""
    body: msgspec.Raw = msgspec.Raw(b"{}")
    offer: msgspec.Raw = msgspec.Raw(b"null")
    data: str = ""


class End(msgspec.Struct, frozen=True, kw_only=True):
    """The last line: how many lines are before it, and the SHA-256 of all their bytes."""

    lines: int
    sha256: str


class Blob(NamedTuple):
    """A blob as it travels: what was offered of it, as JSON, and its sealed bytes."""

    offer: bytes
    data: bytes


class Taken(NamedTuple):
    """What a file holds, checked."""

    head: Head
    rows: tuple[Row, ...]
    blobs: tuple[Blob, ...]


def digest_of(rows: Iterable[Row]) -> Digest:
    """One number over records, in whatever order: two studios with equal ones hold the same."""
    return digest(row_number(*row) for row in rows)


def lines(head: Head, rows: Iterable[Row], blobs: Iterable[Blob]) -> Iterator[bytes]:
    """The file, line by line."""
    sha, count = hashlib.sha256(), 0
    for line in _lines(head, rows, blobs):
        sha.update(line)
        count += 1
        yield line
    yield trusted_canonical(End(lines=count, sha256=sha.hexdigest())) + b"\n"


def _lines(head: Head, rows: Iterable[Row], blobs: Iterable[Blob]) -> Iterator[bytes]:
    yield trusted_canonical(head) + b"\n"
    for kind, id, scope, body in rows:
        yield msgspec.json.encode(Line(kind=kind, id=id, scope=scope, body=msgspec.Raw(body))) + b"\n"
    for offer, data in blobs:
        sealed = base64.b64encode(data).decode()
        yield msgspec.json.encode(Line(offer=msgspec.Raw(offer), data=sealed)) + b"\n"


def read(data: bytes, registry: Registry) -> Taken:
    """What a file holds. Raises BadInput `studio_file.not_one`, `studio_file.newer`, `studio_file.damaged` with the line."""
    *before, last = data.removesuffix(b"\n").split(b"\n") if data else [b""]
    try:
        head = msgspec.json.decode(before[0], type=Head) if before else None
    except msgspec.DecodeError as error:
        raise BadInput("studio_file.not_one") from error
    if head is None or head.format != FORMAT:
        raise BadInput("studio_file.not_one")
    if head.version > VERSION or not head.records.keys() <= registry.records.keys():
        raise BadInput("studio_file.newer")
    _check_end(data, last, len(before))
    rows: list[Row] = []
    blobs: list[Blob] = []
    for number, line in enumerate(before[1:], 2):
        try:
            found = msgspec.json.decode(line, type=Line)
            if found.kind:
                body = bytes(found.body)
                decode(registry.records[found.kind], body)
                rows.append(Row(found.kind, Id(found.id), found.scope, body))
            else:
                blobs.append(Blob(bytes(found.offer), base64.b64decode(found.data, validate=True)))
        except (msgspec.DecodeError, KeyError, binascii.Error) as error:
            raise BadInput("studio_file.damaged", line=number) from error
    if digest_of(rows) != head.digest or len(blobs) != head.blobs:
        raise BadInput("studio_file.damaged", line=len(before) + 1)
    return Taken(head, tuple(rows), tuple(blobs))


def _check_end(data: bytes, last: bytes, count: int) -> None:
    try:
        end = msgspec.json.decode(last, type=End)
    except msgspec.DecodeError as error:
        raise BadInput("studio_file.damaged", line=count + 1) from error
    body = data[: data.rindex(last)]
    if end.lines != count or hashlib.sha256(body).hexdigest() != end.sha256:
        raise BadInput("studio_file.damaged", line=count + 1)


def changes(rows: Iterable[Row]) -> tuple[Change, ...]:
    """Rows as what an operation that takes a studio in does to an empty one."""
    return tuple(
        Change(kind=row.kind, id=row.id, after=_plain(row.body), before=None, scope=row.scope, body=row.body)
        for row in rows
    )


def _plain(body: bytes) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.json.decode(body)
    return found
