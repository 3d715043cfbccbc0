"""A rule as its editor holds it, half written or whole: a tree of conditions with what stands in their fields. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import assert_never

from classtap_core.eligibility.rules import (
    Advise,
    Age,
    Condition,
    During,
    Every,
    Grade,
    Member,
    Never,
    Prerequisite,
    Some,
    Tagged,
)
from classtap_core.kernel.errors import BadInput

ALL, ANY, NOT, DURING = "all", "any", "not", "during"
GROUPS = (ALL, ANY, NOT, DURING)
AGE, GRADE, PREREQUISITE, TAG, MEMBER = "age", "grade", "prerequisite", "tag", "member"
FIELDS = {
    AGE: ("low", "high", "on"), GRADE: ("low", "high", "on"), PREREQUISITE: ("what",), TAG: ("what",),
    MEMBER: ("what",), DURING: ("first", "last"), ALL: (), ANY: (), NOT: (),
}  # fmt: skip
"""Kind of condition → its fields. `low` and `high` are months, or grades; `on` is `start`, `end` or a date."""
START = "start"


@dataclass
class Draft:
    """One condition. `parts` of a group; of `not` none may be met. `warns`: where it is not met, that is only a warning."""

    kind: str
    values: dict[str, str] = field(default_factory=dict)
    parts: list[Draft] = field(default_factory=list)
    warns: bool = False

    def text(self, name: str) -> str:
        return self.values.get(name, "").strip()


def drafted(condition: Condition, *, warns: bool = False) -> Draft:
    """A condition taken apart."""
    match condition:
        case Advise(part=part):
            return drafted(part, warns=True)
        case Age(min_months=low, max_months=high, on=on):
            made = Draft(AGE, {"low": _shown(low), "high": _shown(high), "on": on})
        case Grade(min=low, max=high, on=on):
            made = Draft(GRADE, {"low": _shown(low), "high": _shown(high), "on": on})
        case Prerequisite(code=what):
            made = Draft(PREREQUISITE, {"what": what})
        case Tagged(tag=what):
            made = Draft(TAG, {"what": what})
        case Member(plan=what):
            made = Draft(MEMBER, {"what": what})
        case Every(parts=parts):
            made = Draft(ALL, parts=[drafted(part) for part in parts])
        case Some(parts=parts):
            made = Draft(ANY, parts=[drafted(part) for part in parts])
        case Never(part=part):
            made = Draft(NOT, parts=[drafted(one) for one in (part.parts if isinstance(part, Some) else (part,))])
        case During(first=first, last=last, part=part):
            inner = part.parts if isinstance(part, Every) else (part,)
            made = Draft(DURING, {"first": first, "last": last}, [drafted(one) for one in inner])
        case _:
            assert_never(condition)
    made.warns = warns
    return made


def whole(draft: Draft) -> Condition:
    """The condition that a draft says. Raises BadInput `form.number`, `eligibility.empty` for a group without conditions
    or a condition without words; what no class can ask is for `eligibility.rules.read` to say."""
    made = _whole(draft)
    return Advise(made) if draft.warns else made


def _whole(draft: Draft) -> Condition:
    parts = tuple(whole(part) for part in draft.parts)
    if draft.kind in GROUPS and not parts:
        raise BadInput("eligibility.empty")
    if draft.kind in (PREREQUISITE, TAG) and not draft.text("what"):
        raise BadInput("eligibility.empty")
    on = draft.text("on") or START
    match draft.kind:
        case "all":
            return Every(parts)
        case "any":
            return Some(parts)
        case "not":
            return Never(parts[0] if len(parts) == 1 else Some(parts))
        case "during":
            return During(draft.text("first"), draft.text("last"), parts[0] if len(parts) == 1 else Every(parts))
        case "age":
            return Age(min_months=_number(draft, "low"), max_months=_number(draft, "high"), on=on)
        case "grade":
            return Grade(min=_number(draft, "low"), max=_number(draft, "high"), on=on)
        case "prerequisite":
            return Prerequisite(draft.text("what"))
        case "tag":
            return Tagged(draft.text("what"))
    return Member(draft.text("what"))


def _shown(number: int | None) -> str:
    return "" if number is None else str(number)


def _number(draft: Draft, name: str) -> int | None:
    text = draft.text(name)
    if not text:
        return None
    if not text.removeprefix("-").isdecimal():
        raise BadInput("form.number", text=text)
    return int(text)
