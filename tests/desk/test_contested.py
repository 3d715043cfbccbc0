"""The card of what nobody believed yet: what it says of any kind of fact, and who may decide it there."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pytestqt.qtbot import QtBot

from classtap_core.checkin.operations import ChildMark, MarkAttendance
from classtap_core.contesting.operations import RuleContested
from classtap_core.contesting.records import HAPPENED, Contested
from classtap_core.kernel.canonical import plain_canonical
from classtap_core.kernel.clock import Timestamp
from classtap_core.kernel.device_store import Pulled
from classtap_core.kernel.envelope import Author, join_parts, own
from classtap_core.kernel.ids import Id
from classtap_core.kernel.operations import Payload, Resource
from classtap_core.kernel.records import OPEN, plain, split
from classtap_core.people.guardian_operations import BlockGuardian
from classtap_desktop.kit import Button, Label
from classtap_desktop.screens.devices.view import DevicesScreen
from classtap_desktop.screens.health.contested_card import ContestedCard
from classtap_desktop.window import DeskWindow
from tests.desk.world import KIOSK, NOW_MS, World

Open = Callable[..., DeskWindow]


def pulled(world: World, payload: Payload, number: int, *, why: str = "permission.expired", ruled: str = "") -> Pulled:
    """A fact of the kiosk that the cloud contested, as the desk pulls it."""
    clerk = world.staff("front_desk").staff
    said = plain_canonical(split(type(payload), plain(payload))[OPEN][""]).decode()
    row = Contested(
        id=Id(f"{number}" * 32), ruled=ruled, at_ms=NOW_MS - 180_000, device=KIOSK, fact=payload.SPEC.name, version=1,
        author=Author(type="staff", id=clerk), at=Timestamp(wall=NOW_MS - 180_000, mono=0, boot="b"), epoch=1,
        sequence=number, why=why, needs=str(payload.SPEC.needs), said=said, place=Resource(world.plan.main),
        under=("session:x",),
    )  # fmt: skip
    return Pulled(row.KIND, row.id, row.scope(), plain_canonical(plain(row)))


def late(world: World) -> MarkAttendance:
    family = next(one for one in world.plan.families if one.due)
    session = next(iter(row for row in world.plan.drafts if row.payload.SPEC.name == "booking.create")).payload
    assert family.children
    return MarkAttendance(session=session.session, items=(ChildMark(child=family.children[0].child, state="late"),))


def card_of(qtbot: QtBot, window: DeskWindow, number: int) -> ContestedCard:
    screen = window.screens["devices"]
    assert isinstance(screen, DevicesScreen)
    qtbot.waitUntil(lambda: len(screen.contested.found) == number and not window.desk.waiting)
    return screen.contested


def texts(card: ContestedCard) -> str:
    return "\n".join(label.text() for label in card.findChildren(Label) if label.isVisibleTo(card))


def buttons(card: ContestedCard) -> list[Button]:
    return [button for button in card.findChildren(Button) if button.isVisibleTo(card)]


def test_whatever_was_told_is_a_sentence_with_two_answers(qtbot: QtBot, world: World, open_desk: Open) -> None:
    child = world.plan.families[0].children[0].child
    block = BlockGuardian(child=child, guardian=Id("7" * 32))
    world.pull([pulled(world, late(world), 1), pulled(world, block, 2, why="permission.device_revoked")])
    card = card_of(qtbot, open_desk("manager", screen="devices"), 2)
    said = texts(card)
    assert "Dilnoza Karimova" in said
    assert "As: late." in said
    assert "From Kiosk 1, 3 minutes ago. The right to say so had ended." in said
    assert "The device had been withdrawn." in said
    assert [button.text() for button in buttons(card)] == ["It happened", "It did not happen"] * 2


@pytest.mark.parametrize(("pressed", "happened"), [(0, True), (1, False)])
def test_an_answer_is_said_and_waits_for_the_cloud(
    qtbot: QtBot, world: World, open_desk: Open, pressed: int, happened: bool
) -> None:
    world.pull([pulled(world, late(world), 1)])
    card = card_of(qtbot, open_desk("manager", screen="devices"), 1)
    buttons(card)[pressed].click()
    qtbot.waitUntil(lambda: "It counts as soon as the cloud has it" in texts(card))
    assert not buttons(card), "asked once"
    (entry,) = [one for one in world.store.entries(range(1, 9)) if one.kind == "contested.rule"]
    said = world.store.registry.read(own(entry.data), join_parts(entry.parts)).payload
    assert said == RuleContested(fact=Id("1" * 32), happened=happened, under=("session:x",) if happened else ())
    world.pull([pulled(world, late(world), 1, ruled=HAPPENED)])
    qtbot.waitUntil(lambda: not card.found)
    assert not card.isVisibleTo(card.parentWidget())


@pytest.mark.parametrize(("role", "asked"), [("instructor", False), ("front_desk", True)])
def test_who_could_not_take_it_back_is_not_asked(
    qtbot: QtBot, world: World, open_desk: Open, role: str, asked: bool
) -> None:
    world.pull([pulled(world, late(world), 1)])
    card = card_of(qtbot, open_desk(role, screen="devices"), 1)
    assert bool(buttons(card)) is asked
    assert ("Somebody who may do this themselves has to decide." in texts(card)) is not asked


def test_who_could_not_have_told_it_reads_nothing_of_it(qtbot: QtBot, world: World, open_desk: Open) -> None:
    world.pull([pulled(world, late(world), 1)])
    window = open_desk("instructor", screen="devices")
    card = card_of(qtbot, window, 1)
    assert card.isVisibleTo(card.parentWidget())
    window.desk.operate(None)
    assert not card.isVisibleTo(card.parentWidget())
    assert not texts(card).count("Bruno")
