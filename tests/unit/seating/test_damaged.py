"""Damaged maps: refused with a reason, or read, and then everything else copes with them."""

import json
import random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from classtap_core.kernel.errors import BadInput
from classtap_core.seating.audience import Audience
from classtap_core.seating.diff import difference
from classtap_core.seating.drawing import sheet
from classtap_core.seating.formats.known import Format, read, write
from classtap_core.seating.formats.native import read_native, to_plain, write_native
from classtap_core.seating.formats.pdf import write_pdf
from classtap_core.seating.model import FAR_UM
from classtap_core.seating.numbering import Numbering, number
from classtap_core.seating.validation.checker import validate
from classtap_core.seating.validation.telling import Teller
from classtap_desktop.canvas.sheet_png import write_png
from tests.unit.seating.layouts import layout
from tests.unit.seating.plans import random_plan

ODD = (
    None,
    True,
    -1,
    0,
    1,
    2**31,
    FAR_UM,
    -FAR_UM,
    10**30,
    1.5,
    1e300,
    "",
    "x",
    "\x00",
    "0" * 32,
    [],
    {},
    [[]],
    [[0, 0]] * 3,
)


def damaged(value: Any, chance: random.Random, rate: float) -> Any:
    """The same document with some values replaced by odd ones and some keys gone."""
    if chance.random() < rate:
        return chance.choice(ODD)
    if isinstance(value, dict):
        return {key: damaged(item, chance, rate) for key, item in value.items() if chance.random() > rate / 4}
    if isinstance(value, list):
        return [damaged(item, chance, rate) for item in value]
    return value


@settings(max_examples=150)
@given(st.integers(0, 2**32))
def test_a_damaged_map_is_refused_or_everything_copes_with_it(seed: int) -> None:
    chance = random.Random(seed)
    document = json.loads(json.dumps(to_plain(layout(chance, spots=3, accessible=True))))
    document["paths"] = [{"id": "1" * 32, "points_um": [[0, 0], [9_000_000, 1]], "width_um": 900_000}]
    try:
        seat_map = read_native(json.dumps(damaged(document, chance, 0.01)).encode())
    except BadInput:
        return
    assert read_native(write_native(seat_map)) == seat_map
    teller = Teller(seat_map)
    for found in validate(seat_map):
        teller.told(found)
    number(seat_map, Numbering())
    difference(seat_map, seat_map)
    for format in Format:
        data, _ = write(seat_map, format)
        if format is not Format.CSV:
            read(data, format)
    for audience in Audience:
        page = sheet(seat_map, audience=audience)
        write_pdf([page], title=seat_map.name)
        write_png(page, dpi=30)


@settings(max_examples=80)
@given(st.integers(0, 2**32))
def test_a_map_from_any_plan_can_be_checked_and_drawn(seed: int) -> None:
    chance = random.Random(seed)
    try:
        seat_map, _ = read(json.dumps(damaged(random_plan(chance), chance, 0.002)).encode(), Format.PRETIX)
    except BadInput:
        return
    validate(seat_map)
    page = sheet(seat_map)
    write_pdf([page], title=seat_map.name)
    write_png(page, dpi=30)
    for format in Format:
        write(seat_map, format)
