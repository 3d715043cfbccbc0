"""Trying a rule on a child who is known here: allowed, warned or blocked, why, and from when on time alone will do."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import NamedTuple

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QComboBox, QLineEdit, QWidget

from classtap_core.access.blueprints import Capability
from classtap_core.checkin.reading import fetch
from classtap_core.eligibility import rules
from classtap_core.eligibility.rules import Decision, Occasion
from classtap_core.kernel.errors import BadInput
from classtap_core.kernel.ids import Id
from classtap_core.kernel.records import decode
from classtap_core.people.learners import Learner, known
from classtap_core.people.records import Child, ChildHealth
from classtap_desktop.desk import Desk, failure
from classtap_desktop.kit import Label, theme
from classtap_desktop.operator import Operator
from classtap_desktop.screens.choice_box import choice_box
from classtap_desktop.screens.eligibility.sentence import verdict_lines
from classtap_desktop.source import DeskSource
from classtap_desktop.spacing import column, row

_TYPING_MS = 200
_TOKENS = {"allow": "present", "warn": "warn", "block": "absent"}


class Tried(NamedTuple):
    """A child a rule may be tried on, as the engine is told of them."""

    id: Id
    name: str
    learner: rules.Learner


def read_tried(source: DeskSource, text: str, operator: Operator) -> tuple[Tried, ...]:
    """Return the children of a name whose age and school the signed-in person may see, best first."""
    reader, now_ms = source.reader, source.clock.now().corrected

    def readable(kind: str, scope: str) -> bool:
        home = scope.partition("/")[2]
        return operator.may(Capability.VIEW_HEALTH, location=home, at_ms=now_ms) and reader.holds(f"health/{home}")

    found = [decode(Child, one.row.body) for one in source.search(text, kinds={Child.KIND}, readable=readable)]
    ids = [child.id for child in found]
    born, learners = fetch(reader, ChildHealth, ids), fetch(reader, Learner, ids)
    return tuple(
        Tried(one.id, f"{one.given} {one.surname}".strip(), known(born.get(one.id), learners.get(one.id)))
        for one in found
    )


class Trial(QWidget):
    """Attributes: ``name``, ``day``, ``child`` (who was found), ``verdict``, ``lines``."""

    def __init__(self, desk: Desk, rule: Callable[[], str], *, day: str) -> None:
        super().__init__()
        words = theme().words
        self._desk, self._rule = desk, rule
        self._found: tuple[Tried, ...] = ()
        inside = column(self, gap=8)
        inside.addWidget(Label(words.say("desk.rule.try"), "label", token="muted"))
        line = row(gap=10) if theme().text_scale < 1.4 else column(gap=6)
        inside.addLayout(line)
        self.name, self.day = QLineEdit(), QLineEdit(day)
        self.child: QComboBox = choice_box([])
        for field, code, wide in ((self.name, "try_name", 2), (self.child, "try", 3), (self.day, "try_day", 2)):
            said = words.say(f"desk.rule.{code}")
            field.setAccessibleName(said)
            if isinstance(field, QLineEdit):
                field.setPlaceholderText(said)
            line.addWidget(field, wide)
        self._typing = QTimer(self)
        self._typing.setSingleShot(True)
        self._typing.setInterval(_TYPING_MS)
        self._typing.timeout.connect(self.look)
        self.name.textEdited.connect(lambda _text: self._typing.start())
        self.day.textEdited.connect(lambda _text: self.judge())
        self.child.activated.connect(lambda _at: self.judge())
        self.verdict = Label("", "cell", wrap=True)
        self.lines = Label("", "text", token="muted", wrap=True)
        inside.addWidget(self.verdict)
        inside.addWidget(self.lines)
        self.child.setEnabled(False)

    def look(self) -> None:
        """Look for the name that was typed."""
        text, operator = self.name.text().strip(), self._desk.operator
        if text and operator is not None:
            self._desk.read("rule.tried", lambda source: read_tried(source, text, operator), then=self._show)

    def judge(self) -> None:
        """Say what the rule, as it stands now, means for the chosen child."""
        words = theme().words
        chosen = next((one for one in self._found if one.id == self.child.currentData()), None)
        if chosen is None:
            self.verdict.show_text(words.say("desk.rule.try_nobody") if self.name.text().strip() else "")
            self.verdict.set_token("muted")
            self.lines.show_text("")
            return
        try:
            day = date.fromisoformat(self.day.text().strip()).isoformat()
            decision = rules.decide(self._rule(), chosen.learner, Occasion(day, day))
        except (BadInput, ValueError) as bad:
            code, params = (bad.code, bad.params) if isinstance(bad, BadInput) else ("time.date", {})
            self.verdict.show_text(failure(code, params, words))
            self.verdict.set_token("absent")
            self.lines.show_text("")
            return
        self._say(chosen, decision)

    def _say(self, chosen: Tried, decision: Decision) -> None:
        words, word = theme().words, decision.verdict.word
        self.verdict.show_text(words.join([chosen.name, words.say(f"desk.rule.verdict.{word}")]))
        self.verdict.set_token(_TOKENS[word])
        self.lines.show_text("\n".join(verdict_lines(decision, words)))

    def _show(self, found: tuple[Tried, ...]) -> None:
        self._found = found
        self.child.clear()
        for one in found:
            self.child.addItem(one.name, one.id)
        self.child.setEnabled(bool(found))
        self.judge()
