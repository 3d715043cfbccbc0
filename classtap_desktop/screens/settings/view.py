"""Language, look and text size: every choice holds at once, and is remembered."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from classtap_desktop.desk import Desk
from classtap_desktop.kit import Button, Card, Label, theme
from classtap_desktop.screens.screen import Screen
from classtap_desktop.spacing import column, grown, row
from resources.text import languages

LOOKS = ("system", "light", "dark", "bright")
SIZES = (1.0, 1.25, 1.5, 2.0)


class SettingsScreen(Screen):
    """Signals: ``liked`` with what was picked, as keyword arguments of ``Theme.use``."""

    NAME = "settings"
    liked = Signal(object)

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(desk, parent)
        self.page.setContentsMargins(26, 18, 26, 22)
        self.title = Label("", "title")
        self.page.addWidget(self.title)
        card = Card(radius=18)
        inside = column(card, margins=(22, 20, 22, 22), gap=22)
        self._heads: dict[str, tuple[Label, Label]] = {}
        self.choices: dict[str, dict[object, Button]] = {"locale": {}, "look": {}, "text_scale": {}}
        wanted: dict[str, Sequence[object]] = {
            "locale": [language.code for language in languages()],
            "look": LOOKS,
            "text_scale": SIZES,
        }
        for name, values in wanted.items():
            inside.addLayout(self._section(name, values))
        self.card = card
        self.page.addWidget(card)
        self.page.addStretch(1)
        self.say()

    def _section(self, name: str, values: Sequence[object]) -> QVBoxLayout:
        block = column(gap=3)
        head, hint = Label("", "strong"), Label("", "secondary", token="muted", wrap=True)
        block.addWidget(head)
        block.addWidget(hint)
        block.addSpacing(theme().px(7))
        self._heads[name] = (head, hint)
        buttons = row(gap=8)
        for value in values:
            button = Button("", checkable=True)
            button.clicked.connect(lambda _=False, value=value: self.liked.emit({name: value}))
            self.choices[name][value] = button
            buttons.addWidget(button)
        buttons.addStretch(1)
        block.addLayout(buttons)
        return block

    def say(self) -> None:
        here = theme()
        words = here.words
        self.card.setMaximumWidth(grown(900))
        self.title.show_text(words.say("desk.screen.settings"))
        for name, (head, hint) in self._heads.items():
            head.show_text(words.say(f"desk.settings.{name}"))
            hint.show_text(words.say(f"desk.settings.{name}_hint"))
        own = {language.code: language.name for language in languages()}
        for code, button in self.choices["locale"].items():
            button.show_text(own[str(code)])
            button.setChecked(here.words.language == code)
        for look, button in self.choices["look"].items():
            button.show_text(words.say(f"desk.look.{look}"))
            button.setChecked(here.look == look)
        for scale, button in self.choices["text_scale"].items():
            button.show_text(words.say("desk.percent", n=round(float(str(scale)) * 100)))
            button.setChecked(abs(here.text_scale - float(str(scale))) < 0.01)

    def take_focus(self) -> None:
        self.choices["locale"][theme().words.language].setFocus(Qt.FocusReason.OtherFocusReason)
