"""Looking at what is masked, on any screen: why is asked, who looked is on record, and masks come back by themselves."""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import partial

from PySide6.QtCore import QCoreApplication, QEvent, QObject, QTimer, Signal
from PySide6.QtWidgets import QLineEdit, QWidget

from classtap_core.access.masking import NEEDS
from classtap_core.access.revealing import LEAST_WORDS, OpenReveal, Shown
from classtap_core.kernel.device import Receipt
from classtap_core.kernel.ids import Id, fresh
from classtap_core.kernel.records import Sensitivity
from classtap_desktop.desk import Desk, failure
from classtap_desktop.kit import Button, Label, theme
from classtap_desktop.spacing import column

_TOUCHES = frozenset({QEvent.Type.KeyPress, QEvent.Type.MouseButtonPress, QEvent.Type.Wheel, QEvent.Type.TouchBegin})


class Revealing(QObject):
    """What the signed-in person sees unmasked just now, and of whom.

    Signals: ``changed`` when something shows or is masked again, ``refused(sentence)`` when somebody may not look.
    """

    changed = Signal()
    refused = Signal(str)

    def __init__(self, desk: Desk, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self._shown: list[tuple[Id, Shown]] = []
        self._hiding = QTimer(self)
        self._hiding.setSingleShot(True)
        self._hiding.timeout.connect(self._hide)
        desk.operated.connect(self._operated)
        self._who: Id | None = None

    def ask(self, what: Iterable[str], *, subject: Id, home: Id, why: str) -> None:
        """Show those kinds of masked values of a person or an entry that the signed-in person may see at a location."""
        operator, at_ms = self._desk.operator, self._desk.now().corrected
        if operator is None:
            return
        may = [one for one in what if operator.may(NEEDS[Sensitivity(one)], location=home, at_ms=at_ms)]
        if not may:
            self.refused.emit(failure("reveal.not_yours", {}, theme().words))
        for one in may:
            reveal = OpenReveal(reveal=fresh(at_ms, os.urandom), home=home, subject=subject, what=one, why=why)
            self._desk.submit(reveal, then=partial(self._opened, subject, one))

    def shown(self, subject: Id) -> frozenset[Sensitivity]:
        """Return the kinds that show now of one person or entry."""
        return self.standing().get(subject, frozenset())

    def standing(self) -> dict[Id, frozenset[Sensitivity]]:
        """Return the kinds that show now, by person or entry: what was asked of one never shows of another."""
        now = self._desk.now().corrected
        found: dict[Id, set[Sensitivity]] = {}
        for whose, one in self._shown:
            if now < one.closes_ms:
                found.setdefault(whose, set()).add(Sensitivity(one.what))
        return {whose: frozenset(kinds) for whose, kinds in found.items()}

    def _opened(self, subject: Id, what: str, receipt: Receipt) -> None:
        if not receipt.outcome.stands:
            reason = next(iter(receipt.outcome.reasons), None)
            self.refused.emit(failure(reason.code, reason.params, theme().words) if reason else "")
            return
        now = self._desk.now().corrected
        self._shown.append((subject, Shown(what, now, now)))
        application = QCoreApplication.instance()
        assert application is not None
        application.installEventFilter(self)
        self._who = self._desk.operator.id if self._desk.operator is not None else None
        self._await()
        self.changed.emit()

    def _operated(self) -> None:
        """Whoever comes next sees masks."""
        who = self._desk.operator.id if self._desk.operator is not None else None
        if self._shown and who != self._who:
            self._shown.clear()
            self.changed.emit()

    def _await(self) -> None:
        closes = min((one.closes_ms for _, one in self._shown), default=0)
        if closes:
            self._hiding.start(max(1, closes - self._desk.now().corrected))

    def _hide(self) -> None:
        now = self._desk.now().corrected
        left = [(whose, one) for whose, one in self._shown if now < one.closes_ms]
        if len(left) < len(self._shown):
            self._shown = left
            self.changed.emit()
        if not left:
            application = QCoreApplication.instance()
            assert application is not None
            application.removeEventFilter(self)
        self._await()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Whoever goes on working goes on seeing, up to two minutes."""
        if event.type() in _TOUCHES and self._shown:
            now = self._desk.now().corrected
            self._shown = [(whose, one._replace(touched_ms=now)) for whose, one in self._shown]
            self._await()
        return False


class WhyRow(QWidget):
    """Asks why somebody needs to see what is masked. Signals: ``given(why)``."""

    given = Signal(str)

    def __init__(self, typed: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        words = theme().words
        inside = column(self, gap=8)
        inside.addWidget(Label(words.say("desk.reveal.text"), "text", token="muted", wrap=True))
        self.why = QLineEdit()
        self.why.setPlaceholderText(words.say("desk.reveal.why"))
        self.why.setAccessibleName(words.say("desk.reveal.why"))
        self.show_button = Button(words.say("desk.reveal.show"), icon="lock", size="small")
        self.why.setText(typed)
        self.show_button.setEnabled(len(typed.strip()) >= LEAST_WORDS)
        self.why.textChanged.connect(lambda text: self.show_button.setEnabled(len(text.strip()) >= LEAST_WORDS))
        self.show_button.clicked.connect(lambda _=False: self.given.emit(self.why.text().strip()))
        self.why.returnPressed.connect(self.show_button.animateClick)
        inside.addWidget(self.why)
        inside.addWidget(self.show_button)
