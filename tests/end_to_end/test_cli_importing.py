"""Families from a sheet by the command line, into a real device, and up to the cloud."""

from pathlib import Path

import pytest
import vobject

from tests.end_to_end.rig import Studio, inside

pytestmark = pytest.mark.leaves(
    "classtap-proxy|ThreadPoolExecutor-|cloud-reading", reason="the module's studio: its switch, its clock, its readers"
)

CLERK, MANAGER, OWNER = "161803", "271828", "314159"
"""PINs of the front desk at the main location of the demo, of its manager and its owner (classtap_cli.demo.studio.STAFF)."""

SHEET = """Nombre;Apellidos;Fecha de nacimiento;Padre o madre;Teléfono
Ana;Núñez;25/04/2019;Gina;+34 600 12 34 56
Ben;Núñez;03/05/2021;Gina;+34 600 12 34 56
Mia;Öst;29/02/2020;Ola;+46 70 174 06 35
"""


def test_a_sheet_is_judged_then_brought_in_once_and_reaches_the_cloud(studio: Studio, tmp_path: Path) -> None:
    file, pin = tmp_path / "families.csv", tmp_path / "pin"
    file.write_text(SHEET, encoding="cp1252")
    pin.write_text(CLERK)
    dry = inside("import", "families", file, "--dry-run", data=studio.data)
    assert dry.code == 0
    found = inside("import", "families", file, "--dry-run", "--json", data=studio.data).json
    assert (found["families"], found["children"], found["bad"], found["new"]) == (2, 3, [], None)
    assert found["columns"]["birth_date"] == "Fecha de nacimiento"
    before = inside("sync", "status", data=studio.data).json["pending"]
    done = inside("import", "families", file, "--pin-file", pin, "--json", data=studio.data).json
    assert done["new"] == 2
    assert inside("sync", "status", data=studio.data).json["pending"] == before + 2
    assert inside("import", "families", file, "--pin-file", pin, "--json", data=studio.data).json["new"] == 0
    assert inside("sync", "once", data=studio.data).code == 0
    assert inside("sync", "status", data=studio.data).json["pending"] == 0


def test_a_bad_row_keeps_everything_out_and_is_named(studio: Studio, tmp_path: Path) -> None:
    file = tmp_path / "families.csv"
    file.write_text(SHEET + "Leo;;1900-01-01;;12\n", encoding="utf-8")
    refused = inside("import", "families", file, data=studio.data)
    assert (refused.code, refused.out.splitlines()[0]) == (1, "Row 5, Surname: empty.")
    unknown = inside("import", "families", file, "--column", "nonsense=Email", data=studio.data)
    assert (unknown.code, "birth_date" in unknown.err) == (2, True)
    found = inside("import", "families", file, "--json", data=studio.data).json
    assert [(one["row"], one["field"], one["code"]) for one in found["bad"]] == [
        (5, "surname", "import.empty"), (5, "phone", "import.phone"), (5, "birth_date", "import.date"),
    ]  # fmt: skip


def test_a_timetable_is_asked_of_the_cloud_and_clashes_are_named(studio: Studio, tmp_path: Path) -> None:
    file, pin = tmp_path / "classes.csv", tmp_path / "pin"
    pin.write_text(MANAGER)
    rooms = "Class,Room,Day,First date,Last date,Time,Minutes,Places\n"
    file.write_text(f"{rooms}Circus,Sky loft,Mon,2027-02-01,2027-02-20,05:10,30,4\n")
    unknown = inside("import", "classes", file, "--dry-run", "--json", data=studio.data).json
    assert [(one["row"], one["code"], one["found"]) for one in unknown["bad"]] == [(2, "import.room", "Sky loft")]
    here = inside("import", "classes", file, "--column", "room=Class", "--dry-run", data=studio.data)
    assert (here.code, "for Class." in here.out) == (1, True)  # the column was taken for the room
    file.write_text(f"{rooms}Circus,Dance hall,Mon,2027-02-01,2027-02-20,05:10,30,4\n")
    found = inside("import", "classes", file, "--pin-file", pin, "--json", data=studio.data).json
    assert (found["lines"], found["asked"], found["new"]) == (1, 1, 0)
    assert inside("sync", "once", data=studio.data).code == 0
    again = inside("import", "classes", file, "--dry-run", "--json", data=studio.data).json
    assert (again["bad"], again["classes"]) == ([], 1)


def test_a_family_s_data_goes_out_and_then_goes_for_ever(studio: Studio, tmp_path: Path) -> None:
    pin, out = tmp_path / "pin", tmp_path / "family.json"
    pin.write_text(OWNER)
    sheet = tmp_path / "families.csv"
    sheet.write_text("First name,Last name,Parent,Phone\nZebedee,Quarterstaff,Marmaduke,+34600998877\n")
    assert inside("import", "families", sheet, "--pin-file", pin, data=studio.data).code == 0
    assert inside("sync", "once", data=studio.data).code == 0
    newest = inside("audit", "list", "--most", "1", data=studio.data).json
    assert (newest["kind"], newest["method"]) == ("family.add", "pin")
    held = inside("export", "person", "Quarterstaff", "-o", out, "--pin-file", pin, "--json", data=studio.data)
    assert (held.code, "Marmaduke" in out.read_text(), out.stat().st_mode & 0o077) == (0, True, 0)
    said = inside("person", "erase", "Quarterstaff", "--json", data=studio.data).json
    assert (said["operation"], {one["name"] for one in said["people"]}) == (
        None, {"Quarterstaff", "Zebedee Quarterstaff", "Marmaduke"},
    )  # fmt: skip
    asked = inside("person", "erase", "Quarterstaff", "--yes", "--pin-file", pin, "--json", data=studio.data)
    assert asked.json["operation"]
    assert inside("sync", "once", data=studio.data).code == 0
    assert inside("person", "erase", "Quarterstaff", data=studio.data).code == 1
    assert inside("audit", "verify", "--json", data=studio.data).json["ok"]


def test_a_studio_goes_into_a_file_and_into_another_cloud(studio: Studio, tmp_path: Path) -> None:
    file, there = tmp_path / "studio.jsonl", tmp_path / "there"
    written = inside("export", "studio", "-o", file, "--json", data=studio.data).json
    assert (written["lines"], file.stat().st_mode & 0o077) == (len(file.read_bytes().splitlines()), 0)
    assert inside("cloud", "init", data=there).code == 0
    taken = inside("import", "studio", file, "--json", data=there).json
    assert (taken["studio"], taken["records"]) == (written["studio"], written["lines"] - 2 - taken["blobs"])
    assert inside("import", "studio", file, data=there).code == 1


def test_a_place_s_calendar_and_people_go_out_and_are_read_again(studio: Studio, tmp_path: Path) -> None:
    pin, ics, roster = tmp_path / "pin", tmp_path / "place.ics", tmp_path / "people.zip"
    pin.write_text(OWNER)
    written = inside("export", "calendar", "-o", ics, "--json", data=studio.data).json
    events = [one for one in vobject.readOne(ics.read_text(encoding="utf-8")).components() if one.name == "VEVENT"]
    assert len(events) == written["sessions"] > 0
    assert inside("export", "roster", "-o", roster, "--pin-file", pin, data=studio.data).code == 0
    again = inside("import", "roster", roster, "--dry-run", "--json", data=studio.data).json
    assert (again["bad"], again["children"] > 0) == ([], True)
    pin.write_text(CLERK)
    assert inside("export", "roster", "-o", roster, "--pin-file", pin, data=studio.data).code == 1
