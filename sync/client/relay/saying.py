"""What is to be said of a neighbourhood, as codes: who hears whom, and what stands in the way."""

from sync.client.relay.local import Neighbourhood

RELAY_OFF, RELAY_ALONE, RELAY_HEARS, RELAY_OTHER = "relay.off", "relay.alone", "relay.hears", "relay.other"
RELAY_TROUBLES = frozenset({"relay.no_network", "relay.no_multicast", "relay.no_port"})
"""Codes with words of their own; any other is told in `RELAY_OTHER`'s."""


def relay_codes(*, on: bool, trouble: str, heard: int) -> tuple[str, ...]:
    """What is to be said of a neighbourhood in which so many others are heard, as codes: who hears whom, what stands in
    the way. Their words take the number of devices that hear each other, this one among them, and `code`, the trouble."""
    if not on:
        return (RELAY_OFF,)
    hears = (RELAY_HEARS,) if heard else ()
    if not trouble:
        return hears or (RELAY_ALONE,)
    return (*hears, trouble if trouble in RELAY_TROUBLES else RELAY_OTHER)


def hearing(found: Neighbourhood) -> int:
    """How many devices hear each other in this network, this one among them; 0 where it hears none."""
    return len(found.neighbours) + 1 if found.neighbours else 0
