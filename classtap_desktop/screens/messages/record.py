"""What became of one message: each address with its state, who was passed over and why, and another try."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from classtap_core.kernel.ids import Id
from classtap_core.messaging.records import UNREACHED, Delivery, PassedOver
from classtap_core.messaging.routing import ESCALATE_MS
from classtap_core.messaging.templates import TEMPLATES
from classtap_desktop.kit import Button, Label, Rule, theme
from classtap_desktop.screens.messages.reading import Sent, moment
from classtap_desktop.screens.sent import SENT_TONES, sent_text
from classtap_desktop.spacing import column, row


class Record(QWidget):
    """Signals: ``again`` for another try, ``wishes(guardian)`` to change what somebody wants."""

    again = Signal()
    wishes = Signal(str)

    def __init__(self, sent: Sent, *, may: bool) -> None:
        super().__init__()
        words, message = theme().words, sent.message
        page = column(self, margins=(20, 18, 20, 20), gap=8)
        page.addWidget(Label(words.join([kind_name(message.template), sent.family]), "heading", wrap=True))
        page.addWidget(
            Label(
                words.say("desk.messages.asked_at", when=moment(message.asked_ms, sent.zone, words)), "secondary",
                token="muted", wrap=True,
            )
        )  # fmt: skip
        if message.text:
            page.addWidget(Label(message.text, "text", wrap=True))
        children = [sent.people[id] for id in message.children if id in sent.people]
        if children:
            page.addWidget(
                Label(words.say("desk.messages.about", names=", ".join(children)), "text", token="muted", wrap=True)
            )
        page.addWidget(Rule())
        for one in message.deliveries:
            page.addWidget(Label(delivery_text(one, sent), "text", token=SENT_TONES.get(one.state, "muted"), wrap=True))
        if not message.deliveries:
            page.addWidget(
                Label(
                    words.say("desk.messages.waits" if message.state != "done" else "desk.messages.nobody"),
                    "text",
                    token="muted",
                    wrap=True,
                )
            )
        goes_on = TEMPLATES[message.template].urgent and message.wave < message.last_wave and not message.arrived
        if goes_on and message.wave_ms:
            when = words.time(message.wave_ms + ESCALATE_MS, sent.zone)
            page.addWidget(Label(words.say("desk.messages.goes_on", when=when), "text", token="warn", wrap=True))
        for passed in dict.fromkeys(message.passed):
            page.addWidget(Label(passed_text(passed, sent), "secondary", token="muted", wrap=True))
        self.retry: Button | None = None
        if may and any(one.state in UNREACHED for one in message.deliveries):
            self.retry = Button(words.say("desk.messages.again"), icon="sync")
            self.retry.clicked.connect(lambda _=False: self.again.emit())
            page.addWidget(self.retry)
        guardians = [id for one in message.deliveries for id in one.guardians]
        guardians += [one.guardian for one in message.passed]
        self.people: dict[Id, Button] = {}
        for id in dict.fromkeys(guardians if may else []):
            if id in sent.people:
                line = row(gap=8)
                line.addWidget(Label(sent.people[id], "text"), 1)
                self.people[id] = button = Button(words.say("desk.messages.wishes"), size="small", kind="quiet")
                button.clicked.connect(lambda _=False, id=id: self.wishes.emit(id))
                line.addWidget(button)
                page.addLayout(line)
        page.addStretch(1)


def kind_name(template: str) -> str:
    """What a kind of message is called at the desk."""
    return theme().words.say(f"desk.messages.kind.{template}")


def delivery_text(one: Delivery, sent: Sent) -> str:
    """Who, and what became of it there, in a line."""
    words = theme().words
    names = ", ".join(sent.people[id] for id in one.guardians if id in sent.people)
    said = sent_text(
        words, state=one.state, channel=one.channel, shown=one.shown, when=moment(one.at_ms, sent.zone, words),
        code=one.code,
    )  # fmt: skip
    instead = words.say("desk.messages.instead", way=words.say(f"desk.sent.way.{one.instead}")) if one.instead else ""
    return words.join([names, said, instead])


def passed_text(one: PassedOver, sent: Sent) -> str:
    """Who did not get it, for which child, and why."""
    words, why = theme().words, f"message.why.{one.why}"
    way = words.say(f"desk.sent.way.{one.channel}") if one.channel else ""
    said = words.say(
        "desk.goes.not", shown=sent.people.get(one.guardian, ""), why=words.say(why) if words.has(why) else one.why
    )
    return words.join([said, sent.people.get(one.child, ""), way])
