"""The form twin of the board: what is selected, field by field; with nothing selected, the room and its rules."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QLineEdit, QScrollArea, QWidget

from classtap_core.kernel.errors import BadInput
from classtap_core.seating.units import entered, reentered, shown
from classtap_desktop.canvas.document import Document
from classtap_desktop.canvas.fields import Field, fields_of, points_text, points_typed
from classtap_desktop.canvas.table import kind_words, turn_typed
from classtap_desktop.kit import Label, theme
from classtap_desktop.spacing import column


class Form(QWidget):
    """Attributes: ``editors`` by the code of their field. Signals: ``refused(code, params)`` for what is no length."""

    refused = Signal(str, object)

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self.editors: dict[str, QWidget] = {}
        self._fields: dict[str, Field] = {}
        self._shape: tuple[Any, ...] = ()
        self._filling = False
        whole = column(self, gap=8)
        self.title = Label("", "label", token="muted", elide=True)
        self.area = QScrollArea()
        self.area.setWidgetResizable(True)
        self.area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        whole.addWidget(self.title)
        whole.addWidget(self.area, 1)
        document.selected.connect(self.follow)
        document.changed.connect(lambda _before, _after: self.follow())
        theme().changed.connect(self._dress)
        self.follow(anew=True)

    def showEvent(self, event: Any) -> None:
        super().showEvent(event)
        self.follow()

    def follow(self, *, anew: bool = False) -> None:
        """Show what is selected as it is now."""
        if not self.isVisible() and not anew:
            return
        fields = fields_of(self._document)
        shape = tuple((field.code, field.kind, field.choices) for field in fields)
        self._fields = {field.code: field for field in fields}
        chosen, words = self._document.chosen(), theme().words
        one = kind_words(chosen[0], self._document.seat_map) if len(chosen) == 1 else ""
        self.title.show_text(
            one or (words.say_n("map.selected", len(chosen)) if chosen else words.say("map.form.room"))
        )
        self.area.setAccessibleName(self.title.whole_text())
        if shape != self._shape or anew:
            self._shape = shape
            self._build(fields)
        self._fill(fields)

    def _dress(self) -> None:
        self.follow(anew=True)

    def focus_first(self) -> None:
        """Put the keyboard into the first field."""
        first = next(iter(self.editors.values()), None)
        if first is not None:
            first.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def _build(self, fields: list[Field]) -> None:
        inside = QWidget()
        listed = column(inside, margins=(0, 0, 6, 8), gap=4)
        self.editors = {}
        words = theme().words
        for field in fields:
            name = words.say(f"map.field.{field.code}")
            editor = self._editor(field, name)
            editor.setAccessibleName(name)
            self.editors[field.code] = editor
            if field.kind != "check":
                label = Label(name, "secondary", token="muted", wrap=True)
                label.setBuddy(editor)
                listed.addWidget(label)
            listed.addWidget(editor)
        listed.addStretch(1)
        self.area.setWidget(inside)

    def _editor(self, field: Field, name: str) -> QWidget:
        code = field.code
        if field.kind == "choice":
            box = QComboBox()
            box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            box.setMinimumContentsLength(6)
            for value, words in field.choices:
                box.addItem(words, value)
            box.activated.connect(lambda at: self._take(code, box.itemData(at)))
            return box
        if field.kind == "check":
            check = QCheckBox(name)
            check.clicked.connect(lambda on: self._take(code, on))
            return check
        line = QLineEdit()
        line.editingFinished.connect(lambda: self._left(code, line))
        return line

    def _fill(self, fields: list[Field]) -> None:
        self._filling = True
        unit = self._document.seat_map.unit
        for field in fields:
            editor = self.editors[field.code]
            if isinstance(editor, QComboBox):
                editor.setCurrentIndex(editor.findData(field.value) if field.value is not None else -1)
            elif isinstance(editor, QCheckBox):
                editor.setTristate(field.value is None)
                state = Qt.CheckState.PartiallyChecked if field.value is None else (
                    Qt.CheckState.Checked if field.value else Qt.CheckState.Unchecked
                )  # fmt: skip
                editor.setCheckState(state)
            elif isinstance(editor, QLineEdit):
                text = self._text(field)
                if editor.text() != text:
                    editor.setText(text)
                editor.setPlaceholderText(theme().words.say("map.mixed") if field.value is None else "")
                if field.kind == "length":
                    editor.setToolTip(unit.value)
        self._filling = False

    def _text(self, field: Field) -> str:
        if field.value is None:
            return ""
        if field.kind == "length":
            return f"{shown(field.value, self._document.seat_map.unit)}"
        if field.kind == "turn":
            return f"{field.value / 1000:g}°"
        if field.kind == "points":
            return points_text(field.value, self._document.seat_map.unit)
        return str(field.value)

    def _left(self, code: str, line: QLineEdit) -> None:
        """A field was left: take what was typed, if it is another value."""
        field = self._fields.get(code)
        if field is None or line.text() == self._text(field):
            return
        try:
            self._take(code, self._read(field, line.text()))
        except BadInput as bad:
            self.refused.emit(f"error.{bad.code}", dict(bad.params))
            line.setText(self._text(field))

    def _read(self, field: Field, text: str) -> Any:
        unit = self._document.seat_map.unit
        if field.kind == "length":
            value = entered(text, unit) if field.value is None else reentered(text, field.value, unit)
            if value < 0 and field.code not in ("x", "y", "left", "top"):
                raise BadInput("length.not_a_number", text=text)
            if field.code in ("width", "length"):
                value = max(1_000, value)
            return value
        if field.kind == "points":
            return points_typed(text, field.value, unit)
        if field.kind == "turn":
            return turn_typed(text)
        if field.kind == "count":
            if not text.strip().isdigit() or len(text.strip()) > 6:
                raise BadInput("length.not_a_number", text=text)
            return int(text)
        return text.strip()

    def _take(self, code: str, value: Any) -> None:
        field = self._fields.get(code)
        if field is not None and not self._filling:
            self._document.do("form", field.make(value), field=theme().words.say(f"map.field.{code}"))
            self.follow()
