"""A session keeps its local start and its zone; the instant is derived, from the zone data this program carries.

Local times are text: `2026-11-21T09:00`. Instants are milliseconds since the Unix epoch. Dates are `2026-11-21`.
"""

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from importlib import resources
from typing import NamedTuple
from zoneinfo import ZoneInfo

import tzdata  # type: ignore[import-untyped]

from classtap_core.kernel.errors import BadInput

DAY_MIN = 24 * 60
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)


def zone_data_version() -> str:
    """The release of the zone data that instants are derived from, `2026f`; goes into an operation's basis."""
    return str(tzdata.IANA_VERSION)


@lru_cache(maxsize=256)
def zone_of(name: str) -> ZoneInfo:
    """The zone of this IANA name, from the pinned data and never the machine's. Raises BadInput `time.zone`."""
    parts = name.split("/")
    if not all(part.replace("_", "").replace("-", "").replace("+", "").isalnum() for part in parts):
        raise BadInput("time.zone", zone=name)
    try:
        with resources.files("tzdata").joinpath("zoneinfo", *parts).open("rb") as data:
            return ZoneInfo.from_file(data, key=name)
    except (OSError, ValueError) as error:
        raise BadInput("time.zone", zone=name) from error


GAP, OVERLAP = "gap", "overlap"


class Moment(NamedTuple):
    """A wall clock's time as an instant, and what had to be decided to find it.

    Attributes:
        at_ms: milliseconds since the Unix epoch.
        shift: `gap` where no clock shows this time, `overlap` where clocks show it twice, else "".
    """

    at_ms: int
    shift: str = ""


@lru_cache(maxsize=65_536)
def moment(local: str, zone: str) -> Moment:
    """When a wall clock in `zone` shows `local`.

    A time in a gap moves to the first valid time after it; in an overlap it is the earlier.
    Raises BadInput `time.local` or `time.zone`.
    """
    naive = parse_local(local)
    tz = zone_of(zone)
    earlier = _ms(naive.replace(tzinfo=tz, fold=0))
    later = _ms(naive.replace(tzinfo=tz, fold=1))
    if earlier == later:
        return Moment(earlier)
    if earlier < later:
        return Moment(earlier, OVERLAP)
    return Moment(_transition(later, earlier, tz), GAP)


def instant_ms(local: str, zone: str) -> int:
    """The instant of a local time, as `moment` decides it. Raises BadInput `time.local` or `time.zone`."""
    return moment(local, zone).at_ms


def _transition(before: int, after: int, tz: ZoneInfo) -> int:
    """The instant, after `before` and up to `after`, from which the zone's new offset holds."""
    new = _at(after, tz).utcoffset()
    while after - before > 1:
        middle = (before + after) // 2
        if _at(middle, tz).utcoffset() == new:
            after = middle
        else:
            before = middle
    return after


def local_of(at_ms: int, zone: str) -> str:
    """What a wall clock in `zone` shows at an instant, to the minute: `2026-11-21T09:00`."""
    return local_text(_at(at_ms, zone_of(zone)).replace(tzinfo=None))


def local_date(at_ms: int, zone: str) -> str:
    """The date in `zone` at an instant: the name of the day in scopes."""
    return _at(at_ms, zone_of(zone)).date().isoformat()


def iso_local(at_ms: int, zone: str) -> str:
    """ISO 8601 with offset, to the second: `2026-11-21T09:00:00+01:00`."""
    return _at(at_ms, zone_of(zone)).isoformat(timespec="seconds")


@lru_cache(maxsize=4096)
def shift_date(day: str, days: int) -> str:
    """The date that many days on. Raises BadInput `time.date`."""
    return (parse_date(day) + timedelta(days=days)).isoformat()


def parse_date(day: str) -> date:
    """A date from `2026-11-21`, and no other form. Raises BadInput `time.date`."""
    try:
        found = date.fromisoformat(day)
    except ValueError as error:
        raise BadInput("time.date") from error
    if found.isoformat() != day:
        raise BadInput("time.date")
    return found


def before_ms(local: str, zone: str, minutes: int) -> int:
    """The instant that many minutes before a local start.

    24 hours or more are wall-clock in the zone, so that "a day before nine" is nine; shorter ones are elapsed (ruling 16).
    """
    if minutes < DAY_MIN:
        return instant_ms(local, zone) - minutes * 60_000
    return instant_ms(shift_local(local, -minutes), zone)


def shift_local(local: str, minutes: int) -> str:
    """What a wall clock that nobody moves shows that many minutes on. Raises BadInput `time.local`."""
    return local_text(parse_local(local) + timedelta(minutes=minutes))


def overlaps(start_ms: int, end_ms: int, *, other_start_ms: int, other_end_ms: int) -> bool:
    """Whether two spans share any time; one that ends as the other starts does not."""
    return start_ms < other_end_ms and other_start_ms < end_ms


def check_local(local: str) -> None:
    """Raises BadInput `time.local` for anything but `YYYY-MM-DDTHH:MM`."""
    parse_local(local)


def parse_local(local: str) -> datetime:
    """A wall clock's time from `2026-11-21T09:00`, and no other form. Raises BadInput `time.local`."""
    try:
        naive = datetime.fromisoformat(local)
    except ValueError as error:
        raise BadInput("time.local") from error
    if naive.tzinfo is not None or local_text(naive) != local:
        raise BadInput("time.local")
    return naive


def local_text(naive: datetime) -> str:
    """`2026-11-21T09:00`."""
    return naive.isoformat(timespec="minutes")


def _ms(moment: datetime) -> int:
    return (moment.astimezone(UTC) - _EPOCH) // _MS


def _at(at_ms: int, tz: ZoneInfo) -> datetime:
    return (_EPOCH + at_ms * _MS).astimezone(tz)
