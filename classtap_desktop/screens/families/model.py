"""The list of families, narrowed to what was found; it keeps its place when names change."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from classtap_core.kernel.ids import Id
from classtap_desktop.screens.families.reading import FamilyLine
from classtap_desktop.screens.people import COLOUR, DETAIL, colour_of

Index = QModelIndex | QPersistentModelIndex
_ROOT = QModelIndex()


class FamiliesModel(QAbstractListModel):
    """All families by name, or those that were found, best first."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._all: tuple[FamilyLine, ...] = ()
        self._found: tuple[Id, ...] | None = None
        self._shown: list[FamilyLine] = []

    def show_families(self, families: tuple[FamilyLine, ...]) -> None:
        """Take a newer reading."""
        self._all = families
        self._narrow()

    def show_found(self, found: tuple[Id, ...] | None) -> None:
        """Show only these, in their order; None shows all again."""
        self._found = found
        self._narrow()

    def line(self, row: int) -> FamilyLine | None:
        """Return the family of a row, or None."""
        return self._shown[row] if 0 <= row < len(self._shown) else None

    def row_of(self, family: str) -> int:
        """Return the row of a family, or -1 where it is not shown."""
        return next((at for at, line in enumerate(self._shown) if line.id == family), -1)

    def counts(self) -> tuple[int, int]:
        """Return how many are shown, and how many there are."""
        return len(self._shown), len(self._all)

    def _narrow(self) -> None:
        shown = list(self._all)
        if self._found is not None:
            by_id = {line.id: line for line in self._all}
            shown = [by_id[id] for id in self._found if id in by_id]
        if [line.id for line in shown] == [line.id for line in self._shown]:
            before, self._shown = self._shown, shown
            for at, (old, new) in enumerate(zip(before, shown, strict=True)):
                if old != new:
                    self.dataChanged.emit(self.index(at), self.index(at))
            return
        self.beginResetModel()
        self._shown = shown
        self.endResetModel()

    def rowCount(self, parent: Index = _ROOT) -> int:
        return 0 if parent.isValid() else len(self._shown)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        line = self.line(index.row())
        if line is None:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return line.name
        if role == DETAIL:
            return ", ".join(line.children)
        if role == COLOUR:
            return colour_of(line.id)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{line.name}: {', '.join(line.children)}"
        return None
