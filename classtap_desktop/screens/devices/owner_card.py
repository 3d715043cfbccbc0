"""Whose key opens this device when its keyring is lost, and where the owner makes that key."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget

from classtap_core.access.blueprints import Capability
from classtap_desktop.desk import Desk
from classtap_desktop.kit import Button, Card, Label, theme
from classtap_desktop.screens.devices.owner_key import OwnerKeyPage
from classtap_desktop.source import DeskSource
from classtap_desktop.spacing import column
from sync.client.owner_seal import Sealing

_START = 8
"""Letters of a public key that tell it from others."""


def read_sealing(source: DeskSource) -> Sealing | None:
    """To whom this store is sealed; None for a desk without a store."""
    return source.owner_seal.standing() if source.owner_seal is not None else None


class OwnerKeyOffer:
    """Asks the owner to make the key, once for each time that they sign in, for as long as nobody has made one."""

    def __init__(self, desk: Desk, over: QWidget) -> None:
        self._desk, self._over = desk, over
        self.page: OwnerKeyPage | None = None

    def look(self) -> None:
        """Somebody signed in: offer it where they may make it and nobody has."""
        if self._desk.source.owner_seal is not None and self._desk.may(Capability.MANAGE_STUDIO):
            self._desk.read("owner_key.offer", read_sealing, then=self._take)

    def close(self) -> None:
        """Nobody is signed in any more: the page goes, and the key on it with it."""
        if self.page is not None:
            self.page.close_overlay()

    def open(self) -> OwnerKeyPage:
        """A page with a new key, over the whole window."""
        page = self.page = OwnerKeyPage(self._desk, self._over)
        page.closed.connect(lambda: self._closed(page))
        page.open()
        return page

    def _closed(self, page: OwnerKeyPage) -> None:
        """A key that was shown is not kept, not even out of sight."""
        self.page = None
        page.deleteLater()

    def _take(self, sealing: Sealing | None) -> None:
        if sealing is not None and sealing.due and self._desk.operator is not None:
            self.open()


class OwnerKeyCard(Card):
    """Attributes: ``make``, which makes a key or another; ``follow``, which seals to the studio's.

    Hidden without a store, and from who may not manage the studio.
    """

    def __init__(self, desk: Desk) -> None:
        super().__init__(radius=18)
        self._desk = desk
        self._sealing: Sealing | None = None
        inside = column(self, margins=(20, 16, 20, 18), gap=8)
        self.title, self.text = Label("", "heading", wrap=True), Label("", "text", token="muted", wrap=True)
        self.make, self.follow = Button("", icon="lock"), Button("", icon="sync")
        self.make.clicked.connect(lambda _=False: self._make())
        self.follow.clicked.connect(lambda _=False: self._follow())
        for widget in (self.title, self.text):
            inside.addWidget(widget)
        for button in (self.follow, self.make):
            inside.addWidget(button, 0, Qt.AlignmentFlag.AlignLeading)
        self.hide()

    def reload(self) -> None:
        """Ask how it stands."""
        if self._desk.source.owner_seal is not None:
            self._desk.read("owner_key.card", read_sealing, then=self._take)

    def say(self) -> None:
        words, sealing = theme().words, self._sealing
        self.title.show_text(words.say("desk.owner_key.title"))
        here, owners = (sealing.here, sealing.owners) if sealing is not None else ("", "")
        other = bool(owners) and here != owners
        code = "card_other" if other else "card_sealed" if here else "card_none"
        self.text.show_text(words.say(f"desk.owner_key.{code}", here=here[:_START] or "–", owners=owners[:_START]))
        self.text.set_token("muted" if here and not other else "warn")
        may = self._desk.may(Capability.MANAGE_STUDIO)
        self.make.show_text(words.say("desk.owner_key.another" if here else "desk.owner_key.make"))
        self.follow.show_text(words.say("desk.owner_key.follow"))
        self.setVisible(may and sealing is not None)
        self.make.setVisible(sealing is not None and sealing.known and not other)
        self.follow.setVisible(other)

    def _take(self, sealing: Sealing | None) -> None:
        self._sealing = sealing
        self.say()

    def _make(self) -> None:
        page = OwnerKeyOffer(self._desk, self.window()).open()
        page.sealed.connect(self.reload)

    def _follow(self) -> None:
        def follow(source: DeskSource) -> None:
            assert source.owner_seal is not None  # the button is only there where there is one
            source.owner_seal.follow()

        self._desk.do(follow, then=lambda _: self.reload())
