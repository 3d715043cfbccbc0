"""The pass text, version 1: claims to text and back, strictly; whether to believe them is `verify`'s business."""

import struct
from collections.abc import Callable
from enum import IntEnum

import msgspec

from classtap_core.passes import base45

PREFIX = "CT:"
VERSION = 1
SIGNATURE_BYTES = 64

_SIGNED_PREFIX = b"CTP1"
_HEAD = struct.Struct(">BBBBQQIII6s")
_EVENT = struct.Struct(">Q6s")
_BODY_CHARACTERS = (_HEAD.size + SIGNATURE_BYTES) // 2 * 3
_EVENT_BODY_CHARACTERS = (_HEAD.size + _EVENT.size + SIGNATURE_BYTES) // 2 * 3
_TIME_DIGITS = 10
_CODE_DIGITS = 8

STATIC_CHARACTERS = len(PREFIX) + _BODY_CHARACTERS
EVENT_CHARACTERS = len(PREFIX) + _EVENT_BODY_CHARACTERS
ROLLING_CHARACTERS = STATIC_CHARACTERS + 1 + _TIME_DIGITS + 1 + _CODE_DIGITS

_TEST, _TIER, _FALLBACK, _KIND, _RESERVED = 0x01, 0x06, 0x08, 0x70, 0x80


class Algorithm(IntEnum):
    """How a text is signed. A verifier takes it from the key, never from the text."""

    ED25519 = 1
    ES256 = 2


class Tier(IntEnum):
    """How a text is kept from being copied."""

    STATIC = 0
    ROLLING = 1
    DEVICE = 2


class Kind(IntEnum):
    """What a pass opens."""

    FAMILY = 0
    EVENT = 1
    PICKUP = 2
    STAFF = 3


class PassClaims(msgspec.Struct, frozen=True, kw_only=True):
    """What a pass text says; no name, no id of ours, nothing about a person.

    `studio` and `handle` are random 64-bit numbers; `not_before` and `expires` are Unix seconds; `nonce` has 48 bits.
    `event` (64 bits) and `token` (48 bits) are there for kind EVENT and for no other.
    """

    algorithm: Algorithm
    key_id: int
    studio: int
    handle: int
    epoch: int
    not_before: int
    expires: int
    nonce: int
    test: bool = False
    tier: Tier = Tier.STATIC
    fallback: bool = False
    kind: Kind = Kind.FAMILY
    event: int | None = None
    token: int | None = None
    version: int = VERSION


class RollingSuffix(msgspec.Struct, frozen=True):
    """What a rolling text adds: when its screen made the code (Unix seconds) and the eight digits of it."""

    time_s: int
    code: str


class Decoded(msgspec.Struct, frozen=True):
    """A text taken apart: its claims, not yet believed; the bytes the signature covers; the signature; the suffix."""

    claims: PassClaims
    signed: bytes
    signature: bytes
    rolling: RollingSuffix | None = None


class Unreadable(ValueError):
    """The text is no pass of this version; `code` is what a reader tripped over."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def encode(claims: PassClaims, sign: Callable[[bytes], bytes]) -> str:
    """Return the signed text of `claims`; of a rolling pass, the part before its suffix (see `rolling.with_code`).

    `sign` gets the bytes to cover (`CTP1` and all before the signature) and returns 64: Ed25519, or r and s of ES256.
    Raises ValueError when a claim is out of range or the combination has no text in version 1.
    """
    _check(claims)
    flags = claims.test | claims.tier << 1 | claims.fallback << 3 | claims.kind << 4
    try:
        body = _HEAD.pack(
            claims.version,
            claims.algorithm,
            claims.key_id,
            flags,
            claims.studio,
            claims.handle,
            claims.epoch,
            claims.not_before,
            claims.expires,
            claims.nonce.to_bytes(6, "big"),
        )
        if claims.event is not None and claims.token is not None:
            body += _EVENT.pack(claims.event, claims.token.to_bytes(6, "big"))
    except (struct.error, OverflowError) as error:
        raise ValueError(f"a claim is out of range: {error}") from error
    signature = sign(_SIGNED_PREFIX + body)
    if len(signature) != SIGNATURE_BYTES:
        raise ValueError(f"a signature has {SIGNATURE_BYTES} bytes, this one {len(signature)}")
    return PREFIX + base45.encode(body + signature)


def decode(text: str) -> Decoded:
    """Take `text` apart without believing it.

    Raises Unreadable with one of the codes not_a_pass, length, alphabet, version, algorithm, flags, kind, tier, suffix.
    """
    if not text.startswith(PREFIX):
        raise Unreadable("not_a_pass")
    if len(text) not in (STATIC_CHARACTERS, ROLLING_CHARACTERS, EVENT_CHARACTERS):
        raise Unreadable("length")
    # The suffix is cut by position: `*` is a letter of base45 and marks nothing.
    end = EVENT_CHARACTERS if len(text) == EVENT_CHARACTERS else STATIC_CHARACTERS
    try:
        data = base45.decode(text[len(PREFIX) : end])
    except base45.Base45Error as error:
        raise Unreadable("alphabet") from error
    claims = _claims(data)
    expected = EVENT_CHARACTERS if claims.kind is Kind.EVENT else STATIC_CHARACTERS
    if end != expected:
        raise Unreadable("length")
    body, signature = data[:-SIGNATURE_BYTES], data[-SIGNATURE_BYTES:]
    return Decoded(claims, _SIGNED_PREFIX + body, signature, _suffix(text[end:], claims.tier))


def _claims(data: bytes) -> PassClaims:
    version, algorithm, key_id, flags, studio, handle, epoch, not_before, expires, nonce = _HEAD.unpack_from(data)
    if version != VERSION:
        raise Unreadable("version")
    if algorithm not in (Algorithm.ED25519, Algorithm.ES256):
        raise Unreadable("algorithm")
    if flags & _RESERVED:
        raise Unreadable("flags")
    kind, tier = (flags & _KIND) >> 4, (flags & _TIER) >> 1
    if kind > Kind.STAFF:
        raise Unreadable("kind")
    # Version 1 fixes no second signature for a device-bound text; read without one, the binding would be lost.
    if tier not in (Tier.STATIC, Tier.ROLLING) or (kind == Kind.EVENT and tier != Tier.STATIC):
        raise Unreadable("tier")
    event: int | None = None
    token: int | None = None
    if kind == Kind.EVENT:
        if len(data) != _HEAD.size + _EVENT.size + SIGNATURE_BYTES:
            raise Unreadable("length")
        event, token_bytes = _EVENT.unpack_from(data, _HEAD.size)
        token = int.from_bytes(token_bytes, "big")
    return PassClaims(
        version=version,
        algorithm=Algorithm(algorithm),
        key_id=key_id,
        test=bool(flags & _TEST),
        tier=Tier(tier),
        fallback=bool(flags & _FALLBACK),
        kind=Kind(kind),
        studio=studio,
        handle=handle,
        epoch=epoch,
        not_before=not_before,
        expires=expires,
        nonce=int.from_bytes(nonce, "big"),
        event=event,
        token=token,
    )


def _suffix(rest: str, tier: Tier) -> RollingSuffix | None:
    if tier is Tier.STATIC:
        if rest:
            raise Unreadable("length")
        return None
    if not rest:
        raise Unreadable("suffix")
    time, code = rest[1 : 1 + _TIME_DIGITS], rest[-_CODE_DIGITS:]
    digits = time + code
    if rest[0] != "*" or rest[1 + _TIME_DIGITS] != "*" or not (digits.isascii() and digits.isdigit()):
        raise Unreadable("suffix")
    return RollingSuffix(int(time), code)


def _check(claims: PassClaims) -> None:
    if claims.version != VERSION:
        raise ValueError(f"there is no version {claims.version} to write")
    if claims.tier is Tier.DEVICE:
        raise ValueError("version 1 fixes no text for a device-bound pass")
    if claims.kind is Kind.EVENT and claims.tier is not Tier.STATIC:
        raise ValueError("an event pass has the static tier only")
    if (claims.kind is Kind.EVENT) != (claims.event is not None) or (claims.event is None) != (claims.token is None):
        raise ValueError("event and token belong to an event pass, both, and to no other")
    if claims.not_before >= claims.expires:
        raise ValueError("a pass must start before it ends")
