"""A program that rings bells until it is killed: python -m tests.fault.ringing FOLDER SEED.

Each mark asks for a bell here; another thread pulls over the same records, so that every mark is run again many times,
and a third carries bells out: it writes what it rang before it takes the bell off the list, as a printer would.
"""

import os
import sys
import threading
from pathlib import Path
from typing import Any

import msgspec

from classtap_core.kernel.bus import Bus
from classtap_core.kernel.clock import SystemClock
from classtap_core.kernel.device import DeviceBus
from classtap_core.kernel.device_store import Pulled
from classtap_core.kernel.effects import Home
from classtap_core.kernel.envelope import Author
from classtap_core.kernel.ids import Id, derived
from classtap_core.kernel.operations import Key, Kind, Operation, Payload, Reads, Registry, handles, operation
from classtap_core.kernel.outcomes import Outcome
from classtap_core.kernel.tx import Tx
from classtap_core.store.store import Store
from tests.unit.kernel import toy

STUDIO, DEVICE = derived("studio", "bells"), derived("device", "bells")
CHILDREN = [derived("child", "bells", str(number)) for number in range(6)]


@operation("toy.ring", version=1, kind=Kind.FACT, needs="mark")
class Ring(Payload, frozen=True, kw_only=True):
    """A mark that rings a bell where it was made."""

    child: Id
    state: str

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield Key(toy.Presence, toy.presence_id(self.child), "roster/h")


@handles(Ring)
def ring(tx: Tx, op: Operation[Ring]) -> Outcome:
    mark = toy.MarkPresence(house="h", items=(toy.Item(op.payload.child, op.payload.state),))
    outcome = toy.mark_presence(tx, as_mark(op, mark))
    tx.effect(toy.Bell(text=op.payload.state), home=Home.HERE)
    return outcome


def as_mark(op: Operation[Any], payload: toy.MarkPresence) -> Operation[Any]:
    """The same operation, said as a plain mark."""
    return Operation(
        toy.MarkPresence.SPEC, payload, id=op.id, studio=op.studio, device=op.device, epoch=op.epoch,
        sequence=op.sequence, author=op.author, at=op.at,
    )  # fmt: skip


def registry() -> Registry:
    return Registry([toy, sys.modules[__name__]])


def opened(folder: Path) -> tuple[Store, DeviceBus]:
    if Store.exists(folder):
        store = Store.open(folder, registry(), program="ringing")
    else:
        store = Store.create(folder, registry(), program="ringing", studio=STUDIO, device=DEVICE)
        store.call(lambda: store.device.hold(("families/*", "roster/*", "schedule/*")))
    bus = Bus(registry(), toy.AllowAll(), authority=False)
    return store, DeviceBus(store.device, bus, SystemClock(), os.urandom)


def pull(store: Store, bus: DeviceBus) -> None:
    """Rows as the cloud would send them, without any mark of ours: whatever waits is run again on top."""
    turn = 0
    while True:
        turn += 1
        rows = [_row(child, turn) for child in CHILDREN]
        store.apply(bus, rows, cursor=turn, token=str(turn)).result()


def _row(child: Id, turn: int) -> Pulled:
    seen = [{"order": [turn, "f" * 32, 1], "state": "late"}]
    body = {"id": toy.presence_id(child), "child": child, "house": "h", "marks": seen}
    return Pulled("presence", toy.presence_id(child), "roster/h", msgspec.json.encode(body))


def carry_out(store: Store, rung: Path) -> None:
    with rung.open("a", buffering=1) as paper:
        while True:
            with store.reader() as reader:
                ready = reader.effects_ready()
            for operation, bell in ready:
                paper.write(f"{operation} {bell.id}\n")
                store.call(lambda id=bell.id: _done(store, id))  # type: ignore[misc]


def _done(store: Store, effect: Id) -> None:
    with store.device.atomic():
        store.device.effect_done(effect)


def main(folder: Path, seed: int) -> None:
    store, bus = opened(folder)
    author = Author(type="staff", id=derived("staff", "bells"))
    threading.Thread(target=pull, args=(store, bus), daemon=True).start()
    threading.Thread(target=carry_out, args=(store, folder.with_suffix(".rung")), daemon=True).start()
    number = seed
    while True:
        number += 1
        payload = Ring(child=CHILDREN[number % len(CHILDREN)], state="present")
        receipt = store.call(lambda said=payload: bus.submit(said, author))  # type: ignore[misc]
        print(receipt.operation, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
