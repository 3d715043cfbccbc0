"""The one order of gates that every route goes through (ruling 10b), and those before a booking."""

from collections.abc import Iterable
from typing import Any, Protocol

from classtap_core.booking import care_gates, guardian_gates
from classtap_core.booking.operations import CreateBooking
from classtap_core.eligibility.rules import ALLOWED, Decision, Occasion, decide
from classtap_core.kernel.bus import Gate
from classtap_core.kernel.envelope import GateResult
from classtap_core.kernel.errors import ProgramFault
from classtap_core.kernel.ids import Id
from classtap_core.kernel.operations import Key, Operation, Reads
from classtap_core.kernel.records import Record
from classtap_core.kernel.tx import Tx
from classtap_core.people.learners import Learner, known
from classtap_core.people.records import ChildHealth, ContactMasked
from classtap_core.schedule.records import ClassType, Session

STAGES = ("window", "identity", "capability", "overlap", "consent", "health", "eligibility", "capacity", "payment")
"""What is asked first to last. A stage without a gate asks nothing."""


class Staged(Gate, Protocol):
    """A gate that knows its place."""

    @property
    def stage(self) -> str: ...


def pipeline(*gates: Staged) -> tuple[Gate, ...]:
    """Gates in the order of their stages; of one stage, as given. Raises ProgramFault for a stage there is not."""
    for gate in gates:
        if gate.stage not in STAGES:
            raise ProgramFault(f"gate {gate.name} stands at no stage: {gate.stage}")
    return tuple(sorted(gates, key=lambda gate: STAGES.index(gate.stage)))


def class_wants(session: Session) -> list[Key]:
    """What says which rule a session has, and on which dates it is judged."""
    return [Key(ClassType, session.class_type, "studio"), *care_gates.program_wants(session)]


def learner_wants(tx: Tx, session: Session, children: Iterable[Id]) -> Reads:
    """What is known of children, where the session asks for something; nothing at all where it does not."""
    children = list(children)
    if not rule_of(tx, session) or not children:
        return
    yield [Key(ChildHealth, child) for child in children]
    found = [tx.get(ChildHealth, child) for child in children]
    yield [Key(Learner, health.id, f"health/{health.home}") for health in found if health is not None]


def rule_of(tx: Tx, session: Session) -> str:
    class_type = tx.get(ClassType, session.class_type)
    return "" if class_type is None else class_type.eligibility


def judged(tx: Tx, session: Session, child: Id) -> Decision:
    """Whether a child may take a session: one of a program is judged on the program's dates."""
    rule = rule_of(tx, session)
    if not rule:
        return ALLOWED
    program = care_gates.program_of(tx, session)
    occasion = Occasion(session.date, session.date)
    if program is not None:
        occasion = Occasion(program.first_date, program.last_date)
    health = tx.get(ChildHealth, child)
    learner = None if health is None else tx.get(Learner, child)
    return decide(rule, known(health, learner), occasion)


def told(child: Id, decision: Decision) -> GateResult:
    """The engine's word as a gate's: the first reason's code, and when time will cure it."""
    if not decision.reasons:
        return GateResult("eligibility", child, decision.verdict.word)
    first = decision.reasons[0]
    cure: dict[str, str | int] = {"eligible_on": decision.eligible_on} if decision.eligible_on else {}
    code = first.code.removeprefix("eligibility.")
    return GateResult("eligibility", child, decision.verdict.word, code, {**first.params, **cure})


def taken_on(gate: GateResult, *, allowed: bool) -> GateResult:
    """A block that staff take on themselves: a warning where they may, else what it was."""
    if gate.result != "block" or not allowed:
        return gate
    return GateResult(gate.gate, gate.item, "warn", gate.code, gate.params)


class BookingEligibility:
    """A child is booked only into what they may take; staff who may override say why."""

    name = stage = "eligibility"

    def applies(self, op: Operation[Any]) -> bool:
        return isinstance(op.payload, CreateBooking)

    def reads(self, tx: Tx, op: Operation[CreateBooking]) -> Reads:
        yield Key(Session, op.payload.session)
        session = tx.get(Session, op.payload.session)
        if session is not None:
            yield [*class_wants(session), *care_gates.override_wants(op)]
            yield from learner_wants(tx, session, (op.payload.child,))

    def check(self, tx: Tx, op: Operation[CreateBooking]) -> Iterable[GateResult]:
        session = tx.get(Session, op.payload.session)
        if session is None or not rule_of(tx, session):
            return ()
        gate = told(op.payload.child, judged(tx, session, op.payload.child))
        return (taken_on(gate, allowed=care_gates.may_override(tx, op, session)),)


GATES = (*guardian_gates.GATES, *care_gates.GATES, BookingEligibility())

CONFIDED: dict[str, tuple[type[Record], ...]] = {
    BookingEligibility.name: (ChildHealth, Learner), guardian_gates.VerifiedContact.name: (ContactMasked,),
}  # fmt: skip
"""What the word of a gate gives away, before a mark too: how old a child is and what they can do; whether somebody's
contact is verified."""
