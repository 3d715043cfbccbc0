"""Erasing a person on request: the cloud decides, and every store forgets with the row that says so."""

from typing import Any

from classtap_core.access.blueprints import Capability
from classtap_core.access.records import Staff
from classtap_core.kernel.erasure import Erasure
from classtap_core.kernel.ids import Id
from classtap_core.kernel.operations import Key, Kind, Operation, Payload, Range, Reads, handles, operation
from classtap_core.kernel.outcomes import ACCEPTED, DUPLICATE, ItemOutcome, Outcome, Status, reason, refused
from classtap_core.kernel.records import Record
from classtap_core.kernel.tx import Tx
from classtap_core.passes.operations import revoke
from classtap_core.passes.records import Pass, PassRevocation, RevokedEpoch, pass_id, revocation_id
from classtap_core.people.records import Child, Contact, Family

REASONS = ("request", "retention", "mistake")
RESTORED = "restored"
"""Why somebody is erased again: the cloud had forgotten it."""
MOST = 50
"""So many people are erased at once: a household, never a studio."""
_PEOPLE: tuple[type[Record], ...] = (Child, Family, Contact, Staff)

KEPT = ("booking", "attendance", "scan", "pass", "erasure", "log")
"""What stays, with ids and without names: what was taught and taken, for the accounts and the chains of the audit."""


@operation("person.erase", version=1, kind=Kind.PUBLISH, needs=Capability.ERASE_PERSON)
class ErasePeople(Payload, frozen=True, kw_only=True):
    """These people are erased, all or none. It cannot be undone; `why` is one of REASONS."""

    people: tuple[Id, ...]
    why: str

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        people = dict.fromkeys(self.people)
        yield [
            *(Key(record, one) for record in _PEOPLE for one in people),
            *(Key(Erasure, one, "keys") for one in people),
            *(Range(Child, "by_family", (one,), scope="families/*") for one in people),
            *(Range(Contact, "by_family", (one,), scope="contact/*") for one in people),
        ]
        yield from _pass_reads(tx, op, *people)

    def guards(self, op: Operation[Any]) -> tuple[str, ...]:
        return tuple(f"{what}:{one}" for one in self.people for what in ("person", "household"))


@handles(ErasePeople)
def erase_people(tx: Tx, op: Operation[ErasePeople]) -> Outcome:
    said = op.payload
    people = list(dict.fromkeys(said.people))
    if said.why not in REASONS or not 0 < len(people) <= MOST:
        return refused("erase.asked")
    if op.author.id in people:
        return refused("erase.self")
    new = [one for one in people if tx.get(Erasure, one) is None]
    unknown = [one for one in new if all(tx.get(record, one) is None for record in _PEOPLE)]
    if unknown:
        return refused("erase.unknown", person=unknown[0])
    for one in new:
        left = [
            member.id
            for member in (*tx.find(Child, "by_family", one), *tx.find(Contact, "by_family", one))
            if member.id not in people
        ]
        if left:
            return refused("erase.household", family=one)
    for one in new:
        _erase(tx, op, one, at_ms=tx.now, why=said.why)
    if not new:
        return DUPLICATE
    done = tuple(ItemOutcome(one, Status.ACCEPTED, (reason("erase.kept", what=",".join(KEPT)),)) for one in new)
    return Outcome(status=ACCEPTED.status, items=done)


@operation("person.erase_again", version=1, kind=Kind.TICK, needs=None)
class EraseAgain(Payload, frozen=True, kw_only=True):
    """Somebody was erased, and a cloud that was brought back from a backup did not know it; whether they are there or not."""

    person: Id

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield Key(Erasure, self.person, "keys")
        yield from _pass_reads(tx, op, self.person)

    def guards(self, op: Operation[Any]) -> tuple[str, ...]:
        return (f"person:{self.person}", f"household:{self.person}")


@handles(EraseAgain)
def erase_again(tx: Tx, op: Operation[EraseAgain]) -> Outcome:
    if tx.get(Erasure, op.payload.person) is not None:
        return DUPLICATE
    _erase(tx, op, op.payload.person, at_ms=op.at.corrected, why=RESTORED)
    return ACCEPTED


def _pass_reads(tx: Tx, op: Operation[Any], *people: Id) -> Reads:
    """The passes of those who are families."""
    ids = [pass_id(op.studio, one) for one in people]
    yield [Key(Pass, id) for id in ids]
    held = [found for id in ids if (found := tx.get(Pass, id)) is not None]
    yield [Key(PassRevocation, revocation_id(one.handle, one.epoch), "keys") for one in held]


def _erase(tx: Tx, op: Operation[Any], person: Id, *, at_ms: int, why: str) -> None:
    """A family's card opens no door from now on: a board without children would say that all is well."""
    tx.put(Erasure(id=person, at_ms=at_ms, why=why))
    held = tx.get(Pass, pass_id(op.studio, person))
    if held is not None and held.revoked_at_ms is None:
        revoke(tx, held, RevokedEpoch(held.epoch, at_ms, "erased"))
