"""Tools and what is done to the selection, in one line or as many as large text needs."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QMenu, QWidget

from classtap_desktop import actions
from classtap_desktop.kit import Button, theme
from classtap_desktop.kit.wrapped import Wrapped
from classtap_desktop.spacing import column

if TYPE_CHECKING:
    from classtap_desktop.canvas.editor import Editor

TOOLS = ("select", "pan", "measure")
MENUS = {
    "draw": ("map.tool_path", "map.tool_area", "map.tool_walls", "map.underlay"),
    "align": (
        "map.align_left", "map.align_centre", "map.align_right", "map.align_top", "map.align_middle", "map.align_bottom",
        "map.spread_across", "map.spread_down",
    ),
    "arrange": (
        "map.duplicate", "map.copy", "map.cut", "map.paste", "map.delete", "map.group", "map.ungroup", "map.lock",
        "map.turn_left", "map.turn_right", "map.mirror", "map.flip_view",
    ),
    "view": ("map.zoom_in", "map.zoom_out", "map.zoom_all", "map.zoom_full", "map.zoom_chosen"),
}  # fmt: skip
ORDER = ("select", "pan", "measure", "draw", "pattern", "template", "number", "align", "arrange", "choose")
RIGHT = ("snap", "guides", "undo", "redo", "units", "view")


class Toolbar(QWidget):
    """Attributes: ``buttons`` by name."""

    def __init__(self, editor: Editor) -> None:
        super().__init__(editor)
        self._editor = editor
        self.setProperty("ground", "surface")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        inside = QWidget()
        column(self, margins=(10, 6, 10, 6)).addWidget(inside)
        flow = Wrapped(inside, gap=theme().px(2))
        self.buttons: dict[str, Button] = {}
        for name in (*ORDER, *RIGHT):
            menu = name in MENUS or name == "choose"
            checks = name in (*TOOLS, "snap", "guides")
            button = Button(
                "", size="tool", kind="quiet", checkable=checks, trailing="chevron_down" if menu else None,
                icon={"undo": "arrow_back"}.get(name),
            )  # fmt: skip
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.clicked.connect(lambda _=False, name=name: self._pressed(name))
            self.buttons[name] = button
            flow.addWidget(button)
        editor.board.tooled.connect(self.follow)
        editor.board.viewed.connect(self.follow)
        editor.document.marked.connect(self.follow)
        editor.document.changed.connect(lambda _before, _after: self.follow())
        theme().changed.connect(self.say)
        self.say()

    def say(self) -> None:
        """Show the words in the language in force."""
        words = theme().words
        for name, button in self.buttons.items():
            button.show_text(words.say(f"map.tool.{name}"))
            keys = _keys(name)
            button.setToolTip(keys)
        self.follow()

    def follow(self) -> None:
        """Show what is on and what can be done."""
        board, stack, words = self._editor.board, self._editor.document.stack, theme().words
        for name in TOOLS:
            self.buttons[name].setChecked(board.tool.name == name)
        self.buttons["snap"].setChecked(board.snap)
        self.buttons["guides"].setChecked(board.guides)
        self.buttons["undo"].setEnabled(stack.canUndo())
        self.buttons["redo"].setEnabled(stack.canRedo())
        self.buttons["undo"].setToolTip(words.say("map.undo_step", step=stack.undoText()) if stack.canUndo() else "")
        self.buttons["redo"].setToolTip(words.say("map.redo_step", step=stack.redoText()) if stack.canRedo() else "")
        self.buttons["view"].show_text(f"{round(board.view.zoom * 100)} %")
        unit = self._editor.document.seat_map.unit.value
        self.buttons["units"].show_text("m | ft" if unit == "m" else "ft | m")
        self.buttons["units"].setAccessibleName(words.say("map.tool.units"))

    def _pressed(self, name: str) -> None:
        self.follow()
        if name in MENUS:
            self._menu(self.buttons[name], MENUS[name])
        elif name == "choose":
            self._choose(self.buttons[name])
        else:
            self._editor.commands.run(f"map.tool_{name}" if name in TOOLS else f"map.{name}")

    def _menu(self, button: Button, ids: tuple[str, ...]) -> None:
        words = theme().words
        menu = QMenu(self)
        for id in ids:
            action = actions.BY_ID[id]
            made = menu.addAction(words.say(action.words))
            if action.keys:
                made.setText(
                    f"{made.text()}\t{QKeySequence.fromString(action.keys[0]).toString(QKeySequence.SequenceFormat.NativeText)}"
                )
            made.triggered.connect(lambda _=False, id=id: self._editor.commands.run(id))
        self._popup(menu, button)

    def _choose(self, button: Button) -> None:
        """Select by kind of equipment, by tag and by row."""
        words, document = theme().words, self._editor.document
        menu = QMenu(self)
        menu.addAction(words.say("desk.action.map.select_all")).triggered.connect(
            lambda: self._editor.commands.run("map.select_all")
        )
        spots = document.seat_map.spots
        names = {type.id: type.name for type in document.seat_map.types}
        kinds = Counter(spot.type for spot in spots)
        groups: list[tuple[str, list[tuple[str, object]]]] = [
            ("type", [(f"{names.get(id, id)} ({count})", lambda spot, id=id: spot.type == id) for id, count in kinds.items()]),
            ("tag", [(words.say(f"map.tag.{tag}") if words.has(f"map.tag.{tag}") else tag, lambda spot, tag=tag: tag in spot.tags)
                     for tag in sorted({tag for spot in spots for tag in spot.tags})]),
            ("row", [(words.say("map.row", row=one), lambda spot, one=one: spot.row == one)
                     for one in sorted({spot.row for spot in spots if spot.row})[:40]]),
        ]  # fmt: skip
        for code, lines in groups:
            if lines:
                below = menu.addMenu(words.say(f"map.choose.{code}"))
                for text, wanted in lines:
                    below.addAction(text).triggered.connect(
                        lambda _=False, wanted=wanted: self._editor.commands.select_where(wanted)
                    )
        self._popup(menu, button)

    def _popup(self, menu: QMenu, button: Button) -> None:
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(button.mapToGlobal(QPoint(0, button.height())))


def _keys(name: str) -> str:
    action = actions.BY_ID.get(f"map.tool_{name}" if name in TOOLS else f"map.{name}")
    if action is None or not action.keys:
        return ""
    return QKeySequence.fromString(action.keys[0]).toString(QKeySequence.SequenceFormat.NativeText)
