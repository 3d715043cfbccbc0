"""Which scopes a device asks for: what its role allows, most urgent first, dated ones only around today."""

from collections.abc import Iterable
from datetime import date, timedelta

DATED = ("roster", "scans")


def subscriptions(allowed: Iterable[str], today: date, *, behind: int = 1, ahead: int = 7) -> tuple[str, ...]:
    """Patterns to hold now. Dated scopes are named one by one, today's before all others' rest.

    `allowed` comes from the cloud, most urgent first; `behind` and `ahead` are days around today.
    """
    now: list[str] = []
    soon: list[str] = []
    for pattern in allowed:
        prefix, _, rest = pattern.partition("/")
        if prefix in DATED and pattern.endswith("/*") and rest.count("/") == 1:
            stem = pattern[:-1]
            now.append(f"{stem}{today.isoformat()}")
            days = (today + timedelta(days=step) for step in range(-behind, ahead + 1) if step)
            soon.extend(f"{stem}{day.isoformat()}" for day in days)
        else:
            now.append(pattern)
    return (*now, *soon)
