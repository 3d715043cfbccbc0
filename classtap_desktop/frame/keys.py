"""Keys and menus made from the table of actions. An action that is not possible now is off everywhere at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from PySide6.QtCore import QObject, QPoint
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu, QWidget

from classtap_desktop import actions
from classtap_desktop.desk import Desk
from classtap_desktop.kit import icons, theme


class Keys(QObject):
    """Runs actions by id, by key and from menus; ``does`` says what each of them does."""

    def __init__(self, desk: Desk, window: QWidget, does: Mapping[str, Callable[[], None]]) -> None:
        super().__init__(window)
        self._desk, self._window, self._does = desk, window, dict(does)
        self._actions: dict[str, QAction] = {}
        for action in actions.ACTIONS:
            if action.id in self._does:
                made = QAction(window)
                made.setObjectName(action.id)
                if not action.native:
                    made.setShortcuts([QKeySequence.fromString(keys) for keys in action.keys])
                made.triggered.connect(lambda _=False, id=action.id: self.run(id))
                window.addAction(made)
                self._actions[action.id] = made
        desk.facts_changed.connect(self._allow)
        theme().changed.connect(self._say)
        self._allow()
        self._say()

    def run(self, id: str) -> bool:
        """Do an action if it is possible now; say whether it was."""
        if not self.possible(id):
            return False
        self._does[id]()
        return True

    def possible(self, id: str) -> bool:
        """Say whether an action can be done now."""
        return id in self._does and actions.possible(actions.BY_ID[id], self._desk.facts)

    def offered(self) -> list[actions.Action]:
        """Return what the palette may offer now."""
        return [action for action in actions.ACTIONS if action.offered and self.possible(action.id)]

    def show_menu(self, menu: str, at: QPoint) -> None:
        """Open a menu of the table at a point of the screen."""
        shown = QMenu(self._window)
        for action in actions.in_menu(menu):
            if action.id in self._actions:
                shown.addAction(self._actions[action.id])
        shown.aboutToHide.connect(shown.deleteLater)
        shown.popup(at)

    def _allow(self) -> None:
        for id, action in self._actions.items():
            action.setEnabled(actions.possible(actions.BY_ID[id], self._desk.facts))

    def _say(self) -> None:
        here = theme()
        for id, action in self._actions.items():
            declared = actions.BY_ID[id]
            action.setText(here.words.say(declared.words))
            if declared.icon:
                action.setIcon(icons.icon(declared.icon, color=here.tokens["muted"], rtl=here.rtl))
