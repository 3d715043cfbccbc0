"""Power cuts while photos are taken in: whatever an operation shown as saved cites is whole, wherever the cut falls."""

import random
from pathlib import Path
from typing import NamedTuple

import pytest

from classtap_core.kernel.errors import ClassTapError
from classtap_core.store.store import Store
from classtap_core.store.sweeping import sweep
from tests.fault.conftest import Report
from tests.fault.keeping_blobs import PHOTOS
from tests.fault.power import Event, Recorded, images, recorder
from tests.fault.seeds import runs
from tests.unit.store import toy_blobs
from tests.unit.store.conftest import DEVICE, NOW, STUDIO
from tests.unit.store.toy_blobs import ALL

pytestmark = pytest.mark.needs("strace")


class Tally(NamedTuple):
    """What opening images came to: operations shown as saved that are not there, and blobs that are not what they were."""

    opened: int
    lost: int
    wrong: list[str]
    most: int


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    def make(folder: Path) -> None:
        with Store.create(folder, toy_blobs.registry(), program="test", studio=STUDIO, device=DEVICE) as store:
            store.call(lambda: store.device.hold(ALL))

    return recorder(tmp_path_factory.mktemp, make, program="tests.fault.keeping_blobs")


def cut(recorded: tuple[Path, list[Event]], out: Path, *, count: int, seed: int) -> Tally:
    before, events = recorded
    lost, opened, most, wrong = 0, 0, 0, []
    for image in images(before, events, out, count=count, rng=random.Random(seed)):
        opened, most = opened + 1, max(most, len(image.said))
        try:
            with Store.open(out, toy_blobs.registry(), program="test") as store:
                with store.reader() as reader:
                    there = {one.sequence: one.id for one in reader.entries(range(1, reader.head().sequence + 1))}
                lost += sum(there.get(sequence) != operation for sequence, operation in image.said)
                wrong += [f"{image.number}: {said}" for said in _wrong(store)]
        except ClassTapError as fault:
            wrong.append(f"{image.number} after {image.events}: {fault}")
    return Tally(opened, lost, wrong, most)


def _wrong(store: Store) -> list[str]:
    """What a check finds, and whether every paper's photo opens, before and after a sweep."""
    found = [] if (checked := store.check()).ok else [str(checked)]
    for _ in range(2):
        with store.reader() as reader:
            papers = [blob.hash for table in reader.tables.values() if table.carries
                      for (body,) in reader.conn.execute(f"SELECT body FROM {table.name}")
                      for blob, _ in table.blobs(body)]  # fmt: skip
        for hash in papers:
            try:
                found += [] if store.blobs.read_all(hash).startswith(toy_blobs.MARKER) else [f"{hash}: not it"]
            except ClassTapError as fault:
                found.append(f"{hash}: {fault}")
        sweep(store, now_ms=NOW)
    return found


def test_a_cut_leaves_every_cited_photo_whole(recorded: Recorded, tmp_path: Path) -> None:
    found = cut(recorded("full"), tmp_path / "image", count=60, seed=1)
    assert (found.opened, found.lost, found.wrong) == (60, 0, [])
    assert found.most > PHOTOS // 2


def test_without_flushing_them_the_same_cuts_lose_photos(recorded: Recorded, tmp_path: Path) -> None:
    """The control: if nothing were wrong here, the test above would show nothing."""
    assert len(cut(recorded("careless"), tmp_path / "image", count=60, seed=1).wrong) > 20


@pytest.mark.fault
def test_a_thousand_cuts_with_photos(recorded: Recorded, tmp_path: Path, report: Report) -> None:
    for seeds in runs(1_000):
        found = cut(recorded("full"), tmp_path / "image", count=len(seeds), seed=seeds.start)
        report(
            f"cuts with photos, seed {seeds.start}: {found.opened} images, {found.lost} lost, {len(found.wrong)} wrong"
        )
        assert (found.lost, found.wrong) == (0, [])
