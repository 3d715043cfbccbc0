"""Which scopes a device asks for: what its role allows, most urgent first, dated ones only around today."""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from types import MappingProxyType

from classtap_core.kernel.scopes import last_day

DATED = ("roster", "scans")


def subscriptions(
    allowed: Iterable[str], today: date, *, behind: int = 1, ahead: int = 7, held: Iterable[str] = (),
    stay: Mapping[str, int] = MappingProxyType({}),
) -> tuple[str, ...]:  # fmt: skip
    """Patterns to hold now. Dated scopes are named one by one, today's before all others' rest.

    `allowed` comes from the cloud, most urgent first; `behind` and `ahead` are days around today. What is `held` of a
    prefix stays for so many days (`stay`), with no day between missing; what was never here is not fetched for it.
    """
    now: list[str] = []
    soon: list[str] = []
    here = tuple(held) if stay else ()
    for pattern in allowed:
        prefix, _, rest = pattern.partition("/")
        if prefix in DATED and pattern.endswith("/*") and rest.count("/") == 1:
            stem = pattern[:-1]
            now.append(f"{stem}{today.isoformat()}")
            back = max(behind, _oldest(stem, here, today, most=stay.get(prefix, 0)))
            days = (today + timedelta(days=step) for step in range(-back, ahead + 1) if step)
            soon.extend(f"{stem}{day.isoformat()}" for day in days)
        else:
            now.append(pattern)
    return (*now, *soon)


def _oldest(stem: str, held: Iterable[str], today: date, *, most: int) -> int:
    """How many days ago the oldest day was that is held and stays; 0 for none."""
    days = (last_day(scope) for scope in held if scope.startswith(stem)) if most else ()
    ages = ((today - day).days for day in days if day is not None)
    return max((age for age in ages if age <= most), default=0)
