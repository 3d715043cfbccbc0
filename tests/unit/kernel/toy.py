"""A room small enough to see through: counters, notes about children, places that run out. Kernel tests stand on it."""

import sys
from typing import Annotated, Any, ClassVar

import msgspec

from classtap_core.kernel import undo
from classtap_core.kernel.bus import Bus, Verdict
from classtap_core.kernel.effects import Effect, Home
from classtap_core.kernel.ids import Id, derived
from classtap_core.kernel.operations import (
    Key,
    Kind,
    Operation,
    Payload,
    Range,
    Reads,
    Registry,
    handles,
    operation,
)
from classtap_core.kernel.outcomes import ACCEPTED, ItemOutcome, Outcome, Status, of_items, refused
from classtap_core.kernel.records import Index, Record, about
from classtap_core.kernel.tx import Tx


class Child(Record, frozen=True, kw_only=True):
    KIND: ClassVar[str] = "child"
    PREFIX: ClassVar[str] = "families"
    INDEXES: ClassVar[tuple[Index, ...]] = (Index("by_house", ("house",)),)

    house: str
    name: Annotated[str, about("id")]

    def scope(self) -> str:
        return f"families/{self.house}"


class Seen(msgspec.Struct, frozen=True, omit_defaults=True):
    order: tuple[int, str, int]
    state: str
    note: str = ""


class Presence(Record, frozen=True, kw_only=True):
    """Fold of a child's marks: the earliest stands."""

    KIND: ClassVar[str] = "presence"
    PREFIX: ClassVar[str] = "roster"

    child: Id
    house: str
    marks: Annotated[tuple[Seen, ...], about("child")] = ()

    def scope(self) -> str:
        return f"roster/{self.house}"


class Seats(Record, frozen=True, kw_only=True):
    KIND: ClassVar[str] = "seats"
    PREFIX: ClassVar[str] = "schedule"

    free: int


def presence_id(child: Id) -> Id:
    return derived("presence", child)


class Item(msgspec.Struct, frozen=True, omit_defaults=True):
    child: Id
    state: str
    note: Annotated[str, about("child")] = ""


@operation("toy.mark", version=1, kind=Kind.FACT, needs="mark")
class MarkPresence(Payload, frozen=True, kw_only=True):
    house: str
    items: tuple[Item, ...]

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield [Key(Presence, presence_id(item.child), f"roster/{self.house}") for item in self.items]

    def items_of(self) -> tuple[str, ...]:
        return tuple(item.child for item in self.items)


@handles(MarkPresence)
def mark_presence(tx: Tx, op: Operation[MarkPresence]) -> Outcome:
    found = []
    for item in op.payload.items:
        id = presence_id(item.child)
        standing = tx.get(Presence, id) or Presence(id=id, child=item.child, house=op.payload.house)
        mark = Seen(op.order, item.state, item.note)
        marks = tuple(sorted({*standing.marks, mark}, key=lambda seen: seen.order))
        tx.put(msgspec.structs.replace(standing, marks=marks))
        found.append(ItemOutcome(item.child, Status.ACCEPTED if marks[0] == mark else Status.SUPERSEDED))
    return of_items(found)


@operation("toy.rename", version=1, kind=Kind.EDIT, needs="edit")
class Rename(Payload, frozen=True, kw_only=True):
    child: Id
    name: Annotated[str, about("child")]

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield Key(Child, self.child)


@handles(Rename)
def rename(tx: Tx, op: Operation[Rename]) -> Outcome:
    child = tx.get(Child, op.payload.child)
    if child is None:
        return refused("toy.no_child")
    tx.put(msgspec.structs.replace(child, name=op.payload.name))
    return ACCEPTED


@operation("toy.enrol", version=1, kind=Kind.EDIT, needs="edit")
class Enrol(Payload, frozen=True, kw_only=True):
    child: Id
    house: str
    name: Annotated[str, about("child")]

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield Key(Child, self.child, f"families/{self.house}")


@handles(Enrol)
def enrol(tx: Tx, op: Operation[Enrol]) -> Outcome:
    tx.put(Child(id=op.payload.child, house=op.payload.house, name=op.payload.name))
    return ACCEPTED


@operation("toy.take", version=1, kind=Kind.CLAIM, needs="take")
class Take(Payload, frozen=True, kw_only=True):
    seats: Id

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield Key(Seats, self.seats)

    def guards(self, op: Operation[Any]) -> tuple[str, ...]:
        return (f"seats:{self.seats}",)


@handles(Take)
def take(tx: Tx, op: Operation[Take]) -> Outcome:
    seats = tx.get(Seats, op.payload.seats)
    if seats is None or seats.free < 1:
        return refused("toy.full")
    tx.put(msgspec.structs.replace(seats, free=seats.free - 1))
    return ACCEPTED


@operation("toy.census", version=1, kind=Kind.EDIT, needs="edit")
class Census(Payload, frozen=True, kw_only=True):
    """Writes how many children a house has: shows reads by range."""

    house: str
    into: Id

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield [
            Range(Child, "by_house", (self.house,), scope=f"families/{self.house}"),
            Key(Seats, self.into, "schedule"),
        ]


@handles(Census)
def census(tx: Tx, op: Operation[Census]) -> Outcome:
    tx.put(Seats(id=op.payload.into, free=len(tx.find(Child, "by_house", op.payload.house))))
    return ACCEPTED


@operation("toy.faulty", version=1, kind=Kind.FACT, needs="mark")
class Faulty(Payload, frozen=True, kw_only=True):
    """A handler with a bug."""

    why: str = ""


@handles(Faulty)
def faulty(tx: Tx, op: Operation[Faulty]) -> Outcome:
    raise ZeroDivisionError


class Bell(Effect, frozen=True, kw_only=True):
    KIND: ClassVar[str] = "bell"

    text: str


@operation("toy.chime", version=1, kind=Kind.FACT, needs="mark")
class Chime(Payload, frozen=True, kw_only=True):
    """A fact with an effect at each home."""

    child: Id
    house: str

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield Key(Presence, presence_id(self.child), f"roster/{self.house}")


@handles(Chime)
def chime(tx: Tx, op: Operation[Chime]) -> Outcome:
    id = presence_id(op.payload.child)
    standing = tx.get(Presence, id) or Presence(id=id, child=op.payload.child, house=op.payload.house)
    mark = Seen(op.order, "chime")
    tx.put(msgspec.structs.replace(standing, marks=tuple(sorted({*standing.marks, mark}, key=lambda seen: seen.order))))
    for home in Home:
        tx.effect(Bell(text=home.value), home=home)
    return ACCEPTED


@operation("toy.borrow", version=1, kind=Kind.CLAIM, needs="take")
class Borrow(Payload, frozen=True, kw_only=True):
    """A claim that a lease lets the device decide; the cloud decides again."""

    seats: Id
    lease: bool = True

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield Key(Seats, self.seats, "schedule")

    def leased(self) -> bool:
        return self.lease

    def guards(self, op: Operation[Any]) -> tuple[str, ...]:
        return (f"seats:{self.seats}",)


@handles(Borrow)
def borrow(tx: Tx, op: Operation[Borrow]) -> Outcome:
    seats = tx.get(Seats, op.payload.seats)
    if seats is None or seats.free < 1:
        return refused("toy.full")
    tx.put(msgspec.structs.replace(seats, free=seats.free - 1))
    tx.effect(Bell(text="borrowed"), home=Home.HERE_WHEN_ACCEPTED)
    return ACCEPTED


@operation("toy.post", version=1, kind=Kind.PUBLISH, needs="publish")
class Post(Payload, frozen=True, kw_only=True):
    seats: Id
    free: int

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield Key(Seats, self.seats, "schedule")


@handles(Post)
def post(tx: Tx, op: Operation[Post]) -> Outcome:
    tx.put(Seats(id=op.payload.seats, free=op.payload.free))
    return ACCEPTED


@operation("toy.charge", version=1, kind=Kind.STEP, needs="charge")
class Charge(Payload, frozen=True, kw_only=True):
    amount: int


@handles(Charge)
def charge(tx: Tx, op: Operation[Charge]) -> Outcome:
    return ACCEPTED


@operation("toy.strike", version=1, kind=Kind.TICK, needs=None)
class Strike(Payload, frozen=True, kw_only=True):
    """The cloud's clock: frees a seat."""

    seats: Id

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield Key(Seats, self.seats, "schedule")


@handles(Strike)
def strike(tx: Tx, op: Operation[Strike]) -> Outcome:
    seats = tx.get(Seats, op.payload.seats) or Seats(id=op.payload.seats, free=0)
    tx.put(msgspec.structs.replace(seats, free=seats.free + 1))
    return ACCEPTED


@operation("toy.follow", version=1, kind=Kind.EDIT, needs="edit")
class Follow(Payload, frozen=True, kw_only=True):
    """Renames whoever a child was marked with: a second round of reads rests on the first."""

    child: Id
    house: str
    name: Annotated[str, about("child")]

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield Key(Presence, presence_id(self.child), f"roster/{self.house}")
        standing = tx.get(Presence, presence_id(self.child))
        if standing is not None:
            yield Key(Child, standing.child, f"families/{self.house}")


@handles(Follow)
def follow(tx: Tx, op: Operation[Follow]) -> Outcome:
    standing = tx.get(Presence, presence_id(op.payload.child))
    child = standing and tx.get(Child, standing.child)
    if child is None:
        return refused("toy.no_child")
    tx.put(msgspec.structs.replace(child, name=op.payload.name))
    return ACCEPTED


class AllowAll:
    """Everybody may do everything, but the authors named."""

    def __init__(self, *denied: str) -> None:
        self.denied = denied

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield from ()

    def allows(self, tx: Tx, op: Operation[Any]) -> Verdict:
        return Verdict(op.author.id not in self.denied, "permission.denied")


def registry() -> Registry:
    return Registry([sys.modules[__name__], undo])


def bus(*, authority: bool, denied: tuple[str, ...] = ()) -> Bus:
    return Bus(registry(), AllowAll(*denied), authority=authority)
