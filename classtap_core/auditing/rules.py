"""Which stream an operation belongs to, and from when on its words may go. Pure.

What goes is what was said and what it changed; envelope and link stay, so that both chains verify for ever.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from classtap_core.auditing.records import AuditStream

DAY_MS = 86_400_000
LEAST_DAYS, MOST_DAYS = 30, 3_650
OTHER = "studio"

_STREAMS = {
    "attendance": "attendance", "scan": "scans", "booking": "bookings", "lease": "bookings", "family": "families",
    "child": "families", "guardian": "families", "learner": "families", "contact": "families", "health": "health",
    "document": "health", "signature": "families", "waiver": "families", "pass": "passes", "wallet": "passes", "pickup": "passes",
    "staff": "access", "grant": "access", "blueprint": "access", "reveal": "access", "device": "access",
    "pin": "access", "message": "messages", "seatdraft": "seating", "seatmap": "seating", "seatlock": "seating",
    "seatpreset": "seating", "seatrollout": "seating", "seatcomment": "seating", "spot": "seating",
    "session": "schedule", "series": "schedule", "program": "schedule", "class": "schedule", "closure": "schedule",
    "room": "schedule", "instructor": "schedule", "audit": "audit",
}  # fmt: skip
"""The first part of an operation's name → its stream."""

STREAMS = tuple(sorted({*_STREAMS.values(), OTHER}))
DAYS = MappingProxyType(dict.fromkeys(STREAMS, MOST_DAYS) | {"scans": 365, "messages": 730, "access": 2_555})
"""How long each stream is kept where a studio says nothing else."""


def stream_of(kind: str) -> str:
    """The stream of an operation."""
    return "health" if kind == "child.health" else _STREAMS.get(kind.partition(".")[0], OTHER)


def cutoffs(kept: Iterable[AuditStream], now_ms: int) -> Mapping[str, int]:
    """Stream → the instant before which its words go now. A stream under a hold is not in it."""
    said = {stream.name: stream for stream in kept}
    return {
        name: now_ms - (said[name].days if name in said and said[name].days else DAYS[name]) * DAY_MS
        for name in STREAMS
        if name not in said or not said[name].held
    }
