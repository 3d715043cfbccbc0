"""What time causes: an emergency that reached nobody goes on, and staff are told. Two clocks give a tick the same id."""

from typing import NamedTuple

from classtap_core.kernel.ids import Id, derived
from classtap_core.kernel.operations import Range
from classtap_core.kernel.records import decode
from classtap_core.kernel.tx import Reader
from classtap_core.messaging.operations import EscalateMessage, TellUnreached
from classtap_core.messaging.records import SENDING, UNREACHED, WAITING, Message
from classtap_core.messaging.routing import ESCALATE_MS
from classtap_core.messaging.templates import TEMPLATES


class Tick(NamedTuple):
    """A tick to be authored: its payload, and the id that two clocks would both give it."""

    payload: EscalateMessage | TellUnreached
    id: Id


def due(reader: Reader, now_ms: int) -> list[Tick]:
    """Emergencies without a delivery for five minutes: staff are told, and it goes on to the next wave where there is one.

    Where every address of the last wave has said no already, nobody waits for the five minutes.
    """
    found = []
    for state in (SENDING, WAITING):
        for row in reader.find(Range(Message, "by_state", (state,))):
            message: Message = decode(Message, row.body)
            if TEMPLATES[message.template].urgent and not message.arrived:
                found += _of(message, now_ms)
    return found


def _of(message: Message, now_ms: int) -> list[Tick]:
    goes_on = message.wave < message.last_wave
    over = not goes_on and message.routed >= message.wave and all(one.state in UNREACHED for one in message.deliveries)
    # What was not routed was asked for by a clock that may be wrong, and may have come late: it gets twice the time.
    asked_ms = max((message.asked_ms, *(one.at_ms for one in message.deliveries)))
    late = now_ms >= (message.wave_ms + ESCALATE_MS if message.wave_ms else asked_ms + 2 * ESCALATE_MS)
    found = []
    if not message.alarm_ms and (over or late):
        told = derived("tick", "clock", "message.unreached", message.id, *message.again)
        found.append(Tick(TellUnreached(message=message.id), told))
    if goes_on and message.wave_ms and late:
        wave = message.wave + 1
        id = derived("tick", "clock", "message.escalate", message.id, str(wave))
        found.append(Tick(EscalateMessage(message=message.id, wave=wave), id))
    return found
