"""Seat maps on the desk: the rooms, templates, numbering, the table and the form, pictures and files."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from msgspec.structs import replace
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QImage
from pytestqt.qtbot import QtBot

from classtap_core.checkin.reading import search
from classtap_core.seating.model import Background, Unit
from classtap_core.seating.records import SeatPreset
from classtap_desktop.canvas import edits
from classtap_desktop.canvas.dialogs.difference import lines
from classtap_desktop.canvas.dialogs.export import WHAT, exported
from classtap_desktop.canvas.dialogs.numbering import NumberingDialog
from classtap_desktop.canvas.dialogs.templates import PresetDialog, TemplateDialog
from classtap_desktop.canvas.table import COLUMNS
from classtap_desktop.kit import theme
from tests.desk.drawing import spoken, table
from tests.desk.maps import (
    Open,
    bikes,
    editing,
    enter,
    judged,
    opened,
    reformers,
    rooms,
    template,
    with_template,
)
from tests.desk.world import World


def test_rooms_are_listed_by_place_with_what_is_there(qtbot: QtBot, open_desk: Open) -> None:
    window = rooms(qtbot, open_desk)
    cards = window.maps.rooms.cards
    assert [card.line.place for card in cards] == sorted(card.line.place for card in cards)
    assert {card.line.version for card in cards} == {0}
    assert all(card.buttons[-1].text() == "From a template" for card in cards)


def test_an_empty_room_begins_with_the_library_over_the_whole_window(qtbot: QtBot, open_desk: Open) -> None:
    window = rooms(qtbot, open_desk)
    page = enter(qtbot, window)
    dialog: TemplateDialog = opened(qtbot, page, "templates")
    assert window.sidebar.isHidden()
    assert {card.template.modality.value for card in dialog.cards} == {"reformer", "cycling", "mat", "rowing", "mixed"}
    assert not dialog.take.isVisible()
    qtbot.waitUntil(lambda: dialog.cards[0].use.hasFocus())
    dialog.close_overlay()
    assert page.editor.board.hasFocus()
    qtbot.keyClick(page.editor.board, Qt.Key.Key_T)
    qtbot.waitUntil(lambda: page.dialogs["templates"] is not dialog)
    qtbot.keyClick(page.dialogs["templates"].cards[0].use, Qt.Key.Key_Return)
    assert page.dialogs["templates"].template == template("reformer")
    with_template(qtbot, page)
    assert len(page.document.seat_map.spots) == 14
    assert page.editor.judge.violations == ()
    assert page.document.stack.undoText() == "Template: Reformer studio"
    assert "Not saved" in page.pill.accessibleName()
    assert page.publish.isEnabled()


def test_parameters_are_live_within_their_bounds_and_go_back_to_the_templates_own(
    qtbot: QtBot, open_desk: Open
) -> None:
    page = enter(qtbot, rooms(qtbot, open_desk))
    dialog: TemplateDialog = opened(qtbot, page, "templates")
    dialog.choose(template("reformer"))
    assert dialog.made is not None
    rows = dialog.editors["reformers.rows"]
    rows.set_value(3)  # type: ignore[union-attr]
    assert len(dialog.made.spots) == 21
    dialog.editors["reformers.gap_side_um"].setText("0.10")  # type: ignore[union-attr]
    dialog.editors["reformers.gap_side_um"].editingFinished.emit()  # type: ignore[union-attr]
    assert dialog.values["reformers.gap_side_um"] == 450_000  # what a reformer keeps free at its side
    dialog.set_value("reformers.rows", 2)
    assert len(dialog.made.spots) == 14


def test_fit_takes_as_many_as_the_room_holds_and_keep_refuses_a_room_too_small(qtbot: QtBot, open_desk: Open) -> None:
    page = enter(qtbot, rooms(qtbot, open_desk))
    dialog: TemplateDialog = opened(qtbot, page, "templates")
    dialog.choose(template("reformer"))
    dialog.width_field.setText("8")
    dialog.length_field.setText("9")
    dialog.size_by("fit")
    assert dialog.made is not None
    assert dialog.made.room.width_um == 8_000_000
    assert 0 < len(dialog.made.spots) < 14
    dialog.width_field.setText("5")
    dialog.size_by("keep")
    assert not dialog.take.isEnabled()
    assert dialog.message.whole_text()


def test_a_preset_is_kept_for_the_organisation_under_a_name_of_its_own(
    qtbot: QtBot, world: World, open_desk: Open
) -> None:
    window = rooms(qtbot, open_desk)
    page = enter(qtbot, window)
    dialog: TemplateDialog = opened(qtbot, page, "templates")
    dialog.choose(template("cycling"))
    dialog.set_value("bikes.rows", 3)
    dialog.keep.click()
    preset = page.findChildren(PresetDialog)[-1]
    preset.apply()
    assert preset.message.whole_text() == "Give it a name."
    preset.name.setText("Hill climb")
    preset.apply()
    qtbot.waitUntil(lambda: bool(search(world.store, SeatPreset, "by_modality")))
    assert search(world.store, SeatPreset, "by_modality")[0].name == "Hill climb"
    page.show_dialog("templates")
    qtbot.waitUntil(lambda: len(page.dialogs["templates"].cards) == 7)
    first = page.dialogs["templates"].cards[0].template
    assert (first.name, first.blocks[0].rows) == ("Hill climb", 3)


def test_numbering_is_shown_before_it_is_taken(qtbot: QtBot, open_desk: Open) -> None:
    # the catalogue's 2 x 3 table: bottom right, right to left, bottom to top, R{row}-S{seat}
    page = enter(qtbot, rooms(qtbot, open_desk))
    opened(qtbot, page, "templates").close_overlay()
    grid = bikes(
        *((1_500_000 + 1_500_000 * column, 1_500_000 + 2_000_000 * row) for row in range(2) for column in range(3))
    )
    page.document.load(grid)
    page.show_dialog("numbering")
    dialog: NumberingDialog = opened(qtbot, page, "numbering")
    dialog.texts["label"].setText("R{row}-S{seat}")
    dialog.texts["row_start"].setText("1")
    dialog.choices["corner"].setCurrentIndex(3)
    assert dialog.summary.whole_text() == "6 labels change"
    dialog.texts["label"].setText("{hall}")
    assert not dialog.take.isEnabled()
    dialog.texts["label"].setText("R{row}-S{seat}")
    dialog.take.click()
    assert [spot.label for spot in page.document.seat_map.spots] == [
        "R2-S3",
        "R2-S2",
        "R2-S1",
        "R1-S3",
        "R1-S2",
        "R1-S1",
    ]
    page.editor.commands.run("map.flip_view")
    assert [spot.label for spot in page.document.seat_map.spots] == [
        "R2-S1",
        "R2-S2",
        "R2-S3",
        "R1-S1",
        "R1-S2",
        "R1-S3",
    ]


def test_the_table_lists_everything_speaks_and_is_typed_into(qtbot: QtBot) -> None:
    with editing(
        qtbot, bikes((2_000_000, 2_000_000), (4_000_000, 3_048_000), pillars=((6_000_000, 6_000_000),))
    ) as editor:
        model = editor.table.items
        assert table(model) == [
            "Label | x m | y m | Turn | Wide | Long | What",
            "B1 | 2.00 | 2.00 | 0° | 0.55 | 1.15 | Bike",
            "B2 | 4.00 | 3.05 | 0° | 0.55 | 1.15 | Bike",
            "· | 6.00 | 6.00 | 0° | 0.40 | 0.40 | Pillar, square",
        ]
        assert spoken(model)[1] == "Bike B2, across 4.00 m, down 3.05 m, turned 0°"
        editor.commands.run("map.units")
        assert model.index(1, 2).data() == "10.00"
        assert model.setData(model.index(1, 2), "12,5")
        assert editor.document.seat_map.spots[1].y_um == 3_810_000
        assert not model.setData(model.index(1, 2), "north")
        assert "north" in editor.toast.accessibleName()
        assert model.setData(model.index(2, COLUMNS.index("width")), "2")
        assert editor.document.seat_map.zones[0].width_um == 609_600
        editor.table.selectRow(1)
        assert editor.document.selection == (editor.document.seat_map.spots[1].id,)
        editor.document.select([editor.document.seat_map.zones[0].id])
        assert [index.row() for index in editor.table.selectionModel().selectedRows()] == [2]
        assert not model.flags(model.index(0, COLUMNS.index("width"))) & Qt.ItemFlag.ItemIsEditable


def test_the_form_changes_what_many_share(qtbot: QtBot) -> None:
    with editing(qtbot, reformers()) as editor:
        editor.show_page("form")
        editor.document.select([spot.id for spot in editor.document.seat_map.spots[:3]])
        editor.form.editors["tag.premium"].click()  # type: ignore[attr-defined]
        assert [("premium" in spot.tags) for spot in editor.document.seat_map.spots[:4]] == [True, True, True, False]
        box = editor.form.editors["status"]
        box.activated.emit(2)  # type: ignore[attr-defined]
        assert editor.document.seat_map.capacity() == 11
        editor.document.select(())
        width = editor.form.editors["room_width"]
        width.setText("12")  # type: ignore[attr-defined]
        width.editingFinished.emit()  # type: ignore[attr-defined]
        assert editor.document.seat_map.room.width_um == 12_000_000
        assert editor.document.stack.undoText() == "Width of the room"


def test_units_flip_a_thousand_times_and_every_verdict_stays(qtbot: QtBot) -> None:
    seat_map = edits.moved(reformers(), [reformers().spots[6].id], 400_000, 0)
    with editing(qtbot, seat_map) as editor:
        before = editor.judge.violations
        for _ in range(1_000):
            editor.commands.run("map.units")
        judged(qtbot, editor)
        assert editor.document.seat_map == seat_map
        assert editor.judge.violations == before
        editor.commands.run("map.units")
        assert editor.document.seat_map.unit is Unit.FOOT


@pytest.mark.parametrize("what", WHAT)
def test_every_file_is_written_and_a_pdf_is_to_scale(qtbot: QtBot, what: str) -> None:
    theme()
    made = exported(reformers(), what, scale=50 if what in ("pdf", "svg", "png") else None)
    starts = {"pdf": b"%PDF", "placards": b"%PDF", "svg": b"<?xml", "png": b"\x89PNG", "native": b"{", "pretix": b"{"}
    assert made.data.lstrip().startswith(starts.get(what, b"id,"))
    if what == "pretix":
        assert made.lost
    if what == "native":
        assert json.loads(made.data)["format"] == "classtap.seatmap"
    if what == "svg":
        # the room of 10.15 m is 203 mm wide at 1:50
        floor = next(line for line in made.data.decode().splitlines() if 'data-part="room"' in line)
        points = re.search(r'points="([^"]+)"', floor)
        assert points is not None
        xs = [float(point.split(",")[0]) for point in points[1].split()]
        assert max(xs) - min(xs) == pytest.approx(203, abs=0.01)


def test_printing_writes_where_it_was_told_and_says_where_it_could_not(
    qtbot: QtBot, open_desk: Open, tmp_path: Path
) -> None:
    page = enter(qtbot, rooms(qtbot, open_desk))
    with_template(qtbot, page)
    page.show_dialog("export")
    dialog = opened(qtbot, page, "export")
    dialog.file.setText(str(tmp_path / "room.pdf"))
    dialog.apply()
    assert (tmp_path / "room.pdf").read_bytes().startswith(b"%PDF")
    dialog.file.setText(str(tmp_path / "nowhere" / "room.pdf"))
    dialog.apply()
    assert "cannot be written" in dialog.message.whole_text()


def test_a_picture_is_taken_in_shown_and_kept_in_the_store(
    qtbot: QtBot, world: World, open_desk: Open, tmp_path: Path
) -> None:
    page = enter(qtbot, rooms(qtbot, open_desk))
    with_template(qtbot, page)
    image = QImage(400, 300, QImage.Format.Format_RGB32)
    image.fill(QColor("#B3460B"))
    image.save(str(tmp_path / "plan.png"))
    page.show_dialog("underlay")
    dialog = opened(qtbot, page, "underlay")
    dialog.file.setText(str(tmp_path / "missing.png"))
    dialog.apply()
    assert dialog.message.whole_text()
    dialog.file.setText(str(tmp_path / "plan.png"))
    dialog.apply()
    background = page.document.seat_map.background
    assert background is not None
    qtbot.waitUntil(lambda: f"picture/{background.blob}" in world.source.own)
    assert page.editor.board.pictured is not None


def test_a_picture_is_brought_to_scale_by_a_piece_of_equipment_in_it(qtbot: QtBot, open_desk: Open) -> None:
    """Catalogue 15: Calibrate by Footprint, after which what is drawn matches it within a pixel."""
    page = enter(qtbot, rooms(qtbot, open_desk))
    with_template(qtbot, page)
    document = page.document
    picture = Background(blob="0" * 32, nm_per_px=5_000_000)
    document.do("underlay", replace(document.seat_map, background=picture))
    page.show_dialog("underlay")
    dialog = opened(qtbot, page, "underlay")
    at = dialog.known.findText("Reformer, front to rear")
    dialog.known.setCurrentIndex(at)
    dialog.known.activated.emit(at)
    assert dialog.fields["long"].text() == "2.40"
    # a reformer that is 400 px long in the picture lies between 1.00 and 3.00 m as it is now
    for name, value in (("ax", "1.00"), ("ay", "1.00"), ("bx", "1.00"), ("by", "3.00")):
        dialog.fields[name].setText(value)
    dialog.scale.click()
    background = document.seat_map.background
    assert background is not None
    assert abs(400 * background.nm_per_px / 1000 - 2_400_000) < background.nm_per_px / 1000
    board = page.editor.board
    drawn = 400 * background.nm_per_px / 1000 / board.view.um_per_px
    assert drawn == pytest.approx(2_400_000 / board.view.um_per_px, abs=1)


def test_what_a_draft_changes_is_told_in_words(qtbot: QtBot) -> None:
    theme().use(locale="en")
    before = reformers()
    from classtap_core.seating.diff import difference

    after = edits.moved(edits.without(before, [before.spots[0].id]), [before.spots[1].id], 300_000, 400_000)
    after = replace(
        after, spots=tuple(replace(spot, label="Z9") if spot.label == "B7" else spot for spot in after.spots)
    )
    told = lines(before, after, difference(before, after))
    assert told == ["× A1 removed", "A2 moved by 0.50 m, turned 0°", "B7 is now Z9"]


def test_the_editors_own_keys_are_not_the_desks(qtbot: QtBot, open_desk: Open) -> None:
    window = rooms(qtbot, open_desk)
    page = enter(qtbot, window)
    with_template(qtbot, page)
    board = page.editor.board
    board.setFocus()
    window.desk.state_fact("can_undo", True)  # somebody marked a child before
    qtbot.keyClick(board, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert page.document.seat_map.spots == ()
    assert window.keys.possible("map.redo")
    window.keys.run("map.redo")
    assert len(page.document.seat_map.spots) == 14
    window.open("today")
    assert not window.keys.possible("map.redo")
    assert not window.sidebar.isHidden()


def test_corners_and_points_are_typed_as_they_are_dragged(qtbot: QtBot) -> None:
    with editing(qtbot, bikes()) as editor:
        editor.show_page("form")
        editor.take("path")
        qtbot.keyClick(editor.board, Qt.Key.Key_Return)
        points = editor.form.editors["points"]
        points.setText("1 1; 1 4.5; 6,25 4.5")  # type: ignore[attr-defined]
        points.editingFinished.emit()  # type: ignore[attr-defined]
        path = editor.document.seat_map.paths[0]
        assert path.points_um == ((1_000_000, 1_000_000), (1_000_000, 4_500_000), (6_250_000, 4_500_000))
        points = editor.form.editors["points"]
        points.setText("1 1")  # type: ignore[attr-defined]
        points.editingFinished.emit()  # type: ignore[attr-defined]
        assert editor.document.seat_map.paths[0] == path
        assert "too few corners" in editor.toast.accessibleName()


def test_a_plan_of_another_program_is_opened_with_every_seat_and_its_repeats_told(
    qtbot: QtBot, open_desk: Open
) -> None:
    # 738 seats, 420 of them under an id that came before (tests/data/seatplans)
    page = enter(qtbot, rooms(qtbot, open_desk))
    dialog: TemplateDialog = opened(qtbot, page, "templates")
    heard: list[str] = []
    page.editor.spoke.connect(heard.append)
    plan = next(Path("tests/data").rglob("stadium.pretix.json"))
    dialog.take_file(plan)
    assert len(page.document.seat_map.spots) == 738
    assert "738 spots were read. Repeated ids: 420" in heard[-1]
    page.document.stack.undo()
    assert page.document.seat_map.spots == ()
