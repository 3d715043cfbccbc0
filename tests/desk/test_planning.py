"""The timetable at the desk: planned, changed, taught by somebody else, called off; what clashes is said before it is asked."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from msgspec.structs import replace
from pytestqt.qtbot import QtBot

from classtap_core.booking.rescheduling import ChangeSeries
from classtap_core.checkin.reading import fetch, search
from classtap_core.kernel.ids import Id
from classtap_core.kernel.outcomes import Status
from classtap_core.schedule.records import Series, Session
from classtap_core.schedule.series_operations import EndSeries, Substitute
from classtap_core.timekeeping.rules import parse_date
from classtap_desktop.screens.schedule.planner import DEEDS
from classtap_desktop.screens.schedule.planning import read_planning
from classtap_desktop.screens.schedule.repeating import FORTNIGHTLY, MONTHLY, RULE, WEEKLY, shown
from classtap_desktop.screens.schedule.series import series_sheet
from classtap_desktop.screens.schedule.view import ScheduleScreen
from classtap_desktop.screens.sheet_form import SheetForm
from classtap_desktop.screens.studio.reading import read_known
from classtap_desktop.window import DeskWindow
from tests.desk.test_household import said, saved, write
from tests.desk.world import World

Open = Callable[..., DeskWindow]


def schedule(qtbot: QtBot, open_desk: Open, role: str = "manager") -> ScheduleScreen:
    window = open_desk(role, screen="today")
    screen = window.screens["schedule"]
    assert isinstance(screen, ScheduleScreen)
    with qtbot.waitSignal(screen.loaded):
        window.open("schedule")
    return screen


def form(qtbot: QtBot, screen: ScheduleScreen, deed: str, session: Id | None = None) -> SheetForm:
    with qtbot.waitSignal(screen.planner.opened):
        screen.planner.do(deed, session)
    made = screen.planner.form
    assert made is not None
    assert made.isVisible()
    return made


def of_season(world: World) -> list[Session]:
    """Open sessions of the demo's series, in order."""
    found = search(world.store, Session, "by_location_date", world.plan.main)
    return [one for one in found if one.series and one.state == "open"]


def fetch_series(world: World, session: Session) -> Series:
    return fetch(world.store, Series, [Id(session.series)])[Id(session.series)]


def test_a_clash_is_said_with_three_ways_round_and_one_press_takes_one(
    qtbot: QtBot, world: World, open_desk: Open
) -> None:
    screen = schedule(qtbot, open_desk)
    taken = of_season(world)[0]
    made = form(qtbot, screen, "new")
    card = made.one["session"]
    write(card, class_type=taken.class_type, room=taken.room, instructor=taken.instructor, date=taken.date, clock="18:15",
          capacity="10")  # fmt: skip
    before = world.store.head().sequence
    assert "room" in said(qtbot, made)
    assert len(made.offers) == 3
    assert world.store.head().sequence == before  # nothing was asked of anybody
    assert made.despite.isVisible()
    made.offers[1].click()
    assert card.values()["clock"] != "18:15"
    saved(qtbot, made)
    assert made.asked
    assert world.store.entries([before + 1])[0].told.status is Status.WAITING


def test_who_plans_may_plan_despite_what_they_saw(qtbot: QtBot, world: World, open_desk: Open) -> None:
    screen = schedule(qtbot, open_desk)
    taken = of_season(world)[0]
    made = form(qtbot, screen, "new")
    write(made.one["session"], room=taken.room, instructor=taken.instructor, class_type=taken.class_type,
          date=taken.date, clock=taken.start[11:], capacity="10")  # fmt: skip
    said(qtbot, made)
    made.despite.setChecked(True)
    (payload,) = made.payloads()
    assert payload.despite == ("conflict.room", "conflict.instructor")  # type: ignore[attr-defined]
    saved(qtbot, made)


def test_a_series_is_planned_by_days_or_by_a_rule_with_dates_left_out(
    qtbot: QtBot, world: World, open_desk: Open
) -> None:
    screen = schedule(qtbot, open_desk)
    made = form(qtbot, screen, "new")
    write(made.one["session"], date="2027-01-04", clock="9:00", capacity="10")
    write(made.one["again"], repeat=WEEKLY, until="2027-02-01", skip="2027-01-11", extra="2027-01-09 18:30")
    for day in ("MO", "WE"):
        made.one["again"].widgets["days"].boxes[day].setChecked(True)  # type: ignore[attr-defined]
    (payload,) = made.payloads()
    assert payload.rule == "FREQ=WEEKLY;BYDAY=MO,WE;UNTIL=20270201"  # type: ignore[attr-defined]
    assert payload.skip == ("2027-01-11T09:00",)  # type: ignore[attr-defined]
    assert payload.extra == ("2027-01-09T18:30",)  # type: ignore[attr-defined]
    write(made.one["again"], repeat=RULE, rule="FREQ=SOMETIMES")
    assert said(qtbot, made)
    write(made.one["again"], rule="FREQ=MONTHLY;BYDAY=1MO")
    saved(qtbot, made)


def test_a_session_is_changed_alone_with_those_that_follow_or_all(qtbot: QtBot, world: World, open_desk: Open) -> None:
    screen = schedule(qtbot, open_desk)
    session = of_season(world)[1]
    made = form(qtbot, screen, "change", session.id)
    assert made.payloads() == []
    write(made.one["session"], capacity="9")
    (alone,) = made.payloads()
    assert (alone.session, alone.change.capacity) == (session.id, 9)  # type: ignore[attr-defined]
    write(made.one["session"], which="following")
    (following,) = made.payloads()
    assert (following.series, following.original) == (session.series, session.original)  # type: ignore[attr-defined]
    write(made.one["session"], which="all")
    (every,) = made.payloads()
    assert every.sessions[0] == of_season(world)[0].id  # type: ignore[attr-defined]
    saved(qtbot, made)


def test_all_move_as_the_class_that_was_opened_does(qtbot: QtBot, world: World, open_desk: Open) -> None:
    """Opened at the third Monday and set half an hour later, they all begin half an hour later, and on their days."""
    screen = schedule(qtbot, open_desk)
    first, _, third = of_season(world)[:3]
    made = form(qtbot, screen, "change", third.id)
    write(made.one["session"], clock="18:05", which="all")
    (said_of_all,) = made.payloads()
    assert isinstance(said_of_all, ChangeSeries)
    assert said_of_all.original == first.original
    assert said_of_all.change.start == f"{first.original[:10]}T18:05"


def test_how_a_series_repeats_changes_from_a_class_on_and_clashes_are_said_before(
    qtbot: QtBot, world: World, open_desk: Open
) -> None:
    screen = schedule(qtbot, open_desk)
    session = of_season(world)[1]
    made = form(qtbot, screen, "change", session.id)
    day = parse_date(session.original[:10])
    write(made.one["again"], extra=f"{(day + timedelta(days=2)).isoformat()} 11:30")
    assert "this and following" in said(qtbot, made)
    write(made.one["session"], which="following")
    (added,) = made.payloads()
    assert isinstance(added, ChangeSeries)
    assert added.extra == (f"{(day + timedelta(days=2)).isoformat()}T11:30",)
    assert (added.original, added.rule) == (session.original, fetch_series(world, session).rule)
    busy = next(
        one for one in search(world.store, Session, "by_location_date", world.plan.main)
        if one.series != session.series and one.date > session.date and one.state == "open"
    )  # fmt: skip
    write(made.one["session"], room=busy.room)
    write(made.one["again"], extra=busy.start.replace("T", " "))
    assert "room" in said(qtbot, made)
    assert len(made.offers) == 3
    made.offers[1].click()
    saved(qtbot, made)
    assert made.asked


def test_a_series_is_changed_and_ended_from_the_studio(qtbot: QtBot, world: World, open_desk: Open) -> None:
    session = of_season(world)[0]
    known = read_known(world.source)
    window = open_desk("manager")
    sheet = SheetForm(window.desk, window, series_sheet(known, Id(session.series)))
    qtbot.addWidget(sheet)
    assert sheet.payloads() == []
    write(sheet.one["again"], repeat=FORTNIGHTLY)
    (twice,) = sheet.payloads()
    assert isinstance(twice, ChangeSeries)
    assert "INTERVAL=2" in twice.rule
    assert set(twice.sessions) == {one.id for one in of_season(world) if one.series == session.series} | {
        one.id for one in search(world.store, Session, "by_location_date", world.plan.main) if one.series == session.series
    }  # fmt: skip
    write(sheet.one["why"], ends=session.original, reason="too_few")
    (end,) = sheet.payloads()
    assert isinstance(end, EndSeries)
    assert (end.original, end.reason) == (session.original, "too_few")


@pytest.mark.parametrize(
    ("rule", "repeat", "rest"),
    [
        ("FREQ=WEEKLY;UNTIL=20270201T235900;BYDAY=MO,WE", WEEKLY, {"until": "2027-02-01", "days": "MO\nWE"}),
        ("FREQ=WEEKLY;INTERVAL=2", FORTNIGHTLY, {"days": ""}),
        ("FREQ=MONTHLY", MONTHLY, {"rule": ""}),
        ("FREQ=MONTHLY;BYDAY=1SA", RULE, {"rule": "FREQ=MONTHLY;BYDAY=1SA", "until": "", "days": ""}),
        ("FREQ=WEEKLY;COUNT=6;BYDAY=MO", RULE, {"rule": "FREQ=WEEKLY;COUNT=6;BYDAY=MO"}),
    ],
)
def test_a_rule_is_shown_in_the_fields_that_can_say_it(
    world: World, rule: str, repeat: str, rest: dict[str, str]
) -> None:
    series = replace(
        fetch_series(world, of_season(world)[0]), rule=rule, start="2027-01-04T09:00", skip=("2026-12-07T09:00", "2027-01-11T09:00"),
        extra=("2027-01-05T18:30",),
    )  # fmt: skip
    fields = shown(series, since="2027-01-01")
    assert fields["repeat"] == repeat
    assert (fields["skip"], fields["extra"]) == ("2027-01-11", "2027-01-05 18:30")
    assert {name: fields[name] for name in rest} == rest


def test_somebody_stands_in_and_a_class_is_called_off_with_a_reason(
    qtbot: QtBot, world: World, open_desk: Open
) -> None:
    screen = schedule(qtbot, open_desk)
    session = of_season(world)[0]
    made = form(qtbot, screen, "substitute", session.id)
    names = [made.one["who"].widgets["instructor"].itemData(at) for at in range(3)]  # type: ignore[attr-defined]
    other = next(id for id in names if id != session.instructor)
    write(made.one["who"], instructor=other)
    (payload,) = made.payloads()
    assert isinstance(payload, Substitute)
    assert payload.sessions == (session.id,)
    assert payload.instructor == other
    made.written = False
    made.close_overlay()
    made = form(qtbot, screen, "cancel", session.id)
    write(made.one["why"], reason="weather", which="following")
    (ended,) = made.payloads()
    assert (ended.original, ended.reason) == (session.original, "weather")  # type: ignore[attr-defined]
    saved(qtbot, made)
    assert made.asked


def test_a_program_names_its_dates(qtbot: QtBot, world: World, open_desk: Open) -> None:
    screen = schedule(qtbot, open_desk)
    made = form(qtbot, screen, "program")
    words = made.one["program"].widgets["description"]
    qtbot.waitUntil(lambda: words.height() >= 4 * words.fontMetrics().lineSpacing())  # several lines of text
    write(made.one["program"], name="Summer camp", capacity="12")
    write(made.many["dates"].entries[0], date="2027-07-05", clock="10:00")
    write(made.many["dates"].add(), date="2027-07-06", clock="10:00")
    (payload,) = made.payloads()
    assert [one.start for one in payload.items] == ["2027-07-05T10:00", "2027-07-06T10:00"]  # type: ignore[attr-defined]
    saved(qtbot, made)


def test_who_may_not_plan_is_not_offered_it(qtbot: QtBot, world: World, open_desk: Open) -> None:
    screen = schedule(qtbot, open_desk, "instructor")
    assert screen.new.isHidden()
    assert not screen.more.isEnabled()
    for deed in DEEDS:
        screen.plan(deed)
    assert screen.planner.form is None


def test_what_belongs_to_a_session_is_read_with_it(world: World) -> None:
    session = of_season(world)[0]
    found = read_planning(world.source, session.id)
    assert found is not None
    assert found.series is not None
    assert found.series == fetch(world.store, Series, [Id(session.series)])[Id(session.series)]
    assert session in found.later
