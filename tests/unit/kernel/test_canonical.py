"""Canonical JSON against RFC 8785's own examples and a slow second implementation."""

import json
import sys
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classtap_core.kernel.canonical import (
    LIMIT,
    canonical,
    is_canonical,
    parse,
    plain_canonical,
    sha256,
    trusted_canonical,
)
from classtap_core.kernel.errors import BadInput

_SHORT = {"\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r", '"': '\\"', "\\": "\\\\"}


def slow_text(text: str) -> str:
    """RFC 8785 3.2.2.2, letter by letter."""
    return '"' + "".join(_SHORT.get(c) or (f"\\u{ord(c):04x}" if ord(c) < 0x20 else c) for c in text) + '"'


def slow(value: Any) -> str:
    """RFC 8785 without floats, as its text says it."""
    if value is None:
        return "null"
    if value is True or value is False:
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return slow_text(value)
    if isinstance(value, dict):
        keys = sorted(value, key=lambda key: [*memoryview(key.encode("utf-16-le")).cast("H")])
        return "{" + ",".join(slow_text(key) + ":" + slow(value[key]) for key in keys) + "}"
    return "[" + ",".join(slow(inner) for inner in value) + "]"


letters = st.one_of(
    st.characters(exclude_categories=["Cs"]),
    st.sampled_from('\x00\x07\x08\x1f\x7f\x80/"\\\u2028\u2029\ufb33\uffff\U00010000\U0001f600'),
)
texts = st.text(letters, max_size=12)
values = st.recursive(
    st.none() | st.booleans() | st.integers(1 - LIMIT, LIMIT - 1) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=5),
    max_leaves=20,
)


@given(values)
def test_agrees_with_the_slow_one_and_comes_back(value: Any) -> None:
    data = canonical(value)
    assert data == slow(value).encode()
    assert parse(data) == value
    assert json.loads(data) == value
    assert canonical(parse(data)) == data


def test_the_strings_of_rfc_8785_3_2_4() -> None:
    assert canonical('\u20ac$\x0f\nA\'B"\\\\"/') == bytes.fromhex(
        "22e282ac245c75303030665c6e4127425c225c5c5c5c5c222f22"
    )
    assert canonical({"string": "", "literals": [None, True, False]}) == b'{"literals":[null,true,false],"string":""}'


def test_the_order_of_rfc_8785_3_2_3() -> None:
    made = canonical(
        {
            "\u20ac": "Euro Sign",
            "\r": "Carriage Return",
            "\ufb33": "Hebrew Letter Dalet With Dagesh",
            "1": "One",
            "\U0001f600": "Emoji: Grinning Face",
            "\u0080": "Control",
            "\u00f6": "Latin Small Letter O With Diaeresis",
        }
    )
    assert list(json.loads(made).values()) == [
        "Carriage Return",
        "One",
        "Control",
        "Latin Small Letter O With Diaeresis",
        "Euro Sign",
        "Emoji: Grinning Face",
        "Hebrew Letter Dalet With Dagesh",
    ]


@pytest.mark.parametrize(
    ("given", "expected"),
    [  # github.com/cyberphone/json-canonicalization, testdata: french, structures (56.0 as 56), unicode, weird
        (
            (
                '{"peach":"This sorting order","péché":"is wrong according to French",'
                '"pêche":"but canonicalization MUST","sin":"ignore locale"}'
            ),
            (
                '{"peach":"This sorting order","péché":"is wrong according to French",'
                '"pêche":"but canonicalization MUST","sin":"ignore locale"}'
            ),
        ),
        (
            '{"1":{"f":{"f":"hi","F":5},"\\n":56},"10":{},"":"empty","a":{},"111":[{"e":"yes","E":"no"}],"A":{}}',
            '{"":"empty","1":{"\\n":56,"f":{"F":5,"f":"hi"}},"10":{},"111":[{"E":"no","e":"yes"}],"A":{},"a":{}}',
        ),
        ('{"Unnormalized Unicode":"A\\u030a"}', '{"Unnormalized Unicode":"A\u030a"}'),
        (
            (
                '{"\\u20ac":"Euro Sign","\\r":"Carriage Return","\\u000a":"Newline","1":"One","\\u0080":"Control\\u007f",'
                '"\\ud83d\\ude02":"Smiley","\\u00f6":"Latin Small Letter O With Diaeresis",'
                '"\\ufb33":"Hebrew Letter Dalet With Dagesh","</script>":"Browser Challenge"}'
            ),
            (
                '{"\\n":"Newline","\\r":"Carriage Return","1":"One","</script>":"Browser Challenge",'
                '"\u0080":"Control\u007f","ö":"Latin Small Letter O With Diaeresis","€":"Euro Sign",'
                '"\U0001f602":"Smiley","\ufb33":"Hebrew Letter Dalet With Dagesh"}'
            ),
        ),
    ],
)
def test_the_published_test_data(given: str, expected: str) -> None:
    assert canonical(parse(given)) == expected.encode()


@pytest.mark.parametrize("value", [LIMIT - 1, 1 - LIMIT, 0, -0])
def test_integers_up_to_the_limit(value: int) -> None:
    assert canonical([value]) == f"[{value}]".encode()


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (LIMIT, "canonical.integer"),
        (-LIMIT, "canonical.integer"),
        ({"a": [2**63]}, "canonical.integer"),
        (1.0, "canonical.type"),
        (float("nan"), "canonical.type"),
        (b"bytes", "canonical.type"),
        ({1: "one"}, "canonical.key"),
        ({None: 1}, "canonical.key"),
        ("\ud800", "canonical.surrogate"),
        ({"\udfff": 1}, "canonical.surrogate"),
        ({"é\ud800": 1}, "canonical.surrogate"),
        (["ok", {"deep": "\udc00"}], "canonical.surrogate"),
    ],
)
def test_what_has_no_canonical_form_is_refused(value: Any, code: str) -> None:
    with pytest.raises(BadInput) as refusal:
        canonical(value)
    assert refusal.value.code == code


@pytest.mark.parametrize(
    "data", [b"", b"{", b"nul", b'"\xff"', b'"\\ud800"', b"[1,]", b"\xef\xbb\xbf1", b"1 2", b"1e400"]
)
def test_what_is_no_json_is_refused(data: bytes) -> None:
    with pytest.raises(BadInput):
        parse(data)


def test_a_tower_of_brackets_is_refused_and_breaks_nothing() -> None:
    with pytest.raises(BadInput):
        parse(b"[" * 200_000 + b"]" * 200_000)
    tower: Any = []
    for _ in range(sys.getrecursionlimit()):
        tower = [tower]
    with pytest.raises(BadInput):
        canonical(tower)


class Both(msgspec.Struct):
    zebra: str
    Alpha: int
    items: tuple[int, ...]


@given(texts, st.integers(1 - LIMIT, LIMIT - 1), st.lists(st.integers(0, 9)))
def test_our_own_structs_come_out_the_same_unchecked(text: str, number: int, items: list[int]) -> None:
    plain = {"zebra": text, "Alpha": number, "items": items}
    assert trusted_canonical(Both(text, number, tuple(items))) == canonical(plain)


def test_hashes_are_sha_256_behind_a_tag() -> None:
    # printf 'abc' | sha256sum; FIPS 180-2 B.1
    assert sha256(b"a", b"b", b"c") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert sha256(b"CTO1", b"x") != sha256(b"CTV1", b"x")


def canonical_or_code(write: Callable[[Any], bytes], value: Any) -> bytes | str:
    try:
        return write(value)
    except BadInput as bad:
        return bad.code


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(1 << 60), 1 << 60) | st.floats(allow_nan=False, allow_infinity=False)
    | texts | st.sampled_from([":1.5", "[12345678901234567", "\\u00e9", ",-2e9", "\x01"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@given(json_values)
def test_the_quick_way_says_what_the_careful_one_says(value: Any) -> None:
    value = {"all": parse(msgspec.json.encode(value))}
    assert canonical_or_code(plain_canonical, value) == canonical_or_code(canonical, value)


@pytest.mark.parametrize(
    ("data", "answer"),
    [
        (b'{"a":1,"b":[true,null,"x"]}', True),
        (b'{"b":1,"a":1}', False),
        (b'{"a": 1}', False),
        (b'{"a":1,"a":1}', False),
        (b'{"a":"\\u0041"}', False),
        (b'{"a":-0}', False),
        (b'{"a":":1.5"}', True),
        (b'{"a":9007199254740991}', True),
        ('{"é":1}'.encode(), True),
    ],
)
def test_bytes_are_canonical_or_not(data: bytes, answer: bool) -> None:
    assert is_canonical(data) is answer


class Toy(msgspec.Struct, frozen=True, omit_defaults=True):
    """As an envelope is: what its defaults say is left out, and a name of its own stands under `params`."""

    a: int | str = 0
    params: dict[str, int | str] = {}


whole = st.integers(-(1 << 54), 1 << 54)


@given(
    st.builds(Toy, a=whole | st.text(), params=st.dictionaries(st.text(), whole | st.text(), max_size=3)),
    st.sampled_from(
        [
            lambda text: text, lambda text: text + " ", lambda text: text.replace(":", ": "),
            lambda text: text.replace("1", "1.0"), lambda text: text.replace("0", "-0"),
            lambda text: text.replace("{", '{"unknown":1,', 1).replace(",}", "}"), lambda text: text.replace("a", "\\u0061"),
        ]
    ),
)  # fmt: skip
def test_the_look_at_what_bytes_were_read_as_says_what_the_careful_one_says(
    toy: Toy, change: Callable[[str], str]
) -> None:
    data = change(msgspec.json.encode(toy, order="sorted").decode()).encode()
    try:
        read = msgspec.json.decode(data, type=Toy)
    except (msgspec.DecodeError, msgspec.ValidationError):
        return
    said = []
    for typed in (None, read):
        try:
            said.append(is_canonical(data, typed))
        except BadInput as bad:
            said.append(bad.code)
    assert said[0] == said[1]


@pytest.mark.parametrize("data", [b'{"a":1.0}', b'{"a":1e3}', b'{"a": 1.5}', b"[9007199254740992]", b"1.5", b'{"a":'])
def test_bytes_that_have_no_canonical_form_are_refused(data: bytes) -> None:
    with pytest.raises(BadInput):
        is_canonical(data)
