"""What is on file of a child, at the desk: a scan filed and taken back, a signature taken back, what classes ask for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtWidgets import QPlainTextEdit
from pytestqt.qtbot import QtBot

from classtap_cli.demo.studio import WHOLE, DemoFamily
from classtap_core.checkin.reading import fetch, search
from classtap_core.health.records import HealthClearance, HealthPaper, HealthProfile
from classtap_core.kernel.ids import Id
from classtap_core.people.learners import Learner
from classtap_desktop.screens.families.papers import PapersForm, read_papers
from classtap_desktop.screens.families.view import FamiliesScreen
from classtap_desktop.window import DeskWindow
from tests.desk.test_families import families, opened
from tests.desk.test_household import form, health, saved, write
from tests.desk.world import World

Open = Callable[..., DeskWindow]


@pytest.fixture
def family(world: World) -> DemoFamily:
    """The family of the demo that has all that one can have; its first child has a grade."""
    return world.plan.families[WHOLE]


def papers(qtbot: QtBot, screen: FamiliesScreen, child: Id) -> PapersForm:
    return form(qtbot, screen, PapersForm, lambda: screen.page_view.asked.emit("papers", child))


def test_a_paper_is_filed_with_its_scan_and_taken_back(
    qtbot: QtBot, world: World, open_desk: Open, family: DemoFamily, tmp_path: Path
) -> None:
    screen = families(qtbot, open_desk)
    opened(qtbot, screen, family.family)
    child = family.children[0].child
    before = {one.id for one in search(world.store, HealthPaper, "by_child", child)}
    made = papers(qtbot, screen, child)
    assert made.payloads() == []
    assert made.paper is not None
    assert made.scan is not None
    scan = tmp_path / "card.pdf"
    scan.write_bytes(b"%PDF-1.7 a card")
    with qtbot.waitSignal(made.scan.changed):
        made.scan.take(scan)
    write(made.paper, paper="vaccination", issued="2026-01-02", expires="2030-12-31")
    saved(qtbot, made)
    (filed,) = [one for one in search(world.store, HealthPaper, "by_child", child) if one.id not in before]
    assert filed.file is not None
    assert filed.file.type == "application/pdf"
    assert world.source.album.kept[filed.file.hash] == b"%PDF-1.7 a card"
    assert "2030-12-31" in {one.expires for one in fetch(world.store, HealthClearance, [child])[child].papers}
    made = papers(qtbot, screen, child)
    made.void[filed.id].setChecked(True)
    saved(qtbot, made)
    assert fetch(world.store, HealthPaper, [filed.id])[filed.id].void
    assert "2030-12-31" not in {one.expires for one in fetch(world.store, HealthClearance, [child])[child].papers}


def test_a_signature_is_taken_back_and_a_grade_is_changed(
    qtbot: QtBot, world: World, open_desk: Open, family: DemoFamily
) -> None:
    screen = families(qtbot, open_desk)
    opened(qtbot, screen, family.family)
    child = family.children[0].child
    made = papers(qtbot, screen, child)
    assert made.learner.values()["grade"] == "2"
    write(made.learner, grade="3", graded="2026-09-01", tags="returning, loud")
    write(made.plans.add(), plan="gold", first="2026-09-01")
    next(iter(made.back.values())).setChecked(True)
    saved(qtbot, made)
    kept = fetch(world.store, Learner, [child])[child]
    assert (kept.grade, kept.graded, kept.tags) == (3, "2026-09-01", ("returning", "loud"))
    assert [one.plan for one in kept.memberships] == ["gold"]
    found = read_papers(world.source, child, screen.desk.operator)
    assert found is not None
    assert found.signed == ()


def test_an_action_plan_is_written_step_by_step(
    qtbot: QtBot, world: World, open_desk: Open, family: DemoFamily
) -> None:
    screen = families(qtbot, open_desk)
    opened(qtbot, screen, family.family)
    child = family.children[0].child
    made = health(qtbot, screen, child)
    card = made.fields.plans.add()
    write(card, title="Seizure")
    steps = card.widgets["steps"]
    assert isinstance(steps, QPlainTextEdit)
    steps.setPlainText("Clear the floor\nTime it\n\nCall 112 after five minutes")
    saved(qtbot, made)
    (plan,) = fetch(world.store, HealthProfile, [child])[child].plans
    assert plan.steps == ("Clear the floor", "Time it", "Call 112 after five minutes")
