"""Scope names and the patterns that devices hold: `roster/<location>/<date>` is one name, `roster/*` all of them."""

import re
from calendar import monthrange
from collections.abc import Iterable
from datetime import date

_DATED = re.compile(r".+/(\d{4})-(\d{2})(?:-(\d{2}))?\Z")


def covers(patterns: Iterable[str], scope: str) -> bool:
    """Whether one of the patterns holds everything that a scope (or a pattern) names.

    A pattern ends in ``/*`` and holds every name below it, or is a name and holds itself.
    """
    for pattern in patterns:
        if pattern == scope:
            return True
        if pattern.endswith("/*") and (scope.startswith(pattern[:-1]) or scope == pattern[:-2]):
            return True
    return False


def narrowed(wanted: Iterable[str], allowed: Iterable[str]) -> tuple[str, ...]:
    """What is both wanted and allowed: each wanted pattern, or the allowed ones that lie inside it."""
    allowed = tuple(allowed)
    found: list[str] = []
    for want in wanted:
        if covers(allowed, want):
            found.append(want)
        else:
            found.extend(allow for allow in allowed if covers((want,), allow))
    return tuple(dict.fromkeys(found))


def last_day(scope: str) -> date | None:
    """The last day that a dated scope's name speaks of: `roster/<location>/2026-11-21`, `schedule/<location>/2026-11`.

    None for a scope that is not dated.
    """
    found = _DATED.match(scope)
    if found is None:
        return None
    year, month, day = int(found[1]), int(found[2]), int(found[3] or 0)
    try:
        return date(year, month, day or monthrange(year, month)[1])
    except ValueError:
        return None


def ended_before(scope: str, day: str) -> bool:
    """Whether a dated scope was over before a day (ISO); never for an empty day."""
    if not day or not scope[-2:].isdigit():
        return False
    ended = last_day(scope)
    return ended is not None and ended.isoformat() < day
