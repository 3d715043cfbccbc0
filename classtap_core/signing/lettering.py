"""Lines as a writer without shaping must set them: Arabic letters joined, right-to-left words turned round, left to right.

Unicode's rules for a line of plain text (UAX 9 without embeddings; Arabic presentation forms B, and of ligatures lam-alef alone).
"""

import unicodedata
from collections.abc import Callable
from functools import cache
from itertools import groupby

_RIGHT = ("R", "AL")
_PAIRS = {"(": ")", "[": "]", "{": "}"}
_MIRRORED = str.maketrans("()[]{}<>«»", ")(][}{><»«")
_LAM, _ALEFS = "\u0644", "\u0622\u0623\u0625\u0627"


def is_rtl(text: str) -> bool:
    """Whether a line begins at the right: its first strong letter says so (UAX 9, P2)."""
    found = (unicodedata.bidirectional(letter) for letter in text)
    return next((way in _RIGHT for way in found if way in ("L", *_RIGHT)), False)


def laid_out(text: str) -> str:
    """A line's letters in the order they are seen from left to right, joined where they join."""
    if not any(unicodedata.bidirectional(letter) in (*_RIGHT, "AN") for letter in text):
        return text
    shown = joined(text)
    levels = _levels(shown, int(is_rtl(text)))
    clusters: list[tuple[str, int]] = []  # marks stay behind the letters they sit on
    for letter, level in zip(shown, levels, strict=True):
        if clusters and unicodedata.combining(letter):
            clusters[-1] = (clusters[-1][0] + letter, clusters[-1][1])
        else:
            clusters.append((letter.translate(_MIRRORED) if level % 2 else letter, level))
    return "".join(cluster for cluster, _ in _seen(clusters))


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
        ligature = _forms().get(letter + after) if letter == _LAM and after else None
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
        if wanted and (len(letters) == 1 or (letters[0] == _LAM and letters[1:] in _ALEFS)):
            found.setdefault(letters, {}).setdefault(name, chr(code))
    return found


def _levels(text: str, base: int) -> list[int]:
    """How deep each letter lies: odd ones run from right to left."""
    edge = "R" if base else "L"
    ways = _weak([unicodedata.bidirectional(letter) for letter in text], edge)
    _brackets(text, ways, edge)
    ways = _neutral(ways, edge)
    deeper = {"L": (0, 1), "R": (1, 0), "AN": (2, 1), "EN": (2, 1)}
    return [base + deeper[way][base] for way in ways]


def _weak(ways: list[str], edge: str) -> list[str]:
    """UAX 9, W1 to W7: what marks, numbers and what stands in numbers are beside their neighbours."""
    strong, before = edge, edge
    found: list[str] = []
    for way in ways:
        way = before if way == "NSM" else way
        before = way
        if way in ("L", *_RIGHT):
            strong = way
        found.append("AN" if way == "EN" and strong == "AL" else way)
    found = ["R" if way == "AL" else way for way in found]
    for at in range(1, len(found) - 1):
        sides = {found[at - 1], found[at + 1]}
        if found[at] in ("ES", "CS") and sides == {"EN"}:
            found[at] = "EN"
        elif found[at] == "CS" and sides == {"AN"}:
            found[at] = "AN"
    at = 0
    for way, run in groupby(list(found)):
        end = at + len(list(run))
        if way == "ET" and "EN" in (*found[max(at - 1, 0) : at], *found[end : end + 1]):
            found[at:end] = ["EN"] * (end - at)
        at = end
    strong = edge
    for at, way in enumerate(found):
        if way in ("L", "R"):
            strong = way
        elif way == "EN" and strong == "L":
            found[at] = "L"
    return found


def _brackets(text: str, ways: list[str], edge: str) -> None:
    """UAX 9, N0: a pair of brackets goes with what stands in it, as far as that goes with the line."""
    open_: list[int] = []
    pairs: list[tuple[int, int]] = []
    for at, letter in enumerate(text):
        if ways[at] in ("L", "R", "EN", "AN"):
            continue
        if letter in _PAIRS:
            open_.append(at)
        elif letter in _PAIRS.values():
            start = next((one for one in reversed(open_) if _PAIRS[text[one]] == letter), None)
            if start is not None:
                del open_[open_.index(start) :]
                pairs.append((start, at))
    for start, end in sorted(pairs):
        inside = {_side(way) for way in ways[start + 1 : end]} - {""}
        if not inside:
            continue
        before = next((_side(way) for way in reversed(ways[:start]) if _side(way)), edge)
        ways[start] = ways[end] = edge if edge in inside or before == edge else before


def _neutral(ways: list[str], edge: str) -> list[str]:
    """UAX 9, N1 and N2: what has no direction goes with its neighbours where they agree, else with the line."""
    found = list(ways)
    at = 0
    for neutral, run in groupby(ways, lambda way: not _side(way)):
        end = at + len(list(run))
        if neutral:
            before = _side(found[at - 1]) if at else edge
            after = _side(ways[end]) if end < len(ways) else edge
            found[at:end] = [before if before == after else edge] * (end - at)
        at = end
    return found


def _side(way: str) -> str:
    """Which way a letter draws its neighbours: numbers count as right to left."""
    return "R" if way in ("R", "EN", "AN") else "L" if way == "L" else ""


def _seen(clusters: list[tuple[str, int]]) -> list[tuple[str, int]]:
    """UAX 9, L2: from the deepest on, what lies that deep or deeper is turned round."""
    for level in range(max(level for _, level in clusters), 0, -1):
        found: list[tuple[str, int]] = []
        run: list[tuple[str, int]] = []
        for one in clusters:
            if one[1] >= level:
                run.insert(0, one)
            else:
                found += [*run, one]
                run = []
        clusters = found + run
    return clusters
