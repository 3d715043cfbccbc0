"""Giving a child back: who may take it today, and the fact that somebody did; a second time is an alarm (ruling 23)."""

from collections.abc import Iterable
from typing import Any, ClassVar, NamedTuple

import msgspec

from classtap_core.access.blueprints import Capability
from classtap_core.checkin.pickup import HERE, PickupCode, pickup_code_id
from classtap_core.checkin.reading import fetch, search
from classtap_core.checkin.records import Attendance
from classtap_core.checkin.rules import standing
from classtap_core.kernel.effects import Effect, Home
from classtap_core.kernel.ids import Id, derived
from classtap_core.kernel.operations import Key, Kind, Operation, Payload, Reads, Resource, handles, operation
from classtap_core.kernel.outcomes import ACCEPTED, Outcome, Status, contested, reason, refused
from classtap_core.kernel.records import Index, Record
from classtap_core.kernel.tx import Reader, Tx
from classtap_core.people.guardians import PICKUP, PRIMARY, SECONDARY, Guardianship, guardianship_id, roles_on
from classtap_core.people.records import Child
from classtap_core.schedule.operations import of_session
from classtap_core.schedule.records import Session
from classtap_core.timekeeping.rules import local_date

CODE, KNOWN = "code", "known"
METHODS = (CODE, KNOWN)
"""How staff knew the adult: by the child's code of the day, or by sight (ruling 23 lets staff overrule only the code)."""
FETCHING = frozenset({PRIMARY, SECONDARY, PICKUP})
MOST_WRONG, PAUSE_MS = 3, 120_000
"""Ruling 22: after three wrong codes, two minutes."""


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
        scope = f"roster/{session.location}/{session.date}"
        yield [
            Key(Release, release_id(op.studio, self.session, self.child), scope),
            Key(Guardianship, guardianship_id(self.child, self.adult), child.scope()),
        ]

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
    pair = tx.get(Guardianship, guardianship_id(said.child, said.adult))
    id = release_id(op.studio, said.session, said.child)
    held = tx.get(Release, id)
    known = held is not None and any(one.operation == op.id for one in held.handed)
    why = "" if known else why_not(pair, day=session.date)
    if why:
        return refused(why)
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


def why_not(pair: Guardianship | None, *, day: str) -> str:
    """Why somebody may not take a child on a day, or "". A block beats whatever else allows them."""
    if pair is None:
        return "pickup.unknown_adult"
    if pair.blocked:
        return "pickup.blocked"
    return "" if FETCHING & set(roles_on(pair, day)) else "pickup.not_allowed"


class MayTake(NamedTuple):
    """Somebody a child has to do with: `why` they may not take it now, or ""."""

    adult: Id
    relation: str
    why: str


def who_may_take(reader: Reader, child: Id, *, day: str) -> list[MayTake]:
    """Everybody on record for a child, those who may take it first, those who are kept from it last."""
    pairs = search(reader, Guardianship, "by_child", child)
    found = [MayTake(pair.guardian, pair.relation, why_not(pair, day=day)) for pair in pairs]
    return sorted(found, key=lambda one: (bool(one.why), one.why == "pickup.blocked", one.adult))


def child_of_code(
    reader: Reader, studio: Id, sessions: Iterable[Session], digits: str, *, now_ms: int
) -> tuple[Session, Id] | None:  # fmt: skip
    """The child whose code of the day this is, and the session it is in; None where it is nobody's here now.

    `sessions`: those that are looked at, all of one day and place at most.
    """
    for session in sessions:
        if session.date != local_date(now_ms, session.zone):
            continue
        for entry in search(reader, Attendance, "by_session", session.id):
            id = pickup_code_id(studio, entry.child, session.location, session.date)
            held = fetch(reader, PickupCode, [id]).get(id)
            if held is not None and held.code == digits and standing(entry.marks).state in HERE:
                return session, entry.child
    return None


class WrongCodes(NamedTuple):
    """Codes that were nobody's, in a row: how many, and when the last was (ms)."""

    in_a_row: int = 0
    last_ms: int = 0

    def paused_until(self, now_ms: int) -> int | None:
        """Until when no code is looked at, ms; None when one may be."""
        until = self.last_ms + PAUSE_MS
        return until if self.in_a_row >= MOST_WRONG and self.last_ms <= now_ms < until else None

    def after(self, now_ms: int) -> "WrongCodes":
        """With one more."""
        return WrongCodes(1 if self.in_a_row >= MOST_WRONG else self.in_a_row + 1, now_ms)
