"""Five thousand queued marks of a kiosk pushed by the real client through the real API, beside one request each."""

import shutil
import time
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any, TypeVar

from bench.claims import Claim, claim
from bench.ground.server import served
from bench.ground.studio import copied, ground, kiosk
from classtap_core.checkin.operations import ChildMark, MarkAttendance
from classtap_core.interpreter import settle
from classtap_core.kernel.clock import SystemClock
from classtap_core.kernel.device import DeviceBus
from classtap_core.kernel.envelope import Author
from classtap_core.kernel.ids import Id
from sync.client import pushing
from sync.client.node import Node
from sync.client.transport import Transport

T = TypeVar("T")

QUEUED = 5_000
ONE_BY_ONE = 250
BESIDE = f"one request an operation, {ONE_BY_ONE} measured"


def run() -> list[Claim]:
    """One run: a copy of the cloud as a process of its own, and of the kiosk with its queue."""
    queued()
    pushed, settled = _with_queue(drained)
    scaled = _with_queue(one_by_one) * QUEUED / ONE_BY_ONE
    return [
        claim("push.5000_operations.acknowledged_s", pushed, goal=1.5, beside=(BESIDE, scaled)),
        claim("push.5000_operations.settled_s", settled),
    ]


def _with_queue(measure: Callable[[Node], T]) -> T:
    with (
        copied("cloud", "queued") as folder,
        served(folder, now_ms=ground().now_ms) as url,
        online(folder / "queued", url) as node,
    ):
        return measure(node)


def drained(node: Node) -> tuple[float, float]:
    """Seconds until nothing is unacknowledged, and until the own rows came back and the overlay is empty."""
    if node.pending() != QUEUED:
        raise RuntimeError(f"{node.pending()} are queued")
    pushed = 0.0
    began = time.perf_counter()

    acknowledge = node.engine.local.acknowledge

    def acknowledged(*said: Any, **more: Any) -> None:
        nonlocal pushed
        acknowledge(*said, **more)
        pushed = time.perf_counter() - began

    node.engine.local.acknowledge = acknowledged  # type: ignore[method-assign]
    node.engine.once()
    settled = time.perf_counter() - began
    if node.pending():
        raise RuntimeError(f"{node.pending()} are still queued")
    return pushed, settled


def one_by_one(node: Node, count: int = ONE_BY_ONE) -> float:
    """Seconds for the first operations of the same queue, pushed by the same client one in each request."""
    most, pushing.MOST_OPERATIONS = pushing.MOST_OPERATIONS, 1
    try:
        began = time.perf_counter()
        for _ in range(count):
            batch = node.engine.pushing.batch()
            if batch is None:
                raise RuntimeError("nothing to push")
            node.engine.pushing.acknowledge(node.engine.pushing.send(batch.push), batch.push.epoch)
        return time.perf_counter() - began
    finally:
        pushing.MOST_OPERATIONS = most


def online(folder: Path, url: str, clock: SystemClock | None = None) -> Node:
    """A copied kiosk whose cloud is found at another address than when it was paired."""
    node = kiosk(folder, clock)
    settle()  # as the kiosk does once its window is there
    node.transport.close()
    node.transport = node.engine.transport = Transport(url, node.papers.token)
    return node


@cache
def queued() -> None:
    """The kiosk after five thousand marks offline, each decided by the real bus, kept beside the ground."""
    wanted = ground().folder / "queued"
    if wanted.exists():
        return
    with copied("kiosk") as folder:
        with kiosk(folder) as node:
            author = Author(type="device", id=node.papers.device)
            for due in ground().due:
                for child in due.children:
                    node.call(partial(_mark, author=author, session=due.session, child=child))
        (folder / "made").mkdir()
        shutil.move(folder / "kiosk", folder / "made" / "kiosk")
        shutil.copytree(folder / "made", wanted.with_name("queued-new"))
    wanted.with_name("queued-new").rename(wanted)


def _mark(bus: DeviceBus, *, author: Author, session: Id, child: Id) -> None:
    receipt = bus.submit(
        MarkAttendance(session=session, items=(ChildMark(child=child, state="present"),)), author, source="kiosk"
    )
    if not receipt.outcome.stands:
        raise RuntimeError(f"not queued: {receipt.outcome}")
