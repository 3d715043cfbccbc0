"""What people say about a draft or a version, or about one spot of it."""

from __future__ import annotations

import os

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QCheckBox, QListWidget, QListWidgetItem, QPlainTextEdit, QWidget
from shiboken6 import isValid

from classtap_core.kernel.device import Receipt
from classtap_core.kernel.ids import Id, fresh
from classtap_core.seating.model import SeatMap
from classtap_core.seating.operations import AddComment
from classtap_desktop.canvas.life.reading import CommentLine, read_comments, reasons_of
from classtap_desktop.desk import Desk, failure
from classtap_desktop.frame.dialog import Dialog
from classtap_desktop.kit import Label, theme
from classtap_desktop.screens.sessions import ago
from classtap_desktop.spacing import grown


class Subject:
    """What is talked about: `id` is a draft's or a version's, `others` what belongs to it (the draft it came from)."""

    def __init__(self, id: str, location: Id, seat_map: SeatMap, *, name: str, others: tuple[str, ...] = ()) -> None:
        self.id, self.location, self.seat_map, self.name, self.others = id, location, seat_map, name, others

    def label(self, spot: str) -> str:
        """A spot's label; "" for one that is not in this map."""
        return next((one.label or one.id[-4:] for one in self.seat_map.spots if one.id == spot), "")


class CommentsDialog(Dialog):
    """Attributes: ``list``, ``text``, ``about`` (whether it is about the chosen spot).

    Signals: ``shown(spot)`` when a comment's spot is to be seen on the board, ``said`` after a comment was kept.
    """

    shown = Signal(str)
    said = Signal()

    def __init__(self, over: QWidget, desk: Desk, subject: Subject, *, spot: str = "", may_write: bool = True) -> None:
        words = theme().words
        super().__init__(over, words.say("map.comments.title", name=subject.name), wide=620, high=600)
        self._desk, self._subject, self._spot = desk, subject, spot
        self.list = QListWidget()
        self.list.setAccessibleName(self.title.whole_text())
        self.list.setWordWrap(True)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.itemActivated.connect(self._go)
        self.body.addWidget(self.list, 1)
        self.none = Label(words.say("map.comments.none"), "text", token="muted", wrap=True)
        self.body.addWidget(self.none)
        self.text = QPlainTextEdit()
        self.text.setAccessibleName(words.say("map.comments.text"))
        self.text.setPlaceholderText(words.say("map.comments.text"))
        self.text.setTabChangesFocus(True)
        self.text.setFixedHeight(grown(84))
        self.about = QCheckBox(words.say("map.comments.about", name=subject.label(spot)))
        self.about.setChecked(bool(spot))
        self.about.setVisible(bool(spot))
        for widget in (self.text, self.about):
            self.body.addWidget(widget)
        self.button(words.say("a11y.close"), self.close_overlay)
        self.add = self.button(words.say("map.comments.add"), self.say, kind="primary")
        for control in (self.text, self.about, self.add):
            control.setEnabled(may_write)
        self.reload()

    def reload(self) -> None:
        """Read what was said."""
        subjects = (self._subject.id, *self._subject.others)
        self._desk.read("maps.comments", lambda source: read_comments(source, subjects), then=self._show)

    def say(self) -> None:
        """Keep what was typed."""
        operator, text = self._desk.operator, self.text.toPlainText().strip()
        if operator is None or not text:
            self.complain(theme().words.say("map.comments.empty"))
            return
        payload = AddComment(
            comment=fresh(self._desk.now().corrected, os.urandom), location=self._subject.location,
            subject=Id(self._subject.id), writer=operator.id, text=text,
            spot=self._spot if self._spot and self.about.isChecked() else "",
        )  # fmt: skip

        def kept(receipt: Receipt) -> None:
            words = theme().words
            if receipt.outcome.stands:
                self.text.clear()
                self.complain("")
                self.reload()
                self.said.emit()
            else:
                self.complain(" ".join(failure(code, params, words) for code, params in reasons_of(receipt.outcome)))

        self._desk.submit(payload, then=kept, failed=lambda trouble: self.complain(trouble.sentence(theme().words)))

    def _show(self, lines: tuple[CommentLine, ...]) -> None:
        if not isValid(self):
            return
        words, now = theme().words, self._desk.now().corrected
        self.none.setVisible(not lines)
        self.list.setVisible(bool(lines))
        self.list.clear()
        for line in lines:
            label = self._subject.label(line.spot) if line.spot else ""
            head = words.join([line.author or "–", ago(line.at_ms, now, words), label])
            item = QListWidgetItem(f"{head}\n{line.text}")
            item.setData(Qt.ItemDataRole.UserRole, line.spot if label else "")
            item.setToolTip(words.say("map.comments.show") if label else "")
            self.list.addItem(item)
        self.list.scrollToBottom()

    def _go(self, item: QListWidgetItem) -> None:
        """Show the spot that a comment is about."""
        spot = item.data(Qt.ItemDataRole.UserRole)
        if spot:
            self.close_overlay()
            self.shown.emit(spot)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        held = event.modifiers() & Qt.KeyboardModifier.ControlModifier
        if held and event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.say()
        else:
            super().keyPressEvent(event)
