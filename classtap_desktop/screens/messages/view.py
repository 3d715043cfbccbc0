"""The messages' screen: what was sent and what became of it, and a card to write a new one to a session's families."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent, QStandardItem
from PySide6.QtWidgets import QBoxLayout, QComboBox, QScrollArea, QStackedWidget, QWidget

from classtap_core.access.blueprints import Capability
from classtap_core.kernel.device import Receipt
from classtap_core.kernel.ids import Id
from classtap_core.messaging.operations import TryAgain
from classtap_core.messaging.records import REACHED, UNREACHED, State
from classtap_core.naming.spelling import folded
from classtap_desktop.desk import Desk, failure
from classtap_desktop.kit import Button, Card, Label, theme
from classtap_desktop.screens.messages.compose import Compose
from classtap_desktop.screens.messages.reading import (
    KINDS,
    Preview,
    Sent,
    SessionChoice,
    asked,
    moment,
    read_choices,
    read_preview,
    read_sent,
)
from classtap_desktop.screens.messages.record import Record, kind_name
from classtap_desktop.screens.messages.wishes import (
    read_published,
    read_wants,
    settings_sheet,
    wishes_sheet,
)
from classtap_desktop.screens.people import COLOUR, DETAIL, colour_of
from classtap_desktop.screens.screen import Screen
from classtap_desktop.screens.searched_list import SearchedList
from classtap_desktop.screens.sent import INBOX
from classtap_desktop.screens.sheet import Sheet
from classtap_desktop.screens.sheet_form import SheetForm
from classtap_desktop.spacing import column, grown, row

_MESSAGE = Qt.ItemDataRole.UserRole + 5
_ANY = 16_777_215
"""Qt's own bound of sizes: as large as there is room."""
ALL, LOST, WAITS = "all", "lost", "waits"


class MessagesScreen(Screen):
    """Attributes: ``sent`` (messages of the last month), ``compose``, ``record`` (the chosen one's), ``form``.

    Signals: ``loaded`` after messages were read, ``previewed`` after a preview, ``answered`` after something was done.
    """

    NAME = "messages"
    KINDS = KINDS
    loaded = Signal()
    previewed = Signal()
    answered = Signal()

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(desk, parent)
        self.sent: tuple[Sent, ...] = ()
        self.record: Record | None = None
        self.form: SheetForm | None = None
        self._session = ""
        self.page.setContentsMargins(26, 18, 26, 22)
        head = row(gap=10)
        self.title = Label("", "title")
        self.settings = Button("", icon="settings")
        self.settings.clicked.connect(lambda _=False: self.ask_settings())
        self.new = Button("", icon="plus")
        self.new.clicked.connect(lambda _=False: self.write())
        head.addWidget(self.title, 1)
        head.addWidget(self.settings)
        head.addWidget(self.new)
        self.page.addLayout(head)
        self.sides = sides = row(gap=18)
        self.page.addLayout(sides, 1)
        self.listed = self._list_card()
        sides.addWidget(self.listed, 1)
        self.card = Card(radius=18)
        inside = column(self.card, margins=(2, 2, 2, 2))
        self.compose = Compose()
        self.compose.turned.connect(self._turned)
        self.compose.sent.connect(self._send)
        self.areas = (_area(), _area())
        self.areas[0].setWidget(self.compose)
        self.shown = QStackedWidget()
        for area in self.areas:
            self.shown.addWidget(area)
        inside.addWidget(self.shown)
        sides.addWidget(self.card)
        self.trouble.acted.connect(self.reload)
        self.say()

    def _list_card(self) -> QWidget:
        self.which = QComboBox()
        self.which.activated.connect(lambda _at: self._show_list())
        self.empty = Label("", "text", token="muted", wrap=True)
        listed = SearchedList(self.which, above=self.empty)
        self.field, self.model, self.list = listed.field, listed.model, listed.list
        self.field.textChanged.connect(lambda _text: self._show_list())
        self.list.selectionModel().currentChanged.connect(lambda index, _before: self._choose(index.data(_MESSAGE)))
        return listed

    # --- reading

    def open(self, id: str) -> None:
        """Show the messages, or with a session's id write to its families."""
        self._session = id
        super().open("")
        if id:
            self.write()

    def reload(self) -> None:
        self.compose.may = self._may()
        operator = self.desk.operator
        self.desk.read(
            "messages", lambda source: read_sent(source, operator), then=self._take, failed=self.show_trouble
        )
        self.desk.read(
            "messages.to", lambda source: read_choices(source, operator), then=self._offer, failed=self.show_trouble
        )

    def take_focus(self) -> None:
        self.field.setFocus(Qt.FocusReason.OtherFocusReason)

    def _may(self) -> bool:
        choice = self.compose.chosen
        at = self.desk.source.place.location if choice is None else choice.location
        return self.desk.may(Capability.EDIT_FAMILY, location=at)

    def _take(self, sent: tuple[Sent, ...]) -> None:
        self.sent = sent
        self._show_list()
        self.loaded.emit()

    def _offer(self, choices: tuple[SessionChoice, ...]) -> None:
        self.compose.offer(choices, now_ms=self.desk.now().corrected, session=self._session)
        self._session = ""

    def _turned(self) -> None:
        """Another session, other people or another urgency: whom it reaches is asked anew."""
        choice = self.compose.chosen
        if choice is None:
            self.compose.preview = Preview()
        self.compose.may = self._may()
        self._offer_deeds()
        self.compose.say()
        if choice is not None:
            whom, urgent = self.compose.whom.currentData(), self.compose.urgent.isChecked()
            self.desk.read(
                "messages.preview", lambda source: read_preview(source, choice, whom=whom, urgent=urgent),
                then=self._preview,
            )  # fmt: skip

    def _preview(self, preview: Preview) -> None:
        self.compose.show_preview(preview)
        self.previewed.emit()

    # --- the list

    def _show_list(self) -> None:
        words = theme().words
        chosen = self.list.currentIndex().data(_MESSAGE)
        wanted, which = folded(self.field.text()), self.which.currentData()
        self.list.selectionModel().blockSignals(True)
        self.model.clear()
        for one in self.sent:
            if wanted not in folded(one.family) or not _is(one, which):
                continue
            item = QStandardItem(one.family)
            when = moment(one.message.asked_ms, one.zone, words)
            item.setData(words.join([kind_name(one.message.template), standing_text(one), when]), DETAIL)
            item.setData(colour_of(one.message.family), COLOUR)
            item.setData(one.message.id, _MESSAGE)
            self.model.appendRow(item)
            if one.message.id == chosen:
                self.list.setCurrentIndex(item.index())
        self.list.selectionModel().blockSignals(False)
        self.empty.show_text("" if self.model.rowCount() else words.say("desk.messages.none"))
        self.empty.setVisible(not self.model.rowCount())
        if self.record is not None:
            self._choose(chosen)

    def _choose(self, message: str | None) -> None:
        found = next((one for one in self.sent if one.message.id == message), None)
        if found is None:
            return
        self.record = Record(found, may=self._may())
        self.record.again.connect(partial(self._again, found.message.id))
        self.record.wishes.connect(self.ask_wishes)
        self.areas[1].setWidget(self.record)
        self.shown.setCurrentIndex(1)

    def write(self) -> None:
        """Show the card a message is written on."""
        self.list.clearSelection()
        self.record = None
        self.shown.setCurrentIndex(0)
        self.compose.text.setFocus(Qt.FocusReason.OtherFocusReason)

    # --- doing

    def _send(self) -> None:
        choice, compose = self.compose.chosen, self.compose
        if choice is None:
            return
        payloads = asked(choice, compose.preview, text=compose.text.toPlainText(), urgent=compose.urgent.isChecked())
        self.compose.send.setEnabled(False)
        self.desk.submit_all(payloads, then=self._sent)

    def _sent(self, receipts: list[Receipt]) -> None:
        refused = next((one.outcome for one in receipts if not one.outcome.stands), None)
        if refused is None:
            self.desk.tell("desk.messages.asked")
            self.compose.clear()
        else:
            self._refuse(refused.reasons[0].code if refused.reasons else "")
        self.reload()
        self.answered.emit()

    def _again(self, message: Id) -> None:
        self.desk.submit(TryAgain(message=message), then=self._tried)

    def _tried(self, receipt: Receipt) -> None:
        if receipt.outcome.stands:
            self.desk.tell("desk.messages.tried", tone="info")
        else:
            self._refuse(receipt.outcome.reasons[0].code if receipt.outcome.reasons else "")
        self.answered.emit()

    def _refuse(self, code: str) -> None:
        self.trouble.show_error(failure(code, {}, theme().words))

    def ask_settings(self) -> None:
        """Open the form of what is sent by itself."""
        self.desk.read("messages.form", read_published, then=lambda read: self._ask(settings_sheet(read)))

    def ask_wishes(self, guardian: str) -> None:
        """Open the form of what a guardian wants."""
        self.desk.read(
            "messages.form", lambda source: read_wants(source, Id(guardian)),
            then=lambda found: None if found is None else self._ask(wishes_sheet(found)),
        )  # fmt: skip

    def _ask(self, sheet: Sheet) -> None:
        if self.form is not None:
            self.form.deleteLater()
        self.form = SheetForm(self.desk, self.window(), sheet)
        self.form.saved.connect(lambda _id: self._saved())
        self.form.open()
        self.answered.emit()

    def _saved(self) -> None:
        asked_for = self.form is not None and self.form.asked
        self.desk.tell("desk.studio.asked" if asked_for else "desk.form.saved", tone="info" if asked_for else "present")
        self._turned()
        self.answered.emit()

    # --- words and room

    def say(self) -> None:
        words = theme().words
        self.title.show_text(words.say("desk.screen.messages"))
        self.settings.show_text(words.say("desk.messages.by_itself"))
        self._offer_deeds()
        self.new.show_text(words.say("desk.messages.new"))
        self.field.setPlaceholderText(words.say("desk.messages.search"))
        self.field.setAccessibleName(words.say("desk.messages.search"))
        self.which.setAccessibleName(words.say("desk.messages.which"))
        held = self.which.currentData()
        self.which.clear()
        for code in (ALL, LOST, WAITS):
            self.which.addItem(words.say(f"desk.messages.which.{code}"), code)
        self.which.setCurrentIndex(max(0, self.which.findData(held)))
        self.list.setAccessibleName(words.say("desk.screen.messages"))
        self.compose.may = self._may()
        self.compose.say()
        self._show_list()
        self._fit()

    def _operated(self) -> None:
        self._offer_deeds()
        super()._operated()

    def _offer_deeds(self) -> None:
        """Offer what only who may do it does."""
        self.settings.setVisible(self.desk.may(Capability.PUBLISH_POLICY))
        self.new.setVisible(self._may())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """Side by side, or with large words the list above."""
        narrow = self.width() < grown(760)
        self.sides.setDirection(QBoxLayout.Direction.TopToBottom if narrow else QBoxLayout.Direction.LeftToRight)
        self.listed.setMaximumHeight(grown(130) if narrow else _ANY)
        if narrow:
            self.card.setMinimumWidth(0)
            self.card.setMaximumWidth(_ANY)
        else:
            self.card.setFixedWidth(max(grown(340), min(grown(560), round(self.width() * 0.52))))


def _area() -> QScrollArea:
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    return area


def standing_text(one: Sent) -> str:
    """How a message stands, in a word or two."""
    words, message = theme().words, one.message
    lost = sum(1 for delivery in message.deliveries if delivery.state in UNREACHED)
    if lost:
        return words.say_n("desk.messages.lost", lost)
    taken = [delivery for delivery in message.deliveries if delivery.state in REACHED]
    if taken and all(delivery.code == INBOX for delivery in taken):
        return words.say("desk.messages.inbox")
    if taken:
        arrived = all(delivery.state is State.DELIVERED for delivery in taken)
        return words.say_n("desk.messages.reached" if arrived else "desk.messages.handed", len(taken))
    return words.say("desk.messages.waits" if message.state != "done" else "desk.messages.nobody")


def _is(one: Sent, which: str | None) -> bool:
    lost = any(delivery.state in UNREACHED for delivery in one.message.deliveries)
    if which == LOST:
        return lost or (one.message.state == "done" and not one.message.reached)
    return which != WAITS or one.message.state != "done"
