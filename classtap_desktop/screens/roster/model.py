"""The roster as a table that keeps its place: what changed is told row by row, so selection and scroll stay."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from classtap_desktop.screens.roster.reading import Roster, RosterLine
from resources.text import Catalogue

Index = QModelIndex | QPersistentModelIndex
COLUMNS = ("child", "state", "note", "marked")
LINE = Qt.ItemDataRole.UserRole + 10
BREAK = " · "
"""Between the parts of a cell; what comes after the first may stand smaller beneath it."""
_ROOT = QModelIndex()


class RosterModel(QAbstractTableModel):
    """Columns child, state, note and marked. The role ``LINE`` gives the whole line.

    Attributes: ``roster`` (None before the first), ``words`` (the catalogue it speaks).
    """

    def __init__(self, words: Catalogue, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.words = words
        self.roster: Roster | None = None
        self._lines: list[RosterLine] = []

    def show_roster(self, roster: Roster) -> None:
        """Take a newer reading of the same session, or another session's."""
        same = self.roster is not None and self.roster.session.id == roster.session.id
        self.roster = roster
        if not same:
            self.beginResetModel()
            self._lines = list(roster.lines)
            self.endResetModel()
            return
        self._remove_gone({line.child for line in roster.lines})
        if [line.child for line in self._lines] != [
            line.child for line in roster.lines if line.child in {kept.child for kept in self._lines}
        ]:
            self._reorder(roster)
        for at, line in enumerate(roster.lines):
            if at == len(self._lines) or self._lines[at].child != line.child:
                self.beginInsertRows(_ROOT, at, at)
                self._lines.insert(at, line)
                self.endInsertRows()
            elif self._lines[at] != line:
                self._lines[at] = line
                self.dataChanged.emit(self.index(at, 0), self.index(at, len(COLUMNS) - 1))

    def speak(self, words: Catalogue) -> None:
        """Say everything in another language."""
        self.words = words
        self.headerDataChanged.emit(Qt.Orientation.Horizontal, 0, len(COLUMNS) - 1)
        if self._lines:
            self.dataChanged.emit(self.index(0, 0), self.index(len(self._lines) - 1, len(COLUMNS) - 1))

    def line(self, row: int) -> RosterLine | None:
        """Return the line of a row; None where there is no such row."""
        return self._lines[row] if 0 <= row < len(self._lines) else None

    def row_of(self, child: str) -> int:
        """Return the row of a child, or -1."""
        return next((at for at, line in enumerate(self._lines) if line.child == child), -1)

    def rowCount(self, parent: Index = _ROOT) -> int:
        return 0 if parent.isValid() else len(self._lines)

    def columnCount(self, parent: Index = _ROOT) -> int:
        return 0 if parent.isValid() else len(COLUMNS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return self.words.say(f"desk.roster.column.{COLUMNS[section]}")
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.TextAlignmentRole:
            return int(Qt.AlignmentFlag.AlignLeading | Qt.AlignmentFlag.AlignVCenter)
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        line = self._lines[index.row()]
        if role == LINE:
            return line
        column = COLUMNS[index.column()]
        if role == Qt.ItemDataRole.DisplayRole:
            return self.cell(line, column)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return self.sentence(line) if column == "child" else self.cell(line, column)
        if role == Qt.ItemDataRole.ToolTipRole and column != "state":
            return line.staff if column == "marked" else self.cell(line, column)
        return None

    def cell(self, line: RosterLine, column: str) -> str:
        """Return what stands in a cell."""
        if column == "child":
            return line.name or self.words.say("desk.roster.unknown_child")
        if column == "state":
            return self.words.say(f"desk.state.{line.state}")
        if column == "note":
            return self.note(line)
        if not line.at_ms:
            return ""
        clock = self.words.time(line.at_ms, self._zone())
        return f"{clock}{BREAK}{line.device}" if line.device else clock

    def note(self, line: RosterLine) -> str:
        """Return when a late child is expected, why, and what somebody must know of the mark."""
        parts = []
        if line.expected_ms:
            parts.append(f"≈ {self.words.time(line.expected_ms, self._zone())}")
        if line.reason:
            parts.append(self.words.say(f"reason.{line.reason}"))
        if line.note:
            parts.append(line.note)
        if line.tie:
            parts.append(self.words.say("desk.roster.tie"))
        if not line.booked:
            parts.append(self.words.say("desk.roster.not_booked"))
        return BREAK.join(parts)

    def badge(self, line: RosterLine) -> str:
        """Return the words of the chip under a name: the note itself only where its reader may see it; "" for none."""
        if line.health:
            return line.health
        return self.words.say("desk.roster.health") if line.badge else ""

    def sentence(self, line: RosterLine) -> str:
        """Return a whole line for assistive technology."""
        parts = (line.name, self.badge(line), *(self.cell(line, column) for column in COLUMNS[1:]))
        return ", ".join(part for part in parts if part)

    def _zone(self) -> str:
        return self.roster.session.zone if self.roster is not None else "UTC"

    def _remove_gone(self, children: set[str]) -> None:
        for at in range(len(self._lines) - 1, -1, -1):
            if self._lines[at].child not in children:
                self.beginRemoveRows(_ROOT, at, at)
                del self._lines[at]
                self.endRemoveRows()

    def _reorder(self, roster: Roster) -> None:
        """A child was renamed: rows change places, and whoever holds on to one is told where it went."""
        self.layoutAboutToBeChanged.emit()
        place = {line.child: at for at, line in enumerate(roster.lines)}
        before = list(self._lines)
        self._lines.sort(key=lambda line: place[line.child])
        now = {line.child: at for at, line in enumerate(self._lines)}
        for index in self.persistentIndexList():
            moved = self.index(now[before[index.row()].child], index.column())
            self.changePersistentIndex(index, moved)
        self.layoutChanged.emit()
