"""One family's page: its name (which can be changed here), children with today's classes, guardians, the pass."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QScrollArea, QVBoxLayout, QWidget

from classtap_core.kernel.records import Sensitivity
from classtap_desktop.kit import Avatar, Button, Card, ErrorLine, Label, Pill, Rule, photos, theme
from classtap_desktop.kit.states import FACES
from classtap_desktop.screens.families import passes
from classtap_desktop.screens.families.reading import ChildLine, ContactLine, FamilyPage, Visit
from classtap_desktop.screens.people import colour_of
from classtap_desktop.screens.revealing import WhyRow
from classtap_desktop.spacing import column, grown, row

_START = Qt.AlignmentFlag.AlignLeading


class PageView(QWidget):
    """Signals: ``renamed(base, name)`` when a new name is to be kept, ``opened(session)`` for a roster, ``asked(form,
    id)`` when somebody's form is wanted: `child`, `health`, `papers` or `guardian`, with "" for somebody new; ``wanted(deed)`` for the pass: `look`, `send` or `print`; ``revealing(whose, what, why)`` to see what is
    masked of one person.
    """

    renamed = Signal(str, str)
    opened = Signal(str)
    asked = Signal(str, str)
    wanted = Signal(str)
    revealing = Signal(str, str, str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.page: FamilyPage | None = None
        self.editing = False
        self._narrow = False
        self._asking, self._why = ("", ""), ""
        whole = column(self, gap=14)
        whole.addLayout(self._head())
        self.said = ErrorLine()
        whole.addWidget(self.said)
        self.area = QScrollArea()
        self.area.setWidgetResizable(True)
        self.area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        whole.addWidget(self.area, 1)

    def _head(self) -> QHBoxLayout:
        head = row(gap=12)
        self.face = Avatar("", size=52)
        names = column(gap=2)
        self.name = Label("", "title", elide=True)
        self.field = QLineEdit()
        self.field.returnPressed.connect(self._save)
        self.home = Label("", "text", token="muted", elide=True)
        for widget in (self.name, self.field, self.home):
            names.addWidget(widget)
        self.edit = Button("")
        self.save = Button("", kind="primary")
        self.cancel = Button("")
        self.edit.clicked.connect(lambda _=False: self.begin())
        self.save.clicked.connect(lambda _=False: self._save())
        self.cancel.clicked.connect(lambda _=False: self.end())
        head.addWidget(self.face)
        head.addLayout(names, 1)
        for button in (self.edit, self.cancel, self.save):
            head.addWidget(button)
        return head

    def begin(self) -> None:
        """Let the name be written over."""
        if self.page is not None and self.page.editable:
            self.editing = True
            self.said.clear()
            self.field.setText(self.page.name)
            self.field.setFont(theme().font("heading"))
            self._dress()
            self.field.setFocus(Qt.FocusReason.OtherFocusReason)
            self.field.selectAll()

    def end(self) -> None:
        """Leave the name as it is."""
        self.editing = False
        self._dress()

    def show_page(self, page: FamilyPage | None) -> None:
        """Show a family; what is being written stays when the same one comes anew."""
        if page == self.page:
            return
        if self.page is None or page is None or page.id != self.page.id:
            self.editing = False
            self.said.clear()
            self._asking, self._why = ("", ""), ""
        self.page = page
        self.say()

    def say(self) -> None:
        """Show everything in the language in force."""
        words = theme().words
        self.edit.show_text(words.say("desk.families.rename"))
        self.save.show_text(words.say("desk.families.save"))
        self.cancel.show_text(words.say("desk.cancel"))
        self.field.setAccessibleName(words.say("desk.families.name"))
        self._dress()
        page = self.page
        if page is None:
            return
        self.face.show_person(page.name, colour_of(page.id))
        self.name.show_text(words.say("desk.families.title", name=page.name))
        count = words.say_n("desk.families.children", len(page.children))
        self.home.show_text(" · ".join(part for part in (page.home, count) if part))
        place = self.area.verticalScrollBar().value()
        self.area.setWidget(self._body(page))
        self.area.verticalScrollBar().setValue(place)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        narrow = self.width() < grown(560)
        if narrow != self._narrow:
            self._narrow = narrow
            self.face.setVisible(not narrow)
            self.say()

    def _dress(self) -> None:
        self.name.setVisible(not self.editing)
        self.field.setVisible(self.editing)
        self.edit.setVisible(not self.editing and bool(self.page and self.page.editable))
        self.save.setVisible(self.editing)
        self.cancel.setVisible(self.editing)

    def _save(self) -> None:
        if self.page is not None and self.editing:
            self.renamed.emit(self.page.name, self.field.text().strip())

    def _body(self, page: FamilyPage) -> QWidget:
        words = theme().words
        body = QWidget()
        whole = column(body, margins=(0, 0, 6, 0), gap=14)
        children = self._section(whole, words.say("desk.families.today"))
        for child in page.children:
            if child is not page.children[0]:
                children.addWidget(Rule())
            self._child(children, child, page)
        if page.editable:
            children.addWidget(self._asks("desk.form.new_child", "child", "", size="small"), 0, _START)
        sides = column(gap=14) if self._narrow else row(gap=14)
        whole.addLayout(sides)
        left, right = column(), column()
        sides.addLayout(left, 1)
        sides.addLayout(right, 1)
        guardians = self._section(left, words.say("desk.families.contacts"))
        for contact in page.contacts:
            self._contact(guardians, contact, page)
        if not page.contacts:
            guardians.addWidget(Label(words.say("desk.families.no_contacts"), "text", token="muted", wrap=True))
        if page.editable:
            guardians.addWidget(self._asks("desk.form.new_guardian", "guardian", "", size="small"), 0, _START)
        guardians.addStretch(1)
        self._pass(self._section(right, words.say("desk.families.pass")), page)
        whole.addStretch(1)
        return body

    def _keep_why(self, typed: str) -> None:
        """What is half typed outlives the page being read again."""
        self._why = typed

    def _hidden(self, into: QVBoxLayout, whose: str, what: str, name: str) -> None:
        """Ask to see what is masked of one person: a button, and under it why, once it was pressed."""
        if self._asking == (whose, what):
            asking = WhyRow(self._why)
            asking.why.textChanged.connect(self._keep_why)
            asking.given.connect(lambda why: self.revealing.emit(whose, what, why))
            into.addWidget(asking)
            return
        words = theme().words
        show = Button(words.say("desk.reveal.ask"), icon="lock", size="small", kind="quiet")
        show.setObjectName(f"reveal-{what}-{whose}")
        show.setAccessibleName(words.say(f"desk.reveal.ask_{what}", name=name))
        show.clicked.connect(lambda _=False: self._ask_why(whose, what))
        into.addWidget(show, 0, _START)

    def _ask_why(self, whose: str, what: str) -> None:
        self._asking, self._why = (whose, what), ""
        self.say()
        asking = next((one for one in self.findChildren(WhyRow) if one.isVisible() or one.isVisibleTo(self)), None)
        if asking is not None:
            asking.why.setFocus(Qt.FocusReason.OtherFocusReason)

    def _standing(self, into: QVBoxLayout) -> None:
        into.addWidget(Label(theme().words.say("desk.reveal.standing"), "secondary", token="muted", wrap=True))

    def _section(self, into: QVBoxLayout, title: str) -> QVBoxLayout:
        card = Card(radius=18)
        inside = column(card, margins=(18, 14, 18, 16), gap=10)
        inside.addWidget(Label(title, "label", token="muted"))
        into.addWidget(card)
        return inside

    def _asks(self, words: str, form: str, id: str, *, size: str, of: str = "") -> Button:
        """A button for somebody's form; ``of`` tells a screen reader whose."""
        said = theme().words.say(words)
        button = Button(said, kind="quiet" if id else "plain", size=size)
        if of:
            button.setAccessibleName(f"{said}: {of}")
        button.clicked.connect(lambda _=False: self.asked.emit(form, id))
        return button

    def _child(self, into: QVBoxLayout, child: ChildLine, page: FamilyPage) -> None:
        words = theme().words
        line = row(gap=12)
        if not (self._narrow and theme().text_scale > 1.5):  # words first, where there is no room for both
            face = Avatar(child.name, colour_of(child.id), size=38)
            face.show_picture(photos.read(child.photo))
            line.addWidget(face, 0, Qt.AlignmentFlag.AlignTop)
        names = column(gap=4)
        head = row(gap=8)
        head.addWidget(Label(child.name, "strong", elide=True), 1)
        names.addLayout(head)
        forms = row(gap=8) if self._narrow else head
        if page.editable:
            forms.addWidget(self._asks("desk.form.edit", "child", child.id, size="small", of=child.name))
        if page.sees_health:
            forms.addWidget(self._asks("desk.form.of_health", "health", child.id, size="small", of=child.name))
            forms.addWidget(self._asks("desk.form.of_papers", "papers", child.id, size="small", of=child.name))
        card = self._asks("desk.card.open", "card", child.id, size="small", of=child.name)
        if self._narrow:
            forms.addStretch(1)
            names.addLayout(forms)
            names.addWidget(card, 0, _START)
        else:
            forms.addWidget(card)
        if child.badge:
            names.addWidget(Pill(words.say("desk.roster.health"), "warn", icon="warn"))
        if child.health:
            names.addWidget(Label(child.health, "text", token="warn", wrap=True))
            self._standing(names)
        if child.hidden:
            self._hidden(names, child.id, Sensitivity.HEALTH.value, child.name)
        for lack in child.lacks:
            names.addWidget(Label(words.say(f"desk.{lack.code}_of", name=lack.name), "text", token="warn", wrap=True))
        if not child.visits:
            names.addWidget(Label(words.say("desk.families.nothing_today"), "text", token="muted"))
        for visit in child.visits:
            names.addLayout(self._visit(visit))
        line.addLayout(names, 1)
        into.addLayout(line)

    def _visit(self, visit: Visit) -> QVBoxLayout:
        """A class of today: time, name, place and state in one line, or in two where there is little room."""
        words, session, face = theme().words, visit.session, FACES[visit.state]
        block = column(gap=2)
        first = row(gap=10)
        second = row(gap=10) if self._narrow else first
        clock = Label(session.when(words), "cell")
        clock.setMinimumWidth(grown(96))
        link = Button(session.name, kind="quiet", size="small")
        link.clicked.connect(lambda _=False: self.opened.emit(session.id))
        pill = Pill(
            words.say(f"desk.state.{visit.state}"), "plain" if visit.state == "none" else face.token, icon=face.icon
        )
        first.addWidget(clock)
        first.addWidget(pill)
        if self._narrow:
            first.addStretch(1)
        else:
            first.addSpacing(max(0, grown(118) - pill.sizeHint().width()))
        second.addWidget(link)
        second.addWidget(Label(session.where(), "text", token="muted", elide=True), 1)
        block.addLayout(first)
        if self._narrow:
            block.addLayout(second)
        return block

    def _contact(self, into: QVBoxLayout, contact: ContactLine, page: FamilyPage) -> None:
        words = theme().words
        block = column(gap=1)
        head = row(gap=8)
        head.addWidget(Label(contact.name, "strong", elide=True), 1)
        known = f"desk.relation.{contact.relation}"
        head.addWidget(Label(words.say(known) if words.has(known) else contact.relation, "secondary", token="muted"))
        if page.editable:
            head.addWidget(self._asks("desk.form.edit", "guardian", contact.id, size="small", of=contact.name))
        block.addLayout(head)
        for reach in (contact.phone, contact.email):
            if reach:
                block.addWidget(Label(f"\u2066{reach}\u2069", "cell", token="muted", elide=True))
        if contact.hidden:
            self._hidden(block, contact.id, Sensitivity.CONTACT.value, contact.name)
        elif not contact.masked:
            self._standing(block)
        into.addLayout(block)

    def _pass(self, into: QVBoxLayout, page: FamilyPage) -> None:
        words = theme().words
        buttons = []
        if page.editable and page.pass_line.state != "none":
            for deed in ("look", "send", "print") if page.pass_line.state == "good" else ("look",):
                button = Button(words.say(f"desk.pass.{deed}"), size="small", icon="print" if deed == "print" else None)
                button.setObjectName(f"pass-{deed}")
                button.clicked.connect(lambda _=False, deed=deed: self.wanted.emit(deed))
                buttons.append(button)
        passes.fill(into, page.pass_line, page.sent, page.goes, zone=page.zone, buttons=tuple(buttons))
