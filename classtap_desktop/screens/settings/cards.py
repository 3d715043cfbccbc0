"""Everybody's passes as cards: asked for in one go, drawn ten on a page, while somebody may watch and stop it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from PySide6.QtWidgets import QFileDialog, QProgressBar, QWidget

from classtap_core.checkin.reading import fetch, search
from classtap_core.kernel.errors import Refused
from classtap_core.naming.spelling import folded
from classtap_core.passes.records import Pass
from classtap_core.people.records import Family
from classtap_core.schedule.records import Location
from classtap_desktop.desk import Desk, Trouble
from classtap_desktop.kit import Button, Label, Signals, theme
from classtap_desktop.pass_cards import PassCard, sheet
from classtap_desktop.source import DeskSource
from classtap_desktop.spacing import row
from resources.text import Catalogue

GoingOn = Callable[[int, int], bool]
"""Hears how many of how many steps are done; no stops it. A card is two steps: it is asked for, and drawn."""


def write_sheet(
    source: DeskSource, file: Path, words: Catalogue, *, going_on: GoingOn = lambda done, most: True
) -> int:  # fmt: skip
    """Write the cards of every family held here whose pass is good, ten on a page; how many they are.

    Raises EnvironmentFault `cloud.unreachable`, Refused, `pass.cards_stopped` among them: then no file is written.
    """
    reader = source.reader
    good = [one.family for one in search(reader, Pass, "by_family") if one.revoked_at_ms is None]
    families = sorted(fetch(reader, Family, good).values(), key=lambda one: (folded(one.name), one.id))
    homes = fetch(reader, Location, (one.home for one in families))
    most = 2 * len(families)
    texts = source.pass_texts([one.id for one in families], going_on=lambda done: going_on(done, most))
    cards = []
    for family in families:
        if family.id in texts:
            found, home = texts[family.id], homes.get(family.home)
            zone = ZoneInfo(home.zone if home else "UTC")
            until = datetime.fromtimestamp(found.expires, tz=UTC).astimezone(zone).date()
            cards.append(PassCard(source.place_name(), family.name, found.text, until))

    def drawn(done: int) -> None:
        if not going_on(len(families) + done, most):
            raise Refused("pass.cards_stopped")

    file.write_bytes(sheet(cards, words, title=source.place_name(), drawn=drawn))
    return len(cards)


class CardsPrinting(QWidget):
    """A line that shows how far the cards are, with a button to stop. Hidden while nothing is printed."""

    def __init__(self, desk: Desk, said: Callable[[str], None]) -> None:
        """``said``: takes the sentence of what went wrong."""
        super().__init__()
        self._desk, self._said = desk, said
        self._signals = Signals(self)
        self._stopped = threading.Event()
        words = theme().words
        line = row(self, gap=12)
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.progress.setAccessibleName(words.say("desk.doors.cards"))
        self.told = Label("", "secondary", token="muted")
        self.stop = Button(words.say("desk.doors.cards_stop"), size="small", icon="close")
        self.stop.clicked.connect(lambda _=False: self.cancel())
        line.addWidget(self.told)
        line.addWidget(self.progress, 1)
        line.addWidget(self.stop)
        self.hide()

    def ask(self, over: QWidget) -> None:
        """Ask where to, and begin."""
        words = theme().words
        file, _ = QFileDialog.getSaveFileName(
            over, words.say("desk.pass.print_title"), f"{words.say('desk.doors.cards_file')}.pdf", "PDF (*.pdf)"
        )
        if file:
            self.print_to(Path(file))

    def print_to(self, file: Path) -> None:
        """Write the cards of everybody."""
        if not self.isHidden():
            return
        words, stopped = theme().words, threading.Event()
        self._stopped = stopped
        shown = self._signals.latest(self._count)

        def going_on(done: int, most: int) -> bool:
            shown(done, most)
            return not stopped.is_set()

        self._said("")
        self._count(0, 0)
        self.show()
        self._desk.do(
            lambda source: write_sheet(source, file, words, going_on=going_on), then=self._done, failed=self._failed
        )

    def cancel(self) -> None:
        """Stop at the next card; nothing is written."""
        self._stopped.set()

    def _count(self, done: int, most: int) -> None:
        words = theme().words
        self.progress.setRange(0, most)
        self.progress.setValue(done)
        asking = done * 2 <= most
        self.told.show_text(words.say("desk.doors.printing" if asking else "desk.doors.drawing"))

    def _done(self, cards: int) -> None:
        self.hide()
        self._desk.tell("desk.doors.printed", n=cards)

    def _failed(self, trouble: Trouble) -> None:
        self.hide()
        self._said(trouble.sentence(theme().words))
