"""The pass text: its lengths, its letters, and that every claim comes back."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classtap_core.passes import base45, rolling
from classtap_core.passes.codec import Algorithm, Kind, PassClaims, Tier, Unreadable, decode, encode


def unsigned(message: bytes) -> bytes:
    return message[-64:].rjust(64, b"\0")


def numbers(bits: int) -> st.SearchStrategy[int]:
    return st.integers(0, 2**bits - 1)


@st.composite
def any_claims(draw: st.DrawFn) -> PassClaims:
    kind = draw(st.sampled_from(Kind))
    event = kind is Kind.EVENT
    not_before = draw(st.integers(0, 2**32 - 2))
    return PassClaims(
        algorithm=draw(st.sampled_from(Algorithm)),
        key_id=draw(numbers(8)),
        test=draw(st.booleans()),
        tier=Tier.STATIC if event else draw(st.sampled_from([Tier.STATIC, Tier.ROLLING])),
        fallback=draw(st.booleans()),
        kind=kind,
        studio=draw(numbers(64)),
        handle=draw(numbers(64)),
        epoch=draw(numbers(32)),
        not_before=not_before,
        expires=draw(st.integers(not_before + 1, 2**32 - 1)),
        nonce=draw(numbers(48)),
        event=draw(numbers(64)) if event else None,
        token=draw(numbers(48)) if event else None,
    )


@given(any_claims(), st.integers(0, 9_999_999_999))
def test_claims_come_back(claims: PassClaims, at_s: int) -> None:
    text = encode(claims, unsigned)
    if claims.tier is Tier.ROLLING:
        text = rolling.with_code(text, b"k" * 20, at_s=at_s)
    decoded = decode(text)
    assert decoded.claims == claims
    assert decoded.signed.startswith(b"CTP1\x01")
    assert decoded.signature == unsigned(decoded.signed)
    assert (decoded.rolling.time_s if decoded.rolling else None) == (at_s if claims.tier is Tier.ROLLING else None)


def test_lengths_are_the_contracts(studio: Any) -> None:
    static, event = studio.text(), studio.text(kind=Kind.EVENT, event=1, token=2)
    shown = rolling.with_code(studio.text(tier=Tier.ROLLING), studio.rolling_key, at_s=studio.now)
    assert (len(static), len(event), len(shown)) == (156, 177, 176)
    assert len(base45.decode(static[3:])) == 102
    assert len(base45.decode(event[3:])) == 116
    assert set(static + event + shown) <= set(base45.ALPHABET)


def test_layout_is_the_contracts(studio: Any) -> None:
    text = studio.text(kind=Kind.EVENT, fallback=True, test=True, event=0x0102030405060708, token=0x0A0B0C0D0E0F)
    assert (
        base45.decode(text[3:])[:52].hex()
        == (
            "01" + "01" + "01" + "19"  # version, algorithm, key id; kind 1, fallback, static, test
            "1122334455667788" + "99aabbccddeeff00" + "00000001" + "6ab13b49" + "6ab13bc1" + "a1b2c3d4e5f6"
            "0102030405060708" + "0a0b0c0d0e0f"
        )
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"version": 2},
        {"key_id": 256},
        {"studio": 2**64},
        {"handle": -1},
        {"epoch": 2**32},
        {"expires": 2**32},
        {"nonce": 2**48},
        {"nonce": -1},
        {"tier": Tier.DEVICE},
        {"kind": Kind.EVENT},
        {"kind": Kind.EVENT, "event": 1},
        {"kind": Kind.EVENT, "event": 1, "token": 2**48},
        {"kind": Kind.EVENT, "event": 1, "token": 1, "tier": Tier.ROLLING},
        {"event": 1, "token": 1},
        {"token": 1},
        {"expires": 1, "not_before": 1},
    ],
)
def test_claims_with_no_text(studio: Any, changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - each is a different sentence
        encode(studio.claims(**changes), unsigned)


def test_a_signature_has_64_bytes(studio: Any) -> None:
    with pytest.raises(ValueError, match="64 bytes"):
        encode(studio.claims(), lambda message: b"short")


@given(st.text() | st.text(base45.ALPHABET, min_size=153, max_size=174).map("CT:".__add__))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        decode(text)
        code = "read"
    except Unreadable as error:
        code = error.code
    codes = {"read", "not_a_pass", "length", "alphabet", "version", "algorithm", "flags", "kind", "tier", "suffix"}
    assert code in codes
