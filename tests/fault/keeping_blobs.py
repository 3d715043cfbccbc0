"""The program whose writes are recorded: photos taken in and cited by operations, one person erased.

`python -m tests.fault.keeping_blobs FOLDER full|careless`; it prints `sequence operation` for each that is shown as saved.
`careless` flushes no file of a blob: the control, which must lose some.
"""

import os
import sys
from functools import partial
from pathlib import Path

from classtap_core.store import intake as service
from classtap_core.store.store import Store
from tests.unit.store import toy_blobs
from tests.unit.store.conftest import STAFF, child_id

PHOTOS = 12


def main(folder: Path, how: str) -> None:
    if how == "careless":
        service.durable = lambda file: file.flush()
    with Store.open(folder, toy_blobs.registry(), program="keeping") as store:
        for number in range(PHOTOS):
            blob = toy_blobs.added(store, number, 3_000 + number * 40_000)
            bus = toy_blobs.bus_over(store.device, seed=100 + number)
            receipt = store.call(partial(bus.submit, toy_blobs.FilePaper(child=child_id(number), scan=blob), STAFF))
            os.write(1, f"{receipt.sequence} {receipt.operation}\n".encode())
            if number == PHOTOS // 2:
                store.call(lambda: store.device.erase(child_id(1)))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
