"""The arrow: selects by pressing and by a band, drags with snapping, turns, resizes, and puts back what hurts a rule."""

from __future__ import annotations

from abc import ABC, abstractmethod
from math import atan2, degrees, hypot
from typing import TYPE_CHECKING

from msgspec.structs import replace
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QPainter

from classtap_core.seating.boxes import Box, around
from classtap_core.seating.model import PointUm, SeatMap, Spot, Zone
from classtap_core.seating.snapping import to_grid, turn_snapped, turn_stepped
from classtap_core.seating.validation.findings import Violation
from classtap_core.seating.validation.telling import Teller
from classtap_desktop.canvas import edits, overlays
from classtap_desktop.canvas.clearances import SHOWN_FOR, draw_clearances
from classtap_desktop.canvas.judge import newly_hurt
from classtap_desktop.canvas.scenery import Inks
from classtap_desktop.canvas.tools.reshape import Reshape, grips_of
from classtap_desktop.canvas.tools.snapper import Snapper
from classtap_desktop.canvas.tools.tool import Pointer, Tool
from classtap_desktop.kit import theme

if TYPE_CHECKING:
    from classtap_desktop.canvas.board import Board

START_PX = 4


class SelectTool(Tool):
    """Attributes: ``drag`` while things are moved, turned or reshaped."""

    name = "select"

    def __init__(self, board: Board) -> None:
        super().__init__(board)
        self.drag: Drag | None = None
        self._pressed: Pointer | None = None
        self._on: str = ""
        self._marquee: QRectF | None = None
        self._framed: tuple[SeatMap, tuple[str, ...], Box | None] | None = None

    def press(self, at: Pointer) -> None:
        self._pressed, self._on = at, ""
        board = self.board
        area = self._frame()
        if area is not None and self._grab(at, area):
            return
        item = board.item_at(at.place)
        if item is None:
            self._marquee = QRectF(at.px, at.px)
            if not at.shift and not at.ctrl:
                board.document.select(())
            return
        self._on = item.id
        if at.shift or at.ctrl:
            board.document.toggle([item.id])
        elif item.id not in board.document.selection:
            board.document.select([item.id])

    def _grab(self, at: Pointer, area: QRectF) -> bool:
        """Take a handle of the selection, if one was pressed."""
        board = self.board
        ids = [item.id for item in edits.free_to_change(board.document.seat_map, board.document.selection)]
        if not ids or board.document.readonly:
            return False
        if _near(at.px, overlays.turn_place(area), 10):
            self.drag = Turning(self, ids, at)
            return True
        single = board.document.items[ids[0]] if len(ids) == 1 else None
        grips = grips_of(single, board.view) if single is not None else []
        for grip in grips:
            if _near(at.px, grip.px, overlays.HANDLE_PX):
                self.drag = Reshaping(self, Reshape(ids[0], grip), at)
                return True
        return False

    def move(self, at: Pointer, *, down: bool) -> None:
        if not down:
            return
        if self._marquee is not None and self._pressed is not None:
            self._marquee = QRectF(self._pressed.px, at.px).normalized()
            self.board.update()
            return
        if self.drag is None and self._on and self._pressed is not None:
            if hypot(at.px.x() - self._pressed.px.x(), at.px.y() - self._pressed.px.y()) < START_PX:
                return
            ids = [
                item.id for item in edits.free_to_change(self.board.document.seat_map, self.board.document.selection)
            ]
            if self.board.document.readonly:
                self.board.document.barred.emit()
                self._on = ""
                return
            if not ids:
                self.board.told.emit("map.told.locked", {})
                self._on = ""
                return
            self.drag = Moving(self, ids, self._pressed, self._on if self._on in ids else ids[0])
        if self.drag is not None:
            self.drag.to(at)

    def release(self, at: Pointer) -> None:
        if self.drag is not None:
            self.drag.drop()
        elif self._marquee is not None:
            band = self._marquee
            self._marquee = None
            if band.width() > 2 or band.height() > 2:
                view = self.board.view
                left_top, right_bottom = view.place(band.topLeft()), view.place(band.bottomRight())
                found = self.board.items_in(Box(*left_top, *right_bottom))
                keep = self.board.document.selection if at.shift or at.ctrl else ()
                self.board.document.select([*keep, *found])
            self.board.update()
        self._pressed = None

    def twice(self, at: Pointer) -> None:
        if self.board.item_at(at.place) is not None:
            self.board.asked.emit()

    def begun(self) -> bool:
        return self.drag is not None or self._marquee is not None

    def forget(self) -> None:
        self._marquee = None
        if self.drag is not None:
            self.drag.give_up()

    def paint(self, painter: QPainter) -> None:
        inks = Inks()
        area = self._frame()
        if area is not None:
            ids = self.board.document.selection
            chosen = edits.chosen(self.board.shown, ids) if len(ids) <= SHOWN_FOR else []
            spots = [item for item in chosen if isinstance(item, Spot)]
            draw_clearances(painter, spots, self.board.shown, self.board.violations, self.board.view)
            overlays.draw_frame(painter, area, inks)
            if len(chosen) == 1 and (self.drag is None or isinstance(self.drag, Reshaping)):
                overlays.draw_corners(painter, (grip.px for grip in grips_of(chosen[0], self.board.view)), inks)
        if self.drag is not None:
            self.drag.paint(painter, inks)
        if self._marquee is not None:
            overlays.draw_marquee(painter, self._marquee, inks)

    def _frame(self) -> QRectF | None:
        box = self.drag.box() if self.drag is not None else None
        if box is None:
            key = (self.board.shown, self.board.document.selection)
            if self._framed is None or self._framed[0] is not key[0] or self._framed[1] is not key[1]:
                self._framed = (*key, edits.box_around(*key))
            box = self._framed[2]
        return self.board.view.rect(box) if box is not None else None


class Drag(ABC):
    """Something being dragged: the map before, the map it would make, and whether that may be.

    A drop of many waits for the judge's thread; it is a step or goes back once the verdict is here.
    """

    code = "moved"

    def __init__(self, tool: SelectTool, ids: list[str], start: Pointer) -> None:
        self.tool, self.board, self.ids, self.start = tool, tool.board, ids, start
        self.before: SeatMap = self.board.document.seat_map
        self.now: SeatMap = self.before
        self.was = self._known()
        self.dropped = False

    def _known(self) -> tuple[Violation, ...]:
        judge = self.board.judge
        if judge.seat_map is self.before:
            return judge.violations
        return judge.checker_for(self.before).violations()

    def to(self, at: Pointer) -> None:
        """Follow the pointer."""
        if self.dropped:
            return
        after = self.made(at)
        if after is not self.now:
            self.now = after
            self.board.preview(after, self.ids, spots=self.moved_spots())

    @abstractmethod
    def made(self, at: Pointer) -> SeatMap:
        """The map that the pointer's place makes."""

    def moved_spots(self) -> list[Spot] | None:
        """The spots that are elsewhere now, where that is all that is different; None where it is not known."""
        return None

    def box(self) -> Box | None:
        """The box around what is dragged, as it is now; None where it must be looked for."""
        return None

    def drop(self) -> None:
        """Keep what was made, unless it newly hurts a rule."""
        judge = self.board.judge
        self.dropped = True
        if self.now is self.before:
            self._end()
            self.board.preview(None)
        elif judge.seat_map is self.now:
            self._decide()
        else:
            judge.judged.connect(self._verdict)
            judge.look_at(self.now)

    def _verdict(self, seat_map: SeatMap, _found: object) -> None:
        if seat_map is self.now and self.dropped:
            self.board.judge.judged.disconnect(self._verdict)
            self._decide()

    def _decide(self) -> None:
        hurt = newly_hurt(self.was, self.board.judge.violations)
        self._end()
        if hurt:
            self.board.preview(None)
            code, params = Teller(self.now).told(hurt[0])
            self.board.told.emit("map.told.back", {"why": theme().words.say(code, **params)})
        else:
            self.board.document.do(self.code, self.now, count=len(self.ids))
            if self.board.previewing:
                self.board.preview(None)

    def give_up(self) -> None:
        """Back to where it was."""
        self._end()
        self.board.preview(None)

    def _end(self) -> None:
        self.dropped = True
        if self.tool.drag is self:
            self.tool.drag = None

    def paint(self, painter: QPainter, inks: Inks) -> None:
        """Draw what helps while it lasts."""
        about = frozenset(self.ids)
        overlays.draw_findings(
            painter, self.board.violations, about, self.board.crowd, self.board.view, self.board.shown.unit
        )


class Moving(Drag):
    """Things are moved together; the one that was pressed is put on the grid."""

    def __init__(self, tool: SelectTool, ids: list[str], start: Pointer, grabbed: str) -> None:
        super().__init__(tool, ids, start)
        box = edits.box_around(self.before, ids)
        assert box is not None
        self._items = edits.chosen(self.before, ids)
        self._box = self._at = box
        self._free = True
        self._now: list[edits.Item] = []
        spots_only = all(isinstance(item, Spot) for item in self._items)
        self._places = [self.board.crowd.place[item.id] for item in self._items] if spots_only else None
        self._anchor = edits.anchor_of(self.board.document.items[grabbed])
        self._snapper = self._made_snapper()

    def _made_snapper(self) -> Snapper:
        board = self.board
        return Snapper(self.before, board.crowd, self.ids, grid_um=board.grid_um, grid=board.snap, guides=board.guides)

    def made(self, at: Pointer) -> SeatMap:
        across, down = at.place[0] - self.start.place[0], at.place[1] - self.start.place[1]
        upright = at.shift and abs(across) < abs(down)
        level = at.shift and not upright
        across, down = (0 if upright else across), (0 if level else down)
        self._free = at.alt
        if not at.alt:
            anchor = (self._anchor[0] + across, self._anchor[1] + down)
            more = self._snapper.rest(self._box.shifted(across, down), anchor, self.board.view.um_per_px)
            across, down = (across if upright else across + more[0]), (down if level else down + more[1])
        self._at = self._box.shifted(across, down)
        self._now = [edits.shifted(item, across, down) for item in self._items]
        if not across and not down:
            return self.before
        if self._places is None:
            return edits.with_changed(self.before, self._now)
        spots = list(self.before.spots)
        for place, item in zip(self._places, self._now, strict=True):
            assert isinstance(item, Spot)
            spots[place] = item
        return replace(self.before, spots=tuple(spots))

    def moved_spots(self) -> list[Spot] | None:
        return None if self._places is None else [item for item in self._now if isinstance(item, Spot)]

    def box(self) -> Box:
        return self._at

    def paint(self, painter: QPainter, inks: Inks) -> None:
        board = self.board
        unit = board.shown.unit
        if not self._free:
            guides, gaps = self._snapper.lines()
            overlays.draw_guides(painter, guides, gaps, self._at, self._snapper.boxes, board.view, unit, inks)
        room = around(board.shown.room.corners())
        for start, stop, long in overlays.neighbours(self._at, board.crowd, self.ids, room):
            if 12 < long / board.view.um_per_px < 260:
                overlays.dimension(
                    painter, board.view.point(start), board.view.point(stop), overlays.length(long, unit), "info"
                )
        super().paint(painter, inks)


class Turning(Drag):
    """Things are turned about the middle of the box around them."""

    code = "turned"

    def __init__(self, tool: SelectTool, ids: list[str], start: Pointer) -> None:
        super().__init__(tool, ids, start)
        box = edits.box_around(self.before, ids)
        assert box is not None
        self._middle: PointUm = ((box.left + box.right) // 2, (box.top + box.bottom) // 2)
        single = self.board.document.items[ids[0]] if len(ids) == 1 else None
        self._own = getattr(single, "rotation_mdeg", 0) if single is not None else 0
        self._by = 0

    def made(self, at: Pointer) -> SeatMap:
        angle = degrees(atan2(at.place[0] - self._middle[0], self._middle[1] - at.place[1]))
        wanted = (self._own + round(angle * 1000)) % 360_000
        wanted = turn_stepped(wanted) if at.shift else turn_snapped(wanted)
        self._by = (wanted - self._own) % 360_000
        after = edits.turned(self.before, self.ids, self._by)
        if self.board.snap and len(self.ids) == 1:  # catalogue 15: on release its position snaps to the grid again
            item = edits.items_by_id(after)[self.ids[0]]
            x, y = edits.anchor_of(item)
            node = to_grid((x, y), self.board.grid_um, self.board.view.um_per_px)
            after = edits.moved(after, self.ids, node[0] - x, node[1] - y)
        return after

    def paint(self, painter: QPainter, inks: Inks) -> None:
        turn = (self._own + self._by) % 360_000
        place = self.board.view.point(self._middle)
        overlays.pill(painter, place, f"{turn / 1000:g}°", "info")
        super().paint(painter, inks)


class Reshaping(Drag):
    """A side or a corner of a zone, or a point of a way, is pulled."""

    code = "resized"

    def __init__(self, tool: SelectTool, shape: Reshape, start: Pointer) -> None:
        super().__init__(tool, [shape.id], start)
        self._shape = shape

    def made(self, at: Pointer) -> SeatMap:
        place = at.place
        if self.board.snap and not at.alt:
            place = to_grid(place, self.board.grid_um, self.board.view.um_per_px)
        item = self.board.document.items[self._shape.id]
        return edits.with_changed(self.before, [self._shape.pulled(item, place)])

    def paint(self, painter: QPainter, inks: Inks) -> None:
        item = edits.items_by_id(self.board.shown)[self._shape.id]
        if isinstance(item, Zone) and not item.points_um:
            unit = self.board.shown.unit
            text = f"{overlays.length(item.width_um, unit)} × {overlays.length(item.length_um, unit)}"
            overlays.pill(painter, self.board.view.point((item.x_um, item.y_um)), text, "info")
        super().paint(painter, inks)


def _near(one: QPointF, other: QPointF, reach: float) -> bool:
    return hypot(one.x() - other.x(), one.y() - other.y()) <= reach
