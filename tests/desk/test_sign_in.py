"""Shared devices: a lock that only a manager opens, and a desk that locks itself."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from classtap_core.access.pins import NEEDS_MANAGER, Tries
from classtap_core.kernel.ids import Id
from classtap_desktop.operator import Answer, open_lock
from classtap_desktop.window import DeskWindow
from tests.desk.test_window import type_pin
from tests.desk.world import NOW_MS, World

Open = Callable[..., DeskWindow]


def choose(window: DeskWindow, staff: Id) -> None:
    names = window.sign_in.list
    names.setCurrentRow(
        next(row for row in range(names.count()) if names.item(row).data(Qt.ItemDataRole.UserRole) == staff)
    )


def locked(world: World) -> Id:
    """The front desk has typed ten wrong PINs here."""
    clerk = world.staff("front_desk").staff
    world.source.keep_tries(clerk, Tries(NEEDS_MANAGER, NOW_MS))
    return clerk


def test_ten_wrong_pins_are_opened_by_a_manager_and_it_is_on_record(
    qtbot: QtBot, world: World, open_desk: Open
) -> None:  # fmt: skip
    clerk = locked(world)
    window = open_desk("")
    page = window.sign_in
    qtbot.waitUntil(lambda: page.list.count() > 0)
    choose(window, clerk)
    type_pin(qtbot, window, world.staff("front_desk").pin)
    qtbot.waitUntil(page.unlock.isVisible)
    page.unlock.click()
    assert page.title.whole_text().startswith("Let ")
    choose(window, world.staff("manager").staff)
    type_pin(qtbot, window, world.staff("manager").pin)
    qtbot.waitUntil(lambda: page.pad.message.whole_text().endswith("can try again."))
    assert window.desk.operator is None, "the manager is not signed in by it"
    qtbot.waitUntil(lambda: bool(world.store.log))
    entry = world.store.log[-1]
    assert (entry.kind, entry.told.stands) == ("staff.open_lock", True)
    choose(window, clerk)
    with qtbot.waitSignal(page.signed_in):
        type_pin(qtbot, window, world.staff("front_desk").pin)


def test_nobody_else_opens_a_lock(world: World) -> None:
    clerk = locked(world)
    teacher, manager = world.staff("instructor"), world.staff("manager")
    assert open_lock(world.source, clerk, teacher.staff, teacher.pin).answer is Answer.NOT_MANAGER
    assert open_lock(world.source, clerk, manager.staff, "000000").answer is Answer.WRONG
    assert open_lock(world.source, manager.staff, manager.staff, manager.pin).answer is Answer.NOT_MANAGER
    assert world.source.tries(clerk).wrong == NEEDS_MANAGER


def test_a_desk_nobody_touches_locks_itself(qtbot: QtBot, world: World, open_desk: Open) -> None:
    window = open_desk("manager")
    assert window.settings.lock_after_s == 300
    window.idle.wait_for(0.05)
    with qtbot.waitSignal(window.idle.idle):
        window.idle.watch(True)
    assert window.sign_in.isVisible()
    assert window.desk.operator is None


def test_who_works_is_not_locked_out_and_zero_means_never(qtbot: QtBot, world: World, open_desk: Open) -> None:
    window = open_desk("manager", lock_after_s=0)
    assert not window.idle._timer.isActive()
    window.idle.wait_for(60)
    window.idle.watch(True)
    before = window.idle._timer.timerId()
    qtbot.keyClick(window, Qt.Key.Key_Shift)
    assert window.idle._timer.timerId() != before, "a key begins the wait anew"
    window.idle.watch(False)
    qtbot.keyClick(window, Qt.Key.Key_Shift)
    assert not window.idle._timer.isActive(), "and nothing where nobody waits"


def test_what_lay_open_is_there_for_who_comes_back_and_gone_for_anybody_else(
    qtbot: QtBot, world: World, open_desk: Open
) -> None:
    window = open_desk("manager")
    family = world.plan.families[0]
    for role, stays in (("manager", True), ("instructor", False)):
        window.desk.show_card(family.children[0].child, "Ana", world.plan.main)
        qtbot.waitUntil(window.card_page.isVisible)
        window.switch_staff()
        qtbot.waitUntil(lambda: window.sign_in.list.count() > 0)
        choose(window, world.staff(role).staff)
        with qtbot.waitSignal(window.sign_in.signed_in):
            type_pin(qtbot, window, world.staff(role).pin)
        assert window.card_page.isVisible() is stays
