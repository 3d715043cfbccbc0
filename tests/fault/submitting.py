"""The program whose writes are recorded: real marks, pulls, a checkpoint and a change of keys on a real store.

`python -m tests.fault.submitting FOLDER full|normal`; it prints `sequence operation` for each mark shown as saved.
"""

import os
import sys
from functools import partial
from pathlib import Path

from classtap_core.store.store import Store
from tests.unit.kernel import toy
from tests.unit.store.conftest import STAFF, bus_over, child_row, mark

MARKS = 60


def main(folder: Path, synchronous: str) -> None:
    store = Store.open(folder, toy.registry(), program="submitting")
    bus = bus_over(store.device, seed=3)
    if synchronous == "normal":
        store.call(lambda: store.device.conn.execute("PRAGMA synchronous = NORMAL").fetchall())
    for number in range(MARKS):
        receipt = store.call(partial(bus.submit, mark(number, note="n" * 300), STAFF))
        os.write(1, f"{receipt.sequence} {receipt.operation}\n".encode())
        if synchronous == "full" and number % 10 == 5:
            store.apply(
                bus, [child_row(number * 50 + one, "Name") for one in range(50)], cursor=number, token="t"
            ).result()
        if number % 20 == 15:
            store.call(lambda: store.device.checkpoint())
        if synchronous == "full" and number == 40:
            store.rotate_key(None)
    store.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
