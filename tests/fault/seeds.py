"""Seeds of the long runs: half of them the same each time, half others, printed with the numbers."""

import os
import random
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import TypeVar

T = TypeVar("T")

LONG = bool(os.environ.get("CLASSTAP_LONG"))
"""`make fault LONG=1`."""


def runs(many: int) -> list[range]:
    """The seeds of so many runs: fixed ones and random ones.

    LONG=1 adds as many random ones as there are fixed ones; SEED in the environment runs those from there again.
    """
    if again := os.environ.get("SEED"):
        return [range(int(again), int(again) + many)]
    fixed = many if LONG else many // 2
    chosen, others = random.SystemRandom().randrange(1 << 31), max(many - fixed, fixed)
    return [range(fixed), range(chosen, chosen + others)]


def said(found: list[range]) -> str:
    """As it is printed: `seeds 0-99, 4711-4810`."""
    return "seeds " + ", ".join(f"{one.start}-{one.stop - 1}" for one in found if one)


def each(found: Iterable[Iterable[int]], run: Callable[[int], T]) -> list[T]:
    """What each seed comes to. Where one fails, the AssertionError names it."""
    return list(_in_turn(found, run))


def all_hold(found: Iterable[Iterable[int]], run: Callable[[int], object]) -> None:
    """As `each`, keeping nothing: the days of one world are some hundred megabytes."""
    for _ in _in_turn(found, run):
        pass


def _in_turn(found: Iterable[Iterable[int]], run: Callable[[int], T]) -> Iterator[T]:
    for seed in chain(*found):
        try:
            yield run(seed)
        except AssertionError as wrong:
            raise AssertionError(f"seed {seed}: {wrong}") from wrong
