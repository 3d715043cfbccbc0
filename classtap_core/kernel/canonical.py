"""One way to write JSON as bytes (RFC 8785), for everything that is hashed or signed: no floats, integers below 2^53."""

import hashlib
import json
import re
from typing import Any

import msgspec

from classtap_core.kernel.errors import BadInput

LIMIT = 1 << 53

_encode = msgspec.json.Encoder(order="sorted").encode
_decode = msgspec.json.Decoder().decode

_LONG = re.compile(rb"[:,\[]-?\d{16}")
"""What may be an integer of 2^53 and beyond in compact JSON; text may look like it."""
_DIGITS_ONLY = bytes(ord("0") if chr(code) in "0123456789" else ord(" ") for code in range(256))
"""For `bytes.translate`: every digit becomes 0, everything else a space."""


def _no_float(text: str) -> Any:
    raise ValueError(text)


_decode_integers = msgspec.json.Decoder(float_hook=_no_float).decode


def canonical(value: Any) -> bytes:
    """The canonical bytes of plain data (dict, list, str, int, bool, None).

    Raises BadInput for floats, integers of 2^53 and beyond, lone surrogates and keys that are not text.
    """
    try:
        plain_keys = _check(value)
        return _encode(value) if plain_keys else _encode_utf16(value).encode()
    except UnicodeEncodeError as error:
        raise BadInput("canonical.surrogate") from error
    except RecursionError as error:
        raise BadInput("canonical.depth") from error


def plain_canonical(value: Any) -> bytes:
    """As `canonical`, quicker, for a dict or list that came out of JSON: its types are known, its numbers are not."""
    try:
        data = _encode(value)
    except (UnicodeEncodeError, RecursionError):
        return canonical(value)
    return data if _is_plain(data) and not _has_float(data) else canonical(value)


def typed_canonical(value: Any) -> bytes:
    """As `plain_canonical`, quicker, where types forbid floats: what records hold."""
    try:
        data = _encode(value)
    except (UnicodeEncodeError, RecursionError):
        return canonical(value)
    return data if _is_plain(data) else canonical(value)


def is_canonical(data: bytes, typed: msgspec.Struct | None = None) -> bool:
    """Whether bytes are JSON in its one canonical form. Raises BadInput as `parse` and `canonical` do.

    `typed`: what they were read as, by types that forbid floats. Most are what that is written as, and need no other look.
    """
    if typed is not None and _is_plain(data) and _encode(typed) == data:
        return True
    try:
        value = _decode_integers(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return canonical(parse(data)) == data
    if _is_plain(data):
        return _encode(value) == data
    return canonical(value) == data


def _is_plain(data: bytes) -> bool:
    """Whether keys sort alike everywhere, being ASCII, and no integer of compact JSON may be too large."""
    return data[:1] in (b"{", b"[") and data.isascii() and b"\\u" not in data and not _has_long(data)


def _has_long(data: bytes) -> bool:
    # Most texts have no sixteen digits in a row, and this look is many times quicker than the expression.
    return b"0" * 16 in data.translate(_DIGITS_ONLY) and _LONG.search(data) is not None


def _has_float(data: bytes) -> bool:
    try:
        _decode_integers(data)
    except (msgspec.DecodeError, RecursionError):
        return True
    return False


def trusted_canonical(value: Any) -> bytes:
    """As `canonical`, unchecked, for data whose types already forbid floats and strange keys (our own structs)."""
    return _encode(value)


def parse(data: bytes | str) -> Any:
    """Plain data from JSON bytes. Raises BadInput when they are not JSON."""
    try:
        return _decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadInput("canonical.not_json") from error


def sha256(purpose: bytes, *parts: bytes) -> str:
    """Hex SHA-256 of a purpose tag and the parts; tags keep hashes of different things apart."""
    return hashlib.sha256(b"".join((purpose, *parts))).hexdigest()


def _check(value: Any) -> bool:
    """Whether every key is ASCII, so that byte order and RFC 8785's UTF-16 order agree."""
    kind = type(value)
    if kind is str or kind is bool or value is None:
        return True
    if kind is int:
        if not -LIMIT < value < LIMIT:
            raise BadInput("canonical.integer")
        return True
    if kind is dict:
        plain = True
        for key, inner in value.items():
            if type(key) is not str:
                raise BadInput("canonical.key")
            plain = _check(inner) and key.isascii() and plain
        return plain
    if kind is list or kind is tuple:
        return all([_check(inner) for inner in value])  # noqa: C419 - every element is checked, not up to the first
    raise BadInput("canonical.type", type=kind.__name__)


def _encode_utf16(value: Any) -> str:
    if isinstance(value, dict):
        keys = sorted(value, key=lambda key: key.encode("utf-16-be"))
        return "{" + ",".join(f"{_text(key)}:{_encode_utf16(value[key])}" for key in keys) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(_encode_utf16(inner) for inner in value) + "]"
    return _text(value)


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
