"""What the command line asks of a device: shapes of the contract, through the door a script has."""

import csv
import json
import shutil
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import openpyxl
import pytest
import zxingcpp

from classtap_core.passes import ndef, picture
from classtap_core.passes.codec import decode
from kiosk.sources import picture_of
from tests.end_to_end.rig import Studio, copied, inside

pytestmark = pytest.mark.leaves(
    "classtap-proxy|ThreadPoolExecutor-|cloud-reading", reason="the module's studio: its switch, its clock, its readers"
)

STATUS = {"device", "pending", "oldest_pending_s", "last_success", "state", "cursor", "quarantined", "relay"}
SIGHTING = {"outcome", "reason", "family", "children", "decoder", "decode_ms", "verify_ms", "frame"}
CHILD = {"child", "session", "class", "room", "start", "state", "gates"}
CLERK = "161803"
"""The PIN of the front desk at the demo's main location (classtap_cli.demo.studio.STAFF)."""


@pytest.fixture(scope="module")
def camera(studio: Studio, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of three frames: one family's pass, the same again, another's."""
    folder = tmp_path_factory.mktemp("camera")
    for frame, position in enumerate((0, 0, 1)):
        data = picture.png(studio.pass_text(studio.due(position)))
        (folder / f"{frame:03}.png").write_bytes(data)
    return folder


def test_a_kiosk_without_a_window_sees_marks_and_says_so(studio: Studio, camera: Path) -> None:
    found = inside("kiosk", "--headless", "--camera", camera, "--mark", "present", data=studio.data)
    assert (found.code, found.err) == (0, "")
    first, second = found.lines
    assert set(first) == {*SIGHTING, "marked", "commit_ms"}
    assert [line["family"] for line in found.lines] == [studio.due(0).family, studio.due(1).family]
    assert [line["frame"] for line in found.lines] == [0, 2]
    assert first["outcome"] == "ok"
    assert first["decoder"] == "zxing"
    assert {frozenset(child) for child in first["children"]} == {frozenset(CHILD)}
    assert {child["state"] for child in first["children"]} == {"none"}
    assert sorted(mark["child"] for mark in first["marked"]) == sorted(child["child"] for child in first["children"])
    # A child of the demo may be booked twice at one time: present in one, and refused in the other for just that.
    assert {mark["child"] for mark in first["marked"] if mark["outcome"] == "accepted"} == {
        child["child"] for child in first["children"]
    }
    refused = [mark for mark in first["marked"] if mark["outcome"] != "accepted"]
    assert all(mark["reasons"][0]["code"] == "gate.present_elsewhere" for mark in refused)
    assert second["commit_ms"] > 0


def test_what_was_marked_waits_then_reaches_the_desk(studio: Studio, camera: Path, tmp_path: Path) -> None:
    studio.proxy.cut()
    try:
        inside("kiosk", "--headless", "--camera", camera / "002.png", "--mark", "present", data=studio.data)
        offline = inside("sync", "status", "--as", "kiosk", data=studio.data).json
        refused = inside("sync", "once", "--as", "kiosk", data=studio.data)
    finally:
        studio.proxy.restore()
    assert set(offline) == STATUS
    assert offline["relay"]["said"] == "ClassTap is not running here, so nobody is heard now."
    assert offline["state"] == "offline"
    assert offline["pending"] >= 1
    assert offline["oldest_pending_s"] >= 0
    assert refused.code == 1
    assert refused.err.startswith(f"The cloud at {studio.url} did not answer")
    online = inside("sync", "once", "--as", "kiosk", data=studio.data).json
    assert (online["state"], online["pending"], online["oldest_pending_s"], online["quarantined"]) == (
        "online",
        0,
        None,
        0,
    )
    health = inside("sync", "health", "--as", "kiosk", data=studio.data).json
    assert health["ledger"]["held"] >= 1
    assert (health["ledger"]["evicted"], health["ledger"]["last_evicted"]) == (0, None)
    assert health["keys"]["good"]
    assert datetime.fromisoformat(health["keys"]["ends"]) > datetime.fromisoformat(health["keys"]["updated"])
    assert inside("sync", "health", data=studio.data).json["ledger"] is None, "a desk's is no door's"
    inside("sync", "once", data=studio.data)
    out = tmp_path / "today.csv"
    found = inside("roster", "-o", out, "--json", data=studio.data)
    assert found.code == 0, found.err
    rows = list(csv.DictReader(out.read_text("utf-8-sig").splitlines()))
    assert len(rows) == found.json["children"]
    by_family = {row["Family"]: set() for row in rows}
    for row in rows:
        by_family[row["Family"]].add(row["Attendance"])
    assert "Present" in by_family[studio.due(1).name]
    assert {"Not checked in"} in by_family.values()


def test_the_log_says_what_was_told_and_what_the_cloud_answered(studio: Studio) -> None:
    found = inside("sync", "log", "--as", "kiosk", "--most", "3", data=studio.data)
    assert len(found.lines) == 3
    assert {line["kind"] for line in found.lines} <= {"scan.record", "attendance.mark"}
    assert all(line["acknowledged"] and line["answer"]["status"] == line["told"]["status"] for line in found.lines)


@pytest.mark.parametrize("program", ["desk", "kiosk", "cloud"])
def test_every_chain_verifies(studio: Studio, program: str) -> None:
    found = inside("audit", "verify", "--as", program, data=studio.data)
    assert found.code == 0, found.err
    assert set(found.json) == {"ok", "entries", "first_bad"}
    assert found.json["ok"] is True
    assert found.json["first_bad"] is None
    assert found.json["entries"] >= (100 if program == "cloud" else 0)


def test_an_edited_decision_is_found_and_named(studio: Studio, tmp_path: Path) -> None:
    data = copied(studio, "cloud", tmp_path / "data")
    with sqlite3.connect(data / "cloud" / "cloud.db") as database:
        (table,) = next(row for row in database.execute("SELECT name FROM sqlite_master WHERE name LIKE '%log'"))
        (link,) = database.execute(f'SELECT link FROM "{table}" WHERE sequence = 40').fetchone()
        edited = bytes(link).replace(b'"accepted"', b'"refused"')
        assert edited != link
        database.execute(f'UPDATE "{table}" SET link = ? WHERE sequence = 40', (edited,))
    database.close()
    found = inside("audit", "verify", "--as", "cloud", data=data)
    assert found.code == 1
    assert found.json["ok"] is False
    assert found.json["first_bad"]["chain"] == "studio"
    assert found.json["first_bad"]["sequence"] in (40, 41)


def test_lists_of_what_was_done(studio: Studio) -> None:
    device = inside("audit", "list", "--as", "kiosk", "--most", "1", data=studio.data).json
    assert device["author"]["type"] == "device"
    decided = inside("audit", "list", "--as", "cloud", "--most", "2", data=studio.data).lines
    assert [line["chain"] for line in decided] == ["studio", "studio"]
    assert decided[0]["sequence"] + 1 == decided[1]["sequence"]


def test_the_audit_is_searched_and_taken_along(studio: Studio, tmp_path: Path) -> None:
    found = inside("audit", "list", "--as", "cloud", "--kind", "room.add", "--most", "100", data=studio.data).lines
    assert found[0]["sentence"].startswith("Olga Brandt added the room ")
    assert [line["at"] for line in found] == sorted(line["at"] for line in found)
    assert inside("audit", "list", "--as", "cloud", "--text", "nowhere", data=studio.data).lines == []
    masked = inside("audit", "list", "--as", "cloud", "--kind", "family.add", "--most", "1", data=studio.data).json
    assert "•••" in masked["sentence"]
    owner = studio.plan.staff[0].staff
    asked = ("audit", "list", "--as", "cloud", "--kind", "family.add", "--most", "1", "--viewer", owner)
    assert "•••" not in inside(*asked, data=studio.data).json["sentence"]
    for program in ("kiosk", "cloud"):
        file = tmp_path / f"{program}.csv"
        made = inside("audit", "export", file, "--as", program, data=studio.data).json
        with file.open(encoding="utf-8", newline="") as table:
            assert made["entries"] == sum(1 for _ in csv.reader(table)) - 1, program
        assert inside("audit", "check", file).json["entries"] == made["entries"]
        file.write_bytes(file.read_bytes() + b"x\n")
        refused = inside("audit", "check", file)
        assert (refused.code, refused.err) == (1, "This export was changed after it was made.\n")


def test_the_store_is_sound_and_says_how_its_key_is_kept(studio: Studio) -> None:
    found = inside("store", "check", "--as", "kiosk", data=studio.data)
    assert (found.code, found.json["ok"], found.json["wrong"], found.json["file"]) == (0, True, [], [])
    assert inside("store", "key", "status", data=studio.data).json["protection"] == "file"


def test_the_room_is_said_and_the_days_are_set(studio: Studio) -> None:
    found = inside("store", "space", data=studio.data).json
    assert (found["level"], found["blobs"]["photo"], found["waiting"], found["keep_days"]) == ("enough", 0, 0, 90)
    assert found["marks"] > 1_000
    assert inside("store", "space", "--keep", "30", data=studio.data).json["keep_days"] == 30
    refused = inside("store", "space", "--keep", "3", data=studio.data)
    assert refused.code == 2
    assert "7" in refused.err
    assert inside("store", "space", data=studio.data).json["keep_days"] == 30


def test_pictures_are_judged_and_nothing_is_written(studio: Studio, tmp_path: Path) -> None:
    before = inside("audit", "verify", "--as", "kiosk", data=studio.data).json["entries"]
    good, broken, empty = tmp_path / "good.png", tmp_path / "broken.png", tmp_path / "gone.png"
    good.write_bytes(picture.png(studio.pass_text(studio.due(0))))
    broken.write_bytes(b"no picture at all")
    found = inside("scan", good, broken, empty, data=studio.data)
    assert found.code == 1
    assert found.err.startswith(f"There is no picture {empty}")
    assert [line["file"] for line in found.lines] == [str(good), str(broken), str(empty)]
    assert [line["outcome"] for line in found.lines] == ["ok", "unreadable", "unreadable"]
    assert [line["decoder"] for line in found.lines] == ["zxing", None, None]
    assert {frozenset(line) for line in found.lines} == {frozenset({*SIGHTING, "file"})}
    assert inside("audit", "verify", "--as", "kiosk", data=studio.data).json["entries"] == before


def test_a_pass_is_a_picture_a_drawing_or_a_card(studio: Studio, tmp_path: Path) -> None:
    family = studio.due(0)
    for ending in ("png", "svg", "pdf", "ndef"):
        out = tmp_path / f"pass.{ending}"
        found = inside("pass", "issue", family.family, "-o", out, data=studio.data)
        assert (found.code, found.out) == (0, f"The pass of {family.name} is in {out}.\n"), found.err
        assert out.stat().st_mode & 0o077 == 0
    read = zxingcpp.read_barcodes(picture_of(tmp_path / "pass.png"))
    assert [code.text for code in read] == [studio.pass_text(family)]
    cards = inside("pass", "sheet", "-o", tmp_path / "cards.pdf", data=studio.data)
    assert cards.code == 0, cards.err
    pages = (tmp_path / "cards.pdf").read_bytes().count(b"/Type /Page\n")
    held = sum(one.home == family.home for one in studio.plan.families)
    assert cards.out == f"{tmp_path / 'cards.pdf'} holds {held} cards.\n"
    assert pages == -(-held // 10)
    assert (tmp_path / "pass.svg").read_text().startswith("<svg ")
    assert (tmp_path / "pass.pdf").read_bytes().startswith(b"%PDF-")
    assert ndef.texts((tmp_path / "pass.ndef").read_bytes()) == (studio.pass_text(family),)


def test_a_pass_tells_what_became_of_it(studio: Studio) -> None:
    family = studio.due(0)
    found = inside("pass", "history", family.family, data=studio.data).json
    assert (found["family"], found["name"], found["revoked"]) == (family.family, family.name, False)
    assert (found["history"][-1]["what"], found["history"][-1]["why"]) == ("issued", "first")
    assert [one["epoch"] for one in found["history"]] == sorted(
        (one["epoch"] for one in found["history"]), reverse=True
    )  # fmt: skip


def test_a_pass_is_given_out_by_the_cloud_alone_and_to_a_desk_alone(studio: Studio, tmp_path: Path) -> None:
    out, family = tmp_path / "pass.png", studio.due(0).family
    assert "this kiosk got none" in inside("pass", "issue", family, "-o", out, "--as", "kiosk", data=studio.data).err
    studio.proxy.cut()
    try:
        offline = inside("pass", "issue", family, "-o", out, data=studio.data)
    finally:
        studio.proxy.restore()
    assert offline.code == 1
    assert "did not answer" in offline.err
    unknown = inside("pass", "issue", "0" * 32, "-o", out, data=studio.data)
    assert (unknown.code, unknown.err[:15]) == (1, "No family “0000")
    assert inside("pass", "issue", family, "-o", tmp_path / "pass.gif", data=studio.data).code == 2
    blue = tmp_path / "blue.png"
    assert inside("pass", "issue", family, "-o", blue, "--dark", "#1b3a6b", data=studio.data).code == 0
    assert blue.read_bytes()[:4] == b"\x89PNG"
    pale = inside("pass", "issue", family, "-o", tmp_path / "pale.png", "--dark", "#999999", data=studio.data)
    assert (pale.code, "28 tenths of contrast" in pale.err, (tmp_path / "pale.png").exists()) == (1, True, False)
    assert inside("pass", "issue", family, "-o", tmp_path / "p.svg", "--dark", "#1b3a6b", data=studio.data).code == 2
    assert not out.exists()


def test_a_pass_is_judged_at_the_time_that_is_said(studio: Studio) -> None:
    """Ruling 1: a static pass is expired only beyond 120 s after its end. Its keys are older than 14 days by then."""
    family = studio.due(0)
    text = studio.pass_text(family)
    claims = decode(text).claims

    def judged(at_s: int) -> str:
        now = datetime.fromtimestamp(at_s, tz=UTC).isoformat()
        found = inside("pass", "verify", text, "--now", now, "--as", "kiosk", data=studio.data)
        outcome: str = found.json["outcome"]
        return outcome

    assert [judged(claims.expires + late) for late in (110, 130)] == ["keys_stale", "expired"]
    for text in ("hello", "CT:" + "A" * 100_000):
        assert inside("pass", "verify", text, data=studio.data).json["outcome"] == "unreadable"


def test_staff_switch_a_pass_off_by_their_pin(studio: Studio, tmp_path: Path) -> None:
    family = studio.due(2)
    card = studio.pass_text(family)
    nobody = inside("pass", "revoke", family.family, data=studio.data)
    assert (nobody.code, nobody.err.partition(",")[0]) == (1, "Only staff may do this")
    wrong = inside("pass", "revoke", family.family, data=studio.data, typed="000000\n")
    assert (wrong.code, wrong.err.rpartition(": ")[2]) == (1, "2.\n")
    pin = tmp_path / "pin"
    pin.write_text(CLERK)
    found = inside("pass", "revoke", family.family, "--pin-file", pin, "--reason", "lost", "--json", data=studio.data)
    assert found.json["status"] == "accepted", found.err
    assert inside("audit", "list", "--most", "1", data=studio.data).json["author"]["type"] == "staff"
    assert inside("pass", "verify", card, data=studio.data).json["outcome"] == "revoked"
    inside("sync", "once", data=studio.data)
    again = inside("pass", "issue", family.family, "-o", tmp_path / "p.png", data=studio.data)
    assert "was switched off" in again.err


def test_a_roster_opens_in_a_spreadsheet_and_on_paper(studio: Studio, tmp_path: Path) -> None:
    sheet, paper = tmp_path / "roster.xlsx", tmp_path / "roster.pdf"
    count = inside("roster", "-o", sheet, "--json", data=studio.data).json["children"]
    rows = list(openpyxl.load_workbook(sheet).active.iter_rows(values_only=True))  # type: ignore[union-attr]
    assert rows[0][:3] == ("Date", "Start", "Class")
    assert len(rows) == count + 1
    assert inside("roster", "-o", paper, data=studio.data).code == 0
    assert paper.read_bytes().startswith(b"%PDF-")
    nothing = inside("roster", "--date", "1999-12-31", "-o", tmp_path / "no.csv", data=studio.data)
    assert (nothing.code, nothing.err[:34]) == (1, "There are no sessions on 1999-12-3")


def test_a_doctor_looks_at_everything(studio: Studio) -> None:
    found = inside("doctor", "--json", data=studio.data).json
    looked = {check["id"]: check for check in found["checks"]}
    assert set(looked) == {
        "folder", "disk", "owner", "keyring", "recovery", "store", "integrity", "persons", "backups", "clock", "cloud", "camera",
        "decoders", "fonts", "display", "printer",
    }  # fmt: skip
    assert looked["cloud"]["ok"]
    assert looked["clock"]["uncertainty_ms"] is not None
    assert all(check["do"] for check in found["checks"] if not check["ok"])


@pytest.mark.parametrize(
    ("arguments", "code", "begins"),
    [
        (("sync", "status", "--as", "house"), 2, "--as is one of desk, kiosk, cloud"),
        (("frobnicate",), 2, "No such command 'frobnicate'"),
        (("kiosk", "--headless"), 2, "--headless needs --camera SOURCE"),
        (("kiosk", "--headless", "--camera", "/nowhere.avi"), 1, "There is no file or folder /nowhere.avi"),
        (("sync", "status", "--now", "soon"), 2, "“soon” is no date and time"),
        (("sync", "status", "--as", "cloud"), 1, "This is asked of a desk or a kiosk"),
        (("roster", "-o", "/nowhere/at/all.csv"), 1, "/nowhere/at/all.csv"),
        (("roster", "-o", "r.csv", "--date", "nonsense"), 2, "date"),
        (("roster", "-o", "r.csv", "--session", "123"), 2, "123"),
        (("roster", "-o", "r.csv", "--session", "9" * 32), 1, ""),
        (("audit", "list", "--since", "yesterday"), 2, "yesterday"),
        (("audit", "list", "--most", "0"), 2, ""),
    ],
)
def test_what_cannot_be_done_is_one_sentence(
    studio: Studio, arguments: tuple[str, ...], code: int, begins: str
) -> None:
    data = None if arguments == ("frobnicate",) else studio.data
    found = inside(*arguments, data=data)
    assert (found.code, found.out) == (code, "")
    assert begins in found.err
    assert len(found.err.splitlines()) == 1


def test_a_folder_that_others_can_open_is_refused_with_the_cure(tmp_path: Path) -> None:
    open_folder = tmp_path / "open house"
    open_folder.mkdir(mode=0o755)
    found = inside("sync", "status", data=open_folder)
    assert (found.code, len(found.err.splitlines())) == (1, 1)
    assert f"chmod 700 '{open_folder}'" in found.err


def test_a_damaged_store_is_a_sentence_too(studio: Studio, tmp_path: Path) -> None:
    data = copied(studio, "desk", tmp_path / "data")
    (data / "desk" / "store.key").write_text("{")
    found = inside("audit", "verify", data=data)
    assert (found.code, found.err.partition(",")[0]) == (1, "The store's key file is damaged")
    shutil.rmtree(data / "desk")
    found = inside("audit", "verify", data=data)
    assert (found.code, found.err.partition(",")[0]) == (1, "This program belongs to no studio yet")


def test_json_stays_one_line_with_names_of_every_script(studio: Studio) -> None:
    text = studio.pass_text(studio.due(0))
    said = inside("pass", "verify", text, "--json", data=studio.data).out
    assert json.loads(said)["family"] == studio.due(0).family


def test_an_owners_key_brings_a_store_back(studio: Studio, tmp_path: Path) -> None:
    """Sealed, backed up and rotated; then the key file is lost, then the whole store."""
    data = copied(studio, "kiosk", tmp_path / "data")
    printed, saved = tmp_path / "owner.txt", tmp_path / "kiosk.backup"
    kiosk = ("--as", "kiosk")
    assert inside("store", "key", "seal", "-o", printed, *kiosk, data=data).code == 0
    assert inside("store", "key", "status", *kiosk, data=data).json["recovery"] is not None
    before = inside("audit", "verify", *kiosk, data=data).json["entries"]
    made = inside("store", "backup", saved, *kiosk, data=data)
    assert made.code == 0, made.err
    assert made.json["entries"] == before
    assert inside("store", "key", "rotate", *kiosk, data=data).json["protection"] == "file"
    (data / "kiosk" / "store.key").unlink()
    assert inside("audit", "verify", *kiosk, data=data).err.startswith("The store's key is gone")
    mistyped = inside("store", "key", "recover", *kiosk, data=data, typed="AAAA\n")
    assert mistyped.err.startswith("The recovery key has 4 letters and needs 56")
    back = inside("store", "key", "recover", "--recovery-key", printed, *kiosk, data=data)
    assert back.code == 0, back.err
    assert inside("audit", "verify", *kiosk, data=data).json == {"ok": True, "entries": before, "first_bad": None}
    elsewhere = tmp_path / "elsewhere"
    kept = saved.read_bytes()
    refused = inside("store", "backup", saved, *kiosk, data=data)
    assert (refused.code, refused.out, len(refused.err.splitlines())) == (1, "", 1)
    assert refused.err.startswith(f"{saved} is there already")
    assert "--replace" in refused.err
    assert saved.read_bytes() == kept
    letter = tmp_path / "letter.txt"
    letter.write_text("Dear diary,")
    assert "is no backup" in inside("store", "backup", letter, "--replace", *kiosk, data=data).err
    assert letter.read_text() == "Dear diary,"
    later = inside("store", "backup", saved, "--replace", *kiosk, data=data)
    assert later.code == 0, later.err
    assert saved.read_bytes() != kept
    again = inside("store", "restore", saved, "--recovery-key", printed, *kiosk, data=elsewhere)
    assert again.code == 0, again.err
    assert again.json["entries"] == before
    assert inside("store", "check", *kiosk, data=elsewhere).json["ok"] is True


def test_what_a_device_may_hold_is_taken_and_given_back(studio: Studio, tmp_path: Path) -> None:
    asked = ("--role", "desk", "--location", "Riverside", "--name", "Back office")
    code = inside("cloud", "device", "pair", *asked, data=studio.data).json["code"]
    mine = tmp_path / "data"
    mine.mkdir(mode=0o700)
    assert inside("pair", studio.url, code, data=mine).code == 0
    listed = [json.loads(line) for line in inside("cloud", "device", "list", data=studio.data).out.splitlines()]
    assert [one["seen_ms"] is not None for one in listed if one["name"] == "Back office"] == [True], "it has paired"
    assert inside("sync", "once", data=mine).code == 0, "now it knows its zone, and so which day it is"
    whole = inside("sync", "health", data=mine).json["scopes"]
    less = inside(
        "cloud", "device", "scopes", "Back office", "--without", "health", "--without", "pins", data=studio.data
    )
    assert {scope.partition("/")[0] for scope in less.json["scopes"]}.isdisjoint({"health", "pins"})
    assert inside("cloud", "device", "scopes", "Back office", data=studio.data).json == less.json
    assert inside("sync", "once", data=mine).code == 0
    held = inside("sync", "health", data=mine).json
    assert (held["scopes"], held["scopes_complete"]) == (whole - 2, whole - 2)
    seen = {one["name"]: one["seen"] for one in map(json.loads, inside("sync", "devices", data=mine).out.splitlines())}
    assert seen["Back office"] is not None
    assert inside("sync", "pause", data=mine).code == 0
    assert {inside("sync", ask, data=mine).json["state"] for ask in ("status", "once", "health")} == {"paused"}
    assert inside("sync", "resume", data=mine).code == 0
    assert {inside("sync", ask, data=mine).json["state"] for ask in ("status", "health")} == {"online"}
    for_support = inside("sync", "log", "--support", "--most", "1", data=mine).out
    assert json.loads(for_support.splitlines()[0])["state"] == "online"
    again = inside("cloud", "device", "scopes", "Back office", "--all", data=studio.data).json["scopes"]
    assert len(again) == len(less.json["scopes"]) + 2
    assert inside("sync", "once", data=mine).code == 0
    assert inside("sync", "health", data=mine).json["scopes_complete"] == whole
    unknown = inside("cloud", "device", "scopes", "Back office", "--without", "secrets", data=studio.data)
    assert (unknown.code, "“secrets”" in unknown.err) == (1, True)
