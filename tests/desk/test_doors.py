"""What the studio sets about its doors and passes, and the figures of its scans: for who may, and in nobody's name."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from classtap_core.checkin.attempts import RecordAttempts
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
from classtap_core.kernel.errors import Refused
from classtap_core.kernel.ids import Id, derived
from classtap_core.passes.brand import Brand
from classtap_core.passes.records import Pass
from classtap_desktop.screens.settings.cards import write_sheet
from classtap_desktop.screens.settings.doors import DECODERS, SAMPLE, DoorDialog
from classtap_desktop.screens.settings.scans import ScansDialog
from classtap_desktop.screens.settings.view import SettingsScreen
from classtap_desktop.window import DeskWindow
from kiosk.decoding import STAGES
from resources import path
from resources.text import Catalogue
from sync.cards import PassTexts, all_texts
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
    dialog.offline.setChecked(False)
    dialog.save.setEnabled(True)
    dialog.save.click()
    assert "in an outage there will be queues" in dialog.message.whole_text()
    assert len(said) == 1, "what it costs is read first"
    dialog.save.click()
    assert [kiosk_settings(one).offline for one in said] == [True, False]
    dialog.offline.setChecked(True)
    dialog.life.set_value(90)
    dialog.save.setEnabled(True)
    dialog.save.click()
    assert pass_settings(said[-1]) == PassSettings(life_days=90, brand=Brand())
    assert (KIOSK_POLICY, PASS_POLICY) == ("kiosk", "passes")


class StandIn:
    """A cloud that knows every pass, and how often it was asked."""

    def __init__(self) -> None:
        self.calls = 0

    def pass_texts(self, families: Sequence[Id]) -> PassTexts:
        self.calls += 1
        return PassTexts(
            passes=tuple(PassText(family=one, text=SAMPLE, expires=1_826_784_000) for one in families)
        )  # fmt: skip


def stand_in(world: World, monkeypatch: pytest.MonkeyPatch) -> StandIn:
    cloud = StandIn()
    monkeypatch.setattr(world.source, "pass_texts", partial(all_texts, cloud))
    return cloud


def test_five_thousand_families_are_asked_for_in_twenty_five_calls() -> None:
    cloud, heard = StandIn(), list[int]()
    families = [derived("family", str(number)) for number in range(5_000)]
    found = all_texts(cloud, families, going_on=lambda done: not heard.append(done))
    assert (list(found), cloud.calls, heard) == (families, 25, list(range(200, 5_001, 200)))
    with pytest.raises(Refused, match=r"pass\.cards_stopped"):
        all_texts(cloud, families, going_on=lambda done: done < 400)
    assert cloud.calls == 27


def test_a_sheet_without_a_card_is_refused() -> None:
    cloud = StandIn()
    with pytest.raises(Refused, match=r"pass\.no_cards"):
        all_texts(cloud, [])
    assert cloud.calls == 0


def test_cards_show_how_far_they_are_and_can_be_stopped(
    qtbot: QtBot, world: World, open_desk: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(world, monkeypatch)
    desk = open_desk("owner")
    dialog, told = doors(qtbot, desk), list[str]()
    desk.desk.told.connect(lambda code, params, tone: told.append(f"{code} {params}"))
    printing = dialog.printing
    assert printing.isHidden()
    printing.print_to(tmp_path / "stopped.pdf")
    assert printing.isVisible()
    printing.stop.click()
    qtbot.waitUntil(lambda: "stopped" in dialog.message.whole_text())
    assert not (tmp_path / "stopped.pdf").exists()
    counted: list[tuple[int, int]] = []
    count = printing._count
    monkeypatch.setattr(printing, "_count", lambda done, most: (counted.append((done, most)), count(done, most)))
    printing.print_to(tmp_path / "cards.pdf")
    qtbot.waitUntil(lambda: bool(told), timeout=20_000)
    assert told[0].startswith("desk.doors.printed")
    assert (tmp_path / "cards.pdf").read_bytes().startswith(b"%PDF")
    assert counted[0] == (0, 0)
    assert counted[-1][0] == counted[-1][1] > 20
    assert printing.isHidden()


def test_everybodys_cards_are_written_ten_on_a_page(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The cloud's texts stand in for here; `tests/end_to_end/test_passes.py` has the way to it."""
    stand_in(world, monkeypatch)
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


def evict(world: World) -> None:
    """This device told that 1,234 scans left its ledger, just now."""
    now_ms = world.source.clock.now().corrected
    said = RecordAttempts(
        location=world.source.place.location, date="2026-11-21", items=(), evicted=1_234, evicted_ms=now_ms
    )  # fmt: skip
    world.source.write(lambda: world.bus.submit(said, Author(type="device", id=DESK))).result()


def test_scans_are_counted_and_nobody_is_named(qtbot: QtBot, world: World, open_desk: Open) -> None:
    for outcome in ("ok", "ok", "ok", "revoked"):
        scan(world, outcome)
    evict(world)
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
    at = lines.index("Left a door's ledger; the cloud keeps them")
    assert lines[at + 1 : at + 3] == ["Front desk", "1,234, last on 21 Nov 2026, 16:24:00"]
    dialog.outcome.setCurrentIndex(dialog.outcome.findData("revoked"))
    dialog.reload()
    qtbot.waitUntil(lambda: "Pass accepted" not in dialog.lines())


@pytest.mark.parametrize("look", ["light", "dark", "large", "ar"])
def test_every_look(qtbot: QtBot, world: World, open_desk: Open, look: str) -> None:
    settings = {"locale": "ar"} if look == "ar" else {"text_scale": 2.0} if look == "large" else {"look": look}
    for outcome in ("ok",) * 9 + ("revoked", "expired"):
        scan(world, outcome)
    evict(world)
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
