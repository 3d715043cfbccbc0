"""Base45 against the examples of RFC 9285 and against itself."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classtap_core.passes import base45


@pytest.mark.parametrize(
    ("data", "text"),
    [
        # RFC 9285, 4.3 and 4.4
        (b"AB", "BB8"),
        (b"Hello!!", "%69 VD92EX0"),
        (b"base-45", "UJCLQE7W581"),
        (b"ietf!", "QED8WEX0"),
        (b"", ""),
        (b"\xff\xff", "FGW"),
        (b"\xff", "U5"),
    ],
)
def test_examples(data: bytes, text: str) -> None:
    assert base45.encode(data) == text
    assert base45.decode(text) == data


@pytest.mark.parametrize("text", ["GGW", ":::", "V5", "::", "A", "ABCD", "bb8", "BB8\n", " BB8", "B_8", "BBé", "５B8"])
def test_texts_of_no_bytes(text: str) -> None:
    with pytest.raises(base45.Base45Error):
        base45.decode(text)


@given(st.binary(max_size=200))
def test_every_byte_string_comes_back(data: bytes) -> None:
    assert base45.decode(base45.encode(data)) == data


@given(st.text(base45.ALPHABET, max_size=60))
def test_every_text_that_decodes_is_the_only_one(text: str) -> None:
    try:
        data = base45.decode(text)
    except base45.Base45Error:
        return
    assert base45.encode(data) == text
