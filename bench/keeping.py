"""A backup, and another key, for a store of 200 MB that people go on marking in; beside the same marks with nothing else."""

import os
import threading
import time
from collections.abc import Callable, Iterator

from bench.claims import Claim, claim, percentile
from bench.ground.studio import Due, copied, ground, kiosk
from classtap_core.checkin.operations import ChildMark, MarkAttendance
from classtap_core.kernel.device_store import Pulled
from classtap_core.kernel.envelope import Author
from classtap_core.kernel.ids import derived
from sync.client.node import Node

RUNS = 1
BALLAST_MB = 185
QUIET_S = 5.0
BREATH_S = 0.1
"""Between two marks: ten a second, the rush of a large studio, as long as it lasts."""


def run() -> list[Claim]:
    """One run: marks alone, during a backup, during a change of keys."""
    with copied("kiosk") as folder, kiosk(folder) as node:
        node.store.apply(node.bus, _ballast()).result()
        node.store.call(lambda: node.store.device.checkpoint(truncate=True))
        os.sync()
        size = (node.store.folder / "store.db").stat().st_size / 1e6
        if size < 200:
            raise RuntimeError(f"the store has {size:.0f} MB only")
        due = iter(ground().due)
        _, quiet = _marks_during(node, due, lambda: time.sleep(QUIET_S))
        saved, beside = _marks_during(node, due, lambda: node.store.back_up(folder / "saved", now_ms=ground().now_ms))
        rotated, between = _marks_during(node, due, lambda: node.store.rotate_key(None))
    return [
        claim("keeping.backup.200mb_s", saved, goal=10.0),
        claim("keeping.backup.mark_max_ms", max(beside), goal=50.0, beside=("the same marks alone", max(quiet))),
        claim("keeping.backup.mark_p95_ms", percentile(beside, 95), beside=("alone", percentile(quiet, 95))),
        claim("keeping.rotation.200mb_s", rotated),
        claim("keeping.rotation.mark_max_ms", max(between), beside=("the same marks alone", max(quiet))),
    ]


def _ballast() -> list[Pulled]:
    """Rows of a kind that only a later program knows, six kilobytes each."""
    return [
        Pulled("ballast", derived("ballast", str(number)), "studio", b'"' + os.urandom(3_000).hex().encode() + b'"')
        for number in range(BALLAST_MB * 1_000 // 6)
    ]


def _marks_during(node: Node, due: Iterator[Due], work: Callable[[], object]) -> tuple[float, list[float]]:
    """Seconds that the work took, and milliseconds of each mark meanwhile."""
    author = Author(type="device", id=node.papers.device)
    took: list[float] = []

    def timed() -> None:
        began = time.perf_counter()
        work()
        took.append(time.perf_counter() - began)

    thread = threading.Thread(target=timed)
    thread.start()
    times: list[float] = []
    while thread.is_alive():
        one = next(due)
        items = tuple(ChildMark(child=child, state="present") for child in one.children)
        began = time.perf_counter()
        node.submit(MarkAttendance(session=one.session, items=items), author, source="kiosk").result()
        times.append((time.perf_counter() - began) * 1_000)
        time.sleep(BREATH_S)
    thread.join()
    return took[0], times
