"""The table of system libraries, held against the wheels that want them."""

import importlib.util
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.set_up import libraries, packages

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="wheels bring every library elsewhere")

# What every Linux with glibc and a C++ program has.
C_LIBRARY = {"libc.so.6", "libm.so.6", "libpthread.so.0", "libdl.so.2", "librt.so.1", "libresolv.so.2"}
C_LIBRARY |= {"libstdc++.so.6", "libgcc_s.so.1", "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1"}
QT_FILES = [f"lib/libQt6{name}.so.6" for name in ("Core", "Gui", "Widgets", "DBus", "PrintSupport", "Svg", "Network")]
QT_FILES += ["plugins/platforms/libqoffscreen.so", "plugins/imageformats/libqsvg.so"]
XCB_FILES = ["lib/libQt6XcbQpa.so.6", "plugins/platforms/libqxcb.so"]
XCB_FILES += ["plugins/xcbglintegrations/libqxcb-glx-integration.so"]


def qt_folder() -> Path:
    found = importlib.util.find_spec("PySide6")
    assert found
    assert found.origin
    return Path(found.origin).parent / "Qt"


def needed(file: Path) -> Iterator[str]:
    """The sonames that a 64-bit little-endian ELF file asks the loader for (System V ABI, DT_NEEDED)."""
    data = file.read_bytes()
    table, size, count = *struct.unpack_from("<Q", data, 0x28), *struct.unpack_from("<HH", data, 0x3A)
    sections = [struct.unpack_from("<IIQQQQIIQQ", data, table + i * size) for i in range(count)]
    for _name, kind, _flags, _address, offset, length, link, *_rest in sections:
        if kind == 6:  # SHT_DYNAMIC, whose strings lie in the section it links to
            strings = sections[link][4]
            for tag, value in struct.iter_unpack("<qQ", data[offset : offset + length]):
                if tag == 1:
                    start = strings + value
                    yield data[start : data.index(b"\0", start)].decode()


@pytest.mark.parametrize(
    ("files", "known"),
    [(QT_FILES, set(libraries.QT)), (XCB_FILES, set(libraries.QT) | set(libraries.QT_WINDOWS))],
    ids=["offscreen", "xcb"],
)
def test_the_table_names_every_library_that_qt_asks_for(files: list[str], known: set[str]) -> None:
    asked = {soname for file in files for soname in needed(qt_folder() / file)}
    of_qt = {path.name for path in (qt_folder() / "lib").iterdir()}
    assert asked - of_qt - C_LIBRARY <= known


def test_a_library_is_there_when_it_loads() -> None:
    assert libraries.loads("libc.so.6")
    assert not libraries.loads("libclasstap-has-no-such.so.1")


def test_a_font_is_there_when_it_has_the_letter() -> None:
    assert libraries.has_font("A")
    assert not libraries.has_font("\U0010fffd")  # private use: nobody's


def test_only_tests_want_test_programs() -> None:
    run = {want.name for want in libraries.wanted("run")}
    test = {want.name for want in libraries.wanted("test")}
    assert test - run == {"Xvfb", "xdotool", "strace", "chromium", "initdb", "libical.so.3"}


def test_without_a_display_windows_can_be_done_without() -> None:
    def essential(surroundings: dict[str, str]) -> set[str]:
        return {want.name for want in packages.essential(list(libraries.wanted("run", surroundings)))}

    assert essential({"DISPLAY": ":0"}) - essential({}) == set(libraries.QT_WINDOWS)
    assert essential({}) == set(libraries.QT) | {"the venv module"}
