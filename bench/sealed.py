"""What encryption adds to a mark: the same marks on the same store, encrypted and plain, one after the other."""

import gc
import os
import time
from collections.abc import Sequence
from pathlib import Path

from bench.claims import Claim, claim, percentile
from bench.ground.studio import Due, copied, ground, kiosk
from classtap_core import house
from classtap_core.checkin.operations import ChildMark, MarkAttendance
from classtap_core.kernel.device import DeviceBus
from classtap_core.kernel.envelope import Author
from classtap_core.store.device import SqlDevice

MARKS = 400
BESIDE = "the same store in plain SQLite"
KEY = bytes(range(32))


def run() -> list[Claim]:
    """One run: a mark here, the same mark there, so that whatever the machine does meanwhile meets both."""
    with copied("kiosk") as folder:
        with kiosk(folder) as node:
            author = Author(type="device", id=node.papers.device)
            conn = node.store.device.conn
            for name, key in (("sealed", f"x'{KEY.hex()}'"), ("plain", "")):
                conn.execute("ATTACH DATABASE ? AS copy KEY ?", (str(folder / name), key)).fetchall()
                conn.execute("SELECT sqlcipher_export('copy')").fetchall()
                (version,) = conn.execute("PRAGMA user_version").fetchone()
                conn.execute(f"PRAGMA copy.user_version = {version}").fetchall()
                conn.execute("DETACH DATABASE copy").fetchall()
        os.sync()
        sealed, plain = _marks(folder, author, ground().due[:MARKS])
    found = {}
    for percent, goal in ((50, 0.5), (95, 1.0)):
        with_key, without = percentile(sealed, percent), percentile(plain, percent)
        found[percent] = claim(
            f"sealed.mark_adds.p{percent}_ms", with_key - without, goal=goal, beside=(BESIDE, without)
        )
    return list(found.values())


def _marks(folder: Path, author: Author, due: Sequence[Due]) -> tuple[list[float], list[float]]:
    registry = house.registry()
    bus = house.bus(authority=False)
    sealed, plain = SqlDevice.open(folder / "sealed", KEY, registry), SqlDevice.open(folder / "plain", None, registry)
    clock = ground().clock()
    buses = [DeviceBus(device, bus, clock, os.urandom) for device in (sealed, plain)]
    times: tuple[list[float], list[float]] = ([], [])
    gc.collect()
    for number, one in enumerate(due):
        items = tuple(ChildMark(child=child, state="present") for child in one.children)
        for place in (0, 1) if number % 2 else (1, 0):
            started = time.perf_counter()
            receipt = buses[place].submit(MarkAttendance(session=one.session, items=items), author, source="kiosk")
            times[place].append((time.perf_counter() - started) * 1000)
            if not receipt.outcome.stands:
                raise RuntimeError(f"not marked: {receipt.outcome}")
    sealed.close()
    plain.close()
    return times
