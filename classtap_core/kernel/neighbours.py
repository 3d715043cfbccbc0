"""What other devices of this place told, and the cloud may not have yet: laid over the cloud's rows, beneath own work.

Only facts come this way. Their handlers are folds of sets, so it does no harm to lay one over a row that has it in.
"""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from classtap_core.kernel.batches import Batch
from classtap_core.kernel.bus import Bus, Decision, Phase
from classtap_core.kernel.device_store import Answer, DeviceBackend, Pulled, Told
from classtap_core.kernel.envelope import Sealed, join_parts, own
from classtap_core.kernel.errors import BadInput
from classtap_core.kernel.ids import Id
from classtap_core.kernel.operations import Operation
from classtap_core.kernel.outcomes import Outcome, Status
from classtap_core.kernel.tx import Change, Ref, Snapshot

Holds = Callable[[type[msgspec.Struct], tuple[str, ...]], bool]
"""Whether what a record or a payload of a shape says may lie here; a record, in these scopes."""


COUNTS = frozenset({Status.ACCEPTED, Status.DUPLICATE, Status.SUPERSEDED})
"""Outcomes whose changes are in the cloud's rows."""


class Neighbours:
    """Lays what was told over the cloud's rows, whenever either comes."""

    def __init__(self, backend: DeviceBackend, bus: Bus) -> None:
        self._backend, self._bus = backend, bus

    def hear(self, run: Batch, sealed: Sequence[Sealed], *, holds: Holds, heard_ms: int) -> set[Ref]:
        """Keep a run that was checked (`batches.check_signed`), and lay it over the rows; what was touched.

        What is no fact, is not understood here, or says or would write what this device may not hold, is not kept. What
        its author had no right to is kept for the cloud to say so, and changes nothing here.
        """
        here = self._backend.told_here(run.device, run.epoch, [item.envelope.sequence for item in sealed])
        new = [_told(item) for item in sealed if item.envelope.sequence not in here]
        snapshot = Snapshot(self._backend, self._bus.registry)
        looked = [(told, self._look(told, snapshot, holds)) for told in new]
        entries = [told for told, refs in looked if refs is not None]
        if not entries:
            return set()
        self._backend.keep_told(run, entries, heard_ms=heard_ms)
        return self._lay(entries, {ref for _, refs in looked for ref in refs or ()})

    def _look(self, told: Told, snapshot: Snapshot, holds: Holds) -> set[Ref] | None:
        """What an operation would touch; None for one that is not taken."""
        op = self._reread(told)
        if op is None or not op.spec.told or not holds(op.spec.payload, ()):
            return None
        decision = self._decide(op, snapshot, told)
        records = self._bus.registry.records
        taken = decision.fault is None and all(
            holds(records[change.kind], tuple(filter(None, (change.scope, change.left)))) for change in decision.changes
        )
        return _touched(decision) if taken else None

    def lay(self, came: set[Ref]) -> set[Ref]:
        """Lay what was told over rows of the cloud that came; what was touched."""
        entries = self._backend.told_touching(came) if came else []
        return self._lay(entries, self._backend.told_refs(entries)) if entries else set()

    def _lay(self, entries: Sequence[Told], reach: set[Ref]) -> set[Ref]:
        """Run operations over the bare rows, without gates, and put what comes out in the cloud's place.

        One that reads what an earlier look did not know of is run once more, with that bare as well.
        """
        entries = sorted(entries, key=lambda one: one.order)
        while True:
            self._backend.bare(reach)
            changed: dict[Ref, Change] = {}
            touches: list[tuple[Told, set[Ref], set[str]]] = []
            snapshot = Snapshot(self._backend, self._bus.registry)
            for told in entries:
                op = self._reread(told)
                if op is None:
                    continue
                decision = self._decide(op, snapshot, told)
                snapshot.apply(told.id, decision.changes)
                changed.update({change.ref: change for change in decision.changes})
                touches.append((told, _touched(decision), {change.scope for change in decision.changes}))
            touched = {ref for _, refs, _ in touches for ref in refs}
            if touched <= reach:
                break
            reach = reach | touched
        for told, refs, scopes in touches:
            self._backend.told_touch(told, refs, scopes)
        self._backend.put_base([Pulled(one.kind, one.id, one.scope, one.body) for one in changed.values()])
        return reach

    def _decide(self, op: Operation[Any], snapshot: Snapshot, told: Told) -> Decision:
        return self._bus.decide(op, snapshot, now=told.at_ms, phase=Phase.HEAR)

    def _reread(self, told: Told) -> Operation[Any] | None:
        """The operation; None when a part of it was erased, or this version does not understand it."""
        try:
            return self._bus.registry.read(own(told.data), join_parts(told.parts), told.hash)
        except BadInput:
            return None

    def answered(self, device: Id, epoch: int, answers: Sequence[Answer], *, cursor: int) -> bool:
        """Take the cloud's answers to what was brought to it; whether all of it counts, as it was laid here.

        What was pulled by then is let go; the rest with the pull that brings it.
        """
        self._backend.told_answered(device, epoch, answers)
        self._backend.drop_told(through=cursor)
        return all(_counts(answer.outcome) for answer in answers)


def _touched(decision: Decision) -> set[Ref]:
    return {*decision.touched.refs, *(change.ref for change in decision.changes)}


def _counts(outcome: Outcome) -> bool:
    return outcome.status in COUNTS and all(item.status in COUNTS for item in outcome.items)


def _told(item: Sealed) -> Told:
    envelope = item.envelope
    return Told(
        envelope.device, envelope.epoch, envelope.sequence, envelope.id, envelope.at.corrected, item.data, item.hash,
        item.parts,
    )  # fmt: skip
