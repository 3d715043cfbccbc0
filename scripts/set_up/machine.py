"""Whether the locked wheels run on this machine at all."""

import platform
import sys

from scripts.set_up.refusal import Refusal

# The oldest C library that PySide6-Essentials 6.11 is built for, from the tags of its wheels.
OLDEST_GLIBC = {"x86_64": (2, 34), "aarch64": (2, 39)}
# macOS: PySide6 6.11 asks for 13; on Intel, opencv-python-headless 5 asks for 14.
OLDEST_MACOS = {"arm64": 13, "x86_64": 14}


def check() -> None:
    """Refuse a machine that no wheel of the lock fits, before anything is made."""
    if sys.platform == "linux":
        check_linux(platform.machine(), platform.libc_ver())
    elif sys.platform == "darwin":
        check_macos(platform.machine(), platform.mac_ver()[0])


def check_linux(processor: str, library: tuple[str, str]) -> None:
    """Refuse by processor and C library, the latter as `platform.libc_ver` gives it."""
    if processor not in OLDEST_GLIBC:
        raise Refusal(f"ClassTap runs on 64-bit Intel, AMD and ARM processors; this one is {processor}.")
    name, version = library
    oldest = OLDEST_GLIBC[processor]
    wanted = ".".join(map(str, oldest))
    if name != "glibc":
        raise Refusal(f"ClassTap needs the GNU C library {wanted} or newer; this system has another one (musl, say).")
    if tuple(int(part) for part in version.split(".")[:2]) < oldest:
        raise Refusal(
            f"ClassTap needs glibc {wanted} or newer on {processor}, and this system has {version}: "
            "use a newer release of it (Debian 13 or Ubuntu 24.04 will do)."
        )


def check_macos(processor: str, version: str) -> None:
    """Refuse a macOS older than the wheels."""
    oldest = OLDEST_MACOS.get(processor, max(OLDEST_MACOS.values()))
    if int(version.split(".")[0]) < oldest:
        raise Refusal(f"ClassTap needs macOS {oldest} or newer, and this is {version}.")
