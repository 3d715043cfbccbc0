"""The real cloud, which fails on one kind of mark.

A mark in the state POISON raises in its handler, so the cloud sets it aside. The stubborn one, a control, answers each
push that holds one by an error, for ever.
"""

from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from classtap_core import house
from classtap_core.checkin.operations import MarkAttendance
from classtap_core.kernel.authority import Authority, Incoming
from classtap_core.kernel.errors import Refused
from classtap_core.kernel.operations import Operation
from classtap_core.kernel.outcomes import Outcome
from classtap_core.kernel.tx import Tx
from cloud.serve import serve

POISON = "late"

_sound: Any = MarkAttendance.SPEC.handler
_push_together = Authority.push_together


def _fails(tx: Tx, op: Operation[Any]) -> Outcome:
    if any(item.state == POISON for item in op.payload.items):
        raise RuntimeError("poison")
    outcome: Outcome = _sound(tx, op)
    return outcome


def _refuses(authority: Authority, waiting: Callable[[], Sequence[Incoming]]) -> Any:
    def asked() -> Sequence[Incoming]:
        pushes = waiting()
        if any(POISON.encode() in data for push in pushes for item in push.batch.items for data in item.parts.values()):
            raise Refused("cloud.fault")
        return pushes

    return _push_together(authority, asked)


def run(end: Connection, data: Path, port: int, stubborn: bool) -> None:
    """A process's whole life; it says its address when it listens."""
    MarkAttendance.SPEC.handler = _fails
    if stubborn:
        Authority.push_together = _refuses  # type: ignore[method-assign, assignment]
    serve(data, house.bus(authority=True), port=port, ready=end.send)
