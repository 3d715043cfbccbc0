"""Every page of a store damaged in turn: what is left is right, what is gone is named, and the rest is fetched again."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from classtap_core.kernel.batches import Batch, read_batch
from classtap_core.kernel.clock import ManualClock
from classtap_core.kernel.device_store import Answer, Pulled
from classtap_core.kernel.errors import EnvironmentFault, Refused
from classtap_core.kernel.outcomes import ACCEPTED
from classtap_core.store import salvage
from classtap_core.store.damage import Damage, find_damage, trees_of
from classtap_core.store.device import SqlDevice
from classtap_core.store.engine import PAGE_BYTES, connect
from classtap_core.store.folder import ASIDE, DATABASE
from classtap_core.store.integrity import Depth
from classtap_core.store.pages import Pages, Row
from classtap_core.store.rounds import Rounds
from classtap_core.store.salvage import MEND_FILE, READY, Salvaged
from classtap_core.store.store import Store
from classtap_core.store.told import TABLES
from tests.unit.kernel import toy
from tests.unit.kernel.rig import Cloud, Device
from tests.unit.store.conftest import ALL, DEVICE, NOW, STAFF, STUDIO, bus_over, child_id, child_row, mark

CHILDREN, MARKS, ACKED, TOLD = 120, 24, 10, 12


class Control:
    """A sound store, closed, and what is in it: rows by table and id, unsent operations, whose page is whose."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with Store.create(folder, toy.registry(), program="test", studio=STUDIO, device=DEVICE) as store:
            store.call(lambda: store.device.hold(ALL))
            bus, told = bus_over(store.device), neighbours_word()
            store.apply(bus, [child_row(number, "n" * 700) for number in range(CHILDREN)], cursor=1, token="1").result()
            for number in range(MARKS):
                store.call(lambda number=number: bus.submit(mark(number, note="note " * 80), STAFF))
            store.call(
                lambda: bus.acknowledge([Answer(number, ACCEPTED, 10 + number) for number in range(1, ACKED + 1)])
            )
            store.call(lambda: bus.hear(told, read_batch(told), holds=lambda shape, scopes: True))
            store.call(lambda: store.device.conn.execute("DELETE FROM observation"))
            self.key = store._key
            self.rows = seen(store)
            with store.reader() as reader:
                self.unsent = {one.sequence: one.data for one in reader.unsent(999)}
        self.pages = Pages(folder / DATABASE, self.key)
        self.owner: dict[int, str] = {number: "schema" for number, _ in self.pages.tree(1)}
        trees, _ = trees_of(self.pages)
        for tree in trees:
            self.owner.update({number: tree.name for number, _ in self.pages.tree(tree.root)})


def neighbours_word() -> Batch:
    """What another device of the place did, and the cloud does not know."""
    there = Device("there", Cloud())
    for number in range(TOLD):
        there.bus.submit(mark(1_000 + number, note="word " * 80), STAFF)
    return there.batch(1, TOLD)


def seen(store: Store) -> dict[str, dict[str, bytes]]:
    with store.reader() as reader:
        return {
            table.kind: dict(
                reader.conn.execute(f'SELECT id, body FROM "{table.name}" WHERE body IS NOT NULL').fetchall()
            )
            for table in reader.tables.values()
        }


@pytest.fixture(scope="module")
def control(tmp_path_factory: pytest.TempPathFactory) -> Control:
    return Control(tmp_path_factory.mktemp("control") / "desk")


@pytest.fixture
def copy(control: Control, tmp_path: Path) -> Callable[[], Path]:
    def take() -> Path:
        folder = tmp_path / "desk"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(control.folder, folder)
        return folder

    return take


def flip(folder: Path, page: int, at: int = 700) -> None:
    with (folder / DATABASE).open("r+b") as file:
        file.seek((page - 1) * PAGE_BYTES + at)
        byte = file.read(1)
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte[0] ^ 4]))


def salvaged(folder: Path) -> Salvaged:
    return salvage.salvage(folder, toy.registry(), program="test")


def holds_up(folder: Path, control: Control, found: Salvaged) -> Iterator[str]:
    """What is wrong with a salvaged store, compared with the control; nothing should be."""
    with Store.open(folder, toy.registry(), program="test") as store:
        checked = store.check()
        if not checked.ok:
            yield f"check {checked}"
        for kind, rows in seen(store).items():
            wrong = [id for id, body in rows.items() if control.rows[kind].get(id) != body]
            if wrong:
                yield f"{kind}: {len(wrong)} rows that the control does not have so"
            gone = control.rows[kind].keys() - rows.keys()
            if gone and not found.scopes and not found.begun and f"record_{kind}" not in found.lost:
                yield f"{kind}: {len(gone)} rows gone without a word"
        with store.reader() as reader:
            kept = {one.sequence: one.data for one in reader.unsent(999)}
            kept |= {one.sequence: one.data for _, one in reader.unsent_before()}
            if any(control.unsent[sequence] != data for sequence, data in kept.items()):
                yield "an unsent operation is another"
            lost = control.unsent.keys() - kept.keys()
            if lost - set(found.missing) and "log" not in found.lost:
                yield f"unsent operations {lost} gone without a word"
            told = [reader.conn.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in TABLES]
            whole = len(reader.told.runs(STUDIO, heard_before=NOW * 2)) == 1
            if told != ([TOLD, 1, TOLD, TOLD] if whole else [0, 0, 0, 0]):
                yield f"half of what was told is there: {told}"
            if not whole and not found.begun and not {*TABLES} & {*found.lost}:
                yield "what was told is gone without a word"
            again = {state.scope for state in reader.scopes() if state.again}
            if not found.begun and again != set(found.scopes):
                yield f"{again} are loaded anew, {found.scopes} were named"


def test_a_flipped_byte_in_any_page_loses_only_what_is_named(control: Control, copy: Callable[[], Path]) -> None:
    for page in range(1, control.pages.count + 1):
        folder, owner = copy(), control.owner.get(page, "overflow or free")
        flip(folder, page)
        found = salvaged(folder)
        assert found.pages == (page,), owner
        assert not list(holds_up(folder, control, found)), owner
        assert Path(found.aside) == folder / (DATABASE + ASIDE)
        if owner.startswith(("record_", "sqlite_autoindex", "search")) or owner.endswith(
            ("_id", "_position", "_overlay")
        ):
            assert found.unsent == MARKS - ACKED, owner
            assert not found.begun, owner


def test_which_device_this_is_lies_in_two_places(control: Control, copy: Callable[[], Path]) -> None:
    both = [next(page for page, name in control.owner.items() if name == table) for table in ("meta", "meta_copy")]
    for page in both:
        folder = copy()
        flip(folder, page)
        found = salvaged(folder)
        assert (found.epoch, found.begun, found.unsent) == (1, False, MARKS - ACKED)
        with Store.open(folder, toy.registry(), program="test") as store:
            assert seen(store) == control.rows
    folder = copy()
    for page in both:
        flip(folder, page)
    with pytest.raises(EnvironmentFault, match=r"store\.no_identity"):
        salvaged(folder)
    assert not (folder / (DATABASE + ASIDE)).exists(), "nothing was changed"


def test_only_an_index_or_the_search_is_damaged_and_nothing_is_lost(control: Control, copy: Callable[[], Path]) -> None:
    for owner in ("sqlite_autoindex_record_child_1", "log_id", "searchable", "searchable_fts_data", "search_word"):
        folder = copy()
        flip(folder, next(page for page, name in control.owner.items() if name == owner))
        found = salvaged(folder)
        assert owner in found.rebuilt
        assert (found.lost, found.scopes, found.begun, found.entries) == ({}, (), False, MARKS)
        with Store.open(folder, toy.registry(), program="test") as store:
            assert seen(store) == control.rows


def test_rows_of_one_kind_are_gone_and_only_their_scopes_are_fetched_again(
    control: Control, copy: Callable[[], Path]
) -> None:
    folder = copy()
    leaves = [page for page, name in control.owner.items() if name == "record_child" and control.pages.kind(page) == 13]
    flip(folder, leaves[3])
    found = salvaged(folder)
    assert (found.lost, found.scopes) == ({"record_child": 1}, ("families/*",))
    with Store.open(folder, toy.registry(), program="test") as store:
        left = seen(store)
        assert CHILDREN - 10 < len(left["child"]) < CHILDREN
        assert left["presence"] == control.rows["presence"]
        store.apply(bus_over(store.device), [child_row(number, "n" * 700) for number in range(CHILDREN)]).result()
        assert seen(store) == control.rows, "what was fetched again makes it whole"
        assert store.check().ok


def test_what_unsent_work_wrote_is_laid_over_again_from_the_log(control: Control, copy: Callable[[], Path]) -> None:
    folder = copy()
    for page, name in control.owner.items():
        if name == "record_presence" and control.pages.kind(page) == 13:
            flip(folder, page)
    found = salvaged(folder)
    assert "record_presence" in found.lost
    with Store.open(folder, toy.registry(), program="test") as store:
        own = {id: body for id, body in control.rows["presence"].items() if b"word word" not in body}
        assert len(own) == MARKS
        assert seen(store)["presence"] == own  # what others told shows again once the cloud knows it


@pytest.mark.parametrize("inner", [5, 2])
def test_what_lies_beneath_a_damaged_inner_page_is_found(
    control: Control, copy: Callable[[], Path], inner: int
) -> None:
    for page, name in control.owner.items():
        if control.pages.kind(page) == inner and name != "schema":
            folder = copy()
            flip(folder, page)
            found = salvaged(folder)
            assert not list(holds_up(folder, control, found)), name
            assert found.entries == MARKS, name
            if name.startswith("record_"):
                with Store.open(folder, toy.registry(), program="test") as store:
                    assert seen(store) == control.rows, "its leaves are whole"


@pytest.mark.parametrize("at", [0, 7, 15, 16, 24, 100, 2000, 4095])
def test_the_first_page_and_its_salt(control: Control, copy: Callable[[], Path], at: int) -> None:
    folder = copy()
    flip(folder, 1, at)
    with pytest.raises(EnvironmentFault, match=r"store\.(unreadable|damaged)"):
        Store.open(folder, toy.registry(), program="test")
    found = salvaged(folder)
    assert not list(holds_up(folder, control, found))
    assert found.lost == {}


def test_many_pages_at_once(control: Control, copy: Callable[[], Path]) -> None:
    identity = [page for page, name in control.owner.items() if name in ("meta", "meta_copy")]
    for step in (3, 7, 20):
        folder = copy()
        damaged = [page for page in range(1, control.pages.count + 1, step) if page not in identity]
        for page in damaged:
            flip(folder, page)
        found = salvaged(folder)
        assert found.pages == tuple(damaged)
        assert not list(holds_up(folder, control, found))


def test_a_file_cut_short(control: Control, copy: Callable[[], Path]) -> None:
    folder = copy()
    with (folder / DATABASE).open("r+b") as file:
        file.truncate(file.seek(0, os.SEEK_END) * 2 // 3 + 1_000)
    with pytest.raises(EnvironmentFault, match=r"store\.damaged"):
        Store.open(folder, toy.registry(), program="test")
    found = salvaged(folder)
    assert not list(holds_up(folder, control, found))
    assert found.lost


def test_a_sound_store_is_left_alone(control: Control, copy: Callable[[], Path]) -> None:
    folder = copy()
    before = (folder / DATABASE).read_bytes()
    assert salvaged(folder) == Salvaged(())
    assert (folder / DATABASE).read_bytes() == before


def test_what_is_no_store_is_refused(control: Control, copy: Callable[[], Path], tmp_path: Path) -> None:
    folder = copy()
    (folder / DATABASE).write_bytes(os.urandom(PAGE_BYTES * 20))
    with pytest.raises(EnvironmentFault, match=r"store\.unreadable"):
        salvaged(folder)
    with pytest.raises(EnvironmentFault, match=r"store\.missing"):
        salvaged(tmp_path / "nowhere")
    with Store.open(copy(), toy.registry(), program="test"), pytest.raises(Refused, match=r"store\.in_use"):
        salvaged(folder)


def test_a_write_ahead_log_cut_anywhere_is_an_earlier_instant(control: Control, copy: Callable[[], Path]) -> None:
    """As SQLite reads it: up to the last whole transaction. Its frames are read by `Pages` as SQLite reads them."""
    folder = copy()
    device = SqlDevice.open(folder / DATABASE, control.key, toy.registry())
    device.conn.execute("PRAGMA wal_autocheckpoint = 0").fetchall()
    bus, states = bus_over(device, seed=9), [MARKS]
    for number in range(6):
        bus.submit(mark(number, state="late"), STAFF)
        states.append(MARKS + number + 1)
    walled = folder.parent / "walled"
    shutil.copytree(folder, walled)
    device.close()
    size = (walled / (DATABASE + "-wal")).stat().st_size
    for cut in range(0, size, 9_001):
        shutil.rmtree(folder)
        shutil.copytree(walled, folder)
        with (folder / (DATABASE + "-wal")).open("r+b") as file:
            file.truncate(size - cut)
        (folder / (DATABASE + "-shm")).unlink(missing_ok=True)
        log = next(tree.root for tree in trees_of(Pages(folder / DATABASE, control.key))[0] if tree.name == "log")
        pages = Pages(folder / DATABASE, control.key)
        read = sum(isinstance(row, Row) for page, _ in pages.tree(log) for row in pages.rows(page))
        with Store.open(folder, toy.registry(), program="test") as store:
            assert store.check().ok
            with store.reader() as reader:
                assert reader.head().sequence == read
                assert read in states


@pytest.mark.expected_log("the store is damaged", reason="a page was changed by hand")
@pytest.mark.expected_log("the store was mended", reason="a page was changed by hand")
def test_what_can_be_made_again_is_by_the_next_start(control: Control, copy: Callable[[], Path]) -> None:
    folder = copy()
    flip(folder, next(page for page, name in control.owner.items() if name == "searchable_fts_data"))
    with Store.open(folder, toy.registry(), program="test") as store:
        assert store.look(Depth.QUICK).mends
        assert (folder / MEND_FILE).exists()
        with store.reader() as reader:
            assert len(reader.unsent(99)) == MARKS - ACKED, "the rest goes on"
    with Store.open(folder, toy.registry(), program="test") as store:
        assert store.look(Depth.FULL).sound
        assert seen(store) == control.rows
    assert not (folder / MEND_FILE).exists()
    assert (folder / (DATABASE + ASIDE)).exists()
    with Store.open(folder, toy.registry(), program="test") as store:
        store.call(lambda: store.device.erase(child_id(3)))
    assert not (folder / (DATABASE + ASIDE)).exists(), "it still named somebody who was erased"


@pytest.mark.expected_log("the store (is damaged|was mended)", reason="a page was changed by hand")
@pytest.mark.parametrize("what", ["searchable_fts_data", "log_id", "record_child"])
def test_what_can_be_made_again_is_while_the_store_is_used(
    control: Control, copy: Callable[[], Path], what: str
) -> None:
    """By the rounds, once a minute went by in which nobody did anything; whoever looks waits for it."""
    folder = copy()
    flip(folder, [page for page, name in control.owner.items() if name == what][-1])
    with Store.open(folder, toy.registry(), program="test") as store:
        rounds = Rounds(store, ManualClock(NOW), folder.parent / "backups")
        rounds.look(Depth.QUICK)
        rounds.mend()
        store.device.commits += 1
        rounds.mend()
        assert not store.watch.health.sound, "somebody was at work in that minute"
        rounds.mend()
        assert store.watch.health.sound
        assert store.look(Depth.FULL).sound
        assert not (folder / MEND_FILE).exists()
        store.call(lambda: bus_over(store.device, seed=6).submit(mark(2, state="late"), STAFF))
        with store.reader() as reader:
            assert len(reader.unsent(99)) == MARKS - ACKED + 1
            again = {state.scope for state in reader.scopes() if state.again}
        assert again == ({"families/*"} if what == "record_child" else set()), "the cloud is asked for what was lost"
        lost = control.rows["child"].keys() - seen(store)["child"].keys()
        assert bool(lost) == bool(again)


@pytest.mark.expected_log("the store (is damaged|was mended)", reason="a page was changed by hand")
def test_work_that_fails_on_a_damaged_page_has_it_mended_at_once(control: Control, copy: Callable[[], Path]) -> None:
    folder = copy()
    flip(folder, next(page for page, name in control.owner.items() if name == "log_id"))
    with Store.open(folder, toy.registry(), program="test") as store:
        rounds = Rounds(store, ManualClock(NOW), folder.parent / "backups")
        hurt: list[bool] = []
        store.watch.on_met(lambda: hurt.append(True))
        with pytest.raises(EnvironmentFault, match=r"store\.damaged"):
            store.call(lambda: bus_over(store.device, seed=5).submit(mark(1, state="late"), STAFF))
        assert len(hurt) == 1
        with pytest.raises(EnvironmentFault, match=r"store\.damaged"), store.reader() as reader:
            reader.conn.execute("SELECT position FROM log INDEXED BY log_id WHERE id > ''").fetchall()
        assert len(hurt) == 2, "whoever only reads says so too"
        rounds.hurt()
        assert store.watch.health.sound
        store.call(lambda: bus_over(store.device, seed=5).submit(mark(1, state="late"), STAFF))
        assert store.check().ok


@pytest.mark.expected_log("the store is damaged", reason="a page was changed by hand")
def test_after_three_bad_ends_a_damaged_store_is_not_opened(control: Control, copy: Callable[[], Path]) -> None:
    folder = copy()
    flip(folder, next(page for page, name in control.owner.items() if name == "log" and control.pages.kind(page) == 13))
    said = b'{"program": "test", "pid": 1, "unclean": %d}'
    for bad in range(2):
        (folder / "owner.lock").write_bytes(said % bad)
        with Store.open(folder, toy.registry(), program="test") as store:
            assert store.unclean
    (folder / "owner.lock").write_bytes(said % 2)
    with pytest.raises(Refused, match=r"store\.safe_start") as refused:
        Store.open(folder, toy.registry(), program="test")
    assert refused.value.params == {"pages": 1, "tables": "log"}
    found = salvaged(folder)
    assert found.begun
    (folder / "owner.lock").write_bytes(said % 2)
    with Store.open(folder, toy.registry(), program="test") as store:
        assert store.check().ok


@pytest.mark.parametrize("moment", ["ready", "no wal", "swapped"])
def test_a_power_cut_while_swapping_in_is_finished(control: Control, copy: Callable[[], Path], moment: str) -> None:
    folder = copy()
    flip(folder, next(page for page, name in control.owner.items() if name == "log_id"))
    damaged = (folder / DATABASE).read_bytes()
    salvaged(folder)
    mended = (folder / DATABASE).read_bytes()
    if moment != "swapped":
        (folder / (DATABASE + READY)).write_bytes(mended)
        (folder / DATABASE).write_bytes(damaged)
    with Store.open(folder, toy.registry(), program="test") as store:
        assert store.look(Depth.FULL).sound
        assert seen(store) == control.rows
    assert not (folder / (DATABASE + READY)).exists()


def test_seals_are_as_another_reader_of_the_format_has_them(control: Control) -> None:
    """SQLCipher itself finds what `Pages` finds, and reads what it reads."""
    conn = connect(control.folder / DATABASE, control.key, read_only=True)
    try:
        assert conn.execute("PRAGMA cipher_integrity_check").fetchall() == []
        for tree in trees_of(control.pages)[0]:
            if tree.kind == "table" and tree.name.startswith(("record_", "log", "meta")):
                theirs = {row[0] for row in conn.execute(f'SELECT rowid FROM "{tree.name}"')}
                ours = {
                    row.number for page, _ in control.pages.tree(tree.root) for row in control.pages.rows(page)
                    if isinstance(row, Row)
                }  # fmt: skip
                assert ours == theirs, tree.name
    finally:
        conn.close()
    assert find_damage(control.pages).mends_itself
    assert isinstance(child_row(1), Pulled)


@pytest.mark.expected_log("the store (is damaged|was mended)", reason="pages were changed by hand")
def test_after_three_bad_ends_a_sound_store_is_not_read_tree_by_tree(
    control: Control, copy: Callable[[], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A third bad end is no reason to wait: the seals of the file are enough, and only what they do not say is looked for."""
    looked: list[Path] = []
    look = salvage.look

    def counted(folder: Path, key: bytes) -> Damage:
        looked.append(folder)
        return look(folder, key)

    monkeypatch.setattr(salvage, "look", counted)

    def third(folder: Path) -> None:
        (folder / "owner.lock").write_text('{"program": "test", "pid": 1, "unclean": 2}')
        Store.open(folder, toy.registry(), program="test").close()

    folder = copy()
    third(folder)
    assert looked == []
    last = (folder / "store.db").read_bytes()
    for wrong in (last[:-4096], last[:-100], last[:-3000] + bytes([last[-3000] ^ 1]) + last[-2999:]):
        folder = copy()
        (folder / "store.db").write_bytes(wrong)
        with suppress(EnvironmentFault, Refused):
            third(folder)
        assert looked.pop() == folder


@pytest.mark.expected_log("the store could not be mended", reason="there is no room to mend it")
def test_without_room_to_mend_the_store_opens_as_it_is(
    control: Control, copy: Callable[[], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = copy()
    flip(folder, next(page for page, name in control.owner.items() if name == "searchable_fts_data"))
    (folder / MEND_FILE).touch()

    def full(*_: object, **__: object) -> SqlDevice:
        raise EnvironmentFault("disk_full")

    with monkeypatch.context() as disk:
        disk.setattr(SqlDevice, "create", full)
        with Store.open(folder, toy.registry(), program="test") as store, store.reader() as reader:
            assert len(reader.unsent(99)) == MARKS - ACKED
    assert not (folder / MEND_FILE).exists(), "the next look says so again"
