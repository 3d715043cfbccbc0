"""The window around the screens: signing in, the palette, keys, languages and looks, what is remembered."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMenu
from pytestqt.qtbot import QtBot

from classtap_desktop import actions, settings
from classtap_desktop.frame.finding import Finding, matching
from classtap_desktop.frame.keycaps import KeyCap, shown
from classtap_desktop.kit import theme
from classtap_desktop.operator import operator_of
from classtap_desktop.settings import Settings
from classtap_desktop.window import DeskWindow
from resources.text import messages
from sync.client.engine import State
from tests.desk.world import NOW_MS, World

Open = Callable[..., DeskWindow]
CTRL = Qt.KeyboardModifier.ControlModifier


def choose(window: DeskWindow, name: str) -> None:
    staff = window.sign_in.list
    staff.setCurrentRow(next(at for at in range(staff.count()) if staff.item(at).text() == name))


def signing_in(qtbot: QtBot, open_desk: Open) -> DeskWindow:
    window = open_desk("")
    qtbot.waitUntil(lambda: window.sign_in.list.count() > 0)
    return window


def type_pin(qtbot: QtBot, window: DeskWindow, pin: str) -> None:
    for digit in pin:
        qtbot.keyClick(window.sign_in.list, digit)


def test_nobody_sees_a_name_before_signing_in(qtbot: QtBot, world: World, open_desk: Open) -> None:
    window = signing_in(qtbot, open_desk)
    assert window.sign_in.isVisible()
    assert window.sign_in.geometry() == window.whole.rect()
    window.open("roster")
    assert window.stack.currentWidget() is window.screens["today"]
    assert window.roster.live.roster is None
    choose(window, "Marisol Vega")
    with qtbot.waitSignal(window.sign_in.signed_in):
        type_pin(qtbot, window, world.staff("manager").pin)
    assert not window.sign_in.isVisible()
    assert window.topbar.chip.name.whole_text() == "Marisol Vega"


def test_three_wrong_pins_pause_a_person_for_five_minutes(qtbot: QtBot, world: World, open_desk: Open) -> None:
    # ruling 22: 3 wrong → 5 min
    window = signing_in(qtbot, open_desk)
    choose(window, "Marisol Vega")
    message = window.sign_in.pad.message
    for told in ("2 tries left", "1 try left", "Try again in 5 minutes"):
        type_pin(qtbot, window, "000000")
        qtbot.waitUntil(lambda told=told: told in message.whole_text())
    world.tick(4 * 60_000)
    type_pin(qtbot, window, world.staff("manager").pin)
    qtbot.waitUntil(lambda: "in 1 minute." in message.whole_text())
    assert window.desk.operator is None
    choose(window, "Olga Brandt")
    with qtbot.waitSignal(window.sign_in.signed_in):
        type_pin(qtbot, window, world.staff("owner").pin)


def test_ctrl_l_covers_everything_and_lets_somebody_else_in(qtbot: QtBot, world: World, open_desk: Open) -> None:
    window = open_desk("manager", screen="roster")
    qtbot.waitUntil(lambda: window.roster.live.roster is not None)
    qtbot.keyClick(window.roster.table, Qt.Key.Key_L, CTRL)
    assert window.sign_in.isVisible()
    assert window.desk.operator is None
    assert not window.keys.possible("roster.present")
    qtbot.waitUntil(lambda: window.sign_in.list.count() > 0)
    choose(window, "Ayumi Sato")
    with qtbot.waitSignal(window.sign_in.signed_in):
        type_pin(qtbot, window, world.staff("instructor").pin)
    assert window.stack.currentWidget() is window.roster


def finding(window: DeskWindow, text: str) -> list[Finding]:
    window.palette_page.field.setText(text)
    return window.palette_page.model.findings


def test_ctrl_k_finds_families_children_classes_instructors_and_actions(
    qtbot: QtBot, world: World, open_desk: Open
) -> None:
    window = open_desk("manager")
    qtbot.keyClick(window.stack.currentWidget(), Qt.Key.Key_K, CTRL)
    page = window.palette_page
    assert page.isVisible()
    assert {one.kind for one in page.model.findings} == {"action"}
    family = world.plan.families[0]
    page.field.setText(family.name.split()[0])
    qtbot.waitUntil(lambda: any(one.kind == "family" and one.id == family.family for one in page.model.findings))
    page.field.setText(family.children[0].given)
    qtbot.waitUntil(lambda: any(one.kind == "child" and one.id == family.family for one in page.model.findings))
    qtbot.waitUntil(lambda: any(one.kind == "class" for one in finding(window, "circus")))
    assert any(one.kind == "instructor" and one.title == "Tomás Quiroga" for one in finding(window, "tomas"))
    assert any(one.id == "look.dark" for one in finding(window, "dark"))
    assert finding(window, "zzzz") == []
    assert page.nothing.isVisible()


def test_enter_takes_the_first_finding_and_escape_gives_the_focus_back(
    qtbot: QtBot, world: World, open_desk: Open
) -> None:
    window = open_desk("manager")
    window.keys.run("find")
    family = world.plan.families[0]
    window.palette_page.field.setText(family.name)
    qtbot.waitUntil(
        lambda: bool(window.palette_page.model.findings) and window.palette_page.model.findings[0].kind == "family"
    )
    qtbot.keyClick(window.palette_page.field, Qt.Key.Key_Return)
    assert window.stack.currentWidget() is window.screens["families"]
    assert not window.palette_page.isVisible()
    window.keys.run("find")
    qtbot.keyClick(window.palette_page.field, Qt.Key.Key_Escape)
    assert not window.palette_page.isVisible()


def test_a_class_in_the_palette_leads_to_its_roster(qtbot: QtBot, open_desk: Open) -> None:
    window = open_desk("manager")
    window.keys.run("find")
    qtbot.waitUntil(lambda: any(one.kind == "class" for one in finding(window, "hip-hop")))
    found = window.palette_page.model.findings[0]
    qtbot.keyClick(window.palette_page.field, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: window.roster.title.whole_text() == "Hip-hop")
    assert window.roster.live.session == found.id


def test_words_match_by_their_beginnings_without_accents() -> None:
    listed = [Finding("class", "1", "Tiny ballet", "Loft · Inés"), Finding("instructor", "2", "Inés Álvarez")]
    assert [one.id for one in matching(listed, "ines")] == ["2", "1"]
    assert [one.id for one in matching(listed, "ALV in")] == ["2"]
    assert [one.id for one in matching(listed, "i")] == ["2"], "one letter looks at titles alone"


def test_every_action_has_words_and_a_group_and_no_key_stands_twice_in_one_place() -> None:
    english = messages("en")
    taken: dict[str, list[frozenset[str]]] = {}
    for action in actions.ACTIONS:
        assert action.words in english, action.id
        assert f"desk.help.{action.group}" in english
        for keys in action.keys:
            for others in taken.get(keys, []):
                assert {fact for fact in others ^ set(action.when) if fact.startswith("screen.")}, keys
            taken.setdefault(keys, []).append(frozenset(action.when))


@pytest.mark.qt_log_ignore("grabbing the keyboard", extend=True)  # the offscreen platform has no keyboard to grab
def test_menus_palette_and_keys_agree_on_what_is_possible(qtbot: QtBot, open_desk: Open) -> None:
    window = open_desk("manager")
    assert not window.keys.possible("roster.present")
    assert "roster.present" not in [action.id for action in window.keys.offered()]
    window.open("roster")
    qtbot.waitUntil(lambda: window.keys.possible("roster.present"))
    assert "roster.present" in [action.id for action in window.keys.offered()]
    window.keys.show_menu("child", window.mapToGlobal(window.rect().center()))
    menu = window.findChild(QMenu)
    assert [action.text() for action in menu.actions()] == [
        "Mark present", "Mark late", "Mark absent", "Clear the mark", "Open the family",
        "Pass to this class…", "Give a child back…", "What was answered at booking",
    ]  # fmt: skip
    menu.close()
    qtbot.waitUntil(lambda: window.findChild(QMenu) is None)


def test_f1_lists_every_key(qtbot: QtBot, open_desk: Open) -> None:
    window = open_desk("manager")
    qtbot.keyClick(window.stack.currentWidget(), Qt.Key.Key_F1)
    assert window.help_page.isVisible()
    caps = {cap.accessibleName() for cap in window.help_page.findChildren(KeyCap)}
    assert caps == {shown(keys) for action in actions.ACTIONS for keys in action.keys}
    assert {"Ctrl K", "Ctrl +", "P", "F1"} <= caps
    qtbot.keyClick(window.help_page, Qt.Key.Key_Escape)
    assert not window.help_page.isVisible()


def test_the_badge_is_exact_online_and_off(qtbot: QtBot, world: World, open_desk: Open) -> None:
    window = open_desk("manager", screen="roster")
    badge = window.topbar.badge
    qtbot.waitUntil(lambda: badge.whole_text() == "Online · everything saved and sent")
    world.source.stand(State.OFFLINE)
    qtbot.waitUntil(lambda: badge.whole_text() == "Offline")
    qtbot.waitUntil(lambda: window.roster.live.roster is not None)
    for row in range(3):
        window.roster.live.mark(window.roster.live.model.line(row).child, "present")
    qtbot.waitUntil(lambda: badge.whole_text() == "Offline · 3 saved on this device")


def test_language_look_and_text_size_change_at_once_and_are_remembered(
    qtbot: QtBot, world: World, tmp_path: Path
) -> None:
    file = tmp_path / "desk.json"
    window = DeskWindow(
        world.source, settings=Settings(locale="en_GB", look="light", screen="settings"), settings_file=file,
        operator=operator_of(world.source, world.staff("manager").staff),
    )  # fmt: skip
    window.show()
    page = window.screens["settings"]
    page.choices["locale"]["ar"].click()
    assert window.layoutDirection() == Qt.LayoutDirection.RightToLeft
    assert window.sidebar.places["today"].text() == "اليوم"
    qtbot.waitUntil(lambda: window.sidebar.geometry().left() > window.stack.geometry().left())
    page.choices["look"]["dark"].click()
    assert theme().dark
    page.choices["text_scale"][1.5].click()
    qtbot.keyClick(window, "-", CTRL)
    assert theme().text_scale == 1.25
    window.resize(1100, 700)
    qtbot.waitUntil(lambda: window.size().width() == 1100)
    window.close()
    window.deleteLater()
    kept = settings.load(file)
    assert (kept.locale, kept.look, kept.text_scale, kept.size, kept.screen) == (
        "ar",
        "dark",
        1.25,
        (1100, 700),
        "settings",
    )
    theme().use(look="light", locale="en", text_scale=1.0)


@pytest.mark.parametrize("content", [b"", b"{", b'{"text_scale": "big"}', b'{"look": 3}'])
def test_broken_likings_are_as_if_never_said(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "desk.json"
    file.write_bytes(content)
    assert settings.load(file) == Settings()
    settings.save(tmp_path / "no" / "such" / "folder.json", Settings())


def test_time_goes_on_in_the_subtitle(qtbot: QtBot, world: World, open_desk: Open) -> None:
    window = open_desk("manager", screen="roster")
    qtbot.waitUntil(lambda: window.roster.live.roster is not None)
    before = window.roster.subtitle.whole_text()
    assert world.clock.now().corrected == NOW_MS
    world.tick(60_000)
    window.desk.ticked.emit()
    assert window.roster.subtitle.whole_text() != before


def test_the_side_bar_folds_where_its_words_would_leave_screens_no_room(qtbot: QtBot, open_desk: Open) -> None:
    """At twice the text on a window of 1280: icons alone, each with its name as a tip and for a screen reader."""
    window = open_desk("manager", locale="es", text_scale=2.0, size=(1280, 800))
    bar = window.sidebar
    qtbot.waitUntil(lambda: bar.folded)
    wide = max(place.whole_size().width() for place in bar.places.values())
    assert bar.width() < wide / 2
    assert bar.places["access"].toolTip() == bar.places["access"].accessibleName() == "Personas y papeles"
    theme().use(text_scale=1.0)
    assert not bar.folded
    assert bar.places["access"].toolTip() == ""
    assert bar.width() >= max(place.sizeHint().width() for place in bar.places.values())
