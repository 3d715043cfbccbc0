"""Recurrence on the wall clock, beside RFC 5545's own examples and a second library (libical)."""

import itertools
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classtap_core.kernel.errors import BadInput
from classtap_core.timekeeping import recurrence
from classtap_core.timekeeping.rules import instant_ms, local_of
from tests.oracles.calendar_libical import expanded

MADRID = "Europe/Madrid"

# RFC 5545 3.8.5.3, with the dates it prints.
PRINTED = [
    ("FREQ=DAILY;COUNT=10", "1997-09-02T09:00", [f"1997-09-{day:02}" for day in range(2, 12)]),
    ("FREQ=WEEKLY;COUNT=10;WKST=SU;BYDAY=TU,TH", "1997-09-02T09:00",
     ["1997-09-02", "1997-09-04", "1997-09-09", "1997-09-11", "1997-09-16", "1997-09-18", "1997-09-23", "1997-09-25",
      "1997-09-30", "1997-10-02"]),
    ("FREQ=WEEKLY;INTERVAL=2;COUNT=8;WKST=SU;BYDAY=TU,TH", "1997-09-02T09:00",
     ["1997-09-02", "1997-09-04", "1997-09-16", "1997-09-18", "1997-09-30", "1997-10-02", "1997-10-14", "1997-10-16"]),
    ("FREQ=MONTHLY;COUNT=10;BYDAY=1FR", "1997-09-05T09:00",
     ["1997-09-05", "1997-10-03", "1997-11-07", "1997-12-05", "1998-01-02", "1998-02-06", "1998-03-06", "1998-04-03",
      "1998-05-01", "1998-06-05"]),
    ("FREQ=MONTHLY;COUNT=3;BYDAY=TU,WE,TH;BYSETPOS=3", "1997-09-04T09:00", ["1997-09-04", "1997-10-07", "1997-11-06"]),
    ("FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=MO", "1997-08-05T09:00",
     ["1997-08-05", "1997-08-10", "1997-08-19", "1997-08-24"]),
    ("FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=SU", "1997-08-05T09:00",
     ["1997-08-05", "1997-08-17", "1997-08-19", "1997-08-31"]),
    ("FREQ=MONTHLY;BYMONTHDAY=15,30;COUNT=5", "2007-01-15T09:00",
     ["2007-01-15", "2007-01-30", "2007-02-15", "2007-03-15", "2007-03-30"]),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "first", "days"), PRINTED)
def test_the_standard_s_examples(rule: str, first: str, days: list[str]) -> None:
    found = recurrence.starts(recurrence.normal(rule, MADRID), first, through="2010-12-31")
    assert found == tuple(f"{day}T09:00" for day in days)


_DAYS = st.lists(st.sampled_from(["MO", "TU", "WE", "TH", "FR", "SA", "SU"]), min_size=1, max_size=4, unique=True)


@st.composite
def rules(draw: st.DrawFn) -> str:
    frequency = draw(st.sampled_from(["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]))
    parts = [f"FREQ={frequency}", f"INTERVAL={draw(st.integers(1, 4))}"]
    if draw(st.booleans()):
        parts.append(f"COUNT={draw(st.integers(1, 30))}")
    if frequency == "WEEKLY":
        parts += [f"BYDAY={','.join(draw(_DAYS))}", f"WKST={draw(st.sampled_from(['MO', 'SU']))}"]
    if frequency == "MONTHLY":
        numbered = draw(st.sampled_from(["BYDAY=1MO", "BYDAY=-1FR", "BYMONTHDAY=31", "BYMONTHDAY=-1", "BYDAY=2TU,4TH"]))
        parts.append(numbered)
    return ";".join(parts)


@pytest.mark.needs("libical")
@settings(max_examples=150, deadline=None)
@given(rules(), st.dates(date(2020, 1, 1), date(2030, 12, 31)))
def test_every_rule_gives_what_libical_gives(rule: str, day: date) -> None:
    """From the first day the rule itself names: before that, RFC 5545 leaves it undefined, and libraries differ."""
    begin = next((at for at in _days(day) if _gives(rule, at)), None)
    if begin is None:
        return
    first = f"{begin}T09:00"
    mine = recurrence.starts(recurrence.normal(rule, MADRID), first, through=str(begin + timedelta(days=900)))
    assert list(mine) == expanded(rule, first, most=len(mine))


def _days(first: date) -> list[date]:
    return [first + timedelta(days=number) for number in range(62)]


def _gives(rule: str, day: date) -> bool:
    try:
        return bool(recurrence.starts(rule, f"{day}T09:00", through=str(day)))
    except BadInput:
        return False


def test_nine_stays_nine_when_clocks_change() -> None:
    found = recurrence.starts("FREQ=WEEKLY;BYDAY=SA", "2026-03-21T09:00", through="2026-04-04")
    instants = [instant_ms(local, MADRID) for local in found]
    assert [local_of(at, MADRID)[11:] for at in instants] == ["09:00"] * 3
    assert [(later - at) / 3_600_000 for at, later in itertools.pairwise(instants)] == [168.0, 167.0]


@pytest.mark.parametrize(
    ("rule", "normal"),
    [
        ("RRULE:FREQ=WEEKLY;BYDAY=MO;UNTIL=20261231T090000Z", "FREQ=WEEKLY;UNTIL=20261231T100000;BYDAY=MO"),
        ("freq=daily;until=20260331", "FREQ=DAILY;UNTIL=20260331T235900"),
        ("COUNT=3;FREQ=DAILY", "FREQ=DAILY;COUNT=3"),
        ("FREQ=DAILY;UNTIL=20260331T120000", "FREQ=DAILY;UNTIL=20260331T120000"),
    ],
)
def test_a_rule_has_one_form(rule: str, normal: str) -> None:
    assert recurrence.normal(rule, MADRID) == normal
    assert recurrence.normal(normal, MADRID) == normal


@pytest.mark.parametrize("rule", [
    "", "x", "FREQ=HOURLY", "FREQ=WEEKLY;BYHOUR=3", "FREQ=WEEKLY;BYDAY=XX", "FREQ=WEEKLY;COUNT=0", "INTERVAL=2",
    "FREQ=WEEKLY;INTERVAL=0", "FREQ=WEEKLY;COUNT=-2", "FREQ=MONTHLY;BYMONTHDAY=99", "FREQ=WEEKLY;UNTIL=2026",
    "FREQ=WEEKLY;BYDAY=1MO", "FREQ=DAILY;FREQ=DAILY", "FREQ=DAILY;COUNT=2;UNTIL=20260101", "FREQ=WEEKLY;BYMONTHDAY=1",
    "FREQ=DAILY;UNTIL=20261399",
])  # fmt: skip
def test_what_is_no_rule(rule: str) -> None:
    with pytest.raises(BadInput, match=r"recurrence\.rule"):
        recurrence.normal(rule, MADRID)


def test_a_first_start_that_the_rule_does_not_give_is_refused() -> None:
    with pytest.raises(BadInput, match=r"recurrence\.start"):
        recurrence.starts("FREQ=WEEKLY;BYDAY=MO", "2026-01-06T09:00", through="2026-12-31")
    with pytest.raises(BadInput, match=r"recurrence\.start"):
        recurrence.starts("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "2026-02-28T09:00", through="2026-12-31")
    assert recurrence.starts("FREQ=WEEKLY;BYDAY=MO", "2026-01-05T09:00", through="2026-01-04") == ()


def test_no_series_is_expanded_without_end() -> None:
    with pytest.raises(BadInput, match=r"recurrence\.long"):
        recurrence.starts("FREQ=DAILY", "2026-01-01T09:00", through="2037-01-01")


def test_whether_a_rule_goes_on_and_where_it_begins() -> None:
    new_year = "2026-01-01T09:00"
    assert recurrence.goes_on("FREQ=DAILY", new_year, through="2030-01-01")
    assert recurrence.goes_on("FREQ=DAILY;COUNT=3", new_year, through="2026-01-02")
    assert not recurrence.goes_on("FREQ=DAILY;COUNT=3", new_year, through="2026-01-03")
    assert not recurrence.goes_on("FREQ=DAILY;UNTIL=20260101T235900", new_year, through="2026-01-01")
    assert recurrence.first_start("FREQ=WEEKLY;BYDAY=TU", "2026-01-05T09:00") == "2026-01-06T09:00"
    with pytest.raises(BadInput, match=r"recurrence\.start"):
        recurrence.first_start("FREQ=DAILY;UNTIL=20250101T235900", new_year)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 4), _DAYS, st.integers(5, 20), st.integers(1, 4), st.integers(-6, 6), st.booleans())
def test_a_series_cut_in_two_gives_the_same_starts_moved(
    interval: int, days: list[str], count: int, cut: int, shift: int, until: bool
) -> None:
    """Cut before its `cut`-th start: what was before is as it was, what comes after moves by whole days."""
    base = f"FREQ=WEEKLY;INTERVAL={interval};BYDAY={','.join(days)}"
    first = next(f"{at}T09:00" for at in _days(date(2026, 1, 1)) if _gives(base, at))
    everything = recurrence.starts(f"{base};COUNT={count}", first, through="2036-01-01")
    rule = f"{base};UNTIL={everything[-1][:10].replace('-', '')}T235900" if until else f"{base};COUNT={count}"
    rule = recurrence.normal(rule, MADRID)
    at = everything[cut]
    assert recurrence.starts(recurrence.ended_before(rule, at), first, through="2036-01-01") == everything[:cut]
    moved = tuple(f"{date.fromisoformat(one[:10]) + timedelta(days=shift)}T09:00" for one in everything[cut:])
    rest = recurrence.continued(rule, after=cut, days=shift)
    assert recurrence.starts(rest, moved[0], through="2036-01-01") == moved


@pytest.mark.parametrize("rule", [
    "FREQ=MONTHLY;BYDAY=1MO", "FREQ=MONTHLY;BYMONTHDAY=3", "FREQ=MONTHLY", "FREQ=YEARLY", "FREQ=DAILY;BYMONTH=3",
])  # fmt: skip
def test_a_rule_whose_days_do_not_move_alike_is_not_moved(rule: str) -> None:
    assert recurrence.continued(rule, after=1, days=0) == rule
    with pytest.raises(BadInput, match=r"recurrence\.shift"):
        recurrence.continued(rule, after=1, days=1)


@pytest.mark.parametrize(
    ("rule", "days", "expected"),
    [
        ("FREQ=DAILY;COUNT=5", 2, "FREQ=DAILY;COUNT=4"),
        ("FREQ=WEEKLY;INTERVAL=2;COUNT=5", 1, "FREQ=WEEKLY;INTERVAL=2;COUNT=4;WKST=TU"),
    ],
)
def test_a_rule_that_names_no_day_moves_with_its_start(rule: str, days: int, expected: str) -> None:
    assert sorted(recurrence.continued(rule, after=1, days=days).split(";")) == sorted(expected.split(";"))
