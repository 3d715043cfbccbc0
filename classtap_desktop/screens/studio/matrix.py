"""A table of roles: what may be at the side, the roles on top, a box to tick where they meet."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox, QGridLayout

from classtap_core.people.guardians import moved, moves
from classtap_desktop.kit import Label, theme
from classtap_desktop.screens.entries import OwnField
from classtap_desktop.spacing import column


class Cells:
    """What a table is about: `usual` by role, and the codes under which roles and entries have their words."""

    def __init__(
        self, entries: type[StrEnum], usual: Mapping[str, frozenset[StrEnum]], roles: str, sentences: str
    ) -> None:
        self.entries, self.usual, self._roles, self._sentences = entries, usual, roles, sentences

    def role(self, role: str) -> str:
        return theme().words.say(f"{self._roles}.{role}")

    def sentence(self, entry: str) -> str:
        return theme().words.say(f"{self._sentences}.{entry}")

    def knows(self, name: str) -> bool:
        """Whether a published name is a cell."""
        role, _, entry = name.partition(".")
        return role in self.usual and entry in tuple(self.entries)

    def written(self, values: Mapping[str, str | int]) -> str:
        """The ticked cells of published values, one a line."""
        table = moved(self.usual, values, self.entries)
        return "\n".join(f"{role}.{entry}" for role, given in table.items() for entry in self.entries if entry in given)

    def values(self, written: str) -> dict[str, str | int]:
        """What ticked cells publish: only those that are not as usual."""
        ticked = set(written.split("\n"))
        return moves(
            self.usual, {role: [one for one in self.entries if f"{role}.{one}" in ticked] for role in self.usual}
        )

    def differences(self, before: str, after: str) -> list[str]:
        """Each cell that changes, in words."""
        words, had, has = theme().words, set(before.split("\n")), set(after.split("\n"))
        return [
            words.say(
                "desk.policies.cell_on" if f"{role}.{entry}" in has else "desk.policies.cell_off",
                role=self.role(role), what=self.sentence(entry),
            )
            for role in self.usual
            for entry in self.entries
            if (f"{role}.{entry}" in had) != (f"{role}.{entry}" in has)
        ]  # fmt: skip


class MatrixField(OwnField):
    """Attributes: ``boxes`` by `role.entry`; ``unusual``: a line that names what is not as usual."""

    def __init__(self, cells: Cells, value: str) -> None:
        super().__init__()
        self._cells = cells
        self.boxes: dict[str, QCheckBox] = {}
        whole = column(self, gap=10)
        grid = QGridLayout()
        grid.setHorizontalSpacing(theme().px(14))
        grid.setVerticalSpacing(theme().px(8))
        grid.setColumnStretch(0, 1)
        whole.addLayout(grid)
        for across, role in enumerate(cells.usual, 1):
            grid.addWidget(
                Label(cells.role(role), "secondary", token="muted"), 0, across, Qt.AlignmentFlag.AlignHCenter
            )
        for down, entry in enumerate(cells.entries, 1):
            grid.addWidget(Label(cells.sentence(entry), "text", wrap=True), down, 0)
            for across, role in enumerate(cells.usual, 1):
                box = self.boxes[f"{role}.{entry}"] = QCheckBox()
                box.setAccessibleName(f"{cells.role(role)}: {cells.sentence(entry)}")
                box.toggled.connect(lambda _: self._ticked())
                grid.addWidget(box, down, across, Qt.AlignmentFlag.AlignCenter)
        self.unusual = Label("", "secondary", token="muted", wrap=True)
        whole.addWidget(self.unusual)
        self.write(value)

    def value(self) -> str:
        return "\n".join(name for name, box in self.boxes.items() if box.isChecked())

    def write(self, value: str) -> None:
        """Tick these cells and no others."""
        ticked = set(value.split("\n"))
        for name, box in self.boxes.items():
            box.setChecked(name in ticked)
        self._say()

    def _ticked(self) -> None:
        self._say()
        self.changed.emit()

    def _say(self) -> None:
        words = theme().words
        found = self._cells.differences(self._cells.written({}), self.value())
        text = (
            words.say("desk.policies.not_usual", what=" ".join(found)) if found else words.say("desk.policies.as_usual")
        )
        self.unusual.show_text(text)
