"""Reading a damaged store page by page, each by its own seal, where the database itself will not open or go on.

Formats: https://sqlite.org/fileformat2.html, and SQLCipher 4's page: the encrypted content, a 16-byte initialisation vector,
and an HMAC-SHA512 over both and the page's number (https://www.zetetic.net/sqlcipher/design/). A page whose seal is
broken is never looked into, so nothing that is read here can be wrong.
"""

import hashlib
import hmac
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from classtap_core.kernel.errors import EnvironmentFault
from classtap_core.store.engine import PAGE_BYTES

_SALT, _IV, _SEAL = 16, 16, 64
_USABLE = PAGE_BYTES - _IV - _SEAL
_MAGIC = b"SQLite format 3\0"
_WAL_HEADER, _FRAME_HEADER = 32, 24
INDEX_INNER, TABLE_INNER, INDEX_LEAF, TABLE_LEAF = 2, 5, 10, 13

Value = int | float | str | bytes | None


class Row(NamedTuple):
    """A row of a table's leaf: its number and its columns as they were stored."""

    number: int
    values: tuple[Value, ...]


class Damaged(Exception):
    """A page is needed whose seal is broken, or that is not there."""

    def __init__(self, page: int) -> None:
        super().__init__(page)
        self.page = page


class Pages:
    """The pages of a store file with what its write-ahead log has committed, opened by the key.

    Attributes:
        count: of pages. damaged: numbers of those whose seal is broken, ascending.
    """

    def __init__(self, path: Path, key: bytes) -> None:
        """Read the seals of all pages. Raises EnvironmentFault `store.unreadable` where no page opens with this key."""
        self._key = key
        data = path.read_bytes() if path.exists() else b""
        pages = {at // PAGE_BYTES + 1: data[at : at + PAGE_BYTES] for at in range(0, len(data), PAGE_BYTES)}
        waiting, size = _committed(path.with_name(path.name + "-wal"))
        pages.update(waiting)
        self._raw = pages
        self._known: dict[int, bool] = {}
        self.count = size or max(pages, default=0)
        self._sealer = self._find_salt(data[:_SALT])
        if self._whole(1):
            self.count = size or int.from_bytes(self._opened(1)[28:32], "big")  # a file cut short has fewer
        salted = self._sealer == _sealing_key(key, data[:_SALT])
        self.damaged = tuple(
            number
            for number in range(1, self.count + 1)
            if (number == 1 and not salted) or (not self._whole(number) and any(pages.get(number, b"\1")))
        )

    def _find_salt(self, salt: bytes) -> bytes:
        """The key of the seals. It is made with the file's first bytes; where one of those was changed, it is found."""
        probes = [number for number in sorted(self._raw) if number > 1 and any(self._raw[number])][:64]
        candidates = [salt, *(salt[:at] + bytes([byte]) + salt[at + 1 :] for at in range(_SALT) for byte in range(256))]
        for tried in candidates if len(salt) == _SALT else ():
            self._sealer = _sealing_key(self._key, tried)
            if any(self._sealed(number) for number in (probes if tried == salt else probes[:4])) or self._sealed(1):
                return self._sealer
        raise EnvironmentFault("store.unreadable")

    def _whole(self, number: int) -> bool:
        found = self._known.get(number)
        if found is None:
            found = self._known[number] = self._sealed(number)
        return found

    def _sealed(self, number: int) -> bool:
        raw = self._raw.get(number, b"")
        if len(raw) != PAGE_BYTES:
            return False
        sealed = raw[_SALT if number == 1 else 0 : PAGE_BYTES - _SEAL]
        made = hmac.digest(self._sealer, sealed + number.to_bytes(4, "little"), "sha512")
        return hmac.compare_digest(made, raw[PAGE_BYTES - _SEAL :])

    def page(self, number: int) -> bytes:
        """The content of a page, `_USABLE` bytes. Raises Damaged."""
        if not self._whole(number):
            raise Damaged(number)
        return self._opened(number)

    def _opened(self, number: int) -> bytes:
        raw = self._raw[number]
        start = _SALT if number == 1 else 0
        vector = raw[_USABLE : _USABLE + _IV]
        cipher = Cipher(algorithms.AES(self._key), modes.CBC(vector)).decryptor()
        plain = cipher.update(raw[start:_USABLE]) + cipher.finalize()
        return (_MAGIC if number == 1 else b"") + plain

    def kind(self, number: int) -> int:
        """What kind of tree page it is; 0 for any other, and for a damaged one."""
        try:
            found = self.page(number)[100 if number == 1 else 0]
        except Damaged:
            return 0
        return found if found in (INDEX_INNER, TABLE_INNER, INDEX_LEAF, TABLE_LEAF) else 0

    def children(self, number: int) -> list[int]:
        """The pages beneath an inner page of a tree. Raises Damaged."""
        page, head = self.page(number), 100 if number == 1 else 0
        cells = int.from_bytes(page[head + 3 : head + 5], "big")
        at = [int.from_bytes(page[head + 12 + 2 * one :][:2], "big") for one in range(cells)]
        return [
            *(int.from_bytes(page[one : one + 4], "big") for one in at),
            int.from_bytes(page[head + 8 :][:4], "big"),
        ]

    def tree(self, root: int) -> Iterator[tuple[int, bool]]:
        """The pages of a tree that can be reached, each with whether it is whole; beneath a damaged one none can be."""
        todo, seen = [root], set[int]()
        while todo:
            number = todo.pop()
            if number in seen:
                continue
            seen.add(number)
            whole = 0 < number <= self.count and self._whole(number)
            yield number, whole
            if whole and self.kind(number) in (INDEX_INNER, TABLE_INNER):
                todo += reversed(self.children(number))

    def rows(self, number: int) -> Iterator[Row | Damaged]:
        """The rows of a table's leaf; in place of one that goes on over a damaged page, what damaged it."""
        page, head = self.page(number), 100 if number == 1 else 0
        if page[head] != TABLE_LEAF:
            return
        for one in range(int.from_bytes(page[head + 3 : head + 5], "big")):
            at = int.from_bytes(page[head + 8 + 2 * one :][:2], "big")
            size, at = _varint(page, at)
            row, at = _varint(page, at)
            try:
                yield Row(row - (1 << 64) if row >> 63 else row, _record(self._payload(page, at, size)))
            except Damaged as damaged:
                yield damaged

    def _payload(self, page: bytes, at: int, size: int) -> bytes:
        most, least = _USABLE - 35, (_USABLE - 12) * 32 // 255 - 23
        if size <= most:
            return page[at : at + size]
        local = least + (size - least) % (_USABLE - 4)
        local = local if local <= most else least
        content = page[at : at + local]
        following = int.from_bytes(page[at + local :][:4], "big")
        while len(content) < size:
            if not 0 < following <= self.count:
                raise Damaged(following)
            rest = self.page(following)
            following = int.from_bytes(rest[:4], "big")
            content += rest[4:_USABLE]
        return content[:size]


@lru_cache(8)
def _sealing_key(key: bytes, salt: bytes) -> bytes:
    return hashlib.pbkdf2_hmac("sha512", key, bytes(byte ^ 0x3A for byte in salt), 2, 32)


def _committed(path: Path) -> tuple[dict[int, bytes], int]:
    """Pages that a write-ahead log has committed, and how many pages the database then has; as SQLite itself reads it."""
    data = path.read_bytes() if path.exists() else b""
    if len(data) < _WAL_HEADER or data[:3] != b"\x37\x7f\x06" or int.from_bytes(data[8:12], "big") != PAGE_BYTES:
        return {}, 0
    order = "big" if data[3] & 1 else "little"
    salts, sums = data[16:24], _checksum(data[:24], (0, 0), order)
    if sums != _pair(data[24:32]):
        return {}, 0
    found: dict[int, bytes] = {}
    part: dict[int, bytes] = {}
    size = 0
    for at in range(_WAL_HEADER, len(data) - _FRAME_HEADER - PAGE_BYTES + 1, _FRAME_HEADER + PAGE_BYTES):
        header, content = data[at : at + _FRAME_HEADER], data[at + _FRAME_HEADER : at + _FRAME_HEADER + PAGE_BYTES]
        sums = _checksum(content, _checksum(header[:8], sums, order), order)
        if header[8:16] != salts or sums != _pair(header[16:24]):
            break
        part[int.from_bytes(header[:4], "big")] = content
        if committed := int.from_bytes(header[4:8], "big"):
            found.update(part)
            part, size = {}, committed
    return found, size


def _pair(data: bytes) -> tuple[int, int]:
    return int.from_bytes(data[:4], "big"), int.from_bytes(data[4:8], "big")


def _checksum(data: bytes, start: tuple[int, int], order: str) -> tuple[int, int]:
    first, second = start
    words = memoryview(data).cast("I") if (order == "little") == _LITTLE else _words(data, order)
    for at in range(0, len(words), 2):
        first = (first + words[at] + second) & 0xFFFFFFFF
        second = (second + words[at + 1] + first) & 0xFFFFFFFF
    return first, second


_LITTLE = memoryview(b"\1\0\0\0").cast("I")[0] == 1


def _words(data: bytes, order: str) -> list[int]:
    return [int.from_bytes(data[at : at + 4], "big" if order == "big" else "little") for at in range(0, len(data), 4)]


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for step in range(9):
        byte = data[at + step]
        if step == 8:
            return value << 8 | byte, at + 9
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, at + step + 1
    raise AssertionError


_SIZES = {0: 0, 1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8, 7: 8, 8: 0, 9: 0}


def _record(payload: bytes) -> tuple[Value, ...]:
    end, at = _varint(payload, 0)
    kinds = []
    while at < end:
        kind, at = _varint(payload, at)
        kinds.append(kind)
    values: list[Value] = []
    for kind in kinds:
        size = _SIZES[kind] if kind < 12 else (kind - 12) // 2
        part = payload[end : end + size]
        end += size
        values.append(_value(kind, part))
    return tuple(values)


def _value(kind: int, part: bytes) -> Value:
    if kind == 0:
        return None
    if kind in (8, 9):
        return kind - 8
    if kind == 7:
        return float(memoryview(part[::-1] if _LITTLE else part).cast("d")[0])
    if kind < 7:
        return int.from_bytes(part, "big", signed=True)
    return part.decode("utf-8", "replace") if kind % 2 else part
