"""The segment and the money of a grant are real where something has them: sessions are for kids or adults, packs have prices."""

import pytest
from msgspec.structs import replace

from classtap_core.access.operations import AddStaff, GiveGrant
from classtap_core.booking.operations import CreateBooking
from classtap_core.booking.policy_operations import PublishPolicy
from classtap_core.booking.rescheduling import ChangeSession
from classtap_core.kernel.ids import Id
from classtap_core.kernel.operations import Payload
from classtap_core.kernel.records import decode
from classtap_core.schedule.offer_operations import PublishPack
from classtap_core.schedule.operations import AddClass, AddSessions, of_session
from classtap_core.schedule.records import Rate, Session
from classtap_core.schedule.series import Change
from classtap_core.schedule.series_operations import PlanSeries
from tests.unit.house.world import (
    ANA,
    BALLET,
    EVENING,
    FAMILY,
    MAIN,
    RED,
    TEACHER,
    World,
    named,
    planned,
    staff,
    state_of,
)

COACH, TANGO, LATE = named("coach"), named("tango"), named("late")
PACK = PublishPack(
    pack=named("pack"), head=0, name="Ten", form="group", currency="EUR", rates=(Rate("ten", 10, 12_000, 15_000),),
    class_types=(BALLET,),
)  # fmt: skip
RULES = PublishPolicy(name="checkin", head=0, values={"after_min": 30})


@pytest.fixture
def world() -> World:
    """Evening is of ballet, for children; late is of tango, for adults."""
    made = World()
    said = AddSessions(
        location=MAIN,
        items=(planned(LATE, "2026-11-21T20:00", room=RED, kind=TANGO),),
        despite=("conflict.instructor",),
    )
    for payload in (AddClass(class_type=TANGO, name="Tango", audience="adults"), said, AddStaff(staff=COACH, name="C")):
        assert made.say(payload).link.outcome.stands
    return made


def give(
    world: World, role: str = "front_desk", *, does: tuple[str, ...] = (), deny: bool = False, segment: str = "",
    money: str = "",
) -> None:  # fmt: skip
    grant = named(f"{role}{does}{deny}{segment}{money}")
    said = GiveGrant(grant=grant, holder=COACH, role=role, capabilities=does, deny=deny, segment=segment, money=money)
    assert world.say(said).link.outcome.stands


def may(world: World, payload: Payload) -> bool:
    outcome = world.say(payload, staff(COACH)).link.outcome
    assert outcome.stands or outcome.reasons[0].code == "permission.denied", outcome
    return outcome.stands


def book(session: Id) -> CreateBooking:
    return CreateBooking(session=session, child=ANA, family=FAMILY, location=MAIN)


def session(world: World, id: Id) -> Session:
    found: Session = decode(Session, state_of(world.cloud, Session)[id])
    return found


def test_a_role_for_children_s_classes_books_in_those_alone(world: World) -> None:
    give(world, segment="kids")
    assert (may(world, book(EVENING)), may(world, book(LATE))) == (True, False)


def test_a_denial_for_adults_classes_bites_in_those_alone(world: World) -> None:
    give(world)
    give(world, "", does=("create_booking",), deny=True, segment="adults")
    assert (may(world, book(EVENING)), may(world, book(LATE))) == (True, False)


def test_sessions_are_for_whom_their_class_is_however_they_came(world: World) -> None:
    assert (session(world, EVENING).audience, session(world, LATE).audience) == ("kids", "adults")
    series = PlanSeries(
        series=named("s"), location=MAIN, class_type=TANGO, room=RED, instructor=TEACHER, start="2026-11-23T20:00",
        rule="FREQ=WEEKLY;COUNT=2", duration_min=45, capacity=8,
    )  # fmt: skip
    assert world.say(series).link.outcome.stands
    found = [decode(Session, body) for body in state_of(world.cloud, Session).values()]
    assert [one.audience for one in found if one.series] == ["adults", "adults"]
    said = ChangeSession(session=EVENING, change=Change(class_type=TANGO), despite=("conflict.instructor",))
    assert world.say(said).link.outcome.stands
    assert session(world, EVENING).audience == "adults"


def test_of_a_session_from_before_nobody_knows_whom_it_is_for(world: World) -> None:
    assert of_session(replace(session(world, EVENING), audience="")).segment is None
    assert of_session(session(world, EVENING)).segment == "kids"


def test_who_sets_prices_publishes_packs_and_no_rules(world: World) -> None:
    give(world, "", does=("publish_policy",), money="prices")
    assert (may(world, PACK), may(world, RULES)) == (True, False)


def test_a_denial_of_refunds_leaves_prices_and_one_of_prices_does_not(world: World) -> None:
    give(world, "manager")
    give(world, "", does=("publish_policy",), deny=True, money="refunds")
    assert may(world, PACK)
    give(world, "", does=("publish_policy",), deny=True, money="prices")
    assert not may(world, replace(PACK, head=1, name="Eleven"))
