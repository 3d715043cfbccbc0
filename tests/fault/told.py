"""A kiosk that syncs, and marks when it is told to.

`mark N`: so many tries to mark; `poison`: one mark that its cloud fails on; each is named once it is durable, and "done"
said after them. `drain`: says how many wait, and how it stands, at each change until none does.
"""

import random
import threading
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

from classtap_core.kernel.ids import Id
from sync.client.node import Node
from tests.fault.failing import POISON
from tests.fault.working import STATES, booked, mark, opened

SOUND = [state for state in STATES if state != POISON]
_LOOK_S = 0.1


def run(end: Connection, folder: Path, seed: int) -> None:
    """A process's whole life."""
    node = opened(folder)
    moved = threading.Event()
    node.on_status(lambda status: moved.set())
    node.start()
    places, rng = booked(node), random.Random(seed)
    while True:
        word, *number = end.recv()
        if word == "drain":
            drain(end, node, moved)
            continue
        if word == "poison":
            while (said := marked(node, rng.choice(places), POISON)) is None:
                pass
            end.send(said)
        else:
            for _ in range(*number):
                if (said := marked(node, rng.choice(places), rng.choice(SOUND))) is not None:
                    end.send(said)
        end.send("done")


def marked(node: Node, place: tuple[Id, Id], state: str) -> Id | None:
    """The operation; None where the child was in that state already, so that nothing was said."""
    session, child = place
    receipt = node.call(partial(mark, session=session, child=child, state=state, device=node.papers.device))
    return None if receipt.sequence is None else receipt.operation


def drain(end: Connection, node: Node, moved: threading.Event) -> None:
    """Only looks: nothing here wakes what syncs."""
    before = None
    while before is None or before[0]:
        status = node.engine.status()
        now = (status.pending, status.state.value, status.trouble)
        if now != before:
            end.send(now)
            before = now
            continue
        moved.wait(_LOOK_S)
        moved.clear()
