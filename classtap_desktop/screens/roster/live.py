"""One session's roster, live: read again when it changes, marked from here, and what was marked taken back."""

from __future__ import annotations

from collections import deque
from datetime import date
from typing import NamedTuple

from PySide6.QtCore import QObject, Signal

from classtap_core.access.blueprints import Capability
from classtap_core.checkin.operations import MarkAttendance
from classtap_core.kernel.device import Receipt
from classtap_core.kernel.ids import Id
from classtap_core.kernel.outcomes import Reason, Status
from classtap_desktop.desk import Desk, Trouble
from classtap_desktop.kit import theme
from classtap_desktop.operator import Operator, sight
from classtap_desktop.screens.roster.marking import History, Taken, explained, marked, taken_back
from classtap_desktop.screens.roster.model import RosterModel
from classtap_desktop.screens.roster.reading import Roster, RosterLine, read_roster
from classtap_desktop.screens.sessions import SessionLine, nearest, read_days, read_places, today_of
from classtap_desktop.source import DeskSource

OVERRIDABLE = frozenset({"gate.too_early", "gate.too_late"})


class Reading(NamedTuple):
    """What one reading brought: the roster (None on a day without sessions) and the sessions of its day and place."""

    roster: Roster | None
    day: tuple[SessionLine, ...]


class Refusal(NamedTuple):
    """A mark that was not taken: of whom, what, why, and whether this person may insist."""

    line: RosterLine
    state: str
    reason: Reason
    may_insist: bool


class LiveRoster(QObject):
    """Attributes: ``model`` (the table), ``session`` (the id asked for, "" for the nearest), ``day`` (its neighbours).

    Signals: ``loaded`` after each reading, ``troubled(Trouble)`` when it failed, ``refused(Refusal)`` when a mark was
    not taken, ``saved(child)`` when one is durable.
    """

    loaded = Signal()
    troubled = Signal(object)
    refused = Signal(object)
    saved = Signal(str)

    def __init__(self, desk: Desk, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self.model = RosterModel(theme().words, self)
        self.session = ""
        self.day: tuple[SessionLine, ...] = ()
        self.history = History()
        self._waiting: deque[tuple[Id, str, str]] = deque()
        self._busy = False
        self._held: dict[str, str] = {}
        desk.operated.connect(self._operated)

    @property
    def roster(self) -> Roster | None:
        """Return the newest reading."""
        return self.model.roster

    @property
    def busy(self) -> bool:
        """Whether a mark is not durable yet."""
        return self._busy or bool(self._waiting)

    def open(self, session: str = "") -> None:
        """Show a session's roster; "" stays where it is, or finds the one running or next."""
        if session and session != self.session:
            self.session = session
            self._held.clear()
        self.reload()

    def reload(self) -> None:
        """Read again."""
        wanted, operator = self.session, self._desk.operator
        self._desk.read("roster", lambda source: _read(source, wanted, operator), then=self._show, failed=self._fail)

    def step(self, by: int) -> None:
        """Go to the next (1) or previous (-1) session of the day."""
        ids = [line.id for line in self.day]
        if self.session in ids and 0 <= ids.index(Id(self.session)) + by < len(ids):
            self.open(ids[ids.index(Id(self.session)) + by])

    def can_step(self, by: int) -> bool:
        """Say whether there is a next or previous session."""
        ids = [line.id for line in self.day]
        return self.session in ids and 0 <= ids.index(Id(self.session)) + by < len(ids)

    def mark(self, child: Id, state: str, *, override: str = "") -> None:
        """Say how a child is; ``none`` clears. Marks of one hand are taken one after another."""
        self._waiting.append((child, state, override))
        self._next()

    def explain(self, child: Id, *, reason: str, expected_ms: int = 0) -> None:
        """Say why a child is late or absent, and when a late one is expected."""
        line = self._line(child)
        if line is not None and line.state in ("late", "absent"):
            payload = MarkAttendance(
                session=Id(self.session), items=(explained(line, reason=reason, expected_ms=expected_ms),)
            )
            self._desk.submit(payload, then=lambda receipt: self._explained(line, receipt), failed=self._fail)

    def undo(self) -> None:
        """Take back the newest mark made here by the person signed in."""
        taken = self.history.last()
        self._state_undo()
        if taken is None:
            return
        if taken.session != self.session:
            self._desk.open("roster", taken.session)
            self._desk.tell("desk.roster.undo_elsewhere", tone="info", name=taken.name)
            self.history.add(taken)
            self._state_undo()
            return
        now = self._line(taken.child)
        if now is None or not now.mark:
            return
        payload = MarkAttendance(
            session=taken.session, items=(taken_back(taken, now, at_ms=self._desk.now().corrected),)
        )
        self._desk.submit(payload, then=lambda receipt: self._undone(taken, receipt), failed=self._fail)

    def _next(self) -> None:
        if self._busy or not self._waiting:
            return
        child, state, override = self._waiting.popleft()
        line = self._line(child)
        if line is None or not self.session or (state == "none" and not line.mark) or line.state == state:
            self._next()
            return
        self._busy = True
        payload = MarkAttendance(session=Id(self.session), items=(marked(line, state, override=override),))
        self._desk.submit(payload, then=lambda receipt: self._marked(line, state, receipt), failed=self._fail)

    def _marked(self, line: RosterLine, state: str, receipt: Receipt) -> None:
        self._busy = False
        trouble = trouble_in(receipt)
        if trouble is not None:
            self._waiting.clear()
            may = trouble.code in OVERRIDABLE and self._desk.may(
                Capability.OVERRIDE_GATE, location=self.roster.session.location if self.roster else None
            )
            self.refused.emit(Refusal(line, state, trouble, may))
        else:
            self._held[line.child] = receipt.operation
            self.history.add(Taken(Id(self.session), line.child, line.name, state, line))
            self._state_undo()
            self.saved.emit(line.child)
        self.reload()

    def _explained(self, line: RosterLine, receipt: Receipt) -> None:
        trouble = trouble_in(receipt)
        if trouble is not None:
            self.refused.emit(Refusal(line, line.state, trouble, False))
        else:
            self._held[line.child] = receipt.operation
        self.reload()

    def _undone(self, taken: Taken, receipt: Receipt) -> None:
        trouble = trouble_in(receipt)
        if trouble is not None:
            self.refused.emit(Refusal(taken.before, taken.before.state, trouble, False))
        else:
            self._held[taken.child] = receipt.operation
            self._desk.tell(
                "desk.roster.undone", name=taken.name, state=theme().words.say(f"state.{taken.before.state}")
            )
        self.reload()

    def _line(self, child: Id) -> RosterLine | None:
        """Return a child's line, knowing of a mark that is saved and not read yet."""
        line = self.model.line(self.model.row_of(child))
        held = self._held.get(child)
        return line._replace(mark=held) if line is not None and held else line

    def _show(self, found: Reading) -> None:
        self.day = found.day
        if found.roster is None:
            self.loaded.emit()
            return
        if self.session not in ("", found.roster.session.id):
            return
        self.session = found.roster.session.id
        for line in found.roster.lines:
            if line.mark and self._held.get(line.child) == line.mark:
                del self._held[line.child]
        self.model.show_roster(found.roster)
        self.loaded.emit()
        self._next()

    def _fail(self, trouble: Trouble) -> None:
        self._busy = False
        self._waiting.clear()
        self.troubled.emit(trouble)

    def _operated(self) -> None:
        self.history.clear()
        self._waiting.clear()
        self._state_undo()

    def _state_undo(self) -> None:
        self._desk.state_fact("can_undo", bool(self.history))


def trouble_in(receipt: Receipt) -> Reason | None:
    """Return why a mark of one child was not taken; None when it stands."""
    outcome = receipt.outcome
    item = outcome.items[0] if outcome.items else None
    status = item.status if item is not None else outcome.status
    reasons = (item.reasons if item is not None else ()) or outcome.reasons
    if status in (Status.ACCEPTED, Status.DUPLICATE):
        return None
    return reasons[0] if reasons else Reason(f"outcome.{status.value}")


def _read(source: DeskSource, session: str, operator: Operator | None) -> Reading:
    reader, now_ms = source.reader, source.clock.now().corrected
    seen = sight(operator, Capability.VIEW_ROSTER, source)
    places = tuple(place for place in read_places(reader) if seen.reaches(place.id))
    here = [place for place in places if place.id == source.place.location] or list(places)
    if session:
        roster = read_roster(source, Id(session), operator)
        where = [place for place in places if place.id == roster.session.location]
        day = read_days(reader, where, date.fromisoformat(roster.session.day), days=1, attendance=True, seen=seen)
        return Reading(roster, day)
    day = read_days(reader, here, today_of(here[0], now_ms), days=1, attendance=True, seen=seen) if here else ()
    chosen = nearest(day, now_ms)
    if chosen is None:
        return Reading(None, ())
    found = read_roster(source, chosen.id, operator)
    return Reading(found, tuple(line for line in day if line.location == chosen.location))
