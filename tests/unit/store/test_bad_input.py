"""Each thing that can be wrong with a store: it has a code, words for it, a line in docs/store.md, and a way out that works."""

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.errors import KeyringError, KeyringLocked, PasswordSetError
from sqlcipher3 import dbapi2

from classtap_core.kernel.errors import ClassTapError, EnvironmentFault, Refused
from classtap_core.store import keys, recovery, rotation, schema
from classtap_core.store.backup import Made
from classtap_core.store.container import Opener
from classtap_core.store.device import SqlDevice
from classtap_core.store.keyrings import SystemRing
from classtap_core.store.keys import KeyProtection
from classtap_core.store.restore import Restored, restore
from classtap_core.store.store import Store
from resources.text import languages, messages
from tests.unit.kernel import toy
from tests.unit.store.conftest import DEVICE, NOW, STAFF, STUDIO, bus_over, child_row, mark
from tests.unit.store.test_faults import mounted
from tests.unit.store.test_upgrade import STORES

ROOT = Path(__file__).resolve().parents[3]
OWNER = recovery.RecoveryKey(bytes(range(32)))
NOBODY = 65_534

as_root = pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root can become somebody else")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A closed store with five unsent marks, sealed to its owner."""
    where = tmp_path / "desk"
    with Store.create(where, toy.registry(), program="test", studio=STUDIO, device=DEVICE) as store:
        store.call(lambda: store.device.hold(("families/*", "roster/*")))
        store.seal_to(OWNER.public)
        store.apply(bus_over(store.device), [child_row(number) for number in range(9)], cursor=1, token="1").result()
        for number in range(5):
            store.call(lambda number=number: bus_over(store.device, seed=number).submit(mark(number), STAFF))  # type: ignore[misc]
    return where


@pytest.fixture
def backup(folder: Path, tmp_path: Path) -> Made:
    (tmp_path / "kept").mkdir(mode=0o700)
    with opened(folder) as store:
        return store.back_up(tmp_path / "kept" / "monday.ctbackup", now_ms=NOW)


def opened(folder: Path) -> Store:
    return Store.open(folder, toy.registry(), program="test")


def code_of(work: Callable[[], object]) -> str:
    with pytest.raises(ClassTapError) as caught:
        work()
    assert f"error.{caught.value.code}" in messages("en"), caught.value
    return caught.value.code


def test_every_code_has_words_and_a_line_in_the_docs() -> None:
    """Whatever the store's own code can say, in English, Spanish and Arabic, and what to do about it."""
    import re

    said: set[str] = set()
    for file in (ROOT / "classtap_core" / "store").glob("*.py"):
        found = re.findall(r'"((?:store|backup|recovery|blob|seal)\.[a-z_]+)"', file.read_text())
        said |= {code for code in found if code.split(".")[1] not in ("db", "key", "recovery", "mend")}
    docs = (ROOT / "docs" / "store.md").read_text()
    assert len(said) > 40
    for code in sorted(said):
        assert f"`{code}`" in docs, f"{code} is not in docs/store.md"
        for language in languages():
            (words,) = messages(language.code)[f"error.{code}"]
            assert ":" in words or "：" in words, f"{code} in {language.code}: no way out"


# -- the file


@pytest.mark.parametrize("pages", [0, 1, 2, 9])
def test_a_truncated_store_comes_back_from_its_backup(folder: Path, backup: Made, pages: int) -> None:
    with (folder / "store.db").open("r+b") as file:
        file.truncate(pages * 4096 + 100 * (pages > 0))
    assert code_of(lambda: opened(folder)) in ("store.damaged", "store.unreadable")
    _set_aside_and_restore(folder, backup)


def test_a_foreign_file_is_left_alone(folder: Path, backup: Made, tmp_path: Path) -> None:
    """A plain SQLite file, another program's, and another device's store."""
    plain = dbapi2.connect(str(tmp_path / "plain.db"))
    plain.execute("CREATE TABLE log (a)")
    plain.commit()
    plain.close()
    with Store.create(tmp_path / "other", toy.registry(), program="test"):
        pass
    for foreign in (tmp_path / "plain.db", tmp_path / "other" / "store.db", Path(sys.executable)):
        shutil.copyfile(foreign, folder / "store.db")
        before = (folder / "store.db").read_bytes()
        assert code_of(lambda: opened(folder)) == "store.unreadable"
        assert (folder / "store.db").read_bytes() == before
    _set_aside_and_restore(folder, backup)


def _set_aside_and_restore(folder: Path, backup: Made) -> None:
    """The way out: the damaged folder is moved away, nothing of it destroyed, and the copy restored with the owner's key."""
    assert code_of(lambda: _restored(backup, folder)) == "store.exists"
    folder.rename(folder.with_name("desk-damaged"))
    assert _restored(backup, folder).unsent == 5
    with opened(folder) as store, store.reader() as reader:
        assert len(reader.unsent_before()) == 5
        assert store.check().ok


def _restored(backup: Made, folder: Path) -> Restored:
    return restore(backup.file, folder, toy.registry(), opener=Opener(owner=OWNER), program="test")


def test_an_older_store_is_upgraded_and_a_newer_one_waits_for_a_newer_program(tmp_path: Path) -> None:
    for version in ("v1", "v2"):
        folder = tmp_path / version
        folder.mkdir(mode=0o700)
        for name in ("store.db", "store.key"):
            shutil.copy(STORES / version / name, folder / name)
        with opened(folder) as store:
            assert store.check().ok
    key = keys.load(folder, None).key

    def becomes(version: int) -> None:
        conn = SqlDevice.open(folder / "store.db", key, toy.registry()).conn
        conn.execute(f"PRAGMA user_version = {version}")
        conn.close()

    becomes(schema.VERSION + 1)
    assert code_of(lambda: opened(folder)) == "store.newer"
    conn = dbapi2.connect(str(folder / "store.db"))
    conn.execute(f"PRAGMA key = \"x'{key.hex()}'\"")
    conn.execute(f"PRAGMA user_version = {schema.VERSION}")  # as the newer program would find it
    conn.close()
    with opened(folder) as store:
        assert store.check().ok


@pytest.mark.expected_log("the store is damaged", reason="some of these copies are")
def test_a_half_copied_store_is_sound_or_says_so(folder: Path, tmp_path: Path) -> None:
    """Files of one moment beside files of another, or missing: no crash, and never sound when it is not."""
    early, late = tmp_path / "early", tmp_path / "late"
    with opened(folder) as store:
        for number in range(40):
            store.call(lambda number=number: bus_over(store.device, seed=50 + number).submit(mark(number), STAFF))  # type: ignore[misc]
        shutil.copytree(folder, early)
        store.call(lambda: store.device.checkpoint(truncate=True))
        for number in range(40):
            store.call(lambda number=number: bus_over(store.device, seed=99 + number).submit(mark(number), STAFF))  # type: ignore[misc]
        shutil.copytree(folder, late)
    assert (early / "store.db-wal").stat().st_size > 0 < (late / "store.db-wal").stat().st_size
    copies = {
        "whole": {}, "no log": {"store.db-wal": None}, "another log": {"store.db-wal": late / "store.db-wal"},
        "another file": {"store.db": late / "store.db"}, "no file": {"store.db": None}, "no key": {"store.key": None},
        "no index": {"store.db-shm": None}, "half a log": {"store.db-wal": 30_000}, "half a file": {"store.db": 90_000},
    }  # fmt: skip
    found = {}
    for name, changed in copies.items():
        copy = tmp_path / name
        shutil.copytree(early, copy)
        for file, other in changed.items():
            if isinstance(other, int):
                os.truncate(copy / file, other)
            elif other is None:
                (copy / file).unlink()
            else:
                shutil.copyfile(other, copy / file)
        found[name] = _what_it_is(copy)
    assert found["whole"] == found["no index"] == "sound with 45"
    assert found["no log"].startswith("sound")
    assert found["half a log"].startswith("sound")
    assert (found["no file"], found["no key"]) == ("store.missing", "store.key_missing")
    assert found["half a file"] in ("store.damaged", "store.unreadable")
    assert found["another file"] == "sound with 45"  # everything was folded in by then; the stale log is left out
    assert found["another log"].split()[0] in ("sound", "unsound", "store.damaged", "store.unreadable")


def _what_it_is(folder: Path) -> str:
    try:
        with opened(folder) as store:
            checked = store.check()
            return f"{'sound' if checked.ok else 'unsound'} with {checked.entries}"
    except EnvironmentFault as fault:
        return fault.code


# -- the folder


@as_root
def test_nobody_else_can_look(folder: Path) -> None:
    """Another user of the machine, for real: neither the folder nor any file in it opens; let in, the store refuses."""
    script = (
        "import os, sys, pathlib\n"
        "folder = pathlib.Path(sys.argv[1])\n"
        "os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "seen = []\n"
        "for name in ['', 'store.db', 'store.key', 'store.recovery', 'owner.lock', 'owner.sock', 'blobs']:\n"
        "    try: seen.append(os.listdir(folder) if not name else (folder / name).read_bytes())\n"
        "    except OSError: pass\n"
        "print(len(seen))\n"
    )
    top = Path(folder.anchor).joinpath(*folder.parts[1:3])
    for parent in [top, *(one for one in folder.parents if top in one.parents)]:
        parent.chmod(parent.stat().st_mode | 0o055)  # so that only the folder itself keeps them out

    def seen() -> int:
        said = subprocess.run([sys.executable, "-c", script, str(folder)], capture_output=True, text=True, check=True)
        return int(said.stdout)

    with opened(folder):
        assert seen() == 0
    folder.chmod(0o755)
    assert seen() > 0  # the test can see what it looks for
    refused = code_of(lambda: opened(folder))
    assert refused == "store.folder_open"


@as_root
def test_a_folder_that_is_somebody_elses_is_refused(folder: Path) -> None:
    os.chown(folder, NOBODY, NOBODY)
    with pytest.raises(Refused) as caught:
        opened(folder)
    assert caught.value.code == "store.folder_open"
    assert caught.value.params["command"] == f"chown -R 0 {folder}"
    subprocess.run(str(caught.value.params["command"]), shell=True, check=True)
    opened(folder).close()


@pytest.mark.parametrize("mode", [0o701, 0o710, 0o740, 0o704, 0o770, 0o777])
def test_any_bit_for_others_is_too_many(folder: Path, mode: int) -> None:
    folder.chmod(mode)
    with pytest.raises(Refused) as caught:
        opened(folder)
    assert caught.value.code == "store.folder_open"
    subprocess.run(str(caught.value.params["command"]), shell=True, check=True)
    opened(folder).close()


def test_a_read_only_disk_is_named_and_left_as_it_was(tmp_path: Path) -> None:
    with mounted(tmp_path / "disk", "16m") as disk:
        folder = disk / "desk"
        Store.create(folder, toy.registry(), program="test", studio=STUDIO, device=DEVICE).close()
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        assert code_of(lambda: opened(folder)) == "store.read_only"
        subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)
        opened(folder).close()


def test_a_locked_store_names_who_has_it(folder: Path) -> None:
    with opened(folder):
        with pytest.raises(Refused) as caught:
            opened(folder)
        assert (caught.value.code, caught.value.params) == ("store.in_use", {"program": "test", "pid": os.getpid()})
    opened(folder).close()


# -- the keyring


class Backend(KeyringBackend):
    """A keyring of this test, under the keyring library's own functions."""

    priority = 1  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[str, str], str] = {}
        self.trouble: Exception | None = None
        self.stuck = threading.Event()
        self.stuck.set()

    def _answer(self) -> None:
        self.stuck.wait()
        if self.trouble is not None:
            raise self.trouble

    def get_password(self, service: str, username: str) -> str | None:
        self._answer()
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self._answer()
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        self._answer()
        self.kept.pop((service, username), None)


@pytest.fixture
def backend() -> Iterator[Backend]:
    before, made = keyring.get_keyring(), Backend()
    keyring.set_keyring(made)
    yield made
    made.stuck.set()
    for thread in threading.enumerate():
        if thread.name == "classtap-keyring":
            thread.join()
    keyring.set_keyring(before)


class BusError(Exception):
    """What a D-Bus library raises: none of the keyring library's own errors."""


@pytest.mark.parametrize("trouble", ["denies", "hangs", "breaks", "is missing"])
def test_a_keyring_that_does_not_answer(tmp_path: Path, backend: Backend, trouble: str) -> None:
    """The store stays closed with a word, loses nothing, and opens when the keyring is back, or by the owner's key."""
    folder, ring = tmp_path / "desk", SystemRing(patience_s=0.05)
    with Store.create(folder, toy.registry(), program="test", studio=STUDIO, device=DEVICE, ring=SystemRing()) as store:
        assert store.protection is KeyProtection.KEYRING
        store.seal_to(OWNER.public)
        store.call(lambda: store.device.hold(("roster/*",)))
        store.call(lambda: bus_over(store.device).submit(mark(1), STAFF))
    kept = dict(backend.kept)

    def goes_wrong() -> None:
        match trouble:
            case "denies":
                backend.trouble = KeyringLocked("the user said no")
            case "hangs":
                backend.stuck.clear()
            case "breaks":
                backend.trouble = BusError("org.freedesktop.DBus.Error.NoReply")
            case _:
                backend.kept.clear()

    goes_wrong()
    found = code_of(lambda: Store.open(folder, toy.registry(), program="test", ring=ring))
    assert found == ("store.key_missing" if trouble == "is missing" else "store.keyring")
    backend.trouble = None
    backend.stuck.set()
    backend.kept |= kept
    with Store.open(folder, toy.registry(), program="test", ring=SystemRing()) as store, store.reader() as reader:
        assert reader.pending() == 1

    goes_wrong()
    if trouble != "is missing":  # nor does it keep a new secret: the key then lies in a closed file, and that is said
        assert rotation.recover(folder, OWNER, program="test", ring=ring) is KeyProtection.FILE
    else:
        assert rotation.recover(folder, OWNER, program="test", ring=ring) is KeyProtection.KEYRING
    backend.stuck.set()
    backend.trouble = None
    with Store.open(folder, toy.registry(), program="test", ring=SystemRing()) as store, store.reader() as reader:
        assert reader.pending() == 1
        assert store.check().ok


def test_a_keyring_that_keeps_nothing(tmp_path: Path, backend: Backend) -> None:
    backend.trouble = PasswordSetError("read only")
    with Store.create(tmp_path / "desk", toy.registry(), program="test", ring=SystemRing()) as store:
        assert store.protection is KeyProtection.FILE
    with pytest.raises(KeyringError):
        SystemRing().delete_password("classtap", "x")


# -- what lies where a file of ours should


@pytest.mark.parametrize("found", ["garbage", "of another store"])
def test_a_key_file_that_is_none_of_it_gives_way_to_the_owners_key(folder: Path, tmp_path: Path, found: str) -> None:
    with Store.create(tmp_path / "other", toy.registry(), program="test"):
        pass
    other = (tmp_path / "other" / "store.key").read_bytes()
    (folder / "store.key").write_bytes(b"\0garbage" if found == "garbage" else other)
    assert code_of(lambda: opened(folder)) == ("store.key_damaged" if found == "garbage" else "store.unreadable")
    assert rotation.recover(folder, OWNER, program="test", ring=None) is KeyProtection.FILE
    with opened(folder) as store, store.reader() as reader:
        assert (reader.pending(), store.check().ok) == (5, True)


@pytest.mark.parametrize("name", ["store.mend", "store.key.next", "store.db.next", "store.db.upgrade", "store.key"])
def test_a_folder_of_a_files_name_is_said_and_left(folder: Path, name: str) -> None:
    kept = folder / "kept"
    if (folder / name).exists():
        (folder / name).rename(kept)
    (folder / name).mkdir()
    (folder / name / "letter.txt").write_text("somebody's")
    assert code_of(lambda: opened(folder)) == "store.cannot_open"
    assert (folder / name / "letter.txt").exists()
    shutil.rmtree(folder / name)
    if kept.exists():
        kept.rename(folder / name)
    with opened(folder) as store, store.reader() as reader:
        assert (reader.pending(), store.check().ok) == (5, True)


@pytest.mark.parametrize("found", ["garbage", "empty", "of another store", "a folder"])
def test_what_is_no_whole_copy_never_takes_a_stores_place(folder: Path, tmp_path: Path, found: str) -> None:
    """`store.db.salvaged` is swapped in by the next start: only where it is this store, made again."""
    ready = folder / "store.db.salvaged"
    with Store.create(tmp_path / "other", toy.registry(), program="test"):
        pass
    match found:
        case "a folder":
            ready.mkdir()
        case "of another store":
            shutil.copyfile(tmp_path / "other" / "store.db", ready)
        case _:
            ready.write_bytes(os.urandom(9_000) if found == "garbage" else b"")
    with opened(folder) as store, store.reader() as reader:
        assert (reader.pending(), store.check().ok) == (5, True)
    assert not (folder / "store.db.damaged").exists()
