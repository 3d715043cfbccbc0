"""The board under the hand: dragging, snapping, what goes back and why, tools, keys, zoom; every drag's keyboard twin."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from PySide6.QtCore import QEvent, QMimeData, QPoint, QPointF, Qt
from PySide6.QtGui import (
    QDragEnterEvent,
    QDropEvent,
    QInputDevice,
    QKeyEvent,
    QPointingDevice,
    QTabletEvent,
    QWheelEvent,
)
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from classtap_core.seating.equipment import BY_ID
from classtap_core.seating.model import ZoneKind
from classtap_desktop.canvas import edits
from classtap_desktop.canvas.clearances import frees_of
from classtap_desktop.canvas.minimap import area_of
from classtap_desktop.canvas.shelf import MIME
from classtap_desktop.canvas.tools.draw import MeasureTool, PathTool, WallsTool
from classtap_desktop.canvas.tools.place import PlaceTool
from tests.desk.maps import GRID, bikes, drag, editing, judged, reformers, spot_of

KEY = Qt.Key
MOD = Qt.KeyboardModifier
TWO = ((2_000_000, 2_000_000), (6_000_000, 4_000_000))


def said(editor: object) -> list[str]:
    heard: list[str] = []
    editor.spoke.connect(heard.append)  # type: ignore[attr-defined]
    return heard


@pytest.mark.parametrize("zoom", [0.1, 0.5, 1.0, 2.0, 4.0])
def test_a_drop_lands_on_the_grid_crossing_within_twelve_pixels_at_every_zoom(qtbot: QtBot, zoom: float) -> None:
    # catalogue 15: <= 1 px deviation; here it is none at all
    with editing(qtbot, bikes((2_000_000, 2_000_000)), zoom=zoom) as editor:
        editor.board.guides = False
        editor.board.grid_um = round(40 * editor.board.view.um_per_px)
        grid = editor.board.grid_um
        target = ((2_000_000 // grid + 2) * grid, (2_000_000 // grid + 1) * grid)
        px = editor.board.view.um_per_px
        drag(qtbot, editor, (2_000_000, 2_000_000), (target[0] + round(7 * px), target[1] - round(6 * px)), drop=False)
        spot = editor.board.shown.spots[0]
        assert (spot.x_um, spot.y_um) == target
        editor.board.tool.cancel()
        assert editor.board.shown is editor.document.seat_map


def test_a_press_on_the_small_map_shows_that_part_of_the_room(qtbot: QtBot) -> None:
    with editing(qtbot, bikes((2_000_000, 2_000_000)), zoom=4.0) as editor:
        board = editor.board
        board.grab()
        QTest.mouseClick(board, Qt.MouseButton.LeftButton, pos=area_of(board.size()).center().toPoint())
        x, y = board.view.place(QPointF(board.width() / 2, board.height() / 2))
        room = board.room_box()
        px = max(room.width, room.height) / 100  # a pixel of the small map
        assert abs(x - (room.left + room.right) / 2) <= px
        assert abs(y - (room.top + room.bottom) / 2) <= px
        board.minimap = False
        before = board.view
        board.grab()
        QTest.mouseClick(board, Qt.MouseButton.LeftButton, pos=area_of(board.size()).topLeft().toPoint())
        assert board.view == before


def test_alt_drags_freely(qtbot: QtBot) -> None:
    with editing(qtbot, bikes((2_000_000, 2_000_000))) as editor:
        drag(qtbot, editor, (2_000_000, 2_000_000), (3_030_000, 2_040_000), keys=MOD.AltModifier)
        spot = editor.document.seat_map.spots[0]
        assert abs(spot.x_um - 3_030_000) <= 10_000
        assert abs(spot.y_um - 2_040_000) <= 10_000
        assert spot.x_um % GRID != 0


def test_edges_and_middles_catch_what_comes_near_them(qtbot: QtBot) -> None:
    with editing(qtbot, bikes(*TWO)) as editor:
        editor.board.snap = False
        drag(qtbot, editor, TWO[0], (6_060_000, 2_500_000), drop=False)
        assert editor.board.shown.spots[0].x_um == 6_000_000
        assert editor.board.shown.spots[0].y_um != 4_000_000
        editor.board.tool.cancel()


def test_a_drop_on_a_pillar_goes_back_and_says_why(qtbot: QtBot) -> None:
    seat_map = bikes((2_000_000, 2_000_000), pillars=((5_000_000, 2_000_000),))
    with editing(qtbot, seat_map) as editor:
        heard = said(editor)
        drag(qtbot, editor, (2_000_000, 2_000_000), (5_000_000, 2_000_000))
        assert editor.document.seat_map is seat_map
        assert editor.board.shown is seat_map
        assert not editor.document.stack.canUndo()
        assert heard
        assert heard[-1].startswith("It goes back: B1")
        assert editor.toast.isVisible()


def test_a_drop_that_narrows_an_aisle_goes_back(qtbot: QtBot) -> None:
    with editing(qtbot, reformers(), zoom=0.7) as editor:
        heard = said(editor)
        spot = spot_of(editor, "A4")
        drag(qtbot, editor, (spot.x_um, spot.y_um), (spot.x_um - 400_000, spot.y_um))
        assert spot_of(editor, "A4") == spot
        assert heard
        assert "Aisle" in heard[-1]


def test_what_is_only_too_near_is_kept_and_listed(qtbot: QtBot) -> None:
    with editing(qtbot, reformers(), zoom=0.7) as editor:
        editor.board.snap = editor.board.guides = False
        spot = spot_of(editor, "A7")
        drag(qtbot, editor, (spot.x_um, spot.y_um), (spot.x_um + 400_000, spot.y_um))
        assert spot_of(editor, "A7").x_um > spot.x_um + 350_000
        assert [str(line.found.rule) for line in editor.problems.lines] == ["clearance_side"]
        assert "A7" in editor.problems.lines[0].label.whole_text()


def test_many_are_judged_on_another_thread_and_dropped_once_the_verdict_is_here(qtbot: QtBot) -> None:
    places = [(600_000 + at % 12 * 750_000, 900_000 + at // 12 * 1_300_000) for at in range(60)]
    with editing(qtbot, bikes(*places)) as editor:
        editor.board.guides = False
        editor.commands.run("map.select_all")
        assert len(editor.document.selection) == 60
        drag(qtbot, editor, places[0], (places[0][0] + 300_000, places[0][1]))
        assert editor.document.seat_map.spots[0].x_um == 900_000
        assert editor.document.stack.count() == 1
        drag(qtbot, editor, (900_000, 900_000), (5_900_000, 900_000))  # half of them outside the room
        assert editor.document.stack.count() == 1
        assert editor.document.seat_map.spots[0].x_um == 900_000


def test_the_band_selects_what_it_touches_and_shift_adds(qtbot: QtBot) -> None:
    with editing(qtbot, bikes((1_000_000, 1_500_000), (2_000_000, 1_500_000), (5_000_000, 5_000_000))) as editor:
        drag(qtbot, editor, (400_000, 600_000), (1_800_000, 2_300_000))
        assert [item.label for item in editor.document.chosen()] == ["B1", "B2"]
        drag(qtbot, editor, (4_000_000, 4_000_000), (5_100_000, 5_100_000), keys=MOD.ShiftModifier)
        assert len(editor.document.selection) == 3
        qtbot.mouseClick(
            editor.board, Qt.MouseButton.LeftButton, pos=editor.board.view.point((8_000_000, 1_000_000)).toPoint()
        )
        assert editor.document.selection == ()


def test_the_turning_handle_rests_at_right_angles_and_in_steps_of_fifteen_with_shift(qtbot: QtBot) -> None:
    with editing(qtbot, bikes((4_000_000, 4_000_000))) as editor:
        board = editor.board
        editor.document.select([editor.document.seat_map.spots[0].id])
        for target, keys, wanted in (
            ((5_500_000, 4_050_000), MOD.NoModifier, 90_000),  # 92 degrees: within 3 of 90
            ((4_700_000, 3_200_000), MOD.ShiftModifier, 45_000),
        ):
            frame = edits.box_around(board.shown, editor.document.selection)
            assert frame is not None
            area = board.view.rect(frame)
            knob = QPointF(area.center().x(), area.top() - 26)
            before = editor.document.seat_map.spots[0].rotation_mdeg
            drag(qtbot, editor, board.view.place(knob), target, keys=keys)
            after = editor.document.seat_map.spots[0].rotation_mdeg
            assert (after - before) % 360_000 == wanted if before == 0 else after % 15_000 == 0
        assert editor.document.stack.text(0) == "Turn"


def test_a_zone_is_pulled_at_its_side(qtbot: QtBot) -> None:
    with editing(qtbot, bikes(pillars=((4_000_000, 4_000_000),))) as editor:
        zone = editor.document.seat_map.zones[0]
        editor.document.select([zone.id])
        drag(qtbot, editor, (4_200_000, 4_000_000), (5_000_000, 4_000_000))
        assert editor.document.seat_map.zones[0].width_um == 1_200_000
        assert editor.document.seat_map.zones[0].x_um == 4_400_000


def test_arrow_keys_move_by_a_grid_step_by_ten_and_by_a_millimetre(qtbot: QtBot) -> None:
    with editing(qtbot, bikes((2_000_000, 2_000_000), pillars=((3_000_000, 2_000_000),))) as editor:
        board, heard = editor.board, said(editor)
        qtbot.keyClick(board, KEY.Key_PageDown)
        assert editor.document.selection == (editor.document.seat_map.spots[0].id,)
        assert heard[-1].startswith("Bike B1, across 2.00 m")
        qtbot.keyClick(board, KEY.Key_Down)
        assert editor.document.seat_map.spots[0].y_um == 2_100_000
        qtbot.keyClick(board, KEY.Key_Up, MOD.AltModifier)
        assert editor.document.seat_map.spots[0].y_um == 2_099_000
        qtbot.keyClick(board, KEY.Key_Right, MOD.ShiftModifier)  # onto the pillar
        assert editor.document.seat_map.spots[0].x_um == 2_000_000
        assert heard[-1].startswith("It goes back")
        qtbot.keyClick(board, KEY.Key_BracketRight)
        assert editor.document.seat_map.spots[0].rotation_mdeg == 15_000
        qtbot.keyClick(board, KEY.Key_Z, MOD.ControlModifier)
        qtbot.keyClick(board, KEY.Key_Z, MOD.ControlModifier)
        assert editor.document.seat_map.spots[0].y_um == 2_100_000
        qtbot.keyClick(board, KEY.Key_Y, MOD.ControlModifier)
        assert editor.document.seat_map.spots[0].y_um == 2_099_000


def test_copy_cut_paste_duplicate_group_lock_and_delete_by_key(qtbot: QtBot) -> None:
    with editing(qtbot, bikes(*TWO)) as editor:
        board = editor.board
        qtbot.keyClick(board, KEY.Key_A, MOD.ControlModifier)
        qtbot.keyClick(board, KEY.Key_C, MOD.ControlModifier)
        qtbot.keyClick(board, KEY.Key_V, MOD.ControlModifier)
        assert isinstance(board.tool, PlaceTool)
        for _ in range(2):
            qtbot.keyClick(board, KEY.Key_Down, MOD.ShiftModifier)
        qtbot.keyClick(board, KEY.Key_Return)
        assert len(editor.document.seat_map.spots) == 4
        assert board.tool is board.home
        qtbot.keyClick(board, KEY.Key_G, MOD.ControlModifier)
        assert len(editor.document.seat_map.groups) == 1
        one = editor.document.selection[0]
        editor.document.select([one])
        assert len(editor.document.selection) == 2
        qtbot.keyClick(board, KEY.Key_L, MOD.ControlModifier | MOD.ShiftModifier)
        qtbot.keyClick(board, KEY.Key_Delete)
        assert len(editor.document.seat_map.spots) == 4
        qtbot.keyClick(board, KEY.Key_L, MOD.ControlModifier | MOD.ShiftModifier)
        qtbot.keyClick(board, KEY.Key_Delete)
        assert len(editor.document.seat_map.spots) == 2
        assert editor.document.stack.undoText() == "Delete"


def test_a_thing_of_the_shelf_is_placed_by_pointer_and_by_keys_alone(qtbot: QtBot) -> None:
    with editing(qtbot, bikes()) as editor:
        board = editor.board
        qtbot.mouseClick(editor.shelf.buttons["type:bike"], Qt.MouseButton.LeftButton)
        at = board.view.point((1_000_000, 1_000_000)).toPoint()
        qtbot.mouseMove(board, at)
        qtbot.mouseClick(board, Qt.MouseButton.LeftButton, pos=at)
        judged(qtbot, editor)
        assert [(spot.x_um, spot.y_um) for spot in editor.document.seat_map.spots] == [(1_000_000, 1_000_000)]
        qtbot.keyClick(board, KEY.Key_Escape)
        qtbot.keyClick(editor.shelf.buttons["type:mat"], KEY.Key_Return)
        assert board.hasFocus()
        qtbot.keyClick(board, KEY.Key_Right)
        qtbot.keyClick(board, KEY.Key_Return)
        assert [spot.type for spot in editor.document.seat_map.spots] == ["bike", "mat"]
        assert {type.id for type in editor.document.seat_map.types} == {"bike", "mat"}


def test_a_place_that_is_no_good_is_refused_and_the_nearest_good_one_offered(qtbot: QtBot) -> None:
    # catalogue 15: the seat is not placed, the total does not rise, the cursor goes to the nearest valid place
    with editing(qtbot, bikes(pillars=((4_000_000, 4_000_000),))) as editor:
        board, heard = editor.board, said(editor)
        editor.take("type:bike")
        at = board.view.point((4_000_000, 4_000_000)).toPoint()
        qtbot.mouseClick(board, Qt.MouseButton.LeftButton, pos=at)
        assert editor.document.seat_map.spots == ()
        assert heard[-1].startswith("Not here:")
        tool = board.tool
        assert isinstance(tool, PlaceTool)
        assert tool.at is not None
        assert tool.at != (4_000_000, 4_000_000)
        qtbot.keyClick(board, KEY.Key_Return)
        judged(qtbot, editor)
        assert len(editor.document.seat_map.spots) == 1
        assert editor.judge.violations == ()


def test_a_spot_cannot_be_put_before_a_door(qtbot: QtBot) -> None:
    with editing(qtbot, reformers(), zoom=0.7) as editor:
        heard = said(editor)
        door = next(zone for zone in editor.document.seat_map.zones if zone.kind is ZoneKind.DOOR)
        editor.take("type:ball")
        at = editor.board.view.point((door.x_um, door.y_um - 500_000)).toPoint()
        qtbot.mouseClick(editor.board, Qt.MouseButton.LeftButton, pos=at)
        assert len(editor.document.seat_map.spots) == 14
        assert "Door" in heard[-1]


def test_a_thing_dragged_from_the_shelf_is_dropped_on_the_board(qtbot: QtBot) -> None:
    with editing(qtbot, bikes()) as editor:
        data = QMimeData()
        data.setData(MIME, b"door")
        at = editor.board.view.point((5_000_000, 40_000))
        buttons, keys = Qt.MouseButton.LeftButton, MOD.NoModifier
        enter = QDragEnterEvent(at.toPoint(), Qt.DropAction.CopyAction, data, buttons, keys)
        QApplication.sendEvent(editor.board, enter)
        assert enter.isAccepted()
        QApplication.sendEvent(editor.board, QDropEvent(at, Qt.DropAction.CopyAction, data, buttons, keys))
        door = editor.document.seat_map.zones[0]
        assert (door.kind, door.y_um, door.rotation_mdeg) == (ZoneKind.DOOR, 0, 180_000)


def test_the_wheel_zooms_by_a_tenth_around_the_pointer_and_is_no_step(qtbot: QtBot) -> None:
    with editing(qtbot, bikes(*TWO)) as editor:
        board = editor.board
        place = board.view.place(QPointF(300, 200))
        for turn, _ in ((120, 1), (240, 2), (-120, 1)):
            before = board.view.zoom
            wheel(board, turn)
            assert 1 / 1.1 - 1e-9 <= board.view.zoom / before <= 1.1 + 1e-9
            after = board.view.place(QPointF(300, 200))
            assert abs(after[0] - place[0]) <= board.view.um_per_px
        for _ in range(80):
            wheel(board, 120)
        assert board.view.zoom == 4.0
        for _ in range(80):
            wheel(board, -120)
        assert board.view.zoom == 0.1
        assert not editor.document.stack.canUndo()


def wheel(board: object, turn: int) -> None:
    event = QWheelEvent(
        QPointF(300, 200), board.mapToGlobal(QPointF(300, 200)), QPoint(), QPoint(0, turn), Qt.MouseButton.NoButton,  # type: ignore[attr-defined]
        MOD.ControlModifier, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(board, event)  # type: ignore[arg-type]


def test_space_and_the_middle_button_pan_and_nothing_moves(qtbot: QtBot) -> None:
    with editing(qtbot, bikes(*TWO)) as editor:
        board = editor.board
        left = board.view.left
        qtbot.keyPress(board, KEY.Key_Space)
        drag(qtbot, editor, TWO[0], (3_000_000, 2_000_000))
        qtbot.keyRelease(board, KEY.Key_Space)
        assert board.view.left == pytest.approx(left - 1_000_000, abs=20_000)
        assert editor.document.seat_map.spots[0].x_um == 2_000_000
        qtbot.mousePress(board, Qt.MouseButton.MiddleButton, pos=QPoint(300, 300))
        QTest.mouseRelease(board, Qt.MouseButton.MiddleButton, pos=QPoint(300, 300))
        assert not editor.document.stack.canUndo()


def test_two_fingers_zoom_and_pan_and_one_draws(qtbot: QtBot) -> None:
    with editing(qtbot, bikes((2_000_000, 2_000_000))) as editor:
        board = editor.board
        offset = board.mapTo(board.window(), QPoint(0, 0))  # a test's touches are told to the window
        screen = QTest.createTouchDevice()

        def touch() -> QTest.QTouchEventSequence:
            return QTest.touchEvent(board, screen)

        one, two = offset + QPoint(200, 200), offset + QPoint(400, 200)
        touch().press(0, one).press(1, two).commit()
        touch().move(0, one - QPoint(50, 0)).move(1, two + QPoint(50, 0)).commit()
        assert board.view.zoom == pytest.approx(1.5, rel=0.01)
        touch().move(0, one - QPoint(20, 30)).move(1, two + QPoint(80, -30)).commit()
        assert board.view.zoom == pytest.approx(1.5, rel=0.01)
        touch().release(0, one).release(1, two).commit()
        board.look(board.view._replace(zoom=1.0, left=-500_000, top=-500_000))
        start = offset + board.view.point((2_000_000, 2_000_000)).toPoint()
        touch().press(0, start).commit()
        for step in range(1, 6):
            touch().move(0, start + QPoint(20 * step, 0)).commit()
        touch().release(0, start + QPoint(100, 0)).commit()
        judged(qtbot, editor)
        assert editor.document.seat_map.spots[0].x_um == 3_000_000


@pytest.mark.parametrize(("end", "left"), [("Pen", ["B1", "B2"]), ("Eraser", ["B2"])])
def test_a_pen_draws_as_a_mouse_and_its_other_end_rubs_out(qtbot: QtBot, end: str, left: list[str]) -> None:
    with editing(qtbot, bikes((2_000_000, 2_000_000), (5_000_000, 2_000_000))) as editor:
        board, types = editor.board, QInputDevice.DeviceType
        at = board.view.point((2_000_000, 2_000_000))
        pen = QPointingDevice(
            "pen", 1, types.Stylus, QPointingDevice.PointerType[end], QInputDevice.Capability.Position, 1, 1
        )
        button, none = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
        event = QTabletEvent(
            QEvent.Type.TabletPress, pen, at, board.mapToGlobal(at), 0.5, 0.0, 0.0, 0.0, 0.0, 0.0, none, button, button
        )
        QApplication.sendEvent(board, event)
        assert event.isAccepted() is (end == "Eraser"), "a pen's tip comes again as a mouse"
        assert [spot.label for spot in editor.document.seat_map.spots] == left
        assert editor.document.stack.canUndo() is (end == "Eraser")


def test_the_measure_catches_corners_and_reads_the_true_length(qtbot: QtBot) -> None:
    with editing(qtbot, bikes()) as editor:
        board = editor.board
        editor.commands.run("map.tool_measure")
        drag(qtbot, editor, (30_000, 40_000), (9_960_000, 30_000))
        tool = board.tool
        assert isinstance(tool, MeasureTool)
        assert tool.long_um == 10_000_000  # catalogue 15: 10.00 +- 0.02
        qtbot.keyClick(board, KEY.Key_Escape)
        qtbot.keyClick(board, KEY.Key_Escape)
        assert board.tool is board.home


def test_a_way_and_the_walls_are_drawn_point_by_point(qtbot: QtBot) -> None:
    with editing(qtbot, bikes()) as editor:
        board = editor.board
        editor.commands.run("map.tool_path")
        assert isinstance(board.tool, PathTool)
        click(qtbot, board, (1_000_000, 1_000_000), (1_000_000, 4_000_000), (4_000_000, 4_000_000))
        qtbot.keyClick(board, KEY.Key_Return)
        path = editor.document.seat_map.paths[0]
        assert path.points_um == ((1_000_000, 1_000_000), (1_000_000, 4_000_000), (4_000_000, 4_000_000))
        assert path.width_um == 914_400  # ADA 2010, 403.5.1
        editor.commands.run("map.tool_walls")
        assert isinstance(board.tool, WallsTool)
        corners = ((0, 0), (6_000_000, 0), (6_000_000, 4_000_000), (0, 6_000_000))
        click(qtbot, board, *corners, (0, 0))
        assert editor.document.seat_map.room.points_um == corners
        assert board.tool is board.home


def click(qtbot: QtBot, board: object, *places: tuple[int, int]) -> None:
    for place in places:
        qtbot.mouseClick(board, Qt.MouseButton.LeftButton, pos=board.view.point(place).toPoint())  # type: ignore[attr-defined]


def test_letters_typed_into_a_field_are_no_commands(qtbot: QtBot) -> None:
    with editing(qtbot, bikes(*TWO)) as editor:
        editor.document.select([editor.document.seat_map.spots[0].id])
        editor.show_form()
        label = editor.form.editors["label"]
        qtbot.waitUntil(label.hasFocus)
        label.clear()  # type: ignore[attr-defined]
        qtbot.keyClicks(label, "Vamos 1")
        qtbot.keyClick(label, KEY.Key_Return)
        assert editor.document.seat_map.spots[0].label == "Vamos 1"
        assert editor.board.tool is editor.board.home


def test_one_press_mends_what_is_too_near_and_what_is_called_the_same(qtbot: QtBot) -> None:
    seat_map = bikes((2_000_000, 2_000_000), (2_560_000, 2_000_000), (6_000_000, 4_000_000))
    with editing(qtbot, seat_map) as editor:
        assert {str(line.found.rule) for line in editor.problems.lines} == {"clearance_side"}
        editor.problems.lines[0].cure.click()
        judged(qtbot, editor)
        assert editor.judge.violations == ()
        spots = editor.document.seat_map.spots
        editor.document.do("form", edits.with_fields(editor.document.seat_map, [spots[2].id], label="B1"), field="x")
        judged(qtbot, editor)
        assert [str(line.found.rule) for line in editor.problems.lines] == ["duplicate_label"]
        editor.problems.lines[0].show_button.click()
        assert len(editor.document.selection) == 2
        editor.problems.lines[0].cure.click()
        judged(qtbot, editor)
        assert len({spot.label for spot in editor.document.seat_map.spots}) == 3
        assert editor.problems.title.whole_text() == "No problems"


def test_hidden_and_locked_layers_cannot_be_touched_and_still_bind(qtbot: QtBot) -> None:
    seat_map = bikes((2_000_000, 2_000_000), pillars=((5_000_000, 2_000_000),))
    with editing(qtbot, seat_map) as editor:
        editor.show_page("layers")
        editor.layers.shown["zones"].click()
        assert editor.board.item_at((5_000_000, 2_000_000)) is None
        heard = said(editor)
        drag(qtbot, editor, (2_000_000, 2_000_000), (5_000_000, 2_000_000))
        assert editor.document.seat_map.spots[0].x_um == 2_000_000
        assert heard[-1].startswith("It goes back")
        editor.layers.shown["zones"].click()
        editor.layers.locked["zones"].click()
        drag(qtbot, editor, (5_000_000, 2_000_000), (6_000_000, 2_000_000))
        assert editor.document.seat_map.zones[0].x_um == 5_000_000


def test_what_may_not_be_changed_is_only_looked_at(qtbot: QtBot) -> None:
    with editing(qtbot, bikes(*TWO)) as editor:
        heard = said(editor)
        editor.document.readonly = True
        editor.take("type:bike")
        assert editor.board.tool is editor.board.home
        editor.document.select([editor.document.seat_map.spots[0].id])
        qtbot.keyClick(editor.board, KEY.Key_Right)
        qtbot.keyClick(editor.board, KEY.Key_Delete)
        drag(qtbot, editor, TWO[0], (3_000_000, 2_000_000))
        assert not editor.document.stack.canUndo()
        assert heard


def test_what_a_side_keeps_free_is_red_only_where_something_stands_in_it(qtbot: QtBot) -> None:
    """Catalogue 15: green when clearance ≥ the rule and red when clearance < the rule."""
    type = replace(BY_ID["bike"], front_um=300_000, rear_um=200_000, side_um=400_000)
    apart = type.width_um + 300_000
    seat_map = bikes((2_000_000, 2_000_000), (2_000_000 + apart, 2_000_000), (9_600_000, 6_000_000))
    with editing(qtbot, replace(seat_map, types=(type,))) as editor:
        shown = editor.board.shown

        def red(at: int) -> dict[str, bool]:
            return {free.side: free.hurt for free in frees_of(shown.spots[at], shown, editor.board.violations)}

        assert red(0) == {"front": False, "rear": False, "left": False, "right": True}
        assert red(1) == {"front": False, "rear": False, "left": True, "right": False}
        # 10.00 m - 9.60 m - 0.275 m are left up to the wall
        assert red(2) == {"front": False, "rear": False, "left": False, "right": True}
        editor.document.select([shown.spots[0].id])
        picture = editor.board.grab().toImage()
        place = editor.board.view.point((2_000_000 + type.width_um // 2 + 150_000, 2_000_000)).toPoint()
        beside = editor.board.view.point((2_000_000 - type.width_um // 2 - 150_000, 2_000_000)).toPoint()
        right, left = picture.pixelColor(place), picture.pixelColor(beside)
        assert right.red() > right.green()
        assert left.green() > left.red()


def test_what_is_kept_free_along_a_wall_is_drawn_and_nothing_stands_in_it(qtbot: QtBot) -> None:
    seat_map = bikes((2_000_000, 2_000_000))
    room = replace(seat_map.room, wall_offsets_um=(0, 0, 0, 600_000))
    with editing(qtbot, replace(seat_map, room=room)) as editor:
        view, picture = editor.board.view, editor.board.grab().toImage()

        def shades(x_um: int) -> int:
            column = view.point((x_um, 4_000_000)).toPoint()
            return len({picture.pixelColor(column.x(), column.y() + step).rgb() for step in range(-30, 30)})

        assert shades(300_000) > shades(900_000), "hatched up to 0.6 m from the left wall"
        heard = said(editor)
        drag(qtbot, editor, (2_000_000, 2_000_000), (500_000, 2_000_000))
        assert editor.document.seat_map.spots[0].x_um == 2_000_000
        assert heard[-1].startswith("It goes back: B1")


def test_a_turn_by_key_that_overlaps_goes_back_as_the_handle_does(qtbot: QtBot) -> None:
    beside = 2_000_000 + BY_ID["bike"].width_um + 20_000
    with editing(qtbot, bikes((2_000_000, 2_000_000), (beside, 2_000_000))) as editor:
        heard = said(editor)
        editor.document.select([spot_of(editor, "B1").id])
        editor.commands.run("map.turn_right")
        assert heard[-1].startswith("It goes back: B1")
        assert spot_of(editor, "B1").rotation_mdeg == 0
        assert editor.document.stack.count() == 0


@pytest.mark.parametrize(
    ("key", "held", "text"),
    [
        (KEY.Key_Plus, MOD.NoModifier, "+"),
        (KEY.Key_Plus, MOD.ShiftModifier, "+"),  # a keyboard of the United States
        (KEY.Key_Plus, MOD.KeypadModifier, "+"),
    ],
)
def test_plus_zooms_in_wherever_the_keyboard_has_it(
    qtbot: QtBot, key: Qt.Key, held: Qt.KeyboardModifier, text: str
) -> None:
    with editing(qtbot, bikes((2_000_000, 2_000_000))) as editor:
        before = editor.board.view.zoom
        QApplication.sendEvent(editor.board, QKeyEvent(QEvent.Type.KeyPress, key, held, text))
        assert editor.board.view.zoom == pytest.approx(before * 1.1)
        editor.document.select([spot_of(editor, "B1").id])
        QApplication.sendEvent(editor.board, QKeyEvent(QEvent.Type.KeyPress, KEY.Key_Right, MOD.KeypadModifier))
        assert spot_of(editor, "B1").x_um == 2_000_000 + editor.board.grid_um, (
            "arrows of a Mac say they are keypad keys"
        )
