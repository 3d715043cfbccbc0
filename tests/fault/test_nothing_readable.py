"""Whoever takes the disk reads nothing: no name in any byte of the profile, no core, nothing said when a program dies."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from classtap_core.kernel.errors import EnvironmentFault, Refused
from classtap_core.kernel.ids import Id, derived
from classtap_core.people.operations import AddFamily, ChildDraft, ContactDraft, EditHealth
from classtap_core.store import keys
from classtap_core.store.engine import connect
from sync.client import owner
from tests.end_to_end.house_rig import say, staff
from tests.end_to_end.rig import ROOT, Studio, command, surroundings
from tests.fault.conftest import Report

pytestmark = [pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX"), pytest.mark.number]

MARKERS = ("Quillfeather", "Zebedee", "Wilhelmina", "+15550187733", "zebedee.q@example.org", "bee stings: Xanthophyll")
"""A family's and a child's names, a guardian's, a phone, an address, a health note; found nowhere else."""

STARTS_S = 60.0


class Died(NamedTuple):
    """How a program ended: whether the system wrote a core of it, and all it said."""

    core: bool
    said: str


def spellings(marker: str) -> list[bytes]:
    return [form.encode(code) for form in (marker, marker.lower()) for code in ("utf-8", "utf-16-le", "utf-16-be")]


def found_in(folder: Path) -> list[str]:
    """Each marker in each file below a folder, whatever the file is called."""
    files = [path for path in folder.rglob("*") if path.is_file() and not path.is_socket()]
    assert files
    read = {str(path.relative_to(folder)): path.read_bytes() for path in files}
    return [
        f"{marker} in {name}"
        for name, data in read.items()
        for marker in MARKERS
        if any(form in data or form.decode("latin-1") in name for form in spellings(marker))
    ]


@pytest.fixture
def profile(tmp_path: Path) -> Iterator[Path]:
    """A user's whole profile with a desk that holds a family of markers, some of it unsent; nobody has it open."""
    profile = tmp_path / "profile"
    data = profile / "data"
    with Studio(tmp_path / "cloud", families=4) as studio:
        family, child = derived("family", "markers"), derived("child", "markers")
        added = AddFamily(
            family=family, home=studio.plan.main, name=MARKERS[0],
            items=(ChildDraft(child=child, given=MARKERS[1], surname=MARKERS[0], birth_date="2019-02-03"),),
            contacts=(
                ContactDraft(
                    contact=derived("contact", "markers"), relation="mother", name=MARKERS[2], phone=MARKERS[3],
                    email=MARKERS[4],
                ),
            ),
        )  # fmt: skip
        ledger = studio.cloud.studios.author(studio.plan.studio, added, source="test")
        assert ledger.link.outcome.stands
        profile.mkdir(mode=0o700)
        data.mkdir(mode=0o700)
        with studio.pair("desk", data / "desk") as desk:
            said = say(desk, EditHealth(child=Id(child), base="", notes=MARKERS[5]), staff(studio))
            assert said.outcome.stands, said
        yield profile


def die(profile: Path, *arguments: str, ask: tuple[tuple[str, dict[str, object]], ...] = ()) -> Died:
    """Run a program of ours at home in the profile with cores allowed, ask it things, and let it meet a SIGSEGV."""
    home = {
        "HOME": profile, "TMPDIR": profile / "tmp", "XDG_CACHE_HOME": profile / "cache",
        "XDG_CONFIG_HOME": profile / "config", "XDG_STATE_HOME": profile / "state", "PYTHONFAULTHANDLER": "1",
    }  # fmt: skip
    (profile / "tmp").mkdir(exist_ok=True)
    said = profile / "said.txt"
    with said.open("wb") as out:
        program = subprocess.Popen(
            ["sh", "-c", 'ulimit -c unlimited; exec "$@"', "sh", *arguments],
            cwd=profile, stdout=out, stderr=out, env=surroundings(**{name: str(place) for name, place in home.items()}),
        )  # fmt: skip
        try:
            for question, given in ask:
                _asked(program, profile / "data" / "desk", question, given)
        finally:
            os.kill(program.pid, signal.SIGSEGV)
            _, status = os.waitpid(program.pid, 0)
            program.returncode = -signal.SIGSEGV
    assert os.WTERMSIG(status) == signal.SIGSEGV
    return Died(os.WCOREDUMP(status), said.read_text(errors="replace"))


def _asked(program: "subprocess.Popen[bytes]", folder: Path, question: str, given: dict[str, object]) -> None:
    """Ask a program that may still be starting."""
    for _ in range(int(STARTS_S / 0.1)):
        try:
            owner.ask(folder, question, given)
            return
        except Refused as refused:
            assert refused.code == "store.in_use", refused  # noqa: PT017 - until it listens, that is what is said
        except EnvironmentFault as fault:
            assert fault.code == "store.missing", fault  # noqa: PT017
        try:
            code = program.wait(0.1)
        except subprocess.TimeoutExpired:
            continue
        raise AssertionError(f"the program ended with {code}")
    raise AssertionError("the program never listened")


@pytest.fixture
def cores_are_written(tmp_path: Path) -> None:
    """Where the system writes no core of anybody, that ours writes none shows nothing."""
    control = "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)"
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    program = subprocess.Popen(
        ["sh", "-c", 'ulimit -c unlimited; exec "$@"', "sh", sys.executable, "-c", control], cwd=elsewhere
    )
    _, status = os.waitpid(program.pid, 0)
    program.returncode = -signal.SIGSEGV
    if not os.WCOREDUMP(status):
        pytest.skip("this system writes no cores (see /proc/sys/kernel/core_pattern and ulimit -c)")


@pytest.mark.skipif(not owner.available(), reason="a running program is asked over a socket")
def test_a_dying_desk_leaves_nothing_to_read(profile: Path, tmp_path: Path, report: Report) -> None:
    """It shows the family, backs it up, changes its key, and dies with its write-ahead log open."""
    died = die(
        profile, *command("desk", data=profile / "data"),
        ask=(
            ("store.backup", {"file": str(profile / "data" / "saved.ctbackup")}),
            ("store.key.rotate", {}),
            ("store.check", {}),
        ),
    )  # fmt: skip
    assert "Segmentation fault" in died.said, "faulthandler was to have said where it died"
    assert (profile / "data" / "desk" / "store.db-wal").exists()
    assert (profile / "data" / "saved.ctbackup").stat().st_size > 50_000
    found = found_in(profile)
    size = sum(path.stat().st_size for path in profile.rglob("*") if path.is_file())
    report(
        f"{len(MARKERS)} personal markers looked for in {size / 1e6:.1f} MB of a profile (store, write-ahead log, backup, "
        f"window settings, logs, faulthandler's output): {len(found)} found"
    )
    assert found == []
    _readable_with_the_key(profile, tmp_path / "plain")


def _readable_with_the_key(profile: Path, out: Path) -> None:
    """The control: the same search in the same rows, decrypted, finds every marker."""
    out.mkdir()
    key = keys.load(profile / "data" / "desk", None).key
    conn = connect(profile / "data" / "desk" / "store.db", key)
    try:
        conn.execute("ATTACH DATABASE ? AS plain KEY ''", (str(out / "store.db"),))
        conn.execute("SELECT sqlcipher_export('plain')").fetchall()
        conn.execute("DETACH DATABASE plain")
    finally:
        conn.close()
    assert {line.rpartition(" in ")[0] for line in found_in(out)} == set(MARKERS)


@pytest.mark.usefixtures("cores_are_written")
def test_no_core_is_written_of_a_program_that_dies(profile: Path, report: Report) -> None:
    died = die(profile, *command("desk", data=profile / "data"), ask=(("status", {}),))
    assert not died.core
    cores = [path for path in profile.rglob("*core*") if path.is_file() and path.stat().st_size > 1_000_000]
    assert cores == []
    report(f"a desk that met SIGSEGV where any other program leaves a core: {len(cores)} written")


def test_another_key_reads_nothing(profile: Path, report: Report) -> None:
    """It fails closed: with no key, with another, and with the file's own bytes taken for plain SQLite."""
    folder = profile / "data" / "desk"
    kept = (folder / "store.key").read_bytes()
    wrong = (bytes(32), bytes(range(32)), None)
    for key in wrong:
        with pytest.raises(EnvironmentFault) as caught:
            connect(folder / "store.db", key)
        assert caught.value.code == "store.unreadable"
    (folder / "store.key").unlink()
    said = subprocess.run(
        command("audit", "list", data=profile / "data"), capture_output=True, text=True, check=False,
        env=surroundings(), timeout=60, cwd=ROOT,
    )  # fmt: skip
    assert (said.returncode, said.stdout) == (1, "")
    assert not (folder / "store.key").exists(), "a lost key was made anew over a store that needs it"
    (folder / "store.key").write_bytes(kept)
    report(
        f"{len(wrong)} wrong keys tried on a store: 0 opened it; without its key file it stays closed and makes none"
    )
