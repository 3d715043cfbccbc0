"""A family's pass looked at from the desk: its history, switching it off with a reason, and asking for a new one."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pytestqt.qtbot import QtBot

from classtap_core.checkin.reading import search
from classtap_core.kernel.ids import Id
from classtap_core.kernel.records import decode
from classtap_core.passes import branding
from classtap_core.passes.brand import Brand
from classtap_core.passes.records import Pass
from classtap_core.people.records import Family
from classtap_desktop.kit import Label
from classtap_desktop.screens.families.pass_dialog import PassDialog
from classtap_desktop.window import DeskWindow
from resources import path
from tests.desk.world import World

Open = Callable[..., DeskWindow]
SCREENS = path().parent / "build" / "screens"


def opened(qtbot: QtBot, world: World, desk: DeskWindow) -> tuple[PassDialog, Pass]:
    held = min(search(world.source.reader, Pass, "by_family"), key=lambda one: one.family)
    family = decode(Family, world.source.reader.rows(Family, [held.family])[held.family].body)
    dialog = PassDialog(desk.desk, desk.whole, family=family.id, name=family.name, zone="Europe/London")
    dialog.open()
    qtbot.waitUntil(lambda: bool(said(dialog)) and bool(dialog.picture.text()))
    return dialog, held


def said(dialog: PassDialog) -> list[str]:
    return [label.whole_text() for at in range(dialog.said.count())
            if isinstance(label := dialog.said.itemAt(at).widget(), Label)]  # fmt: skip


def press(dialog: PassDialog, text: str) -> None:
    next(button for button in dialog._buttons if button.text() == text).click()


def texts(dialog: PassDialog) -> list[str]:
    return [button.text() for button in dialog._buttons]


def now_held(world: World, family: Id) -> Pass:
    return next(iter(search(world.source.reader, Pass, "by_family", family)))


def test_a_pass_is_switched_off_with_a_reason_and_never_by_one_press(
    qtbot: QtBot, world: World, open_desk: Open
) -> None:
    desk = open_desk("front_desk")
    dialog, held = opened(qtbot, world, desk)
    assert "comes from the cloud" in dialog.picture.text(), "offline it says why there is no picture"
    assert said(dialog)[-1].endswith("Issued")
    press(dialog, "Switch off…")
    assert texts(dialog) == ["Lost", "Stolen", "Left the studio", "Another reason", "Cancel"]
    press(dialog, "Cancel")
    assert now_held(world, held.family).revoked == ()
    press(dialog, "Switch off…")
    press(dialog, "Stolen")
    qtbot.waitUntil(dialog.isHidden)
    (word,) = now_held(world, held.family).revoked
    assert (word.epoch, word.reason) == (held.epoch, "stolen")
    again, _ = opened(qtbot, world, desk)
    assert said(again)[-2].endswith("Switched off: Stolen")
    assert texts(again) == ["Make a new one…"]
    press(again, "Make a new one…")
    press(again, "Make a new one…")
    qtbot.waitUntil(again.isHidden)


def test_who_may_not_sees_the_history_and_no_button(qtbot: QtBot, world: World, open_desk: Open) -> None:
    dialog, _ = opened(qtbot, world, open_desk("instructor"))
    assert said(dialog)
    assert texts(dialog) == []


@pytest.mark.parametrize("look", ["light", "dark", "large", "ar"])
def test_every_look(qtbot: QtBot, world: World, open_desk: Open, look: str) -> None:
    settings = {"locale": "ar"} if look == "ar" else {"text_scale": 2.0} if look == "large" else {"look": look}
    desk = open_desk("manager", **settings)
    dialog, _ = opened(qtbot, world, desk)
    dialog._draw(branding.drawn("CT:" + "A" * 153, Brand(dark="#0b655d")))
    qtbot.waitUntil(lambda: dialog._buttons[-1].isVisible())
    edge = dialog.card.rect()
    assert all(edge.contains(button.geometry()) for button in dialog._buttons)
    desk.grab().save(str(SCREENS / f"desk-pass-{look}.png"))
    dialog._ask_off()
    qtbot.waitUntil(lambda: dialog._buttons[-1].isVisible())
    assert all(edge.contains(button.geometry()) for button in dialog._buttons)
    desk.grab().save(str(SCREENS / f"desk-pass-off-{look}.png"))
