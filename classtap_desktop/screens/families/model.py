"""The list of families, narrowed by what is typed; it keeps its place when names change."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from classtap_desktop.screens.families.reading import FamilyLine
from classtap_desktop.screens.people import COLOUR, DETAIL, colour_of, folded

Index = QModelIndex | QPersistentModelIndex
_ROOT = QModelIndex()


class FamiliesModel(QAbstractListModel):
    """Families whose own or children's names have, for every word typed, a word that begins so."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._all: tuple[FamilyLine, ...] = ()
        self._words: dict[str, list[str]] = {}
        self._typed = ""
        self._shown: list[FamilyLine] = []

    def show_families(self, families: tuple[FamilyLine, ...]) -> None:
        """Take a newer reading."""
        self._all = families
        self._words = {line.id: folded(f"{line.name} {' '.join(line.children)}").split() for line in families}
        self._narrow()

    def search(self, typed: str) -> None:
        """Show only what fits the words typed."""
        self._typed = typed
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
        words = folded(self._typed).split()
        shown = [
            line
            for line in self._all
            if all(any(own.startswith(word) for own in self._words[line.id]) for word in words)
        ]
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
