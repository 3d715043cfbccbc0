"""Giving a child back, behind the staff PIN: a code or a child of the list, then one button for each adult who may take it."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QScrollArea, QStackedWidget, QVBoxLayout, QWidget

from classtap_desktop.kit import Button, CountdownRing, Label, PinPad, Rule, theme
from kiosk import events as on
from kiosk.pickup import Adult, ChildAt, ChildChosen, CodeTyped, GiveTo, Pickup, Step, Waiting
from kiosk.screens.foot import foot, way_back
from kiosk.screens.scrolling import scrolling
from kiosk.view import State


class PickupPage(QWidget):
    """Signals: ``happened(event)``. Attributes: ``choices`` by session and child, ``offers`` by adult."""

    happened = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        here = theme()
        words = here.words
        self._shown: Pickup | None = None
        self.choices: dict[tuple[str, str], Button] = {}
        self.offers: dict[str, Button] = {}
        self.title = Label(words.say("kiosk.pickup"), "headline", wrap=True)
        self.said = Label("", "hint", token="muted", wrap=True)
        self.list, self.adults = scrolling(), scrolling()
        self.list.setAccessibleName(words.say("kiosk.pickup.list"))
        self.pad = PinPad()
        self.pad.message.hide()  # what was wrong stands above, and large letters need the room
        self.pad.dots.setAccessibleName(words.say("desk.pickup.code"))
        self.pad.entered.connect(lambda digits: self.happened.emit(CodeTyped(digits)))
        self.pad.cancelled.connect(lambda: self.happened.emit(on.Cancel()))
        choosing = QWidget()
        beside = QHBoxLayout(choosing)
        beside.setContentsMargins(0, 0, 0, 0)
        beside.setSpacing(here.px(48))
        beside.addWidget(self.list, 1)
        beside.addWidget(self.pad, 0, Qt.AlignmentFlag.AlignVCenter)
        self.middle = QStackedWidget()
        self._pages = {Step.CHOOSING: choosing, Step.CHILD: self.adults}
        for page in self._pages.values():
            self.middle.addWidget(page)
        self.back = way_back(self.happened)
        self.ring = CountdownRing(size=60)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, here.px(18), 0, 0)
        column.setSpacing(here.px(12))
        column.addWidget(self.title)
        column.addWidget(self.said)
        column.addWidget(self.middle, 1)
        column.addLayout(foot([self.back], [self.ring]))

    def show_state(self, state: State) -> None:
        """Show how far giving back has come."""
        self.ring.show_left(state.idle_left_s, state.idle_total_s)
        pickup = state.pickup
        if pickup is None or pickup == self._shown:
            return
        before, self._shown = self._shown, pickup
        self._say(pickup, zone=state.zone)
        if before is None or before.here != pickup.here or not pickup.here:
            self._show_here(pickup.here, read=pickup.step is not Step.LOOKING)
        if pickup.found != (before.found if before else None):
            self._show_adults(pickup.found, zone=state.zone)
        busy = pickup.step in (Step.LOOKING, Step.KEEPING)
        for button in (*self.choices.values(), *self.offers.values()):
            button.setEnabled(not busy)
        self.pad.set_busy(busy)
        self.middle.setCurrentWidget(self._pages[Step.CHOOSING if pickup.found is None else Step.CHILD])
        if pickup.step is Step.CHOOSING:
            self.pad.clear()
            self.pad.setFocus(Qt.FocusReason.OtherFocusReason)

    def forget(self) -> None:
        """Take every name off the screen and out of memory."""
        if self._shown is None:
            return
        self._shown = None
        self.pad.clear()
        self.title.show_text("")
        self.said.show_text("")
        self._show_here((), read=False)
        self._show_adults(None, zone="UTC")

    def _say(self, pickup: Pickup, *, zone: str) -> None:
        words, found = theme().words, pickup.found
        self.title.show_text(words.say("kiosk.pickup") if found is None else words.join([found.name, found.taught]))
        if pickup.said:
            params = {name: _relation(str(value)) if name == "to" else value for name, value in pickup.params}
            text = words.say(pickup.said, **params) if pickup.n is None else words.say_n(pickup.said, pickup.n)
            tone = pickup.tone
        elif found is not None and found.given_ms is not None:
            text = words.say("kiosk.pickup.given", time=words.time(found.given_ms, zone), to=_relation(found.given_to))
            tone = "absent"
        elif found is not None:
            text, tone = words.say("kiosk.pickup.ask") if found.ask else "", "warn"
        elif pickup.step is Step.LOOKING:
            text, tone = words.say("kiosk.pickup.looking"), "muted"
        else:
            text, tone = words.say("kiosk.pickup.hint") if theme().text_scale <= 1.5 else "", "muted"
        self.said.set_token(tone)
        self.said.show_text(text)
        self.said.setVisible(bool(text))

    def _show_here(self, here: tuple[Waiting, ...], *, read: bool) -> None:
        self.choices.clear()
        words = theme().words
        column = _emptied(self.list)
        if read and not here:
            column.addWidget(Label(words.say("kiosk.pickup.none"), "hint", token="muted", wrap=True))
        for one in here:
            button = Button(words.say("kiosk.pickup.choose"), size="kiosk_chip")
            button.setAccessibleName(words.join([one.name, one.taught]))
            button.clicked.connect(lambda _=False, one=one: self.happened.emit(ChildChosen(one.session, one.child)))
            self.choices[one.session, one.child] = button
            _row(column, one.name, one.taught, button)
        column.addStretch(1)

    def _show_adults(self, found: ChildAt | None, *, zone: str) -> None:
        self.offers.clear()
        words = theme().words
        column = _emptied(self.adults)
        if found is not None and found.given_ms is None:
            offered = {one.adult for one in found.offered()}
            if not found.adults:
                column.addWidget(Label(words.say("kiosk.pickup.nobody_known"), "hint", token="warn", wrap=True))
            for adult in found.adults:
                self._show_adult(column, adult, offered=adult.adult in offered)
        column.addStretch(1)

    def _show_adult(self, column: QVBoxLayout, adult: Adult, *, offered: bool) -> None:
        words, who = theme().words, _relation(adult.relation)
        if not offered:
            why = "kiosk.pickup.alike" if adult.alike else "kiosk.pickup.not_now"
            _row(column, who, words.say(why), None, token="absent")
            return
        button = Button(words.say("kiosk.pickup.give", who=who), kind="primary", size="kiosk_chip", icon="check")
        button.clicked.connect(lambda _=False: self.happened.emit(GiveTo(adult.adult)))
        self.offers[adult.adult] = button
        _row(column, who, "", button)


def _relation(code: str) -> str:
    words = theme().words
    return words.say(f"relation.{code}" if words.has(f"relation.{code}") else "kiosk.pickup.somebody")


def _emptied(area: QScrollArea) -> QVBoxLayout:
    """A column in an area, in place of what stood there."""
    here, inside = theme(), QWidget()
    beside_bar = here.px(12)
    column = QVBoxLayout(inside)
    column.setContentsMargins(*((beside_bar, 0, 0, 0) if here.rtl else (0, 0, beside_bar, 0)))  # Qt mirrors no margins
    column.setSpacing(here.px(10))
    area.setWidget(inside)
    return column


def _row(column: QVBoxLayout, name: str, note: str, button: Button | None, *, token: str = "muted") -> None:
    here = theme()
    if column.count():
        column.addWidget(Rule())
    line = QHBoxLayout()
    line.setSpacing(here.px(16))
    texts = QVBoxLayout()
    texts.setSpacing(here.px(2))
    texts.addWidget(Label(name, "name", wrap=True))
    if note:
        texts.addWidget(Label(note, "note", token=token, wrap=True))
    line.addLayout(texts, 1)
    if button is not None:
        line.addWidget(button, 0, Qt.AlignmentFlag.AlignVCenter)
    column.addLayout(line)
