"""Which column says what: a line a field, with the column that was guessed, to be corrected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QGridLayout, QWidget

from classtap_core.exchange.looking import ALIASES, NEEDED
from classtap_desktop.kit import Label, theme

_NONE = -1


class ColumnTable(QWidget):
    """Signals: ``changed`` when somebody chose another column. Attributes: ``boxes`` by field."""

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._kind = ""
        self._headers: Sequence[str] = ()
        self.boxes: dict[str, QComboBox] = {}
        self._names: dict[str, Label] = {}
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(theme().px(14))
        self._grid.setVerticalSpacing(theme().px(8))
        self._grid.setColumnStretch(0, 1)
        self._grid.setColumnStretch(1, 2)

    def show_columns(self, kind: str, headers: Sequence[str], columns: Mapping[str, int]) -> None:
        """Show the fields of a kind of file, and for each the column it was found in."""
        if (kind, headers) != (self._kind, self._headers):
            self._make(kind, headers)
        for field, box in self.boxes.items():
            box.setCurrentIndex(box.findData(columns.get(field, _NONE)))
        self.say()

    def columns(self) -> dict[str, int]:
        """What was chosen: field → place of its column."""
        return {field: box.currentData() for field, box in self.boxes.items() if box.currentData() != _NONE}

    def say(self) -> None:
        """Show every word in the language in force."""
        words = theme().words
        for field, label in self._names.items():
            name = words.say(f"import.field.{field}")
            needed = field in NEEDED.get(self._kind, ())
            label.show_text(words.say("desk.imports.needed", field=name) if needed else name)
            self.boxes[field].setAccessibleName(name)
            self.boxes[field].setItemText(0, words.say("desk.imports.no_column"))

    def _make(self, kind: str, headers: Sequence[str]) -> None:
        for widget in (*self.boxes.values(), *self._names.values()):
            self._grid.removeWidget(widget)
            widget.deleteLater()
        self._kind, self._headers = kind, headers
        self.boxes, self._names = {}, {}
        for line, field in enumerate(ALIASES.get(kind, ())):
            label, box = Label("", "text", wrap=True), QComboBox()
            box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            box.setMinimumContentsLength(6)
            box.addItem("", _NONE)
            for place, header in enumerate(headers):
                box.addItem(header or str(place + 1), place)
            box.activated.connect(lambda _at: self.changed.emit())
            self._names[field], self.boxes[field] = label, box
            self._grid.addWidget(label, line, 0)
            self._grid.addWidget(box, line, 1)
