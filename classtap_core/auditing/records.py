"""How long entries are kept, stream by stream, and what must not go at all."""

from typing import ClassVar

import msgspec

from classtap_core.kernel.ids import Id, derived
from classtap_core.kernel.records import Record


class Hold(msgspec.Struct, frozen=True, omit_defaults=True):
    """A legal hold: nothing of its stream goes while it stands. `reason` names no person."""

    id: Id
    by: Id
    at_ms: int
    reason: str


class AuditStream(Record, frozen=True, kw_only=True):
    """How long one stream of entries keeps its words, under `stream_id`.

    Attributes:
        days: since the operation was decided; 0 for the stream's own default (`rules.DAYS`).
        holds: every hold ever placed, in order of id. lifted: those that no longer stand.
    """

    KIND: ClassVar[str] = "audit_stream"
    PREFIX: ClassVar[str] = "studio"

    name: str
    days: int = 0
    holds: tuple[Hold, ...] = ()
    lifted: tuple[Id, ...] = ()

    @property
    def held(self) -> bool:
        return any(hold.id not in self.lifted for hold in self.holds)


def stream_id(name: str) -> Id:
    return derived("audit.stream", name)
