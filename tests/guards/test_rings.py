"""The import contracts, each seen breaking on a house built to break it."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = {
    "classtap_core": "kernel store timekeeping money passes access people schedule booking seating checkin",
    "classtap_desktop": "kit screens canvas actions app",
    "sync": "client protocol",
    "kiosk": "screens",
    "cloud": "",
    "classtap_cli": "",
    "resources": "",
}


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """Every package and room, empty, under this project's contracts."""
    for package, rooms in ROOMS.items():
        for room in ["", *rooms.split()]:
            (tmp_path / package / room).mkdir(parents=True, exist_ok=True)
            (tmp_path / package / room / "__init__.py").touch()
    (tmp_path / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text(encoding="utf-8"), encoding="utf-8")
    return tmp_path


def broken(house: Path, contract: str) -> bool:
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()"]
    command += ["--no-logo", "--no-cache", "--contract", contract]
    ended = subprocess.run(
        command, cwd=house, env={"PYTHONPATH": str(house)}, capture_output=True, text=True, check=False
    )
    assert "Contracts:" in ended.stdout, ended.stdout + ended.stderr
    return ended.returncode != 0


@pytest.mark.parametrize(
    ("contract", "importer", "imported"),
    [
        ("rings", "classtap_core.kernel", "sync"),
        ("rings", "kiosk", "classtap_desktop.screens"),
        ("rings", "cloud", "classtap_desktop.kit"),
        ("rings", "sync", "resources"),
        ("core-order", "classtap_core.kernel", "classtap_core.money"),
        ("core-order", "classtap_core.store", "classtap_core.people"),
        ("core-order", "classtap_core.people", "classtap_core.booking"),
        ("store-door", "classtap_core.booking", "classtap_core.store"),
        ("kit-alone", "classtap_desktop.kit", "classtap_desktop.screens"),
        ("no-qt", "sync.client", "PySide6.QtCore"),
        ("core-offline", "classtap_core.passes", "httpx"),
        ("sync-frameless", "sync.protocol", "fastapi"),
        ("cloud-protocol", "cloud", "sync.client"),
        ("device-sql", "classtap_desktop.screens", "sqlite3"),
        ("resources-leaf", "resources", "classtap_core.kernel"),
    ],
)
def test_a_contract_breaks_on_what_it_forbids(house: Path, contract: str, importer: str, imported: str) -> None:
    (house / importer.replace(".", "/") / "__init__.py").write_text(f"import {imported}\n", encoding="utf-8")
    assert broken(house, contract)


def test_rooms_of_one_storey_make_no_circle(house: Path) -> None:
    for importer, imported in (("seating", "checkin"), ("checkin", "seating")):
        room = house / "classtap_core" / importer / "__init__.py"
        room.write_text(f"import classtap_core.{imported}\n", encoding="utf-8")
    assert broken(house, "core-circles")


def test_what_the_architecture_allows_is_kept(house: Path) -> None:
    for importer, imported in (
        ("kiosk/screens", "classtap_desktop.kit"),
        ("kiosk", "sync.client"),
        ("cloud", "sync.protocol"),
        ("classtap_desktop/screens", "resources"),
        ("classtap_desktop/app", "classtap_core.store"),
        ("classtap_core/checkin", "classtap_core.booking"),
    ):
        with (house / importer / "__init__.py").open("a", encoding="utf-8") as file:
            file.write(f"import {imported}\n")
    contracts = ["rings", "core-order", "core-circles", "store-door", "kit-alone", "no-qt", "cloud-protocol"]
    assert [contract for contract in contracts if broken(house, contract)] == []
