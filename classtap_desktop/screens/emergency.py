"""A child's emergency card: what is read in a hurry, in large letters. Opening it is written down."""

from __future__ import annotations

from typing import NamedTuple

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QScrollArea, QVBoxLayout, QWidget

from classtap_core.checkin.reading import fetch
from classtap_core.health.card import EmergencyCard, emergency_card
from classtap_core.health.operations import OpenCard
from classtap_core.health.records import SEVERE
from classtap_core.health.rules import ALL_PARTS, PaperState
from classtap_core.kernel.device import Receipt
from classtap_core.kernel.ids import Id
from classtap_core.people.records import Child
from classtap_core.schedule.records import Location
from classtap_core.timekeeping.rules import local_date, parse_date
from classtap_desktop.desk import Desk, Trouble, failure
from classtap_desktop.frame.overlay import Overlay
from classtap_desktop.kit import Button, Label, Pill, Rule, theme
from classtap_desktop.source import DeskSource
from classtap_desktop.spacing import column, grown, row

_PAPERS = {PaperState.VALID: "present", PaperState.SOON: "warn", PaperState.EXPIRED: "absent",
           PaperState.MISSING: "absent"}  # fmt: skip


class Shown(NamedTuple):
    """A card and the zone its times are said in."""

    card: EmergencyCard
    zone: str


def read_card(source: DeskSource, child: Id) -> Shown | None:
    """Return a child's whole card; None where the child is not here."""
    reader = source.reader
    person = fetch(reader, Child, [child]).get(child)
    if person is None:
        return None
    place = fetch(reader, Location, [person.home]).get(person.home)
    zone = place.zone if place is not None else "UTC"
    today = local_date(source.clock.now().corrected, zone)
    card = emergency_card(reader, child, ALL_PARTS, today=today)
    return None if card is None else Shown(card, zone)


class EmergencyPage(Overlay):
    """The card over the window. ``ask`` opens it: first it is written down who looks, then it is shown."""

    def __init__(self, desk: Desk, over: QWidget) -> None:
        super().__init__(over)
        self._desk = desk
        self._child = Id("")
        self.shown: Shown | None = None
        whole = column(self.card, margins=(26, 20, 26, 20), gap=12)
        head = row(gap=12)
        self.title = Label("", "title", elide=True)
        self.close_button = Button("", size="small", kind="quiet", icon="close")
        self.close_button.clicked.connect(lambda _=False: self.close_overlay())
        head.addWidget(self.title, 1)
        head.addWidget(self.close_button)
        whole.addLayout(head)
        self.message = Label("", "text", token="absent", wrap=True)
        whole.addWidget(self.message)
        self.area = QScrollArea()
        self.area.setWidgetResizable(True)
        self.area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        whole.addWidget(self.area, 1)
        theme().changed.connect(self.close_overlay)  # its words are made anew when it is opened again

    def ask(self, child: str, name: str, *, location: str) -> None:
        """Open a child's card at a location."""
        words = theme().words
        self._child = Id(child)
        self.title.show_text(name)
        self.area.setAccessibleName(name)
        self.close_button.show_text(words.say("a11y.close"))
        self.setAccessibleName(words.say("desk.card.title", name=name))
        self.message.hide()
        self.area.setWidget(QWidget())
        room = self._over.size()
        self.card.setFixedSize(
            min(grown(760), room.width() - theme().px(48)), min(grown(680), room.height() - theme().px(48))
        )
        self.open()
        self.close_button.setFocus(Qt.FocusReason.OtherFocusReason)
        said = OpenCard(child=self._child, location=Id(location))
        self._desk.submit(said, then=self._noted, failed=self._fail)

    def _noted(self, receipt: Receipt) -> None:
        if not receipt.outcome.stands:
            reason = receipt.outcome.reasons[0] if receipt.outcome.reasons else None
            self._complain(failure(reason.code if reason else "other", reason.params if reason else {}, theme().words))
            return
        child = self._child
        self._desk.read(
            "emergency.card", lambda source: (child, read_card(source, child)), then=self._show, failed=self._fail
        )

    def _fail(self, trouble: Trouble) -> None:
        self._complain(trouble.sentence(theme().words))

    def _complain(self, sentence: str) -> None:
        self.message.show_text(sentence)
        self.message.show()

    def _show(self, answer: tuple[Id, Shown | None]) -> None:
        child, self.shown = answer
        if child == self._child and self.shown is not None and self.isVisible():
            self.area.setWidget(self._body(self.shown))

    def _body(self, shown: Shown) -> QWidget:
        words, card, facts = theme().words, shown.card, shown.card.facts
        body = QWidget()
        whole = column(body, margins=(0, 0, 10, 0), gap=14)
        head = row(gap=10)
        if card.birth_date:
            head.addWidget(
                Label(
                    words.say("desk.card.born", on=words.date(parse_date(card.birth_date), style="long")),
                    "text",
                    token="muted",
                )
            )
        stand = words.datetime(card.confirmed_ms, shown.zone) if card.confirmed_ms else ""
        said = words.say("desk.card.confirmed", at=stand) if stand else words.say("desk.card.unconfirmed")
        head.addWidget(Label(said, "text", token="muted" if stand else "warn"))
        head.addStretch(1)
        whole.addLayout(head)
        if card.review:
            whole.addWidget(Label(words.say("desk.form.review"), "text", token="warn", wrap=True))
        if not (facts.allergies or facts.medications or facts.conditions or facts.plans or card.notes):
            code = "desk.card.nothing" if facts.none_known else "desk.card.unknown"
            whole.addWidget(Label(words.say(code), "heading", wrap=True))
        for allergy in facts.allergies:
            tone = "absent" if allergy.severity == SEVERE else "warn"
            item = self._item(whole, allergy.what, words.say(f"desk.severity.{allergy.severity}"), tone)
            for code, text in (("pen", allergy.pen), ("what_to_do", allergy.action), ("reaction", allergy.reaction)):
                self._line(item, words.say(f"desk.form.{code}"), text)
        for condition in facts.conditions:
            item = self._item(whole, condition.name, words.say("desk.form.condition"), "info")
            self._line(item, words.say("desk.form.what_to_do"), condition.action)
            self._line(item, words.say("desk.form.note"), condition.note)
        for medicine in facts.medications:
            item = self._item(whole, medicine.name, words.say("desk.form.medicine"), "info")
            self._line(item, words.say("desk.form.dose"), " · ".join(filter(None, (medicine.dose, medicine.when))))
            self._line(item, words.say("desk.form.how"), medicine.how)
            self._line(item, "", words.say("desk.form.by_staff") if medicine.by_staff else "")
        for plan in facts.plans:
            item = self._item(whole, plan.title, words.say("desk.card.plan"), "accent")
            for number, step in enumerate(plan.steps, 1):
                self._line(item, f"{number}.", step)
        if card.notes:
            self._line(self._item(whole, words.say("desk.card.notes"), "", "plain"), "", card.notes)
        self._calls(whole, shown)
        for paper in card.papers:
            line = row(gap=10)
            line.addWidget(Label(paper.name, "text"))
            line.addWidget(Pill(words.say(f"desk.paper.{paper.state.value}"), _PAPERS[paper.state]))
            line.addStretch(1)
            whole.addLayout(line)
        whole.addStretch(1)
        return body

    def _calls(self, whole: QVBoxLayout, shown: Shown) -> None:
        words, facts = theme().words, shown.card.facts
        people = [(one.name, one.relation, one.phone) for one in facts.contacts]
        people += [(one.name, one.relation, one.phone) for one in shown.card.guardians]
        item = self._item(whole, words.say("desk.form.calls"), "", "plain")
        for name, relation, phone in dict.fromkeys(people):
            known = f"desk.relation.{relation}"
            who = f"\u2068{name}\u2069 · {words.say(known) if words.has(known) else relation}"
            self._line(item, who, f"\u2066{phone}\u2069" if phone else words.say("desk.card.no_phone"))
        if not people:
            self._line(item, "", words.say("desk.families.no_contacts"))
        self._line(item, words.say("desk.form.physician"), facts.physician)

    def _item(self, whole: QVBoxLayout, name: str, kind: str, tone: str) -> QVBoxLayout:
        whole.addWidget(Rule())
        item = column(gap=4)
        line = row(gap=10)
        line.addWidget(Label(name, "heading", wrap=True), 1)
        if kind:
            line.addWidget(Pill(kind, tone), 0, Qt.AlignmentFlag.AlignTop)
        item.addLayout(line)
        whole.addLayout(item)
        return item

    def _line(self, into: QVBoxLayout, name: str, text: str) -> None:
        if text:
            # People's words may run the other way than the desk's: each keeps to itself.
            text = f"\u2068{text}\u2069"
            into.addWidget(Label(f"{name}: {text}" if name else text, "text", wrap=True))
