"""Layers: what is shown and what can be touched. What is hidden still binds (catalogue 15, requirement 3)."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox, QGridLayout, QScrollArea, QWidget

from classtap_core.seating.model import SeatMap
from classtap_desktop.canvas import edits
from classtap_desktop.canvas.document import Document
from classtap_desktop.kit import Label, theme
from classtap_desktop.spacing import column


class Layers(QWidget):
    """Attributes: ``shown`` and ``locked`` (check boxes by layer)."""

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self.shown: dict[str, QCheckBox] = {}
        self.locked: dict[str, QCheckBox] = {}
        self.area = area = QScrollArea()
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        column(self).addWidget(area)
        inside = QWidget()
        area.setWidget(inside)
        whole = column(inside, margins=(0, 0, 6, 0), gap=10)
        self._grid = QGridLayout()
        self._grid.setColumnStretch(0, 1)
        whole.addLayout(self._grid)
        self.note = Label("", "secondary", token="muted", wrap=True)
        whole.addWidget(self.note)
        whole.addStretch(1)
        document.changed.connect(self._changed)
        theme().changed.connect(self._build)
        self._build()

    def _names(self) -> list[str]:
        own = [layer.id for layer in self._document.seat_map.layers if layer.id not in edits.LAYERS]
        return [*edits.LAYERS, *own]

    def _changed(self, before: SeatMap, after: SeatMap) -> None:
        if before.layers is not after.layers:
            self._build()

    def _build(self) -> None:
        words = theme().words
        while (item := self._grid.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.deleteLater()
        self.shown, self.locked = {}, {}
        layers = {layer.id: layer for layer in self._document.seat_map.layers}
        below = theme().text_scale > 1.2  # large words leave no room beside a layer's name
        for line, id in enumerate(self._names()):
            layer = layers.get(id)
            name = words.say(f"map.layer.{id}") if id in edits.LAYERS else (layer.name if layer else id)
            head = 2 * line if below else line
            self._grid.addWidget(Label(name, wrap=True), head, 0, 1, 3 if below else 1)
            for place, (held, on, code) in enumerate(
                (
                    (self.shown, layer.visible if layer else True, "shown"),
                    (self.locked, layer.locked if layer else False, "locked"),
                ),
                start=1,
            ):
                check = QCheckBox(words.say(f"map.layer.{code}"))
                check.setAccessibleName(f"{name}: {words.say(f'map.layer.{code}')}")
                check.setChecked(on)
                check.clicked.connect(lambda _=False, id=id: self._set(id))
                held[id] = check
                self._grid.addWidget(check, head + below, place - below)
        self.note.show_text(words.say("map.layer.note"))
        self.area.setAccessibleName(words.say("map.page.layers"))

    def _set(self, id: str) -> None:
        after = edits.with_layer(
            self._document.seat_map, id, visible=self.shown[id].isChecked(), locked=self.locked[id].isChecked()
        )
        self._document.do("layer", after)
