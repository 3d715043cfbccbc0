"""A message's life: asked for anywhere, sent by the cloud alone, what is known of each address folded in any order."""

import itertools
from typing import Any

import pytest
from msgspec.structs import replace

from classtap_core.kernel.records import decode
from classtap_core.messaging.operations import (
    AskMessage,
    BouncedContact,
    EscalateMessage,
    ResumeContact,
    SeeUnreached,
    SettleMessage,
    StopContact,
    TellUnreached,
    TryAgain,
    WishMessages,
    settled,
)
from classtap_core.messaging.reactions import due
from classtap_core.messaging.reading import route_of
from classtap_core.messaging.records import ContactWay, Delivery, Message, PassedOver, State, Unreached, mark, way_id
from classtap_core.messaging.routing import route
from classtap_core.messaging.templates import TEMPLATES
from classtap_core.people.guardian_operations import EditGuardian, GuardianFacts
from classtap_core.people.guardians import PRIMARY, Role
from tests.unit.house.world import ANA, BEN, CLERK, CLOCK, DESK, FAMILY, MINUTE, STUDIO, ZOE, World, named, staff

GINA = named("guardian")


def stand(world: World, child: Any = ANA, **facts: Any) -> None:
    wanted = GuardianFacts(**{"roles": (Role(PRIMARY, "2026-01-01"),), **facts})
    assert world.say(EditGuardian(child=child, guardian=GINA, base=GuardianFacts(), wanted=wanted)).link.outcome.stands


def message(world: World) -> Message:
    (found,) = [decode(Message, row.body) for (kind, _), row in world.cloud.state.all().items() if kind == Message.KIND]
    return found


def alarm(world: World) -> Unreached | None:
    rows = [row for (kind, _), row in world.cloud.state.all().items() if kind == Unreached.KIND]
    return decode(Unreached, rows[0].body) if rows else None


def alarm_of(world: World) -> Unreached:
    found = alarm(world)
    assert found is not None
    return found


def delivery(state: State, **fields: Any) -> Delivery:
    made = Delivery(id=named("one"), channel="email", shown="g•••@example.com", guardians=(GINA,), state=state, at_ms=1)
    return replace(made, **fields)


def test_a_message_asked_for_at_an_offline_desk_is_kept_there_and_wanted_once_in_the_cloud() -> None:
    world = World()
    desk = world.join(DESK, role="desk")
    receipt = desk.bus.submit(AskMessage(family=FAMILY, template="pass"), staff(CLERK))
    assert receipt.outcome.stands
    assert decode(Message, desk.store.seen.all()["message", receipt.operation].body).state == "waiting"
    world.sync(DESK)
    world.sync(DESK)
    assert message(world).children == tuple(sorted((ANA, BEN)))
    effects = [one for ledger in world.cloud.ledgers for one in ledger.effects if one.kind == "message.wanted"]
    assert [one.body for one in effects] == [{"message": receipt.operation}]


def test_what_cannot_be_asked() -> None:
    world = World()
    for payload, code in (
        (AskMessage(family=named("nobody"), template="pass"), "family.unknown"),
        (AskMessage(family=FAMILY, template="spam"), "message.template"),
        (AskMessage(family=FAMILY, template="news", text="x" * 1001), "message.long"),
        (AskMessage(family=FAMILY, template="pass", children=(ZOE,)), "child.unknown"),
    ):
        assert world.say(payload).link.outcome.reasons[0].code == code


def test_whatever_order_an_address_is_told_of_the_same_is_known() -> None:
    words = [
        delivery(State.RETRY), delivery(State.RETRY, tries=2, at_ms=2), delivery(State.SENT, tries=3, at_ms=3),
        delivery(State.BOUNCED, tries=3, at_ms=9, code="5.1.1"),
    ]  # fmt: skip
    for order in itertools.permutations(words):
        known: tuple[Delivery, ...] = ()
        for word in order:
            known = settled(known, [word])
        assert known == (words[-1],)


def test_a_message_is_done_when_no_address_is_tried_any_more() -> None:
    world = World()
    world.say(AskMessage(family=FAMILY, template="pass"))
    id = message(world).id
    world.say(SettleMessage(message=id, deliveries=(delivery(State.RETRY),), routed=True), CLOCK)
    assert (message(world).state, message(world).reached) == ("sending", False)
    world.say(SettleMessage(message=id, deliveries=(delivery(State.SENT, tries=2),), routed=True), CLOCK)
    assert (message(world).state, message(world).reached) == ("done", True)
    world.say(SettleMessage(message=id, deliveries=(delivery(State.BOUNCED, tries=2, code="5.1.1"),)), CLOCK)
    assert (message(world).state, message(world).reached, message(world).deliveries[0].code) == ("done", False, "5.1.1")


def test_an_emergency_goes_on_after_five_minutes_without_a_delivery_and_no_sooner() -> None:
    world = World()
    world.say(AskMessage(family=FAMILY, template="alarm", text="Call us"))
    told = message(world)
    failed = delivery(State.FAILED)
    world.say(SettleMessage(message=told.id, deliveries=(failed,), last_wave=2, routed=True), CLOCK)
    at = message(world).wave_ms
    assert message(world).state == "sending"
    assert due(world.cloud, at + 5 * MINUTE - 1) == []
    tell, tick = due(world.cloud, at + 5 * MINUTE)
    assert (tell.payload, tick.payload) == (TellUnreached(message=told.id), EscalateMessage(message=told.id, wave=1))
    world.say(tell.payload, CLOCK)
    assert alarm_of(world).open, "staff are told at once, while it goes on"
    assert message(world).state == "sending"
    ledger = world.say(tick.payload, CLOCK)
    assert [one.body for one in ledger.effects] == [{"message": told.id, "wave": 1}]
    assert not world.say(tick.payload, CLOCK).effects
    world.say(SettleMessage(message=told.id, deliveries=(delivery(State.SENT, id=named("two")),), routed=True), CLOCK)
    assert message(world).state == "done"
    assert due(world.cloud, at + 60 * MINUTE) == []
    assert not alarm_of(world).open, "it arrived after all"


def test_an_sms_the_provider_has_not_seen_arrive_is_no_delivery_in_an_emergency() -> None:
    world = World()
    world.say(AskMessage(family=FAMILY, template="alarm", text="Call us"))
    told = message(world)
    taken = delivery(State.SENT, channel="sms", awaited=True)
    world.say(SettleMessage(message=told.id, deliveries=(taken,), last_wave=1, routed=True), CLOCK)
    assert (message(world).state, message(world).reached, message(world).arrived) == ("sending", True, False)
    assert len(due(world.cloud, message(world).wave_ms + 5 * MINUTE)) == 2
    world.say(SettleMessage(message=told.id, deliveries=(replace(taken, state=State.DELIVERED, at_ms=2),)), CLOCK)
    assert (message(world).state, message(world).arrived) == ("done", True)
    assert due(world.cloud, message(world).wave_ms + 60 * MINUTE) == []


def test_an_emergency_that_reached_nobody_is_told_staff_until_one_has_seen_it() -> None:
    world = World()
    world.say(AskMessage(family=FAMILY, template="alarm", text="Call us"))
    told = message(world)
    awaited = delivery(State.SENT, channel="sms", awaited=True)
    world.say(SettleMessage(message=told.id, deliveries=(awaited,), last_wave=0, routed=True), CLOCK)
    at = message(world).wave_ms
    assert due(world.cloud, at + 5 * MINUTE - 1) == []
    (tick,) = due(world.cloud, at + 5 * MINUTE)
    assert tick.payload == TellUnreached(message=told.id)
    assert (alarm(world), world.say(tick.payload, CLOCK).link.outcome.stands) == (None, True)
    found = alarm(world)
    assert found is not None
    assert (found.open, found.children, found.scope()) == (True, told.children, f"families/{told.home}")
    assert due(world.cloud, at + 60 * MINUTE) == [], "once"
    see = SeeUnreached(message=told.id, home=told.home, raised_ms=found.raised_ms)
    world.say(replace(see, raised_ms=0), staff(CLERK))
    assert alarm_of(world).open, "what nobody found, nobody has seen"
    for _ in range(2):
        assert world.say(see, staff(CLERK)).link.outcome.stands
    assert not alarm_of(world).open
    assert message(world).state == "done"


def test_another_try_that_fails_is_told_anew_and_one_that_arrives_is_not() -> None:
    world = World()
    world.say(AskMessage(family=FAMILY, template="alarm", text="Call us"))
    told = message(world)
    failed = delivery(State.FAILED)
    world.say(SettleMessage(message=told.id, deliveries=(failed,), routed=True), CLOCK)
    (tick,) = due(world.cloud, message(world).wave_ms)
    assert tick.payload == TellUnreached(message=told.id), (
        "every address has said no: five minutes would change nothing"
    )
    world.say(tick.payload, CLOCK)
    first = alarm_of(world)
    world.say(SeeUnreached(message=told.id, home=told.home, raised_ms=first.raised_ms), staff(CLERK))
    world.clock.advance(MINUTE)
    world.say(TryAgain(message=told.id), staff(CLERK))
    asked = world.clock.now().corrected
    assert due(world.cloud, asked + 10 * MINUTE - 1) == []
    (again,) = due(world.cloud, asked + 10 * MINUTE)
    assert again.id != tick.id
    world.say(again.payload, CLOCK)
    assert (alarm_of(world).open, alarm_of(world).raised_ms > first.raised_ms) == (True, True)
    world.clock.advance(1)
    arrived = replace(failed, state=State.DELIVERED, tries=3)
    # A later word stands over an earlier one: another address says that it has it.
    world.say(SettleMessage(message=told.id, deliveries=(replace(arrived, id=named("two")),), routed=True), CLOCK)
    assert not alarm_of(world).open


def test_an_emergency_nobody_has_an_address_for_is_told_at_once() -> None:
    world = World()
    world.say(AskMessage(family=FAMILY, template="alarm", text="Call us"))
    told = message(world)
    assert due(world.cloud, told.asked_ms + 10 * MINUTE - 1) == [], "it may still be on its way"
    world.say(SettleMessage(message=told.id, routed=True), CLOCK)
    assert [one.payload for one in due(world.cloud, told.asked_ms)] == [TellUnreached(message=told.id)]


@pytest.mark.parametrize(
    ("deliveries", "passed", "told"),
    [
        ((delivery(State.FAILED),), (), True),
        ((), (PassedOver(guardian=GINA, child=ANA, channel="email", why="no_address"),), True),
        ((), (PassedOver(guardian=GINA, child=ANA, why="not_wished"),), False),
        ((), (PassedOver(guardian=GINA, child=ANA, channel="sms", why="stopped"),), False),
        ((delivery(State.RETRY),), (), False),
        ((delivery(State.FAILED), delivery(State.SENT, id=named("two"))), (), False),
    ],
)
def test_an_ordinary_message_that_reached_nobody_who_should_have_it_is_told_without_an_alarm(
    deliveries: Any, passed: Any, told: bool
) -> None:
    world = World()
    world.say(AskMessage(family=FAMILY, template="news", text="Snow"))
    id = message(world).id
    settle = SettleMessage(message=id, deliveries=deliveries, passed=passed, routed=True)
    world.say(settle, CLOCK)
    found = alarm(world)
    assert (found is not None, found is not None and not found.urgent) == (told, told)
    assert due(world.cloud, message(world).asked_ms + 60 * MINUTE) == []
    world.say(TellUnreached(message=id), CLOCK)
    assert alarm(world) == found, "that is for emergencies"


def test_stop_holds_from_anybody_and_only_the_guardian_takes_it_back() -> None:
    world = World()
    stand(world)
    world.say(StopContact(items=(GINA,), channel="email"), staff(CLERK))

    def sends() -> list[tuple[str, str]]:
        found = route(TEMPLATES["news"], route_of(world.cloud, STUDIO, [ANA], day="2026-11-21"))
        return [(one.channel, one.address) for one in found.sends]

    assert sends() == [("sms", "+34600123456")]
    resumed = ResumeContact(items=(GINA,), channel="email")
    assert not world.say(resumed, staff(CLERK)).link.outcome.stands
    world.clock.advance(1)
    assert world.say(resumed, CLOCK).link.outcome.stands
    assert sends() == [("email", "gina@example.com")]


def test_a_bounce_counts_for_the_address_that_bounced() -> None:
    world = World()
    stand(world)
    word = BouncedContact(items=(GINA,), channel="email", marks=(mark(GINA, "gina@example.com"),), code="5.1.1")
    assert world.say(word, CLOCK).link.outcome.stands
    bounced = route_of(world.cloud, STUDIO, [ANA], day="2026-11-21").people[0].bounced
    assert bounced == {"email"}
    world.say(replace(word, marks=(mark(GINA, "old@example.com"),)), CLOCK)
    assert route_of(world.cloud, STUDIO, [ANA], day="2026-11-21").people[0].bounced == set()
    held = world.cloud.state.all()[ContactWay.KIND, way_id(GINA, "email")]
    assert b"example.com" not in held.body, "no address is kept in the clear"


def test_a_wish_of_the_desk_is_read_by_the_router() -> None:
    world = World()
    stand(world)
    assert world.say(WishMessages(contact=GINA, channels=("sms",), child=ANA), staff(CLERK)).link.outcome.stands
    assert not world.say(WishMessages(contact=GINA, channels=("pigeon",)), staff(CLERK)).link.outcome.stands
    told = route_of(world.cloud, STUDIO, [ANA], day="2026-11-21")
    assert [one.channel for one in route(TEMPLATES["news"], told).sends] == ["sms"]
