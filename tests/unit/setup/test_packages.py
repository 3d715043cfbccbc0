"""What set-up installs, and what it says when it may not. apt-get, sudo and dpkg-query are stand-ins on PATH."""

import os
import sys
from pathlib import Path

import pytest

from scripts.set_up import packages
from scripts.set_up.libraries import Want
from scripts.set_up.refusal import Refusal

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="apt is Linux's")


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An otherwise empty PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def put(folder: Path, name: str, script: str = "") -> None:
    program = folder / name
    program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    program.chmod(0o755)


def want(name: str, package: str, *, renamed: bool = False, off: str | None = None, there: Path | None = None) -> Want:
    return Want(name=name, package=package, renamed=renamed, off=off, there=lambda: bool(there and there.exists()))


GLIB = want("libglib-2.0.so.0", "libglib2.0-0", renamed=True)
ZBAR = want("libzbar", "libzbar0", renamed=True, off="the second decoder")


def test_the_sentence_counts_packages_and_gives_the_command(programs: Path) -> None:
    put(programs, "apt-get")
    put(programs, "sudo")
    put(programs, "dpkg-query")
    assert packages.how_to_install([GLIB, ZBAR, GLIB]) == (
        "ClassTap needs 2 system packages that could not be installed from here: run `sudo apt-get update && "
        "sudo apt-get install -y --no-install-recommends -o DPkg::Lock::Timeout=300 libglib2.0-0 libzbar0`, "
        "then run make again."
    )


def test_releases_with_64_bit_time_have_other_names(programs: Path) -> None:
    put(programs, "dpkg-query", "echo libssl3t64 3.5.1")
    assert packages.package_names([GLIB, ZBAR]) == ["libglib2.0-0t64", "libzbar0t64"]


def test_without_apt_the_sentence_lists_the_libraries(programs: Path) -> None:
    assert packages.how_to_install([GLIB, ZBAR]) == (
        "ClassTap needs libglib-2.0.so.0, libzbar: install them with this system's package tool, then run make again."
    )


def test_a_refused_sudo_stops_for_qt_and_changes_nothing(
    programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(programs, "apt-get", f"touch {tmp_path}/ran")
    put(programs, "dpkg-query")
    put(programs, "sudo", "exit 1")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(packages, "wanted", lambda kind: [GLIB])
    with pytest.raises(Refusal, match="needs 1 system package that could not"):
        packages.provide("run", given_up=[], log=tmp_path / "log")
    assert not (tmp_path / "ran").exists()


def test_sudo_without_a_prompt_installs(programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(programs, "apt-get", f'[ "$1" = update ] || echo "$@" > {tmp_path}/installed')
    put(programs, "dpkg-query")
    put(programs, "env", 'shift; exec "$@"')
    put(programs, "sudo", '[ "$1" = -n ] || exit 1; shift; [ "$1" = true ] || exec "$@"')
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    missing = want("libGL.so.1", "libgl1", there=tmp_path / "installed")
    monkeypatch.setattr(packages, "wanted", lambda kind: [missing])
    assert packages.provide("run", given_up=[], log=tmp_path / "log") == []
    words = "install -y --no-install-recommends -o DPkg::Lock::Timeout=300 libgl1\n"
    assert (tmp_path / "installed").read_text(encoding="utf-8") == words


def test_what_can_be_done_without_is_tried_once_and_said_every_time(
    programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(programs, "apt-get", f"echo $1 >> {tmp_path}/calls; exit 100")
    put(programs, "dpkg-query")
    put(programs, "env", 'shift; exec "$@"')
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(packages, "wanted", lambda kind: [ZBAR])
    without = packages.provide("run", given_up=[], log=tmp_path / "log")
    assert without == [ZBAR]
    assert packages.provide("run", given_up=["libzbar"], log=tmp_path / "log") == [ZBAR]
    assert (tmp_path / "calls").read_text(encoding="utf-8") == "update\ninstall\n"
    assert packages.what_is_off(without)[0] == "Off for now: the second decoder."
