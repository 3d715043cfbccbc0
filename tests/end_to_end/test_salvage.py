"""A kiosk's disk goes bad: salvaged by one command, made whole by the next sync, which asks for what was lost alone."""

import os
from pathlib import Path

import pytest

from classtap_core import house
from classtap_core.store import keys
from classtap_core.store.damage import trees_of
from classtap_core.store.engine import PAGE_BYTES
from classtap_core.store.folder import DATABASE
from classtap_core.store.pages import TABLE_LEAF, Pages
from classtap_core.store.store import Store
from tests.end_to_end.rig import Studio, copied, inside

pytestmark = pytest.mark.leaves(
    "classtap-proxy|ThreadPoolExecutor-|cloud-reading", reason="the module's studio: its switch, its clock, its readers"
)


def flip(folder: Path, page: int) -> None:
    with (folder / DATABASE).open("r+b") as file:
        file.seek((page - 1) * PAGE_BYTES + 900)
        byte = file.read(1)
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte[0] ^ 16]))


def leaves(folder: Path, table: str) -> list[int]:
    pages = Pages(folder / DATABASE, keys.load(folder, None).key)
    root = next(tree.root for tree in trees_of(pages)[0] if tree.name == table)
    return [page for page, _ in pages.tree(root) if pages.kind(page) == TABLE_LEAF]


def bodies(folder: Path) -> dict[str, dict[str, bytes]]:
    with Store.open(folder, house.registry(), program="test") as store, store.reader() as reader:
        return {
            kind: dict(reader.conn.execute(f'SELECT id, body FROM "{table.name}"').fetchall())
            for kind, table in reader.tables.items()
        }


def test_lost_rows_come_back_from_the_cloud(studio: Studio, tmp_path: Path) -> None:
    data, kiosk = copied(studio, "kiosk", tmp_path / "data"), ("--as", "kiosk")
    folder = data / "kiosk"
    sound = inside("store", "salvage", *kiosk, data=data)
    assert (sound.code, sound.json["pages"], sound.json["aside"]) == (0, [], "")
    before = bodies(folder)
    page = leaves(folder, "record_child")[1]
    flip(folder, page)
    found = inside("store", "salvage", *kiosk, data=data)
    assert found.code == 0, found.err
    assert found.json["pages"] == [page]
    assert found.json["lost"] == {"record_child": 1}
    assert [scope.split("/")[0] for scope in found.json["scopes"]] == ["families"]
    left = bodies(folder)
    assert 0 < len(left["child"]) < len(before["child"])
    assert {kind: rows for kind, rows in left.items() if kind != "child"} == {
        kind: rows for kind, rows in before.items() if kind != "child"
    }
    synced = inside("sync", "once", *kiosk, data=data)
    assert synced.code == 0, synced.err
    after = bodies(folder)
    assert after["child"] == before["child"]
    assert inside("store", "check", *kiosk, data=data).json["ok"] is True
