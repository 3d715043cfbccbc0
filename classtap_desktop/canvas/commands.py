"""What a person can do in the editor, by the ids of the table of actions: one line each, most of them an edit and its name."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING

from msgspec.structs import replace

from classtap_core.seating import numbering
from classtap_core.seating.arranging import Edge
from classtap_core.seating.model import SeatMap, Spot, Unit
from classtap_desktop.canvas import edits
from classtap_desktop.canvas.edits import Clip
from classtap_desktop.canvas.tools.draw import AreaTool, MeasureTool, PanTool, PathTool, WallsTool
from classtap_desktop.canvas.tools.place import PlaceTool

if TYPE_CHECKING:
    from classtap_desktop.canvas.editor import Editor

TURN_MDEG = 15_000
ARROWS = {"left": (-1, 0), "right": (1, 0), "up": (0, -1), "down": (0, 1)}
_clipboard: list[Clip] = []
"""What was copied last, in whichever room: it is pasted into another."""


class Commands:
    """Attributes: ``does`` (by the action's id)."""

    def __init__(self, editor: Editor) -> None:
        self._editor, self._document, self._board = editor, editor.document, editor.board
        does: dict[str, Callable[[], object]] = {
            "map.undo": self._document.stack.undo,
            "map.redo": self._document.stack.redo,
            "map.save": editor.save,
            "map.select_all": lambda: self._document.select(self._board.items_in(self._board.room_box())),
            "map.select_none": self._escape,
            "map.delete": lambda: self._do("deleted", edits.without(self._map, self._ids)),
            "map.duplicate": self._duplicate,
            "map.copy": self._copy,
            "map.cut": lambda: self._copy() and self._do("cut", edits.without(self._map, self._ids)),
            "map.paste": self._paste,
            "map.group": lambda: self._do("grouped", edits.grouped(self._map, self._ids)),
            "map.ungroup": lambda: self._do("ungrouped", edits.ungrouped(self._map, self._ids)),
            "map.lock": self._lock,
            "map.turn_right": lambda: self._turn(TURN_MDEG),
            "map.turn_left": lambda: self._turn(-TURN_MDEG),
            "map.mirror": lambda: self._do("mirrored", edits.mirrored(self._map, self._ids)),
            "map.flip_view": self.flip_view,
            "map.spread_across": lambda: self._do("spread", edits.distributed(self._map, self._ids, across=True)),
            "map.spread_down": lambda: self._do("spread", edits.distributed(self._map, self._ids, across=False)),
            "map.zoom_in": lambda: self._board.zoom_by(1.1),
            "map.zoom_out": lambda: self._board.zoom_by(1 / 1.1),
            "map.zoom_all": self._board.fit,
            "map.zoom_full": lambda: self._board.zoom_to(1.0),
            "map.zoom_chosen": lambda: self._board.show_items(self._ids),
            "map.units": self.flip_units,
            "map.snap": editor.toggle_snap,
            "map.guides": editor.toggle_guides,
            "map.next": lambda: self.step(1),
            "map.previous": lambda: self.step(-1),
            "map.form": editor.show_form,
            "map.tool_select": lambda: self._board.use(self._board.home),
            "map.tool_pan": lambda: self._board.use(PanTool(self._board)),
            "map.tool_measure": lambda: self._board.use(MeasureTool(self._board)),
            "map.tool_path": lambda: self._board.use(PathTool(self._board)),
            "map.tool_area": lambda: self._board.use(AreaTool(self._board)),
            "map.tool_walls": lambda: self._board.use(WallsTool(self._board)),
            "map.number": editor.show_numbering,
            "map.template": editor.show_templates,
            "map.pattern": editor.show_patterns,
            "map.underlay": editor.show_underlay,
            "map.export": editor.show_export,
            "map.compare": editor.show_difference,
            "map.versions": editor.show_versions,
            "map.comments": editor.show_comments,
        }
        does |= {f"map.align_{edge}": partial(self._align, edge) for edge in Edge}
        for name, way in ARROWS.items():
            for size in ("", "_far", "_fine"):
                does[f"map.move_{name}{size}"] = partial(self.nudge, way, size)
        self.does = does

    @property
    def _map(self) -> SeatMap:
        return self._document.seat_map

    @property
    def _ids(self) -> tuple[str, ...]:
        return self._document.selection

    def run(self, id: str) -> bool:
        """Do what an action says; say whether there is such a one."""
        if id not in self.does:
            return False
        self.does[id]()
        return True

    def _do(self, code: str, after: SeatMap) -> bool:
        return self._editor.may_change() and self._document.do(code, after, count=len(self._ids))

    def _turn(self, by_mdeg: int) -> None:
        """The keyboard's turn goes back as the handle's does."""
        self._editor.guarded("turned", edits.turned(self._map, self._ids, by_mdeg))

    def _align(self, edge: Edge) -> None:
        self._do("aligned", edits.aligned_to(self._map, self._ids, edge))

    def nudge(self, way: tuple[int, int], size: str) -> None:
        """Move by a grid step, by ten (Shift), or by a millimetre (Alt): the keyboard's drag."""
        step = {"_far": self._board.grid_um * 10, "_fine": 1_000}.get(size, self._board.grid_um)
        across, down = way[0] * step, way[1] * step
        tool = self._board.tool
        if isinstance(tool, PlaceTool):
            tool.nudge(across, down)
        elif self._ids:
            self._editor.guarded("moved", edits.moved(self._map, self._ids, across, down))
        else:
            view = self._board.view
            self._board.look(view.panned(-across / view.um_per_px, -down / view.um_per_px))

    def step(self, by: int) -> None:
        """Select the next thing, or the one before, in the map's order."""
        items = [item.id for item in edits.every_item(self._map)]
        if not items:
            return
        at = items.index(self._ids[0]) if len(self._ids) else (-1 if by > 0 else 0)
        self._document.select([items[(at + by) % len(items)]], whole_groups=False)
        box = edits.box_around(self._map, self._ids)
        if box is not None and not self._board.rect().contains(
            self._board.view.point(((box.left + box.right) // 2, (box.top + box.bottom) // 2)).toPoint()
        ):
            self._board.show_items(self._ids)
        self._editor.speak(self._editor.describe(self._ids[0]))

    def _duplicate(self) -> None:
        board = self._board
        made = edits.duplicated(
            self._map, self._ids, grid_um=board.grid_um, um_per_px=board.view.um_per_px, snap=board.snap
        )
        if made.ids and self._editor.may_change():
            self._document.do("duplicated", made.seat_map, select=made.ids, count=len(made.ids))

    def _copy(self) -> bool:
        clip = edits.copied(self._map, self._ids)
        if clip is not None:
            _clipboard[:] = [clip]
        return clip is not None

    def _paste(self) -> None:
        """Pasted things hang on the pointer; Enter puts them in the middle of what is seen."""
        if not _clipboard or not self._editor.may_change():
            return
        clip = _clipboard[0]
        made = edits.pasted(self._map, clip, (0, 0))
        fresh = edits.items_by_id(made.seat_map)
        self._editor.place([fresh[id] for id in made.ids], clip.types, "pasted", once=True)

    def _lock(self) -> None:
        chosen = self._document.chosen()
        if chosen and self._editor.may_change():
            locked = not all(item.locked for item in chosen)
            self._document.do("locked" if locked else "unlocked", edits.with_lock(self._map, self._ids, locked=locked))

    def flip_units(self) -> None:
        """Metres or feet: only what is shown changes (ruling 11)."""
        unit = Unit.FOOT if self._map.unit is Unit.METRE else Unit.METRE
        self._document.do("units", replace(self._map, unit=unit), unit=unit.value)

    def flip_view(self) -> None:
        """The room as seen from the other side of its mirror: numbers change sides, nothing moves."""
        if not self._editor.may_change():
            return
        self._document.do("flipped", numbering.flipped(self._map, self._editor.numbering))

    def select_where(self, wanted: Callable[[Spot], bool]) -> None:
        """Select every spot of which something is so."""
        self._document.select(spot.id for spot in self._map.spots if wanted(spot))

    def select_ids(self, ids: Iterable[str]) -> None:
        """Select these."""
        self._document.select(ids, whole_groups=False)

    def _escape(self) -> None:
        if not self._board.tool.cancel():
            self._document.select(())
