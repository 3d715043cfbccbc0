"""Seat maps on the desk: the list of rooms, and one room's map over the whole window."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QStackedWidget, QWidget

from classtap_core.access.blueprints import Capability
from classtap_core.kernel.device import Receipt
from classtap_core.kernel.ids import Id
from classtap_core.kernel.outcomes import Status
from classtap_core.kernel.tx import Ref
from classtap_core.seating.model import SeatMap
from classtap_desktop.canvas.life.pair import PairDialog
from classtap_desktop.canvas.life.progress import Rollouts, read_rollouts
from classtap_desktop.canvas.life.reading import Pair, read_drafts
from classtap_desktop.canvas.life.rollouts import RolloutsDialog
from classtap_desktop.canvas.life.spots import SpotsDialog
from classtap_desktop.canvas.page import MapPage
from classtap_desktop.canvas.reading import Approving, Opened, RoomLine, read_approving, read_map, read_rooms
from classtap_desktop.canvas.rooms import Rooms
from classtap_desktop.desk import Desk
from classtap_desktop.screens.screen import Screen

ROLLED = frozenset({"seat_rollout", "seat_rollout_step", "room_seating"})
"""Records that a roll-out's progress shows in."""


class SeatMapsScreen(Screen):
    """Attributes: ``rooms`` (the list), ``map_page`` (the room that is open, or None), ``rollouts``, ``pair`` and
    ``spots`` (the dialogs over the list, None before they were opened).

    Signals: ``loaded`` after the rooms were read, ``entered`` after a map was opened, ``filled(whole)`` when the
    editor needs the whole window, or no longer does.
    """

    NAME = "seatmaps"
    KINDS = frozenset({"room", "seat_draft", "seat_map_version", "room_seating", "seat_lock", "location",
                       "policy"})  # fmt: skip
    loaded = Signal()
    entered = Signal()
    filled = Signal(bool)

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(desk, parent)
        self.page.setContentsMargins(0, 0, 0, 0)
        self.stack = QStackedWidget()
        self.rooms = Rooms()
        self.map_page: MapPage | None = None
        self.rollouts: RolloutsDialog | None = None
        self.pair: PairDialog | None = None
        self.spots: SpotsDialog | None = None
        self.stack.addWidget(self.rooms)
        self.page.addWidget(self.stack)
        self.rooms.opened.connect(self.enter)
        self.rooms.begun.connect(lambda room: self.enter(room, begin=True))
        self.rooms.compared.connect(self.compare)
        self.rooms.asked.connect(self.show_spots)
        self.rooms.rolled_out.connect(self.show_rollouts)
        self.rooms.approving.connect(self._approve)
        self._approving = Approving()
        desk.changed.connect(self._rolled)
        self.trouble.acted.connect(self.reload)

    def open(self, id: str) -> None:
        """Show the rooms, or a room's map."""
        super().open(id)
        if id:
            self.enter(id)
        self.filled.emit(self.map_page is not None)

    def reload(self) -> None:
        self.desk.read("maps.rooms", read_rooms, then=self._show, failed=self.show_trouble)
        self.desk.read("maps.approving", read_approving, then=self._show_approving, failed=self.show_trouble)

    def _show_approving(self, approving: Approving) -> None:
        self._approving = approving
        self.rooms.show_approving(approving.needed, may=self.desk.may(Capability.PUBLISH_POLICY))

    def _approve(self, needed: bool) -> None:
        """Say whether maps need approval; until the cloud has said so the box shows how it is."""
        self.desk.submit(self._approving.switched(needed), then=self._approved, failed=self.show_trouble)
        self._show_approving(self._approving)

    def _approved(self, receipt: Receipt) -> None:
        status = receipt.outcome.status
        known = status.value if status in (Status.ACCEPTED, Status.DUPLICATE, Status.WAITING) else "refused"
        self.desk.tell(f"map.approval.{known}", tone="present" if known != "refused" else "warn")
        self.reload()

    def say(self) -> None:
        self.rooms.say()

    def take_focus(self) -> None:
        if self.map_page is not None:
            self.map_page.editor.board.setFocus(Qt.FocusReason.OtherFocusReason)
        elif self.rooms.cards:
            self.rooms.cards[0].buttons[0].setFocus(Qt.FocusReason.OtherFocusReason)

    def enter(self, room: str, draft: str = "", *, begin: bool = False, shown: SeatMap | None = None) -> None:
        """Open a room's map; ``begin`` shows the templates at once, ``shown`` is a map to begin with, not saved yet."""

        def opened(found: Opened | None) -> None:
            if found is not None:
                self._enter(found, begin=begin)
                if shown is not None and self.map_page is not None:
                    self.map_page.document.load(shown, recovered=True)

        self.desk.read(
            "maps.open", lambda source: read_map(source, Id(room), draft), then=opened, failed=self.show_trouble
        )

    def _enter(self, found: Opened, *, begin: bool) -> None:
        self.leave()
        self.map_page = MapPage(self.desk, found)
        self.map_page.left.connect(self.leave)
        self.stack.addWidget(self.map_page)
        self.stack.setCurrentWidget(self.map_page)
        self.desk.state_fact("map_open", True)
        self.filled.emit(True)
        self.map_page.editor.board.fit_on_resize()
        self.take_focus()
        if begin or found.seat_map is None:
            self.map_page.show_dialog("templates")
        self.entered.emit()

    def compare(self, room: str) -> None:
        """Show two drafts of one room beside each other."""

        def show(pair: Pair) -> None:
            if len(pair.drafts) > 1:
                self.pair = PairDialog(
                    self, self.desk, pair, open_draft=lambda draft, shown: self.enter(room, draft, shown=shown)
                )
                self.pair.closed.connect(self.pair.deleteLater)
                self.pair.open()

        self.desk.read("maps.drafts", lambda source: read_drafts(source, Id(room)), then=show, failed=self.show_trouble)

    def show_spots(self, room: str) -> None:
        """Show which spots of a room work, and take what is said of them."""
        line = next(card.line for card in self.rooms.cards if card.line.id == room)
        self.spots = SpotsDialog(self, self.desk, line.id, line.location, line.name)
        self.spots.closed.connect(self.spots.deleteLater)
        self.spots.open()

    def show_rollouts(self) -> None:
        """Show the maps on their way to other rooms."""

        def show(found: Rollouts) -> None:
            self.rollouts = RolloutsDialog(self, self.desk, found)
            self.rollouts.closed.connect(self._rollouts_closed)
            self.rollouts.open()

        self.desk.read("maps.rollouts", read_rollouts, then=show, failed=self.show_trouble)

    def _rollouts_closed(self) -> None:
        if self.rollouts is not None:
            self.rollouts.deleteLater()
            self.rollouts = None

    def _rolled(self, refs: frozenset[Ref]) -> None:
        if self.rollouts is not None and any(kind in ROLLED for kind, _ in refs):
            self.rollouts.reload()

    def leave(self) -> None:
        """Go back to the rooms."""
        if self.map_page is None:
            return
        page, self.map_page = self.map_page, None
        page.close_page()
        self.stack.setCurrentWidget(self.rooms)
        self.stack.removeWidget(page)
        page.deleteLater()
        self.desk.state_fact("map_open", False)
        self.filled.emit(False)
        self.desk.do(lambda _: None, then=lambda _: self.reload())  # after what the page still keeps

    def close_screen(self) -> None:
        """The window closes: keep what is not saved."""
        if self.map_page is not None:
            self.map_page.close_page()
            self.map_page = None

    def run(self, command: str) -> None:
        """Do one of the editor's actions."""
        if self.map_page is not None:
            self.map_page.editor.commands.run(command)

    def _show(self, lines: tuple[RoomLine, ...]) -> None:
        self.rooms.show_rooms(lines, self.desk.now().corrected)
        self.loaded.emit()
