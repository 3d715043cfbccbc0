"""The form of a policy: it says what would change and asks once more, and fills itself from any version before."""

from __future__ import annotations

from PySide6.QtWidgets import QLineEdit, QWidget

from classtap_core.kernel.errors import BadInput
from classtap_desktop.desk import Desk
from classtap_desktop.kit import Button, Label, theme
from classtap_desktop.screens.sheet import Sheet
from classtap_desktop.screens.sheet_form import SheetForm
from classtap_desktop.screens.studio.matrix import MatrixField
from classtap_desktop.screens.studio.policies import Past, PolicySheet
from classtap_desktop.spacing import row


class PolicyForm(SheetForm):
    """Attributes: ``changes`` (what is about to be published), ``takes`` (a button for each version before, newest first)."""

    def __init__(self, desk: Desk, over: QWidget, sheet: Sheet) -> None:
        assert isinstance(sheet, PolicySheet)
        super().__init__(desk, over, sheet)
        words = theme().words
        self._policy, self._confirmed = sheet, False
        self.takes: list[Button] = []
        self.body.takeAt(self.body.count() - 1)  # the stretch: history stands above it
        into = self.section("desk.policies.history")
        for past in sheet.past:
            line = row(gap=10)
            line.addWidget(Label(past.said, "text", wrap=True), 1)
            take = Button(words.say("desk.policies.take"), size="small")
            take.setAccessibleName(f"{words.say('desk.policies.take')}: {past.said}")
            take.clicked.connect(lambda _=False, past=past: self.fill(past))
            line.addWidget(take)
            self.takes.append(take)
            into.addLayout(line)
        self.body.addStretch(1)
        self.changes = Label("", "text", token="warn", wrap=True)
        self.above_foot(self.changes)
        self.changes.hide()

    def fill(self, past: Past) -> None:
        """Put what a version said into the form; nothing is published by it."""
        widgets = self.one["rules"].widgets
        for name, value in past.fields.items():
            widget = widgets[name]
            if isinstance(widget, MatrixField):
                widget.write(value)
            else:
                assert isinstance(widget, QLineEdit)
                widget.setText(value)
        self.note_change()

    def note_change(self) -> None:
        super().note_change()
        self._ask("")

    def _ask(self, text: str) -> None:
        """Say what would be published and that it takes another press; with nothing, take that back."""
        words = theme().words
        self._confirmed = bool(text)
        self.changes.show_text(text)
        self.changes.setVisible(bool(text))
        self.save.show_text(words.say("desk.policies.publish" if text else "desk.families.save"))

    def _save(self) -> None:
        if not self._confirmed:
            try:
                anything = bool(self.payloads())
                said = self._policy.changes(self.written_down()) if anything else []
            except BadInput:
                said = []  # it is said below, where every form says it
            if said:
                self.complain("")
                self._ask(" ".join(said))
                return
        super()._save()
