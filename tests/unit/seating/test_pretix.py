"""pretix plans: every seat kept with its id, written back as they were, changes and nothing else changed."""

import json
import random
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from classtap_core.kernel.errors import BadInput
from classtap_core.seating.formats.native import read_native, write_native
from classtap_core.seating.formats.pretix import from_document, read_pretix
from classtap_core.seating.formats.pretix_writing import write_pretix
from classtap_core.seating.formats.table import read_csv, write_csv
from classtap_core.seating.model import SeatMap, ZoneKind
from tests.unit.seating.plans import EVERYTHING, random_plan
from tests.unit.seating.rooms import room

STADIUM = Path(__file__).parents[2] / "data" / "seatplans" / "stadium.pretix.json"


def written(seat_map: SeatMap) -> Any:
    return json.loads(write_pretix(seat_map)[0])


def test_the_stadium_keeps_all_738_seats_and_their_420_surplus_ids() -> None:
    # counted in the file by hand: 738 seats, 126 ids used more than once, 420 seats too many for their ids
    data = STADIUM.read_bytes()
    seat_map, report = read_pretix(data)
    assert (report.seats, report.kept, len(seat_map.spots)) == (738, 738, 738)
    assert len(report.repeated_ids) == 126
    assert sum(one.times - 1 for one in report.repeated_ids) == 420
    assert len({spot.id for spot in seat_map.spots}) == 738
    guids = [seat["seat_guid"] for zone in json.loads(data)["zones"] for row in zone["rows"] for seat in row["seats"]]
    assert [spot.origin for spot in seat_map.spots] == guids
    again, report = write_pretix(seat_map)
    assert json.loads(again) == json.loads(data)
    assert len(report.repeated_ids) == 126
    assert read_pretix(again)[0] == seat_map
    assert read_native(write_native(seat_map)) == seat_map
    assert written(read_native(write_native(seat_map))) == json.loads(data)


def test_everything_the_schema_allows_goes_through() -> None:
    seat_map, report = from_document(EVERYTHING)
    assert written(read_native(write_native(seat_map))) == EVERYTHING
    assert [(one.id, one.times) for one in report.repeated_ids] == [("main-1-1", 2)]
    assert [note.what for note in report.mended] == ["its category Gone is not defined; it is taken as named"]
    first, second, _ = seat_map.spots
    # 10.25 + 100 + 0 px and 20 + 50 + 0 px at 20 mm a pixel
    assert (first.x_um, first.y_um) == (2_205_000, 1_400_000)
    assert (second.x_um, second.y_um) == (2_705_000, 1_466_667)
    assert (first.label, first.row, first.seat, first.type) == ("1-1", "1", "1", "chair-12")
    assert seat_map.room.width_um == 30_000_000
    polygon, text, ellipse, circle, bar = seat_map.zones
    assert polygon.points_um[0] == (225_000, 440_000)
    assert (text.kind, text.text, text.rotation_mdeg) == (ZoneKind.TEXT, "Bühne", 270_000)
    assert (ellipse.width_um, ellipse.length_um) == (1_200_000, 820_000)
    assert (circle.width_um, circle.x_um) == (1_200_000, 1_205_000)
    # a rectangle turns about its corner (schema: "around the point specified in position")
    assert (bar.x_um, bar.y_um) == (pytest.approx(305_000 + 666_025, abs=1), pytest.approx(520_000 + 846_410, abs=1))


@pytest.mark.parametrize("seed", range(60))
def test_plans_nobody_has_seen_go_through(seed: int) -> None:
    plan = random_plan(random.Random(seed))
    seats = sum(len(row["seats"]) for zone in plan["zones"] for row in zone["rows"])
    seat_map, report = from_document(deepcopy(plan))
    assert (report.seats, report.kept) == (seats, seats)
    again = read_native(write_native(seat_map))
    assert again == seat_map
    assert written(again) == plan
    assert from_document(written(again))[0] == seat_map


def test_what_is_missing_is_mended_and_said() -> None:
    bare = {"name": "Bare", "zones": [{"rows": [{"seats": [{"seat_guid": 7, "category": "X"}]}]}]}
    seat_map, report = from_document(deepcopy(bare))
    assert [(note.path, note.what) for note in report.mended] == [
        ("size", "it is missing; the room is as large as what stands in it"),
        ("categories", "there are none; each seat's own is taken"),
        ("zones/0", "it has no zone_id"),
        ("zones/0", "it has no uuid"),
        ("zones/0", "it has no position; it is put at its parent's"),
        ("zones/0/rows/0", "it has no row_number"),
        ("zones/0/rows/0/seats/0", "it has no position; it is put at its parent's"),
        ("zones/0/rows/0/seats/0", "its seat_guid is a number; it is read as text"),
        ("zones/0/rows/0/seats/0", "it has no seat_number"),
        ("zones/0/rows/0/seats/0", "its category X is not defined; it is taken as named"),
    ]
    assert written(seat_map) == bare


def test_nulls_and_numbers_written_as_text_are_read_and_go_back_as_they_stood() -> None:
    seats = [
        {"seat_guid": "a", "seat_number": "1", "position": {"x": "10.5", "y": None}, "category": None, "radius": None},
        {"seat_guid": "b", "seat_number": "2", "position": None, "category": "A", "radius": "12"},
    ]
    rows = [{"row_number": "1", "position": None, "seats": seats}, {"row_number": "2", "seats": None}]
    zones = [{"position": {"x": "-5", "y": 1}, "rows": rows, "areas": None}, {"position": None, "rows": None}]
    odd = {"name": "Odd", "categories": None, "size": {"width": "400", "height": 300}, "zones": zones}
    seat_map, report = from_document(deepcopy(odd))
    assert report.kept == 2
    assert (seat_map.room.width_um, seat_map.room.length_um) == (8_000_000, 6_000_000)
    # -5 + 10.5 px and 1 px at 20 mm a pixel
    assert [(spot.x_um, spot.y_um, spot.type) for spot in seat_map.spots] == [
        (110_000, 20_000, "chair"),
        (-100_000, 20_000, "chair-12"),
    ]
    assert ("size", "its width is text; it is read as a number") in [(note.path, note.what) for note in report.mended]
    assert written(seat_map) == odd
    first = replace(seat_map.spots[0], x_um=210_000)
    added = replace(seat_map.spots[1], id="0" * 32, origin="", origin_path="", category="B")
    changed = written(replace(seat_map, spots=(first, seat_map.spots[1], added)))
    assert changed["zones"][0]["rows"][0]["seats"][0]["position"]["x"] == 15.5
    assert changed["zones"][0]["rows"][1]["seats"] is None
    assert changed["categories"] == [{"name": "B", "color": "#0B655D"}]


def test_a_change_changes_its_value_and_no_other() -> None:
    seat_map, _ = from_document(deepcopy(EVERYTHING))
    first, second, third = seat_map.spots
    moved = replace(second, x_um=second.x_um + 20_000)
    changed = replace(seat_map, spots=(replace(first, seat="11", label="1-11"), moved), zones=seat_map.zones[1:])
    wanted = deepcopy(EVERYTHING)
    row = wanted["zones"][0]["rows"][0]
    row["seats"][0]["seat_number"] = "11"
    row["seats"][1]["position"] = {"x": pytest.approx(26, abs=1e-4), "y": pytest.approx(10 / 3, abs=1e-4)}
    del row["seats"][2]
    del wanted["zones"][0]["areas"][0]
    assert written(changed) == wanted
    added = replace(third, id="0" * 32, origin="", origin_path="", x_um=0, y_um=0)
    new = written(replace(seat_map, spots=(*seat_map.spots, added)))["zones"][0]["rows"][1]
    assert new["row_number"] == "1"
    assert new["seats"][0]["seat_guid"] == "0" * 32
    assert new["seats"][0]["position"] == {"x": -10.25, "y": -20}


def test_a_map_of_ours_becomes_a_legal_plan_and_says_what_is_lost() -> None:
    data, report = write_pretix(room("ab .c"))
    plan = json.loads(data)
    assert set(plan) == {"name", "categories", "zones", "size"}
    assert [note.what for note in report.lost] == ["footprint: 1"]
    seat_map, again = read_pretix(data)
    assert again.mended[0].what == "it has no uuid"
    assert [(spot.x_um, spot.y_um) for spot in seat_map.spots] == [
        (spot.x_um, spot.y_um) for spot in room("ab .c").spots
    ]


def test_a_plan_larger_than_any_room_gets_smaller_pixels() -> None:
    huge = {"name": "Huge", "categories": [], "size": {"width": 90_000, "height": 100}, "zones": []}
    seat_map, report = from_document(huge)
    assert seat_map.room.width_um <= 500_000_000
    assert "too large" in report.mended[0].what
    assert written(seat_map) == huge


@pytest.mark.parametrize(
    ("plan", "path"),
    [
        ([], "$"),
        ({"name": "x"}, "$.zones"),
        ({"name": "x", "zones": {}}, "$.zones"),
        ({"name": ["x"], "zones": []}, "$.name"),
        ({"name": "x", "zones": [7]}, "$.zones[0]"),
        ({"name": "x", "zones": [{"position": {"x": "wide"}, "rows": []}]}, "$.zones[0].position.x"),
        ({"name": "x", "zones": [{"rows": [{"seats": [{"seat_guid": {}}]}]}]}, "$.zones[0].rows[0].seats[0].seat_guid"),
        (
            {"name": "x", "zones": [{"areas": [{"polygon": {"points": 1}, "shape": "polygon"}]}]},
            "$.zones[0].areas[0].polygon.points",
        ),
        ({"name": "x", "zones": [{"position": {"x": 1e13, "y": 0}}]}, "$.zones[0].position.x"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_path(plan: Any, path: str) -> None:
    with pytest.raises(BadInput) as refused:
        from_document(plan)
    assert refused.value.params["path"] == path


def _holes(value: Any, chance: random.Random) -> Any:
    """The same document with some values replaced by what does not belong there."""
    if chance.random() < 0.02:
        return chance.choice((None, True, -1, 1e300, "x", [], {}, [[]], {"x": None}))
    if isinstance(value, dict):
        return {key: _holes(item, chance) for key, item in value.items() if chance.random() > 0.01}
    if isinstance(value, list):
        return [_holes(item, chance) for item in value]
    return value


@given(st.integers(0, 2**32))
def test_a_damaged_plan_is_read_or_refused_but_never_breaks_the_reader(seed: int) -> None:
    chance = random.Random(seed)
    damaged = _holes(deepcopy(chance.choice((EVERYTHING, random_plan(chance)))), chance)
    try:
        seat_map, report = read_pretix(json.dumps(damaged).encode())
    except BadInput:
        return
    assert report.kept == report.seats == len(seat_map.spots)
    assert written(read_native(write_native(seat_map))) == damaged


def test_a_table_of_a_plan_names_the_same_spots() -> None:
    seat_map, _ = read_pretix(STADIUM.read_bytes())
    again, report = read_csv(write_csv(seat_map)[0])
    assert [spot.id for spot in again.spots] == [spot.id for spot in seat_map.spots]
    assert [spot.origin for spot in again.spots] == [spot.origin for spot in seat_map.spots]
    assert len(report.repeated_ids) == 126
