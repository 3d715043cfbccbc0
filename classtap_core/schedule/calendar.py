"""iCalendar (RFC 5545) out and in. What goes out are sessions at their instants; what comes in is a draft to look at.

Each session goes out as an event of its own in UTC: a rule with a zone would be read by the zone data of whoever reads
it, and RFC 5545 3.3.5 moves a start inside a gap elsewhere than ClassTap does.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

import icalendar

from classtap_core.kernel.errors import BadInput
from classtap_core.kernel.ids import Id
from classtap_core.schedule.records import Session
from classtap_core.schedule.rules import LONGEST_MIN, ends_ms, starts_ms
from classtap_core.timekeeping.recurrence import normal
from classtap_core.timekeeping.rules import local_of, local_text, zone_of

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DOMAIN = "classtap"


class Words(NamedTuple):
    """What people call things: ids of class types, rooms and instructors to names."""

    classes: Mapping[Id, str]
    rooms: Mapping[Id, str]
    instructors: Mapping[Id, str]


def write(sessions: Iterable[Session], words: Words, *, name: str, zone: str, at_ms: int) -> bytes:
    """A calendar of these sessions, each an event of its own; `zone` is what a reader is asked to show it in.

    `at_ms` is the moment it is written (DTSTAMP), milliseconds since the Unix epoch.
    """
    calendar = icalendar.Calendar()
    calendar.add("prodid", "-//ClassTap//EN")
    calendar.add("version", "2.0")
    calendar.add("x-wr-calname", name)
    calendar.add("x-wr-timezone", zone)
    for session in sorted(sessions, key=lambda one: (starts_ms(one), one.id)):
        calendar.add_component(_event(session, words, at_ms=at_ms))
    return bytes(calendar.to_ical())


def _event(session: Session, words: Words, *, at_ms: int) -> icalendar.Event:
    event = icalendar.Event()
    event.add("uid", f"{session.id}@{_DOMAIN}")
    event.add("dtstamp", _utc(at_ms))
    event.add("dtstart", _utc(starts_ms(session)))
    event.add("dtend", _utc(ends_ms(session)))
    event.add("summary", words.classes.get(session.class_type, ""))
    event.add("location", words.rooms.get(session.room, ""))
    teacher = words.instructors.get(session.instructor, "")
    if teacher:
        event.add("description", teacher)
    event.add("status", "CANCELLED" if session.state == "cancelled" else "CONFIRMED")
    return event


def _utc(at_ms: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=at_ms)


class Draft(NamedTuple):
    """An event as it may become sessions: of a location's zone, and nothing of it saved.

    Attributes:
        uid: the calendar's own name for it. start: local, in the zone asked for. rule: in its normal form, or "".
        skip, extra: local starts. changed: starts of the rule with what they are instead (None: called off).
    """

    uid: str
    title: str
    place: str
    start: str
    duration_min: int
    rule: str = ""
    skip: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
    changed: tuple[tuple[str, "Draft | None"], ...] = ()
    cancelled: bool = False


class Lost(NamedTuple):
    """An event, or a part of one, that could not be taken, and why: a code."""

    uid: str
    code: str


class Read(NamedTuple):
    drafts: tuple[Draft, ...]
    lost: tuple[Lost, ...]


def read(data: bytes, *, zone: str) -> Read:
    """Drafts from a calendar, in its order. Raises BadInput `calendar.unreadable`.

    Times of other zones and UTC become local ones of `zone`; a floating time is local already. A rule in another zone
    would drift against ours when clocks change, and is named as lost (`calendar.rule_zone`), as are whole days
    (`calendar.whole_day`), rules no series can follow, and events without a start or of no length.
    """
    zone_of(zone)
    try:
        calendars = icalendar.Calendar.from_ical(_text(data), multiple=True)
        events: list[Any] = [event for calendar in calendars for event in calendar.walk("VEVENT")]
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise BadInput("calendar.unreadable") from error
    if not calendars:
        raise BadInput("calendar.unreadable")
    drafts: dict[str, Draft] = {}
    lost: list[Lost] = []
    exceptions: dict[str, list[tuple[str, Draft | None]]] = {}
    for event in events:
        uid = str(event.get("UID", ""))
        try:
            draft = _draft(event, uid, zone)
            if "RECURRENCE-ID" in event:
                instead = None if draft.cancelled else draft
                exceptions.setdefault(uid, []).append((_local(event["RECURRENCE-ID"].dt, zone), instead))
            elif uid in drafts:
                lost.append(Lost(uid, "calendar.twice"))
            else:
                drafts[uid] = draft
        except BadInput as bad:
            lost.append(Lost(uid, bad.code))
        except (ValueError, AttributeError):  # what icalendar could not read of one property it says when that is used
            lost.append(Lost(uid, "calendar.broken"))
    for uid, found in exceptions.items():
        if uid in drafts and drafts[uid].rule:
            drafts[uid] = drafts[uid]._replace(changed=tuple(sorted(found, key=lambda one: one[0])))
        else:
            lost.append(Lost(uid, "calendar.exception_alone"))
    return Read(tuple(drafts.values()), tuple(lost))


def _text(data: bytes) -> bytes | str:
    """RFC 5545 3.1.4 wants UTF-8; what is none was written by an old Windows program."""
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("cp1252")
    return data


def _draft(event: Any, uid: str, zone: str) -> Draft:
    if "DTSTART" not in event:
        raise BadInput("calendar.no_start")
    start = event["DTSTART"].dt
    rule = ""
    if "RRULE" in event:
        repeats: Any = event["RRULE"]
        if isinstance(repeats, list):
            raise BadInput("recurrence.rule")
        if _foreign(start, zone):
            raise BadInput("calendar.rule_zone")
        rule = normal(repeats.to_ical().decode(), zone)
    return Draft(
        uid, str(event.get("SUMMARY", "")), str(event.get("LOCATION", "")), _local(start, zone),
        _minutes(event, start), rule, tuple(_listed(event, "EXDATE", zone)), tuple(_listed(event, "RDATE", zone)),
        cancelled=str(event.get("STATUS", "")).upper() == "CANCELLED",
    )  # fmt: skip


def _foreign(start: date, zone: str) -> bool:
    return isinstance(start, datetime) and start.tzinfo is not None and str(start.tzinfo) != zone


def _local(at: date, zone: str) -> str:
    if not isinstance(at, datetime):
        raise BadInput("calendar.whole_day")
    if at.tzinfo is None or str(at.tzinfo) == zone:
        return local_text(at.replace(tzinfo=None, second=0))
    return local_of((at.astimezone(UTC) - _EPOCH) // timedelta(milliseconds=1), zone)


def _minutes(event: Any, start: date) -> int:
    if "DURATION" in event:
        length = event["DURATION"].dt
    elif "DTEND" in event:
        end = event["DTEND"].dt
        if isinstance(end, datetime) != isinstance(start, datetime):
            raise BadInput("calendar.length")
        aware = isinstance(end, datetime) and end.tzinfo is not None
        if aware and isinstance(start, datetime) and start.tzinfo is not None:
            end, start = end.astimezone(UTC), start.astimezone(UTC)
        try:
            length = end - start
        except TypeError as error:
            raise BadInput("calendar.length") from error
    else:
        raise BadInput("calendar.length")
    minutes = length // timedelta(minutes=1)
    if not 0 < minutes <= LONGEST_MIN:
        raise BadInput("calendar.length")
    return int(minutes)


def _listed(event: Any, name: str, zone: str) -> Iterator[str]:
    """EXDATE and RDATE come once or several times, each with one time or several."""
    found: Any = event.get(name, [])
    for one in found if isinstance(found, list) else [found]:
        for at in one.dts:
            if isinstance(at.dt, tuple):
                raise BadInput("calendar.period")
            yield _local(at.dt, zone)
