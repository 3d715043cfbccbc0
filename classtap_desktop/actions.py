"""What a person can do, as data: menus, the palette, keys and the help page are all made from this one table."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple


class Action(NamedTuple):
    """One thing to do.

    Attributes:
        id: its name; its words are `desk.action.<id>` in the catalogue.
        keys: in Qt's portable notation; the first is shown.
        when: facts that must all hold for it to be possible (`signed_in`, `screen.roster`, `child_chosen`, …).
        icon: of `kit.icons`, or "". group: where the help page lists it.
        menu: the menus it stands in. offered: whether the palette offers it.
        native: the view itself knows the keys (Enter in a list), so that they are only told, not taken.
    """

    id: str
    keys: tuple[str, ...] = ()
    when: tuple[str, ...] = ("signed_in",)
    icon: str = ""
    group: str = "everywhere"
    menu: tuple[str, ...] = ()
    offered: bool = True
    native: bool = False

    @property
    def words(self) -> str:
        return f"desk.action.{self.id}"


_IN = "signed_in"
_ON_ROSTER = (_IN, "screen.roster")
_ON_CHILD = (*_ON_ROSTER, "child_chosen")
_ON_WEEK = (_IN, "screen.schedule")

ACTIONS = (
    Action("find", ("Ctrl+K", "Ctrl+F"), icon="search", offered=False),
    Action("go.today", ("Ctrl+1",), icon="today"),
    Action("go.schedule", ("Ctrl+2",), icon="calendar"),
    Action("go.roster", ("Ctrl+3",), icon="roster"),
    Action("go.families", ("Ctrl+4",), icon="people"),
    Action("go.devices", ("Ctrl+5",), icon="devices"),
    Action("go.settings", ("Ctrl+,",), icon="settings"),
    Action("staff.switch", ("Ctrl+L",), icon="lock", menu=("staff",)),
    Action("sync.now", ("F5",), icon="sync"),
    Action("undo", ("Ctrl+Z",), when=(_IN, "can_undo"), icon="arrow_back"),
    Action("help", ("F1",), icon="info", menu=("staff",), when=()),
    Action("roster.present", ("P",), when=_ON_CHILD, icon="check", group="roster", menu=("child",)),
    Action("roster.late", ("L",), when=_ON_CHILD, icon="clock", group="roster", menu=("child",)),
    Action("roster.absent", ("A",), when=_ON_CHILD, icon="dash", group="roster", menu=("child",)),
    Action("roster.clear", ("Space", "Backspace"), when=_ON_CHILD, icon="close", group="roster", menu=("child",)),
    Action("roster.family", ("F",), when=_ON_CHILD, icon="people", group="roster", menu=("child",)),
    Action("roster.next", ("Alt+Right",), when=_ON_ROSTER, icon="chevron_next", group="roster"),
    Action("roster.previous", ("Alt+Left",), when=_ON_ROSTER, icon="chevron_back", group="roster"),
    Action("schedule.open", ("Return",), when=(*_ON_WEEK, "session_chosen"), group="schedule", offered=False,
           native=True),
    Action("schedule.next", ("Alt+Right",), when=_ON_WEEK, icon="chevron_next", group="schedule"),
    Action("schedule.previous", ("Alt+Left",), when=_ON_WEEK, icon="chevron_back", group="schedule"),
    Action("schedule.this_week", ("T",), when=_ON_WEEK, icon="today", group="schedule"),
    Action("look.light", icon="settings", group="look"),
    Action("look.dark", icon="settings", group="look"),
    Action("look.bright", icon="settings", group="look"),
    Action("text.larger", ("Ctrl+=", "Ctrl++"), group="look"),
    Action("text.smaller", ("Ctrl+-",), group="look"),
)  # fmt: skip

BY_ID = {action.id: action for action in ACTIONS}
GROUPS = tuple(dict.fromkeys(action.group for action in ACTIONS))


def possible(action: Action, facts: Collection[str]) -> bool:
    """Say whether everything an action needs holds."""
    return all(fact in facts for fact in action.when)


def in_menu(menu: str) -> tuple[Action, ...]:
    """Return the actions of a menu, in the table's order."""
    return tuple(action for action in ACTIONS if menu in action.menu)
