"""How something repeats, as fields show it and as RFC 5545 writes it: a rule, starts left out, starts added."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from classtap_core.kernel.errors import BadInput
from classtap_core.schedule.records import Series
from classtap_core.timekeeping.rules import check_local, parse_date, shift_local
from classtap_desktop.kit import theme
from classtap_desktop.screens.entries import Field, Values
from classtap_desktop.screens.sheet import Group, Written, words
from classtap_desktop.screens.studio.places import WEEKDAYS

ONCE, WEEKLY, FORTNIGHTLY, MONTHLY, RULE = "once", "weekly", "fortnightly", "monthly", "rule"
_DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_FREQ = {WEEKLY: "FREQ=WEEKLY", FORTNIGHTLY: "FREQ=WEEKLY;INTERVAL=2", MONTHLY: "FREQ=MONTHLY"}
_FIELDS = ("repeat", "until", "days", "rule", "skip", "extra")


class Again(NamedTuple):
    """A rule, and local starts left out of it and added to it."""

    rule: str
    skip: tuple[str, ...]
    extra: tuple[str, ...]


def group(series: Series | None = None, *, since: str = "") -> Group:
    """The fields: of something new, or of a series with its exceptions from a date on."""
    kinds = (ONCE, WEEKLY, FORTNIGHTLY, MONTHLY, RULE)[series is not None :]
    fields = (
        Field("repeat", "desk.plan.repeat", 3, choices=tuple((one, f"desk.plan.repeat.{one}") for one in kinds)),
        Field("until", "desk.plan.until", 3, hint="desk.form.date_hint"),
        Field("days", "desk.plan.days", 3, things=_named_days(), several=True),
        Field("rule", "desk.plan.rule", 3, hint="desk.plan.rule_hint"),
        Field("skip", "desk.plan.skip", 6, hint="desk.plan.skip_hint"),
        Field("extra", "desk.plan.extra", 6, hint="desk.plan.extra_hint"),
    )
    values: Values = {} if series is None else shown(series, since=since)
    note = "" if series is None else "desk.plan.again_note"
    return Group(fields=fields, values=values, heading="desk.plan.again", note=note)


def shown(series: Series, *, since: str = "") -> Values:
    """A series as the fields show it; a rule that they cannot say stands as it is written."""
    parts = dict(part.split("=", 1) for part in series.rule.split(";"))
    until = parts.pop("UNTIL", "")
    days, interval = parts.pop("BYDAY", ""), parts.pop("INTERVAL", "")
    kind = {
        ("FREQ=WEEKLY", ""): WEEKLY, ("FREQ=WEEKLY", "2"): FORTNIGHTLY, ("FREQ=MONTHLY", ""): MONTHLY,
    }.get((";".join(f"{name}={value}" for name, value in parts.items()), interval), RULE)  # fmt: skip
    simple = kind != RULE and set(days.split(",")) <= {*_DAYS, ""} and not (days and kind == MONTHLY)
    clock = series.start[11:]
    return {
        "repeat": kind if simple else RULE,
        "until": f"{until[:4]}-{until[4:6]}-{until[6:8]}" if until and simple else "",
        "days": days.replace(",", "\n") if simple else "",
        "rule": "" if simple else series.rule,
        "skip": _listed(local[:10] for local in series.skip if local >= since),
        "extra": _listed(
            local[:10] if local[11:] == clock else local.replace("T", " ") for local in series.extra if local >= since
        ),
    }


def said(written: Written, clock: str) -> Again:
    """What the fields say, at a time of day. Raises BadInput."""
    skip = tuple(_at(one, clock) for one in words(written.text("skip")))
    return Again(_rule(written), skip, tuple(_at(one, clock) for one in words(written.text("extra"))))


def later(written: Written, start: str, minutes: int) -> dict[str, str]:
    """The fields of a start, and of starts added at an hour of their own, so many minutes later."""
    moved = shift_local(start, minutes)
    fields = {"date": moved[:10], "clock": moved[11:]}
    added = words(written.text("extra"))
    if any(" " in one for one in added):
        fields["extra"] = _listed(
            shift_local(_at(one, ""), minutes).replace("T", " ") if " " in one else one for one in added
        )
    return fields


def untouched(written: Written, before: Values) -> bool:
    """Whether the fields say what they showed."""
    return all(written.text(name) == str(before[name]) for name in _FIELDS)


def _rule(written: Written) -> str:
    repeat = written.text("repeat")
    if repeat == RULE:
        return written.text("rule").removeprefix("RRULE:")
    days = [day for day in _DAYS if day in written.ids("days")]
    parts = [_FREQ[repeat], *([f"BYDAY={','.join(days)}"] if days and repeat != MONTHLY else [])]
    if written.text("until"):
        parts.append(f"UNTIL={parse_date(written.text('until')).isoformat().replace('-', '')}")
    return ";".join(parts)


def _at(text: str, clock: str) -> str:
    """A date at a time of day, or with one of its own. Raises BadInput."""
    day, _, own = text.strip().replace("T", " ").partition(" ")
    hours, _, minutes = own.strip().partition(":")
    local = f"{parse_date(day).isoformat()}T{f'{hours.zfill(2)}:{minutes.zfill(2)}' if own else clock}"
    try:
        check_local(local)
    except BadInput:
        raise BadInput("time.local") from None
    return local


def _listed(starts: Iterable[str]) -> str:
    return ", ".join(starts)


def _named_days() -> tuple[tuple[str, str], ...]:
    return tuple((_DAYS[int(day)], theme().words.say(code)) for day, code in WEEKDAYS)
