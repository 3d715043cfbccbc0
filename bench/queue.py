"""A mark at a kiosk that has been offline for weeks: 100,000 operations wait, and nobody at the door may notice."""

import gc
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import count, islice
from pathlib import Path

from bench.claims import Claim, claim, percentile
from bench.ground.studio import CACHE, Due, copied, ground, kiosk
from classtap_core.checkin.operations import ChildMark, MarkAttendance, RecordScan
from classtap_core.kernel.envelope import Author
from classtap_core.kernel.operations import Payload
from sync.client.node import Node

RUNS = 3
WAITING = 100_000
MARKED = 1_500
"""Families whose children the waiting work has marked, each several times; the others' are marked here."""
MARKS = 250
AT_ONCE = 500
STATES = ("present", "late", "absent")
BESIDE = "the same marks with an empty queue"


def run() -> list[Claim]:
    """One run: a mark here, the same mark there, so that whatever the machine does meanwhile meets both."""
    due = ground().due[MARKED : MARKED + MARKS]
    with copied("kiosk") as empty, _with_queue() as full:
        began = time.perf_counter()
        with kiosk(full) as busy, kiosk(empty) as idle:
            opened = (time.perf_counter() - began) * 1_000
            if busy.pending() < WAITING or idle.pending():
                raise RuntimeError(f"{busy.pending()} wait, {idle.pending()} beside")
            busy.store.device.queue_most += MARKS  # new work stops here: this measures at the very end
            waiting, alone = _marks(busy, idle, due)
    p95, beside = percentile(waiting, 95), percentile(alone, 95)
    return [
        claim("queue.100000.mark_p50_ms", percentile(waiting, 50), beside=(BESIDE, percentile(alone, 50))),
        claim("queue.100000.mark_p95_ms", p95, beside=(BESIDE, beside)),
        claim("queue.100000.mark_p95_ratio", p95 / beside, goal=1.2),
        claim("queue.100000.open_both_ms", opened, goal=500.0),
    ]


def _marks(busy: Node, idle: Node, due: Sequence[Due]) -> tuple[list[float], list[float]]:
    times: tuple[list[float], list[float]] = ([], [])
    gc.collect()
    for number, one in enumerate(due):
        items = tuple(ChildMark(child=child, state="present") for child in one.children)
        for place in (0, 1) if number % 2 else (1, 0):
            node = (busy, idle)[place]
            author = Author(type="device", id=node.papers.device)
            began = time.perf_counter()
            receipt = node.submit(MarkAttendance(session=one.session, items=items), author, source="kiosk").result()
            times[place].append((time.perf_counter() - began) * 1_000)
            if not receipt.outcome.stands:
                raise RuntimeError(f"not marked: {receipt.outcome}")
    return times


@contextmanager
def _with_queue() -> Iterator[Path]:
    """A copy of the ground's kiosk after weeks offline; made on first use (about two minutes)."""
    kept = ground().folder / "long-queue"
    if not kept.exists():
        with copied("kiosk") as folder:
            with kiosk(folder) as node:
                _fill(node)
            shutil.move(folder / "kiosk", kept)
    with tempfile.TemporaryDirectory(dir=CACHE, prefix="run-") as folder:
        shutil.copytree(kept, Path(folder) / "kiosk")
        os.sync()
        yield Path(folder)


def _fill(node: Node) -> None:
    """Scans and marks by the hundred thousand, some hundreds to a transaction."""
    author, waiting = Author(type="device", id=node.papers.device), _waiting(node)

    def some() -> None:
        with node.store.device.atomic():
            for payload in islice(waiting, AT_ONCE):
                node.bus.submit(payload, author, source="kiosk")

    while node.pending() < WAITING:
        node.call(lambda bus: some())


def _waiting(node: Node) -> Iterator[Payload]:
    """Four scans, then a mark of that family, over and over."""
    due, date = ground().due[:MARKED], node.today().isoformat()
    for number in count():
        one = due[number // 5 % MARKED]
        if number % 5 < 4:
            yield RecordScan(
                location=node.papers.location, date=date, outcome="ok", handle=f"{number // 5 % MARKED:016x}", epoch=1,
                family=one.family, key_id=1, decode_us=4_000, verify_us=300, trace=f"frame {number}",
            )  # fmt: skip
        else:
            state = STATES[number // (5 * MARKED) % 3]  # another each time: the same again would not be said
            items = tuple(ChildMark(child=child, state=state) for child in one.children)
            yield MarkAttendance(session=one.session, items=items)
