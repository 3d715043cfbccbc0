"""Which spots of a room work: said at the desk, with or without the internet, without touching the map."""

from __future__ import annotations

from typing import NamedTuple

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QComboBox, QLineEdit, QListWidget, QListWidgetItem, QWidget
from shiboken6 import isValid

from classtap_core.access.blueprints import Capability
from classtap_core.checkin.reading import fetch, search
from classtap_core.kernel.device import Receipt
from classtap_core.kernel.ids import Id
from classtap_core.kernel.operations import Payload
from classtap_core.kernel.outcomes import Status
from classtap_core.schedule.records import Location, Room
from classtap_core.schedule.seats import RoomSeating, SeatMapVersion, SpotStatus, room_seating_id, usable, version_id
from classtap_core.seating import model
from classtap_core.seating.tagging import BROKEN, RestoreSpot, TagSpot
from classtap_core.timekeeping.rules import local_date
from classtap_desktop.canvas.life.reading import map_of, names_of, reasons_of
from classtap_desktop.desk import Desk, failure
from classtap_desktop.frame.dialog import Dialog, form, named
from classtap_desktop.kit import Label, theme
from classtap_desktop.screens.sessions import ago
from classtap_desktop.source import DeskSource
from classtap_desktop.spacing import grown

WHY = ("mechanical", "safety", "cleaning", "missing_part", "other")
"""Codes of why a spot does not work (catalogue 17)."""


class SpotLine(NamedTuple):
    """A spot of the map in force, and what was said of it last: the codes, the words, by whom and when."""

    id: str
    label: str
    state: str
    code: str = ""
    note: str = ""
    by: str = ""
    at_ms: int = 0
    first: str = ""
    last: str = ""


def read_spots(source: DeskSource, room: Id) -> tuple[SpotLine, ...]:
    """The spots of what is in force in a room, in the map's order; those that nobody is ever shown aside. What was said
    for days that are over is not so any more."""
    here = fetch(source.reader, Location, [one.location for one in fetch(source.reader, Room, [room]).values()])
    zone = next((place.zone for place in here.values()), "UTC")
    today = local_date(source.clock.now().corrected, zone)
    seating = fetch(source.reader, RoomSeating, [room_seating_id(room)]).get(room_seating_id(room))
    id = version_id(room, seating.current if seating else 0)
    version = fetch(source.reader, SeatMapVersion, [id]).get(id)
    seat_map = map_of(version.document) if version else None
    said = {one.spot: one.entries[-1] for one in search(source.reader, SpotStatus, "by_room", room) if one.entries}
    names = names_of(source, [one.by for one in said.values()])
    lines = []
    for spot in seat_map.spots if seat_map else ():
        if spot.visibility is model.Visibility.HIDDEN:
            continue
        last = said.get(spot.id)
        if last is None:
            lines.append(SpotLine(spot.id, spot.label, spot.status.value))
        else:
            over = bool(last.last) and last.last < today
            state = spot.status.value if over or usable(last.state) else last.state
            by = names.get(last.by, "")
            lines.append(
                SpotLine(spot.id, spot.label, state, last.code, last.note, by, last.at_ms, last.first, last.last)
            )
    return tuple(lines)


class SpotsDialog(Dialog):
    """Attributes: ``list`` (spots with ticks), ``state``, ``why``, ``note``, ``first`` and ``last`` (what is said of those
    ticked)."""

    def __init__(self, over: QWidget, desk: Desk, room: Id, location: Id, name: str) -> None:
        words = theme().words
        super().__init__(over, words.say("map.works.title", name=name), wide=680, high=760)
        self._desk, self._room, self._location = desk, room, location
        self._lines: tuple[SpotLine, ...] = ()
        self.body.addWidget(Label(words.say("map.works.hint"), "text", token="muted", wrap=True))
        self.list = QListWidget()
        self.list.setAccessibleName(words.say("map.works.list"))
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.body.addWidget(self.list, 1)
        fields = form()
        self.state, self.why, self.note = QComboBox(), QComboBox(), QLineEdit()
        self.first, self.last = QLineEdit(), QLineEdit()
        for state in self._sayable():
            self.state.addItem(words.say(f"map.works.{state}"), state)
        for code in WHY:
            self.why.addItem(words.say(f"map.why.{code}"), code)
        self.state.currentIndexChanged.connect(lambda _at: self._fit())
        for field, code in ((self.state, "state"), (self.why, "why"), (self.note, "note")):
            fields.addRow(named(field, words.say(f"map.works.{code}")), field)
        for field, code in ((self.first, "first"), (self.last, "last")):
            field.setPlaceholderText(words.say("map.works.date"))
            fields.addRow(named(field, words.say(f"map.works.{code}")), field)
        self.body.addLayout(fields)
        self.button(words.say("a11y.close"), self.close_overlay)
        self.take = self.button(words.say("map.works.take"), self.apply, kind="primary")
        self.take.setEnabled(self.state.count() > 0)
        self.reload()

    def open(self) -> None:
        super().open()
        self.list.setFocus(Qt.FocusReason.OtherFocusReason)

    def _sayable(self) -> list[str]:
        """What this person may say of a spot."""
        states = [state.value for state in BROKEN] if self._may(Capability.TAG_SPOT) else []
        return [*states, model.Status.OPERATIONAL.value] if self._may(Capability.EDIT_SEATMAP) else states

    def _may(self, capability: Capability) -> bool:
        return self._desk.may(capability, location=self._location)

    def _broken(self) -> bool:
        return self.state.currentData() in [state.value for state in BROKEN]

    def _fit(self) -> None:
        """A reason and dates are for what does not work."""
        for field in (self.why, self.first, self.last):
            field.setEnabled(self._broken())

    def reload(self) -> None:
        """Read how the spots are."""
        self._desk.read("maps.spots", lambda source: read_spots(source, self._room), then=self._show)

    def _show(self, lines: tuple[SpotLine, ...]) -> None:
        if not isValid(self):
            return
        ticked = set(self.ticked())
        self._lines = lines
        self.list.clear()
        for line in lines:
            item = QListWidgetItem(self._text(line))
            item.setData(Qt.ItemDataRole.UserRole, line.id)
            item.setSizeHint(QSize(0, grown(32)))
            item.setCheckState(Qt.CheckState.Checked if line.id in ticked else Qt.CheckState.Unchecked)
            self.list.addItem(item)

    def _text(self, line: SpotLine) -> str:
        words = theme().words
        parts = [line.label or line.id[-4:], words.say(f"map.status.{line.state}")]
        if not usable(line.state) and line.at_ms:
            parts += [words.say(f"map.why.{line.code}")] if line.code in WHY else []
            parts += (
                [words.say("map.works.span", first=line.first or "…", last=line.last or "…")]
                if line.first or line.last
                else []
            )
            parts += [line.note, line.by or "–", ago(line.at_ms, self._desk.now().corrected, words)]
        return words.join([part for part in parts if part])

    def ticked(self) -> tuple[str, ...]:
        """The ids of the spots that are ticked."""
        items = [self.list.item(at) for at in range(self.list.count())]
        return tuple(
            item.data(Qt.ItemDataRole.UserRole) for item in items if item.checkState() is Qt.CheckState.Checked
        )

    def apply(self) -> None:
        """Say it of every spot that is ticked."""
        self.message.set_token("absent")
        operator, words, spots = self._desk.operator, theme().words, self.ticked()
        if operator is None or not spots:
            self.complain(words.say("map.works.none"))
            return
        state, note = self.state.currentData(), self.note.text().strip()
        room, location, by = self._room, self._location, operator.id
        payloads: list[Payload] = [
            TagSpot(
                room=room,
                location=location,
                spot=spot,
                by=by,
                state=state,
                code=self.why.currentData(),
                note=note,
                first=self.first.text().strip(),
                last=self.last.text().strip(),
            )
            if self._broken()
            else RestoreSpot(room=room, location=location, spot=spot, by=by, note=note)
            for spot in spots
        ]
        self._desk.submit_all(payloads, then=self._told, failed=lambda trouble: self.complain(trouble.sentence(words)))

    def _told(self, receipts: list[Receipt]) -> None:
        if not isValid(self):
            return
        words = theme().words
        refused = [one.outcome for one in receipts if one.outcome.status in (Status.REFUSED, Status.SUPERSEDED)]
        if refused:
            said = dict.fromkeys(failure(code, params, words) for one in refused for code, params in reasons_of(one))
            self.complain(" ".join(said))
        else:
            waits = any(one.outcome.status is Status.WAITING for one in receipts)
            self.complain(words.say("map.works.waits" if waits else "map.works.said"))
            self.message.set_token("info" if waits else "present")
            self.note.clear()
        self.reload()
