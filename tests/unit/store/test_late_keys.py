"""Keys of persons that come after a restore: records open at once, the log with the keys and the list of who was erased."""

from pathlib import Path

import msgspec
import pytest

from classtap_core.kernel.device_store import Answer, Pulled
from classtap_core.kernel.outcomes import ACCEPTED
from classtap_core.store import late_keys, recovery
from classtap_core.store.backup import Made
from classtap_core.store.container import Opener as Key
from classtap_core.store.container import label_of
from classtap_core.store.restore import Restored, read_keys, restore
from classtap_core.store.store import Store
from classtap_core.store.subjects import SubjectKey
from tests.unit.kernel import toy
from tests.unit.store.conftest import ALL, NOW, STAFF, bus_over, child_id, child_row, mark

OWNER = recovery.RecoveryKey(bytes(range(32)))
SECRET = "Zebedee-the-marker"
COUNT = 5


@pytest.fixture
def made(store: Store, tmp_path: Path) -> Made:
    """A backup of five marks of five children, two of them acknowledged, sealed to the owner."""
    store.seal_to(OWNER.public)
    bus = bus_over(store.device)
    store.apply(bus, [child_row(number, SECRET) for number in range(COUNT)], cursor=1, token="1").result()
    for number in range(COUNT):
        store.call(lambda number=number: bus.submit(mark(number, note=f"{SECRET} note {number}"), STAFF))  # type: ignore[misc]
    store.call(lambda: bus.acknowledge([Answer(1, ACCEPTED, 2), Answer(2, ACCEPTED, 3)]))
    kept = tmp_path / "kept"
    kept.mkdir(mode=0o700)
    return store.back_up(kept / "monday", now_ms=NOW)


def restored(made: Made, folder: Path, *, erased: tuple[str, ...] | None, files: list[Path] | None) -> Restored:
    return restore(
        made.file, folder, toy.registry(), opener=Key(owner=OWNER), program="test", erased=erased, key_files=files
    )


def reopened(folder: Path) -> Store:
    return Store.open(folder, toy.registry(), program="test")


def keys_in(made: Made) -> dict[str, tuple[int, bytes]]:
    return read_keys([made.keys], Key(owner=OWNER), label_of(made.file)).keys


def said(store: Store) -> list[int]:
    """Whose notes of the log open."""
    with store.reader() as reader:
        words = repr([entry.parts for entry in reader.entries(range(1, COUNT + 1), epoch=1)])
    return [number for number in range(COUNT) if f"{SECRET} note {number}" in words]


def sendable(store: Store) -> list[int]:
    with store.reader() as reader:
        return [one.sequence for _, one in reader.sendable_before()]


def the_list_comes(store: Store, *erased: int) -> None:
    """The first sync has loaded who was erased."""
    rows = [
        Pulled("erasure", child_id(one), late_keys.LIST, msgspec.json.encode({"id": child_id(one), "at_ms": NOW}))
        for one in erased
    ]
    store.apply_snapshot(bus_over(store.device), late_keys.LIST, rows, next="", cursor=9, token="9").result()
    store.call(lambda: None, background=True)


def works_on(store: Store, *numbers: int, seed: int = 9) -> None:
    """Marks children again: each gets a new key, under a new number."""
    bus = bus_over(store.device, seed=seed)
    store.call(lambda: store.device.hold(ALL))
    for number in numbers:
        store.call(lambda number=number: bus.submit(mark(number, note=f"later {number}"), STAFF))  # type: ignore[misc]


def test_without_the_list_records_open_at_once_and_the_log_when_it_comes(made: Made, tmp_path: Path) -> None:
    found = restored(made, tmp_path / "again", erased=None, files=None)
    assert (found.held, found.sealed, found.erased) == (COUNT, 0, 0)
    with reopened(tmp_path / "again") as again:
        with again.reader() as reader:
            assert SECRET.encode() in reader.rows(toy.Child, [child_id(2)])[child_id(2)].body
        assert (said(again), sendable(again)) == ([], [])
        the_list_comes(again)
        assert (said(again), sendable(again)) == ([0, 1, 2, 3, 4], [3, 4, 5])
        assert again.check().ok
        with again.reader() as reader:
            assert late_keys.held(reader) == {}
            assert not late_keys.awaited(reader)


def test_whoever_the_list_names_stays_closed_for_ever(made: Made, tmp_path: Path) -> None:
    restored(made, tmp_path / "again", erased=None, files=None)
    with reopened(tmp_path / "again") as again:
        the_list_comes(again, 3)
        assert (said(again), sendable(again)) == ([0, 1, 2, 4], [3, 4, 5])
        again.bring_keys(keys_in(made), listed=True)
        assert said(again) == [0, 1, 2, 4]
        assert again.check().ok


def test_a_program_that_ends_before_the_keys_were_given_gives_them_at_its_next_start(
    made: Made, tmp_path: Path
) -> None:
    restored(made, tmp_path / "again", erased=None, files=None)
    with reopened(tmp_path / "again") as again:
        again.call(lambda: again.device.load(late_keys.LIST, next=""))
        assert said(again) == []
    with reopened(tmp_path / "again") as again:
        again.call(lambda: None, background=True)
        assert said(again) == [0, 1, 2, 3, 4]


def test_keys_that_come_late_open_the_log_although_their_persons_have_others_by_now(made: Made, tmp_path: Path) -> None:
    found = restored(made, tmp_path / "again", erased=(), files=[])
    assert (found.held, found.sealed) == (0, COUNT)
    with reopened(tmp_path / "again") as again:
        works_on(again, 1, 3)
        assert (said(again), sendable(again)) == ([], [])
        given = again.bring_keys(keys_in(made), listed=True)
        assert given.persons == COUNT
        assert given.resealed >= 4  # what two of them said, and what that changed
        assert (said(again), sendable(again)) == ([0, 1, 2, 3, 4], [3, 4, 5])
        assert again.check().ok
        with again.reader() as reader:
            assert "later 3" in repr([entry.parts for entry in reader.entries([1, 2])])
        again.call(lambda: again.device.erase(child_id(3)))
        assert said(again) == [0, 1, 2, 4], "one key for all that is theirs, and it is gone"
        assert again.check().ok


def test_a_number_that_was_given_to_somebody_else_meanwhile_does_no_harm(made: Made, tmp_path: Path) -> None:
    """Keys of a later backup than the one that was restored: both stores went on numbering."""
    restored(made, tmp_path / "again", erased=(), files=[])
    keys = keys_in(made)
    with reopened(tmp_path / "again") as again:
        works_on(again, 7)
        with again.reader() as reader:
            theirs = reader.subject_keys.standing(child_id(7))
        assert theirs is not None
        taken = {**keys, child_id(8): (theirs.number, bytes(32)), child_id(7): (theirs.number, bytes(32))}
        again.bring_keys(taken, listed=True)
        assert said(again) == [0, 1, 2, 3, 4]
        with again.reader() as reader:
            assert reader.subject_keys.standing(child_id(7)) == theirs
            other = reader.subject_keys.standing(child_id(8))
            assert other is None or other.number != theirs.number
            assert "later 7" in repr([entry.parts for entry in reader.entries([1])])
        assert again.check().ok


def test_keys_without_a_list_wait_for_it(made: Made, tmp_path: Path) -> None:
    restored(made, tmp_path / "again", erased=(), files=[])
    with reopened(tmp_path / "again") as again:
        assert again.bring_keys(keys_in(made), erased=[child_id(4)]) == late_keys.Given()
        assert said(again) == []
        the_list_comes(again)
        assert said(again) == [0, 1, 2, 3]


def test_cut_short_it_goes_on(made: Made, tmp_path: Path) -> None:
    restored(made, tmp_path / "again", erased=(), files=[])
    with reopened(tmp_path / "again") as again:
        works_on(again, 0, 1, 2)

        def part_way(steps: int) -> None:
            with again.device.atomic():
                late_keys.hold(again.device, keys_in(made))
            for _, _ in zip(range(steps), late_keys.give(again.device), strict=False):
                pass

        for steps in (1, 2, 3):
            again.call(lambda steps=steps: part_way(steps))  # type: ignore[misc]
        again.bring_keys({}, listed=True)
        assert said(again) == [0, 1, 2, 3, 4]
        assert again.check().ok


def test_keys_that_never_come_are_given_up(made: Made, tmp_path: Path) -> None:
    restored(made, tmp_path / "again", erased=(), files=[])
    with reopened(tmp_path / "again") as again:
        assert sendable(again) == []
        again.give_up_keys()
        assert sendable(again) == [3, 4, 5]
        assert said(again) == []


def test_keys_that_wait_lie_apart_from_a_backup_too(made: Made, tmp_path: Path) -> None:
    restored(made, tmp_path / "again", erased=None, files=None)
    with reopened(tmp_path / "again") as again:
        second = again.back_up(tmp_path / "kept" / "tuesday", now_ms=NOW + 1)
        with again.reader() as reader:
            waiting = late_keys.held(reader)
    assert {one: SubjectKey(*key) for one, key in keys_in(second).items()} == waiting
    found = restored(second, tmp_path / "third", erased=None, files=[])
    assert (found.held, found.sealed) == (0, COUNT)
    found = restored(second, tmp_path / "fourth", erased=(), files=None)
    assert (found.held, found.sealed) == (0, 0)
    with reopened(tmp_path / "fourth") as again:
        assert said(again) == [0, 1, 2, 3, 4]
