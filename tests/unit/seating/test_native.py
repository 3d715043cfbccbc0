"""The native file: unknown keys travel, broken files are refused with their place, the schema says what the model is."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classtap_core.kernel.errors import BadInput
from classtap_core.seating.formats.native import read_native, write_native
from classtap_core.seating.formats.schema import seat_map_schema
from resources import path
from tests.unit.seating.rooms import room

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
KEYS = st.dictionaries(st.text(min_size=1, max_size=8).map(lambda key: "x-" + key) | st.just("extra"), JSON, max_size=3)


def plain() -> dict[str, object]:
    return json.loads(write_native(room("ab. .c.")))


@given(KEYS, KEYS, KEYS)
def test_keys_of_a_later_version_travel_untouched(on_map: dict, on_room: dict, on_spot: dict) -> None:
    document = plain()
    document.update(on_map)
    document["room"].update(on_room)
    document["spots"][1].update(on_spot)
    written = write_native(read_native(json.dumps(document).encode()))
    assert json.loads(written) == document
    assert read_native(written) == read_native(json.dumps(document).encode())


def test_a_part_a_line() -> None:
    text = write_native(room("abc")).decode()
    assert sum(line.startswith("  {") for line in text.splitlines()) == 4  # one type, three spots


@pytest.mark.parametrize(
    ("change", "code", "path"),
    [
        ({"version": 2}, "seatmap.newer", None),
        ({"version": "1"}, "seatmap.wrong", "version"),
        ({"format": "other"}, "seatmap.not_native", None),
        ({"room": {"width_um": 1.5, "length_um": 1_000_000}}, "seatmap.wrong", "$.room.width_um"),
        ({"room": {"width_um": 10**12, "length_um": 1_000_000}}, "seatmap.wrong", "$.room.width_um"),
        ({"room": [1]}, "seatmap.wrong", "$.room"),
        ({"types": []}, "seatmap.broken", "spots[0].type"),
        ({"unit": "mile"}, "seatmap.wrong", "$.unit"),
        ({"zones": [{"id": "0" * 32, "kind": "obstruction"}]}, "seatmap.broken", "zones[0]"),
    ],
)
def test_a_broken_file_is_refused_with_its_place(change: dict, code: str, path: str | None) -> None:
    with pytest.raises(BadInput) as refused:
        read_native(json.dumps({**plain(), **change}).encode())
    assert refused.value.code == code
    assert path is None or refused.value.params["path"] == path


def test_an_id_used_twice_is_refused() -> None:
    document = plain()
    document["spots"].append(document["spots"][0])
    with pytest.raises(BadInput, match=r"spots\[3\]\.id"):
        read_native(json.dumps(document).encode())


@given(st.binary(max_size=200))
def test_bytes_that_are_no_map_are_bad_input(data: bytes) -> None:
    with pytest.raises(BadInput):
        read_native(data)


def test_the_schema_in_resources_is_the_models() -> None:
    # python -m classtap_core.seating.formats.schema resources/schema writes it anew
    assert json.loads(path("schema", "seatmap-1.json").read_text()) == json.loads(
        msgspec.json.encode(seat_map_schema())
    )


def test_the_schema_names_every_key_that_is_written() -> None:
    schema = seat_map_schema()
    assert set(plain()) <= set(schema["$defs"]["SeatMap"]["properties"])
    assert set(plain()["spots"][0]) <= set(schema["$defs"]["Spot"]["properties"])
    assert "extra" not in msgspec.json.encode(schema).decode()
