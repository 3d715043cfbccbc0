"""A device with a store of its own, on the toy records of the kernel's tests."""

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from classtap_core.kernel.clock import ManualClock
from classtap_core.kernel.device import DeviceBus
from classtap_core.kernel.device_store import DeviceBackend, Pulled
from classtap_core.kernel.envelope import Author
from classtap_core.kernel.ids import Id, derived
from classtap_core.store.device import SqlDevice
from classtap_core.store.store import Store
from tests.unit.kernel import toy

NOW = 1_790_000_000_000
STUDIO, DEVICE = derived("studio"), derived("device")
STAFF = Author(type="staff", id=derived("staff"))
KEY = bytes(range(32))
ALL = ("families/*", "roster/*", "schedule/*")


def child_id(number: int) -> Id:
    return derived("child", str(number))


def child_row(number: int, name: str = "Ann", house: str = "north") -> Pulled:
    """A child as the cloud sends it."""
    id = child_id(number)
    body = msgspec.json.encode({"id": id, "house": house, "name": name})
    return Pulled("child", id, f"families/{house}", body)


def mark(*numbers: int, state: str = "present", note: str = "") -> toy.MarkPresence:
    return toy.MarkPresence(house="north", items=tuple(toy.Item(child_id(number), state, note) for number in numbers))


def bus_over(backend: DeviceBackend, *, seed: int = 7) -> DeviceBus:
    """A bus whose ids, salts and times repeat."""
    return DeviceBus(backend, toy.bus(authority=False), ManualClock(NOW), random.Random(seed).randbytes)


@pytest.fixture
def device(data_dir: Path) -> Iterator[SqlDevice]:
    made = SqlDevice.create(data_dir / "store.db", KEY, toy.registry(), studio=STUDIO, device=DEVICE)
    try:
        with made.atomic():
            made.hold(ALL)
        yield made
    finally:
        made.close()


Opener = Callable[[], Store]


@pytest.fixture
def opened(data_dir: Path) -> Iterator[Opener]:
    """Opens (or first makes) the store of `data_dir`; whatever is still open at the end is closed."""
    stores: list[Store] = []

    def make() -> Store:
        if Store.exists(data_dir):
            store = Store.open(data_dir, toy.registry(), program="test")
        else:
            store = Store.create(data_dir, toy.registry(), program="test", studio=STUDIO, device=DEVICE)
            store.call(lambda: store.device.hold(ALL))
        stores.append(store)
        return store

    yield make
    for store in stores:
        store.close()


@pytest.fixture
def store(opened: Opener) -> Store:
    return opened()
