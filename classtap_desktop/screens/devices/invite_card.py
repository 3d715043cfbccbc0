"""A code for a new device: made here, taken by the cloud, shown as a QR picture for ten minutes and one device."""

from __future__ import annotations

from typing import NamedTuple

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QLabel, QSizePolicy, QWidget
from qrcode.main import QRCode

from classtap_core.access.blueprints import DESK, KIOSK, Capability
from classtap_core.access.inviting import Invitation, InviteDevice, invitation_id
from classtap_core.access.records import Device
from classtap_core.checkin.reading import fetch
from classtap_core.kernel.device import Receipt
from classtap_core.kernel.ids import Id
from classtap_core.kernel.outcomes import Status
from classtap_core.kernel.tx import Ref
from classtap_desktop.desk import Desk, failure
from classtap_desktop.kit import Button, Card, Label, theme
from classtap_desktop.screens.sessions import Place, read_places
from classtap_desktop.source import DeskSource
from classtap_desktop.spacing import column
from sync.client.health import Steward
from sync.pairing import Link, code_hash, new_code

ROLES = (KIOSK, DESK)


class Shown(NamedTuple):
    """What was asked for, and from when on the cloud takes it no more; None while it has not taken it yet."""

    link: Link
    role: str
    name: str
    expires_ms: int | None


class CodePicture(QLabel):
    """A QR code, dark on white in every look; its text is what it says for who cannot see it."""

    SIDE = 232

    def __init__(self) -> None:
        super().__init__()
        self._modules = QImage()
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setFixedSize(QSize(self.SIDE, self.SIDE))

    def show_code(self, text: str) -> None:
        """Draw a text."""
        code = QRCode(border=4)
        code.add_data(text)
        code.make(fit=True)
        rows = code.get_matrix()
        self._modules = QImage(len(rows), len(rows), QImage.Format.Format_RGB32)
        for y, line in enumerate(rows):
            for x, dark in enumerate(line):
                self._modules.setPixelColor(x, y, QColor(Qt.GlobalColor.black if dark else Qt.GlobalColor.white))
        self.setAccessibleName(text)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), Qt.GlobalColor.white)
        side = self._modules.width() * (self.width() // max(1, self._modules.width()))
        edge = (self.width() - side) // 2
        painter.drawImage(QRect(edge, edge, side, side), self._modules)
        painter.end()


class InviteCard(Card):
    """Attributes: ``shown`` (the code in hand, None without one). Hidden from who may not pair devices."""

    def __init__(self, desk: Desk, steward: Steward, parent: QWidget | None = None) -> None:
        super().__init__(radius=18, parent=parent)
        self._desk, self._steward = desk, steward
        self.shown: Shown | None = None
        self._places: tuple[Place, ...] = ()
        inside = column(self, margins=(20, 16, 20, 18), gap=10)
        self.title, self.text = Label("", "heading", wrap=True), Label("", "text", token="muted", wrap=True)
        self.picture = CodePicture()
        self.code, self.address = Label("", "heading"), Label("", "secondary", token="muted", wrap=True)
        self.until = Label("", "text", wrap=True)
        for label in (self.code, self.address):
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.away = Button("", size="small", kind="quiet")
        self.away.clicked.connect(lambda _=False: self._put_away())
        for widget in (self.title, self.text):
            inside.addWidget(widget)
        inside.addWidget(self.picture, 0, Qt.AlignmentFlag.AlignLeading)
        for widget in (self.code, self.address, self.until):
            inside.addWidget(widget)
        self.offers = column(gap=8)
        inside.addLayout(self.offers)
        inside.addWidget(self.away, 0, Qt.AlignmentFlag.AlignLeading)
        desk.changed.connect(self._changed)
        desk.ticked.connect(self.say)
        self.say()

    def reload(self) -> None:
        """Read where a new device could stand."""
        self._desk.read("invite.places", lambda source: read_places(source.reader), then=self._take_places)

    def say(self) -> None:
        """Show the words and the code in hand, and let go of one whose time is over."""
        words, shown = theme().words, self.shown
        if shown is not None and shown.expires_ms is not None and self._desk.now().corrected >= shown.expires_ms:
            shown = self.shown = None
            self._desk.tell("desk.invite.over", tone="late")
        taken = shown is not None and shown.expires_ms is not None
        self.title.show_text(words.say("desk.invite.title"))
        self.text.show_text(
            words.say("desk.invite.read" if taken else "desk.invite.asking" if shown else "desk.invite.text")
        )
        for widget in (self.picture, self.code, self.address, self.until):
            widget.setVisible(taken)
        self.away.setVisible(shown is not None)
        self.away.show_text(words.say("desk.invite.away"))
        if shown is not None and shown.expires_ms is not None:
            self.code.show_text(shown.link.code)
            self.address.show_text(shown.link.url)
            self.until.show_text(words.say("desk.invite.until", time=words.time(shown.expires_ms, self._zone())))
        self._offer(hidden=shown is not None)
        self.setVisible(bool(self._may()))

    def ask(self, role: str, place: Place) -> None:
        """Make a code for a device of a role at a place, and have the cloud take it."""
        words = theme().words
        standing = self._desk.standing
        if standing is None or not standing.online:
            self._desk.tell("desk.invite.offline", tone="late")
            return
        link = Link(self._steward.url, new_code())
        name = words.say(f"desk.invite.name.{role}")
        self.shown = Shown(link, role, name, None)
        wanted = InviteDevice(code=code_hash(link.code), role=role, location=place.id, name=name)
        self._desk.submit(wanted, then=self._asked)
        self.say()

    def _asked(self, receipt: Receipt) -> None:
        if receipt.outcome.status is Status.REFUSED:
            self.shown = None
            reasons = receipt.outcome.reasons
            if reasons:
                self.text.show_text(failure(reasons[0].code, reasons[0].params, theme().words))
        self.say()

    def _changed(self, refs: frozenset[Ref]) -> None:
        if self.shown is None:
            return
        if any(kind == Invitation.KIND for kind, _ in refs):
            self._desk.read("invite.taken", _read_invitation, then=self._take)
        came = [id for kind, id in refs if kind == Device.KIND]
        if came:
            self._desk.read("invite.joined", lambda source: _read_devices(source, came), then=self._joined)

    def _take(self, found: Invitation | None) -> None:
        if self.shown is not None and found is not None and found.code == code_hash(self.shown.link.code):
            self.shown = self.shown._replace(expires_ms=found.expires_ms)
            self.picture.show_code(self.shown.link.text)
            self.say()

    def _joined(self, came: tuple[Device, ...]) -> None:
        if self.shown is None:
            return
        role, name = self.shown.role, self.shown.name
        if any(one.role == role and one.name == name and one.revoked_at_ms is None for one in came):
            self.shown = None
            self._desk.tell("desk.invite.joined", name=name)
            self.say()

    def _put_away(self) -> None:
        self.shown = None
        self.say()

    def _take_places(self, places: tuple[Place, ...]) -> None:
        self._places = places
        self.say()

    def _may(self) -> list[Place]:
        here = self._desk.source.place.location
        places = [place for place in self._places if here is None or place.id == here]
        return [place for place in places if self._desk.may(Capability.PAIR_DEVICE, location=place.id)]

    def _zone(self) -> str:
        return self._places[0].zone if self._places else "UTC"

    def _offer(self, *, hidden: bool) -> None:
        while (item := self.offers.takeAt(0)) is not None:
            if (old := item.widget()) is not None:
                old.hide()
                old.deleteLater()
        places = [] if hidden else self._may()
        words = theme().words
        for role in ROLES:
            for place in places:
                text = words.say(f"desk.invite.ask.{role}")
                button = Button(text if len(places) == 1 else f"{text} · {place.name}", size="small")
                button.clicked.connect(lambda _=False, role=role, place=place: self.ask(role, place))
                self.offers.addWidget(button, 0, Qt.AlignmentFlag.AlignLeading)


def _read_invitation(source: DeskSource) -> Invitation | None:
    id = invitation_id(source.place.device)
    return fetch(source.reader, Invitation, [id]).get(id)


def _read_devices(source: DeskSource, ids: list[Id]) -> tuple[Device, ...]:
    return tuple(fetch(source.reader, Device, ids).values())
