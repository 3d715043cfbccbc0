"""The store's file is a format, not a program: an independent build of it reads every row with the raw key."""

import json
import shutil
import subprocess
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from classtap_core.store import container, keys, recovery
from classtap_core.store.engine import connect
from classtap_core.store.store import Store
from tests.fault.conftest import Report
from tests.guards.tools import needs
from tests.unit.kernel import toy
from tests.unit.store.conftest import ALL, DEVICE, NOW, STAFF, STUDIO, bus_over, child_row, mark

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.number
READER = ROOT / "tests" / "oracles" / "sqlite3mc_reader.py"


@pytest.fixture(scope="module")
def reader() -> Path:
    """The Python of an environment with nothing in it but the independent reader (made once, in build/)."""
    return Path(needs("sqlite3mc"))


def read_by_it(reader: Path, file: Path, key: bytes) -> Any:
    said = subprocess.run([reader, READER, file, key.hex()], capture_output=True, text=True, check=False, timeout=60)
    assert said.returncode == 0, said.stderr
    return json.loads(said.stdout)


def read_by_us(file: Path, key: bytes) -> dict[str, list[list[object]]]:
    conn = connect(file, key, read_only=True)
    try:
        names = conn.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%' ORDER BY name"
        ).fetchall()
        return {
            name: sorted(
                (
                    [{"bytes": one.hex()} if isinstance(one, bytes) else one for one in row]
                    for row in conn.execute(f'SELECT * FROM "{name}"')
                ),
                key=json.dumps,
            )
            for (name,) in names
        }
    finally:
        conn.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A store with rows pulled and marks unsent, some of it only in the write-ahead log, left as a power cut leaves it."""
    here, left = tmp_path / "desk", tmp_path / "left"
    with Store.create(here, toy.registry(), program="test", studio=STUDIO, device=DEVICE) as store:
        bus = bus_over(store.device)
        store.call(lambda: store.device.hold(ALL))
        store.apply(bus, [child_row(number, f"Ångström {number}") for number in range(300)]).result()
        store.call(lambda: store.device.checkpoint(truncate=True))
        for number in range(40):
            store.call(partial(bus.submit, mark(number, note="sun hat"), STAFF))
        shutil.copytree(here, left)
    left.chmod(0o700)
    assert (left / "store.db-wal").stat().st_size > 0
    return left


def test_an_independent_build_reads_every_row(folder: Path, reader: Path, report: Report) -> None:
    key = keys.load(folder, None).key
    theirs = read_by_it(reader, folder / "store.db", key)
    ours = read_by_us(folder / "store.db", key)
    assert theirs["integrity"] == "ok"
    assert len(ours["log"]) == 40
    assert len(ours["record_child"]) == 300
    assert theirs["tables"] == ours
    report(f"read by {theirs['built']}: {sum(map(len, ours.values()))} rows of {len(ours)} tables, all the same")


def test_an_independent_build_reads_a_backup(folder: Path, reader: Path, tmp_path: Path) -> None:
    """What lies in a backup behind its header is the same format, under the backup's own key."""
    owner = recovery.RecoveryKey(bytes(range(32)))
    with Store.open(folder, toy.registry(), program="test") as store:
        store.seal_to(owner.public)
        made = store.back_up(tmp_path / "saved", now_ms=NOW)
    body = tmp_path / "body.db"
    with container.reading(made.file, "database") as (header, file), body.open("wb") as out:
        key = container.key_of(header, container.Opener(owner=owner))
        container.copy_body(file, out, header.label)
    theirs = read_by_it(reader, body, key)
    assert theirs["integrity"] == "ok"
    assert len(theirs["tables"]["log"]) == 40
    assert theirs["tables"]["subject_key"] == []


def test_with_another_key_it_reads_nothing_either(folder: Path, reader: Path) -> None:
    said = subprocess.run(
        [reader, READER, folder / "store.db", bytes(32).hex()], capture_output=True, text=True, check=False, timeout=60
    )
    assert said.returncode == 1
    assert "NotADBError" in said.stderr
