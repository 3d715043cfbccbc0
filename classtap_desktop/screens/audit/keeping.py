"""How long each stream of the audit keeps its words, and legal holds: nothing of a held stream goes."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtWidgets import QWidget

from classtap_core.auditing.operations import HoldAudit, KeepAudit, ReleaseAudit
from classtap_core.auditing.records import AuditStream, Hold, stream_id
from classtap_core.auditing.rules import DAYS, LEAST_DAYS, MOST_DAYS, STREAMS
from classtap_core.checkin.reading import fetch
from classtap_core.kernel.ids import Id
from classtap_core.kernel.operations import Payload
from classtap_desktop.desk import Desk
from classtap_desktop.kit import Label, theme
from classtap_desktop.screens.entries import Entry, Field, Values
from classtap_desktop.screens.form import Form
from classtap_desktop.screens.sheet import number
from classtap_desktop.source import DeskSource

_DAYS, _REASON = Field("days", "desk.keep.days"), Field("reason", "desk.keep.reason", 4, hint="desk.keep.reason_hint")
_LIFT = Field("lift", "desk.keep.lift", 4, flag=True)


def read_streams(source: DeskSource) -> Mapping[str, AuditStream]:
    """Return what is said of each stream; one that nothing was said of keeps its own default."""
    held = fetch(source.reader, AuditStream, [stream_id(name) for name in STREAMS])
    return {name: held.get(stream_id(name)) or AuditStream(id=stream_id(name), name=name) for name in STREAMS}


class KeepingForm(Form):
    """Attributes: ``cards`` by stream."""

    def __init__(self, desk: Desk, over: QWidget, streams: Mapping[str, AuditStream], zone: str) -> None:
        words = theme().words
        super().__init__(desk, over, words.say("desk.keep.title"), Id(""), self.payloads)
        self._streams = streams
        self.cards: dict[str, Entry] = {}
        text = words.say("desk.keep.text", least=LEAST_DAYS, most=MOST_DAYS)
        self.body.addWidget(Label(text, "text", token="muted", wrap=True))
        for name, stream in streams.items():
            inside = self.section(f"desk.keep.stream.{name}")
            for hold in _standing(stream):
                when = words.datetime(hold.at_ms, zone)
                said = words.say("desk.keep.held", when=when, reason=hold.reason)
                inside.addWidget(Label(said, "text", token="warn", wrap=True))
            values: Values = {"days": str(stream.days or DAYS[name])}
            card = self.cards[name] = Entry((_DAYS, _LIFT if stream.held else _REASON), values, removable=False)
            card.changed.connect(self.note_change)
            inside.addWidget(card)
        self.body.addStretch(1)

    def payloads(self) -> list[Payload]:
        said: list[Payload] = []
        for name, card in self.cards.items():
            stream, written = self._streams[name], card.values()
            days = number(written["days"])
            if days != (stream.days or DAYS[name]):
                said.append(KeepAudit(stream=name, days=days))
            if written.get("lift"):
                said += [ReleaseAudit(stream=name, hold=hold.id) for hold in _standing(stream)]
            if written.get("reason"):
                said.append(HoldAudit(stream=name, hold=self.id(), reason=str(written["reason"])))
        return said


def _standing(stream: AuditStream) -> list[Hold]:
    return [hold for hold in stream.holds if hold.id not in stream.lifted]
