"""The rooms: each with a picture of its map, what is in force, and the drafts somebody works on."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from classtap_desktop.canvas.reading import DraftLine, RoomLine
from classtap_desktop.canvas.thumbnail import Thumbnail
from classtap_desktop.kit import Button, Card, EmptyState, Label, Pill, theme
from classtap_desktop.screens.sessions import ago
from classtap_desktop.spacing import column, grown, row

THUMB = QSize(168, 124)


class RoomCard(Card):
    """One room. Signals: ``opened(draft)`` to work on a draft ("" for the newest, or what is in force), ``begun`` for
    a new map from a template, ``compared`` where there are two drafts, ``asked`` to say which spots work."""

    opened = Signal(str)
    begun = Signal()
    compared = Signal()
    asked = Signal()

    def __init__(self, line: RoomLine, now_ms: int) -> None:
        super().__init__(radius=16)
        words = theme().words
        self.line = line
        large = theme().text_scale > 1.5
        whole = column(self, margins=(14, 14, 18, 14), gap=10)
        inside = row(gap=18)
        whole.addLayout(inside)
        self.picture = Thumbnail(THUMB)
        self.picture.show_map(line.seat_map)
        inside.addWidget(self.picture, 0, Qt.AlignmentFlag.AlignTop)
        said = column(gap=6)
        head = row(gap=10)
        head.addWidget(Label(line.name, "heading", elide=True))
        pills = [
            Pill(words.say("map.room.version", version=line.version), "present", icon="check")
            if line.version
            else Pill(words.say("map.room.none"), "plain")
        ]
        if line.recovered:
            pills.append(Pill(words.say("map.room.recovered"), "late", icon="clock"))
        if line.asked:
            pills.append(Pill(words.say(f"map.room.{line.asked}"), "info" if line.asked == "waits" else "absent"))
        said.addLayout(head)
        for pill in pills:  # below the name where large words leave no room beside it
            if large:
                said.addWidget(pill, 0, Qt.AlignmentFlag.AlignLeading)
            else:
                head.addWidget(pill)
        head.addStretch(1)
        said.addWidget(Label(words.say_n("map.room.capacity", line.capacity), "secondary", token="muted"))
        if line.locked_by:
            since = words.time(line.locked_since_ms, line.zone)
            text = words.say("map.locked_since", name=line.locked_by, time=since)
            said.addWidget(Pill(text, "warn", icon="lock"), 0, Qt.AlignmentFlag.AlignLeading)
        self.buttons: list[Button] = []
        for draft in line.drafts:
            said.addLayout(self._draft(draft, now_ms))
        said.addStretch(1)
        inside.addLayout(said, 1)
        acts: QVBoxLayout | QHBoxLayout = row(gap=8) if large else column(gap=8)
        if line.seat_map is not None:
            self._act(acts, words.say("map.room.open"), lambda: self.opened.emit(""), icon="")
        if len(line.drafts) > 1:
            self._act(acts, words.say("map.room.compare"), self.compared.emit, icon="")
        if line.version:
            self._act(acts, words.say("map.room.works"), self.asked.emit, icon="")
        self._act(acts, words.say("map.room.begin"), self.begun.emit, icon="plus")
        acts.addStretch(1)
        (whole if large else inside).addLayout(acts)

    def _act(self, acts: QVBoxLayout | QHBoxLayout, text: str, act: Callable[[], object], *, icon: str) -> None:
        button = Button(text, size="small", icon=icon or None)
        button.setAccessibleName(f"{text}: {self.line.name}")
        button.clicked.connect(lambda _=False: act())
        acts.addWidget(button)
        self.buttons.append(button)

    def _draft(self, draft: DraftLine, now_ms: int) -> QHBoxLayout:
        words = theme().words
        line = row(gap=10)
        tone = {"draft": "late", "pending": "info", "approved": "present"}[draft.state]
        line.addWidget(Pill(words.say(f"map.state.{draft.state}", version=draft.based_on + 1), tone))
        text = words.say("map.room.draft", name=draft.editor or "–", ago=ago(draft.saved_ms, now_ms, words))
        if draft.state == "draft" and draft.decision:
            text = words.join([text, words.say("map.room.sent_back", text=draft.decision)])
        elif draft.forked:
            text = words.join([text, words.say("map.room.kept_beside")])
        line.addWidget(Label(text, "secondary", token="muted", elide=True), 1)
        button = Button(words.say("map.room.edit"), size="small", kind="quiet")
        button.setAccessibleName(f"{button.text()}: {self.line.name}, {draft.editor}")
        button.clicked.connect(lambda _=False: self.opened.emit(str(draft.id)))
        line.addWidget(button)
        self.buttons.append(button)
        return line


class Rooms(QWidget):
    """Attributes: ``cards``. Signals: ``opened(room, draft)``, ``begun(room)``, ``compared(room)``, ``rolled_out`` when
    the roll-outs are wanted, ``approving(needed)`` when somebody says whether maps need approval, ``asked(room)`` to say
    which spots work."""

    opened = Signal(str, str)
    begun = Signal(str)
    compared = Signal(str)
    asked = Signal(str)
    rolled_out = Signal()
    approving = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.cards: list[RoomCard] = []
        self._lines: tuple[RoomLine, ...] = ()
        self._now_ms = 0
        whole = column(self, margins=(26, 18, 26, 22), gap=14)
        self.title = Label("", "title")
        self.area = QScrollArea()
        self.area.setWidgetResizable(True)
        self.area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.rollouts = Button("", size="small")
        self.rollouts.clicked.connect(lambda _=False: self.rolled_out.emit())
        self.approval = QCheckBox()
        self.approval.clicked.connect(self.approving)
        self.approval.hide()
        head = row(gap=12)
        head.addWidget(self.title, 1)
        head.addWidget(self.rollouts)
        whole.addLayout(head)
        whole.addWidget(self.approval)
        whole.addWidget(self.area, 1)
        self.say()

    def show_rooms(self, lines: tuple[RoomLine, ...], now_ms: int) -> None:
        """Show the rooms as they are; the list keeps its place."""
        at = self.area.verticalScrollBar().value()
        self._lines, self._now_ms = lines, now_ms
        words = theme().words
        inside = QWidget()
        listed = column(inside, margins=(0, 0, 10, 0), gap=12)
        self.cards = []
        place = None
        for line in lines:
            if line.place != place:
                place = line.place
                listed.addWidget(Label(place, "label", token="muted"))
            card = RoomCard(line, now_ms)
            card.opened.connect(lambda draft, line=line: self.opened.emit(str(line.id), draft))
            card.begun.connect(lambda line=line: self.begun.emit(str(line.id)))
            card.compared.connect(lambda line=line: self.compared.emit(str(line.id)))
            card.asked.connect(lambda line=line: self.asked.emit(str(line.id)))
            self.cards.append(card)
            listed.addWidget(card)
        if not lines:
            listed.addWidget(EmptyState("room", words.say("map.rooms.none"), words.say("map.rooms.none_hint")))
        listed.addStretch(1)
        self.area.setWidget(inside)
        self.area.verticalScrollBar().setValue(at)
        inside.setMinimumWidth(grown(400))

    def show_approving(self, needed: bool, *, may: bool) -> None:
        """Show whether maps need approval, to who may say otherwise."""
        self.approval.setChecked(needed)
        self.approval.setVisible(may)

    def say(self) -> None:
        """Show the words in the language in force."""
        self.approval.setText(theme().words.say("map.approval.needed"))
        self.approval.setToolTip(theme().words.say("map.approval.hint"))
        self.title.show_text(theme().words.say("desk.screen.seatmaps"))
        self.area.setAccessibleName(self.title.whole_text())
        self.rollouts.show_text(theme().words.say("map.rollouts.open"))
        if self._lines:
            self.show_rooms(self._lines, self._now_ms)
