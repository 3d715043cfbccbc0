"""How marks fold into one state, what a mark must say, and what stands in the way of one. Pure."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import NamedTuple

import msgspec

from classtap_core.checkin.records import Mark, State
from classtap_core.kernel.envelope import GateResult
from classtap_core.schedule.records import Session
from classtap_core.schedule.rules import ends_ms, share_time, starts_ms
from classtap_core.timekeeping.rules import local_date, shift_date

LONGEST_NOTE = 250
_STATES = frozenset(State)
EARLY = "06:00"
"""Nothing that starts the day before runs past this."""
EDIT_MS = 24 * 60 * 60_000


class Window(msgspec.Struct, frozen=True):
    """Sessions that start in [now - before_min, now + after_min] are on the board (catalogue 14, T_before, T_after)."""

    before_min: int = 30
    after_min: int = 60

    def holds(self, start_ms: int, now_ms: int) -> bool:
        return now_ms - self.before_min * 60_000 <= start_ms <= now_ms + self.after_min * 60_000


CHECKIN_POLICY = "checkin"
MOST_WINDOW_MIN = 24 * 60


def window_of(values: Mapping[str, str | int]) -> Window:
    """The window in a published check-in policy; what it leaves out stays at its default."""
    defaults = Window()
    return Window(*(_minutes(values.get(name), getattr(defaults, name)) for name in Window.__struct_fields__))


def _minutes(value: str | int | None, usual: int) -> int:
    """Nonsense is the default: a gate never stops because of it."""
    return value if isinstance(value, int) and 0 <= value <= MOST_WINDOW_MIN else usual


class Standing(NamedTuple):
    """What a child's marks come to.

    Attributes:
        mark: the one that holds; None before any.
        tie: whether another mark that could have held may have been made at the same moment (ruling 3).
    """

    mark: Mark | None = None
    tie: bool = False

    @property
    def state(self) -> State:
        return State.NONE if self.mark is None else self.mark.state


def standing(marks: Iterable[Mark]) -> Standing:
    """The mark that holds, the same for any order of arrival.

    The earliest first mark holds (ruling 3). A mark that names the one it corrects beats that one and every first
    mark, whatever their times; of several corrections that stand side by side the latest holds.
    """
    marks = tuple(marks)
    if len(marks) == 1:
        return Standing(marks[0])
    corrections = [mark for mark in marks if mark.corrects]
    if corrections:
        corrected = {mark.corrects for mark in corrections}
        rivals = [mark for mark in corrections if mark.operation not in corrected] or corrections
        held = max(rivals, key=_order)
    elif marks:
        rivals = list(marks)
        held = min(rivals, key=_order)
    else:
        return Standing()
    return Standing(held, any(is_tie(held, other) for other in rivals if other is not held))


def is_tie(one: Mark, other: Mark) -> bool:
    """Whether nobody can say which was first: two devices, and clocks whose uncertainties overlap."""
    return one.device != other.device and one.interval.overlaps(other.interval)


def with_mark(marks: Iterable[Mark], mark: Mark) -> tuple[Mark, ...]:
    """The set of marks with one more, in order.

    A device that says again what it said before adds nothing: of first marks by one device with the same content,
    the earliest is kept, in any order of arrival.
    """
    kept: dict[tuple[object, ...], Mark] = {}
    for one in sorted({*marks, mark}, key=_order):
        kept.setdefault(_said(one), one)
    return tuple(kept.values())


def mark_trouble(
    mark_state: str, *, corrects: str, note: str, expected_ms: int, at_ms: int, session_end_ms: int
) -> str:
    """The code of what a mark must not say, or "": blank or long notes, an arrival out of the class (catalogue 14)."""
    if mark_state not in _STATES:
        return "attendance.state"
    if mark_state == State.NONE and not corrects:
        return "attendance.nothing_to_clear"
    if note and not note.strip():
        return "attendance.note_blank"
    if len(note) > LONGEST_NOTE:
        return "attendance.note_long"
    if expected_ms and not (mark_state == State.LATE and at_ms <= expected_ms <= max(at_ms, session_end_ms)):
        return "attendance.expected"
    return ""


def wants_reason(mark: Mark) -> bool:
    """Late and absent want a reason; without one the mark stands, and the reason is still owed."""
    return mark.state in (State.LATE, State.ABSENT) and not mark.reason


def window_gate(session: Session, child: str, *, at_ms: int, window: Window) -> GateResult:
    """Whether the session may be marked at this moment. Params tell the allowed span, ms."""
    if session.state != "open":
        return GateResult("window", child, "block", "session_cancelled")
    start = starts_ms(session)
    if window.holds(start, at_ms):
        return GateResult("window", child, "allow")
    span: dict[str, str | int] = {
        "opens_ms": start - window.after_min * 60_000, "closes_ms": start + window.before_min * 60_000,
    }  # fmt: skip
    return GateResult("window", child, "block", "too_early" if start > at_ms else "too_late", span)


def overlap_gate(session: Session, child: str, *, present_in: Iterable[Session]) -> GateResult:
    """Present in a session that shares any time disables Present here; Late and Absent remain (catalogue 14)."""
    for other in present_in:
        if other.id != session.id and share_time(session, other):
            return GateResult("overlap", child, "block", "present_elsewhere", {"session": other.id})
    return GateResult("overlap", child, "allow")


class DoublePresence(NamedTuple):
    """A child marked present in two sessions that share time. `doubtful` is the later said; `tie`: nobody can say which."""

    child: str
    stands: str
    doubtful: str
    tie: bool


def double_presence(child: str, held: Iterable[tuple[Session, Mark]]) -> tuple[DoublePresence, ...]:
    """The pairs of a child's sessions, each with the mark that holds there, in which it cannot have been both.

    The earlier said stands, whatever came first to anybody; the other is looked at by a person. The same for any order.
    """
    present = sorted(
        ((session, mark) for session, mark in held if mark.state is State.PRESENT), key=lambda one: _order(one[1])
    )
    found = []
    for position, (session, mark) in enumerate(present):
        for other, said in present[position + 1 :]:
            if other.id != session.id and share_time(session, other):
                found.append(DoublePresence(child, session.id, other.id, is_tie(mark, said)))
    return tuple(found)


def overlap_days(session: Session) -> tuple[str, ...]:
    """The dates on which a session that shares time with this one may start.

    Its own; the next when it runs past midnight; the one before when it starts so early that last night's may still run.
    """
    return _overlap_days(session.date, session.start, session.zone, ends_ms(session))


@lru_cache(maxsize=4096)
def _overlap_days(day: str, start: str, zone: str, end_ms: int) -> tuple[str, ...]:
    days = [day]
    last = local_date(end_ms - 1, zone)
    if last != day:
        days.append(last)
    if start[11:] < EARLY:
        days.insert(0, shift_date(day, -1))
    return tuple(days)


def overridden(gate: GateResult) -> GateResult:
    """A block that staff take on themselves becomes a warning: admitted, and flagged."""
    return msgspec.structs.replace(gate, result="warn") if gate.result == "block" else gate


def editable(session: Session, at_ms: int) -> bool:
    """Whether staff may still correct a mark: until 24 hours after the end (catalogue 14)."""
    return at_ms <= ends_ms(session) + EDIT_MS


def _order(mark: Mark) -> tuple[int, str, int]:
    return mark.order


def _said(mark: Mark) -> tuple[object, ...]:
    if mark.corrects:
        return (mark.operation,)
    return (mark.device, mark.state, mark.by, mark.reason, mark.note, mark.expected_ms, mark.override)
