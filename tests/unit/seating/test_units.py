"""Units: a foot is 0.3048 m exactly, and looking at a length never changes it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from classtap_core.kernel.errors import BadInput
from classtap_core.seating.model import FAR_UM, Unit
from classtap_core.seating.units import entered, reentered, shown
from classtap_core.seating.validation.checker import validate
from tests.unit.seating.rooms import room

LENGTHS = st.integers(0, FAR_UM - 10_000)


def test_the_international_foot() -> None:
    # NIST Handbook 44, appendix C: 1 foot = 0.3048 metre exactly
    assert entered("1", Unit.FOOT) == 304_800
    assert entered("32.81", Unit.FOOT) == 10_000_488
    assert shown(304_800, Unit.FOOT) == "1.00"
    assert shown(10_000_000, Unit.METRE) == "10.00"
    assert shown(10_000_000, Unit.FOOT) == "32.81"


@given(LENGTHS)
def test_what_is_shown_is_within_a_hundredth(length: int) -> None:
    for unit in Unit:
        assert abs(entered(shown(length, unit), unit) - length) <= entered("0.005", unit) + 1


@given(LENGTHS)
def test_a_thousand_flips_of_the_unit_move_nothing(length: int) -> None:
    now = length
    for flip in range(1000):
        unit = (Unit.METRE, Unit.FOOT)[flip % 2]
        now = reentered(shown(now, unit), now, unit)
    assert now == length


def test_flipping_the_unit_of_a_map_changes_no_verdict_and_no_place() -> None:
    seat_map = room("aa")
    crowded = replace(seat_map, limits=replace(seat_map.limits, spacing_um=600_000))
    feet = replace(crowded, unit=Unit.FOOT)
    assert validate(feet) == validate(crowded)
    assert feet.spots == crowded.spots


@pytest.mark.parametrize("text", ["", "ten", "nan", "inf", "1e999999999", "-1e12", "1,2,3"])
def test_what_is_no_length_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        entered(text, Unit.METRE)
