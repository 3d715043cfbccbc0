"""What time causes: an emergency that reached nobody goes on. Two clocks give a tick the same id."""

from typing import NamedTuple

from classtap_core.kernel.ids import Id, derived
from classtap_core.kernel.operations import Range
from classtap_core.kernel.records import decode
from classtap_core.kernel.tx import Reader
from classtap_core.messaging.operations import EscalateMessage
from classtap_core.messaging.records import SENDING, Message
from classtap_core.messaging.routing import ESCALATE_MS
from classtap_core.messaging.templates import TEMPLATES


class Tick(NamedTuple):
    """A tick to be authored: its payload, and the id that two clocks would both give it."""

    payload: EscalateMessage
    id: Id


def due(reader: Reader, now_ms: int) -> list[Tick]:
    """Emergencies without a delivery for five minutes, and the wave they go on to."""
    found = []
    for row in reader.find(Range(Message, "by_state", (SENDING,))):
        message: Message = decode(Message, row.body)
        goes_on = message.wave < message.last_wave and not message.arrived and TEMPLATES[message.template].urgent
        if goes_on and message.wave_ms and now_ms >= message.wave_ms + ESCALATE_MS:
            wave = message.wave + 1
            id = derived("tick", "clock", "message.escalate", message.id, str(wave))
            found.append(Tick(EscalateMessage(message=message.id, wave=wave), id))
    return found
