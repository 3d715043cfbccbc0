"""Signing this device out: what would be lost, a way to send or save it, a manager's PIN, and the end."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFileDialog, QWidget

from classtap_core.store.backup import Made
from classtap_core.store.destroy import AtStake
from classtap_desktop.desk import Desk, Trouble
from classtap_desktop.frame.overlay import Overlay
from classtap_desktop.kit import Button, Label, PinPad, theme
from classtap_desktop.kit.device_words import loss_words
from classtap_desktop.screens.sessions import ago
from classtap_desktop.source import DeskSource
from classtap_desktop.spacing import column, grown, row
from sync.client.leaving import Allowed, Leaving

T = TypeVar("T")


class LeavePage(Overlay):
    """Signals: ``left`` when the device's data is gone and nothing is left to show but the way out.

    Until the sixth digit everything stays as it is, and every step can be left by Escape or the first button.
    """

    left = Signal()

    def __init__(self, desk: Desk, over: QWidget) -> None:
        super().__init__(over)
        self._desk = desk
        self._stake: AtStake | None = None
        self._sending = self._gone = False
        inside = self._inside = column(self.card, margins=(30, 26, 30, 24), gap=10)
        self.title = Label("", "title", wrap=True)
        self.loss = Label("", "cell", wrap=True)
        self.oldest = Label("", "text", token="muted", wrap=True)
        self.message = Label("", "text", token="warn", wrap=True)
        for label in (self.title, self.loss, self.oldest, self.message):
            inside.addWidget(label)
        ways = row(gap=10)
        self.send, self.save = Button("", icon="sync"), Button("", icon="lock")
        self.send.clicked.connect(lambda _=False: self._send())
        self.save.clicked.connect(lambda _=False: self._choose_file())
        ways.addWidget(self.send)
        ways.addWidget(self.save)
        ways.addStretch(1)
        inside.addLayout(ways)
        self.pad = PinPad(self.card)
        self.pad.entered.connect(self._entered)
        self.pad.cancelled.connect(self.close_overlay)
        inside.addWidget(self.pad, 0, Qt.AlignmentFlag.AlignHCenter)
        inside.addSpacing(theme().px(10))
        foot = row(gap=10)
        self.keep, self.go_on, self.close_program = Button(""), Button("", kind="danger"), Button("", kind="primary")
        self.keep.clicked.connect(lambda _=False: self.close_overlay())
        self.go_on.clicked.connect(lambda _=False: self._ask_pin())
        self.close_program.clicked.connect(lambda _=False: self.window().close())
        foot.addWidget(self.keep)
        foot.addStretch(1)
        foot.addWidget(self.go_on)
        foot.addWidget(self.close_program)
        inside.addLayout(foot)
        desk.stood.connect(self._stood)
        theme().changed.connect(self._say)
        self._say()

    def open(self) -> None:
        """Say what would be lost now."""
        self._stake, self._sending = None, False
        self._tell(self.message, "")
        self._show_first()
        super().open()
        self.keep.setFocus(Qt.FocusReason.OtherFocusReason)
        self._look()

    def close_overlay(self) -> None:
        if not self._gone:
            self.pad.clear()
            super().close_overlay()

    def _look(self) -> None:
        self._ask(lambda leaving: leaving.stake(), self._show_stake)

    def _ask(self, question: Callable[[Leaving], T], then: Callable[[T], None]) -> None:
        def asked(source: DeskSource) -> T:
            assert source.leaving is not None  # the page is only offered where there is something to leave
            return question(source.leaving)

        self._desk.do(asked, then=then, failed=self._failed)

    # -- first step

    def _show_first(self) -> None:
        self.pad.hide()
        self.pad.set_busy(False)
        self.pad.clear()
        for widget in (self.loss, self.go_on, self.keep):
            widget.show()
        self.close_program.hide()
        stake = self._stake
        self.go_on.setEnabled(stake is not None)
        for widget in (self.oldest, self.send, self.save):
            widget.setVisible(stake is not None and stake.unsent + stake.files > 0)
        self._say()

    def _show_stake(self, stake: AtStake) -> None:
        """Not over the PIN: it says yes to the loss that was read, and is refused where that is another by now."""
        if self.pad.isVisible() or self._gone:
            return
        self._stake = stake
        self._show_first()

    def _send(self) -> None:
        self._sending = True
        self._tell(self.message, "")
        self._desk.source.sync_now()
        self._desk.look_at_standing()

    def _stood(self) -> None:
        """After a round of sync: say anew what would be lost, and where nothing could be sent, that."""
        if self.isHidden() or self._gone or self.pad.isVisible():
            return
        standing = self._desk.standing
        if self._sending and standing is not None and str(standing.status.state) in ("offline", "failing"):
            self._sending = False
            self._tell(self.message, theme().words.say("desk.leave.offline"))
        self._look()

    def _choose_file(self) -> None:
        words = theme().words
        start = str(Path.home() / f"classtap-{self._desk.now().corrected // 1_000}.ctbackup")
        name, _ = QFileDialog.getSaveFileName(
            self, words.say("desk.leave.save"), start, f"{words.say('desk.leave.file')} (*.ctbackup)"
        )
        if name:
            self.save_to(Path(name))

    def save_to(self, file: Path) -> None:
        """Save everything sealed to a file."""
        self.save.setEnabled(False)
        self.message.set_token("muted")
        self._tell(self.message, theme().words.say("desk.leave.saving"))
        self._ask(lambda leaving: leaving.save(file), self._saved)

    def _saved(self, made: Made) -> None:
        self.save.setEnabled(True)
        self._tell(self.message, theme().words.say("desk.leave.saved", file=str(made.file)))
        self._look()

    # -- second step

    def _ask_pin(self) -> None:
        words = theme().words
        for widget in (self.oldest, self.send, self.save, self.go_on):
            widget.hide()
        self._tell(self.message, "")
        self._tell(self.title, words.say("desk.leave.pin"))
        self._tell(self.loss, words.say("desk.leave.pin_hint"))
        self.pad.show_message("")
        self.pad.show()
        self._fit()
        self.pad.setFocus(Qt.FocusReason.OtherFocusReason)

    def _entered(self, pin: str) -> None:
        stake = self._stake
        if stake is None:
            return
        self.pad.set_busy(True)
        self.pad.show_message(theme().words.say("pin.checking"), token="muted")
        self._ask(lambda leaving: leaving.confirm(stake.confirm, pin), self._confirmed)

    def _confirmed(self, allowed: Allowed) -> None:
        """From here there is no way back: nothing but the progress shows, and the page does not close."""
        self._gone = True
        self.pad.set_busy(False)
        self.pad.hide()
        self.keep.hide()
        self._tell(self.title, theme().words.say("desk.leave.destroying"))
        self.loss.hide()
        self._fit()

        def end(leaving: Leaving) -> bool:
            revoked = leaving.revoke(allowed.author)
            leaving.destroy()
            return revoked

        self._ask(end, self._destroyed)

    def _destroyed(self, revoked: bool) -> None:
        words = theme().words
        self._tell(self.title, words.say("desk.leave.done"))
        self._tell(self.loss, words.say("desk.leave.done_revoked" if revoked else "desk.leave.done_text"))
        self.loss.show()
        self.close_program.show()
        self.close_program.setFocus(Qt.FocusReason.OtherFocusReason)
        self.left.emit()

    def _failed(self, trouble: Trouble) -> None:
        """A wrong PIN is said at the pad; another loss than was read, or anything else, at the first step."""
        sentence = trouble.sentence(theme().words)
        self.pad.set_busy(False)
        self.pad.clear()
        self.save.setEnabled(True)
        if self.pad.isVisible() and trouble.code.startswith("pin."):
            self.pad.show_message(sentence)
            return
        if self._gone:
            self._tell(self.title, sentence)
            self.close_program.show()
            return
        self._show_first()
        self.message.set_token("warn")
        self._tell(self.message, sentence)
        if trouble.code == "store.not_confirmed":
            self._look()

    def _fit(self) -> None:
        """Give every wrapped text the height it needs at the card's width: the card itself does not ask for it."""
        margins = self._inside.contentsMargins()
        room = self.card.width() - margins.left() - margins.right()
        for label in (self.title, self.loss, self.oldest, self.message):
            label.setMinimumHeight(label.heightForWidth(room) if label.whole_text() else 0)
        self.pad.setMinimumHeight(self.pad.sizeHint().height() if self.pad.isVisible() else 0)
        self.card.adjustSize()

    def _tell(self, label: Label, text: str) -> None:
        label.show_text(text)
        self.message.setVisible(bool(self.message.whole_text()))
        self._fit()

    def _say(self) -> None:
        words = theme().words
        for button, name in ((self.send, "send"), (self.save, "save"), (self.keep, "keep"), (self.go_on, "go_on"),
                             (self.close_program, "close")):  # fmt: skip
            button.show_text(words.say(f"desk.leave.{name}"))
        self.card.setFixedWidth(grown(600))
        self._fit()
        if self.pad.isVisible() or self._gone:
            return
        self._tell(self.title, words.say("desk.leave.title"))
        if self._stake is None:
            self._tell(self.loss, words.say("desk.leave.looking"))
        else:
            self._tell(self.loss, loss_words(self._stake.unsent, self._stake.files, words))
            when = ago(self._stake.oldest_ms or 0, self._desk.now().corrected, words)
            self._tell(self.oldest, words.say("desk.leave.oldest", when=when) if self._stake.oldest_ms else "")
