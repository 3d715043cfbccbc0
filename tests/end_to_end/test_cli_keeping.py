"""A bad day, by commands alone: a lost keyring, a lost machine, a key that may be known, a device that is given away."""

import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from classtap_core.kernel.clock import SystemClock
from classtap_core.people.operations import RenameFamily
from sync.client.node import Node
from tests.end_to_end.house_rig import say, staff
from tests.end_to_end.rig import Studio, copied, inside

pytestmark = pytest.mark.leaves(
    "classtap-proxy|ThreadPoolExecutor-|cloud-reading", reason="the module's studio: its switch, its clock, its readers"
)

OWNER = "314159"
"""The PIN of the owner of the demo's studio (classtap_cli.demo.studio.STAFF)."""


def test_an_owners_key_brings_a_lost_store_back(studio: Studio, tmp_path: Path) -> None:
    data, kiosk, paper = copied(studio, "kiosk", tmp_path / "data"), ("--as", "kiosk"), tmp_path / "paper.txt"
    family = studio.plan.families[0]
    with Node.open(data / "kiosk", program="kiosk", clock=SystemClock(), ring=None) as node:
        said = say(node, RenameFamily(family=family.family, base=family.name, name="Okafor-Lindqvist"), staff(studio))
        assert said.outcome.stands
    assert inside("store", "key", "status", *kiosk, data=data).json["recovery"] is None
    sealed = inside("store", "key", "seal", "-o", paper, *kiosk, data=data)
    assert (sealed.code, sealed.err) == (0, "")
    assert len("".join(paper.read_text().split())) == 56
    assert paper.stat().st_mode & 0o777 == 0o600
    again = inside("store", "key", "seal", "-o", tmp_path / "second.txt", *kiosk, data=data)
    assert again.code == 1
    entries = inside("audit", "verify", *kiosk, data=data).json["entries"]
    made = inside("store", "backup", tmp_path / "saved", *kiosk, data=data)
    assert (made.code, made.json["entries"], made.json["sealed_to_owner"]) == (0, entries, True), made.err
    rotated = inside("store", "key", "rotate", *kiosk, data=data)
    assert (rotated.code, inside("store", "check", *kiosk, data=data).json["ok"]) == (0, True), rotated.err

    (data / "kiosk" / "store.key").unlink()
    assert inside("audit", "verify", *kiosk, data=data).code == 1
    found = inside("store", "key", "recover", "--recovery-key", paper, *kiosk, data=data)
    assert (found.code, found.json["recovered"]) == (0, True), found.err
    assert inside("audit", "verify", *kiosk, data=data).json == {"ok": True, "entries": entries, "first_bad": None}

    elsewhere = tmp_path / "elsewhere"
    found = inside("store", "restore", tmp_path / "saved", "--recovery-key", paper, *kiosk, data=elsewhere)
    assert (found.code, found.json["entries"], found.json["epoch"]) == (0, entries, 2), found.err
    assert inside("store", "check", *kiosk, data=elsewhere).json["ok"] is True
    refused = inside("store", "restore", tmp_path / "saved", "--recovery-key", paper, *kiosk, data=elsewhere)
    assert refused.code == 1
    held = inside("doctor", "--json", *kiosk, data=elsewhere).json["checks"]
    (persons,) = [one for one in held if one["id"] == "persons"]
    assert (persons["ok"], persons["held"] > 0, "first sync" in persons["do"]) == (False, True, True)
    nobody = tmp_path / "erased.txt"
    nobody.write_text("")
    bring = ("store", "key", "bring", f"{tmp_path / 'saved'}.keys", "--recovery-key", paper, "--erased", nobody)
    found = inside(*bring, *kiosk, data=elsewhere)
    assert (found.code, found.json["held"], found.json["waits"], found.json["given"] > 0) == (0, 0, False, True), found
    assert inside("store", "check", *kiosk, data=elsewhere).json["ok"] is True
    assert inside("store", "key", "bring", "--none", *kiosk, data=elsewhere).json["waits"] is False
    refused = inside("store", "key", "bring", tmp_path / "saved", *kiosk, data=elsewhere)
    assert refused.code == 1
    paper.write_text(paper.read_text().replace(paper.read_text()[0], "7" if paper.read_text()[0] != "7" else "A", 1))
    refused = inside("store", "key", "recover", "--recovery-key", paper, *kiosk, data=data)
    assert (refused.code, refused.err.partition(",")[0]) == (1, "A letter of the recovery key is mistyped")


def sealed_to(node: Node) -> str:
    """On the writer's thread, behind the sealing that a pulled key has queued there."""
    found = node.store.call(lambda: node.store.recovery)
    return "" if found is None else found.hex()


def test_every_device_seals_itself_to_the_owner(tmp_path: Path) -> None:
    """The owner's key is made at the desk, once; a kiosk that is there and one that is paired later need no typing."""
    pin, paper = tmp_path / "pin", tmp_path / "paper.txt"
    with Studio(tmp_path / "data", families=3) as here:
        here.pair("desk")
        kiosk = here.pair("kiosk")
        here.leave("desk")
        pin.write_text("000000")
        seal = ("store", "key", "seal", "--pin-file", pin)
        found = inside(*seal, "-o", paper, data=here.data)
        assert (found.code, found.json["handed_out"], paper.exists()) == (0, False, True), found.err
        assert found.err.startswith("That PIN is nobody's")
        public = found.json["recovery"]
        pin.write_text(OWNER)
        found = inside(*seal, "--public", public, data=here.data)
        assert (found.code, found.json["handed_out"], found.json["recovery"]) == (0, True, public), found.err
        assert inside("sync", "once", data=here.data).code == 0
        kiosk.engine.once()
        assert sealed_to(kiosk) == public
        with here.pair("kiosk", here.data / "another") as another:
            assert sealed_to(another) == public
        here.leave("kiosk")
        (here.data / "kiosk" / "store.key").unlink()
        found = inside("store", "key", "recover", "--recovery-key", paper, "--as", "kiosk", data=here.data)
        assert (found.code, found.json["recovered"]) == (0, True), found.err


def looked_at(data: Path) -> dict[str, Any]:
    return {check["id"]: check for check in inside("doctor", "--json", data=data).json["checks"]}


@pytest.mark.expected_log("the store (is damaged|was mended)", reason="a page of it was overwritten")
def test_a_doctor_tells_the_truth_about_what_keeps_the_data(studio: Studio, tmp_path: Path) -> None:
    data, paper = copied(studio, "desk", tmp_path / "data"), tmp_path / "paper.txt"
    found = looked_at(data)
    assert not found["recovery"]["ok"]
    assert "store key seal" in found["recovery"]["do"]
    assert (found["keyring"]["protection"], "reduced protection" in found["keyring"]["found"]) == ("file", True)
    assert found["backups"]["last"] is None
    assert (found["integrity"]["ok"], found["integrity"]["depth"]) == (True, "quick")
    assert found["owner"]["found"] == "no program"
    inside("store", "key", "seal", "-o", paper, data=data)
    assert looked_at(data)["recovery"]["ok"]

    kept = data / "backups" / "desk"
    kept.mkdir(parents=True, mode=0o700)
    assert inside("store", "backup", kept / "today.ctbackup", data=data).code == 0
    found = looked_at(data)["backups"]
    assert (found["ok"], found["hours"], found["folder"]) == (True, 0, str(kept))
    later = (datetime.now(UTC) + timedelta(days=5)).isoformat()
    found = {one["id"]: one for one in inside("doctor", "--json", "--now", later, data=data).json["checks"]}["backups"]
    assert (found["ok"], found["hours"] // 24) == (False, 5)

    with (data / "desk" / "store.db").open("rb+") as file:
        file.seek(-5_000, 2)
        file.write(bytes(900))
    found = looked_at(data)["integrity"]
    assert (found["ok"], len(found["pages"]) > 0, "store salvage" in found["do"]) == (False, True, True)
    (data / "desk" / "store.key").write_text("{")
    found = looked_at(data)["recovery"]
    assert (found["ok"], "key" in found["found"]) == (False, True)


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
def test_a_doctor_says_who_else_can_look(studio: Studio, tmp_path: Path) -> None:
    """It speaks where every other command only refuses; the command it gives mends it."""
    data = copied(studio, "desk", tmp_path / "data")
    for path, mode in ((data, 0o755), (data / "desk", 0o750)):
        path.chmod(mode)
        found = looked_at(data)["folder"]
        assert (found["ok"], found["command"]) == (False, f"chmod 700 {path}")
        subprocess.run(found["command"].split(), check=True)
        assert looked_at(data)["folder"]["ok"]
    if sys.platform != "win32" and os.getuid() == 0:
        import pwd

        os.chown(data / "desk" / "store.db", 1, 1)
        found = looked_at(data)["folder"]
        assert (found["ok"], found["user"]) == (False, pwd.getpwuid(1).pw_name)


def test_a_device_is_given_away_in_two_steps(studio: Studio, tmp_path: Path) -> None:
    data, desk = copied(studio, "desk", tmp_path / "data"), ("--as", "desk")
    pin = tmp_path / "pin"
    pin.write_text(OWNER)
    first = inside("store", "purge", *desk, data=data)
    assert (first.code, first.json["unsent"]) == (0, 0), first.err
    assert (data / "desk" / "store.db").exists()
    assert inside("store", "purge", "--lost", *desk, data=data).code == 1
    wrong = inside("store", "purge", "--confirm", "yes", "--pin-file", pin, *desk, data=data)
    assert wrong.code == 1
    assert first.json["confirm"] in wrong.err
    pin.write_text("000000")
    assert inside("store", "purge", "--confirm", first.json["confirm"], "--pin-file", pin, *desk, data=data).code == 1
    assert (data / "desk" / "store.db").exists()
    pin.write_text(OWNER)
    found = inside("store", "purge", "--confirm", first.json["confirm"], "--pin-file", pin, *desk, data=data)
    assert (found.code, list((data / "desk").iterdir())) == (0, []), found.err


def test_a_store_that_nobody_can_open_can_still_be_destroyed(studio: Studio, tmp_path: Path) -> None:
    data = copied(studio, "kiosk", tmp_path / "data")
    (data / "kiosk" / "store.key").unlink()
    found = inside("store", "purge", "--lost", "--as", "kiosk", data=data)
    assert (found.code, list((data / "kiosk").iterdir())) == (0, []), found.err
    shutil.rmtree(data)


def test_a_doctor_says_that_the_folder_is_none(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    found = looked_at(tmp_path / "data")["folder"]
    assert (found["ok"], str(tmp_path / "data") in found["found"]) == (False, True)


def test_nobody_types_a_key_for_a_file_that_is_no_backup(studio: Studio, tmp_path: Path) -> None:
    """Nor for a folder that has a store: both are said before the key is asked for."""
    (tmp_path / "letter.txt").write_text("Dear diary,")
    said = inside("store", "restore", tmp_path / "letter.txt", data=tmp_path / "new")
    assert (said.code, "is no backup of ClassTap" in said.err) == (1, True), said.err
    data = copied(studio, "desk", tmp_path / "data")
    assert inside("store", "backup", tmp_path / "saved", data=data).code == 0
    said = inside("store", "restore", tmp_path / "saved", data=data)
    assert (said.code, "recovery key" in said.err) == (1, False), said.err
