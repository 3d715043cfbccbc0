"""Forms of a series that is there: one of its sessions with those that follow, and the whole of it."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from classtap_core.booking.rescheduling import ChangeSeries, ChangeSession, first_to_come
from classtap_core.kernel.errors import BadInput
from classtap_core.kernel.ids import Id
from classtap_core.kernel.operations import Payload
from classtap_core.schedule.records import Series, Session
from classtap_core.schedule.series import Change, made, sessions_from, starts_of
from classtap_core.schedule.series_operations import EndSeries
from classtap_core.timekeeping.rules import parse_date, shift_date
from classtap_desktop.kit import theme
from classtap_desktop.screens.entries import Field
from classtap_desktop.screens.schedule import planning, repeating
from classtap_desktop.screens.schedule.planning import ALL, FOLLOWING, REASONS, THIS, Planning
from classtap_desktop.screens.sheet import Group, Sheet, Written
from classtap_desktop.screens.studio.reading import Known

_MOST_STARTS = 60


def change_sheet(found: Planning) -> Sheet:
    """A session otherwise: this one alone, with those that follow, or with all that are to come."""
    known, session, series = found.known, found.session, found.series
    if series is None:
        return planning.change_sheet(found)
    return _sheet(known, session, series, which=(THIS, FOLLOWING, ALL), title="desk.plan.change", id=session.id)


def series_sheet(known: Known, id: Id) -> Sheet:
    """All of a series that is to come, from one of its starts on; or its end."""
    series = known.series[id]
    at = first_to_come(series, known.now_ms) or series.start
    first = next((one for one in starts_of(series, through=series.through) if one.original == at), None)
    if first is None:
        return Sheet(id=id, title="desk.studio.subject.series", groups={}, said=lambda _: [])
    return _sheet(known, made(series, first), series, which=(), title="desk.studio.subject.series", id=id)


def _sheet(known: Known, session: Session, series: Series, *, which: tuple[str, ...], title: str, id: Id) -> Sheet:
    before, since = planning.held(session), min(known.today, session.original[:10])
    again = repeating.group(series, since=since)
    assert isinstance(again.values, Mapping)
    shown = again.values
    coming = [one.original for one in starts_of(series, through=series.through) if one.original[:10] >= since]

    def said(written: Written) -> list[Payload]:
        if not which and written.text("ends"):
            last = written.text("ends")
            sessions = sessions_from(series, last)
            return [EndSeries(series=series.id, original=last, reason=written.text("reason"), sessions=sessions)]
        change = planning.change_of(known, written, before, session.equipment)
        same = repeating.untouched(written, shown)
        if change == Change() and same:
            return []
        chosen = written.text("which") if which else FOLLOWING
        if chosen == THIS:
            if not same:
                raise BadInput("form.series_only")
            return [ChangeSession(session=session.id, change=change, despite=written.despite)]
        at = session.original if chosen == FOLLOWING else first_to_come(series, known.now_ms)
        return [_changed(series, session, change, written, at=at, same=same)]

    fields = planning.fields_of(known)
    things = tuple((start, f"{_long(start[:10])} · {start[11:]}") for start in coming[:_MOST_STARTS])
    if which:
        fields = (*fields, planning.which_of(*which))
    groups = {
        "session": Group(fields=fields, values=before, note="desk.plan.change_note"),
        "again": again,
        "equipment": planning.things_of(session.equipment),
        "why": Group(
            fields=(
                *(() if which else (Field("ends", "desk.plan.end_from", 3, things=(("", "–"), *things)),)),
                Field("reason", "desk.plan.why", 3, choices=REASONS),
            ),
            values={"reason": "other"}, heading="desk.plan.called_off", note="desk.plan.cancel_note",
        ),
    }  # fmt: skip
    return Sheet(id=id, title=title, groups=groups, said=said, ways=planning.ways_in(known))


def _changed(
    series: Series, session: Session, change: Change, written: Written, *, at: str, same: bool
) -> ChangeSeries:
    """The series from a start on. What is said of one session's start is said of the first one's, as many days on."""
    if change.start is not None:
        days = (parse_date(change.start[:10]) - parse_date(session.original[:10])).days
        change = replace(change, start=f"{shift_date(at[:10], days)}T{change.start[11:]}")
    sessions = sessions_from(series, at)
    if same:
        return ChangeSeries(
            series=series.id, change=change, original=at, sessions=sessions, despite=written.despite,
            reason=written.text("reason"),
        )  # fmt: skip
    clock = series.start[11:] if change.start is None else change.start[11:]
    again = repeating.said(written, clock)
    first = min(at, change.start or at)
    return ChangeSeries(
        series=series.id, change=change, original=at, sessions=sessions, despite=written.despite, rule=again.rule,
        skip=tuple(one for one in again.skip if one >= first), extra=tuple(one for one in again.extra if one >= first),
        reason=written.text("reason"),
    )  # fmt: skip


def _long(day: str) -> str:
    return theme().words.date(parse_date(day), style="long")
