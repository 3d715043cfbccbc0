"""The cards of health: this device's facts with what may be done, what was set aside, and the other devices."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QVBoxLayout

from classtap_core.access.blueprints import Capability
from classtap_core.access.operations import RevokeDevice
from classtap_core.auditing.lines import Line
from classtap_core.contesting.own import said_lines
from classtap_core.kernel.device import Receipt
from classtap_core.kernel.ids import Id
from classtap_core.store.space import Level
from classtap_desktop.desk import Desk
from classtap_desktop.kit import Button, Card, Label, Rule, theme
from classtap_desktop.operator import Operator
from classtap_desktop.screens.health.lines import DeviceLine, aside_words, device_line, facts, unjudged_words
from classtap_desktop.screens.health.neighbours_card import NeighboursCard
from classtap_desktop.screens.notices import concerns
from classtap_desktop.source import DeskSource
from classtap_desktop.spacing import anew, column
from sync.client.engine import State
from sync.client.health import Health, Steward
from sync.client.keeping import Keeping
from sync.protocol import DeviceStanding

FACTS = ("clock", "room", "store", "owner", "rosters", "held", "mended", "pass_keys", "last_trouble")


class FactsCard(Card):
    """This device's clock, room and scopes; pausing, the relay's switch, comparing with the cloud, a log for support."""

    def __init__(self, desk: Desk, steward: Steward) -> None:
        super().__init__(radius=18)
        self._desk, self._steward = desk, steward
        self._health: Health | None = None
        self._keeping: Keeping | None = None
        inside = column(self, margins=(20, 16, 20, 18), gap=11)
        self.title = Label("", "heading", wrap=True)
        inside.addWidget(self.title)
        self.facts: dict[str, tuple[Label, Label]] = {}
        for name in FACTS:
            pair = column(gap=1)
            label, value = Label("", "secondary", token="muted"), Label("", "text", wrap=True)
            pair.addWidget(label)
            pair.addWidget(value)
            self.facts[name] = (label, value)
            inside.addLayout(pair)
        self.pause, self.relay, self.compare, self.save = (Button("", size="small") for _ in range(4))
        self.relay.clicked.connect(lambda _=False: self._switch_relay())
        self.pause.clicked.connect(lambda _=False: self._pause())
        self.compare.clicked.connect(lambda _=False: self._do(lambda: steward.compare(), "desk.health.comparing"))
        self.save.clicked.connect(lambda _=False: self._choose_log())
        for button in (self.pause, self.relay, self.compare, self.save):
            inside.addWidget(button, 0, Qt.AlignmentFlag.AlignLeading)

    def say(self) -> None:
        words = theme().words
        self.title.show_text(words.say("desk.health.title"))
        for name, (label, _) in self.facts.items():
            label.show_text(words.say(f"desk.health.{name}"))
        self.compare.show_text(words.say("desk.health.compare"))
        self.save.show_text(words.say("desk.health.save_log"))
        self.show_health(self._health, self._keeping)

    def show_health(self, health: Health | None, keeping: Keeping | None) -> None:
        self._health, self._keeping = health, keeping
        words = theme().words
        paused = health is not None and health.status.state is State.PAUSED
        self.pause.show_text(words.say("desk.health.resume" if paused else "desk.health.pause"))
        relaying = health is not None and health.neighbourhood.on
        self.relay.show_text(words.say("desk.health.relay_off" if relaying else "desk.health.relay_on"))
        if health is not None and keeping is not None:
            for name, text in facts(health, keeping, self._desk.now().corrected, words).items():
                self.facts[name][1].show_text(text)
            wrong = {"room": keeping.level is not Level.ENOUGH, "store": not keeping.sound, "owner": not keeping.sealed}
            for name, bad in wrong.items():
                self.facts[name][1].set_token("warn" if bad else "ink")

    def save_log(self, file: Path) -> None:
        """Write the log for support to a file."""

        def write(_: DeskSource) -> None:
            file.write_bytes(self._steward.support())

        self._desk.do(write, then=lambda _: self._desk.tell("desk.health.saved", name=file.name))

    def _choose_log(self) -> None:
        chosen, _ = QFileDialog.getSaveFileName(self, self.save.text(), "classtap-support.jsonl")
        if chosen:
            self.save_log(Path(chosen))

    def _pause(self) -> None:
        paused = self._health is not None and self._health.status.state is State.PAUSED
        self._do(lambda: self._steward.pause(not paused), "desk.health.goes_on" if paused else "desk.health.paused")

    def _switch_relay(self) -> None:
        on = self._health is not None and not self._health.neighbourhood.on
        self._do(lambda: self._steward.set_relay(on), "desk.health.relay_is_on" if on else "desk.health.relay_is_off")

    def _do(self, work: Callable[[], object], told: str) -> None:
        self._desk.do(lambda _: work(), then=lambda _: self._done(told))

    def _done(self, told: str) -> None:
        self._desk.tell(told)
        self._desk.look_at_standing()


class _ListCard(Card):
    """Entries of this device's log under a heading; not there while there are none."""

    NAME: str
    _fill: Callable[[QVBoxLayout, Health | None], bool]
    """Adds a line for each entry; whether there is one."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(radius=18)
        self._desk = desk
        self._health: Health | None = None
        self._told: Mapping[Id, Line] = {}
        inside = column(self, margins=(20, 16, 20, 18), gap=10)
        self.title = Label("", "heading", wrap=True)
        self.text = Label("", "text", token="muted", wrap=True)
        self.lines: QVBoxLayout = column(gap=10)
        inside.addWidget(self.title)
        inside.addWidget(self.text)
        inside.addLayout(self.lines)
        self.hide()

    def say(self) -> None:
        words = theme().words
        self.title.show_text(words.say(f"desk.{self.NAME}.title"))
        self.text.show_text(words.say(f"desk.{self.NAME}.text"))
        self.show_health(self._health, self._told)

    def show_health(self, health: Health | None, told: Mapping[Id, Line]) -> None:
        """`told`: what the entries said, by operation, where that can be read."""
        self._health, self._told = health, told
        self.setVisible(self._fill(anew(self.lines), health))


class AsideCard(_ListCard):
    """What the cloud could not take, why, and a way to say it again."""

    NAME = "aside"

    def __init__(self, desk: Desk, steward: Steward) -> None:
        super().__init__(desk)
        self._steward = steward

    def _fill(self, lines: QVBoxLayout, health: Health | None) -> bool:
        waiting = [one for one in health.set_aside if not one.retried] if health is not None else []
        words, now_ms = theme().words, self._desk.now().corrected
        for one in waiting:
            lines.addWidget(Rule())
            lines.addWidget(Label(aside_words(one, self._told.get(one.operation), now_ms, words), "text", wrap=True))
            again = Button(words.say("desk.aside.again"), size="small")
            again.clicked.connect(lambda _=False, sequence=one.sequence: self._again(sequence))
            lines.addWidget(again, 0, Qt.AlignmentFlag.AlignLeading)
        return bool(waiting)

    def _again(self, sequence: int) -> None:
        self._desk.do(lambda _: self._steward.retry(sequence), then=lambda _: self._desk.look_at_standing())


class UnjudgedCard(_ListCard):
    """What is kept here without being judged, and what lacks for that."""

    NAME = "unjudged"

    def _fill(self, lines: QVBoxLayout, health: Health | None) -> bool:
        found = health.unjudged if health is not None else ()
        words, now_ms = theme().words, self._desk.now().corrected
        for one in found:
            lines.addWidget(Label(unjudged_words(one, self._told.get(one.operation), now_ms, words), "text", wrap=True))
        return bool(found)


class OthersCard(Card):
    """The studio's devices as the cloud last heard of them; who may, shuts one out and has its store destroyed."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(radius=18)
        self._desk = desk
        self._devices: tuple[DeviceStanding, ...] | None = None
        self._sure = ""
        inside = column(self, margins=(20, 16, 20, 18), gap=10)
        self.title = Label("", "heading", wrap=True)
        self.nothing = Label("", "text", token="muted", wrap=True)
        self.lines: QVBoxLayout = column(gap=10)
        inside.addWidget(self.title)
        inside.addWidget(self.nothing)
        inside.addLayout(self.lines)

    def say(self) -> None:
        words = theme().words
        self.title.show_text(words.say("desk.health.others"))
        self.nothing.show_text(words.say("desk.health.others_unknown"))
        self.show_devices(self._devices)

    def show_devices(self, devices: tuple[DeviceStanding, ...] | None) -> None:
        self._devices = devices
        self.nothing.setVisible(devices is None)
        lines = anew(self.lines)
        words, now_ms = theme().words, self._desk.now().corrected
        for one in devices or ():
            line = device_line(one, now_ms, words)
            lines.addWidget(Rule())
            lines.addWidget(Label(line.name, "strong", wrap=True))
            lines.addWidget(Label(line.said, "secondary", token=line.tone, wrap=True))
            if line.stands and one.device != self._desk.source.place.device and self._may(one):
                lines.addWidget(self._shut_out(line), 0, Qt.AlignmentFlag.AlignLeading)

    def _may(self, one: DeviceStanding) -> bool:
        return self._desk.may(Capability.REVOKE_DEVICE, location=one.location or None)

    def _shut_out(self, line: DeviceLine) -> Button:
        """A button that is pressed twice: what it does cannot be taken back."""
        words, sure = theme().words, self._sure == line.device
        button = Button(
            words.say("desk.health.purge_sure" if sure else "desk.health.purge", name=line.name), size="small",
            kind="danger" if sure else "quiet",
        )  # fmt: skip
        button.clicked.connect(lambda _=False: self._press(line))
        return button

    def _press(self, line: DeviceLine) -> None:
        if self._sure != line.device:
            self._sure = line.device
            self.show_devices(self._devices)
            return
        self._sure = ""
        self._desk.submit(RevokeDevice(device=Id(line.device), reason="desk", purge=True), then=self._ordered)

    def _ordered(self, receipt: Receipt) -> None:
        self._desk.tell("desk.health.purge_told" if receipt.outcome.stands else "desk.health.purge_refused")
        self.show_devices(self._devices)


class HealthCards:
    """All of them, fed by one question whenever the standing changes. Put `cards` where they belong."""

    def __init__(self, desk: Desk, steward: Steward) -> None:
        self._desk, self._steward = desk, steward
        self.facts, self.aside, self.others = FactsCard(desk, steward), AsideCard(desk, steward), OthersCard(desk)
        self.unjudged, self.neighbours = UnjudgedCard(desk), NeighboursCard(desk, steward)
        self.cards: tuple[Card, ...] = (self.aside, self.unjudged, self.neighbours, self.facts, self.others)

    def say(self) -> None:
        for card in (self.facts, self.aside, self.unjudged, self.neighbours, self.others):
            card.say()

    def ask(self) -> None:
        """Have the other devices asked for, and read what is here."""
        self._desk.do(lambda _: self._steward.ask())
        self.reload()

    def reload(self) -> None:
        steward, operator = self._steward, self._desk.operator
        self._desk.read("health", lambda source: _read(source, steward, operator), then=self._show)

    def _show(self, found: _Found) -> None:
        self.facts.show_health(found.health, found.keeping)
        self.aside.show_health(found.health, found.told)
        self.unjudged.show_health(found.health, found.told)
        self.neighbours.show_neighbours(found.health.neighbourhood)
        self.others.show_devices(found.others)


class _Found(NamedTuple):
    health: Health
    keeping: Keeping
    others: tuple[DeviceStanding, ...] | None
    told: dict[Id, Line]


def _read(source: DeskSource, steward: Steward, operator: Operator | None) -> _Found:
    """What the cards show; entries are told with their names to whom they concern alone."""
    health = steward.health()
    told = said_lines(source.reader, [*health.set_aside, *health.unjudged])
    mine = {id: line for id, line in told.items() if concerns(operator, line.kind, line, source)}
    return _Found(health, steward.keeping(), steward.others(), mine)
