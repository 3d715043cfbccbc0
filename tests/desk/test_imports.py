"""Bringing files in at the desk: what a file comes to, bad rows by name, all or nothing, undo; one family's data, and erasing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import vobject
from PySide6.QtCore import QCoreApplication, Qt
from pytestqt.qtbot import QtBot

from classtap_core.checkin.reading import search
from classtap_core.kernel.operations import Range
from classtap_core.kernel.records import decode
from classtap_core.people.erasing import ErasePeople
from classtap_core.people.records import Child, Family
from classtap_core.schedule.records import Room, Session
from classtap_desktop.screens.imports.view import CHECK, CHOOSE, DONE, ImportsScreen
from classtap_desktop.window import DeskWindow
from tests.desk.world import World

Open = Callable[..., DeskWindow]
SHEET = """Nombre;Apellidos;Fecha de nacimiento;Tutora legal;Teléfono
Ana;Núñez;25/04/2019;Gina;+34 600 12 34 56
Ben;Núñez;03/05/2021;Gina;+34 600 12 34 56
Mia;Öst;29/02/2020;Ola;+46 70 174 06 35
"""


def opened(open_desk: Open, role: str = "manager", **settings: object) -> ImportsScreen:
    screen = open_desk(role, screen="imports", **settings).screens["imports"]
    assert isinstance(screen, ImportsScreen)
    return screen


def look(qtbot: QtBot, screen: ImportsScreen, kind: str, path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
    with qtbot.waitSignal(screen.looked):
        screen.look_at(kind, path)


def held(world: World, kind: str) -> int:
    return len(world.store.seen.table.get(kind, {}))


def test_families_are_looked_at_brought_in_and_taken_back(
    qtbot: QtBot, world: World, open_desk: Open, tmp_path: Path
) -> None:
    screen = opened(open_desk, "owner")
    before = held(world, Family.KIND), held(world, Child.KIND)
    look(qtbot, screen, "families", tmp_path / "families.csv", SHEET)
    assert (screen.stage, screen.counts.whole_text()) == (CHECK, "2 families with 3 children")
    assert screen.mapping.boxes["birth_date"].currentText() == "Fecha de nacimiento"
    assert [screen.lines.item(at).text() for at in range(screen.lines.count())] == ["Núñez · Ana · Ben", "Öst · Mia"]
    assert screen.mapping.boxes["guardian"].currentData() == -1
    box = screen.mapping.boxes["guardian"]
    box.setCurrentIndex(box.findText("Tutora legal"))
    with qtbot.waitSignal(screen.looked):
        box.activated.emit(box.currentIndex())
    assert screen.sheet is not None
    assert screen.sheet.found.columns["guardian"] == 3
    assert (held(world, Family.KIND), held(world, Child.KIND)) == before
    with qtbot.waitSignal(screen.ended):
        screen.go.click()
    assert screen.stage == DONE
    assert screen.result.whole_text() == "Here now: 2 families with 3 children; 2 of them changed."
    assert (held(world, Family.KIND), held(world, Child.KIND)) == (before[0] + 2, before[1] + 3)
    with qtbot.waitSignal(screen.ended):
        screen.undo.click()
    assert screen.stage == CHOOSE
    assert (held(world, Family.KIND), held(world, Child.KIND)) == before


def test_bad_rows_keep_everything_out(qtbot: QtBot, world: World, open_desk: Open, tmp_path: Path) -> None:
    screen = opened(open_desk)
    look(qtbot, screen, "families", tmp_path / "families.csv", SHEET + "Leo;;31/02/2020;;12\n")
    assert not screen.go.isEnabled()
    assert [screen.lines.item(at).text() for at in range(screen.lines.count())] == [
        "Row 5, Surname: empty.", "Row 5, Phone: “12” is no phone number.",
        "Row 5, Date of birth: “31/02/2020” is no date of birth.",
    ]  # fmt: skip
    screen.bring()
    assert screen.stage == CHECK


def test_stopping_leaves_everything_as_it_was(qtbot: QtBot, world: World, open_desk: Open, tmp_path: Path) -> None:
    screen = opened(open_desk)
    rows = "".join(f"Kim;Nr{number};2019-01-01;Gina;+346000{number:05}\n" for number in range(250))
    look(qtbot, screen, "families", tmp_path / "many.csv", SHEET.splitlines(keepends=True)[0] + rows)
    before = held(world, Child.KIND), world.store.head().sequence
    with qtbot.waitSignal(screen.ended):
        screen.bring()
        screen.stop.click()
    assert screen.stage == CHECK
    assert (held(world, Child.KIND), world.store.head().sequence) == before


def test_a_timetable_that_clashes_is_refused_before_it_is_asked(
    qtbot: QtBot, world: World, open_desk: Open, tmp_path: Path
) -> None:
    screen = opened(open_desk)
    rooms = [decode(Room, row.body) for row in world.store.find(Range(Room, "by_location", (world.plan.main,)))]
    room = rooms[0]
    head = "Class,Room,Day,First date,Last date,Time,Minutes\n"
    line = f"Circus,{room.name},Mon,2027-02-01,2027-02-20,05:10,30\n"
    look(qtbot, screen, "classes", tmp_path / "classes.csv", head + line + line.replace("Circus", "Trapeze"))
    assert [screen.lines.item(at).text() for at in range(screen.lines.count())] == [
        "Row 3: The room is taken at that time."
    ]
    look(qtbot, screen, "classes", tmp_path / "classes.csv", head + line)
    assert screen.counts.whole_text() == "1 line, 1 class"
    with qtbot.waitSignal(screen.ended):
        screen.go.click()
    assert screen.result.whole_text().endswith("decides over all at once: 1 line of a timetable.")
    assert not screen.undo.isVisible()


def test_who_may_not_is_offered_nothing(open_desk: Open) -> None:
    screen = opened(open_desk, "front_desk")
    assert {kind: button.isEnabled() for kind, button in screen.kinds.items()} == {
        "families": True, "classes": False, "oneroster": True, "calendar": False,
    }  # fmt: skip
    assert not screen.people.erase.isEnabled()
    assert not screen.people.take_out.isEnabled()


def test_a_place_s_timetable_and_people_are_written_for_other_programs(
    qtbot: QtBot, world: World, open_desk: Open, tmp_path: Path
) -> None:
    screen = opened(open_desk, "owner")
    ics, roster = tmp_path / "place.ics", tmp_path / "people.zip"
    for what, path in (("calendar", ics), ("roster", roster)):
        with qtbot.waitSignal(screen.place.wrote):
            screen.place.write_to(what, path)
        assert path.stat().st_mode & 0o077 == 0
    events = [one for one in vobject.readOne(ics.read_text(encoding="utf-8")).components() if one.name == "VEVENT"]
    here = [
        one for one in search(world.store, Session, "by_location_date", world.plan.main) if one.date >= "2026-11-21"
    ]
    assert 0 < len(events) <= len(here)
    with qtbot.waitSignal(screen.looked):
        screen.look_at("oneroster", roster)
    assert screen.sheet is not None
    assert screen.sheet.bad == ()
    assert screen.sheet.found.counts["children"] > 0
    clerk = opened(open_desk, "front_desk")
    assert [button.isEnabled() for button in clerk.place.ways.values()] == [True, False]


def test_a_family_s_data_is_written_and_their_erasure_asked_in_two_steps(
    qtbot: QtBot, world: World, open_desk: Open, tmp_path: Path
) -> None:
    screen = opened(open_desk, "owner")
    family = world.plan.families[0]
    with qtbot.waitSignal(screen.people.searched):
        screen.people.field.setText(family.name)
    screen.people.found.setCurrentRow(0)
    assert screen.people.chosen() == family.family
    with qtbot.waitSignal(screen.people.wrote):
        screen.people.export_to(tmp_path / "family.json")
    told = json.loads((tmp_path / "family.json").read_text(encoding="utf-8"))
    assert family.children[0].given in {one["fields"].get("given") for one in told["records"]}
    assert (tmp_path / "family.json").stat().st_mode & 0o077 == 0
    page = screen.people.ask_erase()
    assert page is not None
    qtbot.waitUntil(lambda: page.someone is not None)
    assert family.children[0].given in page.who.whole_text()
    page.go_on.click()
    assert not page.go_on.isEnabled()
    page.typed.setText(family.name.upper())
    with qtbot.waitSignal(page.asked):
        page.go_on.click()
    (entry,) = [one for one in world.store.log if one.kind == ErasePeople.SPEC.name]
    assert entry.told.status.value == "waiting"
    assert page.isHidden()


@pytest.mark.parametrize(("look_", "locale", "scale", "size"), [
    ("light", "en_GB", 1.0, (1280, 800)), ("dark", "en_GB", 1.0, (1920, 1080)), ("light", "ar", 1.0, (1280, 800)),
    ("light", "es", 1.5, (1280, 800)),
])  # fmt: skip
def test_pictures(
    qtbot: QtBot,
    world: World,
    open_desk: Open,
    tmp_path: Path,
    look_: str,
    locale: str,
    scale: float,
    size: tuple[int, int],
) -> None:
    screen = opened(open_desk, "owner", look=look_, locale=locale, text_scale=scale, size=size)
    window = screen.window()
    name = f"desk-imports-{look_}-{locale}-{scale}-{size[0]}"
    folder = Path(__file__).parents[2] / "build" / "screens"
    folder.mkdir(parents=True, exist_ok=True)

    def take(stage: str) -> None:
        for _ in range(3):  # a layout asks its parent, and that one its own
            QCoreApplication.processEvents()
        window.grab().save(str(folder / f"{name}-{stage}.png"))

    take("choose")
    look(qtbot, screen, "families", tmp_path / "families.csv", SHEET + "Leo;;31/02/2020;;12\n")
    take("bad")
    look(qtbot, screen, "families", tmp_path / "families.csv", SHEET)
    take("check")
    with qtbot.waitSignal(screen.ended):
        screen.go.click()
    take("done")
    screen.another.click()
    with qtbot.waitSignal(screen.people.searched):
        screen.people.field.setText(world.plan.families[0].name)
    screen.people.found.setCurrentRow(0)
    page = screen.people.ask_erase()
    assert page is not None
    qtbot.waitUntil(lambda: page.someone is not None)
    take("erase")
    page.go_on.click()
    take("erase-typed")
    assert screen.go.layoutDirection() == (
        Qt.LayoutDirection.RightToLeft if locale == "ar" else Qt.LayoutDirection.LeftToRight
    )
