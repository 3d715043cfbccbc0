"""What is wrong with the map, as sentences: each leads to its place, and is put right with one press where that is safe."""

from __future__ import annotations

from typing import NamedTuple

from msgspec.structs import replace
from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QScrollArea, QWidget

from classtap_core.seating.mending import nearest_good
from classtap_core.seating.model import SeatMap, Spot
from classtap_core.seating.validation.findings import Rule, Violation
from classtap_core.seating.validation.telling import Teller
from classtap_desktop.canvas import edits
from classtap_desktop.canvas.board import Board
from classtap_desktop.canvas.document import Document
from classtap_desktop.canvas.judge import Judge
from classtap_desktop.kit import Button, Card, Label, theme
from classtap_desktop.spacing import column, grown, row

MOST_SHOWN = 40
_MOVED = frozenset({
    Rule.OVERLAP, Rule.SPACING, Rule.CLEARANCE_FRONT, Rule.CLEARANCE_REAR, Rule.CLEARANCE_SIDE, Rule.WALL_OFFSET,
    Rule.AISLE_WIDTH, Rule.EGRESS,
})  # fmt: skip


class Mend(NamedTuple):
    """A safe way to put one thing right: what it is called and the map it makes."""

    code: str
    seat_map: SeatMap
    items: tuple[str, ...]


def mend(judge: Judge, seat_map: SeatMap, found: Violation, grid_um: int) -> Mend | None:
    """What puts a finding right without hurting anything else; None where a person must decide."""
    if found.rule is Rule.DUPLICATE_LABEL:
        return _relabelled(seat_map, found)
    if found.rule not in _MOVED:
        return None
    spots = {spot.id: spot for spot in seat_map.spots}
    checker = judge.checker_for(seat_map)
    for id in found.items:
        spot = spots.get(id)
        if spot is None or edits.is_locked(seat_map, spot):
            continue
        good = nearest_good(checker, spot, max(grid_um, 50_000))
        if good is not None and good != spot:
            return Mend("moved_free", edits.with_changed(seat_map, [good]), (id,))
    return None


def _relabelled(seat_map: SeatMap, found: Violation) -> Mend | None:
    """Give all but the first of equal labels the next free number after it."""
    taken = {spot.label for spot in seat_map.spots} | {spot.alias for spot in seat_map.spots}
    changed: list[Spot] = []
    for spot in [spot for spot in seat_map.spots if spot.id in found.items][1:]:
        stem = spot.label.rstrip("0123456789") or "S"
        free = next(f"{stem}{n}" for n in range(1, 100_000) if f"{stem}{n}" not in taken)
        taken.add(free)
        changed.append(replace(spot, label=free, alias="" if spot.alias else spot.alias, row="", seat=""))
    return Mend("relabelled", edits.with_changed(seat_map, changed), tuple(one.id for one in changed))


class Problems(QWidget):
    """Attributes: ``lines`` (what is listed). Signals: ``told(code, params)`` where nothing could be mended."""

    told = Signal(str, object)

    def __init__(self, document: Document, judge: Judge, board: Board, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document, self._judge, self._board = document, judge, board
        self.lines: list[ProblemLine] = []
        self._shown: tuple[Violation, ...] | None = None
        whole = column(self, gap=8)
        self.title = Label("", "label", token="muted")
        self.area = QScrollArea()
        self.area.setWidgetResizable(True)
        self.area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        whole.addWidget(self.title)
        whole.addWidget(self.area, 1)
        judge.judged.connect(self._judged)
        theme().changed.connect(self._again)
        self._again()

    def _judged(self, seat_map: SeatMap, found: tuple[Violation, ...]) -> None:
        # while something is dragged the board itself says what is wrong; the list would only flicker
        if seat_map is self._document.seat_map and found != self._shown:
            self._fill(found)

    def _again(self) -> None:
        self._fill(self._shown or ())

    def _fill(self, found: tuple[Violation, ...]) -> None:
        words = theme().words
        self._shown = found
        self.title.show_text(words.say_n("map.problems", len(found)) if found else words.say("map.problems.none"))
        self.title.set_token("absent" if found else "present")
        self.area.setAccessibleName(self.title.whole_text())
        inside = QWidget()
        listed = column(inside, margins=(0, 0, 4, 0), gap=8)
        teller = Teller(self._document.seat_map)
        self.lines = []
        for one in found[:MOST_SHOWN]:
            code, params = teller.told(one)
            line = ProblemLine(
                one,
                words.say(code, **params),
                words.say("map.mend") if one.rule in _MOVED or one.rule is Rule.DUPLICATE_LABEL else "",
            )
            line.gone_to.connect(lambda one=one: self._go(one))
            line.mended.connect(lambda one=one: self._mend(one))
            self.lines.append(line)
            listed.addWidget(line)
        if len(found) > MOST_SHOWN:
            listed.addWidget(
                Label(words.say_n("map.problems.more", len(found) - MOST_SHOWN), "secondary", token="muted")
            )
        listed.addStretch(1)
        self.area.setWidget(inside)
        self.area.setVisible(bool(found))
        rows = min(len(found), 2)
        self.area.setFixedHeight(grown(86) * rows + 4 if rows else 0)

    def _go(self, found: Violation) -> None:
        """Select what is wrong and bring it into view."""
        self._document.select(found.items, whole_groups=False)
        if self._document.selection:
            self._board.show_items(self._document.selection)
        else:
            self._board.fit()

    def _mend(self, found: Violation) -> None:
        seat_map = self._document.seat_map
        safe = mend(self._judge, seat_map, found, self._board.grid_um)
        if safe is None:
            self._go(found)
            self.told.emit("map.told.no_mend", {})
        else:
            self._document.do(safe.code, safe.seat_map, select=safe.items, count=len(safe.items))


class ProblemLine(Card):
    """One finding. Signals: ``gone_to`` when it is pressed, ``mended`` when its cure is."""

    gone_to = Signal()
    mended = Signal()

    def __init__(self, found: Violation, sentence: str, cure: str) -> None:
        super().__init__(radius=10, token="absent_soft", edge="absent_soft")
        self.found = found
        inside = column(self, margins=(12, 8, 8, 8), gap=4)
        self.label = Label(sentence, "secondary", token="absent", wrap=True)
        inside.addWidget(self.label)
        foot = row(gap=4)
        foot.addStretch(1)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAccessibleName(sentence)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        words = theme().words
        self.show_button = Button(words.say("map.show"), size="small", kind="quiet")
        self.show_button.clicked.connect(lambda _=False: self.gone_to.emit())
        foot.addWidget(self.show_button)
        self.cure = Button(cure, size="small")
        self.cure.setVisible(bool(cure))
        self.cure.clicked.connect(lambda _=False: self.mended.emit())
        foot.addWidget(self.cure)
        inside.addLayout(foot)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.gone_to.emit()
            return
        super().keyPressEvent(event)

    def mousePressEvent(self, event: QEvent) -> None:
        self.gone_to.emit()
