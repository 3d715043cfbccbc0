"""Deciding on a draft that waits: approve it, or send it back; either with words (catalogue 15, requirement 7)."""

from __future__ import annotations

from PySide6.QtWidgets import QPlainTextEdit, QWidget

from classtap_core.seating.model import SeatMap
from classtap_desktop.canvas.dialogs.difference import Comparison
from classtap_desktop.canvas.work import Work
from classtap_desktop.frame.dialog import Dialog
from classtap_desktop.kit import Label, theme
from classtap_desktop.spacing import grown


class DecisionDialog(Dialog):
    """Attributes: ``comparison`` (what it changes against what is in force), ``comment`` (must be given)."""

    def __init__(self, over: QWidget, work: Work) -> None:
        words = theme().words
        super().__init__(over, words.say("map.decide.title"), wide=980, high=680)
        self._work = work
        self.body.addWidget(Label(words.say("map.decide.hint"), "text", token="muted", wrap=True))
        self.comparison = Comparison()
        after = work.document.seat_map
        self.comparison.show_maps(work.opened.published or SeatMap(name="", room=after.room), after)
        self.body.addWidget(self.comparison, 1)
        self.comment = QPlainTextEdit()
        self.comment.setFixedHeight(grown(84))
        self.comment.setAccessibleName(words.say("map.decide.comment"))
        self.comment.setPlaceholderText(words.say("map.decide.comment"))
        self.comment.setTabChangesFocus(True)
        self.body.addWidget(self.comment)
        self.button(words.say("map.decide.reject"), lambda: self.decide(approve=False))
        self.button(words.say("map.decide.approve"), lambda: self.decide(approve=True), kind="primary")

    def decide(self, *, approve: bool) -> None:
        """Say it, once there are words."""
        said = self.comment.toPlainText().strip()
        if not said:
            self.complain(theme().words.say("map.decide.missing"))
            return
        self._work.decide(approve=approve, comment=said)
        self.close_overlay()
