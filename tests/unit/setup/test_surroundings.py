"""What set-up sets where a bare machine leaves it unset."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.set_up import machine, surroundings
from scripts.set_up.refusal import Refusal

ROOT = Path(__file__).resolve().parents[3]
linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux leaves these unset")


def completed(variables: dict[str, str]) -> dict[str, str]:
    """What a command started through set-up would see, had it been started with these variables."""
    program = "import json, os; from scripts.set_up import surroundings as s; s.complete(os.environ); print(json.dumps(dict(os.environ)))"
    told = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=variables, capture_output=True, text=True, check=True
    )
    answer: dict[str, str] = json.loads(told.stdout)
    return answer


@linux
def test_a_bare_machine_gets_a_locale_a_runtime_folder_and_no_display(tmp_path: Path) -> None:
    seen = completed({"LC_ALL": "en_XX.ISO-8859-1", "TMPDIR": str(tmp_path)})
    assert seen["LC_ALL"] == "C.UTF-8"
    assert seen["QT_QPA_PLATFORM"] == "offscreen"
    folder = Path(seen["XDG_RUNTIME_DIR"]).stat()
    assert stat.S_IMODE(folder.st_mode) == 0o700
    assert folder.st_uid == os.getuid()


@linux
def test_what_is_there_is_left_alone(tmp_path: Path) -> None:
    there = {"LC_ALL": "C.UTF-8", "XDG_RUNTIME_DIR": str(tmp_path), "QT_QPA_PLATFORM": "vnc"}
    seen = completed(there)
    assert {name: seen[name] for name in there} == there


@linux
def test_a_display_that_does_not_open_is_none() -> None:
    assert completed({"DISPLAY": ":4711", "WAYLAND_DISPLAY": "none"})["QT_QPA_PLATFORM"] == "offscreen"


@linux
def test_a_display_that_opens_is_used(x_display: str) -> None:
    assert "QT_QPA_PLATFORM" not in completed({"DISPLAY": x_display})


@linux
def test_a_folder_open_to_others_is_not_private(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    assert not surroundings.is_private(tmp_path)
    tmp_path.chmod(0o700)
    assert surroundings.is_private(tmp_path)


@pytest.mark.parametrize(
    ("processor", "library", "sentence"),
    [
        ("x86_64", ("glibc", "2.31"), "needs glibc 2.34 or newer on x86_64, and this system has 2.31"),
        ("aarch64", ("glibc", "2.36"), "needs glibc 2.39 or newer on aarch64, and this system has 2.36"),
        ("x86_64", ("", ""), "needs the GNU C library"),
        ("armv7l", ("glibc", "2.41"), "this one is armv7l"),
    ],
)
def test_a_machine_without_wheels_is_told_so(processor: str, library: tuple[str, str], sentence: str) -> None:
    with pytest.raises(Refusal, match=sentence):
        machine.check_linux(processor, library)


def test_debian_12_and_macos_13_will_do() -> None:
    machine.check_linux("x86_64", ("glibc", "2.36"))
    machine.check_macos("arm64", "13.0")
    with pytest.raises(Refusal, match="macOS 13 or newer, and this is 12"):
        machine.check_macos("arm64", "12.7.1")
