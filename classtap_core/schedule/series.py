"""Sessions that repeat: which a series has, and how this one, this and those that follow, or all are changed. Pure."""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from classtap_core.kernel.errors import BadInput
from classtap_core.kernel.ids import Id, derived
from classtap_core.schedule.records import Equipment, Held, Series, Session
from classtap_core.schedule.rules import LONGEST_MIN, planned
from classtap_core.timekeeping.recurrence import continued, ended_before, first_start, goes_on, starts
from classtap_core.timekeeping.rules import check_local, parse_date, shift_date

AHEAD_DAYS = 366
"""How far ahead the sessions of a series without end are made."""

OPEN, COMPLETE, ENDED = "open", "complete", "ended"
"""A series is open while more of it is to be made, complete when all its starts are, ended when somebody ended it."""

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
    held = {one.original: one.session for one in series.held}
    found = {
        local: held.get(local) or session_of(series.stem, series.first + number)
        for number, local in enumerate(starts(series.rule, series.start, through=through))
        if local not in series.skip
    }
    for local in series.extra:
        if local[:10] <= through:
            found.setdefault(local, held.get(local) or session_of(series.stem, local))
    return tuple(sorted((Start(session, local) for local, session in found.items()), key=_order))


def _order(start: Start) -> tuple[str, Id]:
    return start.original, start.session


def state_of(rule: str, start: str, *, through: str) -> str:
    """`open` where the rule gives more starts than are made by a date, else `complete`."""
    return OPEN if goes_on(rule, start, through=through) else COMPLETE


def sessions_of(series: Series, *, through: str, after: str = "") -> tuple[Session, ...]:
    """Its sessions as the series gives them, on dates after `after` and up to and including `through`."""
    return tuple(made(series, start) for start in starts_of(series, through=through) if start.original[:10] > after)


def sessions_from(series: Series, original: str = "") -> tuple[Id, ...]:
    """The sessions of a series from one of its starts on: what `series.change` and `series.end` name."""
    return tuple(one.session for one in starts_of(series, through=series.through) if one.original >= original)


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
    gone = sum(local < at for local in everything)
    if (at not in everything and at not in series.extra) or gone == len(everything):
        raise BadInput("series.start")
    move = _move(series, at, change.start)
    later = [local for local in series.extra if local >= at]
    own = {one.original: one.session for one in series.held if one.original >= at}
    for local in later:
        if move(local) != local:
            own.setdefault(local, session_of(series.stem, local))
    after = msgspec.structs.replace(
        series,
        rule=continued(series.rule, after=gone, days=move.days),
        start=move(everything[gone]),
        skip=tuple(move(local) for local in series.skip if local >= at),
        extra=tuple(move(local) for local in later),
        held=tuple(Held(move(local), session) for local, session in own.items()),
        first=series.first + gone,
        through=shift_date(series.through, max(move.days, 0)),
        **change.values(),
    )
    if not any(local < at for local in (*everything, *series.extra)):
        return Cut(None, after)
    before = msgspec.structs.replace(
        series, rule=ended_before(series.rule, at), state=ENDED, through=shift_date(at[:10], -1),
        skip=tuple(local for local in series.skip if local < at), extra=tuple(x for x in series.extra if x < at),
        held=tuple(one for one in series.held if one.original < at),
    )  # fmt: skip
    return Cut(before, msgspec.structs.replace(after, id=id, follows=series.id))


class _Move(NamedTuple):
    """So many days on; what was at the clock `was` is then at `clock`."""

    days: int
    was: str
    clock: str

    def __call__(self, local: str) -> str:
        clock = self.clock if local[11:] == self.was else local[11:]
        return f"{shift_date(local[:10], self.days)}T{clock}"


def _move(series: Series, at: str, to: str | None) -> _Move:
    """How a series moves whose start at one time comes to be at another. Raises BadInput `time.local`."""
    clock = series.start[11:]
    if to is None:
        return _Move(0, clock, clock)
    check_local(to)
    days = (parse_date(to[:10]) - parse_date(at[:10])).days
    return _Move(days, clock, to[11:] if to[11:] != at[11:] else clock)


def patterned(series: Series, *, rule: str, skip: Sequence[str], extra: Sequence[str], stem: Id) -> Series:
    """The same series by another rule (in its normal form), with other exceptions.

    A start at a time, or else on a date, at which it had one before keeps that one's session; the others get new ones
    under `stem`. Raises BadInput `recurrence.…`, `time.local`, or `series.no_start` for what is left out of nothing.
    """
    for local in (*skip, *extra):
        check_local(local)
    start = first_start(rule, series.start)
    through = max(series.through, horizon(start[:10]))
    given = starts(rule, start, through=through)
    for local in skip:
        if local not in given and local[:10] <= through:
            raise BadInput("series.no_start", start=local)
    wanted = msgspec.structs.replace(
        series, rule=rule, start=start, skip=tuple(sorted(set(skip))), extra=tuple(sorted(set(extra))), stem=stem,
        first=0, held=(), through=through, state=state_of(rule, start, through=through),
    )  # fmt: skip
    before = {one.original: one.session for one in starts_of(series, through=series.through)}
    now = [one.original for one in starts_of(wanted, through=through)]
    kept = {local: before.pop(local) for local in now if local in before}
    for local in now:
        same_day = next((one for one in before if one[:10] == local[:10]), None)
        if local not in kept and same_day is not None:
            kept[local] = before.pop(same_day)
    return msgspec.structs.replace(wanted, held=tuple(Held(*one) for one in sorted(kept.items())))


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
