"""What the cloud would say to something, as far as it can be known here: a first look, never a decision."""

from collections.abc import Iterable, Mapping, Sequence

from classtap_core.kernel.bus import Bus, Decision, Phase
from classtap_core.kernel.clock import Timestamp
from classtap_core.kernel.envelope import Author
from classtap_core.kernel.ids import Id
from classtap_core.kernel.operations import Operation, Payload, Range
from classtap_core.kernel.records import Record, Row
from classtap_core.kernel.tx import Change, Reader, Snapshot


def foreseen(
    payloads: Sequence[Payload], reader: Reader, bus: Bus, *, ids: Sequence[Id], studio: Id, device: Id, author: Author,
    at: Timestamp, source: str,
) -> list[Decision]:  # fmt: skip
    """What handlers alone make of some operations, each seeing what those before it would do; nothing is committed.

    `bus` decides with authority. `ids` are those the operations would have.
    """
    snapshot = Snapshot(AsFarAsKnown(reader), bus.registry)
    decisions = []
    for number, (id, payload) in enumerate(zip(ids, payloads, strict=True), 1):
        op = Operation(
            payload.SPEC, payload, id=id, studio=studio, device=device, epoch=1, sequence=number, author=author, at=at,
            source=source,
        )  # fmt: skip
        decision = bus.decide(op, snapshot, now=at.corrected, phase=Phase.RERUN)
        snapshot.apply(decision.op.id, decision.changes)
        decisions.append(decision)
    return decisions


class AsFarAsKnown:
    """What a device has, as if there were nothing else."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def rows(self, record: type[Record], ids: Iterable[Id]) -> Mapping[Id, Row]:
        return self._reader.rows(record, ids)

    def find(self, wanted: Range) -> list[Row]:
        return self._reader.find(wanted)

    def find_many(self, wanted: Sequence[Range]) -> list[list[Row]]:
        return self._reader.find_many(wanted)

    def holds(self, scope: str) -> bool:
        return True

    def recorded(self, operation: Id) -> tuple[Change, ...] | None:
        return self._reader.recorded(operation)
