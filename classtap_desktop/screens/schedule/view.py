"""The week schedule: days side by side, filters above, arrows to walk, Enter to open a roster."""

from __future__ import annotations

from datetime import date, timedelta

from PySide6.QtCore import QModelIndex, QPoint, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QComboBox, QHBoxLayout, QStackedLayout, QTableView, QWidget

from classtap_desktop.desk import Desk
from classtap_desktop.kit import Button, EmptyState, Label, theme
from classtap_desktop.screens.schedule.cells import DaysHeader, WeekCells, row_height
from classtap_desktop.screens.schedule.model import DAYS, Filter, Week, WeekModel, read_week
from classtap_desktop.screens.schedule.planner import Planner
from classtap_desktop.screens.screen import Screen
from classtap_desktop.screens.sessions import ROSTER_KINDS, SCHEDULE_KINDS, SessionLine, nearest
from classtap_desktop.spacing import column, grown, row


class ScheduleScreen(Screen):
    """Attributes: ``model`` (the week), ``planner`` (what is done to it). Signals: ``loaded`` after each reading, ``menu(at)``
    when the chosen session's menu is asked for.
    """

    NAME = "schedule"
    KINDS = SCHEDULE_KINDS | ROSTER_KINDS
    loaded = Signal()
    menu = Signal(QPoint)

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(desk, parent)
        self.planner = Planner(desk, self)
        self.model = WeekModel(theme().words, self)
        self._monday: date | None = None
        self._located = False
        self.page.setContentsMargins(26, 18, 26, 0)
        self.page.setSpacing(12)
        self.page.addLayout(self._head())
        self.page.addLayout(self._filters())
        self._either = QStackedLayout()
        self.page.addLayout(self._either, 1)
        self.table = _WeekTable(self.model)
        self.table.setItemDelegate(WeekCells(self.model, self.table, now=lambda: self.desk.now().corrected))
        self.table.resized.connect(self._fit)
        self.table.activated.connect(lambda _index: self.open_chosen())
        self.table.clicked.connect(lambda _index: self._chose())
        self.table.selectionModel().currentChanged.connect(lambda *_: self._chose())
        self.table.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.table.customContextMenuRequested.connect(lambda at: self._ask_menu(self.table.viewport().mapToGlobal(at)))
        self._either.addWidget(self.table)
        self.empty = EmptyState("calendar", "", "", action=" ")
        self.empty.acted.connect(lambda: self.turn(0))
        self._either.addWidget(self.empty)
        self.trouble.acted.connect(self.reload)
        self.say()

    def _head(self) -> QHBoxLayout:
        head = row(gap=8)
        names = column(gap=2)
        self.title = Label("", "title", elide=True)
        self.subtitle = Label("", "text", token="muted", elide=True)
        names.addWidget(self.title)
        names.addWidget(self.subtitle)
        head.addLayout(names, 1)
        self.new, self.more = Button("", icon="plus", kind="primary"), Button("", icon="chevron_down")
        self.new.clicked.connect(lambda _=False: self.plan("new"))
        self.more.clicked.connect(lambda _=False: self._ask_menu(self.more.mapToGlobal(QPoint(0, self.more.height()))))
        self.this_week = Button("")
        self.before, self.after = Button("", icon="chevron_back"), Button("", icon="chevron_next")
        for button, step in ((self.before, -1), (self.this_week, 0), (self.after, 1)):
            button.clicked.connect(lambda _=False, step=step: self.turn(step))
            head.addWidget(button, 0, Qt.AlignmentFlag.AlignTop)
        head.addWidget(self.new, 0, Qt.AlignmentFlag.AlignTop)
        return head

    def _filters(self) -> QHBoxLayout:
        line = row(gap=10)
        self.boxes = {name: QComboBox() for name in ("location", "room", "instructor")}
        for box in self.boxes.values():
            box.activated.connect(lambda _at: self._filter())
            line.addWidget(box)
        line.addStretch(1)
        line.addWidget(self.more)
        return line

    # --- what actions do

    def open(self, id: str) -> None:
        """Show the week in force; ``id`` of an instructor shows only what they teach."""
        if id:
            self.model.show_only(self.model.filter._replace(instructor=id, room=""))
        super().open("")

    def reload(self) -> None:
        monday = self._monday
        operator = self.desk.operator
        self.desk.read(
            "schedule", lambda source: read_week(source, monday, operator), then=self._show, failed=self.show_trouble
        )

    def turn(self, by: int) -> None:
        """Go to the next (1) or previous (-1) week, or back to this one (0)."""
        week = self.model.week
        if by == 0 or week is None:
            self._monday = None
        else:
            self._monday = (self._monday or week.monday) + timedelta(days=DAYS * by)
        self.reload()

    def open_chosen(self) -> None:
        """Open the chosen session's roster."""
        line = self.chosen()
        if line is not None:
            self.desk.open("roster", line.id)

    def plan(self, deed: str) -> None:
        """Open the form of one of `planner.DEEDS`, about the chosen session where it is about one."""
        line = self.chosen()
        if self.planner.may(line.location if line is not None else self.desk.source.place.location):
            self.planner.do(deed, line.id if line is not None else None)

    def _ask_menu(self, at: QPoint) -> None:
        line = self.chosen()
        if line is not None and not line.cancelled and self.planner.may(line.location):
            self.menu.emit(at)

    def chosen(self) -> SessionLine | None:
        """Return the chosen session."""
        return self.model.line(self.table.currentIndex())

    def take_focus(self) -> None:
        self.table.setFocus(Qt.FocusReason.OtherFocusReason)

    # --- what is shown

    def say(self) -> None:
        words = theme().words
        chosen = self.chosen()
        self.model.speak(words)
        self._choose(chosen)
        self.title.show_text(words.say("desk.screen.schedule"))
        self.this_week.show_text(words.say("desk.schedule.this_week"))
        for button, code in ((self.new, "desk.action.schedule.new"), (self.more, "desk.plan.menu")):
            spoken = words.say(code)
            button.show_text("" if theme().text_scale > 1.4 else spoken)  # dates and filters need the room then
            button.setAccessibleName(spoken)
            button.setToolTip(spoken)
        for button, action in ((self.before, "schedule.previous"), (self.after, "schedule.next")):
            button.setAccessibleName(words.say(f"desk.action.{action}"))
            button.setToolTip(words.say(f"desk.action.{action}"))
        for name, box in self.boxes.items():
            box.setAccessibleName(words.say(f"desk.schedule.all_{name}"))
        self.empty.title.show_text(words.say("desk.schedule.empty_title"))
        self.empty.text.show_text(words.say("desk.schedule.empty_text"))
        self.empty.button.show_text(words.say("desk.schedule.this_week"))
        self.table.setAccessibleName(words.say("desk.screen.schedule"))
        self._show_frame()
        self._fit()

    def tick(self) -> None:
        self.table.viewport().update()

    def _show(self, week: Week) -> None:
        if self._monday not in (None, week.monday):
            return
        self.trouble.clear()
        if not self._located:
            self._located = True
            here = self.desk.source.place.location
            if here:
                self.model.show_only(self.model.filter._replace(location=here))
        chosen, scroll = self.chosen(), self.table.verticalScrollBar().value()
        fresh = self.model.week is None or self.model.week.monday != week.monday
        self.model.show_week(week)
        self._show_frame()
        self._fit()
        if fresh:
            now = [line for line in week.lines if self.model.filter.lets(line)]
            self._choose(nearest(now, self.desk.now().corrected))
            self.table.scrollTo(self.table.currentIndex(), QAbstractItemView.ScrollHint.PositionAtCenter)
        else:
            self._choose(chosen)
            self.table.verticalScrollBar().setValue(scroll)
        self.loaded.emit()

    def _show_frame(self) -> None:
        week, words = self.model.week, theme().words
        if week is None:
            return
        last = week.monday + timedelta(days=DAYS - 1)
        shown = sum(self.model.count(day) for day in range(DAYS))
        self.subtitle.show_text(
            f"{words.date(week.monday, style='long')} – {words.date(last, style='long')} · "
            f"{words.say_n('desk.schedule.count', shown)}"
        )
        self._either.setCurrentIndex(0 if shown else 1)
        self._fill("location", [(place.id, place.name) for place in week.places])
        self._fill("room", self.model.rooms())
        self._fill("instructor", self.model.instructors())
        self._fit_filters()

    def _fill(self, name: str, choices: list[tuple[str, str]]) -> None:
        box = self.boxes[name]
        wanted = [("", theme().words.say(f"desk.schedule.all_{name}")), *choices]
        standing = [(box.itemData(at), box.itemText(at)) for at in range(box.count())]
        if standing != wanted:
            box.clear()
            for id, text in wanted:
                box.addItem(text, id)
        at = box.findData(getattr(self.model.filter, name))
        box.setCurrentIndex(max(0, at))

    def _fit_filters(self) -> None:
        """Each as wide as its longest choice; all a little narrower where they would not fit side by side."""
        measure = theme().metrics("text").horizontalAdvance
        wanted = [
            min(max((measure(box.itemText(at)) for at in range(box.count())), default=0) + grown(64), grown(280))
            for box in self.boxes.values()
        ]
        room = self.width() - theme().px(52 + 10 * len(wanted)) - self.more.sizeHint().width()
        part = min(1.0, room / max(1, sum(wanted)))
        for box, width in zip(self.boxes.values(), wanted, strict=True):
            box.setFixedWidth(max(theme().px(90), int(width * part)))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._show_frame()

    def _filter(self) -> None:
        chosen = self.chosen()
        wanted = Filter(**{name: box.currentData() or "" for name, box in self.boxes.items()})
        if wanted.location != self.model.filter.location:
            wanted = Filter(location=wanted.location)
        self.model.show_only(wanted)
        self._choose(chosen)
        self._show_frame()
        self._fit()

    def _choose(self, line: SessionLine | None) -> None:
        index = self.model.place_of(line.id) if line is not None else QModelIndex()
        if index.isValid():
            self.table.setCurrentIndex(index)
        self._chose()

    def _chose(self) -> None:
        line = self.chosen()
        self.desk.state_fact("session_chosen", line is not None)
        self.more.setEnabled(line is not None and not line.cancelled and self.planner.may(line.location))
        self.new.setVisible(self.planner.may(line.location if line is not None else self.desk.source.place.location))

    def _fit(self) -> None:
        table = self.table
        table.verticalHeader().setDefaultSectionSize(row_height())
        room = table.viewport().width()
        width = max(grown(128), room // DAYS)
        for day in range(DAYS):
            table.setColumnWidth(day, width)
        if width * DAYS < room:
            table.setColumnWidth(DAYS - 1, room - width * (DAYS - 1))


class _WeekTable(QTableView):
    """A table whose left and right arrows go to the nearest session of the next day that has one.

    Signals: ``resized`` when the room for its columns changed.
    """

    resized = Signal()

    def __init__(self, model: WeekModel) -> None:
        super().__init__()
        self._week = model
        self.setModel(model)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        self.setHorizontalHeader(DaysHeader(self))
        self.verticalHeader().hide()
        self.setShowGrid(False)
        self.setTabKeyNavigation(False)
        self.setProperty("ground", "page")
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setStyleSheet(
            "QTableView, QHeaderView { background: transparent; selection-background-color: transparent; }"
            " QTableView::item, QTableView::item:selected, QTableView::item:focus { background: transparent; border: none; }"
        )

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.resized.emit()

    def moveCursor(self, action: QAbstractItemView.CursorAction, modifiers: Qt.KeyboardModifier) -> QModelIndex:
        here = self.currentIndex()
        sideways = {QAbstractItemView.CursorAction.MoveLeft: -1, QAbstractItemView.CursorAction.MoveRight: 1}
        if not here.isValid() or action not in sideways:
            return super().moveCursor(action, modifiers)
        step = sideways[action] * (-1 if self.isRightToLeft() else 1)
        at = here.column() + step
        while 0 <= at < DAYS:
            if self._week.count(at):
                return self._week.index(min(here.row(), self._week.count(at) - 1), at)
            at += step
        return here
