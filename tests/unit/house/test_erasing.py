"""A person is erased: the cloud decides, every device forgets with the next pull, both chains still verify, others stay whole."""

from typing import Any

import pytest

from classtap_core.checkin.operations import ChildMark
from classtap_core.checkin.records import Attendance
from classtap_core.kernel.chain import ChainRow, verify_device, verify_studio
from classtap_core.kernel.erasure import Erasure
from classtap_core.kernel.memory import MemoryCloud, MemoryDevice
from classtap_core.kernel.outcomes import Status
from classtap_core.people.erasing import ErasePeople
from classtap_core.people.records import Badge, Child, ChildHealth, Contact, Family
from tests.unit.house.world import (
    ANA,
    BEN,
    CLERK,
    DESK,
    FAMILY,
    HALF_PAST,
    KIOSK,
    NINE_BALLET,
    OWNER,
    TEACHER,
    World,
    named,
    staff,
    state_of,
)

WORDS = (b"Ana", b"Peanut", b"2019-03-01")
GINA = named("guardian")


def everything(place: MemoryCloud | MemoryDevice) -> bytes:
    """Every byte of rows and log parts."""
    if isinstance(place, MemoryCloud):
        parts = [ledger.parts for ledger in place.ledgers] + [ledger.change_parts for ledger in place.ledgers]
        changes = [ledger.changes for ledger in place.ledgers]
        tables = [place.state]
    else:
        parts, changes, tables = (
            [entry.parts for entry in place.log],
            [entry.changes for entry in place.log],
            [place.seen, place.base],
        )
    rows = [row.body for table in tables for row in table.all().values()]
    return b"".join([*rows, *(data for one in parts for data in one.values()), repr(changes).encode()])


@pytest.fixture
def world() -> World:
    return World()


def joined(world: World) -> tuple[Any, Any]:
    return world.join(DESK, role="desk"), world.join(KIOSK, role="kiosk")


def test_everybody_forgets_and_the_chains_stand(world: World) -> None:
    desk, kiosk = joined(world)
    kiosk.mark(NINE_BALLET, ChildMark(child=ANA, state="absent", reason="sick", note="Ana has the flu"))
    kiosk.mark(HALF_PAST, ChildMark(child=BEN, state="present"))
    world.sync()
    places = (world.cloud, desk.store, kiosk.store)
    assert all(b"flu" in everything(place) for place in places)
    assert world.say(ErasePeople(people=(ANA,), why="request"), staff(OWNER)).link.outcome.status is Status.ACCEPTED
    world.sync()
    for place in places:
        there = everything(place)
        assert [word for word in (*WORDS, b"flu") if word in there] == []
        assert ANA not in state_of(place, Child)
        assert ANA in state_of(place, Erasure)
        assert b"Ben" in there
        assert BEN in state_of(place, Child)
    for record in (Child, ChildHealth, Badge, Contact, Family, Attendance):
        assert state_of(desk.store, record) == state_of(world.cloud, record)
    links = [ChainRow(one.link.sequence, one.link_data, one.change_parts) for one in world.cloud.ledgers]
    assert verify_studio(links, head=world.cloud.ledgers[-1].link_hash).ok
    entries = [ChainRow(one.sequence, one.data, one.parts) for one in kiosk.store.log]
    assert verify_device(entries, head=kiosk.store.head().hash).ok


def test_a_device_without_the_cloud_only_asks(world: World) -> None:
    desk, _ = joined(world)
    receipt = desk.bus.submit(ErasePeople(people=(ANA,), why="request"), staff(OWNER))
    assert receipt.outcome.status is Status.WAITING
    assert ANA in state_of(desk.store, Child)
    world.sync()
    assert ANA not in state_of(desk.store, Child)


def test_who_and_how(world: World) -> None:
    def outcome(author: Any = OWNER, **fields: Any) -> str:
        said = world.say(ErasePeople(**{"people": (ANA,), "why": "request", **fields}), staff(author)).link.outcome
        return said.reasons[0].code if said.reasons else str(said.status)

    assert outcome(CLERK) == outcome(TEACHER) == "permission.denied"
    assert (
        outcome(why="spite")
        == outcome(people=())
        == outcome(people=tuple(named(str(n)) for n in range(51)))
        == "erase.asked"
    )
    assert outcome(people=(OWNER,)) == "erase.self"
    assert outcome(people=(named("nobody"),)) == "erase.unknown"
    assert outcome(people=(FAMILY, ANA)) == "erase.household"
    assert outcome(people=(FAMILY, ANA, BEN, GINA)) == "accepted"
    assert outcome(people=(FAMILY, ANA, BEN, GINA)) == "duplicate"
    assert len(state_of(world.cloud, Erasure)) == 4


def test_what_a_device_had_not_sent_about_an_erased_child_is_set_aside(world: World) -> None:
    _, kiosk = joined(world)
    kiosk.mark(NINE_BALLET, ChildMark(child=ANA, state="late", reason="tram", note="Ana missed the tram"))
    world.say(ErasePeople(people=(ANA,), why="request"), staff(OWNER))
    world.pull(KIOSK)
    assert b"tram" not in everything(kiosk.store)
    world.sync()
    assert b"tram" not in everything(world.cloud)
