"""Bring a file in: choose it, see what each column is, what it comes to and what is wrong, then all of it or nothing."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QComboBox,
    QFileDialog,
    QListWidget,
    QProgressBar,
    QScrollArea,
    QStackedWidget,
    QWidget,
)

from classtap_core.access.blueprints import Capability
from classtap_core.exchange.bringing import Brought
from classtap_core.exchange.columns import BadRow
from classtap_core.exchange.looking import ALIASES, KINDS
from classtap_core.kernel.ids import Id
from classtap_desktop.desk import Desk, Trouble, failure
from classtap_desktop.kit import Button, Card, Label, Signals, theme
from classtap_desktop.screens.imports.mapping import ColumnTable
from classtap_desktop.screens.imports.people import PersonCard
from classtap_desktop.screens.imports.place import PlaceCard
from classtap_desktop.screens.imports.reading import OF_PEOPLE, Sheet, brought, looked
from classtap_desktop.screens.screen import Screen
from classtap_desktop.spacing import column, grown, row
from resources.text import Catalogue

_ICONS = {"families": "people", "classes": "calendar", "oneroster": "roster", "calendar": "clock"}
_FILES = {
    "families": "CSV, XLSX (*.csv *.xlsx)", "classes": "CSV, XLSX (*.csv *.xlsx)", "oneroster": "ZIP (*.zip)",
    "calendar": "iCalendar (*.ics)",
}  # fmt: skip
_DATES: dict[str, bool | None] = {"guess": None, "day": True, "month": False}
CHOOSE, CHECK, GOING, DONE = range(4)
_UNBOUND = 16_777_215
"""Qt's own largest size (QWIDGETSIZE_MAX)."""


class ImportsScreen(Screen):
    """Attributes: ``sheet`` (what was read of the file), ``stage``, ``brought`` (what came of it).

    ``lines``: bad rows, or where there are none the first of what would come in.

    Signals: ``looked`` after a file was read, ``ended`` after an import or its undo ended.
    """

    NAME = "imports"
    KINDS = frozenset()
    looked = Signal()
    ended = Signal()

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(desk, parent)
        self.sheet: Sheet | None = None
        self.brought: Brought | None = None
        self._cancel = threading.Event()
        self._signals = Signals(self)
        self.page.setContentsMargins(26, 18, 26, 22)
        self.title = Label("", "title")
        self.page.addWidget(self.title)
        self._sides = row(gap=22)
        self.page.addLayout(self._sides, 1)
        self.stages = QStackedWidget()
        for make in (self._choose_stage, self._check_stage, self._going_stage, self._done_stage):
            self.stages.addWidget(make())
        self._sides.addWidget(self.stages, 3)
        self.people, self.place = PersonCard(desk), PlaceCard(desk)
        self._cards = QWidget()
        cards = column(self._cards, gap=16)
        cards.addWidget(self.people, 1)
        cards.addWidget(self.place)
        self.beside = _scrolling(self._cards)
        self._sides.addWidget(self.beside, 2)
        self.trouble.acted.connect(self.reload)
        self.say()

    @property
    def stage(self) -> int:
        return self.stages.currentIndex()

    def _choose_stage(self) -> QWidget:
        whole = Card(radius=18)
        inside = column(whole, margins=(22, 20, 22, 22), gap=14)
        self.intro = Label("", "text", token="muted", wrap=True)
        inside.addWidget(self.intro)
        self.kinds: dict[str, Button] = {}
        self._hints: dict[str, Label] = {}
        for kind in KINDS:
            button = self.kinds[kind] = Button("", icon=_ICONS[kind])
            button.clicked.connect(lambda _=False, kind=kind: self._ask_file(kind))
            hint = self._hints[kind] = Label("", "secondary", token="muted", wrap=True)
            inside.addSpacing(theme().px(4))
            inside.addWidget(button, 0, Qt.AlignmentFlag.AlignLeading)
            inside.addWidget(hint)
        inside.addStretch(1)
        return _scrolling(whole)

    def _check_stage(self) -> QWidget:
        whole = Card(radius=18)
        inside = column(whole, margins=(22, 18, 22, 20), gap=12)
        self.file_name = Label("", "heading", elide=True)
        self.counts = Label("", "strong", wrap=True)
        inside.addWidget(self.file_name)
        inside.addWidget(self.counts)
        dates = row(gap=10)
        self.dates_name = Label("", "text")
        self.dates = QComboBox()
        for name in _DATES:
            self.dates.addItem("", name)
        self.dates.activated.connect(lambda _at: self._look_again())
        dates.addWidget(self.dates_name)
        dates.addWidget(self.dates)
        dates.addStretch(1)
        self.mapping = ColumnTable()
        self.mapping.changed.connect(self._look_again)
        holder = QWidget()
        held = column(holder, gap=12)
        held.addWidget(self.mapping)
        held.addLayout(dates)
        held.addStretch(1)
        self._area = _scrolling(holder)
        self.lines = QListWidget()
        self.lines.setProperty("plain", "true")
        self.lines.setWordWrap(True)
        self.lines.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._middle = row(gap=18)
        self._middle.addWidget(self._area, 1)
        self._middle.addWidget(self.lines, 1)
        inside.addLayout(self._middle, 1)
        foot = row(gap=10)
        self.other, self.go = Button(""), Button("", kind="primary")
        self.other.clicked.connect(lambda _=False: self._show(CHOOSE))
        self.go.clicked.connect(lambda _=False: self.bring())
        foot.addWidget(self.other)
        foot.addStretch(1)
        foot.addWidget(self.go)
        inside.addLayout(foot)
        return whole

    def _going_stage(self) -> QWidget:
        whole = Card(radius=18)
        inside = column(whole, margins=(22, 20, 22, 22), gap=12)
        self.going = Label("", "heading", wrap=True)
        self.going_hint = Label("", "text", token="muted", wrap=True)
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.stop = Button("", icon="close")
        self.stop.clicked.connect(lambda _=False: self._cancel.set())
        for widget in (self.going, self.progress, self.going_hint):
            inside.addWidget(widget)
        inside.addWidget(self.stop, 0, Qt.AlignmentFlag.AlignLeading)
        inside.addStretch(1)
        return whole

    def _done_stage(self) -> QWidget:
        whole = Card(radius=18)
        inside = column(whole, margins=(22, 20, 22, 22), gap=12)
        self.result = Label("", "heading", wrap=True)
        self.next_step = Label("", "text", token="muted", wrap=True)
        inside.addWidget(self.result)
        inside.addWidget(self.next_step)
        ways = row(gap=10)
        self.undo, self.another = Button("", icon="arrow_back"), Button("", kind="primary")
        self.undo.clicked.connect(lambda _=False: self.take_back())
        self.another.clicked.connect(lambda _=False: self._show(CHOOSE))
        ways.addWidget(self.another)
        ways.addWidget(self.undo)
        ways.addStretch(1)
        inside.addLayout(ways)
        inside.addStretch(1)
        return whole

    # --- what people do

    def reload(self) -> None:
        self._fit()
        self._show_rights()

    def take_focus(self) -> None:
        self.kinds["families"].setFocus(Qt.FocusReason.OtherFocusReason)

    def look_at(self, kind: str, path: Path) -> None:
        """Read a file, and show what it comes to."""
        self.dates.setCurrentIndex(0)
        self._look(kind, path, None)

    def bring(self) -> None:
        """Bring in what is shown, all of it or nothing."""
        sheet, operator = self.sheet, self.desk.operator
        if sheet is None or sheet.bad or operator is None or not self._may(sheet.kind):
            return
        cancel = self._cancel = threading.Event()
        most = max(1, len(sheet.found.steps))
        self.progress.setRange(0, most)
        shown = self._signals.latest(self._count)

        def going_on(done: int) -> bool:
            shown(done, most)
            return not cancel.is_set()

        self._count(0, most)
        self._show(GOING)
        self.desk.do(
            lambda source: brought(source, sheet, operator.author, going_on), then=self._done, failed=self._failed
        )

    def take_back(self) -> None:
        """Undo what was brought in, but for what somebody changed since."""
        said, operator = self.brought, self.desk.operator
        if said is None or operator is None:
            return
        operations: Sequence[Id] = said.operations
        self.undo.setEnabled(False)
        self.desk.do(
            lambda source: source.take_back(operations, operator.author).result(), then=self._taken_back,
            failed=self._not_taken_back,
        )  # fmt: skip

    def _ask_file(self, kind: str) -> None:
        words = theme().words
        name, _ = QFileDialog.getOpenFileName(self, words.say(f"desk.imports.{kind}"), "", _FILES[kind])
        if name:
            self.look_at(kind, Path(name))

    def _look_again(self) -> None:
        if self.sheet is not None:
            self._look(self.sheet.kind, self.sheet.path, self.mapping.columns() if self.mapping.boxes else None)

    def _look(self, kind: str, path: Path, columns: dict[str, int] | None) -> None:
        day_first = _DATES[self.dates.currentData()]
        self.trouble.clear()
        self.desk.read(
            "imports", lambda source: looked(source, kind, path, columns, day_first), then=self._take,
            failed=self.show_trouble,
        )  # fmt: skip

    def show_trouble(self, trouble: Trouble) -> None:
        super().show_trouble(trouble)
        self.looked.emit()

    # --- what came back

    def _take(self, sheet: Sheet) -> None:
        self.sheet = sheet
        self.mapping.show_columns(sheet.kind, sheet.found.headers, sheet.found.columns)
        self._area.setVisible(sheet.kind in ALIASES)
        self._show(CHECK)
        self.go.setFocus(Qt.FocusReason.OtherFocusReason)
        self.looked.emit()

    def _count(self, done: int, most: int) -> None:
        words = theme().words
        self.progress.setValue(done)
        self.going.show_text(words.say("desk.imports.going", done=done, most=most))

    def _done(self, found: Brought) -> None:
        self.brought = found
        self._show(DONE)
        self.another.setFocus(Qt.FocusReason.OtherFocusReason)
        self.ended.emit()

    def _failed(self, trouble: Trouble) -> None:
        self._show(CHECK)
        if trouble.code == "import.cancelled":
            self.desk.tell("desk.imports.cancelled", tone="info")
        else:
            self.trouble.show_error(trouble.sentence(theme().words), details=trouble.details)
        self.ended.emit()

    def _taken_back(self, left: int) -> None:
        self.brought = None
        self._show(CHOOSE)
        self.desk.tell("desk.imports.undone" if not left else "desk.imports.undone_partly", left=left)
        self.ended.emit()

    def _not_taken_back(self, trouble: Trouble) -> None:
        self.undo.setEnabled(True)
        self.trouble.show_error(trouble.sentence(theme().words), details=trouble.details)
        self.ended.emit()

    # --- what is shown

    def _show(self, stage: int) -> None:
        if stage == CHOOSE:
            self.sheet = self.brought = None
        self.stages.setCurrentIndex(stage)
        self.beside.setVisible(stage == CHOOSE)
        self.say()

    def _may(self, kind: str) -> bool:
        capability = Capability.EDIT_FAMILY if kind in OF_PEOPLE else Capability.MANAGE_SCHEDULE
        return self.desk.may(capability, location=self.desk.source.place.location)

    def _operated(self) -> None:
        if self.desk.operator is None:
            self._cancel.set()
            self._show(CHOOSE)
        self._show_rights()

    def _show_rights(self) -> None:
        for kind, button in self.kinds.items():
            button.setEnabled(self._may(kind))
        self.people.show_rights()
        self.place.show_rights()

    def say(self) -> None:
        words = theme().words
        self.title.show_text(words.say("desk.screen.imports"))
        self.intro.show_text(words.say("desk.imports.intro"))
        for kind, button in self.kinds.items():
            button.show_text(words.say(f"desk.imports.{kind}"))
            self._hints[kind].show_text(words.say(f"desk.imports.{kind}_hint"))
        for at, name in enumerate(_DATES):
            self.dates.setItemText(at, words.say(f"desk.imports.dates.{name}"))
        self.dates_name.show_text(words.say("desk.imports.dates"))
        self.dates.setAccessibleName(words.say("desk.imports.dates"))
        self.other.show_text(words.say("desk.imports.other"))
        self.going_hint.show_text(words.say("desk.imports.going_hint"))
        self.stop.show_text(words.say("desk.imports.stop"))
        self.undo.show_text(words.say("desk.imports.undo"))
        self.another.show_text(words.say("desk.imports.another"))
        self.mapping.say()
        self._say_sheet(words)
        self._say_result(words)
        self.people.say()
        self.place.say()

    def _say_sheet(self, words: Catalogue) -> None:
        self.lines.clear()
        sheet = self.sheet
        if sheet is None:
            return
        self.file_name.show_text(sheet.path.name)
        if sheet.bad:
            self.counts.show_text(words.say_n("desk.imports.bad", len(sheet.bad)))
            self.lines.addItems([sentence(one, words) for one in sheet.bad])
        else:
            self.lines.addItems([words.join(one) for one in sheet.first])
            self.counts.show_text(words.say(f"import.counts.{sheet.kind}", **sheet.found.counts))
        self.go.show_text(words.say("desk.imports.go"))
        self.go.setEnabled(not sheet.bad and self._may(sheet.kind))

    def _say_result(self, words: Catalogue) -> None:
        said, sheet = self.brought, self.sheet
        if said is None or sheet is None:
            return
        step = "asked" if said.asked else "done"
        counts = {**sheet.found.counts, "new": said.new, "asked": said.asked}
        self.result.show_text(words.say(f"import.{step}.{sheet.kind}", **counts))
        self.next_step.show_text(words.say(f"desk.imports.after.{step}"))
        self.undo.setVisible(bool(said.operations) and not said.asked)
        self.undo.setEnabled(True)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """Put one over the other where both are too narrow side by side: columns and bad rows, files and people."""
        narrow = self.width() < grown(900)
        way = QBoxLayout.Direction.TopToBottom if narrow else QBoxLayout.Direction.LeftToRight
        self._middle.setDirection(way)
        self._sides.setDirection(way)
        most = max(grown(300), self.width() // 3)
        self.beside.setMaximumWidth(_UNBOUND if narrow else most)


def _scrolling(inside: QWidget) -> QScrollArea:
    """Something that may be higher than its room."""
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setWidget(inside)
    return area


def sentence(bad: BadRow, words: Catalogue) -> str:
    """What is wrong with a row."""
    code, field = f"import.bad.{bad.code}", f"import.field.{bad.field}"
    if words.has(code):
        name = words.say(field) if words.has(field) else bad.field
        return words.say(code, row=bad.number, field=name, found=bad.found)
    return words.say("import.bad.refused", row=bad.number, why=failure(bad.code, {}, words))
