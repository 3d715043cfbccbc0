"""Sessions that repeat: which a series has, and how this one, this and those that follow, or all are changed. Pure."""

from typing import NamedTuple

import msgspec

from classtap_core.kernel.errors import BadInput
from classtap_core.kernel.ids import Id, derived
from classtap_core.schedule.records import Equipment, Series, Session
from classtap_core.schedule.rules import LONGEST_MIN, planned
from classtap_core.timekeeping.recurrence import continued, ended_before, starts
from classtap_core.timekeeping.rules import check_local, parse_date, shift_date

AHEAD_DAYS = 366
"""How far ahead the sessions of a series without end are made."""

ALIKE = ("class_type", "room", "instructor", "duration_min", "capacity", "overbook", "equipment")
"""What a session has from its series, until it is changed alone."""


class Start(NamedTuple):
    """One start of a series: its session's id, and the local time the series gives it."""

    session: Id
    original: str


def session_of(stem: Id, number: int | str) -> Id:
    """The session that is a stem's `number`-th start; one that was added to it goes by its local start."""
    return derived("session", stem, str(number))


def starts_of(series: Series, *, through: str) -> tuple[Start, ...]:
    """Its starts up to and including a date, in order. Raises BadInput `recurrence.…`."""
    by_rule = [
        Start(session_of(series.stem, series.first + number), local)
        for number, local in enumerate(starts(series.rule, series.start, through=through))
        if local not in series.skip
    ]
    added = [Start(session_of(series.stem, local), local) for local in series.extra if local[:10] <= through]
    return tuple(sorted([*by_rule, *added], key=lambda start: (start.original, start.session)))


def sessions_of(series: Series, *, through: str, after: str = "") -> tuple[Session, ...]:
    """Its sessions as the series gives them, on dates after `after` and up to and including `through`."""
    return tuple(made(series, start) for start in starts_of(series, through=through) if start.original[:10] > after)


def made(series: Series, start: Start) -> Session:
    session = planned(
        start.session, class_type=series.class_type, location=series.location, room=series.room,
        instructor=series.instructor, start=start.original, zone=series.zone, duration_min=series.duration_min,
        capacity=series.capacity,
    )  # fmt: skip
    return msgspec.structs.replace(
        session, series=series.id, original=start.original, overbook=series.overbook, equipment=series.equipment
    )


class Change(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What is to be different. What is left out stays.

    `start` is the new local start of the session the change was made at; those that follow move as it does.
    """

    start: str | None = None
    class_type: Id | None = None
    room: Id | None = None
    instructor: Id | None = None
    duration_min: int | None = None
    capacity: int | None = None
    overbook: int | None = None
    equipment: tuple[Equipment, ...] | None = None

    def values(self) -> dict[str, object]:
        """What a session or a series takes over as it is."""
        return {name: value for name in ALIKE if (value := getattr(self, name)) is not None}


def changed(session: Session, change: Change) -> Session:
    """This one alone. Raises BadInput `time.local`."""
    start = session.start if change.start is None else change.start
    check_local(start)
    return msgspec.structs.replace(session, start=start, date=start[:10], **change.values())


class Cut(NamedTuple):
    """A series cut in two: what is left of the old one (None where nothing is), and the one that follows."""

    before: Series | None
    after: Series


def cut(series: Series, at: str, change: Change, *, id: Id) -> Cut:
    """Cut a series before the start it gives at the local time `at`, and change what follows.

    `id` is for the one that follows; where nothing is left before it, it stays the same series.
    Raises BadInput `series.start` where the series has no such start, or `recurrence.shift`.
    """
    everything = starts(series.rule, series.start, through=series.through)
    if at not in everything:
        raise BadInput("series.start")
    gone = everything.index(at)
    new_start = at if change.start is None else change.start
    check_local(new_start)
    days = (parse_date(new_start[:10]) - parse_date(at[:10])).days
    later = [_Move(days, new_start[11:]).moved(local) for local in series.extra if local >= at]
    after = msgspec.structs.replace(
        series,
        rule=continued(series.rule, after=gone, days=days),
        start=new_start,
        skip=tuple(_Move(days, new_start[11:]).moved(local) for local in series.skip if local >= at),
        extra=tuple(later),
        first=series.first + gone,
        through=shift_date(series.through, max(days, 0)),
        **change.values(),
    )
    if not gone:
        return Cut(None, after)
    before = msgspec.structs.replace(
        series, rule=ended_before(series.rule, at), state="ended", through=shift_date(at[:10], -1),
        skip=tuple(local for local in series.skip if local < at), extra=tuple(x for x in series.extra if x < at),
    )  # fmt: skip
    return Cut(before, msgspec.structs.replace(after, id=id, follows=series.id))


class _Move(NamedTuple):
    """So many days on, at another time of day."""

    days: int
    clock: str

    def moved(self, local: str) -> str:
        return f"{shift_date(local[:10], self.days)}T{self.clock}"


def followed(session: Session, was: Series, now: Series, original: str) -> Session:
    """A session after its series changed: what it had from the series it takes anew, what was its own it keeps."""
    values = {name: getattr(now, name) for name in ALIKE if getattr(session, name) == getattr(was, name)}
    start = original if session.start == session.original else session.start
    return msgspec.structs.replace(session, series=now.id, original=original, start=start, date=start[:10], **values)


def trouble(series: Series) -> str:
    """Why a series cannot be: a code, or ""."""
    if not 0 < series.duration_min <= LONGEST_MIN:
        return "session.duration"
    if series.capacity < 0 or series.overbook < 0:
        return "session.capacity"
    return ""


def horizon(today: str) -> str:
    """Up to and including which date a series without end has its sessions."""
    return shift_date(today, AHEAD_DAYS)
