"""The owner's recovery key, made once at a desk: shown, saved or printed, proved to be kept, and only then sealed to."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtWidgets import QFileDialog, QLineEdit, QWidget

from classtap_core.kernel.outcomes import Outcome, Status
from classtap_core.store import recovery
from classtap_core.store.folder import write_closed, write_fault
from classtap_desktop.desk import Desk, Trouble
from classtap_desktop.frame.dialog import Dialog, named
from classtap_desktop.kit import Button, Label, theme
from classtap_desktop.kit.paper import Paper
from classtap_desktop.source import DeskSource
from classtap_desktop.spacing import row
from resources.text import Catalogue

PAGE_MM = (210.0, 297.0)
ASKED_LETTERS = 4


def sheet(made: recovery.RecoveryKey, words: Catalogue, *, studio: str, day: str) -> bytes:
    """The key as a page to print (PDF, A4): whose it is, since when, its two lines, what it is for."""
    with Paper(title=words.say("desk.owner_key.title"), size_mm=PAGE_MM, rtl=words.is_rtl) as paper:
        left, wide = 25.0, PAGE_MM[0] - 50.0
        paper.words(QRectF(left, 30, wide, 10), studio, size_mm=4.4, colour="#555555")
        paper.words(QRectF(left, 40, wide, 14), words.say("desk.owner_key.title"), size_mm=8.0, bold=True)
        paper.words(
            QRectF(left, 56, wide, 8), words.say("desk.owner_key.made", date=day), size_mm=4.0, colour="#555555"
        )
        for number, line in enumerate(made.text().splitlines()):
            paper.words(QRectF(left, 78 + 14 * number, wide, 12), line, size_mm=7.0, bold=True, wrap=False)
        paper.words(QRectF(left, 118, wide, 30), words.say("desk.owner_key.why"), size_mm=4.4)
        paper.words(QRectF(left, 152, wide, 30), words.say("desk.owner_key.use"), size_mm=4.4)
    return paper.data


class OwnerKeyPage(Dialog):
    """Signals: ``sealed`` once this store is sealed to the key that was made here.

    Until its last letters are typed from the copy nothing is sealed, and closing the page leaves all as it was.
    """

    sealed = Signal()

    def __init__(self, desk: Desk, over: QWidget) -> None:
        words = theme().words
        super().__init__(over, words.say("desk.owner_key.title"), wide=680, high=400)
        self._desk = desk
        self.made = recovery.make(os.urandom)
        self.body.addWidget(Label(words.say("desk.owner_key.why"), "text", wrap=True))
        self.letters = Label(self.made.text(), "title")
        self.letters.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.letters.setLayoutDirection(Qt.LayoutDirection.LeftToRight)
        self.body.addWidget(self.letters)
        ways = row(gap=10)
        self.page = Button(words.say("desk.owner_key.page"), icon="print")
        self.file = Button(words.say("desk.owner_key.file"), icon="disk")
        self.page.clicked.connect(lambda _=False: self._choose("pdf"))
        self.file.clicked.connect(lambda _=False: self._choose("txt"))
        ways.addWidget(self.page)
        ways.addWidget(self.file)
        ways.addStretch(1)
        self.body.addLayout(ways)
        self.told = Label("", "text", token="muted", wrap=True)
        self.body.addWidget(self.told)
        self.copy = QLineEdit()
        self.copy.setMaxLength(ASKED_LETTERS + 2)
        self.copy.setMaximumWidth(theme().px(160))
        self.copy.returnPressed.connect(self._seal)
        self.asked = named(self.copy, words.say("desk.owner_key.check"))
        self.body.addWidget(self.asked)
        self.body.addWidget(self.copy)
        self.body.addStretch(1)
        self.later = self.button(words.say("desk.owner_key.later"), self.close_overlay)
        self.again = self.button(words.say("desk.owner_key.again"), lambda: self._show_step(asking=False))
        self.have = self.button(words.say("desk.owner_key.have"), lambda: self._show_step(asking=True), kind="primary")
        self.seal = self.button(words.say("desk.owner_key.seal"), self._seal, kind="primary")
        self._show_step(asking=False)

    def _show_step(self, *, asking: bool) -> None:
        """The key, or the question after its last letters: never both, since they are to come from the copy."""
        shown: tuple[QWidget, ...] = (self.letters, self.page, self.file, self.told, self.later, self.have)
        kept: tuple[QWidget, ...] = (self.asked, self.copy, self.again, self.seal)
        for widget in (*shown, *kept):
            widget.setVisible((widget in kept) is asking)
        self.complain("")
        (self.copy if asking else self.have).setFocus(Qt.FocusReason.OtherFocusReason)

    def _choose(self, ending: str) -> None:
        name, _ = QFileDialog.getSaveFileName(
            self, theme().words.say("desk.owner_key.title"), str(Path.home() / f"owner-key.{ending}"), f"*.{ending}"
        )
        if name:
            self.save_to(Path(name))

    def save_to(self, file: Path) -> None:
        """Write the key to a file for its owner alone: a page to print (.pdf), else its two lines."""
        words = theme().words
        if file.suffix == ".pdf":
            today = datetime.fromtimestamp(self._desk.now().corrected / 1_000, tz=UTC).date()
            data = sheet(
                self.made, words, studio=self._desk.source.place_name(), day=words.date(today, style="long")
            )  # fmt: skip
        else:
            data = f"{self.made.text()}\n".encode()

        def write(_: DeskSource) -> None:
            try:
                write_closed(file, data)
            except OSError as error:
                raise write_fault(error, file.parent) from error

        self._desk.do(
            write, then=lambda _: self.told.show_text(words.say("desk.owner_key.saved", file=str(file))),
            failed=self._failed,
        )  # fmt: skip

    def _seal(self) -> None:
        """Whoever can type its last letters has kept it: a key that nobody kept would help nobody."""
        words, operator = theme().words, self._desk.operator
        typed = "".join(self.copy.text().split()).upper()
        if operator is None:
            return
        if typed != self.made.text().replace(" ", "")[-ASKED_LETTERS:]:
            self.complain(words.say("desk.owner_key.wrong"))
            return
        self.seal.setEnabled(False)
        self.complain("")

        def seal(source: DeskSource) -> Outcome:
            assert source.owner_seal is not None  # the page is only offered where there is a store to seal
            return source.owner_seal.seal(self.made.public, operator.author)

        self._desk.do(seal, then=self._done, failed=self._failed)

    def _done(self, outcome: Outcome) -> None:
        self.sealed.emit()
        self.close_overlay()
        if outcome.stands or outcome.status is Status.WAITING:
            self._desk.tell("desk.owner_key.sealed")
        else:
            self._desk.tell("desk.owner_key.sealed_here", tone="warn")

    def _failed(self, trouble: Trouble) -> None:
        self.seal.setEnabled(True)
        self.complain(trouble.sentence(theme().words))
