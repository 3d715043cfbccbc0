"""`classtap seatmap …` as the contract has it: JSON on standard output, a sentence on standard error, exit codes."""

import csv
import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pypdfium2
import pytest
from msgspec.structs import replace
from typer.testing import CliRunner

from classtap_cli.seatmap import app
from classtap_core.seating.formats.native import read_native, write_native
from classtap_core.seating.model import Limits, Room
from tests.unit.seating.rooms import labels, room

STADIUM = Path(__file__).parents[2] / "data" / "seatplans" / "stadium.pretix.json"


def run(*words: object, code: int = 0) -> Any:
    """Run the command; returns its JSON, or the sentence on standard error when it refused."""
    done = CliRunner().invoke(app, [str(word) for word in words])
    assert done.exit_code == code, done.output
    if done.stdout:
        return json.loads(done.stdout)
    assert done.stderr.count("\n") == 1
    return done.stderr.strip()


@pytest.fixture
def drawn(tmp_path: Path) -> Path:
    file = tmp_path / "map.json"
    file.write_bytes(write_native(room("ab cd")))
    return file


def test_a_plan_goes_in_and_comes_out_as_it_was(tmp_path: Path) -> None:
    native, plan = tmp_path / "stadium.json", tmp_path / "again.json"
    report = run("import", STADIUM, "--format", "pretix", "-o", native)
    assert (report["seats"], report["kept"], len(report["repeated_ids"])) == (738, 738, 126)
    assert sum(one["count"] - 1 for one in report["repeated_ids"]) == 420
    assert (report["mended"], report["lost"]) == ([], [])
    assert run("export", native, "--format", "pretix", "-o", plan)["kept"] == 738
    assert json.loads(plan.read_bytes()) == json.loads(STADIUM.read_bytes())
    assert run("import", STADIUM, "-o", native, "--json") == report  # known without being told


@pytest.mark.parametrize("format", ["native", "pretix", "csv", "svg", "pdf", "png"])
def test_every_format_is_written(drawn: Path, tmp_path: Path, format: str) -> None:
    out = tmp_path / f"out.{format}"
    assert run("export", drawn, "--format", format, "-o", out)["seats"] == 4
    assert out.stat().st_size > 100
    if format in ("native", "pretix", "csv", "svg"):
        assert run("import", out, "-o", tmp_path / "back.json")["kept"] == 4


def test_a_good_map_is_valid_and_a_bad_one_says_why(tmp_path: Path, drawn: Path) -> None:
    assert run("validate", drawn) == {"valid": True, "violations": []}
    bad = tmp_path / "bad.json"
    small = Room(width_um=1_700_000, length_um=2_000_000)
    bad.write_bytes(write_native(room("ab cd", room=small, limits=Limits(spacing_um=600_000))))
    found = run("validate", bad, code=1)
    assert found["valid"] is False
    assert {one["rule"] for one in found["violations"]} == {"spacing", "wall_offset"}
    assert set(found["violations"][0]) >= {"rule", "items", "required", "actual", "unit", "message"}
    assert found["violations"][0]["message"].endswith("are 0.50 m apart; 0.60 m are required.")


@pytest.mark.parametrize(("ending", "start"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF-1.4")])
def test_a_map_is_drawn_as_its_ending_says(drawn: Path, tmp_path: Path, ending: str, start: bytes) -> None:
    out = tmp_path / f"map.{ending}"
    assert run("render", drawn, "-o", out, "--scale", "20")["scale"] == 20
    assert out.read_bytes().startswith(start)
    assert "png, .svg or .pdf" in run("render", drawn, "-o", tmp_path / "map.gif", code=2)


def test_numbering_by_a_file_of_rules(drawn: Path, tmp_path: Path) -> None:
    rules, out = tmp_path / "rules.json", tmp_path / "numbered.json"
    rules.write_text(json.dumps({"corner": "bottom_right", "rows": {"start": "1"}, "label": "R{row}-S{seat}"}))
    found = run("number", drawn, "--rules", rules, "-o", out)
    assert len(found["changed"]) == 4
    assert labels(read_native(out.read_bytes())) == "R2-S2 R2-S1 / R1-S2 R1-S1"
    different = run("diff", drawn, out)
    assert (different["same"], len(different["renumbered"]), different["moved"]) == (False, 4, [])
    assert run("diff", out, out)["same"] is True
    rules.write_text('{"label": "{name}"}')
    before = out.read_bytes()
    assert "{row}, {seat} and {n}" in run("number", drawn, "--rules", rules, "-o", out, code=1)
    assert out.read_bytes() == before


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"[]", b"{}", b"\xff\xfe\x00", b"<svg", b'{"format":"classtap.seatmap","version":9}', b"PK\x03\x04"],
)
def test_a_bad_file_is_a_sentence_and_never_a_traceback(tmp_path: Path, data: bytes) -> None:
    bad, out = tmp_path / "bad", tmp_path / "out.json"
    bad.write_bytes(data)
    for command in (("import", bad, "-o", out), ("validate", bad), ("render", bad, "-o", tmp_path / "x.png")):
        sentence = run(*command, code=1)
        assert "error." not in sentence
        assert "{" not in sentence.replace(data.decode("latin-1"), "")
    for format in ("native", "pretix", "csv", "svg"):
        run("import", bad, "--format", format, "-o", out, code=1)
    assert not out.exists()


def test_files_that_are_not_there_and_wrong_use(drawn: Path, tmp_path: Path) -> None:
    assert "cannot be read" in run("validate", tmp_path / "none.json", code=1)
    assert "cannot be written" in run("import", drawn, "-o", tmp_path / "no" / "out.json", code=1)
    for words in (
        (),
        ("import", drawn),
        ("export", drawn, "--format", "dwg", "-o", "x"),
        ("validate", drawn, "--as", "me"),
    ):
        assert CliRunner().invoke(app, [str(word) for word in words]).exit_code == 2


def test_a_room_from_a_template_and_its_placards(tmp_path: Path) -> None:
    out, cards = tmp_path / "room.json", tmp_path / "cards.pdf"
    found = run("new", "reformer", "--set", "reformers.columns=5", "-o", out)
    assert (found["seats"], found["values"]["reformers.columns"], found["values"]["reformers.rows"]) == (10, 5, 2)
    assert run("validate", out)["valid"] is True
    assert run("placards", out, "-o", cards)["pages"] == 2
    text = pypdfium2.PdfDocument(cards)[1].get_textpage().get_text_range()
    assert "Reformer 9" in text
    assert "B4" in text
    fitted = run("new", "mat", "--room", "12x9.5", "--fit", "-o", out)
    assert (fitted["room_um"], fitted["seats"]) == ([12_000_000, 9_500_000], fitted["seats"])
    assert run("validate", out)["valid"] is True
    assert "too small" in run("new", "mat", "--room", "3x3", "--keep", "-o", out, code=1)
    assert "not a template" in run("new", "../schema/seatmap-1", "-o", out, code=2)
    assert "between" in run("new", "mat", "--set", "mats.rows=99", "-o", out, code=2)


def test_two_maps_as_one_picture(drawn: Path, tmp_path: Path) -> None:
    """One spot gone, one new, one moved, one renamed: each is in the picture where it is, with a sign and its colour."""
    before = read_native(drawn.read_bytes())
    gone, moved, renamed, kept = before.spots
    new = replace(kept, id="0" * 32, x_um=kept.x_um - 200_000, y_um=kept.y_um + 900_000, label="N")
    other = replace(
        before, spots=(replace(moved, y_um=moved.y_um + 300_000), replace(renamed, label="VIP"), kept, new)
    )  # fmt: skip
    after, out = tmp_path / "after.json", tmp_path / "diff.svg"
    after.write_bytes(write_native(other))
    found = run("diff", drawn, after, "-o", out, "--scale", "20")
    assert {name: len(found[name]) for name in ("added", "removed", "moved", "renumbered")} == {
        "added": 1, "removed": 1, "moved": 1, "renumbered": 1,
    }  # fmt: skip
    picture = ET.fromstring(out.read_bytes())
    words = ["".join(one.itertext()) for one in picture.iter("{http://www.w3.org/2000/svg}text")]
    assert {"+ 1 added", "× 1 removed", "→ 1 moved", "# 1 renumbered", "+N", f"×{gone.label}"} <= set(words)
    assert any(text.endswith("→VIP") for text in words)
    for ending, start in (("pdf", b"%PDF"), ("png", b"\x89PNG")):
        run("diff", drawn, after, "-o", tmp_path / f"diff.{ending}")
        assert (tmp_path / f"diff.{ending}").read_bytes().startswith(start)
    assert "png, .svg or .pdf" in run("diff", drawn, after, "-o", tmp_path / "diff.gif", code=2)


def test_what_a_location_made_its_own_is_listed_and_exported(drawn: Path, tmp_path: Path) -> None:
    shared = read_native(drawn.read_bytes())
    first, second, *rest = shared.spots
    local, out = tmp_path / "local.json", tmp_path / "overrides.csv"
    moved = replace(second, x_um=second.x_um + 1)
    local.write_bytes(write_native(replace(shared, spots=(replace(first, alias="=By the window"), moved, *rest))))
    found = run("overrides", drawn, local, "-o", out)
    assert found["allowed"] is False
    assert [(one["field"], one["allowed"]) for one in found["overrides"]] == [("alias", True), ("x_um", False)]
    assert found["overrides"][1]["shared"] == str(second.x_um)
    with out.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["local"] for row in rows] == ["'=By the window", str(second.x_um + 1)]
    assert run("overrides", drawn, local, "--allow", "alias", "--allow", "place")["allowed"] is True
    assert run("overrides", drawn, drawn) == {"overrides": [], "allowed": True}
