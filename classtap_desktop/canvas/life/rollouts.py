"""Maps on their way to other rooms: planned for a time, how far each room is, what is its own, and what a person settles."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox, QComboBox, QHBoxLayout, QLineEdit, QListWidget, QVBoxLayout, QWidget
from shiboken6 import isValid

from classtap_core.kernel.device import Receipt
from classtap_core.kernel.errors import BadInput
from classtap_core.kernel.operations import Payload
from classtap_core.kernel.outcomes import Status
from classtap_core.seating.overrides import USUAL
from classtap_core.seating.records import Target
from classtap_core.seating.rollouts import CANCELLED, CONFLICT, FAILED, QUEUED, CancelRollout, PlanRollout, RetryRollout
from classtap_core.timekeeping.rules import local_of, moment
from classtap_desktop.canvas.life.progress import RolloutLine, Rollouts, RoomChoice, StepLine, read_rollouts
from classtap_desktop.canvas.life.reading import reasons_of
from classtap_desktop.desk import Desk, failure
from classtap_desktop.frame.dialog import Dialog, form, named
from classtap_desktop.kit import Button, Card, Label, Pill, theme
from classtap_desktop.spacing import column, row

TONES = {QUEUED: "info", "succeeded": "present", FAILED: "absent", CONFLICT: "warn", CANCELLED: "plain"}
LOCAL = (*USUAL, "place", "zones")
"""What a location can be allowed to have its own way."""


class RolloutsDialog(Dialog):
    """Attributes: ``cards`` (a card each roll-out). Reads again whenever one of its records changes."""

    def __init__(self, over: QWidget, desk: Desk, found: Rollouts) -> None:
        words = theme().words
        super().__init__(over, words.say("map.rollouts.title"), wide=980, high=680)
        self._desk, self._found = desk, found
        self.cards: list[RolloutCard] = []
        self.inside = QWidget()
        self.body.addWidget(self.inside, 1)
        self.button(words.say("a11y.close"), self.close_overlay)
        self.plan = self.button(words.say("map.rollouts.plan"), self.show_plan, kind="primary")
        self.show_found(found)

    def reload(self) -> None:
        """Read how far everything is."""
        self._desk.read("maps.rollouts", read_rollouts, then=self.show_found)

    def show_found(self, found: Rollouts) -> None:
        """Show roll-outs, the latest first."""
        if not isValid(self):
            return
        self._found = found
        words = theme().words
        inside = QWidget()
        listed = column(inside, gap=12)
        self.cards = [RolloutCard(line, found.rooms, self) for line in found.lines]
        for card in self.cards:
            listed.addWidget(card)
        if not found.lines:
            listed.addWidget(Label(words.say("map.rollouts.none"), "text", token="muted", wrap=True))
        listed.addStretch(1)
        self.body.replaceWidget(self.inside, inside)
        self.inside.deleteLater()
        self.inside = inside
        self.plan.setEnabled(any(room.version for room in found.rooms) and len(found.rooms) > 1)

    def show_plan(self) -> None:
        """Ask what goes where, and when."""
        PlanDialog(self._over, self, self._found.rooms).open()

    def do(self, payload: Payload) -> None:
        """Ask the cloud for something about a roll-out."""

        def told(receipt: Receipt) -> None:
            words, outcome = theme().words, receipt.outcome
            if outcome.stands:
                self.complain("")
            elif outcome.status is Status.WAITING:
                self.complain(words.say("map.rollouts.waits"))
            else:
                self.complain(" ".join(failure(code, params, words) for code, params in reasons_of(outcome)))
            self.reload()

        self._desk.submit(payload, then=told, failed=lambda trouble: self.complain(trouble.sentence(theme().words)))

    def show_own(self, step: StepLine) -> None:
        """What a room has its own way, line by line."""
        OwnDialog(self._over, step).open()


class RolloutCard(Card):
    """One roll-out. Attributes: ``buttons`` by what they do and the room's id."""

    def __init__(self, line: RolloutLine, rooms: tuple[RoomChoice, ...], dialog: RolloutsDialog) -> None:
        super().__init__(radius=14)
        words = theme().words
        self.line, self._dialog = line, dialog
        self.buttons: dict[tuple[str, str], Button] = {}
        zone = next((room.zone for room in rooms if room.id in {step.room for step in line.steps}), "UTC")
        inside = column(self, margins=(16, 12, 14, 12), gap=8)
        inside.addWidget(Label(line.name, "strong", wrap=True))
        day = words.date(date.fromisoformat(local_of(line.effective_ms, zone)[:10]), style="long")
        time = f"{day} {words.time(line.effective_ms, zone)}"
        when = words.say("map.rollouts.when", time=time, name=line.planner or "–")
        inside.addWidget(Label(when, "secondary", token="muted", wrap=True))
        for step in line.steps:
            self._step(inside, step)

    def _step(self, inside: QVBoxLayout, step: StepLine) -> None:
        words = theme().words
        name = words.join([step.place, step.name])
        shown = row(gap=10)
        shown.addWidget(Label(name, "text", elide=True), 1)
        state = words.say(f"map.rollouts.{step.state}", version=step.version, tries=step.tries)
        shown.addWidget(Pill(state, TONES.get(step.state, "plain")))
        about = {"rollout": self.line.id, "room": step.room, "location": step.location}
        acts: list[tuple[str, Payload]] = []
        if step.state == CONFLICT:
            acts += [(keep, RetryRollout(**about, keep=keep)) for keep in ("local", "shared")]
        if step.state == FAILED or (step.state == QUEUED and step.tries):
            acts.append(("again", RetryRollout(**about)))
        if step.state in (QUEUED, FAILED, CONFLICT):
            acts.append(("cancel", CancelRollout(**about)))
        for code, payload in acts:
            self._act(shown, words.say(f"map.rollouts.do_{code}"), code, step, partial(self._dialog.do, payload))
        if step.own:
            text = words.say_n("map.rollouts.own", len(step.own))
            self._act(shown, text, "own", step, lambda: self._dialog.show_own(step))
        inside.addLayout(shown)
        if step.both:
            said = words.say("map.rollouts.both", names=", ".join(step.both))
            inside.addWidget(Label(said, "secondary", token="warn", wrap=True))
        for told in () if step.both else step.told[:3]:
            params = dict(part.split("=", 1) for part in told.about.split(",") if "=" in part)
            inside.addWidget(Label(failure(told.code, params, words), "secondary", token="warn", wrap=True))

    def _act(self, shown: QHBoxLayout, text: str, code: str, step: StepLine, act: Callable[[], object]) -> None:
        button = Button(text, size="small", kind="quiet")
        button.setAccessibleName(f"{text}: {step.place}, {step.name}")
        button.clicked.connect(lambda _=False: act())
        self.buttons[code, str(step.room)] = button
        shown.addWidget(button)


class OwnDialog(Dialog):
    """What a location has its own way: the shared value, its own, and whether it may."""

    def __init__(self, over: QWidget, step: StepLine) -> None:
        words = theme().words
        super().__init__(over, words.say("map.rollouts.own_title", name=step.name), wide=620, high=520)
        self.list = QListWidget()
        self.list.setAccessibleName(self.title.whole_text())
        self.list.setWordWrap(True)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        for one in step.own:
            text = words.say(
                "map.rollouts.own_line",
                name=one.name,
                field=one.field,
                shared=one.shared or "–",
                local=one.local or "–",
            )
            self.list.addItem(text if one.allowed else words.join([text, words.say("map.rollouts.own_not")]))
        self.body.addWidget(self.list, 1)
        self.button(words.say("a11y.close"), self.close_overlay, kind="primary")
        self.closed.connect(self.deleteLater)


class PlanDialog(Dialog):
    """Attributes: ``source`` (the room whose map goes out), ``name``, ``when``, ``targets`` and ``allowed`` (ticks)."""

    def __init__(self, over: QWidget, rollouts: RolloutsDialog, rooms: tuple[RoomChoice, ...]) -> None:
        words = theme().words
        super().__init__(over, words.say("map.rollouts.plan"), wide=640, high=660)
        self._rollouts, self._rooms = rollouts, rooms
        self._sources = [room for room in rooms if room.version]
        fields = form()
        self.source, self.name, self.when = QComboBox(), QLineEdit(), QLineEdit()
        for room in self._sources:
            text = words.join([room.place, room.name, words.say("map.history.version", version=room.version)])
            self.source.addItem(text)
        fields.addRow(named(self.source, words.say("map.rollouts.source")), self.source)
        fields.addRow(named(self.name, words.say("map.rollouts.name")), self.name)
        fields.addRow(named(self.when, words.say("map.rollouts.time")), self.when)
        self.body.addLayout(fields)
        self.body.addWidget(Label(words.say("map.rollouts.targets"), "label", token="muted"))
        self.targets = {str(room.id): QCheckBox(words.join([room.place, room.name])) for room in rooms}
        for box in self.targets.values():
            self.body.addWidget(box)
        self.body.addWidget(Label(words.say("map.rollouts.allowed"), "label", token="muted"))
        self.allowed = {name: QCheckBox(words.say(f"map.rollouts.may_{name}")) for name in LOCAL}
        for name, box in self.allowed.items():
            box.setChecked(name in USUAL)
            self.body.addWidget(box)
        self.body.addStretch(1)
        self.button(words.say("map.answer.stay"), self.close_overlay)
        self.take = self.button(words.say("map.rollouts.go"), self.apply, kind="primary")
        self.source.currentIndexChanged.connect(lambda _at: self._follow())
        self.closed.connect(self.deleteLater)
        self._follow()

    def _room(self) -> RoomChoice:
        return self._sources[max(0, self.source.currentIndex())]

    def _follow(self) -> None:
        room = self._room()
        self.name.setText(room.name)
        now = self._rollouts._desk.now().corrected
        self.when.setText(local_of(now + 3_600_000, room.zone)[:13].replace("T", " ") + ":00")
        for id, box in self.targets.items():
            box.setVisible(id != room.id)
            if id == room.id:
                box.setChecked(False)

    def apply(self) -> None:
        """Plan it, or say what is missing."""
        words, room = theme().words, self._room()
        chosen = [one for one in self._rooms if self.targets[str(one.id)].isChecked()]
        if not chosen or not self.name.text().strip():
            self.complain(words.say("map.rollouts.missing"))
            return
        try:
            at = moment(self.when.text().strip().replace(" ", "T"), room.zone).at_ms
        except BadInput:
            self.complain(words.say("map.rollouts.no_time"))
            return
        self._rollouts.do(
            PlanRollout(
                name=self.name.text().strip(), room=room.id, location=room.location, version=room.version,
                targets=tuple(Target(one.id, one.location) for one in chosen), effective_ms=at,
                allowed=tuple(name for name, box in self.allowed.items() if box.isChecked()),
            )
        )  # fmt: skip
        self.close_overlay()
