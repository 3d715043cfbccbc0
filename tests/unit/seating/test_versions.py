"""Versions: what is different, what is owed to bookings, where spots went, and two drafts made into one."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from classtap_core.seating.diff import as_plain, difference
from classtap_core.seating.model import SeatMap, Status, Visibility, ZoneKind
from classtap_core.seating.numbering import Numbering, number
from classtap_core.seating.versions import Conflict, Demand, Foreseen, foreseen, merge, remap, unkept, unsettled
from tests.unit.seating.rooms import room, spot_id, zone


def base() -> SeatMap:
    return number(room("abc"), Numbering())


def change(seat_map: SeatMap, place: int, **fields: object) -> SeatMap:
    spots = list(seat_map.spots)
    spots[place] = replace(spots[place], **fields)
    return replace(seat_map, spots=tuple(spots))


def test_added_removed_moved_renumbered_and_the_rest() -> None:
    before = base()
    after = change(
        change(before, 0, x_um=before.spots[0].x_um + 3_000, y_um=before.spots[0].y_um + 4_000), 1, label="VIP"
    )
    new = replace(before.spots[2], id="0" * 32)
    after = replace(
        after, spots=(*after.spots[:2], new), name="Other", zones=(zone(ZoneKind.STAGE, width_um=1, length_um=1),)
    )
    after = change(after, 0, tags=("accessible",))
    found = difference(before, after)
    assert as_plain(found) == {
        "added": ["0" * 32],
        "removed": [spot_id("1,3")],
        "moved": [{"id": spot_id("1,1"), "label": "A1", "by_um": 5_000, "turned_mdeg": 0}],
        "renumbered": [{"id": spot_id("1,2"), "before": "A2", "after": "VIP"}],
        "changed": [{"id": spot_id("1,1"), "fields": ["tags"]}],
        "parts": {"zones": {"added": [after.zones[0].id], "removed": [], "changed": []}},
        "settings": ["name"],
    }
    assert not difference(before, before)


def test_capacity_is_never_below_booked_and_held() -> None:
    seat_map = base()
    assert unkept(seat_map, Demand(booked=2, held=1)) == ()
    found = unkept(seat_map, Demand(booked=2, held=2))
    assert [(one.rule.value, one.required, one.actual) for one in found] == [("capacity", 4, 3)]


@pytest.mark.parametrize(
    "fields", [{"status": Status.OUT_OF_SERVICE}, {"visibility": Visibility.HIDDEN}, {"id": "0" * 32}]
)
def test_a_promised_spot_stays(fields: dict) -> None:
    promised = frozenset({spot_id("1,2")})
    assert unkept(base(), Demand(spots=promised)) == ()
    found = unkept(change(base(), 1, **fields), Demand(spots=promised))
    assert [(one.items, one.required, one.actual) for one in found] == [((spot_id("1,2"),), 1, 0)]


def test_spots_are_found_again_by_id_then_by_label() -> None:
    before = base()
    after = change(change(before, 1, id="1" * 32), 2, id="2" * 32, label="Z")
    found = remap(before, after, [spot.id for spot in before.spots])
    assert found.same == (spot_id("1,1"),)
    assert found.moved_to == {spot_id("1,2"): "1" * 32}
    assert found.exceptions == (spot_id("1,3"),)


def test_a_label_that_became_ambiguous_is_an_exception() -> None:
    before = base()
    after = change(change(before, 1, id="1" * 32), 2, id="2" * 32, label="A2")
    assert remap(before, after, [spot_id("1,2")]).exceptions == (spot_id("1,2"),)


def test_two_drafts_are_made_into_one_field_by_field() -> None:
    start = base()
    mine = change(change(start, 0, x_um=1), 1, label="mine")
    theirs = change(change(start, 0, tags=("premium",)), 1, label="theirs")
    theirs = replace(theirs, name="Theirs", spots=(*theirs.spots, replace(start.spots[0], id="0" * 32)))
    found = merge(start, mine, theirs)
    first, second, _, added = found.seat_map.spots
    assert (first.x_um, first.tags) == (1, ("premium",))
    assert second.label == "mine"
    assert added.id == "0" * 32
    assert found.seat_map.name == "Theirs"
    assert found.conflicts == (Conflict("spots", spot_id("1,2"), ("label",)),)


def test_what_one_removed_and_the_other_changed_is_a_conflict_and_stays() -> None:
    start = base()
    mine = replace(start, spots=start.spots[1:])
    theirs = change(start, 0, label="theirs")
    found = merge(start, mine, theirs)
    assert found.conflicts == (Conflict("spots", spot_id("1,1"), ()),)
    assert spot_id("1,1") in {spot.id for spot in found.seat_map.spots}
    untouched = merge(start, mine, start)
    assert untouched.seat_map == mine
    assert untouched.conflicts == ()


def edited(seat_map: SeatMap, chance: random.Random) -> SeatMap:
    for _ in range(chance.randrange(4)):
        if seat_map.spots:
            place = chance.randrange(len(seat_map.spots))
            field = chance.choice(({"x_um": chance.randrange(99)}, {"label": chance.choice("xyz")}, {"tags": ("t",)}))
            seat_map = change(seat_map, place, **field)
            if chance.random() < 0.2:
                seat_map = replace(seat_map, spots=seat_map.spots[:place] + seat_map.spots[place + 1 :])
    return seat_map


def by_id(seat_map: SeatMap) -> dict:
    return {spot.id: spot for spot in seat_map.spots}


@given(st.integers(0, 2**32))
def test_merging_is_fair(seed: int) -> None:
    chance = random.Random(seed)
    start = base()
    mine, theirs = edited(start, chance), edited(start, chance)
    assert merge(start, mine, start).seat_map == mine
    assert by_id(merge(start, start, theirs).seat_map) == by_id(theirs)
    one, other = merge(start, mine, theirs), merge(start, theirs, mine)
    assert set(one.conflicts) == set(other.conflicts)
    if not one.conflicts:
        assert by_id(one.seat_map) == by_id(other.seat_map)


def test_what_another_map_would_mean_to_a_session_is_foreseen() -> None:
    """Two are booked on A2 and B2; the other map has no B2, and calls B1 A2."""
    before = number(room("ab\ncd"), Numbering())
    spots = {spot.label: spot for spot in before.spots}
    after = replace(before, spots=(spots["A1"], replace(spots["B1"], label="A2")))
    demand = Demand(booked=2, held=1, spots=frozenset({spots["A2"].id, spots["B2"].id}))
    assert foreseen(before, after, demand) == Foreseen(
        lost={spots["A2"].id: spots["B1"].id, spots["B2"].id: ""}, short=1
    )
    assert foreseen(before, before, demand) == Foreseen(lost={}, short=0)
    assert foreseen(None, after, Demand(spots=frozenset({"elsewhere"}))).lost == {"elsewhere": ""}


def test_spots_that_are_moved_dropped_or_taken_out_of_sale_are_unsettled() -> None:
    before = number(room("abcd"), Numbering())
    moved = change(before, 0, x_um=before.spots[0].x_um + 1)
    assert unsettled(before, moved) == (before.spots[0].id,)
    assert unsettled(before, replace(before, spots=before.spots[1:])) == (before.spots[0].id,)
    assert unsettled(before, change(before, 2, status=Status.OUT_OF_SERVICE)) == (before.spots[2].id,)
    assert unsettled(before, change(before, 3, label="Z9", tags=("aisle",))) == ()
    assert unsettled(change(before, 1, visibility=Visibility.HIDDEN), replace(before, spots=())) == tuple(
        before.spots[at].id for at in (0, 2, 3)
    )
