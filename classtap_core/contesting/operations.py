"""Deciding what nobody with the right told: it happened, and is folded in as it was told; or it did not."""

import json
from collections.abc import Iterator
from typing import Any

import msgspec

from classtap_core.access import rules
from classtap_core.access.blueprints import Capability
from classtap_core.access.records import Grant
from classtap_core.contesting.records import DISMISSED, HAPPENED, UNDECIDED, Contested, ContestedPart, Ruling, part_id
from classtap_core.kernel.ids import Id
from classtap_core.kernel.operations import (
    Key,
    Kind,
    Operation,
    Payload,
    Range,
    Reads,
    Resource,
    Spec,
    handles,
    operation,
)
from classtap_core.kernel.outcomes import ACCEPTED, DUPLICATE, Outcome, Status, refused
from classtap_core.kernel.records import OPEN, join
from classtap_core.kernel.tx import Tx


@operation("contested.rule", version=1, kind=Kind.CLAIM, needs=Capability.UNDO)
class RuleContested(Payload, frozen=True, kw_only=True):
    """Somebody with the right to have told it says whether a contested fact happened. It is said once; `kernel.undo` takes
    it back.

    Attributes:
        fact: the contested operation. happened: folded in as it was told, by whom and when; else it stays without
            consequences, and nobody is asked again.
        under: with `happened`, the guards of the fact (`Contested.under`): what is locked is known before it is read.
    """

    fact: Id
    happened: bool
    under: tuple[str, ...] = ()

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield [Key(Contested, self.fact), Range(Grant, "by_holder", (op.author.id,), scope="studio")]
        held = tx.get(Contested, self.fact)
        if held is None:
            return
        yield Key(Ruling, self.fact)
        if self.happened:
            yield [Key(ContestedPart, part_id(self.fact, one), ContestedPart.PREFIX) for one in held.people]
            told = _told(tx, op, held)
            if told is not None:
                yield from told.payload.reads(tx, told)

    def guards(self, op: Operation[Any]) -> tuple[str, ...]:
        return (f"contested:{self.fact}", *self.under)

    def resource(self, tx: Tx, op: Operation[Any]) -> Resource:
        held = tx.get(Contested, self.fact)
        return Resource() if held is None else held.place


@handles(RuleContested)
def rule_contested(tx: Tx, op: Operation[RuleContested]) -> Outcome:
    held = tx.get(Contested, op.payload.fact)
    if held is None:
        return refused("contested.unknown")
    wanted = HAPPENED if op.payload.happened else DISMISSED
    if held.ruled != UNDECIDED:
        return DUPLICATE if held.ruled == wanted else refused("contested.ruled", ruled=held.ruled)
    may = rules.decide(tx.find(Grant, "by_holder", op.author.id), held.needs, held.place, at_ms=op.at.corrected)
    if not may.allowed:
        return refused(may.code)
    outcome = refused("contested.dismissed")
    if op.payload.happened:
        outcome = _folded(tx, op, held)
        if outcome.status in (Status.REFUSED, Status.CONTESTED):
            return refused("contested.cannot", why=outcome.reasons[0].code)
    tx.put(msgspec.structs.replace(held, ruled=wanted))
    ruling = tx.get(Ruling, held.id)
    if ruling is not None:
        tx.put(msgspec.structs.replace(ruling, by=op.author.id, at_ms=op.at.corrected, outcome=outcome))
    return ACCEPTED


def _told(tx: Tx, op: Operation[Any], held: Contested) -> Operation[Any] | None:
    """The fact as it was told; None where a person it is about was erased since, or this program has no such fact."""
    found = {one: tx.get(ContestedPart, part_id(held.id, one)) for one in held.people}
    if not all(part is not None and part.said for part in found.values()):
        return None
    parts: dict[str, dict[str, Any]] = {OPEN: {"": json.loads(held.said)}}
    parts.update({one: json.loads(part.said) for one, part in found.items() if part is not None})
    spec = spec_of(held.fact)
    if spec is None:
        return None
    return Operation(
        spec, spec.decode(held.version, join(parts)), id=held.id, studio=op.studio, device=held.device,
        epoch=held.epoch, sequence=held.sequence, author=held.author, at=held.at, gates=held.gates, cause=held.cause,
        source=held.source, external=held.external,
    )  # fmt: skip


def _folded(tx: Tx, op: Operation[RuleContested], held: Contested) -> Outcome:
    """What the fact comes to now that it is believed."""
    told = _told(tx, op, held)
    if told is None:
        return refused("contested.erased")
    if not {*held.under} <= {*op.payload.under}:
        return refused("contested.under")
    handler = told.spec.handler
    assert handler is not None  # the registry takes no operation without one
    return handler(tx, told)


def spec_of(fact: str) -> Spec | None:
    """What this program knows of a kind of fact: a handler has no registry, but every room's operations are loaded."""
    return next(
        (one.SPEC for one in _operations(Payload) if one.SPEC.name == fact and one.SPEC.kind is Kind.FACT), None
    )


def _operations(above: type[Payload]) -> Iterator[type[Payload]]:
    for one in above.__subclasses__():
        if "SPEC" in vars(one):
            yield one
        yield from _operations(one)
