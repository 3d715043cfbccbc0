"""Words as they are compared: folded within a script, and as Latin letters however they were romanised.

A romanised name has many right spellings (Yuliya, Iuliia, Julija). So both what is stored and what is typed are worn down
to one key that the spellings share; keys are for comparing, never for showing.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise

from anyascii import anyascii

from classtap_core.naming.consonants import MARK, SCRIPTS, SHORTEST_BEGINNING, articles, bones, skeletons

# Marks belong to words (Indic vowel signs are marks); accents are already gone when a word is cut.
_WORD = ("L", "M", "N")
_KEPT_MARKS = (0, 7, 8, 9)  # canonical combining classes: vowel signs, nukta, kana voicing, virama
_MODIFIERS = frozenset(map(chr, range(0x2B0, 0x300)))  # ʻUmar, Zelensʹkyĭ: for those who know, never typed
_UNSPACED = ("CJK UNIFIED", "CJK COMPATIBILITY", "HIRAGANA", "KATAKANA")
_MOST_KEYS = 8

KEY = "\ue001"
"""What keys begin with, so that an index tells them from words."""

_REMEMBERED = 50_000


@lru_cache(_REMEMBERED)
def folded(text: str) -> str:
    """Text as words apart by single spaces: accents off, case folded, scripts without spaces cut into letters.

    >>> folded("Þóra  Ångström-O'Brien")
    'thora angstrom o brien'
    >>> folded("王小明")
    '王 小 明'
    """
    return " ".join(word for raw in text.split() for word in parts_of(raw))


@lru_cache(_REMEMBERED)
def parts_of(raw: str) -> tuple[str, ...]:
    """The folded words in a piece of text without spaces: an apostrophe or a hyphen parts two.

    >>> parts_of("D'Angelo")
    ('d', 'angelo')
    """
    plain = raw.lower() if raw.isascii() else "".join(letter for _, letter in _letters(raw))
    if plain.isalnum() and plain.isascii():
        return (plain,)
    return tuple("".join(char if _in_word(char) else " " for char in plain).split())


def _letters(raw: str) -> Iterator[tuple[int, str]]:
    """Each folded letter with the place in `raw` it came from; a letter that is a word of its own between spaces."""
    for at, char in enumerate(raw):
        for letter in unicodedata.normalize("NFKD", char).casefold():
            mark = unicodedata.combining(letter)
            if (mark and mark not in _KEPT_MARKS) or letter in _MODIFIERS:
                continue
            if letter > "\u2e7f" and unicodedata.name(letter, "").startswith(_UNSPACED):
                yield at, f" {letter} "
            elif not letter.isascii() and unicodedata.name(letter, "").startswith("LATIN"):
                yield at, anyascii(letter).lower()  # ø, đ, ł, æ, þ: no accents to take off, and typed without
            else:
                yield at, letter


def places(raw: str) -> list[tuple[str, list[int]]]:
    """The folded words in `raw`, each with the place in `raw` of each of its letters."""
    found: list[tuple[str, list[int]]] = []
    word, at = "", list[int]()
    for place, letters in (*_letters(raw), (len(raw), " ")):
        for letter in letters:
            if _in_word(letter):
                word += letter
                at.append(place)
            elif word:
                found.append((word, at))
                word, at = "", []
    return found


@lru_cache(4096)
def _in_word(char: str) -> bool:
    return unicodedata.category(char)[0] in _WORD or unicodedata.category(char) == "Co"


# -- across spellings


@lru_cache(_REMEMBERED)
def keys_of(text: str) -> frozenset[str]:
    """What else a text may be found by: each word as Latin letters, names written apart together.

    Keys begin with KEY, those of consonants alone (Arabic and Hebrew write no more) with `consonants.MARK`.
    """
    raws = text.split()
    keys = frozenset[str]().union(*(_keys_of_word(raw) for raw in raws))
    if text.isascii():
        return keys
    return keys.union(*(skeletons(_bare(left) + _bare(right)) for left, right in pairwise(raws)))


@lru_cache(_REMEMBERED)
def _keys_of_word(raw: str) -> frozenset[str]:
    parts = parts_of(raw)
    keys = {key for part in parts for key in latin_keys(part)}
    if "ё" in (plain := unicodedata.normalize("NFC", raw).lower()):
        keys |= {key for part in parts_of(plain.replace("ё", "о")) for key in latin_keys(part)}  # Fyodor as Fedor
    if len(parts) > 1:
        keys |= {key for together in ("".join(parts), "".join(parts[1:])) for key in latin_keys(together)}
    keys |= set(articles(_bare(raw)))
    return skeletons(_bare(raw)).union(KEY + key for key in keys if key and key not in parts)


def _bare(raw: str) -> str:
    """Letters alone, for the scripts that write consonants; nothing for all others."""
    return "" if raw.isascii() or not SCRIPTS.search(raw) else "".join(parts_of(raw))


class Spellings:
    """One word that was typed, as it may be spelled.

    Attributes:
        word: folded. key: worn down. begins: what the key of a name begins with, whatever is typed next; none where so
        little is left of the word that it would be anybody's, and the key must be the whole.
        bones: its consonants, marked; "" where it has none. bones_begin: whether they may be the first of more.
    """

    __slots__ = ("begins", "bones", "bones_begin", "key", "word")

    def __init__(self, word: str) -> None:
        self.word = word
        self.key = worn(anyascii(word)) if word.isascii() or _romanised(word) else ""
        # The last letter may be half of a pair that wears down to another ("k" of "kh", "y" of "ya").
        short = 2 if word[-1] in "iyj" else 3
        cut = self.key[:-1] if len(self.key) > short and word[-1] in "iyjkctpo" else ""
        telling = len(self.key) > 2 or self.key == word or (len(self.key) == 2 and len(word) > 3)
        self.begins = tuple(dict.fromkeys(one for one in (self.key, cut) if one)) if telling else ()
        found = bones(word) if word.isascii() and word.isalpha() else ""
        self.bones = MARK + found if found else ""
        self.bones_begin = len(found) >= SHORTEST_BEGINNING


def _romanised(word: str) -> bool:
    return not SCRIPTS.search(word)


@lru_cache(_REMEMBERED)
def latin_keys(word: str) -> frozenset[str]:
    """The keys of a folded word, one for each way of romanising it that leaves another."""
    if word.isascii():
        return frozenset((worn(word),))
    if SCRIPTS.search(word):
        return frozenset()
    options = [_SPELLED.get(found) or (found,) for found in _CUT.findall(word)]
    one = [way[0] for way in options]
    ways = [one, [way[-1] for way in options]]
    ways += [[*one[:at], way[-1], *one[at + 1 :]] for at, way in enumerate(options) if len(way) > 1]
    return frozenset(worn(anyascii("".join(way))) for way in ways[:_MOST_KEYS])


# Where systems of romanisation differ by more than `worn` levels. Cyrillic: BGN/PCGN, ALA-LC, ISO 9. Greek: ELOT 743
# (= BGN/PCGN, ISO 843 type 2) and letter by letter (ALA-LC, ISO 843 type 1).
_SPELLED = {
    "г": ("g", "h"), "ґ": ("g",),
    "χ": ("ch", "h"), "αυ": ("av", "au"), "ευ": ("ev", "eu"), "ου": ("ou",), "γγ": ("ng", "gg"), "γκ": ("gk", "ng"),
    "γχ": ("nch", "gch"), "μπ": ("b", "mp"), "ντ": ("nt", "d"), "η": ("i", "e"), "υ": ("i",), "ει": ("i", "ei"),
    "οι": ("i", "oi"), "β": ("v", "b"),
}  # fmt: skip
_CUT = re.compile("|".join([*sorted(_SPELLED, key=len, reverse=True), "."]))

# The sounds that are written with several letters, then the letters that some write for others. In this order.
_WORN = tuple(
    (letters, plain)
    for letters, plain in (
        *((one, "s") for one in ("shch", "szcz", "sch", "sc", "sh", "sz")),
        *((one, "c") for one in ("tsch", "tch", "ch", "cz", "ts", "tz")),
        ("kh", "h"), ("zh", "z"), ("ph", "f"), ("th", "t"), ("dh", "d"), ("gh", "g"), ("ck", "k"), ("q", "k"),
        ("x", "ks"), ("w", "v"), ("y", "i"), ("j", "i"), ("ou", "u"),
    )
)  # fmt: skip
_TWICE, _GLIDE, _UMLAUT = re.compile(r"([a-z])\1+"), re.compile("i(?=[aeou])"), re.compile("([aou])e")


@lru_cache(_REMEMBERED)
def worn(latin: str) -> str:
    """A word in Latin letters, worn down to what its spellings share.

    >>> worn("Mueller"), worn("Muller"), worn("Iuliia"), worn("Yuliya")
    ('muler', 'muler', 'ula', 'ula')
    """
    text = latin.lower()
    if not text.isalnum():
        text = "".join(char for char in text if char.isalnum())
    for letters, plain in _WORN:
        if letters in text:
            text = text.replace(letters, plain)
    return _TWICE.sub(r"\1", _UMLAUT.sub(r"\1", _GLIDE.sub("", _TWICE.sub(r"\1", text))))


# -- slips of the finger


def near(typed: str, word: str) -> bool:
    """Whether one letter left out, put in, changed or swapped with the next makes one of the other.

    >>> near("garsia", "garcia"), near("grcia", "garcia"), near("gracia", "garcia"), near("grasia", "garcia")
    (True, True, True, False)
    """
    if abs(len(typed) - len(word)) > 1:
        return False
    at = _same(typed, word)
    changed, swapped = typed[at + 1 :] == word[at + 1 :], typed[at : at + 2] == word[at : at + 2][::-1]
    return (
        changed
        or (swapped and typed[at + 2 :] == word[at + 2 :])
        or typed[at + 1 :] == word[at:]
        or typed[at:] == word[at + 1 :]
    )


def near_beginning(typed: str, word: str) -> bool:
    """Whether a longer word begins with `typed`, but for one letter of its second half: left out, changed or swapped."""
    return word.startswith(typed[: len(typed) // 2]) and any(
        near(typed, word[:size]) for size in (len(typed), len(typed) + 1) if size < len(word)
    )


def _same(left: str, right: str) -> int:
    at = 0
    for a, b in zip(left, right, strict=False):
        if a != b:
            break
        at += 1
    return at
