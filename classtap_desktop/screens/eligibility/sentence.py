"""A rule as a plain sentence, and what its judgement means."""

from __future__ import annotations

from datetime import date

from classtap_core.eligibility.rules import (
    Advise,
    Age,
    Condition,
    Decision,
    During,
    Every,
    Grade,
    Member,
    Never,
    Prerequisite,
    Some,
    Tagged,
)
from resources.text import Catalogue

_YEAR = 12


def sentence(condition: Condition, words: Catalogue) -> str:
    """Return what a rule asks for, in words."""
    match condition:
        case Age(min_months=low, max_months=high, on=on):
            limits = {"low": "" if low is None else age(low, words), "high": "" if high is None else age(high, words)}
            return words.say(f"desk.rule.says.age.{_bounds(low, high)}", when=_when(on, words), **limits)
        case Grade(min=low, max=high, on=on):
            return words.say(f"desk.rule.says.grade.{_bounds(low, high)}", low=low, high=high, when=_when(on, words))
        case Prerequisite(code=what):
            return words.say("desk.rule.says.prerequisite", what=what)
        case Tagged(tag=what):
            return words.say("desk.rule.says.tag", what=what)
        case Member(plan=plan):
            return words.say("desk.rule.says.plan", what=plan) if plan else words.say("desk.rule.says.member")
        case Every(parts=parts):
            return _listed("desk.rule.and", parts, words)
        case Some(parts=parts):
            return _listed("desk.rule.or", parts, words)
        case Never(part=part):
            return words.say("desk.rule.says.not", part=_inner(part, words))
        case During(first=first, last=last, part=part):
            return words.say(
                "desk.rule.says.during", first=_day(first, words), last=_day(last, words), part=_inner(part, words)
            )
        case Advise(part=part):
            return words.say("desk.rule.says.warn", part=_inner(part, words))


def age(months: int, words: Catalogue) -> str:
    """Return an age in years and months."""
    years, left = divmod(months, _YEAR)
    parts = [words.say_n("desk.rule.years", years)] if years or not left else []
    parts += [words.say_n("desk.rule.months", left)] if left else []
    return " ".join(parts)


def verdict_lines(decision: Decision, words: Catalogue) -> list[str]:
    """Return why a child may not, or should not, take a class, and from when they may."""
    lines = []
    for one in decision.reasons:
        params = dict(one.params)
        if isinstance(months := params.get("months"), int):
            params["age"] = age(months, words)
        lines.append(words.say(f"desk.rule.why.{one.code.removeprefix('eligibility.')}", **params))
    if decision.eligible_on:
        lines.append(words.say("desk.rule.from", day=_day(decision.eligible_on, words)))
    return lines


def _listed(code: str, parts: tuple[Condition, ...], words: Catalogue) -> str:
    return words.say(code).join(_inner(part, words) for part in parts)


def _inner(part: Condition, words: Catalogue) -> str:
    said = sentence(part, words)
    return f"({said})" if isinstance(part, Every | Some) and len(part.parts) > 1 else said


def _bounds(low: int | None, high: int | None) -> str:
    return "both" if low is not None and high is not None else "least" if low is not None else "most"


def _when(on: str, words: Catalogue) -> str:
    return (
        words.say(f"desk.rule.on.{on}")
        if on in ("start", "end")
        else words.say("desk.rule.on.day", day=_day(on, words))
    )


def _day(iso: str, words: Catalogue) -> str:
    return words.date(date.fromisoformat(iso), style="long")
