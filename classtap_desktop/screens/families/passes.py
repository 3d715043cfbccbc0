"""A family's pass at the desk: how it stands, sent and printed from here, and what became of the last time it was sent."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from datetime import date as Day
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

from PySide6.QtWidgets import QFileDialog, QVBoxLayout, QWidget

from classtap_core.checkin.reading import fetch, search
from classtap_core.kernel.ids import Id
from classtap_core.kernel.tx import Reader
from classtap_core.messaging.operations import AskMessage
from classtap_core.messaging.reading import route_of
from classtap_core.messaging.records import Message
from classtap_core.messaging.routing import route
from classtap_core.messaging.templates import EMAIL, PASS, TEMPLATES
from classtap_core.people.records import ContactMasked
from classtap_core.people.rules import masked_email, masked_phone
from classtap_core.timekeeping.rules import local_date
from classtap_desktop.desk import Desk
from classtap_desktop.kit import Button, Label, Pill, theme
from classtap_desktop.pass_cards import PassCard, sheet
from classtap_desktop.screens.sent import SENT_TONES, sent_text
from classtap_desktop.source import DeskSource
from classtap_desktop.spacing import column, row
from resources.text import Catalogue

TONES = {"good": "present", "expired": "warn", "revoked": "absent", "none": "plain"}


class PassLine(NamedTuple):
    """A family's pass. Attributes: `state` is `good`, `expired`, `revoked` or `none`; times in ms."""

    state: str
    epoch: int = 0
    issued_ms: int = 0
    expires_ms: int = 0
    revoked_ms: int = 0


class SentLine(NamedTuple):
    """What became of the pass at one address. `state` is a delivery's, or `waiting` before the cloud has the message."""

    state: str
    channel: str = ""
    shown: str = ""
    at_ms: int = 0
    code: str = ""


def read_sent(reader: Reader, family: Id) -> tuple[SentLine, ...]:
    """What became of the last time the pass was sent, by address; one line of reasons where it reached nobody."""
    messages = [one for one in search(reader, Message, "by_family", family) if one.template == PASS]
    if not messages:
        return ()
    last = messages[-1]
    if last.deliveries:
        return tuple(SentLine(str(one.state), one.channel, one.shown, one.at_ms, one.code) for one in last.deliveries)
    if last.state == "done":
        return (SentLine("nobody", at_ms=last.asked_ms, code=last.passed[0].why if last.passed else "no_role"),)
    return (SentLine("waiting", at_ms=last.asked_ms),)


class GoesLine(NamedTuple):
    """Where the pass would go, or to whom not: `why` is a code then, and `shown` a name."""

    shown: str
    channel: str = ""
    why: str = ""


def read_goes(reader: Reader, studio: Id, children: Sequence[Id], *, day: str) -> tuple[GoesLine, ...]:
    """Whom sending would reach, by the same router that sends, and who would not get it and why."""
    told = route_of(reader, studio, children, day=day)
    found = route(TEMPLATES[PASS], told)
    names = fetch(reader, ContactMasked, (one.guardian for one in found.passed))
    goes = [
        GoesLine(masked_email(one.address) if one.channel == EMAIL else masked_phone(one.address), one.channel)
        for one in found.sends
    ]
    reached = {guardian for one in found.sends for guardian in one.guardians}
    why: dict[Id, str] = {}
    for one in found.passed:
        if one.guardian not in reached and why.get(one.guardian, "no_role") == "no_role":
            why[one.guardian] = one.why
    return (*goes, *(GoesLine(names[id].name, why=code) for id, code in why.items() if id in names))


def fill(
    into: QVBoxLayout, held: PassLine, sent: tuple[SentLine, ...], goes: tuple[GoesLine, ...], *, zone: str,
    buttons: tuple[Button, ...],
) -> None:  # fmt: skip
    """Draw the section: a pill, until when, the buttons, where the pass would go, what became of the last sending."""
    words = theme().words
    icon = {"good": "check", "none": None}.get(held.state, "warn")
    into.addWidget(Pill(words.say(f"desk.pass.{held.state}"), TONES[held.state], icon=icon))
    code, at_ms = {
        "good": ("desk.pass.until", held.expires_ms), "expired": ("desk.pass.since", held.expires_ms),
        "revoked": ("desk.pass.since", held.revoked_ms), "none": ("desk.pass.none_hint", 0),
    }[held.state]  # fmt: skip
    when = words.date(Day.fromisoformat(local_date(at_ms, zone)), style="long") if at_ms else ""
    said = words.say(code, when=when) if when else words.say(code)
    into.addWidget(Label(said, "text", token="muted", wrap=True))
    if buttons:
        line = row(gap=8) if theme().text_scale <= 1.25 else column(gap=8)
        for button in buttons:
            line.addWidget(button)
        line.addStretch(1)
        into.addLayout(line)
        for way in goes if held.state == "good" else ():
            code = "desk.goes.not" if way.why else "desk.goes.to"
            channel = words.say(f"desk.sent.way.{way.channel}") if way.channel else ""
            said = words.say(code, way=channel, shown=way.shown, why=_why(way.why))
            into.addWidget(Label(said, "secondary", token="muted", wrap=True))
    for one in sent:
        into.addWidget(Label(_sentence(one, zone), "text", token=SENT_TONES.get(one.state, "muted"), wrap=True))
    into.addStretch(1)


def _sentence(one: SentLine, zone: str) -> str:
    words = theme().words
    when = words.datetime(one.at_ms, zone)
    if one.state in ("waiting", "nobody"):
        return words.say(f"desk.sent.{one.state}", when=when, why=_why(one.code))
    return sent_text(words, state=one.state, channel=one.channel, shown=one.shown, when=when, code=one.code)


def _why(code: str) -> str:
    words, known = theme().words, f"message.why.{code}"
    return words.say(known) if words.has(known) else code


class PassDeeds:
    """What the buttons do: the pass is sent by the cloud, and printed from its text."""

    def __init__(self, desk: Desk, over: QWidget) -> None:
        self._desk, self._over = desk, over

    def send(self, family: Id) -> None:
        """Ask that the pass be sent; offline it waits."""
        self._desk.submit(
            AskMessage(family=family, template=PASS),
            then=lambda receipt: self._desk.tell(
                "desk.pass.asked" if receipt.outcome.stands else "desk.pass.not_asked"
            ),
        )

    def print(self, family: Id, name: str, zone: str) -> None:
        """Choose a file, and write the card to it."""
        words = theme().words
        file, _ = QFileDialog.getSaveFileName(
            self._over, words.say("desk.pass.print_title"), f"{name}.pdf", "PDF (*.pdf)"
        )
        if file:
            self._desk.do(
                lambda source: write_card(source, family, Path(file), name=name, zone=zone, words=words),
                then=lambda done: self._desk.tell("desk.pass.printed", file=done.name),
            )


def write_card(
    source: DeskSource, family: Id, file: Path, *, name: str, zone: str, words: Catalogue
) -> Path:  # fmt: skip
    """Ask the cloud for the pass's text and write its card. Raises EnvironmentFault `cloud.unreachable`, Refused."""
    found = source.pass_text(family)
    until = datetime.fromtimestamp(found.expires, tz=UTC).astimezone(ZoneInfo(zone)).date()
    card = PassCard(source.place_name(), name, found.text, until)
    file.write_bytes(sheet([card], words, title=name))
    return file
