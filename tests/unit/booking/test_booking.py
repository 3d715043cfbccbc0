"""Places: never more than there are, whoever is offline; leases, their end, and policies by compare-and-set."""

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classtap_core.access.operations import RegisterDevice
from classtap_core.booking import rules
from classtap_core.booking.operations import (
    CancelBooking,
    CreateBooking,
    LapseLease,
    TakeLease,
    lease_id,
)
from classtap_core.booking.policy_operations import PublishPolicy
from classtap_core.booking.reactions import due
from classtap_core.booking.records import Booking, Lease, Policy, booking_id
from classtap_core.kernel.authority import CloudDraft
from classtap_core.kernel.device import Receipt
from classtap_core.kernel.ids import Id
from classtap_core.kernel.outcomes import DUPLICATE, Outcome, Status
from classtap_core.kernel.records import decode
from classtap_core.schedule.operations import AddSessions, CancelSession
from tests.unit.house.world import (
    ANA,
    BEN,
    CLERK,
    CLOCK,
    CLOUD,
    DESK,
    EVENING,
    FAMILY,
    HALF_PAST,
    KIOSK,
    MAIN,
    NINE,
    NINE_BALLET,
    OTHER_KIOSK,
    OWNER,
    STUDIO,
    TEACHER,
    ZOE,
    Member,
    World,
    device,
    named,
    planned,
    staff,
    state_of,
)

HOUR = 3_600_000


def book(session: Id, child: Id, lease: str = "") -> CreateBooking:
    return CreateBooking(session=session, child=child, family=FAMILY, location=MAIN, lease=lease, via="walk_in")


def taken(world: World, session: Id) -> int:
    bookings = [decode(Booking, body) for body in state_of(world.cloud, Booking).values()]
    return sum(one.session == session and one.state == rules.BOOKED for one in bookings)


def leases(world: World) -> list[Lease]:
    return [decode(Lease, body) for body in state_of(world.cloud, Lease).values()]


def code(outcome: Outcome) -> str:
    return outcome.reasons[0].code if outcome.reasons else ""


def lend(world: World, member: Member, session: Id, places: int = 1) -> Id:
    """A lease taken while online."""
    me = member.store.head().device
    receipt = member.bus.submit(TakeLease(session=session, places=places), device(me))
    assert receipt.outcome.status is Status.WAITING
    world.sync()
    return lease_id(receipt.operation)


def test_the_last_place_goes_once_and_the_loser_is_told_why() -> None:
    world = World()
    assert world.say(book(NINE_BALLET, ZOE)).link.outcome.status is Status.ACCEPTED
    lost = world.say(book(NINE_BALLET, BEN)).link.outcome
    assert (lost.status, code(lost), lost.reasons[0].params) == (Status.REFUSED, "booking.full", {"capacity": 2})


def test_without_a_lease_a_claim_waits_beside_the_truth() -> None:
    world = World()
    desk = world.join(DESK, role="desk")
    receipt = desk.bus.submit(book(NINE_BALLET, ZOE), staff(CLERK))
    assert (receipt.outcome.status, receipt.outcome.needs) == (Status.WAITING, ("cloud",))
    assert booking_id(STUDIO, NINE_BALLET, ZOE) not in state_of(desk.store, Booking)
    world.sync()
    assert booking_id(STUDIO, NINE_BALLET, ZOE) in state_of(desk.store, Booking)


def test_a_child_has_one_booking_in_a_session() -> None:
    world = World()
    assert world.say(book(HALF_PAST, ANA)).link.outcome == DUPLICATE
    assert world.say(CancelBooking(session=HALF_PAST, child=ANA)).link.outcome.stands
    assert world.say(CancelBooking(session=HALF_PAST, child=ANA)).link.outcome == DUPLICATE
    assert taken(world, HALF_PAST) == 1
    assert world.say(book(HALF_PAST, ANA)).link.outcome.status is Status.ACCEPTED
    assert taken(world, HALF_PAST) == 2


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (book(named("nowhere"), ANA), "session.unknown"),
        (CancelBooking(session=named("nowhere"), child=ANA), "session.unknown"),
        (CancelBooking(session=EVENING, child=ZOE), "booking.unknown"),
        (TakeLease(session=named("nowhere"), places=1), "session.unknown"),
        (TakeLease(session=EVENING, places=0), "lease.places"),
        (TakeLease(session=EVENING, places=6), "lease.places"),
    ],
)
def test_what_cannot_be_claimed(payload: CreateBooking | CancelBooking | TakeLease, expected: str) -> None:
    assert code(World().say(payload).link.outcome) == expected


def test_a_session_called_off_takes_no_bookings_and_lends_no_places() -> None:
    world = World()
    world.say(CancelSession(session=EVENING))
    assert code(world.say(book(EVENING, ZOE)).link.outcome) == "session.cancelled"
    assert code(world.say(TakeLease(session=EVENING, places=1)).link.outcome) == "session.cancelled"


def test_a_lease_lends_what_is_left_and_counts_as_taken() -> None:
    """NINE_BALLET has two places and one booking."""
    world = World()
    kiosk = world.join()
    lease = lend(world, kiosk, NINE_BALLET, 3)
    assert [(one.id, one.places, one.device) for one in leases(world)] == [(lease, 1, KIOSK)]
    assert code(world.say(book(NINE_BALLET, ZOE)).link.outcome) == "booking.full"
    assert code(world.say(TakeLease(session=NINE_BALLET, places=1)).link.outcome) == "booking.full"


def test_a_leased_booking_is_decided_here_and_stands_in_the_cloud() -> None:
    world = World()
    kiosk = world.join()
    lease = lend(world, kiosk, NINE_BALLET)
    receipt = kiosk.bus.submit(book(NINE_BALLET, ZOE, lease), device(KIOSK))
    assert receipt.outcome.status is Status.ACCEPTED
    assert booking_id(STUDIO, NINE_BALLET, ZOE) in state_of(kiosk.store, Booking)
    again = kiosk.bus.submit(book(NINE_BALLET, BEN, lease), device(KIOSK))
    assert (again.sequence, code(again.outcome)) == (None, "booking.lease_spent")
    world.sync()
    assert world.cloud.ledgers[-1].link.outcome.status is Status.ACCEPTED
    assert taken(world, NINE_BALLET) == 2
    assert kiosk.store.notices == {}
    assert [one.spent for one in leases(world)] == [(booking_id(STUDIO, NINE_BALLET, ZOE),)]


def test_a_lease_is_one_device_s_one_session_s_and_ends() -> None:
    world = World()
    kiosk, other = world.join(KIOSK), world.join(OTHER_KIOSK)
    lease = lend(world, kiosk, EVENING)
    assert code(other.bus.submit(book(EVENING, ZOE, lease), device(OTHER_KIOSK)).outcome) == "booking.lease_other"
    assert code(kiosk.bus.submit(book(HALF_PAST, ZOE, lease), device(KIOSK)).outcome) == "booking.lease_other"
    assert code(kiosk.bus.submit(book(EVENING, ZOE, named("no lease")), device(KIOSK)).outcome) == "booking.lease_other"
    kiosk.clock.advance(rules.LEASE_MS + 1)
    assert code(kiosk.bus.submit(book(EVENING, ZOE, lease), device(KIOSK)).outcome) == "booking.lease_ended"
    kiosk.clock.advance(-1)
    assert kiosk.bus.submit(book(EVENING, ZOE, lease), device(KIOSK)).outcome.status is Status.ACCEPTED


def test_a_place_of_a_lease_is_spent_once_even_if_its_booking_was_cancelled() -> None:
    """HALF_PAST has 8 places and 2 booked: 2 lent, 4 more booked, 1 of them back and gone again."""
    world = World()
    kiosk = world.join()
    lease = lend(world, kiosk, HALF_PAST, 2)
    kiosk.bus.submit(book(HALF_PAST, ZOE, lease), device(KIOSK))
    world.sync()
    world.say(CancelBooking(session=HALF_PAST, child=ZOE))
    world.sync()
    for number in range(5):
        world.say(book(HALF_PAST, named(f"other {number}")))
    assert (taken(world, HALF_PAST), sum(rules.unspent(one) for one in leases(world))) == (7, 1)
    again = kiosk.bus.submit(book(HALF_PAST, ZOE, lease), device(KIOSK))
    assert (again.sequence, code(again.outcome)) == (None, "booking.lease_spent")
    assert kiosk.bus.submit(book(HALF_PAST, BEN, lease), device(KIOSK)).outcome == DUPLICATE
    assert kiosk.bus.submit(book(HALF_PAST, named("last"), lease), device(KIOSK)).outcome.stands
    world.sync()
    assert taken(world, HALF_PAST) == 8


def lapse(world: World) -> list[Outcome]:
    drafts = [CloudDraft(tick.payload, CLOCK, "clock", id=tick.id) for tick in due(world.cloud, world.clock.wall)]
    return [ledger.link.outcome for ledger in world.authority.author_all(CLOUD, drafts)] if drafts else []


def test_a_lease_lapses_once_when_its_grace_is_over() -> None:
    world = World()
    kiosk = world.join()
    lease = lend(world, kiosk, NINE_BALLET)
    world.clock.advance(rules.LEASE_MS + rules.LEASE_GRACE_MS)
    assert due(world.cloud, world.clock.wall) == []
    (held,) = leases(world)
    tick = LapseLease(lease=lease, session=NINE_BALLET, location=MAIN)
    assert code(world.say(tick, CLOCK).link.outcome) == "tick.not_due"
    world.clock.advance(1)
    assert [one.id for one in due(world.cloud, world.clock.wall)] == [rules.lapse_id(held)]
    assert [one.status for one in lapse(world)] == [Status.ACCEPTED]
    assert lapse(world) == []
    assert world.say(tick, CLOCK).link.outcome == DUPLICATE
    missing = LapseLease(lease=named("none"), session=NINE_BALLET, location=MAIN)
    assert code(world.say(missing, CLOCK).link.outcome) == "lease.unknown"
    assert world.say(book(NINE_BALLET, ZOE)).link.outcome.status is Status.ACCEPTED


def test_only_the_clock_may_let_a_lease_lapse() -> None:
    tick = LapseLease(lease=named("x"), session=NINE_BALLET, location=MAIN)
    assert code(World().say(tick, staff(OWNER)).link.outcome) == "permission.clock_only"


@pytest.mark.parametrize("place_gone", [False, True])
def test_what_was_spent_before_a_lease_lapsed_stands_only_while_there_is_room(place_gone: bool) -> None:
    world = World()
    kiosk = world.join()
    lease = lend(world, kiosk, NINE_BALLET)
    kiosk.bus.submit(book(NINE_BALLET, ZOE, lease), device(KIOSK))
    world.clock.advance(rules.LEASE_MS + rules.LEASE_GRACE_MS + 1)
    lapse(world)
    if place_gone:
        assert world.say(book(NINE_BALLET, BEN)).link.outcome.stands
    world.sync()
    assert taken(world, NINE_BALLET) == 2
    told = [(notice.before.status, notice.now.status) for notice in kiosk.store.notices.values()]
    assert told == ([(Status.ACCEPTED, Status.REFUSED)] if place_gone else [])
    assert (booking_id(STUDIO, NINE_BALLET, ZOE) in state_of(kiosk.store, Booking)) is not place_gone


MEMBERS = tuple(named(f"kiosk {number}") for number in range(8))
CROWDED = named("crowded")
CHILDREN = tuple(named(f"child {number}") for number in range(12))

steps = st.lists(
    st.one_of(
        st.tuples(st.just("take"), st.integers(0, 7), st.integers(1, 3)),
        st.tuples(st.just("book"), st.integers(0, 7), st.integers(0, 11)),
        st.tuples(st.just("sync"), st.integers(0, 7), st.just(0)),
        st.tuples(st.just("desk"), st.just(0), st.integers(0, 11)),
        st.tuples(st.just("cancel"), st.just(0), st.integers(0, 11)),
        st.tuples(st.just("wait"), st.just(0), st.sampled_from([HOUR, rules.LEASE_MS, rules.LEASE_GRACE_MS + 1])),
    ),
    max_size=30,
)


@hypothesis.settings(max_examples=40)
@given(capacity=st.integers(0, 6), plan=steps)
def test_eight_devices_with_leases_never_oversell(capacity: int, plan: list[tuple[str, int, int]]) -> None:
    world = _crowded(capacity)
    for what, who, number in plan:
        member = world.members[MEMBERS[who]]
        me = device(MEMBERS[who])
        if what == "take":
            member.bus.submit(TakeLease(session=CROWDED, places=number), me)
            world.sync(MEMBERS[who])
        elif what == "book":
            _spend(member, MEMBERS[who], CHILDREN[number])
        elif what == "sync":
            world.sync(MEMBERS[who])
        elif what == "desk":
            world.say(book(CROWDED, CHILDREN[number]))
        elif what == "cancel":
            world.say(CancelBooking(session=CROWDED, child=CHILDREN[number]))
        else:
            world.clock.advance(number)
            for one in world.members.values():
                one.clock.advance(number)
            lapse(world)
        assert taken(world, CROWDED) + sum(rules.unspent(one) for one in leases(world)) <= capacity
    world.sync()
    world.sync()
    assert taken(world, CROWDED) + sum(rules.unspent(one) for one in leases(world)) <= capacity
    for member in world.members.values():
        assert state_of(member.store, Booking) == state_of(world.cloud, Booking)


def test_eight_kiosks_cut_off_sell_exactly_what_they_were_lent() -> None:
    """Five places, eight kiosks: five get one each, and every one of them tries to sell two."""
    world = _crowded(5)
    for id in MEMBERS:
        world.members[id].bus.submit(TakeLease(session=CROWDED, places=1), device(id))
        world.sync(id)
    assert sum(one.places for one in leases(world)) == 5
    sold = [
        receipt.outcome.status
        for number, child in enumerate(CHILDREN)
        if (receipt := _spend(world.members[MEMBERS[number % 8]], MEMBERS[number % 8], child)) is not None
    ]
    assert sold == [Status.ACCEPTED] * 5
    world.sync()
    assert taken(world, CROWDED) == 5
    assert all(member.store.notices == {} or not _spent(world, id) for id, member in world.members.items())


def _spent(world: World, id: Id) -> bool:
    return any(one.device == id and one.spent for one in leases(world))


def _crowded(capacity: int) -> World:
    world = World()
    world.say(AddSessions(location=MAIN, items=(planned(CROWDED, "2026-11-21T12:00", capacity=capacity),)))
    for id in MEMBERS:
        world.say(RegisterDevice(device=id, name="k", role="kiosk", location=MAIN))
        world.join(id)
    return world


def _spend(member: Member, me: Id, child: Id) -> Receipt | None:
    """Book on a lease this device holds, if it holds one."""
    held = [decode(Lease, body) for body in state_of(member.store, Lease).values()]
    mine = next((one for one in held if one.device == me and rules.unspent(one)), None)
    return None if mine is None else member.bus.submit(book(CROWDED, child, mine.id), device(me))


def test_places_left_by_hand() -> None:
    """Capacity 10, 4 booked (and 2 cancelled), 3 lent with 1 spent, 5 lent and lapsed: 10 - 4 - 2 = 4."""
    bookings = [
        Booking(
            id=named(f"b{n}"), session=EVENING, child=named(f"c{n}"), family=FAMILY, location=MAIN, date="2026-11-21",
            state=rules.BOOKED if n < 4 else rules.CANCELLED,
        )
        for n in range(6)
    ]  # fmt: skip
    lent = [
        Lease(id=named("l1"), device=KIOSK, location=MAIN, session=EVENING, places=3, expires_ms=NINE, state="open",
              spent=(named("b0"),)),
        Lease(id=named("l2"), device=KIOSK, location=MAIN, session=EVENING, places=5, expires_ms=NINE, state="lapsed"),
    ]  # fmt: skip
    assert rules.places_left(10, bookings, lent) == 4
    assert rules.places_left(3, bookings, lent) == -3


def test_a_policy_is_published_over_the_version_its_author_saw() -> None:
    world = World()
    first = PublishPolicy(name="late", head=0, values={"after_min": 10})
    assert world.say(first).link.outcome.status is Status.ACCEPTED
    behind = world.say(PublishPolicy(name="late", head=0, values={"after_min": 20})).link.outcome
    assert (behind.status, code(behind), behind.reasons[0].params) == (Status.REFUSED, "policy.head_moved", {"head": 1})
    assert world.say(PublishPolicy(name="late", head=1, values={"after_min": 20})).link.outcome.stands
    (body,) = state_of(world.cloud, Policy).values()
    held = decode(Policy, body)
    assert (held.version, held.values, held.published_ms) == (2, {"after_min": 20}, NINE)


def test_of_two_desks_that_publish_offline_the_second_must_look_again() -> None:
    world = World()
    one, other = world.join(DESK, role="desk"), world.join(named("second desk"), role="desk")
    world.say(RegisterDevice(device=named("second desk"), name="D2", role="desk"))
    world.sync()
    for member, minutes in ((one, 5), (other, 6)):
        receipt = member.bus.submit(PublishPolicy(name="late", head=0, values={"m": minutes}), staff(OWNER))
        assert receipt.outcome.status is Status.WAITING
    world.sync()
    assert [notice.now.status for notice in other.store.notices.values()] == [Status.REFUSED]
    assert one.store.notices == {}
    (body,) = state_of(world.cloud, Policy).values()
    assert decode(Policy, body).values == {"m": 5}


def test_an_instructor_books_nobody() -> None:
    world = World()
    outcome = world.say(book(EVENING, ZOE), staff(TEACHER)).link.outcome
    assert (outcome.status, code(outcome)) == (Status.REFUSED, "permission.denied")
    assert booking_id(STUDIO, EVENING, ZOE) not in state_of(world.cloud, Booking)
