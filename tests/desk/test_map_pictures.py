"""The seat maps' screens in every look, as pictures in build/screens, with nothing cut off."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from msgspec.structs import replace
from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtGui import QAccessible
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from classtap_core.seating.model import SeatMap, Status, Visibility
from classtap_desktop.canvas.dialogs.templates import TemplateDialog
from classtap_desktop.canvas.page import MapPage
from classtap_desktop.window import DeskWindow
from tests.desk.lives import Life
from tests.desk.maps import judged, rooms, template
from tests.desk.pictures import LOOKS, SIZES, take
from tests.desk.test_map_life import enter, shown
from tests.desk.world import World

Open = Callable[..., DeskWindow]


def lived_in(seat_map: SeatMap) -> SeatMap:
    """The room with a strip kept free at a wall, spots of every state and tag, and one too near to the right wall."""
    spots = list(seat_map.spots)
    spots[0] = replace(spots[0], tags=("accessible", "companion", "priority_row", "near_entrance", "extra_space"))
    spots[1] = replace(spots[1], tags=("premium", "instructor_view"))
    spots[2] = replace(spots[2], tags=("aisle",))
    spots[4] = replace(spots[4], status=Status.NEEDS_ATTENTION)
    spots[5] = replace(spots[5], status=Status.OUT_OF_SERVICE)
    spots[7] = replace(spots[7], visibility=Visibility.STAFF)
    spots[8] = replace(spots[8], visibility=Visibility.HIDDEN)
    wide = seat_map.room.width_um
    spots[6] = replace(spots[6], x_um=wide - spots[6].x_um // 10, rotation_mdeg=0)
    room = replace(seat_map.room, wall_offsets_um=(0, 0, 400_000, 300_000))
    return replace(seat_map, spots=tuple(spots), room=room)


def nameless(window: QWidget) -> list[str]:
    """What the keyboard reaches and a screen reader could not say."""
    found = []
    for one in window.findChildren(QWidget):
        if one.isVisible() and one.isEnabled() and one.focusPolicy() & Qt.FocusPolicy.TabFocus:
            seen = QAccessible.queryAccessibleInterface(one)
            if seen is None or not seen.text(QAccessible.Text.Name):
                found.append(f"{type(one).__name__} in {type(one.parentWidget()).__name__}")
    return found


@pytest.mark.parametrize("look", LOOKS)
def test_pictures_of_the_seat_maps(qtbot: QtBot, world: World, open_desk: Open, look: str) -> None:
    life = Life(world)
    life.publish()
    life.draft("second", lived_in(life.maps[2]))
    life.comment(life.draft("second", lived_in(life.maps[2])).id, "B7 stands in the sun.")
    life.lock()
    life.roll_out()
    window = rooms(qtbot, open_desk, "manager", **LOOKS[look])

    def pictured(name: str) -> None:
        for size, (wide, high) in SIZES.items():
            window.resize(wide, high)
            for _ in range(3):  # what was put off until everything has its size
                QCoreApplication.processEvents()
            take(qtbot, window, f"maps-{name}-{look}{size}")
        assert nameless(window) == []

    pictured("rooms")
    window.maps.show_spots(str(life.room))
    spots = window.maps.spots
    assert spots is not None
    qtbot.waitUntil(lambda: spots.list.count() > 0)
    pictured("works")
    spots.close_overlay()
    page: MapPage = enter(qtbot, window, life, str(life.draft("second", lived_in(life.maps[2])).id))
    judged(qtbot, page.editor)
    document = page.document
    document.select([document.seat_map.spots[6].id, document.seat_map.spots[10].id])
    pictured("editor")
    document.select([document.seat_map.spots[0].id])
    page.editor.show_page("form")
    pictured("form")
    page.editor.show_page("layers")
    page.editor.show_numbering()
    shown(qtbot, page, "numbering")
    pictured("numbering")
    page.dialogs["numbering"].close_overlay()
    page.editor.show_templates()
    dialog: TemplateDialog = shown(qtbot, page, "templates")
    pictured("templates")
    dialog.choose(template("reformer"))
    pictured("template")
    dialog.close_overlay()
    page.versions.click()
    shown(qtbot, page, "history")
    pictured("versions")
