"""Lines as a writer without shaping must set them: Arabic letters joined, right-to-left words turned round, left to right.

A small part of Unicode's rules (UAX 9 without nesting; Arabic presentation forms B), enough for lines of plain text.
"""

import unicodedata
from collections.abc import Callable, Iterator
from functools import cache

_RIGHT, _NUMBER = ("R", "AL"), ("EN", "AN")
_MIRRORED = str.maketrans("()[]{}<>«»", ")(][}{><»«")
_LAM = "\u0644"


def is_rtl(text: str) -> bool:
    """Whether a line begins at the right: its first strong letter says so (UAX 9, P2)."""
    found = (unicodedata.bidirectional(letter) for letter in text)
    return next((way in _RIGHT for way in found if way in ("L", *_RIGHT)), False)


def laid_out(text: str) -> str:
    """A line's letters in the order they are seen from left to right, joined where they join."""
    if not any(unicodedata.bidirectional(letter) in _RIGHT for letter in text):
        return text
    base = is_rtl(text)
    runs = list(_runs(joined(text), base))
    return "".join(_turned(run) if rtl else run for run, rtl in (reversed(runs) if base else runs))


def drawable(text: str, has: Callable[[str], bool]) -> str:
    """A line in which every letter that no font has stands as its number, ``[U+738B]``: exact, where it cannot be pretty."""
    return "".join(letter if letter == " " or has(letter) else f"[U+{ord(letter):04X}]" for letter in text)


def joined(text: str) -> str:
    """Arabic letters in the form they take beside their neighbours."""
    found: list[str] = []
    letters = list(text)
    at = 0
    while at < len(letters):
        letter = letters[at]
        after = letters[at + 1] if at + 1 < len(letters) else ""
        before = _neighbour(letters, at, -1)
        joins_back = _joins_on(before) and _takes(letter)
        ligature = _forms().get(letter + after) if letter == _LAM else None
        if ligature is not None:
            found.append(ligature.get("final" if joins_back else "isolated", letter + after))
            at += 2
            continue
        joins_on = _joins_on(letter) and _takes(_neighbour(letters, at, 1))
        forms = _forms().get(letter, {})
        name = {(True, True): "medial", (True, False): "final", (False, True): "initial"}.get(
            (joins_back, joins_on), "isolated"
        )
        found.append(forms.get(name, letter))
        at += 1
    return "".join(found)


def _neighbour(letters: list[str], at: int, step: int) -> str:
    """The next letter that way, marks passed over."""
    at += step
    while 0 <= at < len(letters) and unicodedata.combining(letters[at]):
        at += step
    return letters[at] if 0 <= at < len(letters) else ""


def _joins_on(letter: str) -> bool:
    """Whether a letter joins the one after it."""
    return letter == "\u0640" or "initial" in _forms().get(letter, {})


def _takes(letter: str) -> bool:
    """Whether a letter is joined by the one before it."""
    return letter == "\u0640" or "final" in _forms().get(letter, {})


@cache
def _forms() -> dict[str, dict[str, str]]:
    """Letter (or lam-alef) → its presentation forms, as Unicode's data names them."""
    found: dict[str, dict[str, str]] = {}
    for code in (*range(0xFB50, 0xFE00), *range(0xFE70, 0xFEFD)):
        tag, *parts = unicodedata.decomposition(chr(code)).split()[:4] or [""]
        name = tag.strip("<>")
        letters = "".join(chr(int(part, 16)) for part in parts)
        wanted = name in ("isolated", "initial", "medial", "final") and " " not in letters
        if wanted and (len(letters) == 1 or letters[:1] == _LAM):
            found.setdefault(letters, {}).setdefault(name, chr(code))
    return found


def _runs(text: str, base: bool) -> Iterator[tuple[str, bool]]:
    """A line cut where its direction turns; what has none goes with its neighbours where they agree, else with the line."""
    ways = [_way(letter) for letter in text]
    for at, way in enumerate(ways):
        if way is None:
            before = next((one for one in reversed(ways[:at]) if one is not None), base)
            after = next((one for one in ways[at:] if one is not None), base)
            ways[at] = before if before == after else base
    start = 0
    for at in range(1, len(text) + 1):
        if at == len(text) or ways[at] != ways[start]:
            yield text[start:at], bool(ways[start])
            start = at


def _way(letter: str) -> bool | None:
    way = unicodedata.bidirectional(letter)
    return True if way in _RIGHT else False if way == "L" or way in _NUMBER else None


def _turned(run: str) -> str:
    """A right-to-left run as it is seen, marks after the letters they sit on."""
    clusters: list[str] = []
    for letter in run:
        if clusters and unicodedata.combining(letter):
            clusters[-1] += letter
        else:
            clusters.append(letter)
    return "".join(reversed(clusters)).translate(_MIRRORED)
