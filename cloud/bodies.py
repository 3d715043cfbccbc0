"""Bodies in and out: size limits before and after unpacking, gzip and zstd. A small body cannot become a large one."""

import zlib

import zstandard
from starlette.requests import Request
from starlette.responses import Response

from classtap_core.kernel.errors import BadInput

_GZIP = 16 + zlib.MAX_WBITS
_LEVEL = 4
_WORTH_IT = 1_024
_WINDOW = 2**23
"""As much memory as a sender may ask of who unpacks zstd (RFC 8878, section 7.2)."""
_SIP = 256
"""Bytes of zstd unpacked before looking at the size again: at most 64 blocks of 128 kB."""


async def read_body(request: Request, *, most: int) -> bytes:
    """The request's body, unpacked.

    Raises BadInput `body.too_large`, `body.encoding` (none of plain, gzip, zstd), `body.truncated`.
    """
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("identity", "gzip", "zstd"):
        raise BadInput("body.encoding", found=encoding[:20])
    data = await read_packed(request, most=most)
    if encoding == "zstd":
        return from_zstd(data, most=most)
    return data if encoding == "identity" else unpacked(data, most=most)


async def read_packed(request: Request, *, most: int) -> bytes:
    """The request's body as it came. Raises BadInput `body.too_large`."""
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced) > most:
        raise BadInput("body.too_large", most=most)
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > most:
            raise BadInput("body.too_large", most=most)
        chunks.append(chunk)
    return b"".join(chunks)


def unpacked(data: bytes, *, most: int) -> bytes:
    """Gzip undone, stopped as soon as it grows past `most` bytes. Raises BadInput."""
    unpacker = zlib.decompressobj(_GZIP)
    try:
        plain = unpacker.decompress(data, most + 1)
    except zlib.error as error:
        raise BadInput("body.truncated") from error
    if len(plain) > most:
        raise BadInput("body.too_large", most=most)
    if not unpacker.eof or unpacker.unused_data:
        raise BadInput("body.truncated")
    return plain


def from_zstd(data: bytes, *, most: int) -> bytes:
    """One frame of zstd undone, stopped as soon as it grows past `most` bytes. Raises BadInput."""
    unpacker = zstandard.ZstdDecompressor(max_window_size=_WINDOW).decompressobj()
    plain = bytearray()
    try:
        for start in range(0, len(data), _SIP):
            if unpacker.eof:
                raise BadInput("body.truncated")
            plain += unpacker.decompress(data[start : start + _SIP])
            if len(plain) > most:
                raise BadInput("body.too_large", most=most)
    except zstandard.ZstdError as error:
        raise BadInput("body.truncated") from error
    if not unpacker.eof or unpacker.unused_data:
        raise BadInput("body.truncated")
    return bytes(plain)


def json_answer(body: bytes, *, gzip: bool) -> Response:
    """A JSON answer, packed where the caller takes gzip and it is worth it."""
    headers = {"Cache-Control": "no-store", "Vary": "Accept-Encoding"}
    if gzip and len(body) >= _WORTH_IT:
        packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP)
        body = packer.compress(body) + packer.flush()
        headers["Content-Encoding"] = "gzip"
    return Response(body, media_type="application/json", headers=headers)


def takes_gzip(request: Request) -> bool:
    return "gzip" in request.headers.get("accept-encoding", "")
