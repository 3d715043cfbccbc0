"""A question before something is given up or made public: what it means, and the answers as buttons."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from classtap_desktop.frame.overlay import Overlay
from classtap_desktop.kit import Button, Label, theme
from classtap_desktop.spacing import column, grown, row

_KINDS = {"save": "primary", "keep": "primary", "recover": "primary", "discard": "danger"}


class Question(Overlay):
    """Signals: ``answered(answer)``. The words are `<code>.title`, `<code>.text` and `map.answer.<answer>`."""

    answered = Signal(str)

    def __init__(self, over: QWidget, code: str, answers: tuple[str, ...], **params: object) -> None:
        super().__init__(over)
        words = theme().words
        inside = column(self.card, margins=(24, 20, 24, 20), gap=14)
        self.card.setFixedWidth(min(grown(480), over.width() - theme().px(64)))
        inside.addWidget(Label(words.say(f"{code}.title"), "heading", wrap=True))
        inside.addWidget(Label(words.say(f"{code}.text", **params), "text", token="muted", wrap=True))
        foot = row(gap=10)
        foot.addStretch(1)
        self.buttons: dict[str, Button] = {}
        for answer in reversed(answers):
            button = Button(words.say(f"map.answer.{answer}"), kind=_KINDS.get(answer, "plain"))
            button.clicked.connect(lambda _=False, answer=answer: self._answer(answer))
            self.buttons[answer] = button
            foot.addWidget(button)
        inside.addLayout(foot)
        self.closed.connect(self.deleteLater)

    def open(self) -> None:
        super().open()
        next(iter(self.buttons.values())).setFocus()

    def _answer(self, answer: str) -> None:
        self.close_overlay()
        self.answered.emit(answer)
