"""The family's board: its children by session and room, three large buttons for each."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QRect, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QLinearGradient, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from classtap_desktop.kit import Button, Card, CountdownRing, EmptyState, Label, Rule, theme
from kiosk import events as on
from kiosk.marking import can_mark_all
from kiosk.screens.child_row import ChildRow
from kiosk.screens.foot import foot
from kiosk.screens.language import LanguageButton
from kiosk.screens.scrolling import scrolling
from kiosk.screens.sentences import notice_words
from kiosk.signing import TapSign
from kiosk.view import Board, Group, State, Status

MARGIN = 36


class BoardPage(QWidget):
    """Signals: ``happened(event)``. Rows keep their place when the board changes; they are made anew only for
    other children or sessions."""

    happened = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        here = theme()
        words = here.words
        self._board: Board | None = None
        self._shape: tuple[object, ...] = ()
        self._around: tuple[bool, str | None] = (True, None)
        self.rows: dict[tuple[str, str], ChildRow] = {}
        self.greeting = Label("", "greeting", wrap=True)
        self.hint = Label("", "hint", token="muted", wrap=True)
        self.empty = EmptyState("calendar", words.say("kiosk.empty_title"), words.say("kiosk.empty_text"), kiosk=True)
        self.list = scrolling()
        self.more = _MoreBelow(self)
        self.more.button.clicked.connect(lambda _=False: self._page_down())
        self.list.verticalScrollBar().valueChanged.connect(self._tell_more)
        self.list.verticalScrollBar().rangeChanged.connect(self._keep_width)
        self.list.viewport().installEventFilter(self)
        self.list.installEventFilter(self)

        self.language = LanguageButton()
        self.language.chosen.connect(lambda code: self.happened.emit(on.ChooseLanguage(code)))
        self.all_present = Button(words.say("kiosk.mark_all"), size="kiosk", icon="check")
        self.all_present.clicked.connect(lambda _=False: self.happened.emit(on.TapAllPresent()))
        self.ring = CountdownRing(size=60)
        self.done = Button(words.say("kiosk.all_done"), kind="primary", size="kiosk_main")
        self.done.clicked.connect(lambda _=False: self.happened.emit(on.Done()))
        self.sign = Button(words.say("kiosk.sign"), size="kiosk")
        self.sign.clicked.connect(lambda _=False: self.happened.emit(TapSign()))
        below = foot([self.language, self.all_present, self.sign], [self.ring, self.done])

        head = QVBoxLayout()
        head.setContentsMargins(here.px(MARGIN), 0, here.px(MARGIN), 0)
        head.setSpacing(here.px(4))
        head.addWidget(self.greeting)
        head.addWidget(self.hint)
        below.setContentsMargins(here.px(MARGIN), 0, here.px(MARGIN), 0)
        page = QVBoxLayout(self)
        page.setContentsMargins(0, here.px(20), 0, 0)
        page.setSpacing(0)
        page.addLayout(head)
        page.addSpacing(here.px(18))
        page.addWidget(self.list, 1)
        page.addWidget(self.empty, 1)
        page.addSpacing(here.px(20))
        page.addLayout(below)

    def show_state(self, state: State) -> None:
        """Show the board of the state and what was just told about it."""
        words = theme().words
        board = state.board
        if board is None:
            return
        self.ring.show_left(state.idle_left_s, state.idle_total_s)
        self._show_hint(state)
        around = (state.online, state.store_fault)
        if board is self._board and around == self._around:
            return
        self._around = around
        self.greeting.show_text(words.say("kiosk.greeting", family=board.family_name))
        shape = tuple((group.session, tuple(row.child for row in group.rows)) for group in board.groups)
        if shape != self._shape or self._board is None:
            self._build(board, state.zone)
            self._shape = shape
        self._board = board
        for row in board.rows():
            self.rows[row.session, row.child].show_row(
                row, zone=state.zone, online=state.online, trouble=bool(state.store_fault)
            )
        nobody = not self.rows
        self.list.setVisible(not nobody)
        self.empty.setVisible(nobody)
        self.hint.setVisible(not nobody)
        self.all_present.setVisible(len(self.rows) > 1)
        self.all_present.setEnabled(can_mark_all(board))
        self.sign.setVisible(bool(board.to_sign))
        self.sign.setEnabled(state.online)

    def forget(self) -> None:
        """Take every name off the screen and out of memory."""
        self._board, self._shape = None, ()
        self.rows.clear()
        self.greeting.show_text("")
        old = self.list.takeWidget()
        if old is not None:
            old.deleteLater()

    def _show_hint(self, state: State) -> None:
        words = theme().words
        if state.store_fault:
            self.hint.set_token("warn")
            self.hint.show_text(words.say(f"error.{state.store_fault}"))
        elif state.notice is not None:
            self.hint.set_token(state.notice.tone)
            self.hint.show_text(notice_words(state.notice))
        else:
            self.hint.set_token("muted")
            self.hint.show_text(words.say("kiosk.board_hint" if state.online else "kiosk.board_hint_offline"))

    def _build(self, board: Board, zone: str) -> None:
        here = theme()
        self.rows.clear()
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(here.px(MARGIN), 0, here.px(MARGIN), here.px(8))
        column.setSpacing(here.px(16))
        wide = self.width() - 2 * here.px(MARGIN)
        for group in board.groups:
            column.addWidget(self._card(group, zone, wide))
        column.addStretch(1)
        old = self.list.takeWidget()
        if old is not None:
            old.deleteLater()
        self.list.setWidget(inside)
        self._keep_width()
        self.list.verticalScrollBar().setValue(0)

    def _card(self, group: Group, zone: str, wide: int) -> Card:
        here = theme()
        card = Card()
        column = QVBoxLayout(card)
        column.setContentsMargins(here.px(26), here.px(10), here.px(26), here.px(6))
        column.setSpacing(0)
        column.addWidget(_GroupHead(group, zone, wide - here.px(52)))
        for row in group.rows:
            column.addWidget(Rule())
            line = ChildRow(row, group.class_name, wide=wide - here.px(52))
            line.picked.connect(
                lambda status, row=row: self.happened.emit(on.Tap(row.session, row.child, Status(status)))
            )
            self.rows[row.session, row.child] = line
            column.addWidget(line)
        return card

    def _page_down(self) -> None:
        bar = self.list.verticalScrollBar()
        bar.setValue(bar.value() + round(self.list.viewport().height() * 0.8))

    def _tell_more(self) -> None:
        """Say how many children are wholly below the edge."""
        port = self.list.viewport()
        below = 0
        for line in self.rows.values():
            below += line.mapTo(port, line.rect().center()).y() > port.height() - theme().px(8)
        self.more.show_count(below if self.list.isVisible() else 0, over=self.list.geometry())

    def _keep_width(self) -> None:
        """Let the scroll bar stand in the page's margin, so that cards keep their width when it comes."""
        inside = self.list.widget()
        layout = inside.layout() if inside is not None else None
        if layout is None:
            return
        bar = self.list.verticalScrollBar()
        taken = bar.sizeHint().width() if bar.maximum() > 0 else 0
        edge = theme().px(MARGIN) - taken
        left, right = (edge, theme().px(MARGIN)) if theme().rtl else (theme().px(MARGIN), edge)
        layout.setContentsMargins(left, 0, right, theme().px(8))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self.list:
            # up and down walk the children; the list would take them to scroll
            return isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress and self._walk(event)
        if event.type() in (QEvent.Type.Resize, QEvent.Type.LayoutRequest, QEvent.Type.Paint):
            self._tell_more()
        return False

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if not self._walk(event):
            super().keyPressEvent(event)

    def _walk(self, event: QKeyEvent) -> bool:
        """Move the focus a child up or down; says whether the key was for that."""
        step = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1}.get(Qt.Key(event.key()))
        lines = list(self.rows.values())
        if step is None or not lines:
            return False
        held = self.focusWidget()
        at = next((n for n, line in enumerate(lines) if line.has_button(held)), None)
        target = lines[(at + step) % len(lines)] if at is not None else lines[0]
        target.take_focus(lines[at].focused_status() if at is not None else None)
        self.list.ensureWidgetVisible(target)
        return True


class _MoreBelow(QWidget):
    """How many children are below the edge: the list fades out, and a button goes there."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.button = Button("", size="kiosk_chip", icon="chevron_down", parent=self)
        self.hide()

    def show_count(self, count: int, *, over: QRect) -> None:
        """Stand over the lower edge of an area and say how many are below; none: be gone."""
        self.setVisible(count > 0)
        if not count:
            return
        self.button.show_text(theme().words.say_n("kiosk.more_below", count))
        self.button.adjustSize()
        tall = self.button.height() + theme().px(24)
        self.setGeometry(over.left(), over.bottom() + 1 - tall, over.width(), tall)
        self.button.move((over.width() - self.button.width()) // 2, tall - self.button.height() - theme().px(2))
        self.raise_()

    def paintEvent(self, event: QPaintEvent) -> None:
        ground = theme().color("bg")
        clear = QColor(ground)
        clear.setAlpha(0)
        fade = QLinearGradient(0, 0, 0, self.height())
        fade.setColorAt(0, clear)
        fade.setColorAt(0.75, ground)
        painter = QPainter(self)
        painter.fillRect(self.rect(), fade)
        painter.end()


class _GroupHead(QWidget):
    """Start, class, room and coach of a session; on two lines where one is too narrow."""

    def __init__(self, group: Group, zone: str, wide: int) -> None:
        super().__init__()
        here = theme()
        words = here.words
        when = Label(group.start_text or words.time(group.start_ms, zone), "group")
        what = Label(group.class_name, "group", wrap=True)
        where = [group.room, words.say("kiosk.coach", coach=group.coach) if group.coach else ""]
        meta = Label(words.join(where), "hint", token="muted", wrap=True)
        gap = here.px(14)
        needed = sum(
            label.fontMetrics().horizontalAdvance(label.whole_text()) for label in (when, what, meta)
        ) + 3 * gap  # fmt: skip
        lines = QVBoxLayout(self)
        lines.setContentsMargins(here.px(2), here.px(13), here.px(2), here.px(13))
        lines.setSpacing(here.px(2))
        first = QHBoxLayout()
        first.setSpacing(gap)
        lines.addLayout(first)
        if needed <= wide:
            for label in (when, what, meta):
                label.setWordWrap(False)
                first.addWidget(label, 0, Qt.AlignmentFlag.AlignVCenter)
            first.addStretch(1)
        else:
            first.addWidget(when, 0, Qt.AlignmentFlag.AlignTop)
            first.addWidget(what, 1)
            lines.addWidget(meta)
