"""pretix plans written here by the published format, as its editors export them: nobody tuned the reader to these."""

import json
import math
import random
import uuid
from typing import Any

import pytest
from msgspec.structs import replace

from classtap_core.seating.formats.native import read_native, write_native
from classtap_core.seating.formats.pretix import read_pretix
from classtap_core.seating.formats.pretix_writing import write_pretix
from classtap_core.seating.formats.svg import write_svg
from classtap_core.seating.model import ZoneKind
from classtap_core.seating.validation.checker import validate

UM_PER_PX = 20_000
"""A pixel is read as 20 mm (docs/seatmaps.md)."""


def _seat(name: str, number: int, x: float, y: float, category: str) -> dict[str, Any]:
    return {
        "seat_number": str(number), "seat_guid": f"{name}-{number}", "uuid": str(uuid.UUID(int=len(name) * 10_000 + number)),
        "position": {"x": x, "y": y}, "category": category,
    }  # fmt: skip


def theatre() -> dict[str, Any]:
    """Curved rows on circles around a stage, a balcony in a turned zone, a polygon, texts, and an ellipse."""
    rows = []
    for ring in range(8):
        radius = 300 + 40 * ring
        count = 12 + 2 * ring
        angles = [math.pi * (0.15 + 0.7 * seat / (count - 1)) for seat in range(count)]
        seats = [
            _seat(f"S-{ring}", n + 1, radius * math.cos(angle), radius * math.sin(angle), "Parkett")
            for n, angle in enumerate(angles)
        ]
        rows.append(
            {
                "row_number": chr(65 + ring), "row_number_position": "both", "uuid": str(uuid.UUID(int=ring)),
                "position": {"x": 0, "y": 0}, "seats": seats,
            }
        )  # fmt: skip
    balcony = [
        {
            "row_number": str(row), "row_number_position": "start", "position": {"x": 0, "y": row * 30},
            "seats": [_seat(f"B-{row}", n, n * 24.5, -(n % 2) * 0.333, "Balkon") for n in range(1, 31)],
        }
        for row in range(3)
    ]  # fmt: skip
    areas = [
        {"shape": "polygon", "color": "#eeeeee", "border_color": "#000000", "rotation": 0, "position": {"x": -250, "y": 0},
         "polygon": {"points": [{"x": 0, "y": 0}, {"x": 500, "y": 0}, {"x": 430.5, "y": 120.25}, {"x": 70, "y": 120}]},
         "text": {"position": {"x": 250, "y": 60}, "color": "#333333", "text": "Bühne", "size": 20}},
        {"shape": "text", "position": {"x": 0, "y": 700}, "rotation": 0,
         "text": {"position": {"x": 0, "y": 0}, "color": "#000", "text": "Ausgang →", "size": 16}},
        {"shape": "ellipse", "color": "#fff", "border_color": "#123456", "rotation": 33.3, "position": {"x": 400, "y": 500},
         "ellipse": {"radius": {"x": 55, "y": 31.5}}},
    ]  # fmt: skip
    return {
        "name": "Stadttheater", "size": {"width": 1400, "height": 1500},
        "categories": [{"name": "Parkett", "color": "#7f4a91"}, {"name": "Balkon", "color": "#1e9aff"}],
        "zones": [
            {"name": "Parkett", "zone_id": "p", "position": {"x": 700, "y": 100}, "rows": rows, "areas": areas},
            {"name": "Balkon", "zone_id": "b", "position": {"x": 300, "y": 1200}, "rows": balcony, "areas": []},
        ],
    }  # fmt: skip


def arena(seed: int) -> dict[str, Any]:
    """Blocks all round a pitch, each a zone turned in its numbers; ids are used again in every block."""
    chance = random.Random(seed)
    zones = []
    for block in range(chance.randrange(4, 10)):
        turn = 2 * math.pi * block / 8
        rows = []
        for row in range(chance.randrange(2, 7)):
            seats = []
            for seat in range(chance.randrange(1, 15)):
                x, y = seat * 22.0 + chance.random(), 500 + row * 28.0
                seats.append(
                    {
                        "seat_number": str(seat + 1), "seat_guid": f"{row}-{seat}", "category": f"K{row % 2}",
                        "position": {
                            "x": x * math.cos(turn) - y * math.sin(turn), "y": x * math.sin(turn) + y * math.cos(turn),
                        },
                    }
                )  # fmt: skip
            rows.append({"row_number": str(row + 1), "position": {"x": 0, "y": 0}, "seats": seats})
        zones.append({"name": f"Block {block}", "position": {"x": 900, "y": 900}, "rows": rows, "areas": []})
    categories = [{"name": "K0", "color": "#000"}, {"name": "K1", "color": "#ffffff"}]
    return {"name": "Arena", "categories": categories, "zones": zones, "size": {"width": 1800, "height": 1800}}


PLANS = [theatre(), *(arena(seed) for seed in range(6))]


@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: str(plan["name"]))
def test_every_seat_is_kept_where_it_stood_and_goes_back_as_it_was(plan: dict[str, Any]) -> None:
    data = json.dumps(plan).encode()
    seat_map, report = read_pretix(data)
    seats = [
        (zone["position"], row["position"], seat)
        for zone in plan["zones"]
        for row in zone["rows"]
        for seat in row["seats"]
    ]
    assert (report.seats, report.kept, len(seat_map.spots)) == (len(seats),) * 3
    assert [spot.origin for spot in seat_map.spots] == [seat["seat_guid"] for _, _, seat in seats]
    first = seats[0]
    shift = [
        getattr(seat_map.spots[0], f"{axis}_um")
        - sum(part[axis] for part in (first[0], first[1], first[2]["position"])) * UM_PER_PX
        for axis in ("x", "y")
    ]
    for spot, (zone, row, seat) in zip(seat_map.spots, seats, strict=True):
        for axis, off in zip(("x", "y"), shift, strict=True):
            wanted = (zone[axis] + row[axis] + seat["position"][axis]) * UM_PER_PX + off
            assert abs(getattr(spot, f"{axis}_um") - wanted) <= 1.5, seat
    assert json.loads(write_pretix(seat_map)[0]) == plan
    again = read_native(write_native(seat_map))
    assert again == seat_map
    assert json.loads(write_pretix(again)[0]) == plan


def test_a_curved_row_stays_curved() -> None:
    """Every seat of a ring lies as far from the middle of the stage's edge as the plan says, to the micrometre."""
    seat_map, _ = read_pretix(json.dumps(theatre()).encode())
    for ring in range(8):
        found = [spot for spot in seat_map.spots if spot.origin.startswith(f"S-{ring}-")]
        middle_x, middle_y = 700 * UM_PER_PX, 100 * UM_PER_PX
        radii = [math.hypot(spot.x_um - middle_x, spot.y_um - middle_y) for spot in found]
        assert len(found) == 12 + 2 * ring
        assert all(abs(one - (300 + 40 * ring) * UM_PER_PX) <= 1.5 for one in radii)


def test_its_shapes_and_words_are_there_and_can_be_drawn_and_checked() -> None:
    seat_map, report = read_pretix(json.dumps(theatre()).encode())
    kinds = [zone.kind for zone in seat_map.zones]
    assert kinds.count(ZoneKind.DRAWING) + kinds.count(ZoneKind.TEXT) == 3
    assert {zone.text for zone in seat_map.zones} >= {"Bühne", "Ausgang →"}
    assert report.repeated_ids == ()
    drawn = write_svg(seat_map).decode()
    assert "Bühne" in drawn
    assert validate(seat_map) is not None


def test_repeats_in_every_block_are_reported_and_stay_apart() -> None:
    plan = arena(1)
    seat_map, report = read_pretix(json.dumps(plan).encode())
    seen: dict[str, int] = {}
    for zone in plan["zones"]:
        for row in zone["rows"]:
            for seat in row["seats"]:
                seen[seat["seat_guid"]] = seen.get(seat["seat_guid"], 0) + 1
    assert {one.id: one.times for one in report.repeated_ids} == {id: n for id, n in seen.items() if n > 1}
    assert len({spot.id for spot in seat_map.spots}) == len(seat_map.spots)


def test_one_seat_moved_across_changes_one_number_and_no_other() -> None:
    plan = theatre()
    seat_map, _ = read_pretix(json.dumps(plan).encode())
    spots = list(seat_map.spots)
    spots[40] = replace(spots[40], x_um=spots[40].x_um + 10 * UM_PER_PX)
    written = json.loads(write_pretix(replace(seat_map, spots=tuple(spots)))[0])
    flat = [seat for zone in written["zones"] for row in zone["rows"] for seat in row["seats"]]
    meant = [seat for zone in plan["zones"] for row in zone["rows"] for seat in row["seats"]]
    assert flat[40]["position"]["x"] == pytest.approx(meant[40]["position"]["x"] + 10, abs=1e-4)
    del flat[40]["position"]["x"], meant[40]["position"]["x"]
    assert written == plan
