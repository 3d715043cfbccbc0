"""What ClassTap wants of the system, and whether it is there: found by loading it, never by package name."""

import ctypes
import ctypes.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

RUN, TEST = "run", "test"


@dataclass(frozen=True, kw_only=True)
class Want:
    """One thing of the system.

    Attributes: name, as a person would look for it; package, Debian's and Ubuntu's; renamed, whether the package
    ends in `t64` since the time_t change (Debian 13, Ubuntu 24.04); off, what does not work without it, None where
    nothing works; there, the check.
    """

    name: str
    package: str
    there: Callable[[], bool]
    renamed: bool = False
    off: str | None = None


def wanted(kind: str, surroundings: Mapping[str, str] = os.environ) -> Iterator[Want]:
    """Yield what `make run` or `make test` wants here; libraries come with wheels except on Linux."""
    if sys.platform == "linux":
        yield Want(name="the venv module", package=venv_package(), there=python_makes_environments)
        for soname, package in QT.items():
            yield library(soname, package)
        off = None if surroundings.get("DISPLAY") else "windows on a display, and the tests that need one"
        for soname, package in QT_WINDOWS.items():
            yield library(soname, package, off=off)
        for script, (letter, package) in FONTS.items():
            yield Want(
                name=f"a font for {script}",
                package=package,
                there=partial(has_font, letter),
                off="names in some scripts, which show as boxes",
            )
    yield Want(
        name="libzbar",
        package="libzbar0",
        renamed=True,
        there=has_zbar,
        off="the kiosk's second decoder for damaged codes",
    )
    if kind == TEST and sys.platform == "linux":
        for program, (package, off) in TEST_PROGRAMS.items():
            yield Want(name=program, package=package, there=partial(has_program, program), off=off)
        for soname, (package, off) in TEST_LIBRARIES.items():
            yield library(soname, package, off=off)


# Sonames that Qt's libraries and its offscreen plugin load, and Debian's packages for them.
QT = {
    "libGL.so.1": "libgl1",
    "libEGL.so.1": "libegl1",
    "libX11.so.6": "libx11-6",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libdbus-1.so.3": "libdbus-1-3",
    "libfontconfig.so.1": "libfontconfig1",
    "libfreetype.so.6": "libfreetype6",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libgthread-2.0.so.0": "libglib2.0-0",
    "libgssapi_krb5.so.2": "libgssapi-krb5-2",
    "libbrotlicommon.so.1": "libbrotli1",
    "libbrotlidec.so.1": "libbrotli1",
    "libz.so.1": "zlib1g",
    "libzstd.so.1": "libzstd1",
}
# What its xcb plugin loads besides: a desktop, or Xvfb.
QT_WINDOWS = {
    "libX11-xcb.so.1": "libx11-xcb1",
    "libxcb.so.1": "libxcb1",
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-glx.so.0": "libxcb-glx0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-image.so.0": "libxcb-image0",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-randr.so.0": "libxcb-randr0",
    "libxcb-render.so.0": "libxcb-render0",
    "libxcb-render-util.so.0": "libxcb-render-util0",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxcb-shm.so.0": "libxcb-shm0",
    "libxcb-sync.so.1": "libxcb-sync1",
    "libxcb-util.so.1": "libxcb-util1",
    "libxcb-xfixes.so.0": "libxcb-xfixes0",
    "libxcb-xkb.so.1": "libxcb-xkb1",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
}
RENAMED = {"libglib2.0-0", "libical3"}
# A letter of each script that the fonts of a bare system lack.
FONTS = {
    "Arabic": ("ع", "fonts-noto-core"),
    "Devanagari": ("अ", "fonts-noto-core"),
    "Chinese and Japanese": ("中", "fonts-noto-cjk"),
    "Korean": ("한", "fonts-noto-cjk"),
}
TEST_PROGRAMS = {
    "Xvfb": ("xvfb", "the tests that drag and drop on a real display"),
    "xdotool": ("xdotool", "the tests that move a real pointer"),
    "strace": ("strace", "the tests that cut the power"),
    "initdb": ("postgresql", "the tests of the cloud on PostgreSQL"),
    "chromium": ("chromium", "the tests that open pages in a browser"),
}
TEST_LIBRARIES = {"libical.so.3": ("libical3", "the tests that ask another calendar")}


def library(soname: str, package: str, *, off: str | None = None) -> Want:
    """A shared library, there when the loader finds it."""
    return Want(name=soname, package=package, renamed=package in RENAMED, off=off, there=partial(loads, soname))


def loads(soname: str) -> bool:
    """Whether the dynamic loader finds and opens the library."""
    try:
        ctypes.CDLL(soname)
    except OSError:
        return False
    return True


def has_zbar() -> bool:
    """Whether pyzbar will find its library; its Windows wheels bring their own."""
    return sys.platform == "win32" or loads("libzbar.so.0") or ctypes.util.find_library("zbar") is not None


def has_program(name: str) -> bool:
    """Whether a program of this name can be started from here. Debian keeps PostgreSQL's out of PATH."""
    return shutil.which(name) is not None or any(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))


def python_makes_environments() -> bool:
    """Whether this Python brings venv and pip; asked in a child, for a package may just have been installed."""
    return (
        subprocess.run([sys.executable, "-c", "import venv, ensurepip"], capture_output=True, check=False).returncode
        == 0
    )


def venv_package() -> str:
    """Debian's package of the venv module for this Python."""
    system = os.path.realpath("/usr/bin/python3") == os.path.realpath(sys.executable)
    return "python3-venv" if system else f"python3.{sys.version_info.minor}-venv"


def has_font(letter: str) -> bool:
    """Whether fontconfig knows a font that draws the letter; False where fontconfig itself is missing."""
    try:
        config = ctypes.CDLL("libfontconfig.so.1")
    except OSError:
        return False
    for name in ("FcInitLoadConfigAndFonts", "FcNameParse", "FcObjectSetCreate", "FcFontList"):
        getattr(config, name).restype = ctypes.c_void_p
    config.FcFontList.argtypes = [ctypes.c_void_p] * 3
    loaded = config.FcInitLoadConfigAndFonts()
    pattern = config.FcNameParse(f":charset={ord(letter):x}".encode())
    found = config.FcFontList(loaded, pattern, config.FcObjectSetCreate()) if loaded else None
    # FcFontSet begins with the number of fonts in it; the process is short-lived and frees nothing.
    return found is not None and ctypes.c_int.from_address(found).value > 0
