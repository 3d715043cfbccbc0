"""A device with a store of its own, on the toy records of the kernel's tests."""

import os
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from classtap_core.kernel.clock import ManualClock
from classtap_core.kernel.device import DeviceBackend, DeviceBus
from classtap_core.kernel.envelope import Author
from classtap_core.kernel.ids import Id, derived
from classtap_core.kernel.operations import Registry
from classtap_core.store.device import SqlDevice
from tests.unit.kernel import toy

NOW = 1_790_000_000_000
STUDIO, DEVICE = derived("studio"), derived("device")
STAFF = Author(type="staff", id=derived("staff"))
KEY = bytes(range(32))
ALL = ("families/*", "roster/*", "schedule/*")


def child_id(number: int) -> Id:
    return derived("child", str(number))


def bus_over(backend: DeviceBackend, *, seed: int = 7) -> DeviceBus:
    """A bus whose ids, salts and times repeat."""
    return DeviceBus(backend, toy.bus(authority=False), ManualClock(NOW), random.Random(seed).randbytes)


@contextmanager
def made(path: Path, registry: Registry | None = None) -> Iterator[SqlDevice]:
    device = SqlDevice.create(path, KEY, registry or toy.registry(), studio=STUDIO, device=DEVICE)
    try:
        with device.atomic():
            device.hold(ALL)
        yield device
    finally:
        device.close()


@pytest.fixture
def device(data_dir: Path) -> Iterator[SqlDevice]:
    with made(data_dir / "store.db") as device:
        yield device


@pytest.fixture
def reopen(data_dir: Path) -> Callable[[], SqlDevice]:
    return lambda: SqlDevice.open(data_dir / "store.db", KEY, toy.registry())


def random_bytes() -> bytes:
    return os.urandom(32)
