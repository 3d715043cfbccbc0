"""What can be done about a result that is no longer so, over the real rooms: keep, apply, late, undo, and all at once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace
from pytestqt.qtbot import QtBot

from classtap_core.access.assignment_operations import EndGrant
from classtap_core.checkin.operations import ChildMark
from classtap_core.checkin.reading import fetch
from classtap_core.checkin.records import Attendance, State, attendance_id
from classtap_core.checkin.rules import standing
from classtap_core.kernel.device import Notice
from classtap_core.kernel.ids import Id
from classtap_core.kernel.memory import MemoryDevice
from classtap_core.kernel.outcomes import ACCEPTED, Status
from classtap_desktop.screens.choices import KEEP, choices_of
from classtap_desktop.screens.devices.view import DevicesScreen
from classtap_desktop.window import DeskWindow
from tests.desk.test_devices import changed
from tests.desk.world import World as DeskWorld
from tests.unit.house.world import (
    ANA,
    CLERK,
    HALF_PAST,
    KIOSK,
    NINE_BALLET,
    OTHER_KIOSK,
    OWNER,
    STUDIO,
    Member,
    World,
    named,
    staff,
)

Open = Callable[..., DeskWindow]


def mark(child: Id, state: str) -> ChildMark:
    return ChildMark(child=child, state=state)


def state(store: MemoryDevice, session: Id) -> State:
    id = attendance_id(STUDIO, session, ANA)
    return standing(fetch(store, Attendance, [id])[id].marks).state


@pytest.fixture
def doors() -> tuple[World, Member, Member]:
    world = World()
    one, two = world.join(KIOSK), world.join(OTHER_KIOSK)
    one.clock.advance(60_000)
    two.clock.advance(120_000)
    return world, one, two


def the_notice(member: Member) -> Notice:
    (notice,) = member.store.notices.values()
    return notice


@pytest.mark.parametrize(("code", "comes_to"), [("keep", State.PRESENT), ("apply", State.ABSENT)])
def test_another_mark_stands_before_it(doors: tuple[World, Member, Member], code: str, comes_to: State) -> None:
    world, one, two = doors
    one.mark(NINE_BALLET, mark(ANA, "present"))
    two.mark(NINE_BALLET, mark(ANA, "absent"))
    world.sync(KIOSK, OTHER_KIOSK)
    found = {choice.code: choice for choice in choices_of(two.store, the_notice(two))}
    assert list(found) == ["keep", "apply"]
    payload = found[code].payload
    if payload is not None:
        assert two.mark(NINE_BALLET, *payload.items).outcome.status is Status.ACCEPTED
    world.sync()
    assert state(one.store, NINE_BALLET) is state(two.store, NINE_BALLET) is comes_to


@pytest.mark.parametrize(("code", "comes_to"), [("late", State.LATE), ("keep", State.PRESENT), ("undo", State.NONE)])
def test_present_in_two_classes_at_once(doors: tuple[World, Member, Member], code: str, comes_to: State) -> None:
    world, one, two = doors
    one.mark(NINE_BALLET, mark(ANA, "present"))
    two.mark(HALF_PAST, mark(ANA, "present"))
    world.sync(KIOSK, OTHER_KIOSK)
    found = {choice.code: choice for choice in choices_of(two.store, the_notice(two))}
    assert list(found) == ["late", "keep", "undo"], "the recommended one first"
    payload = found[code].payload
    if payload is not None:
        assert payload.session == HALF_PAST
        assert two.mark(HALF_PAST, *payload.items).outcome.status is Status.ACCEPTED
    world.sync()
    assert state(one.store, HALF_PAST) is comes_to
    assert state(one.store, NINE_BALLET) is State.PRESENT


def test_a_mark_of_who_had_lost_the_right_is_left_or_said_in_ones_own_name(doors: tuple[World, Member, Member]) -> None:
    world, _one, two = doors
    world.say(EndGrant(grant=named("clerk grant")))
    said = replace(mark(ANA, "late"), reason="traffic", note="bus")
    assert two.mark(NINE_BALLET, said, author=staff(CLERK)).outcome.status is Status.ACCEPTED
    world.sync(KIOSK, OTHER_KIOSK)
    notice = the_notice(two)
    assert notice.now.status is Status.CONTESTED
    id = attendance_id(STUDIO, NINE_BALLET, ANA)
    assert id not in fetch(two.store, Attendance, [id]), "kept, and without consequences"
    keep, vouch = choices_of(two.store, notice)
    assert (keep, vouch.code) == (KEEP, "vouch"), "nothing is recommended that makes somebody answer for it"
    assert vouch.payload is not None
    assert vouch.payload.items == (said,)
    again = two.mark(NINE_BALLET, *vouch.payload.items, author=staff(OWNER))
    assert again.outcome.status is Status.ACCEPTED
    world.sync()
    assert state(two.store, NINE_BALLET) is State.LATE


def test_what_leaves_no_choice_has_none(doors: tuple[World, Member, Member]) -> None:
    world, one, two = doors
    one.mark(NINE_BALLET, mark(ANA, "present"))
    world.sync()
    assert not two.store.notices
    gone = Notice(Id("9" * 32), 1, "family.rename", ACCEPTED, ACCEPTED, 0)
    assert choices_of(one.store, gone) == ()
    assert choices_of(one.store, gone._replace(kind="attendance.mark")) == ()


def test_what_is_recommended_is_done_for_all_and_can_be_saved(
    qtbot: QtBot, world: DeskWorld, open_desk: Open, tmp_path: Path
) -> None:
    for number in range(3):
        world.store.notify(changed(world)._replace(operation=Id(f"{number}" * 32)))
    window = open_desk("manager", screen="devices")
    screen = window.screens["devices"]
    assert isinstance(screen, DevicesScreen)
    card = screen.notices
    qtbot.waitUntil(lambda: len(card.lines) == 3 and not window.desk.waiting)
    card._show(tuple(line._replace(choices=(KEEP,)) for line in card.lines))
    assert card.all.isVisibleTo(card)
    card.all.click()
    qtbot.waitUntil(lambda: not world.store.notices)
    file = tmp_path / "summary.txt"
    with qtbot.waitSignal(window.desk.told):
        card.save_summary(file)
    assert len(file.read_text(encoding="utf-8").splitlines()) == 3
