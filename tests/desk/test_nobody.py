"""With nobody signed in a desk says nothing of a child's health or of who must not take it (docs/decisions/0008)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from PySide6.QtWidgets import QLabel, QWidget
from pytestqt.qtbot import QtBot

from classtap_core.kernel.errors import Refused
from classtap_core.kernel.ids import Id
from classtap_core.kernel.records import Sensitivity, decode
from classtap_core.people.records import ChildHealth, Custody
from classtap_desktop.operator import Operator
from classtap_desktop.screens.families.household import read_household
from classtap_desktop.screens.families.papers import read_papers
from classtap_desktop.screens.families.reading import read_families, read_family
from classtap_desktop.screens.roster.answers import read_answers
from classtap_desktop.screens.roster.reading import read_roster
from classtap_desktop.screens.today.model import read_day
from classtap_desktop.window import DeskWindow
from tests.desk.test_sight import holder, sessions
from tests.desk.world import World


@pytest.fixture
def words(world: World) -> dict[Id, str]:
    """What is written of children's health, and of custody, by child."""
    table = world.store.seen.table
    notes = {one.id: one.notes for one in (decode(ChildHealth, row.body) for row in table["child_health"].values())}
    orders = {one.id: one.note for one in (decode(Custody, row.body) for row in table["custody"].values())}
    found = {child: note for child, note in {**notes, **orders}.items() if len(note) > 5}
    assert len(found) > 3
    return found


def told(world: World, operator: Operator | None) -> str:
    """All that the desk's screens read of families and rosters."""
    source = world.source
    found: list[object] = [read_families(source, operator), read_day(source, operator)]
    for family in world.plan.families:
        every = {one.child: (Sensitivity.HEALTH, Sensitivity.CUSTODY, Sensitivity.CONTACT) for one in family.children}
        found += [
            read_family(source, family.family, operator, every),
            read_household(source, family.family, operator, every),
        ]
        found += [read_papers(source, family.family, operator)]
    for session in sessions(world):
        found.append(read_answers(source, session, operator))
        try:
            found.append(read_roster(source, session, operator))
        except Refused as refused:
            found.append(refused.code)
    return repr(found)


def test_nothing_of_health_or_custody_is_read_for_nobody(world: World, words: dict[Id, str]) -> None:
    nothing, everything = told(world, None), told(world, holder(role="owner"))
    assert [word for word in words.values() if word in nothing] == []
    assert [word for word in words.values() if word in everything] != []


def test_a_desk_that_was_signed_out_shows_none_of_what_lay_open(
    qtbot: QtBot, world: World, words: dict[Id, str], open_desk: Callable[..., DeskWindow]
) -> None:
    window = open_desk("manager")
    table = world.store.seen.table["child_health"]
    noted = {id for id, row in table.items() if decode(ChildHealth, row.body).notes == words.get(id)}
    child = next(one for family in world.plan.families for one in family.children if one.child in noted)

    def shown() -> str:
        labels = (one for one in window.findChildren(QWidget) if one.isVisible())
        return " ".join(f"{one.accessibleName()} {one.text() if isinstance(one, QLabel) else ''}" for one in labels)

    window.desk.show_card(child.child, "Ana", world.plan.main)
    qtbot.waitUntil(lambda: window.card_page.isVisible() and words[child.child] in shown())
    window.switch_staff()
    qtbot.waitUntil(lambda: window.sign_in.list.count() > 0)
    assert window.desk.operator is None
    assert words[child.child] not in shown()


def test_what_was_asked_before_signing_out_is_not_shown_after(
    qtbot: QtBot, world: World, open_desk: Callable[..., DeskWindow]
) -> None:
    window = open_desk("manager")
    qtbot.waitUntil(lambda: not window.desk.waiting)
    answers: list[str] = []
    world.source.gate.clear()
    window.desk.read("a form", lambda source: type(source.reader).__name__, then=answers.append)
    window.switch_staff()
    world.source.gate.set()
    qtbot.waitUntil(lambda: window.sign_in.list.count() > 0)  # asked later, on the same thread
    assert answers == []
    assert window.desk.standing is not None
