"""The form of a blob's file: chunks sealed under a key of its own, each bound to its place, so that any can be read alone.

`CTBLOB1\\n`, then for each chunk a random nonce of 12 bytes, what is sealed, and a tag of 16. All chunks but the last hold
256 KiB. What is in the file ends at its size; zeros follow up to a rounder length, so that the length names no document.
"""

import hashlib
from collections.abc import Iterator
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from classtap_core.kernel.blobs import Span, Spans, joined
from classtap_core.kernel.errors import EnvironmentFault
from classtap_core.kernel.ids import Entropy

MAGIC = b"CTBLOB1\n"
CHUNK = 256 * 1024
_NONCE, _TAG = 12, 16
STEP = _NONCE + CHUNK + _TAG
"""Bytes a whole chunk takes in the file."""
_LEAST = 4096


def padded(size: int) -> int:
    """The length that sizes near this one share: at most 12 % more (Padmé, https://arxiv.org/abs/1806.03160, 4)."""
    if size <= _LEAST:
        return _LEAST
    exponent = size.bit_length() - 1
    low_bits = exponent - exponent.bit_length()
    mask = (1 << low_bits) - 1
    return (size + mask) & ~mask


def chunks_of(size: int) -> int:
    return -(-padded(size) // CHUNK)


def sealed_size(size: int) -> int:
    """How long the file of so many bytes is."""
    return len(MAGIC) + padded(size) + chunks_of(size) * (_NONCE + _TAG)


def place_of(chunk: int) -> int:
    """Where a chunk begins in the file."""
    return len(MAGIC) + chunk * STEP


class Sealing:
    """Writes a file chunk by chunk, hashing as it goes; `file` stands where the first of `chunks` whole ones ended."""

    def __init__(self, file: BinaryIO, key: bytes, entropy: Entropy, *, chunks: int = 0, seen: "hashlib._Hash | None" = None) -> None:  # fmt: skip
        self._file, self._cipher, self._entropy = file, ChaCha20Poly1305(key), entropy
        self._chunks, self._waiting = chunks, bytearray()
        self._seen = seen or hashlib.sha256()
        self.size = chunks * CHUNK
        if not chunks:
            self._put(MAGIC)

    def write(self, data: bytes) -> int:
        """Take more; how many whole chunks are in the file now."""
        self._waiting += data
        self.size += len(data)
        while len(self._waiting) > CHUNK:
            self._seal(bytes(self._waiting[:CHUNK]), last=False)
            del self._waiting[:CHUNK]
        return self._chunks

    def finish(self) -> str:
        """Seal what is left, and zeros; the hash of the whole file, hex."""
        size, left = self.size, padded(self.size) - self.size
        while left:
            step = min(left, CHUNK)
            self.write(bytes(step))
            left -= step
        self.size = size
        self._seal(bytes(self._waiting), last=True)
        self._waiting.clear()
        return self._seen.hexdigest()

    def _seal(self, data: bytes, *, last: bool) -> None:
        nonce = self._entropy(_NONCE)
        self._put(nonce + self._cipher.encrypt(nonce, data, _place(self._chunks, last=last)))
        self._chunks += 1

    def _put(self, data: bytes) -> None:
        self._file.write(data)
        self._seen.update(data)


def whole_chunks(file: BinaryIO, key: bytes) -> "tuple[int, hashlib._Hash]":
    """How many chunks of an unfinished file can be gone on from, and the hash of it up to there; the file then stands
    there. What a power cut tore is not among them."""
    cipher, seen, found = ChaCha20Poly1305(key), hashlib.sha256(), 0
    file.seek(0)
    start = file.read(len(MAGIC))
    if start == MAGIC:
        seen.update(start)
        while len(box := file.read(STEP)) == STEP and _opened(cipher, box, found, last=False) is not None:
            seen.update(box)
            found += 1
    file.seek(place_of(found) if found else 0)
    return found, seen


class Opened:
    """Reads a sealed file of a known size."""

    def __init__(self, file: BinaryIO, key: bytes, size: int) -> None:
        self._file, self._cipher, self.size = file, ChaCha20Poly1305(key), size
        self.chunks = chunks_of(size)

    def chunk(self, number: int) -> bytes:
        """What one chunk holds, zeros after the end included. Raises EnvironmentFault `blob.damaged`."""
        last = number == self.chunks - 1
        self._file.seek(place_of(number))
        box = self._file.read(_NONCE + (padded(self.size) - number * CHUNK if last else CHUNK) + _TAG)
        found = _opened(self._cipher, box, number, last=last)
        if found is None:
            raise EnvironmentFault("blob.damaged")
        return found

    def read(self, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """Bytes from `start`, to the end or so many, in pieces of at most a chunk. Raises EnvironmentFault `blob.damaged`."""
        end = self.size if length is None else min(self.size, start + length)
        at = max(0, start)
        while at < end:
            number, skip = divmod(at, CHUNK)
            piece = self.chunk(number)[skip : skip + end - at]
            yield piece
            at += len(piece)

    def sound(self) -> Spans:
        """The bytes of a file with something wrong in it that can stay: its chunks that open. None where no chunk is
        to blame."""
        spans: Spans = ()
        for number in range(self.chunks):
            start = place_of(number)
            try:
                self.chunk(number)
            except EnvironmentFault:
                continue
            spans = joined(spans, Span(start, min(start + STEP, sealed_size(self.size))))
        whole = (Span(len(MAGIC), sealed_size(self.size)),)
        return () if spans == whole else spans


def hash_of(file: BinaryIO) -> str:
    """The hash of a file, hex, a little at a time."""
    file.seek(0)
    seen = hashlib.sha256()
    while piece := file.read(CHUNK):
        seen.update(piece)
    return seen.hexdigest()


def _place(number: int, *, last: bool) -> bytes:
    return MAGIC + number.to_bytes(8, "big") + bytes([last])


def _opened(cipher: ChaCha20Poly1305, box: bytes, number: int, *, last: bool) -> bytes | None:
    try:
        return cipher.decrypt(box[:_NONCE], box[_NONCE:], _place(number, last=last))
    except (InvalidTag, ValueError):
        return None
