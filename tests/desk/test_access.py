"""People and roles at the desk: who may do what where, given to many, seen before it is done, and explained."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from pytestqt.qtbot import QtBot

from classtap_core.access.assignment_operations import ApplyBlueprint
from classtap_core.access.pins import verify_pin
from classtap_core.access.records import Grant, Staff, StaffPin
from classtap_core.access.rules import Place
from classtap_core.kernel.device_store import Pulled
from classtap_core.kernel.envelope import join_parts
from classtap_core.kernel.ids import derived
from classtap_core.kernel.outcomes import Status
from classtap_core.kernel.records import plain
from classtap_desktop.kit import Button
from classtap_desktop.screens.access.reading import Draft, preview
from classtap_desktop.screens.access.view import AccessScreen
from classtap_desktop.screens.people import DETAIL
from classtap_desktop.window import DeskWindow
from tests.desk.world import NOW_MS, World

Open = Callable[..., DeskWindow]


def opened(qtbot: QtBot, open_desk: Open, role: str = "owner", **settings: object) -> AccessScreen:
    screen = open_desk(role, screen="access", **settings).screens["access"]
    assert isinstance(screen, AccessScreen)
    qtbot.waitUntil(lambda: bool(screen.people.lines) or screen.note.isVisible())
    return screen


def people(screen: AccessScreen) -> dict[str, str]:
    items = [screen.model.item(at) for at in range(screen.model.rowCount())]
    return {item.text(): str(item.data(DETAIL)) for item in items}


def values(world: World, back: int = 1) -> dict[str, Any]:
    """What the log's newest entry says, or one further back."""
    said: dict[str, Any] = join_parts(world.store.log[-back].parts)
    return said


def test_who_holds_which_role_where(qtbot: QtBot, world: World, open_desk: Open) -> None:
    screen = opened(qtbot, open_desk)
    assert people(screen)["Olga Brandt"] == "Owner · everywhere"
    assert people(screen)["Dilnoza Karimova"] == "Front desk · Riverside"
    screen.field.setText("dilno")
    assert list(people(screen)) == ["Dilnoza Karimova"]


def test_a_role_for_two_is_previewed_and_given_as_one(qtbot: QtBot, world: World, open_desk: Open) -> None:
    screen = opened(qtbot, open_desk)
    clerk, teacher = world.staff("front_desk").staff, world.staff("instructor").staff
    screen.choose(clerk, teacher)
    screen.draft = Draft(role="substitute", location=world.plan.main, mode="replace", days=7)
    screen._show_card()
    texts = screen.texts()
    assert "2 chosen" in texts
    assert any(text.startswith("Dilnoza Karimova: may no longer ") for text in texts)
    assert screen.form.apply.isEnabled()
    with qtbot.waitSignal(screen.answered):
        screen.form.apply.click()
    entry = world.store.log[-1]
    assert (entry.kind, entry.told.status) == ("blueprint.apply", Status.WAITING), "the cloud decides"
    assert screen.undo.isVisible()
    with qtbot.waitSignal(screen.answered):
        screen.undo.click()
    assert not screen.undo.isVisible()


def test_what_changes_nothing_cannot_be_given(qtbot: QtBot, world: World, open_desk: Open) -> None:
    screen = opened(qtbot, open_desk)
    screen.choose(world.staff("front_desk").staff)
    screen.draft = Draft(role="front_desk", location=world.plan.main)
    screen._show_card()
    assert not screen.form.apply.isEnabled()
    assert "Nothing would change" in screen.texts()


def test_a_decision_is_explained_grant_by_grant(qtbot: QtBot, world: World, open_desk: Open) -> None:
    screen = opened(qtbot, open_desk)
    screen.choose(world.staff("front_desk").staff)
    screen._ask_why("mark_attendance", world.plan.main)
    assert {"Allowed", "Front desk · Riverside allows it"} <= set(screen.texts())
    screen._ask_why("manage_staff", world.plan.main)
    assert {"Not allowed", "Front desk · Riverside says nothing: it is not about this right"} <= set(screen.texts())
    screen._ask_why("mark_attendance", "")
    assert "Front desk · Riverside says nothing: it holds at another location" in screen.texts()


def test_an_earlier_version_shows_what_the_newest_adds(qtbot: QtBot, world: World, open_desk: Open) -> None:
    teacher = world.staff("instructor").staff
    old = Grant(id=derived("old"), holder=teacher, role="instructor", location=world.plan.main, version=1)
    world.pull([Pulled("grant", old.id, "studio", msgspec.json.encode(plain(old)))])
    screen = opened(qtbot, open_desk)
    screen.choose(teacher)
    assert any("version 1" in text and "adds" in text for text in screen.texts())
    raise_it = next(one for one in screen.card.findChildren(Button) if one.text() == "Upgrade to version 2")
    with qtbot.waitSignal(screen.answered):
        raise_it.click()
    assert world.store.log[-1].kind == ApplyBlueprint.SPEC.name


def test_who_may_not_manage_staff_sees_nobody(qtbot: QtBot, world: World, open_desk: Open) -> None:
    screen = opened(qtbot, open_desk, "front_desk")
    assert people(screen) == {}
    assert screen.note.whole_text().startswith("You may not see who may do what")


def test_a_preview_is_what_applying_comes_to(world: World) -> None:
    from classtap_desktop.screens.access.reading import read_people

    found = read_people(world.source)
    clerk = next(line for line in found.lines if line.id == world.staff("front_desk").staff)
    (change,) = preview([clerk], Draft(role="owner", location=world.plan.main), at_ms=NOW_MS)
    assert change.name == clerk.name
    assert {"manage_studio", "erase_person"} <= {*change.gained, *change.risky}
    assert "edit_seatmap" not in change.risky
    assert change.lost == change.ends == ()
    assert [grant.role for grant in change.begins] == ["owner"]


def test_a_role_is_limited_in_all_five_ways_and_only_there_it_counts(
    qtbot: QtBot, world: World, open_desk: Open
) -> None:
    screen = opened(qtbot, open_desk)
    screen.choose(world.staff("instructor").staff)
    form = screen.form
    room = next(id for id, at, _ in screen.people.rooms if at == world.plan.main)
    ballet, name = screen.people.classes[0]
    form.pick(role="accountant", location=world.plan.main)
    assert {form.boxes["room"].itemData(at) for at in range(form.boxes["room"].count())} >= {"", room}
    form.pick(room=room, class_type=ballet, segment="corporate:acme", money="refunds")
    assert form.boxes["segment"].currentText() == "corporate:acme"
    assert form.boxes["money"].currentText() == "Refunds"
    assert any(text.endswith(f"{name} · corporate:acme · Refunds") and "gets" in text for text in screen.texts())
    assert any(text.startswith("Think twice: ") for text in screen.texts())
    with qtbot.waitSignal(screen.answered):
        form.apply.click()
    said = values(world)
    assert said["role"] == "accountant"
    assert Place(*(said[part] for part in Place._fields)) == Place(
        world.plan.main, room, ballet, "corporate:acme", "refunds"
    )


def test_a_longer_time_is_a_change_though_no_right_is_new(qtbot: QtBot, world: World, open_desk: Open) -> None:
    screen = opened(qtbot, open_desk)
    screen.choose(world.staff("front_desk").staff)
    screen.form.pick(role="front_desk", location=world.plan.main, mode="replace", days=7)
    assert screen.form.apply.isEnabled()
    assert any("Front desk · Riverside · until" in text and "gets" in text for text in screen.texts())
    assert any(text.endswith("Front desk · Riverside ends") for text in screen.texts())


def test_choosing_by_keyboard_keeps_the_keyboard(qtbot: QtBot, world: World, open_desk: Open) -> None:
    screen = opened(qtbot, open_desk)
    screen.choose(world.staff("front_desk").staff)
    box = screen.form.boxes["location"]
    box.setFocus()
    screen.form.pick(location=world.plan.main)
    screen.tick()
    assert screen.form.boxes["location"].hasFocus(), "made anew, with the same choice under the keyboard"
    assert screen.form.boxes["location"].currentData() == world.plan.main


def test_somebody_new_is_entered_with_a_pin_that_nobody_reads_again(
    qtbot: QtBot, world: World, open_desk: Open
) -> None:
    screen = opened(qtbot, open_desk)
    screen.new.click()
    form = screen.staff_form
    assert form is not None
    form.entry.write(name="Noor Haddad", pin="270491", again="270419")
    form.save.click()
    assert form.message.whole_text() == "The two PINs are not the same: type it twice."
    form.entry.write(again="270491")
    with qtbot.waitSignal(form.saved):
        form.save.click()
    assert [entry.kind for entry in world.store.log[-2:]] == ["staff.add", "staff.set_pin"]
    assert values(world, 2)["name"] == "Noor Haddad"
    assert values(world, 2)["staff"] == values(world)["staff"] == form._about
    assert verify_pin("270491", values(world)["hash"], pepper=world.source.pepper())


def test_who_has_a_pin_and_no_role_yet_can_be_given_one(qtbot: QtBot, world: World, open_desk: Open) -> None:
    noor = derived("noor")
    rows = [Staff(id=noor, name="Noor Haddad"), StaffPin(id=noor, hash="x")]
    world.pull([Pulled(one.KIND, one.id, one.scope(), msgspec.json.encode(plain(one))) for one in rows])
    screen = opened(qtbot, open_desk)
    assert people(screen)["Noor Haddad"] == "No role"
    screen.choose(noor)
    screen.form.pick(role="substitute", days=1)
    assert screen.form.apply.isEnabled()


def test_people_are_entered_by_who_manages_the_whole_studio(qtbot: QtBot, world: World, open_desk: Open) -> None:
    assert opened(qtbot, open_desk, "front_desk").new.isHidden()
