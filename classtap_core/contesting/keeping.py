"""The cloud's bus, which keeps what it contests where somebody with the right can decide it."""

import json
from collections.abc import Iterable
from typing import Any

from classtap_core.access.records import Device
from classtap_core.contesting.records import UNDECIDED, Contested, ContestedPart, Ruling, part_id
from classtap_core.kernel.bus import Bus, Decision, Phase
from classtap_core.kernel.ids import Id
from classtap_core.kernel.operations import Key, Operation, Range, Recorded
from classtap_core.kernel.outcomes import Status
from classtap_core.kernel.records import OPEN, plain, split
from classtap_core.kernel.tx import Change, Snapshot, Tx


class ContestingBus(Bus):
    """As `Bus`; a fact that is contested changes nothing but that it lies there to be decided."""

    def decide(self, op: Operation[Any], snapshot: Snapshot, *, now: int, phase: Phase) -> Decision:
        decision = super().decide(op, snapshot, now=now, phase=phase)
        if self.authority and phase is Phase.ACCEPT and decision.outcome.status is Status.CONTESTED:
            decision = decision._replace(changes=_kept(op, decision, snapshot, now=now))
        return decision


def _kept(op: Operation[Any], decision: Decision, snapshot: Snapshot, *, now: int) -> tuple[Change, ...]:
    tx = Tx(snapshot, now=now, operation=op.id)
    for wants in op.payload.reads(tx, op):
        _declare(tx, snapshot, [wants] if isinstance(wants, Key | Range | Recorded) else wants)
    values = split(type(op.payload), plain(op.payload))
    people = tuple(sorted(Id(subject) for subject in values if subject != OPEN))
    known = [Key(Contested, op.id), Key(Ruling, op.id), Key(Device, op.device, "studio")]
    _declare(tx, snapshot, [*known, *(Key(ContestedPart, part_id(op.id, one)) for one in people)])
    tx.put(
        Contested(
            id=op.id, ruled=UNDECIDED, at_ms=op.at.corrected, device=op.device, fact=op.kind, version=op.spec.version,
            author=op.author, at=op.at, epoch=op.epoch, sequence=op.sequence, why=decision.outcome.reasons[0].code,
            needs=str(op.spec.needs), said=_json(values[OPEN][""]), place=op.payload.resource(tx, op), people=people,
            under=op.payload.guards(op), gates=op.gates, source=op.source, cause=op.cause, external=op.external,
        )
    )  # fmt: skip
    for one in people:
        tx.put(ContestedPart(id=part_id(op.id, one), operation=op.id, subject=one, said=_json(values[one])))
    teller = tx.get(Device, op.device)
    tx.put(
        Ruling(
            id=op.id, device=op.device, at_ms=now, epoch=op.epoch, sequence=op.sequence, outcome=decision.outcome,
            location="" if teller is None else teller.location, under=op.payload.guards(op),
        )
    )  # fmt: skip
    return tx.changes()


def _declare(tx: Tx, snapshot: Snapshot, wants: Iterable[Any]) -> None:
    several = tuple(wants)
    snapshot.warm(several)
    tx.declare(several)


def _json(data: Any) -> str:
    return json.dumps(data, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
