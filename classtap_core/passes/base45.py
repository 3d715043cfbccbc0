"""Base45 (RFC 9285): bytes as text that a QR code packs two characters to eleven bits."""

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
_VALUES = {character: value for value, character in enumerate(ALPHABET)}


class Base45Error(ValueError):
    """The text is not the base45 of any bytes."""


def encode(data: bytes) -> str:
    """Return the base45 text of `data`: three characters for two bytes, two for a last odd one."""
    characters: list[str] = []
    for at in range(0, len(data) - 1, 2):
        value = data[at] << 8 | data[at + 1]
        rest, low = divmod(value, 45)
        high, middle = divmod(rest, 45)
        characters += (ALPHABET[low], ALPHABET[middle], ALPHABET[high])
    if len(data) % 2:
        high, low = divmod(data[-1], 45)
        characters += (ALPHABET[low], ALPHABET[high])
    return "".join(characters)


def decode(text: str) -> bytes:
    """Return the bytes of `text`; each byte string has one text, so nothing is trimmed, folded or ignored.

    Raises Base45Error for a foreign character, a length no bytes have, or a group above its bytes' range (RFC 9285,
    4.3 and 6).
    """
    if len(text) % 3 == 1:
        raise Base45Error("no bytes have a text of this length")
    try:
        values = [_VALUES[character] for character in text]
    except KeyError as error:
        raise Base45Error("a character outside the alphabet") from error
    data = bytearray()
    whole = len(values) - len(values) % 3
    for at in range(0, whole, 3):
        value = values[at] + 45 * values[at + 1] + 2025 * values[at + 2]
        if value > 0xFFFF:
            raise Base45Error("a group above 65535")
        data += value.to_bytes(2, "big")
    if whole < len(values):
        value = values[whole] + 45 * values[whole + 1]
        if value > 0xFF:
            raise Base45Error("a last group above 255")
        data.append(value)
    return bytes(data)
