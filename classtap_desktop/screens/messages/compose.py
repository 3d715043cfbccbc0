"""Writing a message to a session's families: the words, whether it is an emergency, and whom it reaches before it goes."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QPlainTextEdit, QWidget

from classtap_core.messaging.operations import LONGEST_TEXT
from classtap_desktop.kit import Button, Label, theme
from classtap_desktop.screens.messages.reading import BOOKED_IN, HERE, Preview, SessionChoice, Told, moment
from classtap_desktop.spacing import column, grown, row
from resources.text import Catalogue

MOST_SHOWN = 60


class Compose(QWidget):
    """Attributes: ``preview`` (whom it reaches now), ``send``. Signals: ``turned`` when another preview is wanted, ``sent``."""

    turned = Signal()
    sent = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.choices: tuple[SessionChoice, ...] = ()
        self.preview = Preview()
        self.may = True
        page = column(self, margins=(20, 18, 20, 20), gap=8)
        self.head = Label("", "heading", wrap=True)
        page.addWidget(self.head)
        self.session, self.whom = QComboBox(), QComboBox()
        for box in (self.session, self.whom):
            box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            box.setMinimumContentsLength(8)
            box.activated.connect(lambda _at: self.turned.emit())
        self.to = Label("", "label", token="muted")
        page.addWidget(self.to)
        page.addWidget(self.session)
        page.addWidget(self.whom)
        self.said = Label("", "label", token="muted")
        page.addWidget(self.said)
        self.text = QPlainTextEdit()
        self.text.setTabChangesFocus(True)
        self.text.setFixedHeight(grown(110))
        self.text.textChanged.connect(self._written)
        page.addWidget(self.text)
        self.urgent = QCheckBox()
        self.urgent.toggled.connect(lambda _on: self.turned.emit())
        page.addWidget(self.urgent)
        self.note = Label("", "secondary", token="muted", wrap=True)
        page.addWidget(self.note)
        line = row(gap=8)
        self.count = Label("", "strong", wrap=True)
        self.send = Button("", kind="primary")
        self.send.clicked.connect(lambda _=False: self.sent.emit())
        line.addWidget(self.count, 1)
        line.addWidget(self.send)
        page.addLayout(line)
        self._page = page
        self.lines: list[Label] = []
        page.addStretch(1)
        self.say()

    @property
    def chosen(self) -> SessionChoice | None:
        """The session that is written to."""
        return next((one for one in self.choices if one.id == self.session.currentData()), None)

    def offer(self, choices: tuple[SessionChoice, ...], *, now_ms: int, session: str = "") -> None:
        """Show the sessions there are; the one that was chosen stays, and the first is the nearest to now."""
        near = min(choices, key=lambda one: abs(one.start_ms - now_ms), default=None)
        held = session or self.session.currentData() or (near.id if near is not None else "")
        self.choices = choices
        self.session.clear()
        for one in choices:
            self.session.addItem(_name(one, theme().words), one.id)
        self.session.setCurrentIndex(max(0, self.session.findData(held)))
        self.turned.emit()

    def show_preview(self, preview: Preview) -> None:
        """Show whom it reaches and whom not."""
        self.preview = preview
        words = theme().words
        self.count.show_text(words.say_n("desk.messages.addresses", preview.addresses))
        shown = [_told(line, words) for line in preview.lines[:MOST_SHOWN]]
        if len(preview.lines) > MOST_SHOWN:
            shown.append(f"+{words.number(len(preview.lines) - MOST_SHOWN)}")
        for label in self.lines:
            label.hide()
            label.deleteLater()
        self.lines = [
            Label(said, "text", token="muted", wrap=True) for said in shown or [words.say("desk.messages.nobody")]
        ]
        for label in self.lines:
            self._page.insertWidget(self._page.count() - 1, label)
            label.show()
        self._written()

    def clear(self) -> None:
        """Ready for the next message."""
        self.text.clear()
        self.urgent.setChecked(False)

    def _written(self) -> None:
        text = self.text.toPlainText()
        fits = len(text.strip()) > 0 and len(text) <= LONGEST_TEXT
        self.send.setEnabled(self.may and fits and bool(self.preview.families))
        self.said.show_text(
            theme().words.say("desk.messages.text", n=len(text), most=LONGEST_TEXT)
        )  # fmt: skip

    def say(self) -> None:
        words = theme().words
        urgent = self.urgent.isChecked()
        self.head.show_text(words.say("desk.messages.write"))
        self.to.show_text(words.say("desk.messages.to"))
        self.session.setAccessibleName(words.say("desk.messages.to"))
        self.whom.setAccessibleName(words.say("desk.messages.whom"))
        self.text.setAccessibleName(words.say("desk.messages.words"))
        held = self.whom.currentData()
        self.whom.clear()
        for code in (BOOKED_IN, HERE):
            self.whom.addItem(words.say(f"desk.messages.whom.{code}"), code)
        self.whom.setCurrentIndex(max(0, self.whom.findData(held)))
        for at, one in enumerate(self.choices):
            self.session.setItemText(at, _name(one, words))
        self.urgent.setText(words.say("desk.messages.urgent"))
        code = "desk.messages.urgent_note" if urgent else "desk.messages.usual_note"
        self.note.show_text(words.say(code if self.may else "desk.messages.not_yours"))
        self.send.show_text(words.say("desk.messages.send_urgent" if urgent else "desk.messages.send"))
        self.show_preview(self.preview)


def _name(one: SessionChoice, words: Catalogue) -> str:
    return words.join([moment(one.start_ms, one.zone, words), one.name])


def _told(line: Told, words: Catalogue) -> str:
    if line.why:
        why = f"message.why.{line.why}"
        said = words.say(why) if words.has(why) else line.why
        return words.join([line.family, words.say("desk.goes.not", shown=line.shown, why=said)])
    goes = words.say("desk.goes.to", way=words.say(f"desk.sent.way.{line.channel}"), shown=line.shown)
    instead = f"desk.sent.way.{line.instead}"
    stands_in = words.say("desk.messages.instead", way=words.say(instead)) if line.instead else ""
    later = words.say("desk.messages.later", n=5 * line.wave) if line.wave else ""
    return words.join([line.family, line.who, goes, stands_in, later])
