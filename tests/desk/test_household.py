"""Entering and changing a household at the desk: everything in one saving, refused with a sentence, nothing lost."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest
from msgspec.structs import replace
from PySide6.QtGui import QColor, QImage
from PySide6.QtWidgets import QComboBox, QLineEdit
from pytestqt.qtbot import QtBot

from classtap_cli.demo.studio import DemoFamily
from classtap_core.access.revealing import HEALTH_IDLE_MS, LONGEST_MS
from classtap_core.checkin.reading import fetch, search
from classtap_core.health.operations import EditProfile
from classtap_core.health.records import (
    ActionPlan,
    Allergy,
    CardView,
    Condition,
    EmergencyContact,
    HealthFacts,
    HealthProfile,
    HealthRequirement,
    Medication,
)
from classtap_core.health.rules import facts_of
from classtap_core.kernel.canonical import canonical
from classtap_core.kernel.device_store import Pulled
from classtap_core.kernel.envelope import Author
from classtap_core.kernel.ids import Id
from classtap_core.kernel.records import plain
from classtap_core.people.guardians import PRIMARY, SECONDARY, Guardianship, roles_on
from classtap_core.people.records import Badge, Child, ChildHealth, Contact, Custody, Family
from classtap_core.schedule.reach import Reach
from classtap_desktop.kit import Button, Label
from classtap_desktop.screens.entries import Entry
from classtap_desktop.screens.families.forms import ChildForm, NewFamilyForm
from classtap_desktop.screens.families.guardian_form import GuardianForm
from classtap_desktop.screens.families.health_form import HealthForm
from classtap_desktop.screens.families.reading import Lack
from classtap_desktop.screens.families.view import FamiliesScreen
from classtap_desktop.screens.form import Form
from classtap_desktop.window import DeskWindow
from tests.desk.test_families import families, opened
from tests.desk.world import World

Open = Callable[..., DeskWindow]
F = TypeVar("F", bound=Form)


def write(entry: Entry, **values: str) -> None:
    """Type into fields and choose from lists, as a person does."""
    for name, value in values.items():
        widget = entry.widgets[name]
        if isinstance(widget, QComboBox):
            widget.setCurrentIndex(widget.findData(value))
        else:
            assert isinstance(widget, QLineEdit)
            widget.setText(value)
            widget.textEdited.emit(value)


def form(qtbot: QtBot, screen: FamiliesScreen, kind: type[F], ask: Callable[[], None]) -> F:
    before = screen.form
    ask()
    qtbot.waitUntil(lambda: screen.form is not before and screen.form is not None and screen.form.isVisible())
    assert isinstance(screen.form, kind)
    return screen.form


def saved(qtbot: QtBot, made: Form) -> None:
    with qtbot.waitSignal(made.saved):
        made.save.click()
    assert made.isHidden()


def said(qtbot: QtBot, made: Form) -> str:
    made.save.click()
    qtbot.waitUntil(lambda: made.save.isEnabled() and bool(made.message.whole_text()))
    return made.message.whole_text()


@pytest.fixture
def family(world: World) -> DemoFamily:
    return next(one for one in world.plan.families if len(one.children) == 2)


def pairs(world: World, child: str) -> dict[Id, Guardianship]:
    return {pair.guardian: pair for pair in search(world.store, Guardianship, "by_child", Id(child))}


def test_a_new_family_is_entered_whole(qtbot: QtBot, world: World, open_desk: Open) -> None:
    screen = families(qtbot, open_desk)
    made = form(qtbot, screen, NewFamilyForm, screen.new.click)
    write(made.head, name="Lindqvist")
    write(made.children_.entries[0], given="Leo", surname="Lindqvist", birth_date="2018-05-05")
    write(made.children_.add(), given="Mia", surname="Öst", birth_date="2020-01-31")
    made.children_.add()  # left empty: it says nothing
    write(made.guardians.entries[0], name="Greta Lindqvist", relation="mother", email="g@example.com")
    write(made.guardians.add(), name="Olle Öst", relation="father")
    saved(qtbot, made)
    (added,) = [one for one in search(world.store, Family, "by_home") if one.name == "Lindqvist"]
    children = {child.given: child for child in search(world.store, Child, "by_family", added.id)}
    assert set(children) == {"Leo", "Mia"}
    assert fetch(world.store, ChildHealth, [children["Mia"].id])[children["Mia"].id].birth_date == "2020-01-31"
    guardians = {one.id: one for one in search(world.store, Contact, "by_family", added.id)}
    for child in children.values():
        roles = {guardians[one].name: pair.roles[0].role for one, pair in pairs(world, child.id).items()}
        assert roles == {"Greta Lindqvist": PRIMARY, "Olle Öst": SECONDARY}
    qtbot.waitUntil(lambda: screen.page_view.page is not None and screen.page_view.page.name == "Lindqvist")


def test_what_is_missing_is_said_before_anything_is_saved(qtbot: QtBot, world: World, open_desk: Open) -> None:
    screen = families(qtbot, open_desk)
    made = form(qtbot, screen, NewFamilyForm, screen.new_family)
    assert "no name yet" in said(qtbot, made)
    write(made.head, name="Lindqvist")
    assert "no child yet" in said(qtbot, made)
    write(made.children_.entries[0], given="Leo", birth_date="5.5.2018")
    assert "2026-11-21" in said(qtbot, made)
    assert len(search(world.store, Family, "by_home")) == len(world.plan.families)


def test_leaving_with_something_written_asks_once(qtbot: QtBot, open_desk: Open) -> None:
    screen = families(qtbot, open_desk)
    made = form(qtbot, screen, NewFamilyForm, screen.new_family)
    write(made.head, name="Lindqvist")
    made.cancel.click()
    assert made.isVisible()
    assert "not saved yet" in made.message.whole_text()
    made.cancel.click()
    assert made.isHidden()


def test_a_child_is_changed_and_another_joins_its_guardians(
    qtbot: QtBot, world: World, open_desk: Open, family: DemoFamily
) -> None:
    screen = families(qtbot, open_desk)
    opened(qtbot, screen, family.family)
    child = family.children[0]
    made = form(qtbot, screen, ChildForm, lambda: screen.page_view.asked.emit("child", child.child))
    write(made.entry, given="Renamed", birth_date="2017-02-28", languages="es, en")
    saved(qtbot, made)
    kept = fetch(world.store, Child, [child.child])[child.child]
    assert (kept.given, kept.surname, kept.languages) == ("Renamed", child.surname, ("es", "en"))
    assert fetch(world.store, ChildHealth, [child.child])[child.child].birth_date == "2017-02-28"
    made = form(qtbot, screen, ChildForm, lambda: screen.page_view.asked.emit("child", ""))
    write(made.entry, given="Third", surname=child.surname)
    saved(qtbot, made)
    (third,) = [one for one in search(world.store, Child, "by_family", family.family) if one.given == "Third"]
    stands = {guardian: pair.roles[0].role for guardian, pair in pairs(world, third.id).items()}
    oldest = min(world.plan.families, key=lambda one: one.family != family.family)
    assert stands == {one: pair.roles[0].role for one, pair in pairs(world, oldest.children[0].child).items()}
    assert stands


def test_a_guardian_s_role_and_rights_for_one_child(
    qtbot: QtBot, world: World, open_desk: Open, family: DemoFamily
) -> None:
    screen = families(qtbot, open_desk)
    opened(qtbot, screen, family.family)
    one, other = (child.child for child in family.children)
    made = form(qtbot, screen, GuardianForm, lambda: screen.page_view.asked.emit("guardian", ""))
    write(made.entry, name="Gran", relation="grandparent", phone="+34600000001", languages="ar, es")
    write(made.stands[one].entry, role="pickup")
    made.stands[one].rights["view_attendance"].click()
    saved(qtbot, made)
    (gran,) = [one for one in search(world.store, Contact, "by_family", family.family) if one.name == "Gran"]
    pair = pairs(world, one)[gran.id]
    assert (pair.relation, pair.roles[0].role, pair.allow, pair.deny) == (
        "grandparent", "pickup", ("view_attendance",), ()
    )  # fmt: skip
    assert gran.id not in pairs(world, other)
    assert gran.languages == ("ar", "es"), "the first is the one she is written to in"
    made = form(qtbot, screen, GuardianForm, lambda: screen.page_view.asked.emit("guardian", gran.id))
    assert made.stands[one].rights["view_attendance"].isChecked()
    write(made.stands[one].entry, role="")
    saved(qtbot, made)
    assert [role.state for role in pairs(world, one)[gran.id].roles] == ["revoked"]


def test_the_first_place_is_handed_over_and_never_left_empty(
    qtbot: QtBot, world: World, open_desk: Open, family: DemoFamily
) -> None:
    screen = families(qtbot, open_desk)
    opened(qtbot, screen, family.family)
    child = family.children[0].child
    (first,) = [guardian for guardian, pair in pairs(world, child).items() if pair.roles[0].role == PRIMARY]
    made = form(qtbot, screen, GuardianForm, lambda: screen.page_view.asked.emit("guardian", first))
    write(made.stands[child].entry, role=SECONDARY)
    assert "without a primary" in said(qtbot, made)
    made.cancel.click()
    made.cancel.click()
    made = form(qtbot, screen, GuardianForm, lambda: screen.page_view.asked.emit("guardian", ""))
    write(made.entry, name="Gran", relation="grandparent")
    write(made.stands[child].entry, role=PRIMARY)
    assert f"{family.guardian} is the primary today" in made.stands[child].handing.whole_text()
    saved(qtbot, made)
    (gran,) = [one for one in search(world.store, Contact, "by_family", family.family) if one.name == "Gran"]
    today = {one: roles_on(pair, "2026-11-21") for one, pair in pairs(world, child).items()}
    assert (today[gran.id], today[first]) == ([PRIMARY], [SECONDARY])


def test_a_block_is_said_at_once_and_lifted_by_who_may_see_custody(
    qtbot: QtBot, world: World, open_desk: Open, family: DemoFamily
) -> None:
    screen = families(qtbot, open_desk)
    opened(qtbot, screen, family.family)
    child = family.children[0].child
    guardian = next(iter(pairs(world, child)))
    made = form(qtbot, screen, GuardianForm, lambda: screen.page_view.asked.emit("guardian", guardian))
    made.stands[child].blocked.click()
    made.stands[child].reason.setText("Court order 12/26")
    saved(qtbot, made)
    pair = pairs(world, child)[guardian]
    assert pair.blocked
    (order,) = fetch(world.store, Custody, [child])[child].orders
    assert (order.guardian, order.reason) == (guardian, "Court order 12/26")
    made = form(qtbot, screen, GuardianForm, lambda: screen.page_view.asked.emit("guardian", guardian))
    assert made.stands[child].blocked.isChecked()
    assert made.stands[child].blocked.isEnabled()
    assert not made.stands[child].reason.isVisible()


def health(qtbot: QtBot, screen: FamiliesScreen, child: str) -> HealthForm:
    """A child's form with its fields shown, for a reason where something is known already."""
    made = form(qtbot, screen, HealthForm, lambda: screen.page_view.asked.emit("health", child))
    if not made.shows:
        give_reason(qtbot, made)
    return made


def give_reason(qtbot: QtBot, made: HealthForm) -> None:
    made.asking.why.setText("Before the lesson")
    made.asking.show_button.click()
    qtbot.waitUntil(lambda: made.shows)


def test_a_child_s_health_is_written_and_confirmed(
    qtbot: QtBot, world: World, open_desk: Open, family: DemoFamily
) -> None:
    screen = families(qtbot, open_desk)
    opened(qtbot, screen, family.family)
    child = family.children[1].child
    made = health(qtbot, screen, child)
    write(made.fields.allergies.add(), what="Peanut", severity="severe", action="Pen, then 112", pen="blue bag")
    made.fields.confirm.click()
    saved(qtbot, made)
    profile = fetch(world.store, HealthProfile, [child])[child]
    assert ("Peanut", "severe", "blue bag") in [(one.what, one.severity, one.pen) for one in profile.allergies]
    assert profile.confirmed_ms == world.clock.now().corrected
    assert "health_note" in fetch(world.store, Badge, [child])[child].codes
    made = health(qtbot, screen, child)
    for entry in tuple(made.fields.allergies.entries):
        entry.removed.emit()
    saved(qtbot, made)
    assert fetch(world.store, HealthProfile, [child])[child].allergies == ()


def test_what_is_known_of_a_child_shows_for_a_reason_and_is_masked_again(
    qtbot: QtBot, world: World, open_desk: Open, family: DemoFamily
) -> None:
    """The form of one child; a mask is never saved over what it hides, and what was written before it came is kept."""
    screen = families(qtbot, open_desk)
    opened(qtbot, screen, family.family)
    child, sibling = (one.child for one in family.children)
    author = Author(type="staff", id=world.staff("manager").staff)
    facts = HealthFacts(allergies=(Allergy(what="Peanut", severity="severe"),), physician="Dr Ito")
    for one in (child, sibling):
        base = facts_of(fetch(world.store, HealthProfile, [one]).get(one))
        world.source.submit(EditProfile(child=one, base=base, wanted=facts), author).result()
    made = form(qtbot, screen, HealthForm, lambda: screen.page_view.asked.emit("health", child))
    assert not made.shows
    assert "Peanut" not in on_it(made)
    assert not made.save.isEnabled()
    assert made.payloads() == []
    give_reason(qtbot, made)
    assert "Peanut" in on_it(made)
    assert [entry.kind for entry in world.store.log][-1] == "reveal.open"
    world.tick(HEALTH_IDLE_MS)
    screen.revealing._hide()
    qtbot.waitUntil(lambda: not made.shows)
    assert "Peanut" not in on_it(made), "nothing was written, so nothing of it is left in the form"
    give_reason(qtbot, made)
    made.fields.physician.setText("Dr Adeyemi")
    made.fields.physician.textEdited.emit("Dr Adeyemi")
    world.tick(LONGEST_MS)
    screen.revealing._hide()
    assert not made.shows
    assert made.masked.whole_text().startswith("Masked again. What you wrote is kept")
    saved(qtbot, made)
    kept = facts_of(fetch(world.store, HealthProfile, [child])[child])
    assert kept == replace(facts, physician="Dr Adeyemi")
    made = form(qtbot, screen, HealthForm, lambda: screen.page_view.asked.emit("health", sibling))
    assert not made.shows, "one child's reveal is not another's"


def on_it(made: Form) -> str:
    """All that a form's fields and labels hold."""
    texts = [one.text() for one in made.card.findChildren(QLineEdit)]
    return " · ".join([*texts, *(one.whole_text() for one in made.card.findChildren(Label))])


def test_who_may_not_change_families_has_no_forms(qtbot: QtBot, open_desk: Open) -> None:
    screen = open_desk("instructor", screen="today").screens["families"]
    assert isinstance(screen, FamiliesScreen)
    with qtbot.waitSignal(screen.loaded):
        screen.desk.open("families")
    assert screen.model.counts() == (0, 0)
    assert screen.page_view.page is None
    said_on = {button.text() for button in screen.page_view.findChildren(Button) if button.isVisible()}
    assert not said_on & {"Edit", "Health", "Add a child", "Add a guardian"}
    assert [button.isVisible() for button in (screen.new, screen.twice)] == [False, False]


def test_the_emergency_card_shows_all_and_is_written_down(
    qtbot: QtBot, world: World, open_desk: Open, family: DemoFamily
) -> None:
    """Catalogue 10: whoever runs the class sees it in an emergency, and that they looked is known."""
    child = family.children[0]
    facts = HealthFacts(
        allergies=(Allergy(what="Peanut", severity="severe", action="Pen, then 112", pen="blue bag"),),
        contacts=(EmergencyContact(name="Gran", phone="+34600000001", relation="grandparent"),),
    )
    world.bus.submit(
        EditProfile(
            child=child.child,
            base=facts_of(fetch(world.store, HealthProfile, [child.child]).get(child.child)),
            wanted=facts,
        ),
        Author(type="staff", id=world.staff("manager").staff),
    )
    window = open_desk("instructor", screen="families")
    page = window.card_page
    window.desk.show_card(child.child, child.given, world.plan.main)
    qtbot.waitUntil(lambda: page.shown is not None)
    shown = [label.whole_text().translate(dict.fromkeys(range(0x2066, 0x206A))) for label in page.findChildren(Label)]
    for text in ("Peanut", "Where the pen is: blue bag", "What to do: Pen, then 112"):
        assert text in shown
    assert any(text.startswith("Gran") and "+34600000001" in text for text in shown)
    assert "No guardian has confirmed this" in shown
    (view,) = search(world.store, CardView, "by_child", child.child)
    assert (view.by, view.at_ms) == (world.staff("instructor").staff, world.clock.now().corrected)
    page.close_button.click()
    assert page.isHidden()


def test_what_a_booked_class_asks_for_shows_on_the_page(
    qtbot: QtBot, world: World, open_desk: Open, family: DemoFamily
) -> None:
    requirement = HealthRequirement(
        id=Id("a" * 32),
        paper="vaccination",
        name="Vaccination card",
        version=1,
        reach=(Reach(),),
        state="open",
    )
    body = canonical(plain(requirement))
    world.pull([Pulled("health_requirement", requirement.id, "studio", body)])
    screen = families(qtbot, open_desk)
    booked = next(one for one in world.plan.families if one.due >= 1)
    opened(qtbot, screen, booked.family)
    lacks = {lack for child in screen.page_view.page.children for lack in child.lacks}
    assert Lack("Vaccination card", "paper.missing") in lacks
    said_on = {label.whole_text() for label in screen.page_view.findChildren(Label)}
    assert "\u2068Vaccination card\u2069: missing" in said_on or "Vaccination card: missing" in said_on


def test_a_picture_is_kept_small_and_bare_and_shown(
    qtbot: QtBot, world: World, open_desk: Open, family: DemoFamily, tmp_path: Path
) -> None:
    picture = QImage(2000, 1500, QImage.Format.Format_RGB32)
    picture.fill(QColor("#aa3322"))
    picture.setText("Comment", "taken at home")
    file = tmp_path / "face.png"
    assert picture.save(str(file))
    screen = families(qtbot, open_desk)
    opened(qtbot, screen, family.family)
    child = family.children[0].child
    made = form(qtbot, screen, ChildForm, lambda: screen.page_view.asked.emit("child", child))
    (tmp_path / "no.png").write_bytes(b"no picture")
    made.photo.take(tmp_path / "no.png")
    qtbot.waitUntil(lambda: "no picture that can be read" in made.photo.said.whole_text())
    with qtbot.waitSignal(made.photo.changed):
        made.photo.take(file)
    saved(qtbot, made)
    kept = fetch(world.store, Child, [child])[child].photo
    assert kept is not None
    data = world.source.album.kept[kept.hash]
    small = QImage.fromData(data)
    assert (kept.type, small.width(), small.height()) == ("image/jpeg", 640, 480)
    assert b"taken at home" not in data
    qtbot.waitUntil(lambda: [one.photo for one in screen.page_view.page.children if one.id == child] == [data])
    made = form(qtbot, screen, ChildForm, lambda: screen.page_view.asked.emit("child", child))
    made.photo.remove.click()
    saved(qtbot, made)
    assert fetch(world.store, Child, [child])[child].photo is None


def test_who_sees_no_doses_cannot_write_over_them(
    qtbot: QtBot, world: World, open_desk: Open, family: DemoFamily
) -> None:
    screen = families(qtbot, open_desk, "front_desk")
    opened(qtbot, screen, family.family)
    child = family.children[1].child
    facts = HealthFacts(
        allergies=(Allergy(what="Peanut", severity="severe"),), physician="Dr Ito",
        medications=(Medication(name="Cetirizine", dose="5 ml", here=True),),
        conditions=(Condition(name="Asthma", note="only in spring"),),
        plans=(ActionPlan(title=" Asthma ", steps=("Sit up", "Call")),),
    )  # fmt: skip
    author = Author(type="staff", id=world.staff("manager").staff)
    base = facts_of(fetch(world.store, HealthProfile, [child]).get(child))
    world.source.submit(EditProfile(child=child, base=base, wanted=facts), author).result()
    made = health(qtbot, screen, child)
    assert not made.fields.medications.isEnabled()
    assert not made.fields.physician.isEnabled()
    assert made.fields.allergies.isEnabled()
    write(made.fields.allergies.add(), what="Egg")
    saved(qtbot, made)
    after = facts_of(fetch(world.store, HealthProfile, [child])[child])
    assert [one.what for one in after.allergies] == ["Peanut", "Egg"]
    assert replace(after, allergies=facts.allergies) == facts, "doses, notes and the doctor as they were, word for word"
