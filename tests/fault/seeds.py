"""Seeds of the long runs: half of them the same each time, half others, printed with the numbers."""

import os
import random


def runs(many: int) -> list[range]:
    """The seeds of so many runs: fixed ones and random ones.

    LONG=1 adds as many random ones as there are fixed ones; SEED in the environment runs those from there again.
    """
    if again := os.environ.get("SEED"):
        return [range(int(again), int(again) + many)]
    fixed = many if os.environ.get("CLASSTAP_LONG") else many // 2
    chosen, others = random.SystemRandom().randrange(1 << 31), max(many - fixed, fixed)
    return [range(fixed), range(chosen, chosen + others)]


def said(found: list[range]) -> str:
    """As it is printed: `seeds 0-99, 4711-4810`."""
    return "seeds " + ", ".join(f"{one.start}-{one.stop - 1}" for one in found if one)
