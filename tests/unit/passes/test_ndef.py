"""NFC: the bytes the NFC Forum's document shows for a text record, and our text in them."""

import random

import pytest

from classtap_core.passes import ndef
from classtap_core.passes.verify import Outcome
from classtap_core.passes.wedge import Wedge, as_scanned
from tests.unit.passes.conftest import Studio

HELLO = bytes.fromhex("d1010e5402656e") + b"Hello World"
"""A text record as in the examples to NFC Forum RTD Text 1.0: header D1, type length 1, 14 bytes, 'T', 2, 'en'."""


def test_the_message_is_the_forum_s() -> None:
    assert ndef.message("Hello World") == HELLO


def test_a_pass_comes_back_letter_by_letter(studio: Studio) -> None:
    text = studio.text()
    assert ndef.texts(ndef.message(text)) == (text,)
    both = bytearray(ndef.message("https://example.org") + ndef.message(text))
    both[0] &= ~0x40
    both[len(ndef.message("https://example.org"))] &= ~0x80
    assert ndef.texts(bytes(both)) == (text,), "what is not ours is left out"


def test_a_reader_that_types_what_is_on_a_tag_is_a_scanner(studio: Studio) -> None:
    """Readers in "NDEF text" mode type the record's text and Enter, some under Caps Lock; a tag of 492 bytes holds it."""
    text = studio.text()
    record = ndef.message(text)
    assert len(record) <= 492
    (on_the_tag,) = ndef.texts(record)
    for typed in (on_the_tag, on_the_tag.swapcase()):
        wedge = Wedge()
        for number, letter in enumerate(typed):
            assert wedge.key(letter, number * 8.0) is None
        seen = wedge.key("\r", len(typed) * 8.0)
        assert seen is not None
        assert studio.scan(as_scanned(seen)).outcome is Outcome.OK


def test_utf_16_long_records_and_ids_are_read_too(studio: Studio) -> None:
    text = studio.text()
    payload = b"\x82en" + text.encode("utf-16-be")
    head = bytes([0xC1 | 0x08, 1]) + len(payload).to_bytes(4, "big") + b"\x02" + b"T" + b"id"
    assert ndef.texts(head + payload) == (text,)


def test_nothing_of_what_is_no_message(studio: Studio) -> None:
    assert ndef.texts(b"") == ndef.texts(HELLO) == ()
    good = ndef.message(studio.text())
    rng = random.Random(5)
    for _ in range(2_000):
        bent = bytearray(good)
        for _ in range(3):
            bent[rng.randrange(12)] = rng.randrange(256)
        ndef.texts(bytes(bent[: rng.randrange(len(bent) + 1)]))
    with pytest.raises(ValueError, match="255"):
        ndef.message("A" * 300)
