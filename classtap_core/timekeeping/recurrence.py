"""RFC 5545 recurrence on the wall clock: a series at nine stays at nine, whatever the clocks do. Pure.

Rules are text as in RFC 5545 3.3.10, without times of day: those are the first start's. `UNTIL` is local.
"""

import re
from datetime import datetime
from functools import lru_cache
from typing import cast

from dateutil.rrule import rrule, rrulestr

from classtap_core.kernel.errors import BadInput
from classtap_core.timekeeping.rules import instant_ms, local_of, local_text, parse_date, parse_local, shift_date

MOST = 4_000
"""No series is expanded further than this in one go."""

_DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_DAY = "(?:MO|TU|WE|TH|FR|SA|SU)"
_NUMBERED = f"[+-]?[1-5]?{_DAY}"
_MONTH_DAY = "-?(?:[1-9]|[12][0-9]|3[01])"
_MONTH = "(?:[1-9]|1[0-2])"
_PARTS = {
    "FREQ": "(?:DAILY|WEEKLY|MONTHLY|YEARLY)",
    "INTERVAL": "[1-9][0-9]{0,2}",
    "UNTIL": "[0-9]{8}(?:T[0-9]{6}Z?)?",
    "COUNT": "[1-9][0-9]{0,3}",
    "BYMONTH": f"{_MONTH}(?:,{_MONTH})*",
    "BYMONTHDAY": f"{_MONTH_DAY}(?:,{_MONTH_DAY})*",
    "BYDAY": f"{_NUMBERED}(?:,{_NUMBERED})*",
    "BYSETPOS": "-?[1-9][0-9]?",
    "WKST": _DAY,
}
"""Each part, in the order it is written, and what it may say (RFC 5545 3.3.10)."""


def normal(rule: str, zone: str) -> str:
    """A rule in the one form it is stored in. Raises BadInput `recurrence.rule` for what no series can follow.

    `UNTIL` may come as a date, as UTC (`…Z`) or local; it is kept local. One part twice, a time of day, and whatever
    repeats more often than daily is refused.
    """
    parts = _split(rule)
    numbered = any(day not in _DAYS for day in parts.get("BYDAY", "MO").split(","))
    if (
        "FREQ" not in parts
        or ("UNTIL" in parts and "COUNT" in parts)
        or (numbered and parts["FREQ"] not in ("MONTHLY", "YEARLY"))
        or ("BYMONTHDAY" in parts and parts["FREQ"] == "WEEKLY")
    ):
        raise BadInput("recurrence.rule")
    if "UNTIL" in parts:
        parts["UNTIL"] = _local_until(parts["UNTIL"], zone)
    return _joined(parts)


def starts(rule: str, first: str, *, through: str) -> tuple[str, ...]:
    """The local starts of a rule (in its normal form) from `first` up to and including the date `through`.

    Raises BadInput `recurrence.start` where the rule does not give `first` itself (RFC 5545 leaves that undefined), and
    `recurrence.long` beyond `MOST`.
    """
    begin = parse_local(first)
    end = datetime.combine(parse_date(through), datetime.max.time())
    found: list[str] = []
    for moment in _compiled(rule, begin):
        if not found and moment != begin:
            break
        if moment > end:
            break
        if len(found) == MOST:
            raise BadInput("recurrence.long", most=MOST)
        found.append(local_text(moment))
    if not found and begin <= end:
        raise BadInput("recurrence.start")
    return tuple(found)


def first_start(rule: str, local: str) -> str:
    """The first start a rule gives at a local time or later. Raises BadInput `recurrence.start` where it gives none."""
    found = next(iter(_compiled(rule, parse_local(local))), None)
    if found is None:
        raise BadInput("recurrence.start")
    return local_text(found)


def goes_on(rule: str, first: str, *, through: str) -> bool:
    """Whether a rule gives more starts after the date `through`."""
    end = datetime.combine(parse_date(through), datetime.max.time())
    return _compiled(rule, parse_local(first)).after(end) is not None


def ended_before(rule: str, local: str) -> str:
    """The same rule, with its last start before a local time."""
    parts = _split(rule)
    parts.pop("COUNT", None)
    parts["UNTIL"] = _compact(f"{shift_date(local[:10], -1)}T23:59")
    return _joined(parts)


def continued(rule: str, *, after: int, days: int) -> str:
    """The rule of what is left once its first `after` starts are gone, with every start that many days later.

    Raises BadInput `recurrence.shift` where the rule names days that do not all move alike.
    """
    parts = _split(rule)
    if "COUNT" in parts:
        parts["COUNT"] = str(int(parts["COUNT"]) - after)
    if days:
        if "BYMONTHDAY" in parts or "BYMONTH" in parts or "BYSETPOS" in parts:
            raise BadInput("recurrence.shift")
        if "BYDAY" in parts:
            parts["BYDAY"] = ",".join(_moved(day, days) for day in parts["BYDAY"].split(","))
        elif parts["FREQ"] in ("MONTHLY", "YEARLY"):
            raise BadInput("recurrence.shift")
        if "WKST" in parts or (parts["FREQ"] == "WEEKLY" and int(parts.get("INTERVAL", "1")) > 1):
            parts["WKST"] = _moved(parts.get("WKST", "MO"), days)
        if "UNTIL" in parts:
            parts["UNTIL"] = _compact(f"{shift_date(_spread(parts['UNTIL'])[:10], days)}T23:59")
    return _joined(parts)


def _split(rule: str) -> dict[str, str]:
    parts: dict[str, str] = {}
    for part in rule.upper().removeprefix("RRULE:").split(";"):
        name, _, value = part.partition("=")
        if name in parts or not re.fullmatch(_PARTS.get(name, "(?!)"), value):
            raise BadInput("recurrence.rule")
        parts[name] = value
    return parts


def _joined(parts: dict[str, str]) -> str:
    return ";".join(f"{name}={parts[name]}" for name in _PARTS if name in parts)


def _local_until(until: str, zone: str) -> str:
    if len(until) == 8:
        return _compact(f"{_spread(until + 'T0000')[:10]}T23:59")
    if until.endswith("Z"):
        at = parse_local(_spread(until[:-1]))
        return _compact(local_of(instant_ms(local_text(at), "UTC"), zone))
    return _compact(_spread(until))


def _spread(compact: str) -> str:
    """`2026-11-21T09:00` from `20261121T0900`, with seconds or without. Raises BadInput `recurrence.rule`."""
    try:
        return local_text(datetime.fromisoformat(compact))
    except ValueError as error:
        raise BadInput("recurrence.rule") from error


def _compact(local: str) -> str:
    return local.replace("-", "").replace(":", "") + "00"


def _moved(day: str, days: int) -> str:
    """`MO` three days on is `TH`; a numbered day (`1MO`) does not move alike in every month."""
    if day not in _DAYS:
        raise BadInput("recurrence.shift")
    return _DAYS[(_DAYS.index(day) + days) % 7]


@lru_cache(maxsize=1_024)
def _compiled(rule: str, begin: datetime) -> rrule:
    # Without zones: dateutil refuses to mix (github.com/dateutil/dateutil/issues/1390), and the wall clock is ours.
    return cast(rrule, rrulestr(rule, dtstart=begin))
