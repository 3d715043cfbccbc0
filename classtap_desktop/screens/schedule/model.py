"""A week of sessions as a table: a column a day, the sessions of a day beneath each other by their start."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, NamedTuple

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from classtap_core.access.blueprints import Capability
from classtap_core.timekeeping.rules import local_date
from classtap_desktop.operator import Operator, sight
from classtap_desktop.screens.sessions import Place, SessionLine, read_days, read_places, today_of
from classtap_desktop.source import DeskSource
from resources.text import Catalogue

Index = QModelIndex | QPersistentModelIndex
LINE = Qt.ItemDataRole.UserRole + 10
TODAY = Qt.ItemDataRole.UserRole + 11
DAYS = 7
_ROOT = QModelIndex()


class Week(NamedTuple):
    """A week as read: its Monday, today's date at the place, every place, and the sessions of those asked for."""

    monday: date
    today: date
    places: tuple[Place, ...]
    lines: tuple[SessionLine, ...]


class Filter(NamedTuple):
    """What is shown of a week; "" for all."""

    location: str = ""
    room: str = ""
    instructor: str = ""

    def lets(self, line: SessionLine) -> bool:
        """Say whether a session is shown."""
        return (
            self.location in ("", line.location)
            and self.room in ("", line.room_id)
            and self.instructor in ("", line.instructor_id)
        )


def read_week(source: DeskSource, monday: date | None, operator: Operator | None) -> Week:
    """Return the week of a Monday (None: this week) at every place, as its operator may see it."""
    reader, now_ms = source.reader, source.clock.now().corrected
    seen = sight(operator, Capability.VIEW_SCHEDULE, source)
    places = tuple(place for place in read_places(reader) if seen.reaches(place.id))
    here = [place for place in places if place.id == source.place.location] or list(places)
    today = today_of(here[0], now_ms) if here else date.fromisoformat(local_date(now_ms, "UTC"))
    first = monday or today - timedelta(days=today.weekday())
    return Week(first, today, places, read_days(reader, places, first, days=DAYS, attendance=False, seen=seen))


class WeekModel(QAbstractTableModel):
    """Columns are days from Monday. Role ``LINE`` gives a cell's session; empty cells cannot be chosen.

    Attributes: ``week`` (None before the first reading), ``filter``, ``words``.
    """

    def __init__(self, words: Catalogue, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.words = words
        self.week: Week | None = None
        self.filter = Filter()
        self._days: list[list[SessionLine]] = [[] for _ in range(DAYS)]

    def show_week(self, week: Week) -> None:
        """Show another week, or the same one with newer numbers; the same sessions keep their place."""
        before = self._days
        same = self.week is not None and self.week.monday == week.monday
        self.week = week
        days = self._cut()
        if same and [[line.id for line in day] for day in before] == [[line.id for line in day] for day in days]:
            self._days = days
            for column, (old, new) in enumerate(zip(before, days, strict=True)):
                for row, (was, now) in enumerate(zip(old, new, strict=True)):
                    if was != now:
                        self.dataChanged.emit(self.index(row, column), self.index(row, column))
            return
        self.beginResetModel()
        self._days = days
        self.endResetModel()

    def show_only(self, wanted: Filter) -> None:
        """Show only what a filter lets through."""
        if wanted != self.filter:
            self.beginResetModel()
            self.filter = wanted
            self._days = self._cut()
            self.endResetModel()

    def speak(self, words: Catalogue) -> None:
        """Say everything in another language."""
        self.beginResetModel()
        self.words = words
        self.endResetModel()

    def line(self, index: Index) -> SessionLine | None:
        """Return the session of a cell, or None."""
        day = self._days[index.column()] if index.isValid() else []
        return day[index.row()] if index.isValid() and index.row() < len(day) else None

    def place_of(self, session: str) -> QModelIndex:
        """Return the cell of a session; an invalid index where it is not shown."""
        for column, day in enumerate(self._days):
            for row, line in enumerate(day):
                if line.id == session:
                    return self.index(row, column)
        return QModelIndex()

    def count(self, column: int) -> int:
        """Return how many sessions a day has."""
        return len(self._days[column])

    def day(self, column: int) -> date | None:
        """Return the date of a column."""
        return self.week.monday + timedelta(days=column) if self.week is not None else None

    def rooms(self) -> list[tuple[str, str]]:
        """Return id and name of the rooms used this week at the location chosen."""
        return self._names(lambda line: (line.room_id, line.room))

    def instructors(self) -> list[tuple[str, str]]:
        """Return id and name of who teaches this week at the location chosen."""
        return self._names(lambda line: (line.instructor_id, line.instructor))

    def _names(self, of: Any) -> list[tuple[str, str]]:
        lines = self.week.lines if self.week is not None else ()
        found = {of(line) for line in lines if self.filter.location in ("", line.location)}
        return sorted(found, key=lambda one: (one[1].casefold(), one[0]))

    def _cut(self) -> list[list[SessionLine]]:
        days: list[list[SessionLine]] = [[] for _ in range(DAYS)]
        if self.week is not None:
            for line in self.week.lines:
                at = (date.fromisoformat(line.day) - self.week.monday).days
                if 0 <= at < DAYS and self.filter.lets(line):
                    days[at].append(line)
        return days

    def rowCount(self, parent: Index = _ROOT) -> int:
        return 0 if parent.isValid() else max(len(day) for day in self._days)

    def columnCount(self, parent: Index = _ROOT) -> int:
        return 0 if parent.isValid() else DAYS

    def flags(self, index: Index) -> Qt.ItemFlag:
        if self.line(index) is None:
            return Qt.ItemFlag.NoItemFlags
        return Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        day = self.day(section)
        if orientation == Qt.Orientation.Vertical or day is None:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return self.words.weekday(day)
        if role == TODAY:
            return self.week is not None and day == self.week.today
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        line = self.line(index)
        if line is None:
            return None
        if role == LINE:
            return line
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return self.sentence(line)
        if role == Qt.ItemDataRole.ToolTipRole:
            return f"{line.name}\n{line.when(self.words)}\n{line.where()}"
        return None

    def figures(self, line: SessionLine) -> str:
        """Return booked and capacity, or that it does not take place."""
        if line.cancelled:
            return self.words.say("desk.session.cancelled")
        return f"{self.words.number(line.booked)} / {self.words.number(line.capacity)}"

    def sentence(self, line: SessionLine) -> str:
        """Return a whole session for assistive technology."""
        audience = self.words.say(f"desk.audience.{line.audience}") if line.audience else ""
        parts = (line.when(self.words), line.name, audience, line.where(), self.figures(line))
        return ", ".join(part for part in parts if part)
