"""The engine: ages against dateutil and Java's rule by enumeration, conditions by truth table, cures by trying every day."""

from datetime import date, timedelta
from itertools import product

import pytest
from dateutil.relativedelta import relativedelta
from hypothesis import given, settings
from hypothesis import strategies as st

from classtap_core.eligibility import rules
from classtap_core.eligibility.rules import (
    Advise,
    Age,
    Condition,
    Decision,
    During,
    Every,
    Fulfilled,
    Grade,
    Learner,
    Member,
    Membership,
    Never,
    Occasion,
    Prerequisite,
    Some,
    Tagged,
    Verdict,
)
from classtap_core.kernel.errors import BadInput

DAY = timedelta(days=1)


def judge(condition: Condition, learner: Learner, first: str = "2025-10-01", last: str = "") -> Decision:
    return rules.decide(rules.write(condition), learner, Occasion(first, last or first))


def codes(decision: Decision) -> list[str]:
    return [":".join([one.code, *(str(value) for value in one.params.values())]) for one in decision.reasons]


def days(first: date, count: int) -> list[date]:
    return [first + number * DAY for number in range(count)]


# -- ages


def test_months_by_walking_through_the_calendar() -> None:
    """Every birthday of a leap cycle, day by day for two years: a month is over on its day, or on the 1st after it."""
    for birth in days(date(2019, 12, 25), 1470):
        age = 0
        for on in days(birth + DAY, 760):
            before = on - DAY
            age += on.day == birth.day or (on.day == 1 and before.day < birth.day)
            assert rules.months(birth, on) == age, (birth, on)


def test_months_are_relativedelta_s_where_every_month_has_the_day() -> None:
    for birth, on in product(days(date(2015, 12, 25), 60), days(date(2023, 12, 20), 1200)):
        if birth.day <= 28:
            found = relativedelta(on, birth)
            assert rules.months(birth, on) == found.years * 12 + found.months, (birth, on)


# `SELECT age(DATE …, DATE …)` of PostgreSQL 15, in months.
PRINTED = [
    ("2020-02-29", "2021-02-28", 11), ("2020-02-29", "2021-03-01", 12), ("2020-02-29", "2024-02-29", 48),
    ("2020-01-31", "2020-02-29", 0), ("2020-01-31", "2020-03-01", 1), ("2020-03-31", "2024-02-29", 46),
]  # fmt: skip


@pytest.mark.parametrize(("birth", "on", "expected"), PRINTED)
def test_months_as_postgresql_prints_them(birth: str, on: str, expected: int) -> None:
    assert rules.months(date.fromisoformat(birth), date.fromisoformat(on)) == expected


@pytest.mark.parametrize(
    ("birth", "age_months", "first"),
    [
        ("2020-02-29", 12, "2021-03-01"), ("2020-02-29", 48, "2024-02-29"), ("2020-02-29", 60, "2025-03-01"),
        ("2020-01-31", 1, "2020-03-01"), ("2019-01-31", 1, "2019-03-01"), ("2020-12-31", 2, "2021-03-01"),
        ("2020-03-31", 1, "2020-05-01"), ("2017-09-16", 96, "2025-09-16"), ("2020-12-15", 1, "2021-01-15"),
    ],
)  # fmt: skip
def test_the_first_day_somebody_is_so_old(birth: str, age_months: int, first: str) -> None:
    assert rules.month_day(date.fromisoformat(birth), age_months).isoformat() == first


@settings(max_examples=400, deadline=None)
@given(st.dates(date(2000, 1, 1), date(2025, 12, 31)), st.integers(0, 240))
def test_that_day_is_the_first(birth: date, age_months: int) -> None:
    first = rules.month_day(birth, age_months)
    assert rules.months(birth, first) >= age_months
    assert rules.months(birth, first - DAY) < age_months


SEVEN_TO_NINE = Age(min_months=84, max_months=119)


@pytest.mark.parametrize(
    ("condition", "birth", "first", "last", "expected"),
    [
        # The catalogue (09) calls the first too young and the third too old; by the calendar they are 7 and 8.
        (SEVEN_TO_NINE, "2017-09-16", "2025-09-15", "", []),
        (SEVEN_TO_NINE, "2016-09-15", "2025-09-15", "", []),
        (Age(min_months=84, max_months=119, on="end"), "2016-12-16", "2025-09-15", "2025-12-15", []),
        (Age(min_months=84, on="2025-09-01"), "2018-09-02", "2025-10-01", "", ["eligibility.cutoff:84:2025-09-01"]),
        (Age(min_months=60, max_months=95), "2020-09-16", "2025-09-15", "", ["eligibility.too_young:60"]),
        (Age(min_months=60, max_months=95), "2020-09-15", "2025-09-15", "", []),
        (Age(min_months=60, max_months=95), "2017-09-16", "2025-09-15", "", []),
        (Age(min_months=60, max_months=95), "2017-09-15", "2025-09-15", "", ["eligibility.too_old:95"]),
        (Age(max_months=35), "2022-02-29", "2025-02-28", "", None),
        (Age(min_months=12), "2024-02-29", "2025-02-28", "", ["eligibility.too_young:12"]),
        (Age(min_months=12), "2024-02-29", "2025-03-01", "", []),
        (SEVEN_TO_NINE, "", "2025-09-15", "", ["eligibility.birth_date_missing"]),
    ],
)
def test_ages_on_the_day_that_counts(
    condition: Condition, birth: str, first: str, last: str, expected: list[str] | None
) -> None:
    if expected is None:
        with pytest.raises(BadInput):
            judge(condition, Learner(birth), first, last)
        return
    assert codes(judge(condition, Learner(birth), first, last)) == expected


# -- grades


@pytest.mark.parametrize(
    ("day", "grade"),
    [("2025-09-01", 3), ("2025-10-01", 3), ("2026-08-31", 3), ("2026-09-01", 4), ("2025-08-31", 2), ("2028-10-01", 6)],
)
def test_a_grade_rises_with_every_school_year(day: str, grade: int) -> None:
    learner = Learner(grade=3, graded="2025-10-01")
    assert rules.grade_on(learner, date.fromisoformat(day)) == grade


def test_grades_in_a_term_as_in_the_catalogue() -> None:
    term = During("2025-09-01", "2025-12-31", Grade(min=3, max=5))
    assert judge(term, Learner(grade=4, graded="2025-10-01")).verdict is Verdict.ALLOW
    assert codes(judge(term, Learner(grade=2, graded="2025-10-01"))) == ["eligibility.grade_low:3"]
    assert codes(judge(term, Learner(grade=6, graded="2025-10-01"))) == ["eligibility.grade_high:5"]
    assert judge(term, Learner(grade=2, graded="2025-10-01"), "2026-01-05").verdict is Verdict.ALLOW
    assert codes(judge(term, Learner())) == ["eligibility.grade_missing"]


# -- prerequisites, tags, membership


LEVELS = Some((Every((Prerequisite("Level1"), Prerequisite("Level2"))), Tagged("approved"), Tagged("exception")))


def done(*codes: str, tags: tuple[str, ...] = ()) -> Learner:
    return Learner(prerequisites=tuple(Fulfilled(code, "2025-01-01") for code in codes), tags=frozenset(tags))


def test_the_catalogue_s_composite_example() -> None:
    assert judge(LEVELS, done("Level1", "Level2")).reasons == ()
    assert codes(judge(LEVELS, done("Level1")))[0] == "eligibility.prerequisite:Level2"
    assert judge(LEVELS, done("Level1", tags=("approved",))).verdict is Verdict.ALLOW
    barred = Every((LEVELS, Never(Tagged("ban"))))
    assert codes(judge(barred, done("Level1", tags=("ban",))))[0] == "eligibility.excluded:ban"
    assert judge(barred, done(tags=("approved",))).verdict is Verdict.ALLOW


def test_what_was_done_counts_from_its_day_to_its_last() -> None:
    learner = Learner(prerequisites=(Fulfilled("swim", "2025-10-01", "2025-10-31"),))
    verdicts = {day: judge(Prerequisite("swim"), learner, day).verdict for day in
                ("2025-09-30", "2025-10-01", "2025-10-31", "2025-11-01")}  # fmt: skip
    assert list(verdicts.values()) == [Verdict.BLOCK, Verdict.ALLOW, Verdict.ALLOW, Verdict.BLOCK]


def test_members_of_any_plan_or_of_one() -> None:
    learner = Learner(memberships=(Membership("gold", "2025-01-01", "2025-10-01"),))
    assert judge(Member(), learner).verdict is Verdict.ALLOW
    assert judge(Member("gold"), learner).verdict is Verdict.ALLOW
    assert codes(judge(Member("silver"), learner)) == ["eligibility.member:silver"]
    assert judge(Member(), learner, "2025-10-02").verdict is Verdict.BLOCK


def test_advice_warns_and_says_why() -> None:
    decision = judge(Every((Advise(Prerequisite("swim")), Tagged("ok"))), done(tags=("ok",)))
    assert (decision.verdict, codes(decision)) == (Verdict.WARN, ["eligibility.prerequisite:swim"])
    assert decision.verdict.word == "warn"


def test_no_rule_asks_for_nothing() -> None:
    assert rules.decide("", Learner(), Occasion("2025-10-01", "2025-10-01")) == rules.ALLOWED


def test_at_most_five_reasons_and_in_one_order() -> None:
    many = Every((Member("m"), *(Prerequisite(f"p{number}") for number in range(9)), Never(Tagged("ban"))))
    found = codes(judge(many, done(tags=("ban",))))
    assert found == ["eligibility.excluded:ban", *(f"eligibility.prerequisite:p{number}" for number in range(4))]


TREES = [
    lambda a, b, c: Every((a, b, c)), lambda a, b, c: Some((a, b, c)), lambda a, b, c: Every((Some((a, b)), c)),
    lambda a, b, c: Some((Every((a, b)), c)), lambda a, b, c: Never(Every((a, Never(b), c))),
    lambda a, b, c: Some((Never(a), Every((b, Never(c))))),
]  # fmt: skip
TRUTHS = [
    lambda a, b, c: a and b and c, lambda a, b, c: a or b or c, lambda a, b, c: (a or b) and c,
    lambda a, b, c: (a and b) or c, lambda a, b, c: not (a and not b and c), lambda a, b, c: not a or (b and not c),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(TREES)))
def test_and_or_not_by_truth_table(number: int) -> None:
    condition = TREES[number](Tagged("a"), Tagged("b"), Tagged("c"))
    for a, b, c in product((False, True), repeat=3):
        tags = frozenset(name for name, there in zip("abc", (a, b, c), strict=True) if there)
        allowed = judge(condition, Learner(tags=tags)).verdict is Verdict.ALLOW
        assert allowed == TRUTHS[number](a, b, c), (a, b, c)


# -- when time will cure it


def test_too_young_until_a_birthday() -> None:
    decision = judge(SEVEN_TO_NINE, Learner("2018-11-03"), "2025-10-01")
    assert (codes(decision), decision.eligible_on) == (["eligibility.too_young:84"], "2025-11-03")
    assert judge(SEVEN_TO_NINE, Learner("2010-11-03"), "2025-10-01").eligible_on == ""
    camp = judge(Age(min_months=84, on="end"), Learner("2018-11-03"), "2025-10-01", "2025-10-05")
    assert camp.eligible_on == "2025-10-30"
    assert judge(Age(min_months=84, on="2025-09-01"), Learner("2018-11-03")).eligible_on == ""


_AGES = st.builds(
    lambda low, span, on: Age(min_months=low, max_months=low + span, on=on),
    st.integers(0, 40), st.integers(0, 20), st.sampled_from(["start", "end", "2026-01-15"]),
)  # fmt: skip
_ATOMS = st.one_of(
    _AGES,
    st.builds(lambda low, span: Grade(min=low, max=low + span), st.integers(-1, 2), st.integers(0, 2)),
    st.just(Prerequisite("swim")), st.just(Member("gold")), st.just(Tagged("ok")),
)  # fmt: skip
_CONDITIONS = st.recursive(
    _ATOMS,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: Every(tuple(parts))),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: Some(tuple(parts))),
        inner.map(Never),
        inner.map(lambda part: During("2026-02-01", "2026-06-30", part)),
    ),
    max_leaves=5,
)
_SPANS = st.tuples(st.dates(date(2025, 6, 1), date(2027, 6, 1)), st.integers(0, 300)).map(
    lambda span: (span[0].isoformat(), (span[0] + timedelta(days=span[1])).isoformat())
)


@settings(max_examples=150, deadline=None)
@given(_CONDITIONS, st.dates(date(2022, 1, 1), date(2026, 1, 1)), _SPANS, _SPANS, st.booleans(), st.integers(0, 3))
def test_the_cure_is_the_one_that_trying_every_day_finds(
    condition: Condition, birth: date, swim: tuple[str, str], gold: tuple[str, str], tagged: bool, length: int
) -> None:
    learner = Learner(
        birth.isoformat(), grade=0, graded="2026-01-01", prerequisites=(Fulfilled("swim", *swim),),
        tags=frozenset({"ok"} if tagged else ()), memberships=(Membership("gold", *gold),),
    )  # fmt: skip
    text = rules.write(condition)
    first = date(2026, 1, 1)
    decision = rules.decide(text, learner, Occasion(str(first), str(first + length * DAY)))
    if decision.verdict is not Verdict.BLOCK:
        assert decision.eligible_on == ""
        return
    tried = next(
        (
            str(day)
            for day in days(first + DAY, 900)
            if rules.decide(text, learner, Occasion(str(day), str(day + length * DAY))).verdict is not Verdict.BLOCK
        ),
        "",
    )
    if tried:
        assert decision.eligible_on == tried
    else:
        assert decision.eligible_on == "" or decision.eligible_on > str(first + 900 * DAY)


# -- rules that make no sense


@pytest.mark.parametrize("condition", [
    Age(), Age(min_months=96, max_months=72), Age(min_months=-1), Age(min_months=1, on="birthday"), Grade(),
    Grade(min=4, max=2), Prerequisite(""), Tagged(""), Every(()), Some(()), During("2026-02-02", "2026-02-01", Tagged("a")),
    During("soon", "2026-02-01", Tagged("a")), Every(tuple(Tagged("a") for _ in range(64))),
    Never(Never(Never(Never(Never(Never(Never(Never(Tagged("a"))))))))),
])  # fmt: skip
def test_what_is_no_rule(condition: Condition) -> None:
    with pytest.raises(BadInput, match=r"eligibility\.rule"):
        rules.read(rules.write(condition))


@pytest.mark.parametrize("text", ["x", "{}", '{"type":"dog"}', '{"type":"all"}', "[]"])
def test_what_is_no_text_of_one(text: str) -> None:
    with pytest.raises(BadInput, match=r"eligibility\.rule"):
        rules.read(text)


@pytest.mark.parametrize(
    ("condition", "learner", "expected"),
    [
        (Prerequisite("Level1"), done("Level1"), "Level1"),
        (Member("gold"), Learner(memberships=(Membership("gold", "2025-01-01"),)), "gold"),
        (Age(min_months=1), Learner(birth_date="2015-01-01"), ""),
    ],
)
def test_what_excludes_is_named_where_it_may_be(condition: Condition, learner: Learner, expected: str) -> None:
    """A child's age or grade is not said of them."""
    assert codes(judge(Never(condition), learner)) == [f"eligibility.excluded:{expected}"]


def test_a_grade_without_an_upper_bound_turns_once() -> None:
    learner = Learner(grade=2, graded="2025-10-01")
    assert judge(Grade(min=3), learner).eligible_on == "2026-09-01"
    assert judge(Grade(max=1), learner).eligible_on == ""
