"""Somebody who starts to work here, with the PIN they sign in by; or a new PIN for somebody who forgot theirs."""

from __future__ import annotations

import os
import secrets

from PySide6.QtWidgets import QLineEdit, QWidget

from classtap_core.access.operations import AddStaff, SetPin
from classtap_core.access.pins import hash_pin
from classtap_core.kernel.errors import BadInput
from classtap_core.kernel.ids import fresh
from classtap_core.kernel.operations import Payload
from classtap_desktop.desk import Desk
from classtap_desktop.kit import Label, theme
from classtap_desktop.screens.access.reading import PersonLine
from classtap_desktop.screens.entries import Entry, Field
from classtap_desktop.screens.form import Form

_NAME = Field("name", "desk.form.name", 6)
_PINS = (Field("pin", "desk.access.pin", 3), Field("again", "desk.access.pin_again", 3))


class StaffForm(Form):
    """Without ``person`` somebody new. The PIN is hashed before it leaves the form; nobody reads it again."""

    def __init__(self, desk: Desk, over: QWidget, person: PersonLine | None = None) -> None:
        words = theme().words
        title = words.say(
            "desk.access.new_person" if person is None else "desk.access.pin_of", name=getattr(person, "name", "")
        )
        super().__init__(
            desk,
            over,
            title,
            person.id if person is not None else fresh(desk.now().corrected, secrets.token_bytes),
            self.payloads,
            high=360,
        )
        self._person = person
        self.entry = Entry((_NAME, *_PINS) if person is None else _PINS, {}, removable=False)
        for name in ("pin", "again"):
            field = self.entry.widgets[name]
            assert isinstance(field, QLineEdit)
            field.setEchoMode(QLineEdit.EchoMode.Password)
            field.setMaxLength(6)
        self.entry.changed.connect(self.note_change)
        self.body.addWidget(Label(words.say("desk.access.pin_text"), "text", token="muted", wrap=True))
        self.body.addWidget(self.entry)
        self.body.addStretch(1)

    def payloads(self) -> list[Payload]:
        said = self.entry.values()
        if self._person is None and not said["name"]:
            raise BadInput("form.need_name")
        if said["pin"] != said["again"]:
            raise BadInput("form.pins_differ")
        hash = hash_pin(str(said["pin"]), pepper=self._desk.source.pepper(), entropy=os.urandom)
        first: list[Payload] = [] if self._person else [AddStaff(staff=self._about, name=str(said["name"]))]
        return [*first, SetPin(staff=self._about, hash=hash)]
