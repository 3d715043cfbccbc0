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
_EDGES = (("left", "L"), ("centre", "C"), ("right", "R"), ("top", "T"), ("middle", "M"), ("bottom", "B"))
_ON_MAP = (_IN, "screen.seatmaps", "map_open")


def _map(id: str, *keys: str, icon: str = "", offered: bool = True) -> Action:
    """Something the seat-map editor does; it takes its keys itself, so that letters typed into a cell stay letters."""
    return Action(f"map.{id}", keys, when=_ON_MAP, icon=icon, group="seatmaps", offered=offered, native=True)


ACTIONS = (
    Action("find", ("Ctrl+K", "Ctrl+F"), icon="search", offered=False),
    Action("go.today", ("Ctrl+1",), icon="today"),
    Action("go.schedule", ("Ctrl+2",), icon="calendar"),
    Action("go.roster", ("Ctrl+3",), icon="roster"),
    Action("go.families", ("Ctrl+4",), icon="people"),
    Action("go.messages", ("Ctrl+E",), icon="message"),
    Action("go.seatmaps", ("Ctrl+6",), icon="seats"),
    Action("go.devices", ("Ctrl+5",), icon="devices"),
    Action("go.access", ("Ctrl+8",), icon="lock"),
    Action("go.audit", ("Ctrl+7",), icon="clock"),
    Action("go.imports", ("Ctrl+9",), icon="disk"),
    Action("go.studio", ("Ctrl+0",), icon="room"),
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
    Action("roster.pass", when=_ON_CHILD, icon="pass", group="roster", menu=("child",)),
    Action("roster.pickup", ("K",), when=_ON_ROSTER, icon="check", group="roster", menu=("child",)),
    Action("roster.answers", ("Q",), when=_ON_ROSTER, icon="info", group="roster", menu=("child",)),
    Action("roster.next", ("Alt+Right",), when=_ON_ROSTER, icon="chevron_next", group="roster"),
    Action("roster.previous", ("Alt+Left",), when=_ON_ROSTER, icon="chevron_back", group="roster"),
    Action("families.new", ("Ctrl+N",), when=(_IN, "screen.families"), icon="plus", group="families"),
    Action("studio.new", ("Ctrl+N",), when=(_IN, "screen.studio"), icon="plus"),
    Action("schedule.open", ("Return",), when=(*_ON_WEEK, "session_chosen"), group="schedule", offered=False,
           native=True),
    Action("schedule.new", ("Ctrl+N",), when=_ON_WEEK, icon="plus", group="schedule"),
    Action("schedule.program", ("Ctrl+Shift+N",), when=_ON_WEEK, icon="plus", group="schedule"),
    *(Action(f"schedule.{deed}", keys, when=(*_ON_WEEK, "session_chosen"), icon=icon, group="schedule", menu=("session",))
      for deed, keys, icon in (("change", ("E",), "clock"), ("substitute", ("S",), "person"), ("cancel", ("C",), "close"))),
    Action("schedule.next", ("Alt+Right",), when=_ON_WEEK, icon="chevron_next", group="schedule"),
    Action("schedule.previous", ("Alt+Left",), when=_ON_WEEK, icon="chevron_back", group="schedule"),
    Action("schedule.this_week", ("T",), when=_ON_WEEK, icon="today", group="schedule"),
    _map("save", "Ctrl+S", icon="disk"),
    _map("undo", "Ctrl+Z", icon="arrow_back"),
    _map("redo", "Ctrl+Shift+Z", "Ctrl+Y"),
    _map("select_all", "Ctrl+A"),
    _map("select_none", "Escape", offered=False),
    _map("delete", "Delete", "Backspace"),
    _map("duplicate", "Ctrl+D", icon="copy"),
    _map("copy", "Ctrl+C"),
    _map("cut", "Ctrl+X"),
    _map("paste", "Ctrl+V"),
    _map("group", "Ctrl+G"),
    _map("ungroup", "Ctrl+Shift+G"),
    _map("lock", "Ctrl+Shift+L", icon="lock"),
    _map("turn_right", "]"),
    _map("turn_left", "["),
    _map("mirror", "Ctrl+M"),
    _map("flip_view", "Ctrl+Shift+M"),
    *(_map(f"align_{edge}", f"Ctrl+Alt+{key}") for edge, key in _EDGES),
    _map("spread_across", "Ctrl+Alt+H"),
    _map("spread_down", "Ctrl+Alt+V"),
    *(_map(f"move_{way}{size}", f"{held}{way.title()}", offered=False) for way in ("left", "right", "up", "down")
      for size, held in (("", ""), ("_far", "Shift+"), ("_fine", "Alt+"))),
    _map("next", "PgDown", offered=False),
    _map("previous", "PgUp", offered=False),
    _map("form", "Return", offered=False),
    _map("zoom_in", "+", "="),
    _map("zoom_out", "-"),
    _map("zoom_all", "0"),
    _map("zoom_full", "1"),
    _map("zoom_chosen", "2"),
    _map("tool_select", "V"),
    _map("tool_pan", "H"),
    _map("tool_measure", "M"),
    _map("tool_path", "W"),
    _map("tool_area", "Shift+W"),
    _map("tool_walls"),
    _map("snap", "G"),
    _map("guides", "Shift+G"),
    _map("units", "U"),
    _map("pattern", "R"),
    _map("number", "N"),
    _map("template", "T"),
    _map("underlay"),
    _map("export", "Ctrl+P", icon="print"),
    _map("compare"),
    _map("versions", "Ctrl+H", icon="clock"),
    _map("comments", "Ctrl+Shift+C"),
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
