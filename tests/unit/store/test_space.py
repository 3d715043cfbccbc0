"""Room on a real disk that fills: said early, new work stopped in time, and what frees room goes on to the last byte."""

import io
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from classtap_core.kernel.clock import ManualClock
from classtap_core.kernel.device_store import Answer
from classtap_core.kernel.errors import EnvironmentFault
from classtap_core.kernel.ids import derived
from classtap_core.kernel.outcomes import ACCEPTED
from classtap_core.store import destroy, keys, recovery, rotation
from classtap_core.store.container import Opener
from classtap_core.store.restore import restore
from classtap_core.store.rounds import Rounds
from classtap_core.store.salvage import salvage
from classtap_core.store.space import MARK_BYTES, QUEUE_LOW, QUEUE_MOST, Level, Limits, Room, Stopped, queue_level
from classtap_core.store.store import Store
from tests.unit.store import toy_blobs
from tests.unit.store.conftest import DEVICE, NOW, STAFF, STUDIO, child_row, mark
from tests.unit.store.test_blobs import Endless
from tests.unit.store.test_faults import mounted
from tests.unit.store.toy_blobs import ALL, added, bus_over, photo

MB = 1 << 20
TOTAL = 64 * MB
LOW, STOP, RESERVE = 8 * MB, 2 * MB, 1 * MB  # an eighth, a thirty-second, a sixty-fourth of it


class Disk:
    """A disk of 64 megabytes, with a file in it that makes it as full as is wanted."""

    def __init__(self, folder: Path) -> None:
        self.folder, self._filler = folder, folder / "filler"

    def leave(self, free: int) -> None:
        """Have so many bytes free."""
        self._filler.touch()
        size = self._filler.stat().st_size + shutil.disk_usage(self.folder).free - free
        with self._filler.open("r+b") as file:
            file.truncate(min(size, self._filler.stat().st_size))
            left = size - file.seek(0, 2)
            while left > 0:
                left -= file.write(bytes(min(left, MB)))


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    with mounted(tmp_path / "disk", "64m") as folder:
        yield Disk(folder)


def made(disk: Disk) -> Store:
    store = Store.create(disk.folder / "desk", toy_blobs.registry(), program="test", studio=STUDIO, device=DEVICE)
    store.call(lambda: store.device.hold(ALL))
    return store


def opened(disk: Disk) -> Store:
    return Store.open(disk.folder / "desk", toy_blobs.registry(), program="test")


def marks(store: Store, count: int, *, seed: int) -> None:
    bus = bus_over(store.device, seed=seed)
    for number in range(count):
        store.call(lambda number=number: bus.submit(mark(seed * 1_000 + number, note="x" * 100), STAFF))  # type: ignore[misc]


def test_limits_fit_the_disk() -> None:
    assert Limits().on(500 << 30) == (512 * MB, 32 * MB, 8 * MB)
    assert Limits().on(TOTAL) == (LOW, STOP, RESERVE)


def test_it_is_said_early_and_new_work_stops_before_anything_breaks(disk: Disk) -> None:
    with made(disk) as store:
        told: list[Room] = []
        end = store.space.on_change(told.append)
        marks(store, 1, seed=1)
        assert told == []
        disk.leave(LOW - MB)
        marks(store, 1, seed=2)
        assert [room.level for room in told] == [Level.LOW]
        assert told[0].marks == (told[0].free - STOP) // MARK_BYTES > 500
        disk.leave(STOP - MB // 2)
        free = shutil.disk_usage(disk.folder).free
        with pytest.raises(Stopped, match="disk_full"):
            marks(store, 1, seed=3)
        assert [room.level for room in told] == [Level.LOW, Level.FULL]
        assert shutil.disk_usage(disk.folder).free == free  # nothing was written to find that out
        assert store.call(lambda: store.device.head()).sequence == 2
        disk.leave(STOP + MB // 4)  # not yet: it would come and go with each mark
        with pytest.raises(Stopped):
            marks(store, 1, seed=3)
        disk.leave(2 * LOW)
        marks(store, 1, seed=3)
        assert [room.level for room in told] == [Level.LOW, Level.FULL, Level.ENOUGH]
        end()
        disk.leave(0)
        store.space.look()
        assert len(told) == 3
        assert store.check().ok


def test_a_queue_is_said_from_5000_and_stops_at_100000(disk: Disk) -> None:
    """Ruling 4. What frees room in it, answers of the cloud, goes on."""
    assert [queue_level(waiting) for waiting in (4_999, 5_000, 99_999, 100_000)] == [
        Level.ENOUGH, Level.LOW, Level.LOW, Level.FULL,
    ]  # fmt: skip
    with made(disk) as store:
        assert (QUEUE_LOW, store.device.queue_most) == (5_000, QUEUE_MOST)
        store.device.queue_most = 3
        marks(store, 3, seed=1)
        with pytest.raises(Stopped, match="queue_full"):
            marks(store, 1, seed=2)
        bus = bus_over(store.device)
        store.call(lambda: bus.acknowledge([Answer(1, ACCEPTED, 1)]))
        marks(store, 1, seed=2)
        assert store.call(lambda: store.device.head()).sequence == 4


def test_a_mark_takes_no_more_than_is_reckoned(disk: Disk) -> None:
    with made(disk) as store:
        marks(store, 100, seed=1)
        store.call(lambda: store.device.checkpoint(truncate=True))
        before = shutil.disk_usage(disk.folder).free
        marks(store, 500, seed=2)
        store.call(lambda: store.device.checkpoint(truncate=True))
        assert 500 < (before - shutil.disk_usage(disk.folder).free) / 500 <= MARK_BYTES


@pytest.mark.expected_log("the reserve of the store was let go", reason="the disk is filled on purpose")
def test_sending_goes_on_when_there_is_not_a_byte_left(disk: Disk) -> None:
    with made(disk) as store:
        bus = bus_over(store.device)
        marks(store, 50, seed=1)
        assert store.space.keep_reserve()
        assert store.space.keep_reserve()
        assert store.space.look().reserve
        store.call(lambda: store.device.checkpoint(truncate=True))
        disk.leave(0)
        with pytest.raises(Stopped):
            marks(store, 1, seed=2)
        assert store.space.look().reserve  # it is not for new work
        answers = [Answer(number, ACCEPTED, number) for number in range(1, 51)]
        store.call(lambda: bus.acknowledge(answers))
        assert not store.space.look().reserve
        store.apply(bus, [child_row(1)], cursor=50, token="50").result()
        store.call(lambda: store.device.release_scopes(["roster/*"]))
        store.call(lambda: store.device.erase(derived("somebody")))
        with store.reader() as reader:
            assert (reader.pending(), reader.head().cursor) == (0, 50)
        assert store.check().ok
        assert not store.space.keep_reserve()
        disk.leave(LOW)
        assert store.space.keep_reserve()


@pytest.mark.expected_log("the reserve of the store was let go", reason="the disk is filled on purpose")
def test_a_pulled_page_that_found_no_room_finds_it_when_it_comes_again(disk: Disk) -> None:
    with made(disk) as store:
        bus = bus_over(store.device)
        store.space.keep_reserve()
        store.call(lambda: store.device.checkpoint(truncate=True))
        disk.leave(0)
        page = [child_row(number) for number in range(50)]
        with pytest.raises(EnvironmentFault, match="disk_full"):
            store.apply(bus, page, cursor=1, token="1").result()
        store.apply(bus, page, cursor=1, token="1").result()
        assert store.check().rows == 50


@pytest.mark.expected_log("the reserve of the store was let go", reason="the disk is filled on purpose")
def test_a_store_opens_and_is_destroyed_on_a_full_disk(disk: Disk) -> None:
    with made(disk) as store:
        marks(store, 5, seed=1)
        store.space.keep_reserve()
    disk.leave(0)
    with opened(disk) as store, store.reader() as reader:
        stake = destroy.at_stake(reader)
        assert (stake.unsent, stake.files) == (5, 0)
        assert destroy.check_confirmed(reader, stake.confirm)
    disk.leave(0)
    destroy.destroy(disk.folder / "desk", program="test", ring=None)
    assert list((disk.folder / "desk").iterdir()) == []


def test_blobs_leave_room_for_the_rest(disk: Disk) -> None:
    with made(disk) as store:
        disk.leave(STOP + 3 * MB)
        with pytest.raises(Stopped):
            added(store, 1, 4 * MB)
        small = added(store, 1, MB)
        disk.leave(STOP + 9 * MB)
        source = Endless(30 * MB)
        source.seek = lambda offset, whence=0: Endless.seek(source, offset, whence) if whence == 0 else 0  # type: ignore[method-assign]
        name = derived("long")
        with pytest.raises(EnvironmentFault, match="disk_full"):
            store.blobs.add(source, photo(1), now_ms=NOW, name=name)  # type: ignore[arg-type]
        assert shutil.disk_usage(disk.folder).free > STOP // 2
        disk.leave(45 * MB)
        blob = store.blobs.add(Endless(30 * MB), photo(1), now_ms=NOW, name=name)  # type: ignore[arg-type]
        assert blob.size == 30 * MB
        assert store.blobs.has(small.hash)
        assert store.check().ok


def test_rounds_make_room_of_what_the_cloud_has_too(disk: Disk, tmp_path: Path) -> None:
    with made(disk) as store:
        sent, unsent = added(store, 1, 2 * MB), added(store, 2, 2 * MB)
        store.transfers.arrived(sent.hash)
        rounds = Rounds(store, ManualClock(NOW), tmp_path / "kept")
        rounds.make_room()
        assert store.space.look() == (Level.ENOUGH, store.space.room.free, store.space.room.marks, True)
        assert store.blobs.has(sent.hash)
        disk.leave(LOW - MB)
        rounds.make_room()
        assert (store.blobs.has(sent.hash), store.blobs.has(unsent.hash)) == (False, True)
        assert store.space.room.free > LOW
        rounds.tidy()


Step = Callable[[Store, Path], object]
OWNER = recovery.RecoveryKey(bytes(range(32)))
STEPS: dict[str, Step] = {
    "mark": lambda store, out: marks(store, 1, seed=5),
    "pull": lambda store, out: store.apply(
        bus_over(store.device), [child_row(number) for number in range(500)], cursor=9, token="9"
    ).result(),
    "answer": lambda store, out: store.call(
        lambda: bus_over(store.device).acknowledge([Answer(number, ACCEPTED, number) for number in range(1, 41)])
    ),
    "blob": lambda store, out: added(store, 1, MB),
    "seal": lambda store, out: store.seal_to(OWNER.public),
    "backup": lambda store, out: store.back_up(out / "full.ctbackup", now_ms=NOW),
    "another key": lambda store, out: store.rotate_key(None),
    "remember": lambda store, out: store.keep_for(30),
    "erase": lambda store, out: store.call(lambda: store.device.erase(child_row(1).id)),
    "a scope lost": lambda store, out: store.call(lambda: store.device.release_scopes(["roster/*"])),
    "keys brought": lambda store, out: store.bring_keys({child_row(2).id: (1, bytes(32))}, listed=True),
    "old work": lambda store, out: (store.tidy(NOW).result(), store.let_go_of_old(NOW + 400 * 86_400_000).result()),
}


@pytest.mark.parametrize("room", [0, 50_000, 400_000])
@pytest.mark.parametrize("step", STEPS)
def test_a_full_disk_at_each_step(disk: Disk, step: str, room: int) -> None:
    """Without any reserve: done, or refused by its name; the store is sound, and works again when there is room."""
    out = disk.folder / "kept"
    out.mkdir(mode=0o700)
    with made(disk) as store:
        marks(store, 40, seed=1)
        store.call(lambda: store.device.checkpoint(truncate=True))
        disk.leave(room)
        try:
            STEPS[step](store, out)
        except EnvironmentFault as fault:
            assert fault.code == "disk_full", fault  # noqa: PT017 - it may also be done
        left = {path.name for path in out.rglob("*") if path.suffix not in (".ctbackup", ".keys")}
        assert left == set()
        assert store.check().ok
        disk.leave(30 * MB)
        STEPS[step](store, out)
        assert store.check().ok
    with opened(disk) as store:
        assert store.check().entries >= 40


@pytest.mark.parametrize("room", [0, 20_000, 300_000])
@pytest.mark.parametrize("step", ["restore", "recover", "open", "salvage"])
def test_a_full_disk_at_each_step_without_a_store_open(disk: Disk, tmp_path: Path, step: str, room: int) -> None:
    folder, elsewhere, out = disk.folder / "desk", disk.folder / "elsewhere", tmp_path / "kept"
    out.mkdir(mode=0o700)
    with made(disk) as store:
        store.seal_to(OWNER.public)
        marks(store, 40, seed=1)
        backup = store.back_up(out / "one.ctbackup", now_ms=NOW).file

    if step == "salvage":
        with (folder / "store.db").open("r+b") as file:
            file.seek(-2_000, 2)
            file.write(bytes(100))  # its last page

    def run() -> None:
        if step == "salvage":
            salvage(folder, toy_blobs.registry(), program="test", ring=None)
        elif step == "restore":
            restore(backup, elsewhere, toy_blobs.registry(), opener=Opener(owner=OWNER), program="test")
        elif step == "recover":
            rotation.recover(folder, OWNER, program="test", ring=None)
        else:
            opened(disk).close()

    disk.leave(room)
    try:
        run()
    except EnvironmentFault as fault:
        assert fault.code == "disk_full", fault  # noqa: PT017 - it may also be done
    disk.leave(30 * MB)
    if step != "restore" or not Store.exists(elsewhere):
        run()
    for place in (folder, elsewhere) if step == "restore" else (folder,):
        with Store.open(place, toy_blobs.registry(), program="test") as store:
            found = store.check()
            assert (found.ok, found.entries == 40 or step == "salvage") == (True, True)
    assert keys.load(folder, None)


def test_an_empty_source_is_a_blob_too(disk: Disk) -> None:
    with made(disk) as store:
        assert store.blobs.add(io.BytesIO(), photo(1), now_ms=NOW).size == 0
