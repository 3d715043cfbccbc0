"""The lock is whole, hashed, names no index, and the test lock only adds to the run lock."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PINNED = re.compile(r"^([a-z0-9-]+)==(\S+)", re.MULTILINE)


def lock(kind: str) -> str:
    return (ROOT / "requirements" / f"{kind}.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", ["run", "test"])
def test_every_requirement_is_pinned_and_hashed(kind: str) -> None:
    entries = re.split(r"^(?=[^\s#])", lock(kind), flags=re.MULTILINE)[1:]
    assert len(entries) > 50
    for entry in entries:
        assert PINNED.match(entry), entry
        assert "--hash=sha256:" in entry, entry


@pytest.mark.parametrize("kind", ["run", "test"])
def test_no_index_address_and_no_path_of_a_machine(kind: str) -> None:
    assert not re.search(r"://|--index|--find-links|(?:^|\s)/", lock(kind))


def test_the_test_lock_holds_the_run_lock() -> None:
    run, test = set(PINNED.findall(lock("run"))), set(PINNED.findall(lock("test")))
    assert run < test
    assert "pytest" in dict(test)
    assert "pytest" not in dict(run)


def test_pyside6_stays_below_the_release_that_aborts_on_python_3_11() -> None:
    # PySide6 6.12.0 drops a reference to None at every call; see docs/decisions/0001-libraries.md.
    assert dict(PINNED.findall(lock("run")))["pyside6-essentials"].startswith("6.11.")
