"""The roster's table: whole rows are chosen, and each column gets what its words ask for."""

from __future__ import annotations

from PySide6.QtCore import QItemSelectionModel, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView

from classtap_desktop.kit import theme
from classtap_desktop.screens.plain_header import PlainHeader
from classtap_desktop.screens.roster.cells import RosterCells
from classtap_desktop.screens.roster.model import COLUMNS, RosterModel
from classtap_desktop.screens.roster.reading import RosterLine
from classtap_desktop.spacing import grown


class RosterTable(QTableView):
    """A table over a `RosterModel`; its own keys walk, everything else is an action."""

    def __init__(self, model: RosterModel) -> None:
        super().__init__()
        self._roster = model
        self.setModel(model)
        self._cells = RosterCells(model, self)
        self.setItemDelegate(self._cells)
        self.setStyleSheet("QTableView::item, QTableView::item:focus { border: none; }")
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setShowGrid(False)
        self.setTabKeyNavigation(False)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.verticalHeader().hide()
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        self.setHorizontalHeader(PlainHeader(self))
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        model.modelReset.connect(self.fit)
        model.rowsInserted.connect(lambda *_: self.fit())

    def chosen(self) -> RosterLine | None:
        """Return the chosen child's line."""
        index = self.currentIndex()
        return self._roster.line(index.row()) if index.isValid() else None

    def choose_first(self) -> None:
        """Choose the first child where nobody is chosen."""
        if self.currentIndex().row() < 0 and self._roster.rowCount():
            flags = QItemSelectionModel.SelectionFlag.ClearAndSelect | QItemSelectionModel.SelectionFlag.Rows
            self.selectionModel().setCurrentIndex(self._roster.index(0, 0), flags)

    def fit(self) -> None:
        """Give each column what its words ask for, the note what is left up to a measure, the rest to the end.

        State and time keep their width whatever stands in them, so that a first mark moves nothing.
        """
        model, room, metrics = self._roster, self.viewport().width(), theme().metrics("label")
        wanted = {}
        for at, name in enumerate(COLUMNS):
            head = str(model.headerData(at, Qt.Orientation.Horizontal))
            cells = (self._cells.width_of(model.index(row, at)) for row in range(model.rowCount()))
            wanted[name] = max(metrics.horizontalAdvance(head) + grown(28), *cells, 0)
        wanted["state"] = max(wanted["state"], self._cells.widest_state())
        wanted["marked"] = max(wanted["marked"], grown(112))
        note = min(wanted.pop("note"), grown(120))
        child = wanted.pop("child")
        fixed = sum(wanted.values())
        wanted["child"] = max(grown(110), min(child, room - fixed - note))
        spare = room - fixed - wanted["child"]
        wanted["note"] = max(grown(60), min(spare, grown(300)))
        spare = max(0, spare - wanted["note"])
        wanted["child"] += min(spare, grown(120))
        wanted["marked"] += max(0, spare - grown(120))
        for at, name in enumerate(COLUMNS):
            self.setColumnWidth(at, wanted[name])

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.fit()
