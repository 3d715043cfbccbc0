"""Rows, grids, arcs, fans and lanes: the numbers, a picture of what they make, and then where it goes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QComboBox, QLineEdit, QWidget

from classtap_core.kernel.errors import BadInput
from classtap_core.seating.boxes import united
from classtap_core.seating.model import EquipmentType, Room, SeatMap, Spot
from classtap_core.seating.units import entered, shown
from classtap_desktop.canvas import edits, placing
from classtap_desktop.canvas.dialogs.numbering import NumberedMap
from classtap_desktop.canvas.edits import Item
from classtap_desktop.canvas.placing import Pattern, Shape
from classtap_desktop.canvas.table import type_words
from classtap_desktop.desk import failure
from classtap_desktop.frame.dialog import CountField, Dialog, form, named
from classtap_desktop.kit import theme
from classtap_desktop.spacing import row

if TYPE_CHECKING:
    from classtap_desktop.canvas.editor import Editor

_LENGTHS = ("gap_side_um", "gap_row_um", "radius_um")
_COUNTS = ("rows", "columns", "growth")
_USED = {
    Pattern.ROW: ("columns", "gap_side_um"), Pattern.GRID: ("rows", "columns", "gap_side_um", "gap_row_um"),
    Pattern.ARC: ("columns", "gap_side_um", "radius_um"),
    Pattern.FAN: ("rows", "columns", "growth", "gap_side_um", "gap_row_um", "radius_um"),
    Pattern.LANES: ("columns", "gap_side_um"),
}  # fmt: skip


class PatternDialog(Dialog):
    """Attributes: ``kind``, ``type`` (choices), ``fields`` (by name), ``items`` (what would be put down)."""

    def __init__(self, over: QWidget, editor: Editor) -> None:
        words = theme().words
        super().__init__(over, words.say("map.pattern.title"), wide=860, high=540)
        self._editor = editor
        self.items: list[Item] = []
        seat_map = editor.document.seat_map
        self._types = placing.equipment(seat_map)
        sides = row(gap=22)
        self.body.addLayout(sides, 1)
        fields = form()
        self.kind, self.type = QComboBox(), QComboBox()
        for one in Pattern:
            self.kind.addItem(words.say(f"map.pattern.{one}"), one)
        self.kind.setCurrentIndex(1)
        for type in self._types:
            self.type.addItem(type_words(type), type.id)
        fields.addRow(named(self.kind, words.say("map.pattern.kind")), self.kind)
        fields.addRow(named(self.type, words.say("map.field.type")), self.type)
        self.fields: dict[str, CountField | QLineEdit] = {}
        start = Shape()
        for name in _COUNTS:
            spin = CountField(getattr(start, name), least=0 if name == "growth" else 1, most=60)
            spin.counted.connect(self._again)
            self.fields[name] = spin
        for name in _LENGTHS:
            line = QLineEdit(shown(getattr(start, name), seat_map.unit))
            line.textChanged.connect(self._again)
            self.fields[name] = line
        self._labels = {}
        for name in ("rows", "columns", "growth", *_LENGTHS):
            text = words.say(f"map.pattern.{name.removesuffix('_um')}")
            text = f"{text} ({seat_map.unit})" if name in _LENGTHS else text
            self._labels[name] = named(self.fields[name], text)
            fields.addRow(self._labels[name], self.fields[name])
        sides.addLayout(fields, 1)
        self.picture = NumberedMap()
        sides.addWidget(self.picture, 1)
        self.kind.currentIndexChanged.connect(self._again)
        self.type.currentIndexChanged.connect(self._typed)
        self.button(words.say("map.answer.stay"), self.close_overlay)
        self.take = self.button(words.say("map.pattern.take"), self.apply, kind="primary")
        self._typed()

    def _equipment(self) -> EquipmentType:
        return self._types[max(0, self.type.currentIndex())]

    def _typed(self, *_: object) -> None:
        """Another kind of equipment: its own clearances are the least gaps."""
        type, unit = self._equipment(), self._editor.document.seat_map.unit
        side, back = self.fields["gap_side_um"], self.fields["gap_row_um"]
        assert isinstance(side, QLineEdit)
        assert isinstance(back, QLineEdit)
        spacing = self._editor.document.seat_map.limits.spacing_um
        side.setText(shown(max(type.side_um, spacing), unit))
        back.setText(shown(max(type.front_um, type.rear_um, spacing), unit))
        self._again()

    def _again(self, *_: object) -> None:
        if not hasattr(self, "take"):
            return
        words, unit = theme().words, self._editor.document.seat_map.unit
        kind = Pattern(self.kind.currentData())
        for name, field in self.fields.items():
            for widget in (field, self._labels[name]):
                widget.setEnabled(name in _USED[kind])
        try:
            values: dict[str, int] = {}
            for name, field in self.fields.items():
                values[name] = field.value() if isinstance(field, CountField) else max(0, entered(field.text(), unit))
            self.items = placing.pattern(kind, self._equipment(), Shape(**values))
        except BadInput as bad:
            self.items = []
            self.complain(failure(bad.code, bad.params, words))
            self.take.setEnabled(False)
            return
        self.complain("")
        self.take.setEnabled(True)
        self.picture.show_numbered(_alone(self.items, self._equipment()))
        self.take.show_text(words.say_n("map.pattern.take", len(self.items)))

    def apply(self) -> None:
        """Hang them on the pointer."""
        if self.items:
            self.close_overlay()
            self._editor.place(self.items, (self._equipment(),), "placed", once=True)


def _alone(items: list[Item], type: EquipmentType) -> SeatMap:
    """Spots in a room of their own, for a picture."""
    empty = SeatMap(name="", room=Room(width_um=1_000_000, length_um=1_000_000), types=(type,))
    box = united(edits.item_box(item, empty) for item in items)
    edge = 400_000
    moved = [edits.shifted(item, edge - box.left, edge - box.top) for item in items]
    room = Room(width_um=box.width + 2 * edge, length_um=box.height + 2 * edge)
    return SeatMap(name="", room=room, types=(type,), spots=tuple(one for one in moved if isinstance(one, Spot)))
