"""This place's timetable and its people, written for other programs."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFileDialog, QWidget

from classtap_core.access.blueprints import Capability
from classtap_desktop.desk import Desk
from classtap_desktop.kit import Button, Card, Label, theme
from classtap_desktop.screens.imports.reading import CALENDAR_OUT, ROSTER_OUT, write_out
from classtap_desktop.spacing import column

_NEEDS = {CALENDAR_OUT: Capability.VIEW_SCHEDULE, ROSTER_OUT: Capability.EXPORT_STUDIO}
_FILES = {CALENDAR_OUT: ("calendar.ics", "iCalendar (*.ics)"), ROSTER_OUT: ("roster.zip", "OneRoster (*.zip)")}
_ICONS = {CALENDAR_OUT: "calendar", ROSTER_OUT: "people"}


class PlaceCard(Card):
    """Attributes: ``ways`` (a button for each file). Signals: ``wrote`` after one was written."""

    wrote = Signal()

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(radius=18, parent=parent)
        self._desk = desk
        inside = column(self, margins=(22, 18, 22, 18), gap=8)
        self.title = Label("", "heading", wrap=True)
        inside.addWidget(self.title)
        self.ways: dict[str, Button] = {}
        for what in _NEEDS:
            button = self.ways[what] = Button("", icon=_ICONS[what])
            button.clicked.connect(lambda _=False, what=what: self._ask_file(what))
            inside.addWidget(button, 0, Qt.AlignmentFlag.AlignLeading)

    def show_rights(self) -> None:
        """Offer what the signed-in person may take out."""
        place = self._desk.source.place.location
        for what, button in self.ways.items():
            button.setEnabled(place is not None and self._desk.may(_NEEDS[what], location=place))

    def say(self) -> None:
        words = theme().words
        self.title.show_text(words.say("desk.place_out.title"))
        for what, button in self.ways.items():
            button.show_text(words.say(f"desk.place_out.{what}"))

    def write_to(self, what: str, path: Path) -> None:
        """Write one of the files."""
        self._desk.do(lambda source: write_out(source, what, path), then=lambda count: self._written(what, count))

    def _ask_file(self, what: str) -> None:
        name, kinds = _FILES[what]
        path, _ = QFileDialog.getSaveFileName(self, self.ways[what].text(), str(Path.home() / name), kinds)
        if path:
            self.write_to(what, Path(path))

    def _written(self, what: str, count: int) -> None:
        self._desk.tell(f"desk.place_out.{what}_written", count=count)
        self.wrote.emit()
