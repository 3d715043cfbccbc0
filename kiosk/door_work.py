"""Carries out what a scan and a tap ask for at the kiosk's own store, and says what came of it."""

import logging
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from classtap_core.access.blueprints import Capability
from classtap_core.kernel.errors import ClassTapError, EnvironmentFault
from classtap_core.kernel.ids import Id
from classtap_core.kernel.tx import Ref
from classtap_desktop.kit.engine import Signals
from kiosk import commands as ask
from kiosk import events as on
from kiosk import view
from kiosk.aside import Aside
from kiosk.door import FOR_STAFF, Door, Marked, PinCheck, Rosters, Said, Sighted
from kiosk.showing import shown
from kiosk.staff_work import refused_pin

log = logging.getLogger("classtap.kiosk")

_ON_BOARDS = frozenset({"attendance", "booking", "session", "consents", "health_clearance", "document"})
"""What a board follows from, beside its family and children."""
FULL = ("disk_full", "queue_full")
"""Why a store takes nothing new, said by its name."""


class DoorWork:
    """One kiosk's scans and marks. `happen` takes the events it answers with, `judged` each outcome, `unsaved` why a scan
    could not be recorded; `board` gives the board on the screen. Attributes: `decode_us`: how long the last look at a frame
    took."""

    def __init__(
        self, door: Door, aside: Aside, signals: Signals, *, happen: Callable[[on.Event], None],
        judged: Callable[[str], None], unsaved: Callable[[str], None], board: Callable[[], view.Board | None],
    ) -> None:  # fmt: skip
        self._door, self._aside, self._signals = door, aside, signals
        self._happen, self._judged, self._unsaved, self._board = happen, judged, unsaved, board
        self._scan = ""
        self._sighting: Sighted | None = None
        self.decode_us = 0

    def commands(self) -> dict[type, Callable[[Any], None]]:
        """What carries out each command."""
        return {ask.Verify: self._verify, ask.Mark: self._mark, ask.Override: self._override}

    def changed(self, refs: frozenset[Ref]) -> None:
        """Something was pulled or said here: perhaps about the board on the screen."""
        board = self._board()
        if board is None:
            return
        shown_refs = {("child", row.child) for row in board.rows()} | {("family", board.family)}
        if refs & shown_refs or any(kind in _ON_BOARDS for kind, _ in refs):
            self._door.board(Id(board.family)).add_done_callback(self._signals.each(self._refreshed))

    def _refreshed(self, future: "Future[Any]") -> None:
        found = None if future.exception() else future.result()
        if found is not None:
            self._happen(on.Refresh(shown(found)))

    def _verify(self, command: ask.Verify) -> None:
        done = self._signals.each(lambda future: self._verdict(command.text, future))
        self._door.scan(command.text, decode_us=self.decode_us).add_done_callback(done)

    def _verdict(self, text: str, future: "Future[Sighted]") -> None:
        try:
            sighted = future.result()
        except EnvironmentFault as fault:
            self._unsaved(fault.code if fault.code in FULL else "store_failed")
            return
        except ClassTapError as trouble:
            log.warning("a scan was not recorded: %s", trouble.code)
            self._unsaved("store_failed")
            return
        self._scan = sighted.scan
        self._judged(sighted.outcome)
        outcome, fresh = sighted.outcome, sighted.rosters is Rosters.FRESH
        board = shown(sighted.board) if sighted.board and fresh else None
        may = sighted.may_override
        if outcome == "ok" and not fresh:  # not held, or not to be gone by: never shown as nobody being due
            outcome, may = f"rosters_{sighted.rosters}", sighted.rosters in FOR_STAFF
        params = tuple((name, value) for name, value in sighted.params.items())
        self._sighting = sighted
        self._happen(on.Verdict(text, outcome, board, params, may, sighted.reason))
        if sighted.mark_on_scan and board is not None:
            self._happen(on.TapAllPresent())

    def _mark(self, command: ask.Mark) -> None:
        board = self._board()
        said = [Said(Id(item.child), item.status.value, item.reason, item.expected_ms or 0) for item in command.items]
        done = self._signals.each(lambda future: self._marked(command.request, future))
        family = Id(board.family if board else "")
        self._door.mark(family, Id(command.session), said, scan=self._scan).add_done_callback(done)

    def _marked(self, request: int, future: "Future[Marked]") -> None:
        try:
            found = future.result()
        except EnvironmentFault as fault:
            self._happen(on.SaveFailed(request, fault.code if fault.code in FULL else "save_failed"))
            return
        except ClassTapError as trouble:
            log.warning("a mark was not saved: %s", trouble.code)
            self._happen(on.SaveFailed(request))
            return
        refused = tuple((child, code.removeprefix("gate.")) for child, code in found.refused)
        self._happen(on.Saved(request, refused))
        if found.board is not None:
            self._happen(on.Refresh(shown(found.board)))

    def _override(self, command: ask.Override) -> None:
        """Let in whom the last verdict refused, when the PIN is of somebody who may."""
        sighted = self._sighting

        def work() -> PinCheck | Sighted:
            check = self._door.check_pin(command.pin, Capability.OVERRIDE_GATE)
            if check.staff is None or sighted is None:
                return check
            return self._door.override(sighted, check.staff, command.reason).result()

        self._aside.do(work, self._overridden)

    def _overridden(self, future: "Future[PinCheck | Sighted]") -> None:
        try:
            found = future.result()
        except ClassTapError as trouble:
            log.warning("nobody was let in: %s", trouble.code)
            limit = trouble.code == "scan.override_limit"
            self._happen(on.OverrideRefused("error.override_limit" if limit else "error.override"))
            return
        if isinstance(found, PinCheck):
            self._happen(refused_pin(found, self._door.node.clock.now().corrected))
        elif found.board is None:
            missing = found.rosters is Rosters.MISSING
            self._happen(on.OverrideRefused("kiosk.override.no_rosters" if missing else "error.override"))
        else:
            self._scan = found.scan
            self._happen(on.Overridden(shown(found.board), found.overridden, found.overrides))
