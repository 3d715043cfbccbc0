"""Giving a child back: the fact that staff gave it to an adult, and the gate before it; a second time is an alarm (ruling 23).

Who is to be given back, and to whom, is read in `handing`."""

from collections.abc import Iterable
from typing import Any, ClassVar

import msgspec

from classtap_core.access.blueprints import Capability
from classtap_core.kernel.effects import Effect, Home
from classtap_core.kernel.envelope import GateResult
from classtap_core.kernel.ids import Id, derived
from classtap_core.kernel.operations import Key, Kind, Operation, Payload, Reads, Resource, handles, operation
from classtap_core.kernel.outcomes import ACCEPTED, Outcome, Status, contested, reason, refused
from classtap_core.kernel.records import Index, Record
from classtap_core.kernel.tx import Tx
from classtap_core.people.guardians import PICKUP, PRIMARY, SECONDARY, Guardianship, guardianship_id, roles_on
from classtap_core.people.records import Child
from classtap_core.schedule.operations import of_session
from classtap_core.schedule.records import Session

CODE, KNOWN = "code", "known"
METHODS = (CODE, KNOWN)
"""How staff knew the adult: by the child's code of the day, or by sight (ruling 23 lets staff overrule only the code)."""
FETCHING = frozenset({PRIMARY, SECONDARY, PICKUP})


class Handing(msgspec.Struct, frozen=True, kw_only=True):
    """One word that a child was given to an adult (a contact's id), by a member of staff (`by`)."""

    operation: Id
    order: tuple[int, str, int]
    adult: Id
    method: str
    by: Id

    @property
    def at_ms(self) -> int:
        return self.order[0]


class Release(Record, frozen=True, kw_only=True):
    """A child's going home from a session. The first of `handed` stands; any other is an alarm."""

    KIND: ClassVar[str] = "release"
    PREFIX: ClassVar[str] = "roster"
    INDEXES: ClassVar[tuple[Index, ...]] = (
        Index("by_session", ("session",)),
        Index("by_child_date", ("child", "date")),
    )

    session: Id
    child: Id
    location: Id
    date: str
    handed: tuple[Handing, ...] = ()

    def scope(self) -> str:
        return f"roster/{self.location}/{self.date}"


def release_id(studio: Id, session: Id, child: Id) -> Id:
    """Two desks that never met write the same record."""
    return derived("release", studio, session, child)


class ChildHanded(Effect, frozen=True, kw_only=True):
    """A child went home from a session: those at home may want to know."""

    KIND: ClassVar[str] = "pickup.handed"

    session: Id
    child: Id


@operation("pickup.hand", version=1, kind=Kind.FACT, needs=Capability.MARK_ATTENDANCE)
class HandOver(Payload, frozen=True, kw_only=True):
    """A member of staff gave a child to an adult. `method`: how they knew the adult, `code` (the child's code of the day)
    or `known`."""

    session: Id
    child: Id
    adult: Id
    method: str

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield [Key(Session, self.session), Key(Child, self.child)]
        session, child = tx.get(Session, self.session), tx.get(Child, self.child)
        if session is None or child is None:
            return
        yield Key(Release, release_id(op.studio, self.session, self.child), f"roster/{session.location}/{session.date}")

    def guards(self, op: Operation[Any]) -> tuple[str, ...]:
        return (f"session:{self.session}",)

    def resource(self, tx: Tx, op: Operation[Any]) -> Resource:
        return of_session(tx.get(Session, self.session))


@handles(HandOver)
def hand_over(tx: Tx, op: Operation[HandOver]) -> Outcome:
    said = op.payload
    session, child = tx.get(Session, said.session), tx.get(Child, said.child)
    if session is None or child is None:
        return contested("session.unknown" if session is None else "child.unknown")
    if op.author.type != "staff" or said.method not in METHODS:
        return refused("pickup.staff")
    stopped = next((gate.code for gate in op.gates if gate.gate == PickupGate.name and gate.result == "block"), "")
    if stopped:
        return refused(stopped.replace("_", ".", 1))
    id = release_id(op.studio, said.session, said.child)
    held = tx.get(Release, id)
    known = held is not None and any(one.operation == op.id for one in held.handed)
    held = held or Release(id=id, session=session.id, child=said.child, location=session.location, date=session.date)
    word = Handing(operation=op.id, order=op.order, adult=said.adult, method=said.method, by=op.author.id)
    handed = tuple(sorted({*held.handed, word}, key=lambda one: one.order))
    tx.put(msgspec.structs.replace(held, handed=handed))
    first = handed[0]
    if not known and held.handed == ():
        tx.effect(ChildHanded(session=session.id, child=said.child), home=Home.CLOUD)
    if first == word:
        return ACCEPTED
    alarm = reason("pickup.already", at_ms=first.at_ms, adult=first.adult)
    return Outcome(
        status=Status.SUPERSEDED, reasons=(alarm,), obligations=({"ask": "review", "child": said.child},)
    )  # fmt: skip


class PickupGate:
    """Nobody gives a child to who may not take it. What was done where a block was not known yet is a fact all the same:
    the cloud keeps it, and says to whoever told it that it must be looked at."""

    name, stage = "pickup", "identity"

    def applies(self, op: Operation[Any]) -> bool:
        return isinstance(op.payload, HandOver)

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        said = op.payload
        yield [Key(Session, said.session), Key(Child, said.child)]
        child = tx.get(Child, said.child)
        if child is not None:
            yield Key(Guardianship, guardianship_id(said.child, said.adult), child.scope())

    def check(self, tx: Tx, op: Operation[Any]) -> Iterable[GateResult]:
        said = op.payload
        session, child = tx.get(Session, said.session), tx.get(Child, said.child)
        if session is None or child is None:
            return ()
        why = why_not(tx.get(Guardianship, guardianship_id(said.child, said.adult)), day=session.date)
        return (GateResult(self.name, said.child, "block" if why else "allow", why.replace(".", "_", 1)),)


GATES = (PickupGate(),)


def why_not(pair: Guardianship | None, *, day: str) -> str:
    """Why somebody may not take a child on a day, or "". A block beats whatever else allows them."""
    if pair is None:
        return "pickup.unknown_adult"
    if pair.blocked:
        return "pickup.blocked"
    return "" if FETCHING & set(roles_on(pair, day)) else "pickup.not_allowed"
