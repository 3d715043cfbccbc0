"""For staff, behind the PIN: how this device is, the way out of the kiosk, and the way to sign the device out."""

from __future__ import annotations

import time
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QLayout, QVBoxLayout, QWidget

from classtap_desktop.kit import Button, CountdownRing, Label, PinPad, theme
from classtap_desktop.kit.device_words import loss_words
from kiosk import events as on
from kiosk.pickup import TapPickup
from kiosk.screens.foot import foot, way_back
from kiosk.screens.pin import show_entry
from kiosk.screens.scrolling import scrolling
from kiosk.screens.sentences import notice_words
from kiosk.staff import may_choose_all
from kiosk.view import MOST_CHANGES, Change, Leaving, Stage, State, Summary


class StaffPage(QWidget):
    """How the device is and what may be done with it. Signals: ``happened(event)``."""

    happened = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        words = theme().words
        self.title = Label(words.say("kiosk.staff.title"), "headline", wrap=True)
        self.waiting = Label("", "hint", wrap=True)
        self.about = [Label("", "hint", token="muted", wrap=True) for _ in range(4)]
        self.changes = [_ChangeBlock(self) for _ in range(MOST_CHANGES)]
        self.all = Button("", size="kiosk_chip", icon="check")
        self.all.clicked.connect(lambda _=False: self.happened.emit(on.ChooseAll()))
        self.summary = _SummaryBlock(self)
        self.close_kiosk = Button(words.say("kiosk.staff.close"), kind="primary", size="kiosk")
        self.close_kiosk.clicked.connect(lambda _=False: self.happened.emit(on.CloseKiosk()))
        self.sign_out = Button(words.say("kiosk.staff.sign_out"), size="kiosk", icon="lock")
        self.sign_out.clicked.connect(lambda _=False: self.happened.emit(on.SignOut()))
        self.pickup = Button(words.say("kiosk.pickup"), size="kiosk")
        self.pickup.clicked.connect(lambda _=False: self.happened.emit(TapPickup()))
        self.ring = CountdownRing(size=60)
        self.back = way_back(self.happened)
        texts: list[QWidget | QLayout] = [
            self.title,
            self.waiting,
            *self.changes,
            foot([self.all], []),
            self.summary,
            *self.about,
            foot([self.pickup, self.sign_out], []),
        ]
        _laid_out(self, texts, [self.back], [self.ring, self.close_kiosk])

    def show_state(self, state: State) -> None:
        """Show what is known of the device."""
        words = theme().words
        self.ring.show_left(state.idle_left_s, state.idle_total_s)
        self.pickup.setEnabled(not state.lock)
        said = words.say("kiosk.staff.waiting", number=state.waiting)
        if state.waiting and state.oldest_ms is not None:
            oldest = words.datetime(state.oldest_ms, state.zone)
            said = words.say("kiosk.staff.waiting_since", number=state.waiting, when=oldest)
        self.waiting.show_text(said)
        several = may_choose_all(state)
        roomy = not several and state.summary is None  # else what is well is not said
        self.title.setVisible(roomy or theme().text_scale <= 1.5)
        for label, notice in zip(self.about, (*state.about, *([None] * len(self.about))), strict=False):
            label.setVisible(notice is not None and (roomy or notice.tone != "info"))
            if notice is not None:
                label.set_token("muted" if notice.tone == "info" else notice.tone)
                label.show_text(notice_words(notice))
        for block, change in zip(self.changes, (*state.changes, *([None] * MOST_CHANGES)), strict=False):
            block.show_change(change)
        self.all.setVisible(several)
        self.all.show_text(words.say("kiosk.staff.all", number=state.open))
        self.summary.show_summary(state.summary)

    def forget(self) -> None:
        """Take every name off the screen and out of memory."""
        for block in self.changes:
            block.show_change(None)
        self.summary.show_summary(None)
        for label in self.about:
            label.show_text("")


class _SummaryBlock(QWidget):
    """What was done about all changed results at once, to read and to save."""

    def __init__(self, page: StaffPage) -> None:
        super().__init__(page)
        words, here = theme().words, theme()
        self._shown: Summary | None = None
        self.title = Label(words.say("desk.choice.done"), "hint", wrap=True)
        self.lines = Label("", "note", wrap=True)
        self.list = scrolling()
        self.list.setWidget(self.lines)
        self.list.setAccessibleName(words.say("desk.choice.done"))
        rows = 4 if here.text_scale > 1.5 else 9
        self.list.setMinimumHeight(here.metrics("note").height() * rows)
        self.message = Label("", "hint", token="muted", wrap=True)
        self.save = Button(words.say("desk.choice.save"), size="kiosk_chip")
        self.save.clicked.connect(lambda _=False: self._choose_file(page))
        inside = QVBoxLayout(self)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.setSpacing(here.px(8))
        for widget in (self.title, self.list, self.message):
            inside.addWidget(widget)
        inside.addLayout(foot([self.save], []))
        self.hide()

    def show_summary(self, summary: Summary | None) -> None:
        """Show a summary, or nothing."""
        if summary == self._shown:
            return
        self._shown = summary
        self.setVisible(summary is not None)
        self.lines.show_text("\n\n".join(summary.lines) if summary is not None else "")
        message = summary.message if summary is not None else None
        self.message.setVisible(message is not None)
        if message is not None:
            self.message.set_token(message.tone)
            self.message.show_text(notice_words(message))

    def _choose_file(self, page: StaffPage) -> None:
        name = chosen_file(self, theme().words.say("desk.choice.save"), f"classtap-{int(time.time())}.txt", "(*.txt)")
        if name:
            page.happened.emit(on.SaveSummary(name))


class _ChangeBlock(QWidget):
    """One changed result: what it is, and a button for each choice. The page says what was chosen."""

    def __init__(self, page: StaffPage) -> None:
        super().__init__(page)
        self._page = page
        self.change: Change | None = None
        self.said, self.error = Label("", "hint", token="late", wrap=True), Label("", "hint", token="absent", wrap=True)
        self.buttons: list[Button] = []
        self._row = QHBoxLayout()
        self._row.setSpacing(theme().px(12))
        inside = QVBoxLayout(self)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.setSpacing(theme().px(8))
        inside.addWidget(self.said)
        inside.addWidget(self.error)
        inside.addLayout(self._row)
        self._row.addStretch(1)
        self.hide()

    def show_change(self, change: Change | None) -> None:
        """Show a changed result, or nothing."""
        if change == self.change:
            return
        self.change = change
        self.setVisible(change is not None)
        for button in self.buttons:
            button.hide()
            button.deleteLater()
        self.buttons = []
        if change is None:
            self.said.show_text("")
            return
        words = theme().words
        self.said.show_text(words.say("kiosk.staff.changed", what=change.said))
        known = f"desk.refused.{change.error}"
        self.error.setVisible(bool(change.error))
        self.error.show_text(words.say(known if words.has(known) else "desk.choice.refused"))
        for at, code in enumerate(change.choices):
            text = words.say("desk.notices.seen" if code == "seen" else f"desk.choice.{code}")
            button = Button(text, size="kiosk_chip")
            chosen = on.ChooseAbout(change.operation, code)
            button.clicked.connect(lambda _=False, chosen=chosen: self._page.happened.emit(chosen))
            self._row.insertWidget(at, button)
            self.buttons.append(button)


class LeavingPage(QWidget):
    """What signing out would lose, the ways to keep it, a manager's PIN, the end. Signals: ``happened(event)``."""

    happened = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        words = theme().words
        self._entry: object = None
        self.title = Label("", "headline", wrap=True)
        self.loss = Label("", "hint", wrap=True)
        self.message = Label("", "hint", token="muted", wrap=True)
        self.send = Button(words.say("desk.leave.send"), size="kiosk_chip", icon="sync")
        self.send.clicked.connect(lambda _=False: self.happened.emit(on.SendFirst()))
        self.save = Button(words.say("desk.leave.save"), size="kiosk_chip", icon="lock")
        self.save.clicked.connect(lambda _=False: self._choose_file())
        self.pad = PinPad()
        self.pad.entered.connect(lambda pin: self.happened.emit(on.PinEntered(pin)))
        self.pad.cancelled.connect(lambda: self.happened.emit(on.Cancel()))
        self.ring = CountdownRing(size=60)
        self.back = way_back(self.happened)
        self.back.show_text(words.say("desk.leave.keep"))
        self.go_on = Button(words.say("desk.leave.go_on"), kind="danger", size="kiosk")
        self.go_on.clicked.connect(lambda _=False: self.happened.emit(on.GoOn()))
        self.close_kiosk = Button(words.say("desk.leave.close"), kind="primary", size="kiosk")
        self.close_kiosk.clicked.connect(lambda _=False: self.happened.emit(on.CloseKiosk()))
        texts: list[QWidget | QLayout] = [self.title, self.loss, self.message, foot([self.send, self.save], [])]
        _laid_out(self, texts, [self.back], [self.ring, self.go_on, self.close_kiosk], beside=self.pad)

    def show_state(self, state: State) -> None:
        """Show how far signing out has come."""
        self.ring.show_left(state.idle_left_s, state.idle_total_s)
        leaving = state.leaving or Leaving()
        stage = leaving.stage
        self._say(leaving)
        something = stage is Stage.LOSS and leaving.unsent + leaving.files > 0
        for button in (self.send, self.save):
            button.setVisible(something)
        self.pad.setVisible(stage is Stage.PIN)
        self.back.setVisible(stage not in (Stage.ENDING, Stage.DONE))
        self.go_on.setVisible(stage in (Stage.LOOKING, Stage.LOSS))
        self.go_on.setEnabled(stage is Stage.LOSS)
        self.close_kiosk.setVisible(stage is Stage.DONE)
        if state.pin != self._entry:
            fresh, self._entry = self._entry is None, state.pin
            if state.pin is not None:
                show_entry(self.pad, state.pin, fresh=fresh)

    def _say(self, leaving: Leaving) -> None:
        words = theme().words
        match leaving.stage:
            case Stage.LOOKING:
                title, loss = "desk.leave.title", words.say("desk.leave.looking")
            case Stage.LOSS:
                title, loss = "desk.leave.title", loss_words(leaving.unsent, leaving.files, words)
            case Stage.PIN:
                title, loss = "desk.leave.pin", words.say("desk.leave.pin_hint")
            case Stage.ENDING:
                title, loss = "desk.leave.destroying", ""
            case _:
                title = "desk.leave.done"
                loss = words.say("desk.leave.done_revoked" if leaving.revoked else "desk.leave.done_text")
        self.title.show_text(words.say(title))
        self.loss.show_text(loss)
        message = leaving.message
        self.message.setVisible(message is not None)
        if message is not None:
            self.message.set_token(message.tone)
            known = words.has(message.code)
            self.message.show_text(notice_words(message) if known else words.say("error.unknown", code=message.code))

    def _choose_file(self) -> None:
        words = theme().words
        kinds = f"{words.say('desk.leave.file')} (*.ctbackup)"
        name = chosen_file(self, words.say("desk.leave.save"), f"classtap-{int(time.time())}.ctbackup", kinds)
        if name:
            self.happened.emit(on.SaveFirst(name))

    def forget(self) -> None:
        """Forget digits."""
        self._entry = None
        self.pad.clear()


def chosen_file(parent: QWidget, title: str, name: str, kinds: str) -> str:
    """Where staff want a file, "" for nowhere. In a window of ours: the system's own would show the way out of the kiosk."""
    own = QFileDialog.Option.DontUseNativeDialog
    return QFileDialog.getSaveFileName(parent, title, str(Path.home() / name), kinds, "", own)[0]


def _laid_out(
    page: QWidget,
    texts: list[QWidget | QLayout],
    start: list[QWidget],
    end: list[QWidget],
    *,
    beside: QWidget | None = None,
) -> None:
    """Texts in the middle, what is done with them beneath, at both ends."""
    here = theme()
    column = QVBoxLayout()
    column.setSpacing(here.px(16))
    column.addStretch(1)
    for one in texts:
        column.addLayout(one) if isinstance(one, QLayout) else column.addWidget(one)
    column.addStretch(1)
    middle = QHBoxLayout()
    middle.setSpacing(here.px(72))
    aside = 1 if here.text_scale <= 1.5 else 0  # large text needs the whole width
    middle.addStretch(aside)
    middle.addLayout(column, 6)
    if beside is not None:
        middle.addWidget(beside, 0, Qt.AlignmentFlag.AlignVCenter)
    middle.addStretch(aside)
    whole = QVBoxLayout(page)
    whole.setContentsMargins(0, here.px(18), 0, 0)
    whole.addLayout(middle, 1)
    whole.addLayout(foot(start, end))
