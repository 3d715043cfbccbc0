"""Differences by stable names: the catalogue's own examples, and every pair of states put right by its own steps."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classtap_core.auditing.diffs import Step, applied, differences, normal, patch
from classtap_core.kernel.errors import BadInput

BEFORE = {
    "cancellationPolicy": {"windowHours": 24},
    "waitlist": {"mode": "FIFO", "rules": [{"id": "r1", "minutesBefore": 30}, {"id": "r2", "minutesBefore": 5}]},
}
AFTER = {
    "cancellationPolicy": {"windowHours": 12},
    "waitlist": {"mode": "PRIORITY", "rules": [{"id": "r2", "minutesBefore": 5}, {"id": "r1", "minutesBefore": 45}]},
}


def test_the_catalogues_settings() -> None:
    """Catalogue 38, Normalized Diff for Nested Settings: exactly three, none for the order."""
    found = differences(BEFORE, AFTER)
    assert [(step.place, step.before, step.after) for step in found] == [
        ("cancellationPolicy.windowHours", 24, 12),
        ("waitlist.mode", "FIFO", "PRIORITY"),
        ("waitlist.rules[r1].minutesBefore", 30, 45),
    ]
    assert patch(found, root="/policy/1")[2] == {
        "op": "replace", "path": "/policy/1/waitlist/rules/[r1]/minutesBefore", "value": 45, "was": 30,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"roles": ["Instructor", "Admin"]}, {"roles": ["Admin", "Instructor"]}),
        ({"a": None}, {}),
        ({}, {"a": None}),
        ({"a": []}, {"a": {}}),
        (None, {}),
    ],
)
def test_order_and_nulls_say_nothing(before: dict[str, object] | None, after: dict[str, object]) -> None:
    assert differences(before, after) == ()


def test_roles_are_a_set() -> None:
    assert differences({"roles": ["Instructor"]}, {"roles": ["Admin", "Instructor"]}) == (
        Step(("roles",), "join", after="Admin"),
    )
    assert differences({"roles": ["Instructor", "Admin"]}, {"roles": ["Admin"]}) == (
        Step(("roles",), "leave", before="Instructor"),
    )


def test_true_is_not_one() -> None:
    assert [step.op for step in differences({"deny": True}, {"deny": 1})] == ["replace"]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(0, 9) | st.sampled_from(["", "a", "b~/c"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["m", "n", "o/p"]), inner, max_size=3)
        | st.lists(st.fixed_dictionaries({"id": st.sampled_from(["r1", "r2", "r3"]), "m": inner}), max_size=3)
    ),
    max_leaves=12,
)
STATES = st.dictionaries(st.sampled_from(["x", "y", "z"]), VALUES, max_size=3)


@given(STATES, STATES)
def test_the_steps_make_the_one_the_other(before: dict[str, object], after: dict[str, object]) -> None:
    assert applied(differences(before, after), before) == (normal(after) or {})


@given(STATES)
def test_nothing_differs_from_itself(state: dict[str, object]) -> None:
    assert differences(state, json.loads(json.dumps(state))) == ()


def test_a_step_that_does_not_fit_is_told() -> None:
    with pytest.raises(BadInput, match=r"audit\.patch"):
        applied([Step(("rules", "[r9]", "m"), "replace", 1, 2)], {"rules": [{"id": "r1", "m": 1}]})


def test_items_come_change_and_go() -> None:
    """Whole items of a list, which a difference of named items may say, and each what it was."""
    before = {"rules": [{"id": "r1", "m": 1}, {"id": "r2", "m": 2}]}
    steps = (
        Step(("rules", "[r3]"), "add", after={"id": "r3", "m": 3}),
        Step(("rules", "[r1]"), "remove", before={"id": "r1", "m": 1}),
        Step(("rules", "[r2]"), "replace", before={"id": "r2", "m": 2}, after={"id": "r2", "m": 9}),
    )
    assert applied(steps, before) == {"rules": [{"id": "r2", "m": 9}, {"id": "r3", "m": 3}]}


def test_a_field_goes() -> None:
    assert applied([Step(("a",), "remove", before=1)], {"a": 1, "b": 2}) == {"b": 2}


def test_members_come_and_go() -> None:
    steps = (Step(("roles",), "join", after="Admin"), Step(("roles",), "leave", before="Instructor"))
    assert applied(steps, {"roles": ["Instructor", "Owner"]}) == {"roles": ["Admin", "Owner"]}
