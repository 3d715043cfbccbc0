"""Outcomes: a reason's parameters may have any names, and when a person who was told one was told another."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classtap_core.kernel.outcomes import (
    ACCEPTED,
    DUPLICATE,
    ItemOutcome,
    Outcome,
    Reason,
    Status,
    contested,
    reason,
    refused,
    told_same,
    undetermined,
)

SUPERSEDED = Outcome(status=Status.SUPERSEDED)


def test_a_parameter_may_be_called_code() -> None:
    wanted = Reason("conflict.certification", {"code": "first-aid"})
    assert reason("conflict.certification", **wanted.params) == wanted
    assert refused("conflict.certification", **wanted.params).reasons == (wanted,)
    assert contested("conflict.certification", **wanted.params).reasons == (wanted,)


item = st.builds(ItemOutcome, st.sampled_from(["a", "b"]), st.sampled_from(list(Status)))
outcomes = st.builds(
    lambda status, items: Outcome(status=status, items=tuple(items)),
    st.sampled_from(list(Status)),
    st.lists(item, max_size=2, unique_by=lambda item: item.key),
)


@given(outcomes, outcomes)
def test_told_the_same_is_fair(one: Outcome, other: Outcome) -> None:
    assert told_same(one, one)
    assert told_same(one, other) is told_same(other, one)
    if told_same(one, other) and one.items and other.items:
        for key in {i.key for i in one.items} & {i.key for i in other.items}:
            pair = {next(i.status for i in o.items if i.key == key) for o in (one, other)}
            assert len(pair) == 1 or pair == {Status.ACCEPTED, Status.DUPLICATE}


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (ACCEPTED, DUPLICATE, True),
        (ACCEPTED, SUPERSEDED, False),
        (ACCEPTED, Outcome(status=Status.ACCEPTED, items=(ItemOutcome("a", Status.ACCEPTED),)), True),
        (ACCEPTED, Outcome(status=Status.ACCEPTED, items=(ItemOutcome("a", Status.SUPERSEDED),)), False),
        (
            Outcome(status=Status.ACCEPTED, items=(ItemOutcome("a", Status.ACCEPTED),)),
            Outcome(status=Status.DUPLICATE, items=(ItemOutcome("a", Status.DUPLICATE),)),
            True,
        ),
        (undetermined("x"), ACCEPTED, True),
        (refused("a"), refused("b"), True),
    ],
)
def test_told_the_same(one: Outcome, other: Outcome, same: bool) -> None:
    assert told_same(one, other) is same
