"""Seeds of the long runs: other ones each time, printed with the numbers; SEED in the environment runs one again."""

import os
import random


def first_seed() -> int:
    """The first of a run's seeds."""
    return int(os.environ.get("SEED") or random.SystemRandom().randrange(1 << 31))
