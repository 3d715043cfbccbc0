"""Fields of a form that come several times: a card for each child, guardian or allergy, with one more at a press."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QGridLayout,
    QLineEdit,
    QPlainTextEdit,
    QScrollArea,
    QWidget,
)

from classtap_desktop.desk import Desk
from classtap_desktop.frame.dialog import named
from classtap_desktop.kit import Button, Card, theme
from classtap_desktop.spacing import column, grown, row

Value = str | bool
Values = Mapping[str, Value]


class OwnField(QWidget):
    """A field that is more than a line or a choice. Signals: ``changed``."""

    changed = Signal()

    def attach(self, desk: Desk) -> None:
        """Told of the desk by a form that has one."""

    def value(self) -> str:
        """What it says. Raises BadInput where it has to be mended first."""
        raise NotImplementedError


class Field(NamedTuple):
    """One field: its name in what is said, the code of its words, how many of the six columns it takes.

    `choices` are values with the codes of their words, `things` values with their own names; of `several` things any
    number may be ticked (a line each in what is said). `flag` makes it a box to tick, `tall` many lines of text; `hint`
    shows while it is empty. `own` makes a field of its own out of what stands in it.
    """

    name: str
    words: str
    columns: int = 2
    choices: tuple[tuple[str, str], ...] = ()
    flag: bool = False
    hint: str = ""
    things: tuple[tuple[str, str], ...] = ()
    several: bool = False
    tall: bool = False
    own: Callable[[str], OwnField] | None = None


COLUMNS = 6


class Entry(Card):
    """One card of fields. Signals: ``changed``, ``removed``."""

    changed = Signal()
    removed = Signal()

    def __init__(self, fields: Sequence[Field], values: Values, *, removable: bool = True) -> None:
        super().__init__(radius=12)
        self.widgets: dict[str, QWidget] = {}
        words = theme().words
        whole = row(self, margins=(14, 10, 10, 12), gap=8)
        grid = QGridLayout()
        grid.setHorizontalSpacing(theme().px(12))
        grid.setVerticalSpacing(theme().px(4))
        whole.addLayout(grid, 1)
        columns = COLUMNS if theme().text_scale < 1.4 else COLUMNS - 2
        line = at = 0
        for field in fields:
            wide = columns if field.own is not None else field.columns if columns == COLUMNS else columns // 2
            if at + wide > columns:
                line, at = line + 2, 0
            widget = self._widget(field, values.get(field.name, False if field.flag else ""))
            self.widgets[field.name] = widget
            name = words.say(field.words)
            if field.flag:
                widget.setAccessibleName(name)
                grid.addWidget(widget, line + 1, at, 1, wide)
            else:
                grid.addWidget(named(widget, name), line, at, 1, wide)
                grid.addWidget(widget, line + 1, at, 1, wide, Qt.AlignmentFlag.AlignTop)
            at += wide
        for number in range(columns):
            grid.setColumnStretch(number, 1)
        if removable:
            remove = Button(words.say("desk.form.remove"), size="small", kind="quiet")
            remove.clicked.connect(lambda _=False: self.removed.emit())
            whole.addWidget(remove, 0, Qt.AlignmentFlag.AlignTop)

    def _widget(self, field: Field, value: Value) -> QWidget:
        words = theme().words
        if field.flag:
            box = QCheckBox(words.say(field.words))
            box.setChecked(bool(value))
            box.toggled.connect(lambda _: self.changed.emit())
            return box
        if field.own is not None:
            own = field.own(str(value))
            own.changed.connect(self.changed)
            return own
        if field.several:
            ticks = Ticks(field.things, str(value).split("\n"))
            ticks.changed.connect(self.changed)
            return ticks
        if field.tall:
            text = QPlainTextEdit(str(value))
            text.setTabChangesFocus(True)
            text.setFixedHeight(grown(120))
            text.textChanged.connect(self.changed)
            return text
        if field.choices or field.things:
            choice = QComboBox()
            choice.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            choice.setMinimumContentsLength(6)
            for code, name in (*((code, words.say(said)) for code, said in field.choices), *field.things):
                choice.addItem(name, code)
            choice.setCurrentIndex(max(0, choice.findData(value)))
            choice.currentIndexChanged.connect(lambda _: self.changed.emit())
            return choice
        line = QLineEdit(str(value))
        if field.hint:
            line.setPlaceholderText(words.say(field.hint))
        line.textEdited.connect(lambda _: self.changed.emit())
        return line

    def values(self) -> dict[str, Value]:
        """What the fields say."""
        return {name: _value(widget) for name, widget in self.widgets.items()}

    def is_empty(self) -> bool:
        """Whether nothing was written: choices and ticks alone say nothing."""
        written = [_value(one) for one in self.widgets.values() if isinstance(one, QLineEdit | QPlainTextEdit)]
        return not any(written)

    def write(self, **values: str) -> None:
        """Put other values into fields, as if somebody had."""
        for name, value in values.items():
            widget = self.widgets[name]
            if isinstance(widget, QComboBox):
                widget.setCurrentIndex(widget.findData(value))
            elif isinstance(widget, QLineEdit):
                widget.setText(value)
        self.changed.emit()

    def take_focus(self) -> None:
        """Put the keyboard on the first field."""
        next(iter(self.widgets.values())).setFocus(Qt.FocusReason.OtherFocusReason)


class Entries(QWidget):
    """Cards of the same fields, and a button for one more. Signals: ``changed``."""

    changed = Signal()

    def __init__(
        self, fields: Sequence[Field], more: str, entries: Sequence[Values] = (), *, every: bool = False
    ) -> None:
        """``more``: the code of the button's words. ``every``: a card says something though nothing was written in it."""
        super().__init__()
        self._fields, self._every = tuple(fields), every
        self.entries: list[Entry] = []
        whole = column(self, gap=8)
        self._cards = column(gap=8)
        whole.addLayout(self._cards)
        self.more = Button(theme().words.say(more), size="small")
        self.more.clicked.connect(lambda _=False: self.add().take_focus())
        whole.addWidget(self.more, 0, Qt.AlignmentFlag.AlignLeading)
        for values in entries:
            self.add(values)

    def add(self, values: Values | None = None) -> Entry:
        """One card more, at the end."""
        entry = Entry(self._fields, values or {})
        entry.changed.connect(self.changed)
        entry.removed.connect(lambda: self._remove(entry))
        self.entries.append(entry)
        self._cards.addWidget(entry)
        self.changed.emit()
        return entry

    def values(self) -> list[dict[str, Value]]:
        """What the cards say, without those that say nothing."""
        return [entry.values() for entry in self.entries if self._every or not entry.is_empty()]

    def _remove(self, entry: Entry) -> None:
        self.entries.remove(entry)
        entry.hide()
        entry.deleteLater()
        (self.entries[-1].take_focus if self.entries else self.more.setFocus)()
        self.changed.emit()


class Ticks(QScrollArea):
    """Things of which any number may be ticked. Signals: ``changed``."""

    changed = Signal()

    def __init__(self, things: Sequence[tuple[str, str]], ticked: Sequence[str]) -> None:
        super().__init__()
        self.boxes: dict[str, QCheckBox] = {}
        self._before = tuple(ticked)
        inside = QWidget()
        lines = column(inside, margins=(2, 2, 2, 2), gap=2)
        for id, name in things:
            box = self.boxes[id] = QCheckBox(name)
            box.setChecked(id in ticked)
            box.toggled.connect(lambda _: self.changed.emit())
            lines.addWidget(box)
        lines.addStretch(1)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setWidget(inside)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setFixedHeight(min(inside.sizeHint().height(), grown(132)))

    def ticked(self) -> list[str]:
        """The ids of what is ticked: what was so before in the order it came, then the rest in the list's."""
        order = dict.fromkeys([*(id for id in self._before if id in self.boxes), *self.boxes])
        return [id for id in order if self.boxes[id].isChecked()]


def _value(widget: QWidget) -> Value:
    if isinstance(widget, QCheckBox):
        return widget.isChecked()
    if isinstance(widget, OwnField):
        return widget.value()
    if isinstance(widget, Ticks):
        return "\n".join(widget.ticked())
    if isinstance(widget, QPlainTextEdit):
        return widget.toPlainText().strip()
    if isinstance(widget, QComboBox):
        return str(widget.currentData())
    assert isinstance(widget, QLineEdit)
    return widget.text().strip()
