"""The map being edited: what it is now, what is selected, and every step that can be undone, by name."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QUndoCommand, QUndoStack

from classtap_core.seating.model import SeatMap
from classtap_desktop.canvas import edits
from classtap_desktop.canvas.edits import Item
from classtap_desktop.kit import theme

STEPS = 500
"""So many steps can be undone (the catalogue asks for 50, the issue for 200). Maps share what did not change."""


class Look(NamedTuple):
    """A map with what is selected in it."""

    seat_map: SeatMap
    selection: tuple[str, ...]


class Step(QUndoCommand):
    """One step from a map to the next. It changes nothing but which of the two is shown."""

    def __init__(self, document: Document, code: str, before: Look, after: Look) -> None:
        super().__init__()
        self._document, self.code, self._before, self._after = document, code, before, after

    def undo(self) -> None:
        self._document._show(self._before)

    def redo(self) -> None:
        self._document._show(self._after)


class Document(QObject):
    """Attributes: ``seat_map`` (never changed in place), ``selection`` (ids, in the map's order), ``stack``,
    ``readonly`` (no step is taken).

    Signals: ``barred`` when a step was asked for that may not be taken, ``changed(before, after)`` when the map is another, ``selected`` when the selection is, ``marked`` when
    whether something is unsaved or can be undone may have changed.
    """

    changed = Signal(object, object)
    selected = Signal()
    marked = Signal()
    barred = Signal()

    def __init__(self, seat_map: SeatMap, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.seat_map = seat_map
        self.selection: tuple[str, ...] = ()
        self.readonly = False
        self.stack = QUndoStack(self)
        self.stack.setUndoLimit(STEPS)
        # Qt owns pushed commands; without a reference of our own Python may collect their methods (NodeGraphQt #223).
        self._steps: list[Step] = []
        self._recovered = False
        self._items: dict[str, Item] | None = None
        self.stack.indexChanged.connect(self._moved)
        self.stack.cleanChanged.connect(lambda _clean: self.marked.emit())

    def close(self) -> None:
        """Let go of the steps; QUndoStack emits `indexChanged` from its destructor otherwise (openpilot #26465)."""
        self.stack.blockSignals(True)
        self.stack.clear()
        self._steps.clear()

    @property
    def items(self) -> dict[str, Item]:
        """Everything that can be selected, by id."""
        if self._items is None:
            self._items = edits.items_by_id(self.seat_map)
        return self._items

    @property
    def unsaved(self) -> bool:
        """Whether the map is another than the one last saved."""
        return self._recovered or not self.stack.isClean()

    def chosen(self) -> list[Item]:
        """The selected things, in the map's order."""
        return edits.chosen(self.seat_map, self.selection)

    def load(self, seat_map: SeatMap, *, recovered: bool = False) -> None:
        """Begin with another map: nothing can be undone. A recovered one is unsaved from the start."""
        before, self.seat_map, self.selection, self._items = self.seat_map, seat_map, (), None
        self._recovered = recovered
        self.stack.clear()
        self._steps.clear()
        self.changed.emit(before, seat_map)
        self.selected.emit()
        self.marked.emit()

    def do(self, code: str, after: SeatMap, *, select: Iterable[str] | None = None, **params: object) -> bool:
        """Take a step, named by `map.step.<code>`; say whether anything is different."""
        if after is self.seat_map or after == self.seat_map:
            return False
        if self.readonly:
            self.barred.emit()
            return False
        there = edits.items_by_id(after)
        selection = tuple(id for id in (self.selection if select is None else select) if id in there)
        step = Step(self, code, Look(self.seat_map, self.selection), Look(after, selection))
        step.setText(theme().words.say(f"map.step.{code}", **params))
        self._steps = [*self._steps[: self.stack.index()][-STEPS:], step]
        self.stack.push(step)
        return True

    def select(self, ids: Iterable[str], *, whole_groups: bool = True) -> None:
        """Select these things and no others; with a group's member goes the group."""
        wanted = edits.with_groups(self.seat_map, ids) if whole_groups else tuple(ids)
        if wanted != self.selection:
            self.selection = wanted
            self.selected.emit()

    def toggle(self, ids: Iterable[str]) -> None:
        """Take things into the selection, or out of it."""
        wanted = frozenset(edits.with_groups(self.seat_map, ids))
        self.select(wanted ^ frozenset(self.selection), whole_groups=False)

    def saved(self) -> None:
        """What is shown is what is kept."""
        self._recovered = False
        self.stack.setClean()
        self.marked.emit()

    def _show(self, look: Look) -> None:
        before, self.seat_map, self._items = self.seat_map, look.seat_map, None
        selection, self.selection = self.selection, look.selection
        self.changed.emit(before, look.seat_map)
        if selection != look.selection:
            self.selected.emit()

    def _moved(self, _index: int) -> None:
        self.marked.emit()
