"""Families: a list that narrows as one types, and the chosen family beside it."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QLineEdit, QListView, QStackedLayout, QWidget

from classtap_core.access.blueprints import Capability
from classtap_core.kernel.device import Receipt
from classtap_core.kernel.ids import Id
from classtap_core.kernel.outcomes import Reason, Status
from classtap_core.people.operations import RenameFamily
from classtap_desktop.desk import Desk, Trouble, failure
from classtap_desktop.kit import Button, Card, EmptyState, Label, theme
from classtap_desktop.screens.families.duplicates import DuplicatesPage
from classtap_desktop.screens.families.finding import read_found
from classtap_desktop.screens.families.forms import ChildForm, NewFamilyForm
from classtap_desktop.screens.families.guardian_form import GuardianForm
from classtap_desktop.screens.families.health_form import HealthForm
from classtap_desktop.screens.families.household import Household, read_household
from classtap_desktop.screens.families.model import FamiliesModel
from classtap_desktop.screens.families.page import PageView
from classtap_desktop.screens.families.papers import PapersForm, read_papers
from classtap_desktop.screens.families.pass_dialog import PassDialog
from classtap_desktop.screens.families.passes import PassDeeds
from classtap_desktop.screens.families.reading import (
    KINDS,
    FamilyLine,
    FamilyPage,
    read_families,
    read_family,
    read_homes,
)
from classtap_desktop.screens.form import Form
from classtap_desktop.screens.people import PersonDelegate
from classtap_desktop.screens.revealing import Revealing
from classtap_desktop.screens.screen import Screen
from classtap_desktop.spacing import column, grown, row


class FamiliesScreen(Screen):
    """Attributes: ``model`` (the list), ``page_view`` (the family).

    Signals: ``loaded`` after the list, ``found`` after what was typed was looked for, ``paged`` after the family.
    """

    NAME = "families"
    KINDS = KINDS
    loaded = Signal()
    found = Signal()
    paged = Signal()

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(desk, parent)
        self._family = ""
        self.model = FamiliesModel(self)
        self.page.setContentsMargins(26, 18, 26, 22)
        sides = row(gap=22)
        self.page.addLayout(sides, 1)
        self.side = QWidget()
        left = column(self.side, gap=12)
        self.title = Label("", "title")
        self.count = Label("", "secondary", token="muted")
        self.field = QLineEdit()
        self.field.setClearButtonEnabled(True)
        self.field.textChanged.connect(self._search)
        card = Card(radius=18)
        inside = column(card, margins=(8, 8, 8, 8))
        self.list = QListView()
        self.list.setProperty("plain", "true")
        self.list.setModel(self.model)
        self.list.setItemDelegate(PersonDelegate(self.list))
        self.list.setUniformItemSizes(True)
        self.list.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.selectionModel().currentChanged.connect(lambda index, _before: self._choose(index))
        inside.addWidget(self.list)
        head = row(gap=8)
        head.addWidget(self.title, 1)
        self.new = Button("", size="small", kind="primary")
        self.new.clicked.connect(lambda _=False: self.new_family())
        head.addWidget(self.new)
        left.addLayout(head)
        for widget in (self.field, self.count):
            left.addWidget(widget)
        left.addWidget(card, 1)
        self.twice = Button("", size="small", kind="quiet")
        self.twice.clicked.connect(lambda _=False: self.open_duplicates())
        left.addWidget(self.twice, 0, Qt.AlignmentFlag.AlignLeading)
        self.desk.operated.connect(self._offer)
        sides.addWidget(self.side)
        self._either = QStackedLayout()
        self.page_view = PageView()
        self.page_view.renamed.connect(self._rename)
        self.page_view.opened.connect(lambda session: desk.open("roster", session))
        self.page_view.asked.connect(self._ask_form)
        self.passes = PassDeeds(desk, self)
        self.page_view.wanted.connect(self._do_with_pass)
        self.revealing = Revealing(desk, self)
        self.revealing.changed.connect(self._read_page)
        self.revealing.refused.connect(lambda sentence: self.page_view.said.show_error(sentence))
        self.page_view.revealing.connect(self._reveal)
        self.form: Form | None = None
        self.duplicates: DuplicatesPage | None = None
        self._either.addWidget(self.page_view)
        self.empty = EmptyState("people", "", "")
        self._either.addWidget(self.empty)
        self._either.setCurrentIndex(1)
        sides.addLayout(self._either, 1)
        self.trouble.acted.connect(self.reload)
        self.say()

    def open(self, id: str) -> None:
        """Show a family, or the one that was shown."""
        if id:
            self.field.clear()
            self._family = id
        super().open("")

    def reload(self) -> None:
        operator = self.desk.operator
        self.desk.read(
            "families", lambda source: read_families(source, operator), then=self._show, failed=self.show_trouble
        )
        self._read_page()

    def take_focus(self) -> None:
        (self.list if self._family else self.field).setFocus(Qt.FocusReason.OtherFocusReason)

    def say(self) -> None:
        words = theme().words
        self.title.show_text(words.say("desk.screen.families"))
        self.new.show_text(words.say("desk.form.new"))
        self.twice.show_text(words.say("desk.twice.open"))
        self.new.setAccessibleName(words.say("desk.action.families.new"))
        self.field.setPlaceholderText(words.say("desk.families.search"))
        self.field.setAccessibleName(words.say("desk.families.search"))
        self.list.setAccessibleName(words.say("desk.screen.families"))
        self.empty.title.show_text(words.say("desk.families.empty_title"))
        self._say_empty()
        self._fit()
        self._count()
        self.page_view.say()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        self.side.setFixedWidth(max(theme().px(220), min(grown(320), round(self.width() * 0.38))))

    def tick(self) -> None:
        self._read_page()

    # --- the list

    def _show(self, families: tuple[FamilyLine, ...]) -> None:
        self.trouble.clear()
        self._say_empty()
        scroll = self.list.verticalScrollBar().value()
        self.model.show_families(families)
        if not self._family and self.model.rowCount():
            self.list.setCurrentIndex(self.model.index(0))
        self._mark()
        if self.model.row_of(self._family) < 0:
            self.list.verticalScrollBar().setValue(scroll)
        self._count()
        self.loaded.emit()

    def _search(self, typed: str) -> None:
        if not typed.strip():
            self._show_found((typed, None))
            return
        operator = self.desk.operator
        self.desk.read(
            "families.found", lambda source: (typed, read_found(source, typed, operator)), then=self._show_found,
            failed=self.show_trouble,
        )  # fmt: skip

    def _show_found(self, answer: tuple[str, tuple[Id, ...] | None]) -> None:
        typed, found = answer
        if typed != self.field.text():
            return
        self.model.show_found(found)
        self._mark()
        self._count()
        if typed and self.model.rowCount() and self.model.row_of(self._family) < 0:
            self.list.setCurrentIndex(self.model.index(0))
        self.found.emit()

    def _say_empty(self) -> None:
        """Whoever may see no family here is told so, instead of being asked to choose one."""
        operator = self.desk.operator
        sees = operator is None or any(
            self.desk.may(Capability.VIEW_FAMILY, location=grant.location or None) for grant in operator.grants
        )
        self.empty.text.show_text(theme().words.say("desk.families.empty_text" if sees else "desk.families.not_yours"))

    def _mark(self) -> None:
        at = self.model.row_of(self._family)
        if at >= 0 and self.list.currentIndex().row() != at:
            self.list.setCurrentIndex(self.model.index(at))
            self.list.scrollTo(self.model.index(at), QListView.ScrollHint.PositionAtCenter)

    def _count(self) -> None:
        shown, every = self.model.counts()
        words = theme().words
        code = "desk.families.count" if shown == every else "desk.families.found"
        self.count.show_text(words.say_n(code, shown, every=every))

    def _choose(self, index: QModelIndex) -> None:
        line = self.model.line(index.row())
        if line is not None and line.id != self._family:
            self._family = line.id
            self._read_page()

    # --- the page

    def _read_page(self) -> None:
        family, operator = self._family, self.desk.operator
        shown = self.revealing.standing()
        if family:
            self.desk.read(
                "family", lambda source: (family, read_family(source, Id(family), operator, shown)),
                then=self._show_page, failed=self.show_trouble,
            )  # fmt: skip

    def _reveal(self, whose: str, what: str, why: str) -> None:
        page = self.page_view.page
        if page is not None:
            self.revealing.ask((what,), subject=Id(whose), home=page.home_id, why=why)

    def _show_page(self, answer: tuple[str, FamilyPage | None]) -> None:
        family, page = answer
        if family == self._family:
            self.page_view.show_page(page)
            self._either.setCurrentIndex(0 if page is not None else 1)
            self.paged.emit()

    def _do_with_pass(self, deed: str) -> None:
        page = self.page_view.page
        if page is not None and deed == "look":
            PassDialog(self.desk, self.window(), family=page.id, name=page.name, zone=page.zone).open()
        elif page is not None and deed == "send":
            self.passes.send(page.id)
        elif page is not None:
            self.passes.print(page.id, page.name, page.zone)

    # --- forms

    def _offer(self) -> None:
        """Offer what only who may change families does."""
        may = self.desk.may(Capability.EDIT_FAMILY, location=self.desk.source.place.location)
        self.new.setVisible(may)
        self.twice.setVisible(may)

    def new_family(self) -> None:
        """Open the form of a family that comes for the first time."""
        operator = self.desk.operator
        self.desk.read(
            "families.homes", lambda source: read_homes(source, operator), then=self._enter, failed=self.show_trouble
        )

    def open_duplicates(self) -> None:
        """Show guardians that may be one person."""
        if self.duplicates is not None:
            self.duplicates.deleteLater()
        self.duplicates = DuplicatesPage(self.desk, self.window())
        self.duplicates.open()

    def _enter(self, homes: tuple[tuple[Id, str, str], ...]) -> None:
        if homes:
            self._show_form(NewFamilyForm(self.desk, self.window(), homes))
        else:
            self.desk.tell("desk.form.nowhere", tone="warn")

    def _ask_form(self, form: str, id: str) -> None:
        if form == "card":
            page = self.page_view.page
            child = next((one for one in page.children if one.id == id), None) if page is not None else None
            if page is not None and child is not None:
                self.desk.show_card(child.id, child.name, page.home_id)
            return
        family, operator = self._family, self.desk.operator
        if form == "papers":
            self.desk.read(
                "family.form", lambda source: read_papers(source, Id(id), operator),
                then=lambda found: self._show_form(PapersForm(self.desk, self.window(), found)) if found else None,
                failed=self.show_trouble,
            )  # fmt: skip
            return
        shown = self.revealing.standing()
        self.desk.read(
            "family.form", lambda source: read_household(source, Id(family), operator, shown),
            then=lambda found: self._show_somebody(form, id, found), failed=self.show_trouble,
        )  # fmt: skip

    def _show_somebody(self, form: str, id: str, found: Household | None) -> None:
        if found is None or found.family != self._family:
            return
        over = self.window()
        if form == "guardian":
            self._show_form(GuardianForm(self.desk, over, found, found.guardian(id) if id else None))
        elif form == "health":
            self._show_form(HealthForm(self.desk, over, found, found.child(id), self.revealing))
        else:
            self._show_form(ChildForm(self.desk, over, found, found.child(id) if id else None))

    def _show_form(self, form: Form) -> None:
        if self.form is not None:
            self.form.deleteLater()
        self.form = form
        form.saved.connect(self._saved)
        form.open()

    def _saved(self, family: str) -> None:
        self.desk.tell("desk.form.saved")
        self.open(family)

    def _rename(self, base: str, name: str) -> None:
        self.desk.submit(
            RenameFamily(family=Id(self._family), base=base, name=name), then=self._renamed, failed=self._not_renamed
        )

    def _renamed(self, receipt: Receipt) -> None:
        words, outcome = theme().words, receipt.outcome
        if outcome.status in (Status.ACCEPTED, Status.DUPLICATE):
            self.page_view.end()
            standing = self.desk.standing
            offline = outcome.status is Status.ACCEPTED and standing is not None and not standing.online
            code = "accepted_offline" if offline else outcome.status.value
            self.desk.tell(f"desk.families.rename.{code}")
            self._read_page()
            return
        first = outcome.reasons[0] if outcome.reasons else Reason(f"outcome.{outcome.status.value}")
        waits = outcome.status is Status.WAITING
        sentence = words.say("desk.families.rename.waiting") if waits else failure(first.code, first.params, words)
        self.page_view.said.show_error(sentence, details=f"family.rename {outcome} family={self._family}")

    def _not_renamed(self, trouble: Trouble) -> None:
        self.page_view.said.show_error(trouble.sentence(theme().words), details=trouble.details)
