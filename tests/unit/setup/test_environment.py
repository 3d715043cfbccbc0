"""`.venv` counts only as its stamp says, and a failure leaves what was there."""

import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from scripts.set_up import environment
from scripts.set_up.environment import Stamp
from scripts.set_up.refusal import Refusal


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with two locks and a bare `.venv`."""
    root = tmp_path / "classtap"
    (root / "requirements").mkdir(parents=True)
    (root / "requirements" / "run.txt").write_text("", encoding="utf-8")
    (root / "requirements" / "test.txt").write_text("# tools\n", encoding="utf-8")
    (root / "pyproject.toml").write_text("[project]\n", encoding="utf-8")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(root / ".venv")], check=True)
    return root


def stamped(root: Path, kind: str) -> Stamp:
    Stamp.of(root, kind).write(root)
    return Stamp.read(root)


def test_without_a_stamp_it_does_not_count(checkout: Path) -> None:
    assert not Stamp.read(checkout).counts_for(checkout, "run")


def test_tools_serve_a_run_and_not_the_other_way_round(checkout: Path) -> None:
    run, test = stamped(checkout, "run"), stamped(checkout, "test")
    assert run.counts_for(checkout, "run")
    assert not run.counts_for(checkout, "test")
    assert test.counts_for(checkout, "run")
    assert test.counts_for(checkout, "test")


def test_another_lock_python_or_place_does_not_count(checkout: Path, tmp_path: Path) -> None:
    stamp = stamped(checkout, "run")
    assert not replace(stamp, python="3.10").counts_for(checkout, "run")
    moved = shutil.copytree(checkout, tmp_path / "elsewhere", symlinks=True)
    assert not Stamp.read(moved).counts_for(moved, "run")
    (checkout / "requirements" / "run.txt").write_text("# newer\n", encoding="utf-8")
    assert not stamp.counts_for(checkout, "run")


def test_a_python_that_no_longer_starts_does_not_count(checkout: Path) -> None:
    stamp = stamped(checkout, "run")
    python = environment.programs(checkout) / ("python.exe" if sys.platform == "win32" else "python")
    python.unlink()
    assert not stamp.counts_for(checkout, "run")


def test_a_failed_set_up_leaves_the_environment_that_was_there(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    stamp = stamped(checkout, "run")
    lock = f"classtap-has-no-such-library==1.0 --hash=sha256:{'0' * 64}\n"
    (checkout / "requirements" / "run.txt").write_text(lock, encoding="utf-8")
    with pytest.raises(Refusal, match=r"\.venv could not be filled .* run make again"):
        environment.provide(checkout, "run", stamp, without=[], log=tmp_path / "log")
    assert Stamp.read(checkout) == stamp
    assert sorted(path.name for path in checkout.iterdir()) == [".venv", "pyproject.toml", "requirements"]
