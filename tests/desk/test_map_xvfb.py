"""A real window on a real display, dragged by xdotool: what a hand does, Qt's own press, move and release included."""

from __future__ import annotations

import subprocess

import pytest
from PySide6.QtCore import QPoint
from pytestqt.qtbot import QtBot

from tests.desk.maps import bikes, editing


def xdotool(*words: str) -> None:
    subprocess.run(["xdotool", *words], check=True, timeout=20)


@pytest.mark.xvfb
@pytest.mark.needs("xdotool")
def test_a_bike_is_dragged_by_a_real_pointer_onto_the_grid_and_off_a_pillar(qtbot: QtBot) -> None:
    seat_map = bikes((2_000_000, 2_000_000), pillars=((6_000_000, 2_000_000),))
    with editing(qtbot, seat_map, zoom=0.8) as editor:
        board = editor.board
        board.guides = False

        def at(x_um: int, y_um: int) -> list[str]:
            point: QPoint = board.mapToGlobal(board.view.point((x_um, y_um)).toPoint())
            return [str(point.x()), str(point.y())]

        def hand(start: tuple[int, int], stop: tuple[int, int]) -> None:
            xdotool("mousemove", *at(*start), "mousedown", "1")
            qtbot.waitUntil(lambda: bool(editor.document.selection))
            for step in range(1, 6):
                place = [one + (other - one) * step // 5 for one, other in zip(start, stop, strict=True)]
                xdotool("mousemove", *at(place[0], place[1]))
            qtbot.waitUntil(lambda: board.previewing)
            xdotool("mouseup", "1")

        hand((2_000_000, 2_000_000), (3_480_000, 4_030_000))
        qtbot.waitUntil(lambda: editor.document.stack.count() == 1)
        spot = editor.document.seat_map.spots[0]
        assert (spot.x_um, spot.y_um) == (3_500_000, 4_000_000)
        heard: list[str] = []
        editor.spoke.connect(heard.append)
        hand((spot.x_um, spot.y_um), (6_000_000, 2_000_000))
        qtbot.waitUntil(lambda: bool(heard))
        assert heard[-1].startswith("It goes back: B1")
        assert editor.document.seat_map.spots[0] == spot
        assert not board.previewing
