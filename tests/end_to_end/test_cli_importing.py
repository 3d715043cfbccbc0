"""Families from a sheet by the command line, into a real device, and up to the cloud."""

from pathlib import Path

import pytest

from tests.end_to_end.rig import Studio, inside

pytestmark = pytest.mark.leaves(
    "classtap-proxy|ThreadPoolExecutor-|cloud-reading", reason="the module's studio: its switch, its clock, its readers"
)

CLERK = "161803"
"""The PIN of the front desk at the demo's main location (classtap_cli.demo.studio.STAFF)."""

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
    assert refused.code == 1
    found = inside("import", "families", file, "--json", data=studio.data).json
    assert [(one["row"], one["field"], one["code"]) for one in found["bad"]] == [
        (5, "surname", "import.empty"), (5, "phone", "import.phone"), (5, "birth_date", "import.date"),
    ]  # fmt: skip
