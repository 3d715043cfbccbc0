"""Scope names and the patterns that devices hold: `roster/<location>/<date>` is one name, `roster/*` all of them."""

from collections.abc import Iterable


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
