"""The screen of people and roles: a list of who may do what, and beside it what to give, what it would change, and why."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QItemSelection, QItemSelectionModel, Qt, Signal
from PySide6.QtGui import QResizeEvent, QStandardItem
from PySide6.QtWidgets import QAbstractItemView, QScrollArea, QVBoxLayout, QWidget

from classtap_core.access.assigning import Mode, Step
from classtap_core.access.assignment_operations import ApplyBlueprint, EndGrant
from classtap_core.access.blueprints import ROLES, Capability, newest
from classtap_core.access.records import Grant
from classtap_core.access.rules import in_force, place_of
from classtap_core.kernel.device import Receipt
from classtap_core.kernel.ids import Id
from classtap_core.kernel.operations import Payload
from classtap_core.kernel.outcomes import Status
from classtap_core.kernel.undo import Undo
from classtap_core.naming.spelling import folded
from classtap_desktop.desk import Desk, failure
from classtap_desktop.kit import Button, Card, Label, Rule, theme
from classtap_desktop.screens.access.giving import GiveForm, right_text, rights_text
from classtap_desktop.screens.access.reading import KINDS, Draft, People, PersonLine, raised, read_people, why
from classtap_desktop.screens.access.staff_form import StaffForm
from classtap_desktop.screens.choice_box import choice_box
from classtap_desktop.screens.people import COLOUR, DETAIL, colour_of
from classtap_desktop.screens.screen import Screen
from classtap_desktop.screens.searched_list import SearchedList
from classtap_desktop.spacing import column, grown, row

_PERSON = Qt.ItemDataRole.UserRole + 5


class AccessScreen(Screen):
    """Attributes: ``people``, ``draft`` (what is about to be given), ``form`` (where it is), ``right`` and ``right_at`` (explained).

    Signals: ``loaded`` after the people were read, ``answered`` after something was done.
    """

    NAME = "access"
    KINDS = KINDS
    loaded = Signal()
    answered = Signal()

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(desk, parent)
        self.people = People((), (), (), "UTC")
        self.draft, self.right, self.right_at = Draft(), Capability.MARK_ATTENDANCE.value, ""
        self._last: Id | None = None
        self._filling = False
        self.page.setContentsMargins(26, 18, 26, 22)
        head = row(gap=10)
        self.title = Label("", "title")
        self.undo = Button("", icon="arrow_back", size="small")
        self.undo.clicked.connect(lambda _=False: self._take_back())
        self.new = Button("", icon="plus", size="small")
        self.new.clicked.connect(lambda _=False: self._show_form(None))
        self.staff_form: StaffForm | None = None
        head.addWidget(self.title, 1)
        head.addWidget(self.undo)
        head.addWidget(self.new)
        self.page.addLayout(head)
        self.note = Label("", "text", token="muted", wrap=True)
        self.page.addWidget(self.note)
        sides = row(gap=18)
        self.page.addLayout(sides, 1)
        sides.addWidget(self._list_card(), 1)
        self.card = Card(radius=18)
        inside = column(self.card, margins=(2, 2, 2, 2))
        self.area = QScrollArea()
        self.area.setWidgetResizable(True)
        self.area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        inside.addWidget(self.area)
        sides.addWidget(self.card)
        self.trouble.acted.connect(self.reload)
        self.say()

    def _list_card(self) -> QWidget:
        self.all = Button("", size="small")
        self.all.clicked.connect(lambda _=False: self._choose_all())
        listed = SearchedList(self.all)
        self.field, self.model, self.list = listed.field, listed.model, listed.list
        self.field.textChanged.connect(lambda _text: self._show_people())
        self.list.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.list.selectionModel().selectionChanged.connect(lambda _new, _old: self._show_card())
        return listed

    # --- people

    def _operated(self) -> None:
        if self.isVisible():
            self.reload()

    def reload(self) -> None:
        operator, at_ms = self.desk.operator, self.desk.now().corrected
        may = operator is not None and any(
            operator.may(Capability.MANAGE_STAFF, location=grant.location, at_ms=at_ms) for grant in operator.grants
        )
        self._note("" if may else theme().words.say("desk.access.not_yours"))
        self.new.setVisible(self._may_enter())
        if may:
            self.desk.read("access", read_people, then=self._take, failed=self.show_trouble)
        else:
            self._take(People((), (), (), "UTC"))

    def take_focus(self) -> None:
        self.field.setFocus(Qt.FocusReason.OtherFocusReason)

    def tick(self) -> None:
        """Grants begin and end by themselves."""
        self._show_people()

    def chosen(self) -> list[PersonLine]:
        """Return the chosen people, in the list's order."""
        ids = {index.data(_PERSON) for index in self.list.selectionModel().selectedIndexes()}
        return [line for line in self.people.lines if line.id in ids]

    def _choose_all(self) -> None:
        self.list.selectAll()

    def choose(self, *people: Id) -> None:
        """Choose these people."""
        selection = QItemSelection()
        for at in range(self.model.rowCount()):
            if self.model.item(at).data(_PERSON) in people:
                selection.select(self.model.index(at, 0), self.model.index(at, 0))
        self.list.selectionModel().select(selection, QItemSelectionModel.SelectionFlag.ClearAndSelect)

    def _take(self, people: People) -> None:
        self.people = people
        self._show_people()
        self.loaded.emit()

    def _show_people(self) -> None:
        words, at_ms = theme().words, self.desk.now().corrected
        chosen = tuple(line.id for line in self.chosen())
        wanted = folded(self.field.text())
        self._filling = True
        self.model.clear()
        for line in self.people.lines:
            if wanted and wanted not in folded(line.name):
                continue
            item = QStandardItem(line.name)
            standing = [self.grant_text(grant) for grant in line.grants if in_force(grant, at_ms)]
            item.setData(" · ".join(standing) or words.say("desk.access.nothing"), DETAIL)
            item.setData(colour_of(line.id), COLOUR)
            item.setData(line.id, _PERSON)
            self.model.appendRow(item)
        self.choose(*chosen)
        self._filling = False
        self._show_card()

    def grant_text(self, grant: Grant) -> str:
        """Return a grant in words: the role, where, until when."""
        words = theme().words
        role = words.say(f"role.{grant.role}") if grant.role in ROLES else ""
        rights = ", ".join(grant.capabilities)
        what = ", ".join(filter(None, (role, rights)))
        if grant.deny:
            what = words.say("desk.access.denied", rights=what)
        text = words.say("desk.access.grant", role=what, place=self.people.place_name(place_of(grant), words))
        if grant.valid_to_ms:
            until = words.datetime(grant.valid_to_ms, self.people.zone)
            text += " · " + words.say("desk.access.until", when=until)
        return text

    # --- the card

    def _show_card(self) -> None:
        if self._filling:
            return
        words = theme().words
        held: QWidget | None = self.focusWidget()
        kept = held.accessibleName() if held is not None and self.area.isAncestorOf(held) else ""
        whole = QWidget()
        inside = column(whole, margins=(20, 18, 20, 20), gap=10)
        chosen = self.chosen()
        if not chosen:
            inside.addWidget(Label(words.say("desk.access.choose"), "text", token="muted", wrap=True))
        else:
            name = chosen[0].name if len(chosen) == 1 else words.say("desk.access.chosen", n=len(chosen))
            inside.addWidget(Label(name, "heading", wrap=True))
            if len(chosen) == 1:
                self._add_grants(inside, chosen[0])
                if self._may_enter():
                    pin = Button(words.say("desk.access.new_pin"), size="small")
                    pin.clicked.connect(lambda _=False: self._show_form(chosen[0]))
                    inside.addWidget(pin, 0, Qt.AlignmentFlag.AlignLeading)
            self._add_form(inside, chosen)
            if len(chosen) == 1:
                self._add_why(inside, chosen[0])
        inside.addStretch(1)
        self.area.setWidget(whole)
        self._whole = whole
        alike = (one for one in whole.findChildren(QWidget) if kept and one.accessibleName() == kept)
        again = next((one for one in alike if one.focusPolicy() is not Qt.FocusPolicy.NoFocus), None)
        if again is not None:
            again.setFocus(Qt.FocusReason.OtherFocusReason)
        self.undo.setVisible(self._last is not None)

    def texts(self) -> list[str]:
        """Return every text on the card, from top to bottom."""
        return [label.whole_text() for label in self._whole.findChildren(Label)]

    def _add_grants(self, inside: QVBoxLayout, person: PersonLine) -> None:
        words, at_ms = theme().words, self.desk.now().corrected
        for grant in person.grants:
            if not in_force(grant, at_ms) and at_ms >= grant.valid_from_ms:
                continue
            line = row(gap=8)
            line.addWidget(Label(self.grant_text(grant), "text", wrap=True), 1)
            end = Button(words.say("desk.access.end"), kind="quiet", size="small")
            end.clicked.connect(lambda _=False, grant=grant: self._do(EndGrant(grant=grant.id)))
            line.addWidget(end, 0, Qt.AlignmentFlag.AlignTop)
            inside.addLayout(line)
            self._add_upgrade(inside, grant)

    def _add_upgrade(self, inside: QVBoxLayout, grant: Grant) -> None:
        """The difference to the newest version of the blueprint, and a button that raises it."""
        words, change = theme().words, raised(grant)
        if change is None:
            return
        parts = [words.say("desk.access.version", n=grant.version)]
        parts += [words.say("desk.access.upgrade_gain", rights=rights_text(change.gained))] if change.gained else []
        parts += [words.say("desk.access.upgrade_lose", rights=rights_text(change.lost))] if change.lost else []
        inside.addWidget(Label(words.join(parts), "secondary", token="muted", wrap=True))
        button = Button(words.say("desk.access.upgrade", n=newest(grant.role)), size="small")
        place = place_of(grant)
        button.clicked.connect(
            lambda _=False: self._do(
                ApplyBlueprint(
                    holders=(grant.holder,), role=grant.role, mode=Mode.REPLACE.value, valid_to_ms=grant.valid_to_ms,
                    **place._asdict(),
                )
            )
        )  # fmt: skip
        inside.addWidget(button)

    def _add_form(self, inside: QVBoxLayout, chosen: list[PersonLine]) -> None:
        inside.addWidget(Rule())
        self.form = GiveForm(
            self.people, chosen, self.draft, at_ms=self.desk.now().corrected, grant_text=self.grant_text
        )
        self.form.drafted.connect(self._drafted)
        self.form.given.connect(self._give)
        inside.addWidget(self.form)

    def _drafted(self, draft: Draft) -> None:
        self.draft = draft

    def _add_why(self, inside: QVBoxLayout, person: PersonLine) -> None:
        words = theme().words
        inside.addWidget(Rule())
        inside.addWidget(Label(words.say("desk.access.why"), "strong", wrap=True))
        line = row(gap=8)
        rights = choice_box([(right_text(right.value), right.value) for right in Capability])
        places = choice_box(
            [(words.say("desk.access.everywhere"), ""), *((name, id) for id, name in self.people.places)]
        )
        for box, value, code in ((rights, self.right, "right"), (places, self.right_at, "place")):
            box.setCurrentIndex(max(0, box.findData(value)))
            box.setAccessibleName(words.say(f"desk.access.{code}"))
            line.addWidget(box, 1)
        rights.activated.connect(lambda _at: self._ask_why(rights.currentData(), self.right_at))
        places.activated.connect(lambda _at: self._ask_why(self.right, places.currentData()))
        inside.addLayout(line)
        found = why(person, self.right, self.right_at, at_ms=self.desk.now().corrected)
        allowed = found.verdict.allowed
        inside.addWidget(
            Label(words.say("desk.access.yes" if allowed else "desk.access.no"), "cell", token="present" if allowed else "absent")
        )  # fmt: skip
        grants = {grant.id: grant for grant in person.grants}
        for step in found.steps:
            inside.addWidget(Label(self._step(step, grants[step.grant]), "text", token="muted", wrap=True))

    def _step(self, step: Step, grant: Grant) -> str:
        words = theme().words
        reason = words.say(f"desk.access.silent.{step.why}") if step.why else ""
        return words.say(f"desk.access.says.{step.says}", grant=self.grant_text(grant), why=reason)

    def _ask_why(self, right: str, location: str) -> None:
        self.right, self.right_at = right, location
        self._show_card()

    # --- doing

    def _may_enter(self) -> bool:
        """Who comes to work in the studio is for somebody who may manage staff in the whole of it."""
        return self.desk.may(Capability.MANAGE_STAFF)

    def _show_form(self, person: PersonLine | None) -> None:
        if self.staff_form is not None:
            self.staff_form.deleteLater()
        self.staff_form = StaffForm(self.desk, self.window(), person)
        self.staff_form.saved.connect(lambda _id: self.desk.tell("desk.access.person_asked"))
        self.staff_form.open()

    def _give(self) -> None:
        draft, now_ms = self.draft, self.desk.now().corrected
        payload = ApplyBlueprint(
            holders=tuple(person.id for person in self.chosen()), role=draft.role, mode=draft.mode,
            valid_to_ms=draft.until_ms(now_ms), **draft.place._asdict(),
        )  # fmt: skip
        self._do(payload, after=self._given)

    def _given(self, receipt: Receipt) -> None:
        self._last = receipt.operation
        self.desk.tell("desk.access.applied")

    def _take_back(self) -> None:
        if self._last is not None:
            last, self._last = self._last, None
            self._do(Undo(operation=last), after=lambda _receipt: self.desk.tell("desk.access.undone", tone="info"))

    def _do(self, payload: Payload, *, after: Callable[[Receipt], None] | None = None) -> None:
        self.desk.submit(payload, then=lambda receipt: self._answered(receipt, after))

    def _answered(self, receipt: Receipt, after: Callable[[Receipt], None] | None) -> None:
        outcome = receipt.outcome
        if outcome.stands or outcome.status is Status.WAITING:
            self._note("")
            (after or self._given_nothing)(receipt)
        else:
            reasons = [*outcome.reasons, *(one for item in outcome.items for one in item.reasons)]
            reason = reasons[0] if reasons else None
            self._note(failure(reason.code, reason.params, theme().words) if reason else "")
        self._show_card()
        self.answered.emit()

    def _given_nothing(self, receipt: Receipt) -> None:
        self.desk.tell("desk.access.applied")

    # --- words and room

    def say(self) -> None:
        words = theme().words
        self.title.show_text(words.say("desk.screen.access"))
        self.undo.show_text(words.say("desk.access.undo"))
        self.new.show_text(words.say("desk.access.new_person"))
        self.all.show_text(words.say("desk.access.all"))
        self.field.setPlaceholderText(words.say("desk.access.search"))
        self.field.setAccessibleName(words.say("desk.access.search"))
        self.list.setAccessibleName(words.say("desk.screen.access"))
        self._show_people()
        self._fit()

    def _note(self, text: str) -> None:
        self.note.show_text(text)
        self.note.setVisible(bool(text))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        self.card.setFixedWidth(max(grown(320), min(grown(520), round(self.width() * 0.5))))
