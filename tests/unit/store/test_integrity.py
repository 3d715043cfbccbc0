"""Damage is found, named, and stops only whoever reads it; a start never fails because the one before it did."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from classtap_core.kernel.errors import EnvironmentFault
from classtap_core.store.check import damaged_pages
from classtap_core.store.folder import bad_ends, owner
from classtap_core.store.integrity import AT_START, Depth, Health
from classtap_core.store.salvage import MEND_FILE
from classtap_core.store.store import Store
from tests.unit.kernel import toy
from tests.unit.store.conftest import STAFF, Opener, bus_over, child_id, child_row, mark

ROOT = Path(__file__).resolve().parents[3]

PAGE = 4096


@pytest.fixture
def folder(opened: Opener, data_dir: Path) -> Path:
    """A closed store: 300 children of 900 bytes, 30 marks."""
    store = opened()
    bus = bus_over(store.device)
    store.apply(bus, [child_row(number, "n" * 900) for number in range(300)], cursor=1, token="1").result()
    for number in range(30):
        store.call(lambda number=number: bus.submit(mark(number), STAFF))
    store.close()
    return data_dir


def pages_of(folder: Path, table: str) -> list[int]:
    """Pages that hold a table and nothing else, by damaging none: SQLite's own account."""
    with Store.open(folder, toy.registry(), program="test") as store:
        root = store.call(
            lambda: store.device.conn.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)).fetchone()
        )
        return [root[0]]


def damage(folder: Path, page: int) -> None:
    with (folder / "store.db").open("r+b") as file:
        file.seek((page - 1) * PAGE + 100)
        byte = file.read(1)
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte[0] ^ 1]))


def test_a_sound_store_is_sound_at_every_depth(folder: Path) -> None:
    with Store.open(folder, toy.registry(), program="test") as store:
        assert not store.unclean
        assert [store.look(depth) for depth in Depth] == [Health(depth) for depth in Depth]
        assert store.watch.health == Health(Depth.FULL)


@pytest.mark.expected_log("the store is damaged", reason="a page was changed by hand")
def test_a_damaged_page_is_named_and_the_rest_goes_on(folder: Path) -> None:
    (page,) = pages_of(folder, "record_child")
    damage(folder, page)
    for _ in range(3):  # no crash loop
        with Store.open(folder, toy.registry(), program="test") as store:
            heard: list[Health] = []
            store.watch.on_change(heard.append)
            found = store.look(Depth.FULL)
            assert (found.pages, found.tables) == ((page,), ("record_child",))
            assert heard == [found]
            for _ in range(2):  # whoever meets the page hears of it; the next one reads what is whole
                with pytest.raises(EnvironmentFault, match=r"store\.damaged"), store.reader() as reader:
                    reader.rows(toy.Child, [child_id(number) for number in range(300)])
                with pytest.raises(EnvironmentFault, match=r"store\.damaged"):
                    store.apply(bus_over(store.device), [child_row(1)]).result()
                with store.reader() as reader:
                    assert len(reader.unsent(99)) >= 30  # unsent work can still be sent
                store.call(lambda: store.device.observe("kind", "key", 1, count=1))
            assert store.look(Depth.START).pages == (page,)  # a shallow look does not call it mended
        (folder / MEND_FILE).unlink()  # the next start would mend it; here each one meets the page


@pytest.mark.expected_log("the store is damaged", reason="an entry was changed by hand")
def test_the_end_of_the_chain_is_verified_at_each_start(folder: Path) -> None:
    with Store.open(folder, toy.registry(), program="test") as store:
        store.call(lambda: store.device.conn.execute("UPDATE log SET envelope = (SELECT envelope FROM log"
                                                     " WHERE position & 255 = 6) WHERE position & 255 = 7"))  # fmt: skip
    for _ in range(2):
        with Store.open(folder, toy.registry(), program="test") as store:
            chain = store.watch.health.chain
            assert chain is not None
            assert (chain.epoch, chain.sequence) == (1, 7)
    assert AT_START == 1_000


def test_a_program_that_was_killed_is_noticed(folder: Path) -> None:
    script = (
        "import os, sys; from pathlib import Path\n"
        "from classtap_core.store.store import Store\n"
        "from tests.unit.kernel import toy\n"
        "Store.open(Path(sys.argv[1]), toy.registry(), program='test'); os.kill(os.getpid(), 9)\n"
    )
    subprocess.run([sys.executable, "-c", script, str(folder)], cwd=ROOT, check=False, timeout=60)
    for _ in range(2):  # a command that opens and closes the store in between hides nothing
        with Store.open(folder, toy.registry(), program="command") as store:
            assert store.unclean
        assert (owner(folder)["program"], bad_ends(folder)) == ("", 1)
    with Store.open(folder, toy.registry(), program="test") as store:
        assert store.unclean
        assert store.look(Depth.QUICK) == Health(Depth.QUICK)
    with Store.open(folder, toy.registry(), program="test") as store:
        assert not store.unclean
        assert store.call(lambda: damaged_pages(store.device.conn)) == {}
