"""The roster screen: counts, the table, buttons for the chosen child, and the day's other sessions beside it."""

from __future__ import annotations

from datetime import date

from PySide6.QtCore import QModelIndex, QPoint, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QListView,
    QStackedLayout,
    QWidget,
)

from classtap_core.kernel.ids import Id
from classtap_core.timekeeping.rules import local_date
from classtap_desktop.desk import Desk, Trouble, failure
from classtap_desktop.frame.dialog import Dialog
from classtap_desktop.kit import Button, Card, EmptyState, Label, theme
from classtap_desktop.screens.roster.answers import AnswersPage, read_answers
from classtap_desktop.screens.roster.child_card import ChildBar, ChildCard
from classtap_desktop.screens.roster.live import LiveRoster, Refusal
from classtap_desktop.screens.roster.pass_dialog import AttendeeDialog
from classtap_desktop.screens.roster.pickup_dialog import PickupDialog, Tried
from classtap_desktop.screens.roster.reading import KINDS, Roster, RosterLine
from classtap_desktop.screens.roster.table import RosterTable
from classtap_desktop.screens.screen import Screen
from classtap_desktop.screens.session_list import SessionLines, SessionsModel
from classtap_desktop.screens.sessions import until
from classtap_desktop.screens.tiles import Tiles
from classtap_desktop.spacing import column, grown, row


class RosterScreen(Screen):
    """Attributes: ``live`` (the roster behind it). Signals: ``menu(point)`` when a child's menu is asked for."""

    NAME = "roster"
    KINDS = KINDS
    menu = Signal(QPoint)

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(desk, parent)
        self.live = LiveRoster(desk, self)
        self._tried = Tried()
        self._refusal: Refusal | None = None
        self.page.setContentsMargins(0, 0, 0, 0)
        self._either = QStackedLayout()
        self.page.addLayout(self._either)
        self._either.addWidget(self._build())
        self.empty = EmptyState("roster", "", "", action=" ")
        self.empty.acted.connect(lambda: desk.open("schedule"))
        self._either.addWidget(self.empty)
        self._either.setCurrentIndex(0)
        self.live.loaded.connect(self._loaded)
        self.live.troubled.connect(self._troubled)
        self.live.refused.connect(self._refused)
        self.live.saved.connect(lambda _child: self._calm())
        self.trouble.acted.connect(self._cure)
        self.say()

    def _build(self) -> QWidget:
        whole = QWidget()
        sides = row(whole, margins=(26, 18, 26, 22), gap=22)
        main = column(gap=14)
        main.addLayout(self._head())
        self.tiles = Tiles(5)
        main.addWidget(self.tiles)
        main.addWidget(self._table_card(), 1)
        self.bar = ChildBar()
        self.bar.picked.connect(self.mark)
        self.bar.asked.connect(self.open_child)
        main.addWidget(self.bar)
        sides.addLayout(main, 1)
        self.side = QWidget()
        beside = self.beside = column(self.side, gap=16)
        self.child = ChildCard()
        self.child.explained.connect(self._explain)
        self.child.family.connect(self.open_family)
        self.child.card.connect(self.open_card)
        beside.addWidget(self.child)
        beside.addWidget(self._day_card(), 1)
        sides.addWidget(self.side)
        return whole

    def _head(self) -> QHBoxLayout:
        head = row(gap=8)
        names = column(gap=2)
        self.title = Label("", "title", elide=True)
        self.subtitle = Label("", "text", token="muted", elide=True)
        names.addWidget(self.title)
        names.addWidget(self.subtitle)
        self.before = Button("", size="desk", icon="chevron_back")
        self.after = Button("", size="desk", icon="chevron_next")
        self.before.clicked.connect(lambda _=False: self.live.step(-1))
        self.after.clicked.connect(lambda _=False: self.live.step(1))
        head.addLayout(names, 1)
        for button in (self.before, self.after):
            head.addWidget(button, 0, Qt.AlignmentFlag.AlignTop)
        return head

    def _table_card(self) -> Card:
        card = Card(radius=16)
        inside = column(card, margins=(3, 9, 3, 11))
        self.table = table = RosterTable(self.live.model)
        table.customContextMenuRequested.connect(lambda at: self.menu.emit(table.viewport().mapToGlobal(at)))
        table.selectionModel().currentRowChanged.connect(lambda *_: self._chose())
        self.live.model.dataChanged.connect(lambda *_: self._changed_rows())
        inside.addWidget(table, 1)
        self.nobody = Label("", "text", token="muted", wrap=True)
        self.nobody.setAlignment(Qt.AlignmentFlag.AlignCenter)
        inside.addWidget(self.nobody, 1)
        return card

    def _day_card(self) -> Card:
        card = Card(radius=18)
        inside = column(card, margins=(12, 14, 12, 10), gap=8)
        self.day_title = Label("", "strong")
        self.day = SessionsModel(theme().words, self)
        self.days = QListView()
        self.days.setProperty("plain", "true")
        self.days.setModel(self.day)
        self.days.setItemDelegate(SessionLines(self.day, self.days, now=lambda: self.desk.now().corrected))
        self.days.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.days.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.days.clicked.connect(self._open_at)
        self.days.activated.connect(self._open_at)
        head = row(margins=(8, 0, 8, 0))
        head.addWidget(self.day_title)
        inside.addLayout(head)
        inside.addWidget(self.days, 1)
        return card

    # --- what actions do

    def open(self, id: str) -> None:
        self._calm()
        self.live.open(id)

    def reload(self) -> None:
        self.live.reload()

    def chosen(self) -> RosterLine | None:
        """Return the chosen child's line."""
        return self.table.chosen()

    def mark(self, state: str) -> None:
        """Say how the chosen child is; ``none`` clears."""
        line = self.chosen()
        if line is not None:
            self.live.mark(line.child, state)

    def open_card(self) -> None:
        """Show the chosen child's emergency card."""
        line, roster = self.chosen(), self.live.roster
        if line is not None and roster is not None:
            self.desk.show_card(line.child, line.name, roster.session.location)

    def open_child(self) -> None:
        """Lay the chosen child's card over the roster, where there is no room for it beside."""
        line = self.chosen()
        if line is not None:
            page = Dialog(self.window(), line.name, wide=420, high=520)
            page.body.addWidget(self.child)
            page.body.addStretch(1)
            page.closed.connect(lambda: self.beside.insertWidget(0, self.child))
            page.closed.connect(page.deleteLater)
            page.open()

    def open_family(self) -> None:
        """Show the chosen child's family."""
        line = self.chosen()
        if line is not None and line.family:
            self.desk.open("families", line.family)

    def open_answers(self) -> None:
        """Show what those who booked this session answered."""
        roster, operator = self.live.roster, self.desk.operator
        if roster is not None:
            head = roster.session
            self.desk.read(
                "roster.answers", lambda source: read_answers(source, head.id, operator),
                then=lambda found: AnswersPage(self.window(), head.name, found).open(),
            )  # fmt: skip

    def open_pass(self) -> None:
        """Show the chosen child's pass to this session."""
        line, roster = self.chosen(), self.live.roster
        if line is not None and roster is not None:
            AttendeeDialog(self.desk, self.window(), line=line, session=roster.session).open()

    def open_pickup(self) -> None:
        """Give a child back, by its code or without."""
        roster = self.live.roster
        if roster is not None:
            PickupDialog(self.desk, self.window(), session=roster.session, line=self.chosen(), tried=self._tried).open()

    def take_focus(self) -> None:
        self.table.setFocus(Qt.FocusReason.OtherFocusReason)

    # --- what is shown

    def say(self) -> None:
        words = theme().words
        self.live.model.speak(words)
        self.day.speak(words)
        self.before.setAccessibleName(words.say("desk.action.roster.previous"))
        self.after.setAccessibleName(words.say("desk.action.roster.next"))
        self.before.setToolTip(words.say("desk.action.roster.previous"))
        self.after.setToolTip(words.say("desk.action.roster.next"))
        self.day_title.show_text(words.say("desk.roster.day"))
        self.days.setAccessibleName(words.say("desk.roster.day"))
        self.empty.title.show_text(words.say("desk.roster.empty_title"))
        self.empty.text.show_text(words.say("desk.roster.empty_text"))
        self.empty.button.show_text(words.say("desk.action.go.schedule"))
        self.table.setAccessibleName(words.say("desk.screen.roster"))
        self.bar.say()
        self.child.say()
        self._show()

    def tick(self) -> None:
        self._show_head()

    def _operated(self) -> None:
        if self.desk.operator is not None and self.isVisible():
            self.reload()

    def _loaded(self) -> None:
        roster = self.live.roster
        self._either.setCurrentIndex(1 if roster is None else 0)
        if roster is not None and self._refusal is None:
            self.trouble.clear()
        self._show()

    def _show(self) -> None:
        roster = self.live.roster
        if roster is None:
            return
        self._show_head()
        words, session = theme().words, roster.session
        counts = session.counts
        self.tiles.show_figures(
            (words.number(counts.present), words.say("desk.count.present")),
            (words.number(counts.late), words.say("desk.count.late")),
            (words.number(counts.absent), words.say("desk.count.absent")),
            (words.number(counts.none), words.say("desk.count.none")),
            (f"{words.number(session.booked)} / {words.number(session.capacity)}", words.say("desk.count.booked")),
        )
        self.nobody.setVisible(not roster.lines)
        self.nobody.show_text(words.say("desk.roster.nobody" if session.held else "desk.roster.not_held"))
        self.table.setVisible(bool(roster.lines))
        self.day.show_lines(self.live.day)
        at = self.day.row_of(session.id)
        if at >= 0 and self.days.currentIndex().row() != at:
            self.days.setCurrentIndex(self.day.index(at))
            self.days.scrollTo(self.day.index(at), QAbstractItemView.ScrollHint.PositionAtCenter)
        self.before.setEnabled(self.live.can_step(-1))
        self.after.setEnabled(self.live.can_step(1))
        self.table.choose_first()
        self.table.fit()
        self._chose()

    def _show_head(self) -> None:
        roster = self.live.roster
        if roster is not None:
            self.title.show_text(roster.session.name)
            self.subtitle.show_text(subtitle(roster, self.desk.now().corrected))

    def _chose(self) -> None:
        line, roster = self.chosen(), self.live.roster
        self.desk.state_fact("child_chosen", line is not None)
        self.bar.show_line(line)
        self.child.show_line(line, roster.session if roster else None, now_ms=self.desk.now().corrected)

    def _changed_rows(self) -> None:
        self.table.resizeRowsToContents()
        self._chose()

    def _open_at(self, index: QModelIndex) -> None:
        line = self.day.line(index.row())
        if line is not None:
            self.live.open(line.id)

    def _explain(self, child: str, reason: str, expected_ms: int) -> None:
        self.live.explain(Id(child), reason=reason, expected_ms=expected_ms)

    # --- what went wrong

    def _refused(self, refusal: Refusal) -> None:
        self._refusal = refusal
        words = theme().words
        why = failure(refusal.reason.code, refusal.reason.params, words)
        self.trouble.stand_above(self.bar)
        self.trouble.show_error(
            words.say("desk.roster.refused", name=refusal.line.name, why=why),
            action=words.say("desk.roster.insist") if refusal.may_insist else "",
            details=f"{refusal.reason.code} {refusal.reason.params} session={self.live.session} child={refusal.line.child}",
        )

    def _troubled(self, trouble: Trouble) -> None:
        self._refusal = None
        self.trouble.stand_above(None)
        self.show_trouble(trouble)

    def _cure(self) -> None:
        refusal = self._refusal
        self._calm()
        if refusal is not None and refusal.may_insist:
            self.live.mark(refusal.line.child, refusal.state, override="desk")
        else:
            self.reload()

    def _calm(self) -> None:
        self._refusal = None
        self.trouble.clear()

    # --- room

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.side.setVisible(self.width() >= grown(980))
        self.bar.about.setVisible(self.side.isHidden())
        self.side.setFixedWidth(grown(330))


def subtitle(roster: Roster, now_ms: int) -> str:
    """Return day, time, room, instructor and how far off it is, in one line."""
    words, session = theme().words, roster.session
    today = session.day == local_date(now_ms, session.zone)
    day = words.say("desk.screen.today") if today else words.weekday(date.fromisoformat(session.day))
    parts = (f"{day} {session.when(words)}", session.where(), until(session, now_ms, words))
    return " · ".join(part for part in parts if part)
