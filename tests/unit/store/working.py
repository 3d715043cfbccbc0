"""A program that works on a store until it is killed: marks in front, pulls behind, and one long job all the while.

Run by test_kill.py.
"""

import sys
import threading
from pathlib import Path

from classtap_core.kernel.device import Answer
from classtap_core.kernel.outcomes import ACCEPTED
from classtap_core.store.store import Store
from tests.unit.kernel import toy
from tests.unit.store.conftest import STAFF, bus_over, child_row, mark


def main(folder: Path, seed: int, also: str) -> None:
    """Print `sequence operation` for each mark once it is durable; go on for ever. `also` rotate, backup or nothing."""
    store = Store.open(folder, toy.registry(), program="working")
    bus = bus_over(store.device, seed=seed)
    threading.Thread(target=pull, args=(store, bus), daemon=True).start()
    if also:
        threading.Thread(target=again_and_again, args=(store, also), daemon=True).start()
    number = seed * 100_000
    while True:
        number += 1
        receipt = store.call(lambda number=number: bus.submit(mark(number, number % 50, note="n"), STAFF))
        print(receipt.sequence, receipt.operation, flush=True)


def again_and_again(store: Store, also: str) -> None:
    while True:
        if also == "rotate":
            store.rotate_key(None)
        else:
            store.back_up(store.folder.parent / "backup", now_ms=1)


def pull(store: Store, bus: object) -> None:
    """Rows, answers and cursors of a cloud that accepts everything, a little behind."""
    turn = 0
    while True:
        turn += 1
        head = store.call(lambda: store.device.head(), background=True)
        answers = [Answer(sequence, ACCEPTED, sequence) for sequence in range(head.acked + 1, head.sequence - 3)]
        store.call(lambda answers=answers: bus.acknowledge(answers), background=True)  # type: ignore[attr-defined]
        rows = [child_row(number, f"Name {turn}") for number in range(60)]
        store.apply(bus, rows, cursor=head.acked, token=str(turn)).result()  # type: ignore[arg-type]


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
