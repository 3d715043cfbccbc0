"""The editor of a rule: conditions in groups, each a line of fields; the rule as a sentence; and a child to try it on."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QLineEdit, QVBoxLayout, QWidget

from classtap_core.eligibility import rules
from classtap_core.kernel.errors import BadInput
from classtap_desktop.desk import Desk, failure
from classtap_desktop.kit import Button, Card, Label, theme
from classtap_desktop.screens.choice_box import choice_box
from classtap_desktop.screens.eligibility.draft import (
    AGE,
    ALL,
    FIELDS,
    GROUPS,
    START,
    Draft,
    drafted,
    whole,
)
from classtap_desktop.screens.eligibility.sentence import sentence
from classtap_desktop.screens.eligibility.trial import Trial
from classtap_desktop.screens.entries import OwnField
from classtap_desktop.spacing import column, grown, row

LARGE = 1.4
"""Above this size of text fields stand under one another."""


class RuleField(OwnField):
    """A rule in a form; `value()` is as a class keeps it. Attributes: ``root`` (the outermost group), ``said``, ``trial``.

    What nobody touched comes back word for word as it was.
    """

    def __init__(self, text: str, *, today: str) -> None:
        """``today``: the date where the desk stands, on which a child is tried first."""
        super().__init__()
        self._text, self._touched, self._today = text, False, today
        inside = column(self, gap=10)
        self.said = Label("", "text", wrap=True)
        self.root = GroupBox(_outermost(text), self._changed)
        self._trials = column()
        inside.addWidget(self.said)
        inside.addWidget(self.root)
        inside.addLayout(self._trials)
        self.trial: Trial | None = None
        self._say()

    def attach(self, desk: Desk) -> None:
        self.trial = Trial(desk, self.value, day=self._today)
        self._trials.addWidget(self.trial)

    def value(self) -> str:
        """The rule as JSON; "" where it asks for nothing. Raises BadInput where it is not whole."""
        if not self._touched:
            return self._text
        draft = self.root.draft()
        if not draft.parts:
            return ""
        text = rules.write(whole(draft if len(draft.parts) > 1 else draft.parts[0]))
        rules.read(text)
        return text

    def _changed(self) -> None:
        self._touched = True
        self._say()
        if self.trial is not None:
            self.trial.judge()
        self.changed.emit()

    def _say(self) -> None:
        words = theme().words
        try:
            text = self.value()
        except BadInput as bad:
            why = failure(bad.code, bad.params, words)
            self.said.show_text(words.say("desk.rule.unfinished", why=why))
            return
        told = words.say("desk.rule.sentence", rule=sentence(rules.read(text), words)) if text else ""
        self.said.show_text(told or words.say("desk.rule.anybody"))


def _outermost(text: str) -> Draft:
    """The whole rule as one group of which all must be met."""
    if not text:
        return Draft(ALL)
    made = drafted(rules.read(text))
    return made if made.kind == ALL and not made.warns else Draft(ALL, parts=[made])


def _said(field: QLineEdit | QComboBox) -> str:
    if isinstance(field, QLineEdit):
        return field.text()
    at = field.findText(field.currentText())
    return str(field.itemData(at)) if at >= 0 else field.currentText()


def _show(box: QComboBox, on: str) -> None:
    at = box.findData(on)
    if at >= 0:
        box.setCurrentIndex(at)
    else:
        box.setEditText(on)


class GroupBox(QWidget):
    """Conditions under one another and a button for one more. Attributes: ``lines``, ``add``."""

    def __init__(self, draft: Draft, changed: Callable[[], None]) -> None:
        super().__init__()
        self._kind, self._changed = draft.kind, changed
        self.lines: list[ConditionBox] = []
        inside = column(self, gap=8)
        self._rows: QVBoxLayout = column(gap=8)
        inside.addLayout(self._rows)
        self.add = Button(theme().words.say("desk.rule.add"), icon="plus", size="small")
        self.add.clicked.connect(lambda _=False: self.more().kind.setFocus(Qt.FocusReason.OtherFocusReason))
        inside.addWidget(self.add, 0, Qt.AlignmentFlag.AlignLeading)
        for part in draft.parts:
            self._put(part)

    def more(self, kind: str = AGE) -> ConditionBox:
        """One condition more, at the end."""
        made = self._put(Draft(kind))
        self._changed()
        return made

    def draft(self) -> Draft:
        return Draft(self._kind, parts=[line.draft() for line in self.lines])

    def _put(self, part: Draft) -> ConditionBox:
        made = ConditionBox(part, self._changed)
        made.removed.connect(lambda: self._remove(made))
        self.lines.append(made)
        self._rows.addWidget(made)
        return made

    def _remove(self, line: ConditionBox) -> None:
        self.lines.remove(line)
        line.hide()
        line.deleteLater()
        (self.lines[-1].kind if self.lines else self.add).setFocus(Qt.FocusReason.OtherFocusReason)
        self._changed()


class ConditionBox(Card):
    """One condition: its kind, its fields, whether it only warns, and of a group its conditions. Signals: ``removed``."""

    removed = Signal()

    def __init__(self, draft: Draft, changed: Callable[[], None]) -> None:
        super().__init__(radius=12)
        words = theme().words
        self._changed = changed
        inside = column(self, margins=(12, 8, 8, 10), gap=8)
        head = row(gap=8)
        self.kind = choice_box([(words.say(f"desk.rule.kind.{one}"), one) for one in FIELDS], draft.kind)
        self.kind.setAccessibleName(words.say("desk.rule.kind"))
        self.kind.activated.connect(lambda _at: self._rebuild())
        self.warns = QCheckBox(words.say("desk.rule.warns"))
        self.warns.setChecked(draft.warns)
        self.warns.toggled.connect(lambda _: changed())
        remove = Button("", icon="close", size="small", kind="quiet")
        remove.setAccessibleName(words.say("desk.rule.remove"))
        remove.setToolTip(words.say("desk.rule.remove"))
        remove.clicked.connect(lambda _=False: self.removed.emit())
        head.addWidget(self.kind, 1)
        head.addWidget(self.warns)
        head.addWidget(remove)
        inside.addLayout(head)
        self._below = column(gap=8)
        inside.addLayout(self._below)
        self._holds: QWidget | None = None
        self._build(draft)

    def draft(self) -> Draft:
        values = {name: _said(one) for name, one in self.fields.items()}
        parts = self.group.draft().parts if self.group is not None else []
        return Draft(str(self.kind.currentData()), values, parts, self.warns.isChecked())

    def pick(self, kind: str) -> None:
        """Choose another kind, as if somebody had."""
        self.kind.setCurrentIndex(self.kind.findData(kind))
        self._rebuild()

    def write(self, **values: str) -> None:
        """Type into fields, as if somebody had."""
        for name, value in values.items():
            field = self.fields[name]
            if isinstance(field, QLineEdit):
                field.setText(value)
            else:
                _show(field, value)
        self._changed()

    def _rebuild(self) -> None:
        now = self.draft()
        assert self._holds is not None
        self._holds.hide()
        self._holds.deleteLater()
        self._build(now)
        self._changed()

    def _line(self, text: str) -> QLineEdit:
        field = QLineEdit(text)
        field.textEdited.connect(lambda _text: self._changed())
        return field

    def _day(self, on: str) -> QComboBox:
        """The first day, the last, or a date that is typed."""
        words = theme().words
        box = choice_box([(words.say(f"desk.rule.on.{one}"), one) for one in (START, "end")])
        box.setEditable(True)
        box.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        _show(box, on or START)
        box.editTextChanged.connect(lambda _text: self._changed())
        return box

    def _build(self, draft: Draft) -> None:
        words = theme().words
        self.fields: dict[str, QLineEdit | QComboBox] = {}
        self.group: GroupBox | None = None
        holds = self._holds = QWidget()
        under = column(holds, gap=8)
        line = row(gap=10) if theme().text_scale < LARGE else column(gap=6)
        under.addLayout(line)
        for name in FIELDS[draft.kind]:
            code = f"desk.rule.field.{name}.{draft.kind}"
            said = words.say(code if words.has(code) else f"desk.rule.field.{name}")
            pair = column(gap=2)
            field = self.fields[name] = self._day(draft.text(name)) if name == "on" else self._line(draft.text(name))
            field.setAccessibleName(said)
            pair.addWidget(Label(said, "secondary", token="muted", wrap=True))
            pair.addWidget(field)
            line.addLayout(pair, 1)
        if draft.kind in GROUPS:
            self.group = GroupBox(Draft(draft.kind, parts=draft.parts), self._changed)
            indented = row()
            indented.addSpacing(grown(14))
            indented.addWidget(self.group, 1)
            under.addLayout(indented)
        self._below.addWidget(holds)
