"""The one-time code, as people type it and as its QR code says it."""

import hashlib

import pytest

from classtap_core.kernel.errors import BadInput
from sync.pairing import ALPHABET, Link, code_hash, new_code, read_link


def test_a_code_is_long_and_has_no_letters_that_are_mistaken() -> None:
    codes = {new_code() for _ in range(200)}
    assert len(codes) == 200
    assert {len(code) for code in codes} == {15}
    assert {letter for code in codes for letter in code} <= {*ALPHABET, "-"}
    assert 32**13 >= 2**65


@pytest.mark.parametrize("bend", [str.lower, lambda text: text.replace("-", " "), lambda text: text.replace("1", "l")])
def test_its_hash_does_not_mind_how_it_is_typed(bend: object) -> None:
    assert callable(bend)
    assert code_hash("fbgq-1kkf-6q30A") == hashlib.sha256(b"FBGQ1KKF6Q30A").hexdigest()
    assert code_hash(bend("FBGQ-1KKF-6Q30A")) == code_hash("FBGQ-1KKF-6Q30A")


@pytest.mark.parametrize("url", ["http://127.0.0.1:8741", "https://cloud.example/", "https://cloud.example/classtap"])
def test_a_link_comes_back_as_it_was(url: str) -> None:
    code = new_code()
    assert read_link(f" {Link(url, code).text}\n") == Link(url.rstrip("/"), code)


@pytest.mark.parametrize(
    "text",
    ["", "CT:ABC", "https://cloud.example/", "https://cloud.example/pair#", "https://cloud.example/pair#SHORT",
     "ftp://cloud.example/pair#FBGQ-1KKF-6Q30A", "/pair#FBGQ-1KKF-6Q30A", "javascript:x/pair#FBGQ-1KKF-6Q30A"],
)  # fmt: skip
def test_what_is_no_link_is_said_so(text: str) -> None:
    with pytest.raises(BadInput) as found:
        read_link(text)
    assert found.value.code == "pair.link"
