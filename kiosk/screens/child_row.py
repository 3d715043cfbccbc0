"""One child on the board: who, what is known, and how they are arriving."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from classtap_desktop.kit import Avatar, Label, Pill, StateChoice, theme
from kiosk.screens.sentences import row_note
from kiosk.view import Row


class ChildRow(QWidget):
    """Signals: ``picked(state)``. ``wide`` is the room it will have, in pixels: the buttons go under the name where they
    would leave it too little."""

    picked = Signal(str)

    def __init__(self, row: Row, group_name: str, *, wide: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        here = theme()
        self._group_name = group_name
        self.avatar = Avatar(row.name, row.initials_colour)
        self.name = Label(row.name, "name", wrap=True)
        self.health = Pill(here.words.say("kiosk.health_note"), "warn", icon="plus", size="chip")
        self.note = Label("", "note", token="muted", wrap=True)
        self.choice = StateChoice(row.name)
        self.choice.picked.connect(self.picked)

        facts = QWidget()
        facts_line = QHBoxLayout(facts)
        facts_line.setContentsMargins(0, 0, 0, 0)
        facts_line.setSpacing(here.px(10))
        facts_line.addWidget(self.health, 0, Qt.AlignmentFlag.AlignVCenter)
        facts_line.addWidget(self.note, 1)
        facts.setMinimumHeight(self.health.sizeHint().height())
        who = QVBoxLayout()
        who.setSpacing(here.px(2))
        who.addStretch(1)
        who.addWidget(self.name)
        who.addWidget(facts)
        who.addStretch(1)
        first = QHBoxLayout()
        first.setSpacing(here.px(18))
        first.addWidget(self.avatar)
        first.addLayout(who, 1)
        buttons = self.choice.sizeHint().width()
        page = QVBoxLayout(self)
        page.setContentsMargins(0, here.px(12), 0, here.px(12))
        page.setSpacing(here.px(12))
        page.addLayout(first)
        if buttons > wide * 0.52:
            below = QHBoxLayout()
            below.addStretch(1)
            below.addWidget(self.choice)
            page.addLayout(below)
        else:
            first.addWidget(self.choice, 0, Qt.AlignmentFlag.AlignVCenter)

    def show_row(self, row: Row, *, zone: str, online: bool, trouble: bool) -> None:
        """Show the child as the board has it."""
        words = theme().words
        text, token = row_note(row, zone=zone, online=online, trouble=trouble)
        self.avatar.show_person(row.name, row.initials_colour)
        self.name.show_text(row.name)
        self.health.setVisible(row.health_note)
        self.note.set_token(token)
        self.note.show_text(text)
        self.choice.show_person(row.name)
        self.choice.show_state(row.state, saved=row.saved, disabled=row.blocked())
        state = words.say(f"state.{row.state}")
        self.setAccessibleName(words.say("kiosk.row_state", name=row.name, group=self._group_name, state=state))
        self.setAccessibleDescription(text)

    def has_button(self, widget: QWidget | None) -> bool:
        """Say whether a widget is one of this child's buttons."""
        return widget in self.choice.buttons.values()

    def focused_status(self) -> str | None:
        """Return the state whose button has the focus."""
        return next((state for state, button in self.choice.buttons.items() if button.hasFocus()), None)

    def take_focus(self, status: str | None) -> None:
        """Move the focus here, to the same state where it can be tapped, else to the first that can."""
        open_now = [button for button in self.choice.buttons.values() if button.isEnabled()]
        wanted = self.choice.buttons.get(status or "")
        button = wanted if wanted in open_now else next(iter(open_now), None)
        if button is not None:
            button.setFocus(Qt.FocusReason.TabFocusReason)
