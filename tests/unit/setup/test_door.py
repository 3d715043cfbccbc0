"""The door that make knocks at: without git or a fitting Python, one sentence and nothing made."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no make; its steps are in docs/")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The set-up scripts alone, on a PATH of their own."""
    root = tmp_path / "classtap"
    shutil.copytree(ROOT / "scripts", root / "scripts", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "bin").mkdir()
    put(tmp_path, "dirname", f'exec {shutil.which("dirname")} "$@"')
    return root


def put(folder: Path, name: str, script: str) -> None:
    program = folder / "bin" / name
    program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    program.chmod(0o755)


def knock(root: Path, *words: str, path: Path) -> subprocess.CompletedProcess[str]:
    command = ["/bin/sh", str(root / "scripts" / "set_up.sh"), *words]
    surroundings = {"PATH": str(path), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(command, env=surroundings, capture_output=True, text=True, check=False)


def test_without_git(checkout: Path, tmp_path: Path) -> None:
    ended = knock(checkout, "run", path=tmp_path / "bin")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == "ClassTap needs git, which is not installed: install git, then run make again.\n"


def test_with_an_old_python(checkout: Path, tmp_path: Path) -> None:
    put(tmp_path, "git", "")
    put(tmp_path, "python3", '[ "$1" = --version ] && echo Python 3.9.2 || exit 1')
    ended = knock(checkout, "run", path=tmp_path / "bin")
    assert ended.returncode == 1
    assert ended.stderr.startswith("ClassTap needs Python 3.11 to 3.14 and finds Python 3.9.2: install one")
    assert ended.stderr.count("\n") == 1
    assert os.listdir(checkout) == ["scripts"]


def test_a_newer_name_is_found_behind_an_old_python3(checkout: Path, tmp_path: Path) -> None:
    put(tmp_path, "git", "")
    put(tmp_path, "python3", "exit 1")
    put(tmp_path, "python3.12", '[ "$1" = -c ] || echo "$@"')
    ended = knock(checkout, "test", "--", "python", "-V", path=tmp_path / "bin")
    assert ended.stdout == "-m scripts.set_up test -- python -V\n"


def test_wrong_use_is_told(checkout: Path) -> None:
    command = [sys.executable, "-m", "scripts.set_up", "everything"]
    ended = subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert ended.stderr == "Use: python -m scripts.set_up run|test [-- COMMAND ...]\n"
