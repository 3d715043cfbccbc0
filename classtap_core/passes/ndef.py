"""The same text on an NFC tag: one NDEF record of text (NFC Forum RTD Text 1.0), read strictly, written short."""

from classtap_core.passes.codec import PREFIX

_TNF_WELL_KNOWN, _SHORT, _BEGIN, _END = 0x01, 0x10, 0x80, 0x40
_CHUNK, _HAS_ID = 0x20, 0x08
_LANGUAGE = b"en"
MOST_BYTES = 4_096


def message(text: str) -> bytes:
    """The NDEF message of a pass: one short record of type T, UTF-8, language en. Raises ValueError beyond 252 bytes."""
    payload = bytes([len(_LANGUAGE)]) + _LANGUAGE + text.encode("ascii")
    if len(payload) > 0xFF:
        raise ValueError("a short record has at most 255 bytes")
    return bytes([_BEGIN | _END | _SHORT | _TNF_WELL_KNOWN, 1, len(payload)]) + b"T" + payload


def texts(data: bytes) -> tuple[str, ...]:
    """The texts of an NDEF message that begin as a pass does; nothing of a message that is none. Never raises."""
    found: list[str] = []
    at = 0
    while at < len(data) <= MOST_BYTES:
        head, at = data[at], at + 1
        size = 1 if head & _SHORT else 4
        if at + 1 + size > len(data) or head & _CHUNK:
            break
        kind_size, at = data[at], at + 1
        length, at = int.from_bytes(data[at : at + size], "big"), at + size
        id_size = 0
        if head & _HAS_ID:
            if at >= len(data):
                break
            id_size, at = data[at], at + 1
        kind, at = data[at : at + kind_size], at + kind_size + id_size
        payload, at = data[at : at + length], at + length
        if at > len(data):
            break
        if head & 0x07 == _TNF_WELL_KNOWN and kind == b"T" and payload:
            text = _text(payload)
            if text.startswith(PREFIX):
                found.append(text)
        if head & _END:
            break
    return tuple(found)


def _text(payload: bytes) -> str:
    """A text record's text; bit 7 of its first byte says UTF-16."""
    language = payload[0] & 0x3F
    try:
        return payload[1 + language :].decode("utf-16-be" if payload[0] & 0x80 else "utf-8")
    except UnicodeDecodeError:
        return ""
