"""The top of every screen: whose studio this is, whether the internet is there, what waits, and the time."""

from __future__ import annotations

from datetime import date

from PySide6.QtCore import QRectF, QSize
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QWidget

from classtap_core.timekeeping.rules import local_date
from classtap_desktop.kit import Label, Pill, QueueBadge, initials, painting, theme
from kiosk.screens.sentences import notice_words
from kiosk.view import State

_DOUBTS = {
    "rosters.old": ("queue.rosters", "offline"), "rosters.missing": ("queue.rosters", "offline"),
    "rosters.offline": ("queue.ask_staff", "people"),
}  # fmt: skip


class StudioMark(QWidget):
    """The studio's first letter on its colour, until it has a sign of its own."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._letter = ""
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def show_name(self, name: str) -> None:
        """Show the first letter of a studio's name."""
        self._letter = initials(name.split()[0]) if name.split() else ""
        self.update()

    def sizeHint(self) -> QSize:
        side = round(theme().px(38) * min(theme().text_scale, 1.4))
        return QSize(side, side)

    def paintEvent(self, event: QPaintEvent) -> None:
        here = theme()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = QRectF(self.rect())
        painting.box(painter, area, radius=here.px(11), fill=here.color("accent"))
        font = here.font("strong")
        font.setPixelSize(round(area.height() * 0.42))
        painting.line(painter, area, self._letter, font=font, color=here.color("on_accent"))
        painter.end()


class Header(QWidget):
    """Shows the studio, the connection, that staff are needed, doubt about the clock or the keys, and the time."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        here = theme()
        self._stated: tuple[object, ...] = ()
        self.mark = StudioMark()
        self.studio = Label("", "brand", elide=True)
        self.urgent = Pill("", "warn", icon="people", size="kiosk")
        self.clock_doubt = Pill("", "warn", icon="clock", size="kiosk")
        self.key_doubt = Pill("", "warn", icon="shield", size="kiosk")
        self.badge = QueueBadge(size="kiosk")
        self.clock = Label("", "clock")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(here.px(18))
        row.addWidget(self.mark)
        row.addWidget(self.studio, 1000)
        row.addStretch(1)
        row.addWidget(self.urgent)
        row.addWidget(self.clock_doubt)
        row.addWidget(self.key_doubt)
        row.addWidget(self.badge)
        row.addWidget(self.clock)

    def show_state(self, state: State) -> None:
        """Show what of the state stands in the header."""
        words = theme().words
        now = words.time(state.wall_ms, state.zone)
        # Who doubts the clock has to see which day it believes it is; in the pill's place where a large text leaves no room.
        day = words.date(date.fromisoformat(local_date(state.wall_ms, state.zone)), style="medium")
        roomy = theme().text_scale <= 1.3
        if state.clock_suspect and roomy:
            now = words.join((day, now))
        stated = (
            state.studio,
            now,
            state.online,
            state.waiting,
            state.hearing,
            state.clock_suspect,
            state.keys,
            state.urgent,
        )
        if stated == self._stated:
            return
        self._stated = stated
        self.mark.show_name(state.studio)
        self.studio.show_text(state.studio)
        self.clock.show_text(now)
        self.clock.setAccessibleName(words.say("a11y.now", time=now))
        self.urgent.setVisible(state.urgent)
        self.clock_doubt.setVisible(state.clock_suspect and not state.urgent)
        doubted = state.clock_suspect or state.keys is not None or state.urgent
        # beside a doubt there is no room for the good news
        self.badge.show_queue(
            online=state.online, waiting=state.waiting, hearing=0 if doubted else state.hearing
        )  # fmt: skip
        # at a large text size there is room for one doubt or the name; the mark still says whose studio it is
        self.studio.setVisible(not (doubted and not roomy))
        self.key_doubt.setVisible(state.keys is not None and not state.clock_suspect and not state.urgent)
        if state.urgent:
            self.urgent.show_pill(words.say("kiosk.urgent"), "warn", "people")
            self.urgent.setAccessibleDescription(words.say("kiosk.urgent_text"))
        if state.keys is not None:
            said, icon = _DOUBTS.get(state.keys.code, ("queue.keys", "shield"))
            self.key_doubt.show_pill(words.say(said), "warn", icon)
            self.key_doubt.setAccessibleDescription(notice_words(state.keys))
        if state.clock_suspect:
            self.clock_doubt.show_pill(words.say("queue.clock") if roomy else day, "warn", "clock")
            self.clock_doubt.setAccessibleDescription(words.say("error.clock_suspect"))
            self.clock_doubt.setToolTip(words.say("error.clock_suspect"))
