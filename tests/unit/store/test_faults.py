"""What the world does to a store: each comes with a code, and nothing is lost."""

import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlcipher3 import dbapi2

from classtap_core.kernel.errors import EnvironmentFault, Refused
from classtap_core.store import keys, schema
from classtap_core.store.device import SqlDevice
from classtap_core.store.store import Store
from tests.unit.kernel import toy
from tests.unit.store.conftest import KEY, STAFF, Opener, bus_over, child_id, mark
from tests.unit.store.test_upgrade import LATER, VERSIONS

posix = pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")


@pytest.fixture
def closed(opened: Opener, data_dir: Path) -> Path:
    """The folder of a store with one mark, closed."""
    store = opened()
    store.call(lambda: bus_over(store.device).submit(mark(1), STAFF))
    store.close()
    return data_dir


def refusal(folder: Path) -> EnvironmentFault | Refused:
    with pytest.raises((EnvironmentFault, Refused)) as caught:
        Store.open(folder, toy.registry(), program="second")
    return caught.value


def test_no_store(data_dir: Path) -> None:
    assert refusal(data_dir).code == "store.missing"


def test_another_key_opens_nothing(closed: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(EnvironmentFault, match=r"store\.unreadable"):
        SqlDevice.open(closed / "store.db", bytes(32), toy.registry())
    kept = json.loads((closed / "store.key").read_text())
    (closed / "store.key").write_text(json.dumps({**kept, "key": "00" * 32}))
    assert refusal(closed).code == "store.wrong_key"
    assert capfd.readouterr().err == ""


def test_the_key_file_is_gone_or_torn(closed: Path) -> None:
    (closed / "store.key").write_bytes(b"{")
    assert refusal(closed).code == "store.key_damaged"
    (closed / "store.key").unlink()
    assert refusal(closed).code == "store.key_missing"


def test_not_a_database(closed: Path) -> None:
    (closed / "store.db").write_bytes(b"SQLite format 3\x00" + bytes(8_000))
    assert refusal(closed).code == "store.unreadable"
    (closed / "store.db").write_bytes(b"")
    assert refusal(closed).code == "store.damaged"


@pytest.mark.parametrize("keep", [1, 3])
def test_a_cut_file(closed: Path, keep: int) -> None:
    with (closed / "store.db").open("rb+") as file:
        file.truncate(keep * 4096)
    assert refusal(closed).code in ("store.damaged", "store.unreadable")


def test_a_changed_page_is_found(closed: Path) -> None:
    """Each page carries a MAC: one bit is enough, at the latest when somebody reads or checks it."""
    path = closed / "store.db"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    found = ""
    try:
        with Store.open(closed, toy.registry(), program="test") as store:
            found = store.check().file[0]
    except EnvironmentFault as fault:
        found = fault.code
    assert "HMAC" in found or found in ("store.damaged", "store.unreadable", "store.disk_error")


def test_a_newer_schema_is_refused_and_left_alone(closed: Path) -> None:
    key = keys.load(closed, None).key
    conn = SqlDevice.open(closed / "store.db", key, toy.registry()).conn
    conn.execute(f"PRAGMA user_version = {schema.VERSION + 1}")
    conn.close()
    before = (closed / "store.db").read_bytes()
    refused = refusal(closed)
    assert (refused.code, refused.params) == (
        "store.newer", {"found": schema.VERSION + 1, "known": schema.VERSION},
    )  # fmt: skip
    assert (closed / "store.db").read_bytes() == before


def test_one_owner_at_a_time(closed: Path, opened: Opener) -> None:
    """The second one is told who has it, from another process too."""
    first = opened()
    refused = refusal(closed)
    assert (refused.code, refused.params) == ("store.in_use", {"program": "test", "pid": os.getpid()})
    script = (
        "import sys; from pathlib import Path\n"
        "from classtap_core.store.store import Store\n"
        "from classtap_core.kernel.errors import Refused\n"
        "from tests.unit.kernel import toy\n"
        "try: Store.open(Path(sys.argv[1]), toy.registry(), program='other')\n"
        "except Refused as no: print(no)\n"
    )
    said = subprocess.run(
        [sys.executable, "-c", script, str(closed)], capture_output=True, text=True, check=True, timeout=60
    )
    assert said.stdout.strip() == f"store.in_use(pid={os.getpid()}, program=test)"
    first.close()
    opened().close()


@posix
def test_a_folder_open_to_others_is_refused_with_its_cure(closed: Path) -> None:
    closed.chmod(0o750)
    refused = refusal(closed)
    assert refused.code == "store.folder_open"
    assert refused.params == {"folder": str(closed), "command": f"chmod 700 {closed}"}
    with pytest.raises(Refused, match=r"store\.folder_open"):
        Store.create(closed, toy.registry(), program="test")


@posix
def test_a_new_folder_and_its_files_are_closed_to_others(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "desk"
    with Store.create(folder, toy.registry(), program="test"):
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in [folder, *folder.iterdir()]}
    assert modes.pop("desk") == 0o700
    assert set(modes.values()) == {0o600}, modes
    with pytest.raises(Refused, match=r"store\.exists"):
        Store.create(folder, toy.registry(), program="test")


def _until_full(store: Store) -> int:
    """Marks until there is no room for one; how many there was room for."""
    bus = bus_over(store.device, seed=8)
    for number in range(5_000):
        try:
            store.call(lambda number=number: bus.submit(mark(10_000 + number, note="x" * 1_000), STAFF))
        except EnvironmentFault as fault:
            assert fault.code == "disk_full", fault  # noqa: PT017 - the loop ends here, and counts
            return number
    raise AssertionError("the disk never filled")


def test_a_full_disk_refuses_the_mark_and_goes_on_later(opened: Opener) -> None:
    store = opened()
    bus = bus_over(store.device)
    store.call(lambda: bus.submit(mark(1), STAFF))

    def limit(pages: int) -> None:
        store.device.conn.execute(f"PRAGMA max_page_count = {pages}").fetchall()

    count = store.call(lambda: int(store.device.conn.execute("PRAGMA page_count").fetchone()[0]))
    store.call(lambda: limit(count))
    accepted = 1 + _until_full(store)
    assert store.call(lambda: store.device.head()).sequence == accepted
    assert store.check().ok
    store.call(lambda: limit(1_000_000))
    store.call(lambda: bus.submit(mark(4_000), STAFF))
    assert store.call(lambda: store.device.head()).sequence == accepted + 1
    assert store.check().ok


@contextmanager
def mounted(folder: Path, size: str) -> Iterator[Path]:
    """A small disk, or the test is skipped."""
    folder.mkdir()
    made = shutil.which("mount") and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size},mode=0700", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if not made or made.returncode:
        pytest.skip("a small disk can only be mounted by root")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of two megabytes."""
    with mounted(tmp_path / "disk", "2m") as folder:
        yield folder


def test_a_disk_that_is_really_full(small_disk: Path) -> None:
    with Store.create(
        small_disk / "desk", toy.registry(), program="test", studio=child_id(0), device=child_id(1)
    ) as store:
        store.call(lambda: store.device.hold(("roster/*",)))
        accepted = _until_full(store)
        assert accepted > 5
        assert store.call(lambda: store.device.head()).sequence == accepted
        assert store.check().ok
    with Store.open(small_disk / "desk", toy.registry(), program="test") as store:
        assert store.call(lambda: len(store.device.unsent(5_000))) == accepted
        subprocess.run(["mount", "-o", "remount,size=8m", str(small_disk)], check=True)
        store.call(lambda: bus_over(store.device, seed=9).submit(mark(1), STAFF))
        assert store.check().entries == accepted + 1


@pytest.mark.parametrize("room", [0, 4_000, 20_000, 40_000, 120_000, 300_000])
def test_a_full_disk_makes_no_half_a_store(small_disk: Path, room: int) -> None:
    """However little room there is: afterwards there is a whole store or none."""
    filler, desk = small_disk / "filler", small_disk / "desk"
    with filler.open("wb") as file, pytest.raises(OSError, match="No space"):
        file.write(bytes(3_000_000))
    with filler.open("rb+") as file:
        file.truncate(filler.stat().st_size - room)
    said = "disk_full"
    try:
        Store.create(desk, toy.registry(), program="test").close()
    except EnvironmentFault as fault:
        said = fault.code
    assert said == "disk_full"
    filler.unlink()
    again = Store.open if Store.exists(desk) else Store.create
    with again(desk, toy.registry(), program="test") as store:
        assert store.check().ok


@pytest.mark.parametrize("room_kb", [0, 8, 40, 120, 180, 210, 240, 280, 320, 400, 600])
def test_a_full_disk_stops_an_upgrade_and_nothing_else(small_disk: Path, room_kb: int) -> None:
    """On a copy: however little room there is for it, the store is as it was, or it is upgraded; unsent work rides along."""
    desk, filler = small_disk / "desk", small_disk / "filler"
    desk.mkdir(mode=0o700)
    for name in ("store.db", "store.key"):
        shutil.copy(VERSIONS[0] / name, desk / name)
    before = (desk / "store.db").read_bytes()
    with filler.open("wb") as file, pytest.raises(OSError, match="No space"):
        file.write(bytes(3_000_000))
    with filler.open("rb+") as file:
        file.truncate(filler.stat().st_size - room_kb * 1024)
    try:
        Store.open(desk, LATER, program="test").close()
        upgraded = True
    except EnvironmentFault as fault:
        upgraded = False
        assert fault.code == "disk_full", fault  # noqa: PT017 - either is right, and both are looked at below
        assert (desk / "store.db").read_bytes() == before
        assert not list(desk.glob("store.db.upgrade*"))
    assert not (upgraded and room_kb == 0)
    assert upgraded or room_kb < 600
    filler.unlink()
    with Store.open(desk, LATER, program="test") as store, store.reader() as reader:
        assert (len(reader.unsent(99)), store.check().entries, store.check().ok) == (5, 12, True)


def test_a_disk_that_cannot_be_written(small_disk: Path) -> None:
    folder = small_disk / "desk"
    Store.create(folder, toy.registry(), program="test", studio=child_id(0), device=child_id(1)).close()
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    assert refusal(folder).code == "store.read_only"
    with pytest.raises(EnvironmentFault) as caught:
        Store.create(small_disk / "kiosk", toy.registry(), program="test")
    assert caught.value.code == "store.folder"


def test_a_database_that_somebody_else_locks(closed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("classtap_core.store.engine._BUSY_MS", 10)
    key = keys.load(closed, None).key
    other = dbapi2.connect(str(closed / "store.db"), isolation_level=None)
    other.execute(f"PRAGMA key = \"x'{key.hex()}'\"")
    other.execute("BEGIN IMMEDIATE")
    try:
        with Store.open(closed, toy.registry(), program="test") as store:
            with pytest.raises(EnvironmentFault, match=r"store\.locked"):
                store.call(lambda: bus_over(store.device).submit(mark(2), STAFF))
            other.execute("ROLLBACK")
            store.call(lambda: bus_over(store.device, seed=9).submit(mark(2), STAFF))
            assert store.check().entries == 2
    finally:
        other.close()


def test_a_key_of_the_wrong_length_is_our_own_mistake(data_dir: Path) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        SqlDevice.create(data_dir / "store.db", KEY[:16], toy.registry())
