"""The studio's own screen: what it is and offers at the side, the things of one subject beside it, each with its form."""

from __future__ import annotations

import secrets

from PySide6.QtCore import QItemSelectionModel, QModelIndex, QPersistentModelIndex, QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent, QStandardItem, QStandardItemModel
from PySide6.QtWidgets import QStyleOptionViewItem, QWidget

from classtap_core.access.blueprints import Capability
from classtap_core.kernel.ids import Id, fresh
from classtap_core.kernel.undo import Undo
from classtap_desktop.desk import Desk
from classtap_desktop.kit import Button, Card, Label, theme
from classtap_desktop.screens.people import DETAIL, PersonDelegate, lines_list
from classtap_desktop.screens.screen import Screen
from classtap_desktop.screens.sheet import Sheet
from classtap_desktop.screens.sheet_form import SheetForm
from classtap_desktop.screens.studio.reading import KINDS, Known, read_known
from classtap_desktop.screens.studio.subjects import SUBJECTS, Subject
from classtap_desktop.spacing import column, grown, row

_ID = Qt.ItemDataRole.UserRole + 5


class StudioScreen(Screen):
    """Attributes: ``subject``, ``known`` (what was read, None before), ``form`` (the one that was opened last).

    Signals: ``loaded`` after each reading, ``done`` after a form was saved.
    """

    NAME = "studio"
    KINDS = KINDS
    loaded = Signal()
    done = Signal()

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(desk, parent)
        self.known: Known | None = None
        self.subject: Subject = SUBJECTS[0]
        self.form: SheetForm | None = None
        self.page.setContentsMargins(26, 18, 26, 22)
        head = row(gap=10)
        self.title = Label("", "title", elide=True)
        self.new = Button("", icon="plus", kind="primary")
        self.new.clicked.connect(lambda _=False: self.open_new())
        self.undo = Button("", icon="arrow_back")
        self.undo.clicked.connect(lambda _=False: self.take_back())
        self._last: tuple[Id, ...] = ()
        head.addWidget(self.title, 1)
        head.addWidget(self.undo)
        head.addWidget(self.new)
        self.page.addLayout(head)
        sides = row(gap=18)
        self.page.addLayout(sides, 1)
        self.subjects = QStandardItemModel(self)
        self.subject_list = lines_list(self.subjects)
        self.subject_list.setItemDelegate(_NameDelegate(self.subject_list))
        self.subject_list.selectionModel().currentChanged.connect(lambda now, _before: self._pick(now.row()))
        self.side = Card(radius=18)
        column(self.side, margins=(8, 8, 8, 8)).addWidget(self.subject_list)
        sides.addWidget(self.side)
        self.model = QStandardItemModel(self)
        self.list = lines_list(self.model)
        self.list.activated.connect(self._open)
        self.list.clicked.connect(self._open)
        card = Card(radius=18)
        inside = column(card, margins=(8, 8, 8, 8), gap=8)
        self.hint = Label("", "secondary", token="muted", wrap=True)
        self.hint.setContentsMargins(10, 6, 10, 0)
        inside.addWidget(self.hint)
        inside.addWidget(self.list, 1)
        sides.addWidget(card, 1)
        self.trouble.acted.connect(self.reload)
        desk.operated.connect(self._show_rights)
        for _ in SUBJECTS:
            self.subjects.appendRow(QStandardItem(""))
        self.say()

    # --- what people do

    def open(self, id: str) -> None:
        """Show a subject by its name, or the one that was shown."""
        at = next((at for at, one in enumerate(SUBJECTS) if one.name == id), SUBJECTS.index(self.subject))
        where = self.subjects.index(at, 0)
        self.subject_list.selectionModel().setCurrentIndex(where, QItemSelectionModel.SelectionFlag.ClearAndSelect)
        super().open("")

    def reload(self) -> None:
        self.desk.read("studio.screen", read_known, then=self._take, failed=self.show_trouble)

    def take_focus(self) -> None:
        self.list.setFocus(Qt.FocusReason.OtherFocusReason)

    def open_new(self) -> None:
        """Open the form of a new thing of the subject."""
        if self.known is not None and self.subject.new is not None and self._may():
            self._show(self.subject.new(self.known, fresh(self.desk.now().corrected, secrets.token_bytes)))

    def open_one(self, id: Id) -> None:
        """Open the form of a thing that is listed."""
        if self.known is not None and self._may() and id in self.subject.held(self.known):
            self._show(self.subject.sheet(self.known, id))

    def _open(self, index: QModelIndex) -> None:
        self.open_one(Id(str(index.data(_ID))))

    def _pick(self, at: int) -> None:
        if 0 <= at < len(SUBJECTS):
            self.subject = SUBJECTS[at]
            self._list()

    def _show(self, sheet: Sheet) -> None:
        if self.form is not None:
            if self.form.isVisible():
                return
            self.form.deleteLater()
        self.form = self.subject.form(self.desk, self.window(), sheet)
        self.form.saved.connect(self._saved)
        self.form.open()

    def take_back(self) -> None:
        """Undo what the last form said, but for what somebody changed since."""
        last, self._last = self._last, ()
        self._show_rights()
        undone = [Undo(operation=one) for one in reversed(last)]
        self.desk.submit_all(undone, then=lambda _: self._taken_back())

    def _taken_back(self) -> None:
        self.desk.tell("desk.studio.undone", tone="info")
        self.reload()
        self.done.emit()

    def _saved(self, _id: str) -> None:
        asked = self.form is not None and self.form.asked
        planned = self.subject.name in ("series", "programs")  # families may have booked; these are called off
        self._last = self.form.operations if self.form is not None and not planned else ()
        self._show_rights()
        self.desk.tell("desk.studio.asked" if asked else "desk.form.saved", tone="info" if asked else "present")
        self.reload()
        self.done.emit()

    # --- what is shown

    def _may(self) -> bool:
        operator, at_ms = self.desk.operator, self.desk.now().corrected
        places = [None, *(self.known.locations if self.known is not None else ())]
        return operator is not None and any(
            operator.may(self.subject.needs, location=place, at_ms=at_ms, money=self.subject.money) for place in places
        )

    def _show_rights(self) -> None:
        self.new.setVisible(self.subject.new is not None and self._may())
        self.undo.setVisible(bool(self._last) and self.desk.may(Capability.UNDO))

    def _take(self, known: Known) -> None:
        self.trouble.clear()
        self.known = known._replace(policies=self.desk.may(Capability.PUBLISH_POLICY))
        self._list()
        self.loaded.emit()

    def _list(self) -> None:
        words, known = theme().words, self.known
        here, scroll = self.list.currentIndex().data(_ID), self.list.verticalScrollBar().value()
        self.model.clear()
        for line in self.subject.lines(known, words) if known is not None else ():
            item = QStandardItem(line.name)
            item.setData(line.detail, DETAIL)
            item.setData(line.id, _ID)
            item.setData(f"{line.name}: {line.detail}", Qt.ItemDataRole.AccessibleTextRole)
            self.model.appendRow(item)
            if line.id == here:
                self.list.setCurrentIndex(item.index())
        self.list.verticalScrollBar().setValue(scroll)
        if self.subject.new is not None:
            self.new.show_text(words.say(f"desk.studio.new.{self.subject.name}"))
        self.hint.show_text(words.say(f"desk.studio.hint.{self.subject.name}"))
        self.list.setAccessibleName(words.say(f"desk.studio.subject.{self.subject.name}"))
        self._show_rights()

    def say(self) -> None:
        words = theme().words
        self.title.show_text(words.say("desk.screen.studio"))
        self.undo.show_text(words.say("desk.access.undo"))
        self.subject_list.setAccessibleName(words.say("desk.screen.studio"))
        for at, subject in enumerate(SUBJECTS):
            self.subjects.item(at).setText(words.say(f"desk.studio.subject.{subject.name}"))
        self._list()
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        names = max(
            theme().metrics("strong").horizontalAdvance(self.subjects.item(at).text()) for at in range(len(SUBJECTS))
        )
        self.side.setFixedWidth(min(names + theme().px(52) + grown(18), round(self.width() * 0.45)))


class _NameDelegate(PersonDelegate):
    """Names alone need less room."""

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(0, max(grown(38), theme().metrics("text").height() + 12))
