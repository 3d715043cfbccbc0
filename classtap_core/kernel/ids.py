"""Ids: UUIDv7 for what is made, hashes for facts that are unique by nature. Text form: 32 lowercase hex digits."""

import hashlib
import re
from collections.abc import Callable
from functools import lru_cache
from typing import NewType

Id = NewType("Id", str)

_SHAPE = re.compile(r"[0-9a-f]{32}")

Entropy = Callable[[int], bytes]
"""Gives that many random bytes: `os.urandom`, or a seeded source in the demo and the simulator."""


def fresh(at_ms: int, entropy: Entropy) -> Id:
    """A UUIDv7 (RFC 9562 5.7) made at `at_ms` milliseconds since the Unix epoch."""
    if not 0 <= at_ms < 1 << 48:
        raise ValueError(f"time outside UUIDv7's 48 bits: {at_ms}")
    tail = int.from_bytes(entropy(10), "big")
    value = at_ms << 80 | 0x7 << 76 | (tail >> 68 & 0xFFF) << 64 | 0b10 << 62 | tail & (1 << 62) - 1
    return Id(f"{value:032x}")


@lru_cache(maxsize=16_384)
def derived(purpose: str, *parts: str) -> Id:
    """The id of a thing that is unique by nature: two devices that never met give it the same one.

    BLAKE2b-128 over the purpose and the parts, each with its length before it. Remembered, because reads, permission,
    gates and handler of one operation each ask for the same few.
    """
    return named(purpose, *parts)


def named(*parts: str) -> Id:
    """As `derived`, for a name that is asked for once."""
    told = [part.encode() for part in parts]
    data = b"".join([piece for part in told for piece in (len(part).to_bytes(4, "big"), part)])
    return Id(hashlib.blake2b(data, digest_size=16, person=b"classtap-id").hexdigest())


def parse(text: str) -> Id:
    """Check the shape of an id. Raises ValueError for anything but 32 lowercase hex digits."""
    if not _SHAPE.fullmatch(text):
        raise ValueError("an id is 32 lowercase hex digits")
    return Id(text)
