"""Texts that are almost passes: every way of bending a good one that a thief or a bad camera could come to, seeded."""

import random
from collections.abc import Callable, Iterator, Sequence

from classtap_core.passes import base45
from classtap_core.passes.codec import ROLLING_CHARACTERS, STATIC_CHARACTERS
from classtap_core.passes.rolling import STEP_S

Mutation = Callable[[random.Random, str, Sequence[str]], str]


def mutated(texts: Sequence[str], count: int, *, seed: int) -> Iterator[str]:
    """`count` texts, none of them one of `texts`; the same seed gives the same ones."""
    rng, good, ways = random.Random(seed), {essence(text) for text in texts}, tuple(MUTATIONS.values())
    made = 0
    while made < count:
        found = rng.choice(ways)(rng, rng.choice(texts), texts)
        if rng.random() < 0.2:
            found = rng.choice(ways)(rng, found, texts)
        if essence(found) not in good:
            made += 1
            yield found


def essence(text: str) -> str:
    """A text without what a code does not prove: the second within its step of 15 (docs/passes.md)."""
    time = text[STATIC_CHARACTERS + 1 : STATIC_CHARACTERS + 11]
    if len(text) != ROLLING_CHARACTERS or not (time.isascii() and time.isdigit()):
        return text
    return f"{text[: STATIC_CHARACTERS + 1]}{int(time) // STEP_S}{text[STATIC_CHARACTERS + 11 :]}"


def _bytes(text: str) -> tuple[bytearray, str]:
    """The signed bytes of a text and what follows them; nothing of a text that has none."""
    end = STATIC_CHARACTERS if len(text) != 177 else 177
    try:
        data = base45.decode(text[3:end])
    except base45.Base45Error:
        data = b""
    return (bytearray(data), text[end:]) if len(data) >= 102 else (bytearray(102), "")


def _text(data: bytes | bytearray, rest: str) -> str:
    return "CT:" + base45.encode(bytes(data)) + rest


def _flip(rng: random.Random, text: str, _: Sequence[str]) -> str:
    data, rest = _bytes(text)
    for _ in range(rng.choice((1, 1, 1, 2, 8))):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return _text(data, rest)


def _field(rng: random.Random, text: str, _: Sequence[str]) -> str:
    """Version, algorithm, key, flags, studio, handle, epoch, times: set to what might pass."""
    data, rest = _bytes(text)
    at, size = rng.choice(((0, 1), (1, 1), (2, 1), (3, 1), (4, 8), (12, 8), (20, 4), (24, 4), (28, 4), (32, 6)))
    value = rng.choice(
        (bytes(size), b"\xff" * size, rng.randbytes(size), bytes(size - 1) + b"\1", bytes(size - 1) + b"\2")
    )
    data[at : at + size] = value
    return _text(data, rest)


def _splice(rng: random.Random, text: str, texts: Sequence[str]) -> str:
    """The claims of one pass over the signature of another."""
    (data, rest), (other, _) = _bytes(text), _bytes(rng.choice(texts))
    return _text(data[:-64] + other[-64:], rest)


def _signature(rng: random.Random, text: str, _: Sequence[str]) -> str:
    data, rest = _bytes(text)
    data[-64:] = rng.choice((bytes(64), b"\xff" * 64, rng.randbytes(64), data[-32:] + data[-64:-32]))
    return _text(data, rest)


def _cut(rng: random.Random, text: str, _: Sequence[str]) -> str:
    if len(text) < 2:
        return ""
    return text[: rng.randrange(len(text))] if rng.random() < 0.5 else text[rng.randrange(1, len(text)) :]


def _longer(rng: random.Random, text: str, texts: Sequence[str]) -> str:
    more = rng.choice((base45.encode(rng.randbytes(rng.randrange(1, 40))), "*", " ", "\n", rng.choice(texts), "\0"))
    return rng.choice((text + more, more + text, text[:40] + more + text[40:]))


def _letter(rng: random.Random, text: str, _: Sequence[str]) -> str:
    at = rng.randrange(max(1, len(text)))
    letter = rng.choice((*base45.ALPHABET, "a", "é", "\0", "�", "😀", "０"))
    return text[:at] + letter + text[at + 1 :]


def _case(rng: random.Random, text: str, _: Sequence[str]) -> str:
    return rng.choice(
        (text.lower(), text.swapcase(), text.replace("CT:", "ct:", 1), f" {text}", text.replace(" ", "+"))
    )


def _suffix(rng: random.Random, text: str, _: Sequence[str]) -> str:
    """Another time, another code, digits of another script, a suffix where none belongs."""
    body = text[:STATIC_CHARACTERS]
    digits = "".join(rng.choice("0123456789") for _ in range(18))
    given = rng.choice((digits, digits.replace("1", "١"), text[-18:].replace("*", "0").rjust(18, "0")))
    return f"{body}*{given[:10]}*{given[10:]}"


MUTATIONS: dict[str, Mutation] = {
    "flip": _flip, "field": _field, "splice": _splice, "signature": _signature, "cut": _cut, "longer": _longer,
    "letter": _letter, "case": _case, "suffix": _suffix,
}  # fmt: skip
