"""Whether and how what somebody typed fits a name: the same judgement wherever people look for something."""

from collections.abc import Iterable, Sequence
from enum import IntEnum
from typing import NamedTuple

from classtap_core.naming.spelling import KEY, Spellings, folded, keys_of, near, near_beginning, parts_of, places

SHORTEST_SLIP, SHORTEST_SLIP_BEGINNING = 4, 5
"""Letters that were typed before a slip of the finger among them is forgiven, in a whole word or in how one begins."""

SHORTEST_DIGITS, _TELLING_DIGITS = 3, 7
_ABOUT_NUMBERS = frozenset("+()-./ \u00a0\u202f")


class How(IntEnum):
    """How well something fits, best first: the name begins so, a word does, a part, another spelling, a slip."""

    BEGINS = 1
    WORD = 2
    PART = 3
    ALIKE = 4
    SLIP = 5


class Mark(NamedTuple):
    """What fitted: letters `start` up to `end` of a field's text."""

    field: str
    start: int
    end: int


class Fit(NamedTuple):
    """How something fits, and where: for showing why it is in a list. A mark in `phone` or `email` says it was that."""

    how: How
    marks: tuple[Mark, ...]


class Asked:
    """What somebody typed, taken apart once.

    Attributes:
        words: folded, at most eight. digits: a telephone number or part of one, else "". email: one or part of one,
        else "".
    """

    def __init__(self, text: str) -> None:
        plain = text.encode("utf-8", "replace").decode()[:200]
        self.text = folded(plain)
        self.words = tuple(Spellings(word) for word in dict.fromkeys(self.text.split()[:8]))
        digits = "".join(char for char in plain if char.isdecimal())
        number = bool(digits) and all(char.isdecimal() or char in _ABOUT_NUMBERS for char in plain)
        self.digits = digits_of(digits) if number and len(digits) >= SHORTEST_DIGITS else ""
        bare = plain.strip().lower()
        self.email = bare if len(bare) >= SHORTEST_DIGITS and not any(char.isspace() for char in bare) else ""

    def __bool__(self) -> bool:
        return bool(self.words)

    def numbers(self) -> tuple[str, ...]:
        """Parts of a stored number, one of which it must have: as typed, without the zero, without a country code.

        "020 7946 0958" and "+44 20 7946 0958" are one number; country codes have up to three digits (ITU-T E.164).
        """
        bare = self.digits.lstrip("0")
        if not bare:
            return (self.digits,)
        without = tuple(bare[cut:] for cut in (1, 2, 3) if len(bare) - cut >= _TELLING_DIGITS)
        return (self.digits, bare, *without) if bare != self.digits else (bare, *without)


def digits_of(phone: str) -> str:
    """The digits of a telephone number, of whatever script, as 0 to 9."""
    return "".join(str(int(char)) for char in phone if char.isdecimal())


def fit(asked: Asked, fields: Sequence[tuple[str, str]]) -> Fit | None:
    """How what was asked fits these fields (name and text) taken together, or None.

    Every word that was typed must fit a word of the fields; a field called `phone` fits by its digits, one called
    `email` by any part.
    """
    if not asked:
        return None
    named = [(name, text) for name, text in fields if name not in ("phone", "email")]
    reached = (_reached(asked, name, text) for name, text in fields if name in ("phone", "email"))
    found = [one for one in (_names(asked, named), *reached) if one is not None]
    return min(found, key=lambda one: one.how, default=None)


def _reached(asked: Asked, name: str, text: str) -> Fit | None:
    if name == "phone":
        return _called(asked, text) if asked.digits else None
    at = text.lower().find(asked.email) if asked.email else -1
    if at < 0:
        return None
    return Fit(How.PART if at else How.BEGINS, (Mark(name, at, at + len(asked.email)),))


def _called(asked: Asked, phone: str) -> Fit | None:
    at_digit = [at for at, char in enumerate(phone) if char.isdecimal()]
    digits = digits_of(phone)
    for rank, part in enumerate(asked.numbers()):
        plain = rank < 1 or part == asked.digits.lstrip("0")
        at = digits.find(part)
        # What is left of a number without its code must be all of the other, or it is another country's.
        if at >= 0 and (plain or digits.lstrip("0") == part):
            how = How.BEGINS if digits == part else How.WORD if digits.endswith(part) else How.PART
            return Fit(how, (Mark("phone", at_digit[at], at_digit[at + len(part) - 1] + 1),))
    return None


def _names(asked: Asked, fields: Sequence[tuple[str, str]]) -> Fit | None:
    if not fields:
        return None
    whole = " ".join(folded(text) for _, text in fields)
    raws = list(_raws(fields))
    hows, marks = list[How](), list[Mark]()
    for spelled in asked.words:
        best = min((found for raw in raws if (found := _word(spelled, raw))), default=None)
        if best is None:
            return None
        hows.append(best[0])
        marks.append(best[1])
    how = How.BEGINS if whole.startswith(asked.text) else max(hows)
    return Fit(how, tuple(sorted(set(marks))))


class _Raw(NamedTuple):
    field: str
    start: int
    text: str
    next: str


def _raws(fields: Iterable[tuple[str, str]]) -> Iterable[_Raw]:
    for name, text in fields:
        words, at, starts = text.split(), 0, list[int]()
        for word in words:
            at = text.index(word, at)
            starts.append(at)
            at += len(word)
        for place, (start, word) in enumerate(zip(starts, words, strict=True)):
            yield _Raw(name, start, word, words[place + 1] if place + 1 < len(words) else "")


def _word(asked: Spellings, raw: _Raw) -> tuple[How, Mark] | None:
    """How a word that was typed fits a piece of a name, and where."""
    parts = parts_of(raw.text)
    for how, at in (
        (How.WORD, next((at for at, part in enumerate(parts) if part.startswith(asked.word)), None)),
        (How.PART, next((at for at, part in enumerate(parts) if len(asked.word) > 1 and asked.word in part), None)),
    ):
        if at is not None:
            _, letters = places(raw.text)[at]
            start = parts[at].find(asked.word)
            first, last = letters[start], letters[start + len(asked.word) - 1]
            return how, Mark(raw.field, raw.start + first, raw.start + last + 1)
    everywhere = Mark(raw.field, raw.start, raw.start + len(raw.text))
    keys = keys_of(raw.text)
    latin = [*parts, *(key[1:] for key in keys if key[0] == KEY)]
    if asked.key in latin or any(word.startswith(begins) for begins in asked.begins for word in latin):
        return How.ALIKE, everywhere
    if _has_bones(asked, keys):
        return How.ALIKE, everywhere
    if raw.next and _has_bones(asked, keys_of(f"{raw.text} {raw.next}") - keys_of(raw.next)):
        return How.ALIKE, everywhere
    return (How.SLIP, everywhere) if slipped(asked, latin) else None


def _has_bones(asked: Spellings, keys: Iterable[str]) -> bool:
    if not asked.bones:
        return False
    return any(key == asked.bones or (asked.bones_begin and key.startswith(asked.bones)) for key in keys)


def slipped(asked: Spellings, words: Iterable[str]) -> bool:
    """Whether a word that was typed is one slip away from one of these words, or from how one begins."""
    typed = [one for one in (asked.word, asked.key) if len(one) >= SHORTEST_SLIP and not one.isdecimal()]
    return any(
        near(one, word) or (len(one) >= SHORTEST_SLIP_BEGINNING and near_beginning(one, word))
        for one in typed
        for word in words
    )
