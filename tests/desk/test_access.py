"""People and roles at the desk: who may do what where, given to many, seen before it is done, and explained."""

from __future__ import annotations

from collections.abc import Callable

from pytestqt.qtbot import QtBot

from classtap_core.access.assignment_operations import ApplyBlueprint
from classtap_core.access.records import Grant
from classtap_core.kernel.device import Pulled
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
    assert screen.apply.isEnabled()
    with qtbot.waitSignal(screen.answered):
        screen.apply.click()
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
    assert not screen.apply.isEnabled()
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
    import msgspec

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
    ((name, change),) = preview([clerk], Draft(role="owner", location=world.plan.main), at_ms=NOW_MS)
    assert name == clerk.name
    assert "manage_studio" in change.gained
    assert change.lost == ()
