"""A person is erased: the cloud decides, every device forgets with the next pull, both chains still verify, others stay whole."""

from typing import Any

import pytest

from classtap_core.checkin.attendees import IssueAttendeePass
from classtap_core.checkin.operations import ChildMark
from classtap_core.checkin.records import Attendance
from classtap_core.checkin.scanning import HeldPasses
from classtap_core.kernel.chain import ChainRow, verify_device, verify_studio
from classtap_core.kernel.erasure import Erasure
from classtap_core.kernel.memory import MemoryCloud, MemoryDevice
from classtap_core.kernel.outcomes import Status
from classtap_core.passes.operations import IssuePass, PassRevoked
from classtap_core.passes.records import Pass, PassRevocation
from classtap_core.people.erasing import RESTORED, EraseAgain, ErasePeople
from classtap_core.people.records import Badge, Child, ChildHealth, Contact, Family
from tests.unit.house.world import (
    ANA,
    BEN,
    CLERK,
    CLOCK,
    DESK,
    FAMILY,
    HALF_PAST,
    KIOSK,
    MAIN,
    NINE_BALLET,
    NORTH,
    OTHER_KIOSK,
    OWNER,
    STUDIO,
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


HANDLE = "00000000000000a7"


def revoked_through(place: MemoryDevice) -> int | None:
    """Up to which epoch a device knows the family's pass to be revoked."""
    state = HeldPasses(place, STUDIO).state(int(HANDLE, 16))
    return None if state is None else state.revoked_through


def test_the_pass_of_an_erased_family_is_revoked_at_every_door(world: World) -> None:
    world.say(IssuePass(family=FAMILY, home=MAIN, handle=HANDLE, issued_s=1, expires_s=2))
    world.say(IssuePass(family=FAMILY, home=MAIN, handle=HANDLE, issued_s=1, expires_s=2, because="schedule"))
    here = world.join(KIOSK, role="kiosk")
    there = world.join(OTHER_KIOSK, role="kiosk", location=NORTH)
    assert (revoked_through(here.store), revoked_through(there.store)) == (None, None)
    ledger = world.say(ErasePeople(people=(FAMILY, ANA, BEN, GINA), why="request"), staff(OWNER))
    world.sync()
    assert not state_of(there.store, Pass), "a door elsewhere knows the number alone"
    assert (revoked_through(here.store), revoked_through(there.store)) == (2, 2)
    assert [intent.kind for intent in ledger.effects] == [PassRevoked.KIND], "wallets void what they show"
    again = IssuePass(family=FAMILY, home=MAIN, handle=HANDLE, issued_s=1, expires_s=2)
    assert world.say(again).link.outcome.reasons[0].code == "pass.revoked"


def test_a_family_that_a_restored_cloud_erases_again_has_no_pass_either(world: World) -> None:
    world.say(IssuePass(family=FAMILY, home=MAIN, handle=HANDLE, issued_s=1, expires_s=2))
    kiosk = world.join(KIOSK, role="kiosk")
    world.say(EraseAgain(person=FAMILY), CLOCK)
    world.sync()
    assert RESTORED.encode() in state_of(kiosk.store, Erasure)[FAMILY]
    assert revoked_through(kiosk.store) == 1
    assert len(state_of(kiosk.store, PassRevocation)) == 1


def test_who_has_no_pass_leaves_none_revoked(world: World) -> None:
    ledger = world.say(ErasePeople(people=(FAMILY, ANA, BEN, GINA), why="request"), staff(OWNER))
    assert ledger.link.outcome.stands
    assert not state_of(world.cloud, PassRevocation)
    assert not ledger.effects


def test_an_erased_child_s_pass_to_a_class_admits_nobody(world: World) -> None:
    asked = IssueAttendeePass(
        session=NINE_BALLET, child=ANA, handle=HANDLE, token="0" * 12, issued_s=1, expires_s=2, entry_limit=3
    )
    assert world.say(asked).link.outcome.stands
    kiosk = world.join(KIOSK, role="kiosk")
    assert revoked_through(kiosk.store) is None
    world.say(ErasePeople(people=(ANA,), why="request"), staff(OWNER))
    world.sync()
    assert revoked_through(kiosk.store) == 1
