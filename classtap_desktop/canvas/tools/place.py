"""Putting new things down: a ghost follows the pointer, snaps, says why a place is no good and shows the nearest good one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QPainter

from classtap_core.seating.boxes import united
from classtap_core.seating.model import EquipmentType, PointUm, SeatMap, Spot, Zone
from classtap_core.seating.validation.telling import Teller
from classtap_desktop.canvas import edits, overlays, placing, scenery
from classtap_desktop.canvas.edits import Item
from classtap_desktop.canvas.sprites import Face, draw_spot
from classtap_desktop.canvas.tools.snapper import Snapper
from classtap_desktop.canvas.tools.tool import Pointer, Tool
from classtap_desktop.kit import theme

if TYPE_CHECKING:
    from classtap_desktop.canvas.board import Board

WALL_REACH_PX = 34
_PLAIN = Face()


class PlaceTool(Tool):
    """Attributes: ``things`` (around (0, 0), with ids that change at every placing), ``at`` (where the ghost is)."""

    name = "place"
    cursor = Qt.CursorShape.CrossCursor

    def __init__(
        self, board: Board, things: Sequence[Item], types: Sequence[EquipmentType], code: str, *, once: bool
    ) -> None:
        super().__init__(board)
        self.things, self._types, self._code, self._once = list(things), tuple(types), code, once
        self.at: PointUm | None = None
        self._offer: PointUm | None = None
        self._snapper: Snapper | None = None
        self._with: SeatMap = edits.with_added(board.document.seat_map, [], types)
        self._box = united(edits.item_box(item, edits.with_added(self._with, [item], types)) for item in things)

    def press(self, at: Pointer) -> None:
        self._follow(at)

    def move(self, at: Pointer, *, down: bool) -> None:
        self._follow(at)

    def release(self, at: Pointer) -> None:
        self._follow(at)
        if self.at is not None:
            self.put(self.at)

    def accept(self) -> bool:
        self.put(self.at or self.board.middle_place())
        return True

    def nudge(self, across_um: int, down_um: int) -> None:
        """Move the ghost with the arrow keys."""
        place = self.at or self.board.middle_place()
        self.at, self._offer = (place[0] + across_um, place[1] + down_um), None
        self.board.update()

    def _follow(self, at: Pointer) -> None:
        board = self.board
        place = at.place
        self._offer = None
        if not at.alt:
            if self._snapper is None:
                seat_map = board.document.seat_map
                self._snapper = Snapper(
                    seat_map, board.crowd, (), grid_um=board.grid_um, grid=board.snap, guides=board.guides
                )
            more = self._snapper.rest(self._box.shifted(*place), place, board.view.um_per_px)
            place = (place[0] + more[0], place[1] + more[1])
        self.at = place
        board.update()

    def _placed(self, place: PointUm) -> list[Item]:
        at_wall = placing.at_wall(
            self.things, self.board.document.seat_map, place, WALL_REACH_PX * self.board.view.um_per_px
        )
        return at_wall or [edits.shifted(item, *place) for item in self.things]

    def put(self, place: PointUm) -> bool:
        """Put the things down with their middle at a place; say whether they may stand there."""
        board = self.board
        if self._offer is not None:
            place = self._offer
        seat_map = board.document.seat_map
        known = board.judge.violations if board.judge.seat_map is seat_map else ()
        found = placing.put(seat_map, self._placed(place), self._types, known, grid_um=board.grid_um)
        if found.seat_map is None or not board.document.do(
            self._code, found.seat_map, select=found.ids, count=len(found.ids)
        ):
            self._refuse(found, place)
            return False
        self.things = [edits.with_new_id(item) for item in self.things]
        self._snapper, self._offer = None, None
        if self._once:
            board.use(board.home)
        return True

    def _refuse(self, found: placing.Placed, place: PointUm) -> None:
        """Say why, and show the nearest place that would do: Enter or another press puts it there."""
        if found.why is None or found.tried is None:
            return
        code, params = Teller(found.tried).told(found.why)
        why = theme().words.say(code, **params)
        if found.instead is not None:
            self._offer = (place[0] + found.instead[0], place[1] + found.instead[1])
            self.at = self._offer
            self.board.told.emit("map.told.not_here_but", {"why": why})
        else:
            self.board.told.emit("map.told.not_here", {"why": why})
        self.board.update()

    def paint(self, painter: QPainter) -> None:
        if self.at is None:
            return
        board, view = self.board, self.board.view
        inks = scenery.Inks()
        items = self._placed(self.at)
        shown = edits.with_added(self._with, items, self._types)
        types = shown.types_by_id()
        painter.setOpacity(0.7)
        for item in items:
            if isinstance(item, Spot):
                painter.save()
                painter.translate(view.point((item.x_um, item.y_um)))
                draw_spot(painter, types[item.type], item.rotation_mdeg, _PLAIN, zoom=view.zoom)
                painter.restore()
            elif isinstance(item, Zone):
                scenery.draw_zone(painter, item, shown, view, inks, chosen=True, hurt=False)
            else:
                scenery.draw_path(painter, item, view, inks, chosen=True, hurt=False)
        painter.setOpacity(1.0)
        if self._snapper is not None and self._offer is None:
            guides, gaps = self._snapper.lines()
            box = self._box.shifted(*self.at)
            overlays.draw_guides(painter, guides, gaps, box, self._snapper.boxes, view, board.shown.unit, inks)
