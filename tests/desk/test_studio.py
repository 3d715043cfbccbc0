"""The studio's own records at the desk: each is listed, and entered or changed by its form."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from msgspec.structs import replace
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from classtap_core.booking.field_operations import PublishField
from classtap_core.booking.fields import CustomField
from classtap_core.checkin.reading import fetch, search
from classtap_core.documents.records import Document
from classtap_core.kernel.errors import BadInput
from classtap_core.kernel.ids import Id
from classtap_core.schedule.offer_operations import CancelProgram, EditInstructor
from classtap_core.schedule.operations import AddClass, AddInstructor, AddLocation, AddRoom
from classtap_core.schedule.reach import Reach
from classtap_core.schedule.records import (
    Category,
    ClassType,
    Closure,
    Equipment,
    Instructor,
    Level,
    Location,
    Program,
    Room,
    Session,
)
from classtap_desktop.screens.eligibility.editor import RuleField
from classtap_desktop.screens.entries import Ticks
from classtap_desktop.screens.schedule.view import ScheduleScreen
from classtap_desktop.screens.studio import questions, teaching
from classtap_desktop.screens.studio.reading import read_known
from classtap_desktop.screens.studio.subjects import SUBJECTS
from classtap_desktop.screens.studio.view import StudioScreen
from classtap_desktop.window import DeskWindow
from tests.desk.pictures import LOOKS, take
from tests.desk.test_household import said, saved, write
from tests.desk.world import World

Open = Callable[..., DeskWindow]


def studio(qtbot: QtBot, open_desk: Open, role: str = "owner", subject: str = "locations") -> StudioScreen:
    window = open_desk(role, screen="today")
    screen = window.screens["studio"]
    assert isinstance(screen, StudioScreen)
    with qtbot.waitSignal(screen.loaded):
        window.open("studio", subject)
    return screen


def shown(screen: StudioScreen, subject: str, qtbot: QtBot) -> list[str]:
    with qtbot.waitSignal(screen.loaded):
        screen.open(subject)
    return [screen.model.item(at).text() for at in range(screen.model.rowCount())]


def test_every_subject_lists_what_the_studio_has_and_opens_each_line(
    qtbot: QtBot, world: World, open_desk: Open
) -> None:
    screen = studio(qtbot, open_desk)
    for subject in SUBJECTS:
        names = shown(screen, subject.name, qtbot)
        assert names == sorted(names, key=str.casefold)
        assert screen.known is not None
        assert len(names) == len(subject.held(screen.known)) > 0, subject.name
        screen.open_one(next(iter(subject.held(screen.known))))
        assert screen.form is not None, subject.name
        assert screen.form.isVisible(), subject.name
        assert screen.form.payloads() == [], subject.name  # opened and not touched, it says nothing
        screen.form.close_overlay()
        screen.open_new()
        assert screen.form.isVisible() is (subject.new is not None)
        screen.form.written = False
        screen.form.close_overlay()


def test_a_location_gets_an_address_hours_and_a_closure(qtbot: QtBot, world: World, open_desk: Open) -> None:
    screen = studio(qtbot, open_desk)
    here = world.plan.main
    screen.open_one(here)
    form = screen.form
    assert form is not None
    write(form.one["place"], city="Bilbao", country="es", latitude="43.2630126", longitude="-2.9349852")
    write(form.many["hours"].entries[0], weekday="0", opens="9:00", closes="21:30")
    write(form.many["stock"].add(), kind="block", count="20")
    saved(qtbot, form)
    kept = fetch(world.store, Location, [here])[here]
    assert (kept.address.city, kept.address.country) == ("Bilbao", "ES")
    assert (kept.latitude_e7, kept.longitude_e7) == (432_630_126, -29_349_852)
    assert next((one.weekday, one.opens, one.closes) for one in kept.hours) == (0, "09:00", "21:30")
    assert ("block", 20) in [(one.kind, one.count) for one in kept.stock]
    before = len(search(world.store, Closure, "by_location"))
    shown(screen, "closures", qtbot)
    screen.open_new()
    form = screen.form
    assert form is not None
    write(form.one["closure"], location=here, first="2026-12-24 00:00", last="2026-12-23 00:00", reason="Christmas")
    assert "Christmas" not in said(qtbot, form)
    write(form.one["closure"], last="2026-12-27 00:00")
    saved(qtbot, form)
    assert len(search(world.store, Closure, "by_location")) == before + 1


def test_a_new_location_is_said_at_once_with_its_closures(qtbot: QtBot, world: World, open_desk: Open) -> None:
    """One form, one operation; what is usual stands in it already."""
    screen = studio(qtbot, open_desk)
    screen.open_new()
    form = screen.form
    assert form is not None
    here = fetch(world.store, Location, [world.plan.main])[world.plan.main]
    shown = form.one["place"].values()
    assert (shown["zone"], shown["country"]) == (here.zone, here.address.country)
    assert len(form.many["hours"].entries) == len(here.hours)
    write(form.one["place"], name="Station", city="Bilbao", latitude="43.26", longitude="-2.93")
    write(form.many["closures"].add(), first="2026-12-24 00:00", last="2026-12-27 00:00", reason="Christmas")
    write(form.many["stock"].add(), kind="mat", count="8")
    (said_once,) = form.payloads()
    assert isinstance(said_once, AddLocation)
    assert said_once.facts is not None
    assert (said_once.facts.address.city, said_once.facts.latitude_e7) == ("Bilbao", 432_600_000)
    assert [(one.first, one.reason) for one in said_once.closures] == [("2026-12-24T00:00", "Christmas")]
    qtbot.keyClick(form.one["place"].widgets["name"], Qt.Key.Key_S, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(form.isHidden)
    assert form.asked


def test_closures_come_and_go_in_their_location_s_form_and_the_last_form_is_taken_back(
    qtbot: QtBot, world: World, open_desk: Open
) -> None:
    screen = studio(qtbot, open_desk)
    here = world.plan.main
    before = {one.id for one in search(world.store, Closure, "by_location", here)}
    screen.open_one(here)
    form = screen.form
    assert form is not None
    assert len(form.many["closures"].entries) == len(before)
    write(form.many["closures"].add(), first="2027-01-05 12:00", last="2027-01-06 00:00", reason="Eve")
    saved(qtbot, form)
    after = {one.id: one.reason for one in search(world.store, Closure, "by_location", here)}
    assert sorted(after[id] for id in after.keys() - before) == ["Eve"]
    assert screen.undo.isVisible()
    with qtbot.waitSignal(screen.done):
        screen.undo.click()
    assert {one.id for one in search(world.store, Closure, "by_location", here)} == before
    assert not screen.undo.isVisible()
    with qtbot.waitSignal(screen.loaded):
        screen.reload()
    screen.open_one(here)
    form = screen.form
    assert form is not None
    for entry in tuple(form.many["closures"].entries):
        entry.removed.emit()
    saved(qtbot, form)
    assert search(world.store, Closure, "by_location", here) == []


def test_a_new_room_and_instructor_are_said_whole(qtbot: QtBot, world: World, open_desk: Open) -> None:
    screen = studio(qtbot, open_desk, subject="rooms")
    screen.open_new()
    form = screen.form
    assert form is not None
    assert form.one["room"].values()["location"] == world.plan.main
    write(form.one["room"], name="Attic", capacity="12", width="6", length="7,25")
    write(form.many["equipment"].add(), kind="bike", count="12")
    (room,) = form.payloads()
    assert isinstance(room, AddRoom)
    assert (room.width_um, room.length_um, room.equipment) == (6_000_000, 7_250_000, (Equipment("bike", 12),))
    saved(qtbot, form)
    shown(screen, "instructors", qtbot)
    screen.open_new()
    form = screen.form
    assert form is not None
    write(form.one["instructor"], name="Noor Haddad", languages="ar, en")
    write(form.many["holds"].add(), code="first-aid", issued="2026-05-01", expires="2026-04-01")
    assert "Noor" not in said(qtbot, form)  # it ends before it begins
    write(form.many["holds"].entries[0], expires="2028-05-01")
    (noor,) = form.payloads()
    assert isinstance(noor, AddInstructor)
    assert noor.facts.languages == ("ar", "en")
    saved(qtbot, form)


def test_a_new_class_names_who_teaches_it_and_what_is_asked(qtbot: QtBot, world: World, open_desk: Open) -> None:
    screen = studio(qtbot, open_desk, subject="classes")
    screen.open_new()
    form = screen.form
    assert form is not None
    assert screen.known is not None
    level, teachers = next(iter(screen.known.levels)), form.one["class"].widgets["instructors"]
    assert isinstance(teachers, Ticks)
    everything = [one.id for one in screen.known.instructors.values() if not one.teaches]
    assert teachers.ticked() == sorted(everything, key=teachers.ticked().index)
    some = next(one for one in screen.known.instructors.values() if one.teaches)
    teachers.boxes[some.id].setChecked(True)
    write(form.one["class"], name="Tap", audience="adults", level=level, tags="loud")
    rule = form.one["class"].widgets["eligibility"]
    assert isinstance(rule, RuleField)
    rule.root.more("age").write(low="216")
    write(form.many["questions"].add(), label="Shoe size?", kind="number")
    add, edit, ask = form.payloads()
    assert isinstance(add, AddClass)
    assert isinstance(edit, EditInstructor)
    assert isinstance(ask, PublishField)
    assert add.facts is not None
    assert (add.audience, add.facts.level, add.facts.tags) == ("adults", level, ("loud",))
    assert (edit.instructor, edit.wanted.teaches) == (some.id, (*some.teaches, add.class_type))
    assert (ask.label, ask.kind, ask.reach) == ("Shoe size?", "number", (Reach(class_type=add.class_type),))
    saved(qtbot, form)


def test_who_teaches_and_what_is_asked_change_in_the_class_s_form(world: World) -> None:
    known = read_known(world.source)._replace(policies=True)
    kind = next(iter(known.classes))
    all_of_it = next(one for one in known.instructors.values())
    everything = replace(all_of_it, teaches=())
    known = known._replace(instructors={everything.id: everything})
    assert teaching.who(known, kind) == [everything.id]
    (edit,) = teaching.changed(known, kind, set())
    assert set(edit.wanted.teaches) == known.classes.keys() - {kind}
    only = known._replace(instructors={everything.id: replace(everything, teaches=(kind,))})
    with pytest.raises(BadInput, match=r"form\.teaches_nothing"):
        teaching.changed(only, kind, set())
    asked = CustomField(
        id=Id("f" * 32), label="Voice?", kind="choice", version=2, state="open", choices=("High", "Low"),
        reach=(Reach(class_type=kind),),
    )  # fmt: skip
    known = known._replace(fields={asked.id: asked})
    card = {"label": "Voice?", "kind": "choice", "choices": "High, Low", "required": False}
    assert questions.changed(known, kind, [card]) == []
    (required,) = questions.changed(known, kind, [{**card, "required": True}])
    assert (required.field, required.head, required.required) == (asked.id, 2, True)
    closed, text = questions.changed(known, kind, [{**card, "kind": "text", "choices": ""}])
    assert (closed.field, closed.state) == (asked.id, "closed")
    assert (text.kind, text.head, text.field != asked.id) == ("text", 0, True)
    assert [one.state for one in questions.changed(known, kind, [])] == ["closed"]


def test_a_program_is_described_anew_or_called_off(qtbot: QtBot, world: World, open_desk: Open) -> None:
    screen = studio(qtbot, open_desk, subject="programs")
    program = search(world.store, Program, "by_location")[0]
    screen.open_one(program.id)
    form = screen.form
    assert form is not None
    write(form.one["program"], name="Dance days", tags="holidays, show", opens="2026-11-22 09:00")
    saved(qtbot, form)
    kept = fetch(world.store, Program, [program.id])[program.id]
    assert (kept.name, kept.tags, kept.opens) == ("Dance days", ("holidays", "show"), "2026-11-22T09:00")
    assert not screen.undo.isVisible()
    with qtbot.waitSignal(screen.loaded):
        screen.reload()
    screen.open_one(program.id)
    form = screen.form
    assert form is not None
    form.one["why"].widgets["cancel"].setChecked(True)  # type: ignore[attr-defined]
    (off,) = form.payloads()
    assert isinstance(off, CancelProgram)
    assert off.sessions == program.sessions
    form.written = False
    form.close_overlay()


def test_a_room_is_measured_in_metres_and_a_wrong_number_is_said(qtbot: QtBot, world: World, open_desk: Open) -> None:
    screen = studio(qtbot, open_desk, subject="rooms")
    room = search(world.store, Room, "by_location", world.plan.main)[0]
    screen.open_one(room.id)
    form = screen.form
    assert form is not None
    write(form.one["room"], width="8,5", length="twelve")
    assert "twelve" in said(qtbot, form)
    write(form.one["room"], length="12")
    saved(qtbot, form)
    kept = fetch(world.store, Room, [room.id])[room.id]
    assert (kept.width_um, kept.length_um) == (8_500_000, 12_000_000)


def test_a_class_takes_level_categories_tags_and_ages(qtbot: QtBot, world: World, open_desk: Open) -> None:
    screen = studio(qtbot, open_desk, subject="levels")
    screen.open_new()
    form = screen.form
    assert form is not None
    write(form.one["level"], name="Gold", rank="9")
    saved(qtbot, form)
    (level,) = [one for one in search(world.store, Level, "by_id") if one.name == "Gold"]
    shown(screen, "classes", qtbot)
    kind = search(world.store, ClassType, "by_id")[0]
    screen.open_one(kind.id)
    form = screen.form
    assert form is not None
    write(form.one["class"], level=level.id, tags="all-levels, summer")
    rule = form.one["class"].widgets["eligibility"]
    assert isinstance(rule, RuleField)
    rule.root.more("age").write(low="60", high="119")
    saved(qtbot, form)
    kept = fetch(world.store, ClassType, [kind.id])[kind.id]
    assert (kept.level, kept.tags) == (level.id, ("all-levels", "summer"))
    assert '"min_months":60' in kept.eligibility
    assert '"max_months":119' in kept.eligibility
    category = search(world.store, Category, "by_id")[0]
    assert category.name


def test_an_instructor_says_who_they_are_what_they_hold_and_teach(qtbot: QtBot, world: World, open_desk: Open) -> None:
    screen = studio(qtbot, open_desk, subject="instructors")
    teacher = search(world.store, Instructor, "by_id")[0]
    kind = search(world.store, ClassType, "by_id")[0]
    screen.open_one(teacher.id)
    form = screen.form
    assert form is not None
    bio = form.one["instructor"].widgets["bio"]
    bio.setPlainText("Dances since 1998.")  # type: ignore[attr-defined]
    form.one["instructor"].widgets["teaches"].boxes[kind.id].setChecked(True)  # type: ignore[attr-defined]
    write(form.many["holds"].add(), code="first-aid", issued="2026-01-01", expires="2027-12-31")
    saved(qtbot, form)
    kept = fetch(world.store, Instructor, [teacher.id])[teacher.id]
    assert kept.bio == "Dances since 1998."
    assert kind.id in kept.teaches
    assert ("first-aid", "2027-12-31") in [(one.code, one.expires) for one in kept.certifications]


def test_other_words_of_a_document_are_its_next_version_and_wait_for_the_cloud(
    qtbot: QtBot, world: World, open_desk: Open
) -> None:
    screen = studio(qtbot, open_desk, subject="documents")
    document = search(world.store, Document, "by_state")[0]
    screen.open_one(document.id)
    form = screen.form
    assert form is not None
    body = form.many["words"].entries[0].widgets["body"]
    body.setPlainText("Other words.")  # type: ignore[attr-defined]
    assert "what changed" in said(qtbot, form)  # foreseen here, before anybody is asked
    write(form.one["version"], summary="Shorter", effective="2026-12-01")
    saved(qtbot, form)
    assert form.asked
    assert fetch(world.store, Document, [document.id])[document.id].revision == document.revision


def test_who_may_not_manage_the_timetable_opens_no_form(qtbot: QtBot, world: World, open_desk: Open) -> None:
    screen = studio(qtbot, open_desk, "instructor", "rooms")
    assert screen.known is not None
    assert screen.model.rowCount() == len(screen.known.rooms)
    assert screen.new.isHidden()
    screen.open_one(Id(next(iter(screen.known.rooms))))
    assert screen.form is None


@pytest.mark.parametrize("locale", ["es", "ar"])
def test_its_words_are_said_in_every_language(qtbot: QtBot, open_desk: Open, locale: str) -> None:
    window = open_desk("owner", locale=locale)
    screen = window.screens["studio"]
    assert isinstance(screen, StudioScreen)
    names = [screen.subjects.item(at).text() for at in range(len(SUBJECTS))]
    assert len(set(names)) == len(SUBJECTS)
    assert not any("desk." in name for name in names)


@pytest.mark.parametrize("look", ["dark", "arabic", "largest"])
def test_pictures_of_the_studio_and_its_forms(qtbot: QtBot, world: World, open_desk: Open, look: str) -> None:
    window = open_desk("owner", size=(1280, 800), **LOOKS[look])
    screen, week, imports = (window.screens[name] for name in ("studio", "schedule", "imports"))
    assert isinstance(screen, StudioScreen)
    assert isinstance(week, ScheduleScreen)
    with qtbot.waitSignal(screen.loaded):
        window.open("studio", "classes")
    take(qtbot, window, f"studio-{look}")
    screen.open_one(next(iter(search(world.store, ClassType, "by_id"))).id)
    assert screen.form is not None
    take(qtbot, window, f"class_form-{look}")
    screen.form.close_overlay()
    with qtbot.waitSignal(week.loaded):
        window.open("schedule")
    with qtbot.waitSignal(week.planner.opened):
        week.plan("new")
    take(qtbot, window, f"plan-{look}")
    assert week.planner.form is not None
    week.planner.form.close_overlay()
    repeated = next(one for one in search(world.store, Session, "by_location_date", world.plan.main) if one.series)
    with qtbot.waitSignal(week.planner.opened):
        week.planner.do("change", repeated.id)
    form = week.planner.form
    bottom = form.area.verticalScrollBar()
    bottom.setValue(bottom.maximum() // 2)
    take(qtbot, window, f"change_series-{look}")
    form.close_overlay()
    with qtbot.waitSignal(screen.loaded):
        window.open("studio", "locations")
    screen.open_new()
    take(qtbot, window, f"new_location-{look}")
    screen.form.close_overlay()
    window.open("imports")
    assert imports.isVisible()
    take(qtbot, window, f"imports-{look}")
