"""A list with a field above it that narrows it, and one more control beside the field."""

from __future__ import annotations

from PySide6.QtGui import QStandardItemModel
from PySide6.QtWidgets import QLineEdit, QWidget

from classtap_desktop.kit import Card
from classtap_desktop.screens.people import lines_list
from classtap_desktop.spacing import column, row


class SearchedList(QWidget):
    """Attributes: ``field`` to type in, ``model`` and ``list`` of lines as ``people.PersonDelegate`` draws them."""

    def __init__(self, beside: QWidget, *, above: QWidget | None = None) -> None:
        """``beside`` stands after the field; ``above``, in the card, over the list."""
        super().__init__()
        outer = column(self, gap=10)
        line = row(gap=8)
        self.field = QLineEdit()
        self.field.setClearButtonEnabled(True)
        line.addWidget(self.field, 1)
        line.addWidget(beside)
        outer.addLayout(line)
        card = Card(radius=18)
        inside = column(card, margins=(8, 8, 8, 8))
        self.model = QStandardItemModel(self)
        self.list = lines_list(self.model)
        if above is not None:
            inside.addWidget(above)
        inside.addWidget(self.list, 1)
        outer.addWidget(card, 1)
