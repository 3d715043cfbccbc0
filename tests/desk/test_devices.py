"""Sync and this device: its state in words, what waits, and notices that stay until seen."""

from __future__ import annotations

from collections.abc import Callable

from pytestqt.qtbot import QtBot

from classtap_core.access.records import Grant
from classtap_core.kernel.device_store import Notice
from classtap_core.kernel.ids import Id, derived
from classtap_core.kernel.outcomes import ItemOutcome, Reason, Status, of_items
from classtap_desktop.kit import Button
from classtap_desktop.operator import Operator, operator_of
from classtap_desktop.screens.devices.view import DevicesScreen
from classtap_desktop.screens.notices import read_notices, sentence
from classtap_desktop.screens.today.view import TodayScreen
from classtap_desktop.window import DeskWindow
from resources.text import Catalogue
from sync.client.engine import State
from tests.desk.world import NOW_MS, World

Open = Callable[..., DeskWindow]
HOLDS: dict[str, str | int] = {"state": "absent", "at_ms": NOW_MS - 300_000, "device": "e" * 32}


def changed(world: World, *, status: Status = Status.SUPERSEDED) -> Notice:
    """A mark that was told as accepted and holds no longer."""
    child = world.plan.families[0].children[0].child
    return Notice(
        Id("9" * 32), 1, "attendance.mark", of_items([ItemOutcome(child, Status.ACCEPTED)]),
        of_items([ItemOutcome(child, status, (Reason("attendance.already", HOLDS),))]), NOW_MS - 120_000,
    )  # fmt: skip


def devices(qtbot: QtBot, open_desk: Open) -> DevicesScreen:
    screen = open_desk("manager", screen="devices").screens["devices"]
    assert isinstance(screen, DevicesScreen)
    qtbot.waitUntil(lambda: screen.desk.standing is not None and facts(screen)["device"] != "–")
    return screen


def facts(screen: DevicesScreen) -> dict[str, str]:
    return {name: value.whole_text() for name, (_, value) in screen.facts.items()}


def test_it_says_how_this_device_stands(qtbot: QtBot, open_desk: Open) -> None:
    screen = devices(qtbot, open_desk)
    assert screen.state.whole_text() == "Online"
    assert facts(screen) == {
        "pending": "0",
        "oldest": "nothing waits",
        "success": "16:23 · 20 seconds ago",
        "device": "Front desk",
        "place": "Riverside",
        "protection": "Only in memory; it is gone when the program ends",
    }


def test_every_state_has_its_words_and_face(qtbot: QtBot, world: World, open_desk: Open) -> None:
    screen = devices(qtbot, open_desk)
    seen = set()
    for state in State:
        world.source.stand(state)
        qtbot.waitUntil(lambda state=state: screen.desk.standing.status.state is state)
        seen.add((screen.state.whole_text(), screen.hint.whole_text()))
    assert len(seen) == len(State)
    assert not any("desk." in text for pair in seen for text in pair)


def test_who_may_not_mark_hears_nothing_of_marks(world: World) -> None:
    world.store.notify(changed(world))
    for role, told in (("owner", 1), ("instructor", 1), ("accountant", 0), ("portal_admin", 0)):
        grant = Grant(id=derived(role), holder=derived("ada"), role=role)
        assert len(read_notices(world.source, Operator(derived("ada"), "Ada", (grant,)))) == told
    assert read_notices(world.source, None) == ()


def test_what_waits_and_since_when_is_exact(qtbot: QtBot, world: World, open_desk: Open) -> None:
    window = open_desk("manager", screen="roster")
    world.source.stand(State.OFFLINE)
    qtbot.waitUntil(lambda: window.roster.live.roster is not None)
    window.roster.live.mark(window.roster.live.model.line(0).child, "present")
    qtbot.waitUntil(lambda: window.desk.standing is not None and window.desk.standing.status.pending == 1)
    world.tick(180_000)
    window.open("devices")
    screen = window.screens["devices"]
    assert isinstance(screen, DevicesScreen)
    qtbot.waitUntil(lambda: facts(screen)["oldest"] == "3 minutes ago")
    assert facts(screen)["pending"] == "1"


def test_sync_now_asks_the_engine(qtbot: QtBot, world: World, open_desk: Open) -> None:
    screen = devices(qtbot, open_desk)
    screen.send.click()
    assert world.source.asked_for_sync == 1


def test_a_changed_result_is_a_sentence_with_the_childs_name(world: World) -> None:
    notice = changed(world)
    world.store.notify(notice)
    (line,) = read_notices(world.source, operator_of(world.source, world.staff("front_desk").staff))
    child = world.plan.families[0].children[0]
    assert sentence(line, Catalogue("en_GB")) == (
        f"A mark · {child.given} {child.surname}: it no longer holds. What holds is: absent, 16:19."
    )
    for status in Status:
        line = line._replace(code=status.value)
        assert "desk." not in sentence(line, Catalogue("en"))


def test_notices_stay_until_seen_on_both_screens(qtbot: QtBot, world: World, open_desk: Open) -> None:
    world.store.notify(changed(world))
    window = open_desk("manager")
    today = window.screens["today"]
    assert isinstance(today, TodayScreen)
    qtbot.waitUntil(lambda: len(today.notices.lines) == 1)
    window.open("devices")
    screen = window.screens["devices"]
    assert isinstance(screen, DevicesScreen)
    qtbot.waitUntil(lambda: len(screen.notices.lines) == 1)
    seen = screen.notices.area.findChild(Button)
    seen.click()
    qtbot.waitUntil(lambda: not world.store.notices)
    qtbot.waitUntil(screen.notices.nothing.isVisible)
