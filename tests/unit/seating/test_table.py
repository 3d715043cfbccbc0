"""CSV of spots: the contract's columns, ids as they came, errors with line and column."""

import csv
import io
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from classtap_core.kernel.errors import BadInput
from classtap_core.seating.formats.table import read_csv, write_csv
from classtap_core.seating.model import Visibility
from tests.unit.seating.rooms import room, spot_id

HEADER = "id,label,alias,x_um,y_um,rotation_mdeg,type,visibility,tags"


def test_the_contracts_columns() -> None:
    seat_map = room("a")
    spot = replace(
        seat_map.spots[0], label="A1", alias="Bike 1", tags=("accessible", "premium"), visibility=Visibility.STAFF
    )
    data, report = write_csv(replace(seat_map, spots=(spot,)))
    assert data.decode() == (
        f"{HEADER}\r\n{spot_id('1,1')},A1,Bike 1,500000,500000,0,chair,staff,accessible;premium\r\n"
    )
    assert [note.what for note in report.lost] == ["room: 1", "types: 1"]


NAMES = st.text(st.characters(blacklist_categories=("Cs", "Cc")), max_size=12)


@given(
    st.lists(
        st.tuples(
            NAMES,
            NAMES,
            st.integers(-(10**8), 10**8),
            st.integers(0, 359_999),
            st.sampled_from(Visibility),
            st.lists(NAMES.filter(lambda tag: tag and ";" not in tag), max_size=3),
        ),
        max_size=6,
    )
)
def test_spots_come_back(rows: list[tuple]) -> None:
    seat_map = room("a" * max(1, len(rows)))
    spots = tuple(
        replace(spot, label=label, alias=alias, x_um=x, rotation_mdeg=turn, visibility=seen, tags=tuple(tags))
        for spot, (label, alias, x, turn, seen, tags) in zip(seat_map.spots, rows, strict=False)
    )
    data, _ = write_csv(replace(seat_map, spots=spots))
    again, report = read_csv(data)
    assert again.spots == spots
    assert report.seats == report.kept == len(spots)
    assert write_csv(again)[0] == data


def test_ids_of_others_are_kept_and_repeats_reported() -> None:
    text = f"{HEADER}\nS1,A,,0,0,0,bike,public,\nS1,B,,1,1,0,bike,public,\nS2,C,,2,2,0,bike,public,\n"
    seat_map, report = read_csv(text.encode())
    assert [(one.id, one.times) for one in report.repeated_ids] == [("S1", 2)]
    assert [spot.origin for spot in seat_map.spots] == ["S1", "S1", "S2"]
    assert len({spot.id for spot in seat_map.spots}) == 3
    assert [row["id"] for row in csv.DictReader(io.StringIO(write_csv(seat_map)[0].decode()))] == ["S1", "S1", "S2"]


def test_spreadsheets_habits_are_understood() -> None:
    seat_map, report = read_csv("\ufeffX_UM;Y_UM;colour\r\n 1000000.0 ;-5;red\r\n\r\n".encode())
    (spot,) = seat_map.spots
    assert (spot.x_um, spot.y_um, spot.type, spot.extra) == (1_000_000, -5, "chair", {"colour": "red"})
    assert "there is no column id" in [note.what for note in report.mended]


@pytest.mark.parametrize(
    ("text", "code", "path"),
    [
        ("a,b\n1,2\n", "seatmap.wrong", "line 1"),
        ("", "seatmap.wrong", "line 1"),
        ("x_um,y_um\n1,two\n", "seatmap.wrong", "line 2, y_um"),
        ("x_um,y_um\n1,2\n1,\n", "seatmap.wrong", "line 3, y_um"),
        ("x_um,y_um\n1,2,3\n", "seatmap.wrong", "line 2"),
        ("x_um,y_um\n1,99999999999\n", "seatmap.wrong", "line 2, y_um"),
        ("x_um,y_um,visibility\n1,2,everyone\n", "seatmap.wrong", "line 2, visibility"),
        ('x_um,y_um\n"1,2\n', "seatmap.not_csv", None),
        ("x_um,x_um,y_um\n1,2,3\n", "seatmap.wrong", "line 1"),
        ("x_um,y_um\n٣,4\n", "seatmap.wrong", "line 2, x_um"),
    ],
)
def test_a_wrong_table_is_refused_with_its_place(text: str, code: str, path: str | None) -> None:
    with pytest.raises(BadInput) as refused:
        read_csv(text.encode())
    assert (refused.value.code, refused.value.params.get("path")) == (code, path)


@given(st.integers(0, 2**32))
def test_a_damaged_table_never_breaks_the_reader(seed: int) -> None:
    chance = random.Random(seed)
    data = bytearray(write_csv(room("abc def"))[0])
    for _ in range(chance.randrange(1, 8)):
        data[chance.randrange(len(data))] = chance.randrange(256)
    try:
        seat_map, report = read_csv(bytes(data))
    except BadInput:
        return
    assert len(seat_map.spots) == report.kept
