"""A kiosk that syncs, and marks when it is told to: python -m tests.fault.told FOLDER SEED.

`mark N`: so many marks; `poison`: one that its cloud fails on; each is named once it is durable. `count`: how many wait.
"""

import random
import sys
from functools import partial
from pathlib import Path

from tests.fault.failing import POISON
from tests.fault.working import STATES, booked, mark, opened

SOUND = [state for state in STATES if state != POISON]


def main(folder: Path, seed: int) -> None:
    node = opened(folder)
    node.start()
    places, rng = booked(node), random.Random(seed)
    for line in sys.stdin:
        word, _, number = line.strip().partition(" ")
        for _ in range(int(number or 1) if word != "count" else 0):
            session, child = rng.choice(places)
            state = POISON if word == "poison" else rng.choice(SOUND)
            said = partial(mark, session=session, child=child, state=state, device=node.papers.device)
            receipt = node.call(said)
            if receipt.sequence is not None:
                print(receipt.operation, flush=True)
        print("waiting", node.pending(), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
