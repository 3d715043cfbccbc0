"""Families: finding one, what its page shows to whom, and renaming with its outcome in a sentence."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from classtap_core.access.records import Grant
from classtap_core.access.revealing import HEALTH_IDLE_MS, LONGEST_MS
from classtap_core.kernel.envelope import Author, join_parts
from classtap_core.kernel.ids import Id
from classtap_core.kernel.records import decode
from classtap_core.people.operations import ContactDraft
from classtap_core.people.profile_operations import AddContacts
from classtap_core.people.records import Contact
from classtap_desktop.kit import Button, Label, Pill
from classtap_desktop.operator import Operator
from classtap_desktop.screens.families.model import FamiliesModel
from classtap_desktop.screens.families.page import PageView
from classtap_desktop.screens.families.reading import FamilyLine
from classtap_desktop.screens.families.view import FamiliesScreen
from classtap_desktop.screens.revealing import WhyRow
from classtap_desktop.window import DeskWindow
from sync.client.engine import State
from tests.desk.drawing import spoken
from tests.desk.world import World

Open = Callable[..., DeskWindow]


def words_on(widget: QWidget) -> list[str]:
    return [one.whole_text() for kind in (Label, Pill) for one in widget.findChildren(kind) if one.whole_text()]


def families(qtbot: QtBot, open_desk: Open, role: str = "manager") -> FamiliesScreen:
    screen = open_desk(role, screen="families").screens["families"]
    assert isinstance(screen, FamiliesScreen)
    qtbot.waitUntil(lambda: screen.model.counts()[1] > 0)
    return screen


def opened(qtbot: QtBot, screen: FamiliesScreen, family: Id) -> None:
    with qtbot.waitSignal(screen.paged):
        screen.open(family)
    assert screen.page_view.page is not None


def test_what_was_found_is_listed_best_first() -> None:
    model = FamiliesModel()
    one, two, three = (Id(str(number) * 32) for number in (1, 2, 3))
    model.show_families(
        (
            FamilyLine(one, "Álvarez", ("Mateo",)),
            FamilyLine(two, "Okafor", ("Adaeze", "Chidi")),
            FamilyLine(three, "محمد", ("ليلى",)),
        )
    )
    assert spoken(model) == ["Álvarez: Mateo", "Okafor: Adaeze, Chidi", "محمد: ليلى"]
    model.show_found((three, Id("9" * 32), one))
    assert spoken(model) == ["محمد: ليلى", "Álvarez: Mateo"]
    assert model.counts() == (2, 3)
    model.show_found(())
    assert spoken(model) == []
    model.show_found(None)
    assert len(spoken(model)) == 3


def become(qtbot: QtBot, screen: FamiliesScreen, *rights: str) -> None:
    """Somebody takes over who may do just this, everywhere."""
    grant = Grant(id=Id("6" * 32), holder=Id("5" * 32), role="", capabilities=rights)
    with qtbot.waitSignal(screen.loaded):
        screen.desk.operate(Operator(Id("5" * 32), "Sub", (grant,)))


@pytest.mark.parametrize(("right", "finds"), [("view_contact", True), ("view_roster", False)])
def test_a_number_finds_a_family_for_who_may_see_numbers(
    qtbot: QtBot, world: World, open_desk: Open, right: str, finds: bool
) -> None:
    screen = families(qtbot, open_desk)
    become(qtbot, screen, "view_family", right)
    (contact, *_) = sorted(
        (decode(Contact, row.body) for row in world.store.seen.table["contact"].values()), key=lambda one: one.id
    )
    with qtbot.waitSignal(screen.found):
        screen.field.setText(contact.phone[-7:])
    assert (screen.model.row_of(contact.family) >= 0) is finds
    with qtbot.waitSignal(screen.found):
        screen.field.setText(contact.name)
    assert screen.model.row_of(contact.family) >= 0, "a guardian's name is everybody's to see"


def test_every_family_held_here_is_listed(qtbot: QtBot, world: World, open_desk: Open) -> None:
    screen = families(qtbot, open_desk)
    assert screen.model.counts() == (len(world.plan.families), len(world.plan.families))
    assert screen.count.whole_text() == f"{len(world.plan.families)} families"
    qtbot.waitUntil(lambda: screen.page_view.page is not None)
    assert screen.page_view.page.name == spoken(screen.model)[0].split(":")[0], "the first stands open"
    with qtbot.waitSignal(screen.found):
        screen.field.setText("zzz")
    assert screen.count.whole_text() == f"0 of {len(world.plan.families)}"


def test_a_page_shows_children_todays_classes_guardians_and_the_pass(
    qtbot: QtBot, world: World, open_desk: Open
) -> None:
    screen = families(qtbot, open_desk)
    family = next(one for one in world.plan.families if one.due >= 2)
    opened(qtbot, screen, family.family)
    shown = words_on(screen.page_view)
    assert f"{family.name} family" in shown
    for child in family.children:
        assert f"{child.given} {child.surname}" in shown
    assert shown.count("Not yet here") == sum(len(child.visits) for child in screen.page_view.page.children)
    assert family.guardian in shown
    assert "Good" in shown
    assert any(text.startswith("Until ") for text in shown)


def test_a_mark_shows_on_the_open_page(qtbot: QtBot, world: World, open_desk: Open) -> None:
    screen = families(qtbot, open_desk)
    family = next(one for one in world.plan.families if one.due >= 2)
    opened(qtbot, screen, family.family)
    child = next(child for child in screen.page_view.page.children if child.visits)
    with qtbot.waitSignal(screen.paged):
        world.kiosk_marks(child.visits[0].session.id, child.id)
    qtbot.waitUntil(lambda: "Present" in words_on(screen.page_view))


def test_who_may_not_see_contacts_sees_the_mask(qtbot: QtBot, world: World, open_desk: Open) -> None:
    screen = families(qtbot, open_desk)
    become(qtbot, screen, "view_family")
    opened(qtbot, screen, world.plan.families[0].family)
    contacts = screen.page_view.page.contacts
    assert contacts
    assert all(contact.masked and contact.phone.startswith("••") for contact in contacts)
    assert not screen.page_view.edit.isVisible()


def reveal(page: PageView, what: str, whose: str, why: str = "She asked to be called") -> WhyRow:
    """Ask to see what is masked of one person, as somebody presses and types."""
    page.findChild(Button, f"reveal-{what}-{whose}").click()
    asking = page.findChild(WhyRow)
    asking.why.setText(why)
    asking.show_button.click()
    return asking


def test_numbers_and_health_show_for_a_reason_and_for_a_while(qtbot: QtBot, world: World, open_desk: Open) -> None:
    """Who may see them sees the mask first: a reason shows one person's, on record; health goes after an idle minute."""
    screen = families(qtbot, open_desk)
    noted = {row.id for row in world.store.seen.table["badge"].values()}
    noted &= {row.id for row in world.store.seen.table["health_profile"].values()}
    family = next(
        one.family for one in world.plan.families
        if noted & {row.id for row in world.store.seen.table["child"].values() if one.family.encode() in row.body}
    )  # fmt: skip
    another = ContactDraft(contact=Id("8" * 32), relation="aunt", name="Zoe", phone="+34600000009")
    add = AddContacts(family=family, home=world.plan.main, contacts=(another,))
    world.source.submit(add, Author(type="staff", id=world.staff("manager").staff)).result()
    opened(qtbot, screen, family)
    whole = {
        one.id: one.phone for one in (decode(Contact, row.body) for row in world.store.seen.table["contact"].values())
    }
    page = screen.page_view
    assert not any(whole[contact.id] in repr(page.page) for contact in page.page.contacts)
    assert not any(child.health for child in page.page.children)
    asked = page.page.contacts[0]
    asking = reveal(page, "contact", asked.id, "too short")
    assert not asking.show_button.isEnabled()
    asking.why.setText("She asked to be called")
    asking.show_button.click()
    qtbot.waitUntil(lambda: whole[asked.id] in repr(page.page))
    assert page.page.contacts[0].masked is page.page.contacts[0].hidden is False
    others = page.page.contacts[1:]
    assert others
    assert all(one.masked and one.hidden and whole[one.id] not in repr(page.page) for one in others), (
        "of one person only"
    )
    assert not any(child.health for child in page.page.children), "and of one kind"
    child = next(child for child in page.page.children if child.hidden)
    reveal(page, "health", child.id)
    qtbot.waitUntil(lambda: any(one.health for one in page.page.children if one.id == child.id))
    assert not any(one.health for one in page.page.children if one.id != child.id)
    reveals = [join_parts(entry.parts) for entry in world.store.log if entry.kind == "reveal.open"]
    assert [(one["subject"], one["what"]) for one in reveals] == [(asked.id, "contact"), (child.id, "health")]
    assert reveals[0]["why"] == "She asked to be called"
    world.tick(HEALTH_IDLE_MS)
    with qtbot.waitSignal(screen.paged):
        screen.revealing._hide()
    assert whole[asked.id] in repr(page.page)
    assert not any(one.health for one in page.page.children)
    world.tick(LONGEST_MS - HEALTH_IDLE_MS)
    with qtbot.waitSignal(screen.paged):
        screen.revealing._hide()
    assert whole[asked.id] not in repr(page.page)


def test_who_comes_next_sees_the_mask_again(qtbot: QtBot, world: World, open_desk: Open) -> None:
    screen = families(qtbot, open_desk)
    opened(qtbot, screen, world.plan.families[0].family)
    page = screen.page_view
    with qtbot.waitSignal(screen.revealing.changed):
        reveal(page, "contact", page.page.contacts[0].id)
    qtbot.waitUntil(lambda: page.page is not None and not page.page.contacts[0].masked)
    become(qtbot, screen, "view_family", "view_contact")
    qtbot.waitUntil(lambda: page.page is not None and all(one.masked and one.hidden for one in page.page.contacts))


def test_renaming_says_what_became_of_it(qtbot: QtBot, world: World, open_desk: Open) -> None:
    screen = families(qtbot, open_desk)
    family = world.plan.families[0]
    opened(qtbot, screen, family.family)
    page = screen.page_view
    qtbot.mouseClick(page.edit, Qt.MouseButton.LeftButton)
    assert page.field.text() == family.name
    page.field.setText("García Ñandú")
    with qtbot.waitSignal(screen.desk.told) as told:
        qtbot.keyClick(page.field, Qt.Key.Key_Return)
    assert told.args[0] == "desk.families.rename.accepted"
    qtbot.waitUntil(lambda: page.name.whole_text() == "García Ñandú family")
    qtbot.waitUntil(lambda: "García Ñandú" in [line.split(":")[0] for line in spoken(screen.model)])
    assert not page.editing


def test_renaming_offline_says_when_others_will_see_it(qtbot: QtBot, world: World, open_desk: Open) -> None:
    screen = families(qtbot, open_desk)
    world.source.stand(State.OFFLINE)
    qtbot.waitUntil(lambda: screen.desk.standing is not None and not screen.desk.standing.online)
    opened(qtbot, screen, world.plan.families[0].family)
    screen.page_view.begin()
    screen.page_view.field.setText("Other")
    with qtbot.waitSignal(screen.desk.told) as told:
        screen.page_view.save.click()
    assert told.args[0] == "desk.families.rename.accepted_offline"


@pytest.mark.parametrize("name", ["", "   "])
def test_an_empty_name_is_refused_beside_the_field(qtbot: QtBot, world: World, open_desk: Open, name: str) -> None:
    screen = families(qtbot, open_desk)
    opened(qtbot, screen, world.plan.families[0].family)
    page = screen.page_view
    page.begin()
    page.field.setText(name)
    page.save.click()
    qtbot.waitUntil(page.said.isVisible)
    assert page.said.label.whole_text() == "A family needs a name."
    assert page.editing


def test_what_is_being_written_survives_a_change_from_elsewhere(qtbot: QtBot, world: World, open_desk: Open) -> None:
    screen = families(qtbot, open_desk)
    family = next(one for one in world.plan.families if one.due >= 2)
    opened(qtbot, screen, family.family)
    page = screen.page_view
    page.begin()
    page.field.setText("Half a na")
    child = next(child for child in page.page.children if child.visits)
    with qtbot.waitSignal(screen.paged):
        world.kiosk_marks(child.visits[0].session.id, child.id)
    assert page.editing
    assert page.field.text() == "Half a na"
