"""The line below the board: what is selected and where, the pointer's place, and hints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget

from classtap_core.seating.boxes import Box
from classtap_core.seating.model import PointUm
from classtap_core.seating.units import UM_PER, shown
from classtap_desktop.canvas import edits
from classtap_desktop.kit import Label, theme
from classtap_desktop.spacing import row

if TYPE_CHECKING:
    from classtap_desktop.canvas.editor import Editor


class StatusLine(QWidget):
    """Attributes: ``chosen``, ``place``, ``said``, ``scale`` (labels)."""

    def __init__(self, editor: Editor) -> None:
        super().__init__(editor)
        self._document, self._board = editor.document, editor.board
        self.setProperty("ground", "surface")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._inside = inside = row(self, margins=(18, 7, 18, 7), gap=18)
        self.chosen = Label("", "label")
        self.said = Label("", "secondary", token="muted", elide=True)
        self.place = Label("", "secondary", token="muted")
        self.scale = Label("", "secondary", token="muted")
        inside.addWidget(self.chosen)
        inside.addWidget(self.said, 1)
        inside.addWidget(self.place)
        inside.addWidget(self.scale)
        self._document.selected.connect(self.follow)
        self._document.changed.connect(lambda _before, _after: self.follow())
        self._board.pointed.connect(self._pointed)
        self._board.viewed.connect(self._scaled)
        theme().changed.connect(self.follow)
        self.follow()

    def stand_beside(self, widget: QWidget) -> None:
        """Give a widget a place before the pointer's."""
        self._inside.insertWidget(self._inside.count() - 2, widget)

    def hint(self, text: str) -> None:
        """Say what can be done next; gone with the next selection."""
        self.said.show_text(text)

    def follow(self) -> None:
        """Say what is selected, and how far apart two things are."""
        self._scaled()
        words, seat_map = theme().words, self._document.seat_map
        ids, unit = self._document.selection, seat_map.unit
        if not ids:
            spots = len(seat_map.spots)
            self.chosen.show_text(words.say_n("map.spots", spots, bookable=seat_map.capacity()))
            self.said.show_text("")
            return
        self.chosen.show_text(words.say_n("map.selected", len(ids)))
        box = edits.box_around(seat_map, ids)
        assert box is not None
        parts = [
            f"x {shown(box.left, unit)}–{shown(box.right, unit)} {unit}",
            f"y {shown(box.top, unit)}–{shown(box.bottom, unit)} {unit}",
        ]
        if len(ids) == 2:
            one, other = (edits.item_box(item, seat_map) for item in self._document.chosen())
            parts.append(words.say("map.gap", length=f"{shown(gap_um(one, other), unit)} {unit}"))
        self.said.show_text(words.join(parts, by="   "))

    def _scaled(self) -> None:
        """How many pixels a metre or a foot has (catalogue 15, requirement 5)."""
        unit = self._document.seat_map.unit
        self.scale.show_text(f"\u2066{UM_PER[unit] / self._board.view.um_per_px:.1f} px/{unit}\u2069")  # left to right

    def _pointed(self, place: PointUm) -> None:
        unit = self._document.seat_map.unit
        self.place.show_text(f"x {shown(place[0], unit)}  y {shown(place[1], unit)} {unit}")


def gap_um(one: Box, other: Box) -> int:
    """What is free between two upright boxes, straight across or down; the larger of both, below 0 where they overlap."""
    across = max(one.left, other.left) - min(one.right, other.right)
    down = max(one.top, other.top) - min(one.bottom, other.bottom)
    return max(across, down)
