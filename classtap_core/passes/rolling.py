"""The rolling code: eight digits that change every 15 seconds, made by a phone and checked by a kiosk, both offline.

It is TOTP (RFC 6238, HMAC-SHA-1), because that is the one code a wallet's rotating barcode can make by itself.
"""

import hashlib
import hmac
import struct

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

STEP_S = 15
KEY_BYTES = 20

_DIGITS = 8


def rolling_key(studio_key: bytes, *, handle: int, epoch: int) -> bytes:
    """Derive a pass's own 20-byte key (HKDF-SHA-256, RFC 5869) from the studio's; a new epoch has a new key.

    Only the cloud holds the studio's key. A kiosk holds derived ones, so a lost one can make no code of a later epoch.
    """
    info = b"CTP1 rolling" + struct.pack(">QI", handle, epoch)
    return HKDF(algorithm=hashes.SHA256(), length=KEY_BYTES, salt=None, info=info).derive(studio_key)


def step_at(time_s: float) -> int:
    """Return the number of the 15-second step that holds `time_s` (Unix seconds)."""
    return int(time_s // STEP_S)


def code_of_step(key: bytes, step: int) -> str:
    """Return the eight digits of a step (RFC 4226, 5.3)."""
    digest = hmac.digest(key, struct.pack(">Q", step), hashlib.sha1)
    offset = digest[-1] & 0x0F
    number: int = struct.unpack_from(">I", digest, offset)[0] & 0x7FFF_FFFF
    return f"{number % 10**_DIGITS:0{_DIGITS}d}"


def with_code(text: str, key: bytes, *, at_s: int) -> str:
    """Return what a screen shows at `at_s` (Unix seconds): the signed text of a rolling pass and its suffix."""
    return f"{text}*{at_s:010d}*{code_of_step(key, step_at(at_s))}"


def is_code_of(key: bytes, *, time_s: int, code: str) -> bool:
    """Say in constant time whether `code` belongs to the step of `time_s`; its age is for the caller to judge."""
    return hmac.compare_digest(code_of_step(key, step_at(time_s)), code)
