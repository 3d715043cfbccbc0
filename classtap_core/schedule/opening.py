"""When a place is open: its weekly hours on the wall clock, less what it is closed for. Pure."""

from collections.abc import Iterable
from typing import NamedTuple

from classtap_core.kernel.errors import BadInput
from classtap_core.schedule.records import Closure, Hours, Location, Session
from classtap_core.schedule.rules import ends_ms, starts_ms
from classtap_core.timekeeping.rules import instant_ms, local_date, overlaps, parse_date, parse_local, shift_date

CLOSED, OUT_OF_HOURS = "conflict.closed", "conflict.hours"


class Span(NamedTuple):
    """From an instant up to but not including another, milliseconds since the Unix epoch."""

    start_ms: int
    end_ms: int


def open_spans(location: Location, day: str) -> tuple[Span, ...]:
    """When the hours of one local date say open; on the days clocks change these are longer or shorter."""
    weekday = parse_date(day).weekday()
    spans = []
    for hours in location.hours:
        if hours.weekday == weekday:
            until = day if hours.closes > hours.opens else shift_date(day, 1)
            span = Span(
                instant_ms(f"{day}T{hours.opens}", location.zone), instant_ms(f"{until}T{hours.closes}", location.zone)
            )
            if span.start_ms < span.end_ms:  # not so where a gap swallows it whole
                spans.append(span)
    return tuple(sorted(spans))


def trouble(location: Location, closures: Iterable[Closure], room: str, span: Span) -> str:
    """Why nothing can take place in a room then: the code, or ""."""
    for closure in closures:
        if closure.location == location.id and closure.room in ("", room) and _meets(closure, location.zone, span):
            return CLOSED
    if not location.hours:
        return ""
    return "" if _within_hours(location, span) else OUT_OF_HOURS


def closes(closure: Closure, location: Location, session: Session) -> bool:
    """Whether a session lies in what is closed, wholly or in part."""
    if closure.room not in ("", session.room):
        return False
    return _meets(closure, location.zone, Span(starts_ms(session), ends_ms(session)))


def _meets(closure: Closure, zone: str, span: Span) -> bool:
    first, last = instant_ms(closure.first, zone), instant_ms(closure.last, zone)
    return overlaps(first, last, other_start_ms=span.start_ms, other_end_ms=span.end_ms)


def _within_hours(location: Location, span: Span) -> bool:
    """Whether open spans, one after the other, cover the whole of it."""
    day = shift_date(local_date(span.start_ms, location.zone), -1)
    last = local_date(span.end_ms - 1, location.zone)
    reached = span.start_ms
    while day <= last:
        for start, end in open_spans(location, day):
            if start <= reached < end:
                reached = end
        day = shift_date(day, 1)
    return reached >= span.end_ms


def check_hours(hours: Iterable[Hours]) -> None:
    """Raises BadInput `location.hours` for what is no weekday or no time of day."""
    for one in hours:
        if not 0 <= one.weekday <= 6 or not all(_is_clock(clock) for clock in (one.opens, one.closes)):
            raise BadInput("location.hours")


def check_closure(first: str, last: str) -> None:
    """Raises BadInput `time.local`, or `closure.empty` where it does not end after it begins."""
    if parse_local(first) >= parse_local(last):
        raise BadInput("closure.empty")


def _is_clock(clock: str) -> bool:
    try:
        parse_local(f"2000-01-01T{clock}")
    except BadInput:
        return False
    return True
