"""For which classes a version comes into force, and what happens to everybody who is booked: asked before it is sent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import NamedTuple

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QComboBox, QFormLayout, QListWidget, QListWidgetItem, QWidget

from classtap_core.kernel.ids import Id
from classtap_core.seating.model import SeatMap
from classtap_core.seating.publishing import Move
from classtap_core.seating.versions import Foreseen, foreseen
from classtap_desktop.canvas.life.reading import Ahead, AheadOfRoom, Refusal
from classtap_desktop.desk import failure
from classtap_desktop.frame.dialog import Dialog, form, named
from classtap_desktop.kit import Button, Label, theme
from classtap_desktop.spacing import column, grown, row

ALL, FOLLOWING, SOME = "all", "following", "some"
SCOPES = (ALL, FOLLOWING, SOME)


class Reach(NamedTuple):
    """What was chosen: the classes, whether for them alone, from which local start on, and who goes where."""

    sessions: tuple[Id, ...]
    alone: bool = False
    since: str = ""
    moves: tuple[Move, ...] = ()


class ReachDialog(Dialog):
    """Attributes: ``scopes`` (buttons by name), ``list`` (the classes), ``choices`` (where each lost spot goes, by its
    id), ``go`` (the button that does it).

    With ``moving`` a person says where each lost spot goes; without, everybody who can be moved is moved by label, and
    the others keep their place without a spot (a rollback).
    """

    def __init__(
        self, over: QWidget, seat_map: SeatMap, ahead: AheadOfRoom, *, title: str, act: str, moving: bool,
        then: Callable[[Reach], object], refusal: Refusal | None = None,
    ) -> None:  # fmt: skip
        words = theme().words
        super().__init__(over, title, wide=960, high=660)
        self._map, self._ahead, self._moving, self._then, self._refusal = seat_map, ahead, moving, then, refusal
        self.scope = ALL
        self.choices: dict[str, QComboBox] = {}
        self._picked: dict[str, str] = {}
        if refusal is not None:
            said = [words.say("map.reach.refused")]
            said += [failure(code, params, words) for code, params in refusal.reasons[:5]]
            self.body.addWidget(Label("\n".join(said), "text", token="absent", wrap=True))
        self._scope_row()
        sides = row(gap=20)
        self.body.addLayout(sides, 1)
        self.list = QListWidget()
        self.list.setAccessibleName(words.say("map.reach.classes"))
        self.list.setMinimumWidth(grown(300))
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        for line in ahead.sessions:
            item = QListWidgetItem(self._named(line))
            item.setData(Qt.ItemDataRole.UserRole, line.id)
            item.setCheckState(Qt.CheckState.Checked)
            item.setSizeHint(QSize(0, grown(32)))
            self.list.addItem(item)
        self.list.itemChanged.connect(self._ticked)
        self.list.currentRowChanged.connect(lambda _row: self._from_here())
        sides.addWidget(self.list, 1)
        right = column(gap=8)
        self.summary = Label("", "strong", wrap=True)
        self.report = Label("", "text", wrap=True)
        right.addWidget(self.summary)
        right.addWidget(self.report)
        self.fields = QWidget()
        right.addWidget(self.fields)
        right.addStretch(1)
        self._right = right
        sides.addLayout(right, 1)
        self.button(words.say("map.answer.stay"), self.close_overlay)
        self.go = self.button(act, self.apply, kind="primary")
        self.show_scope(ALL)

    def _scope_row(self) -> None:
        words = theme().words
        chosen = row(gap=8)
        self.scopes = {name: Button(words.say(f"map.reach.{name}"), size="small", checkable=True) for name in SCOPES}
        for name, button in self.scopes.items():
            button.clicked.connect(lambda _=False, name=name: self.show_scope(name))
            button.setEnabled(name == ALL or bool(self._ahead.sessions))
            chosen.addWidget(button)
        chosen.addStretch(1)
        self.body.addLayout(chosen)
        self.hint = Label("", "secondary", token="muted", wrap=True)
        self.body.addWidget(self.hint)

    def open(self) -> None:
        super().open()
        self.scopes[self.scope].setFocus(Qt.FocusReason.OtherFocusReason)

    # --- which classes

    def show_scope(self, scope: str) -> None:
        """All to come, one and those that follow it, or just some."""
        words = theme().words
        self.scope = scope
        for name, button in self.scopes.items():
            button.setChecked(name == scope)
        self.hint.show_text(words.say(f"map.reach.{scope}_hint"))
        self.list.blockSignals(True)
        for at in range(self.list.count()):
            item = self.list.item(at)
            flags = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
            item.setFlags(flags | Qt.ItemFlag.ItemIsUserCheckable if scope == SOME else flags)
            item.setCheckState(Qt.CheckState.Unchecked if scope == SOME else Qt.CheckState.Checked)
        if scope != ALL and self.list.currentRow() < 0:
            self.list.setCurrentRow(0)
        if scope == SOME and self.list.currentItem() is not None:
            self.list.currentItem().setCheckState(Qt.CheckState.Checked)
        self.list.blockSignals(False)
        self._from_here()
        self._judge()

    def _from_here(self) -> None:
        """The chosen class and everything after it."""
        if self.scope != FOLLOWING:
            return
        since = self._since()
        self.list.blockSignals(True)
        for at, line in enumerate(self._ahead.sessions):
            on = line.start >= since
            self.list.item(at).setCheckState(Qt.CheckState.Checked if on else Qt.CheckState.Unchecked)
        self.list.blockSignals(False)
        self._judge()

    def _since(self) -> str:
        at = self.list.currentRow()
        return self._ahead.sessions[at].start if 0 <= at < len(self._ahead.sessions) else ""

    def _ticked(self, _item: QListWidgetItem) -> None:
        self._judge()

    def chosen(self) -> list[Ahead]:
        """The classes it is for."""
        states = (self.list.item(at).checkState() for at in range(self.list.count()))
        return [
            line for line, state in zip(self._ahead.sessions, states, strict=True) if state == Qt.CheckState.Checked
        ]

    # --- what it means to people

    def _judge(self) -> None:
        """Say who keeps their spot, and ask for the others."""
        words, chosen = theme().words, self.chosen()
        found = {line.id: foreseen(self._ahead.maps.get(line.seat_map), self._map, line.owes) for line in chosen}
        lost = self._lost(chosen, found)
        self.summary.show_text(words.say_n("map.reach.for", len(chosen), places=self._map.capacity()))
        said = []
        short = [line for line in chosen if found[line.id].short]
        said += [words.say_n("map.reach.short", found[line.id].short, name=self._named(line)) for line in short[:3]]
        unknown = sum(not line.held for line in chosen)
        said += [words.say_n("map.reach.not_held", unknown)] if unknown else []
        if not lost:
            said.append(words.say("map.reach.all_keep"))
        elif self._moving:
            said.append(words.say_n("map.reach.lost", len(lost)))
        else:
            said += [
                words.say("map.reach.goes" if to else "map.reach.unseated", name=self._old(spot), to=self._new(to))
                for spot, (to, _) in lost.items()
            ]
        self.report.show_text("\n".join(said))
        self._ask(lost if self._moving else {}, chosen)
        self._follow(bool(short))

    def _lost(self, chosen: Sequence[Ahead], found: dict[Id, Foreseen]) -> dict[str, tuple[str, int]]:
        """Every spot that somebody would lose: where it could go, and in how many classes."""
        lost: dict[str, tuple[str, int]] = {}
        for one in found.values():
            for spot, to in one.lost.items():
                before = lost.get(spot, ("", 0))
                lost[spot] = (before[0] or to, before[1] + 1)
        named_here = {line.id for line in chosen}
        for told in self._refusal.lost if self._refusal is not None else ():
            if told.get("session") in named_here and str(told.get("spot")) not in lost:
                lost[str(told["spot"])] = (str(told.get("to", "")), 1)
        return lost

    def _ask(self, lost: dict[str, tuple[str, int]], chosen: Sequence[Ahead]) -> None:
        """A field for each lost spot; what was picked stays picked."""
        words = theme().words
        self._picked |= {spot: str(box.currentData() or "") for spot, box in self.choices.items()}
        taken = {spot for line in chosen for spot in line.owes.spots}
        free = [spot for spot in self._map.spots if spot.reservable and spot.id not in taken]
        fields = QWidget()
        lines: QFormLayout = form()
        fields.setLayout(lines)
        self.choices = {}
        for spot, (to, count) in list(lost.items())[:40]:
            box = QComboBox()
            box.addItem(words.say("map.reach.choose"), "")
            for one in free:
                box.addItem(one.label or one.id[-4:], one.id)
            box.setCurrentIndex(max(0, box.findData(self._picked.get(spot) or to)))
            box.currentIndexChanged.connect(lambda _at: self._follow(False))
            self.choices[spot] = box
            lines.addRow(named(box, words.say_n("map.reach.who", count, name=self._old(spot))), box)
        self._right.replaceWidget(self.fields, fields)
        self.fields.hide()
        self.fields.deleteLater()
        self.fields = fields

    def _follow(self, short: bool) -> None:
        """It can be sent once everybody has a spot."""
        words = theme().words
        targets = [str(box.currentData() or "") for box in self.choices.values()]
        doubled = len(set(targets)) < len(targets) and all(targets)
        self.complain(words.say("map.reach.doubled") if doubled else "")
        ready = not short and all(targets) and not doubled and (self.scope != SOME or bool(self.chosen()))
        self.go.setEnabled(ready)

    def _named(self, line: Ahead) -> str:
        words = theme().words
        day = words.date(date.fromisoformat(line.start[:10]))
        return words.join([f"{day} {words.time(line.start_ms, line.zone)}", line.name])

    def _old(self, spot: str) -> str:
        maps = self._ahead.maps.values()
        return next((one.label for map in maps for one in map.spots if one.id == spot and one.label), spot[-4:])

    def _new(self, spot: str) -> str:
        return next((one.label for one in self._map.spots if one.id == spot), "")

    def apply(self) -> None:
        """Do it as chosen."""
        moves = tuple(Move(spot=spot, to=str(box.currentData())) for spot, box in self.choices.items())
        since = self._since() if self.scope == FOLLOWING else ""
        self.close_overlay()
        self._then(Reach(tuple(line.id for line in self.chosen()), self.scope == SOME, since, moves))
