"""Giving a role: which, where and to what it is limited, for how long, and what it would change for each person before it is done."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import QComboBox, QVBoxLayout, QWidget

from classtap_core.access.assigning import Mode
from classtap_core.access.blueprints import ROLES
from classtap_core.access.records import Grant
from classtap_desktop.kit import Button, Label, theme
from classtap_desktop.screens.access.reading import Change, Draft, People, PersonLine, limit_name, preview
from classtap_desktop.screens.choice_box import choice_box
from classtap_desktop.spacing import column, row

LARGE = 1.4
"""Above this size of text a choice stands under its name, not beside it."""
_DAYS = (0, 1, 7, 30, 90)
_MOST_SHOWN = 12
_WORDS = {
    "role": "role", "location": "place", "room": "room", "class_type": "class", "segment": "segment", "money": "money",
    "mode": "mode", "days": "days",
}  # fmt: skip
_OWN = ("segment", "money")


class GiveForm(QWidget):
    """Attributes: ``draft``, ``boxes`` (a choice by its name in the draft), ``apply``.

    Signals: ``drafted(draft)`` when another choice was made, ``given`` when it is to be done.
    """

    drafted = Signal(object)
    given = Signal()

    def __init__(
        self, people: People, chosen: Sequence[PersonLine], draft: Draft, *, at_ms: int, grant_text: Callable[[Grant], str]
    ) -> None:  # fmt: skip
        super().__init__()
        words = theme().words
        self.draft = draft
        self._people, self._chosen, self._at_ms, self._grant_text = people, chosen, at_ms, grant_text
        whole = column(self, gap=10)
        whole.addWidget(Label(words.say("desk.access.give"), "strong"))
        self.boxes: dict[str, QComboBox] = {}
        for name, code in _WORDS.items():
            box = self.boxes[name] = choice_box(self._choices(name), getattr(draft, name))
            said = words.say(f"desk.access.{code}")
            box.setAccessibleName(said)
            if name in _OWN:
                self._let_own(box, name)
            else:
                box.activated.connect(lambda _at, name=name, box=box: self._pick(name, box.currentData()))
            line = column(gap=4) if theme().text_scale > LARGE else row(gap=8)
            line.addWidget(Label(said, "text", token="muted", wrap=True), 2)
            line.addWidget(box, 3)
            whole.addLayout(line)
        whole.addWidget(Label(words.say("desk.access.preview"), "label", token="muted"))
        self._changes: QVBoxLayout = column(gap=6)
        whole.addLayout(self._changes)
        self.apply = Button(words.say("desk.access.apply"), kind="primary")
        self.apply.clicked.connect(lambda _=False: self.given.emit())
        whole.addWidget(self.apply)
        self._show_changes()

    def pick(self, **chosen: str | int) -> None:
        """Choose by name, as if somebody had."""
        for name, value in chosen.items():
            box = self.boxes[name]
            with QSignalBlocker(box):
                at = box.findData(value)
                box.setCurrentIndex(at)
                if at < 0 and name in _OWN:
                    box.setEditText(str(value))
            self._pick(name, value)

    def _choices(self, name: str) -> list[tuple[str, object]]:
        words, people = theme().words, self._people
        match name:
            case "role":
                return [(words.say(f"role.{role}"), role) for role in ROLES]
            case "location":
                return [(words.say("desk.access.everywhere"), ""), *((said, id) for id, said in people.places)]
            case "room":
                rooms = [(said, id) for id, at, said in people.rooms if at == self.draft.location]
                return [(words.say("desk.access.any_room"), ""), *rooms]
            case "class_type":
                return [(words.say("desk.access.any_class"), ""), *((said, id) for id, said in people.classes)]
            case "segment" | "money":
                limits = people.segments if name == "segment" else people.money
                every = words.say(f"desk.access.any_{name}")
                return [(every, ""), *((limit_name(one, words), one) for one in limits)]
            case "mode":
                return [
                    (words.say(f"desk.access.mode.{one}"), one.value) for one in (Mode.ADD, Mode.REPLACE, Mode.RESTRICT)
                ]
        return [(words.say(f"desk.access.days.{days}"), days) for days in _DAYS]

    def _let_own(self, box: QComboBox, name: str) -> None:
        """A studio has groups and money of its own: they may be typed."""
        box.setEditable(True)
        box.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        box.setToolTip(theme().words.say("desk.access.own_limit"))
        field = box.lineEdit()
        assert field is not None
        field.setAccessibleName(box.accessibleName())
        value = getattr(self.draft, name)
        if box.findData(value) < 0:
            box.setEditText(value)

        def typed() -> None:
            text = field.text().strip()
            at = next((at for at in range(box.count()) if box.itemText(at).casefold() == text.casefold()), -1)
            self._pick(name, box.itemData(at) if at >= 0 else text)

        box.activated.connect(lambda _at: typed())
        field.editingFinished.connect(typed)

    def _pick(self, name: str, value: str | int) -> None:
        if getattr(self.draft, name) == value:
            return
        self.draft = self.draft._replace(**{name: value})  # type: ignore[arg-type]
        if name == "location":
            self.draft = self.draft._replace(room="")
            room = self.boxes["room"]
            with QSignalBlocker(room):
                room.clear()
                for text, id in self._choices("room"):
                    room.addItem(text, id)
        self._show_changes()
        self.drafted.emit(self.draft)

    def _show_changes(self) -> None:
        words = theme().words
        while (item := self._changes.takeAt(0)) is not None:
            widget = item.widget()
            assert widget is not None
            widget.hide()
            widget.deleteLater()
        changes = preview(self._chosen, self.draft, at_ms=self._at_ms)
        for change in changes[:_MOST_SHOWN]:
            for text, token in self._said(change):
                self._changes.addWidget(Label(text, "text", token=token, wrap=True))
        if len(changes) > _MOST_SHOWN:
            self._changes.addWidget(Label(f"+{words.number(len(changes) - _MOST_SHOWN)}", "text", token="muted"))
        if not changes:
            self._changes.addWidget(Label(words.say("desk.access.preview_none"), "text", token="muted", wrap=True))
        if self.draft.segment or self.draft.money:
            self._changes.addWidget(Label(words.say("desk.access.limited"), "secondary", token="muted", wrap=True))
        self.apply.setEnabled(bool(changes))

    def _said(self, change: Change) -> list[tuple[str, str]]:
        words, name = theme().words, change.name
        lines = [
            (words.say("desk.access.begins", name=name, grant=self._grant_text(one)), "ink") for one in change.begins
        ]
        lines += [(words.say("desk.access.ends", name=name, grant=self._grant_text(one)), "ink") for one in change.ends]
        for code, rights, token in (("gained", change.gained, "present"), ("lost", change.lost, "absent")):
            if rights:
                lines.append((words.say(f"desk.access.{code}", name=name, rights=rights_text(rights)), token))
        if change.risky:
            lines.append((words.say("desk.access.risky", rights=rights_text(change.risky)), "warn"))
        return lines


def right_text(name: str) -> str:
    """Return a right in words."""
    words = theme().words
    return words.say(f"right.{name}") if words.has(f"right.{name}") else name.replace("_", " ")


def rights_text(names: Sequence[str]) -> str:
    """Return several rights in words."""
    return ", ".join(right_text(name) for name in names)
