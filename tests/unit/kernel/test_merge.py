"""Edits that meet: the table of what stands."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classtap_core.kernel.merge import merge


@pytest.mark.parametrize(
    ("current", "base", "wanted", "values", "review"),
    [
        ("a", "a", "b", {"f": "b"}, ()),  # nobody else: written
        ("c", "a", "b", {"f": "b"}, ("f",)),  # somebody else: the last confirmed wins, unless sensitive
        ("b", "a", "b", {}, ()),  # the same wish twice
        ("a", "a", "a", {}, ()),  # no wish
        (None, "a", "b", {"f": "b"}, ("f",)),  # emptied meanwhile
        ("a", None, "b", {"f": "b"}, ("f",)),  # filled meanwhile
        ("a", "a", None, {"f": None}, ()),  # emptied by this one
        (None, None, "b", {"f": "b"}, ()),  # filled by this one
        ("c", "a", "a", {}, ()),  # left as it was seen: somebody else's change stays
    ],
)
def test_one_field(current: Any, base: Any, wanted: Any, values: dict[str, Any], review: tuple[str, ...]) -> None:
    open_field = merge({"f": current}, {"f": base}, {"f": wanted})
    assert (open_field.values, open_field.review) == (values, ())
    sensitive = merge({"f": current}, {"f": base}, {"f": wanted}, sensitive={"f"})
    assert (sensitive.values, sensitive.review) == ({} if review else values, review)


fields = st.dictionaries(st.sampled_from("abcd"), st.integers(0, 2), max_size=4)


@given(current=fields, base=fields, wanted=fields, sensitive=st.sets(st.sampled_from("abcd")))
def test_no_field_is_lost_and_none_is_invented(
    current: dict[str, int], base: dict[str, int], wanted: dict[str, int], sensitive: set[str]
) -> None:
    merged = merge(current, base, wanted, sensitive=sensitive)
    assert set(merged.values) | set(merged.review) <= set(wanted)
    assert not set(merged.values) & set(merged.review)
    assert set(merged.review) <= sensitive
    after = {**current, **merged.values}
    for name, value in wanted.items():
        assert after.get(name) == value or name in merged.review or base.get(name) == value
    again = merge(after, base, {name: wanted[name] for name in merged.values}, sensitive=sensitive)
    assert again == ({}, ())


def test_edits_of_different_fields_both_stand_in_any_order() -> None:
    base = {"name": "Ana", "phone": "1"}
    mine, yours = {"name": "Anna"}, {"phone": "2"}
    first = {**base, **merge(base, base, mine).values}
    second = {**base, **merge(base, base, yours).values}
    both = {"name": "Anna", "phone": "2"}
    assert {**first, **merge(first, base, yours).values} == both
    assert {**second, **merge(second, base, mine).values} == both
