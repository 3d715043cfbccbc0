"""Why late, why absent: answers to tap, the likely ones already chosen, one button to save."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QVBoxLayout, QWidget

from classtap_desktop.kit import Avatar, Button, Card, CountdownRing, Label, theme
from classtap_desktop.kit.wrapped import Wrapped
from kiosk import events as on
from kiosk.screens.foot import foot, way_back
from kiosk.screens.scrolling import scrolling
from kiosk.screens.sentences import reason_words
from kiosk.view import Sheet, State, Status


class ReasonPage(QWidget):
    """Signals: ``happened(event)``."""

    happened = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        here = theme()
        self._asked: tuple[object, ...] = ()
        self.reasons: dict[str, Button] = {}
        self.arrivals: dict[int, Button] = {}
        self.back = way_back(self.happened)
        self.ring = CountdownRing(size=60)
        self.save = Button("", kind="primary", size="kiosk_main", icon="check")
        self.save.clicked.connect(lambda _=False: self.happened.emit(on.Confirm()))
        self._page = QVBoxLayout(self)
        self._page.setContentsMargins(0, here.px(30), 0, 0)
        self._page.setSpacing(here.px(22))
        self.list = scrolling()
        self._page.addWidget(self.list, 1)
        self._page.addLayout(foot([self.back], [self.ring, self.save]))

    def show_state(self, state: State) -> None:
        """Show the sheet of the state."""
        sheet = state.sheet
        if sheet is None:
            return
        self.ring.show_left(state.idle_left_s, state.idle_total_s)
        asked = (sheet.session, sheet.child, sheet.status, sheet.reasons, sheet.arrivals)
        if asked != self._asked:
            self._asked = asked
            self._ask(state, sheet)
        for reason, chip in self.reasons.items():
            chip.setChecked(reason == sheet.reason)
        for at, chip in self.arrivals.items():
            chip.setChecked(at == sheet.arrival)

    def forget(self) -> None:
        """Take the name off the screen and out of memory."""
        self._asked = ()
        self.reasons.clear()
        self.arrivals.clear()
        old = self.list.takeWidget()
        if old is not None:
            old.deleteLater()

    def _ask(self, state: State, sheet: Sheet) -> None:
        self.forget()
        self._asked = (sheet.session, sheet.child, sheet.status, sheet.reasons, sheet.arrivals)
        here = theme()
        words = here.words
        late = sheet.status == Status.LATE
        self.save.show_text(words.say("kiosk.late_save" if late else "kiosk.absent_save"))
        questions = QWidget()
        column = QVBoxLayout(questions)
        column.setContentsMargins(0, 0, 0, here.px(4))
        column.setSpacing(here.px(18))
        column.addLayout(_who(state, sheet))
        card = Card()
        inside = QVBoxLayout(card)
        inside.setContentsMargins(here.px(26), here.px(22), here.px(26), here.px(26))
        inside.setSpacing(here.px(16))
        if sheet.arrivals:
            inside.addWidget(Label(words.say("kiosk.late_arrival"), "group"))
            times = {at: words.time(at, state.zone) for at in sheet.arrivals}
            self.arrivals = self._chips(inside, times, on.ChooseArrival)
            inside.addSpacing(here.px(10))
        if sheet.reasons:
            inside.addWidget(Label(words.say("kiosk.late_reason" if late else "kiosk.absent_reason"), "group"))
            labels = {reason.id: reason_words(reason) for reason in sheet.reasons}
            self.reasons = self._chips(inside, labels, on.ChooseReason)
        column.addWidget(card)
        column.addStretch(1)
        self.list.setWidget(questions)

    def _chips(self, column: QVBoxLayout, texts: dict, event: type) -> dict:
        """Return a line of chips of which one is chosen, each sending ``event(key)``."""
        line = QWidget()
        flow = Wrapped(line, gap=theme().px(12))
        group = QButtonGroup(line)
        chips = {}
        for key, text in texts.items():
            chip = Button(text, size="kiosk_chip", checkable=True)
            chip.clicked.connect(lambda _=False, key=key: self.happened.emit(event(key)))
            group.addButton(chip)
            flow.addWidget(chip)
            chips[key] = chip
        column.addWidget(line)
        return chips


def _who(state: State, sheet: Sheet) -> QHBoxLayout:
    here = theme()
    words = here.words
    row = state.board.row(sheet.session, sheet.child) if state.board else None
    group = state.board.group(sheet.session) if state.board else None
    title = "kiosk.late_title" if sheet.status == Status.LATE else "kiosk.absent_title"
    texts = QVBoxLayout()
    texts.setSpacing(here.px(2))
    texts.addWidget(Label(words.say(title, name=sheet.name), "headline", wrap=True))
    if group is not None:
        parts = (group.start_text or words.time(group.start_ms, state.zone), group.class_name, group.room)
        texts.addWidget(Label(words.join(parts), "hint", token="muted", wrap=True))
    line = QHBoxLayout()
    line.setSpacing(here.px(20))
    line.addWidget(Avatar(sheet.name, row.initials_colour if row else 0, size=72), 0, Qt.AlignmentFlag.AlignTop)
    line.addLayout(texts, 1)
    return line
