"""A hand at the demonstration's kiosk: taps each child as a person would, and watches that nothing is green too early."""

from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer

from classtap_core.checkin.reading import search
from classtap_core.checkin.records import Attendance
from classtap_core.checkin.rules import standing
from classtap_core.kernel.ids import Id
from classtap_core.kernel.tx import Reader
from kiosk import events as on
from kiosk.app import KioskApp
from kiosk.view import Row, Screen, State, Status

Marks = dict[tuple[str, str], str]
"""Session and child → state."""

TAP_MS = 160
ARRIVING = (Status.PRESENT, Status.PRESENT, Status.LATE, Status.PRESENT, Status.ABSENT)
"""How children arrive, in the order they come."""


class Hand(QObject):
    """Taps through every board that the kiosk shows.

    Attributes:
        marks: what was tapped and shown as saved. outcomes: of each sighting, in order.
        too_green: how often something was shown as saved that was not on disk.
    """

    def __init__(
        self,
        kiosk: KioskApp,
        *,
        on_board: Callable[[], None],
        on_refusal: Callable[[str], None],
        busy: Callable[[bool], None] = lambda on: None,
    ) -> None:
        super().__init__()
        self.kiosk = kiosk
        self.marks: Marks = {}
        self.outcomes: list[str] = []
        self.too_green = 0
        self._tapped: Marks = {}
        self._on_board, self._on_refusal, self._busy = on_board, on_refusal, busy
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(TAP_MS)
        self._timer.timeout.connect(self._reach)
        kiosk.judged.connect(self.outcomes.append)
        kiosk.showed.connect(self._look)

    def sessions(self) -> list[Id]:
        """Sessions with a mark."""
        return [Id(session) for session in dict.fromkeys(session for session, _ in self.marks)]

    def busiest(self) -> str:
        """The session with the most marks."""
        return max(self.sessions(), key=lambda one: sum(session == one for session, _ in self.marks))

    def _look(self, state: State) -> None:
        if state.board is not None:
            self._check(state)
        self._busy(self._serving(state))
        if not self._timer.isActive():
            self._timer.start()

    def _serving(self, state: State) -> bool:
        """Whether somebody stands at the kiosk with something left to tap."""
        rows = state.board.rows() if state.board else ()
        return state.screen in (Screen.CHECKING, Screen.REASON) or (
            state.screen is Screen.BOARD and any(self._open(row) or not row.saved for row in rows)
        )

    def _check(self, state: State) -> None:
        """Everything shown as saved must be on disk at that moment."""
        green = {
            (row.session, row.child): row.state.value
            for row in (state.board.rows() if state.board else ())
            if row.saved and row.state is not Status.NONE and (row.session, row.child) in self._tapped
        }
        new = {key: value for key, value in green.items() if self.marks.get(key) != value}
        if new:
            with self.kiosk.node.reader() as reader:
                held = marks_in(reader, [Id(session) for session, _ in new])
            self.too_green += sum(held.get(key) != value for key, value in new.items())
            self.marks.update(new)

    def _reach(self) -> None:
        state = self.kiosk.state
        if state.screen is Screen.REASON:
            self.kiosk.happen(on.Confirm())
        elif state.screen is Screen.REFUSAL and state.refusal is not None:
            self._on_refusal(f"kiosk-refused-{state.refusal.outcome}")
        elif state.screen is Screen.BOARD and state.board is not None:
            row = next((row for row in state.board.rows() if self._open(row)), None)
            if row is not None:
                self._tap(row)
            elif all(row.saved for row in state.board.rows()):
                self._on_board()

    def _open(self, row: Row) -> bool:
        return (row.session, row.child) not in self._tapped and row.state is Status.NONE and row.saved

    def _tap(self, row: Row) -> None:
        wanted = ARRIVING[len(self._tapped) % len(ARRIVING)]
        allowed = [choice for choice in (wanted, Status.LATE, Status.ABSENT) if choice not in row.blocked()]
        key = (row.session, row.child)
        self._tapped[key] = allowed[0].value if allowed else ""
        if allowed:
            self.kiosk.happen(on.Tap(row.session, row.child, allowed[0]))
        else:
            self._look(self.kiosk.state)


def marks_in(reader: Reader, sessions: list[Id]) -> Marks:
    """What a place holds of some sessions: the state of each child that has one."""
    found: Marks = {}
    for session in dict.fromkeys(sessions):
        for entry in search(reader, Attendance, "by_session", session):
            state = standing(entry.marks).state.value
            if state != Status.NONE.value:
                found[session, entry.child] = state
    return found
