"""Staff PINs: six digits, argon2id over a keyed hash, and the lock-out that six digits need (ruling 22)."""

import hashlib
import hmac
import re
from typing import NamedTuple

import msgspec
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import Type, hash_secret

from classtap_core.kernel.errors import BadInput
from classtap_core.kernel.ids import Entropy

TIME_COST, MEMORY_KIB, LANES = 2, 19 * 1024, 1
"""OWASP's least for argon2id: about 30 ms on a desk PC; the pepper, not the cost, is what guards six digits."""

STEPS_MS: tuple[tuple[int, int], ...] = ((3, 5 * 60_000), (6, 30 * 60_000))
NEEDS_MANAGER = 10
_SIX_DIGITS = re.compile(r"[0-9]{6}")


class Tries(msgspec.Struct, frozen=True, omit_defaults=True):
    """Wrong PINs of one person on one device since the last right one, and when the last was."""

    wrong: int = 0
    last_ms: int = 0


class Lock(NamedTuple):
    """How a person stands: locked until `until_ms`, or until a manager opens (`manager`), or not at all."""

    until_ms: int | None = None
    manager: bool = False

    @property
    def locked(self) -> bool:
        return self.manager or self.until_ms is not None


OPEN = Lock()


def hash_pin(pin: str, *, pepper: bytes, entropy: Entropy) -> str:
    """The hash to keep, in argon2's own text form. Raises BadInput `pin.shape` for anything but six digits."""
    if not _SIX_DIGITS.fullmatch(pin):
        raise BadInput("pin.shape")
    return hash_secret(
        _keyed(pin, pepper), entropy(16), time_cost=TIME_COST, memory_cost=MEMORY_KIB, parallelism=LANES, hash_len=32,
        type=Type.ID,
    ).decode()  # fmt: skip


def verify_pin(pin: str, kept: str, *, pepper: bytes) -> bool:
    """Whether a PIN is the one that was hashed. A hash that is not one matches nothing."""
    if not _SIX_DIGITS.fullmatch(pin):
        return False
    try:
        return PasswordHasher().verify(kept, _keyed(pin, pepper))
    except (VerificationError, InvalidHashError):
        return False


def lock_of(tries: Tries, now_ms: int) -> Lock:
    """3 wrong lock for 5 minutes, 6 for 30, 10 until a manager opens; between the steps a person may try."""
    if tries.wrong >= NEEDS_MANAGER:
        return Lock(manager=True)
    for wrong, pause in STEPS_MS:
        if tries.wrong == wrong and now_ms < tries.last_ms + pause:
            return Lock(until_ms=tries.last_ms + pause)
    return OPEN


def after_wrong(tries: Tries, now_ms: int) -> Tries:
    return Tries(tries.wrong + 1, now_ms)


def _keyed(pin: str, pepper: bytes) -> bytes:
    return hmac.new(pepper, b"classtap-pin" + pin.encode(), hashlib.sha256).digest()
