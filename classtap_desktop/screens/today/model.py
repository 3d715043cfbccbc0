"""The day at a glance: what runs, what comes, what is over, and how many are here in all."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

from classtap_core.access.blueprints import Capability
from classtap_core.timekeeping.rules import local_date
from classtap_desktop.operator import Operator, sight
from classtap_desktop.screens.sessions import Place, SessionLine, read_days, read_places, today_of
from classtap_desktop.source import DeskSource

SOON_MS = 60 * 60_000
SECTIONS = ("now", "soon", "later", "done")


class Day(NamedTuple):
    """A day as read: its date, the places it covers, and their sessions by start."""

    date: date
    places: tuple[Place, ...]
    lines: tuple[SessionLine, ...]


class Total(NamedTuple):
    """The day in numbers: sessions that take place, children booked, here, and not yet here where it has begun."""

    sessions: int
    booked: int
    here: int
    missing: int


def read_day(source: DeskSource, operator: Operator | None) -> Day:
    """Return today at this desk's location, or at every place for a desk of all, as its operator may see it."""
    reader, now_ms = source.reader, source.clock.now().corrected
    seen = sight(operator, Capability.VIEW_SCHEDULE, source)
    places = tuple(place for place in read_places(reader) if seen.reaches(place.id))
    here = tuple(place for place in places if place.id == source.place.location) or places
    today = today_of(here[0], now_ms) if here else date.fromisoformat(local_date(now_ms, "UTC"))
    return Day(today, here, read_days(reader, here, today, days=1, attendance=True, seen=seen))


def sections(day: Day, now_ms: int) -> list[tuple[str, tuple[SessionLine, ...]]]:
    """Return the sessions that run, start within the hour, come later and are over; empty ones left out."""
    parts: dict[str, list[SessionLine]] = {name: [] for name in SECTIONS}
    for line in day.lines:
        phase = line.phase(now_ms)
        if phase == "later":
            phase = "soon" if line.start_ms - now_ms <= SOON_MS else "later"
        parts[
            "later" if phase == "cancelled" and line.end_ms > now_ms else "done" if phase == "cancelled" else phase
        ].append(line)
    return [(name, tuple(parts[name])) for name in SECTIONS if parts[name]]


def total(day: Day, now_ms: int) -> Total:
    """Return the day in numbers."""
    held = [line for line in day.lines if not line.cancelled]
    begun = [line for line in held if line.start_ms <= now_ms]
    return Total(
        len(held), sum(line.booked for line in held), sum(line.counts.here for line in held),
        sum(line.counts.none for line in begun),
    )  # fmt: skip
