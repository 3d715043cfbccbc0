"""Sync and this device: whether the cloud is there, what waits and since when, how the store is kept, what changed."""

from __future__ import annotations

from typing import NamedTuple

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QScrollArea, QWidget

from classtap_core.access.records import Device
from classtap_core.checkin.reading import fetch
from classtap_core.schedule.records import Location
from classtap_desktop.desk import Desk
from classtap_desktop.kit import Button, Card, IconDisc, Label, theme
from classtap_desktop.kit.device_words import relay_words
from classtap_desktop.screens.devices.invite_card import InviteCard
from classtap_desktop.screens.devices.leaving import LeavePage
from classtap_desktop.screens.devices.owner_card import OwnerKeyCard
from classtap_desktop.screens.health.cards import HealthCards
from classtap_desktop.screens.health.contested_card import ContestedCard
from classtap_desktop.screens.notice_card import NoticeCard
from classtap_desktop.screens.screen import Screen
from classtap_desktop.screens.sessions import ago, read_places
from classtap_desktop.source import DeskSource
from classtap_desktop.spacing import column, grown, row

_FACES = {
    "online": ("check", "present"), "syncing": ("sync", "info"), "offline": ("offline", "late"),
    "paused": ("offline", "late"), "revoked": ("lock", "absent"), "failing": ("warn", "warn"),
}  # fmt: skip
FACTS = ("pending", "oldest", "success", "device", "place", "protection")


class ThisDevice(NamedTuple):
    """What this device is called and where it stands; "" where its record is not here. `zone` is its place's."""

    name: str
    place: str
    zone: str


def read_device(source: DeskSource) -> ThisDevice:
    """Return this device's own record with its place."""
    reader = source.reader
    held = fetch(reader, Device, [source.place.device]).get(source.place.device)
    place = fetch(reader, Location, [source.place.location] if source.place.location else [])
    zone = next((one.zone for one in place.values()), "") or next((one.zone for one in read_places(reader)), "UTC")
    return ThisDevice(held.name if held else "", next((one.name for one in place.values()), ""), zone)


class DevicesScreen(Screen):
    """Signals: ``loaded`` after this device was read."""

    NAME = "devices"
    KINDS = frozenset({"device", "location"})
    loaded = Signal()

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(desk, parent)
        self._device = ThisDevice("", "", "UTC")
        self._leaving: LeavePage | None = None
        self.page.setContentsMargins(26, 18, 26, 22)
        self.title = Label("", "title")
        self.page.addWidget(self.title)
        sides = row(gap=22)
        self.page.addLayout(sides, 1)
        whole = QWidget()
        main = column(whole, gap=16)
        main.addWidget(self._state_card())
        self.contested = ContestedCard(desk)
        main.addWidget(self.contested)
        main.addWidget(self._facts_card())
        steward = desk.source.steward
        self.health = None if steward is None else HealthCards(desk, steward)
        for card in self.health.cards if self.health is not None else ():
            main.addWidget(card)
        self.invite = None if steward is None else InviteCard(desk, steward)
        if self.invite is not None:
            main.addWidget(self.invite)
        self.owner = OwnerKeyCard(desk)
        main.addWidget(self.owner)
        main.addWidget(self._leave_card())
        main.addStretch(1)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidget(whole)
        sides.addWidget(area, 1)
        self.notices = NoticeCard(desk, "devices.notices")
        sides.addWidget(self.notices, 1)
        self.trouble.acted.connect(self.reload)
        desk.stood.connect(self._stood)
        desk.operated.connect(self.owner.say)
        if self.invite is not None:
            desk.operated.connect(self.invite.say)
        self.say()

    def _state_card(self) -> Card:
        card = Card(radius=18)
        inside = row(card, margins=(20, 18, 20, 20), gap=16)
        self.disc = IconDisc("check", "present", size=56)
        words = column(gap=3)
        self.state = Label("", "heading", wrap=True)
        self.hint = Label("", "text", token="muted", wrap=True)
        words.addWidget(self.state)
        words.addWidget(self.hint)
        words.addSpacing(theme().px(8))
        self.send = Button("", icon="sync")
        self.send.clicked.connect(lambda _=False: self.desk.source.sync_now())
        words.addWidget(self.send, 0, Qt.AlignmentFlag.AlignLeading)
        inside.addWidget(self.disc, 0, Qt.AlignmentFlag.AlignTop)
        inside.addLayout(words, 1)
        return card

    def _facts_card(self) -> Card:
        card = Card(radius=18)
        inside = column(card, margins=(20, 16, 20, 18), gap=11)
        self.facts: dict[str, tuple[Label, Label]] = {}
        self._pairs: list[QBoxLayout] = []
        for name in FACTS:
            pair = row(gap=8)
            label, value = Label("", "text", token="muted"), Label("", "cell", wrap=True)
            pair.addWidget(label, 0, Qt.AlignmentFlag.AlignTop)
            pair.addWidget(value, 1)
            self.facts[name] = (label, value)
            self._pairs.append(pair)
            inside.addLayout(pair)
        return card

    def _leave_card(self) -> Card:
        """The way out for a device that is given away; not for one with nothing to destroy."""
        card = Card(radius=18)
        inside = column(card, margins=(20, 16, 20, 18), gap=8)
        self.leave_title, self.leave_text = Label("", "heading", wrap=True), Label("", "text", token="muted", wrap=True)
        self.leave = Button("", icon="lock")
        self.leave.clicked.connect(lambda _=False: self.open_leaving())
        inside.addWidget(self.leave_title)
        inside.addWidget(self.leave_text)
        inside.addWidget(self.leave, 0, Qt.AlignmentFlag.AlignLeading)
        card.setVisible(self.desk.source.leaving is not None)
        return card

    def open_leaving(self) -> LeavePage:
        """Ask whether this device is to be signed out, over the whole window."""
        if self._leaving is None:
            self._leaving = LeavePage(self.desk, self.window())
        self._leaving.open()
        return self._leaving

    def reload(self) -> None:
        self.desk.look_at_standing()
        self.notices.reload()
        self.contested.reload()
        if self.health is not None:
            self.health.ask()
        if self.invite is not None:
            self.invite.reload()
        self.owner.reload()
        self.desk.read("device", read_device, then=self._take, failed=self.show_trouble)

    def say(self) -> None:
        words = theme().words
        self.title.show_text(words.say("desk.screen.devices"))
        self.send.show_text(words.say("desk.action.sync.now"))
        self.leave_title.show_text(words.say("desk.leave.card"))
        self.leave_text.show_text(words.say("desk.leave.card_text"))
        self.leave.show_text(words.say("desk.leave.begin"))
        for name, (label, _) in self.facts.items():
            label.show_text(words.say(f"desk.devices.{name}"))
        self.notices.say()
        self.contested.say()
        if self.health is not None:
            self.health.say()
        if self.invite is not None:
            self.invite.say()
        self.owner.say()
        self._fit()
        self._show()

    def tick(self) -> None:
        self._show()

    def _stood(self) -> None:
        self._show()
        if self.health is not None and self.isVisible():
            self.health.reload()
            self.owner.reload()

    def _take(self, device: ThisDevice) -> None:
        self._device = device
        self._show()
        self.loaded.emit()

    def _show(self) -> None:
        standing, words = self.desk.standing, theme().words
        if standing is None:
            return
        state = str(standing.status.state)
        self.disc.show_icon(*_FACES[state])
        self.state.show_text(words.say(f"desk.sync.{state}"))
        sending = state == "online" and standing.status.pending > 0
        hint = words.say("desk.sync.syncing_hint" if sending else f"desk.sync.{state}_hint")
        trouble = standing.status.trouble
        code = f"error.{trouble}"
        if state == "failing" and trouble:
            known = words.has(code)
            hint = words.say(code, **standing.status.params) if known else words.say("desk.sync.trouble", code=trouble)
        if state == "offline" and standing.neighbourhood is not None and standing.neighbourhood.on:
            hint = f"{hint} {relay_words(standing.neighbourhood, words)}"
        self.hint.show_text(hint)
        now_ms = self.desk.now().corrected
        place = self.desk.source.place
        self._fact("pending", words.number(standing.status.pending))
        self._fact("oldest", self._ago(standing.oldest_ms, now_ms) or words.say("desk.devices.nothing_waits"))
        self._fact("success", self._when(standing.status.last_success_ms, now_ms) or words.say("desk.devices.never"))
        self._fact("device", self._device.name or "–")
        self._fact("place", self._device.place or words.say("desk.schedule.all_location"))
        self._fact("protection", words.say(f"desk.protection.{place.protection}"))
        self.facts["protection"][1].set_token("warn" if place.protection == "file" else "ink")

    def _fact(self, name: str, text: str) -> None:
        self.facts[name][1].show_text(text)

    def _ago(self, at_ms: int | None, now_ms: int) -> str:
        return ago(at_ms, now_ms, theme().words) if at_ms else ""

    def _when(self, at_ms: int | None, now_ms: int) -> str:
        since = self._ago(at_ms, now_ms)
        return f"{theme().words.time(at_ms, self._device.zone)} · {since}" if at_ms else since

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """Put each fact beside its name where there is room, else beneath it."""
        narrow = self.width() < grown(860)
        way = QBoxLayout.Direction.TopToBottom if narrow else QBoxLayout.Direction.LeftToRight
        widest = max(label.sizeHint().width() for label, _ in self.facts.values())
        for pair, (label, _) in zip(self._pairs, self.facts.values(), strict=True):
            pair.setDirection(way)
            pair.setSpacing(0 if narrow else theme().px(20))
            label.setMinimumWidth(0 if narrow else widest)
        self.notices.setMaximumWidth(max(grown(340), self.width() // 2))
