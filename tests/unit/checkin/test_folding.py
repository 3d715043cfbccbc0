"""Attendance is a fold: any order of arrival, any repeats, the same record; and who wins is settled (ruling 3, E4)."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classtap_core.checkin.records import Mark, State
from classtap_core.checkin.rules import (
    LONGEST_NOTE,
    Window,
    is_tie,
    mark_trouble,
    standing,
    wants_reason,
    window_of,
    with_mark,
)
from classtap_core.kernel.ids import Id, derived

KIOSK_1, KIOSK_2, DESK = (derived("device", name) for name in ("1", "2", "desk"))
HALF = 5_000


def mark(
    at: int, state: State = State.PRESENT, *, device: Id = KIOSK_1, sequence: int = 1, corrects: str = "",
    author: str = "device", half: int = HALF, note: str = "",
) -> Mark:  # fmt: skip
    name = derived("op", str(at), state, device, str(sequence), corrects, note)
    return Mark(
        operation=name, order=(at, device, sequence), earliest=at - half, latest=at + half, state=state, author=author,
        by=device, corrects=corrects, note=note,
    )  # fmt: skip


def folded(*marks: Mark) -> tuple[Mark, ...]:
    held: tuple[Mark, ...] = ()
    for one in marks:
        held = with_mark(held, one)
    return held


def in_every_order(*marks: Mark) -> State:
    """The state they come to, having checked that no order of arrival comes to another."""
    results = {folded(*order) for order in itertools.permutations(marks)}
    assert len(results) == 1
    return standing(results.pop()).state


def test_before_any_mark_there_is_none() -> None:
    """Ruling 7."""
    assert standing(()).state is State.NONE
    assert standing(()).mark is None


def test_the_earliest_first_mark_holds_whoever_is_heard_first() -> None:
    late = mark(1_000_000, State.LATE, device=KIOSK_1)
    present = mark(1_060_000, State.PRESENT, device=KIOSK_2)
    assert in_every_order(late, present) is State.LATE
    assert not standing((late, present)).tie


def test_of_one_instant_the_device_then_the_sequence_decide_and_both_are_ties() -> None:
    one, other = mark(1_000, State.LATE, device=KIOSK_1), mark(1_000, State.ABSENT, device=KIOSK_2)
    first = min((one, other), key=lambda each: each.order)
    assert in_every_order(one, other) is first.state
    assert standing(folded(one, other)).tie
    same_device = mark(1_000, State.ABSENT, device=KIOSK_1, sequence=2)
    assert in_every_order(one, same_device) is State.LATE
    assert not standing(folded(one, same_device)).tie


def test_clocks_that_may_have_agreed_are_a_tie_and_the_order_stands() -> None:
    early, later = mark(0, State.LATE), mark(2 * HALF, State.PRESENT, device=KIOSK_2)
    assert is_tie(early, later)
    assert in_every_order(early, later) is State.LATE
    assert not is_tie(early, mark(2 * HALF + 1, device=KIOSK_2))


def test_a_correction_beats_what_it_names_and_every_first_mark_whatever_its_time() -> None:
    absent = mark(5_000_000, State.ABSENT, device=KIOSK_1)
    present = mark(1_000_000, State.PRESENT, device=DESK, corrects=absent.operation)  # a desk whose clock is slow
    assert in_every_order(absent, present) is State.PRESENT
    assert in_every_order(absent, present, mark(10, State.LATE, device=KIOSK_2)) is State.PRESENT


def test_a_correction_of_a_correction_beats_it_whatever_its_time() -> None:
    first = mark(1_000_000)
    again = mark(9_000_000, State.ABSENT, device=DESK, corrects=first.operation)
    final = mark(2_000_000, State.LATE, device=KIOSK_2, corrects=again.operation)
    assert in_every_order(first, again, final) is State.LATE


def test_of_two_corrections_side_by_side_the_latest_holds() -> None:
    first = mark(1_000_000)
    one = mark(2_000_000, State.ABSENT, device=DESK, corrects=first.operation)
    other = mark(3_000_000, State.LATE, device=KIOSK_2, corrects=first.operation)
    assert in_every_order(first, one, other) is State.LATE


def test_clearing_is_a_correction_and_can_be_taken_back() -> None:
    first = mark(1_000_000)
    cleared = mark(1_001_000, State.NONE, sequence=2, corrects=first.operation)
    assert in_every_order(first, cleared) is State.NONE
    anew = mark(1_002_000, State.LATE, sequence=3, corrects=cleared.operation)
    assert in_every_order(first, cleared, anew) is State.LATE


def test_marks_that_correct_each_other_still_come_to_one_state() -> None:
    """No honest device can make a ring; a dishonest one must not make two devices disagree."""
    one = mark(1_000, State.ABSENT, corrects="x")
    ring = (
        Mark(**{**_fields(one), "operation": derived("op", "a"), "corrects": derived("op", "b")}),
        Mark(
            **{
                **_fields(one),
                "operation": derived("op", "b"),
                "corrects": derived("op", "a"),
                "order": (2_000, DESK, 1),
            }
        ),
    )
    assert in_every_order(*ring) is State.ABSENT
    held = standing(folded(*ring)).mark
    assert held is not None
    assert held.order == (2_000, DESK, 1)


def _fields(one: Mark) -> dict[str, object]:
    return {name: getattr(one, name) for name in one.__struct_fields__}


def test_a_device_that_repeats_itself_adds_nothing() -> None:
    first, again = mark(1_000, sequence=1), mark(9_000, sequence=2)
    assert folded(first, again) == folded(again, first) == (first,)
    noted = mark(9_000, sequence=3, note="Has a cold")
    assert folded(first, noted) == (first, noted)


devices = st.sampled_from([KIOSK_1, KIOSK_2, DESK])
firsts = st.builds(
    mark, st.integers(0, 50_000), st.sampled_from([State.PRESENT, State.LATE, State.ABSENT]), device=devices,
    sequence=st.integers(1, 5), half=st.sampled_from([0, 500, HALF]),
)  # fmt: skip


@st.composite
def histories(draw: st.DrawFn) -> list[Mark]:
    """First marks, and corrections of marks that are there."""
    found = draw(st.lists(firsts, min_size=1, max_size=5, unique_by=lambda one: one.operation))
    for _ in range(draw(st.integers(0, 4))):
        target = draw(st.sampled_from(found))
        one = draw(firsts)
        state = draw(st.sampled_from(list(State)))
        sequence = 10 + len(found)
        found.append(mark(one.at_ms, state, device=Id(one.device), sequence=sequence, corrects=target.operation))
    return found


@given(histories(), st.randoms(use_true_random=False))
def test_the_fold_is_free_of_order_and_of_repeats(history: list[Mark], random: object) -> None:
    shuffled = [*history, *history[:2]]
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    held = folded(*history)
    assert folded(*shuffled) == held
    assert folded(*held, *shuffled) == held
    assert standing(held[::-1]).state is standing(held).state


@given(histories())
def test_a_correction_nobody_corrected_never_loses_to_a_first_mark(history: list[Mark]) -> None:
    held = standing(folded(*history)).mark
    assert held is not None
    assert bool(held.corrects) is any(one.corrects for one in history)


NOW, END = 1_000_000, 4_000_000


@pytest.mark.parametrize(
    ("state", "fields", "code"),
    [
        ("present", {}, ""),
        ("left", {}, "attendance.state"),
        ("none", {}, "attendance.nothing_to_clear"),
        ("none", {"corrects": "x"}, ""),
        ("absent", {"note": "  "}, "attendance.note_blank"),
        ("absent", {"note": "é" * LONGEST_NOTE}, ""),
        ("absent", {"note": "é" * (LONGEST_NOTE + 1)}, "attendance.note_long"),
        ("late", {"expected_ms": NOW}, ""),
        ("late", {"expected_ms": END}, ""),
        ("late", {"expected_ms": NOW - 1}, "attendance.expected"),
        ("late", {"expected_ms": END + 1}, "attendance.expected"),
        ("present", {"expected_ms": NOW}, "attendance.expected"),
    ],
)
def test_what_a_mark_may_say(state: str, fields: dict[str, object], code: str) -> None:
    """Catalogue 14: notes up to 250 characters, not blank; arrival between now and the class's end."""
    said = {"corrects": "", "note": "", "expected_ms": 0, **fields}
    assert mark_trouble(state, at_ms=NOW, session_end_ms=END, **said) == code  # type: ignore[arg-type]


def test_late_and_absent_want_a_reason_and_stand_without() -> None:
    assert [wants_reason(mark(1, state)) for state in State] == [False, False, True, True]


def test_the_window_is_of_starts_and_its_ends_belong_to_it() -> None:
    """Catalogue 14: starts in [t - T_before, t + T_after]."""
    window = Window(before_min=30, after_min=60)
    minute = 60_000
    assert [window.holds(start * minute, 100 * minute) for start in (69, 70, 100, 160, 161)] == [
        False, True, True, True, False,
    ]  # fmt: skip
    assert window_of({}) == Window(30, 60)
    assert window_of({"before_min": 15, "unknown": "x"}) == Window(15, 60)
