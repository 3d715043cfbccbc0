"""At going-home time: whose code this is, who may take the child, and that somebody did. Works with no network."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from PySide6.QtWidgets import QLineEdit, QWidget

from classtap_core.access.blueprints import Capability
from classtap_core.checkin.handing import MayTake, ToHand, WrongCodes, to_hand, to_hand_by_code
from classtap_core.checkin.pickup import DIGITS
from classtap_core.checkin.reading import fetch
from classtap_core.checkin.release import CODE, KNOWN, HandOver
from classtap_core.kernel.device import Receipt
from classtap_core.kernel.ids import Id
from classtap_core.kernel.outcomes import Status
from classtap_core.people.records import ContactMasked
from classtap_desktop.desk import Desk, Trouble, failure
from classtap_desktop.frame.dialog import Dialog, form, named
from classtap_desktop.kit import Button, Label, theme
from classtap_desktop.screens.roster.reading import RosterLine
from classtap_desktop.screens.sessions import SessionLine
from classtap_desktop.source import DeskSource
from classtap_desktop.spacing import column, row


class Adult(NamedTuple):
    """Somebody on record for a child, with the name staff know them by."""

    take: MayTake
    name: str


class Found(NamedTuple):
    """A child to be given back, with names. `given`: to whom it was already, and when (ms)."""

    hand: ToHand
    adults: tuple[Adult, ...]
    given: tuple[str, int] | None


@dataclass
class Tried:
    """How often a code was nobody's, for as long as the program runs."""

    wrong: WrongCodes = field(default_factory=WrongCodes)


def read_code(source: DeskSource, digits: str, session: SessionLine) -> Found | None:
    """The child with this code in any class of the day and place; None where it is nobody's here now."""
    found = to_hand_by_code(
        source.reader, source.place.studio, digits, location=session.location, day=session.day,
        now_ms=source.clock.now().corrected,
    )  # fmt: skip
    return None if found is None else _with_names(source, found)


def read_child(source: DeskSource, session: Id, child: Id) -> Found:
    """A child with everybody on record for it. Raises NotHeld."""
    return _with_names(source, to_hand(source.reader, source.place.studio, session, child))


def _with_names(source: DeskSource, hand: ToHand) -> Found:
    first = hand.given
    ids = [*(one.adult for one in hand.taking), *([first.adult] if first else [])]
    names = {id: one.name for id, one in fetch(source.reader, ContactMasked, ids).items()}
    adults = tuple(Adult(one, names.get(one.adult, "")) for one in hand.taking)
    return Found(hand, adults, None if first is None else (names.get(first.adult, ""), first.at_ms))


class PickupDialog(Dialog):
    """A code, the child it stands for, and one button for each adult who may take it. Without a code staff take the
    child chosen in the roster, whose adult they know."""

    def __init__(
        self, desk: Desk, over: QWidget, *, session: SessionLine, line: RosterLine | None, tried: Tried
    ) -> None:  # fmt: skip
        words = theme().words
        super().__init__(over, words.say("desk.pickup.title"), wide=640, high=560)
        self._desk, self._session, self._line, self._tried = desk, session, line, tried
        self.found: Found | None = None
        self._method = CODE
        self.offers: list[Button] = []
        self.code = QLineEdit()
        self.code.setMaxLength(DIGITS + 1)
        self.code.returnPressed.connect(self._look)
        fields = form()
        fields.addRow(named(self.code, words.say("desk.pickup.code")), self.code)
        self.body.addLayout(fields)
        self.who = Label("", "strong", wrap=True)
        self.ask = Label(words.say("desk.roster.pickup"), "text", token="warn", wrap=True)
        self.given = Label("", "text", token="absent", wrap=True)
        for label in (self.who, self.ask, self.given):
            self.body.addWidget(label)
        self._adults = column(gap=8)
        self.body.addLayout(self._adults)
        self.body.addStretch(1)
        if line is not None:
            self.button(words.say("desk.pickup.without", name=line.name), self._without)
        self.button(words.say("desk.pickup.look"), self._look, kind="primary")
        self._show(None)

    def open(self) -> None:
        super().open()
        self.code.setFocus()

    def _look(self) -> None:
        digits = "".join(letter for letter in self.code.text() if letter.isdecimal())
        now_ms, words = self._desk.now().corrected, theme().words
        until = self._tried.wrong.paused_until(now_ms)
        if until is not None:
            self._show(None)
            self.complain(words.say_n("desk.pickup.paused", max(1, -(-(until - now_ms) // 60_000))))
        elif len(digits) != DIGITS:
            self.complain(words.say("desk.pickup.digits"))
        else:
            session, self._method = self._session, CODE
            self._desk.read(
                "pickup", lambda source: read_code(source, digits, session), then=self._looked, failed=self._fail
            )

    def _looked(self, found: Found | None) -> None:
        if found is None:
            self._tried.wrong = self._tried.wrong.after(self._desk.now().corrected)
        else:
            self._tried.wrong = WrongCodes()
        self._show(found)
        self.complain("" if found else theme().words.say("desk.pickup.nobody"))

    def _without(self) -> None:
        line, session = self._line, self._session
        if line is not None:
            self._method = KNOWN
            self.complain("")
            self._desk.read(
                "pickup", lambda source: read_child(source, session.id, line.child), then=self._show, failed=self._fail
            )  # fmt: skip

    def _show(self, found: Found | None) -> None:
        self.found = found
        words = theme().words
        self.who.show_text(words.join([found.hand.name, found.hand.taught]) if found else words.say("desk.pickup.hint"))
        self.ask.setVisible(bool(found and found.hand.ask))
        given = found.given if found else None
        when = words.time(given[1], found.hand.session.zone) if found and given else ""
        self.given.show_text(words.say("desk.pickup.given", name=given[0], time=when) if given else "")
        self.given.setVisible(given is not None)
        while (item := self._adults.takeAt(0)) is not None:
            taken = item.widget()
            if taken is not None:
                taken.deleteLater()
        self.offers = []
        may = found is not None and self._desk.may(Capability.MARK_ATTENDANCE, location=found.hand.session.location)
        for adult in found.adults if found else ():
            self._adults.addWidget(self._row(adult, may and given is None))

    def _row(self, adult: Adult, may: bool) -> QWidget:
        words, whole = theme().words, QWidget()
        line = row(whole, gap=12)
        relation = f"desk.relation.{adult.take.relation}"
        about = words.join([adult.name, words.say(relation) if words.has(relation) else ""])
        line.addWidget(Label(about, "text", wrap=True), 1)
        if adult.take.why:
            line.addWidget(Label(words.say(f"desk.{adult.take.why}"), "secondary", token="absent", wrap=True), 1)
        elif may:
            offer = Button(words.say("desk.pickup.give"), size="small")
            offer.setAccessibleName(words.say("desk.pickup.give_to", name=adult.name))
            offer.clicked.connect(lambda _=False: self._give(adult))
            self.offers.append(offer)
            line.addWidget(offer)
        return whole

    def _give(self, adult: Adult) -> None:
        found = self.found
        if found is not None:
            for offer in self.offers:
                offer.setEnabled(False)
            hand = found.hand
            said = HandOver(session=hand.session.id, child=hand.child.id, adult=adult.take.adult, method=self._method)
            self._desk.submit(said, then=lambda receipt: self._gave(receipt, found, adult), failed=self._fail)

    def _gave(self, receipt: Receipt, found: Found, adult: Adult) -> None:
        outcome = receipt.outcome
        if outcome.status is Status.ACCEPTED:
            self._desk.tell("desk.pickup.done", name=found.hand.name, to=adult.name)
            self.close_overlay()
            return
        why = outcome.reasons[0] if outcome.reasons else None
        self.complain(failure(why.code if why else "other", why.params if why else {}, theme().words))

    def _fail(self, trouble: Trouble) -> None:
        self.complain(trouble.sentence(theme().words))
