"""Local starts and instants, beside tzdb's own compiler (zdump) and the catalogue's dated examples."""

import os
import re
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import tzdata
from hypothesis import given
from hypothesis import strategies as st

from classtap_core.kernel.errors import BadInput
from classtap_core.timekeeping import rules


def utc(text: str) -> int:
    return int(datetime.fromisoformat(text + "+00:00").timestamp() * 1000)


# Transitions as `zdump -v` of tzdb 2026 prints them.
VECTORS = [
    ("plain winter", "2026-11-21T09:00", "Europe/Madrid", "2026-11-21T08:00"),
    ("plain summer", "2026-07-01T09:00", "Europe/Madrid", "2026-07-01T07:00"),
    ("last minute before a gap", "2026-03-29T01:59", "Europe/Madrid", "2026-03-29T00:59"),
    ("start of a gap", "2026-03-29T02:00", "Europe/Madrid", "2026-03-29T01:00"),
    ("inside a gap: its end", "2026-03-29T02:30", "Europe/Madrid", "2026-03-29T01:00"),
    ("end of a gap", "2026-03-29T03:00", "Europe/Madrid", "2026-03-29T01:00"),
    ("inside an overlap: the earlier", "2026-10-25T02:30", "Europe/Madrid", "2026-10-25T00:30"),
    ("end of an overlap", "2026-10-25T03:00", "Europe/Madrid", "2026-10-25T02:00"),
    ("a gap of half an hour", "2026-10-04T02:15", "Australia/Lord_Howe", "2026-10-03T15:30"),
    ("an overlap of half an hour", "2026-04-05T01:45", "Australia/Lord_Howe", "2026-04-04T14:45"),
    ("a day that never was", "2011-12-30T12:00", "Pacific/Apia", "2011-12-30T10:00"),
    ("a zone with no summer time", "2026-07-01T00:00", "Asia/Kolkata", "2026-06-30T18:30"),
]


@pytest.mark.parametrize(("local", "zone", "instant"), [row[1:] for row in VECTORS], ids=[row[0] for row in VECTORS])
def test_a_local_start_becomes_the_instant_zdump_gives(local: str, zone: str, instant: str) -> None:
    assert rules.instant_ms(local, zone) == utc(instant)


def test_what_had_to_be_decided_is_said() -> None:
    """The same vectors: a gap and an overlap are named, everything else is plain."""
    said = {name: rules.moment(local, zone).shift for name, local, zone, _ in VECTORS}
    assert {name for name, shift in said.items() if shift == rules.GAP} == {
        "start of a gap", "inside a gap: its end", "a gap of half an hour", "a day that never was",
    }  # fmt: skip
    assert {name for name, shift in said.items() if shift == rules.OVERLAP} == {
        "inside an overlap: the earlier", "an overlap of half an hour",
    }  # fmt: skip


def test_minutes_on_a_wall_clock_know_no_change() -> None:
    assert rules.shift_local("2026-03-29T01:30", 60) == "2026-03-29T02:30"
    assert rules.shift_local("2026-01-01T00:00", -1) == "2025-12-31T23:59"


@pytest.mark.needs("zdump")
@pytest.mark.parametrize("zone", ["Europe/Madrid", "America/Los_Angeles", "Australia/Lord_Howe", "America/Santiago"])
def test_every_transition_of_two_years_agrees_with_zdump(zone: str) -> None:
    places = {**os.environ, "TZDIR": str(Path(tzdata.__file__).parent / "zoneinfo")}
    command = ["zdump", "-v", "-c", "2025,2027", zone]
    printed = subprocess.run(command, env=places, check=True, capture_output=True, text=True).stdout
    seen = 0
    for line in printed.splitlines():
        found = re.search(r"(\w{3} +\d+ [\d:]{8} \d{4}) UT = \w{3} (\w{3} +\d+ [\d:]{8} \d{4}) ", line)
        if not found:
            continue
        instant = datetime.strptime(found[1], "%b %d %H:%M:%S %Y").replace(tzinfo=UTC)
        local = datetime.strptime(found[2], "%b %d %H:%M:%S %Y")  # noqa: DTZ007 - a wall clock
        assert rules.local_of(int(instant.timestamp()) * 1000, zone) == local.strftime("%Y-%m-%dT%H:%M")
        seen += 1
    assert seen >= 8


@given(
    st.datetimes(datetime(2000, 1, 1), datetime(2037, 1, 1)),  # noqa: DTZ001 - wall clocks
    st.sampled_from(["Europe/Madrid", "America/New_York", "Australia/Lord_Howe", "Asia/Tokyo", "Africa/Casablanca"]),
)
def test_an_instant_shows_its_local_start_again_or_the_first_time_after_a_gap(moment: datetime, zone: str) -> None:
    local = moment.strftime("%Y-%m-%dT%H:%M")
    instant = rules.instant_ms(local, zone)
    assert rules.local_of(instant, zone) >= local
    assert rules.local_of(instant - 60_000, zone) < local


def test_a_day_before_is_by_the_wall_clock_and_an_hour_before_is_elapsed() -> None:
    """Catalogue 05: 2025-11-02 09:00 PST less 24 h is 2025-11-01 09:00 PDT, which is 25 elapsed hours."""
    start, zone = "2025-11-02T09:00", "America/Los_Angeles"
    assert rules.before_ms(start, zone, 24 * 60) == utc("2025-11-01T16:00")
    assert rules.instant_ms(start, zone) - rules.before_ms(start, zone, 24 * 60) == 25 * 3_600_000
    assert rules.before_ms("2026-03-29T03:30", "Europe/Madrid", 60) == utc("2026-03-29T00:30")


def test_days_and_texts() -> None:
    at = utc("2026-11-21T23:30")
    assert rules.local_date(at, "Europe/Madrid") == "2026-11-22"
    assert rules.local_date(at, "America/New_York") == "2026-11-21"
    assert rules.iso_local(at, "Europe/Madrid") == "2026-11-22T00:30:00+01:00"
    assert rules.shift_date("2028-02-28", 1) == "2028-02-29"
    assert rules.shift_date("2026-01-01", -1) == "2025-12-31"
    assert re.fullmatch(r"20\d\d[a-z]", rules.zone_data_version())


def test_spans_that_only_touch_do_not_overlap() -> None:
    assert rules.overlaps(0, 10, other_start_ms=9, other_end_ms=12)
    assert not rules.overlaps(0, 10, other_start_ms=10, other_end_ms=12)
    assert not rules.overlaps(10, 12, other_start_ms=0, other_end_ms=10)


@pytest.mark.parametrize(
    "local", ["2026-11-21 09:00", "2026-11-21T9:00", "2026-02-30T09:00", "", "2026-11-21T09:00:00"]
)
def test_local_times_have_one_form(local: str) -> None:
    with pytest.raises(BadInput, match=r"time\.local"):
        rules.check_local(local)


@pytest.mark.parametrize("day", ["2026-2-3", "20260203", "2026-02-30", ""])
def test_dates_have_one_form(day: str) -> None:
    with pytest.raises(BadInput, match=r"time\.date"):
        rules.parse_date(day)


@pytest.mark.parametrize("zone", ["Europe/Atlantis", "../../etc/passwd", "", "Europe", "/etc/localtime", "leapseconds"])
def test_only_zones_of_the_pinned_data_are_zones(zone: str) -> None:
    with pytest.raises(BadInput, match=r"time\.zone"):
        rules.zone_of(zone)


def test_a_long_stretch_is_monotonic() -> None:
    start = datetime(2026, 3, 28)  # noqa: DTZ001 - a wall clock
    walls = [(start + timedelta(minutes=30 * step)).strftime("%Y-%m-%dT%H:%M") for step in range(120)]
    instants = [rules.instant_ms(wall, "Europe/Madrid") for wall in walls]
    assert instants == sorted(instants)
