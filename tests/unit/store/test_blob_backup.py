"""Blobs beside backups: each once, checked, back with a restore, gone when no backup has them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from classtap_core.kernel.blobs import Blob
from classtap_core.kernel.clock import ManualClock
from classtap_core.kernel.errors import Refused
from classtap_core.store import recovery
from classtap_core.store.backup import Made, Rule
from classtap_core.store.blob_backup import listed
from classtap_core.store.blobs import BlobFault
from classtap_core.store.container import Opener, label_of
from classtap_core.store.restore import Restored, read_keys, restore
from classtap_core.store.rounds import Backups
from classtap_core.store.store import Store
from classtap_core.store.sweeping import sweep
from tests.unit.store import toy_blobs
from tests.unit.store.conftest import DEVICE, NOW, STUDIO, child_id
from tests.unit.store.test_blobs import cite, everything_in
from tests.unit.store.toy_blobs import ALL, MARKER, added

DAY_MS = 86_400_000
OWNER = recovery.RecoveryKey(bytes(range(32)))


@pytest.fixture
def store(data_dir: Path) -> Iterator[Store]:
    with Store.create(data_dir, toy_blobs.registry(), program="test", studio=STUDIO, device=DEVICE) as made:
        made.call(lambda: made.device.hold(ALL))
        made.seal_to(OWNER.public)
        yield made


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    folder = tmp_path / "kept"
    folder.mkdir(mode=0o700)
    return folder


def restored(made: Made, folder: Path, *, erased: tuple[str, ...] = ()) -> Restored:
    return restore(made.file, folder, toy_blobs.registry(), opener=Opener(owner=OWNER), program="test", erased=erased)


def opened(folder: Path) -> Store:
    return Store.open(folder, toy_blobs.registry(), program="test")


def files_beside(folder: Path) -> set[str]:
    return {path.name for path in (folder / "blobs").rglob("*") if path.is_file()}


def cited(store: Store, number: int) -> Blob:
    blob = added(store, number)
    cite(store, number, blob)
    return blob


def test_they_come_back_with_a_restore(store: Store, kept: Path, tmp_path: Path) -> None:
    one, two = cited(store, 1), cited(store, 2)
    made = store.back_up(kept / "monday", now_ms=NOW)
    assert (made.blobs, made.blobs_left_out) == (2, 0)
    assert files_beside(kept) == listed(made.file) == {one.hash, two.hash}
    for part in (MARKER.strip(), child_id(1).encode()):
        assert part not in everything_in(kept)
    found = restored(made, tmp_path / "elsewhere")
    assert (found.blobs, found.blobs_away, found.blobs_lost) == (2, 0, 0)
    with opened(tmp_path / "elsewhere") as again:
        assert again.blobs.read_all(one.hash).startswith(MARKER)
        assert {offer.blob for offer in again.transfers.waiting()} == {one, two}  # never sent: it still will be
        assert sweep(again, now_ms=NOW + 99 * DAY_MS) == (0, 0, 0)
        assert again.check().ok


def test_a_file_is_copied_once(store: Store, kept: Path) -> None:
    one = cited(store, 1)
    store.back_up(kept / "monday", now_ms=NOW)
    path = kept / "blobs" / one.hash[:2] / one.hash
    before = path.stat()
    two = cited(store, 2)
    assert store.back_up(kept / "tuesday", now_ms=NOW + DAY_MS).blobs == 2
    after = path.stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert files_beside(kept) == {one.hash, two.hash}


def test_whoever_was_erased_since_does_not_come_back(store: Store, kept: Path, tmp_path: Path) -> None:
    mine, theirs = cited(store, 1), cited(store, 2)
    made = store.back_up(kept / "monday", now_ms=NOW)
    found = restored(made, tmp_path / "elsewhere", erased=(child_id(1),))
    assert (found.erased, found.blobs) == (1, 1)
    with opened(tmp_path / "elsewhere") as again:
        assert not again.blobs.has(mine.hash)
        assert again.blobs.has(theirs.hash)
        assert not again.blobs.files.path(mine.hash).exists()


def test_without_the_keys_of_persons_they_stay_closed(store: Store, kept: Path, tmp_path: Path) -> None:
    one = cited(store, 1)
    made = store.back_up(kept / "monday", now_ms=NOW)
    made.keys.unlink()
    assert restored(made, tmp_path / "elsewhere").blobs == 1
    with opened(tmp_path / "elsewhere") as again:
        with pytest.raises(Refused, match=r"blob\.sealed"):
            next(again.blobs.read(one.hash))
        assert again.transfers.waiting() == []
        assert again.check().ok


@pytest.mark.expected_log("blobs are damaged", reason="one is lost on purpose")
def test_what_was_not_copied_along_is_said(store: Store, kept: Path, tmp_path: Path) -> None:
    one, two, three = cited(store, 1), cited(store, 2), cited(store, 3)
    store.transfers.arrived(one.hash)
    made = store.back_up(kept / "monday", now_ms=NOW)
    (kept / "blobs" / one.hash[:2] / one.hash).unlink()
    damaged = kept / "blobs" / two.hash[:2] / two.hash
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"?")
    found = restored(made, tmp_path / "elsewhere")
    assert (found.blobs, found.blobs_away, found.blobs_lost) == (1, 1, 1)
    with opened(tmp_path / "elsewhere") as again:
        assert again.transfers.wanted() == [one.hash]
        assert again.blobs.has(three.hash)
        again.blobs.look()
        assert again.blobs.wrong == (BlobFault(two.hash, "lost"),)
        assert again.check().blobs == (f"{two.hash}: lost",)


def test_a_damaged_one_stops_no_backup(store: Store, kept: Path) -> None:
    one, two = cited(store, 1), cited(store, 2)
    path = store.blobs.files.path(one.hash)
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    made = store.back_up(kept / "monday", now_ms=NOW)
    assert (made.blobs, made.blobs_left_out, files_beside(kept)) == (1, 1, {two.hash})


def test_they_leave_with_the_last_backup_that_has_them(store: Store, kept: Path) -> None:
    clock = ManualClock(NOW)
    backups = Backups(store, clock, kept, rule=Rule(2, 0, 0))
    one = cited(store, 1)
    backups.once()
    store.call(lambda: store.device.erase(child_id(1)))
    for day in range(3):
        clock.advance(DAY_MS)
        cited(store, 10 + day)
        backups.once()
        assert (one.hash in files_beside(kept)) == (day == 0)
    assert len(files_beside(kept)) == 3
    assert len(list(kept.glob("*.blobs"))) == 2


@pytest.mark.expected_log("no blob of a backup was removed", reason="a list is torn on purpose")
def test_with_a_torn_list_nothing_leaves(store: Store, kept: Path) -> None:
    clock = ManualClock(NOW)
    backups = Backups(store, clock, kept, rule=Rule(1, 0, 0))
    one = cited(store, 1)
    backups.once()
    clock.advance(DAY_MS)
    store.call(lambda: store.device.erase(child_id(1)))
    cited(store, 2)
    newest = store.back_up(kept / "tuesday.ctbackup", now_ms=NOW + DAY_MS).file
    newest.with_name(newest.name + ".blobs").write_bytes(b"CTBK1\n")
    assert len(backups.thin()) == 1  # Monday's backup alone
    assert one.hash in files_beside(kept)


def test_persons_keys_that_come_later_open_their_blobs_too(store: Store, kept: Path, tmp_path: Path) -> None:
    """Although the restored store has sealed another photo of the same child under a key of its own by then."""
    one = cited(store, 1)
    made = store.back_up(kept / "monday", now_ms=NOW)
    restore(
        made.file, tmp_path / "elsewhere", toy_blobs.registry(), opener=Opener(owner=OWNER), program="test", erased=(),
        key_files=[],
    )  # fmt: skip
    with opened(tmp_path / "elsewhere") as again:
        with pytest.raises(Refused, match=r"blob\.sealed"):
            again.blobs.read_all(one.hash)
        later = added(again, 1)
        again.bring_keys(read_keys([made.keys], Opener(owner=OWNER), label_of(made.file)).keys, listed=True)
        for blob in (one, later):
            assert again.blobs.read_all(blob.hash).startswith(MARKER)
        again.call(lambda: again.device.erase(child_id(1)))
        assert files_beside(tmp_path / "elsewhere") == set()
