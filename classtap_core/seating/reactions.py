"""What time causes: roll-outs whose hour has come. The cloud's clock authors these, once each."""

from typing import NamedTuple

from classtap_core.kernel.ids import Id, derived
from classtap_core.kernel.operations import Range
from classtap_core.kernel.records import decode
from classtap_core.kernel.tx import Reader
from classtap_core.schedule.records import Session
from classtap_core.schedule.seats import RoomSeating, room_seating_id
from classtap_core.seating.in_force import affected, coming
from classtap_core.seating.records import SeatRolloutStep
from classtap_core.seating.rollouts import QUEUED, ApplyRollout


class Tick(NamedTuple):
    """A tick to be authored: its payload, and the id that two clocks would both give it."""

    payload: ApplyRollout
    id: Id


def due(reader: Reader, now_ms: int) -> list[Tick]:
    """Steps that are to be tried now, with the sessions that each would touch."""
    rows = reader.find(Range(SeatRolloutStep, "by_state", (QUEUED,), low=0, high=now_ms))
    return [_tick(reader, decode(SeatRolloutStep, row.body), now_ms) for row in rows]


def _tick(reader: Reader, step: SeatRolloutStep, now_ms: int) -> Tick:
    id = room_seating_id(step.room)
    row = reader.rows(RoomSeating, [id]).get(id)
    seating: RoomSeating | None = None if row is None else decode(RoomSeating, row.body)
    sessions = [decode(Session, row.body) for row in reader.find(coming(step.location, now_ms))]
    payload = ApplyRollout(
        rollout=step.rollout, due_ms=step.due_ms, room=step.room, location=step.location,
        head=0 if seating is None else seating.latest, sessions=affected(sessions, step.room, now_ms=now_ms),
    )  # fmt: skip
    return Tick(payload, derived("tick", "clock", "seatrollout.apply", step.id, str(step.due_ms), str(step.tries)))
