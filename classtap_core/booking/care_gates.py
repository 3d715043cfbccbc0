"""Before a place and before a mark: what must be signed, and which papers must be on file. One judgement for every route."""

from collections.abc import Iterable, Mapping
from typing import Any

from classtap_core.access.blueprints import Capability
from classtap_core.access.records import Grant
from classtap_core.access.rules import decide as may
from classtap_core.booking.operations import CreateBooking
from classtap_core.documents import rules as documents
from classtap_core.documents.records import BOOKING, Consents, Document
from classtap_core.health import rules as health
from classtap_core.health.records import HealthClearance, HealthRequirement
from classtap_core.kernel.envelope import GateResult
from classtap_core.kernel.ids import Id
from classtap_core.kernel.operations import Key, Operation, Range, Reads
from classtap_core.kernel.tx import Tx
from classtap_core.people.records import Child
from classtap_core.schedule.operations import of_session
from classtap_core.schedule.records import Program, Session

OPEN_DOCUMENTS = Range(Document, "by_state", (documents.OPEN,), scope="studio")
OPEN_REQUIREMENTS = Range(HealthRequirement, "by_state", ("open",), scope="studio")


def program_of(tx: Tx, session: Session) -> Program | None:
    return tx.get(Program, Id(session.program)) if session.program else None


def program_wants(session: Session) -> list[Key]:
    return [Key(Program, Id(session.program), "studio")] if session.program else []


def may_override(tx: Tx, op: Operation[Any], session: Session) -> bool:
    """Whether staff who say why may take a gate's word on themselves here."""
    if not op.payload.override or op.author.type != "staff":
        return False
    grants = tx.find(Grant, "by_holder", op.author.id)
    return may(grants, Capability.OVERRIDE_GATE, of_session(session), at_ms=op.at.corrected).allowed


def override_wants(op: Operation[Any]) -> list[Range]:
    if not op.payload.override or op.author.type != "staff":
        return []
    return [Range(Grant, "by_holder", (op.author.id,), scope="studio")]


class Consent:
    """What a session asks to have signed, for whichever operation."""

    name = stage = "consent"
    record = Consents

    def __init__(self, when: str) -> None:
        self.when = when

    def wants(self, session: Session) -> list[Range | Key]:
        return [OPEN_DOCUMENTS]

    def asks(self, tx: Tx, session: Session) -> bool:
        """Whether anything at all is asked, so that children are looked up only then."""
        return any(found[0].signed for found in self._asked(tx, session))

    def judge(self, tx: Tx, session: Session, overrides: Mapping[Id, bool]) -> Iterable[GateResult]:
        asked = self._asked(tx, session)
        for child, override in overrides.items():
            owed = documents.owed(asked, session, tx.get(Consents, child))
            yield documents.gate(child, owed, override=override)

    def _asked(self, tx: Tx, session: Session) -> list[documents.Asked]:
        return documents.asked_of(tx.find(Document, "by_state", documents.OPEN), session, when=self.when)


class Papers:
    """Which papers a session asks for, for whichever operation."""

    name = stage = "health"
    record = HealthClearance

    def wants(self, session: Session) -> list[Range | Key]:
        return [OPEN_REQUIREMENTS, *program_wants(session)]

    def asks(self, tx: Tx, session: Session) -> bool:
        return bool(self._required(tx, session))

    def judge(self, tx: Tx, session: Session, overrides: Mapping[Id, bool]) -> Iterable[GateResult]:
        required, program = self._required(tx, session), program_of(tx, session)
        for child, override in overrides.items():
            clearance = tx.get(HealthClearance, child)
            yield health.gate(child, required, clearance, session, program, override=override)

    @staticmethod
    def _required(tx: Tx, session: Session) -> list[HealthRequirement]:
        return health.required(tx.find(HealthRequirement, "by_state", "open"), session)


Care = Consent | Papers


def child_wants(tx: Tx, care: Care, children: Iterable[Id]) -> list[Key]:
    """Where what is known of children lies, once they themselves are read."""
    found = ((child, tx.lies(Child, child)) for child in children)
    return [Key(care.record, child, scope) for child, scope in found if scope is not None]


def judged(tx: Tx, care: Care, session: Session, overrides: Mapping[Id, bool]) -> Iterable[GateResult]:
    """The gate's word over each child; `overrides`: whether staff take it on themselves. Nothing where nothing is asked."""
    if not care.asks(tx, session):
        return
    known = {child: override for child, override in overrides.items() if tx.lies(Child, child) is not None}
    for child in overrides.keys() - known.keys():
        yield GateResult(care.name, child, "block", "child_unknown")
    yield from care.judge(tx, session, known)


class BeforeBooking:
    """One of both, before a place is taken."""

    def __init__(self, care: Care) -> None:
        self.care, self.name, self.stage = care, care.name, care.stage

    def applies(self, op: Operation[Any]) -> bool:
        return isinstance(op.payload, CreateBooking)

    def reads(self, tx: Tx, op: Operation[CreateBooking]) -> Reads:
        yield Key(Session, op.payload.session)
        session = tx.get(Session, op.payload.session)
        if session is None:
            return
        yield [*self.care.wants(session), *override_wants(op)]
        if self.care.asks(tx, session):
            yield Key(Child, op.payload.child)
            yield child_wants(tx, self.care, (op.payload.child,))

    def check(self, tx: Tx, op: Operation[CreateBooking]) -> Iterable[GateResult]:
        session = tx.get(Session, op.payload.session)
        if session is None:
            return ()
        return judged(tx, self.care, session, {op.payload.child: may_override(tx, op, session)})


GATES = (BeforeBooking(Consent(BOOKING)), BeforeBooking(Papers()))
