"""How scanning goes at this desk's doors: counts by verdict, hour and door. Nobody's name, family or pass is in it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QGridLayout, QWidget

from classtap_core.access.records import Device
from classtap_core.checkin.attempts import ScanAttempts
from classtap_core.checkin.reading import fetch, search
from classtap_core.checkin.records import Scan
from classtap_core.checkin.scan_figures import ScanFigures, scan_figures
from classtap_core.kernel.ids import Id
from classtap_core.schedule.records import Location
from classtap_core.timekeeping.rules import instant_ms, local_date, shift_date
from classtap_desktop.desk import Desk
from classtap_desktop.frame.dialog import Dialog, named
from classtap_desktop.kit import Label, theme
from classtap_desktop.source import DeskSource
from classtap_desktop.spacing import row

RANGES = (("today", 0), ("week", 6), ("month", 29))
"""How many days before today each choice reaches back."""
DAYTIME = range(24)


class Told(NamedTuple):
    """What the dialog shows. `doors`: device names by id; `zone` is the location's."""

    figures: ScanFigures
    doors: dict[str, str]
    zone: str


def read_scans(source: DeskSource, *, days: int, outcome: str = "") -> Told:
    """Count what this desk holds of the last days, of one verdict or of all."""
    reader, now_ms = source.reader, source.clock.now().corrected
    place = fetch(reader, Location, [source.place.location] if source.place.location else [])
    zone = next((one.zone for one in place.values()), "UTC")
    since_ms = instant_ms(f"{shift_date(local_date(now_ms, zone), -days)}T00:00", zone)
    scans = [one for one in search(reader, Scan, "by_handle") if one.at_ms >= since_ms]
    attempts = search(reader, ScanAttempts, "by_device")
    told = [one for one in attempts if one.first_ms >= since_ms]
    figures = scan_figures(scans, told, zone=zone, outcome=outcome)
    devices = fetch(reader, Device, (Id(id) for id in figures.devices.keys() | figures.evicted.keys()))
    return Told(figures, {id: one.name for id, one in devices.items()}, zone)


class ScansDialog(Dialog):
    """Two filters, and the figures as tables of words: verdicts, hours, doors."""

    def __init__(self, desk: Desk, over: QWidget) -> None:
        words = theme().words
        super().__init__(over, words.say("desk.scans.title"), wide=780, high=600)
        self._desk = desk
        self._seen: set[str] = set()
        filters = row(gap=12)
        self.range = _choice([(words.say(f"desk.scans.range.{name}"), days) for name, days in RANGES], self.reload)
        self.outcome = _choice([(words.say("desk.scans.all"), "")], self.reload)
        for field, name in ((self.range, "desk.scans.when"), (self.outcome, "desk.scans.outcome")):
            filters.addWidget(named(field, words.say(name)))
            filters.addWidget(field, 1)
        self.body.addLayout(filters)
        self.tables = QWidget()
        self.body.addWidget(self.tables)
        self.body.addStretch(1)
        self.body.addWidget(Label(words.say("desk.scans.hint"), "secondary", token="muted", wrap=True))
        self.reload()

    def reload(self) -> None:
        """Count anew."""
        days, outcome = int(self.range.currentData()), str(self.outcome.currentData() or "")
        self._desk.read(
            "scans", lambda source: read_scans(source, days=days, outcome=outcome), then=self._show,
            failed=lambda trouble: self.complain(trouble.sentence(theme().words)),
        )  # fmt: skip

    def _show(self, told: Told) -> None:
        words, figures = theme().words, told.figures
        for code in sorted(figures.outcomes.keys() - self._seen):
            self._seen.add(code)
            self.outcome.addItem(verdict_words(code), code)
        fresh = QWidget()
        grid = QGridLayout(fresh)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(theme().px(24))
        grid.setVerticalSpacing(theme().px(4))
        grid.setColumnStretch(0, 1)
        lines: list[tuple[str, str, str]] = []
        if not figures.outcomes:
            lines.append(("", words.say("desk.scans.none"), ""))
        for code, count in sorted(figures.outcomes.items(), key=lambda one: (-one[1], one[0])):
            lines.append((words.say("desk.scans.outcome"), verdict_words(code), words.number(count)))
        for hour in (*DAYTIME, -1):
            count = sum(many for (at, _), many in figures.hours.items() if at == hour)
            if count:
                name = words.say("desk.scans.few") if hour < 0 else f"{hour:02}:00–{hour:02}:59"
                lines.append((words.say("desk.scans.hour"), name, words.number(count)))
        for device, count in sorted(figures.devices.items(), key=lambda one: (-one[1], one[0])):
            name = told.doors.get(device, words.say("desk.scans.door_gone"))
            lines.append((words.say("desk.scans.door"), name, words.number(count)))
        for device, (count, last_ms) in sorted(figures.evicted.items(), key=lambda one: (-one[1][0], one[0])):
            name = told.doors.get(device, words.say("desk.scans.door_gone"))
            said = words.say("desk.scans.evicted_is", number=count, at=words.datetime(last_ms, told.zone))
            lines.append((words.say("desk.scans.evicted"), name, said))
        for code, took in (("desk.scans.decode", figures.decode_us), ("desk.scans.verify", figures.verify_us)):
            if took:
                lines.append((words.say("desk.scans.took"), words.say(code), f"{took / 1000:.1f} ms"))
        _fill(grid, lines)
        self.body.replaceWidget(self.tables, fresh)
        self.tables.deleteLater()
        self.tables = fresh
        self.complain("")

    def lines(self) -> list[str]:
        """What the tables say, for tests and screen readers."""
        return [label.whole_text() for label in self.tables.findChildren(Label)]


def verdict_words(code: str) -> str:
    """The title a kiosk gives a verdict; its code where it has none."""
    words, known = theme().words, f"outcome.{code}.title"
    return words.say(known) if words.has(known) else code


def _fill(grid: QGridLayout, lines: list[tuple[str, str, str]]) -> None:
    """A heading where it changes, then names and numbers under each other."""
    at, heading = 0, None
    for group, name, number in lines:
        if group and group != heading:
            grid.addWidget(Label(group, "label", token="muted"), at, 0, 1, 2)
            at, heading = at + 1, group
        grid.addWidget(Label(name, "text", elide=True), at, 0)
        grid.addWidget(Label(number, "cell"), at, 1, Qt.AlignmentFlag.AlignTrailing)
        at += 1


def _choice(items: list[tuple[str, object]], changed: Callable[[], None]) -> QComboBox:
    made = QComboBox()
    for name, value in items:
        made.addItem(name, value)
    made.activated.connect(lambda _: changed())
    return made
