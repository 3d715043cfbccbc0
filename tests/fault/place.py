"""A kiosk among others of its place, that marks when it is told to.

It says where it listens; then: `meet [ADDRESS …] N`: try these, until so many neighbours are heard; `apart`: until the
internet is gone; `mark N`, `drain`: as in `told`; `heard DEVICE IDS`: until these operations of a device are kept here,
says which are; `forgotten`: until nothing is kept that others told.
"""

import random
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

from classtap_core.kernel.ids import Id
from sync.client.engine import State
from sync.client.node import Node
from sync.client.relay.finding import Finding, Fixed
from tests.fault.told import drain, marked
from tests.fault.working import STATES, booked, opened

_LOOK_S = 0.05


def run(end: Connection, folder: Path, seed: int, multicast: bool) -> None:
    """A process's whole life."""
    node = opened(folder)
    moved = threading.Event()
    node.on_status(lambda status: moved.set())
    node.on_change(lambda refs: moved.set())
    node.start(_finding(multicast))
    assert node.site.relay is not None
    end.send(node.site.relay.port)
    places, rng = booked(node), random.Random(seed)

    def until(condition: Callable[[], bool]) -> None:
        while not condition():
            moved.wait(_LOOK_S)
            moved.clear()

    while True:
        word, *given = end.recv()
        if word == "meet":
            addresses, many = given
            node.set_relay_peers(addresses)
            until(lambda many=many: len(node.neighbourhood().neighbours) >= many)
        elif word == "apart":
            until(lambda: node.engine.state is State.OFFLINE)
        elif word == "mark":
            for _ in range(*given):
                if (said := marked(node, rng.choice(places), rng.choice(STATES))) is not None:
                    end.send(said)
        elif word == "drain":
            drain(end, node, moved)
        elif word == "heard":
            device, wanted = given
            until(lambda device=device, wanted=wanted: set(wanted) <= set(heard(node, device)))
            end.send(heard(node, device))
        elif word == "forgotten":
            until(lambda: not heard(node))
        end.send("done")


def _finding(multicast: bool) -> Finding:
    if not multicast:
        return Fixed([])
    from sync.client.relay.multicast import Multicast

    return Multicast(["127.0.0.1"])


def heard(node: Node, device: Id | None = None) -> list[str]:
    """The operations kept here that a device told, or any."""
    with node.reader() as reader:
        where, given = ("WHERE device = ?", [device]) if device else ("", [])
        return [id for (id,) in reader.conn.execute(f"SELECT id FROM told {where} ORDER BY epoch, sequence", given)]
