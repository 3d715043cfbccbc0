"""What a bare machine leaves unset and Qt wants: a UTF-8 locale, a runtime folder, a platform without a display."""

import ctypes
import locale
import os
import socket
import sys
import tempfile
from collections.abc import MutableMapping
from pathlib import Path


def complete(variables: MutableMapping[str, str]) -> None:
    """Set what is absent; what is there and works is left alone."""
    if sys.platform == "win32":
        return
    if not locale_is_utf8():
        variables["LC_ALL"] = "C.UTF-8" if sys.platform == "linux" else "en_US.UTF-8"
    if sys.platform != "linux":
        return
    if not variables.get("XDG_RUNTIME_DIR"):
        variables["XDG_RUNTIME_DIR"] = str(runtime_folder())
    if not variables.get("QT_QPA_PLATFORM") and not display_opens(variables):
        variables["QT_QPA_PLATFORM"] = "offscreen"


def locale_is_utf8() -> bool:
    """Whether the locale this process was started in exists and is UTF-8."""
    try:
        locale.setlocale(locale.LC_CTYPE, "")
    except locale.Error:
        return False
    return locale.nl_langinfo(locale.CODESET).upper().replace("-", "") == "UTF8"


def runtime_folder() -> Path:
    """A folder of this user's alone (0700): the system's where there is one, else one in the temporary folder."""
    own = [Path("/run/user") / str(os.getuid()), Path(tempfile.gettempdir()) / f"classtap-runtime-{os.getuid()}"]
    own[1].mkdir(mode=0o700, exist_ok=True)
    for folder in own:
        if is_private(folder):
            return folder
    return Path(tempfile.mkdtemp(prefix="classtap-runtime-"))


def is_private(folder: Path) -> bool:
    """Whether the folder is a real one, this user's, and closed to everybody else."""
    try:
        status = folder.lstat()
    except OSError:
        return False
    return (
        folder.is_dir() and not folder.is_symlink() and status.st_uid == os.getuid() and status.st_mode & 0o777 == 0o700
    )


def display_opens(variables: MutableMapping[str, str]) -> bool:
    """Whether an X or Wayland display answers, tried as Qt will try it."""
    return x_opens(variables) or wayland_opens(variables)


def x_opens(variables: MutableMapping[str, str]) -> bool:
    """Connect to `DISPLAY` as Qt's xcb plugin does."""
    name = variables.get("DISPLAY")
    if not name:
        return False
    try:
        xcb = ctypes.CDLL("libxcb.so.1")
    except OSError:
        return False
    xcb.xcb_connect.restype = ctypes.c_void_p
    xcb.xcb_connection_has_error.argtypes = [ctypes.c_void_p]
    xcb.xcb_disconnect.argtypes = [ctypes.c_void_p]
    connection = xcb.xcb_connect(name.encode(), None)
    opened = not xcb.xcb_connection_has_error(connection)
    xcb.xcb_disconnect(connection)
    return opened


def wayland_opens(variables: MutableMapping[str, str]) -> bool:
    """Connect to the compositor's socket."""
    name, folder = variables.get("WAYLAND_DISPLAY"), variables.get("XDG_RUNTIME_DIR", "")
    if not name:
        return False
    with socket.socket(socket.AF_UNIX) as trial:
        try:
            trial.connect(str(Path(folder) / name))
        except OSError:
            return False
    return True
