"""The engine: a tree of conditions over what is known of a child, judged on the dates of a class. Pure.

Ages are completed months by the calendar: a child born on the 31st is a month older on the 31st or, where a month has none, on
the 1st after; one born on 29 February is a year older on 1 March of a common year. So do PostgreSQL's `age()` and Java's
`Period`; dateutil's `relativedelta` has the last day of a short month instead. A limit of 9 years means up to 9 years and
11 months.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import date, timedelta
from enum import IntEnum
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec

from classtap_core.kernel.errors import BadInput
from classtap_core.kernel.outcomes import Reason, reason
from classtap_core.timekeeping.rules import parse_date

MOST_REASONS = 5
DEEPEST, LARGEST = 8, 64
"""A rule is at most so many conditions deep, and has at most so many."""

_GROWN_YEARS = 25
"""Time is asked for a cure no further ahead than this."""


class Verdict(IntEnum):
    ALLOW = 0
    WARN = 1
    BLOCK = 2

    @property
    def word(self) -> str:
        return self.name.lower()


# -- conditions


class Age(msgspec.Struct, frozen=True, tag="age", omit_defaults=True, kw_only=True):
    """Completed months on a date: `on` is `start` or `end` of the class, or a date of its own."""

    min_months: int | None = None
    max_months: int | None = None
    on: str = "start"


class Grade(msgspec.Struct, frozen=True, tag="grade", omit_defaults=True, kw_only=True):
    """School grade (0 is kindergarten, -1 before it) on the class's first day, or on a date of its own."""

    min: int | None = None
    max: int | None = None
    on: str = "start"


class Prerequisite(msgspec.Struct, frozen=True, tag="prerequisite"):
    """Something done, verified by the first day and not expired on it."""

    code: str


class Tagged(msgspec.Struct, frozen=True, tag="tag"):
    """A tag staff gave the child: `approved`, `exception`, `ban`."""

    tag: str


class Member(msgspec.Struct, frozen=True, tag="member", omit_defaults=True):
    """Some membership, or this plan, on the class's first day."""

    plan: str = ""


class Every(msgspec.Struct, frozen=True, tag="all"):
    parts: tuple["Condition", ...]


class Some(msgspec.Struct, frozen=True, tag="any"):
    parts: tuple["Condition", ...]


class Never(msgspec.Struct, frozen=True, tag="not"):
    part: "Condition"


class During(msgspec.Struct, frozen=True, tag="during"):
    """Counts only for classes that begin from `first` to `last`, inclusive; outside, it asks for nothing."""

    first: str
    last: str
    part: "Condition"


class Advise(msgspec.Struct, frozen=True, tag="advise"):
    """What is only a warning where it fails."""

    part: "Condition"


Condition = Age | Grade | Prerequisite | Tagged | Member | Every | Some | Never | During | Advise

_reader = msgspec.json.Decoder(Condition)
_write = msgspec.json.Encoder(order="deterministic").encode


def write(condition: Condition) -> str:
    """A condition as records keep it: JSON text."""
    return _write(condition).decode()


@lru_cache(maxsize=1_024)
def read(text: str) -> Condition:
    """The condition in a text. Raises BadInput `eligibility.rule` for what no class can ask."""
    try:
        condition: Condition = _reader.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        raise BadInput("eligibility.rule") from error
    if sum(1 for _ in _atoms(condition, DEEPEST)) > LARGEST:
        raise BadInput("eligibility.rule")
    return condition


# -- what is judged


class Fulfilled(msgspec.Struct, frozen=True, omit_defaults=True):
    """A prerequisite that a child has: from when, and to when, inclusive; "" for no end."""

    code: str
    verified: str
    expires: str = ""


class Membership(msgspec.Struct, frozen=True, omit_defaults=True):
    """A plan somebody is a member under, from a date to another, inclusive; "" for no end."""

    plan: str
    first: str
    last: str = ""


class Learner(NamedTuple):
    """What is known of a child. Anything may be unknown, and then what asks for it is not met.

    Attributes:
        grade: in school on the date `graded`; it rises by one at every start of a school year (`MM-DD`).
    """

    birth_date: str = ""
    grade: int | None = None
    graded: str = ""
    school_starts: str = "09-01"
    prerequisites: tuple[Fulfilled, ...] = ()
    tags: frozenset[str] = frozenset()
    memberships: tuple[Membership, ...] = ()


class Occasion(NamedTuple):
    """The first and the last date of what is to be taken: a session's, or a program's."""

    first: str
    last: str


class Decision(NamedTuple):
    """What the engine says.

    Attributes:
        reasons: the most telling first, at most five; codes with parameters, never a word about the child.
        eligible_on: the first date from which time alone makes it possible; "" when never, or when it is already.
    """

    verdict: Verdict
    reasons: tuple[Reason, ...] = ()
    eligible_on: str = ""


ALLOWED = Decision(Verdict.ALLOW)

_ORDER = (
    "excluded", "prerequisite", "too_young", "too_old", "cutoff", "birth_date_missing", "grade_low", "grade_high",
    "grade_missing", "tag", "member",
)  # fmt: skip


def decide(rule: str, learner: Learner, occasion: Occasion) -> Decision:
    """Judge a child against a class's rule ("" asks for nothing). Raises BadInput `eligibility.rule` or `time.date`."""
    if not rule:
        return ALLOWED
    condition = read(rule)
    verdict, reasons = _judge(condition, learner, _Dates.of(occasion))
    told = sorted(dict.fromkeys(reasons), key=lambda one: (_ORDER.index(one[0]), one))[:MOST_REASONS]
    cure = _cured_on(condition, learner, occasion) if verdict is Verdict.BLOCK else ""
    return Decision(verdict, tuple(_told(one) for one in told), cure)


def months(birth: date, on: date) -> int:
    """Completed months of age; negative before birth."""
    return (on.year - birth.year) * 12 + on.month - birth.month - (on.day < birth.day)


def month_day(birth: date, age_months: int) -> date:
    """The first date on which somebody is so many months old."""
    total = birth.year * 12 + birth.month - 1 + age_months
    year, month = divmod(total, 12)
    try:
        return date(year, month + 1, birth.day)
    except ValueError:  # the month is too short: the 1st after it
        year, month = divmod(total + 1, 12)
        return date(year, month + 1, 1)


def grade_on(learner: Learner, day: date) -> int | None:
    """The school grade on a date, by the school years begun since it was recorded; None where nobody has said."""
    if learner.grade is None or not learner.graded:
        return None
    return (
        learner.grade
        + _school_year(day, learner.school_starts)
        - _school_year(parse_date(learner.graded), learner.school_starts)
    )


def _school_year(day: date, starts: str) -> int:
    return day.year - ((day.month, day.day) < _month_and_day(starts))


@lru_cache(maxsize=64)
def _month_and_day(starts: str) -> tuple[int, int]:
    return int(starts[:2]), int(starts[3:])


class _Dates(NamedTuple):
    """The first and last day, and the first as text, which spans are compared with."""

    first: date
    last: date
    text: str

    @classmethod
    def of(cls, occasion: Occasion) -> "_Dates":
        return cls(_day(occasion.first), _day(occasion.last), occasion.first)

    def when(self, on: str) -> date:
        return self.first if on == "start" else self.last if on == "end" else _day(on)


_Why = tuple[str, tuple[tuple[str, str | int], ...]]
_Found = tuple[Verdict, list[_Why]]
_MET: _Found = (Verdict.ALLOW, [])


def _told(why: _Why) -> Reason:
    code, params = why
    return reason(f"eligibility.{code}", **dict(params))


def _not(code: str, **params: str | int) -> _Found:
    return (Verdict.BLOCK, [(code, tuple(sorted(params.items())))])


def _judge(condition: Condition, learner: Learner, dates: _Dates) -> _Found:
    return _JUDGES[type(condition)](condition, learner, dates)


def _prerequisite(rule: Prerequisite, learner: Learner, dates: _Dates) -> _Found:
    return _MET if _has(learner, rule.code, dates.text) else _not("prerequisite", what=rule.code)


def _tagged(rule: Tagged, learner: Learner, dates: _Dates) -> _Found:
    return _MET if rule.tag in learner.tags else _not("tag", what=rule.tag)


def _member(rule: Member, learner: Learner, dates: _Dates) -> _Found:
    return _MET if _is_member(learner, rule.plan, dates.text) else _not("member", what=rule.plan)


def _every(rule: Every, learner: Learner, dates: _Dates) -> _Found:
    worst, lacking = Verdict.ALLOW, []
    for part in rule.parts:
        verdict, whys = _judge(part, learner, dates)
        if whys:
            lacking += whys
            worst = max(worst, verdict)
    return (worst, lacking)


def _any(rule: Some, learner: Learner, dates: _Dates) -> _Found:
    """The best of several; where none is met, everything that any of them lacks."""
    found = [_judge(part, learner, dates) for part in rule.parts]
    best = min(verdict for verdict, _ in found)
    return (best, [why for verdict, whys in found if verdict is best for why in whys])


def _never(rule: Never, learner: Learner, dates: _Dates) -> _Found:
    verdict, _ = _judge(rule.part, learner, dates)
    return _MET if verdict is Verdict.BLOCK else _not("excluded", **_named(rule.part))


def _during(rule: During, learner: Learner, dates: _Dates) -> _Found:
    return _judge(rule.part, learner, dates) if rule.first <= dates.text <= rule.last else _MET


def _advise(rule: Advise, learner: Learner, dates: _Dates) -> _Found:
    verdict, whys = _judge(rule.part, learner, dates)
    return (min(verdict, Verdict.WARN), whys)


def _named(part: Condition) -> dict[str, str | int]:
    """What may be said of a condition that excludes."""
    match part:
        case Tagged(tag=tag):
            return {"what": tag}
        case Prerequisite(code=code):
            return {"what": code}
        case Member(plan=plan):
            return {"what": plan}
    return {"what": ""}


def _age(rule: Age, learner: Learner, dates: _Dates) -> _Found:
    if not learner.birth_date:
        return _not("birth_date_missing")
    age = months(_day(learner.birth_date), dates.when(rule.on))
    for code, limit, beyond in (
        ("too_young", rule.min_months, rule.min_months is not None and age < rule.min_months),
        ("too_old", rule.max_months, rule.max_months is not None and age > rule.max_months),
    ):
        if beyond and limit is not None:
            fixed = rule.on not in ("start", "end")
            return _not("cutoff", months=limit, on=rule.on) if fixed else _not(code, months=limit)
    return _MET


def _grade(rule: Grade, learner: Learner, dates: _Dates) -> _Found:
    grade = grade_on(learner, dates.when(rule.on))
    if grade is None:
        return _not("grade_missing")
    if rule.min is not None and grade < rule.min:
        return _not("grade_low", grade=rule.min)
    if rule.max is not None and grade > rule.max:
        return _not("grade_high", grade=rule.max)
    return _MET


_JUDGES: dict[type, Callable[[Any, Learner, _Dates], _Found]] = {
    Age: _age, Grade: _grade, Prerequisite: _prerequisite, Tagged: _tagged, Member: _member, Every: _every, Some: _any,
    Never: _never, During: _during, Advise: _advise,
}  # fmt: skip


def _has(learner: Learner, code: str, at: str) -> bool:
    return any(
        one.code == code and one.verified <= at and (not one.expires or at <= one.expires)
        for one in learner.prerequisites
    )


def _is_member(learner: Learner, plan: str, at: str) -> bool:
    return any(
        plan in ("", one.plan) and one.first <= at and (not one.last or at <= one.last) for one in learner.memberships
    )


# -- when time will cure it


def _cured_on(condition: Condition, learner: Learner, occasion: Occasion) -> str:
    """The first later date on which the same class would not be refused: only dates on which something turns are tried."""
    dates = _Dates.of(occasion)
    length = dates.last - dates.first
    furthest = dates.first + timedelta(days=366 * _GROWN_YEARS)
    turning = {day for day in _turning(condition, learner, length) if dates.first < day <= furthest}
    for day in sorted(turning):
        text = day.isoformat()
        if _judge(condition, learner, _Dates(day, day + length, text))[0] is not Verdict.BLOCK:
            return text
    return ""


def _turning(condition: Condition, learner: Learner, length: timedelta) -> Iterator[date]:
    """Dates on which a condition may begin or cease to be met, as the class's first day."""
    for atom in _parts(condition):
        match atom:
            case Age() if learner.birth_date and atom.on in ("start", "end"):
                birth = _day(learner.birth_date)
                earlier = length if atom.on == "end" else timedelta()
                for limit in (atom.min_months, None if atom.max_months is None else atom.max_months + 1):
                    if limit is not None:
                        yield month_day(birth, limit) - earlier
            case Grade() if learner.grade is not None and learner.graded and atom.on in ("start", "end"):
                earlier = length if atom.on == "end" else timedelta()
                year = _school_year(_day(learner.graded), learner.school_starts) - learner.grade
                for limit in (atom.min, None if atom.max is None else atom.max + 1):
                    if limit is not None:
                        yield _day(f"{year + limit}-{learner.school_starts}") - earlier
            case Prerequisite(code=code):
                yield from _edges((one.verified, one.expires) for one in learner.prerequisites if one.code == code)
            case Member():
                yield from _edges((one.first, one.last) for one in learner.memberships)
            case During(first=first, last=last):
                yield from _edges([(first, last)])
            case _:
                pass


@lru_cache(maxsize=1_024)
def _parts(condition: Condition) -> tuple[Condition, ...]:
    return tuple(_atoms(condition, DEEPEST))


_day = lru_cache(maxsize=16_384)(parse_date)
"""Dates come back again and again: birthdays, terms, days of classes."""


def _edges(spans: Iterable[tuple[str, str]]) -> Iterator[date]:
    """The first day of each span, and the day after its last."""
    for first, last in spans:
        yield _day(first)
        if last:
            yield _day(last) + timedelta(days=1)


def _atoms(condition: Condition, deep: int) -> Iterator[Condition]:
    """The condition and everything in it, each checked for sense. Raises BadInput `eligibility.rule`."""
    if not deep or not _makes_sense(condition):
        raise BadInput("eligibility.rule")
    yield condition
    match condition:
        case Every(parts=parts) | Some(parts=parts):
            for part in parts:
                yield from _atoms(part, deep - 1)
        case Never(part=part) | During(part=part) | Advise(part=part):
            yield from _atoms(part, deep - 1)
        case _:
            pass


def _makes_sense(condition: Condition) -> bool:
    match condition:
        case Age(min_months=low, max_months=high, on=on):
            return _in_order(low, high) and (low is None or low >= 0) and _is_when(on)
        case Grade(min=low, max=high, on=on):
            return _in_order(low, high) and _is_when(on)
        case Prerequisite(code=word) | Tagged(tag=word):
            return bool(word)
        case Every(parts=parts) | Some(parts=parts):
            return bool(parts)
        case During(first=first, last=last):
            return _is_date(first) and _is_date(last) and first <= last
    return True


def _in_order(low: int | None, high: int | None) -> bool:
    return not (low is None and high is None) and (low is None or high is None or low <= high)


def _is_when(on: str) -> bool:
    return on in ("start", "end") or _is_date(on)


def _is_date(day: str) -> bool:
    try:
        parse_date(day)
    except BadInput:
        return False
    return True
