"""Finding entries: groups of terms that must all be met, newest first, a page at a time, over any index of terms. Pure.

Work is bounded: where two common terms hardly ever meet, a page says how far it looked, and the next goes on there.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

import msgspec

from classtap_core.auditing.terms import BY, DEVICE, EVERY, IN, KIND, ON, words_in
from classtap_core.kernel.canonical import LIMIT
from classtap_core.kernel.clock import Moment
from classtap_core.kernel.errors import BadInput

MOST = 100
BUDGET = 20_000
"""Entries of the rarest term that one page looks at."""
_WEIGHED = 4_000
_SPELLINGS = 64
_DIGITS = len(str(LIMIT))
SHORTEST, LONGEST = 2, 64
END = 1 << 62


class Query(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is looked for; everything named must hold.

    Attributes:
        person: who did it or whom it is about. author: who did it. thing: a record, session, child, grant …: by id.
        device, kind, location: as an entry has them. since_ms, until_ms: when it was done; until is not included.
        text: words that are in what was said, or in `meanings`: word → further terms that a reader means by it (kinds of
        operations whose sentence has it, ids of persons so called). after: where the page before ended. most: 1 to 100.
    """

    person: str = ""
    author: str = ""
    thing: str = ""
    device: str = ""
    kind: str = ""
    location: str = ""
    since_ms: Moment = 0
    until_ms: Moment = 0
    text: str = ""
    meanings: dict[str, tuple[str, ...]] = {}
    after: str = ""
    most: int = 50


class Spot(NamedTuple):
    """Where an entry stands: when it was done (ms), and its place in the log."""

    at_ms: int
    sequence: int


class Found(NamedTuple):
    """A page of entries, newest first. `next`: where to go on, "" at the end; a page may be short, or empty, before it."""

    spots: tuple[Spot, ...]
    next: str = ""


class Scan(NamedTuple):
    """What one look came to: what fits, and how far it looked where it did not look to the end."""

    spots: Sequence[Spot]
    reached: Spot | None


class Index(Protocol):
    """An index of terms: each term has a number, and under it the spots of its entries."""

    def numbers(self, terms: Iterable[str]) -> Mapping[str, int]:
        """The numbers of those terms that anything was ever found by."""
        ...

    def words_with(self, part: str, most: int) -> Sequence[int]:
        """The numbers of words that a text is part of."""
        ...

    def weigh(self, number: int, low: Spot, high: Spot, most: int) -> int:
        """How many entries a term has between two spots (the lower included), counted no further than `most`."""
        ...

    def scan(
        self, number: int, others: Sequence[Sequence[int]], low: Spot, high: Spot, *, most: int, budget: int
    ) -> Scan:
        """A term's entries, newest first, that have a term of each of the others too."""
        ...


def find(index: Index, query: Query) -> Found:
    """A page of what fits. Raises BadInput `audit.text`, `audit.most`, `audit.after`."""
    if not 1 <= query.most <= MOST:
        raise BadInput("audit.most", most=MOST)
    low = Spot(query.since_ms, 0)
    high = _spot(query.after) if query.after else Spot(query.until_ms or END, 0)
    groups = _groups(index, query)
    if groups is None or high <= low:
        return Found(())
    driver, others = _driver(index, groups, low, high)
    return _merged([
        index.scan(number, others, low, high, most=query.most + 1, budget=BUDGET) for number in driver
    ], query.most)  # fmt: skip


def _merged(scans: Sequence[Scan], most: int) -> Found:
    """The newest of several looks. What lies beyond where one of them stopped is left for the next page."""
    horizon = max((scan.reached for scan in scans if scan.reached is not None), default=None)
    spots = sorted({spot for scan in scans for spot in scan.spots}, reverse=True)
    seen = [spot for spot in spots if horizon is None or spot >= horizon]
    if len(seen) > most:
        return Found(tuple(seen[:most]), _written(seen[most - 1]))
    return Found(tuple(seen), "" if horizon is None else _written(horizon))


def _groups(index: Index, query: Query) -> list[list[int]] | None:
    """Groups of numbers, each of which an entry needs one of; None where some group can have nothing."""
    named = [
        [BY + query.person, ON + query.person] if query.person else [],
        [BY + query.author] if query.author else [],
        [ON + query.thing] if query.thing else [],
        [DEVICE + query.device] if query.device else [],
        [KIND + query.kind] if query.kind else [],
        [IN + query.location] if query.location else [],
    ]
    wanted = [group for group in named if group]
    words = _asked(query.text)
    meant = [[*query.meanings.get(word, ())] for word in words]
    if not wanted and not words:
        wanted = [[EVERY]]
    known = index.numbers({term for group in (*wanted, *meant) for term in group})
    groups = [[known[term] for term in group if term in known] for group in wanted]
    groups += [
        list(dict.fromkeys([*(known[term] for term in terms if term in known), *index.words_with(word, _SPELLINGS)]))
        for word, terms in zip(words, meant, strict=True)
    ]
    return groups if all(groups) else None


def _asked(text: str) -> list[str]:
    if not text.strip():
        return []
    if not SHORTEST <= len(text.strip()) <= LONGEST:
        raise BadInput("audit.text", least=SHORTEST, most=LONGEST)
    found = sorted(words_in(text))
    if not found:
        raise BadInput("audit.text", least=SHORTEST, most=LONGEST)
    return found


def _driver(index: Index, groups: list[list[int]], low: Spot, high: Spot) -> tuple[list[int], list[list[int]]]:
    """The group with the fewest entries, and the others."""
    if len(groups) == 1:
        return groups[0], []
    weights = [sum(index.weigh(number, low, high, _WEIGHED) for number in group) for group in groups]
    lightest = weights.index(min(weights))
    return groups[lightest], [group for at, group in enumerate(groups) if at != lightest]


def _written(spot: Spot) -> str:
    return f"{spot.at_ms}.{spot.sequence}"


def _spot(text: str) -> Spot:
    parts = text.split(".")
    if len(parts) != 2 or not all(one.isascii() and one.isdigit() and len(one) <= _DIGITS for one in parts):
        raise BadInput("audit.after")
    return Spot(int(parts[0]), int(parts[1]))


def terms_meant(text: str, kinds: Mapping[str, str], people: Mapping[str, Iterable[str]]) -> dict[str, tuple[str, ...]]:
    """What a reader means by each word: `kinds` are operations and their sentences, `people` a word's persons by id."""
    found = {}
    for word in words_in(text):
        terms = [KIND + kind for kind, sentence in kinds.items() if any(word in one for one in words_in(sentence))]
        terms += [term + id for id in people.get(word, ()) for term in (BY, ON)]
        found[word] = tuple(terms)
    return found
