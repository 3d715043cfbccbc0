"""What was told without the right to, by whatever device: somebody with the right says whether it happened."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QVBoxLayout

from classtap_core.access.blueprints import Capability
from classtap_core.contesting.operations import RuleContested
from classtap_core.contesting.records import Contested
from classtap_core.contesting.telling import Undecided, undecided
from classtap_core.house import registry
from classtap_core.kernel.device import Receipt
from classtap_core.kernel.ids import Id
from classtap_core.kernel.outcomes import Status
from classtap_core.kernel.tx import Ref
from classtap_desktop.desk import Desk
from classtap_desktop.kit import Button, Card, Label, Rule, theme
from classtap_desktop.screens.health.lines import contested_words
from classtap_desktop.screens.notice_card import refusal
from classtap_desktop.spacing import anew, column, row

MOST = 20
"""So many are shown at once; the others come up as these are decided."""


class ContestedCard(Card):
    """Attributes: ``found`` (what waits; shown to who might have told it). Not there while nothing waits; reads by itself when that changes."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(radius=18)
        self._desk, self._registry = desk, registry()
        self.found: tuple[Undecided, ...] = ()
        self._asked: set[Id] = set()
        inside = column(self, margins=(20, 16, 20, 18), gap=10)
        self.title, self.text = Label("", "heading", wrap=True), Label("", "text", token="muted", wrap=True)
        self.lines: QVBoxLayout = column(gap=10)
        self.more = Label("", "secondary", token="muted", wrap=True)
        inside.addWidget(self.title)
        inside.addWidget(self.text)
        inside.addLayout(self.lines)
        inside.addWidget(self.more)
        desk.changed.connect(self._changed)
        desk.operated.connect(self._show)
        desk.stood.connect(self._stood)
        self.hide()

    def reload(self) -> None:
        """Read what waits."""
        self._desk.read("contested", lambda source: undecided(source.reader, self._registry), then=self._take)

    def say(self) -> None:
        """Show the words in the language in force."""
        words = theme().words
        self.title.show_text(words.say("desk.contested.title"))
        self.text.show_text(words.say("desk.contested.text"))
        self._show()

    def _changed(self, refs: frozenset[Ref]) -> None:
        if any(kind == Contested.KIND for kind, _ in refs):
            self.reload()

    def _stood(self) -> None:
        """With an empty queue the cloud has answered: what is still open may be decided again."""
        standing = self._desk.standing
        if self._asked and standing is not None and not standing.status.pending:
            self._asked.clear()
            self.reload()

    def _take(self, found: tuple[Undecided, ...]) -> None:
        self.found = found
        self._asked &= {one.held.id for one in found}
        self._show()

    def _show(self) -> None:
        lines, words, now_ms = anew(self.lines), theme().words, self._desk.now().corrected
        concerned = [one for one in self.found if self._might_have_told(one)]
        for one in concerned[:MOST]:
            said, told = contested_words(one, now_ms, words)
            lines.addWidget(Rule())
            lines.addWidget(Label(said, "text", wrap=True))
            lines.addWidget(Label(told, "secondary", token="muted", wrap=True))
            self._choices(lines, one)
        left = len(concerned) - MOST
        self.more.setVisible(left > 0)
        self.more.show_text(words.say("desk.contested.more", number=max(0, left)))
        self.setVisible(bool(concerned))

    def _choices(self, lines: QVBoxLayout, one: Undecided) -> None:
        words = theme().words
        if one.held.id in self._asked or not self._may(one):
            code = "asked" if one.held.id in self._asked else "not_yours"
            lines.addWidget(Label(words.say(f"desk.contested.{code}"), "secondary", token="muted", wrap=True))
            return
        foot = row(gap=8)
        for code, happened in (("happened", True), ("dismissed", False)):
            button = Button(words.say(f"desk.choice.{code}"), size="small", kind="plain" if happened else "quiet")
            button.clicked.connect(lambda _=False, happened=happened: self.rule(one, happened=happened))
            foot.addWidget(button, 0, Qt.AlignmentFlag.AlignLeading)
        foot.addStretch(1)
        lines.addLayout(foot)

    def _may(self, one: Undecided) -> bool:
        """Whether they may take it back, and might have told it themselves; the cloud looks at the rest."""
        return self._desk.may(Capability.UNDO, location=one.held.place.location) and self._might_have_told(one)

    def _might_have_told(self, one: Undecided) -> bool:
        """Anybody else would read whom it is about."""
        return self._desk.may(one.held.needs, location=one.held.place.location)

    def rule(self, one: Undecided, *, happened: bool) -> None:
        """Say that it happened, or that it did not; it counts once the cloud has decided."""
        word = RuleContested(fact=one.held.id, happened=happened, under=one.held.under if happened else ())
        self._desk.submit(word, then=lambda receipt: self._said(one, receipt))

    def _said(self, one: Undecided, receipt: Receipt) -> None:
        if receipt.outcome.status is Status.REFUSED:
            self._desk.tell(refusal(receipt.outcome), tone="absent")
            return
        self._asked.add(one.held.id)
        self._show()
