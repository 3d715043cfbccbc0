"""Models drawn as text, so that a test shows what a person would see (after Plover's dictionary tests)."""

from __future__ import annotations

from PySide6.QtCore import QAbstractItemModel, Qt


def table(model: QAbstractItemModel, role: int = Qt.ItemDataRole.DisplayRole) -> list[str]:
    """Heads and rows, cells parted by bars, empty cells as a dot."""
    heads = [model.headerData(at, Qt.Orientation.Horizontal) for at in range(model.columnCount())]
    lines = [heads] if any(heads) else []
    lines += [
        [model.index(row, column).data(role) for column in range(model.columnCount())]
        for row in range(model.rowCount())
    ]
    return [" | ".join(str(cell or "·") for cell in line) for line in lines]


def spoken(model: QAbstractItemModel, column: int = 0) -> list[str]:
    """What a screen reader says of each row."""
    return [model.index(row, column).data(Qt.ItemDataRole.AccessibleTextRole) for row in range(model.rowCount())]
