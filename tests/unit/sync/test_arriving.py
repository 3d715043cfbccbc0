"""A page that was cut is good for the rows that came whole, wherever it was cut."""

import gzip
import zlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classtap_core.kernel.ids import derived
from sync.client.arriving import what_came
from sync.protocol import SnapshotPage, WireRow, encode

NAMES = ["Zoë", "李小龍", 'says "rows":[{"kind":"x"}],', "}]}, {", "🤸‍♀️ \\", ""]


def page_of(count: int, *, next: str = "later") -> SnapshotPage:
    def row(number: int) -> WireRow:
        body = {
            "id": derived("child", str(number)),
            "name": NAMES[number % len(NAMES)],
            "parts": [{"kind": "a", "n": [1, {}]}],
        }
        return WireRow(
            "child", derived("child", str(number)), f"families/h{number % 2}", msgspec.Raw(msgspec.json.encode(body))
        )

    return SnapshotPage(
        through=41, cursor="Y3Vyc29y", next=next, cloud_ms=7, total=9, rows=tuple(map(row, range(count)))
    )


PAGE = page_of(7)
WHOLE = encode(PAGE)
ENDS = [WHOLE.index(encode(row)) + len(encode(row)) for row in PAGE.rows]
"""Where each row ends in the page."""


def plain(page: SnapshotPage) -> SnapshotPage:
    return msgspec.json.decode(encode(page), type=SnapshotPage)


def test_a_page_is_good_for_the_rows_that_came_whole() -> None:
    for at in range(len(WHOLE)):
        found, whole = what_came(WHOLE[:at]), sum(end <= at for end in ENDS)
        if whole:
            last = PAGE.rows[whole - 1]
            behind = f"Y3Vyc29y~child/{last.scope}/{last.id}"
            assert found is not None
            assert encode(found) == encode(msgspec.structs.replace(PAGE, rows=PAGE.rows[:whole], next=behind))
        else:
            assert found is None
    assert what_came(WHOLE) == PAGE


@given(st.integers(1, 40), st.floats(0, 1))
def test_of_a_packed_page_as_much_is_there_as_unpacks(count: int, part: float) -> None:
    page = page_of(count)
    packed = gzip.compress(encode(page))
    came = packed[: int(part * len(packed))]
    assert what_came(came) == what_came(zlib.decompressobj(31).decompress(came))
    assert what_came(packed) == plain(page)


def test_most_of_a_packed_page_is_most_of_its_rows() -> None:
    packed = gzip.compress(encode(page_of(400)))
    found = what_came(packed[: len(packed) * 9 // 10])
    assert found is not None
    assert 300 < len(found.rows) < 400


@pytest.mark.parametrize(
    "data",
    [
        b"", b"{", b"\xff\xfe", b"\x1f\x8b\x00not gzip", b'{"rows":[{"kind":"a"}', b'"rows":[1,2,3',
        b'{"rows":[{"kind":"child","id":"x","scope":"s"}],"through":1', b"[" * 100_000, b'{"through":1,"cursor":"c","rows":[' + b"[" * 100_000,
        b'{"through":1,"cursor":"c","rows":[{"kind":"child","id":"x","scope":"s","body":{"n":' + b"9" * 10_000,
    ],
)  # fmt: skip
def test_what_is_no_page_gives_nothing(data: bytes) -> None:
    assert what_came(data) is None
