"""Arabic and Hebrew names by their consonants: their scripts write little else, and Latin spellings agree on little else."""

import re
from functools import lru_cache
from itertools import islice, product

MARK = "\ue000"
"""What keys of consonants begin with: a character that no name has (Unicode 24.5.1, private use)."""

SCRIPTS = re.compile("[\u0590-\u05ff\u0600-\u06ff\u0750-\u077f\u08a0-\u08ff\ufb1d-\ufdff\ufe70-\ufeff]")
SHORTEST_BEGINNING = 3
"""Consonants typed before they may be the first of more."""

_MOST = 16

# Letter → what it may sound as, "" where it only carries a vowel. After ALA-LC and BGN/PCGN, and how names are in fact
# written in passports: so ח is h or ch, ו a vowel or v, ظ z or d.
_SOUNDS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys("אעיאאءآأؤإئاعىيیةۀہ", ("",)),
    "ב": ("b", "v"), "ג": ("g",), "ד": ("d",), "ה": ("h",), "ו": ("v", ""), "ז": ("z",), "ח": ("h", "k"), "ט": ("t",),
    "כ": ("k",), "ך": ("k",), "ל": ("l",), "מ": ("m",), "ם": ("m",), "נ": ("n",), "ן": ("n",), "ס": ("s",),
    "פ": ("p", "f"), "ף": ("f",), "צ": ("z",), "ץ": ("z",), "ק": ("k",), "ר": ("r",), "ש": ("s",), "ת": ("t",),
    "ب": ("b",), "پ": ("p",), "ت": ("t",), "ث": ("t", "s"), "ج": ("g",), "چ": ("k",), "ح": ("h",), "خ": ("k",),
    "د": ("d",), "ذ": ("d", "z"), "ر": ("r",), "ز": ("z",), "ژ": ("z",), "س": ("s",), "ش": ("s",), "ص": ("s",),
    "ض": ("d", "z"), "ط": ("t",), "ظ": ("z", "d"), "غ": ("g",), "ف": ("f",), "ق": ("k",), "ك": ("k",), "ک": ("k",),
    "گ": ("g",), "ل": ("l",), "م": ("m",), "ن": ("n",), "ه": ("h",), "و": ("v", ""), "ھ": ("h",),
}  # fmt: skip
_LATIN = (
    (re.compile("kh|ch|ck|q|c"), "k"),
    (re.compile("t[sz]|zh"), "z"),
    (re.compile("sh"), "s"),
    (re.compile("ph"), "f"),
    (re.compile("([tdg])h"), r"\1"),
    (re.compile("j"), "g"),
    (re.compile("x"), "ks"),
    (re.compile("w"), "v"),
    (re.compile("[aeiouy]"), ""),
)
_TWICE = re.compile(r"(.)\1+")
_ARTICLE = "ال"
ARTICLES = ("al", "el", "ad", "an", "ar", "as", "ash", "at", "az", "ul")


def _settled(consonants: str) -> str:
    short = _TWICE.sub(r"\1", consonants)
    return short[:-1] if short.endswith("h") and len(short) > 1 else short


@lru_cache(20_000)
def bones(latin: str) -> str:
    """The consonants of a word in Latin letters, as keys have them.

    >>> bones("muhammad"), bones("fatimah"), bones("cohen"), bones("yitzhak")
    ('mhmd', 'ftm', 'khn', 'zk')
    """
    text = latin.replace("tzh", "tz")
    for pattern, plain in _LATIN:
        text = pattern.sub(plain, text)
    return _settled(text)


@lru_cache(20_000)
def skeletons(word: str) -> frozenset[str]:
    """The marked consonants of a word in Arabic or Hebrew letters, one for each way it may sound; else nothing.

    Where the article is written with the name, both with and without.
    """
    if not SCRIPTS.search(word):
        return frozenset()
    bare = word.removeprefix(_ARTICLE)
    return frozenset(MARK + made for form in {word, bare} for made in _sounded(form))


def articles(word: str) -> tuple[str, ...]:
    """How the article a word begins with is spelled in Latin letters; nothing where there is none."""
    return ARTICLES if word.startswith(_ARTICLE) and len(word) > len(_ARTICLE) else ()


def _sounded(word: str) -> set[str]:
    ways = product(*(_SOUNDS.get(letter, ("",)) for letter in word))
    return {_settled("".join(way)) for way in islice(ways, _MOST)} - {""}
