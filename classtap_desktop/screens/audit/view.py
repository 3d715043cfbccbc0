"""The audit's screen: a timeline with filters and search, the chosen entry beside it, and an export to take along."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QResizeEvent, QStandardItem, QStandardItemModel
from PySide6.QtWidgets import QComboBox, QFileDialog, QGridLayout, QLineEdit, QWidget

from classtap_core.access.blueprints import Capability
from classtap_core.access.revealing import WHAT
from classtap_core.auditing.exporting import Cancelled, Manifest
from classtap_core.auditing.finding import SHORTEST
from classtap_core.auditing.lines import Line
from classtap_core.auditing.records import AuditStream
from classtap_core.auditing.saying import sentence
from classtap_core.kernel.ids import Id
from classtap_desktop.desk import Desk, Trouble
from classtap_desktop.kit import Button, Card, Label, Signals, theme
from classtap_desktop.screens.audit.card import EntryCard
from classtap_desktop.screens.audit.keeping import KeepingForm, read_streams
from classtap_desktop.screens.audit.reading import WHEN, Asked, Shelf, read_page, read_shelf, write_export
from classtap_desktop.screens.people import DETAIL, lines_list
from classtap_desktop.screens.revealing import Revealing
from classtap_desktop.screens.screen import Screen
from classtap_desktop.spacing import column, grown, row
from sync.audit import AuditPage
from sync.client.auditing import OWN, STUDIO

_TYPING_MS = 250
_CHOICES = {"where": (OWN, STUDIO), "when": tuple(WHEN)}


class AuditScreen(Screen):
    """Attributes: ``asked``, ``lines`` (what is shown), ``card`` (the chosen entry).

    Signals: ``loaded`` after a page, ``exported`` after an export ended.
    """

    NAME = "audit"
    KINDS = frozenset()
    loaded = Signal()
    exported = Signal()

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(desk, parent)
        self.asked = Asked()
        self.lines: list[Line] = []
        self._next, self._thing_name = "", ""
        self._shelf = Shelf((), (), "UTC", Id(""))
        self._devices: dict[str, str] = {}
        self.revealing = Revealing(desk, self)
        self.revealing.changed.connect(self._revealed)
        self.revealing.refused.connect(self._note)
        self._cancel = threading.Event()
        self._signals = Signals(self)
        self.page.setContentsMargins(26, 18, 26, 22)
        self.page.setSpacing(theme().px(12))
        head = row(gap=10)
        self.title = Label("", "title")
        self.export_button = Button("", icon="disk")
        self.export_button.clicked.connect(lambda _=False: self._ask_export())
        self.progress = Label("", "text", token="muted")
        self.stop = Button("", size="small")
        self.stop.clicked.connect(lambda _=False: self._cancel.set())
        self.keeping = Button("", size="small")
        self.keeping.clicked.connect(lambda _=False: self.open_keeping())
        self.form: KeepingForm | None = None
        head.addWidget(self.title, 1)
        for widget in (self.progress, self.stop, self.keeping, self.export_button):
            head.addWidget(widget)
        self.page.addLayout(head)
        self._add_filters()
        self.note = Label("", "text", token="muted", wrap=True)
        self.page.addWidget(self.note)
        sides = row(gap=18)
        self.page.addLayout(sides, 1)
        sides.addWidget(self._timeline(), 1)
        self.card = EntryCard()
        self.card.narrowed.connect(self._narrow)
        self.card.reveal.connect(self._reveal)
        sides.addWidget(self.card)
        self._typing = QTimer(self)
        self._typing.setSingleShot(True)
        self._typing.setInterval(_TYPING_MS)
        self._typing.timeout.connect(self.reload)
        self.trouble.acted.connect(self.reload)
        self._show_exporting(False)
        self.say()

    def _add_filters(self) -> None:
        self.filters = QGridLayout()
        self.filters.setSpacing(theme().px(8))
        self.field = QLineEdit()
        self.field.setClearButtonEnabled(True)
        self.field.setMaxLength(64)
        self.field.textChanged.connect(lambda _text: self._typing.start())
        self.boxes: dict[str, QComboBox] = {}
        for name in ("where", "person", "device", "when"):
            box = self.boxes[name] = QComboBox()
            box.activated.connect(lambda _at, name=name: self._pick(name))
        self.about = Button("", size="small", icon="close")
        self.about.clicked.connect(lambda _=False: self._narrow("", ""))
        self.page.addLayout(self.filters)
        self._stacked: bool | None = None
        self._lay_filters(False)

    def _lay_filters(self, narrow: bool) -> None:
        """In one line, or in a narrow window what is typed above and the choices two by two."""
        if narrow == self._stacked:
            return
        self._stacked = narrow
        boxes = list(self.boxes.values())
        for widget in (self.field, *boxes, self.about):
            self.filters.removeWidget(widget)
        if narrow:
            self.filters.addWidget(self.field, 0, 0, 1, 2)
            for at, box in enumerate(boxes):
                self.filters.addWidget(box, 1 + at // 2, at % 2)
            self.filters.addWidget(self.about, 3, 0, 1, 2)
        else:
            for at, widget in enumerate((self.field, *boxes, self.about)):
                self.filters.addWidget(widget, 0, at)
        for at in range(6):
            self.filters.setColumnStretch(at, int(at < 2) if narrow else int(at == 0))

    def _timeline(self) -> QWidget:
        card = Card(radius=18)
        inside = column(card, margins=(8, 8, 8, 8), gap=6)
        self.model = QStandardItemModel(self)
        self.list = lines_list(self.model)
        self.list.selectionModel().currentChanged.connect(lambda index, _before: self._choose(index.row()))
        self.more = Button("", size="small", kind="quiet")
        self.more.clicked.connect(lambda _=False: self._read(more=True))
        inside.addWidget(self.list, 1)
        inside.addWidget(self.more, 0, Qt.AlignmentFlag.AlignHCenter)
        return card

    # --- what is asked

    def open(self, id: str) -> None:
        """Show the audit, or with an id what was done about one thing."""
        if id:
            self._narrow(id, self._thing_name or id[:8])
        super().open("")

    def reload(self) -> None:
        if not self._may():
            self._take(AuditPage(lines=()), more=False)
            self._note(theme().words.say("desk.audit.not_yours"))
            return
        self.desk.read("audit.shelf", read_shelf, then=self._take_shelf, failed=self.show_trouble)
        self._read(more=False)

    def open_keeping(self) -> None:
        """Show how long entries are kept, and what is held."""
        self.desk.read("audit.keeping", read_streams, then=self._show_keeping, failed=self.show_trouble)

    def _show_keeping(self, streams: Mapping[str, AuditStream]) -> None:
        if self.form is not None:
            self.form.deleteLater()
        self.form = KeepingForm(self.desk, self.window(), streams, self._shelf.zone)
        self.form.saved.connect(lambda _id: self.desk.tell("desk.access.person_asked"))
        self.form.open()

    def take_focus(self) -> None:
        self.field.setFocus(Qt.FocusReason.OtherFocusReason)

    def _may(self) -> bool:
        """Whether they may read it everywhere, or somewhere."""
        operator, at_ms = self.desk.operator, self.desk.now().corrected
        return operator is not None and any(
            operator.may(Capability.VIEW_AUDIT, location=location, at_ms=at_ms)
            for location in (None, *(grant.location for grant in operator.grants))
        )

    def _read(self, *, more: bool) -> None:
        operator, words = self.desk.operator, theme().words
        if operator is None:
            return
        text = self.field.text().strip()
        asked = self.asked._replace(
            text=text if len(text) >= SHORTEST else "",
            after=self._next if more else "",
            revealed=self.revealing.standing(),
        )
        self.asked = asked
        zone = self._shelf.zone
        self._note(words.say("desk.audit.looking"))
        self.desk.read(
            "audit", lambda source: read_page(source, operator, asked, words, zone),
            then=lambda page: self._take(page, more=more), failed=self._fail,
        )  # fmt: skip

    def _pick(self, name: str) -> None:
        chosen: dict[str, Any] = {name: self.boxes[name].currentData() or ""}
        self.asked = self.asked._replace(**chosen)
        self._read(more=False)

    def _narrow(self, id: str, name: str) -> None:
        self.asked, self._thing_name = self.asked._replace(thing=id), name
        self._say_about()
        if self.isVisible():
            self._read(more=False)

    def _operated(self) -> None:
        self.export_button.setVisible(self._may())
        self.keeping.setVisible(self.desk.may(Capability.MANAGE_STUDIO))
        if self.desk.operator is None:
            self._take(AuditPage(lines=()), more=False)
        elif self.isVisible():
            self.reload()

    # --- what came back

    def _take_shelf(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._devices |= dict(shelf.devices)
        self._fill_boxes()

    def _take(self, page: AuditPage, *, more: bool) -> None:
        self.trouble.clear()
        kept = self.card.line.operation if self.card.line is not None else ""
        self.lines = [*(self.lines if more else ()), *page.lines]
        self._next = page.next
        self._devices |= {line.device: line.device_name for line in page.lines if line.device_name}
        self._fill_boxes()
        self._show_lines(kept)
        empty = not self.lines
        self._note(theme().words.say("desk.audit.empty") if empty and not page.next else "")
        self.more.setVisible(bool(page.next))
        if page.next and len(page.lines) == 0:
            self._read(more=True)  # a page may be empty before the end: go on looking
            return
        self.loaded.emit()

    def _fail(self, trouble: Trouble) -> None:
        words = theme().words
        if trouble.code == "cloud.unreachable":
            self._take(AuditPage(lines=()), more=False)
            self._note(words.say("desk.audit.offline"))
            return
        known = words.has(f"error.{trouble.code}")
        self._note(words.say(f"error.{trouble.code}", **trouble.params) if known else "")
        if not known:
            self.show_trouble(trouble)
        self.loaded.emit()

    def _note(self, text: str) -> None:
        self.note.show_text(text)
        self.note.setVisible(bool(text))

    def _show_lines(self, kept: str) -> None:
        words = theme().words
        self.model.clear()
        for line in self.lines:
            item = QStandardItem(sentence(line, words))
            place = line.device_name or line.device[:8]
            when = words.datetime(line.at_ms, self._shelf.zone)
            item.setData(words.join([when, place]), DETAIL)
            item.setData(f"{sentence(line, words)}, {when}", Qt.ItemDataRole.AccessibleTextRole)
            self.model.appendRow(item)
        at = next((at for at, line in enumerate(self.lines) if line.operation == kept), 0 if self.lines else -1)
        if at >= 0:
            self.list.setCurrentIndex(self.model.index(at, 0))
        self._choose(at)

    def _choose(self, at: int) -> None:
        line = self.lines[at] if 0 <= at < len(self.lines) else None
        self.card.show_line(line, self._shelf.zone)

    # --- seeing what is masked

    def _reveal(self, line: Line, why: str) -> None:
        self.revealing.ask(WHAT, subject=line.operation, home=self._shelf.home, why=why)

    def _revealed(self) -> None:
        if self.isVisible():
            self._read(more=False)

    # --- taking it along

    def _ask_export(self) -> None:
        words = theme().words
        kinds = "CSV (*.csv);;JSON (*.json)"
        name, _ = QFileDialog.getSaveFileName(self, words.say("desk.audit.export_title"), "audit.csv", kinds)
        if name:
            self.export_to(Path(name))

    def export_to(self, path: Path) -> None:
        """Write what the filters find to a file, with its manifest beside it."""
        operator, words, asked, zone = self.desk.operator, theme().words, self.asked, self._shelf.zone
        if operator is None:
            return
        cancel = self._cancel = threading.Event()
        counted = self._signals.latest(lambda: self.progress.show_text(words.say("desk.audit.exporting", n=count[0])))
        count = [0]

        def going(done: int) -> bool:
            count[0] = done
            counted()
            return not cancel.is_set()

        self._show_exporting(True)
        self.progress.show_text(words.say("desk.audit.exporting", n=0))
        self.desk.do(
            lambda source: write_export(source, operator, asked, words, zone, path, going),
            then=self._wrote, failed=self._not_written,
        )  # fmt: skip

    def _wrote(self, manifest: Manifest) -> None:
        self._show_exporting(False)
        self.desk.tell("desk.audit.exported", n=manifest.entries)
        self.exported.emit()

    def _not_written(self, trouble: Trouble) -> None:
        self._show_exporting(False)
        if trouble.code == Cancelled.__name__:
            self.desk.tell("desk.audit.cancelled", tone="info")
        elif theme().words.has(f"error.{trouble.code}"):
            self.show_trouble(trouble)
        else:
            self.desk.tell("desk.audit.export_failed", tone="warn")
        self.exported.emit()

    def _show_exporting(self, going: bool) -> None:
        self.progress.setVisible(going)
        self.stop.setVisible(going)
        self.export_button.setEnabled(not going)

    # --- words and room

    def say(self) -> None:
        words = theme().words
        self.title.show_text(words.say("desk.screen.audit"))
        self.export_button.show_text(words.say("desk.audit.export"))
        self.stop.show_text(words.say("desk.audit.cancel"))
        self.keeping.show_text(words.say("desk.keep.open"))
        self.more.show_text(words.say("desk.audit.more"))
        self.field.setPlaceholderText(words.say("desk.audit.search"))
        self.field.setAccessibleName(words.say("desk.audit.search"))
        self.list.setAccessibleName(words.say("desk.screen.audit"))
        self.more.setVisible(bool(self._next))
        self._say_about()
        self._fill_boxes()
        self._show_lines(self.card.line.operation if self.card.line is not None else "")
        self.card.say()
        self._fit()

    def _say_about(self) -> None:
        self.about.setVisible(bool(self.asked.thing))
        self.about.show_text(theme().words.say("desk.audit.about_this", name=self._thing_name))

    def _fill_boxes(self) -> None:
        words = theme().words
        choices: dict[str, list[tuple[str, Any]]] = {
            "where": [(words.say(f"desk.audit.where.{one}"), one) for one in _CHOICES["where"]],
            "when": [(words.say(f"desk.audit.when.{one}"), one) for one in _CHOICES["when"]],
            "person": [(words.say("desk.audit.person"), ""), *((name, id) for id, name in self._shelf.people)],
            "device": [
                (words.say("desk.audit.device"), ""),
                *((name, id) for id, name in sorted(self._devices.items(), key=lambda one: one[1].casefold())),
            ],
        }
        for name, box in self.boxes.items():
            chosen = getattr(self.asked, name)
            box.clear()
            for text, value in choices[name]:
                box.addItem(text, value)
            box.setCurrentIndex(max(0, box.findData(chosen)))
            box.setAccessibleName(words.say(f"desk.audit.filter.{name}"))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        self.card.setFixedWidth(max(grown(300), min(grown(460), round(self.width() * 0.42))))
        self._lay_filters(self.width() < grown(880))
        for box in self.boxes.values():
            box.setMaximumWidth(16_777_215 if self._stacked else grown(190))
