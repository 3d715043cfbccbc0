"""Makes tests/data/stores/v1 anew: a store of schema 1 with some of everything. Run once, by the version that wrote it.

python -m tests.data.stores.make_v1 FOLDER
"""

import random
import sys
from pathlib import Path

import msgspec

from classtap_core.kernel.device_store import Answer, Pulled
from classtap_core.kernel.effects import Home, Intent
from classtap_core.kernel.ids import derived
from classtap_core.kernel.outcomes import ACCEPTED, refused
from classtap_core.store.store import Store
from tests.unit.kernel import toy
from tests.unit.store.conftest import ALL, DEVICE, STAFF, STUDIO, bus_over, child_id, child_row, mark

NAMES = ("Ann", "Bogdán", "王小明", "Zoë", "محمد", "Priya")


def main(folder: Path) -> None:
    """Six children, twelve operations (seven answered, six of those included), a notice, an effect, an erased child."""
    store = Store.create(
        folder, toy.registry(), program="make_v1", studio=STUDIO, device=DEVICE, entropy=random.Random(1).randbytes
    )
    with store:
        store.call(lambda: fill(store))
        assert store.check().ok


def fill(store: Store) -> None:
    device, bus = store.device, bus_over(store.device)
    with device.atomic():
        device.hold(ALL)
        device.load("contact/*", next="page-3")
        device.remember("papers", b'{"token":"t"}')
        device.observe("scan.refused", "tampered", 1_790_000_000_000, times=3)
        device.set_takes({"toy.mark": 1, "toy.rename": 1, "toy.census": 1})
    bus.apply([child_row(number, name) for number, name in enumerate(NAMES)], cursor=5, token="c5")
    bus.apply(
        [Pulled("comet", derived("comet"), "families/sky", msgspec.json.encode({"id": derived("comet"), "tail": 3}))]
    )
    for number in range(6):
        bus.submit(mark(number, note=f"note {number}"), STAFF)
    bus.submit(toy.Rename(child=child_id(0), name="Anna"), STAFF)
    bus.acknowledge([Answer(number, ACCEPTED, 10 + number) for number in range(1, 7)])
    bus.acknowledge([Answer(7, refused("family.closed"), 17)])
    bus.apply([], cursor=16, token="c16")
    for number in range(3):
        bus.submit(mark(number, state="late"), STAFF)
    bus.submit(toy.Rename(child=child_id(1), name="Bogdan"), STAFF)
    bus.submit(toy.Census(house="north", into=derived("seats")), STAFF)
    with device.atomic():
        label = Intent(derived("label"), "label", Home.HERE, {"child": child_id(2)}, False)
        device.add_effects(derived("operation"), [label], ready=True)
    device.erase(child_id(5))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
