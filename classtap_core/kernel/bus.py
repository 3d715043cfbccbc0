"""The one door: permission, gates and handler decide an operation, over a snapshot, without writing anything.

Three phases. The author's bus checks permission and gates and writes their verdicts into the operation; the cloud
checks both again on acceptance; a re-run after a pull runs the handler alone.
"""

from collections.abc import Hashable, Iterable, Sequence
from enum import StrEnum
from typing import Any, NamedTuple, Protocol

import msgspec

from classtap_core.kernel.effects import Intent
from classtap_core.kernel.envelope import GateResult
from classtap_core.kernel.errors import NotHeld, Param, ProgramFault, UndeclaredRead
from classtap_core.kernel.ids import Id
from classtap_core.kernel.operations import Key, Kind, Operation, Range, Reads, Recorded, Registry, Want
from classtap_core.kernel.outcomes import Outcome, Reason, Status, contested, refused, undetermined, waiting
from classtap_core.kernel.together import Companies, Company, Together
from classtap_core.kernel.tx import Change, Looked, Snapshot, Touched, Tx


class Phase(StrEnum):
    """`hear`: a device looks at what another says: at its right to say so, as the cloud will; its author's gates stand."""

    AUTHOR = "author"
    ACCEPT = "accept"
    RERUN = "rerun"
    HEAR = "hear"


class Verdict(NamedTuple):
    """A permission's answer: allowed by which grants, or refused with a code."""

    allowed: bool
    code: str = ""
    grants: tuple[Id, ...] = ()


class Permission(Protocol):
    """Decides whether an author may do what an operation says. Default deny."""

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads: ...

    def allows(self, tx: Tx, op: Operation[Any]) -> Verdict: ...


class Gate(Protocol):
    """A check that may stop, warn or ask over each item of an operation; every route meets the same ones."""

    @property
    def name(self) -> str: ...

    def applies(self, op: Operation[Any]) -> bool: ...

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads: ...

    def check(self, tx: Tx, op: Operation[Any]) -> Iterable[GateResult]: ...


class Decision(NamedTuple):
    """What an operation came to. Nothing of it is written yet.

    Attributes:
        folded: whether its changes count at once (false for a request that waits for the cloud).
        fault: our own mistake, when the outcome is quarantined.
        missing: the scope that would have to be held to decide it here; empty when nothing was missing.
    """

    op: Operation[Any]
    outcome: Outcome
    changes: tuple[Change, ...] = ()
    effects: tuple[Intent, ...] = ()
    gates: tuple[GateResult, ...] = ()
    grants: tuple[Id, ...] = ()
    touched: Touched = Touched()
    folded: bool = False
    fault: Exception | None = None
    missing: str = ""


class Judged(NamedTuple):
    """Permission's and the gates' word on an operation, given beforehand with its company's."""

    company: Company
    verdict: Verdict
    gates: tuple[GateResult, ...]


class Bus:
    """Decides operations for one place: a device (`authority=False`) or the cloud (`authority=True`)."""

    def __init__(
        self,
        registry: Registry,
        permission: Permission,
        gates: Sequence[Gate] = (),
        *,
        authority: bool,
        together: Together | None = None,
    ) -> None:
        """`together` judges operations of a batch at once; without it, each goes through every gate by itself."""
        self.registry, self.permission, self.gates, self.authority = registry, permission, tuple(gates), authority
        self._together = together

    def decide(self, op: Operation[Any], snapshot: Snapshot, *, now: int, phase: Phase) -> Decision:
        """Permission, gates (not in a re-run) and handler, over a snapshot that is only read.

        `now` is milliseconds since the Unix epoch. A fault of ours comes back as a quarantined outcome.
        """
        tx, judged = snapshot.prepared.pop(op.id, None), snapshot.judged.pop(op.id, None)
        if judged is not None and judged.company.moved:
            tx = None
        ready = tx is not None and tx.now == now and tx.looked is not None and snapshot.same_since(tx.looked)
        if tx is None or not ready:
            tx, judged = Tx(snapshot, now=now, operation=op.id), None
        tx.looked, tx.tracking = None, True
        try:
            return self._decide(op, snapshot, tx, phase, ready=ready, judged=judged)
        except NotHeld as missing:
            return _not_held(op, missing, tx.touched)
        except Exception as fault:  # noqa: BLE001 - a handler's bug must hold up nobody else's operation
            return _quarantined(op, fault)

    def _decide(
        self, op: Operation[Any], snapshot: Snapshot, tx: Tx, phase: Phase, *, ready: bool, judged: Judged | None
    ) -> Decision:
        """With `ready`, everything that payload, permission and gates read is declared in `tx` already; or what the
        payload reads, and what permission and gates said with others."""
        if phase is not Phase.RERUN:
            early = self._kind_allows(op, phase)
            if early is not None:
                return Decision(op, early)
        missing = None if ready else _resolve_held(op.payload.reads(tx, op), tx, snapshot)
        found: tuple[GateResult, ...] = ()
        grants: tuple[Id, ...] = ()
        flags: tuple[Reason, ...] = ()
        if phase is not Phase.RERUN:
            tx.tracking = False
            alone = ready and judged is None
            verdict = self._permit(op, snapshot, tx, missing, ready=alone) if judged is None else judged.verdict
            grants = verdict.grants
            if not verdict.allowed:
                believed = phase is not Phase.AUTHOR and op.spec.kind is Kind.FACT
                return Decision(op, contested(verdict.code) if believed else refused(verdict.code))
            if phase is not Phase.HEAR:
                found = self._gates(op, snapshot, tx, missing, ready=alone) if judged is None else judged.gates
                if phase is Phase.ACCEPT and op.spec.kind is Kind.FACT:
                    flags = tuple(_flag(gate) for gate in _news(found, op.gates))
                else:
                    op.gates = found
            tx.tracking = True
        if missing is not None:
            raise missing
        if self._must_wait(op):
            return Decision(op, waiting("cloud"), gates=found, grants=grants)
        handler = op.spec.handler
        if handler is None:
            raise ProgramFault(f"{op.spec.name} has no handler")
        outcome = handler(tx, op)
        if flags:
            outcome = _flagged(outcome, flags)
        changes = tx.changes()
        keeps = outcome.status not in (Status.REFUSED, Status.WAITING)
        if not keeps and changes:
            raise ProgramFault(f"{op.spec.name} changed records and was {outcome.status}")
        return Decision(op, outcome, changes, tx.effects if keeps else (), found, grants, tx.touched, folded=keeps)

    def _kind_allows(self, op: Operation[Any], phase: Phase) -> Outcome | None:
        if self.authority:
            by_device = phase is Phase.ACCEPT
            ours = op.spec.kind in (Kind.TICK, Kind.STEP) or op.spec.needs is None
            return refused("needs_cloud") if by_device and ours else None
        if op.spec.kind is Kind.TICK:
            raise ProgramFault("only the cloud's clock authors a tick")
        return refused("needs_cloud") if op.spec.kind is Kind.STEP else None

    def _must_wait(self, op: Operation[Any]) -> bool:
        if self.authority:
            return False
        kind = op.spec.kind
        return kind in (Kind.PUBLISH, Kind.STEP) or (kind is Kind.CLAIM and not op.payload.leased())

    def _permit(
        self, op: Operation[Any], snapshot: Snapshot, tx: Tx, missing: NotHeld | None, *, ready: bool
    ) -> Verdict:
        if op.spec.needs is None:
            return Verdict(op.author.type == "clock" and self.authority, "permission.clock_only")
        try:
            if not ready:
                _resolve(self.permission.reads(tx, op), tx, snapshot)
            return self.permission.allows(tx, op)
        except UndeclaredRead:
            if missing is not None:  # what it asked for would have been declared after what is not held
                raise missing from None
            raise

    def _gates(
        self, op: Operation[Any], snapshot: Snapshot, tx: Tx, missing: NotHeld | None, *, ready: bool
    ) -> tuple[GateResult, ...]:
        found: list[GateResult] = []
        for gate in self.gates:
            if gate.applies(op):
                found.extend(_judged(gate, op, snapshot, tx, missing, ready=ready))
        return tuple(found)

    def prefetch(self, ops: Sequence[Operation[Any]], snapshot: Snapshot, *, now: int) -> None:
        """Fetch a batch's declared reads in rounds, one query per record kind and round.

        What an operation declared is kept with the snapshot: it holds when the operation is decided, as long as none
        before it changed what its reads looked at.
        """
        running: list[_Ahead] = []
        companies: dict[Hashable, list[Company]] = {}
        for op in ops:
            joined = self._joined(op, companies, snapshot, now)
            if joined and self.authority:  # nobody asks there what a handler touched: its reads are the company's
                continue
            tx = Tx(snapshot, now=now, operation=op.id)
            tx.looked = Looked(set(), [], set())
            snapshot.prepared[op.id] = tx
            running.append(_Ahead(op, tx, op.payload.reads(tx, op), True))
            if not joined:
                running.append(_Ahead(op, tx, self._judging(tx, op), False))
        together = [company for several in companies.values() for company in several]
        running += [_Ahead(company.ops[0], company.tx, self._judging_all(company), False) for company in together]
        while running:
            wanted: list[Want] = []
            going: list[_Ahead] = []
            for one in running:
                op, tx, reads, tx.tracking = one
                try:
                    wants = _several(next(reads))
                except StopIteration:
                    continue
                except Exception:  # noqa: BLE001 - met again, and answered, when this operation is decided
                    snapshot.prepared.pop(op.id, None)
                    continue
                tx.declare(wants)
                wanted += wants
                going.append(one)
            snapshot.warm(wanted)
            running = going
        if together:
            resting = Companies(self.registry)
            for company in together:
                self._judge(company, snapshot, resting)
            snapshot.changed = resting.changed

    def _joined(
        self, op: Operation[Any], companies: dict[Hashable, list[Company]], snapshot: Snapshot, now: int
    ) -> bool:
        """Whether an operation is judged with others of the batch."""
        if self._together is None or op.spec.needs is None:
            return False
        key = self._together.company(op)
        if key is None:
            return False
        several = companies.setdefault(key, [])
        if several and several[-1].admits(op):
            return True
        company = Company(Tx(snapshot, now=now, operation=op.id))
        if not company.admits(op):
            return False
        several.append(company)
        return True

    def _judging(self, tx: Tx, op: Operation[Any]) -> Reads:
        """What permission and gates read of one operation, gate by gate."""
        if op.spec.needs is not None:
            yield from self.permission.reads(tx, op)
        for gate in self.gates:
            if gate.applies(op):
                yield from gate.reads(tx, op)

    def _judging_all(self, company: Company) -> Reads:
        """What permission and gates read of a company."""
        assert self._together is not None
        yield from self.permission.reads(company.tx, company.ops[0])
        yield from self._together.reads(company.tx, company.ops)

    def _judge(self, company: Company, snapshot: Snapshot, resting: Companies) -> None:
        """Permission's and the gates' word on a company. Where there is trouble, each is judged alone, and meets it."""
        assert self._together is not None
        try:
            gates = self._together.check(company.tx, company.ops)
            found = [
                Judged(company, self.permission.allows(company.tx, op), verdicts)
                for op, verdicts in zip(company.ops, gates, strict=True)
            ]
        except Exception:  # noqa: BLE001 - met again, and answered, when each is decided
            for op in company.ops:
                snapshot.prepared.pop(op.id, None)
            return
        resting.add(company)
        for op, judged in zip(company.ops, found, strict=True):
            snapshot.judged[op.id] = judged
            if self.authority:
                snapshot.prepared[op.id] = company.tx.beside(op.id)


class _Ahead(NamedTuple):
    """One of an operation's reads, run ahead of the decision; only the payload's own count as touched."""

    op: Operation[Any]
    tx: Tx
    reads: Reads
    tracked: bool


def _judged(
    gate: Gate, op: Operation[Any], snapshot: Snapshot, tx: Tx, missing: NotHeld | None, *, ready: bool
) -> list[GateResult]:
    """A gate's verdicts; what it could not look at is asked of staff, item by item, and stops no sibling."""
    found: list[GateResult] = []
    try:
        if not ready:
            _resolve(gate.reads(tx, op), tx, snapshot)
        for result in gate.check(tx, op):
            found.append(result)  # noqa: PERF402 - what was judged before the trouble counts
    except (NotHeld, UndeclaredRead) as trouble:
        lacking = trouble if isinstance(trouble, NotHeld) else missing
        if lacking is None:
            raise
        judged = {result.item for result in found}
        params: dict[str, str | int] = {"scope": lacking.scope}
        asked = [item for item in op.payload.items_of() or ("",) if item not in judged]
        found.extend(GateResult(gate.name, item, "ask", "not_held", params) for item in asked)
    return found


_WANTS = frozenset((Key, Range, Recorded))


def _several(wants: Want | Iterable[Want]) -> tuple[Want, ...]:
    if type(wants) in _WANTS:
        return (wants,)  # type: ignore[return-value]
    return tuple(wants)  # type: ignore[arg-type]


def _resolve(reads: Reads, tx: Tx, snapshot: Snapshot) -> None:
    for wants in reads:
        several = _several(wants)
        snapshot.warm(several)
        tx.declare(several)


def _resolve_held(reads: Reads, tx: Tx, snapshot: Snapshot) -> NotHeld | None:
    """Resolve what is held here; what is not is met again after permission and gates had their say."""
    try:
        _resolve(reads, tx, snapshot)
    except NotHeld as missing:
        return missing
    return None


def _not_held(op: Operation[Any], missing: NotHeld, touched: Touched) -> Decision:
    kind, scope = op.spec.kind, missing.scope
    if kind is Kind.FACT:
        return Decision(op, undetermined(scope), gates=op.gates, touched=touched, folded=True, missing=scope)
    if kind in (Kind.CLAIM, Kind.PUBLISH, Kind.EDIT):
        return Decision(op, waiting(scope), gates=op.gates, missing=scope)
    return Decision(op, refused("not_held", scope=scope), missing=scope)


def _quarantined(op: Operation[Any], fault: Exception) -> Decision:
    outcome = Outcome(status=Status.QUARANTINED, reasons=(Reason("fault", {"type": type(fault).__name__}),))
    return Decision(op, outcome, fault=fault)


def _flag(gate: GateResult) -> Reason:
    """What a gate of the cloud says of a fact; `item` is whom it is about, where it is not the whole."""
    return Reason(f"gate.{gate.code}", {**gate.params, "item": gate.item} if gate.item else dict(gate.params))


def _news(found: tuple[GateResult, ...], known: tuple[GateResult, ...]) -> list[GateResult]:
    """Verdicts of the cloud that the author's bus did not have."""
    had = {(gate.gate, gate.item, gate.code) for gate in known}
    return [gate for gate in found if gate.result != "allow" and (gate.gate, gate.item, gate.code) not in had]


def _flagged(outcome: Outcome, flags: tuple[Reason, ...]) -> Outcome:
    reviews: tuple[dict[str, Param], ...] = tuple({"review": flag.code} for flag in flags)
    return msgspec.structs.replace(outcome, reasons=outcome.reasons + flags, obligations=outcome.obligations + reviews)
