"""Giving a child back: to who may take it, once, by staff; a block beats everything, a second time is an alarm."""

import pytest

from classtap_core.access.rules import scopes_for
from classtap_core.checkin.handing import (
    WrongCodes,
    child_of_code,
    still_here,
    to_hand,
    to_hand_by_code,
    who_may_take,
)
from classtap_core.checkin.operations import ChildMark, MarkAttendance
from classtap_core.checkin.pickup import MakePickupCode, PickupCode
from classtap_core.checkin.reading import search
from classtap_core.checkin.release import CODE, KNOWN, HandOver, Release
from classtap_core.kernel.envelope import Author
from classtap_core.kernel.errors import NotHeld
from classtap_core.kernel.ids import Id
from classtap_core.kernel.outcomes import Status
from classtap_core.kernel.records import decode
from classtap_core.people.guardian_operations import BlockGuardian, EditGuardian, GuardianFacts
from classtap_core.people.guardians import EMERGENCY, PICKUP, PRIMARY, Role
from classtap_core.people.operations import ContactDraft
from classtap_core.people.profile_operations import AddContacts
from classtap_core.schedule.records import Session
from tests.unit.house.world import (
    ANA,
    BEN,
    CLERK,
    CLOCK,
    FAMILY,
    HALF_PAST,
    KIOSK,
    MAIN,
    MINUTE,
    NINE,
    OWNER,
    STUDIO,
    World,
    named,
    staff,
    state_of,
)

DAY = "2026-11-21"
GINA, NAN, ERNA = named("gina"), named("nan"), named("erna")


@pytest.fixture
def world() -> World:
    made = World()
    people = tuple(
        ContactDraft(contact=adult, relation="other", name=name, email=f"{name.lower()}@example.com")
        for adult, name in ((GINA, "Gina"), (NAN, "Nan"), (ERNA, "Erna"))
    )
    assert made.say(AddContacts(family=FAMILY, home=MAIN, contacts=people)).link.outcome.stands
    for adult, role in ((GINA, PRIMARY), (NAN, PICKUP), (ERNA, EMERGENCY)):
        wanted = GuardianFacts(roles=(Role(role, "2026-01-01"),))
        said = EditGuardian(child=ANA, guardian=adult, base=GuardianFacts(), wanted=wanted)
        assert made.say(said).link.outcome.stands
    made.say(MarkAttendance(session=HALF_PAST, items=(ChildMark(child=ANA, state="present"),)))
    made.say(MakePickupCode(session=HALF_PAST, child=ANA, seed="5e" * 16), CLOCK)
    return made


def hand(world: World, adult: Id = GINA, *, method: str = CODE, by: Author | None = None) -> tuple[Status, str]:
    said = HandOver(session=HALF_PAST, child=ANA, adult=adult, method=method)
    outcome = world.say(said, by or staff(CLERK)).link.outcome
    return outcome.status, outcome.reasons[0].code if outcome.reasons else ""


def given(world: World) -> list[tuple[Id, str, Id]]:
    return [
        (one.adult, one.method, one.by)
        for body in state_of(world.cloud, Release).values()
        for one in decode(Release, body).handed
    ]


def test_a_code_leads_to_its_child_and_to_who_may_take_it(world: World) -> None:
    (code,) = [decode(PickupCode, body).code for body in state_of(world.cloud, PickupCode).values()]
    sessions = [decode(Session, body) for body in state_of(world.cloud, Session).values()]
    found = child_of_code(world.cloud, STUDIO, sessions, code, now_ms=NINE)
    assert found is not None
    assert (found[0].id, found[1]) == (HALF_PAST, ANA)
    other = f"{(int(code) + 1) % 10**6:06}"
    assert child_of_code(world.cloud, STUDIO, sessions, other, now_ms=NINE) is None
    assert child_of_code(world.cloud, STUDIO, sessions, code, now_ms=NINE + 86_400_000) is None, "another day"
    taking = {one.adult: one.why for one in who_may_take(world.cloud, ANA, day=DAY)}
    assert taking == {GINA: "", NAN: "", ERNA: "pickup.not_allowed"}
    assert who_may_take(world.cloud, BEN, day=DAY) == []


def test_staff_give_a_child_to_who_may_take_it_and_to_nobody_else(world: World) -> None:
    assert hand(world, named("stranger")) == (Status.REFUSED, "pickup.unknown_adult")
    assert hand(world, ERNA) == (Status.REFUSED, "pickup.not_allowed")
    assert hand(world, method="guess") == (Status.REFUSED, "pickup.staff")
    assert given(world) == []
    assert hand(world, NAN, method=KNOWN) == (Status.ACCEPTED, "")
    assert given(world) == [(NAN, KNOWN, CLERK)]


def test_a_block_beats_every_role(world: World) -> None:
    assert world.say(BlockGuardian(child=ANA, guardian=GINA, reason="court order"), staff(OWNER)).link.outcome.stands
    assert hand(world) == (Status.REFUSED, "pickup.blocked")
    assert [one.adult for one in who_may_take(world.cloud, ANA, day=DAY)][-1] == GINA, "kept from it: last"
    assert given(world) == []


def test_a_second_time_is_an_alarm_and_both_words_are_kept(world: World) -> None:
    assert hand(world)[0] is Status.ACCEPTED
    assert hand(world, NAN) == (Status.SUPERSEDED, "pickup.already")
    assert [adult for adult, _, _ in given(world)] == [GINA, NAN]


def test_three_wrong_codes_pause_for_two_minutes() -> None:
    wrong = WrongCodes()
    for _ in range(3):
        assert wrong.paused_until(NINE) is None
        wrong = wrong.after(NINE)
    assert wrong.paused_until(NINE) == NINE + 2 * MINUTE
    assert wrong.paused_until(NINE + 2 * MINUTE) is None
    assert wrong.after(NINE + 2 * MINUTE).paused_until(NINE + 2 * MINUTE) is None, "three more"


def test_what_was_done_where_a_block_was_not_known_is_kept_and_must_be_looked_at(world: World) -> None:
    """The law of operations: a fact is never lost. The kiosk was out of touch when the block was said."""
    kiosk = world.join()
    assert world.say(BlockGuardian(child=ANA, guardian=GINA, reason="court order"), staff(OWNER)).link.outcome.stands
    told = kiosk.bus.submit(HandOver(session=HALF_PAST, child=ANA, adult=GINA, method=KNOWN), staff(CLERK))
    assert told.outcome.status is Status.ACCEPTED
    (answer,) = world.push(KIOSK)
    assert answer.outcome.status is Status.ACCEPTED
    assert [one.code for one in answer.outcome.reasons] == ["gate.pickup_blocked"]
    assert answer.outcome.obligations == ({"review": "gate.pickup_blocked"},)
    assert given(world) == [(GINA, KNOWN, CLERK)]
    world.pull(KIOSK)
    assert [one.handed[0].adult for one in search(kiosk.store, Release, "by_session", HALF_PAST)] == [GINA]
    (notice,) = kiosk.store.notices.values()
    assert notice.now.reasons == answer.outcome.reasons, "whoever told it is told"
    again = kiosk.bus.submit(HandOver(session=HALF_PAST, child=ANA, adult=GINA, method=KNOWN), staff(CLERK))
    assert (again.outcome.status, again.outcome.reasons[0].code) == (Status.REFUSED, "pickup.blocked")


def test_who_is_still_here_and_whom_a_kiosk_may_give_them_to(world: World) -> None:
    """A kiosk reads it from what it holds; a child it does not hold is not nobody's."""
    kiosk = world.join()
    assert [(one.child, one.name, one.taught) for one in still_here(kiosk.store, location=MAIN, day=DAY)] == [
        (ANA, "Ana Núñez", "Yoga")
    ]
    (code,) = [decode(PickupCode, body).code for body in state_of(world.cloud, PickupCode).values()]
    found = to_hand_by_code(kiosk.store, STUDIO, code, location=MAIN, day=DAY, now_ms=NINE)
    assert found is not None
    assert (found.name, found.taught, found.ask, found.given) == ("Ana Núñez", "Yoga", False, None)
    assert {one.adult: one.why for one in found.taking} == {GINA: "", NAN: "", ERNA: "pickup.not_allowed"}
    assert world.say(BlockGuardian(child=ANA, guardian=NAN, reason="court order"), staff(OWNER)).link.outcome.stands
    world.pull(KIOSK)
    found = to_hand(kiosk.store, STUDIO, HALF_PAST, ANA)
    assert found.ask, "there is something to ask about"
    assert {one.adult: one.why for one in found.taking}[NAN] == "pickup.blocked"
    said = HandOver(session=HALF_PAST, child=ANA, adult=GINA, method=CODE)
    assert kiosk.bus.submit(said, staff(CLERK)).outcome.status is Status.ACCEPTED
    assert still_here(kiosk.store, location=MAIN, day=DAY) == []
    given = to_hand(kiosk.store, STUDIO, HALF_PAST, ANA).given
    assert given is not None
    assert (given.adult, given.by) == (GINA, CLERK)


def test_a_child_that_is_not_held_here_is_never_nobodys(world: World) -> None:
    (code,) = [decode(PickupCode, body).code for body in state_of(world.cloud, PickupCode).values()]
    kiosk = world.join(scopes=tuple(one for one in scopes_for("kiosk", MAIN) if not one.startswith("families")))
    with pytest.raises(NotHeld):
        to_hand_by_code(kiosk.store, STUDIO, code, location=MAIN, day=DAY, now_ms=NINE)
