"""One family's data: everything that is held of them into a file, or all of it erased, each behind its own right."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFileDialog, QLineEdit, QListWidget, QListWidgetItem, QWidget

from classtap_core.access.blueprints import Capability
from classtap_core.kernel.device import Receipt
from classtap_core.kernel.ids import Id
from classtap_core.kernel.outcomes import Status
from classtap_core.people.erasing import ErasePeople
from classtap_desktop.desk import Desk, failure
from classtap_desktop.frame.overlay import Overlay
from classtap_desktop.kit import Button, Card, Label, theme
from classtap_desktop.screens.imports.reading import Someone, families_like, someone, write_person
from classtap_desktop.spacing import column, grown, row

_TYPING_MS = 200


class PersonCard(Card):
    """Attributes: ``found`` (families by name), ``erasing`` (the page that asks, once it was opened).

    Signals: ``searched`` after families were found, ``wrote`` after a file was written.
    """

    searched = Signal()
    wrote = Signal()

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(radius=18, parent=parent)
        self._desk = desk
        self.erasing: ErasePage | None = None
        inside = column(self, margins=(22, 20, 22, 22), gap=10)
        self.title, self.hint = Label("", "heading", wrap=True), Label("", "text", token="muted", wrap=True)
        self.field = QLineEdit()
        self.field.setClearButtonEnabled(True)
        self.field.setMaxLength(64)
        self.found = QListWidget()
        self.found.setProperty("plain", "true")
        self.found.currentItemChanged.connect(lambda *_: self.show_rights())
        self.take_out, self.erase = Button("", icon="disk"), Button("", kind="danger", icon="close")
        self.take_out.clicked.connect(lambda _=False: self._ask_file())
        self.erase.clicked.connect(lambda _=False: self.ask_erase())
        self.studio = Label("", "secondary", token="muted", wrap=True)
        for widget in (self.title, self.hint, self.field):
            inside.addWidget(widget)
        inside.addWidget(self.found, 1)
        inside.addWidget(self.take_out, 0, Qt.AlignmentFlag.AlignLeading)
        inside.addWidget(self.erase, 0, Qt.AlignmentFlag.AlignLeading)
        inside.addWidget(self.studio)
        self._typing = QTimer(self)
        self._typing.setSingleShot(True)
        self._typing.setInterval(_TYPING_MS)
        self._typing.timeout.connect(self._search)
        self.field.textChanged.connect(lambda _text: self._typing.start())

    def chosen(self) -> Id | None:
        """The family that is chosen."""
        at = self.found.currentRow()
        return None if at < 0 else Id(self.found.item(at).data(Qt.ItemDataRole.UserRole))

    def show_rights(self) -> None:
        """Offer what the signed-in person may do with the chosen family."""
        place, chosen = self._desk.source.place.location, self.chosen() is not None
        allowed = self._desk.operator is not None
        self.take_out.setEnabled(chosen and self._desk.may(Capability.EXPORT_PERSON, location=place))
        self.erase.setEnabled(chosen and self._desk.may(Capability.ERASE_PERSON))
        self.field.setEnabled(allowed)
        if not allowed:
            self.field.clear()
            self.found.clear()

    def say(self) -> None:
        words = theme().words
        self.title.show_text(words.say("desk.person.title"))
        self.hint.show_text(words.say("desk.person.hint"))
        self.field.setPlaceholderText(words.say("desk.person.find"))
        self.field.setAccessibleName(words.say("desk.person.find"))
        self.found.setAccessibleName(words.say("desk.person.found"))
        self.take_out.show_text(words.say("desk.person.take_out"))
        self.erase.show_text(words.say("desk.person.erase"))
        self.studio.show_text(words.say("desk.person.studio"))

    def export_to(self, path: Path) -> None:
        """Write everything that is held of the chosen family."""
        family = self.chosen()
        if family is None:
            return

        def write(source: object) -> int:
            return write_person(self._desk.source, someone(self._desk.source, family), path)

        self._desk.do(write, then=self._wrote)

    def ask_erase(self) -> ErasePage | None:
        """Say over the whole window what would go with the chosen family."""
        family = self.chosen()
        if family is None:
            return None
        if self.erasing is None:
            self.erasing = ErasePage(self._desk, self.window())
        self.erasing.ask(family)
        return self.erasing

    def _search(self) -> None:
        text = self.field.text().strip()
        if not text:
            self._show([])
            return
        self._desk.read("person", lambda source: families_like(source, text), then=self._show)

    def _show(self, families: list[tuple[Id, str]]) -> None:
        self.found.clear()
        for id, name in families:
            item = QListWidgetItem(name)
            item.setData(Qt.ItemDataRole.UserRole, id)
            self.found.addItem(item)
        self.show_rights()
        self.searched.emit()

    def _ask_file(self) -> None:
        words, at = theme().words, self.found.currentRow()
        if at < 0:
            return
        start = str(Path.home() / f"{self.found.item(at).text().replace('/', '-')}.json")
        name, _ = QFileDialog.getSaveFileName(self, words.say("desk.person.take_out"), start, "JSON (*.json)")
        if name:
            self.export_to(Path(name))

    def _wrote(self, records: int) -> None:
        self._desk.tell("desk.person.written", records=records)
        self.wrote.emit()


class ErasePage(Overlay):
    """Two steps: what goes and what stays, then the family's name typed. Signals: ``shown``, ``asked`` after an answer."""

    shown = Signal()
    asked = Signal()

    def __init__(self, desk: Desk, over: QWidget) -> None:
        super().__init__(over)
        self._desk = desk
        self.someone: Someone | None = None
        inside = column(self.card, margins=(30, 26, 30, 24), gap=12)
        self.title = Label("", "title", wrap=True)
        self.who = Label("", "strong", wrap=True)
        self.goes, self.stays = Label("", "text", wrap=True), Label("", "text", token="muted", wrap=True)
        self.typed_hint = Label("", "text", wrap=True)
        self.typed = QLineEdit()
        self.typed.textChanged.connect(lambda _text: self._show_button())
        self.message = Label("", "text", token="warn", wrap=True)
        for widget in (self.title, self.who, self.goes, self.stays, self.typed_hint, self.typed, self.message):
            inside.addWidget(widget)
        foot = row(gap=10)
        self.keep, self.go_on = Button(""), Button("", kind="danger")
        self.keep.clicked.connect(lambda _=False: self.close_overlay())
        self.go_on.clicked.connect(lambda _=False: self._go_on())
        foot.addWidget(self.keep)
        foot.addStretch(1)
        foot.addWidget(self.go_on)
        inside.addLayout(foot)
        theme().changed.connect(self._say)

    def ask(self, family: Id) -> None:
        """Say what would go with a family."""
        self.someone = None
        self._step(typing=False)
        self.message.show_text("")
        self.open()
        self.keep.setFocus(Qt.FocusReason.OtherFocusReason)
        self._desk.read("erase", lambda source: someone(source, family), then=self._take)

    @property
    def name(self) -> str:
        """What has to be typed: the family's name."""
        return "" if self.someone is None else self.someone.people[self.someone.family]

    def _take(self, found: Someone) -> None:
        self.someone = found
        self._say()
        self.shown.emit()

    def _step(self, *, typing: bool) -> None:
        for widget in (self.typed_hint, self.typed):
            widget.setVisible(typing)
        for widget in (self.goes, self.stays):
            widget.setVisible(not typing)
        self.typed.clear()
        self._say()
        if typing:
            self.typed.setFocus(Qt.FocusReason.OtherFocusReason)

    def _go_on(self) -> None:
        found = self.someone
        if found is None:
            return
        if self.typed.isHidden():
            self._step(typing=True)
            return
        self.go_on.setEnabled(False)
        self._desk.submit(ErasePeople(people=tuple(found.people), why="request"), then=self._answered)

    def _answered(self, receipt: Receipt) -> None:
        words, outcome = theme().words, receipt.outcome
        if outcome.status is Status.REFUSED:
            reason = outcome.reasons[0]
            self.message.show_text(failure(reason.code, reason.params, words))
        else:
            self._desk.tell("desk.person.erasing", name=self.name)
            self.close_overlay()
        self.asked.emit()

    def _show_button(self) -> None:
        typing = not self.typed.isHidden()
        right = self.typed.text().strip().casefold() == self.name.casefold()
        self.go_on.setEnabled(self.someone is not None and (right or not typing))

    def _say(self) -> None:
        words, found = theme().words, self.someone
        self.title.show_text(words.say("desk.person.erase_title"))
        self.who.show_text("" if found is None else words.join(found.people.values()))
        self.goes.show_text("" if found is None else words.say("desk.person.goes", goes=found.goes))
        stays = [] if found is None else [words.say(f"desk.person.kept.{kind}") for kind in found.stays]
        self.stays.show_text(words.say("desk.person.stays", what=words.join(stays, by=", ") or "–"))
        self.typed_hint.show_text(words.say("desk.person.type", name=self.name))
        self.typed.setAccessibleName(words.say("desk.person.type", name=self.name))
        self.keep.show_text(words.say("desk.person.keep"))
        typing = not self.typed.isHidden()
        self.go_on.show_text(words.say("desk.person.erase_now" if typing else "desk.person.go_on"))
        self._show_button()
        self._fit()

    def _fit(self) -> None:
        """As wide as reads well, and as high as the words need at that width."""
        wide = min(grown(640), max(300, self._over.width() - theme().px(48)))
        self.card.setFixedWidth(wide)
        for label in (self.title, self.who, self.goes, self.stays, self.typed_hint, self.message):
            label.setMinimumHeight(label.heightForWidth(wide - theme().px(60)) if label.text() else 0)
        for holder in (self.card, self):
            layout = holder.layout()
            if layout is not None:
                layout.invalidate()
                layout.activate()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()
