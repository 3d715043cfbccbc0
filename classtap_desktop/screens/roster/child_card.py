"""The chosen child: the buttons that mark, why they are late or absent, and all that was said of them so far."""

from __future__ import annotations

from typing import NamedTuple

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QSizePolicy, QVBoxLayout, QWidget

from classtap_desktop.kit import Avatar, Button, Card, Label, StateChoice, theme
from classtap_desktop.screens.people import colour_of
from classtap_desktop.screens.roster.reading import RosterLine, Said
from classtap_desktop.screens.sessions import SessionLine
from classtap_desktop.spacing import column, grown, row

REASONS = {"late": ("traffic", "school", "appointment", "other"), "absent": ("ill", "travel", "family", "other")}
MINUTES = (5, 10, 15, 30)
MOST_SAID = 4


class Offer(NamedTuple):
    """What a chip says, whether it holds, and what picking it says."""

    word: str
    chosen: bool
    reason: str
    expected_ms: int


class ChildBar(Card):
    """Signals: ``picked(state)`` (``none`` clears), ``asked`` when more is wanted than stands on it."""

    picked = Signal(str)
    asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(radius=16, parent=parent)
        inside = row(self, margins=(14, 10, 14, 11), gap=10)
        self.face = Avatar("", size=38)
        self.name = Label("", "strong", wrap=True)
        self.choice = StateChoice(size="desk")
        self.clear = Button("", kind="quiet", icon="close")
        self.about = Button("", kind="quiet", icon="info")
        self.about.clicked.connect(lambda _=False: self.asked.emit())
        self.about.hide()
        inside.addWidget(self.face)
        inside.addWidget(self.name, 1)
        inside.addWidget(self.about)
        inside.addWidget(self.choice)
        inside.addWidget(self.clear)
        self.choice.picked.connect(self.picked)
        self.clear.clicked.connect(lambda _=False: self.picked.emit("none"))

    def say(self) -> None:
        """Show the words in the language in force."""
        words = theme().words
        self.clear.setAccessibleName(words.say("desk.action.roster.clear"))
        self.clear.setToolTip(words.say("desk.action.roster.clear"))
        self.about.setAccessibleName(words.say("desk.roster.about"))
        self.about.setToolTip(words.say("desk.roster.about"))

    def show_line(self, line: RosterLine | None) -> None:
        """Show the chosen child, or nobody; the room is the same."""
        self.setEnabled(line is not None)
        self.face.show_person(line.name if line else "", colour_of(line.child) if line else 0)
        self.name.show_text(line.name if line else theme().words.say("desk.roster.choose"))
        state = line.state if line else "none"
        self.name.setMinimumHeight(2 * theme().metrics("strong").lineSpacing())  # a long name moves nothing
        self.choice.show_person(line.name if line else "")
        self.choice.show_state(state, disabled=() if line else ("present", "late", "absent"))
        self.clear.setEnabled(state != "none")


class ChildCard(Card):
    """Signals: ``explained(child, reason, expected_ms)`` when a reason or an arrival is picked, ``family`` when the
    child's family is asked for, ``card`` when the emergency card is."""

    explained = Signal(str, str, int)
    family = Signal()
    card = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(radius=18, parent=parent)
        self._line: RosterLine | None = None
        self._session: SessionLine | None = None
        self._now_ms = 0
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        inside = column(self, margins=(18, 14, 18, 16), gap=8)
        self.title = Label("", "strong", wrap=True)
        self.health = Label("", "text", token="warn", wrap=True)
        self.pickup = Label("", "secondary", token="warn", wrap=True)
        self.why = Label("", "label", token="muted")
        self.chips = QWidget()
        self._grid = QGridLayout(self.chips)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(theme().px(6))
        self.log = Label("", "label", token="muted")
        self.hint = Label("", "text", token="muted", wrap=True)
        self.said: QVBoxLayout = column(gap=4)
        self.home = Button("", kind="quiet", size="small", icon="people")
        self.home.clicked.connect(lambda _=False: self.family.emit())
        self.emergency = Button("", kind="quiet", size="small")
        self.emergency.clicked.connect(lambda _=False: self.card.emit())
        head = row(gap=8)
        head.addWidget(self.emergency)
        head.addWidget(self.home)
        head.addStretch(1)
        inside.addWidget(self.title)
        inside.addLayout(head)
        for widget in (self.health, self.pickup, self.hint, self.why, self.chips, self.log):
            inside.addWidget(widget)
        inside.addLayout(self.said)
        inside.addStretch(1)
        self._lines = [Label("", "cell", elide=True) for _ in range(MOST_SAID)]
        for label in self._lines:
            self.said.addWidget(label)
        self._offers: list[Offer] = []
        self._buttons = [Button("", size="small", checkable=True) for _ in range(2 * len(MINUTES))]
        for at, chip in enumerate(self._buttons):
            chip.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            chip.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            chip.clicked.connect(lambda _=False, at=at: self._take(at))
            self._grid.addWidget(chip, at // 2, at % 2)

    def say(self) -> None:
        """Show the words in the language in force."""
        self._show()

    def show_line(self, line: RosterLine | None, session: SessionLine | None, *, now_ms: int) -> None:
        """Show what is known of a child in a session."""
        if (line, session) != (self._line, self._session):
            self._line, self._session, self._now_ms = line, session, now_ms
            self._show()

    def _show(self) -> None:
        words, line = theme().words, self._line
        self.title.show_text(line.name if line else words.say("desk.roster.choose"))
        self.home.show_text(words.say("desk.roster.family"))
        self.home.setEnabled(bool(line and line.family))
        self.emergency.show_text(words.say("desk.card.open"))
        self.emergency.setVisible(line is not None)
        self.health.show_text((line.health or words.say("desk.roster.health_hidden")) if line and line.badge else "")
        self.health.setVisible(bool(line and line.badge))
        self.pickup.show_text(words.say("desk.roster.pickup"))
        self.pickup.setVisible(bool(line and line.pickup))
        self._show_why()
        said = line.said[-MOST_SAID:] if line else ()
        code = f"\u2066{line.code[:3]} {line.code[3:]}\u2069" if line and line.code else ""
        pickup = words.say("desk.roster.pickup_code", code=code) if code else ""
        self.log.show_text(words.join([words.say("desk.roster.log"), pickup]))
        self.log.setVisible(bool(said))
        self.hint.setVisible(line is None or line.state not in REASONS)
        self.hint.show_text(words.say("desk.roster.keys"))
        self.setFixedHeight(grown(352))
        for at, label in enumerate(self._lines):
            label.setVisible(at < len(said))
            if at < len(said):
                label.show_text(self._sentence(said[at]))
                label.set_token("ink" if said[at].holds else "muted")

    def _show_why(self) -> None:
        words, line, session = theme().words, self._line, self._session
        state = line.state if line else ""
        self.why.setVisible(state in REASONS)
        self.chips.setVisible(state in REASONS)
        offers: list[Offer] = []
        if line is not None and state in REASONS:
            self.why.show_text(words.say(f"desk.roster.why_{state}"))
            offers = [
                Offer(words.say(f"reason.{reason}"), line.reason == reason, reason, line.expected_ms)
                for reason in REASONS[state]
            ]
        if line is not None and session is not None and state == "late":
            begin = max(self._now_ms, session.start_ms) // 60_000
            for expected in ((begin + minutes) * 60_000 for minutes in MINUTES):
                if expected <= session.end_ms:
                    word = f"≈ {words.time(expected, session.zone)}"
                    offers.append(Offer(word, line.expected_ms == expected, line.reason, expected))
        self._offers = offers
        for at, chip in enumerate(self._buttons):
            chip.setVisible(at < len(offers))
            if at < len(offers):
                chip.show_text(offers[at].word)
                chip.setChecked(offers[at].chosen)

    def _take(self, at: int) -> None:
        offer = self._offers[at]
        self._buttons[at].setChecked(offer.chosen)
        if self._line is not None:
            self.explained.emit(self._line.child, offer.reason, offer.expected_ms)

    def _sentence(self, said: Said) -> str:
        words = theme().words
        zone = self._session.zone if self._session else "UTC"
        state = words.say(f"desk.said.{said.state}")
        who = said.staff or said.device
        parts = (words.time(said.at_ms, zone), state, who)
        return " · ".join(part for part in parts if part)
