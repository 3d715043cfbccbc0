"""The versions of a room's map: a picture of each, what changed between any two, and the way back to an earlier one."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QComboBox, QListWidget, QListWidgetItem, QWidget

from classtap_core.seating.model import SeatMap
from classtap_desktop.canvas.dialogs.difference import Comparison
from classtap_desktop.canvas.life.reading import VersionLine
from classtap_desktop.canvas.thumbnail import pictured
from classtap_desktop.desk import Desk
from classtap_desktop.frame.dialog import Dialog, named
from classtap_desktop.kit import Label, theme
from classtap_desktop.screens.sessions import ago
from classtap_desktop.spacing import column, grown, row

PICTURE = QSize(96, 72)


class HistoryDialog(Dialog):
    """Attributes: ``list`` (versions, newest first), ``against`` (what the chosen one is compared with),
    ``comparison``, ``back`` (brings the chosen version back; None where the person may not)."""

    def __init__(
        self, over: QWidget, desk: Desk, versions: tuple[VersionLine, ...], *,
        bring_back: Callable[[VersionLine], object] | None, talk: Callable[[VersionLine], object],
    ) -> None:  # fmt: skip
        words = theme().words
        super().__init__(over, words.say("map.history.title"), wide=1180, high=700)
        self._desk, self._versions = desk, versions
        sides = row(gap=20)
        self.body.addLayout(sides, 1)
        left = column(gap=8)
        self.list = QListWidget()
        self.list.setAccessibleName(words.say("map.history.versions"))
        self.list.setIconSize(QSize(grown(PICTURE.width()), grown(PICTURE.height())))
        self.list.setWordWrap(True)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setMinimumWidth(grown(270))
        for line in versions:
            self.list.addItem(self._item(line))
        left.addWidget(self.list, 1)
        sides.addLayout(left, 2)
        right = column(gap=10)
        self.against = QComboBox()
        pair = row(gap=10)
        pair.addWidget(named(self.against, words.say("map.history.against")))
        pair.addWidget(self.against, 1)
        right.addLayout(pair)
        self.comparison = Comparison()
        right.addWidget(self.comparison, 1)
        sides.addLayout(right, 5)
        if not versions:
            right.insertWidget(0, Label(words.say("map.history.none"), "text", token="muted", wrap=True))
        self.talk = self.button(words.say("map.comments.open"), lambda: self._with_chosen(talk))
        self.back = None
        if bring_back is not None:
            self.back = self.button("", lambda: self._with_chosen(bring_back), kind="primary")
        self.list.currentRowChanged.connect(lambda _row: self._chosen())
        self.against.currentIndexChanged.connect(lambda _at: self._compare())
        self.list.setCurrentRow(0)
        self._chosen()

    def open(self) -> None:
        super().open()
        self.list.setFocus(Qt.FocusReason.OtherFocusReason)

    @property
    def line(self) -> VersionLine | None:
        """The chosen version."""
        at = self.list.currentRow()
        return self._versions[at] if 0 <= at < len(self._versions) else None

    def _item(self, line: VersionLine) -> QListWidgetItem:
        words, ratio = theme().words, self.devicePixelRatioF()
        text = "\n".join([words.say("map.history.version", version=line.number), *self._facts(line)])
        size = QSize(grown(PICTURE.width()), grown(PICTURE.height()))
        item = QListWidgetItem(QIcon(pictured(line.seat_map, size, ratio=ratio)), text)
        item.setData(Qt.ItemDataRole.AccessibleTextRole, ", ".join(text.splitlines()))
        lines = (text.count("\n") + 2) * theme().metrics("text").lineSpacing()  # one to spare for a long name
        item.setSizeHint(QSize(0, round(max(size.height() + theme().px(10), lines))))
        return item

    def _facts(self, line: VersionLine) -> list[str]:
        words = theme().words
        when = ago(line.published_ms, self._desk.now().corrected, words)
        facts = [
            words.join(
                [
                    words.say_n("map.room.capacity", line.capacity),
                    words.say("map.state.in_force") if line.current else "",
                ]
            )
        ]
        facts.append(words.say("map.room.draft", name=line.publisher or "–", ago=when))
        if line.approver:
            facts.append(words.say("map.history.approved", name=line.approver))
        if line.restored:
            facts.append(words.say("map.history.restored", version=line.restored))
        if line.sessions:
            facts.append(words.say_n("map.history.alone", line.sessions))
        if line.shared:
            facts.append(words.say("map.history.shared"))
        return facts

    def _chosen(self) -> None:
        """Show the chosen version beside the one before it; another can be picked."""
        words, line = theme().words, self.line
        for widget in (self.talk, self.against, self.comparison):
            widget.setEnabled(line is not None)
        if line is None:
            if self.back is not None:
                self.back.hide()
            return
        self.against.blockSignals(True)
        self.against.clear()
        for other in self._versions:
            if other is not line:
                text = words.say("map.history.version", version=other.number)
                text = words.join([text, words.say("map.state.in_force") if other.current else ""])
                self.against.addItem(text, other.number)
        self.against.addItem(words.say("map.history.nothing"), 0)
        before = next((one.number for one in self._versions if one.number < line.number), 0)
        self.against.setCurrentIndex(self.against.findData(before))
        self.against.blockSignals(False)
        if self.back is not None:
            self.back.show_text(words.say("map.history.back", version=line.number))
            self.back.setEnabled(not line.current)
        self._compare()

    def _compare(self) -> None:
        line = self.line
        if line is not None:
            self.comparison.show_maps(self._map_of(self.against.currentData() or 0, line), line.seat_map)

    def _map_of(self, number: int, line: VersionLine) -> SeatMap:
        found = next((one.seat_map for one in self._versions if one.number == number), None)
        return found or SeatMap(name="", room=line.seat_map.room)

    def _with_chosen(self, act: Callable[[VersionLine], object]) -> None:
        if self.line is not None:
            act(self.line)
