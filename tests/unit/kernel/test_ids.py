"""Ids: the layout of RFC 9562, and hashes that must never change."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classtap_core.kernel.ids import derived, fresh, parse


def test_the_example_of_rfc_9562_appendix_a6() -> None:
    # Tuesday, February 22, 2022 2:22:22.00 PM GMT-05:00; rand_a 0xCC3, rand_b 0b01, 0x8C4DC0C0C07398F
    random = 0xCC3 << 68 | 0x18C4DC0C0C07398F
    assert fresh(0x017F22E279B0, lambda size: random.to_bytes(size, "big")) == "017f22e279b07cc398c4dc0c0c07398f"


@given(st.integers(0, 2**48 - 1), st.binary(min_size=10, max_size=10))
def test_version_and_variant_stand_whatever_the_entropy(at_ms: int, tail: bytes) -> None:
    id = fresh(at_ms, lambda _: tail)
    assert parse(id) == id
    assert int(id[:12], 16) == at_ms
    assert id[12] == "7"
    assert id[16] in "89ab"


@given(st.lists(st.integers(0, 2**48 - 1), min_size=2))
def test_ids_sort_by_the_time_they_were_made(times: list[int]) -> None:
    ids = [fresh(at_ms, lambda size: b"\x55" * size) for at_ms in times]
    assert sorted(range(len(ids)), key=ids.__getitem__) == sorted(range(len(ids)), key=times.__getitem__)


@pytest.mark.parametrize("at_ms", [-1, 1 << 48])
def test_a_time_outside_48_bits_is_no_id(at_ms: int) -> None:
    with pytest.raises(ValueError, match="48 bits"):
        fresh(at_ms, lambda size: bytes(size))


def test_derived_ids_never_change() -> None:
    # Made once, by the formula that the next test states with hashlib alone; they are in stores for ever.
    assert derived("studio") == "53c092f0265128bf41570411fd670d92"
    assert derived("presence", "0" * 32) == "a350c6655c1805d202d325755bac25d5"
    assert derived("attendance", "a", "é") == "02b015c0dc99d909e864c096922aac2e"


@given(st.text(max_size=8), st.lists(st.text(max_size=8), max_size=4))
def test_derived_is_blake2b_over_lengths_and_parts(purpose: str, parts: list[str]) -> None:
    message = b"".join(len(part.encode()).to_bytes(4, "big") + part.encode() for part in [purpose, *parts])
    assert derived(purpose, *parts) == hashlib.blake2b(message, digest_size=16, person=b"classtap-id").hexdigest()


def test_where_one_part_ends_matters() -> None:
    assert (
        len({derived("a", "bc"), derived("ab", "c"), derived("abc"), derived("a", "b", "c"), derived("abc", "")}) == 5
    )


@pytest.mark.parametrize("text", ["", "0" * 31, "0" * 33, "A" * 32, "g" * 32, "0" * 32 + "\n", "٠" * 32])
def test_only_32_lowercase_hex_digits_are_an_id(text: str) -> None:
    with pytest.raises(ValueError, match="32 lowercase hex digits"):
        parse(text)
