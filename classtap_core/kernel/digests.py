"""Digests: one number over all rows of a scope, in whatever order they came. Two replicas with equal numbers hold equal rows.

A row's number is the first 64 bits of a hash over its kind, id, scope and body; a scope's is their sum modulo 2^64. So a
change takes one number away and adds another, and no order matters. Leaves are the last two hex digits of the ids.
"""

from collections.abc import Iterable

import msgspec

from classtap_core.kernel.canonical import sha256
from classtap_core.kernel.ids import Id

MODULUS = 1 << 64


class Digest(msgspec.Struct, frozen=True):
    """How many rows there are, and their sum as 16 hex digits."""

    count: int
    sum: str


EMPTY = Digest(0, "0" * 16)


def row_number(kind: str, id: Id, scope: str, body: bytes) -> int:
    """A row's number. The body counts byte for byte, as it came."""
    return int(sha256(b"CTR1", f"{kind}\n{id}\n{scope}\n".encode(), body)[:16], 16)


def digest_of(count: int, total: int) -> Digest:
    """The digest of so many rows whose numbers come to `total`."""
    return Digest(count, f"{total % MODULUS:016x}")


def leaf_of(id: Id) -> str:
    """Which of the 256 leaves of its scope a row lies in."""
    return id[-2:]


def digest(numbers: Iterable[int]) -> Digest:
    """The digest of rows with these numbers."""
    count = total = 0
    for number in numbers:
        count, total = count + 1, total + number
    return digest_of(count, total)


def signed(number: int) -> int:
    """A row's number as a database keeps it: a 64-bit integer with a sign."""
    return number - MODULUS if number >= MODULUS >> 1 else number
