"""Language, look and text size: every choice holds at once, and is remembered."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QGridLayout, QVBoxLayout, QWidget

from classtap_core.access.blueprints import Capability
from classtap_desktop.desk import Desk
from classtap_desktop.kit import Button, Card, Label, theme
from classtap_desktop.screens.screen import Screen
from classtap_desktop.screens.settings.doors import DoorDialog
from classtap_desktop.screens.settings.scans import ScansDialog
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
        self.doors, self.scans = Button("", size="small"), Button("", size="small")
        self.doors.clicked.connect(lambda _=False: DoorDialog(desk, self.window()).open())
        self.scans.clicked.connect(lambda _=False: ScansDialog(desk, self.window()).open())
        head = row(gap=10)
        head.addWidget(self.title, 1)
        head.addWidget(self.scans)
        head.addWidget(self.doors)
        self.page.addLayout(head)
        self.card = Card(radius=18)
        inside = column(self.card, margins=(22, 20, 22, 22), gap=22)
        self._heads: dict[str, tuple[Label, Label]] = {}
        self._rows: dict[str, _Choices] = {}
        self.choices: dict[str, dict[object, Button]] = {}
        wanted: dict[str, Sequence[object]] = {
            "locale": [language.code for language in languages()],
            "look": LOOKS,
            "text_scale": SIZES,
        }
        for name, values in wanted.items():
            inside.addLayout(self._section(name, values))
        self.page.addWidget(self.card)
        self.page.addStretch(1)
        desk.operated.connect(self._operated)
        self._operated()
        self.say()

    def _operated(self) -> None:
        """What the whole studio sets is for who may set it, and its figures for who may look into what was done."""
        self.doors.setVisible(self.desk.may(Capability.PUBLISH_POLICY))
        self.scans.setVisible(self.desk.may(Capability.VIEW_AUDIT, location=self.desk.source.place.location))

    def _section(self, name: str, values: Sequence[object]) -> QVBoxLayout:
        block = column(gap=3)
        head, hint = Label("", "strong"), Label("", "secondary", token="muted", wrap=True)
        block.addWidget(head)
        block.addWidget(hint)
        block.addSpacing(theme().px(7))
        self._heads[name] = (head, hint)
        buttons = {value: Button("", checkable=True) for value in values}
        for value, button in buttons.items():
            button.clicked.connect(lambda _=False, value=value: self.liked.emit({name: value}))
        self.choices[name] = buttons
        self._rows[name] = _Choices(list(buttons.values()))
        block.addWidget(self._rows[name])
        return block

    def say(self) -> None:
        here = theme()
        words = here.words
        self.card.setMaximumWidth(grown(900))
        self.title.show_text(words.say("desk.screen.settings"))
        self.doors.show_text(words.say("desk.doors.open"))
        self.scans.show_text(words.say("desk.scans.open"))
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
        for choices in self._rows.values():
            choices.wrap()

    def take_focus(self) -> None:
        self.choices["locale"][theme().words.language].setFocus(Qt.FocusReason.OtherFocusReason)


class _Choices(QWidget):
    """Buttons side by side, in as many lines as they need."""

    def __init__(self, buttons: list[Button]) -> None:
        super().__init__()
        self._buttons = buttons
        self._columns = 0
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(theme().px(8))
        self._place(len(buttons))

    def wrap(self) -> None:
        """Use as many columns as fit, the widest button in each."""
        gap, wide = self._grid.horizontalSpacing(), [button.sizeHint().width() for button in self._buttons]
        fits = sum(wide) + gap * (len(wide) - 1) <= self.width()
        self._place(len(wide) if fits else max(1, (self.width() + gap) // (max(wide) + gap)))

    def _place(self, columns: int) -> None:
        if columns == self._columns:
            return
        self._grid.setColumnStretch(self._columns, 0)
        self._columns = columns
        for at, button in enumerate(self._buttons):
            self._grid.addWidget(button, at // columns, at % columns)
        self._grid.setColumnStretch(columns, 1)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.wrap()

    def minimumSizeHint(self) -> QSize:
        hint = super().minimumSizeHint()
        return QSize(max(button.sizeHint().width() for button in self._buttons), hint.height())
