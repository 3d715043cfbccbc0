"""A device two versions old beside a new cloud: what it says is understood, what it does not know survives byte for byte."""

import sys
from collections.abc import Iterator
from typing import Annotated, Any, ClassVar

import msgspec
import pytest

from classtap_core.kernel.batches import Batch, Received
from classtap_core.kernel.bus import Bus
from classtap_core.kernel.canonical import canonical
from classtap_core.kernel.device_store import Pulled
from classtap_core.kernel.envelope import Parts, batch_statement, link_hash, read
from classtap_core.kernel.ids import Id
from classtap_core.kernel.operations import Key, Kind, Operation, Payload, Reads, Registry, handles, operation, upcasts
from classtap_core.kernel.outcomes import ACCEPTED, Outcome, Status, refused
from classtap_core.kernel.records import Index, Record, about
from classtap_core.kernel.tx import Tx
from tests.unit.kernel import toy
from tests.unit.kernel.rig import STAFF, Cloud, Device, child, enrol


class Child(Record, frozen=True, kw_only=True):
    """As of version 3: with a nickname, and what nobody knew of two versions ago."""

    KIND: ClassVar[str] = "child"
    PREFIX: ClassVar[str] = "families"
    INDEXES: ClassVar[tuple[Index, ...]] = (Index("by_house", ("house",)),)

    house: str
    name: Annotated[str, about("id")]
    nickname: Annotated[str, about("id")] = ""
    likes: Annotated[tuple[str, ...], about("id")] = ()

    def scope(self) -> str:
        return f"families/{self.house}"


@operation("toy.rename", version=3, kind=Kind.EDIT, needs="edit")
class Rename(Payload, frozen=True, kw_only=True):
    child: Id
    full: Annotated[str, about("child")]
    why: str = ""

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield Key(Child, self.child)


@upcasts(Rename, version=1)
def _one(data: dict[str, Any]) -> dict[str, Any]:
    return {**data, "base": ""}


@upcasts(Rename, version=2)
def _two(data: dict[str, Any]) -> dict[str, Any]:
    return {"child": data["child"], "full": data["name"], "why": "moved up"}


@handles(Rename)
def rename(tx: Tx, op: Operation[Rename]) -> Outcome:
    held = tx.get(Child, op.payload.child)
    if held is None:
        return refused("toy.no_child")
    tx.put(msgspec.structs.replace(held, name=op.payload.full))
    return ACCEPTED


@operation("toy.enrol", version=1, kind=Kind.EDIT, needs="edit")
class Enrol(Payload, frozen=True, kw_only=True):
    child: Id
    house: str
    name: Annotated[str, about("child")]
    likes: Annotated[tuple[str, ...], about("child")] = ()

    def reads(self, tx: Tx, op: Operation[Any]) -> Reads:
        yield Key(Child, self.child, f"families/{self.house}")


@handles(Enrol)
def enrolled(tx: Tx, op: Operation[Enrol]) -> Outcome:
    said = op.payload
    tx.put(Child(id=said.child, house=said.house, name=said.name, nickname="Z", likes=said.likes))
    return ACCEPTED


def third(*, authority: bool) -> Bus:
    return Bus(Registry([sys.modules[__name__]]), toy.AllowAll(), authority=authority)


@pytest.fixture
def cloud() -> Cloud:
    return Cloud(bus=third(authority=True))


@pytest.fixture
def old(cloud: Cloud) -> Iterator[Device]:
    device = Device("two versions old", cloud)
    device.backend._move(takes={"toy.rename": 3, "toy.enrol": 1})
    yield device
    assert device.backend.seen.all() == cloud.backend.state.all(), "a replica differs"


def test_what_it_says_is_understood_and_what_it_does_not_know_survives(cloud: Cloud, old: Device) -> None:
    new = Device("new", cloud, bus=third(authority=False))
    new.bus.submit(Enrol(child=child(0), house="north", name="Zoë", likes=("düne", "\U0001f98a")), STAFF)
    new.sync()
    old.sync()
    assert old.backend.seen.all() == cloud.backend.state.all()
    receipt = old.bus.submit(toy.Rename(child=child(0), name="Zoé"), STAFF)
    assert receipt.outcome == ACCEPTED
    seen = old.backend.seen.get(("child", child(0)))
    assert seen is not None
    assert b'"likes":["d\xc3\xbcne","\xf0\x9f\xa6\x8a"],"name":"Zo\xc3\xa9","nickname":"Z"' in seen.body
    old.sync()
    new.sync()
    ledger = cloud.backend.ledgers[-1]
    assert (ledger.link.outcome.status, ledger.link.kind) == (Status.ACCEPTED, "toy.rename")
    assert ledger.op is not None
    assert ledger.op.payload == Rename(child=child(0), full="Zoé", why="moved up")
    assert b'"version":1' in ledger.data, "kept as it was said"
    assert cloud.backend.state.get(("child", child(0))) == seen, "what it showed is what came of it, byte for byte"


def test_three_versions_old_or_one_too_new_is_set_aside(cloud: Cloud, old: Device) -> None:
    old.bus.submit(enrol(0), STAFF)
    old.sync()
    spec = cloud.authority.bus.registry.specs["toy.rename"]
    lost = spec.upcasters.pop(1)
    try:
        old.bus.submit(toy.Rename(child=child(0), name="x"), STAFF)
        old.bus.submit(enrol(1), STAFF)
        old.sync()
    finally:
        spec.upcasters[1] = lost
    assert [entry.answer and entry.answer.status for entry in old.backend.log] == [
        Status.ACCEPTED, Status.QUARANTINED, Status.ACCEPTED,
    ]  # fmt: skip
    assert old.bus.retry_understood() == 1
    old.sync()
    assert cloud.backend.ledgers[-1].link.outcome.status is Status.ACCEPTED


def resigned(device: Device, data: bytes, parts: Parts) -> Batch:
    """An envelope that a later version wrote, as a batch of this device."""
    statement = batch_statement(
        studio=device.backend.head().studio, device=device.id, epoch=1, last_sequence=1, last_hash=link_hash(data)
    )
    return Batch(device.backend.head().studio, device.id, 1, (Received(data, parts),), device.key.sign(statement))


def test_fields_that_are_not_known_are_kept_hashed_and_forwarded(cloud: Cloud, old: Device) -> None:
    other = Device("from the future", cloud)
    other.bus.submit(enrol(5), STAFF)
    (entry,) = other.backend.entries([1])
    envelope = msgspec.json.decode(entry.data)
    bytes_of_it = canonical(
        {**envelope, "weather": {"sun": [1, 2, {"deep": "ß"}]}, "at": {**envelope["at"], "leap": 1}}
    )
    pushed = cloud.authority.push(resigned(other, bytes_of_it, entry.parts))
    assert pushed.answers[0].outcome.status is Status.ACCEPTED
    kept = cloud.backend.ledgers[-1]
    assert kept.data == bytes_of_it
    assert kept.link.envelope == link_hash(bytes_of_it)
    assert read(kept.data, kept.parts).envelope.kind == "toy.enrol"
    old.sync()


def test_rows_of_kinds_it_does_not_know_break_nothing(cloud: Cloud, old: Device) -> None:
    old.bus.apply([Pulled("hologram", child(9), "families/north", b'{"id":"x","beam":1}')], token="t")
    assert old.backend.base.get(("hologram", child(9))) is not None
    old.bus.apply([Pulled("hologram", child(9), "families/north", None)])
