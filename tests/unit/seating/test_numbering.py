"""Numbering: the catalogue's label tables, a brute-force second numbering, and what cannot be written."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from classtap_core.kernel.errors import BadInput
from classtap_core.seating.audience import Audience, seen_by, spot_named
from classtap_core.seating.formats.schema import numbering_schema
from classtap_core.seating.model import Mirroring, SeatMap, Visibility
from classtap_core.seating.numbering import (
    Numbering,
    flipped,
    letters_of,
    number,
    preview,
    read_rules,
    value_of,
)
from resources import path
from tests.oracles import seating_numbering
from tests.unit.seating.rooms import CELL_UM, labels, room, spot_id

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def numbered(drawing: str, **rules: object) -> str:
    return labels(number(room(drawing), read_rules(rules)))


def test_catalogue_15_row_and_seat_sequences() -> None:
    assert numbered("xxxx xxxx xxxx") == "A1 A2 A3 A4 / B1 B2 B3 B4 / C1 C2 C3 C4"


def test_catalogue_15_starting_corner_and_direction() -> None:
    found = numbered("xxx xxx", corner="bottom_right", rows={"start": "1"}, label="R{row}-S{seat}")
    assert found == "R2-S3 R2-S2 R2-S1 / R1-S3 R1-S2 R1-S1"


def test_catalogue_15_an_aisle_leaves_no_hole() -> None:
    assert numbered("xx.xx xx.xx") == "A1 A2 A3 A4 / B1 B2 B3 B4"


def test_catalogue_15_prefix_and_suffix() -> None:
    assert numbered("xx", prefix="Erg-", suffix="-C") == "Erg-A1-C Erg-A2-C"


def test_catalogue_15_aliases_name_the_same_seat() -> None:
    seat_map = number(room("xx"), read_rules({"label": "C{row}{seat}", "alias": "Bike {n}"}))
    assert [seen.name for seen in seen_by(seat_map, Audience.STAFF)] == ["CA1", "CA2"]
    assert [seen.name for seen in seen_by(seat_map, Audience.CLIENTS)] == ["Bike 1", "Bike 2"]
    assert spot_named(seat_map, "Bike 2", Audience.CLIENTS) == spot_named(seat_map, "CA2", Audience.STAFF)


def test_catalogue_15_staff_only_and_hidden_seats() -> None:
    seat_map = number(room("xxxx"), Numbering())
    shown = {"1,2": Visibility.STAFF, "1,3": Visibility.HIDDEN}
    spots = [
        replace(spot, visibility=shown.get(f"1,{index + 1}", Visibility.PUBLIC))
        for index, spot in enumerate(seat_map.spots)
    ]
    seat_map = replace(seat_map, spots=tuple(spots))
    assert [seen.name for seen in seen_by(seat_map, Audience.CLIENTS)] == ["A1", "A4"]
    assert [seen.name for seen in seen_by(seat_map, Audience.STAFF)] == ["A1", "A2", "A4"]


def test_a_map_numbered_elsewhere_is_flipped_by_its_own_names() -> None:
    spots = room("xxx.x xx...").spots
    names = ("Window", "Fan", "", "Door", "Back 1", "Back 2")
    seat_map = room("xxx.x xx...")
    seat_map = replace(
        seat_map, spots=tuple(replace(s, label=n, row="", seat="") for s, n in zip(spots, names, strict=True))
    )
    other = flipped(seat_map)
    assert [spot.label for spot in other.spots] == ["Door", "", "Fan", "Window", "Back 2", "Back 1"]
    assert [(spot.id, spot.x_um, spot.y_um) for spot in other.spots] == [(s.id, s.x_um, s.y_um) for s in spots]
    assert other.mirroring is Mirroring.RIGHT
    assert flipped(other) == seat_map


def test_catalogue_15_the_mirror_flips_numbers_and_moves_nothing() -> None:
    seat_map = number(room("xxx.x"), Numbering())
    other = flipped(seat_map, Numbering())
    assert labels(other) == "A4 A3 A2 A1"
    assert [(spot.id, spot.x_um) for spot in other.spots] == [(spot.id, spot.x_um) for spot in seat_map.spots]
    assert flipped(other, Numbering()) == seat_map
    # a client of the mirrored room sees it mirrored: A1 is on the left again
    assert [seen.name for seen in sorted(seen_by(other, Audience.CLIENTS), key=lambda seen: seen.x_um)] == [
        "A1",
        "A2",
        "A3",
        "A4",
    ]


def test_after_z_come_aa_and_ab() -> None:
    # ruling 14; spreadsheet columns: 27 AA, 52 AZ, 53 BA, 702 ZZ, 703 AAA
    assert [letters_of(n, LETTERS) for n in (1, 26, 27, 28, 52, 53, 702, 703)] == [
        "A",
        "Z",
        "AA",
        "AB",
        "AZ",
        "BA",
        "ZZ",
        "AAA",
    ]
    found = number(room(" ".join("x" * 28)), Numbering())
    assert labels(found).split(" / ")[25:] == ["Z1", "AA1", "AB1"]


@given(st.integers(1, 10**9))
def test_letters_have_an_inverse(value: int) -> None:
    assert value_of(letters_of(value, LETTERS), LETTERS) == value


def test_serpentine_continuous_line_starts_and_skips() -> None:
    assert numbered("xxx xxx xxx", serpentine=True) == "A1 A2 A3 / B3 B2 B1 / C1 C2 C3"
    assert numbered("xx xx", continuous=True, label="{seat}") == "1 2 / 3 4"
    assert numbered("xx xx xx", line_starts={"B": "11"}) == "A1 A2 / B11 B12 / C1 C2"
    assert numbered("xxx", seats={"skip": ["2"], "digits": 2, "start": "1"}) == "A01 A02 A03"
    assert numbered("xxx", seats={"skip": ["13"], "start": "12"}) == "A12 A14 A15"
    assert numbered("x x x", rows={"start": "H", "skip": ["I"]}) == "H1 / J1 / K1"
    assert numbered("xx xx", lines="columns") == "A1 B1 / A2 B2"


def test_a_line_may_be_uneven_by_half_a_footprint() -> None:
    seat_map = room("xx")
    near = replace(seat_map.spots[1], y_um=seat_map.spots[1].y_um + 250_000)
    far = replace(near, y_um=near.y_um + 1)
    assert [spot.label for spot in number(replace(seat_map, spots=(seat_map.spots[0], near)), Numbering()).spots] == [
        "A1",
        "A2",
    ]
    assert [spot.label for spot in number(replace(seat_map, spots=(seat_map.spots[0], far)), Numbering()).spots] == [
        "A1",
        "B1",
    ]


def test_lines_may_be_given_by_group_or_by_row() -> None:
    seat_map = room("xx xx")
    rows = ("b", "a", "b", "a")
    spots = tuple(replace(spot, row=row) for spot, row in zip(seat_map.spots, rows, strict=True))
    found = number(replace(seat_map, spots=spots), read_rules({"by": "row"}))
    assert {spot.label[0] for spot in found.spots if spot.x_um < CELL_UM} == {found.spots[0].label[0]}  # a column each


def test_only_what_is_chosen_is_numbered() -> None:
    seat_map = number(room("xxx"), Numbering())
    some = read_rules({"spots": [spot_id("1,3")], "prefix": "VIP-"})
    assert labels(number(seat_map, some)) == "A1 A2 VIP-A1"
    assert [(one.before, one.after) for one in preview(seat_map, some)] == [("A3", "VIP-A1")]
    assert number(seat_map, read_rules({"types": ["bike"]})) == seat_map


def test_numbering_again_changes_nothing_and_a_seat_more_breaks_nothing() -> None:
    seat_map = number(room("xx.x xxxx"), Numbering())
    assert number(seat_map, Numbering()) == seat_map
    assert labels(number(replace(seat_map, spots=seat_map.spots[1:]), Numbering())) == "A1 A2 / B1 B2 B3 B4"


@pytest.mark.parametrize(
    ("rules", "code"),
    [
        ({"label": "{row"}, "numbering.field"),
        ({"label": "{row.__class__}"}, "numbering.field"),
        ({"label": "{}"}, "numbering.field"),
        ({"alias": "{seat:>9999999}"}, "numbering.field"),
        ({"seats": {"start": "one"}}, "numbering.sign"),
        ({"seats": {"start": "٣"}}, "numbering.sign"),
        ({"rows": {"signs": "letters", "start": "1"}}, "numbering.sign"),
        ({"line_starts": {"A": ""}}, "numbering.sign"),
        ({"corner": "middle"}, "numbering.wrong"),
        ({"corners": "top_left"}, "numbering.wrong"),
        ({"version": 2}, "numbering.newer"),
        ([], "numbering.wrong"),
    ],
)
def test_rules_that_cannot_be_followed_are_refused(rules: object, code: str) -> None:
    with pytest.raises(BadInput) as refused:
        read_rules(rules)
    assert refused.value.code == code


def test_the_schema_in_resources_is_the_rules() -> None:
    written = json.loads(path("schema", "seat-numbering-1.json").read_text())
    assert written == json.loads(json.dumps(numbering_schema()))


GRIDS = (
    st.integers(1, 5)
    .flatmap(lambda width: st.lists(st.text("x.", min_size=width, max_size=width), min_size=1, max_size=5))
    .filter(lambda grid: any("x" in row for row in grid))
)
ROWS = st.sampled_from([("letters", "A", 1, ()), ("letters", "Y", 1, ("Z", "AB")), ("numbers", "7", 3, ("10",))])
SEATS = st.sampled_from([("numbers", "1", 1, ()), ("numbers", "11", 2, ("13",)), ("letters", "Z", 1, ("AA",))])


@given(
    GRIDS,
    ROWS,
    SEATS,
    st.sampled_from(["top_left", "top_right", "bottom_left", "bottom_right"]),
    st.sampled_from(["rows", "columns"]),
    st.tuples(st.booleans(), st.booleans(), st.booleans(), st.booleans()),
)
def test_a_brute_force_numbering_says_the_same(
    grid: list[str], rows: tuple, seats: tuple, corner: str, lines: str, flags: tuple[bool, bool, bool, bool]
) -> None:
    serpentine, continuous, mirrored, started = flags
    starts = {rows[1]: "14" if seats[0] == "numbers" else "C"} if started else {}
    wanted = seating_numbering.numbered(
        grid,
        {
            "rows": rows,
            "seats": seats,
            "corner": corner,
            "lines": lines,
            "serpentine": serpentine,
            "continuous": continuous,
            "mirrored": mirrored,
            "line_starts": starts,
        },
    )
    rules = read_rules(
        {
            "rows": dict(zip(("signs", "start", "step", "skip"), rows, strict=True)),
            "seats": dict(zip(("signs", "start", "step", "skip"), seats, strict=True)),
            "corner": corner,
            "lines": lines,
            "serpentine": serpentine,
            "continuous": continuous,
            "line_starts": starts,
            "label": "{row}|{seat}|{n}",
        }
    )
    seat_map: SeatMap = replace(room(" ".join(grid)), mirroring=Mirroring.RIGHT if mirrored else Mirroring.LEFT)
    found = {
        (spot.y_um // CELL_UM, spot.x_um // CELL_UM): tuple(spot.label.split("|"))
        for spot in number(seat_map, rules).spots
    }
    assert found == {cell: (row, seat, str(n)) for cell, (row, seat, n) in wanted.items()}
