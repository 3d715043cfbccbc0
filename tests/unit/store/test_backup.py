"""Backups: of one instant, beside people's work, for whom they are meant, and restored as what they were."""

import os
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classtap_core.kernel.errors import BadInput, EnvironmentFault, Refused
from classtap_core.store import container, keys, recovery
from classtap_core.store.backup import Made, Rule, to_keep, verify
from classtap_core.store.container import Opener as Key
from classtap_core.store.restore import Restored, restore
from classtap_core.store.store import Store
from tests.unit.kernel import toy
from tests.unit.store.conftest import NOW, STAFF, Opener, bus_over, child_id, child_row, mark

OWNER = recovery.RecoveryKey(bytes(range(32)))
SECRET = "Zebedee-the-marker"


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """Where backups go."""
    folder = tmp_path / "kept"
    folder.mkdir(mode=0o700)
    return folder


@pytest.fixture
def busy(store: Store) -> Store:
    """A store with the owner's seal, 20 children, two acknowledged marks and three unsent ones."""
    store.seal_to(OWNER.public)
    bus = bus_over(store.device)
    store.apply(bus, [child_row(number, f"{SECRET} {number}") for number in range(20)], cursor=1, token="1").result()
    for number in range(5):
        store.call(lambda number=number: bus.submit(mark(number, note=f"{SECRET} note {number}"), STAFF))

    def acknowledge() -> None:
        with store.device.atomic():
            store.device.set_acked(2)

    store.call(acknowledge)
    return store


def restored(made: Made, folder: Path, *, erased: tuple[str, ...] = (), files: list[Path] | None = None) -> Restored:
    return restore(
        made.file, folder, toy.registry(), opener=Key(owner=OWNER), program="test", erased=erased, key_files=files
    )


def test_restored_elsewhere_with_the_owners_paper(busy: Store, kept: Path, tmp_path: Path) -> None:
    made = busy.back_up(kept / "monday", now_ms=NOW)
    assert (made.entries, made.recovery, made.label.sequence, made.label.acked) == (5, True, 5, 2)
    busy.call(lambda: bus_over(busy.device, seed=8).submit(mark(9), STAFF))  # after it: not in it
    found = restored(made, tmp_path / "elsewhere")
    assert found == Restored(made_ms=NOW, epoch=2, entries=5, unsent=3, erased=0, sealed=0)
    with Store.open(tmp_path / "elsewhere", toy.registry(), program="test") as again:
        assert again.check().ok
        assert again.recovery == OWNER.public
        assert again.public_key == busy.public_key
        with again.reader() as reader:
            head = reader.head()
            assert (head.epoch, head.sequence, head.acked, head.cursor, head.token) == (2, 0, 0, 0, "")
            assert reader.unsent(9) == []
            assert [(epoch, one.sequence) for epoch, one in reader.unsent_before()] == [(1, 3), (1, 4), (1, 5)]
            child = toy.presence_id(child_id(4))
            assert f"{SECRET} note 4".encode() in reader.rows(toy.Presence, [child])[child].body
            with busy.reader() as old:
                assert [one for _, one in reader.unsent_before()] == old.unsent(9)[:3]
        bus = bus_over(again.device, seed=9)
        again.call(lambda: bus.submit(mark(7), STAFF))
        again.apply(bus, [child_row(number) for number in range(20)], cursor=3, token="3").result()
        assert again.check().ok
        assert again.check().entries == 6


def test_a_backup_says_nothing_of_anybody(busy: Store, kept: Path) -> None:
    made = busy.back_up(kept / "monday", now_ms=NOW)
    key = keys.load(busy.folder, None).key
    for path in (made.file, made.keys):
        data = path.read_bytes()
        assert SECRET.encode() not in data
        assert child_id(3).encode() not in data
        assert key not in data
        assert path.stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in kept.iterdir()) == ["monday", "monday.keys"]
    assert verify(made.file, Key(store=key)) == verify(made.file, Key(owner=OWNER)) == made.label


def test_whoever_was_erased_since_is_erased_first(busy: Store, kept: Path, tmp_path: Path) -> None:
    """By the cloud's list, and by a later file of persons' keys beside the backup."""
    made = busy.back_up(kept / "monday", now_ms=NOW)
    busy.call(lambda: busy.device.erase(child_id(3)))
    busy.back_up(kept / "tuesday", now_ms=NOW + 86_400_000)
    found = restored(made, tmp_path / "elsewhere", erased=(child_id(4),))
    assert (found.erased, found.sealed, found.entries) == (2, 0, 5)
    with Store.open(tmp_path / "elsewhere", toy.registry(), program="test") as again:
        assert again.check().ok
        with again.reader() as reader:
            words = repr([one.parts for _, one in reader.unsent_before()])
            assert f"{SECRET} note 2" in words
            assert f"{SECRET} note 3" not in words
            assert f"{SECRET} note 4" not in words
            assert set(reader.rows(toy.Child, [child_id(2), child_id(3), child_id(4)])) == {child_id(2)}


def test_without_the_persons_keys_records_open_and_the_log_stays_sealed(
    busy: Store, kept: Path, tmp_path: Path
) -> None:
    made = busy.back_up(kept / "monday", now_ms=NOW)
    found = restored(made, tmp_path / "elsewhere", files=[])
    assert (found.sealed, found.erased) == (5, 0)
    with Store.open(tmp_path / "elsewhere", toy.registry(), program="test") as again, again.reader() as reader:
        assert again.check().ok
        assert SECRET.encode() in reader.rows(toy.Child, [child_id(2)])[child_id(2)].body
        assert SECRET not in repr([one.parts for _, one in reader.unsent_before()])


def test_only_the_owner_and_the_store_open_a_backup(busy: Store, kept: Path, tmp_path: Path) -> None:
    made = busy.back_up(kept / "monday", now_ms=NOW)
    for wrong in (Key(), Key(owner=recovery.make(os.urandom)), Key(store=bytes(32))):
        with pytest.raises(BadInput, match=r"backup\.other_key"):
            restore(made.file, tmp_path / "no", toy.registry(), opener=wrong, program="test")
    assert not Store.exists(tmp_path / "no")
    key = keys.load(busy.folder, None).key
    restore(made.file, tmp_path / "yes", toy.registry(), opener=Key(store=key), program="test", key_files=[])
    with pytest.raises(Refused, match=r"store\.exists"):
        restored(made, tmp_path / "yes")


def test_a_store_without_a_recovery_key_is_backed_up_for_itself(store: Store, kept: Path, tmp_path: Path) -> None:
    store.call(lambda: bus_over(store.device).submit(mark(1, note=SECRET), STAFF))
    made = store.back_up(kept / "monday", now_ms=NOW)
    assert not made.recovery
    key = Key(store=keys.load(store.folder, None).key)
    found = restore(made.file, tmp_path / "again", toy.registry(), opener=key, program="test")
    assert (found.sealed, found.unsent) == (0, 1)


def test_a_backup_replaces_a_backup_and_nothing_else(busy: Store, kept: Path) -> None:
    """Named like the store's own file, or like somebody's letter, it leaves both alone."""
    (kept / "letter.txt").write_text("Dear diary,")
    (kept / "friday.keys").write_text("where the keys lie")
    (kept / "link").symlink_to(busy.folder)
    targets = {
        "backup.in_store": [busy.folder / "store.db", busy.folder / "kept", busy.folder / "blobs" / "one", kept / "link" / "store.db"],
        "backup.there": [kept / "letter.txt", kept / "friday"],
    }  # fmt: skip
    before = {path: path.read_bytes() for path in (busy.folder / "store.db", *kept.glob("*.*"))}
    for code, files in targets.items():
        for file in files:
            with pytest.raises(BadInput) as caught:
                busy.back_up(file, now_ms=NOW)
            assert caught.value.code == code, file
    assert {path: path.read_bytes() for path in before} == before
    first = busy.back_up(kept / "monday", now_ms=NOW)
    assert busy.back_up(kept / "monday", now_ms=NOW + 1).file == first.file
    assert busy.check().ok


@pytest.mark.parametrize(
    ("what", "code"),
    [
        ("text", "backup.not_one"), ("empty", "backup.not_one"), ("keys", "backup.not_one"), ("cut", "backup.cut"),
        ("head", "backup.not_one"), ("body", "backup.damaged"), ("label", "backup.other_key"), ("later", "backup.newer"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_backup_makes_no_store(busy: Store, kept: Path, tmp_path: Path, what: str, code: str) -> None:
    made = busy.back_up(kept / "monday", now_ms=NOW)
    data = bytearray(made.file.read_bytes())
    if what == "body":
        data[-5000] ^= 1
    changed = {
        "text": b"Dear diary,", "empty": b"", "keys": made.keys.read_bytes(), "cut": bytes(data[:-1]),
        "head": bytes(data[:20]), "body": bytes(data), "label": bytes(data).replace(b'"acked":2', b'"acked":3'),
        "later": bytes(data).replace(b'"v":1', b'"v":2'),
    }[what]  # fmt: skip
    made.file.write_bytes(changed)
    with pytest.raises(BadInput) as caught:
        restored(made, tmp_path / "no")
    assert caught.value.code == code
    assert not Store.exists(tmp_path / "no")
    with pytest.raises(EnvironmentFault, match=r"backup\.cannot_read"):
        container.label_of(kept / "nowhere")


def test_marks_go_on_while_a_backup_is_made(busy: Store, kept: Path) -> None:
    """A consistent instant, whatever is marked meanwhile."""
    bus = bus_over(busy.device, seed=8)
    busy.apply(bus, [child_row(number, "n" * 2_000) for number in range(100, 3_000)], cursor=2, token="2").result()
    made: list[Made] = []
    thread = threading.Thread(target=lambda: made.append(busy.back_up(kept / "busy", now_ms=NOW)))
    thread.start()
    marked = 0
    while thread.is_alive():
        busy.call(lambda number=marked: bus.submit(mark(number), STAFF))
        marked += 1
    thread.join()
    assert marked > 3
    assert 5 <= made[0].label.sequence == made[0].entries <= 5 + marked
    assert busy.check().entries == 5 + marked


def test_closing_stops_a_backup_and_leaves_nothing(busy: Store, kept: Path) -> None:
    busy.hurry()
    with pytest.raises(Refused, match=r"store\.closed"):
        busy.back_up(kept / "monday", now_ms=NOW)
    assert list(kept.iterdir()) == []


def test_a_damaged_store_is_not_backed_up(opened: Opener, kept: Path) -> None:
    store = opened()
    store.call(lambda: bus_over(store.device).submit(mark(1), STAFF))
    store.call(lambda: store.device.conn.execute("UPDATE log SET envelope = x'00'"))
    with pytest.raises(EnvironmentFault, match=r"store\.damaged"):
        store.back_up(kept / "monday", now_ms=NOW)
    assert list(kept.iterdir()) == []


DAYS = [datetime(2026, 1, 1, 3, tzinfo=UTC) + timedelta(days=day) for day in range(400)]


def test_seven_days_four_weeks_twelve_months() -> None:
    """One a day for 400 days, to Thursday 4 February 2027."""
    assert [f"{at:%Y-%m-%d}" for at in sorted(to_keep(DAYS))] == [
        "2026-03-31", "2026-04-30", "2026-05-31", "2026-06-30", "2026-07-31", "2026-08-31", "2026-09-30",
        "2026-10-31", "2026-11-30", "2026-12-31", "2027-01-17", "2027-01-24", "2027-01-29", "2027-01-30",
        "2027-01-31", "2027-02-01", "2027-02-02", "2027-02-03", "2027-02-04",
    ]  # fmt: skip


@given(st.lists(st.sampled_from(DAYS)), st.integers(0, 9), st.integers(0, 9), st.integers(0, 14))
def test_what_is_kept_today_was_kept_yesterday(made: list[datetime], daily: int, weekly: int, monthly: int) -> None:
    """Never more than asked, never without the newest; thinning day by day leaves what thinning at the end leaves."""
    rule = Rule(daily, weekly, monthly)
    kept = to_keep(made, rule)
    assert kept <= set(made)
    assert len(kept) <= max(1, daily + weekly + monthly)
    assert not made or max(made) in kept
    standing: set[datetime] = set()
    for at in sorted(made):
        standing = set(to_keep({*standing, at}, rule))
    assert kept <= standing
    assert to_keep(standing, rule) == frozenset(standing)
