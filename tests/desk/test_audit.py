"""The audit at the desk: what was done as sentences, narrowed, compared, revealed for a reason, exported."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox, QLineEdit
from pytestqt.qtbot import QtBot

from classtap_core.access.records import Grant
from classtap_core.access.revealing import LONGEST_MS
from classtap_core.auditing.exporting import SUFFIX, checked
from classtap_core.auditing.finding import Query
from classtap_core.auditing.lines import MASK
from classtap_core.auditing.records import AuditStream, Hold, stream_id
from classtap_core.auditing.rules import STREAMS
from classtap_core.health.rules import HEALTH_POLICY
from classtap_core.kernel.device_store import Pulled
from classtap_core.kernel.envelope import Author
from classtap_core.kernel.errors import BadInput
from classtap_core.kernel.ids import Id, derived
from classtap_core.kernel.records import Sensitivity, plain
from classtap_core.people.operations import EditHealth, RenameFamily
from classtap_desktop.kit import Button
from classtap_desktop.operator import Operator
from classtap_desktop.screens.audit.reading import Asked, pages_of
from classtap_desktop.screens.audit.view import AuditScreen
from classtap_desktop.screens.people import DETAIL
from classtap_desktop.window import DeskWindow
from sync.signed import is_signed
from tests.desk.world import NOW_MS, World

Open = Callable[..., DeskWindow]


def say(world: World, payload: object, role: str = "owner") -> None:
    author = Author(type="staff", id=world.staff(role).staff, proof="pin")
    receipt = world.source.submit(payload, author).result()  # type: ignore[arg-type]
    assert receipt.outcome.stands, receipt.outcome
    world.tick(60_000)


@pytest.fixture
def told(world: World) -> World:
    """A family renamed twice by two people, and a health note."""
    family = world.plan.families[0]
    say(world, RenameFamily(family=family.family, base=family.name, name="Zorn"))
    say(world, RenameFamily(family=family.family, base="Zorn", name="Quill"), "manager")
    say(world, EditHealth(child=family.children[0].child, base="", notes="Peanuts"))
    return world


def opened(qtbot: QtBot, open_desk: Open, role: str = "owner", **settings: object) -> AuditScreen:
    window = open_desk(role, screen="audit", **settings)
    screen = window.screens["audit"]
    assert isinstance(screen, AuditScreen)
    qtbot.waitUntil(lambda: bool(screen.lines))
    return screen


def shown(screen: AuditScreen) -> list[str]:
    return [str(screen.model.index(row, 0).data()) for row in range(screen.model.rowCount())]


def test_what_was_done_newest_first_with_before_and_after(qtbot: QtBot, told: World, open_desk: Open) -> None:
    screen = opened(qtbot, open_desk)
    assert [text.split(" the ")[0] for text in shown(screen)] == [
        "Olga Brandt changed", "Marisol Vega renamed", "Olga Brandt renamed",
    ]  # fmt: skip
    assert shown(screen)[2].endswith("to Zorn")
    assert screen.model.index(0, 0).data(DETAIL).endswith("Front desk")
    screen.list.setCurrentIndex(screen.model.index(1, 0))
    texts = screen.card.texts()
    assert "name: Zorn → Quill" in texts
    assert {"PIN", "Manager", "accepted", "Not captured"} <= set(texts)
    screen.card.show_line(msgspec.structs.replace(screen.lines[1], carrier="Door"), "UTC")
    assert "brought by the device Door" in screen.card.texts()


def test_filters_and_words_narrow(qtbot: QtBot, told: World, open_desk: Open) -> None:
    screen = opened(qtbot, open_desk)
    box = screen.boxes["person"]
    box.setCurrentIndex(box.findText("Marisol Vega"))
    with qtbot.waitSignal(screen.loaded):
        box.activated.emit(box.currentIndex())
    assert len(shown(screen)) == 1
    box.setCurrentIndex(0)
    with qtbot.waitSignal(screen.loaded):
        box.activated.emit(0)
    with qtbot.waitSignal(screen.loaded):
        screen.field.setText("renamed")
    assert len(shown(screen)) == 2, "a word of the sentence"
    with qtbot.waitSignal(screen.loaded):
        screen.field.setText("health")
    assert len(shown(screen)) == 1
    with qtbot.waitSignal(screen.loaded):
        screen.field.setText("nowhere")
    assert screen.note.whole_text().startswith("Nothing was found")
    with qtbot.waitSignal(screen.loaded):
        screen.field.setText("Quill")
    assert len(shown(screen)) == 2, "a family by the name it has now"


def test_one_thing_only(qtbot: QtBot, told: World, open_desk: Open) -> None:
    screen = opened(qtbot, open_desk)
    screen.list.setCurrentIndex(screen.model.index(1, 0))
    only = next(one for one in screen.card.findChildren(Button) if one.text() == "Only this")
    with qtbot.waitSignal(screen.loaded):
        only.click()
    assert len(shown(screen)) == 2
    assert screen.about.isVisible()


def test_health_is_masked_until_a_reason_and_for_two_minutes(qtbot: QtBot, told: World, open_desk: Open) -> None:
    say(told, EditHealth(child=told.plan.families[1].children[0].child, base="", notes="Sesame"))
    screen = opened(qtbot, open_desk)
    screen.list.setCurrentIndex(screen.model.index(1, 0))
    assert any(MASK in text for text in screen.card.texts())
    assert "Peanuts" not in repr(screen.lines)
    why = screen.card.findChild(QLineEdit)
    show = next(one for one in screen.card.findChildren(Button) if one.text() == "Show for now")
    why.setText("short")
    assert not show.isEnabled()
    why.setText("The doctor called about it")
    show.click()
    qtbot.waitUntil(lambda: "Peanuts" in repr(screen.lines))
    assert "Sesame" not in repr(screen.lines), "of the entry that was asked about, and no other"
    at = next(at for at, line in enumerate(screen.lines) if "Peanuts" in repr(line))
    screen.list.setCurrentIndex(screen.model.index(at, 0))
    assert any("Peanuts" in text for text in screen.card.texts())
    assert sum(line.kind == "reveal.open" for line in screen.lines) >= 1, "looking is on record"
    told.tick(LONGEST_MS)
    with qtbot.waitSignal(screen.loaded):
        screen.revealing._hide()
    assert "Peanuts" not in repr(screen.lines)


def test_what_the_studio_hides_of_health_stays_hidden_with_a_reason(told: World) -> None:
    id = told.staff("owner").staff
    owner = Operator(id, "Olga Brandt", (Grant(id=derived("own"), holder=id, role="owner"),))

    def read(*entries: Id) -> str:
        asked = Asked(revealed=dict.fromkeys(entries, (Sensitivity.HEALTH,)))
        return repr(pages_of(told.source, owner, asked)(Query(kind="child.health")).lines)

    (line,) = pages_of(told.source, owner, Asked())(Query(kind="child.health")).lines
    assert "Peanuts" not in read()
    assert "Peanuts" in read(line.operation)
    told.publish(HEALTH_POLICY, {"owner.detail": 0})
    assert "Peanuts" not in read(line.operation)


def test_who_may_not_read_it_is_told_so(qtbot: QtBot, told: World, open_desk: Open) -> None:
    window = open_desk("front_desk", screen="audit")
    screen = window.screens["audit"]
    assert isinstance(screen, AuditScreen)
    qtbot.waitUntil(lambda: screen.note.whole_text().startswith("You may not read the audit"))
    assert shown(screen) == []
    assert [button.isVisible() for button in (screen.export_button, screen.keeping)] == [False, False]
    id = Id("5" * 32)
    screen.desk.operate(Operator(id, "Ada", (Grant(id=derived("ada"), holder=id, role="accountant"),)))
    assert [button.isVisible() for button in (screen.export_button, screen.keeping)] == [True, False]


def test_the_whole_studio_needs_the_cloud(qtbot: QtBot, told: World, open_desk: Open) -> None:
    screen = opened(qtbot, open_desk)
    box = screen.boxes["where"]
    box.setCurrentIndex(1)
    with qtbot.waitSignal(screen.loaded):
        box.activated.emit(1)
    assert screen.note.whole_text().startswith("The whole studio can be read when")


def test_an_export_is_whole_and_signed_or_not_there(
    qtbot: QtBot, told: World, open_desk: Open, tmp_path: Path
) -> None:  # fmt: skip
    screen = opened(qtbot, open_desk)
    path = tmp_path / "audit.csv"
    with qtbot.waitSignal(screen.exported):
        screen.export_to(path)
    manifest = checked(path, is_signed)
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert manifest.entries == len(rows) == 3
    assert rows[1]["differences"].endswith("name: Zorn → Quill")
    assert MASK in rows[0]["differences"]
    assert "Peanuts" not in path.read_text(encoding="utf-8"), "masked as on the screen"
    assert [row["at_utc"] for row in rows] == sorted((row["at_utc"] for row in rows), reverse=True)
    path.write_bytes(path.read_bytes().replace(b"Quill", b"Quilt"))
    with pytest.raises(BadInput, match="export_changed"):
        checked(path, is_signed)
    beside = path.with_name(path.name + SUFFIX)
    beside.write_bytes(beside.read_bytes().replace(b'"entries": 3', b'"entries": 2'))
    with pytest.raises(BadInput, match="export_signature"):
        checked(path, is_signed)
    screen._cancel.set()
    with qtbot.waitSignal(screen.exported):
        screen.export_to(tmp_path / "none" / "audit.csv")
    assert not (tmp_path / "none").exists()


def test_the_same_entries_come_as_json(qtbot: QtBot, told: World, open_desk: Open, tmp_path: Path) -> None:
    screen = opened(qtbot, open_desk)
    for name in ("audit.csv", "audit.json"):
        with qtbot.waitSignal(screen.exported):
            screen.export_to(tmp_path / name)
    listed = json.loads((tmp_path / "audit.json").read_text(encoding="utf-8"))
    with (tmp_path / "audit.csv").open(encoding="utf-8", newline="") as file:
        table = list(csv.DictReader(file))
    assert len(listed) == len(table) == 3
    for entry, cells in zip(listed, table, strict=True):
        patch = entry.pop("patch")
        assert patch == json.loads(cells.pop("patch") or "[]")
        assert entry == {name: cell.removeprefix("'") for name, cell in cells.items()}
    assert any(entry["kind"] for entry in listed)


def test_a_cancelled_export_leaves_nothing(qtbot: QtBot, told: World, open_desk: Open, tmp_path: Path) -> None:
    screen = opened(qtbot, open_desk)
    with qtbot.waitSignal(screen.exported):
        screen.export_to(tmp_path / "audit.csv")
        screen.stop.click()
    left = sorted(path.name for path in tmp_path.iterdir())
    assert left in ([], ["audit.csv", "audit.csv" + SUFFIX])


def test_it_speaks_arabic(qtbot: QtBot, told: World, open_desk: Open) -> None:
    screen = opened(qtbot, open_desk, locale="ar")
    assert screen.layoutDirection() == Qt.LayoutDirection.RightToLeft
    assert Id(screen.lines[0].operation)
    assert screen.title.whole_text() == "السجل"


def test_who_runs_the_studio_says_how_long_entries_are_kept_and_holds_them(
    qtbot: QtBot, told: World, open_desk: Open
) -> None:
    held = AuditStream(
        id=stream_id("scans"), name="scans", holds=(Hold(derived("hold"), Id("1" * 32), NOW_MS, "Insurance case 7"),)
    )
    told.pull([Pulled("audit_stream", held.id, "studio", msgspec.json.encode(plain(held)))])
    screen = opened(qtbot, open_desk)
    screen.keeping.click()
    qtbot.waitUntil(lambda: screen.form is not None and screen.form.isVisible())
    form = screen.form
    assert form is not None
    assert set(form.cards) == set(STREAMS)
    assert form.cards["messages"].values()["days"] == "730"
    form.cards["messages"].write(days="400", reason="Inquiry 12/26")
    lift = form.cards["scans"].widgets["lift"]
    assert isinstance(lift, QCheckBox)
    lift.setChecked(True)
    said = [(type(one).SPEC.name, one.stream) for one in form.payloads()]  # type: ignore[attr-defined]
    assert said == [("audit.keep", "messages"), ("audit.hold", "messages"), ("audit.release", "scans")]
    with qtbot.waitSignal(form.saved):
        form.save.click()
    assert [entry.kind for entry in told.store.log[-3:]] == ["audit.keep", "audit.hold", "audit.release"]


def test_nobody_else_says_how_long(qtbot: QtBot, told: World, open_desk: Open) -> None:
    assert opened(qtbot, open_desk, "manager").keeping.isHidden()
