"""Real processes: a program that owns its store and answers others, and a cloud from its first command to its last."""

import json
import select
import signal
import stat
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest

from classtap_core.passes import picture
from classtap_core.store import recovery
from sync.client.owner import ask
from tests.end_to_end.rig import ROOT, Studio, classtap, command, inside, surroundings

START_S = 60
QT_OFFSCREEN = "This plugin does not support "  # what Qt's offscreen platform says of every window
pytestmark = pytest.mark.leaves(
    "classtap-proxy|ThreadPoolExecutor-|cloud-reading", reason="the module's studio: its switch, its clock, its readers"
)


@contextmanager
def program(*arguments: str | Path, data: Path) -> Iterator["subprocess.Popen[str]"]:
    """A command that goes on until it is told to end."""
    run = subprocess.Popen(
        command(*arguments, data=data), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=surroundings(), cwd=ROOT,
    )  # fmt: skip
    try:
        yield run
    finally:
        if run.poll() is None:
            run.kill()
        run.communicate()


def ended(run: "subprocess.Popen[str]") -> tuple[int, str]:
    """Tell a program to end; its exit code and what it said on stderr."""
    run.send_signal(signal.SIGTERM)
    _, err = run.communicate(timeout=START_S)
    spoken = [line for line in err.splitlines(keepends=True) if not line.startswith(QT_OFFSCREEN)]
    return run.returncode, "".join(spoken)


def first_line(stream: IO[str]) -> str:
    ready, _, _ = select.select([stream], [], [], START_S)
    assert ready, "nothing was said"
    return stream.readline()


def test_a_desk_in_use_answers_the_command_line(studio: Studio, tmp_path: Path) -> None:
    """The desk's real window, offscreen, owns the store; commands go through its door and see what it sees."""
    with program("desk", data=studio.data) as desk:
        until_it_answers(desk, studio.data / "desk")
        status = inside("sync", "status", data=studio.data)
        assert status.code == 0, status.err
        assert inside("sync", "once", data=studio.data).json["state"] == "online"
        assert inside("audit", "verify", data=studio.data).json["ok"] is True
        family = studio.due(0)
        said = inside("pass", "verify", studio.pass_text(family), data=studio.data).json
        assert (said["outcome"], said["family"]) == ("ok", family.family)
        renamed = {"family": family.family, "base": family.name, "name": "Nuevo Apellido"}
        told = ask(
            studio.data / "desk", "submit",
            {"kind": "family.rename", "payload": renamed, "pin": "161803", "location": studio.plan.main},
        )  # fmt: skip
        assert told["status"] == "accepted", told
        assert inside("audit", "list", "--most", "1", data=studio.data).json["operation"] == told["operation"]
        held = inside("sync", "status", "--now", "2026-11-21T10:00:00Z", data=studio.data)
        assert held.err.startswith("Another program has the store open and keeps its own time")
        door = studio.data / "desk" / "owner.sock"
        assert stat.S_IMODE(door.stat().st_mode) == 0o600
        assert ended(desk) == (0, "")
        assert not door.exists()
    assert inside("audit", "verify", data=studio.data).json["entries"] >= 1


def until_it_answers(run: "subprocess.Popen[str]", folder: Path) -> None:
    """Until the owner listens: a command waits for it by itself, once the store is locked."""
    patience = time.monotonic() + START_S
    while not (folder / "owner.sock").exists():
        assert run.poll() is None, run.communicate()
        assert time.monotonic() < patience, "the program did not open its door"
        select.select([], [], [], 0.02)


def test_a_kiosk_window_ends_when_it_is_told_to(studio: Studio, tmp_path: Path) -> None:
    frame = tmp_path / "000.png"
    frame.write_bytes(picture.png(studio.pass_text(studio.due(0))))
    with program("kiosk", "--camera", tmp_path, data=studio.data) as kiosk:
        until_it_answers(kiosk, studio.data / "kiosk")
        assert inside("sync", "status", "--as", "kiosk", data=studio.data).code == 0
        assert ended(kiosk) == (0, "")


def test_the_command_itself_speaks_json_and_leaves_quietly(studio: Studio, tmp_path: Path) -> None:
    frame = tmp_path / "one.png"
    frame.write_bytes(picture.png(studio.pass_text(studio.due(1))))
    run = classtap("scan", frame, data=studio.data)
    assert (run.returncode, run.stderr) == (0, "")
    assert json.loads(run.stdout)["outcome"] == "ok"


def test_without_a_display_a_window_is_refused(studio: Studio) -> None:
    nowhere = {"QT_QPA_PLATFORM": "", "DISPLAY": "", "WAYLAND_DISPLAY": ""}
    run = classtap("desk", data=studio.data, **nowhere)
    assert (run.returncode, run.stdout) == (1, "")
    assert run.stderr.startswith("There is no display to open a window on")


def test_a_person_is_told_in_their_own_language(studio: Studio) -> None:
    run = classtap("kiosk", "--headless", "--camera", "/nada", data=studio.data, LC_ALL="es_ES.UTF-8")
    assert run.returncode == 1
    assert run.stderr.startswith("No existe el archivo o carpeta /nada")


def test_a_cloud_from_its_first_command_to_its_last(tmp_path: Path) -> None:
    """Make it, found a live studio, serve it, pair a desk over HTTP, and end it; all by commands."""
    there = tmp_path / "cloud"
    here = tmp_path / "desk"
    assert inside("cloud", "device", "pair", "--role", "desk", data=there).err.startswith("There is no cloud in")
    assert inside("cloud", "init", "--json", data=there).json["studios"] == 0
    founding = ("cloud", "studio", "add", "Little Steps", "--owner", "Olga Brandt", "--location", "Riverside")
    paper = tmp_path / "owner-key.txt"
    wrong = inside(*founding, "--zone", "Europe/Atlantis", "-o", paper, data=there, typed="314159\n")
    assert wrong.err.startswith("There is no time zone “Europe/Atlantis”")
    assert wrong.code == 2
    assert not paper.exists(), "a key to nothing"
    nowhere = (*founding[:-1], " ", "--zone", "Europe/Madrid")
    assert inside(*nowhere, data=there, typed="314159\n").code == 2
    assert inside("cloud", "init", "--json", data=there).json["studios"] == 0, "half a studio"
    made = inside(*founding, "--zone", "Europe/Madrid", "-o", paper, "--json", data=there, typed="314159\n")
    assert (made.code, made.json["file"]) == (0, str(paper)), made.err
    with program("cloud", "serve", "--port", "0", data=there) as cloud:
        assert cloud.stdout is not None
        url = json.loads(first_line(cloud.stdout))["url"]
        code = inside("cloud", "device", "pair", "--role", "desk", data=there).json
        assert set(code) == {"code", "url", "expires"}
        assert code["url"] == url
        assert inside("pair", "nowhere", code["code"], data=here).code == 2
        assert inside("pair", url, "AAAA-AAAA-AAAAA", data=here).err.startswith("The pairing code is unknown")
        paired = inside("pair", url, code["code"], "--json", data=here)
        assert paired.code == 0, paired.err
        assert (paired.json["studio"], paired.json["bootstrapped"]) == (made.json["studio"], True)
        assert inside("sync", "status", data=here).json["state"] == "online"
        kept = inside("store", "key", "status", data=here).json
        assert kept["recovery"] == kept["owner_key"] == recovery.read(paper.read_text()).public.hex()
        assert inside("pair", url, code["code"], data=here).err.startswith("This program already belongs to a studio")
        refused = inside("sync", "status", "--now", "2026-11-21T10:00:00Z", data=here)
        assert (refused.code, refused.err[:47]) == (1, "--now would put a wrong time into a live studio")
        assert all(check["ok"] for check in inside("doctor", "cloud", "--json", data=there).json["checks"])
        taken = inside("cloud", "serve", "--port", url.rpartition(":")[2], data=there)
        assert taken.err.startswith("Another program already listens at 127.0.0.1, port")
        assert ended(cloud) == (0, "")
    assert inside("sync", "status", data=here).json["state"] == "offline"
    assert inside("audit", "verify", "--as", "cloud", data=there).json["ok"] is True
    refused = inside("audit", "verify", "--as", "cloud", "--now", "2026-11-21T10:00:00Z", data=there)
    assert refused.err.startswith("--now would put a wrong time into a live studio")
