"""A form drawn from its data. What the cloud would refuse is said before it is asked, with ways round it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QVBoxLayout, QWidget

from classtap_core import house
from classtap_core.kernel.bus import Bus
from classtap_core.kernel.envelope import Author
from classtap_core.kernel.foreseeing import foreseen
from classtap_core.kernel.ids import Id
from classtap_core.kernel.operations import Payload
from classtap_core.kernel.outcomes import Outcome, Status
from classtap_core.schedule.conflicts import CODES
from classtap_desktop.desk import Desk
from classtap_desktop.kit import Button, Label, theme
from classtap_desktop.screens.entries import Entries, Entry, OwnField, Value, Values
from classtap_desktop.screens.form import Form
from classtap_desktop.screens.photo_field import PhotoField
from classtap_desktop.screens.sheet import Sheet, Written
from classtap_desktop.source import DeskSource
from classtap_desktop.spacing import row


class SheetForm(Form):
    """Attributes: ``one`` and ``many`` (cards by group), ``offers`` (buttons of ways round), ``picture``.

    ``despite`` says that what stands in the way does not matter; it shows once something does.
    """

    def __init__(self, desk: Desk, over: QWidget, sheet: Sheet) -> None:
        words = theme().words
        super().__init__(desk, over, words.say(sheet.title), sheet.id, self.payloads)
        self._sheet = sheet
        self.one: dict[str, Entry] = {}
        self.many: dict[str, Entries] = {}
        self.offers: list[Button] = []
        self._seen: tuple[str, ...] = ()
        self.picture: PhotoField | None = None
        if sheet.picture is not None:
            shown = sheet.picture
            self.picture = PhotoField(
                desk, shown.name, sheet.id, shown.scope, shown.blob, note="desk.studio.picture_note"
            )
            self.picture.changed.connect(self.note_change)
            self.body.addWidget(self.picture)
        for name, group in sheet.groups.items():
            into = self.section(group.heading) if group.heading else self.body
            if group.note:
                into.addWidget(Label(words.say(group.note), "secondary", token="muted", wrap=True))
            if group.more:
                several = [] if isinstance(group.values, Mapping) else group.values
                self.many[name] = cards = Entries(group.fields, group.more, several, every=group.every)
                cards.changed.connect(self.note_change)
                into.addWidget(cards)
            else:
                assert isinstance(group.values, Mapping)
                self.one[name] = card = Entry(group.fields, group.values, removable=False)
                card.changed.connect(self.note_change)
                into.addWidget(card)
        for card in self.one.values():
            for widget in card.widgets.values():
                if isinstance(widget, OwnField):
                    widget.attach(desk)
        self.body.addStretch(1)
        self.despite = QCheckBox(words.say("desk.plan.despite"))
        self.despite.hide()
        self._ways: QHBoxLayout = row(gap=8)
        self._ways.addStretch(1)
        whole = self.card.layout()
        assert isinstance(whole, QVBoxLayout)
        whole.insertLayout(whole.count() - 1, self._ways)
        whole.insertWidget(whole.count() - 1, self.despite)

    def payloads(self) -> list[Payload]:
        return self._sheet.said(self.written_down())

    def written_down(self) -> Written:
        """What stands in the form."""
        one: dict[str, Value] = {}
        for card in self.one.values():
            one |= card.values()
        many: dict[str, Sequence[Values]] = {name: cards.values() for name, cards in self.many.items()}
        picture = self.picture.blob if self.picture is not None else None
        return Written(one, many, picture, self._seen if self.despite.isChecked() else ())

    def _submit(self, payloads: list[Payload]) -> None:
        operator = self._desk.operator
        if operator is None:
            return
        ids = [self.id() for _ in payloads]
        author = operator.author
        self._desk.read(
            "form", lambda source: _look_ahead(source, payloads, ids, author),
            then=lambda outcomes: self._looked(payloads, outcomes), failed=self._failed,
        )  # fmt: skip

    def _looked(self, payloads: list[Payload], outcomes: list[Outcome]) -> None:
        wrong = [one for one in outcomes if one.status is Status.REFUSED]
        self._offer(wrong[0] if wrong else None)
        if wrong:
            self.save.setEnabled(True)
            self._refuse(wrong)
        else:
            super()._submit(payloads)

    def _offer(self, refused: Outcome | None) -> None:
        """Show ways round as buttons; one press takes it, another saves."""
        for button in self.offers:
            button.hide()
            button.deleteLater()
        self.offers = []
        ways = (
            self._sheet.ways(refused, self.written_down())
            if refused is not None and self._sheet.ways is not None
            else []
        )
        for text, values in ways:
            button = Button(text, size="small")
            button.setEnabled(any(name in card.widgets for name in values for card in self.one.values()))
            button.clicked.connect(lambda _=False, values=values: self._take(values))
            self._ways.insertWidget(len(self.offers), button)
            self.offers.append(button)
        if refused is not None and self._sheet.ways is not None:
            reasons = (*refused.reasons, *(one for item in refused.items for one in item.reasons))
            self._seen = tuple(dict.fromkeys(one.code for one in reasons if one.code in CODES))
            self.despite.setVisible(bool(self._seen))

    def _take(self, values: dict[str, str]) -> None:
        for card in self.one.values():
            held = {name: value for name, value in values.items() if name in card.widgets}
            if held:
                card.write(**held)
        self._offer(None)
        self.complain("")


def _look_ahead(source: DeskSource, payloads: list[Payload], ids: list[Id], author: Author) -> list[Outcome]:
    place = source.place
    decisions = foreseen(
        payloads, source.reader, _cloud(), ids=ids, studio=place.studio, device=place.device, author=author,
        at=source.clock.now(), source="desk",
    )  # fmt: skip
    return [one.outcome for one in decisions]


@cache
def _cloud() -> Bus:
    return house.bus(authority=True)
