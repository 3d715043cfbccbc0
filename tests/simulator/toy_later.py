"""The toy room one version later: children have nicknames, and a rename says what it saw. The cloud runs this one."""

from typing import Annotated, Any, ClassVar

import msgspec

from classtap_core.kernel.ids import Id
from classtap_core.kernel.merge import merge
from classtap_core.kernel.operations import Key, Kind, Operation, Payload, Range, Reads, handles, operation, upcasts
from classtap_core.kernel.outcomes import ACCEPTED, Outcome, refused
from classtap_core.kernel.records import Index, Record, about
from classtap_core.kernel.tx import Tx
from tests.unit.kernel.toy import Bell, Borrow, Chime, MarkPresence, Post, Presence, Seats, Strike, Take

__all__ = ["Bell", "Borrow", "Chime", "MarkPresence", "Post", "Presence", "Seats", "Strike", "Take"]


class Child(Record, frozen=True, kw_only=True):
    KIND: ClassVar[str] = "child"
    PREFIX: ClassVar[str] = "families"
    INDEXES: ClassVar[tuple[Index, ...]] = (Index("by_house", ("house",)),)

    house: str
    name: Annotated[str, about("id")]
    nickname: Annotated[str, about("id")] = ""

    def scope(self) -> str:
        return f"families/{self.house}"


@operation("toy.rename", version=2, kind=Kind.EDIT, needs="edit")
class Rename(Payload, frozen=True, kw_only=True):
    child: Id
    name: Annotated[str, about("child")]
    base: Annotated[str, about("child")] = ""

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield Key(Child, self.child)


@upcasts(Rename, version=1)
def _rename_1(data: dict[str, Any]) -> dict[str, Any]:
    return {**data, "base": ""}


@handles(Rename)
def rename(tx: Tx, op: Operation[Rename]) -> Outcome:
    child = tx.get(Child, op.payload.child)
    if child is None:
        return refused("toy.no_child")
    base = {"name": op.payload.base} if op.payload.base else {"name": child.name}
    merged = merge({"name": child.name}, base, {"name": op.payload.name})
    tx.put(msgspec.structs.replace(child, **merged.values))
    return ACCEPTED


@operation("toy.nickname", version=1, kind=Kind.EDIT, needs="edit")
class Nickname(Payload, frozen=True, kw_only=True):
    child: Id
    nickname: Annotated[str, about("child")]

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield Key(Child, self.child)


@handles(Nickname)
def nickname(tx: Tx, op: Operation[Nickname]) -> Outcome:
    child = tx.get(Child, op.payload.child)
    if child is None:
        return refused("toy.no_child")
    tx.put(msgspec.structs.replace(child, nickname=op.payload.nickname))
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
    standing = tx.get(Child, op.payload.child)
    nick = "" if standing is None else standing.nickname
    tx.put(Child(id=op.payload.child, house=op.payload.house, name=op.payload.name, nickname=nick))
    return ACCEPTED


@operation("toy.census", version=1, kind=Kind.EDIT, needs="edit")
class Census(Payload, frozen=True, kw_only=True):
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
