"""An emergency that reached nobody stands above every screen until somebody has taken it on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from pytestqt.qtbot import QtBot

from classtap_core.checkin.reading import fetch, search
from classtap_core.kernel.device_store import Pulled
from classtap_core.kernel.ids import Id
from classtap_core.kernel.records import Record, plain
from classtap_core.messaging.records import Delivery, Message, State, Unreached
from classtap_core.people.guardians import Guardianship
from classtap_core.people.records import ContactMasked
from classtap_desktop.window import DeskWindow
from tests.desk.pictures import LOOKS, SIZES, cut
from tests.desk.world import NOW_MS, World

Open = Callable[..., DeskWindow]
PICTURES = Path(__file__).resolve().parents[2] / "build" / "screens"


def pull(world: World, *records: Record) -> None:
    world.pull([Pulled(one.KIND, one.id, one.scope(), msgspec.json.encode(plain(one))) for one in records])


def unreached(world: World, *, at: int = 0, raised: bool = True) -> Message:
    """An emergency of the family at this place of the plan."""
    family = world.plan.families[at]
    children = tuple(child.child for child in family.children)
    guardian = search(world.store, Guardianship, "by_child", children[0])[0].guardian
    failed = Delivery(
        id=Id(f"{at:032x}"),
        channel="email",
        shown="g•••@example.com",
        guardians=(guardian,),
        state=State.BOUNCED,
        at_ms=1,
    )
    message = Message(
        id=Id(f"{at + 5:032x}"), family=family.family, home=world.plan.main, template="alarm", text="Call us",
        state="done" if raised else "waiting", children=children, asked_ms=NOW_MS - 60_000 + at,
        deliveries=(failed,) if raised else (),
    )  # fmt: skip
    found = Unreached(
        id=message.id, family=message.family, home=message.home, children=children, asked_ms=message.asked_ms,
        raised_ms=NOW_MS - 30_000, open=True,
    )  # fmt: skip
    pull(world, message, *([found] if raised else []))
    return message


def lost(world: World, at: int) -> None:
    """An ordinary message to the family at this place that reached nobody."""
    family = world.plan.families[at]
    pull(
        world,
        Unreached(
            id=Id(f"{at + 50:032x}"), family=family.family, home=world.plan.main, children=(), asked_ms=NOW_MS - 9_000,
            raised_ms=NOW_MS - 8_000 + at, open=True, urgent=False,
        ),
    )  # fmt: skip


def said(window: DeskWindow) -> str:
    return window.alarm.line.label.whole_text()


def test_who_was_not_reached_and_what_to_do_stands_there_until_somebody_takes_it_on(
    qtbot: QtBot, world: World, open_desk: Open
) -> None:
    window = open_desk("front_desk", screen="schedule")
    assert not window.alarm.isVisible()
    message = unreached(world)
    unreached(world, at=1)
    qtbot.waitUntil(lambda: len(window.alarm.alarms) == 2)
    assert window.alarm.isVisible()
    guardian = fetch(world.store, ContactMasked, message.deliveries[0].guardians)
    (name,) = (one.name for one in guardian.values())
    text = said(window)
    assert world.plan.families[0].name in text
    assert f"Not reached: {name}." in text
    assert "Telephone them now." in text
    assert "1 more family" in text
    asked: list[str] = []
    window.desk.card_asked.connect(lambda child, _name, _place: asked.append(child))
    window.alarm.call.click()
    assert asked
    assert asked[0] in message.children
    window.card_page.close_overlay()
    window.alarm.seen.click()
    qtbot.waitUntil(lambda: len(window.alarm.alarms) == 1)
    assert world.plan.families[1].name in said(window)
    window.alarm.seen.click()
    qtbot.waitUntil(lambda: not window.alarm.isVisible())
    assert search(world.store, Unreached, "by_open", True) == []


def test_whoever_may_not_see_families_is_told_of_none(qtbot: QtBot, world: World, open_desk: Open) -> None:
    unreached(world)
    window = open_desk("instructor", screen="today")
    qtbot.waitUntil(lambda: not window.desk.waiting)
    assert not window.alarm.isVisible()


def test_an_emergency_that_cannot_leave_the_desk_is_told_too(qtbot: QtBot, world: World, open_desk: Open) -> None:
    unreached(world, raised=False)
    window = open_desk("front_desk", screen="today")
    qtbot.waitUntil(lambda: window.alarm.isVisible())
    assert "has not left this desk" in said(window)
    window.alarm.seen.click()
    qtbot.waitUntil(lambda: not window.alarm.isVisible())


def test_ordinary_messages_that_reached_nobody_are_told_together_after_any_emergency(
    qtbot: QtBot, world: World, open_desk: Open
) -> None:
    window = open_desk("front_desk", screen="today")
    for at in range(5):
        lost(world, at)
    qtbot.waitUntil(lambda: len(window.alarm.lost) == 5)
    names = ", ".join(one.name for one in world.plan.families[:3])
    assert said(window) == (f"5 messages reached nobody ({names}, …). See what became of them, or telephone.")
    assert not window.alarm.call.isVisible()
    unreached(world, at=7)
    qtbot.waitUntil(lambda: said(window).startswith("URGENT"))
    window.alarm.seen.click()
    qtbot.waitUntil(lambda: said(window).startswith("5 messages"))
    window.alarm.seen.click()
    qtbot.waitUntil(lambda: not window.alarm.isVisible())
    assert search(world.store, Unreached, "by_open", True) == []


@pytest.mark.parametrize(("look", "size"), [*((look, "") for look in LOOKS), ("light", "-wide")])
def test_it_fits_in_every_look(qtbot: QtBot, world: World, open_desk: Open, look: str, size: str) -> None:
    unreached(world)
    unreached(world, at=1)
    window = open_desk("front_desk", screen="messages", **LOOKS[look])
    window.resize(*SIZES[size])
    qtbot.waitUntil(lambda: window.alarm.isVisible() and not window.desk.waiting and cut(window) == [])
    window.grab().save(str(PICTURES / f"desk-alarm-{look}{size}.png"))
