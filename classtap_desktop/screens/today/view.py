"""The first screen: today's sessions by what they need, numbers above, and what needs a person beside them."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QListView, QStackedLayout, QWidget

from classtap_desktop.desk import Desk
from classtap_desktop.kit import Card, EmptyState, Label, theme
from classtap_desktop.screens.notice_card import NoticeCard
from classtap_desktop.screens.screen import Screen
from classtap_desktop.screens.session_list import SessionLines, SessionsModel
from classtap_desktop.screens.sessions import ROSTER_KINDS, SCHEDULE_KINDS
from classtap_desktop.screens.tiles import Tiles
from classtap_desktop.screens.today.model import Day, read_day, sections, total
from classtap_desktop.spacing import column, grown, row


class TodayScreen(Screen):
    """Attributes: ``model`` (the list), ``day`` (None before the first reading). Signals: ``loaded``."""

    NAME = "today"
    KINDS = SCHEDULE_KINDS | ROSTER_KINDS
    loaded = Signal()

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(desk, parent)
        self.day: Day | None = None
        self.model = SessionsModel(theme().words, self)
        self.page.setContentsMargins(26, 18, 26, 22)
        self.title = Label("", "title", elide=True)
        self.subtitle = Label("", "text", token="muted", elide=True)
        names = column(gap=2)
        names.addWidget(self.title)
        names.addWidget(self.subtitle)
        self.page.addLayout(names)
        self._either = QStackedLayout()
        self.page.addLayout(self._either, 1)
        self._either.addWidget(self._build())
        self.empty = EmptyState("today", "", "", action=" ")
        self.empty.acted.connect(lambda: desk.open("schedule"))
        self._either.addWidget(self.empty)
        self.trouble.acted.connect(self.reload)
        self.say()

    def _build(self) -> QWidget:
        whole = QWidget()
        sides = row(whole, gap=22)
        main = column(gap=16)
        self.tiles = Tiles(4)
        main.addWidget(self.tiles)
        card = Card(radius=18)
        inside = column(card, margins=(12, 8, 12, 10))
        self.list = QListView()
        self.list.setProperty("plain", "true")
        self.list.setModel(self.model)
        self.list.setItemDelegate(SessionLines(self.model, self.list, now=lambda: self.desk.now().corrected))
        self.list.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.clicked.connect(self._open)
        self.list.activated.connect(self._open)
        inside.addWidget(self.list)
        main.addWidget(card, 1)
        sides.addLayout(main, 1)
        self.notices = NoticeCard(self.desk, "today.notices", maps=True)
        sides.addWidget(self.notices)
        return whole

    def reload(self) -> None:
        operator = self.desk.operator
        self.desk.read("today", lambda source: read_day(source, operator), then=self._show, failed=self.show_trouble)
        self.notices.reload()

    def take_focus(self) -> None:
        self.list.setFocus(Qt.FocusReason.OtherFocusReason)

    def say(self) -> None:
        words = theme().words
        self.title.show_text(words.say("desk.screen.today"))
        self.empty.title.show_text(words.say("desk.today.empty_title"))
        self.empty.text.show_text(words.say("desk.today.empty_text"))
        self.empty.button.show_text(words.say("desk.action.go.schedule"))
        self.list.setAccessibleName(words.say("desk.screen.today"))
        self.model.speak(words)
        self.notices.say()
        self._fill()

    def tick(self) -> None:
        self.reload()

    def _show(self, day: Day) -> None:
        self.trouble.clear()
        self.day = day
        self._fill()
        self.loaded.emit()

    def _fill(self) -> None:
        day = self.day
        if day is None:
            return
        words, now_ms = theme().words, self.desk.now().corrected
        where = day.places[0].name if len(day.places) == 1 else words.say("desk.schedule.all_location")
        self.subtitle.show_text(f"{words.date(day.date)} · {where}")
        self._either.setCurrentIndex(0 if day.lines else 1)
        numbers = total(day, now_ms)
        self.tiles.show_figures(
            (words.number(numbers.sessions), words.say("desk.count.sessions")),
            (words.number(numbers.booked), words.say("desk.count.booked")),
            (words.number(numbers.here), words.say("desk.count.here")),
            (words.number(numbers.missing), words.say("desk.count.none")),
        )
        chosen, scroll = self._chosen(), self.list.verticalScrollBar().value()
        self.model.show_sections([(words.say(f"desk.today.{name}"), lines) for name, lines in sections(day, now_ms)])
        at = self.model.row_of(chosen)
        at = at if at >= 0 else self.model.first()
        if at >= 0 and self.list.currentIndex().row() != at:
            self.list.setCurrentIndex(self.model.index(at))
            self.list.verticalScrollBar().setValue(scroll)

    def _chosen(self) -> str:
        line = self.model.line(self.list.currentIndex().row())
        return line.id if line is not None else ""

    def _open(self, index: QModelIndex) -> None:
        line = self.model.line(index.row())
        if line is not None:
            self.desk.open("roster", line.id)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.notices.setVisible(self.width() >= grown(900))
        self.notices.setFixedWidth(grown(340))
