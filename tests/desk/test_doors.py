"""What the studio sets about its doors and passes, and the figures of its scans: for who may, and in nobody's name."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from classtap_core.checkin.operations import RecordScan
from classtap_core.checkin.reading import search
from classtap_core.checkin.settings import (
    KIOSK_POLICY,
    PASS_POLICY,
    KioskSettings,
    PassSettings,
    kiosk_settings,
    pass_settings,
)
from classtap_core.kernel.envelope import Author
from classtap_core.kernel.ids import Id
from classtap_core.passes.brand import Brand
from classtap_core.passes.records import Pass
from classtap_desktop.screens.settings.doors import DECODERS, SAMPLE, DoorDialog, write_sheet
from classtap_desktop.screens.settings.scans import ScansDialog
from classtap_desktop.screens.settings.view import SettingsScreen
from classtap_desktop.window import DeskWindow
from kiosk.decoding import STAGES
from resources import path
from resources.text import Catalogue
from sync.protocol import PassText
from tests.desk.world import DESK, World

Open = Callable[..., DeskWindow]
SCREENS = path().parent / "build" / "screens"
FAMILY = Id("fa" * 16)


def settings_of(desk: DeskWindow) -> SettingsScreen:
    desk.open("settings")
    found = desk.screens["settings"]
    assert isinstance(found, SettingsScreen)
    return found


def doors(qtbot: QtBot, desk: DeskWindow) -> DoorDialog:
    dialog = DoorDialog(desk.desk, desk.whole)
    dialog.open()
    qtbot.waitUntil(dialog.save.isEnabled)
    return dialog


def test_the_desk_knows_every_way_the_kiosk_has() -> None:
    assert DECODERS == STAGES


@pytest.mark.parametrize(("role", "sets", "counts"), [("owner", True, True), ("front_desk", False, False)])
def test_who_may_is_offered_it(open_desk: Open, role: str, sets: bool, counts: bool) -> None:
    screen = settings_of(open_desk(role))
    assert (screen.doors.isVisible(), screen.scans.isVisible()) == (sets, counts)


def test_what_changed_is_published_and_an_unreadable_look_is_not(
    qtbot: QtBot, world: World, open_desk: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = open_desk("owner")
    dialog = doors(qtbot, desk)
    assert dialog.wanted() == (KioskSettings(), PassSettings())
    dialog.dark.setText("#cccccc")
    dialog.save.click()
    qtbot.waitUntil(lambda: "contrast" in dialog.message.whole_text().lower())
    dialog.dark.setText("#000000")
    dialog.decoders["opencv"].setChecked(False)
    dialog.mark.setChecked(True)
    dialog.overrides.set_value(0)
    said: list[dict[str, str | int]] = []
    dialog._desk.submit_all = lambda payloads, **_: said.extend(one.values for one in payloads)  # type: ignore[method-assign]
    dialog.save.click()
    (values,) = said
    assert kiosk_settings(values) == KioskSettings(decoders=DECODERS[:-1], overrides=0, mark_on_scan=True)
    dialog.life.set_value(90)
    dialog.save.setEnabled(True)
    dialog.save.click()
    assert pass_settings(said[-1]) == PassSettings(life_days=90, brand=Brand())
    assert (KIOSK_POLICY, PASS_POLICY) == ("kiosk", "passes")


def test_everybodys_cards_are_written_ten_on_a_page(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The cloud's texts stand in for here; `tests/end_to_end/test_passes.py` has the way to it."""
    text = PassText(family=FAMILY, text=SAMPLE, expires=1_826_784_000)
    monkeypatch.setattr(world.source, "pass_text", lambda family: text)
    cards = write_sheet(world.source, tmp_path / "cards.pdf", Catalogue("en"))
    good = {one.family for one in search(world.source.reader, Pass, "by_family") if one.revoked_at_ms is None}
    assert cards == len(good) > 10
    data = (tmp_path / "cards.pdf").read_bytes()
    assert len(re.findall(rb"/Type /Page\b", data)) == -(-cards // 10)


def scan(world: World, outcome: str, *, handle: str = "ab" * 8) -> None:
    said = RecordScan(
        location=world.source.place.location, date="2026-11-21", outcome=outcome, handle=handle, family=FAMILY,
        decode_us=1_500, verify_us=400,
    )  # fmt: skip
    world.source.write(lambda: world.bus.submit(said, Author(type="device", id=DESK))).result()


def test_scans_are_counted_and_nobody_is_named(qtbot: QtBot, world: World, open_desk: Open) -> None:
    for outcome in ("ok", "ok", "ok", "revoked"):
        scan(world, outcome)
    desk = open_desk("manager")
    dialog = ScansDialog(desk.desk, desk.whole)
    dialog.open()
    qtbot.waitUntil(lambda: "Pass accepted" in dialog.lines())
    lines = dialog.lines()
    assert lines[lines.index("Pass accepted") + 1] == "3"
    assert lines[lines.index("This pass was switched off") + 1] == "1"
    assert lines[lines.index("Front desk") + 1] == "4"
    assert "1.5 ms" in lines
    assert not any(FAMILY in line or "abab" in line for line in lines)
    dialog.outcome.setCurrentIndex(dialog.outcome.findData("revoked"))
    dialog.reload()
    qtbot.waitUntil(lambda: "Pass accepted" not in dialog.lines())


@pytest.mark.parametrize("look", ["light", "dark", "large", "ar"])
def test_every_look(qtbot: QtBot, world: World, open_desk: Open, look: str) -> None:
    settings = {"locale": "ar"} if look == "ar" else {"text_scale": 2.0} if look == "large" else {"look": look}
    for outcome in ("ok",) * 9 + ("revoked", "expired"):
        scan(world, outcome)
    desk = open_desk("owner", **settings)
    settings_of(desk)
    desk.grab().save(str(SCREENS / f"desk-settings-doors-{look}.png"))
    dialog = doors(qtbot, desk)
    qtbot.waitUntil(dialog.isVisible)
    desk.grab().save(str(SCREENS / f"desk-doors-{look}.png"))
    dialog.close_overlay()
    scans = ScansDialog(desk.desk, desk.whole)
    scans.open()
    qtbot.waitUntil(lambda: len(scans.lines()) > 6 and all(one.isVisible() for one in (scans.tables,)))
    desk.grab().save(str(SCREENS / f"desk-scans-{look}.png"))
