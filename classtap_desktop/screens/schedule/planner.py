"""What people do to the timetable: the form of each deed, read for and opened."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from classtap_core.access.blueprints import Capability
from classtap_core.kernel.ids import Id, fresh
from classtap_desktop.desk import Desk
from classtap_desktop.screens.schedule.planning import (
    Planning,
    cancel_sheet,
    plan_sheet,
    read_planning,
    substitute_sheet,
)
from classtap_desktop.screens.schedule.programs import program_sheet
from classtap_desktop.screens.schedule.series import change_sheet
from classtap_desktop.screens.sheet import Sheet
from classtap_desktop.screens.sheet_form import SheetForm
from classtap_desktop.screens.studio.reading import Known, read_known

_NEW: dict[str, Callable[[Known, Id], Sheet]] = {"new": plan_sheet, "program": program_sheet}
_OF_SESSION: dict[str, Callable[[Planning], Sheet]] = {
    "change": change_sheet, "substitute": substitute_sheet, "cancel": cancel_sheet,
}  # fmt: skip
DEEDS = (*_NEW, *_OF_SESSION)


class Planner(QObject):
    """Attributes: ``form`` (the one that was opened last). Signals: ``opened``, and ``done`` after something was planned."""

    opened = Signal()
    done = Signal()

    def __init__(self, desk: Desk, over: QWidget) -> None:
        super().__init__(over)
        self._desk, self._over = desk, over
        self.form: SheetForm | None = None

    def may(self, location: str | None) -> bool:
        """Whether the signed-in person may plan at a location."""
        return self._desk.may(Capability.MANAGE_SCHEDULE, location=location)

    def do(self, deed: str, session: Id | None) -> None:
        """Open the form of one of ``DEEDS``; what is done to a session needs one."""
        if deed in _NEW:
            self._desk.read("plan", read_known, then=lambda known: self._show(_NEW[deed](known, self._id())))
        elif session is not None:
            self._desk.read(
                "plan", lambda source: read_planning(source, session), then=lambda found: self._found(deed, found)
            )

    def _found(self, deed: str, found: Planning | None) -> None:
        if found is not None and found.session.state == "open":
            self._show(_OF_SESSION[deed](found))

    def _id(self) -> Id:
        return fresh(self._desk.now().corrected, secrets.token_bytes)

    def _show(self, sheet: Sheet) -> None:
        if self.form is not None:
            if self.form.isVisible():
                return
            self.form.deleteLater()
        self.form = SheetForm(self._desk, self._over.window(), sheet)
        self.form.saved.connect(self._saved)
        self.form.open()
        self.opened.emit()

    def _saved(self, _id: str) -> None:
        asked = self.form is not None and self.form.asked
        self._desk.tell("desk.studio.asked" if asked else "desk.form.saved", tone="info" if asked else "present")
        self.done.emit()
