"""Seat maps and editors for tests of the canvas."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from PySide6.QtCore import QCoreApplication, QEvent, QPointF, Qt
from pytestqt.qtbot import QtBot

from classtap_core.kernel.ids import derived
from classtap_core.seating.equipment import BY_ID
from classtap_core.seating.laying import lay_out
from classtap_core.seating.model import Limits, PointUm, Room, SeatMap, Spot, Zone, ZoneKind
from classtap_core.seating.templates import Template
from classtap_desktop.canvas.dialogs.question import Question
from classtap_desktop.canvas.dialogs.templates import TemplateDialog
from classtap_desktop.canvas.editor import Editor
from classtap_desktop.canvas.page import MapPage
from classtap_desktop.canvas.reading import shipped
from classtap_desktop.window import DeskWindow

GRID = 100_000
Open = Callable[..., DeskWindow]


def template(id: str) -> Template:
    """A template that comes with the program."""
    return next(one for one in shipped() if one.id == id)


def reformers() -> SeatMap:
    """The reformer studio: 14 spots, a mirror, a door, an aisle, nothing wrong."""
    return lay_out(template("reformer"), seed="test")


def bikes(*places: PointUm, pillars: tuple[PointUm, ...] = ()) -> SeatMap:
    """Bikes in an empty room of 10 x 8 m, and pillars of 0.4 m."""
    spots = tuple(
        Spot(id=derived("spot", str(at)), type="bike", x_um=x, y_um=y, label=f"B{at + 1}")
        for at, (x, y) in enumerate(places)
    )
    zones = tuple(
        Zone(
            id=derived("zone", str(at)), kind=ZoneKind.OBSTRUCTION, x_um=x, y_um=y, width_um=400_000, length_um=400_000
        )
        for at, (x, y) in enumerate(pillars)
    )
    room = Room(width_um=10_000_000, length_um=8_000_000)
    return SeatMap(name="Room", room=room, types=(BY_ID["bike"],), spots=spots, zones=zones, limits=Limits())


@contextmanager
def editing(qtbot: QtBot, seat_map: SeatMap, *, zoom: float = 1.0) -> Iterator[Editor]:
    """An editor on the screen, its map judged, the room's corner at the board's."""
    editor = Editor(seat_map)
    try:
        editor.resize(1400, 900)
        with qtbot.waitExposed(editor):
            editor.show()
        editor.activateWindow()
        judged(qtbot, editor)
        board = editor.board
        board._fit_next = False
        board.look(board.view._replace(zoom=zoom, left=-500_000 / zoom, top=-500_000 / zoom))
        board.setFocus()
        yield editor
    finally:
        editor.close_editor()
        editor.close()
        editor.deleteLater()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)


def judged(qtbot: QtBot, editor: Editor) -> None:
    """Wait until what is shown has been judged."""
    qtbot.waitUntil(lambda: editor.judge.seat_map is editor.board.shown and not editor.judge.busy)


def drag(
    qtbot: QtBot, editor: Editor, start: PointUm, stop: PointUm, *, drop: bool = True,
    keys: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier,
) -> None:  # fmt: skip
    """Drag with the left button from one place of the room to another, in steps."""
    board = editor.board
    one, other = board.view.point(start), board.view.point(stop)
    qtbot.mousePress(board, Qt.MouseButton.LeftButton, keys, one.toPoint())
    for step in range(1, 9):
        at = one + (other - one) * step / 8
        _move(board, at, keys)
    if drop:
        qtbot.mouseRelease(board, Qt.MouseButton.LeftButton, keys, other.toPoint())
        judged(qtbot, editor)


def _move(board: object, at: QPointF, keys: Qt.KeyboardModifier) -> None:
    from PySide6.QtGui import QMouseEvent
    from PySide6.QtWidgets import QApplication

    left = Qt.MouseButton.LeftButton
    # Qt's own mouseMove of tests carries no button
    event = QMouseEvent(QEvent.Type.MouseMove, at, board.mapToGlobal(at), Qt.MouseButton.NoButton, left, keys)  # type: ignore[attr-defined]
    QApplication.sendEvent(board, event)  # type: ignore[arg-type]


def spot_of(editor: Editor, label: str) -> Spot:
    """The spot of a label, as it is now."""
    return next(spot for spot in editor.document.seat_map.spots if spot.label == label)


def rooms(qtbot: QtBot, open_desk: Open, role: str = "manager", **settings: Any) -> DeskWindow:
    window = open_desk(role, screen="seatmaps", **settings)
    qtbot.waitUntil(lambda: bool(window.maps.rooms.cards))
    return window


def enter(qtbot: QtBot, window: DeskWindow, at: int = 0) -> MapPage:
    with qtbot.waitSignal(window.maps.entered):
        window.maps.enter(str(window.maps.rooms.cards[at].line.id))
    page = window.maps.map_page
    assert page is not None
    return page


def opened(qtbot: QtBot, page: MapPage, name: str) -> Any:
    qtbot.waitUntil(lambda: name in page.dialogs)
    return page.dialogs[name]


def with_template(qtbot: QtBot, page: MapPage, id: str = "reformer") -> None:
    """Take a template into an empty room, as a new instructor does first."""
    dialog: TemplateDialog = opened(qtbot, page, "templates")
    dialog.choose(template(id))
    dialog.apply()
    judged(qtbot, page.editor)


def answer(page: MapPage, which: str) -> None:
    question = page.findChildren(Question)[-1]
    question.buttons[which].click()
