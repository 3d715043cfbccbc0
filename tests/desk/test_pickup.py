"""Giving a child back at the desk: by its code or by an adult staff know, to who may take it; the second time is an alarm."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pytestqt.qtbot import QtBot

from classtap_core.checkin.pickup import PickupCode, pickup_code_id
from classtap_core.checkin.reading import search
from classtap_core.checkin.release import Release
from classtap_core.people.guardian_operations import BlockGuardian
from classtap_core.people.guardians import Guardianship
from classtap_desktop.screens.roster.pickup_dialog import PickupDialog
from classtap_desktop.screens.roster.view import RosterScreen
from classtap_desktop.window import DeskWindow
from resources import path
from tests.desk.test_attendee_pass import pulled
from tests.desk.world import World

Open = Callable[..., DeskWindow]
SCREENS = path().parent / "build" / "screens"
CODE = "271828"


def roster_of(qtbot: QtBot, desk: DeskWindow) -> RosterScreen:
    screen = desk.screens["roster"]
    assert isinstance(screen, RosterScreen)
    qtbot.waitUntil(lambda: screen.live.roster is not None and screen.chosen() is not None)
    return screen


def opened(screen: RosterScreen, desk: DeskWindow) -> PickupDialog:
    screen.open_pickup()
    return desk.findChildren(PickupDialog)[-1]


def here_with_a_code(world: World, screen: RosterScreen) -> None:
    line, session = screen.chosen(), screen.live.roster.session
    world.kiosk_marks(session.id, line.child)
    id = pickup_code_id(world.plan.studio, line.child, session.location, session.day)
    code = PickupCode(
        id=id, child=line.child, location=session.location, date=session.day, code=CODE, made_ms=1
    )  # fmt: skip
    world.pull([pulled(code)])


def typed(dialog: PickupDialog, digits: str) -> None:
    dialog.code.setText(digits)
    dialog.code.returnPressed.emit()


def releases(world: World) -> list[Release]:
    return search(world.source.reader, Release, "by_session")


def test_a_code_leads_to_the_child_and_one_press_keeps_who_took_it(qtbot: QtBot, world: World, open_desk: Open) -> None:
    desk = open_desk("front_desk", screen="roster")
    screen = roster_of(qtbot, desk)
    here_with_a_code(world, screen)
    name = screen.chosen().name
    dialog = opened(screen, desk)
    typed(dialog, "271 828")
    qtbot.waitUntil(lambda: dialog.found is not None)
    assert dialog.who.whole_text().startswith(name)
    assert [one.isEnabled() for one in dialog.offers] == [True] * len(dialog.offers)
    assert dialog.offers
    qtbot.waitUntil(dialog.offers[0].isVisible)
    desk.grab().save(str(SCREENS / "desk-pickup-light.png"))
    adult = next(one for one in dialog.found.adults if not one.take.why)
    dialog.offers[0].click()
    qtbot.waitUntil(lambda: bool(releases(world)))
    ((word,),) = [one.handed for one in releases(world)]
    assert (word.adult, word.method) == (adult.take.adult, "code")
    qtbot.waitUntil(dialog.isHidden)
    again = opened(screen, desk)
    typed(again, CODE)
    qtbot.waitUntil(lambda: again.found is not None)
    assert again.given.whole_text().startswith(f"Alarm: already given to {adult.name}")
    assert again.offers == []
    desk.grab().save(str(SCREENS / "desk-pickup-alarm-light.png"))


def test_a_blocked_adult_is_never_offered(qtbot: QtBot, world: World, open_desk: Open) -> None:
    desk = open_desk("manager", screen="roster")
    screen = roster_of(qtbot, desk)
    here_with_a_code(world, screen)
    line = screen.chosen()
    pairs = search(world.source.reader, Guardianship, "by_child", line.child)
    for pair in pairs:
        said = BlockGuardian(child=line.child, guardian=pair.guardian, reason="court order")
        assert desk.desk.operator is not None
        receipt = world.source.submit(said, desk.desk.operator.author).result()
        assert receipt.outcome.stands, receipt.outcome
    dialog = opened(screen, desk)
    (without, *_) = [one for one in dialog.findChildren(type(dialog.close_button)) if "without a code" in one.text()]
    without.click()
    qtbot.waitUntil(lambda: dialog.found is not None)
    assert [one.take.why for one in dialog.found.adults] == ["pickup.blocked"] * len(pairs)
    assert dialog.offers == []
    assert releases(world) == []


def test_three_codes_of_nobody_pause_the_desk(qtbot: QtBot, world: World, open_desk: Open) -> None:
    desk = open_desk("front_desk", screen="roster")
    screen = roster_of(qtbot, desk)
    here_with_a_code(world, screen)
    dialog = opened(screen, desk)
    typed(dialog, "12")
    assert "six digits" in dialog.message.whole_text()
    for number in range(3):
        dialog.complain("")
        typed(dialog, f"00000{number}")
        qtbot.waitUntil(lambda: "nobody" in dialog.message.whole_text())
    dialog.close_overlay()
    dialog = opened(screen, desk)
    typed(dialog, CODE)
    assert "2 minutes" in dialog.message.whole_text()
    assert dialog.found is None


def test_who_may_not_mark_is_offered_nothing(qtbot: QtBot, world: World, open_desk: Open) -> None:
    """Whoever sees a roster and may not mark sees who may take a child, and no button."""
    desk = open_desk("manager", screen="roster")
    screen = roster_of(qtbot, desk)
    here_with_a_code(world, screen)
    dialog = opened(screen, desk)
    dialog._desk.may = lambda capability, *, location=None: False  # type: ignore[method-assign]
    typed(dialog, CODE)
    qtbot.waitUntil(lambda: dialog.found is not None)
    assert dialog.found.adults
    assert dialog.offers == []


@pytest.mark.parametrize("look", ["large", "ar"])
def test_every_look(qtbot: QtBot, world: World, open_desk: Open, look: str) -> None:
    settings = {"locale": "ar"} if look == "ar" else {"text_scale": 2.0} if look == "large" else {"look": look}
    desk = open_desk("manager", screen="roster", **settings)
    screen = roster_of(qtbot, desk)
    here_with_a_code(world, screen)
    line = screen.chosen()
    kept_from = search(world.source.reader, Guardianship, "by_child", line.child)[-1]
    said = BlockGuardian(child=line.child, guardian=kept_from.guardian, reason="court order")
    assert world.source.submit(said, desk.desk.operator.author).result().outcome.stands
    dialog = opened(screen, desk)
    typed(dialog, CODE)
    qtbot.waitUntil(lambda: bool(dialog.offers) and dialog.offers[0].isVisible())
    desk.grab().save(str(SCREENS / f"desk-pickup-{look}.png"))
    whys = [one.take.why for one in dialog.found.adults]
    assert whys[-1] == "pickup.blocked"
    assert len(dialog.offers) == whys.count("")
