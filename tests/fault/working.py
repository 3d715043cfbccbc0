"""Programs that work until they are killed. Run by the fault tests: python -m tests.fault.working WHAT FOLDER SEED.

`marks`: a kiosk that scans and marks as fast as it can while it syncs; a line for each operation once it is durable.
`load`: a kiosk that loads its scopes; a line for each page asked for, and one for each page once it is durable.
"""

import random
import sys
from collections.abc import Sequence
from functools import partial
from itertools import count
from pathlib import Path

from classtap_core.booking.records import Booking
from classtap_core.checkin.operations import ChildMark, MarkAttendance
from classtap_core.checkin.reading import search
from classtap_core.kernel.clock import SystemClock
from classtap_core.kernel.device import DeviceBus, Receipt
from classtap_core.kernel.device_store import Pulled
from classtap_core.kernel.envelope import Author
from classtap_core.kernel.ids import Id
from classtap_core.schedule.records import Session
from kiosk.door import Door
from sync.client.arriving import Arriving
from sync.client.local import Position
from sync.client.node import Node
from sync.protocol import SnapshotPage

STATES = ("present", "late", "absent")


def opened(folder: Path) -> Node:
    return Node.open(folder, program="kiosk", clock=SystemClock(), ring=None)


def booked(node: Node) -> list[tuple[Id, Id]]:
    """(session, child) of every place today at the node's location, in order."""
    with node.reader() as reader:
        found = search(reader, Session, "by_location_date", node.papers.location, node.today().isoformat())
        return sorted(
            (session.id, booking.child)
            for session in found
            for booking in search(reader, Booking, "by_session", session.id)
        )


def mark(bus: DeviceBus, *, session: Id, child: Id, state: str, device: Id) -> Receipt:
    """A first mark, whatever was said before: a fact that always says something."""
    payload = MarkAttendance(session=session, items=(ChildMark(child=child, state=state),))
    return bus.submit(payload, Author(type="device", id=device), source="kiosk")


def work(folder: Path, seed: int) -> None:
    node = opened(folder)
    node.start()
    places, rng = booked(node), random.Random(seed)
    door, device = Door(node), node.papers.device
    for number in count(1):
        if number % 20 == 0:
            door.scan("CT:NOT A PASS").result()
        session, child = rng.choice(places)
        state = rng.choice(STATES)
        receipt = node.call(partial(mark, session=session, child=child, state=state, device=device))
        if receipt.sequence is not None:
            print(receipt.operation, flush=True)


def load(folder: Path) -> None:
    node = opened(folder)
    local, pulling = node.engine.local, node.engine.pulling
    keep, ask = local.snapshot, pulling.page

    def asked(arriving: Arriving, scope: str, token: str, cursor: int) -> SnapshotPage:
        print("asked", scope, token or "-", flush=True)
        return ask(arriving, scope, token, cursor)

    def kept(scope: str, rows: Sequence[Pulled], *, after: Position | None, next: str, cursor: int, token: str) -> None:
        keep(scope, rows, after=after, next=next, cursor=cursor, token=token)
        print("kept", scope, next or "-", flush=True)

    pulling.page, local.snapshot = asked, kept  # type: ignore[method-assign]
    try:
        node.engine.once()
        print("whole", flush=True)
        sys.stdin.readline()
    finally:
        node.close()


if __name__ == "__main__":
    {"marks": lambda: work(Path(sys.argv[2]), int(sys.argv[3])), "load": lambda: load(Path(sys.argv[2]))}[sys.argv[1]]()
