"""The code by which a child who is here is fetched again: six digits, one a child a day, told apart within a location."""

import hashlib
from collections.abc import Collection, Iterable, Mapping
from typing import Annotated, Any, ClassVar

from classtap_core.checkin.reading import fetch
from classtap_core.checkin.records import Attendance, State, attendance_id
from classtap_core.checkin.rules import standing
from classtap_core.kernel.ids import Id, derived
from classtap_core.kernel.operations import Key, Kind, Operation, Payload, Range, Reads, handles, operation
from classtap_core.kernel.outcomes import ACCEPTED, DUPLICATE, Outcome, refused
from classtap_core.kernel.records import Index, Record, about
from classtap_core.kernel.tx import Reader, Tx
from classtap_core.schedule.records import Session
from classtap_core.timekeeping.rules import local_date

HERE = frozenset({State.PRESENT, State.LATE})
DIGITS = 6
SEED_BYTES = 16


def pickup_code_id(studio: Id, child: Id, location: Id, date: str) -> Id:
    """A child has one code a day at a location, in however many classes."""
    return derived("pickup_code", studio, child, location, date)


class PickupCode(Record, frozen=True, kw_only=True):
    """A child's code of a day, good until midnight there (catalogue 14, "Daily"). It is nobody's while the child is not
    here: `active_codes` says whose stand."""

    KIND: ClassVar[str] = "pickup_code"
    PREFIX: ClassVar[str] = "roster"
    INDEXES: ClassVar[tuple[Index, ...]] = (
        Index("by_day", ("location", "date")),
        Index("by_child_date", ("child", "date")),
    )

    child: Id
    location: Id
    date: str
    code: Annotated[str, about("child")]
    made_ms: int

    def scope(self) -> str:
        return f"roster/{self.location}/{self.date}"


@operation("pickup.make", version=1, kind=Kind.TICK, needs=None)
class MakePickupCode(Payload, frozen=True, kw_only=True):
    """The cloud gives a child who was marked here a code. `seed`: 16 random bytes in hex, that nobody can guess it by."""

    session: Id
    child: Id
    seed: Annotated[str, about("child")]

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield Key(Session, self.session)
        session = tx.get(Session, self.session)
        if session is None:
            return
        scope = f"roster/{session.location}/{session.date}"
        yield [
            Key(Attendance, attendance_id(op.studio, self.session, self.child), scope),
            Key(PickupCode, pickup_code_id(op.studio, self.child, session.location, session.date), scope),
            Range(PickupCode, "by_day", (session.location, session.date), scope=scope),
        ]

    def guards(self, op: Operation[Any]) -> tuple[str, ...]:
        return ("pickup",)


@handles(MakePickupCode)
def make_pickup_code(tx: Tx, op: Operation[MakePickupCode]) -> Outcome:
    session = tx.get(Session, op.payload.session)
    child = op.payload.child
    entry = None if session is None else tx.get(Attendance, attendance_id(op.studio, op.payload.session, child))
    if session is None or entry is None or standing(entry.marks).state not in HERE:
        return refused("pickup.not_here")
    id = pickup_code_id(op.studio, child, session.location, session.date)
    if tx.get(PickupCode, id) is not None:
        return DUPLICATE
    taken = {held.code for held in tx.find(PickupCode, "by_day", session.location, session.date)}
    tx.put(
        PickupCode(
            id=id, child=child, location=session.location, date=session.date, made_ms=op.at.corrected,
            code=free_code(op.payload.seed, taken),
        )
    )  # fmt: skip
    return ACCEPTED


def free_code(seed: str, taken: Collection[str]) -> str:
    """Six digits that follow from a seed and are not taken."""
    for attempt in range(len(taken) + 1_000_000):
        digest = hashlib.sha256(f"{seed} {attempt}".encode()).digest()
        code = f"{int.from_bytes(digest[:8], 'big') % 10**DIGITS:0{DIGITS}}"
        if code not in taken:
            return code
    raise ValueError("no code is free")  # pragma: no cover - a million children in one day


def active_codes(reader: Reader, studio: Id, entries: Iterable[Attendance], *, zone: str, now_ms: int) -> dict[Id, str]:
    """The codes of the children who are here today by these entries: child → digits. Without a code yet, not in it."""
    today = local_date(now_ms, zone)
    wanted = {
        pickup_code_id(studio, entry.child, entry.location, entry.date): entry.child
        for entry in entries
        if entry.date == today and standing(entry.marks).state in HERE
    }
    return _codes(reader, wanted)


def codes_of_roster(
    reader: Reader, session: Session, studio: Id, here: Iterable[Id], *, now_ms: int
) -> dict[Id, str]:  # fmt: skip
    """The codes of the children who are here in a session, on its day: child → digits."""
    if session.date != local_date(now_ms, session.zone):
        return {}
    return _codes(reader, {pickup_code_id(studio, child, session.location, session.date): child for child in here})


def _codes(reader: Reader, wanted: Mapping[Id, Id]) -> dict[Id, str]:
    return {wanted[id]: held.code for id, held in fetch(reader, PickupCode, wanted).items()}
