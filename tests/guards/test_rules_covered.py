"""Every line and branch of the rules is reached by a unit test, and every room's rules are on the list."""

import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def listed() -> list[str]:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    found: list[str] = settings["tool"]["coverage"]["run"]["include"]
    return found


def test_every_room_s_rules_are_on_the_list() -> None:
    """Those of seat maps are tried by a table of cases of their own (tests/unit/seating), with its own figures."""
    rooms = {path.relative_to(ROOT).as_posix() for path in ROOT.glob("classtap_core/*/rules.py")}
    assert rooms - {"classtap_core/seating/rules.py"} <= set(listed())
    assert all((ROOT / name).is_file() for name in listed())


def test_every_line_and_branch_of_the_rules_is_reached() -> None:
    command = [sys.executable, "-m", "scripts.cover"]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout[-4_000:] + ran.stderr[-2_000:]
