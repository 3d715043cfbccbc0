"""Two drafts of one room, kept from two devices: what is different, which to go on with, and both brought together."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QComboBox, QWidget

from classtap_core.seating.model import SeatMap
from classtap_core.seating.versions import Merged, merge
from classtap_desktop.canvas.dialogs.difference import Comparison
from classtap_desktop.canvas.life.reading import DraftMap, Pair
from classtap_desktop.desk import Desk
from classtap_desktop.frame.dialog import Dialog, named
from classtap_desktop.kit import Label, theme
from classtap_desktop.screens.sessions import ago
from classtap_desktop.spacing import row


class PairDialog(Dialog):
    """Attributes: ``first``, ``second`` (which drafts), ``comparison``, ``merged`` (both as one).

    ``open_draft(draft, seat_map)`` goes on with a draft; with a map where it is to begin with that one.
    """

    def __init__(
        self, over: QWidget, desk: Desk, pair: Pair, *, open_draft: Callable[[str, SeatMap | None], object]
    ) -> None:
        words = theme().words
        super().__init__(over, words.say("map.pair.title"), wide=1100, high=680)
        self._desk, self._pair, self._open_draft = desk, pair, open_draft
        self.merged: Merged | None = None
        self.first, self.second = QComboBox(), QComboBox()
        chosen = row(gap=12)
        for box, name in ((self.first, "map.pair.first"), (self.second, "map.pair.second")):
            for draft in pair.drafts:
                box.addItem(self._named(draft))
            chosen.addWidget(named(box, words.say(name)))
            chosen.addWidget(box, 1)
        self.first.setCurrentIndex(1)
        self.second.setCurrentIndex(0)
        self.body.addLayout(chosen)
        self.comparison = Comparison()
        self.body.addWidget(self.comparison, 1)
        self.said = Label("", "secondary", token="muted", wrap=True)
        self.body.addWidget(self.said)
        self.button(words.say("map.pair.open_first"), lambda: self._go(self.first))
        self.button(words.say("map.pair.open_second"), lambda: self._go(self.second))
        self.together = self.button(words.say("map.pair.together"), self._bring_together, kind="primary")
        for box in (self.first, self.second):
            box.currentIndexChanged.connect(lambda _at: self._compare())
        self._compare()

    def _named(self, draft: DraftMap) -> str:
        words = theme().words
        state = words.say(f"map.state.{draft.state}", version=draft.based_on + 1)
        when = ago(draft.saved_ms, self._desk.now().corrected, words)
        return words.join([words.say("map.room.draft", name=draft.editor or "–", ago=when), state])

    def _chosen(self, box: QComboBox) -> DraftMap:
        return self._pair.drafts[max(0, box.currentIndex())]

    def _compare(self) -> None:
        words = theme().words
        one, other = self._chosen(self.first), self._chosen(self.second)
        self.comparison.show_maps(one.seat_map, other.seat_map)
        base = self._pair.base or SeatMap(name="", room=one.seat_map.room)
        self.merged = merge(base, one.seat_map, other.seat_map)
        conflicts = self.merged.conflicts
        names = {spot.id: spot.label for map in (one.seat_map, other.seat_map) for spot in map.spots}
        told = ", ".join(names.get(conflict.id) or conflict.part for conflict in conflicts[:8])
        self.said.show_text(
            words.say_n("map.pair.conflicts", len(conflicts), names=told) if conflicts else words.say("map.pair.clear")
        )
        self.together.setEnabled(one is not other)

    def _go(self, box: QComboBox) -> None:
        self.close_overlay()
        self._open_draft(str(self._chosen(box).id), None)

    def _bring_together(self) -> None:
        """Open the first draft with both in it, not saved yet; the second stays as it is."""
        if self.merged is not None:
            self.close_overlay()
            self._open_draft(str(self._chosen(self.first).id), self.merged.seat_map)
