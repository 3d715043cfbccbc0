"""Seat maps: how soon a violation shows after a move, a big map opens, a plan is imported, a template is laid out."""

import json
import random
import statistics
import time
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path

from msgspec.structs import replace

from bench.claims import Claim, claim, percentile
from classtap_core.kernel.ids import derived
from classtap_core.seating.boxes import Box, box_of
from classtap_core.seating.equipment import BY_ID
from classtap_core.seating.formats.native import read_native, write_native
from classtap_core.seating.formats.pretix import read_pretix
from classtap_core.seating.laying import lay_out
from classtap_core.seating.model import Limits, Room, SeatMap, Spot, Unit, Zone, ZoneKind
from classtap_core.seating.snapping import Guides, to_grid
from classtap_core.seating.templates import Template, read_template
from classtap_core.seating.units import reentered, shown
from classtap_core.seating.validation.checker import Checker

STADIUM = Path("tests/data/seatplans/stadium.pretix.json")
TEMPLATE = Path("resources/seatmaps/mat.json")
ZOOMS = (10, 50, 100, 200, 400)


def run() -> list[Claim]:
    """One run of every claim."""
    return [*_moves(), *_opening(), *_templates(), *_snapping(), _drift()]


@cache
def crowd(count: int, columns: int) -> SeatMap:
    """A gym full of bikes, every tenth part of them accessible, with aisles, pillars and two doors."""
    bike = BY_ID["bike"]
    across, down = bike.width_um + 300_000, bike.length_um + 900_000
    spots = tuple(
        Spot(
            id=derived("bench.spot", str(index)),
            type=bike.id,
            x_um=1_500_000 + index % columns * across,
            y_um=3_000_000 + index // columns * down,
            label=f"B{index}",
            tags=("accessible",) if index % (count // 10) == 0 else (),
        )
        for index in range(count)
    )
    width, length = columns * across + 3_000_000, -(-count // columns) * down + 5_000_000
    rear = Zone(
        id=derived("bench.zone", "aisle"),
        kind=ZoneKind.AISLE,
        x_um=width // 2,
        y_um=length - 1_200_000,
        width_um=width - 200_000,
        length_um=1_200_000,
    )
    doors = tuple(
        Zone(
            id=derived("bench.zone", str(x)),
            kind=ZoneKind.DOOR,
            x_um=x,
            y_um=length,
            width_um=1_000_000,
            length_um=100_000,
            clearance_um=500_000,
        )
        for x in (1_000_000, width - 1_000_000)
    )
    room = Room(width_um=width, length_um=length, wall_offsets_um=(500_000,) * 4)
    limits = Limits(spacing_um=200_000, aisle_um=900_000)
    return SeatMap(name="Crowd", room=room, types=(bike,), spots=spots, zones=(rear, *doors), limits=limits)


def _moves() -> list[Claim]:
    found = []
    for count, columns, goal in ((1_000, 32, 16.0), (5_000, 70, 50.0)):
        seat_map = crowd(count, columns)
        checker = Checker(seat_map)
        chance = random.Random(count)
        times = []
        for _ in range(40):
            spot = chance.choice(seat_map.spots)
            near = replace(spot, x_um=spot.x_um + chance.randrange(-700_000, 700_000))
            times.append(_ms(partial(checker.moved, [near])))
            checker.moved([spot])
        whole = _ms(partial(Checker, seat_map))
        beside = ("the whole map again", whole)
        found.append(claim(f"seatmap.violation.p95_{count}_ms", percentile(times, 95), goal=goal, beside=beside))
    seat_map = crowd(5_000, 70)
    checker = Checker(seat_map)
    chosen = seat_map.spots[2_000:2_500]
    moved = [replace(spot, y_um=spot.y_um + 40_000) for spot in chosen]
    found.append(claim("seatmap.violation.of_500_moved_ms", _ms(lambda: checker.moved(moved)), goal=150.0))
    return found


def _opening() -> list[Claim]:
    data = write_native(crowd(5_000, 70))
    plain = _ms(lambda: json.loads(data))
    opened = _ms(lambda: Checker(read_native(data)))
    plan = STADIUM.read_bytes()
    alone = _ms(lambda: json.loads(plan))
    imported = statistics.median(_ms(lambda: read_pretix(plan)) for _ in range(5))
    return [
        claim("seatmap.open.read_and_checked_5000_ms", opened, goal=1_000.0, beside=("json.loads alone", plain)),
        claim("seatmap.import.stadium_ms", imported, goal=100.0, beside=("json.loads alone", alone)),
    ]


def _templates() -> list[Claim]:
    template: Template = read_template(json.loads(TEMPLATE.read_text(encoding="utf-8")))
    hundred = {"mats.rows": 10, "mats.columns": 10}
    many = {"mats.rows": 20, "mats.columns": 25}
    wider = {**many, "mats.gap_side_um": 700_000}
    lay_out(template, many, seed="x")
    return [
        claim("seatmap.template.placed_100_ms", _ms(lambda: lay_out(template, hundred, seed="x")), goal=150.0),
        claim("seatmap.template.changed_500_ms", _ms(lambda: lay_out(template, wider, seed="x")), goal=100.0),
    ]


def _snapping() -> list[Claim]:
    """The largest error in pixels over all zooms, and how long a guide among 5,000 objects takes to find."""
    worst = 0.0
    for zoom in ZOOMS:
        px = 10_000 * 100 / zoom
        grid = round(50 * px)
        for step in range(-11, 12):
            x, _ = to_grid((7 * grid + round(step * px), 3 * grid), grid, px)
            worst = max(worst, abs(x - 7 * grid) / px)
        still = Box(0, 0, round(60 * px), round(60 * px))
        for step in range(-7, 8):
            moving = still.shifted(round(step * px), round(900 * px))
            snap = Guides([still]).snap(moving, px)
            worst = max(worst, abs(moving.left + snap.across_um - still.left) / px)
    seat_map = crowd(5_000, 70)
    boxes = [box_of(spot, seat_map) for spot in seat_map.spots]
    guides = Guides(boxes)
    found = statistics.median(_ms(lambda: guides.snap(boxes[2_345].shifted(31_000, 17_000), 10_000)) for _ in range(30))

    def plainly() -> int:
        own = boxes[2_345]
        return min(abs(line - own.left) for box in boxes for line in (box.left, (box.left + box.right) // 2, box.right))

    return [
        claim("seatmap.snap.worst_error_px", worst, goal=1.0),
        claim("seatmap.guides.search_5000_ms", found, goal=1.0, beside=("a plain loop", _ms(plainly))),
    ]


def _drift() -> Claim:
    length = now = 7_654_321
    for flip in range(1_000):
        unit = (Unit.FOOT, Unit.METRE)[flip % 2]
        now = reentered(shown(now, unit), now, unit)
    return claim("seatmap.units.drift_um", abs(now - length), goal=0.0)


def _ms(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1_000
