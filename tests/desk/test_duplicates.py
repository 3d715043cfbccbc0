"""One person twice at the desk: seen side by side, made one and parted again; and answers seen by whom they are for."""

from __future__ import annotations

from collections.abc import Callable

from pytestqt.qtbot import QtBot

from classtap_cli.demo.studio import WHOLE
from classtap_core.booking.fields import CustomField, Registration
from classtap_core.checkin.reading import fetch, search
from classtap_core.kernel.envelope import Author
from classtap_core.kernel.ids import Id
from classtap_core.people.guardians import Guardianship
from classtap_core.people.operations import ContactDraft
from classtap_core.people.profile_operations import AddContacts
from classtap_core.people.records import Contact
from classtap_desktop.operator import operator_of
from classtap_desktop.screens.roster.answers import AnswersPage, read_answers
from classtap_desktop.screens.roster.view import RosterScreen
from classtap_desktop.window import DeskWindow
from tests.desk.test_families import families
from tests.desk.world import World

Open = Callable[..., DeskWindow]


def test_two_records_of_one_person_become_one_and_are_parted_again(qtbot: QtBot, world: World, open_desk: Open) -> None:
    family = world.plan.families[0]
    known = search(world.store, Contact, "by_family", family.family)[0]
    other = Id("5" * 32)
    draft = ContactDraft(contact=other, relation="other", name="Twice", email=known.email.upper())
    added = AddContacts(family=family.family, home=family.home, contacts=(draft,))
    world.bus.submit(added, Author(type="staff", id=world.staff("manager").staff))
    screen = families(qtbot, open_desk)
    screen.twice.click()
    page = screen.duplicates
    assert page is not None
    qtbot.waitUntil(lambda: bool(page.pairs))
    (pair,) = [one for one in page.pairs if other in (one.keep.id, one.drop.id)]
    assert {pair.keep.id, pair.drop.id} == {known.id, other}
    at = page.pairs.index(pair)
    page.merges[at].click()
    qtbot.waitUntil(lambda: pair not in page.pairs)
    assert set(fetch(world.store, Contact, [known.id, other])) == {pair.keep.id}
    assert all(one.guardian != pair.drop.id for one in search(world.store, Guardianship, "by_guardian"))
    page.undo.click()
    qtbot.waitUntil(lambda: pair in page.pairs)
    assert set(fetch(world.store, Contact, [known.id, other])) == {known.id, other}
    page.close_overlay()


def test_answers_are_shown_to_the_roles_the_question_names(qtbot: QtBot, world: World, open_desk: Open) -> None:
    (kept,) = search(world.store, Registration, "by_session")
    manager = operator_of(world.source, world.staff("manager").staff)
    (line,) = read_answers(world.source, kept.session, manager)
    assert line.name.startswith(world.plan.families[WHOLE].children[0].given)
    assert [(field.label, value) for field, value in line.answers] == [("Which voice?", "High")]
    (field,) = search(world.store, CustomField, "by_state")
    assert "instructor" not in field.seen_by
    instructor = operator_of(world.source, world.staff("instructor").staff)
    assert read_answers(world.source, kept.session, instructor) == ()
    window = open_desk("manager", screen="roster")
    roster = window.screens["roster"]
    assert isinstance(roster, RosterScreen)
    window.open("roster", kept.session)
    qtbot.waitUntil(lambda: roster.live.roster is not None and roster.live.roster.session.id == kept.session)
    window.keys.run("roster.answers")
    qtbot.waitUntil(lambda: any(page.isVisible() for page in window.findChildren(AnswersPage)))
