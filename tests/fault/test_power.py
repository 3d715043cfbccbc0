"""Power cuts: whatever a disk kept of what was not synced, the store opens, whole, with every mark shown as saved."""

import random
from pathlib import Path
from typing import NamedTuple

import pytest

from classtap_core.kernel.errors import ClassTapError
from classtap_core.store.store import Store
from tests.fault.conftest import Report
from tests.fault.power import Disk, Event, Recorded, images, recorder
from tests.fault.seeds import runs
from tests.fault.submitting import MARKS
from tests.unit.kernel import toy
from tests.unit.store.conftest import DEVICE, STUDIO, bus_over, child_row

pytestmark = pytest.mark.needs("strace")


class Tally(NamedTuple):
    """What opening images came to: marks shown as saved and not there, images that did not open or check."""

    opened: int
    lost: int
    corrupt: list[str]
    marks: int


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    """Runs the program once for each setting."""

    def make(folder: Path) -> None:
        with Store.create(folder, toy.registry(), program="test", studio=STUDIO, device=DEVICE) as store:
            store.call(lambda: store.device.hold(("roster/*", "families/*")))
            store.apply(bus_over(store.device), [child_row(number) for number in range(50)]).result()

    return recorder(tmp_path_factory.mktemp, make, program="tests.fault.submitting")


def cut(recorded: tuple[Path, list[Event]], out: Path, *, count: int, seed: int) -> Tally:
    before, events = recorded
    lost, marks, opened, corrupt = 0, 0, 0, []
    for image in images(before, events, out, count=count, rng=random.Random(seed)):
        opened += 1
        marks = max(marks, len(image.said))
        try:
            with Store.open(out, toy.registry(), program="test") as store, store.reader() as reader:
                there = {one.sequence: one.id for one in reader.entries(range(1, reader.head().sequence + 1))}
                lost += sum(there.get(sequence) != operation for sequence, operation in image.said)
                found = store.check()
                if not found.ok:
                    corrupt.append(f"{image.number} after {image.events}: {found}")
        except ClassTapError as fault:
            corrupt.append(f"{image.number} after {image.events}: {fault}")
            lost += len(image.said)
    return Tally(opened, lost, corrupt, marks)


def test_the_recording_is_whole(recorded: Recorded, tmp_path: Path) -> None:
    """Replayed to its end with nothing dropped it is, byte for byte, the folder that the program left."""
    before, events = recorded("full")
    disk = Disk(before)
    for event in events:
        disk.take(event)
    assert len(disk.said) == MARKS
    left = before.parent / "desk"
    for path in left.iterdir():
        if path.name in ("store.db", "store.key"):
            file = disk._now[path.name]
            file.sync()
            assert bytes(file.kept) == path.read_bytes(), path.name
    assert sum(event.call == "sync" for event in events) > MARKS


def test_power_cuts_lose_nothing(recorded: Recorded, tmp_path: Path) -> None:
    found = cut(recorded("full"), tmp_path / "image", count=60, seed=1)
    assert (found.opened, found.lost, found.corrupt) == (60, 0, [])
    assert found.marks > MARKS // 2


def test_without_full_syncs_the_same_cuts_lose_marks(recorded: Recorded, tmp_path: Path) -> None:
    """The control: if this lost nothing, the test above would show nothing."""
    found = cut(recorded("normal"), tmp_path / "image", count=60, seed=1)
    assert found.opened == 60
    assert found.lost > 100


@pytest.mark.fault
def test_two_thousand_power_cuts(recorded: Recorded, tmp_path: Path, report: Report) -> None:
    for seeds in runs(2_000):
        found = cut(recorded("full"), tmp_path / "image", count=len(seeds), seed=seeds.start)
        control = cut(recorded("normal"), tmp_path / "image", count=100, seed=seeds.start)
        report(f"power cuts, seed {seeds.start}: {found.opened} images, {found.lost} lost, {len(found.corrupt)} corrupt; "
               f"control with synchronous=NORMAL: {control.opened} images, {control.lost} lost")  # fmt: skip
        assert (found.lost, found.corrupt) == (0, [])
        assert control.lost > 50
