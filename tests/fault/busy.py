"""What a program is busy with when it is killed. Each activity tells its parent what is saved, and when a job begins and ends.

Told: ("saved", operation) once a mark or scan is durable; ("begin",) and ("end",) around the job the activity is named for.
"""

import random
import threading
from collections.abc import Callable
from functools import partial
from itertools import count
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from classtap_core.kernel.device import DeviceBus
from classtap_core.store.store import Store
from kiosk.door import Door
from sync.client.node import Node
from sync.client.transport import Unreachable
from tests.fault.working import STATES, booked, mark, opened
from tests.unit.kernel import toy
from tests.unit.store.conftest import STAFF, bus_over, child_row
from tests.unit.store.conftest import mark as toy_mark
from tests.unit.store.test_upgrade import LATER

Say = Callable[..., None]
Activity = Callable[[Path, int, Say, Any], None]

_APART = 1_000_000
"""Between the seeds of two programs, so that no id is ever made twice."""


_BREATH_S = 0.003
"""Between two marks beside a long job, which would otherwise last as long as the log grows."""


def run(name: str, folder: Path, seed: int, sending: Connection, given: Any) -> None:
    """The whole life of a program that will be killed."""
    try:
        ACTIVITIES[name](folder, seed, lambda *told: sending.send(told), given)
    except BrokenPipeError:
        return  # the test has gone before us


# -- on the store alone, with the kernel's toy records


def _marked(store: Store, bus: DeviceBus, rng: random.Random, say: Say, many: int) -> None:
    for _ in range(many):
        payload = toy_mark(rng.randrange(50), rng.randrange(50, 10**9), note="n" * 200)
        receipt = store.call(partial(bus.submit, payload, STAFF))
        say("saved", receipt.operation)


def _store(folder: Path, seed: int) -> tuple[Store, DeviceBus, random.Random]:
    store = Store.open(folder, toy.registry(), program="busy")
    return store, bus_over(store.device, seed=seed * _APART), random.Random(seed)


def migrate(folder: Path, seed: int, say: Say, given: Any) -> None:
    """Opened in turn by a program that declares more and by one that declares less: an upgrade on a copy each time."""
    for turn in count():
        say("begin")
        store = Store.open(folder, LATER if turn % 2 == 0 else toy.registry(), program="busy")
        say("end")
        if turn % 2:
            _marked(store, bus_over(store.device, seed=seed * _APART + turn), random.Random(turn), say, 5)
        store.close()


def checkpoint(folder: Path, seed: int, say: Say, given: Any) -> None:
    """Marks and pulled rows, and all of the write-ahead log moved into the file, again and again."""
    store, bus, rng = _store(folder, seed)
    for turn in count():
        _marked(store, bus, rng, say, 20)
        store.apply(bus, [child_row(number, f"Name {seed} {turn}") for number in range(400)]).result()
        say("begin")
        store.call(lambda: store.device.checkpoint(truncate=True))
        say("end")


def _beside(job: Callable[[Store], object], folder: Path, seed: int, say: Say) -> None:
    """Marks before, during and after a long job."""
    store, bus, rng = _store(folder, seed)
    while True:
        _marked(store, bus, rng, say, 3)
        thread = threading.Thread(target=job, args=(store,), daemon=True)
        say("begin")
        thread.start()
        while thread.is_alive():
            _marked(store, bus, rng, say, 1)
            thread.join(_BREATH_S)
        say("end")


def backup(folder: Path, seed: int, say: Say, given: Any) -> None:
    """Backups, each beside marks, into the folder given."""
    number = count()
    _beside(
        lambda store: store.back_up(Path(given) / f"{seed}-{next(number)}.ctbackup", now_ms=1_790_000_000_000),
        folder,
        seed,
        say,
    )


def rotate(folder: Path, seed: int, say: Say, given: Any) -> None:
    """One new key after the other, beside marks."""
    _beside(lambda store: store.rotate_key(None), folder, seed, say)


def hasty(folder: Path, seed: int, say: Say, given: Any) -> None:
    """The control: says that a mark is saved before it is, ten to a transaction."""
    store, bus, rng = _store(folder, seed)

    def ten() -> None:
        with store.device.atomic():
            for _ in range(10):
                receipt = bus.submit(toy_mark(rng.randrange(10**9), note="n" * 200), STAFF)
                say("saved", receipt.operation)

    while True:
        say("begin")
        store.call(ten)
        say("end")


# -- on a paired kiosk


def scan(folder: Path, seed: int, say: Say, given: Any) -> None:
    """Passes held to the door, and the children marked."""
    node = opened(folder)
    door, places, rng = Door(node), booked(node), random.Random(seed)
    while True:
        say("begin")
        seen = door.scan(rng.choice(given)).result()
        say("end")
        if seen.scan:
            say("saved", seen.scan)
        _mark_some(node, places, rng, say, 2)


def push(folder: Path, seed: int, say: Say, given: Any) -> None:
    """Marks, sent to the cloud thirty at a time."""
    _synced(folder, seed, say, each=30)


def pull(folder: Path, seed: int, say: Say, given: Any) -> None:
    """What others marked comes, while a little is marked here."""
    _synced(folder, seed, say, each=2)


def _synced(folder: Path, seed: int, say: Say, *, each: int) -> None:
    node = opened(folder)
    places, rng = booked(node), random.Random(seed)
    while True:
        _mark_some(node, places, rng, say, each)
        say("begin")
        try:
            node.engine.once()
        except Unreachable:
            continue
        say("end")


def _mark_some(node: Node, places: list[Any], rng: random.Random, say: Say, many: int) -> None:
    for _ in range(many):
        session, child = rng.choice(places)
        work = partial(mark, session=session, child=child, state=rng.choice(STATES), device=node.papers.device)
        receipt = node.call(work)
        if receipt.sequence is not None:
            say("saved", receipt.operation)


ACTIVITIES: dict[str, Activity] = {
    **{one.__name__: one for one in (scan, push, pull, migrate, checkpoint, backup, rotate, hasty)},
    "upgrade": migrate,
}
