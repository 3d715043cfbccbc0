"""Installs what is missing with apt, as root or through `sudo -n`; elsewhere says what to install."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from scripts.set_up.libraries import Want, wanted
from scripts.set_up.refusal import Refusal

UPDATE = ["apt-get", "update"]
INSTALL = ["apt-get", "install", "-y", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=300"]


def provide(kind: str, *, given_up: Sequence[str], log: Path) -> list[Want]:
    """Install what `run` or `test` wants and this machine lacks; return what is still missing but can be done without.

    `given_up` names what an earlier run could not get: it alone is no reason to try again.
    Raises `Refusal` when Qt's libraries or the venv module stay missing.
    """
    missing = lacking(wanted(kind))
    front = apt_front()
    if front is not None and not {want.name for want in missing} <= set(given_up):
        names = package_names(missing)
        print(f"Installing {counted(names)}: {' '.join(names)}", flush=True)
        if not installed(front, names, log=log) and essential(missing):
            installed(front, package_names(essential(missing)), log=log)
        missing = lacking(missing)
    if essential(missing):
        raise Refusal(how_to_install(missing))
    return missing


def lacking(wants: Iterable[Want]) -> list[Want]:
    """Those that are not there."""
    return [want for want in wants if not want.there()]


def essential(wants: Sequence[Want]) -> list[Want]:
    """Those without which nothing works."""
    return [want for want in wants if want.off is None]


def what_is_off(without: Sequence[Want]) -> list[str]:
    """The sentences that say what does not work, and how to get it."""
    if not without:
        return []
    lost = list(dict.fromkeys(want.off for want in without if want.off))
    return [f"Off for now: {'; '.join(lost)}.", how_to_install(without)]


def how_to_install(missing: Sequence[Want]) -> str:
    """One sentence: how many packages, and the exact command."""
    if shutil.which("apt-get"):
        names = package_names(missing)
        front = "sudo " if shutil.which("sudo") else ""
        command = f"{front}{' '.join(UPDATE)} && {front}{' '.join(INSTALL)} {' '.join(names)}"
        who = "" if front else " as root"
        return f"ClassTap needs {counted(names)} that could not be installed from here: run{who} `{command}`, then run make again."
    if sys.platform == "darwin":
        return "Install zbar (`brew install zbar`), then run make again."
    names = list(dict.fromkeys(want.name for want in missing))
    return f"ClassTap needs {', '.join(names)}: install them with this system's package tool, then run make again."


def counted(names: Sequence[str]) -> str:
    """`1 system package`, `12 system packages`."""
    return f"{len(names)} system package{'' if len(names) == 1 else 's'}"


def package_names(wants: Sequence[Want]) -> list[str]:
    """The packages that bring these, each once, under the names this release gives them."""
    ending = "t64" if wants and has_64_bit_time_names() else ""
    return sorted({want.package + (ending if want.renamed else "") for want in wants})


def has_64_bit_time_names() -> bool:
    """Whether this release renamed packages for 64-bit time (Debian 13, Ubuntu 24.04 and their children).

    Told by any installed package of such a name: apt itself depends on some, so even a bare system has them.
    """
    try:
        listed = subprocess.run(["dpkg-query", "-W", "*t64"], capture_output=True, text=True, check=False)
    except OSError:
        return False
    return bool(listed.stdout.strip())


def apt_front() -> list[str] | None:
    """The words before apt-get that make it ask nobody anything; None where apt or the right to use it is missing."""
    if not shutil.which("apt-get"):
        return None
    quiet = ["env", "DEBIAN_FRONTEND=noninteractive"]
    if os.geteuid() == 0:
        return quiet
    asked = ["sudo", "-n", "true"]
    if shutil.which("sudo") and subprocess.run(asked, capture_output=True, check=False).returncode == 0:
        return ["sudo", "-n", *quiet]
    return None


def installed(front: Sequence[str], names: Sequence[str], *, log: Path) -> bool:
    """Run apt-get update and install; False when the packages could not be had."""
    log.parent.mkdir(exist_ok=True)
    with log.open("ab") as output:
        # A repository that does not answer fails the update, and may not matter to the install.
        subprocess.run([*front, *UPDATE], stdin=subprocess.DEVNULL, stdout=output, stderr=output, check=False)
        install = [*front, *INSTALL, *names]
        ended = subprocess.run(install, stdin=subprocess.DEVNULL, stdout=output, stderr=output, check=False)
    return ended.returncode == 0
