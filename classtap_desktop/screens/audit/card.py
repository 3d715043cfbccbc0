"""One entry in full: its sentence, who and where, and before and after of everything it changed."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QLayout, QScrollArea, QWidget

from classtap_core.auditing.diffs import ADD, JOIN, LEAVE, REMOVE
from classtap_core.auditing.lines import MASK, Changed, Line
from classtap_core.auditing.saying import became, sentence, step_sentence
from classtap_desktop.kit import Button, Card, EmptyState, Label, Rule, theme
from classtap_desktop.screens.audit.reading import things_of
from classtap_desktop.screens.revealing import WhyRow
from classtap_desktop.spacing import column, row

_FACTS = ("at", "role", "device", "address", "method", "outcome", "operation")
_TOKENS = {ADD: "present", JOIN: "present", REMOVE: "absent", LEAVE: "absent"}


class EntryCard(Card):
    """Signals: ``narrowed(id, name)`` to one thing, ``reveal(line, why)`` when somebody gives a reason to see more."""

    narrowed = Signal(str, str)
    reveal = Signal(object, str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(radius=18, parent=parent)
        self.line: Line | None = None
        self._zone = "UTC"
        self._holds: QWidget | None = None
        outer = column(self, margins=(2, 2, 2, 2))
        self.area = QScrollArea()
        self.area.setWidgetResizable(True)
        self.area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        outer.addWidget(self.area)
        self.show_line(None, "UTC")

    def say(self) -> None:
        """Show every word in the language in force."""
        self.show_line(self.line, self._zone)

    def show_line(self, line: Line | None, zone: str) -> None:
        """Show an entry, or what to do where none is chosen."""
        self.line, self._zone = line, zone
        whole = QWidget()
        inside = column(whole, margins=(20, 18, 20, 20), gap=10)
        words = theme().words
        if line is None:
            inside.addWidget(EmptyState("search", "", words.say("desk.audit.choose")))
        else:
            inside.addWidget(Label(sentence(line, words), "heading", wrap=True))
            self._add_facts(inside, line)
            self._add_changes(inside, line)
            inside.addStretch(1)
        self.area.setWidget(whole)
        self._holds = whole

    def texts(self) -> list[str]:
        """Return every text that is shown, from top to bottom."""
        return [label.whole_text() for label in self._holds.findChildren(Label)] if self._holds is not None else []

    def _add_facts(self, inside: QLayout, line: Line) -> None:
        words = theme().words
        none = words.say("desk.audit.not_captured")
        roles = ", ".join(words.say(f"role.{role}") if words.has(f"role.{role}") else role for role in line.roles)
        reasons = "".join(f" ({reason.code})" for reason in line.reasons[:1])
        heard = words.say("desk.audit.brought", device=line.carrier) if line.carrier else line.address
        told = {
            "at": words.datetime(line.at_ms, self._zone), "role": roles or none,
            "device": line.device_name or line.device[:8], "address": heard or none,
            "method": words.say(f"audit.method.{line.method}"),
            "outcome": words.say(f"desk.audit.outcome.{line.status.value}") + reasons,
            "operation": f"{line.kind} · {line.operation[:8]}",
        }  # fmt: skip
        for fact in _FACTS:
            pair = row(gap=10)
            name = Label(words.say(f"desk.audit.fact.{fact}"), "text", token="muted", wrap=True)
            name.setMinimumWidth(theme().px(130))
            pair.addWidget(name, 2, Qt.AlignmentFlag.AlignTop)
            pair.addWidget(Label(told[fact], "cell", wrap=True), 3)
            inside.addLayout(pair)  # type: ignore[attr-defined]

    def _add_changes(self, inside: QLayout, line: Line) -> None:
        words = theme().words
        inside.addWidget(Rule())
        if line.erased:
            inside.addWidget(Label(words.say("desk.audit.erased"), "text", token="muted", wrap=True))
        if not line.changed:
            inside.addWidget(Label(words.say("desk.audit.no_change"), "text", token="muted", wrap=True))
        for changed in line.changed:
            self._add_changed(inside, changed)
        if any(MASK in repr((step.before, step.after)) for changed in line.changed for step in changed.steps):
            asking = WhyRow()
            asking.given.connect(lambda why: self.reveal.emit(line, why))
            inside.addWidget(asking)

    def _add_changed(self, inside: QLayout, changed: Changed) -> None:
        words = theme().words
        head = row(gap=8)
        head.addWidget(Label(became(changed, words).strip(), "strong", wrap=True), 1)
        named = dict(things_of(self.line)) if self.line is not None else {}
        if changed.id in named:
            only = Button(words.say("desk.audit.only_this"), kind="quiet", size="small")
            only.clicked.connect(lambda _=False: self.narrowed.emit(changed.id, named[changed.id]))
            head.addWidget(only, 0, Qt.AlignmentFlag.AlignTop)
        inside.addLayout(head)  # type: ignore[attr-defined]
        for step in changed.steps:
            token = _TOKENS.get(step.op, "ink")
            inside.addWidget(Label(step_sentence(step, words), "text", token=token, wrap=True))
